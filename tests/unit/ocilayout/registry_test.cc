// SPDX-License-Identifier: Apache-2.0
//
// Images in a registry: pulled and pushed against one in memory that does as it should, or breaks as registries break.
#include "ocilayout/registry/registry.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json.h"
#include "ocilayout/copy_image.h"
#include "ocilayout/image.h"
#include "ocilayout/read_image.h"
#include "ocilayout/registry/manifests.h"
#include "ocilayout/signature.h"
#include "ocilayout/verify_image.h"
#include "tests/unit/ocilayout/registry_helpers.h"

using namespace smith;
using namespace smith::ocilayout;
using namespace smith::test;

TEST_CASE("an image is pulled with one request for each of its parts", "[registry]") {
    FakeRegistry registry;
    const TestImage image = add_image(registry, "team/app:1.0");
    const auto source = open_source(registry.name("team/app:1.0"));
    const RawManifest manifest = source->manifest();
    CHECK(manifest.bytes == image.manifest);
    CHECK(manifest.descriptor.media_type == media_type::kManifest);
    CHECK(source->tag() == "1.0");
    CHECK(source->repository() == registry.server.host() + "/team/app");
    CHECK(read_blob(*source, image.config_desc, 1 << 20) == image.config);
    CHECK(read_blob(*source, image.layer_desc, 1 << 20) == image.layer);
    CHECK(registry.server.log() == std::vector<std::string>{"GET /v2/team/app/manifests/1.0",
                                                            "GET /v2/team/app/blobs/" + image.config_desc.digest.str(),
                                                            "GET /v2/team/app/blobs/" + image.layer_desc.digest.str()});
}

TEST_CASE("an image is named by digest, and without a tag is called latest", "[registry]") {
    FakeRegistry registry;
    const TestImage image = add_image(registry, "app:latest");
    const std::string digest = sha256(image.manifest).str();
    CHECK(open_source(registry.name("app"))->manifest().bytes == image.manifest);
    const auto source = open_source(registry.name("app:ignored@" + digest));
    CHECK(source->manifest().bytes == image.manifest);
    CHECK(registry.server.log().back() == "GET /v2/app/manifests/" + digest);
    CHECK(kind_of([&] { open_source(registry.name("app:other")); }) == ErrorKind::usage);
    CHECK(source->find_tag("latest")->bytes == image.manifest);
    CHECK_FALSE(source->find_tag("other"));
    CHECK_FALSE(source->find_tag("../../x"));
}

TEST_CASE("a tag that moves while an image is pulled changes nothing", "[registry][hostile]") {
    FakeRegistry registry;
    const TestImage image = add_image(registry, "app:1");
    const auto source = open_source(registry.name("app:1"));
    registry.tags["app:1"] =
        registry.add_manifest(manifest_of("other", {}), std::string(media_type::kManifest), "app:1");
    CHECK(source->manifest().bytes == image.manifest);
    CHECK(source->read_manifest(source->manifest().descriptor) == image.manifest);
    CHECK(registry.server.count("GET /v2/app/manifests/1") == 1);
}

