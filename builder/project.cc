// SPDX-License-Identifier: Apache-2.0
#include "builder/project.h"

#include <sys/utsname.h>

#include <algorithm>
#include <cerrno>

#include "base/bounds.h"
#include "base/error.h"
#include "base/fd.h"
#include "builder/spec_parse.h"

namespace smith::builder {

namespace {

namespace fs = std::filesystem;
using resolver::RepoConfig;
using resolver::RepoVars;

const fs::path kHostRepos = "/etc/yum.repos.d";

/// The spec's name less what says that it is YAML. Nothing else is an extension: "nginx-1.25" is a name.
fs::path without_yaml(const fs::path& spec) {
    const fs::path extension = spec.extension();
    return extension == ".yaml" || extension == ".yml" ? fs::path(spec).replace_extension() : spec;
}

std::string host_arch() {
    struct utsname name {};
    if (::uname(&name) != 0) throw system_error(errno, "uname");
    return static_cast<const char*>(name.machine);
}

[[noreturn]] void not_there_yet(const Location& at, const std::string& what) {
    throw Error(ErrorKind::spec, at.str() + ": " + what + " is not there yet");
}

/// Keys that parse, and that nothing behind the parser can do so far.
void refuse_what_is_missing(const Spec& spec) {
    if (spec.type == SourceType::image) {
        const Location at = spec.packages.empty() ? Location{} : spec.packages.front().at;
        not_there_yet(at, "building from an image");
    }
    if (spec.parent) not_there_yet(spec.parent->at, "'parent'");
    const MockSpec& mock = spec.mock;
    if (mock.debuginfo || !mock.debugdeps.empty() || !mock.debugpaths.empty()) {
        not_there_yet(mock.at, "adding debuginfo");
    }
    if (!mock.pre_build.empty() || !mock.post_build.empty()) {
        not_there_yet(mock.at, "running commands before or after a build");
    }
}

/// `url` as it is, or the file URL of a path relative to `directory`.
std::string key_url(const std::string& url, const fs::path& directory) {
    if (url.find("://") != std::string::npos) return url;
    return "file://" + fs::absolute(directory / url).lexically_normal().string();
}

RepoConfig to_config(const RepoSpec& spec, const RepoVars& vars, const fs::path& directory) {
    if (spec.baseurl.empty()) not_there_yet(spec.at, "a repository by metalink or mirrorlist");
    RepoConfig out = resolver::repo_from_url(spec.id, spec.baseurl.front(), vars);
    out.baseurls.clear();
    for (const std::string& url : spec.baseurl) {
        const RepoConfig one = resolver::repo_from_url(spec.id, url, vars);
        out.baseurls.insert(out.baseurls.end(), one.baseurls.begin(), one.baseurls.end());
    }
    if (!spec.name.empty()) out.name = resolver::substitute_vars(spec.name, vars);
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
    return out;
}

/// What a spec may say about a repository and the HTTP client can't do so far.
void refuse_missing_repo_options(const RepoSpec& spec) {
    if (!spec.sslverify || !spec.sslcacert.empty() || !spec.sslclientcert.empty() || !spec.sslclientkey.empty()) {
        not_there_yet(spec.at, "a certificate setting of a repository");
    }
    if (!spec.proxy.empty()) not_there_yet(spec.at, "a proxy of a repository (set https_proxy in the environment)");
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
        } else {
            repos_.push_back(std::move(config));
        }
    }

    void add_file(const fs::path& file, const RepoVars& vars) {
        for (RepoConfig& config : resolver::read_repo_file(file, vars)) add(std::move(config));
    }

    [[nodiscard]] bool empty() const { return repos_.empty(); }

    std::vector<RepoConfig> take_enabled() {
        std::erase_if(repos_, [](const RepoConfig& config) { return !config.enabled; });
        for (const RepoConfig& config : repos_) resolver::check_repo(config);
        return std::move(repos_);
    }

private:
    std::vector<RepoConfig> repos_;
};

std::vector<fs::path> repo_files_of_host() {
    std::vector<fs::path> out;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(kHostRepos, none)) {
        if (entry.path().extension() == ".repo") out.push_back(entry.path());
    }
    std::ranges::sort(out);
    return out;
}

std::vector<RepoConfig> collect_repos(const Spec& spec, const fs::path& directory, const ProjectOptions& options,
                                      const RepoVars& vars, Reporter& reporter) {
    RepoList list;
    for (const RepoSpec& repo : spec.repos) {
        refuse_missing_repo_options(repo);
        list.add(to_config(repo, vars, directory));
    }
    for (const auto& file : spec.repo_files) list.add_file(directory / file.value, vars);
    for (const fs::path& file : options.repo_files) list.add_file(file, vars);
    for (const auto& [id, url] : options.repos) list.add_url(id, url, vars);
    if (list.empty() && !spec.mock.config.empty()) {
        not_there_yet(spec.mock.at,
                      "reading repositories from a mock configuration (name them with 'repos' or --repo)");
    }
    if (list.empty()) {
        for (const fs::path& file : repo_files_of_host()) {
            reporter.debug("repositories of this machine: " + quote(file.string()));
            list.add_file(file, vars);
        }
    }
    return list.take_enabled();
}

void check_releasever(const std::vector<RepoConfig>& repos) {
    for (const RepoConfig& repo : repos) {
        for (const std::string& url : repo.baseurls) {
            if (url.find("$releasever") == std::string::npos && url.find("${releasever") == std::string::npos) continue;
            throw Error(ErrorKind::spec, "repository " + quote(repo.id) +
                                             " needs a release: set 'releasever' in the spec, or --releasever");
        }
    }
}

}  // namespace

Project open_project(const ProjectOptions& options, Reporter& reporter) {
    Project out;
    out.spec = load_spec(options.spec, reporter);
    out.directory = options.spec.has_parent_path() ? options.spec.parent_path() : fs::path(".");
    out.lock_file = options.lock;
    if (out.lock_file.empty()) out.lock_file = without_yaml(options.spec) += ".lock";
    out.name = without_yaml(options.spec).filename().string();
    out.arch = !options.arch.empty() ? options.arch : !out.spec.arch.empty() ? out.spec.arch : host_arch();
    refuse_what_is_missing(out.spec);

    const std::string& releasever = !options.releasever.empty() ? options.releasever : out.spec.releasever;
    out.spec.releasever = releasever;
    if (!out.spec.packages.empty()) {
        const RepoVars vars = resolver::repo_vars(out.arch, releasever);
        out.repos = collect_repos(out.spec, out.directory, options, vars, reporter);
        check_releasever(out.repos);
    }
    return out;
}

}  // namespace smith::builder
