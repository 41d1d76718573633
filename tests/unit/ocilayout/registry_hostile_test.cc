// SPDX-License-Identifier: Apache-2.0
//
// Registries that keep us busy, and registries that say to have done what they have not.
#include <algorithm>

#include "ocilayout/read_image.h"
#include "ocilayout/registry/manifests.h"
#include "ocilayout/registry/registry.h"
#include "tests/unit/ocilayout/registry_helpers.h"

using namespace smith;
using namespace smith::ocilayout;
using namespace smith::test;

namespace {

bool is_of_blobs(const Request& request) { return request.path().find("/blobs/sha256:") != std::string::npos; }

std::size_t first_of_range(const Request& request) {
    const std::string range = request.header("range");
    return range.empty() ? 0 : std::stoul(range.substr(6));
}

std::string content_range(std::size_t first, std::size_t last, std::size_t size) {
    return "bytes " + std::to_string(first) + "-" + std::to_string(last) + "/" + std::to_string(size);
}

/// A blob of more than one part, behind a registry that takes no large body.
struct Pieces {
    Pieces() {
        registry.instead = [this](const Request& request) -> std::optional<Answer> {
            if (request.method == "PUT" && !request.body.empty()) return Answer{413, {}, "", {}, false};
            return request.method == "PATCH" || request.method == "GET" ? answer(request) : std::nullopt;
        };
    }
    ErrorKind put() {
        return kind_of([&] { open_destination(registry.name("app:1"))->put_blob(blob, opener(bytes), {}); });
    }
    static Answer has(std::size_t count) {
        return {
            202, {{"Location", "/v2/app/blobs/uploads/1"}, {"Range", "0-" + std::to_string(count - 1)}}, "", {}, false};
    }

