// SPDX-License-Identifier: Apache-2.0
#include "resolver/solve.h"

#include <fcntl.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "base/fd.h"
#include "base/json.h"
#include "resolver/explain.h"
#include "resolver/jobs.h"
#include "resolver/lock_requirements.h"
#include "resolver/package_pool.h"
#include "resolver/solve_pool.h"

namespace smith::resolver {

namespace {

/// Runs libsolv, with dnf's settings.
class Solving {
public:
    Solving(const PackagePool& pool, const Request& request, Reporter& reporter) : pool_(pool), request_(request) {
        jobs_ = make_jobs(request.packages, pool, reporter);
        for (std::size_t i = 0; i < request.local_rpms.size(); ++i) {
            jobs_.push_back({request.local_rpms[i].location, {pool.local_packages()[i]}, 0});
        }
    }

    /// The packages to install. Throws Error (resolve).
    std::vector<Id> run() {
        solver_.reset(solver_create(pool_.raw()));
        set_flags();
        SolvQueue queue = job_queue();
        if (solver_solve(solver_.get(), queue.raw()) != 0) {
            throw Error(ErrorKind::resolve, explain_problems(solver_.get(), pool_, jobs_));
        }
        SolvQueue decisions;
        solver_get_decisionqueue(solver_.get(), decisions.raw());
        std::vector<Id> out;
        for (const Id id : decisions.items()) {
            if (id > SYSTEMSOLVABLE) out.push_back(id);
        }
        return out;
    }

    [[nodiscard]] const std::vector<Job>& jobs() const { return jobs_; }

private:
    void set_flags() {
        ::Solver* solver = solver_.get();
        solver_set_flag(solver, SOLVER_FLAG_IGNORE_RECOMMENDED, request_.weak ? 0 : 1);
        // As libdnf sets them: it is its choices that people know.
        solver_set_flag(solver, SOLVER_FLAG_ALLOW_VENDORCHANGE, 1);
        solver_set_flag(solver, SOLVER_FLAG_BEST_OBEY_POLICY, 1);
        solver_set_flag(solver, SOLVER_FLAG_YUM_OBSOLETES, 1);
        solver_set_flag(solver, SOLVER_FLAG_URPM_REORDER, 1);
    }

    SolvQueue job_queue() {
        SolvQueue queue;
        for (const Job& job : jobs_) {
            if (job.rich != 0) {
                queue.push2(SOLVER_INSTALL | SOLVER_SOLVABLE_PROVIDES | (request_.best ? SOLVER_FORCEBEST : 0),
                            job.rich);
                continue;
            }
            SolvQueue candidates;
            for (const Id id : job.candidates) candidates.push(id);
            const Id what = static_cast<Id>(pool_queuetowhatprovides(pool_.raw(), candidates.raw()));
            // "Best" and "as before" exclude each other; whoever keeps packages has asked for as little change as can
            // be.
            const bool best = request_.best && !is_kept(job);
            // "Set": whoever names a package has decided on its architecture and version too.
            queue.push2(SOLVER_INSTALL | SOLVER_SOLVABLE_ONE_OF | SOLVER_SETARCH | SOLVER_SETEVR |
                            (best ? SOLVER_FORCEBEST : 0),
                        what);
        }
        for (const Id id : kept_packages()) queue.push2(SOLVER_FAVOR | SOLVER_SOLVABLE, id);
        return queue;
    }

    [[nodiscard]] bool is_kept(const Job& job) const {
        return std::any_of(job.candidates.begin(), job.candidates.end(),
                           [&](Id id) { return kept_packages().contains(id); });
    }

    const std::set<Id>& kept_packages() const {
        if (kept_ || request_.keep.empty()) return kept_ ? *kept_ : none_;
        std::set<std::pair<Nevra, std::string>> wanted;
        for (const PackageRef& ref : request_.keep) wanted.emplace(ref.nevra, ref.repo);
        kept_.emplace();
        for (const Id id : pool_.packages()) {
            const std::string repo = pool_id2solvable(pool_.raw(), id)->repo->name;
            if (pool_.is_installable(id) && wanted.contains({pool_.nevra_of(id), repo})) kept_->insert(id);
        }
        return *kept_;
    }

