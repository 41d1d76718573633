// SPDX-License-Identifier: Apache-2.0
#include "builder/project.h"

#include <utility>

#include "base/bounds.h"
#include "base/error.h"
#include "base/fd.h"
#include "builder/project_repos.h"
#include "builder/spec_parse.h"
#include "builder/vendor.h"

namespace smith::builder {

namespace {

namespace fs = std::filesystem;

/// The spec's name less what says that it is YAML. Nothing else is an extension: "nginx-1.25" is a name.
fs::path without_yaml(const fs::path& spec) {
    const fs::path extension = spec.extension();
    return extension == ".yaml" || extension == ".yml" ? fs::path(spec).replace_extension() : spec;
}

[[noreturn]] void not_there_yet(const Location& at, const std::string& what) {
    throw Error(ErrorKind::spec, at.str() + ": " + what + " is not there yet");
}

/// Keys that parse, and that nothing behind the parser can do so far.
void refuse_what_is_missing(const Spec& spec) {
    const MockSpec& mock = spec.mock;
    if (mock.debuginfo || !mock.debugdeps.empty() || !mock.debugpaths.empty()) {
        not_there_yet(mock.at, "adding debuginfo");
    }
}

/// They were for a build machine's mock: smith runs nothing while it builds, on whose ever behalf.
void warn_of_commands(const Spec& spec, Reporter& reporter) {
    const MockSpec& mock = spec.mock;
    for (const auto& [key, command] : {std::pair("pre-build", &mock.pre_build), {"post-build", &mock.post_build}}) {
        if (command->empty()) continue;
        reporter.warn(mock.at.str() + ": the " + key + " command " + quote(*command) + " is not run, ignoring");
    }
}

void take_sources(Project& out, Sources sources) {
    out.arch = std::move(sources.arch);
    out.spec.releasever = std::move(sources.releasever);
    out.weak_dependencies = sources.weak_dependencies;
    out.best = sources.best;
    out.preset_modules = std::move(sources.preset_modules);
    out.module_platform_id = std::move(sources.module_platform_id);
    out.repos = std::move(sources.repos);
    out.named = std::move(sources.named);
}

}  // namespace

fs::path lock_file_of(const ProjectOptions& options) {
    return !options.lock.empty() ? options.lock : without_yaml(options.spec) += ".lock";
}

Project open_repositories(const ProjectOptions& options, Reporter& reporter) {
    // A spec without packages needs no repositories.
    Spec spec;
    spec.packages.emplace_back();
    Project out;
    take_sources(out, collect_sources(spec, ".", options, reporter));
    return out;
}

Project open_project(const ProjectOptions& options, Reporter& reporter) {
    return make_project(load_spec(options.spec, reporter), options, reporter);
}

Project make_project(Spec spec, const ProjectOptions& options, Reporter& reporter) {
    Project out;
    out.spec = std::move(spec);
    out.directory = options.directory.empty() ? options.spec.parent_path() : options.directory;
    if (out.directory.empty()) out.directory = ".";
    out.overlay = out.directory / "rootfs";
    out.lock_file = lock_file_of(options);
    out.name = without_yaml(options.spec).filename().string();
    refuse_what_is_missing(out.spec);
    warn_of_commands(out.spec, reporter);

    take_sources(out, collect_sources(out.spec, out.directory, options, reporter));
    out.arch_is_given = !options.arch.empty() || !out.spec.arch.empty();
    if (!options.vendor.empty()) use_vendored(out, options.vendor);
    return out;
}

}  // namespace smith::builder
