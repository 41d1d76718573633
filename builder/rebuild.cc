// SPDX-License-Identifier: Apache-2.0
#include "builder/rebuild.h"

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>

#include "base/json.h"
#include "ocilayout/decompress.h"
#include "ocilayout/gzip.h"
#include "ocilayout/read_image.h"

namespace smith::builder {

namespace {

using nlohmann::json;
using ocilayout::ByteSource;
using ocilayout::TarDifference;

using Differences = std::vector<TarDifference>;

std::string shown(const json& value) { return value.is_null() ? "nothing" : dump_json(value); }

/// Objects key by key, so that what differs is named; anything else as a whole.
void compare_json(const std::string& what, const json& want, const json& got, Differences& out) {
    if (want == got) return;
    if (!want.is_object() || !got.is_object()) {
        out.push_back({what, shown(want), shown(got)});
        return;
    }
    std::set<std::string> keys;
    for (const auto& item : want.items()) keys.insert(item.key());
    for (const auto& item : got.items()) keys.insert(item.key());
    for (const std::string& key : keys) {
        compare_json(what + "." + key, want.value(key, json()), got.value(key, json()), out);
    }
}

std::unique_ptr<ByteSource> open_layer(const ocilayout::StoredLayer& stored) {
    return ocilayout::file_source(stored.blob, 0, stored.layer.size);
}

/// The same files in other bytes: somebody else's compressor, or another version of it.
void compare_compression(const ocilayout::StoredLayer& want, ocilayout::ImageSource& image,
                         const ocilayout::Descriptor& got, Differences& out) {
    if (want.layer.digest == got.digest) return;
    std::string difference = std::to_string(got.size) + " bytes, " + got.digest.str();
    const std::unique_ptr<ByteSource> a = open_layer(want);
    const std::unique_ptr<ByteSource> b = image.open_blob(got);
    std::vector<std::byte> x(std::size_t{64} * 1024);
    std::vector<std::byte> y(x.size());
    const std::size_t have_x = a->read(x);
    const std::size_t have_y = b->read(y);
    for (std::size_t i = 0; i < std::min(have_x, have_y); ++i) {
        if (x[i] == y[i]) continue;
        difference += "; other bytes from offset " + std::to_string(i);
        // RFC 1952: magic, method, flags, time, and so on, ten bytes of them.
        if (i < 10) difference += ", in the gzip header";
        break;
    }
    out.push_back({"compression of layer 1 (the files in it are the same)",
                   std::string(ocilayout::compressor_id()) + ", " + want.layer.digest.str(), difference});
}

void compare_layers(const ocilayout::FinishedImage& built, ocilayout::ImageSource& image,
                    const ocilayout::ImageHead& head, Differences& out) {
    if (built.layers.size() != head.layers.size()) {
        out.push_back({"layers", std::to_string(built.layers.size()), std::to_string(head.layers.size())});
        return;
    }
    for (std::size_t i = 0; i < built.layers.size(); ++i) {
        const ocilayout::StoredLayer& want = built.layers[i];
        ocilayout::Descriptor got;
        got.digest = head.layers[i].digest;
        got.size = head.layers[i].size;
        if (want.layer.diff_id == head.layers[i].diff_id) {
            compare_compression(want, image, got, out);
            continue;
        }
        const std::unique_ptr<ByteSource> a = ocilayout::decompressed(open_layer(want));
        const std::unique_ptr<ByteSource> b = ocilayout::decompressed(image.open_blob(got));
        Differences tars = ocilayout::compare_tars(*a, *b);
        if (tars.empty()) {
            tars.push_back({"layer, behind its last entry", want.layer.diff_id.str(), head.layers[i].diff_id.str()});
        }
        out.insert(out.end(), tars.begin(), tars.end());
    }
}

}  // namespace

std::vector<TarDifference> differences_from_rebuild(const BuildOptions& options, ocilayout::ImageSource& image,
                                                    const ocilayout::Platform& platform, Reporter& reporter) {
    ocilayout::ReadOptions read;
    read.platform = platform;
    read.artifacts = false;
    const ocilayout::ImageHead head = ocilayout::load_image_head(image, read);
    const ocilayout::FinishedImage built = make_locked_image(options, reporter);
    if (built.image.manifest == head.manifest) return {};
    Differences out;
    json want = parse_json(built.image.config);
    json got = parse_json(head.config_text);
    // What the layers are is told file by file.
    want.erase("rootfs");
    got.erase("rootfs");
    compare_json("configuration", want, got, out);
    compare_json("annotations", parse_json(built.image.manifest).value("annotations", json()),
                 parse_json(head.manifest).value("annotations", json()), out);
    compare_layers(built, image, head, out);
    // Whoever writes the same in other words has other digests all the same.
    if (out.empty()) out.push_back({"manifest, as it is spelled", built.image.manifest, head.manifest});
    return out;
}

}  // namespace smith::builder
