// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <map>

#include "builder/spec_parts.h"

namespace smith::builder {

namespace {

using RepoKey = Key<RepoSpec>;

// In the order of dnf.conf(5). Passwords are not among them: a spec is attached to its image and published.
constexpr std::array<RepoKey, 21> kRepoKeys{{
    {"id", [](RepoSpec& r, const Field& f) { r.id = f.word(); }},
    {"name", [](RepoSpec& r, const Field& f) { r.name = f.text(); }},
    {"baseurl", [](RepoSpec& r, const Field& f) { r.baseurl = f.words(); }},
    {"metalink", [](RepoSpec& r, const Field& f) { r.metalink = f.word(); }},
    {"mirrorlist", [](RepoSpec& r, const Field& f) { r.mirrorlist = f.word(); }},
    {"gpgkey", [](RepoSpec& r, const Field& f) { r.gpgkey = f.words(); }},
    {"gpgcheck", [](RepoSpec& r, const Field& f) { r.gpgcheck = f.dnf_flag(); }},
    {"repo_gpgcheck", [](RepoSpec& r, const Field& f) { r.repo_gpgcheck = f.dnf_flag(); }},
    {"priority", [](RepoSpec& r, const Field& f) { r.priority = f.integer(1, 99); }},
    {"cost", [](RepoSpec& r, const Field& f) { r.cost = f.integer(0, 1'000'000); }},
    {"enabled", [](RepoSpec& r, const Field& f) { r.enabled = f.dnf_flag(); }},
    {"excludepkgs", [](RepoSpec& r, const Field& f) { r.excludepkgs = f.words(); }},
    {"exclude", [](RepoSpec& r, const Field& f) { r.excludepkgs = f.words(); }},
    {"includepkgs", [](RepoSpec& r, const Field& f) { r.includepkgs = f.words(); }},
    {"sslverify", [](RepoSpec& r, const Field& f) { r.sslverify = f.dnf_flag(); }},
    {"sslcacert", [](RepoSpec& r, const Field& f) { r.sslcacert = f.word(); }},
    {"sslclientcert", [](RepoSpec& r, const Field& f) { r.sslclientcert = f.word(); }},
    {"sslclientkey", [](RepoSpec& r, const Field& f) { r.sslclientkey = f.word(); }},
    {"proxy",
     [](RepoSpec& r, const Field& f) {
         r.proxy = f.word();
         // Without a scheme it could hold a password that nobody recognises when the spec is published.
         if (r.proxy.find("://") == std::string::npos) f.problem("must be a URL such as http://proxy.example:3128");
     }},
    {"skip_if_unavailable", [](RepoSpec& r, const Field& f) { r.skip_if_unavailable = f.dnf_flag(); }},
    {"module_hotfixes", [](RepoSpec& r, const Field& f) { r.module_hotfixes = f.dnf_flag(); }},
}};

bool is_repo_id(std::string_view id) {
    constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:";
    return !id.empty() && id.find_first_not_of(allowed) == std::string_view::npos;
}

void check_repo(const RepoSpec& repo, const Field& field) {
    if (field.value.find("id") == nullptr) field.problem("needs an 'id'");
    if (!repo.id.empty() && !is_repo_id(repo.id)) {
        field.in.problem(*field.value.find("id"),
                         "the repository id " + quote(repo.id) + " holds something else than letters, digits and -_.:");
    }
    const bool is_somewhere = field.value.find("baseurl") != nullptr || field.value.find("metalink") != nullptr ||
                              field.value.find("mirrorlist") != nullptr;
    if (!is_somewhere) field.problem("needs a 'baseurl', 'metalink' or 'mirrorlist'");
}

}  // namespace

std::vector<RepoSpec> read_repos(const Field& field) {
    std::vector<RepoSpec> out;
    std::map<std::string, Location> seen;
    field.each([&](const Field& item) {
        if (!item.is_map()) return;
        RepoSpec repo;
        repo.at = item.at();
        read_members<RepoSpec>(item, kRepoKeys, repo);
        check_repo(repo, item);
        const auto [first, is_new] = seen.emplace(repo.id, repo.at);
        if (!is_new && !repo.id.empty()) {
            item.problem("has the id " + quote(repo.id) + ", as the one in line " + std::to_string(first->second.line));
        }
        out.push_back(std::move(repo));
    });
    return out;
}

}  // namespace smith::builder
