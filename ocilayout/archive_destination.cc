// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/archive_destination.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "ocilayout/archive_file.h"
#include "ocilayout/bounds.h"
#include "ocilayout/decompress.h"
#include "ocilayout/docker_archive.h"
#include "ocilayout/image.h"
#include "ocilayout/image_files.h"
#include "ocilayout/layout_destination.h"
#include "ocilayout/staged_manifests.h"
#include "ocilayout/unnamed_file.h"

namespace smith::ocilayout {

namespace {

// Nobody unpacks an archive for its owners.
constexpr Owner kRoot{0, 0};

/// What both kinds have in common: everything waits for finish().
class ArchiveDestination : public ImageDestination {
public:
    ArchiveDestination(const Reference& destination, const TransportOptions& options)
        : file_(destination.path), jobs_(options.jobs) {}

    bool has_blob(const Descriptor& blob) override {
        const std::lock_guard lock(mutex_);
        return blobs_.contains(blob.digest);
    }
    void put_blob(const Descriptor& blob, const BlobOpener& open, const std::string& /*mount_from*/) override {
        const std::lock_guard lock(mutex_);
        blobs_.try_emplace(blob.digest, Blob{blob, open});
    }
    void put_manifest(const Descriptor& descriptor, std::string_view bytes) override { staged_.add(descriptor, bytes); }
    void put_tagged(const Descriptor& descriptor, std::string_view bytes, const std::string& tag) override {
        staged_.add_tagged(descriptor, bytes, tag);
    }
    void finish() final {
        write_archive_file(file_, jobs_, [this](TarWriter& tar) { write_members(tar); });
    }

protected:
    struct Blob {
        Descriptor descriptor;
        BlobOpener open;
    };

    virtual void write_members(TarWriter& tar) = 0;
    [[nodiscard]] const std::map<Digest, Blob>& blobs() const { return blobs_; }
    [[nodiscard]] const StagedManifests& staged() const { return staged_; }

    static void copy_file(TarWriter& tar, const std::string& name, ByteSource& source, std::uint64_t size) {
        tar.begin_file(name, size, 0644, kRoot);
        copy_to(source, [&](std::span<const std::byte> bytes) { tar.data(bytes); });
    }

private:
    std::filesystem::path file_;
    unsigned jobs_;
    std::mutex mutex_;
    std::map<Digest, Blob> blobs_;
    StagedManifests staged_;
};

class OciArchiveDestination : public ArchiveDestination {
public:
    OciArchiveDestination(const Reference& destination, const TransportOptions& options)
        : ArchiveDestination(destination, options), tag_(tag_or_latest(destination)) {}

    [[nodiscard]] std::string tag() const override { return tag_; }
    [[nodiscard]] bool keeps_docker_types() const override { return false; }

protected:
    void write_members(TarWriter& tar) override {
        ParsedIndex index;
        std::vector<SmallBlob> manifests = staged().blobs();
        for (const StagedEntry& staged_entry : staged().entries()) {
            FinishedEntry finished = finish_entry(staged_entry);
            index.manifests.push_back(std::move(finished.entry));
            if (finished.referrers) manifests.push_back(std::move(*finished.referrers));
        }
        tar.file("oci-layout", kLayoutFile, 0644, kRoot);
        tar.file("index.json", to_json_text(index), 0644, kRoot);
        tar.directory("blobs", 0755, kRoot);
        tar.directory("blobs/sha256", 0755, kRoot);
        std::set<Digest> written;
        for (const auto& [descriptor, bytes] : manifests) {
            if (written.insert(descriptor.digest).second) tar.file(blob_name(descriptor.digest), bytes, 0644, kRoot);
        }
        // Configurations and artifacts are small, and wanted before any layer.
        for (const bool layers : {false, true}) {
            for (const auto& [digest, blob] : blobs()) {
                if (is_layer_type(blob.descriptor.media_type) != layers || !written.insert(digest).second) continue;
                copy_file(tar, blob_name(digest), *blob.open(), blob.descriptor.size);
            }
        }
    }

private:
    std::string tag_;
};

class DockerArchiveDestination : public ArchiveDestination {
public:
    DockerArchiveDestination(const Reference& destination, const TransportOptions& options)
        : ArchiveDestination(destination, options), tag_(destination.tag.empty() ? "" : docker_name(destination.tag)) {}

