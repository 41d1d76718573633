// SPDX-License-Identifier: Apache-2.0
#include "builder/project_repos.h"

#include <sys/utsname.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "base/error.h"
#include "resolver/host_config.h"
#include "resolver/mock_config.h"
#include "resolver/repo_credentials.h"
#include "resolver/rpm_url.h"

namespace smith::builder {

namespace {

namespace fs = std::filesystem;
using resolver::RepoConfig;
using resolver::RepoVars;

/// `path` seen from `directory`; "" stays "".
std::string file_from(const std::string& path, const fs::path& directory) {
    return path.empty() ? path : fs::absolute(directory / path).lexically_normal().string();
}

/// `url` as it is, or the file URL of a path relative to `directory`.
std::string key_url(const std::string& url, const fs::path& directory) {
    return url.find("://") != std::string::npos ? url : "file://" + file_from(url, directory);
}

std::chrono::seconds in_seconds(std::chrono::nanoseconds duration) {
    return std::chrono::ceil<std::chrono::seconds>(duration);
}

void add_access(HttpAccess& out, const RepoSpec& spec, const fs::path& directory) {
    out.verify_tls = spec.sslverify;
    out.ca_file = file_from(spec.sslcacert, directory);
    out.client_cert = file_from(spec.sslclientcert, directory);
    out.client_key = file_from(spec.sslclientkey, directory);
    out.proxy = spec.proxy;
    if (spec.timeout) out.timeout_s = static_cast<long>(in_seconds(*spec.timeout).count());
    if (spec.minrate) out.low_speed_bytes_per_s = *spec.minrate;
}

RepoConfig to_config(const RepoSpec& spec, const RepoVars& vars, const fs::path& directory) {
    RepoConfig out;
    out.id = spec.id;
    out.vars = vars;
    out.name = spec.name.empty() ? spec.id : resolver::substitute_vars(spec.name, vars);
    for (const std::string& url : spec.baseurl) {
        const RepoConfig one = resolver::repo_from_url(spec.id, url, vars);
        out.baseurls.insert(out.baseurls.end(), one.baseurls.begin(), one.baseurls.end());
    }
    out.metalink = resolver::substitute_vars(spec.metalink, vars);
    out.mirrorlist = resolver::substitute_vars(spec.mirrorlist, vars);
    for (const std::string& key : spec.gpgkey) {
        out.gpgkeys.push_back(key_url(resolver::substitute_vars(key, vars), directory));
    }
    out.gpgcheck = spec.gpgcheck;
    out.repo_gpgcheck = spec.repo_gpgcheck;
    out.enabled = spec.enabled;
    out.skip_if_unavailable = spec.skip_if_unavailable;
    out.priority = spec.priority;
    out.cost = spec.cost;
    out.excludepkgs = spec.excludepkgs;
    out.includepkgs = spec.includepkgs;
    out.module_hotfixes = spec.module_hotfixes;
    if (spec.max_age) out.max_age = std::chrono::floor<std::chrono::seconds>(*spec.max_age);
    if (spec.metadata_expire) out.metadata_expire = in_seconds(*spec.metadata_expire);
    out.retries = spec.retries;
    add_access(out.http, spec, directory);
    return out;
}

class RepoList {
public:
    void add(RepoConfig config) {
        const auto same = std::ranges::find(repos_, config.id, &RepoConfig::id);
        if (same != repos_.end()) {
            *same = std::move(config);
        } else {
            repos_.push_back(std::move(config));
        }
    }

    /// A repository that is known already only moves: its keys and settings stay what they are.
    void add_url(const std::string& id, const std::string& url, const RepoVars& vars) {
        RepoConfig config = resolver::repo_from_url(id, url, vars);
        const auto same = std::ranges::find(repos_, id, &RepoConfig::id);
        if (same != repos_.end()) {
            same->baseurls = std::move(config.baseurls);
            same->metalink.clear();
            same->mirrorlist.clear();
        } else {
            repos_.push_back(std::move(config));
        }
    }

    void add_file(const fs::path& file, const RepoVars& vars, Reporter& reporter) {
        for (RepoConfig& config : resolver::read_repo_file(file, vars, reporter)) add(std::move(config));
    }

