// SPDX-License-Identifier: Apache-2.0
//
// `smith outdated`: what an update would change, whether that ships, and which advisories it answers.
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"
#include "builder/outdated.h"
#include "tools/smith/commands.h"
#include "tools/smith/failure.h"
#include "tools/smith/interrupt.h"
#include "tools/smith/json_text.h"
#include "tools/smith/lock_report.h"
#include "tools/smith/output.h"
#include "tools/smith/text.h"

namespace smith::cli {

namespace {

using builder::Outdated;
using builder::OutdatedPackage;
using nlohmann::json;
using resolver::Advisory;

/// "  RHSA-2024:1234 security/Important CVE-2024-1 CVE-2024-2". What a repository says may hold anything.
std::string line_of(const Advisory& advisory) {
    std::string out = "  " + printable(advisory.id) + " " + printable(advisory.type);
    if (!advisory.severity.empty()) out += "/" + printable(advisory.severity);
    for (const std::string& cve : advisory.cves) out += " " + printable(cve);
    return out + "\n";
}

std::string text_of(const Outdated& outdated) {
    std::string out;
    for (const OutdatedPackage& package : outdated.packages) {
        out += change_line(package.change, package.ships ? ", ships" : "");
        for (const Advisory& advisory : package.advisories) out += line_of(advisory);
    }
    return out;
}

json to_json(const Outdated& outdated) {
    json out = json::array();
    for (const OutdatedPackage& package : outdated.packages) {
        json one = change_json(package.change);
        if (outdated.knows_image) one["ships"] = package.ships;
        one["advisories"] = json::array();
        for (const Advisory& advisory : package.advisories) {
            json cves = json::array();
            for (const std::string& cve : advisory.cves) cves.push_back(json_text(cve));
            one["advisories"].push_back({{"id", json_text(advisory.id)},
                                         {"type", json_text(advisory.type)},
                                         {"severity", json_text(advisory.severity)},
                                         {"title", json_text(advisory.title)},
                                         {"cves", std::move(cves)}});
        }
        out.push_back(std::move(one));
    }
    return out;
}

}  // namespace

int run_command(const OutdatedCommand& command, Context& context) {
    builder::Environment environment = command.environment;
    environment.cache_dir = context.cache_dir();
    const InterruptGuard guard(context.reporter);
    const builder::Project project = builder::open_project(command.project, context.reporter);
    const Outdated outdated = builder::find_outdated(project, environment, context.reporter);
    context.reporter.clear();
    const std::string lock = quote(project.lock_file.string());
    if (outdated.packages.empty()) {
        context.reporter.info(lock + " is what the repositories have today");
    } else {
        context.reporter.info("an update of " + lock + " would change " +
                              format_count(outdated.packages.size(), "package", "packages"));
        if (!outdated.knows_image) {
            context.reporter.info("which of them ship is not known before the first 'smith build'");
        }
    }
    if (context.common.json) {
        write_json({{"lock", json_text(project.lock_file.string())}, {"packages", to_json(outdated)}});
    } else {
        write_stdout(text_of(outdated));
    }
    return kDone;
}

}  // namespace smith::cli
