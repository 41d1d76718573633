// SPDX-License-Identifier: Apache-2.0
#include "builder/convert.h"

#include "base/error.h"
#include "builder/accounts.h"
#include "builder/glob.h"
#include "builder/project_repos.h"

namespace smith::builder {

namespace {

/// Each with the option that it is of, in place of a line of a spec.
LocatedStrings patterns(const std::vector<std::string>& values, const char* option) {
    LocatedStrings out;
    for (const std::string& value : values) {
        const Located<std::string> pattern{value, {option, 0, 0}};
        while_doing([&] { return std::string(option); }, [&] { static_cast<void>(Glob(value)); });
        out.push_back(pattern);
    }
    return out;
}

Project project_of(const ConvertOptions& options) {
    Project out;
    out.directory = ".";
    out.name = "image";
    out.arch = options.arch.empty() ? host_arch() : options.arch;
    out.arch_is_given = !options.arch.empty();
    Spec& spec = out.spec;
    spec.dialect = Dialect::schema1;
    spec.type = SourceType::image;
    spec.packages = {{options.source, {"SRC", 0, 0}}};
    if (!options.paths.empty()) spec.paths = patterns(options.paths, "--path");
    spec.excludes = patterns(options.excludes, "--exclude");
    if (!options.entrypoint.empty()) spec.entrypoint = options.entrypoint;
    spec.nss = options.nss;
    spec.user = {options.user, {"--user", 0, 0}};
    if (!options.parent.empty()) spec.parent = {options.parent, {"--parent", 0, 0}};
    static_cast<void>(make_accounts(spec));
    return out;
}

}  // namespace

BuildResult convert(const ConvertOptions& options, Reporter& reporter) {
    BuildOptions build;
    build.environment = options.environment;
    build.output = options.destination;
    build.transport.registry = options.environment.registry;
    build.created = options.created;
    build.docker_types = options.docker_types;
    return while_doing([&] { return "converting " + quote(options.source); },
                       [&] { return build_once(project_of(options), build, reporter); });
}

}  // namespace smith::builder
