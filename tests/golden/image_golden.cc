// SPDX-License-Identifier: Apache-2.0
//
// What smith writes for one small tree, to the byte, in a form that a person can review: tests/golden/image.golden.
// The compressed layer is not in it: its bytes depend on the version of libdeflate. With SMITH_ACCEPT=1 the golden is
// written anew, and the test reports "skipped" (77).
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <set>
#include <string>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/fd.h"
#include "tests/unit/ocilayout/helpers.h"
#include "tests/unit/temp_dir.h"

using namespace smith;
using namespace smith::ocilayout;

namespace {

constexpr int kSkipped = 77;

/// small_tree(), and one of each thing that ustar can't say.
TestTree golden_tree() {
    TestTree out = small_tree();
    const std::string component(60, 'd');
    out.file("/" + component + "/" + component + "/file", "split at the slash");
    out.link("/" + std::string(101, 'n'), std::string(120, 't'));
    out.file("/latin-\xe9-" + std::string(100, 'x'), "not UTF-8");
    out.file("/utf-8-\xc3\xa9", "UTF-8");
    return out;
}

/// Bytes as a person can read them: \0 runs shortened, others that are not ASCII as \xNN.
std::string readable(std::string_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    for (std::size_t at = 0; at < bytes.size();) {
        const auto byte = static_cast<unsigned char>(bytes[at]);
        if (byte == 0) {
            const std::size_t end = std::min(bytes.find_first_not_of('\0', at), bytes.size());
            out += "\\0{" + std::to_string(end - at) + "}";
            at = end;
            continue;
        }
        if (std::isprint(byte) != 0 && byte != '\\') {
            out += static_cast<char>(byte);
        } else {
            out += "\\x";
            out += digits[byte >> 4U];
            out += digits[byte & 15U];
        }
        ++at;
    }
    return out;
}

/// Block for block, whatever is in them.
std::string readable_tar(std::string_view tar) {
    std::string out;
    for (std::size_t at = 0; at < tar.size(); at += 512) out += readable(tar.substr(at, 512)) + "\n";
    return out;
}

std::string golden_text() {
    const TestTree tree = golden_tree();
    std::string tar;
    write_tar(tree.tree, Owner{}, tree.contents, append_to(tar));
    const Layer layer{sha256(tar), sha256("whatever libdeflate makes of it"), 4321,
                      std::string(media_type::kLayerGzip)};
    ImageConfig config;
    config.platform = {"linux", "arm64", "v8"};
    config.user = "10:10";
    config.exposed_ports = {"80/tcp"};
    config.env = {"TZ=UTC"};
    config.entrypoint = {"/usr/bin/cat"};
    config.cmd = {"/read/data"};
    config.volumes = {"/write"};
    config.working_dir = "/run";
    config.labels = {{"maintainer", "somebody"}};
    config.stop_signal = "SIGQUIT";
    config.healthcheck = Healthcheck{{"CMD", "/usr/bin/check"}, 30'000'000'000, 0, 0, 0, 3};
    const FinishedImage image{make_image(config, std::vector{layer}, {{"org.opencontainers.image.title", "golden"}}),
                              {},
                              {artifact(std::string(artifact_type::kSpec), R"({"package":"coreutils"})"),
                               artifact(std::string(artifact_type::kPackages), "[]")}};
    const TempDir dir;
    write_image(image, {Transport::oci, dir.path(), "latest", {}}, 1);
    std::string out = "== tar " + layer.diff_id.str() + "\n" + readable_tar(tar);
    std::set<std::string> names;
    for (const auto& file : std::filesystem::directory_iterator(dir.path() / "blobs" / "sha256")) {
        names.insert(file.path().filename().string());
    }
    const auto show = [&](const std::string& name, const std::string& title) {
        out += "== " + title + "\n" + read_file(dir.path() / name, 1U << 20U) + "\n";
    };
    // The manifest and the configuration first, which do not depend on what hangs on them.
    for (const Descriptor& first : {image.image.manifest_desc, image.image.config_desc}) {
        names.erase(first.digest.hex());
        show("blobs/sha256/" + first.digest.hex(), first.media_type + " " + first.digest.str());
    }
    for (const std::string& name : names) show("blobs/sha256/" + name, "sha256:" + name);
    show("index.json", "index.json");
    return out;
}

/// The first line in which two texts differ, from both.
void print_difference(const std::string& expected, const std::string& got) {
    std::size_t line = 1;
    for (std::size_t i = 0, j = 0; i < expected.size() || j < got.size(); ++line) {
        const std::size_t i_end = std::min(expected.find('\n', i), expected.size());
        const std::size_t j_end = std::min(got.find('\n', j), got.size());
        const std::string a = expected.substr(std::min(i, expected.size()), i_end - i);
        const std::string b = got.substr(std::min(j, got.size()), j_end - j);
        if (a != b) {
            std::cerr << "line " << line << "\n  expected " << a << "\n  got      " << b << "\n";
            return;
        }
        i = i_end + 1;
        j = j_end + 1;
    }
}

int run(const std::filesystem::path& golden) {
    const std::string got = golden_text();
    if (std::getenv("SMITH_ACCEPT") != nullptr) {
        write_file_atomically(golden, got);
        std::cerr << "accepted; review the change of " << golden << "\n";
        return kSkipped;
    }
    const std::string expected = read_file(golden, 1U << 20U);
    if (expected == got) return 0;
    print_difference(expected, got);
    std::cerr
        << "Every digest of every image changes. If that is meant, raise kTarFormat (ocilayout/layer.cc) when the tar "
           "has changed, and accept: SMITH_ACCEPT=1 meson test 'golden image'\n";
    return 1;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        if (argc == 2) return run(argv[1]);
        std::cerr << "usage: " << argv[0] << " GOLDEN\n";
    } catch (const Error& e) {
        std::cerr << e.what() << "\n";
    }
    return 1;
}
