// SPDX-License-Identifier: Apache-2.0
//
// A build's image on its way into a registry: in which order, and in how few requests.
#include <algorithm>

#include "ocilayout/read_image.h"
#include "ocilayout/registry/manifests.h"
#include "ocilayout/registry/memory.h"
#include "tests/unit/ocilayout/helpers.h"
#include "tests/unit/ocilayout/registry_helpers.h"
#include "tests/unit/temp_dir.h"

using namespace smith;
using namespace smith::ocilayout;
using namespace smith::test;

namespace {

FinishedImage finished(const TempDir& directory) {
    return image_of(small_tree(), directory.path(),
                    {artifact("application/vnd.test.spec", "{}"), artifact("application/vnd.test.why", "[1]")});
}

void write(const FinishedImage& image, const std::string& name, const RegistryOptions& options,
           const std::vector<std::string>& also_tags = {}) {
    static_cast<void>(write_image(image, *open_destination(name, options), {also_tags}));
}

std::size_t position(const std::vector<std::string>& log, const std::string& start, bool last = false) {
    const auto begins = [&](const std::string& one) { return one.starts_with(start); };
    if (!last) return static_cast<std::size_t>(std::ranges::find_if(log, begins) - log.begin());
    const auto it = std::find_if(log.rbegin(), log.rend(), begins);
    return log.size() - 1 - static_cast<std::size_t>(it - log.rbegin());
}

/// Lets in who has a token, which anybody may have.
std::function<std::optional<Answer>(const Request&)> behind_token(const HttpServer& token_server) {
    return [&token_server](const Request& request) -> std::optional<Answer> {
        if (request.header("authorization") == "Bearer abc") return std::nullopt;
        return Answer{401,
                      {{"WWW-Authenticate", "Bearer realm=\"" + token_server.url() + "/token\",service=\"s\""}},
                      "",
                      {},
                      false};
    };
}

}  // namespace

TEST_CASE("blobs are there before a manifest means them, and the tag comes last", "[registry]") {
    FakeRegistry registry;
    registry.has_referrers_api = GENERATE(true, false);
    const TempDir directory;
    const FinishedImage image = finished(directory);
    write(image, registry.name("app:1"), test_options(), {"stable", "1.0"});
    const std::vector<std::string> log = registry.server.log();
    CHECK(log.back() == "PUT /v2/app/manifests/1");
    CHECK(log[log.size() - 2] == "PUT /v2/app/manifests/1.0");
    CHECK(position(log, "PUT /v2/app/blobs", true) < position(log, "PUT /v2/app/manifests"));
    CHECK(position(log, "PUT /v2/app/manifests/sha256", true) < position(log, "PUT /v2/app/manifests/stable"));
    for (const char* tag : {"1", "stable", "1.0"}) {
        CHECK(registry.tags["app:" + std::string(tag)] == image.image.manifest_desc.digest.str());
    }
    const auto source = open_source(registry.name("app:1"));
    CHECK(source->referrers(image.image.manifest_desc).manifests.size() == 2);
}

TEST_CASE("the same image written twice takes at most three requests", "[registry]") {
    FakeRegistry registry;
    HttpServer token_server([](const Request&) { return Answer{200, {}, R"({"token":"abc"})", {}, false}; });
    const bool wants_token = GENERATE(false, true);
    registry.has_referrers_api = GENERATE(true, false);
    if (wants_token) registry.instead = behind_token(token_server);
    const TempDir directory;
    const FinishedImage image = finished(directory);
    RegistryOptions options = test_options();
    options.cache_dir = directory.path();
    write(image, registry.name("app:1"), options);
    const std::size_t first = registry.server.log().size() + token_server.log().size();
    registry.server.forget();
    token_server.forget();
    write(image, registry.name("app:1"), options);
    const std::size_t second = registry.server.log().size() + token_server.log().size();
    CHECK(second <= 3);
    CHECK(registry.server.count("PUT") == 0);
    CHECK(first > 10);
}

