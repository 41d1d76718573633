// SPDX-License-Identifier: Apache-2.0
#include "resolver/repo_options.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "base/error.h"
#include "resolver/ini.h"

namespace smith::resolver {

namespace {

// What fits into a long everywhere, and is longer than anybody waits: 31 years.
constexpr double kMostSeconds = 1e9;
constexpr double kMostBytes = 1e15;

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return out;
}

int parse_number(std::string_view text) {
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) {
        throw Error(ErrorKind::spec, quote(text) + " is not a number");
    }
    return number;
}

int parse_count(std::string_view text) {
    const int number = parse_number(text);
    if (number < 0) throw Error(ErrorKind::spec, quote(text) + " is less than nothing");
    return number;
}

/// "1.5d" as 1.5 and 'd'; 0 for no unit. By hand, because from_chars of doubles is missing in libstdc++ 10 and strtod
/// asks the locale.
std::optional<std::pair<double, char>> number_with_unit(std::string_view text) {
    char unit = 0;
    if (!text.empty() && (text.back() < '0' || text.back() > '9')) {
        unit = lower(text.substr(text.size() - 1)).front();
        text.remove_suffix(1);
    }
    double number = 0;
    double scale = 0;
    bool any_digit = false;
    for (const char c : text) {
        if (c == '.' && scale == 0) {
            scale = 1;
        } else if (c >= '0' && c <= '9') {
            number = number * 10 + (c - '0');
            scale *= 10;
            any_digit = true;
        } else {
            return std::nullopt;
        }
    }
    if (!any_digit || text.size() > 18) return std::nullopt;
    return std::pair(scale > 0 ? number / scale : number, unit);
}

double in_units(std::string_view text, std::string_view units, const std::array<double, 4>& factors, double most,
                std::string_view what) {
    const auto parsed = number_with_unit(text);
    std::size_t at = std::string_view::npos;
    if (parsed && parsed->second != 0) at = units.find(parsed->second);
    if (!parsed || (parsed->second != 0 && at == std::string_view::npos)) {
        throw Error(ErrorKind::spec, quote(text) + " is not " + std::string(what));
    }
    const double out = parsed->first * (parsed->second == 0 ? 1 : factors.at(at));
    if (out > most) throw Error(ErrorKind::spec, quote(text) + " is too much");
    return out;
}

std::vector<std::string> directories(std::string_view text) {
    std::vector<std::string> urls = split_list(text);
    for (std::string& url : urls) {
        if (!url.ends_with('/')) url += '/';
    }
    return urls;
}

IpVersion parse_ip_version(std::string_view text) {
    const std::string word = lower(text);
    if (word == "4" || word == "ipv4") return IpVersion::v4;
    if (word == "6" || word == "ipv6") return IpVersion::v6;
    if (word.empty() || word == "whatever") return IpVersion::any;
    throw Error(ErrorKind::spec, quote(text) + " is neither ipv4 nor ipv6");
}

/// Both names of one option may stand in a section, and add up.
void add_list(std::vector<std::string>& to, std::string_view value) {
    for (std::string& one : split_list(value)) to.push_back(std::move(one));
}

struct Option {
    std::string_view name;
    void (*set)(RepoConfig& repo, std::string_view value);
    bool inherits = true;  ///< may stand in [main] too
};

