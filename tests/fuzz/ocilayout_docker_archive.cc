// SPDX-License-Identifier: Apache-2.0
//
// manifest.json of a docker archive, and names of docker images; what is understood survives printing and reading.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "ocilayout/docker_archive.h"

using namespace smith;
using namespace smith::ocilayout;

namespace {

void expect(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    try {
        const std::vector<DockerImage> images = parse_docker_manifest(text);
        const std::vector<DockerImage> again = parse_docker_manifest(to_json_text(images));
        expect(again.size() == images.size());
        for (std::size_t i = 0; i < images.size(); ++i) {
            expect(again[i].config == images[i].config && again[i].layers == images[i].layers &&
                   again[i].tags == images[i].tags);
        }
    } catch (const Error&) {
    }
    try {
        const std::string name = docker_name(text);
        expect(docker_name(name) == name);
    } catch (const Error&) {
    }
    return 0;
}
