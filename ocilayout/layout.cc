// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/layout.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <system_error>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/json.h"
#include "ocilayout/bounds.h"
#include "ocilayout/json_fields.h"

namespace smith::ocilayout {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

fs::path blob_directory(const fs::path& layout) { return layout / "blobs" / "sha256"; }
fs::path blob_path(const fs::path& layout, const Digest& digest) { return blob_directory(layout) / digest.hex(); }

/// Refuses a directory of somebody's that is no layout: `-o .` must not litter a home directory.
void check_is_layout_or_new(const fs::path& directory) {
    const auto is_ours = [](const fs::directory_entry& entry) {
        const fs::path name = entry.path().filename();
        return name == "oci-layout" || name == "index.json" || name == "blobs" || name.string().starts_with(".tmp-");
    };
    std::error_code failed;
    if (fs::exists(directory / "oci-layout", failed)) return;
    for (const fs::directory_entry& entry : fs::directory_iterator(directory)) {
        if (is_ours(entry)) continue;
        throw Error(ErrorKind::usage, quote(directory.string()) + " is not an OCI layout, and holds " +
                                          quote(entry.path().filename().string()) + "; name an empty directory");
    }
}

/// Other writers wait until it is closed. The directory itself is locked: a lock file would be one more thing in it.
UniqueFd lock_layout(const fs::path& directory) {
    UniqueFd fd = open_file(directory, O_RDONLY | O_DIRECTORY);
    while (::flock(fd.get(), LOCK_EX) != 0) {
        // Network file systems without flock: whoever builds there twice at once has been warned by its manual.
        if (errno != EINTR) break;
    }
    return fd;
}

/// What a killed writer left. Whoever writes here holds the lock on the layout, which is ours now; so that, unlike
/// sweep_temporaries(), this need not spare what is young.
void remove_leftovers(const fs::path& directory) {
    std::vector<fs::path> leftovers;
    for (const fs::directory_entry& entry : fs::directory_iterator(directory)) {
        if (entry.path().filename().string().starts_with(".tmp-")) leftovers.push_back(entry.path());
    }
    for (const fs::path& file : leftovers) {
        const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
        // Where there is no flock there is no lock on the layout either: then it stays.
        if (fd && ::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) static_cast<void>(::unlink(file.c_str()));
    }
}

bool has_intact_blob(const fs::path& layout, const Digest& digest, std::uint64_t size) {
    const UniqueFd fd(::open(blob_path(layout, digest).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    std::error_code failed;
    if (!fd || fs::file_size(blob_path(layout, digest), failed) != size || failed) return false;
    Hasher hasher;
    std::vector<std::byte> buffer(std::size_t{256} * 1024);
    while (const std::size_t got = read_some(fd.get(), buffer)) hasher.update(std::span(buffer).first(got));
    return hasher.finish() == digest;
}

void write_blobs(const FinishedImage& image, const LayoutParts& parts, const fs::path& layout) {
    for (const StoredLayer& stored : image.layers) {
        if (has_intact_blob(layout, stored.layer.digest, stored.layer.size)) continue;
        AtomicFile file(blob_path(layout, stored.layer.digest));
        stored.copy_to([&](std::span<const std::byte> bytes) { file.write(bytes); });
        file.commit();
    }
    for (const auto& [descriptor, bytes] : parts.blobs) {
        if (has_intact_blob(layout, descriptor.digest, descriptor.size)) continue;
        write_file_atomically(blob_path(layout, descriptor.digest), bytes);
    }
}

/// The existing index.json, or an empty one. Kept as JSON: entries of other tools stay with all that they say.
json read_index(const fs::path& layout) {
    std::error_code failed;
    const fs::path file = layout / "index.json";
    if (!fs::exists(file, failed)) {
        return {{"schemaVersion", 2}, {"mediaType", media_type::kIndex}, {"manifests", json::array()}};
    }
    return while_doing([&] { return "reading " + quote(file.string()); },
                       [&] {
                           const std::string text = read_file(file, limits::kMaxManifestBytes);
                           static_cast<void>(parse_index(text, media_type::kIndex));
                           return parse_json(text);
                       });
}

std::string tag_of(const json& entry) {
    const std::map<std::string, std::string> annotations = string_map(entry, "annotations");
    const auto it = annotations.find(std::string(annotation::kRefName));
    return it == annotations.end() ? "" : it->second;
}

/// Puts `entry` where the old one of this tag is, and returns what it took the place of.
std::vector<json> replace_entry(json& index, const json& entry, std::string_view tag) {
    std::vector<json> replaced;
    json kept = json::array();
    for (json& old : index["manifests"]) {
        if (tag_of(old) != tag) {
            kept.push_back(std::move(old));
            continue;
        }
        if (replaced.empty()) kept.push_back(entry);
        replaced.push_back(std::move(old));
    }
    if (replaced.empty()) kept.push_back(entry);
    index["manifests"] = std::move(kept);
    return replaced;
}

/// All blobs that entries of an index lead to, whatever they are.
class Reachable {
public:
    explicit Reachable(const fs::path& layout) : layout_(layout) {}

    /// Throws Error for what can't be read: then nobody knows what it leads to.
    void follow(const json& descriptor, int depth = 0) {
        const Descriptor parsed = parse_descriptor(descriptor);
        if (const auto it = parsed.annotations.find(std::string(annotation::kReferrers));
            it != parsed.annotations.end()) {
            follow_document(Digest::parse(it->second), depth);
        }
        if (is_manifest_type(parsed.media_type) || is_index_type(parsed.media_type)) {
            follow_document(parsed.digest, depth);
        } else {
            digests.insert(parsed.digest);
        }
    }

    std::set<Digest> digests;

private:
    void follow_document(const Digest& digest, int depth) {
        if (!digests.insert(digest).second) return;
        // index.json, index, manifest; referrers, manifest, subject.
        if (depth > 2 * limits::kMaxIndexDepth) throw Error(ErrorKind::format, "indexes are nested too deeply");
        const json document = parse_json(read_file(blob_path(layout_, digest), limits::kMaxManifestBytes));
        for (const char* one : {"config", "subject"}) {
            if (const json* descriptor = find_field(document, one)) follow(*descriptor, depth + 1);
        }
        for (const char* many : {"layers", "manifests", "blobs"}) {
            const json* list = find_field(document, many);
            if (list == nullptr) continue;
            for (const json& descriptor : *list) follow(descriptor, depth + 1);
        }
    }

    const fs::path& layout_;
};

/// Removes what only the replaced entries led to. Blobs that nothing ever led to are somebody else's, and stay.
void remove_orphans(const fs::path& layout, const std::vector<json>& replaced, const json& index) {
    if (replaced.empty()) return;
    try {
        Reachable before(layout);
        for (const json& entry : replaced) before.follow(entry);
        Reachable now(layout);
        for (const json& entry : index["manifests"]) now.follow(entry);
        for (const Digest& digest : before.digests) {
            if (!now.digests.contains(digest)) static_cast<void>(::unlink(blob_path(layout, digest).c_str()));
        }
    } catch (const Error&) {
        // Something in there can't be read. Too many blobs do no harm; one too few would.
    }
}

void write_if_different(const fs::path& file, std::string_view text) {
    try {
        if (read_file(file, limits::kMaxManifestBytes) == text) return;
    } catch (const Error&) {
        // Not there yet, or no file at all: the write below says so.
    }
    write_file_atomically(file, text);
}

}  // namespace

LayoutParts layout_parts(const FinishedImage& image, std::string_view tag) {
    LayoutParts out;
    out.entry = image.image.manifest_desc;
    out.entry.annotations[std::string(annotation::kRefName)] = tag;
    std::vector<SmallBlob> others;
    if (std::optional<Referrers> referrers = make_referrers(image.image.manifest_desc, image.artifacts)) {
        out.entry.annotations[std::string(annotation::kReferrers)] = referrers->index.digest.str();
        others = std::move(referrers->blobs);
    }
    // One blob may be several things: a spec may be as empty as the empty configuration.
    std::map<Digest, SmallBlob> by_digest;
    for (SmallBlob& blob : others) by_digest.try_emplace(blob.descriptor.digest, std::move(blob));

    out.blobs.push_back({image.image.manifest_desc, image.image.manifest});
    out.blobs.push_back({image.image.config_desc, image.image.config});
    for (auto& [digest, blob] : by_digest) out.blobs.push_back(std::move(blob));
    return out;
}

void write_layout(const FinishedImage& image, const fs::path& directory, std::string_view tag) {
    std::error_code failed;
    fs::create_directories(directory, failed);
    if (failed) throw system_error(failed.value(), "creating " + quote(directory.string()));
    const UniqueFd lock = lock_layout(directory);
    check_is_layout_or_new(directory);
    fs::create_directories(blob_directory(directory), failed);
    if (failed) throw system_error(failed.value(), "creating " + quote(blob_directory(directory).string()));
    remove_leftovers(directory);
    remove_leftovers(blob_directory(directory));

    json index = read_index(directory);
    const LayoutParts parts = layout_parts(image, tag);
    write_blobs(image, parts, directory);
    const std::vector<json> replaced = replace_entry(index, to_json(parts.entry), tag);
    write_if_different(directory / "oci-layout", kLayoutFile);
    // From this rename on, readers see the new image.
    write_if_different(directory / "index.json", dump_json(index));
    remove_orphans(directory, replaced, index);
}

}  // namespace smith::ocilayout
