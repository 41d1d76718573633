// SPDX-License-Identifier: Apache-2.0
//
// A .rpm file: what its header says, and the bytes of its regular files. Read through librpm, as data: no rpm database
// and no rpm configuration is looked at, nothing is installed, no scriptlet runs, and no path of a package is ever a
// path on this machine.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/content_store.h"
#include "base/digest.h"
#include "base/file_tree.h"
#include "base/image_path.h"
#include "resolver/fetch.h"
#include "resolver/keyring.h"
#include "resolver/nevra.h"

namespace smith::resolver {

enum class RpmFileKind { regular, directory, symlink, device, fifo, socket };

/// One file of a package, as its header describes it.
struct RpmFile {
    ImagePath path;
    RpmFileKind kind = RpmFileKind::regular;
    unsigned mode = 0;   ///< permission bits with setuid, setgid and sticky: 07777
    bool ghost = false;  ///< not in the payload: made at run time
    bool config = false;
    bool doc = false;
    bool license = false;
    bool artifact = false;
    std::uint64_t size = 0;   ///< in bytes; regular files only
    Checksum digest;          ///< regular files only; empty for a ghost
    std::string link_target;  ///< symlinks only
    std::uint32_t color = 0;  ///< rpm's ELF colour: 1 for 32-bit, 2 for 64-bit, 0 for what is not ELF
    std::string owner;
    std::string group;
    std::string capabilities;   ///< as text, "" for none
    std::size_t hard_link = 0;  ///< index of the first file with the same inode; its own index for most
};

/// A dependency as rpm prints it: "libz.so.1()(64bit)", "bash >= 4".
using RpmDependencies = std::vector<std::string>;

struct RpmHeader {
    Nevra nevra;
    std::string source_rpm;
    std::string license;
    std::string vendor;
    std::string url;
    std::string summary;
    std::vector<RpmFile> files;         ///< in the header's order
    std::string file_digest_algorithm;  ///< as in Checksum
    std::string payload_compressor;     ///< "gzip", "xz", "zstd", "bzip2", "lzma"; "" for none
    std::vector<std::string>
        scriptlets;  ///< which there are ("post", "preun", "triggerin" ...); none of them ever runs
    RpmDependencies requirements;
    RpmDependencies provides;
    Digest digest;                 ///< see digest_header()
    std::uint64_t header_end = 0;  ///< offset of the payload in the file
    bool signature_verified = false;
    std::string signer;  ///< key id that signed it, when signature_verified
};

/// Reads and verifies the header: its own digests always, its signature by `keyring` unless that is null.
/// May be called from several threads. Throws Error: integrity, when a digest is wrong, the signature is missing, wrong
/// or by a key that is not in the keyring; format.
[[nodiscard]] RpmHeader read_rpm_header(const std::filesystem::path& file, const Keyring* keyring);

/// As above for a fetched package: takes the keyring of its repository, and insists that the header is about
/// `package.ref.nevra`. Messages name package and repository, and say what would help.
[[nodiscard]] RpmHeader read_package_header(const LocalPackage& package, const Keyrings& keyrings);
/// As above for a package from a repository. `fd` is open on it, or on what lies before its payload: then
/// `is_whole` is false, and it is not enough that a header is in order: its signature must be asked for, or the lock
/// know it.
[[nodiscard]] RpmHeader read_package_header(const PackageRef& ref, int fd, bool is_whole, const Keyrings& keyrings);

/// Streams the payload of `file` into `pack`: every regular file's bytes, hard links once. Digest and size of each are
/// compared with `header`, which must be of this very file. Returns one element per header.files; empty for what is
/// not a regular file, and for ghosts. May be called from several threads. Throws Error: integrity, format.
[[nodiscard]] std::vector<std::optional<Content>> unpack_rpm(const std::filesystem::path& file, const RpmHeader& header,
                                                             PackWriter& pack);

}  // namespace smith::resolver