    FakeRegistry registry;
    std::function<std::optional<Answer>(const Request&)> answer;
    std::string bytes = noise(200'000);
    Descriptor blob = describe(media_type::kLayerGzip, bytes);
};

}  // namespace

TEST_CASE("a registry that gives a blob a byte at a time is given up", "[registry][hostile]") {
    FakeRegistry registry;
    const std::string bytes = noise(100'000);
    const Descriptor blob = describe(media_type::kLayerGzip, bytes);
    add_image(registry, "app:1");
    const auto source = open_source(registry.name("app:1"));
    const bool breaks = GENERATE(false, true);
    registry.instead = [&](const Request& request) -> std::optional<Answer> {
        if (!is_of_blobs(request)) return std::nullopt;
        const std::size_t at = first_of_range(request);
        const std::size_t last = breaks ? bytes.size() - 1 : at;
        Answer out{at == 0 ? 200 : 206,
                   {{"Content-Range", content_range(at, last, bytes.size())}},
                   bytes.substr(at, last - at + 1),
                   {},
                   false};
        if (breaks) out.cut_after = 1;
        return out;
    };
    registry.server.forget();
    CHECK_THROWS_AS(read_blob(*source, blob, 1 << 20), Error);
    CHECK(registry.server.log().size() <= 5);
}

TEST_CASE("a registry that gives a large blob in many parts is asked for all of them", "[registry]") {
    FakeRegistry registry;
    const std::string bytes = noise(2'000'000);
    const Descriptor blob = describe(media_type::kLayerGzip, bytes);
    add_image(registry, "app:1");
    const auto source = open_source(registry.name("app:1"));
    registry.instead = [&](const Request& request) -> std::optional<Answer> {
        if (!is_of_blobs(request)) return std::nullopt;
        const std::size_t at = first_of_range(request);
        const std::size_t last = std::min(at + 100'000, bytes.size()) - 1;
        return Answer{at == 0 ? 200 : 206,
                      {{"Content-Range", content_range(at, last, bytes.size())}},
                      bytes.substr(at, last - at + 1),
                      {},
                      false};
    };
    registry.server.forget();
    CHECK(read_blob(*source, blob, 1 << 22) == bytes);
    CHECK(registry.server.log().size() == 20);
}

TEST_CASE("the rest of a blob is the rest of it, or refused", "[registry][hostile]") {
    FakeRegistry registry;
    const std::string bytes = noise(300'000);
    const Descriptor blob = describe(media_type::kLayerGzip, bytes);
    add_image(registry, "app:1");
    const auto source = open_source(registry.name("app:1"));
    const auto with_rest = [&](const std::string& range, const std::string& rest) {
        registry.instead = [&, range, rest](const Request& request) -> std::optional<Answer> {
            if (!is_of_blobs(request)) return std::nullopt;
            if (request.header("range").empty()) return Answer{200, {}, bytes, 100'000, false};
            return Answer{206, {{"Content-Range", range}}, rest, {}, false};
        };
        return kind_of([&] { static_cast<void>(read_blob(*source, blob, 1 << 20)); });
    };
    const std::string rest = bytes.substr(100'000);
    CHECK(with_rest("bytes 99999-299999/300000", bytes.substr(99'999)) == ErrorKind::fetch);
    CHECK(with_rest("bytes 1000000-1199999/300000", rest) == ErrorKind::fetch);
    CHECK(with_rest("", rest) == ErrorKind::fetch);
    CHECK(with_rest("bytes 100000-299999/300000", rest + "x") == ErrorKind::integrity);
    CHECK(with_rest("bytes 100000-299999/300000", std::string(200'000, 'x')) == ErrorKind::integrity);
}

TEST_CASE("a blob is its bytes, whatever the answer says of their encoding", "[registry][hostile]") {
    FakeRegistry registry;
    const TestImage image = add_image(registry, "app:1");
    const auto source = open_source(registry.name("app:1"));
    std::string sent = image.layer;
    registry.instead = [&](const Request& request) -> std::optional<Answer> {
        if (!is_of_blobs(request)) return std::nullopt;
        return Answer{200, {{"Content-Encoding", "gzip"}}, sent, {}, false};
    };
    // Object stores say so of a .tar.gz that they have.
    CHECK(read_blob(*source, image.layer_desc, 1 << 20) == image.layer);
    sent = "\x1f\x8b\x08" + image.layer;
    CHECK(kind_of([&] { static_cast<void>(read_blob(*source, image.layer_desc, 1 << 20)); }) == ErrorKind::integrity);
    for (const Request& one : registry.server.requests()) CHECK_FALSE(one.headers.contains("accept-encoding"));
}

TEST_CASE("a registry that takes a blob a byte at a time is given up", "[registry][hostile]") {
    Pieces world;
    std::size_t has = 0;
    world.answer = [&](const Request&) { return Pieces::has(has += 2); };
    CHECK(world.put() == ErrorKind::fetch);
    CHECK(world.registry.server.count("PATCH") <= 5);
}

TEST_CASE("a registry that has now more, now less of a blob is given up", "[registry][hostile]") {
    Pieces world;
    std::size_t count = 0;
    world.answer = [&](const Request& request) -> std::optional<Answer> {
        ++count;
        if (request.method == "GET") return Pieces::has(count % 4 == 0 ? 2 : 150'000);
        return Answer{500, {}, "", {}, false};
    };
    CHECK(world.put() == ErrorKind::fetch);
    CHECK(world.registry.server.count("PATCH") < 30);
    count = 0;
    world.answer = [&](const Request&) { return Pieces::has(++count % 2 == 0 ? 2 : 100'000); };
    CHECK(world.put() == ErrorKind::fetch);
    CHECK(count <= 2);
}

TEST_CASE("a registry that has taken a blob for another one has not taken it", "[registry][hostile]") {
    FakeRegistry registry;
    const TestImage image = test_image();
    registry.instead = [](const Request& request) -> std::optional<Answer> {
        if (request.method != "PUT" || request.path().find("/blobs/") == std::string::npos) return std::nullopt;
        return Answer{201, {{"Docker-Content-Digest", sha256("another").str()}}, "", {}, false};
    };
    CHECK(kind_of([&] { push(image, registry.name("app:1")); }) == ErrorKind::integrity);
}

TEST_CASE("what is answered with 200 instead of 201 counts when it is there", "[registry][hostile]") {
    FakeRegistry registry;
    const TestImage image = test_image();
    const auto says_yes = [&](const Request& request, bool does_it) -> std::optional<Answer> {
        if (request.method != "PUT" || request.path().find("/manifests/") == std::string::npos) return std::nullopt;
        if (does_it) registry.add_manifest(request.body, request.header("content-type"), "app:1");
        return Answer{200, {{"Content-Type", "text/html"}}, "<html>log in, please", {}, false};
    };
    registry.instead = [&](const Request& request) { return says_yes(request, true); };
    push(image, registry.name("app:1"));
    registry.tags.clear();
    registry.instead = [&](const Request& request) { return says_yes(request, false); };
    CHECK(kind_of([&] { push(image, registry.name("app:1")); }) == ErrorKind::fetch);
    // A blob is there when its PUT says 201, and by nothing else.
    registry.instead = [](const Request& request) -> std::optional<Answer> {
        return request.method == "PUT" ? std::optional(Answer{200, {}, "", {}, false}) : std::nullopt;
    };
    CHECK(kind_of([&] { push(test_image("other"), registry.name("app:1")); }) == ErrorKind::fetch);
}

TEST_CASE("manifests, lists and tokens that trickle in are given up", "[registry][auth][hostile]") {
    FakeRegistry registry;
    RegistryOptions options = test_options();
    options.max_seconds_for_document = 1;
    options.retry.retries = 0;
    const auto trickle = [](const Request&) {
        return Answer{200, {}, std::string(2000, ' '), {}, true, std::chrono::milliseconds(50)};
    };
    // Fast enough for the least rate.
    registry.instead = trickle;
    CHECK(message_of([&] { open_source(registry.name("app:1"), options); }).find("timed out") != std::string::npos);
    HttpServer slow(trickle);
    registry.instead = [&](const Request&) -> std::optional<Answer> {
        return Answer{401, {{"WWW-Authenticate", "Bearer realm=\"" + slow.url() + "/token\""}}, "", {}, false};
    };
    CHECK(message_of([&] { open_source(registry.name("app:1"), options); }).find("timed out") != std::string::npos);
}

TEST_CASE("a list of what are no tags ends where one of tags does", "[registry][hostile]") {
    FakeRegistry registry;
    std::string names;
    for (std::size_t i = 0; i < 1'000'001; ++i) names += "\"\",";
    registry.instead = [&](const Request&) -> std::optional<Answer> {
        return Answer{200, {}, "{\"tags\":[" + names + "\"\"]}", {}, false};
    };
    CHECK(kind_of([&] {
              static_cast<void>(list_tags(parse_reference(registry.name("app")), {1, test_options()}));
          }) == ErrorKind::format);
}

TEST_CASE("a registry that has never heard of referrers may say so in its own way", "[registry]") {
    FakeRegistry registry;
    registry.has_referrers_api = false;
    const TestImage image = test_image();
    push(image, registry.name("app:1"));
    const Descriptor subject = describe(media_type::kManifest, image.manifest);
    const std::string about = referrer_of(subject, "application/vnd.test.one");
    const auto destination = open_destination(registry.name("app:1"));
    destination->put_manifest(describe(media_type::kManifest, about), about);
    destination->finish();
    const int status = GENERATE(400, 404, 405, 406, 501);
    registry.instead = [&](const Request& request) -> std::optional<Answer> {
        if (request.path().find("/referrers/") == std::string::npos) return std::nullopt;
        return Answer{status, {}, "what?", {}, false};
    };
    CHECK(open_source(registry.name("app:1"))->referrers(subject).manifests.size() == 1);
}

TEST_CASE("what a registry says stays short in messages, and says where it stood", "[registry][hostile]") {
    FakeRegistry registry;
    const auto says = [&](const Answer& answer) {
        registry.instead = [&](const Request&) -> std::optional<Answer> { return answer; };
        return message_of([&] { open_source(registry.name("app:1")); });
    };
    const std::string much(60'000, 'm');
    CHECK(says({403, {}, R"({"errors":[{"code":"DENIED","message":")" + much + "\"}]}", {}, false}).size() < 5000);
    CHECK(says({401, {{"WWW-Authenticate", "Bearer realm=\"http://" + much + "/\""}}, "", {}, false}).size() < 5000);
    CHECK(says({401, {{"WWW-Authenticate", much}}, "", {}, false}).size() < 5000);
    const std::string manifest = test_image().manifest;
    const std::string message = says({200, {{"Docker-Content-Digest", "sha256:" + much}}, manifest, {}, false});
    CHECK(message.size() < 5000);
    CHECK(message.find("Docker-Content-Digest: not a SHA-256 digest") != std::string::npos);
}

TEST_CASE("a registry that has answered is asked again in the same way", "[registry]") {
    FakeRegistry registry;
    const TestImage image = add_image(registry, "app:1");
    bool broke = false;
    registry.instead = [&](const Request&) -> std::optional<Answer> {
        if (std::exchange(broke, true)) return std::nullopt;
        return Answer{200, {{"Content-Length", "1000"}}, image.manifest, 10, false};
    };
    // Not by TLS, although that is allowed.
    CHECK(open_source(registry.name("app:1"))->manifest().bytes == image.manifest);
    CHECK(registry.server.log().size() == 2);
}

TEST_CASE("what is added to a Location does not end up in a fragment", "[registry][hostile]") {
    RegistryClient client({"reg.example", "app", false}, test_options());
    HttpResponse response;
    response.url = "https://reg.example/v2/app/blobs/uploads/";
    CHECK(client.location(response, "/v2/x?y=1#z") == "https://reg.example/v2/x?y=1");
}
