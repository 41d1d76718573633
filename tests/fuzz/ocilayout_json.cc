// SPDX-License-Identifier: Apache-2.0
//
// Manifests, indexes, configurations and signatures of strangers; what is understood of a configuration or an index
// survives printing and reading.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "ocilayout/image.h"
#include "ocilayout/sigstore_bundle.h"

using namespace smith;
using namespace smith::ocilayout;

namespace {

template <typename Body>
void if_understood(Body body) {
    try {
        body();
    } catch (const Error&) {
    }
}

void expect(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if_understood([&] { static_cast<void>(parse_manifest(text, media_type::kManifest)); });
    if_understood([&] {
        const ParsedIndex index = parse_index(text, media_type::kIndex);
        const ParsedIndex again = parse_index(to_json_text(index), media_type::kIndex);
        expect(again.manifests == index.manifests && again.annotations == index.annotations);
    });
    if_understood([&] {
        const ParsedConfig parsed = parse_image_config(text);
        std::vector<Layer> layers;
        for (const Digest& diff_id : parsed.diff_ids) layers.push_back({diff_id, {}, 0});
        const ParsedConfig again = parse_image_config(to_json_text(parsed.config, layers));
        expect(again.config == parsed.config && again.diff_ids == parsed.diff_ids);
    });
    if_understood([&] {
        const SealedStatement sealed = parse_bundle(text);
        static_cast<void>(problem_with_statement(sealed.statement, sha256("")));
    });
    return 0;
}