    [[nodiscard]] std::string tag() const override { return tag_; }
    [[nodiscard]] bool keeps_indexes() const override { return false; }
    [[nodiscard]] bool keeps_referrers() const override { return false; }
    [[nodiscard]] bool keeps_manifests() const override { return false; }

protected:
    void write_members(TarWriter& tar) override;

private:
    struct Prepared {
        DockerImage image;
        std::string config;
        std::vector<Descriptor> layers;
        std::vector<Digest> diff_ids;  ///< of `layers`
    };
    [[nodiscard]] std::vector<Prepared> prepare();
    [[nodiscard]] Prepared prepare_image(const SmallBlob& manifest);
    void write_layer(TarWriter& tar, const Descriptor& layer, const Digest& diff_id);
    [[nodiscard]] const Blob& blob(const Descriptor& descriptor) const {
        const auto found = blobs().find(descriptor.digest);
        if (found == blobs().end()) {
            throw Error(ErrorKind::integrity, "blob " + descriptor.digest.str() + " is missing");
        }
        return found->second;
    }

    std::string tag_;
    std::set<std::string> names_;  ///< of files that are written
};

void DockerArchiveDestination::write_layer(TarWriter& tar, const Descriptor& layer, const Digest& diff_id) {
    const std::string name = diff_id.hex() + ".tar";
    if (!names_.insert(name).second) return;
    // How large it is must stand before it, and is known when it is decompressed.
    Digest found;
    const auto decompress = [&] {
        const std::unique_ptr<ByteSource> source = hashing_source(decompressed(read_ahead(blob(layer).open())),
                                                                  [&found](const Digest& digest) { found = digest; });
        return spool(*source);
    };
    const auto [fd, size] = blame_digest_first(blob(layer).open, decompress);
    if (found != diff_id) {
        throw Error(ErrorKind::integrity, "layer " + layer.digest.str() +
                                              " does not match the diff_id in the configuration: expected " +
                                              diff_id.str() + ", got " + found.str());
    }
    copy_file(tar, name, *file_source(fd, 0, size), size);
}

std::vector<DockerArchiveDestination::Prepared> DockerArchiveDestination::prepare() {
    // Several tags may name one image.
    std::vector<Prepared> out;
    const std::vector<SmallBlob> manifests = staged().blobs();
    for (const StagedEntry& entry : staged().entries()) {
        const Digest& digest = entry.descriptor.digest;
        auto same = std::ranges::find_if(out, [&](const Prepared& one) { return one.image.manifest == digest; });
        if (same == out.end()) {
            const auto manifest =
                std::ranges::find_if(manifests, [&](const SmallBlob& one) { return one.descriptor.digest == digest; });
            out.push_back(prepare_image(*manifest));
            same = std::prev(out.end());
        }
        if (!entry.tag.empty()) same->image.tags.push_back(entry.tag);
    }
    return out;
}

DockerArchiveDestination::Prepared DockerArchiveDestination::prepare_image(const SmallBlob& manifest) {
    const ParsedManifest parsed = parse_manifest(manifest.bytes, manifest.descriptor.media_type);
    Prepared out;
    out.image.manifest = manifest.descriptor.digest;
    out.image.config = parsed.config.digest.hex() + ".json";
    out.config = read_all(*blob(parsed.config).open(), limits::kMaxConfigBytes);
    out.diff_ids = parse_image_config(out.config).diff_ids;
    out.layers = parsed.layers;
    if (out.diff_ids.size() != out.layers.size()) {
        throw Error(ErrorKind::format, "the manifest has " + std::to_string(out.layers.size()) +
                                           " layers, the configuration " + std::to_string(out.diff_ids.size()));
    }
    for (const Digest& diff_id : out.diff_ids) out.image.layers.push_back(diff_id.hex() + ".tar");
    return out;
}

void DockerArchiveDestination::write_members(TarWriter& tar) {
    const std::vector<Prepared> images = prepare();
    std::vector<DockerImage> listed;
    for (const Prepared& one : images) listed.push_back(one.image);
    tar.file("manifest.json", to_json_text(listed), 0644, kRoot);
    for (const Prepared& one : images) {
        if (names_.insert(one.image.config).second) tar.file(one.image.config, one.config, 0644, kRoot);
    }
    for (const Prepared& one : images) {
        for (std::size_t i = 0; i < one.layers.size(); ++i) write_layer(tar, one.layers[i], one.diff_ids[i]);
    }
}

}  // namespace

std::unique_ptr<ImageDestination> oci_archive_destination(const Reference& destination,
                                                          const TransportOptions& options) {
    return std::make_unique<OciArchiveDestination>(destination, options);
}

std::unique_ptr<ImageDestination> docker_archive_destination(const Reference& destination,
                                                             const TransportOptions& options) {
    return std::make_unique<DockerArchiveDestination>(destination, options);
}

}  // namespace smith::ocilayout
