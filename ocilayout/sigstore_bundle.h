// SPDX-License-Identifier: Apache-2.0
//
// Signatures on images as cosign writes them since version 3: a bundle of sigstore, which holds a DSSE envelope, which
// holds an in-toto statement about the image. Read only, and only what a key is enough for: neither certificates nor
// logs. Formats: github.com/sigstore/protobuf-specs (sigstore_bundle.proto), secure-systems-lab/dsse protocol.md and
// envelope.md, in-toto/attestation spec/v1/statement.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"

namespace smith::ocilayout {

/// "application/vnd.dev.sigstore.bundle.v0.3+json", and what versions before and after call it.
[[nodiscard]] bool is_bundle_type(std::string_view media_type);

/// What a bundle holds: a statement, and signatures of it that are not verified.
struct SealedStatement {
    std::string statement;                ///< JSON
    std::vector<std::string> signatures;  ///< raw, not base64
};
/// Throws Error (format), also for a bundle that holds something else than an in-toto statement.
[[nodiscard]] SealedStatement parse_bundle(std::string_view text);

/// The bytes that a signature of `statement` is made over (DSSE, "PAE").
[[nodiscard]] std::string encode_for_signing(std::string_view statement);

/// Why `statement`, which is proven, does not say that `image` is signed; empty when it does. A statement of another
/// kind, such as one about the image's origin, signs no image.
[[nodiscard]] std::string problem_with_statement(std::string_view statement, const Digest& image);

}  // namespace smith::ocilayout
