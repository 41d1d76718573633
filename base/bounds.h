// SPDX-License-Identifier: Apache-2.0
//
// Every bound on foreign input, with its reason. A bound is where hostile input stops, so each stands far above what
// honest input needs, and low enough that reaching it does no harm. (Not called limits.h: that would hide libc's.)
#pragma once

#include <cstddef>
#include <cstdint>

namespace smith::limits {

inline constexpr std::uint64_t kKiB = 1024;
inline constexpr std::uint64_t kMiB = 1024 * kKiB;
inline constexpr std::uint64_t kGiB = 1024 * kMiB;

// NAME_MAX of every Linux file system: a longer name could be shipped, but never unpacked.
inline constexpr std::size_t kMaxNameBytes = 255;
// PATH_MAX, which counts the NUL.
inline constexpr std::size_t kMaxPathBytes = 4095;
// Linux gives up with ELOOP after 40 links (path_resolution(7)).
inline constexpr int kMaxSymlinksFollowed = 40;
// The largest distribution packages (kernel-debuginfo, texlive-full unions) stay below a million files.
inline constexpr std::size_t kMaxTreeEntries = 4'000'000;

// A build spec is written by hand. yaml-cpp takes some 240 bytes of memory for each byte of the worst spec.
inline constexpr std::uint64_t kMaxSpecBytes = 1 * kMiB;
// The redhat.repo of a machine with all entitlements has some thousand repositories in 1 MiB.
inline constexpr std::uint64_t kMaxRepoFileBytes = 16 * kMiB;
// A file of /etc/dnf/vars holds a word of a URL, and perhaps a comment in further lines.
inline constexpr std::uint64_t kMaxVariableBytes = 64 * kKiB;
// A line for each host that somebody has a password for.
inline constexpr std::uint64_t kMaxNetrcBytes = 1 * kMiB;
// A mock configuration is written by hand, and holds a yum.conf.
inline constexpr std::uint64_t kMaxMockConfigBytes = 4 * kMiB;
// A lock of 10,000 packages is about 3 MiB.
inline constexpr std::uint64_t kMaxLockBytes = 64 * kMiB;
// Locks of other tools, read by parsers that take a hundred times a document's size.
inline constexpr std::uint64_t kMaxForeignLockBytes = 4 * kMiB;
// Registries refuse manifests over 4 MiB; image-spec asks clients to accept at least that much.
inline constexpr std::uint64_t kMaxManifestBytes = 4 * kMiB;
// Image configurations with a long history reach some hundred KiB.
inline constexpr std::uint64_t kMaxConfigBytes = 8 * kMiB;
// A machine with some ten thousand mounts has some MiB.
inline constexpr std::uint64_t kMaxMountinfoBytes = 64 * kMiB;
// Deeper JSON than this is an attack on the parser's stack; image-spec's own documents nest 5 deep.
inline constexpr int kMaxJsonDepth = 64;

// repomd.xml lists some dozen files.
inline constexpr std::uint64_t kMaxRepomdBytes = 4 * kMiB;
// Fedora's filelists are 800 MiB open; a repository ten times that size is not one that we know.
inline constexpr std::uint64_t kMaxMetadataBytes = 8 * kGiB;
// Compressed, the largest known primary or filelists is below 100 MiB.
inline constexpr std::uint64_t kMaxMetadataDownloadBytes = 1 * kGiB;
// One tag, text or comment of metadata. The longest texts are descriptions of advisories, some hundred KiB.
inline constexpr std::size_t kMaxXmlRunBytes = 1 * kMiB;
// Of updateinfo.xml. The largest known advisories, of whole desktops and of debuginfo, have some ten thousand packages.
inline constexpr std::size_t kMaxAdvisoryParts = 1'000'000;
// Fedora's metalink of some hundred mirrors has 60 KiB.
inline constexpr std::uint64_t kMaxMirrorListBytes = 2 * kMiB;
inline constexpr std::uint64_t kMaxKeyBytes = 1 * kMiB;
// librpm itself refuses headers over 256 MiB (headerMaxSize).
inline constexpr std::uint64_t kMaxRpmHeaderBytes = 256 * kMiB;
inline constexpr std::uint64_t kMaxRpmBytes = 64 * kGiB;

}  // namespace smith::limits
