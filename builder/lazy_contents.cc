// SPDX-License-Identifier: Apache-2.0
#include "builder/lazy_contents.h"

#include <algorithm>
#include <iterator>
#include <mutex>
#include <set>

#include "base/error.h"
#include "base/parallel.h"

namespace smith::builder {

struct LazyContents::Slot {
    explicit Slot(PackSource from) : source(std::move(from)) {}

    PackSource source;
    std::mutex mutex;
    std::shared_ptr<PackedContents> contents;
    bool unpacked = false;

    /// Whether this source need not be unpacked.
    bool is_packed(const ContentStore& store) {
        const std::lock_guard lock(mutex);
        if (!contents) use(store.open_pack(source.digest));
        return contents != nullptr;
    }

    /// The open pack of this source, made if the store has none. `obtain` brings the source.
    std::shared_ptr<PackedContents> ready(const ContentStore& store, const std::function<void()>& obtain) {
        const std::lock_guard lock(mutex);
        if (!contents) use(store.open_pack(source.digest));
        if (!contents) unpack(store, obtain);
        return contents;
    }

    /// `damaged` is what ready() gave. Another thread may have replaced it already.
    std::shared_ptr<PackedContents> replaced(const ContentStore& store, const std::shared_ptr<PackedContents>& damaged,
                                             const std::function<void()>& obtain) {
        const std::lock_guard lock(mutex);
        if (contents == damaged) {
            store.drop_pack(source.digest);
            unpack(store, obtain);
        }
        return contents;
    }

private:
    void unpack(const ContentStore& store, const std::function<void()>& obtain) {
        obtain();
        while_doing([&] { return "unpacking " + quote(source.name); },
                    [&] {
                        PackWriter writer = store.write_pack(source.digest);
                        source.unpack(writer);
                        use(writer.commit());
                    });
        unpacked = true;
    }

    void use(std::shared_ptr<const Pack> pack) {
        if (!pack) return;
        contents = std::make_shared<PackedContents>();
        contents->add(std::move(pack));
    }
};

LazyContents::LazyContents(const ContentStore& store, unsigned jobs, Obtain obtain)
    : store_(store), jobs_(jobs), obtain_(std::move(obtain)) {}
LazyContents::~LazyContents() = default;

void LazyContents::add(PackSource source) {
    for (const Digest& digest : source.contents) owner_.emplace(digest, slots_.size());
    slots_.push_back(std::make_unique<Slot>(std::move(source)));
}

void LazyContents::obtain(const std::vector<std::size_t>& sources) const {
    if (!obtain_) return;
    const std::lock_guard lock(obtaining_);
    obtain_(sources);
}

void LazyContents::prefetch(std::span<const Content> contents) const {
    std::set<std::size_t> needed;
    std::set<Content> ours;
    for (const Content& content : contents) {
        const auto it = owner_.find(content.digest);
        if (it == owner_.end()) continue;
        needed.insert(it->second);
        ours.insert(content);
    }
    std::vector<std::size_t> missing;
    std::ranges::copy_if(needed, std::back_inserter(missing),
                         [&](std::size_t i) { return !slots_[i]->is_packed(store_); });
    if (!missing.empty()) obtain(missing);
    parallel_for(jobs_, missing.size(), [&](std::size_t at) {
        const std::size_t i = missing[at];
        static_cast<void>(slots_[i]->ready(store_, [&] { obtain({i}); }));
    });
    // Most of what a warm build does is to hash what it reads. The first to open a content does it, for all.
    const std::vector<Content> list(ours.begin(), ours.end());
    parallel_for(jobs_, list.size(), [&](std::size_t i) { static_cast<void>(open(list[i])); });
}

Bytes LazyContents::open(const Content& content) const {
    const auto it = owner_.find(content.digest);
    if (it == owner_.end()) throw Error(ErrorKind::system, "no package has the content " + content.digest.str());
    const std::size_t index = it->second;
    Slot& slot = *slots_[index];
    const auto obtain_it = [&] { obtain({index}); };
    const std::shared_ptr<PackedContents> contents = slot.ready(store_, obtain_it);
    try {
        return contents->open(content);
    } catch (const Error&) {
        // Damaged, or a pack that lacks what the package promises. Unpacked anew, it is right, or the package is to
        // blame.
        const std::shared_ptr<PackedContents> again = slot.replaced(store_, contents, obtain_it);
        if (!again->contains(content.digest)) {
            throw Error(ErrorKind::integrity, quote(slot.source.name) + " does not hold the content " +
                                                  content.digest.str() + " that it promises");
        }
        return again->open(content);
    }
}

std::size_t LazyContents::unpacked() const {
    return static_cast<std::size_t>(std::ranges::count_if(slots_, [](const auto& slot) { return slot->unpacked; }));
}

}  // namespace smith::builder
