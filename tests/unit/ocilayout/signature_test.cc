// SPDX-License-Identifier: Apache-2.0
//
// Keys, signatures in cosign's form, and every way in which one does not prove anything.
#include "ocilayout/signature.h"

#include <fcntl.h>

#include <catch2/catch.hpp>
#include <cstdlib>

#include "base/atomic_file.h"
#include "base/error.h"
#include "ocilayout/copy_image.h"
#include "ocilayout/verify_image.h"
#include "tests/unit/ocilayout/helpers.h"
#include "tests/unit/temp_dir.h"
#include "tests/unit/test_keys.h"

using namespace smith;
using namespace smith::ocilayout;
namespace fs = std::filesystem;

namespace {

const Digest kImage = sha256("an image");

PrivateKey p256() { return PrivateKey::from_pem(kP256, {}); }

/// `payload`, signed as it is.
Signature signed_text(const std::string& payload) { return {payload, p256().sign(payload)}; }

std::string problem(const Signature& signature) { return problem_with(signature, p256().public_key(), kImage); }

std::unique_ptr<ImageSource> open_layout(const fs::path& layout) {
    return open_image_source({Transport::oci, layout, "", ""});
}

/// Hangs signatures on the image of a layout.
void attach(const fs::path& layout, const std::vector<Signature>& signatures) {
    const Descriptor image = open_layout(layout)->manifest().descriptor;
    const SignatureImage made = make_signature_image(signatures, &image);
    const auto destination = open_image_destination({Transport::oci, layout, "", ""});
    for (const RawManifest& blob : made.blobs) {
        destination->put_blob(blob.descriptor, [&blob] { return memory_source(blob.bytes); }, {});
    }
    destination->put_manifest(made.manifest.descriptor, made.manifest.bytes);
    destination->finish();
}

Verification verify(const fs::path& layout) { return verify_image(*open_layout(layout), silent_reporter()); }

}  // namespace

TEST_CASE("keys of both kinds sign what their public halves verify", "[signature]") {
    for (const std::string_view pem : {kP256, kSec1, kEd25519}) {
        const PrivateKey key = PrivateKey::from_pem(pem, {});
        const std::string signature = key.sign("text");
        const PublicKey half = PublicKey::from_pem(key.public_key().pem());
        CHECK(half.verify("text", signature));
        CHECK_FALSE(half.verify("texts", signature));
        CHECK_FALSE(half.verify("text", signature + "x"));
        CHECK_FALSE(half.verify("text", ""));
    }
    CHECK(p256().public_key().pem() == kP256Public);
}

TEST_CASE("encrypted keys open with their passphrase only, cosign's as well", "[signature]") {
    for (const std::string_view pem : {kEncrypted, kCosign}) {
        if (pem == kCosign) {
            try {
                static_cast<void>(PrivateKey::from_pem(pem, Secret("opensesame")));
            } catch (const Error& e) {
                if (e.message().find("without libsodium") != std::string::npos) continue;
                throw;
            }
        }
        CHECK(PrivateKey::from_pem(pem, Secret("opensesame")).public_key().pem() == kP256Public);
        CHECK_THROWS_WITH(PrivateKey::from_pem(pem, Secret("wrong")), Catch::Contains("does not open the key"));
        CHECK_THROWS_WITH(PrivateKey::from_pem(pem, {}), Catch::Contains("SMITH_KEY_PASSWORD"));
    }
}

TEST_CASE("what is no key, or one of another kind, is refused", "[signature]") {
    CHECK_THROWS_WITH(PrivateKey::from_pem(kP384, {}), Catch::Contains("neither ECDSA on P-256 nor Ed25519"));
    CHECK_THROWS_WITH(PrivateKey::from_pem("", {}), Catch::Contains("no private key"));
    CHECK_THROWS_WITH(PrivateKey::from_pem(kP256Public, {}), Catch::Contains("no private key"));
    CHECK_THROWS_WITH(PublicKey::from_pem("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"),
                      Catch::Contains("no public key"));
    std::string greedy(kCosign);
    CHECK_THROWS_AS(PrivateKey::from_pem(greedy.replace(greedy.find("eyJ"), 3, "AAA"), Secret("x")), Error);
}

