// SPDX-License-Identifier: Apache-2.0
#include "resolver/module_choice.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/error.h"
#include "resolver/solv.h"

namespace smith::resolver {

namespace {

std::string list(const std::set<std::string>& names, const std::string& prefix = {}) {
    std::string out;
    for (const std::string& name : names) out += (out.empty() ? "" : ", ") + quote(prefix + name);
    return out;
}

/// What "NAME" or "NAME:STREAM" means, as NAME -> STREAM. Throws Error (resolve).
std::string stream_of(const ModuleSpec& spec, const Modules& modules) {
    const std::set<std::string> streams = modules.streams_of(spec.name);
    if (streams.empty()) throw Error(ErrorKind::resolve, "no repository has the module " + quote(spec.name));
    const std::string prefix = spec.name + ":";
    if (!spec.stream.empty()) {
        if (streams.contains(spec.stream)) return spec.stream;
        throw Error(ErrorKind::resolve,
                    "there is no stream " + quote(prefix + spec.stream) + "; there is " + list(streams, prefix));
    }
    const std::string chosen = modules.default_stream(spec.name);
    if (streams.contains(chosen)) return chosen;
    if (streams.size() == 1) return *streams.begin();
    throw Error(ErrorKind::resolve,
                "module " + quote(spec.name) + " has no default stream; name one of " + list(streams, prefix));
}

/// What a request says about modules, by name: the stream that it enables; "": it is switched off.
struct Wanted {
    std::map<std::string, std::string> states;

    [[nodiscard]] bool is_off(const std::string& module) const {
        const auto found = states.find(module);
        return found != states.end() && found->second.empty();
    }
};

void add_wanted(const std::string& text, const Modules& modules, Wanted& out) {
    const bool is_off = text.starts_with('-');
    const ModuleSpec spec = ModuleSpec::parse(is_off ? text.substr(1) : text);
    if (is_off && modules.streams_of(spec.name).empty()) {
        throw Error(ErrorKind::resolve, "no repository has the module " + quote(spec.name) + " to switch off");
    }
    const std::string stream = is_off ? std::string() : stream_of(spec, modules);
    const auto [it, is_new] = out.states.emplace(spec.name, stream);
    if (is_new || it->second == stream) return;
    if (it->second.empty() || is_off) {
        throw Error(ErrorKind::resolve, "module " + quote(spec.name) + " is both asked for and switched off");
    }
    throw Error(ErrorKind::resolve, "of module " + quote(spec.name) + " one stream can be had, not both " +
                                        quote(it->second) + " and " + quote(stream));
}

/// Throws Error (resolve) that names all that is wrong.
Wanted read_wanted(const Modules& modules, const ModuleRequest& request) {
    Wanted out;
    std::string wrong;
    for (const std::string& text : request.specs) {
        try {
            add_wanted(text, modules, out);
        } catch (const Error& e) {
            wrong += (wrong.empty() ? "" : "\n  ") + e.message();
        }
    }
    if (!wrong.empty()) throw Error(ErrorKind::resolve, wrong);
    for (const std::string& text : request.preset) {
        const std::string name = ModuleSpec::parse(text.starts_with('-') ? text.substr(1) : text).name;
        if (out.states.contains(name)) continue;
        try {
            add_wanted(text, modules, out);
        } catch (const Error&) {
            // dnf goes on without it, too: the machine was set up for other repositories.
            continue;
        }
    }
    return out;
}

/// Streams as packages: each provides "module(NAME)" and "module(NAME:STREAM)", and conflicts with the first.
class ModulePool {
public:
    ModulePool(const Modules& modules, const ModuleRequest& request, const Wanted& wanted)
        : modules_(modules), pool_(pool_create()) {
        pool_setdisttype(pool_.get(), DISTTYPE_RPM);
        pool_setarch(pool_.get(), request.arch.c_str());
        pool_setdebugcallback(
            pool_.get(), [](::Pool*, void*, int, const char*) noexcept {}, nullptr);
        if (!request.platform.empty()) add_platform(request.platform);
        ::Repo* repo = repo_create(pool_.get(), "modules");
        for (const ModuleStream& stream : modules.streams) {
            if (!wanted.is_off(stream.name)) add_stream(repo, stream);
        }
        pool_createwhatprovides(pool_.get());
    }

    /// Installs a build of each stream of `enabled`, and of `defaults` where that is possible. False when it is not.
    bool solve(const std::map<std::string, std::string>& enabled, const std::map<std::string, std::string>& defaults,
               int flags, int default_flags) {
        SolvQueue jobs;
        add_jobs(jobs, enabled, flags);
        add_jobs(jobs, defaults, flags | default_flags);
        solver_.reset(solver_create(pool_.get()));
        return solver_solve(solver_.get(), jobs.raw()) == 0;
    }

    /// What solve() installed. As with libdnf, an older build of the same context is active too.
    [[nodiscard]] ModuleChoice choice() const {
        SolvQueue decisions;
        solver_get_decisionqueue(solver_.get(), decisions.raw());
        std::set<std::string> names;
        for (const Id id : decisions.items()) {
            if (id > SYSTEMSOLVABLE) names.insert(text_of(pool_.get(), pool_id2solvable(pool_.get(), id)->name));
        }
        ModuleChoice out;
        for (const ModuleStream& stream : modules_.streams) out.active.push_back(names.contains(solvable_name(stream)));
        return out;
    }

