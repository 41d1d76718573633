// SPDX-License-Identifier: Apache-2.0
#include "builder/lazy_contents.h"

#include <algorithm>
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

    /// The open pack of this source, made if the store has none.
    std::shared_ptr<PackedContents> ready(const ContentStore& store) {
        const std::lock_guard lock(mutex);
        if (!contents) use(store.open_pack(source.digest), store);
        return contents;
    }

    /// `damaged` is what ready() gave. Another thread may have replaced it already.
    std::shared_ptr<PackedContents> replaced(const ContentStore& store,
                                             const std::shared_ptr<PackedContents>& damaged) {
        const std::lock_guard lock(mutex);
        if (contents == damaged) {
            store.drop_pack(source.digest);
            use(nullptr, store);
        }
        return contents;
    }

private:
    void use(std::shared_ptr<const Pack> pack, const ContentStore& store) {
        if (!pack) {
            while_doing([&] { return "unpacking " + quote(source.name); },
                        [&] {
                            PackWriter writer = store.write_pack(source.digest);
                            source.unpack(writer);
                            pack = writer.commit();
                        });
            unpacked = true;
        }
        contents = std::make_shared<PackedContents>();
        contents->add(std::move(pack));
    }
};

LazyContents::LazyContents(const ContentStore& store) : store_(store) {}
LazyContents::~LazyContents() = default;

void LazyContents::add(PackSource source) {
    for (const Digest& digest : source.contents) owner_.emplace(digest, slots_.size());
    slots_.push_back(std::make_unique<Slot>(std::move(source)));
}

void LazyContents::prefetch(std::span<const Content> contents, unsigned jobs) const {
    std::set<std::size_t> needed;
    for (const Content& content : contents) {
        const auto it = owner_.find(content.digest);
        if (it != owner_.end()) needed.insert(it->second);
    }
    const std::vector<std::size_t> list(needed.begin(), needed.end());
    parallel_for(jobs, list.size(), [&](std::size_t i) { static_cast<void>(slots_[list[i]]->ready(store_)); });
}

Bytes LazyContents::open(const Content& content) const {
    const auto it = owner_.find(content.digest);
    if (it == owner_.end()) throw Error(ErrorKind::system, "no package has the content " + content.digest.str());
    Slot& slot = *slots_[it->second];
    const std::shared_ptr<PackedContents> contents = slot.ready(store_);
    try {
        return contents->open(content);
    } catch (const Error&) {
        // Damaged, or a pack that lacks what the package promises. Unpacked anew, it is right, or the package is to
        // blame.
        const std::shared_ptr<PackedContents> again = slot.replaced(store_, contents);
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