TEST_CASE("a key is named by a file, a variable or a URI", "[signature]") {
    const TempDir dir;
    write_file_atomically(dir.path() / "k", kP256);
    CHECK(PublicKey::load((dir.path() / "k").string()).pem() == kP256Public);
    ::setenv("SMITH_TEST_KEY", std::string(kP256Public).c_str(), 1);
    CHECK(PublicKey::load("env://SMITH_TEST_KEY").pem() == kP256Public);
    CHECK_THROWS_WITH(PublicKey::load("env://SMITH_TEST_NO_KEY"), Catch::Contains("is not set"));
    // Whatever is installed here.
    ::setenv("OPENSSL_ENGINES", "/nonexistent", 1);
    CHECK_THROWS_WITH(PublicKey::load("pkcs11:object=none;type=public"), Catch::Contains("to reach tokens by"));
    CHECK_THROWS_WITH(PublicKey::load("/no/such/key"), Catch::Contains("reading the key"));
}

TEST_CASE("base64 is read strictly", "[signature]") {
    for (const std::string text : {"", "f", "fo", "foo", "foob"}) CHECK(from_base64(to_base64(text)) == text);
    for (const char* bad : {"A", "AA", "AAA", "====", "AA=A", "AA A", "A===", "AAAA\n"}) {
        INFO(bad);
        CHECK_THROWS_AS(from_base64(bad), Error);
    }
}

TEST_CASE("the payload is cosign's, to the byte", "[signature]") {
    CHECK(make_payload(kImage, "registry.example/app") ==
          R"({"critical":{"identity":{"docker-reference":"registry.example/app"},"image":{"docker-manifest-digest":")" +
              kImage.str() + R"("},"type":"cosign container image signature"},"optional":null})");
}

TEST_CASE("a signature proves one image, one key, one type", "[signature]") {
    CHECK(problem(sign(p256(), kImage, "x")).empty());
    const PrivateKey other = PrivateKey::from_pem(kEd25519, {});
    CHECK(problem(sign(other, kImage, "x")) == "it is not by this key");
    CHECK_THAT(problem(sign(p256(), sha256("another"), "x")), Catch::Contains("for another image"));
    std::string payload = make_payload(kImage, "x");
    Signature changed = sign(p256(), kImage, "x");
    changed.payload.replace(changed.payload.find("\"x\""), 3, "\"y\"");
    CHECK(problem(changed) == "it is not by this key");
    CHECK_THAT(problem(signed_text(payload.replace(payload.find("container image"), 15, "blob"))),
               Catch::Contains("which is no image"));
    CHECK_THAT(problem(signed_text("{}")), Catch::Contains("no 'critical'"));
    CHECK_THAT(problem(signed_text("[]")), Catch::Contains("malformed"));
    CHECK_THAT(problem(signed_text("not JSON")), Catch::Contains("malformed"));
    CHECK_THAT(problem(signed_text(R"({"critical":{"type":"cosign container image signature"}})")),
               Catch::Contains("names no image"));
    // Two readers would disagree about which of the two is signed.
    CHECK_THAT(problem(signed_text(R"({"critical":{"image":{"docker-manifest-digest":")" + kImage.str() +
                                   R"(","docker-manifest-digest":")" + sha256("another").str() +
                                   R"("},"type":"cosign container image signature"}})")),
               Catch::Contains("malformed"));
}

TEST_CASE("signatures hang on an image in a layout, and travel with it", "[signature]") {
    const TempDir dir;
    write_layout(image_of(small_tree(), dir.path()), dir.path() / "L", "latest");
    const Digest digest = open_layout(dir.path() / "L")->manifest().descriptor.digest;
    attach(dir.path() / "L", {sign(p256(), digest, "")});
    attach(dir.path() / "L", {sign(PrivateKey::from_pem(kEd25519, {}), digest, "")});
    CHECK(verify(dir.path() / "L").holds());
    CopyOptions options;
    options.referrers = true;
    static_cast<void>(copy_image(*open_layout(dir.path() / "L"),
                                 *open_image_destination({Transport::oci, dir.path() / "M", "v1", ""}), options,
                                 silent_reporter()));
    const auto copied = open_layout(dir.path() / "M");
    const std::vector<Signature> found = find_signatures(*copied, copied->manifest().descriptor).signatures;
    REQUIRE(found.size() == 2);
    std::size_t good = 0;
    for (const Signature& signature : found) {
        good += problem_with(signature, p256().public_key(), digest).empty() ? 1U : 0U;
    }
    CHECK(good == 1);
}

