// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/read_layers.h"

#include <atomic>
#include <utility>

#include "base/error.h"
#include "base/parallel.h"
#include "ocilayout/bounds.h"
#include "ocilayout/decompress.h"
#include "ocilayout/layer_record.h"
#include "ocilayout/tar_reader.h"

namespace smith::ocilayout {

namespace {

/// Bounds what all layers together become.
class BudgetSource : public ByteSource {
public:
    BudgetSource(std::unique_ptr<ByteSource> inner, std::atomic<std::uint64_t>& used)
        : inner_(std::move(inner)), used_(used) {}

    std::size_t read(std::span<std::byte> buffer) override {
        const std::size_t got = inner_->read(buffer);
        if (used_.fetch_add(got) + got > limits::kMaxImageBytes) {
            throw Error(ErrorKind::format,
                        "the layers hold more than the " + std::to_string(limits::kMaxImageBytes) + " bytes allowed");
        }
        return got;
    }

private:
    std::unique_ptr<ByteSource> inner_;
    std::atomic<std::uint64_t>& used_;
};

/// A layer as it is in the cache.
struct CachedLayer {
    std::shared_ptr<const Pack> pack;
    std::unique_ptr<LayerRecordReader> record;
};

std::optional<CachedLayer> find_cached(const Layer& layer, const ContentStore& store) {
    CachedLayer out;
    out.record = LayerRecordReader::open(store, layer.digest, layer.diff_id);
    if (!out.record) return std::nullopt;
    out.pack = store.open_pack(layer.digest);
    if (!out.pack) return std::nullopt;
    return out;
}

Descriptor blob_of(const Layer& layer) {
    Descriptor out;
    out.media_type = layer.media_type;
    out.digest = layer.digest;
    out.size = layer.size;
    return out;
}

/// `pack_for` says who gets an entry's bytes; null for nobody.
template <typename PackFor>
void unpack(ByteSource& tar_stream, const PackFor& pack_for, LayerRecordWriter& record) {
    TarReader tar(tar_stream);
    TarEntry entry;
    std::vector<std::byte> buffer(std::size_t{64} * 1024);
    std::size_t entries = 0;
    while (tar.next(entry)) {
        if (++entries > limits::kMaxTreeEntries) {
            throw Error(ErrorKind::format,
                        "more than " + std::to_string(limits::kMaxTreeEntries) + " entries in one layer");
        }
        while_doing([&] { return "entry " + quote(entry.name); },
                    [&] { record.add(read_layer_entry(tar, entry, pack_for(entry), buffer)); });
    }
    // The blob's own digest is verified at its end, which lies behind the end of the archive.
    drain(tar_stream);
}

/// Verifying and decompressing the blob, and the digest of what comes out, run on threads of their own; here is parsed
/// and stored.
template <typename PackFor>
void read_verified(const Layer& layer, const OpenBlob& open, std::atomic<std::uint64_t>& used, const PackFor& pack_for,
                   LayerRecordWriter& record) {
    const Descriptor blob = blob_of(layer);
    Digest found;
    blame_digest_first([&] { return open(blob); },
                       [&] {
                           auto opened = std::make_unique<BudgetSource>(decompressed(open(blob)), used);
                           const std::unique_ptr<ByteSource> tar_stream = read_ahead(hashing_source(
                               read_ahead(std::move(opened)), [&found](const Digest& digest) { found = digest; }));
                           unpack(*tar_stream, pack_for, record);
                       });
    if (found != layer.diff_id) {
        throw Error(ErrorKind::integrity, "it does not match the diff_id in the configuration: expected " +
                                              layer.diff_id.str() + ", got " + found.str());
    }
}

CachedLayer unpack_layer(const Layer& layer, const OpenBlob& open, const ContentStore& store,
                         std::atomic<std::uint64_t>& used) {
    PackWriter pack = store.write_pack(layer.digest);
    LayerRecordWriter record(store, layer.digest);
    read_verified(
        layer, open, used, [&](const TarEntry&) { return &pack; }, record);
    CachedLayer out;
    out.pack = pack.commit();
    // The pack is there before its record is, so that mostly both are there or none.
    out.record = LayerRecordReader::from_fd(record.commit(layer.diff_id), layer.diff_id);
    if (!out.record) throw Error(ErrorKind::system, "the record of a layer can't be read back");
    return out;
}

}  // namespace

std::string layer_name(std::size_t index) { return "layer " + std::to_string(index + 1); }

StackedLayers read_layers(std::span<const Layer> layers, const OpenBlob& open, const ContentStore& store,
                          const LayerOptions& options, Reporter& reporter) {
    std::vector<CachedLayer> cached(layers.size());
    std::atomic<std::uint64_t> used{0};
    std::atomic<std::size_t> done{0};
    reporter.progress("unpacking", 0, layers.size());
    parallel_for(options.jobs, layers.size(), [&](std::size_t i) {
        while_doing([&] { return layer_name(i); },
                    [&] {
                        std::optional<CachedLayer> known;
                        if (!options.reread) known = find_cached(layers[i], store);
                        cached[i] = known ? std::move(*known) : unpack_layer(layers[i], open, store, used);
                    });
        reporter.progress("unpacking", ++done, layers.size());
    });

    LayerStack stack;
    auto contents = std::make_shared<PackedContents>();
    for (std::size_t i = 0; i < layers.size(); ++i) {
        const std::string origin = layer_name(i) + " (" + layers[i].digest.str().substr(0, 7 + 12) + ")";
        while_doing([&] { return layer_name(i); }, [&] { stack.apply(*cached[i].record, origin); });
        cached[i].record.reset();
        contents->add(std::move(cached[i].pack));
    }
    StackedLayers out;
    out.owner = stack.owner();
    out.losses = stack.losses();
    out.warnings = stack.warnings();
    out.tree = stack.take_tree();
    out.contents = std::move(contents);
    return out;
}

GlancedLayer glance_at_layer(const Layer& layer, const OpenBlob& open, const ContentStore& store,
                             const std::function<bool(const TarEntry&)>& keep, bool must_open) {
    const Digest diff_id = layer.diff_id;
    if (!must_open && LayerRecordReader::open(store, layer.digest, diff_id)) {
        return {[&store, digest = layer.digest, diff_id] { return LayerRecordReader::open(store, digest, diff_id); },
                nullptr};
    }
    PackWriter pack = store.write_pack(layer.digest);
    LayerRecordWriter record(store, layer.digest);
    std::atomic<std::uint64_t> used{0};
    read_verified(
        layer, open, used, [&](const TarEntry& entry) { return keep(entry) ? &pack : nullptr; }, record);
    return {[fd = record.commit(diff_id), diff_id] { return LayerRecordReader::from_fd(fd, diff_id); },
            pack.finish_unnamed()};
}

}  // namespace smith::ocilayout
