// SPDX-License-Identifier: Apache-2.0
//
// Signatures on images in cosign's form: a "simple signing" payload that names the manifest's digest, signed as it is,
// stored as the layer of an image that is found under the tag sha256-<digits>.sig, and as a referrer. What cosign
// writes since version 3 is read as well (sigstore_bundle.h). Formats: github.com/sigstore/cosign
// specs/SIGNATURE_SPEC.md, containers/image docs/containers-signature.5.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/signing_key.h"
#include "ocilayout/image_destination.h"
#include "ocilayout/image_source.h"

namespace smith::ocilayout {

enum class SignatureForm {
    simple_signing,  ///< the payload is signed as it is
    bundle,          ///< the payload is a statement
};

struct Signature {
    std::string payload;    ///< JSON, signed to the byte
    std::string signature;  ///< raw, not base64
    SignatureForm form = SignatureForm::simple_signing;

    bool operator==(const Signature&) const = default;
};

/// What is signed: that `image` is called `name` (which may be empty), and `annotations`. Keys sorted, no time.
[[nodiscard]] std::string make_payload(const Digest& image, const std::string& name,
                                       const Annotations& annotations = {});

[[nodiscard]] Signature sign(const PrivateKey& key, const Digest& image, const std::string& name,
                             const Annotations& annotations = {});

/// Why `signature` does not prove that `key` signed `image`; empty when it does. The bytes are proven before they are
/// parsed.
[[nodiscard]] std::string problem_with(const Signature& signature, const PublicKey& key, const Digest& image);

/// "sha256-<digits>.sig"
[[nodiscard]] std::string signature_tag(const Digest& image);

struct FoundSignatures {
    std::vector<Signature> signatures;
    std::vector<std::string> problems;  ///< with those that can't be read. One sentence each
};
/// All signatures on `image`, by tag and by referrer, those of nobody we know as well. Anybody who may push can hang
/// something on an image: what can't be read keeps nobody from finding the others. Throws as the members of
/// ImageSource, for what is no fault of a single signature; format for more of them than there may be.
[[nodiscard]] FoundSignatures find_signatures(ImageSource& source, const Descriptor& image);

/// An image that carries signatures: as the one under the tag (without `subject`), or as a referrer.
struct SignatureImage {
    std::vector<RawManifest> blobs;  ///< configuration and payloads
    RawManifest manifest;
};
[[nodiscard]] SignatureImage make_signature_image(const std::vector<Signature>& signatures, const Descriptor* subject);

}  // namespace smith::ocilayout
