// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <map>

#include "builder/spec_parts.h"

namespace smith::builder {

namespace {

using RepoKey = Key<RepoSpec>;

// In the order of dnf.conf(5).
constexpr std::array<RepoKey, 26> kRepoKeys{{
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
         if (r.proxy == "_none_") {  // dnf's word for it
             r.proxy = "";
         } else if (r.proxy->find("://") == std::string::npos) {
             // Without a scheme it could hold a password that nobody recognises when the spec is published.
             f.problem("must be a URL such as http://proxy.example:3128, or _none_");
         }
     }},
    {"skip_if_unavailable", [](RepoSpec& r, const Field& f) { r.skip_if_unavailable = f.dnf_flag(); }},
    {"module_hotfixes", [](RepoSpec& r, const Field& f) { r.module_hotfixes = f.dnf_flag(); }},
    {"max_age", [](RepoSpec& r, const Field& f) { r.max_age = f.duration(); }},
    {"timeout", [](RepoSpec& r, const Field& f) { r.timeout = f.duration(); }},
    {"minrate", [](RepoSpec& r, const Field& f) { r.minrate = f.integer(0, 1'000'000'000); }},
    {"retries", [](RepoSpec& r, const Field& f) { r.retries = f.integer(0, 1000); }},
    {"metadata_expire", [](RepoSpec& r, const Field& f) { r.metadata_expire = f.duration(); }},
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

/// What dnf knows and a spec may not say: it is attached to its image and published, and it is in version control.
bool refuse_credential(const YamlMember& member, SpecReading& in) {
    const std::string& key = member.key.text;
    if (key == "username" || key == "password") {
        in.problem(member.key,
                   quote(key) +
                       " does not belong into a spec, which is published with its image: set "
                       "SMITH_REPO_<ID>_USERNAME and SMITH_REPO_<ID>_PASSWORD, or use netrc or a .repo file");
        return true;
    }
    if (key == "proxy_username" || key == "proxy_password") {
        in.problem(member.key, quote(key) +
                                   " does not belong into a spec, which is published with its image: use a .repo file, "
                                   "or a user and password in the URL of https_proxy");
        return true;
    }
    return false;
}

RepoSpec read_repo(const Field& item) {
    YamlNode rest = item.value;
    std::erase_if(rest.members, [&](const YamlMember& member) { return refuse_credential(member, item.in); });
    RepoSpec repo;
    repo.at = item.at();
    read_members<RepoSpec>(Field{item.key, rest, item.in, item.is_item}, kRepoKeys, repo);
    return repo;
}

}  // namespace

std::vector<RepoSpec> read_repos(const Field& field) {
    std::vector<RepoSpec> out;
    std::map<std::string, Location> seen;
    field.each([&](const Field& item) {
        if (!item.is_map()) return;
        RepoSpec repo = read_repo(item);
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
