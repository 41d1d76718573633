// SPDX-License-Identifier: Apache-2.0
//
// The bounds on images that come from outside, as base/bounds.h has them for everybody.
#pragma once

#include "base/bounds.h"

namespace smith::ocilayout::limits {

using namespace smith::limits;

// Docker's storage drivers stop at 128 layers; nothing that people run has more.
inline constexpr std::size_t kMaxLayers = 512;
// An index lists one manifest per platform, and attestations beside them; 4 MiB of JSON hold some 10,000.
inline constexpr std::size_t kMaxIndexEntries = 10'000;
// index.json -> index -> manifest is what tools write; one level more costs nothing.
inline constexpr int kMaxIndexDepth = 4;
// The largest layers that registries are known to carry (machine-learning images) are some 30 GiB.
inline constexpr std::uint64_t kMaxLayerBytes = 64 * kGiB;
// Uncompressed, all layers together.
inline constexpr std::uint64_t kMaxImageBytes = 256 * kGiB;
// Deflate can't do better than 1032:1 and zstd knows no bound. Honest layers stay below 20:1 as a whole, but a small
// one may hold a preallocated file of zeros, so a layer may grow to kFreeLayerBytes whatever its ratio.
inline constexpr std::uint64_t kMaxCompressionRatio = 200;
inline constexpr std::uint64_t kFreeLayerBytes = 1 * kGiB;
// Go's archive/tar, which wrote most layers there are, refuses more than 1 MiB of PAX records or long name.
inline constexpr std::uint64_t kMaxPaxBytes = 1 * kMiB;
// A global or local PAX header may precede a header, a long name another; a chain of them is an attack.
inline constexpr int kMaxMetaHeaders = 16;
// A sparse file of this many pieces is stored more densely as an ordinary one; their list takes 4 MiB.
inline constexpr std::size_t kMaxSparseChunks = 262'144;
// Holes cost an attacker nothing and us their whole length in zeros. The one known case beyond this, /var/log/lastlog
// of a user with a huge id, fills the disk of whoever unpacks it.
inline constexpr std::uint64_t kMaxHoleBytes = 1 * kGiB;
// zstd -19 uses 8 MiB, --ultra -21 uses 64 MiB. What needs more is memory taken from us by a stranger.
inline constexpr int kMaxZstdWindowLog = 26;
// Blobs, JSON and directories of a layout or of an archive.
inline constexpr std::size_t kMaxArchiveEntries = 100'000;
inline constexpr std::uint64_t kMaxArchiveBytes = 256 * kGiB;
// What hangs on an image by `subject`: a spec, a package list, reasons, signatures, an SBOM.
inline constexpr std::size_t kMaxArtifacts = 256;
inline constexpr std::uint64_t kMaxArtifactBytes = 64 * kMiB;
// Who signs once a release has some dozens; each is verified, with a curve's arithmetic.
inline constexpr std::size_t kMaxSignatures = 1000;
// A payload is a digest, a name and some annotations.
inline constexpr std::uint64_t kMaxSignaturePayloadBytes = 1 * kMiB;

// Written by hand or by `login`; a line or two for each registry.
inline constexpr std::uint64_t kMaxCredentialFileBytes = 1 * kMiB;
inline constexpr std::uint64_t kMaxRegistriesConfBytes = 1 * kMiB;
// A certificate, or a bundle of them; the system's own has some 250 KiB.
inline constexpr std::uint64_t kMaxCertificateBytes = 4 * kMiB;
// Tokens of Azure and Google have some KiB.
inline constexpr std::uint64_t kMaxTokenBytes = 256 * kKiB;
// Pages of tags, and tags in all. The largest public repositories have some 100,000.
inline constexpr std::size_t kMaxTagPages = 10'000;
inline constexpr std::size_t kMaxTags = 1'000'000;

}  // namespace smith::ocilayout::limits
