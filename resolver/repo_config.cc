// SPDX-License-Identifier: Apache-2.0
#include "resolver/repo_config.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "base/bounds.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/http.h"
#include "resolver/ini.h"
#include "resolver/repo_options.h"

namespace smith::resolver {

namespace {

void warn_about(const IniEntry& entry, OptionKind kind, const std::string& file, Reporter& reporter) {
    const std::string where = file + ":" + std::to_string(entry.line) + ": ";
    if (kind == OptionKind::unknown) {
        reporter.warn(where + "unknown option " + quote(entry.key) + ", ignoring");
    } else if (kind == OptionKind::unsupported) {
        reporter.warn(where + "option " + quote(entry.key) + " is not supported, ignoring");
    }
}

/// Runs `body`; if it throws an Error, puts in front of it where `entry` stands.
template <typename Body>
void reading(const IniEntry& entry, const std::string& file, Body&& body) {
    while_doing([&] { return file + ":" + std::to_string(entry.line) + ": " + entry.key; }, body);
}

void add_missing(std::vector<std::string>& to, const std::vector<std::string>& more) {
    for (const std::string& one : more) {
        if (std::find(to.begin(), to.end(), one) == to.end()) to.push_back(one);
    }
}

/// Whether `key` is one of [main] alone, and was set.
bool set_main_option(MainConfig& main, std::string_view key, const std::string& value) {
    if (key == "excludepkgs" || key == "exclude") {
        add_missing(main.excludepkgs, split_list(value));
    } else if (key == "includepkgs") {
        main.includepkgs = split_list(value);
    } else if (key == "best") {
        main.best = parse_dnf_bool(value);
    } else if (key == "install_weak_deps") {
        main.install_weak_deps = parse_dnf_bool(value);
    } else if (key == "module_platform_id") {
        main.module_platform_id = value;
    } else if (key == "reposdir") {
        main.reposdir = split_list(value);
    } else if (key == "varsdir") {
        main.varsdir = split_list(value);
    } else {
        return false;
    }
    return true;
}

RepoConfig read_section(const IniSection& section, const std::string& file, const RepoVars& vars,
                        const MainConfig& main, Reporter& reporter) {
    RepoConfig repo = main.defaults;
    repo.id = substitute_vars(section.name, vars);
    repo.vars = vars;
    for (const IniEntry& entry : section.entries) {
        const OptionKind kind = kind_of_option(entry.key, false);
        warn_about(entry, kind, file, reporter);
        if (kind != OptionKind::repository) continue;
        reading(entry, file, [&] { set_repo_option(repo, entry.key, substitute_vars(entry.value, vars)); });
    }
    add_missing(repo.excludepkgs, main.excludepkgs);
    add_missing(repo.includepkgs, main.includepkgs);
    return repo;
}

bool has_known_scheme(std::string_view url) {
    return url.starts_with("file:///") || url.starts_with("http://") || url.starts_with("https://");
}

}  // namespace

MainConfig parse_main_config(std::string_view text, const std::string& file, Reporter& reporter, int first_line) {
    MainConfig main;
    for (const IniSection& section : parse_ini(text, file, first_line)) {
        if (section.name != "main") continue;
        for (const IniEntry& entry : section.entries) {
            reading(entry, file, [&] {
                if (set_main_option(main, entry.key, entry.value)) return;
                const OptionKind kind = kind_of_option(entry.key, true);
                warn_about(entry, kind, file, reporter);
                if (kind == OptionKind::repository) set_repo_option(main.defaults, entry.key, entry.value);
            });
        }
    }
    return main;
}

std::vector<RepoConfig> parse_repo_file(std::string_view text, const std::string& file, const RepoVars& vars,
                                        Reporter& reporter, const MainConfig& main, int first_line) {
    std::vector<RepoConfig> repos;
    for (const IniSection& section : parse_ini(text, file, first_line)) {
        if (section.name != "main") repos.push_back(read_section(section, file, vars, main, reporter));
    }
    return repos;
}

std::vector<RepoConfig> read_repo_file(const std::filesystem::path& file, const RepoVars& vars, Reporter& reporter,
                                       const MainConfig& main) {
    return parse_repo_file(read_file(file, limits::kMaxRepoFileBytes), file.string(), vars, reporter, main);
}

RepoConfig repo_from_url(std::string_view id, std::string_view url, const RepoVars& vars) {
    RepoConfig repo;
    repo.id = id;
    repo.name = id;
    repo.vars = vars;
    std::string base = substitute_vars(url, vars);
    if (base.find("://") == std::string::npos) base = "file://" + std::filesystem::absolute(base).string();
    if (!base.ends_with('/')) base += '/';
    repo.baseurls = {base};
    if (!has_known_scheme(base)) {
        throw Error(ErrorKind::usage, "repository " + quote(id) + ": " + quote(redact_url(url)) +
                                          " is neither a file, http or https URL nor a directory");
    }
    return repo;
}

HttpAccess access_of(const RepoConfig& config) {
    HttpAccess out = config.http;
    if (config.username.empty()) return out;
    std::vector<HttpCredential> own;
    const auto add = [&](const std::string& url) {
        const std::string origin = origin_of(url);
        if (!origin.empty()) own.push_back({origin, config.username, config.password});
    };
    for (const std::string& url : config.baseurls) add(url);
    add(config.metalink);
    add(config.mirrorlist);
    out.credentials.insert(out.credentials.begin(), own.begin(), own.end());
    return out;
}

bool is_repo_id(std::string_view id) {
    constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:@+";
    return !id.empty() && id.find_first_not_of(allowed) == std::string_view::npos && id.front() != '.';
}

std::optional<unsigned> retries_of(const RepoConfig& config) {
    if (!config.retries) return std::nullopt;
    // Half of what there is, so that a sum with it stays right; to a person it is without end.
    if (*config.retries <= 0) return std::numeric_limits<unsigned>::max() / 2;
    return static_cast<unsigned>(*config.retries);
}

void check_repo(const RepoConfig& config) {
    const std::string who = "repository " + quote(config.id);
    if (!is_repo_id(config.id)) throw Error(ErrorKind::spec, who + ": " + std::string(kRepoIdRule));
    if (config.baseurls.empty() && config.metalink.empty() && config.mirrorlist.empty()) {
        throw Error(ErrorKind::spec, who + " has no baseurl, metalink or mirrorlist");
    }
    const auto check_url = [&](std::string_view key, const std::string& url) {
        if (!has_known_scheme(url)) {
            throw Error(ErrorKind::spec, who + ": " + std::string(key) + " " + quote(redact_url(url)) +
                                             " is not a file, http or https URL");
        }
        // An unknown variable stays as it is written: a server would only say "not found".
        if (url.find('$') != std::string::npos) {
            throw Error(ErrorKind::spec, who + ": " + std::string(key) + " " + quote(redact_url(url)) +
                                             " holds a variable that has no value" +
                                             (url.find("releasever") != std::string::npos ? "; set releasever" : ""));
        }
    };
    for (const std::string& url : config.baseurls) check_url("baseurl", url);
    if (!config.metalink.empty()) check_url("metalink", config.metalink);
    if (!config.mirrorlist.empty()) check_url("mirrorlist", config.mirrorlist);
}

}  // namespace smith::resolver
