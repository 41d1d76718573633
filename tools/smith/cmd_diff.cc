// SPDX-License-Identifier: Apache-2.0
//
// `smith diff`: in what two images differ: configuration, packages, files and their sizes.
#include <algorithm>
#include <cstdint>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "ocilayout/part_of_image.h"
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
using ocilayout::ComparedTrees;
using ocilayout::ImageHead;

struct ConfigChange {
    std::string key;
    json before, after;  ///< null: not there
};

struct FileChange {
    ImagePath path;
    const Entry* before = nullptr;  ///< null: not there
    const Entry* after = nullptr;
};

struct Difference {
    std::vector<ConfigChange> config;
    std::vector<std::string> packages_only_before, packages_only_after;
    std::vector<FileChange> files;
    /// Of all files; nothing when those that are the same in both were not looked at.
    std::optional<std::uint64_t> size_before, size_after;
};

/// One object of all that a configuration says but its layers and its history.
json config_of(const ImageHead& head) {
    const json document = parse_json(head.config_text);
    json out = json::object();
    if (const auto config = document.find("config"); config != document.end() && config->is_object()) out = *config;
    for (const char* key : {"architecture", "os", "variant", "author", "created"}) {
        if (document.contains(key)) out[key] = document[key];
    }
    for (const auto& [key, value] : head.annotations) out["annotation " + json_text(key)] = json_text(value);
    return out;
}

std::vector<ConfigChange> compare_configs(const json& before, const json& after) {
    std::set<std::string> keys;
    for (const auto& item : before.items()) keys.insert(item.key());
    for (const auto& item : after.items()) keys.insert(item.key());
    std::vector<ConfigChange> out;
    for (const std::string& key : keys) {
        json a = before.contains(key) ? before.at(key) : json();
        json b = after.contains(key) ? after.at(key) : json();
        if (a != b) out.push_back({key, std::move(a), std::move(b)});
    }
    return out;
}

std::vector<FileChange> compare_trees(const FileTree& before, const FileTree& after) {
    std::vector<FileChange> out;
    auto a = before.entries().begin();
    auto b = after.entries().begin();
    while (a != before.entries().end() || b != after.entries().end()) {
        const bool only_a = b == after.entries().end() || (a != before.entries().end() && a->first < b->first);
        const bool only_b = !only_a && (a == before.entries().end() || b->first < a->first);
        if (only_a) {
            out.push_back({a->first, &a->second, nullptr});
            ++a;
        } else if (only_b) {
            out.push_back({b->first, nullptr, &b->second});
            ++b;
        } else {
            if (a->second.node != b->second.node) out.push_back({a->first, &a->second, &b->second});
            ++a;
            ++b;
        }
    }
    return out;
}

std::uint64_t size_of(const Entry* entry) {
    const Regular* file = as_regular(entry);
    return file == nullptr ? 0 : file->content.size;
}

std::uint64_t size_of(const FileTree& tree) {
    std::uint64_t out = 0;
    for (const auto& [path, entry] : tree.entries()) out += size_of(&entry);
    return out;
}

/// The trees outlive what is returned.
Difference compare(const ImageHead& before, const ImageHead& after, const ComparedTrees& trees) {
    Difference out;
    out.config = compare_configs(config_of(before), config_of(after));
    const std::vector<std::string> a = packages_of(before);
    const std::vector<std::string> b = packages_of(after);
    // An image that does not say what it is made of is not made of nothing.
    if (!a.empty() && !b.empty()) {
        std::ranges::set_difference(a, b, std::back_inserter(out.packages_only_before));
        std::ranges::set_difference(b, a, std::back_inserter(out.packages_only_after));
    }
    out.files = compare_trees(trees.before, trees.after);
    if (trees.are_whole) {
        out.size_before = size_of(trees.before);
        out.size_after = size_of(trees.after);
    }
    return out;
}

// -------------------------------------------------------------------------------------------------------- for people

/// "file 0755 12 B", "link to x", "directory"
std::string describe_node(const Entry& entry) {
    if (const Symlink* link = as_symlink(&entry)) return "link to " + printable(link->target);
    if (is_directory(&entry)) return "directory";
    return std::string(as_regular(&entry)->executable ? "executable " : "") + format_bytes(size_of(&entry));
}

std::string line_of(const FileChange& change) {
    const std::string path = printable(change.path.str());
    if (change.before == nullptr) return "+ " + path + "  " + describe_node(*change.after) + "\n";
    if (change.after == nullptr) return "- " + path + "  " + describe_node(*change.before) + "\n";
    const std::string before = describe_node(*change.before);
    const std::string after = describe_node(*change.after);
    // The same size says nothing; that the bytes are others does.
    return "~ " + path + "  " + (before == after ? before + ", other bytes" : before + " -> " + after) + "\n";
}

