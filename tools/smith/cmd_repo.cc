// SPDX-License-Identifier: Apache-2.0
//
// `smith repo`: what the repositories of a spec, or of this machine, have.
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/http.h"
#include "builder/packages.h"
#include "resolver/query.h"
#include "resolver/repository.h"
#include "tools/smith/commands.h"
#include "tools/smith/failure.h"
#include "tools/smith/interrupt.h"
#include "tools/smith/json_text.h"
#include "tools/smith/output.h"
#include "tools/smith/text.h"

namespace smith::cli {

namespace {

using nlohmann::json;
using resolver::PackageInfo;
using resolver::PackageQuery;
using resolver::Repository;

struct Answer {
    std::string text;
    json document = json::array();
    std::size_t count = 0;
};

builder::Project open(const RepoCommand& command, Reporter& reporter) {
    builder::ProjectOptions options = command.project;
    std::error_code none;
    if (options.spec.empty() && std::filesystem::exists("smith.yaml", none)) options.spec = "smith.yaml";
    builder::Project out =
        options.spec.empty() ? builder::open_repositories(options, reporter) : builder::open_project(options, reporter);
    if (out.repos.empty()) {
        throw Error(ErrorKind::usage, "there is no repository to ask: name a spec, --repo or --repo-file");
    }
    return out;
}

Answer list(const std::vector<Repository>& repositories, const PackageQuery& query) {
    Answer out;
    const std::map<std::string, std::size_t> counts = query.counts();
    for (const Repository& repository : repositories) {
        const resolver::RepoConfig& config = repository.config();
        const auto found = counts.find(config.id);
        const std::size_t packages = found == counts.end() ? 0 : found->second;
        const std::string url = redact_url(repository.baseurls().front());
        out.text += config.id + "  " + format_count(packages, "package", "packages") + "  " + printable(url) + "\n";
        json one = {{"id", config.id},
                    {"name", json_text(config.name)},
                    {"baseurl", json_text(url)},
                    {"packages", packages},
                    {"priority", config.priority},
                    {"cost", config.cost},
                    {"gpgcheck", config.gpgcheck},
                    {"repo_gpgcheck", config.repo_gpgcheck},
                    {"repomd", repository.repomd_digest().str()}};
        if (const auto timestamp = repository.repomd().timestamp) one["timestamp"] = *timestamp;
        out.document.push_back(std::move(one));
    }
    out.count = repositories.size();
    return out;
}

json to_json(const PackageInfo& info) {
    json out = {{"package", json_text(info.nevra.str())},
                {"repo", json_text(info.repo)},
                {"size", info.size},
                {"installed_size", info.installed_size},
                {"summary", json_text(info.summary)},
                {"description", json_text(info.description)},
                {"url", json_text(info.url)},
                {"license", json_text(info.license)},
                {"vendor", json_text(info.vendor)}};
    if (!info.source.empty()) out["source"] = json_text(info.source);
    if (!info.module.empty()) out["module"] = json_text(info.module);
    return out;
}

std::string field(std::string name, const std::string& value) {
    constexpr std::size_t kColumn = 14;
    if (value.empty()) return {};
    name.resize(kColumn, ' ');
    return name + value + "\n";
}

std::string paragraph_of(const PackageInfo& info) {
    std::string out = printable(info.nevra.str()) + "\n";
    out += field("  repository", printable(info.repo));
    out += field("  module", printable(info.module));
    out += field("  summary", printable(info.summary));
    out += field("  size", format_bytes(info.size) + ", installed " + format_bytes(info.installed_size));
    out += field("  url", printable(info.url));
    out += field("  license", printable(info.license));
    out += field("  vendor", printable(info.vendor));
    out += field("  source", printable(info.source));
    std::string text = printable(info.description, Lines::keep);
    for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 3) text.replace(at, 1, "\n  ");
    return out + (text.empty() ? "" : "\n  " + text + "\n");
}

void add(Answer& out, const std::vector<PackageInfo>& infos, RepoQuestion question) {
    for (const PackageInfo& info : infos) {
        if (question == RepoQuestion::info) {
            out.text += (out.text.empty() ? "" : "\n") + paragraph_of(info);
        } else {
            const bool by_name = question == RepoQuestion::search;
            out.text +=
                printable(by_name ? info.nevra.name_arch() : info.nevra.str()) + ": " + printable(info.summary) + "\n";
        }
        out.document.push_back(to_json(info));
    }
    out.count += infos.size();
}

Answer answer(const RepoCommand& command, const std::vector<Repository>& repositories, PackageQuery& query) {
    Answer out;
    switch (command.question) {
        case RepoQuestion::list: return list(repositories, query);
        case RepoQuestion::search: add(out, query.search(command.words), command.question); return out;
        case RepoQuestion::info:
            for (const std::string& word : command.words) add(out, query.find(word), command.question);
            return out;
        case RepoQuestion::whatprovides:
            for (const std::string& word : command.words) add(out, query.providers(word), command.question);
            return out;
    }
    return out;
}

}  // namespace

int run_command(const RepoCommand& command, Context& context) {
    builder::Environment environment = command.environment;
    environment.cache_dir = context.cache_dir();
    const InterruptGuard guard(context.reporter);
    const builder::Project project = open(command, context.reporter);
    HttpClient http;
    const std::vector<Repository> repositories = resolver::load_repositories(
        project.repos, builder::metadata_options(environment, std::nullopt), http, context.reporter);
    PackageQuery query(builder::package_choice(project), repositories, http, context.reporter);
    const Answer found = answer(command, repositories, query);
    context.reporter.clear();
    const bool is_list = command.question == RepoQuestion::list;
    if (context.common.json) {
        write_json({{is_list ? "repos" : "packages", found.document}});
    } else {
        write_stdout(found.text);
    }
    if (found.count == 0) context.reporter.info("nothing was found");
    return found.count == 0 ? kFailed : kDone;
}

}  // namespace smith::cli
