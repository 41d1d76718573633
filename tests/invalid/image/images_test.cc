// SPDX-License-Identifier: Apache-2.0
//
// One small file for each thing that a stranger's image may not do; generate.py makes them. Every file here must have
// its row in the table, and be refused with a message that says why.
#include <catch2/catch.hpp>
#include <filesystem>
#include <map>
#include <memory>

#include "base/content_store.h"
#include "base/error.h"
#include "ocilayout/decompress.h"
#include "ocilayout/image.h"
#include "ocilayout/layer_stack.h"
#include "ocilayout/tar_reader.h"
#include "tests/unit/temp_dir.h"

using namespace smith;
using namespace smith::ocilayout;
namespace fs = std::filesystem;

namespace {

const std::map<std::string, std::string> kRefusals = {
    {"tar-entry-dotdot.tar", "entry '../x': "},
    {"tar-entry-dotdot-inside.tar", "entry 'a/../../x': "},
    {"tar-root-is-a-link.tar", "the root of an image can only be a directory"},
    {"tar-slash-is-a-link.tar", "the root of an image can only be a directory"},
    {"tar-root-is-a-file.tar", "the root of an image can only be a directory"},
    {"tar-parent-is-a-file.tar", "'/a' is not a directory"},
    {"tar-parent-links-in-a-circle.tar", "too many links on the way to '/a'"},
    {"tar-hard-link-dotdot.tar", "entry 'h': "},
    {"tar-hard-link-to-a-later-file.tar", "it is a hard link to 'f', which is not there"},
    {"tar-hard-link-to-a-directory.tar", "it is a hard link to the directory 'd'"},
    {"tar-hard-link-to-itself.tar", "it is a hard link to 'f', which is not there"},
    {"tar-hard-link-by-way-of-what-it-replaces.tar", "it is a hard link to 'd/l/f', which is not there"},
    {"tar-hard-link-to-the-root.tar", "it is a hard link to the directory '/'"},
    {"tar-link-without-target.tar", "has no valid target"},
    {"tar-whiteout-of-nothing.tar", "this whiteout names no file"},
    {"tar-whiteout-of-dot.tar", "this whiteout names no file"},
    {"tar-whiteout-of-dotdot.tar", "this whiteout names no file"},
    {"tar-whiteout-as-directory.tar", "a directory may not be called '.wh.x'"},
    {"tar-pax-size-contradicts.tar", "entry 'a' has two sizes, 1024 and 512"},
    {"tar-pax-size-not-a-number.tar", "pax record 'size' is not a number: '-1'"},
    {"tar-pax-size-too-large.tar", "pax record 'size' is not a number"},
    {"tar-pax-length-too-long.tar", "its length does not end at a newline"},
    {"tar-pax-length-too-short.tar", "its length does not end at a newline"},
    {"tar-pax-without-key.tar", "damaged pax record"},
    {"tar-pax-nul-in-path.tar", "pax record 'path' holds a NUL"},
    {"tar-pax-global-path.tar", "a global pax header sets 'path'"},
    {"tar-pax-too-much.tar", "pax header of 2097152 bytes"},
    {"tar-pax-at-the-end.tar", "the archive ends after an extended header"},
    {"tar-pax-again-and-again.tar", "too many extended headers"},
    {"tar-pax-sparse.tar", "the map of a sparse file is cut short"},
    {"tar-gnu-sparse.tar", "a sparse file, and not by GNU tar"},
    {"tar-sparse-pieces-overlap.tar", "its pieces overlap, or are not in order"},
    {"tar-sparse-pieces-beyond-the-end.tar", "a piece of it is beyond its end"},
    {"tar-sparse-pieces-without-bytes.tar", "its pieces have 9 bytes, the archive 2"},
    {"tar-sparse-offset-alone.tar", "its map has an offset without a length"},
    {"tar-sparse-hole-of-a-terabyte.tar", "the holes of sparse files have more than"},
    {"tar-sparse-of-another-version.tar", "its version is '7.0'"},
    {"tar-sparse-with-many-pieces.tar.gz", "more than 262144 pieces"},
    {"tar-gnu-name-too-long.tar", "long name of 2097152 bytes"},
    {"tar-name-too-long.tar", "nnn"},
    {"tar-path-too-long.tar", "/d/d"},
    {"tar-without-a-name.tar", "an entry has no name"},
    {"tar-checksum.tar", "header checksum does not match"},
    {"tar-size-negative.tar", "size is negative or too large"},
    {"tar-size-not-octal.tar", "size is not a number"},
    {"tar-unknown-type.tar", "entry 'a' is of unknown type 'Z'"},
    {"tar-zeros-then-more.tar", "a block of zeros is followed by more"},
    {"tar-cut-in-a-header.tar", "cut short"},
    {"tar-cut-in-data.tar", "cut short"},
    {"tar-cut-in-pax.tar", "cut short"},
    {"gzip-cut.tar.gz", "a gzip stream is cut short"},
    {"gzip-checksum.tar.gz", "damaged gzip stream: incorrect data check"},
    {"gzip-something-behind.tar.gz", "damaged gzip stream: incorrect header check"},
    {"gzip-second-member-cut.tar.gz", "a gzip stream is cut short"},
    {"zstd-window-2g.tar.zst", "damaged zstd stream: Frame requires too much memory for decoding"},
    {"zstd-cut.tar.zst", "a zstd stream is cut short"},
    {"zstd-bomb.tar.zst.gz", "decompression bomb"},
    {"manifest-is-an-index-too.json", "it has the field 'manifests'"},
    {"manifest-of-another-type.json", "its mediaType is 'application/vnd.oci.image.index.v1+json'"},
    {"manifest-of-schema-1.json", "its schemaVersion is not 2"},
    {"manifest-without-config.json", "field 'config' is missing"},
    {"manifest-without-layers.json", "field 'layers' is missing, or not a list"},
    {"manifest-layers-no-list.json", "field 'layers' is missing, or not a list"},
    {"manifest-too-many-layers.json.gz", "field 'layers' has 513 items"},
    {"manifest-digest-sha512.json", "reading a descriptor: not a digest that begins with 'sha256:'"},
    {"manifest-digest-upper-case.json", "upper-case"},
    {"manifest-digest-a-path.json", "not a SHA-256 digest"},
    {"manifest-size-negative.json", "field 'size' is -1, expected a size in bytes"},
    {"manifest-size-2-to-63.json", "field 'size' is 9223372036854775808, expected a size in bytes"},
    {"manifest-size-a-fraction.json", "field 'size' is 1.5, expected a size in bytes"},
    {"manifest-size-text.json", "field 'size' is \"1\", expected a size in bytes"},
    {"manifest-annotation-a-number.json", "field 'annotations' is number, expected a string"},
    {"manifest-a-list.json", "in array, expected an object"},
    {"manifest-key-twice.json", "JSON has the key 'schemaVersion' twice"},
    {"manifest-too-deep.json", "JSON is nested deeper than 64 levels"},
    {"manifest-cut.json", "not valid JSON"},
    {"manifest-something-behind.json", "not valid JSON"},
    {"index-is-a-manifest-too.json", "it has the field 'layers'"},
    {"index-has-a-config.json", "it has the field 'config'"},
    {"index-without-manifests.json", "field 'manifests' is missing, or not a list"},
    {"index-too-many.json.gz", "field 'manifests' has 10001 items"},
    {"config-without-rootfs.json", "its rootfs is missing"},
    {"config-without-os.json", "field 'os' is missing"},
    {"config-rootfs-of-another-type.json", "not of type 'layers'"},
    {"config-diff-id-short.json", "not a SHA-256 digest"},
    {"config-entrypoint-text.json", "field 'Entrypoint' is string, expected a list of strings"},
    {"config-env-numbers.json", "field 'Env' is number, expected a string"},
    {"config-ports-a-list.json", "field 'ExposedPorts' is array, expected an object"},
    {"config-interval-too-large.json", "field 'Interval' is number, expected an integer of 64 bits"},
};

std::unique_ptr<ByteSource> open_file_source(const fs::path& file) {
    std::unique_ptr<ByteSource> source = memory_source(read_file(file, 1U << 20U));
    // Packed a second time, to be small in the repository.
    const std::string name = file.filename().string();
    const bool twice = name.ends_with(".json.gz") || name.ends_with(".zst.gz");
    return twice ? decompressed(std::move(source)) : std::move(source);
}

void read_layer(const fs::path& file) {
    const TempDir dir;
    const std::unique_ptr<ByteSource> source = decompressed(open_file_source(file));
    if (!file.filename().string().starts_with("tar-")) return drain(*source);
    TarReader tar(*source);
    PackWriter pack = ContentStore(dir.path()).write_pack(sha256("layer"));
    LayerStack stack;
    stack.apply(tar, "layer", pack);
}

void read_document(const fs::path& file) {
    const std::string text = read_all(*open_file_source(file), 64U << 20U);
    const std::string name = file.filename().string();
    if (name.starts_with("manifest-")) {
        static_cast<void>(parse_manifest(text, media_type::kManifest));
    } else if (name.starts_with("index-")) {
        static_cast<void>(parse_index(text, media_type::kIndex));
    } else {
        static_cast<void>(parse_image_config(text));
    }
}

std::string refusal_of(const fs::path& file) {
    const bool is_document = file.filename().string().find(".json") != std::string::npos;
    try {
        is_document ? read_document(file) : read_layer(file);
        return "not refused";
    } catch (const Error& e) {
        return e.kind() == ErrorKind::format ? e.message() : "refused as another kind of error: " + e.message();
    }
}

}  // namespace

TEST_CASE("every file here is refused, for the reason it is named for", "[invalid]") {
    std::map<std::string, std::string> rows = kRefusals;
    for (const auto& entry : fs::directory_iterator(SMITH_INVALID_IMAGES)) {
        const std::string name = entry.path().filename().string();
        if (name.ends_with(".cc") || name.ends_with(".py") || name == "meson.build") continue;
        INFO(name);
        REQUIRE(rows.contains(name));
        CHECK_THAT(refusal_of(entry.path()), Catch::Contains(rows.at(name)));
        rows.erase(name);
    }
    for (const auto& [name, message] : rows) FAIL_CHECK("no file " << name);
}