TEST_CASE("one image in a layout is copied to another tag of it", "[transports]") {
    const TempDir dir;
    write_layout(image_of(small_tree(), dir.path()), dir.path() / "L", "a");
    const CopyResult result =
        copy_image(*open_image_source({Transport::oci, dir.path() / "L", "a", ""}),
                   *open_image_destination({Transport::oci, dir.path() / "L", "b", ""}), {}, silent_reporter());
    CHECK(result.blobs == 0);
    CHECK(list_tags({Transport::oci, dir.path() / "L", "b", ""}) == std::vector<std::string>{"a", "b"});
}

TEST_CASE("verify finds a flipped bit in every blob, all of them at once", "[verify]") {
    const TempDir dir;
    const FinishedImage image = image_of(small_tree(), dir.path(), {artifact("application/vnd.smith.spec+json", "{}")});
    write_layout(image, dir.path() / "L", "latest");
    const Verification whole = verify(dir.path() / "L");
    CHECK(whole.mismatches.empty());
    CHECK(whole.manifests == 2);
    CHECK(whole.blobs == 3);  // configuration, layer, spec; the empty configuration is as empty as the spec
    const auto flip = [&](const Digest& digest) {
        const fs::path file = dir.path() / "L" / "blobs" / "sha256" / digest.hex();
        std::string bytes = read_file(file, 1U << 30U);
        bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
        write_file_atomically(file, bytes);
    };
    flip(image.image.config_desc.digest);
    flip(image.image.layers[0].digest);
    const Verification broken = verify(dir.path() / "L");
    REQUIRE(broken.mismatches.size() == 2);
    CHECK(broken.mismatches[0].want == image.image.config_desc.digest.str());
    CHECK(broken.mismatches[1].want == image.image.layers[0].digest.str());
    CHECK(broken.mismatches[1].got != broken.mismatches[1].want);
}

TEST_CASE("verify holds smith's own layers against smith's rules", "[verify]") {
    const TempDir dir;
    RawTar tar;
    tar.dir("dev").dir("proc").dir("read").dir("run").dir("sys").file("zzz").dir("write");
    tar.add({"etc/shadow", '0', "", 04755, 7}, "x");
    const std::string bytes = tar.end();
    UniqueFd fd = open_file(dir.path() / "layer", O_RDWR | O_CREAT);
    write_all(fd.get(), as_bytes(bytes));
    FinishedImage image = image_of(small_tree(), dir.path(), {artifact("application/vnd.smith.spec+json", "{}")});
    const Layer layer{sha256(bytes), sha256(bytes), bytes.size(), std::string(media_type::kLayerTar)};
    ImageConfig config;
    config.platform = host_platform();
    config.user = "10:10";
    image.image = make_image(config, std::vector{layer});
    image.layers = {{layer, std::make_shared<const UniqueFd>(std::move(fd))}};
    write_layout(image, dir.path() / "L", "latest");
    std::string found;
    for (const Mismatch& mismatch : verify(dir.path() / "L").mismatches) {
        found += mismatch.what.substr(mismatch.what.find("entry")) + ": " + mismatch.want + ", " + mismatch.got + "\n";
    }
    CHECK_THAT(found, Catch::Contains("entry 'etc/shadow', mode: 0755 or 0644, 04755"));
    CHECK_THAT(found, Catch::Contains("entry 'etc/shadow', owner: 10:10, 7:7"));
    CHECK_THAT(found, Catch::Contains("entry 'write': behind '/zzz', before it"));
    // Of a stranger's image nobody asks that.
    image.artifacts.clear();
    write_layout(image, dir.path() / "M", "latest");
    CHECK(verify(dir.path() / "M").holds());
}

TEST_CASE("verify finds a diff_id that is not the layer's", "[verify]") {
    const TempDir dir;
    FinishedImage image = image_of(small_tree(), dir.path());
    image.image.layers[0].diff_id = sha256("something else");
    ImageConfig config;
    config.platform = host_platform();
    image.image = make_image(config, image.image.layers);
    write_layout(image, dir.path() / "L", "latest");
    const Verification broken = verify(dir.path() / "L");
    REQUIRE(broken.mismatches.size() == 1);
    CHECK_THAT(broken.mismatches[0].what, Catch::StartsWith("diff_id of layer 1"));
    CHECK(broken.mismatches[0].want == sha256("something else").str());
}