    [[nodiscard]] std::string problems() const {
        std::set<std::string> out;
        Id problem = 0;
        while ((problem = solver_next_problem(solver_.get(), problem)) != 0) {
            out.insert(solver_problem2str(solver_.get(), problem));
        }
        std::string text;
        for (const std::string& one : out) text += (text.empty() ? "" : "\n  ") + one;
        return text;
    }

private:
    /// Builds for the same requirements are versions of one thing, whatever their contexts are called.
    static std::string solvable_name(const ModuleStream& stream) {
        if (stream.has_static_context) return stream.name_stream() + ":" + stream.context;
        std::set<std::string> needs;
        for (ModuleRequirement requirement : stream.requirements) {
            if (requirement.module == "platform") continue;
            std::string text = requirement.module;
            std::sort(requirement.streams.begin(), requirement.streams.end());
            for (const std::string& one : requirement.streams) text += "," + one;
            needs.insert(text);
        }
        std::string context;
        for (const std::string& one : needs) context += (context.empty() ? "" : ";") + one;
        return stream.name_stream() + ":" + (context.empty() ? "NoRequires" : context);
    }

    [[nodiscard]] Id dependency(const std::string& name) const {
        return pool_str2id(pool_.get(), ("module(" + name + ")").c_str(), 1);
    }

    void add_platform(const std::string& platform) {
        ::Repo* repo = repo_create(pool_.get(), "system");
        ::Solvable* solvable = add_solvable(repo, platform, "0", "noarch");
        solvable->dep_provides = repo_addid_dep(repo, solvable->dep_provides, dependency(platform), 0);
        solvable->dep_provides =
            repo_addid_dep(repo, solvable->dep_provides, dependency(platform.substr(0, platform.find(':'))), 0);
        pool_set_installed(pool_.get(), repo);
    }

    ::Solvable* add_solvable(::Repo* repo, const std::string& name, const std::string& version,
                             const std::string& arch) const {
        ::Solvable* out = pool_id2solvable(pool_.get(), repo_add_solvable(repo));
        out->name = pool_str2id(pool_.get(), name.c_str(), 1);
        out->evr = pool_str2id(pool_.get(), version.c_str(), 1);
        out->arch = pool_str2id(pool_.get(), arch.c_str(), 1);
        return out;
    }

    void add_stream(::Repo* repo, const ModuleStream& stream) const {
        ::Solvable* solvable = add_solvable(repo, solvable_name(stream), std::to_string(stream.version), stream.arch);
        const Id module = dependency(stream.name);
        solvable->dep_provides = repo_addid_dep(repo, solvable->dep_provides, module, 0);
        solvable->dep_provides = repo_addid_dep(repo, solvable->dep_provides, dependency(stream.name_stream()), 0);
        solvable->dep_conflicts = repo_addid_dep(repo, solvable->dep_conflicts, module, 0);
        for (const ModuleRequirement& requirement : stream.requirements) add_requirement(repo, *solvable, requirement);
    }

    void add_requirement(::Repo* repo, ::Solvable& solvable, const ModuleRequirement& requirement) const {
        Id any_of = 0;
        for (const std::string& stream : requirement.streams) {
            if (stream.starts_with('-')) {
                const Id not_this = dependency(requirement.module + ":" + stream.substr(1));
                solvable.dep_conflicts = repo_addid_dep(repo, solvable.dep_conflicts, not_this, 0);
                continue;
            }
            const Id one = dependency(requirement.module + ":" + stream);
            any_of = any_of == 0 ? one : pool_rel2id(pool_.get(), any_of, one, REL_OR, 1);
        }
        if (any_of == 0) any_of = dependency(requirement.module);
        solvable.dep_requires = repo_addid_dep(repo, solvable.dep_requires, any_of, 0);
    }

    void add_jobs(SolvQueue& jobs, const std::map<std::string, std::string>& streams, int flags) const {
        for (const auto& [name, stream] : streams) {
            jobs.push2(SOLVER_INSTALL | SOLVER_SOLVABLE_PROVIDES | flags, dependency(name + ":" + stream));
        }
    }

    const Modules& modules_;
    SolvPool pool_;
    SolvSolver solver_;
};

}  // namespace

ModuleSpec ModuleSpec::parse(std::string_view text) {
    ModuleSpec out;
    if (const std::size_t slash = text.find('/'); slash != std::string_view::npos) {
        out.profile = text.substr(slash + 1);
        text = text.substr(0, slash);
    }
    const std::size_t colon = text.find(':');
    out.name = text.substr(0, colon);
    if (colon != std::string_view::npos) out.stream = text.substr(colon + 1);
    return out;
}

ModuleChoice choose_modules(const Modules& modules, const ModuleRequest& request, Reporter& reporter) {
    const Wanted wanted = read_wanted(modules, request);
    std::map<std::string, std::string> enabled;
    std::map<std::string, std::string> defaults;
    for (const auto& [name, stream] : wanted.states) {
        if (!stream.empty()) enabled.emplace(name, stream);
    }
    for (const ModuleStream& stream : modules.streams) {
        const bool is_default = modules.default_stream(stream.name) == stream.stream;
        if (is_default && !wanted.states.contains(stream.name)) defaults.emplace(stream.name, stream.stream);
    }
    ModulePool pool(modules, request, wanted);
    if (pool.solve(enabled, defaults, SOLVER_FORCEBEST, 0)) return pool.choice();
    const std::string unknown =
        "which platform they are for is not known; say module-platform-id, such as platform:el9";
    const std::string problems = request.platform.empty() ? unknown : pool.problems();
    // libdnf tries the same: without defaults that cannot be, then without insisting on the latest builds.
    for (const int flags : {SOLVER_FORCEBEST, 0}) {
        if (!pool.solve(enabled, defaults, flags, SOLVER_WEAK)) continue;
        reporter.warn("not all default streams of modules can be active: " + problems + ", ignoring");
        return pool.choice();
    }
    throw Error(ErrorKind::resolve,
                "the modules cannot be had: " + pool.problems() + (request.platform.empty() ? "; " + unknown : ""));
}

}  // namespace smith::resolver
