// SPDX-License-Identifier: Apache-2.0
#include "builder/first_spec.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "base/content_store.h"
#include "base/error.h"
#include "base/json.h"
#include "base/utf8.h"
#include "builder/inherit.h"
#include "builder/packages.h"
#include "builder/select.h"
#include "builder/source_image.h"
#include "builder/spec_parse.h"

namespace smith::builder {

namespace {

/// A text as YAML, which takes JSON's.
std::string quoted_text(const std::string& text) { return dump_json(to_utf8(text)); }

template <typename List>
std::string flow_list(const List& list) {
    std::string out = "[";
    for (const std::string& text : list) out += (out.size() > 1 ? ", " : "") + quoted_text(text);
    return out + "]";
}

/// Writes keys that have a value.
class SpecText {
public:
    void line(const std::string& text) { text_ += text + "\n"; }
    void text(const char* key, const std::string& value) {
        if (!value.empty()) line(std::string(key) + ": " + quoted_text(value));
    }
    template <typename List>
    void list(const char* key, const List& values) {
        if (!values.empty()) line(std::string(key) + ": " + flow_list(values));
    }
    void paths(const std::vector<ImagePath>& paths) {
        if (paths.empty()) return line("paths: []  # nothing was found that could be run: name what to keep");
        line("paths:");
        for (const ImagePath& path : paths) line("  - " + quoted_text(escape_glob(path.str())));
    }
    [[nodiscard]] std::string take() { return std::move(text_); }

private:
    std::string text_;
};

Spec spec_of(const std::string& source) {
    // The parser knows what is an image.
    return parse_spec("{schema: 1, package: " + quoted_text(source) + "}", "the argument", silent_reporter());
}

std::string of_image(const Project& project, const Environment& environment, Reporter& reporter) {
    const Located<std::string>& name = project.spec.packages.front();
    const ContentStore store(environment.cache_dir);
    const resolver::LockedSource locked = look_up_image(project, name, environment);
    const SourceImage image = open_source_image(project, name, locked, store, environment, {}, reporter);
    const Spec spec =
        inherit(project.spec, image.head.config, image.layers.tree, *image.layers.contents, silent_reporter());
    SpecText out;
    out.line("schema: 1");
    out.text("package", locked.name);
    out.line("# Libraries and interpreters come by themselves. Add configuration and data that the programs read.");
    out.paths(files_of_command(spec, image.layers.tree, *image.layers.contents, reporter));
    out.line("# What follows is the image's own: without it, the result is the same.");
    out.list("entrypoint", spec.entrypoint.value_or(std::vector<std::string>()));
    out.list("cmd", spec.cmd.value_or(std::vector<std::string>()));
    out.text("user", spec.user.value);
    if (spec.dir) out.text("dir", spec.dir->str());
    out.list("env", spec.env);
    out.list("ports", spec.ports);
    std::vector<std::string> mounts;
    for (const ImagePath& mount : spec.mounts) mounts.push_back(mount.str());
    out.list("mounts", mounts);
    out.text("stop-signal", spec.stop_signal);
    return out.take();
}

/// How systemd starts a service (systemd.service(5)); empty where it says nothing that we understand.
struct Unit {
    std::vector<std::string> command;
    std::string user;
};

Unit read_unit(std::string_view text) {
    Unit out;
    std::istringstream lines{std::string(text)};
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("User=")) out.user = line.substr(5);
        if (!line.starts_with("ExecStart=") || !out.command.empty()) continue;
        std::istringstream words(line.substr(10));
        for (std::string word; words >> word;) {
            // "-/usr/bin/x", "!!/usr/bin/x": how failures and privileges are taken.
            if (out.command.empty()) word.erase(0, std::min(word.find_first_not_of("-@:+!|"), word.size()));
            const bool is_variable = word.starts_with('$');
            if (!word.empty() && word != "\\" && !is_variable) out.command.push_back(word);
        }
    }
    return out;
}

Unit find_unit(const AvailablePackages& packages, const std::set<std::string>& asked_for) {
    for (const char* pattern : {"/usr/lib/systemd/system/*.service", "/lib/systemd/system/*.service"}) {
        for (const ImagePath& path : find_matches(packages.merged.tree, Glob(pattern)).paths) {
            const Entry* entry = packages.merged.tree.find(path);
            const Regular* file = as_regular(entry);
            // "x@.service" is a template.
            if (file == nullptr || !asked_for.contains(entry->origin) || path.str().find('@') != std::string::npos)
                continue;
            const Bytes bytes = packages.contents->open(file->content);
            Unit unit = read_unit({reinterpret_cast<const char*>(bytes.view().data()), bytes.size()});
            if (!unit.command.empty()) return unit;
        }
    }
    return {};
}

/// Where the asked packages keep what they write.
std::vector<std::string> state_directories(const FileTree& tree, const std::set<std::string>& asked_for) {
    std::vector<std::string> out;
    for (const char* parent : {"/var/cache", "/var/lib", "/var/log"}) {
        for (const ImagePath& path : tree.children(ImagePath::parse(parent))) {
            const Entry* entry = tree.find(path);
            if (is_directory(entry) && asked_for.contains(entry->origin)) out.push_back(path.str());
        }
    }
    return out;
}

std::string of_package(const Project& project, const Environment& environment, Reporter& reporter) {
    const ContentStore store(environment.cache_dir);
    const resolver::Lock lock = choose_packages(project, environment, reporter);
    const AvailablePackages packages = open_packages(project, lock, store, environment, false, reporter);
    std::set<std::string> asked_for;
    for (const PackageInfo& package : packages.packages) {
        if (package.asked_for) asked_for.insert(package.header.nevra.str());
    }
    const Unit unit = find_unit(packages, asked_for);
    SpecText out;
    out.line("schema: 1");
    out.text("package", project.spec.packages.front().value);
    out.line("# Libraries and interpreters come by themselves. Add configuration and data that the programs read.");
    out.paths(executables_of(packages.merged.tree, asked_for));
    if (!unit.command.empty()) {
        out.line("# As its systemd unit has it; a container's program stays in the foreground.");
        out.list("entrypoint", unit.command);
    } else {
        out.line("# entrypoint: [PROGRAM, ARGUMENT]");
    }
    if (!unit.user.empty()) out.text("user", unit.user);
    out.line("# ports: {\"8080/tcp\": {}}");
    const std::vector<std::string> state = state_directories(packages.merged.tree, asked_for);
    if (!state.empty()) {
        out.line("# What its packages write to:");
        out.list("mounts", state);
    }
    return out.take();
}

}  // namespace

std::string first_spec(const std::string& source, const ProjectOptions& options, const Environment& environment,
                       Reporter& reporter) {
    const Project project = make_project(spec_of(source), options, reporter);
    return project.spec.type == SourceType::image ? of_image(project, environment, reporter)
                                                  : of_package(project, environment, reporter);
}

}  // namespace smith::builder