// In the order of dnf.conf(5). What throws must not repeat a user or a password.
constexpr std::array<Option, 31> kOptions{{
    {"baseurl", [](RepoConfig& r, std::string_view v) { r.baseurls = directories(v); }, false},
    {"cost", [](RepoConfig& r, std::string_view v) { r.cost = parse_number(v); }, false},
    {"enabled", [](RepoConfig& r, std::string_view v) { r.enabled = parse_dnf_bool(v); }},
    {"gpgkey", [](RepoConfig& r, std::string_view v) { r.gpgkeys = split_list(v); }, false},
    {"metalink", [](RepoConfig& r, std::string_view v) { r.metalink = v; }, false},
    {"mirrorlist", [](RepoConfig& r, std::string_view v) { r.mirrorlist = v; }, false},
    {"module_hotfixes", [](RepoConfig& r, std::string_view v) { r.module_hotfixes = parse_dnf_bool(v); }, false},
    {"name", [](RepoConfig& r, std::string_view v) { r.name = v; }, false},
    {"priority", [](RepoConfig& r, std::string_view v) { r.priority = parse_number(v); }, false},
    {"exclude", [](RepoConfig& r, std::string_view v) { add_list(r.excludepkgs, v); }},
    {"excludepkgs", [](RepoConfig& r, std::string_view v) { add_list(r.excludepkgs, v); }},
    {"gpgcheck", [](RepoConfig& r, std::string_view v) { r.gpgcheck = parse_dnf_bool(v); }},
    {"pkg_gpgcheck", [](RepoConfig& r, std::string_view v) { r.gpgcheck = parse_dnf_bool(v); }},
    {"includepkgs", [](RepoConfig& r, std::string_view v) { r.includepkgs = split_list(v); }},
    {"ip_resolve", [](RepoConfig& r, std::string_view v) { r.http.ip_version = parse_ip_version(v); }},
    {"metadata_expire", [](RepoConfig& r, std::string_view v) { r.metadata_expire = parse_dnf_duration(v); }},
    {"minrate", [](RepoConfig& r, std::string_view v) { r.http.low_speed_bytes_per_s = parse_dnf_bytes(v); }},
    {"password", [](RepoConfig& r, std::string_view v) { r.password = Secret(std::string(v)); }},
    {"proxy", [](RepoConfig& r, std::string_view v) { r.http.proxy = parse_proxy(v); }},
    {"proxy_auth_method", [](RepoConfig& r, std::string_view v) { r.http.proxy_auth = parse_proxy_auth(v); }},
    {"proxy_password", [](RepoConfig& r, std::string_view v) { r.http.proxy_password = Secret(std::string(v)); }},
    {"proxy_username", [](RepoConfig& r, std::string_view v) { r.http.proxy_username = Secret(std::string(v)); }},
    {"repo_gpgcheck", [](RepoConfig& r, std::string_view v) { r.repo_gpgcheck = parse_dnf_bool(v); }},
    {"retries", [](RepoConfig& r, std::string_view v) { r.retries = parse_count(v); }},
    {"skip_if_unavailable", [](RepoConfig& r, std::string_view v) { r.skip_if_unavailable = parse_dnf_bool(v); }},
    {"sslcacert", [](RepoConfig& r, std::string_view v) { r.http.ca_file = v; }},
    {"sslclientcert", [](RepoConfig& r, std::string_view v) { r.http.client_cert = v; }},
    {"sslclientkey", [](RepoConfig& r, std::string_view v) { r.http.client_key = v; }},
    {"sslverify", [](RepoConfig& r, std::string_view v) { r.http.verify_tls = parse_dnf_bool(v); }},
    {"timeout",
     [](RepoConfig& r, std::string_view v) {
         const std::chrono::seconds timeout = parse_dnf_duration(v);
         r.http.timeout_s = timeout == kNeverExpires ? 0 : static_cast<long>(timeout.count());
     }},
    {"username", [](RepoConfig& r, std::string_view v) { r.username = Secret(std::string(v)); }},
}};

template <std::size_t Size>
bool is_one_of(const std::array<std::string_view, Size>& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

// Of repositories and of [main], of dnf 4 and 5 and of yum: where caches are, how much is told, what is done with an
// installed system, and how a download is made faster.
constexpr std::array<std::string_view, 87> kHarmless{"assumeno",
                                                     "assumeyes",
                                                     "async",
                                                     "autocheck_running_kernel",
                                                     "bugtracker_url",
                                                     "cachedir",
                                                     "cacheonly",
                                                     "check_config_file_age",
                                                     "clean_requirements_on_remove",
                                                     "color",
                                                     "color_list_available_downgrade",
                                                     "color_list_available_install",
                                                     "color_list_available_reinstall",
                                                     "color_list_available_upgrade",
                                                     "color_list_installed_extra",
                                                     "color_list_installed_newer",
                                                     "color_list_installed_older",
                                                     "color_list_installed_reinstall",
                                                     "color_search_match",
                                                     "color_update_installed",
                                                     "color_update_local",
                                                     "color_update_remote",
                                                     "comment",
                                                     "config_file_path",
                                                     "countme",
                                                     "debug_solver",
                                                     "debuglevel",
                                                     "defaultyes",
                                                     "deltarpm",
                                                     "deltarpm_percentage",
                                                     "destdir",
                                                     "diskspacecheck",
                                                     "distroverpkg",
                                                     "enabled_metadata",
                                                     "enablegroups",
                                                     "errorlevel",
                                                     "exactarch",
                                                     "exit_on_lock",
                                                     "failovermethod",
                                                     "fastestmirror",
                                                     "gpgcakey",
                                                     "gpgkey_dns_verification",
                                                     "group_package_types",
                                                     "history_list_view",
                                                     "history_record",
                                                     "history_record_packages",
                                                     "http_caching",
                                                     "installonly_limit",
                                                     "installonlypkgs",
                                                     "keepalive",
                                                     "keepcache",
                                                     "localpkg_gpgcheck",
                                                     "log_compress",
                                                     "log_rotate",
                                                     "log_size",
                                                     "logdir",
                                                     "logfile",
                                                     "logfilelevel",
                                                     "max_downloads_per_mirror",
                                                     "max_parallel_downloads",
                                                     "mdpolicy",
                                                     "mediaid",
                                                     "metadata_timer_sync",
                                                     "mirrorlist_expire",
                                                     "module_stream_switch",
                                                     "persistdir",
                                                     "pluginconfpath",
                                                     "pluginpath",
                                                     "plugins",
                                                     "protect_running_kernel",
                                                     "protected_multilib",
                                                     "protected_packages",
                                                     "recent",
                                                     "reset_nice",
                                                     "rpmverbosity",
                                                     "showdupesfromrepos",
                                                     "syslog_device",
                                                     "syslog_facility",
                                                     "syslog_ident",
                                                     "system_cachedir",
                                                     "tolerant",
                                                     "transformdb",
                                                     "type",
                                                     "ui_repoid_vars",
                                                     "upgrade_group_objects_upgrade",
                                                     "user_agent",
                                                     "zchunk"};

// Each could choose other packages, trust somebody else, or keep to a limit that is not kept here.
constexpr std::array<std::string_view, 20> kUnsupported{"allow_vendor_change",
                                                        "bandwidth",
                                                        "disable_excludes",
                                                        "exclude_from_weak",
                                                        "exclude_from_weak_autodetect",
                                                        "ignorearch",
                                                        "installroot",
                                                        "module_obsoletes",
                                                        "multilib_policy",
                                                        "obsoletes",
                                                        "proxy_sslcacert",
                                                        "proxy_sslclientcert",
                                                        "proxy_sslclientkey",
                                                        "proxy_sslverify",
                                                        "skip_broken",
                                                        "skip_unavailable",
                                                        "sslverifystatus",
                                                        "strict",
                                                        "throttle",
                                                        "tsflags"};

const Option* find_option(std::string_view key) {
    const auto it = std::find_if(kOptions.begin(), kOptions.end(), [&](const Option& one) { return one.name == key; });
    return it == kOptions.end() ? nullptr : &*it;
}

}  // namespace