    const PackagePool& pool_;
    const Request& request_;
    std::vector<Job> jobs_;
    SolvSolver solver_;
    mutable std::optional<std::set<Id>> kept_;
    std::set<Id> none_;
};

/// The names in `dependency` that matter when its package is installed: of "(a if b)" it is a.
void collect_leaves(::Pool* pool, Id dependency, std::vector<Id>& out) {
    if (const ::Reldep* rel = relation_of(pool, dependency)) {
        switch (rel->flags) {
            case REL_AND:
            case REL_OR:
            case REL_ELSE:
                collect_leaves(pool, rel->name, out);
                collect_leaves(pool, rel->evr, out);
                return;
            case REL_COND:
            case REL_UNLESS: collect_leaves(pool, rel->name, out); return;
            default: break;
        }
    }
    out.push_back(dependency);
}

class SolutionBuilder {
public:
    SolutionBuilder(const PackagePool& pool, const std::vector<Id>& chosen) : pool_(pool) {
        for (const Id id : chosen) ordered_.emplace_back(pool.ref_of(id), id);
        std::sort(ordered_.begin(), ordered_.end());
        for (std::size_t i = 0; i < ordered_.size(); ++i) index_[ordered_[i].second] = i;
    }

    Solution build(const std::vector<Job>& jobs) {
        Solution out;
        for (const auto& [ref, id] : ordered_) out.packages.push_back(ref);
        for (const auto& [ref, id] : ordered_) {
            add_requirements(id, out.requirements);
            if (auto module = pool_.module_of(id)) out.modules.push_back(std::move(*module));
        }
        for (const Job& job : jobs) {
            for (const Id id : job.candidates) {
                if (const auto found = index_.find(id); found != index_.end())
                    out.asked.push_back({job.request, found->second});
            }
        }
        sort_unique(out.requirements);
        sort_unique(out.asked);
        sort_unique(out.modules);
        return out;
    }

private:
    template <typename T>
    static void sort_unique(std::vector<T>& values) {
        std::sort(values.begin(), values.end());
        values.erase(std::unique(values.begin(), values.end()), values.end());
    }

    void add_requirements(Id package, std::vector<Requirement>& out) {
        const ::Solvable* solvable = pool_id2solvable(pool_.raw(), package);
        if (solvable->dep_requires == 0) return;
        for (const Id* dep = solvable->repo->idarraydata + solvable->dep_requires; *dep != 0; ++dep) {
            if (*dep == SOLVABLE_PREREQMARKER) continue;
            std::vector<Id> leaves;
            collect_leaves(pool_.raw(), *dep, leaves);
            for (const Id leaf : leaves) add_requirement(package, *dep, leaf, out);
        }
    }

    void add_requirement(Id package, Id dependency, Id leaf, std::vector<Requirement>& out) {
        ::Pool* pool = pool_.raw();
        std::vector<std::size_t> providers;
        Id provider = 0;
        Id at = 0;
        FOR_PROVIDES(provider, at, leaf) {
            if (provider == package) return;
            if (const auto found = index_.find(provider); found != index_.end()) providers.push_back(found->second);
        }
        for (const std::size_t index : providers)
            out.push_back({index_[package], dependency_of(pool, dependency), index});
    }

