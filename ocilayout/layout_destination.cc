// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/layout_destination.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/json.h"
#include "ocilayout/bounds.h"
#include "ocilayout/find_image.h"
#include "ocilayout/json_fields.h"
#include "ocilayout/layout_lock.h"
#include "ocilayout/staged_manifests.h"

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

/// Puts `entry` where the old one of this tag is, or that of this digest when it has no tag; returns what it took the
/// place of.
std::vector<json> replace_entry(json& index, const json& entry, std::string_view tag) {
    const Digest digest = parse_descriptor(entry).digest;
    const auto is_old_one = [&](const json& other) {
        const Descriptor parsed = parse_descriptor(other);
        return tag_of(parsed) == tag && (!tag.empty() || parsed.digest == digest);
    };
    std::vector<json> replaced;
    json kept = json::array();
    for (json& old : index["manifests"]) {
        if (!is_old_one(old)) {
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
    explicit Reachable(fs::path layout) : layout_(std::move(layout)) {}

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

    fs::path layout_;
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

class LayoutDestination : public ImageDestination {
public:
    LayoutDestination(fs::path directory, std::string tag) : directory_(std::move(directory)), tag_(std::move(tag)) {
        std::error_code failed;
        fs::create_directories(directory_, failed);
        if (failed) throw system_error(failed.value(), "creating " + quote(directory_.string()));
        lock_.emplace(open_file(directory_, O_RDONLY | O_DIRECTORY));
        check_is_layout_or_new(directory_);
        fs::create_directories(blob_directory(directory_), failed);
        if (failed) throw system_error(failed.value(), "creating " + quote(blob_directory(directory_).string()));
        remove_leftovers(directory_);
        remove_leftovers(blob_directory(directory_));
        index_ = read_index(directory_);
    }

    bool has_blob(const Descriptor& blob) override { return has_intact_blob(directory_, blob.digest, blob.size); }

    void put_blob(const Descriptor& blob, const BlobOpener& open, const std::string& /*mount_from*/) override {
        AtomicFile file(blob_path(directory_, blob.digest));
        const std::unique_ptr<ByteSource> source = open();
        copy_to(*source, [&](std::span<const std::byte> bytes) { file.write(bytes); });
        file.commit_unsynced();
    }

    void put_manifest(const Descriptor& descriptor, std::string_view bytes) override {
        store(descriptor, bytes);
        staged_.add(descriptor, bytes);
    }

    void put_tagged(const Descriptor& descriptor, std::string_view bytes, const std::string& tag) override {
        store(descriptor, bytes);
        staged_.add_tagged(descriptor, bytes, tag);
    }

    [[nodiscard]] std::string tag() const override { return tag_; }
    [[nodiscard]] bool keeps_docker_types() const override { return false; }
    void finish() override;

private:
    void store(const Descriptor& descriptor, std::string_view bytes) {
        if (has_blob(descriptor)) return;
        AtomicFile file(blob_path(directory_, descriptor.digest));
        file.write(as_bytes(bytes));
        file.commit_unsynced();
    }
    /// What hangs on the image of an entry already; nothing where that can't be read.
    [[nodiscard]] std::vector<Descriptor> old_referrers(const json& entry) const;
    /// True when the entry is, or holds, or has hanging on it, what `subject` names.
    [[nodiscard]] bool leads_to(const json& entry, const Digest& subject, int depth = 0) const;
    /// A new entry that names what an old one of its tag named keeps what hangs on it.
    void keep_referrers(StagedEntry& entry) const;
    /// What now hangs on images that were there before.
    void attach_to_old_entries(std::vector<json>& replaced);
    void write_entry(const StagedEntry& entry, std::vector<json>& replaced);

    fs::path directory_;
    std::string tag_;
    std::optional<ExclusiveLayout> lock_;
    json index_;
    StagedManifests staged_;
};

std::vector<Descriptor> LayoutDestination::old_referrers(const json& entry) const {
    const Descriptor parsed = parse_descriptor(entry);
    const auto it = parsed.annotations.find(std::string(annotation::kReferrers));
    if (it == parsed.annotations.end()) return {};
    try {
        const fs::path file = blob_path(directory_, Digest::parse(it->second));
        return parse_index(read_file(file, limits::kMaxManifestBytes), media_type::kIndex).manifests;
    } catch (const Error&) {
        return {};  // umoci's gc removes what it does not know.
    }
}

bool LayoutDestination::leads_to(const json& entry, const Digest& subject, int depth) const {
    const Descriptor parsed = parse_descriptor(entry);
    if (parsed.digest == subject) return true;
    for (const Descriptor& referrer : old_referrers(entry)) {
        if (referrer.digest == subject) return true;
    }
    if (!is_index_type(parsed.media_type) || depth >= limits::kMaxIndexDepth) return false;
    try {
        const std::string text = read_file(blob_path(directory_, parsed.digest), limits::kMaxManifestBytes);
        for (const Descriptor& child : parse_index(text, parsed.media_type).manifests) {
            if (leads_to(to_json(child), subject, depth + 1)) return true;
        }
    } catch (const Error&) {
        // An index of a stranger's that can't be read holds nothing that we could find.
    }
    return false;
}

void LayoutDestination::keep_referrers(StagedEntry& entry) const {
    for (const json& old : index_["manifests"]) {
        const Descriptor parsed = parse_descriptor(old);
        if (tag_of(parsed) == entry.tag && parsed.digest == entry.descriptor.digest) {
            merge_referrers(entry.referrers, old_referrers(old));
        }
    }
}

void LayoutDestination::write_entry(const StagedEntry& entry, std::vector<json>& replaced) {
    const FinishedEntry finished = finish_entry(entry);
    if (finished.referrers) store(finished.referrers->descriptor, finished.referrers->bytes);
    std::vector<json> old = replace_entry(index_, to_json(finished.entry), entry.tag);
    replaced.insert(replaced.end(), old.begin(), old.end());
}

void LayoutDestination::attach_to_old_entries(std::vector<json>& replaced) {
    for (const Digest& subject : staged_.loose_subjects()) {
        bool found = false;
        const json entries = index_["manifests"];
        for (const json& old : entries) {
            const Descriptor parsed = parse_descriptor(old);
            if (!can_be_an_image(parsed) || !leads_to(old, subject)) continue;
            found = true;
            StagedEntry entry{parsed, tag_of(parsed), staged_.referrers_of(subject)};
            merge_referrers(entry.referrers, old_referrers(old));
            write_entry(entry, replaced);
        }
        if (!found) {
            throw Error(ErrorKind::usage, "no image " + subject.str() + " is there that something could hang on");
        }
    }
}

void LayoutDestination::finish() {
    std::vector<json> replaced;
    for (StagedEntry& entry : staged_.entries()) {
        keep_referrers(entry);
        write_entry(entry, replaced);
    }
    attach_to_old_entries(replaced);
    write_if_different(directory_ / "oci-layout", kLayoutFile);
    // No power failure leaves an index of blobs that are not there.
    sync_directory(blob_directory(directory_));
    // From this rename on, readers see the new image.
    write_if_different(directory_ / "index.json", dump_json(index_));
    remove_orphans(directory_, replaced, index_);
}

}  // namespace

std::unique_ptr<ImageDestination> layout_destination(const Reference& destination) {
    return std::make_unique<LayoutDestination>(destination.path, tag_or_latest(destination));
}

}  // namespace smith::ocilayout