OptionKind kind_of_option(std::string_view key, bool in_main) {
    if (key.empty()) return OptionKind::unknown;
    const Option* option = find_option(key);
    if (option != nullptr && (option->inherits || !in_main)) return OptionKind::repository;
    if (is_one_of(kHarmless, key)) return OptionKind::harmless;
    return is_one_of(kUnsupported, key) ? OptionKind::unsupported : OptionKind::unknown;
}

void set_repo_option(RepoConfig& repo, std::string_view key, std::string_view value) {
    find_option(key)->set(repo, value);
}

bool parse_dnf_bool(std::string_view text) {
    const std::string word = lower(text);
    for (const std::string_view yes : {"1", "yes", "true", "on", "enabled"}) {
        if (word == yes) return true;
    }
    for (const std::string_view no : {"0", "no", "false", "off", "disabled"}) {
        if (word == no) return false;
    }
    throw Error(ErrorKind::spec, quote(text) + " is neither true nor false");
}

std::chrono::seconds parse_dnf_duration(std::string_view text) {
    if (text == "-1" || lower(text) == "never") return kNeverExpires;
    const double seconds =
        in_units(text, "smhd", {1, 60, 3600, 86400}, kMostSeconds, "a number of seconds, or one with s, m, h or d");
    return std::chrono::seconds(static_cast<std::int64_t>(seconds));
}

long parse_dnf_bytes(std::string_view text) {
    constexpr double k = 1024;
    return static_cast<long>(
        in_units(text, "kmg", {k, k * k, k * k * k, 0}, kMostBytes, "a number of bytes, or one with k, M or G"));
}

ProxyAuth parse_proxy_auth(std::string_view text) {
    const std::string word = lower(text);
    if (word == "any") return ProxyAuth::any;
    if (word == "none") return ProxyAuth::none;
    if (word == "basic") return ProxyAuth::basic;
    if (word == "digest") return ProxyAuth::digest;
    if (word == "digest_ie") return ProxyAuth::digest_ie;
    if (word == "ntlm" || word == "ntlm_wb") return ProxyAuth::ntlm;
    if (word == "negotiate") return ProxyAuth::negotiate;
    throw Error(ErrorKind::spec,
                quote(text) + " is none of any, none, basic, digest, digest_ie, ntlm, ntlm_wb and negotiate");
}

std::string parse_proxy(std::string_view text) {
    if (text == "_none_") return {};
    const std::size_t scheme = text.find("://");
    if (scheme == std::string_view::npos) return std::string(text);
    for (const std::string_view known : {"http", "https", "socks4", "socks4a", "socks5", "socks5h"}) {
        if (lower(text.substr(0, scheme)) == known) return std::string(text);
    }
    // The URL is not repeated: a password may be in it.
    throw Error(ErrorKind::spec, "a proxy is reached by http, https, socks4, socks4a, socks5 or socks5h, not " +
                                     quote(text.substr(0, scheme)));
}

}  // namespace smith::resolver
