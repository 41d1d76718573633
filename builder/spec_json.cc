// SPDX-License-Identifier: Apache-2.0
#include "builder/spec_json.h"

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "builder/duration.h"

namespace smith::builder {

namespace {

using nlohmann::json;

/// "https://user:password@host/x" without "user:password@". All else stays as it is.
std::string without_userinfo(const std::string& url) {
    const std::size_t scheme = url.find("://");
    if (scheme == std::string::npos) return url;
    const std::size_t start = scheme + 3;
    const std::size_t end = std::min(url.find_first_of("/?#", start), url.size());
    // The last '@': a password may hold one.
    const std::size_t at = url.substr(0, end).rfind('@');
    if (at == std::string::npos || at < start) return url;
    return url.substr(0, start) + url.substr(at + 1);
}

json values_of(const LocatedStrings& texts) {
    json out = json::array();
    for (const Located<std::string>& text : texts) out.push_back(text.value);
    return out;
}

/// Members of an object that are left out where they say nothing.
class Members {
public:
    void put(const char* key, json value) { out_[key] = std::move(value); }
    void text(const char* key, const std::string& value) {
        if (!value.empty()) put(key, value);
    }
    void list(const char* key, const std::vector<std::string>& value) {
        if (!value.empty()) put(key, value);
    }
    void list(const char* key, const LocatedStrings& value) {
        if (!value.empty()) put(key, values_of(value));
    }
    template <typename T>
    void unless(const char* key, const T& value, const T& usual) {
        if (value != usual) put(key, value);
    }
    void duration(const char* key, const std::optional<std::chrono::nanoseconds>& value) {
        if (value) put(key, format_duration(*value));
    }
    void object(const char* key, json value) {
        if (!value.empty()) put(key, std::move(value));
    }
    [[nodiscard]] json take() { return std::move(out_); }

private:
    json out_ = json::object();
};

json json_of(const RepoSpec& repo) {
    const RepoSpec usual;
    Members m;
    m.text("id", repo.id);
    m.text("name", repo.name);
    m.list("baseurl", repo.baseurl);
    m.text("metalink", repo.metalink);
    m.text("mirrorlist", repo.mirrorlist);
    m.list("gpgkey", repo.gpgkey);
    m.unless("gpgcheck", repo.gpgcheck, usual.gpgcheck);
    m.unless("repo_gpgcheck", repo.repo_gpgcheck, usual.repo_gpgcheck);
    m.unless("priority", repo.priority, usual.priority);
    m.unless("cost", repo.cost, usual.cost);
    m.unless("enabled", repo.enabled, usual.enabled);
    m.list("excludepkgs", repo.excludepkgs);
    m.list("includepkgs", repo.includepkgs);
    m.unless("sslverify", repo.sslverify, usual.sslverify);
    m.text("sslcacert", repo.sslcacert);
    m.text("sslclientcert", repo.sslclientcert);
    m.text("sslclientkey", repo.sslclientkey);
    if (repo.proxy) m.put("proxy", repo.proxy->empty() ? "_none_" : *repo.proxy);
    m.unless("skip_if_unavailable", repo.skip_if_unavailable, usual.skip_if_unavailable);
    m.unless("module_hotfixes", repo.module_hotfixes, usual.module_hotfixes);
    m.duration("max_age", repo.max_age);
    m.duration("timeout", repo.timeout);
    if (repo.minrate) m.put("minrate", *repo.minrate);
    if (repo.retries) m.put("retries", *repo.retries);
    m.duration("metadata_expire", repo.metadata_expire);
    return m.take();
}

json json_of(const MockSpec& mock) {
    Members m;
    m.text("config", mock.config);
    m.text("pre-build", mock.pre_build);
    m.text("post-build", mock.post_build);
    m.list("deps", mock.deps);
    m.unless("debuginfo", mock.debuginfo, false);
    m.list("debugdeps", mock.debugdeps);
    m.list("debugpaths", mock.debugpaths);
    return m.take();
}

json json_of(const Features& features) {
    Members m;
    switch (features.dlopen) {
        case DlopenLevel::none: m.put("dlopen", "none"); break;
        case DlopenLevel::required: m.put("dlopen", "required"); break;
        case DlopenLevel::recommended: break;
        case DlopenLevel::suggested: m.put("dlopen", "suggested"); break;
    }
    return m.take();
}

json json_of(const Healthcheck& check) {
    if (check.run.empty()) return "none";
    Members m;
    m.list("run", check.run);
    m.duration("interval", check.interval);
    m.duration("timeout", check.timeout);
    m.duration("start-period", check.start_period);
    if (check.retries) m.put("retries", *check.retries);
    return m.take();
}

json json_of(const ReadyTcp& tcp) {
    Members m;
    m.put("tcp", tcp.port);
    m.text("send", tcp.send);
    m.text("expect", tcp.expect);
    return m.take();
}

json json_of(const ReadyHttp& http) {
    Members m;
    m.put("http", http.path);
    if (http.port) m.put("port", *http.port);
    return m.take();
}

json json_of(const ReadyLog& log) { return {{"log", log.match.spelling()}}; }

void add(Members& m, const RunStep& step) {
    m.put("run", step.run);
    m.unless("exit", step.exit, 0);
    if (step.out) m.put("stdout", step.out->spelling());
    if (step.err) m.put("stderr", step.err->spelling());
}

void add(Members& m, const StartStep& step) {
    m.put("start", true);
    if (step.ready) std::visit([&](const auto& ready) { m.put("ready", json_of(ready)); }, *step.ready);
}

json json_of(const TestStep& step) {
    Members m;
    std::visit([&](const auto& what) { add(m, what); }, step.what);
    if (step.timeout != TestStep{}.timeout) m.duration("timeout", step.timeout);
    return m.take();
}

template <typename T>
json list_of(const std::vector<T>& values) {
    json out = json::array();
    for (const T& value : values) out.push_back(json_of(value));
    return out;
}

void add_source(Members& m, const Spec& spec) {
    if (spec.dialect == Dialect::schema1) m.put("schema", 1);
    m.put("type", spec.type == SourceType::image ? "oci" : "mock");
    // One name is told as Oracle's Smith did, so that whoever reads its images reads ours.
    if (spec.packages.size() == 1) {
        m.put("package", spec.packages.front().value);
    } else if (spec.dialect == Dialect::schema1 || !spec.packages.empty()) {
        m.put("packages", values_of(spec.packages));
    }
    m.object("repos", list_of(spec.repos));
    m.list("repo-files", spec.repo_files);
    m.text("arch", spec.arch);
    m.text("releasever", spec.releasever);
    if (spec.weak_dependencies) m.put("weak-dependencies", *spec.weak_dependencies);
    if (spec.best) m.put("best", *spec.best);
    m.list("modules", spec.modules);
    m.text("module-platform-id", spec.module_platform_id);
    if (spec.parent) m.put("parent", spec.parent->value);
    m.object("mock", json_of(spec.mock));
}

void add_choice(Members& m, const Spec& spec) {
    if (spec.paths) m.put("paths", values_of(*spec.paths));
    m.list("excludes", spec.excludes);
    m.object("features", json_of(spec.features));
    m.unless("nss", spec.nss, false);
}

void add_config(Members& m, const Spec& spec) {
    m.unless("root", spec.root, false);
    m.text("user", spec.user.value);
    m.list("groups", spec.groups);
    json mounts = json::array();
    for (const ImagePath& mount : spec.mounts) mounts.push_back(mount.str());
    m.object("mounts", std::move(mounts));
    if (spec.entrypoint) m.put("entrypoint", *spec.entrypoint);
    if (spec.cmd) m.put("cmd", *spec.cmd);
    if (spec.dir) m.put("dir", spec.dir->str());
    m.list("env", spec.env);
    json ports = json::object();
    for (const std::string& port : spec.ports) ports[port] = json::object();
    m.object("ports", std::move(ports));
    m.object("labels", spec.labels);
    m.object("annotations", spec.annotations);
    m.text("stop-signal", spec.stop_signal);
    if (spec.healthcheck) m.put("healthcheck", json_of(*spec.healthcheck));
}

}  // namespace

Spec without_credentials(Spec spec) {
    for (Located<std::string>& package : spec.packages) package.value = without_userinfo(package.value);
    if (spec.parent) spec.parent->value = without_userinfo(spec.parent->value);
    for (RepoSpec& repo : spec.repos) {
        for (std::string& url : repo.baseurl) url = without_userinfo(url);
        for (std::string& url : repo.gpgkey) url = without_userinfo(url);
        for (std::string* url : {&repo.metalink, &repo.mirrorlist}) *url = without_userinfo(*url);
        if (repo.proxy) repo.proxy = without_userinfo(*repo.proxy);
    }
    return spec;
}

json to_json(const Spec& spec) {
    const Spec published = without_credentials(spec);
    Members m;
    add_source(m, published);
    add_choice(m, published);
    add_config(m, published);
    m.object("test", list_of(published.tests));
    return m.take();
}

std::string canonical_json(const Spec& spec) { return dump_json(to_json(spec)); }

}  // namespace smith::builder
