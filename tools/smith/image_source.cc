// SPDX-License-Identifier: Apache-2.0
#include "tools/smith/image_source.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.h"
#include "base/json.h"
#include "ocilayout/reference.h"
#include "resolver/nevra.h"

namespace smith::cli {

namespace {

using nlohmann::json;
using ocilayout::Artifact;
using ocilayout::ImageHead;

/// What Oracle's Smith put beside its images: a NEVRA a line.
constexpr std::string_view kOraclePackages = "application/vnd.smith.packages";

std::vector<std::string> parse_packages(std::string_view text) {
    std::vector<std::string> out;
    try {
        // Named, or the document would be gone before its list is walked.
        const json document = parse_json(text);
        for (const json& package : document.at("packages")) {
            // Of an image that was made from another one.
            if (package.contains("id")) {
                out.push_back(package.at("id").get<std::string>());
                continue;
            }
            const resolver::Nevra nevra{package.at("name"), package.value("epoch", 0U), package.at("version"),
                                        package.at("release"), package.at("arch")};
            out.push_back(nevra.str());
        }
    } catch (const json::exception& e) {
        throw Error(ErrorKind::format, e.what());
    }
    return out;
}

std::vector<std::string> split_lines(const std::string& text) {
    std::vector<std::string> out;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);)
        if (!line.empty()) out.push_back(line);
    return out;
}

}  // namespace

ocilayout::TransportOptions transport_options(const Context& context) {
    ocilayout::TransportOptions out = context.common.transport;
    out.registry.reporter = &context.reporter;
    out.registry.cache_dir = context.cache_dir();
    return out;
}

ocilayout::ReadOptions read_options(const Context& context, bool artifacts) {
    ocilayout::ReadOptions out;
    out.platform = context.common.platform;
    out.artifacts = artifacts;
    out.transport = transport_options(context);
    return out;
}

std::unique_ptr<ocilayout::ImageSource> open_source(const std::string& source, const Context& context) {
    return ocilayout::open_image_source(ocilayout::parse_reference(source), transport_options(context));
}

std::unique_ptr<ocilayout::ImageDestination> open_destination(const std::string& destination, const Context& context) {
    return ocilayout::open_image_destination(ocilayout::parse_reference(destination), transport_options(context));
}

ocilayout::CopyOptions copy_options(const CopyFlags& flags, const Context& context) {
    ocilayout::CopyOptions out;
    out.all = flags.all;
    out.referrers = flags.referrers;
    out.docker_types = flags.docker_types;
    out.also_tags = flags.also_tags;
    out.platform = context.common.platform;
    return out;
}

ImageHead open_image_head(const std::string& source, const Context& context) {
    return ocilayout::load_image_head(ocilayout::parse_reference(source), read_options(context, true));
}

ocilayout::LoadedImage open_image(const std::string& source, const Context& context, bool artifacts) {
    const ContentStore store(context.cache_dir());
    return ocilayout::load_image(ocilayout::parse_reference(source), store, context.reporter,
                                 read_options(context, artifacts));
}

const Artifact* find_artifact(const ImageHead& head, std::string_view type) {
    const auto found = std::ranges::find(head.artifacts, type, &Artifact::artifact_type);
    return found == head.artifacts.end() ? nullptr : &*found;
}

std::vector<std::string> packages_of(const ImageHead& head) {
    std::vector<std::string> out;
    if (const Artifact* list = find_artifact(head, ocilayout::artifact_type::kPackages)) {
        out = while_doing([] { return "reading the package list of the image"; },
                          [&] { return parse_packages(list->bytes); });
    } else if (const Artifact* lines = find_artifact(head, kOraclePackages)) {
        out = split_lines(lines->bytes);
    }
    std::ranges::sort(out);
    return out;
}

}  // namespace smith::cli
