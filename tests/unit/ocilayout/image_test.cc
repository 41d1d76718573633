// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/image.h"

#include <catch2/catch.hpp>

#include "base/error.h"

using namespace smith;
using namespace smith::ocilayout;

namespace {

const Layer kLayer{sha256("tar"), sha256("gzip"), 1234, std::string(media_type::kLayerGzip)};

ImageConfig full_config() {
    ImageConfig out;
    out.platform = {"linux", "arm64", "v8"};
    out.created = "2020-01-01T00:00:00Z";
    out.author = "somebody";
    out.user = "10:10";
    out.exposed_ports = {"80/tcp", "53/udp"};
    out.env = {"B=2", "A=1"};
    out.entrypoint = {"/usr/sbin/nginx", "-g", "daemon off;"};
    out.cmd = {"x"};
    out.volumes = {"/write"};
    out.working_dir = "/run";
    out.labels = {{"k", "v"}};
    out.stop_signal = "SIGQUIT";
    out.healthcheck = Healthcheck{{"CMD", "/bin/check"}, 30'000'000'000, 1'000'000'000, 5, 6, 3};
    return out;
}

}  // namespace

TEST_CASE("a configuration printed is read as the same", "[image]") {
    const ImageConfig config = full_config();
    const ParsedConfig parsed = parse_image_config(to_json_text(config, std::vector{kLayer}));
    CHECK(parsed.config == config);
    CHECK(parsed.diff_ids == std::vector{kLayer.diff_id});
}

TEST_CASE("a configuration says nothing that was not asked for", "[image]") {
    ImageConfig config;
    config.platform = {"linux", "amd64", ""};
    CHECK(to_json_text(config, std::vector{kLayer}) ==
          R"({"architecture":"amd64","config":{},"os":"linux","rootfs":{"diff_ids":[")" + kLayer.diff_id.str() +
              R"("],"type":"layers"}})");
}

TEST_CASE("a manifest names configuration and layers by digest and size", "[image]") {
    const Image image = make_image(full_config(), std::vector{kLayer}, {{"org.opencontainers.image.title", "t"}});
    CHECK(image.manifest_desc.digest == sha256(image.manifest));
    CHECK(image.manifest_desc.platform == Platform{"linux", "arm64", "v8"});
    const ParsedManifest parsed = parse_manifest(image.manifest, media_type::kManifest);
    CHECK(parsed.config == image.config_desc);
    CHECK(parsed.config == describe(media_type::kConfig, image.config));
    REQUIRE(parsed.layers.size() == 1);
    CHECK(parsed.layers[0].digest == kLayer.digest);
    CHECK(parsed.layers[0].size == 1234);
    CHECK(parsed.annotations == Annotations{{"org.opencontainers.image.title", "t"}});
}

TEST_CASE("artifacts hang on the image by subject, in an order of their own", "[image]") {
    const Image image = make_image(full_config(), std::vector{kLayer});
    const Artifact spec{std::string(artifact_type::kSpec), std::string(artifact_type::kSpec), "{}", {{"a", "b"}}};
    const Artifact packages{std::string(artifact_type::kPackages), std::string(artifact_type::kPackages), "[]", {}};
    CHECK(make_referrers(image.manifest_desc, {}).manifests.empty());
    const auto one = make_referrers(image.manifest_desc, std::vector{spec, packages});
    const auto other = make_referrers(image.manifest_desc, std::vector{packages, spec});
    const auto index_of = [](const Referrers& referrers) {
        std::vector<Descriptor> manifests;
        for (const SmallBlob& blob : referrers.manifests) manifests.push_back(blob.descriptor);
        return make_referrer_index(manifests);
    };
    CHECK(index_of(one).descriptor == index_of(other).descriptor);

    const auto bytes_of = [&](const Digest& digest) {
        for (const auto* blobs : {&one.manifests, &one.blobs}) {
            for (const SmallBlob& blob : *blobs) {
                if (blob.descriptor.digest == digest) return blob.bytes;
            }
        }
        return std::string();
    };
    const ParsedIndex index = parse_index(index_of(one).bytes, media_type::kIndex);
    REQUIRE(index.manifests.size() == 2);
    CHECK(index.manifests[0].artifact_type == artifact_type::kPackages);
    CHECK(index.manifests[1].annotations == Annotations{{"a", "b"}});
    const ParsedManifest manifest = parse_manifest(bytes_of(index.manifests[1].digest), media_type::kManifest);
    REQUIRE(manifest.subject);
    CHECK(manifest.subject->digest == image.manifest_desc.digest);
    CHECK(manifest.artifact_type == artifact_type::kSpec);
    CHECK(manifest.config.media_type == media_type::kEmpty);
    CHECK(bytes_of(manifest.config.digest) == "{}");
    CHECK(bytes_of(manifest.layers.at(0).digest) == "{}");
}

TEST_CASE("null is absent, as Go writes it", "[image]") {
    const ParsedConfig parsed = parse_image_config(
        R"({"os":"linux","architecture":"amd64","config":{"Entrypoint":null,"Cmd":["a"],"Labels":null,"Volumes":null},)"
        R"("rootfs":{"type":"layers","diff_ids":[]}})");
    CHECK(parsed.config.entrypoint.empty());
    CHECK(parsed.config.cmd == std::vector<std::string>{"a"});
}

TEST_CASE("text that is not UTF-8 can't be in an image", "[image]") {
    ImageConfig config = full_config();
    config.env = {"A=\xff"};
    CHECK_THROWS_AS(make_image(config, std::vector{kLayer}), Error);
}

TEST_CASE("machines are called as Go calls them", "[image]") {
    CHECK(platform_of_machine("x86_64") == Platform{"linux", "amd64", ""});
    CHECK(platform_of_machine("aarch64") == Platform{"linux", "arm64", "v8"});
    CHECK(to_string(parse_platform("linux/arm/v7")) == "linux/arm/v7");
    CHECK_THROWS_AS(platform_of_machine("vax"), Error);
    for (const char* bad : {"", "linux", "linux/", "/amd64", "a/b/c/d"}) CHECK_THROWS_AS(parse_platform(bad), Error);
}
