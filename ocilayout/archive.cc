// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/archive.h"

#include <set>
#include <system_error>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/output_file.h"
#include "ocilayout/gzip.h"
#include "ocilayout/image_files.h"
#include "ocilayout/layout.h"
#include "ocilayout/tar_writer.h"

namespace smith::ocilayout {

namespace {

// Nobody unpacks a layout for its owners.
constexpr Owner kRoot{0, 0};

void write_members(const FinishedImage& image, std::string_view tag, TarWriter& tar) {
    const LayoutParts parts = layout_parts(image, tag);
    ParsedIndex index;
    index.manifests = {parts.entry};
    tar.file("oci-layout", kLayoutFile, 0644, kRoot);
    tar.file("index.json", to_json_text(index), 0644, kRoot);
    tar.directory("blobs", 0755, kRoot);
    tar.directory("blobs/sha256", 0755, kRoot);
    for (const auto& [descriptor, bytes] : parts.blobs) tar.file(blob_name(descriptor.digest), bytes, 0644, kRoot);
    std::set<Digest> written;
    for (const StoredLayer& stored : image.layers) {
        if (!written.insert(stored.layer.digest).second) continue;
        tar.begin_file(blob_name(stored.layer.digest), stored.layer.size, 0644, kRoot);
        stored.copy_to([&](std::span<const std::byte> bytes) { tar.data(bytes); });
    }
    tar.finish();
}

bool is_compressed_name(const std::filesystem::path& file) {
    return file.extension() == ".gz" || file.extension() == ".tgz";
}

}  // namespace

void write_archive(const FinishedImage& image, const std::filesystem::path& named, std::string_view tag,
                   unsigned jobs) {
    const std::filesystem::path file = output_file(named);
    std::error_code failed;
    if (file.has_parent_path()) std::filesystem::create_directories(file.parent_path(), failed);
    if (failed) throw system_error(failed.value(), "creating " + quote(file.parent_path().string()));
    AtomicFile out(file);
    const Sink to_file = [&](std::span<const std::byte> bytes) { out.write(bytes); };
    if (is_compressed_name(named)) {
        GzipWriter gzip(jobs, to_file);
        TarWriter tar([&](std::span<const std::byte> bytes) { gzip.write(bytes); });
        write_members(image, tag, tar);
        static_cast<void>(gzip.finish());
    } else {
        TarWriter tar(to_file);
        write_members(image, tag, tar);
    }
    out.commit();
}

}  // namespace smith::ocilayout
