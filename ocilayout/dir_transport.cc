// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/dir_transport.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <mutex>
#include <set>
#include <system_error>
#include <utility>

#include "base/atomic_file.h"
#include "base/error.h"
#include "ocilayout/bounds.h"
#include "ocilayout/image.h"

namespace smith::ocilayout {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kVersionFile = "Directory Transport Version: 1.1\n";

/// A manifest that is part of an index has a suffix, so that it is not taken for a blob.
fs::path manifest_path(const fs::path& directory, const Digest& digest) {
    return directory / (digest.hex() + ".manifest.json");
}

class DirSource : public ImageSource {
public:
    explicit DirSource(fs::path directory) : directory_(std::move(directory)) {
        std::error_code failed;
        if (!fs::exists(directory_ / "manifest.json", failed)) {
            throw Error(ErrorKind::usage, "it is not an image: it has no 'manifest.json'");
        }
        top_.bytes = read_file(directory_ / "manifest.json", limits::kMaxManifestBytes);
        const std::string type =
            while_doing([] { return "'manifest.json'"; }, [this] { return guess_manifest_type(top_.bytes); });
        top_.descriptor = describe(type, top_.bytes);
    }

    RawManifest manifest() override { return top_; }
    std::string tag() override { return {}; }
    std::optional<RawManifest> find_tag(const std::string& /*tag*/) override { return std::nullopt; }

    std::string read_manifest(const Descriptor& descriptor) override {
        if (descriptor.digest == top_.descriptor.digest) return top_.bytes;
        std::string bytes = read_file(manifest_path(directory_, descriptor.digest), limits::kMaxManifestBytes);
        const std::unique_ptr<ByteSource> source =
            verifying_source(memory_source(bytes), descriptor.digest, descriptor.size);
        drain(*source);
        return bytes;
    }
    std::unique_ptr<ByteSource> open_blob(const Descriptor& descriptor) override {
        UniqueFd fd;
        try {
            fd = open_file(directory_ / descriptor.digest.hex(), O_RDONLY | O_NONBLOCK);
        } catch (const Error& e) {
            if (!e.is_not_found()) throw;
            throw MissingError("blob " + descriptor.digest.str() + " is missing");
        }
        struct stat st {};
        if (::fstat(fd.get(), &st) != 0 || !S_ISREG(st.st_mode)) {
            throw Error(ErrorKind::format, "blob " + descriptor.digest.str() + " is not a regular file");
        }
        return verifying_source(
            file_source(std::make_shared<const UniqueFd>(std::move(fd)), 0, static_cast<std::uint64_t>(st.st_size)),
            descriptor.digest, descriptor.size);
    }
    ReferrerList referrers(const Descriptor& /*subject*/) override { return {}; }

private:
    fs::path directory_;
    RawManifest top_;
};

/// True for the names of files that this transport writes; others write signatures beside them.
bool is_dir_file(const std::string& name) {
    return name == "manifest.json" || name == "version" || name.starts_with("signature-") ||
           name.starts_with(".tmp-") || name.find_first_not_of("0123456789abcdef") >= 64;
}

void check_is_dir_or_empty(const fs::path& directory) {
    std::error_code failed;
    if (fs::exists(directory / "version", failed) && fs::exists(directory / "manifest.json", failed)) return;
    for (const fs::directory_entry& entry : fs::directory_iterator(directory)) {
        const std::string name = entry.path().filename().string();
        if (is_dir_file(name)) continue;
        throw Error(ErrorKind::usage, quote(directory.string()) + " is no image of this transport, and holds " +
                                          quote(name) + "; name an empty directory");
    }
}

class DirDestination : public ImageDestination {
public:
    explicit DirDestination(fs::path directory) : directory_(std::move(directory)) {
        std::error_code failed;
        fs::create_directories(directory_, failed);
        if (failed) throw system_error(failed.value(), "creating " + quote(directory_.string()));
        lock_ = open_file(directory_, O_RDONLY | O_DIRECTORY);
        while (::flock(lock_.get(), LOCK_EX) != 0 && errno == EINTR) {
        }
        check_is_dir_or_empty(directory_);
    }

    bool has_blob(const Descriptor& blob) override {
        try {
            Hasher hasher;
            const UniqueFd fd = open_file(directory_ / blob.digest.hex(), O_RDONLY | O_NONBLOCK);
            std::vector<std::byte> buffer(std::size_t{256} * 1024);
            while (const std::size_t got = read_some(fd.get(), buffer)) hasher.update(std::span(buffer).first(got));
            if (hasher.finish() != blob.digest) return false;
        } catch (const Error&) {
            return false;
        }
        keep(blob.digest.hex());
        return true;
    }
    void put_blob(const Descriptor& blob, const BlobOpener& open, const std::string& /*mount_from*/) override {
        AtomicFile file(directory_ / blob.digest.hex());
        const std::unique_ptr<ByteSource> source = open();
        copy_to(*source, [&](std::span<const std::byte> bytes) { file.write(bytes); });
        file.commit();
        keep(blob.digest.hex());
    }
    void put_manifest(const Descriptor& descriptor, std::string_view bytes) override {
        const fs::path file = manifest_path(directory_, descriptor.digest);
        write_file_atomically(file, bytes);
        keep(file.filename().string());
    }
    void put_tagged(const Descriptor& /*descriptor*/, std::string_view bytes, const std::string& tag) override {
        if (!tag.empty()) throw Error(ErrorKind::usage, "a dir: has no tags");
        top_ = bytes;
    }
    [[nodiscard]] std::string tag() const override { return {}; }
    [[nodiscard]] bool keeps_referrers() const override { return false; }

    void finish() override {
        write_file_atomically(directory_ / "version", kVersionFile);
        // From this rename on, readers see the new image.
        write_file_atomically(directory_ / "manifest.json", top_);
        std::vector<fs::path> old;
        for (const fs::directory_entry& entry : fs::directory_iterator(directory_)) {
            const std::string name = entry.path().filename().string();
            const bool is_fixed = name == "manifest.json" || name == "version";
            if (!is_fixed && is_dir_file(name) && !kept_.contains(name)) old.push_back(entry.path());
        }
        std::error_code ignored;
        for (const fs::path& file : old) fs::remove(file, ignored);
    }

private:
    void keep(std::string name) {
        const std::lock_guard lock(mutex_);
        kept_.insert(std::move(name));
    }

    fs::path directory_;
    UniqueFd lock_;
    std::mutex mutex_;
    std::set<std::string> kept_;
    std::string top_;
};

}  // namespace

std::unique_ptr<ImageSource> dir_source(const Reference& source) { return std::make_unique<DirSource>(source.path); }

std::unique_ptr<ImageDestination> dir_destination(const Reference& destination) {
    return std::make_unique<DirDestination>(destination.path);
}

}  // namespace smith::ocilayout
