// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/part_of_image.h"

#include <algorithm>
#include <atomic>
#include <set>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/parallel.h"
#include "ocilayout/bounds.h"
#include "ocilayout/layer_stack.h"
#include "ocilayout/read_layers.h"
#include "ocilayout/upper_layers.h"

namespace smith::ocilayout {

namespace {

using Certainty = UpperLayers::Certainty;

std::string last_name(std::string_view path) {
    while (path.ends_with('/')) path.remove_suffix(1);
    return std::string(path.substr(path.rfind('/') + 1));
}

/// The layers of one image, each read once at most, and again for contents that were not foreseen.
class LayerGlances {
public:
    LayerGlances(const ComparedImage& image, const ContentStore& store, Reporter& reporter)
        : image_(image), store_(store), reporter_(reporter), glances_(image.head->layers.size()) {}

    /// Contents of entries with this last name are kept from now on.
    void want(const std::string& name) { wanted_.insert(name); }

    [[nodiscard]] std::unique_ptr<LayerRecordReader> record(std::size_t index) {
        if (!glances_[index].record) glances_[index] = glance(index, false);
        std::unique_ptr<LayerRecordReader> out = glances_[index].record();
        if (out == nullptr) {
            // Somebody cleared the cache meanwhile.
            glances_[index] = glance(index, true);
            out = glances_[index].record();
        }
        if (out == nullptr) throw Error(ErrorKind::system, "the record of a layer can't be read back");
        return out;
    }

    /// Those of the first `count` layers that were not read yet, several at a time.
    void read_all(std::size_t count, unsigned jobs) {
        parallel_for(jobs, count, [&](std::size_t i) {
            if (!glances_[i].record) glances_[i] = glance(i, false);
        });
    }

    /// Takes over what `other` read: both begin with the same `count` layers.
    void share(const LayerGlances& other, std::size_t count) {
        std::copy_n(other.glances_.begin(), count, glances_.begin());
    }

    /// A pack that has `content`, which one of the layers that were read brought.
    [[nodiscard]] std::shared_ptr<const Pack> contents(const Content& content) {
        for (std::size_t i = glances_.size(); i-- > 0;) {
            if (const auto& kept = glances_[i].contents; kept && kept->contains(content.digest)) return kept;
        }
        for (std::size_t i = glances_.size(); i-- > 0;) {
            if (!glances_[i].record || !want_names_of(i, content)) continue;
            const auto cached = store_.open_pack(image_.head->layers[i].digest);
            if (cached && is_intact(*cached, content)) return cached;
            glances_[i] = glance(i, true);
            return glances_[i].contents;
        }
        throw Error(ErrorKind::system, "no layer has content " + content.digest.str());
    }

private:
    static bool is_intact(const Pack& pack, const Content& content) {
        const auto bytes = pack.find(content.digest);
        return bytes && sha256(*bytes) == content.digest;
    }

    /// False when the layer has no such content.
    bool want_names_of(std::size_t index, const Content& content) {
        const std::unique_ptr<LayerRecordReader> entries = record(index);
        bool is_there = false;
        LayerEntry entry;
        while (entries->next(entry)) {
            if (entry.kind != TarKind::regular || entry.content != content) continue;
            want(last_name(entry.name));
            is_there = true;
        }
        return is_there;
    }

    /// A link that bears a name that is wanted leads to another one.
    bool is_wanted(const TarEntry& entry) {
        if (!wanted_.contains(last_name(entry.name))) return false;
        if (entry.kind == TarKind::symlink || entry.kind == TarKind::hard_link) want(last_name(entry.link));
        return entry.kind == TarKind::regular;
    }

    GlancedLayer glance(std::size_t index, bool must_open) {
        return while_doing([&] { return layer_name(index); },
                           [&] {
                               const auto open = [this](const Descriptor& blob) {
                                   return image_.source->open_blob(blob);
                               };
                               const auto keep = [this](const TarEntry& entry) { return is_wanted(entry); };
                               reporter_.progress("reading layers", read_++, glances_.size());
                               return glance_at_layer(image_.head->layers[index], open, store_, keep, must_open);
                           });
    }

