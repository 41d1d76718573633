// SPDX-License-Identifier: Apache-2.0
//
// `smith inspect`: what an image is.
#include <algorithm>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "builder/pkgdb/attribute.h"
#include "ocilayout/reference.h"
#include "tools/smith/commands.h"
#include "tools/smith/failure.h"
#include "tools/smith/image_source.h"
#include "tools/smith/interrupt.h"
#include "tools/smith/json_text.h"
#include "tools/smith/output.h"
#include "tools/smith/text.h"

namespace smith::cli {

namespace {

using nlohmann::json;
using ocilayout::Artifact;
using ocilayout::ImageConfig;
using ocilayout::ImageHead;
using ocilayout::Layer;

struct Counts {
    std::size_t files = 0;
    std::size_t directories = 0;
    std::size_t links = 0;
    std::uint64_t bytes = 0;
};

Counts count(const FileTree& tree) {
    Counts out;
    for (const auto& [path, entry] : tree.entries()) {
        if (path.is_root()) continue;
        if (const Regular* file = as_regular(&entry)) {
            ++out.files;
            out.bytes += file->content.size;
        } else {
            ++(is_directory(&entry) ? out.directories : out.links);
        }
    }
    return out;
}

/// The source with the tag that was found; as it was given, where the image has none.
std::string full_name(const std::string& source, const ImageHead& head) {
    ocilayout::Reference reference = ocilayout::parse_reference(source);
    const bool has_tags =
        reference.transport == ocilayout::Transport::oci || reference.transport == ocilayout::Transport::oci_archive;
    if (has_tags && reference.tag.empty()) reference.tag = head.tag;
    return ocilayout::to_string(reference);
}

// ------------------------------------------------------------------------------------------------------ for programs

json layer_json(const Layer& layer) {
    return {{"digest", layer.digest.str()},
            {"diff_id", layer.diff_id.str()},
            {"size", layer.size},
            {"media_type", json_text(layer.media_type)}};
}

json referrer_json(const Artifact& artifact) {
    return {{"artifact_type", json_text(artifact.artifact_type)},
            {"digest", sha256(artifact.bytes).str()},
            {"size", artifact.bytes.size()}};
}

json to_json(const std::string& source, const ImageHead& head, const std::optional<Counts>& counts,
             const std::vector<std::string>& packages) {
    json out = {{"name", json_text(full_name(source, head))},
                {"digest", head.manifest_desc.digest.str()},
                {"media_type", json_text(head.manifest_desc.media_type)},
                {"platform", json_text(ocilayout::to_string(head.config.platform))},
                {"layers", json::array()},
                {"packages", json::array()},
                {"referrers", json::array()}};
    if (counts) {
        out["files"] = {{"regular", counts->files},
                        {"directories", counts->directories},
                        {"links", counts->links},
                        {"size", counts->bytes}};
    }
    // As the image has it: names and meaning are those of OCI image-spec config.md.
    const json config = parse_json(head.config_text);
    if (config.contains("config")) out["config"] = config["config"];
    if (head.config.created) out["created"] = json_text(*head.config.created);
    for (const auto& [key, value] : head.annotations) out["annotations"][json_text(key)] = json_text(value);
    for (const Layer& layer : head.layers) out["layers"].push_back(layer_json(layer));
    for (const std::string& package : packages) out["packages"].push_back(json_text(package));
    for (const Artifact& artifact : head.artifacts) out["referrers"].push_back(referrer_json(artifact));
    return out;
}

// -------------------------------------------------------------------------------------------------------- for people

/// "name        value"; nothing for an empty value.
class Table {
public:
    void row(std::string_view name, const std::string& value) {
        if (value.empty()) return;
        std::string line(name);
        line.resize(kColumn, ' ');
        text_ += line + printable(value) + "\n";
    }
    /// The name stands before the first value only.
    template <typename Values>
    void rows(std::string_view name, const Values& values) {
        for (const auto& value : values) {
            row(name, value.empty() ? "''" : value);
            name = "";
        }
    }
    [[nodiscard]] const std::string& text() const { return text_; }

private:
    static constexpr std::size_t kColumn = 13;
    std::string text_;
};

void add_config(Table& table, const ImageConfig& config) {
    std::vector<std::string> labels;
    for (const auto& [key, value] : config.labels) labels.push_back(key + "=" + value);
    table.row("platform", ocilayout::to_string(config.platform));
    table.row("created", config.created.value_or(""));
    table.row("author", config.author);
    table.row("user", config.user.empty() ? "root" : config.user);
    table.row("entrypoint", command_line(config.entrypoint));
    table.row("cmd", command_line(config.cmd));
    table.row("directory", config.working_dir);
    table.rows("env", config.env);
    table.rows("ports", config.exposed_ports);
    table.rows("volumes", config.volumes);
    table.rows("labels", labels);
    table.row("stop signal", config.stop_signal);
    if (config.healthcheck) table.row("healthcheck", command_line(config.healthcheck->test));
}

std::string to_text(const std::string& source, const ImageHead& head, const std::optional<Counts>& counts,
                    const std::vector<std::string>& packages) {
    std::vector<std::string> layers;
    for (const Layer& layer : head.layers)
        layers.push_back(layer.digest.str() + ", " + format_bytes(layer.size) + " packed");
    std::vector<std::string> referrers;
    for (const Artifact& artifact : head.artifacts)
        referrers.push_back(artifact.artifact_type + ", " + format_bytes(artifact.bytes.size()));
    Table table;
    table.row("name", full_name(source, head));
    table.row("digest", head.manifest_desc.digest.str());
    add_config(table, head.config);
    for (const auto& [key, value] : head.annotations) table.row("annotation", key + "=" + value);
    table.rows(layers.size() == 1 ? "layer" : "layers", layers);
    if (counts) {
        table.row("files", format_count(counts->files, "file", "files") + ", " + format_bytes(counts->bytes) + "; " +
                               format_count(counts->directories, "directory", "directories") + ", " +
                               format_count(counts->links, "link", "links"));
    }
    table.rows("packages", packages);
    table.rows("referrers", referrers);
    return table.text();
}

// ------------------------------------------------------------------------------------------------------ getting at it

struct Inspected {
    ocilayout::RawManifest top;          ///< what the source names
    std::vector<std::string> platforms;  ///< of an image index; else none
    ImageHead head;
    std::optional<Counts> counts;
    std::vector<std::string> packages;
};

/// What an image that brings no list of ours says itself.
std::vector<std::string> packages_by_database(ocilayout::LoadedImage& image, const Context& context) {
    std::vector<std::string> out;
    for (const pkgdb::Package& package : pkgdb::attribute_files(image.tree, *image.contents, context.reporter)) {
        out.push_back(package.id());
    }
    std::sort(out.begin(), out.end());
    return out;
}

std::vector<std::string> platforms_of(const ocilayout::RawManifest& top) {
    std::vector<std::string> out;
    if (!ocilayout::is_index_type(top.descriptor.media_type)) return out;
    for (const ocilayout::Descriptor& entry : ocilayout::parse_index(top.bytes, top.descriptor.media_type).manifests) {
        if (entry.platform) out.push_back(json_text(ocilayout::to_string(*entry.platform)));
    }
    return out;
}

std::string index_text(const Inspected& seen) {
    Table table;
    if (!seen.platforms.empty()) table.row("index", seen.top.descriptor.digest.str());
    table.rows("for", seen.platforms);
    return table.text();
}

Inspected inspect(const InspectCommand& command, const Context& context) {
    const auto source = open_source(command.source, context);
    Inspected out;
    out.top = source->manifest();
    if (command.raw) return out;
    out.platforms = platforms_of(out.top);
    const ocilayout::ReadOptions options = read_options(context, true);
    // Counting files takes the layers. Those in a registry stay there.
    if (ocilayout::parse_reference(command.source).transport == ocilayout::Transport::docker) {
        out.head = ocilayout::load_image_head(*source, options);
        for (const std::string& warning : out.head.warnings) context.reporter.warn(warning);
        out.packages = packages_of(out.head);
    } else {
        const ContentStore store(context.cache_dir());
        ocilayout::LoadedImage image = ocilayout::load_image(*source, store, context.reporter, options);
        out.counts = count(image.tree);
        out.packages = packages_of(image.head);
        if (out.packages.empty()) out.packages = packages_by_database(image, context);
        out.head = std::move(image.head);
    }
    return out;
}

}  // namespace

int run_command(const InspectCommand& command, Context& context) {
    const InterruptGuard guard(context.reporter);
    const Inspected seen = while_doing([&] { return "reading image " + quote(command.source); },
                                       [&] { return inspect(command, context); });
    if (command.raw) {
        write_stdout(seen.top.bytes);
        return kDone;
    }
    const std::vector<std::string>& packages = seen.packages;
    context.reporter.clear();
    if (context.common.json) {
        json document = to_json(command.source, seen.head, seen.counts, packages);
        if (!seen.platforms.empty()) {
            document["index"] = {{"digest", seen.top.descriptor.digest.str()}, {"platforms", seen.platforms}};
        }
        write_json(document);
    } else {
        write_stdout(to_text(command.source, seen.head, seen.counts, packages) + index_text(seen));
    }
    return kDone;
}

}  // namespace smith::cli