TEST_CASE("a blob goes on where its connection broke", "[registry]") {
    FakeRegistry registry;
    const std::string bytes = noise(1'000'000);
    const Descriptor blob = describe(media_type::kLayerGzip, bytes);
    registry.add_blob(bytes);
    add_image(registry, "app:1");
    const auto source = open_source(registry.name("app:1"));
    int breaks = 0;
    bool knows_ranges = GENERATE(true, false);
    registry.instead = [&](const Request& request) -> std::optional<Answer> {
        if (request.target.find(blob.digest.str()) == std::string::npos) return std::nullopt;
        if (++breaks > 3) return std::nullopt;
        // A length that is not kept: the client sees that something is missing.
        if (breaks == 1) return Answer{200, {}, bytes, 300'000, false};
        if (!knows_ranges) return breaks == 2 ? Answer{503, {}, "", {}, false} : Answer{200, {}, bytes, {}, false};
        Answer part{206, {{"Content-Range", "bytes 300000-999999/1000000"}}, bytes.substr(300'000), {}, false};
        if (request.header("range") != "bytes=300000-") return not_found("BLOB_UNKNOWN");
        return part;
    };
    CHECK(read_blob(*source, blob, 2'000'000) == bytes);
    CHECK(registry.server.count("GET /v2/app/blobs/") == (knows_ranges ? 2 : 3));
}

TEST_CASE("a blob that nobody reads to its end is given up", "[registry]") {
    FakeRegistry registry;
    const std::string bytes = noise(8'000'000);
    registry.add_blob(bytes);
    add_image(registry, "app:1");
    const auto source = open_source(registry.name("app:1"));
    auto stream = source->open_blob(describe(media_type::kLayerGzip, bytes));
    std::array<std::byte, 100> start{};
    CHECK(stream->read(start) > 0);
    stream.reset();
    SUCCEED("it ended");
}

TEST_CASE("what is not the blob that was asked for is refused", "[registry][hostile]") {
    FakeRegistry registry;
    const TestImage image = add_image(registry, "app:1");
    const auto source = open_source(registry.name("app:1"));
    const auto fails_with = [&](const Answer& answer) {
        registry.instead = [&](const Request& request) -> std::optional<Answer> {
            return request.path().find("/blobs/") == std::string::npos ? std::nullopt : std::optional(answer);
        };
        return kind_of([&] { static_cast<void>(read_blob(*source, image.layer_desc, 1 << 20)); });
    };
    std::string flipped = image.layer;
    flipped[0] = static_cast<char>(flipped[0] ^ 1);
    CHECK(fails_with({200, {}, flipped, {}, false}) == ErrorKind::integrity);
    CHECK(fails_with({200, {}, image.layer.substr(1), {}, false}) == ErrorKind::integrity);
    CHECK(fails_with({200, {}, image.layer + "x", {}, false}) == ErrorKind::integrity);
    CHECK(fails_with({200, {}, noise(100'000), {}, true}) == ErrorKind::integrity);
    CHECK(fails_with({200, {}, "", {}, false}) == ErrorKind::integrity);
    CHECK(fails_with({500, {}, "", {}, false}) == ErrorKind::fetch);
    CHECK(fails_with(not_found("BLOB_UNKNOWN")) == ErrorKind::fetch);
}

TEST_CASE("a registry can't pass one manifest off as another", "[registry][hostile]") {
    FakeRegistry registry;
    const TestImage image = add_image(registry, "app:1");
    const std::string digest = sha256(image.manifest).str();
    const std::string other = manifest_of("other", {});
    const auto fails_with = [&](const Answer& answer, const std::string& name) {
        registry.instead = [&](const Request&) -> std::optional<Answer> { return answer; };
        return kind_of([&] { open_source(registry.name(name)); });
    };
    const std::map<std::string, std::string> type{{"Content-Type", std::string(media_type::kManifest)}};
    CHECK(fails_with({200, type, other, {}, false}, "app@" + digest) == ErrorKind::integrity);
    auto lying = type;
    lying["Docker-Content-Digest"] = digest;
    CHECK(fails_with({200, lying, other, {}, false}, "app:1") == ErrorKind::integrity);
    CHECK(fails_with({200, type, std::string(5'000'000, ' '), {}, false}, "app:1") == ErrorKind::integrity);
    CHECK(fails_with({200, type, std::string(100'000, ' '), {}, true}, "app:1") == ErrorKind::integrity);
    CHECK(fails_with(
              {200, {{"Content-Type", "application/vnd.docker.distribution.manifest.v1+prettyjws"}}, other, {}, false},
              "app:1") == ErrorKind::format);
    CHECK(fails_with({200, {{"Content-Type", "text/html"}}, "<html>", {}, false}, "app:1") == ErrorKind::format);
    CHECK(fails_with({200, {{"Content-Type", "text/html"}}, R"({"mediaType":"text/html"})", {}, false}, "app:1") ==
          ErrorKind::format);
    // Parsers of indexes and of manifests would each see what they are meant to see (CVE-2021-41190).
    registry.instead = [&](const Request&) -> std::optional<Answer> {
        return Answer{200, {{"Content-Type", std::string(media_type::kIndex)}}, image.manifest, {}, false};
    };
    const auto confused = open_source(registry.name("app:1"))->manifest();
    CHECK_THROWS_AS(parse_index(confused.bytes, confused.descriptor.media_type), Error);
}

TEST_CASE("a foreign layer is had from the registry, and its urls are not looked at", "[registry][hostile]") {
    FakeRegistry registry;
    HttpServer elsewhere([](const Request&) { return Answer{200, {}, "x", {}, false}; });
    const std::string layer = "a layer";
    const Descriptor layer_desc = describe("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", layer);
    nlohmann::json described = to_json(layer_desc);
    described["urls"] = {elsewhere.url() + "/layer"};
    const nlohmann::json manifest = {
        {"schemaVersion", 2}, {"config", to_json(describe(media_type::kConfig, "{}"))}, {"layers", {described}}};
    registry.add_manifest(manifest.dump(), std::string(media_type::kManifest), "app:1");
    const auto source = open_source(registry.name("app:1"));
    const ParsedManifest parsed = parse_manifest(source->manifest().bytes, media_type::kManifest);
    CHECK(kind_of([&] { static_cast<void>(read_blob(*source, parsed.layers[0], 100)); }) == ErrorKind::fetch);
    CHECK(elsewhere.log().empty());
}

TEST_CASE("tags are listed page by page, and never without end", "[registry]") {
    FakeRegistry registry;
    add_image(registry, "app:1");
    const auto tags = [&] { return list_tags(parse_reference(registry.name("app")), {1, test_options()}); };
    registry.instead = [](const Request& request) -> std::optional<Answer> {
        if (request.path() != "/v2/app/tags/list") return std::nullopt;
        if (request.query("last") == "b") return Answer{200, {}, R"({"tags":["c","../x","\u001b[31m"]})", {}, false};
        return Answer{
            200, {{"Link", R"(</v2/app/tags/list?n=2&last=b>; rel="next")"}}, R"({"tags":["a","b"]})", {}, false};
    };
    CHECK(tags() == std::vector<std::string>{"a", "b", "c"});
    registry.instead = [](const Request&) -> std::optional<Answer> {
        return Answer{
            200, {{"Link", R"(</v2/app/tags/list?n=2&last=b>; rel="next")"}}, R"({"tags":["a","b"]})", {}, false};
    };
    CHECK(kind_of([&] { static_cast<void>(tags()); }) == ErrorKind::format);
    int page = 0;
    registry.instead = [&page](const Request&) -> std::optional<Answer> {
        return Answer{
            200, {{"Link", "<?page=" + std::to_string(++page) + ">; rel=\"next\""}}, R"({"tags":null})", {}, false};
    };
    CHECK(open_source(registry.name("app:1"))->find_tag("x").has_value());
}

TEST_CASE("an image is pushed blobs first and its tag last", "[registry]") {
    FakeRegistry registry;
    const TestImage image = test_image();
    push(image, registry.name("team/app:1.0"));
    CHECK(registry.tags["team/app:1.0"] == sha256(image.manifest).str());
    CHECK(registry.blobs[image.layer_desc.digest.str()] == image.layer);
    const std::vector<std::string> log = registry.server.log();
    CHECK(log.back() == "PUT /v2/team/app/manifests/1.0");
    CHECK(registry.server.count("HEAD /v2/team/app/blobs/") == 2);
    CHECK(registry.server.count("POST /v2/team/app/blobs/uploads/") == 2);
    CHECK(registry.server.count("PUT /v2/team/app/blobs/uploads/") == 2);
    CHECK(log.size() == 7);
    registry.server.forget();
    push(image, registry.name("team/app:2.0"));
    CHECK(registry.server.log().size() == 3);
}

TEST_CASE("a blob is taken over from the repository that it was pulled from", "[registry]") {
    FakeRegistry registry;
    const TestImage image = test_image();
    registry.add_blob(image.layer);
    registry.instead = [&](const Request& request) -> std::optional<Answer> {
        return request.method == "HEAD" ? std::optional(not_found("BLOB_UNKNOWN")) : std::nullopt;
    };
    const auto destination = open_destination(registry.name("new/app:1"));
    const auto never = []() -> std::unique_ptr<ByteSource> { throw Error(ErrorKind::system, "it was read"); };
    destination->put_blob(image.layer_desc, never, registry.server.host() + "/old/app");
    CHECK(registry.server.log() == std::vector<std::string>{"POST /v2/new/app/blobs/uploads/?mount=" +
                                                            image.layer_desc.digest.str() + "&from=old/app"});
    // What it does not know it wants to be sent; who it is from elsewhere is nobody's business there.
    destination->put_blob(image.config_desc, opener(image.config), registry.server.host() + "/old/app");
    CHECK(registry.blobs.contains(image.config_desc.digest.str()));
    registry.server.forget();
    destination->put_blob(image.config_desc, opener(image.config), "other.example/old/app");
    CHECK(registry.server.log().front() == "POST /v2/new/app/blobs/uploads/");
}

TEST_CASE("an upload goes on where its connection broke", "[registry]") {
    FakeRegistry registry;
    const std::string bytes = noise(2'000'000);
    const Descriptor blob = describe(media_type::kLayerGzip, bytes);
    registry.server.hang_up_after(700'000);
    open_destination(registry.name("app:1"))->put_blob(blob, opener(bytes), {});
    CHECK(registry.blobs[blob.digest.str()] == bytes);
    const std::vector<Request> requests = registry.server.requests();
    REQUIRE(requests.size() == 4);
    CHECK(requests[2].method == "GET");
    CHECK(requests[3].method == "PUT");
    CHECK(requests[3].header("content-range") == "700000-1999999");
    CHECK(requests[3].body.size() == 1'300'000);
}

TEST_CASE("an upload that the registry has forgotten begins anew", "[registry]") {
    FakeRegistry registry;
    const std::string bytes = noise(1'000'000);
    const Descriptor blob = describe(media_type::kLayerGzip, bytes);
    registry.server.hang_up_after(700'000);
    registry.instead = [](const Request& request) -> std::optional<Answer> {
        return request.method == "GET" ? std::optional(not_found("BLOB_UPLOAD_UNKNOWN")) : std::nullopt;
    };
    open_destination(registry.name("app:1"))->put_blob(blob, opener(bytes), {});
    CHECK(registry.blobs[blob.digest.str()] == bytes);
    CHECK(registry.server.count("POST ") == 2);
}

TEST_CASE("a registry that takes no large body gets pieces, as large as it wants them at least", "[registry]") {
    FakeRegistry registry;
    const std::string bytes = noise(40'000'000);
    const Descriptor blob = describe(media_type::kLayerGzip, bytes);
    const bool wants_large_ones = GENERATE(false, true);
    bool broke = false;
    registry.instead = [&](const Request& request) -> std::optional<Answer> {
        if (request.method == "PUT" && !request.body.empty()) return Answer{413, {}, "", {}, false};
        if (request.method == "POST" && wants_large_ones) {
            registry.uploads["7"] = "";
            return Answer{
                202, {{"Location", "/v2/app/blobs/uploads/7"}, {"OCI-Chunk-Min-Length", "30000000"}}, "", {}, false};
        }
        if (request.method == "PATCH" && !std::exchange(broke, true)) return Answer{502, {}, "", {}, false};
        return std::nullopt;
    };
    open_destination(registry.name("app:1"))->put_blob(blob, opener(bytes), {});
    CHECK(registry.blobs[blob.digest.str()] == bytes);
    std::vector<std::string> ranges;
    for (const Request& one : registry.server.requests()) {
        if (one.method == "PATCH") ranges.push_back(one.header("content-range"));
    }
    if (wants_large_ones) {
        CHECK(ranges == std::vector<std::string>{"0-29999999", "0-29999999", "30000000-39999999"});
    } else {
        CHECK(ranges == std::vector<std::string>{"0-16777215", "0-16777215", "16777216-33554431", "33554432-39999999"});
    }
}

TEST_CASE("a blob that is not what it is said to be is not sent to its end", "[registry][hostile]") {
    FakeRegistry registry;
    const std::string bytes = noise(300'000);
    Descriptor blob = describe(media_type::kLayerGzip, bytes);
    blob.digest = sha256("another");
    const BlobOpener open = [&] { return verifying_source(memory_source(bytes), blob.digest, blob.size); };
    CHECK(kind_of([&] { open_destination(registry.name("app:1"))->put_blob(blob, open, {}); }) == ErrorKind::integrity);
    blob.size = bytes.size() + 1;
    CHECK(kind_of([&] { open_destination(registry.name("app:1"))->put_blob(blob, open, {}); }) == ErrorKind::integrity);
    CHECK(registry.server.count("PUT ") == 0);
    CHECK(registry.blobs.empty());
}

TEST_CASE("what hangs on an image is listed by the registry, or under a tag where it can't", "[registry]") {
    FakeRegistry registry;
    registry.has_referrers_api = GENERATE(true, false);
    const TestImage image = test_image();
    push(image, registry.name("app:1"));
    const Descriptor subject = describe(media_type::kManifest, image.manifest);
    const std::string first = referrer_of(subject, "application/vnd.test.one");
    const std::string second = referrer_of(subject, "application/vnd.test.two");
    for (const std::string& one : {first, second, first}) {
        const auto destination = open_destination(registry.name("app:1"));
        destination->put_manifest(describe(media_type::kManifest, one), one);
        destination->finish();
    }
    const ReferrerList list = open_source(registry.name("app:1"))->referrers(subject);
    REQUIRE(list.manifests.size() == 2);
    std::vector<std::string> types{list.manifests[0].artifact_type, list.manifests[1].artifact_type};
    std::ranges::sort(types);
    CHECK(types == std::vector<std::string>{"application/vnd.test.one", "application/vnd.test.two"});
    CHECK(registry.tags.contains("app:" + referrers_tag(subject.digest)) == !registry.has_referrers_api);
}

TEST_CASE("what strangers hang on an image keeps nobody from reading it", "[registry]") {
    FakeRegistry registry;
    registry.has_referrers_api = GENERATE(true, false);
    TestImage image = test_image();
    image.config = R"({"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[")" +
                   sha256("tar").str() + R"("]}})";
    image.config_desc = describe(media_type::kConfig, image.config);
    image.manifest = manifest_of(image.config, {image.layer_desc});
    push(image, registry.name("app:1"));
    const Descriptor subject = describe(media_type::kManifest, image.manifest);
    Descriptor beyond = describe("application/x", "x");
    beyond.size = std::uint64_t{65} << 20U;
    nlohmann::json large = parse_json(referrer_of(subject, "application/vnd.test.large"));
    large["layers"].push_back(to_json(beyond));
    const std::string gone = referrer_of(subject, "application/vnd.test.gone");
    for (const std::string& one : {dump_json(large), gone}) {
        const auto destination = open_destination(registry.name("app:1"));
        destination->put_manifest(describe(media_type::kManifest, one), one);
        destination->finish();
    }
    registry.manifests.erase(sha256(gone).str());
    const auto source = open_source(registry.name("app:1"));
    const ImageHead head = load_image_head(*source, {});
    CHECK(head.manifest == image.manifest);
    CHECK(head.artifacts.empty());
    REQUIRE(head.warnings.size() >= 1);
    for (const std::string& warning : head.warnings) CHECK_THAT(warning, Catch::EndsWith(", ignoring"));
}

TEST_CASE("what a list names and the registry has lost is left out of a copy, and is no mismatch", "[registry]") {
    FakeRegistry registry;
    registry.has_referrers_api = false;
    const TestImage image = test_image();
    push(image, registry.name("app:1"));
    const Descriptor subject = describe(media_type::kManifest, image.manifest);
    const std::string gone = hang_on(registry, subject, "application/vnd.test.gone");
    hang_on(registry, subject, "application/vnd.test.there");
    registry.manifests.erase(sha256(gone).str());
    registry.add_blob("{}");

    CopyOptions options;
    options.referrers = true;
    const auto destination = open_destination(registry.name("copy:1"));
    const CopyResult result =
        copy_image(*open_source(registry.name("app:1")), *destination, options, silent_reporter());
    CHECK(result.referrers == 1);
    REQUIRE(result.warnings.size() == 1);
    CHECK_THAT(result.warnings[0], Catch::Contains("artifact " + sha256(gone).str()) && Catch::EndsWith(", ignoring"));
    CHECK(open_source(registry.name("copy:1"))->referrers(subject).manifests.size() == 1);

    const Verification seen = verify_image(*open_source(registry.name("app:1")), silent_reporter());
    for (const Mismatch& mismatch : seen.mismatches) CHECK(mismatch.what.find(sha256(gone).str()) == std::string::npos);
}

TEST_CASE("a signature that is listed and gone proves nothing, and hides no other", "[registry][signature]") {
    FakeRegistry registry;
    const TestImage image = test_image();
    push(image, registry.name("app:1"));
    const Descriptor subject = describe(media_type::kManifest, image.manifest);
    const Signature good{"{}", "by somebody"};
    for (const Signature& one : {Signature{"{ }", "gone"}, good}) {
        const SignatureImage signature = make_signature_image({one}, &subject);
        for (const RawManifest& blob : signature.blobs) registry.add_blob(blob.bytes);
        registry.add_manifest(signature.manifest.bytes, std::string(media_type::kManifest), "");
    }
    registry.blobs.erase(sha256("{ }").str());
    registry.instead = [&](const Request& request) -> std::optional<Answer> {
        if (request.path() == "/v2/app/blobs/" + sha256("{ }").str()) return not_found("BLOB_UNKNOWN");
        return std::nullopt;
    };
    const FoundSignatures found = find_signatures(*open_source(registry.name("app:1")), subject);
    REQUIRE(found.signatures.size() == 1);
    CHECK(found.signatures[0].payload == "{}");
    CHECK(found.problems.size() == 1);
}

TEST_CASE("who hangs something on an image takes what is gone out of the list", "[registry]") {
    FakeRegistry registry;
    registry.has_referrers_api = false;
    const TestImage image = test_image();
    push(image, registry.name("app:1"));
    const Descriptor subject = describe(media_type::kManifest, image.manifest);
    const std::string gone = hang_on(registry, subject, "application/vnd.test.gone");
    const std::string kept = hang_on(registry, subject, "application/vnd.test.kept");
    registry.manifests.erase(sha256(gone).str());
    const std::string added = hang_on(registry, subject, "application/vnd.test.new");
    const std::vector<Descriptor> list = open_source(registry.name("app:1"))->referrers(subject).manifests;
    REQUIRE(list.size() == 2);
    CHECK((list[0].digest == sha256(kept) && list[1].digest == sha256(added)));
}

TEST_CASE("who hangs something on an image and tags it lists it before the tag is there", "[registry]") {
    FakeRegistry registry;
    registry.has_referrers_api = false;
    const TestImage image = test_image();
    const Descriptor subject = describe(media_type::kManifest, image.manifest);
    const std::string about = referrer_of(subject, "application/vnd.test.one");
    const auto destination = open_destination(registry.name("app:1"));
    destination->put_manifest(describe(media_type::kManifest, about), about);
    destination->put_tagged(subject, image.manifest, "1");
    destination->finish();
    const std::vector<std::string> log = registry.server.log();
    CHECK(log.back() == "PUT /v2/app/manifests/1");
    CHECK(registry.server.count("PUT /v2/app/manifests/" + referrers_tag(subject.digest)) == 1);
}

TEST_CASE("a destination that names a digest takes that image alone", "[registry]") {
    FakeRegistry registry;
    const TestImage image = test_image();
    CHECK(kind_of([&] { push(image, registry.name("app:1@" + sha256("other").str())); }) == ErrorKind::usage);
    push(image, registry.name("app@" + sha256(image.manifest).str()));
    CHECK(registry.tags.empty());
    CHECK(registry.manifests.size() == 1);
}

TEST_CASE("with an image goes what other tags say about it, and nothing else", "[registry]") {
    FakeRegistry registry;
    registry.has_referrers_api = false;
    const TestImage image = test_image();
    push(image, registry.name("app:1"));
    const Descriptor subject = describe(media_type::kManifest, image.manifest);
    hang_on(registry, subject, "application/vnd.test.one");
    const std::string tag = "app:" + referrers_tag(subject.digest);
    const SignatureImage signature = make_signature_image({{"{}", "x"}}, nullptr);
    registry.add_manifest(signature.manifest.bytes, std::string(media_type::kManifest), tag + ".sig");
    // Somebody's image, under a name that only cosign should give.
    const TestImage other = test_image("another layer");
    registry.add_manifest(other.manifest, std::string(media_type::kManifest), tag + ".att");
    registry.add_manifest(other.manifest, std::string(media_type::kManifest), "app:other");
    CHECK(delete_from_registry(parse_reference(registry.name("app:1")), {1, test_options()}).empty());
    CHECK(registry.manifests.count(subject.digest.str()) == 0);
    CHECK(registry.manifests.count(registry.tags.at(tag)) == 0);
    CHECK(registry.manifests.count(registry.tags.at(tag + ".sig")) == 0);
    CHECK(registry.manifests.count(sha256(other.manifest).str()) == 1);
}

TEST_CASE("what hung on an image and is deleted is taken out of its list", "[registry]") {
    FakeRegistry registry;
    registry.has_referrers_api = false;
    const TestImage image = test_image();
    push(image, registry.name("app:1"));
    const Descriptor subject = describe(media_type::kManifest, image.manifest);
    const std::string first = hang_on(registry, subject, "application/vnd.test.one");
    hang_on(registry, subject, "application/vnd.test.two");
    const std::string name = registry.name("app@" + sha256(first).str());
    CHECK(delete_from_registry(parse_reference(name), {1, test_options()}).empty());
    const std::vector<Descriptor> list = open_source(registry.name("app:1"))->referrers(subject).manifests;
    REQUIRE(list.size() == 1);
    CHECK(list[0].artifact_type == "application/vnd.test.two");
}

TEST_CASE("an image is deleted even where nothing else may be", "[registry]") {
    FakeRegistry registry;
    registry.has_referrers_api = false;
    const TestImage image = test_image();
    push(image, registry.name("app:1"));
    const Descriptor subject = describe(media_type::kManifest, image.manifest);
    hang_on(registry, subject, "application/vnd.test.one");
    registry.instead = [&](const Request& request) -> std::optional<Answer> {
        if (request.method == "DELETE" && !request.target.ends_with(subject.digest.hex())) {
            return Answer{405, {}, "", {}, false};
        }
        return std::nullopt;
    };
    const auto problems = delete_from_registry(parse_reference(registry.name("app:1")), {1, test_options()});
    REQUIRE(problems.size() == 1);
    CHECK_THAT(problems[0], Catch::StartsWith("tag '" + referrers_tag(subject.digest)) && Catch::EndsWith("ignoring"));
    CHECK(registry.manifests.count(subject.digest.str()) == 0);
}

TEST_CASE("a manifest can be deleted, and what is not there can't", "[registry]") {
    FakeRegistry registry;
    add_image(registry, "app:1");
    RegistryClient client({registry.server.host(), "app", true}, test_options());
    CHECK(delete_manifest(client, registry.tags["app:1"]));
    CHECK_FALSE(delete_manifest(client, "1"));
}

TEST_CASE("a busy registry is asked again, when it says that it may be", "[registry]") {
    FakeRegistry registry;
    add_image(registry, "app:1");
    int busy = 2;
    registry.instead = [&](const Request&) -> std::optional<Answer> {
        if (busy-- > 0) return Answer{429, {{"Retry-After", "0"}}, "", {}, false};
        return std::nullopt;
    };
    static_cast<void>(open_source(registry.name("app:1")));
    CHECK(registry.server.log().size() == 3);
    registry.instead = [](const Request&) -> std::optional<Answer> {
        return Answer{429,
                      {{"Retry-After", "99999"}},
                      R"({"errors":[{"code":"TOOMANYREQUESTS","message":"go away"}]})",
                      {},
                      false};
    };
    registry.server.forget();
    const std::string message = message_of([&] { open_source(registry.name("app:1")); });
    CHECK(message.find("TOOMANYREQUESTS: go away") != std::string::npos);
    CHECK(message.find("99999") != std::string::npos);
    CHECK(registry.server.log().size() == 1);
}

TEST_CASE("what a registry warns of is told once", "[registry]") {
    FakeRegistry registry;
    add_image(registry, "app:1");
    registry.instead = [&](const Request& request) -> std::optional<Answer> {
        const auto found = registry.manifests.begin();
        if (request.path().find("/manifests/") == std::string::npos) return std::nullopt;
        return Answer{200,
                      {{"Content-Type", found->second.first}, {"Warning", "299 - \"the end \x1b[31m is near\""}},
                      found->second.second,
                      {},
                      false};
    };
    RecordingReporter reporter;
    RegistryOptions options = test_options();
    options.reporter = &reporter;
    const auto source = open_source(registry.name("app:1"), options);
    static_cast<void>(source->find_tag("2"));
    REQUIRE(reporter.warnings.size() == 1);
    CHECK(reporter.warnings[0].find("the end") != std::string::npos);
    CHECK(reporter.warnings[0].find('\x1b') == std::string::npos);
}