    ComparedImage image_;
    const ContentStore& store_;
    Reporter& reporter_;
    std::vector<GlancedLayer> glances_;
    std::set<std::string> wanted_;
    std::atomic<std::size_t> read_ = 0;
};

UpperLayers upper_layers(LayerGlances& layers, std::size_t first, std::size_t end) {
    UpperLayers out;
    for (std::size_t i = first; i < end; ++i) {
        const std::unique_ptr<LayerRecordReader> record = layers.record(i);
        out.apply([&](LayerEntry& entry) { return record->next(entry); });
    }
    return out;
}

FileTree all_layers(LayerGlances& layers, std::size_t end) {
    LayerStack stack;
    for (std::size_t i = 0; i < end; ++i) {
        while_doing([&] { return layer_name(i); }, [&] { stack.apply(*layers.record(i), layer_name(i)); });
    }
    return stack.take_tree();
}

/// What the upper layers say of `path`, and what to look out for in the next one where they do not say it all.
bool decide(const UpperLayers& upper, const ImagePath& path, LayerGlances& layers, const Entry*& entry) {
    const UpperLayers::Answer answer = upper.find(path);
    entry = answer.entry;
    if (answer.certainty == Certainty::unknown) layers.want(std::string(upper.tree().resolve(path).path.name()));
    return answer.certainty != Certainty::unknown;
}

class PathFinder {
public:
    PathFinder(const ComparedImage& image, std::span<const ImagePath> paths, const ContentStore& store,
               Reporter& reporter)
        : layers_(image, store, reporter), paths_(paths), count_(image.head->layers.size()) {
        for (const ImagePath& path : paths) layers_.want(std::string(path.name()));
    }

    FoundPaths find() {
        for (std::size_t first = count_; first-- > 1;) {
            if (answer_from(upper_layers(layers_, first, count_))) return std::move(out_);
            // Each further layer costs laying all above it once more. Who has hundreds of large ones reads them all.
            if (cost_ > kMaxCost) break;
        }
        const FileTree tree = all_layers(layers_, count_);
        out_ = {};
        for (const ImagePath& path : paths_) add(tree.resolve(path).entry);
        fetch_contents();
        return std::move(out_);
    }

private:
    static constexpr std::uint64_t kMaxCost = 4 * limits::kMaxTreeEntries;

    bool answer_from(const UpperLayers& upper) {
        cost_ += upper.entries();
        out_ = {};
        bool is_all = true;
        for (const ImagePath& path : paths_) {
            const Entry* entry = nullptr;
            if (!decide(upper, path, layers_, entry)) is_all = false;
            add(entry);
        }
        if (is_all) fetch_contents();
        return is_all;
    }

    void add(const Entry* entry) {
        FoundPath found;
        if (const Regular* file = as_regular(entry)) {
            found = {FoundPath::Kind::file, file->content};
        } else if (entry != nullptr) {
            found.kind = FoundPath::Kind::directory;
        }
        out_.paths.push_back(found);
    }

    void fetch_contents() {
        auto contents = std::make_shared<PackedContents>();
        for (const FoundPath& found : out_.paths) {
            const bool is_needed = found.kind == FoundPath::Kind::file && !contents->contains(found.content.digest);
            if (is_needed) contents->add(layers_.contents(found.content));
        }
        out_.contents = std::move(contents);
    }

    LayerGlances layers_;
    std::span<const ImagePath> paths_;
    std::size_t count_;
    std::uint64_t cost_ = 0;
    FoundPaths out_;
};

/// How many layers both begin with.
std::size_t count_shared(const std::vector<Layer>& a, const std::vector<Layer>& b) {
    const auto same = [](const Layer& one, const Layer& other) { return one.diff_id == other.diff_id; };
    return static_cast<std::size_t>(std::ranges::mismatch(a, b, same).in1 - a.begin());
}

}  // namespace

FoundPaths find_paths(ImageSource& source, const ImageHead& head, std::span<const ImagePath> paths,
                      const ContentStore& store, Reporter& reporter) {
    return PathFinder({&source, &head}, paths, store, reporter).find();
}

ComparedTrees load_to_compare(const ComparedImage& before, const ComparedImage& after, const ContentStore& store,
                              unsigned jobs, Reporter& reporter) {
    const std::size_t shared = count_shared(before.head->layers, after.head->layers);
    const std::size_t ends[] = {before.head->layers.size(), after.head->layers.size()};
    if (shared == ends[0] && shared == ends[1]) return {};
    LayerGlances a(before, store, reporter);
    LayerGlances b(after, store, reporter);
    if (shared > 0) {
        const UpperLayers upper_a = upper_layers(a, shared, ends[0]);
        const UpperLayers upper_b = upper_layers(b, shared, ends[1]);
        if (UpperLayers::differ_as_their_trees(upper_a, upper_b)) return {upper_a.tree(), upper_b.tree(), false};
    }
    a.read_all(ends[0], jobs);
    b.share(a, shared);
    b.read_all(ends[1], jobs);
    return {all_layers(a, ends[0]), all_layers(b, ends[1]), true};
}

}  // namespace smith::ocilayout
