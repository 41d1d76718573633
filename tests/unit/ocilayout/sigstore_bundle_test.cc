// SPDX-License-Identifier: Apache-2.0
//
// Bundles that cosign 3 signs images with, and every way in which one does not prove anything.
#include "ocilayout/sigstore_bundle.h"

#include <catch2/catch.hpp>

#include "base/error.h"
#include "base/signing_key.h"
#include "ocilayout/signature.h"
#include "tests/unit/test_keys.h"

using namespace smith;
using namespace smith::ocilayout;

namespace {

const Digest kImage = Digest::parse("sha256:22d6f9a74c061d0569f8297b9ada63769df2b1078f034e5c03f98ca50b82ca92");

/// By cosign 3.1.1, with the key kP256, for kImage.
constexpr std::string_view kBundle =
    R"({"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{"hint":"rAbRSJbrhpb2MTt5TNVc2s98A0XTn0EIMp4ZQw/6EYA="}},"dsseEnvelope":{"payload":"eyJfdHlwZSI6Imh0dHBzOi8vaW4tdG90by5pby9TdGF0ZW1lbnQvdjEiLCJzdWJqZWN0IjpbeyJkaWdlc3QiOnsic2hhMjU2IjoiMjJkNmY5YTc0YzA2MWQwNTY5ZjgyOTdiOWFkYTYzNzY5ZGYyYjEwNzhmMDM0ZTVjMDNmOThjYTUwYjgyY2E5MiJ9LCJhbm5vdGF0aW9ucyI6e319XSwicHJlZGljYXRlVHlwZSI6Imh0dHBzOi8vc2lnc3RvcmUuZGV2L2Nvc2lnbi9zaWduL3YxIiwicHJlZGljYXRlIjp7fX0=","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"MEUCIQCNVVcQ8z2QHQoHkoxoByuQM9E66zFgm3ZUOhWUf9TybgIgabkswFFsUw2b7QTWHnzp77p3ffEL79gI26QxmWiBw7A="}]}})";

PrivateKey p256() { return PrivateKey::from_pem(kP256, {}); }

std::string statement(const std::string& predicate, const std::string& subjects) {
    return R"({"_type":"https://in-toto.io/Statement/v1","predicateType":")" + predicate + R"(","subject":)" +
           subjects + "}";
}

std::string about(const Digest& image) { return R"([{"digest":{"sha256":")" + image.hex() + R"("}}])"; }

constexpr const char* kSigns = "https://sigstore.dev/cosign/sign/v1";

/// `text`, signed as a bundle's statement is.
Signature sealed(const std::string& text) {
    return {text, p256().sign(encode_for_signing(text)), SignatureForm::bundle};
}

std::string problem(const Signature& signature) { return problem_with(signature, p256().public_key(), kImage); }

std::string with(std::string_view from, std::string_view to) {
    std::string out(kBundle);
    out.replace(out.find(from), from.size(), to);
    return out;
}

}  // namespace

TEST_CASE("a bundle by cosign proves what it says", "[signature]") {
    const SealedStatement read = parse_bundle(kBundle);
    REQUIRE(read.signatures.size() == 1);
    CHECK(problem({read.statement, read.signatures[0], SignatureForm::bundle}).empty());
    // The same bytes, signed as a payload of the other form, are another thing.
    CHECK(problem({read.statement, read.signatures[0]}) == "it is not by this key");
    std::string other = read.statement;
    other.replace(other.find("22d6"), 4, "22d7");
    CHECK(problem({other, read.signatures[0], SignatureForm::bundle}) == "it is not by this key");
}

TEST_CASE("the bytes that a statement is signed by are DSSE's", "[signature]") {
    CHECK(encode_for_signing("{}") == "DSSEv1 28 application/vnd.in-toto+json 2 {}");
}

TEST_CASE("a statement signs one image, and an attestation none", "[signature]") {
    CHECK(problem(sealed(statement(kSigns, about(kImage)))).empty());
    CHECK(problem(sealed(statement(kSigns, R"([{"digest":{"sha512":"00"}},)" + about(kImage).substr(1)))).empty());
    CHECK_THAT(problem(sealed(statement(kSigns, about(sha256("another"))))), Catch::Contains("another image"));
    CHECK_THAT(problem(sealed(statement(kSigns, "[]"))), Catch::Contains("another image"));
    CHECK_THAT(problem(sealed(statement("https://slsa.dev/provenance/v1", about(kImage)))),
               Catch::Contains("signs no image"));
    CHECK_THAT(problem(sealed(R"({"_type":"x","predicateType":"y","subject":[]})")), Catch::Contains("unknown kind"));
    for (const char* text : {"", "[]", "{}", R"({"_type":"https://in-toto.io/Statement/v1"})"}) {
        INFO(text);
        CHECK_THAT(problem(sealed(text)), Catch::Contains("malformed"));
    }
    CHECK_THAT(problem(sealed(statement(kSigns, "{}"))), Catch::Contains("malformed"));
    CHECK_THAT(problem(sealed(statement(kSigns, "[1]"))), Catch::Contains("malformed"));
}

TEST_CASE("what is no bundle of a statement is refused", "[signature]") {
    CHECK_THROWS_AS(parse_bundle("{}"), Error);
    CHECK_THROWS_AS(parse_bundle(R"({"messageSignature":{"signature":"AA=="}})"), Error);
    CHECK_THROWS_WITH(parse_bundle(with("vnd.in-toto+json", "octet-stream")), Catch::Contains("no statement"));
    CHECK_THROWS_AS(parse_bundle(with("eyJf", "!!!!")), Error);
    CHECK_THROWS_AS(parse_bundle(with("[{\"sig\"", "{\"x\":[{\"sig\"")), Error);
    CHECK_THROWS_AS(parse_bundle(with("\"signatures\"", "\"signature\"")), Error);
}