    std::vector<RepoConfig> take() { return std::move(repos_); }

private:
    std::vector<RepoConfig> repos_;
};

bool names_repositories(const Spec& spec, const ProjectOptions& options) {
    return !spec.repos.empty() || !spec.repo_files.empty() || !options.repo_files.empty() || !options.repos.empty();
}

std::vector<RepoConfig> named_repos(const Spec& spec, const fs::path& directory, const ProjectOptions& options,
                                    const RepoVars& vars, Reporter& reporter) {
    RepoList list;
    for (const RepoSpec& repo : spec.repos) list.add(to_config(repo, vars, directory));
    for (const auto& file : spec.repo_files) list.add_file(directory / file.value, vars, reporter);
    for (const fs::path& file : options.repo_files) list.add_file(file, vars, reporter);
    for (const auto& [id, url] : options.repos) list.add_url(id, url, vars);
    return list.take();
}

/// Repositories that neither the spec nor the command line names, and what stands beside them.
void add_found_repos(Sources& out, const Spec& spec, const fs::path& directory, const ProjectOptions& options,
                     Reporter& reporter) {
    resolver::MainConfig main;
    if (!spec.mock.config.empty()) {
        const fs::path file = directory / spec.mock.config;
        reporter.debug("mock configuration: " + quote(file.string()));
        const resolver::MockConfig mock = while_doing([&] { return spec.mock.at.str() + ": mock.config"; },
                                                      [&] { return resolver::read_mock_config(file); });
        if (out.arch.empty()) out.arch = mock.target_arch;
        if (out.arch.empty()) out.arch = host_arch();
        if (out.releasever.empty()) out.releasever = mock.releasever;
        main = mock.main(reporter);
        out.repos = mock.repos(resolver::repo_vars(out.arch, out.releasever), main, reporter);
    } else {
        if (out.arch.empty()) out.arch = host_arch();
        resolver::HostConfig host =
            resolver::read_host_config(options.host_root, resolver::repo_vars(out.arch, out.releasever), reporter);
        out.releasever = host.vars.releasever;
        out.repos = std::move(host.repos);
        out.preset_modules = std::move(host.modules);
        main = std::move(host.main);
    }
    out.weak_dependencies = main.install_weak_deps.value_or(out.weak_dependencies);
    out.best = main.best.value_or(out.best);
    out.module_platform_id = main.module_platform_id;
    out.named = std::move(main.defaults);
}

void check_releasever(const RepoConfig& repo) {
    std::vector<std::string> urls = repo.baseurls;
    urls.push_back(repo.metalink);
    urls.push_back(repo.mirrorlist);
    for (const std::string& url : urls) {
        if (url.find("$releasever") == std::string::npos && url.find("${releasever") == std::string::npos) continue;
        throw Error(ErrorKind::spec,
                    "repository " + quote(repo.id) + " needs a release: set 'releasever' in the spec, or --releasever");
    }
}

}  // namespace

std::string host_arch() {
    struct utsname name {};
    if (::uname(&name) != 0) throw system_error(errno, "uname");
    return static_cast<const char*>(name.machine);
}

Sources collect_sources(const Spec& spec, const fs::path& directory, const ProjectOptions& options,
                        Reporter& reporter) {
    Sources out;
    out.arch = !options.arch.empty() ? options.arch : spec.arch;
    out.releasever = !options.releasever.empty() ? options.releasever : spec.releasever;
    const bool installs = spec.type == SourceType::packages && !spec.packages.empty();
    if (installs && !names_repositories(spec, options)) {
        add_found_repos(out, spec, directory, options, reporter);
    }
    if (out.arch.empty()) out.arch = host_arch();
    if (installs && names_repositories(spec, options)) {
        out.repos = named_repos(spec, directory, options, resolver::repo_vars(out.arch, out.releasever), reporter);
    }
    out.weak_dependencies = spec.weak_dependencies.value_or(out.weak_dependencies);
    out.best = spec.best.value_or(out.best);
    if (!spec.module_platform_id.empty()) out.module_platform_id = spec.module_platform_id;

    std::erase_if(out.repos, [](const RepoConfig& config) { return !config.enabled; });
    for (const RepoConfig& config : out.repos) {
        check_releasever(config);
        resolver::check_repo(config);
    }
    resolver::add_credentials(out.repos, reporter);
    const auto is_remote = [](const Located<std::string>& name) { return resolver::is_remote_rpm(name.value); };
    if (installs && (std::ranges::any_of(spec.packages, is_remote) || std::ranges::any_of(spec.mock.deps, is_remote))) {
        out.named.http.credentials = resolver::netrc_credentials(reporter);
    }
    return out;
}

}  // namespace smith::builder
