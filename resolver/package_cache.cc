// SPDX-License-Identifier: Apache-2.0
#include "resolver/package_cache.h"

#include <fcntl.h>

#include <span>
#include <utility>
#include <vector>

#include "base/atomic_file.h"
#include "base/cache_directory.h"
#include "base/error.h"
#include "base/fd.h"
#include "resolver/rpm_package.h"

namespace smith::resolver {

namespace {

namespace fs = std::filesystem;

/// Throws Error (integrity) when these bytes are not the start of `ref`.
void check_start(const PackageRef& ref, int fd, const Keyrings& keyrings) {
    const RpmHeader header = read_package_header(ref, fd, false, keyrings);
    if (header.header_end != ref.header_end) {
        throw Error(ErrorKind::integrity, "the header of " + quote(ref.nevra.str()) + " ends elsewhere");
    }
}

bool is_intact(const fs::path& file, const Checksum& checksum) {
    const UniqueFd fd = open_file(file, O_RDONLY);
    Hasher hasher(checksum.algorithm);
    std::vector<std::byte> buffer(256 * 1024);
    while (const std::size_t count = read_some(fd.get(), buffer)) hasher.update(std::span(buffer).first(count));
    return hasher.finish_hex() == checksum.hex;
}

}  // namespace

PackageRef pinned(PackageRef ref, const Digest& digest) {
    if (!is_strong(ref.checksum)) ref.checksum = {"sha256", digest.hex()};
    return ref;
}

PackageCache::PackageCache(const fs::path& cache_dir) : directory_(cache_dir / "rpms") {
    make_cache_directory(directory_);
}

std::string PackageCache::name_of(const Digest& sha256) { return sha256.hex() + ".rpm"; }

std::optional<LocalPackage> PackageCache::find(const PackageRef& ref, bool rehash) const {
    const std::optional<Digest> digest = digest_of(ref.checksum);
    if (!digest) return std::nullopt;
    const fs::path file = directory_ / name_of(*digest);
    std::error_code error;
    const std::uintmax_t size = fs::file_size(file, error);
    if (error || size != ref.size) return std::nullopt;
    if (rehash && !is_intact(file, ref.checksum)) return std::nullopt;
    return LocalPackage{pinned(ref, *digest), *digest, file};
}

std::optional<LocalPackage> PackageCache::find_start(const PackageRef& ref) const {
    const fs::path file = start_file(ref);
    std::error_code error;
    if (fs::file_size(file, error) != ref.header_end || error) return std::nullopt;
    return start_of(ref);
}

LocalPackage PackageCache::store_start(const PackageRef& ref, std::string_view bytes, const Keyrings& keyrings) const {
    AtomicFile out(start_file(ref));
    out.write(std::as_bytes(std::span(bytes)));
    check_start(ref, out.fd(), keyrings);
    out.commit();
    return start_of(ref);
}

void PackageCache::link(const Checksum& checksum, const Digest& digest) const {
    if (checksum.algorithm == "sha256") return;
    const fs::path name = directory_ / (checksum.algorithm + "-" + checksum.hex);
    std::error_code error;  // there already: by us, or by another build with the same bytes
    fs::create_symlink(name_of(digest), name, error);
}

fs::path PackageCache::start_file(const PackageRef& ref) const { return directory_ / (ref.checksum.hex + ".start"); }

LocalPackage PackageCache::start_of(const PackageRef& ref) const {
    return {ref, Digest::from_hex(ref.checksum.hex), start_file(ref), false};
}

std::optional<Digest> PackageCache::digest_of(const Checksum& checksum) const {
    if (checksum.algorithm == "sha256") return Digest::from_hex(checksum.hex);
    std::error_code error;
    const fs::path target = fs::read_symlink(directory_ / (checksum.algorithm + "-" + checksum.hex), error);
    if (error) return std::nullopt;
    try {
        return Digest::from_hex(target.stem().string());
    } catch (const Error&) {
        return std::nullopt;
    }
}

}  // namespace smith::resolver