    const PackagePool& pool_;
    std::vector<std::pair<PackageRef, Id>> ordered_;
    std::map<Id, std::size_t> index_;
};

/// What `request` says about modules; "@nodejs:18" says that it wants this stream, too.
ModuleRequest module_request(const Request& request, const Modules& modules) {
    ModuleRequest out{request.modules, request.preset_modules, request.platform, request.arch};
    for (const std::string& text : request.packages) {
        if (!is_group(text)) continue;
        const ModuleSpec spec = ModuleSpec::parse(text.substr(1));
        const bool is_said = std::ranges::any_of(
            request.modules, [&](const std::string& other) { return ModuleSpec::parse(other).name == spec.name; });
        if (modules.streams_of(spec.name).empty() || (spec.stream.empty() && is_said)) continue;
        out.specs.push_back(spec.name + (spec.stream.empty() ? "" : ":" + spec.stream));
    }
    return out;
}

std::vector<std::string> sorted(std::vector<std::string> texts) {
    std::sort(texts.begin(), texts.end());
    texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
    return texts;
}

}  // namespace

void apply_modules(const Request& request, PackagePool& pool, HttpClient& http, Reporter& reporter) {
    pool.load_modules(http, reporter);
    if (!pool.modules().empty()) {
        pool.apply_modules(module_request(request, pool.modules()), reporter);
    } else if (!request.modules.empty()) {
        throw Error(ErrorKind::resolve, "no repository has modules, such as " + quote(request.modules.front()));
    }
}

Solution solve_in_pool(const Request& request, PackagePool& pool, HttpClient& http, Reporter& reporter) {
    if (request.packages.empty() && request.local_rpms.empty()) {
        throw Error(ErrorKind::resolve, "there is nothing to install: no package was asked for");
    }
    for (const LocalRpm& local : request.local_rpms) pool.add_local(local);
    if (!request.only.empty()) pool.keep_only(request.only);
    if (std::any_of(request.packages.begin(), request.packages.end(), is_group)) pool.load_groups(http, reporter);
    // Whoever pins packages has decided, about modules as well.
    if (request.only.empty()) apply_modules(request, pool, http, reporter);
    pool.prepare();
    // What is found may bring in packages that require other files: look again until nothing is new.
    WantedFiles known;
    for (;;) {
        WantedFiles wanted = files_to_look_up(request.packages, pool, request.weak);
        const bool is_new = wanted.paths != known.paths || wanted.globs != known.globs;
        if (wanted.empty() || !is_new) break;
        pool.load_files(wanted, http, reporter);
        pool.prepare();
        known = std::move(wanted);
    }
    Solving solving(pool, request, reporter);
    const std::vector<Id> chosen = solving.run();
    return SolutionBuilder(pool, chosen).build(solving.jobs());
}

Solution solve(const Request& request, const std::vector<Repository>& repositories, HttpClient& http,
               Reporter& reporter) {
    PackagePool pool(request.arch);
    for (const Repository& repository : repositories) pool.add_repository(repository, http, reporter);
    return solve_in_pool(request, pool, http, reporter);
}

LocalRpm local_rpm(std::string location, const std::filesystem::path& file) {
    const UniqueFd fd = open_file(file, O_RDONLY | O_NONBLOCK);
    LocalRpm out;
    out.location = std::move(location);
    out.file = file;
    Hasher hasher;
    std::vector<std::byte> buffer(256 * 1024);
    while (const std::size_t count = read_some(fd.get(), buffer)) {
        hasher.update(std::span(buffer).first(count));
        out.size += count;
    }
    out.sha256 = hasher.finish();
    return out;
}

Digest request_digest(const Request& request, const std::vector<RepoConfig>& repos) {
    using nlohmann::json;
    json document;
    document["schema"] = 1;
    document["packages"] = sorted(request.packages);
    document["arch"] = request.arch;
    document["releasever"] = request.releasever;
    document["weak"] = request.weak;
    document["best"] = request.best;
    // Left out where nobody said anything, so that locks from before there were modules stay good.
    if (!request.modules.empty()) document["modules"] = sorted(request.modules);
    if (!request.preset_modules.empty()) document["presetModules"] = sorted(request.preset_modules);
    if (!request.platform.empty()) document["platform"] = request.platform;
    std::vector<std::string> locals;
    std::vector<std::string> remotes;
    for (const LocalRpm& local : request.local_rpms) {
        // What a server has is not asked to tell whether a lock is stale.
        local.is_remote ? remotes.push_back(local.location) : locals.push_back(local.sha256.str());
    }
    document["localRpms"] = sorted(std::move(locals));
    if (!remotes.empty()) document["remoteRpms"] = sorted(std::move(remotes));
    document["repos"] = json::array();
    std::map<std::string, const RepoConfig*> by_id;
    for (const RepoConfig& repo : repos) {
        if (repo.enabled) by_id[repo.id] = &repo;
    }
    for (const auto& [id, repo] : by_id) {
        json one = {{"id", id},
                    {"priority", repo->priority},
                    {"cost", repo->cost},
                    {"excludepkgs", sorted(repo->excludepkgs)},
                    {"includepkgs", sorted(repo->includepkgs)}};
        if (repo->module_hotfixes) one["moduleHotfixes"] = true;
        document["repos"].push_back(std::move(one));
    }
    return sha256(dump_json(document));
}

Lock make_lock(const Request& request, const std::vector<Repository>& repositories, const Solution& solution) {
    Lock lock;
    std::vector<RepoConfig> configs;
    for (const Repository& repository : repositories) {
        const RepoConfig& config = repository.config();
        configs.push_back(config);
        lock.repos.push_back({config.id, repository.repomd_digest(), config.gpgcheck, repository.repomd().timestamp});
    }
    lock.request = request_digest(request, configs);
    lock.arch = request.arch;
    lock.packages = solution.packages;
    lock.modules = solution.modules;
    remember_requirements(solution, lock);
    std::sort(lock.repos.begin(), lock.repos.end());
    std::sort(lock.packages.begin(), lock.packages.end());
    return lock;
}

}  // namespace smith::resolver
