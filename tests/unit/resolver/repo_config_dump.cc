// SPDX-License-Identifier: Apache-2.0
//
// Prints the configuration of a machine, below a folder, as JSON in dnf's words: for dnf_reads_the_same.py.
// Unlike any program of ours it prints passwords.
//
//     repo_config_dump ROOT ARCH RELEASEVER
#include <cstdio>
#include <exception>
#include <nlohmann/json.hpp>

#include "resolver/host_config.h"

using namespace smith;
using namespace smith::resolver;
using nlohmann::json;

namespace {

const char* name_of(ProxyAuth method) {
    switch (method) {
        case ProxyAuth::any: return "any";
        case ProxyAuth::none: return "none";
        case ProxyAuth::basic: return "basic";
        case ProxyAuth::digest: return "digest";
        case ProxyAuth::digest_ie: return "digest_ie";
        case ProxyAuth::ntlm: return "ntlm";
        case ProxyAuth::negotiate: return "negotiate";
    }
    return "";
}

const char* name_of(IpVersion version) {
    return version == IpVersion::v4 ? "ipv4" : version == IpVersion::v6 ? "ipv6" : "whatever";
}

// What dnf.conf(5) gives as defaults stands here for "not said".
json json_of(const RepoConfig& repo) {
    const auto expire = repo.metadata_expire.value_or(std::chrono::hours(48));
    return {{"name", repo.name.empty() ? repo.id : repo.name},
            {"enabled", repo.enabled},
            {"baseurl", repo.baseurls},
            {"metalink", repo.metalink},
            {"mirrorlist", repo.mirrorlist},
            {"gpgkey", repo.gpgkeys},
            {"gpgcheck", repo.gpgcheck},
            {"repo_gpgcheck", repo.repo_gpgcheck},
            {"skip_if_unavailable", repo.skip_if_unavailable},
            {"priority", repo.priority},
            {"cost", repo.cost},
            {"excludepkgs", repo.excludepkgs},
            {"includepkgs", repo.includepkgs},
            {"module_hotfixes", repo.module_hotfixes},
            {"metadata_expire", expire == kNeverExpires ? -1 : expire.count()},
            {"retries", repo.retries.value_or(10)},
            {"username", repo.username.reveal()},
            {"password", repo.password.reveal()},
            {"sslverify", repo.http.verify_tls},
            {"sslcacert", repo.http.ca_file},
            {"sslclientcert", repo.http.client_cert},
            {"sslclientkey", repo.http.client_key},
            {"proxy", repo.http.proxy.value_or("")},
            {"proxy_username", repo.http.proxy_username.reveal()},
            {"proxy_password", repo.http.proxy_password.reveal()},
            {"proxy_auth_method", name_of(repo.http.proxy_auth)},
            {"ip_resolve", name_of(repo.http.ip_version)},
            {"timeout", repo.http.timeout_s.value_or(30)},
            {"minrate", repo.http.low_speed_bytes_per_s.value_or(1000)}};
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    try {
        const HostConfig host = read_host_config(argv[1], repo_vars(argv[2], argv[3]), silent_reporter());
        json out = {{"repos", json::object()}};
        out["best"] = host.main.best.value_or(false);
        out["install_weak_deps"] = host.main.install_weak_deps.value_or(true);
        out["order"] = json::array();
        for (const RepoConfig& repo : host.repos) {
            out["repos"][repo.id] = json_of(repo);
            out["order"].push_back(repo.id);
        }
        std::printf("%s\n", out.dump().c_str());
    } catch (const std::exception& e) {
        std::fprintf(stderr, "%s\n", e.what());
        return 1;
    }
    return 0;
}