TEST_CASE("in docker's words an image has another digest, the same blobs, and nothing hangs on it", "[registry]") {
    FakeRegistry registry;
    const TempDir directory;
    const FinishedImage image = finished(directory);
    const std::vector<std::string> places = {registry.name("app:1"), "dir:" + (directory.path() / "dir").string()};
    for (const std::string& name : places) {
        const Descriptor written = write_image(image, *open_destination(name), {{}, true});
        CHECK(written.media_type == media_type::kDockerManifest);
        CHECK(written.digest != image.image.manifest_desc.digest);
        const auto source = open_source(name);
        CHECK(source->manifest().descriptor.digest == written.digest);
        CHECK(source->referrers(written).manifests.empty());
        const ImageHead head = load_image_head(*source);
        CHECK(head.config_text == image.image.config);
        CHECK(head.layers.front().digest == image.layers.front().layer.digest);
    }
    CHECK(registry.server.count("PUT /v2/app/manifests/") == 1);
    registry.server.forget();
    static_cast<void>(write_image(image, *open_destination(registry.name("app:1")), {{}, true}));
    CHECK(registry.server.log() == std::vector<std::string>{"HEAD /v2/app/manifests/1"});
    for (const std::string transport : {"oci:", "oci-archive:"}) {
        const auto layout = open_destination(transport + (directory.path() / "layout").string());
        CHECK(message_of([&] {
                  static_cast<void>(write_image(image, *layout, {{}, true}));
              }) == "an OCI layout holds documents of OCI's types; leave out --docker");
    }
}

TEST_CASE("what is missing at the registry is written, whatever the tag says", "[registry]") {
    FakeRegistry registry;
    registry.has_referrers_api = GENERATE(true, false);
    const TempDir directory;
    FinishedImage image = finished(directory);
    write(image, registry.name("app:1"), test_options());
    // The tests of a spec, say, which are no part of the image.
    image.artifacts[0].bytes = R"({"tests":"more"})";
    write(image, registry.name("app:1"), test_options());
    CHECK(open_source(registry.name("app:1"))->referrers(image.image.manifest_desc).manifests.size() == 3);
    registry.server.forget();
    write(image, registry.name("app:1"), test_options(), {"2"});
    CHECK(registry.tags["app:2"] == image.image.manifest_desc.digest.str());
    CHECK(registry.server.count("PUT /v2/app/blobs") == 0);
}

TEST_CASE("a list that outlived what it lists is no reason to write nothing", "[registry]") {
    FakeRegistry registry;
    registry.has_referrers_api = false;
    const TempDir directory;
    const FinishedImage image = finished(directory);
    write(image, registry.name("app:1"), test_options());
    const std::string list = registry.tags.at("app:" + referrers_tag(image.image.manifest_desc.digest));
    // As docker's registry cleans up: what has no tag goes.
    std::erase_if(registry.manifests, [&](const auto& one) {
        return one.first != list && one.first != image.image.manifest_desc.digest.str();
    });
    write(image, registry.name("app:1"), test_options());
    CHECK(load_image_head(*open_source(registry.name("app:1"))).artifacts.size() == 2);
    registry.server.forget();
    write(image, registry.name("app:1"), test_options());
    CHECK(registry.server.count("PUT") == 0);
}

TEST_CASE("what was remembered of a registry and does not hold any more does no harm", "[registry][hostile]") {
    FakeRegistry registry;
    HttpServer old_one([](const Request&) { return Answer{500, {}, "", {}, false}; });
    HttpServer token_server([](const Request&) { return Answer{200, {}, R"({"token":"abc"})", {}, false}; });
    const TempDir directory;
    RegistryOptions options = test_options();
    options.cache_dir = directory.path();
    options.retry.retries = 0;
    add_image(registry, "app:1");
    remember_registry(options.cache_dir, registry.server.host(), {old_one.url() + "/token", "s", false});
    static_cast<void>(open_source(registry.name("app:1"), options));
    registry.instead = behind_token(token_server);
    remember_registry(options.cache_dir, registry.server.host(), {old_one.url() + "/token", "s", false});
    static_cast<void>(open_source(registry.name("app:1"), options));
    CHECK(recall_registry(options.cache_dir, registry.server.host()).realm == token_server.url() + "/token");
    // Somebody wrote into our cache: it is no better than what a registry says.
    remember_registry(options.cache_dir, registry.server.host(), {"https://evil.example/token", "s", {}});
    token_server.forget();
    static_cast<void>(open_source(registry.name("app:1"), options));
    CHECK(token_server.log().size() == 1);
    CHECK(recall_registry({}, "x").realm.empty());
    CHECK(recall_registry("/nonexistent", "x").realm.empty());
    remember_registry("/proc/nonexistent", "x", {"r", "s", {}});
}
