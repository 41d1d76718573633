// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/sigstore_bundle.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json.h"
#include "base/signing_key.h"
#include "ocilayout/bounds.h"
#include "ocilayout/json_fields.h"

namespace smith::ocilayout {

namespace {

using nlohmann::json;

constexpr std::string_view kPayloadType = "application/vnd.in-toto+json";
constexpr std::string_view kStatementType = "https://in-toto.io/Statement/v1";
constexpr std::string_view kSignsAnImage = "https://sigstore.dev/cosign/sign/v1";

const json& required(const json& object, const char* name) {
    const json* found = find_field(object, name);
    if (found == nullptr) throw Error(ErrorKind::format, "there is no " + quote(name));
    return *found;
}

const json& required_list(const json& object, const char* name) {
    const json& found = required(object, name);
    if (!found.is_array()) throw Error(ErrorKind::format, quote(name) + " is no list");
    return found;
}

bool is_about(const json& subject, const Digest& image) {
    const json* digests = find_field(subject, "digest");
    return digests != nullptr && optional_string(*digests, "sha256") == image.hex();
}

}  // namespace

bool is_bundle_type(std::string_view media_type) {
    return media_type.starts_with("application/vnd.dev.sigstore.bundle");
}

SealedStatement parse_bundle(std::string_view text) {
    const json bundle = parse_json(text);
    const json& envelope = required(bundle, "dsseEnvelope");
    const std::string type = string_field(envelope, "payloadType");
    if (type != kPayloadType)
        throw Error(ErrorKind::format, "the bundle holds " + quote(type) + ", which is no statement");
    SealedStatement out;
    out.statement = from_base64(string_field(envelope, "payload"));
    const json& signatures = required_list(envelope, "signatures");
    if (signatures.size() > limits::kMaxSignatures)
        throw Error(ErrorKind::format, "the bundle has too many signatures");
    for (const json& one : signatures) out.signatures.push_back(from_base64(string_field(one, "sig")));
    return out;
}

std::string encode_for_signing(std::string_view statement) {
    std::string out = "DSSEv1";
    for (const std::string_view part : {kPayloadType, statement}) {
        out += " " + std::to_string(part.size()) + " ";
        out += part;
    }
    return out;
}

std::string problem_with_statement(std::string_view statement, const Digest& image) {
    try {
        const json document = parse_json(statement);
        const std::string type = string_field(document, "_type");
        if (type != kStatementType) return "it is a statement of the unknown kind " + quote(type);
        const std::string about = string_field(document, "predicateType");
        if (about != kSignsAnImage) return "it states " + quote(about) + ", which signs no image";
        const json& subjects = required_list(document, "subject");
        const bool is_meant = std::ranges::any_of(subjects, [&](const json& one) { return is_about(one, image); });
        return is_meant ? "" : "it is for another image than " + image.str();
    } catch (const Error& e) {
        return "its statement is malformed: " + e.message();
    }
}

}  // namespace smith::ocilayout
