// SPDX-License-Identifier: Apache-2.0
#include "resolver/repo_credentials.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>

#include "base/bounds.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/netrc.h"

namespace smith::resolver {

namespace {

namespace fs = std::filesystem;

std::optional<std::string> environment(const std::string& name) {
    const char* value = std::getenv(name.c_str());
    return value == nullptr || *value == '\0' ? std::nullopt : std::optional<std::string>(value);
}

void add_from_environment(RepoConfig& repo, std::map<std::string, std::string>& owners, Reporter& reporter) {
    const std::string user_variable = credential_variable(repo.id, "USERNAME");
    const auto username = environment(user_variable);
    const auto password = environment(credential_variable(repo.id, "PASSWORD"));
    if (!username && !password) return;
    const auto [owner, is_first] = owners.emplace(user_variable, repo.id);
    if (!is_first) {
        throw Error(ErrorKind::usage, user_variable + " is of both repositories " + quote(owner->second) + " and " +
                                          quote(repo.id) + ": neither gets it; give one of them another id");
    }
    if (username) repo.username = Secret(*username);
    if (password) repo.password = Secret(*password);
    if (repo.username.empty()) {
        throw Error(ErrorKind::usage,
                    "repository " + quote(repo.id) + " has a password and no user; set " + user_variable + " as well");
    }
    reporter.debug("repository " + quote(repo.id) + ": credentials of the environment (" + user_variable + ")");
}

bool is_remote(const RepoConfig& repo) {
    return !repo.metalink.empty() || !repo.mirrorlist.empty() ||
           std::any_of(repo.baseurls.begin(), repo.baseurls.end(),
                       [](const std::string& url) { return !url.starts_with("file://"); });
}

}  // namespace

std::string credential_variable(std::string_view id, std::string_view what) {
    std::string out = "SMITH_REPO_";
    for (const char c : id) {
        if (c >= 'a' && c <= 'z') {
            out += static_cast<char>(c - 32);
        } else {
            out += (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ? c : '_';
        }
    }
    return out + "_" + std::string(what);
}

void add_credentials(std::vector<RepoConfig>& repos, Reporter& reporter) {
    std::map<std::string, std::string> owners;
    for (RepoConfig& repo : repos) add_from_environment(repo, owners, reporter);
    if (std::none_of(repos.begin(), repos.end(), is_remote)) return;
    const std::vector<HttpCredential> of_hosts = netrc_credentials(reporter);
    for (RepoConfig& repo : repos) {
        repo.http.credentials.insert(repo.http.credentials.end(), of_hosts.begin(), of_hosts.end());
    }
}

std::vector<HttpCredential> netrc_credentials(Reporter& reporter) {
    fs::path file;
    if (const auto named = environment("NETRC")) {
        file = *named;
    } else if (const auto home = environment("HOME")) {
        file = fs::path(*home) / ".netrc";
        std::error_code none;
        if (!fs::exists(file, none)) return {};
    } else {
        return {};
    }
    return while_doing([&] { return "reading " + quote(file.string()); },
                       [&] {
                           std::vector<HttpCredential> out = parse_netrc(read_file(file, limits::kMaxNetrcBytes));
                           for (const HttpCredential& one : out) {
                               reporter.debug("credentials for host " + quote(one.where) + ": " + quote(file.string()));
                           }
                           return out;
                       });
}

}  // namespace smith::resolver