std::string to_text(const Difference& difference) {
    const auto shown = [](const json& value) { return value.is_null() ? "nothing" : printable(dump_json(value)); };
    std::string out;
    for (const ConfigChange& change : difference.config) {
        out += "config " + printable(change.key) + ": " + shown(change.before) + " -> " + shown(change.after) + "\n";
    }
    for (const std::string& package : difference.packages_only_before) out += "- " + printable(package) + "\n";
    for (const std::string& package : difference.packages_only_after) out += "+ " + printable(package) + "\n";
    for (const FileChange& change : difference.files) out += line_of(change);
    return out;
}

// ------------------------------------------------------------------------------------------------------ for programs

json node_json(const Entry* entry) {
    if (entry == nullptr) return nullptr;
    if (const Symlink* link = as_symlink(entry)) {
        json out = {{"type", "link"}};
        put_name(out, "target", link->target);
        return out;
    }
    const Regular* file = as_regular(entry);
    if (file == nullptr) return {{"type", "directory"}};
    return {{"type", "file"},
            {"executable", file->executable},
            {"size", file->content.size},
            {"digest", file->content.digest.str()}};
}

json size_json(const std::optional<std::uint64_t>& size) { return size ? json(*size) : json(); }

json to_json(const Difference& difference, bool same) {
    json out = {{"same", same},
                {"config", json::object()},
                {"packages", {{"removed", json::array()}, {"added", json::array()}}},
                {"files", json::array()},
                {"size", {{"before", size_json(difference.size_before)}, {"after", size_json(difference.size_after)}}}};
    for (const ConfigChange& change : difference.config) {
        out["config"][change.key] = {{"before", change.before}, {"after", change.after}};
    }
    for (const std::string& package : difference.packages_only_before) {
        out["packages"]["removed"].push_back(json_text(package));
    }
    for (const std::string& package : difference.packages_only_after) {
        out["packages"]["added"].push_back(json_text(package));
    }
    for (const FileChange& change : difference.files) {
        json item = {{"before", node_json(change.before)}, {"after", node_json(change.after)}};
        put_name(item, "path", change.path.str());
        out["files"].push_back(std::move(item));
    }
    return out;
}

std::string summary(const Difference& difference, bool same) {
    if (same) return "the images are the same, to the byte";
    const auto count = [&](auto matches) {
        return static_cast<std::uint64_t>(std::ranges::count_if(difference.files, matches));
    };
    const std::uint64_t added = count([](const FileChange& change) { return change.before == nullptr; });
    const std::uint64_t removed = count([](const FileChange& change) { return change.after == nullptr; });
    std::string out = std::to_string(added) + " paths more, " + std::to_string(removed) + " fewer, " +
                      std::to_string(difference.files.size() - added - removed) + " changed";
    if (difference.size_before) {
        out += "; files were " + format_bytes(*difference.size_before) + " and are " +
               format_bytes(*difference.size_after);
    }
    return out;
}

/// An image that is open, and all of it but its files.
struct OpenImage {
    std::unique_ptr<ocilayout::ImageSource> source;
    ImageHead head;
    [[nodiscard]] ocilayout::ComparedImage compared() const { return {source.get(), &head}; }
};

OpenImage open_to_compare(const std::string& name, const Context& context) {
    return while_doing([&] { return "reading image " + quote(name); },
                       [&] {
                           OpenImage out;
                           out.source = open_source(name, context);
                           out.head = ocilayout::load_image_head(*out.source, read_options(context, true));
                           for (const std::string& warning : out.head.warnings) context.reporter.warn(warning);
                           return out;
                       });
}

}  // namespace

int run_command(const DiffCommand& command, Context& context) {
    const InterruptGuard guard(context.reporter);
    const OpenImage before = open_to_compare(command.before, context);
    const OpenImage after = open_to_compare(command.after, context);
    const ContentStore store(context.cache_dir());
    const unsigned jobs = context.common.transport.jobs;
    const ComparedTrees trees = while_doing(
        [&] { return "comparing " + quote(command.before) + " with " + quote(command.after); },
        [&] { return ocilayout::load_to_compare(before.compared(), after.compared(), store, jobs, context.reporter); });
    const Difference difference = compare(before.head, after.head, trees);
    const bool same = before.head.manifest_desc.digest == after.head.manifest_desc.digest;
    context.reporter.clear();
    context.reporter.info(summary(difference, same));
    if (context.common.json) {
        write_json(to_json(difference, same));
    } else {
        write_stdout(to_text(difference));
    }
    return kDone;
}

}  // namespace smith::cli
