// SPDX-License-Identifier: Apache-2.0
#include "resolver/jobs.h"

#include <algorithm>
#include <optional>
#include <set>
#include <unordered_set>

#include "base/error.h"
#include "resolver/group_jobs.h"
#include "resolver/package_spec.h"

namespace smith::resolver {

namespace {

bool add_jobs(const std::string& request, const PackagePool& pool, std::vector<Job>& jobs, Reporter& reporter) {
    if (is_group(request)) return add_group_jobs(request, pool, jobs, reporter);
    const SpecMatch match = match_spec(request, pool);
    // A glob that means several names wants one package of each.
    const bool each_name = is_glob(request) && !is_path(request);
    const bool each_arch = match.form == SpecForm::any_arch;
    std::map<std::pair<std::string, std::string>, std::vector<Id>> groups;
    for (const Id id : match.packages) {
        const ::Solvable* solvable = pool_id2solvable(pool.raw(), id);
        std::pair<std::string, std::string> key;
        if (each_name || each_arch) key.first = text_of(pool.raw(), solvable->name);
        if (each_arch) key.second = text_of(pool.raw(), solvable->arch);
        groups[key].push_back(id);
    }
    for (auto& [key, candidates] : groups) {
        if (match.form == SpecForm::name || each_arch) add_obsoleters(candidates, pool);
        jobs.push_back({request, std::move(candidates), 0});
    }
    return match.form != SpecForm::nothing;
}

/// Insertions, deletions, replacements and swaps of neighbours that lead from `a` to `b`.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    std::vector<std::size_t> next(b.size() + 1);
    for (std::size_t i = 1; i <= a.size(); ++i) {
        next[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const bool same = a[i - 1] == b[j - 1];
            next[j] = std::min({row[j] + 1, next[j - 1] + 1, row[j - 1] + (same ? 0U : 1U)});
            const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped) next[j] = std::min(next[j], before[j - 2] + 1);
        }
        before.swap(row);
        row.swap(next);
    }
    return row[b.size()];
}

/// At most three names, the most similar first.
std::vector<std::string> similar_names(std::string_view wanted, const PackagePool& pool) {
    constexpr std::size_t kShown = 3;
    const std::size_t tolerance = std::max<std::size_t>(1, wanted.size() / 4);
    std::set<std::pair<std::size_t, std::string>> found;
    for (const Id id : pool.packages()) {
        if (!pool.is_installable(id)) continue;
        const std::string_view name = pool_id2str(pool.raw(), pool_id2solvable(pool.raw(), id)->name);
        // A name is often cut short ("nginx" for "nginx-light"), or has a number too many ("python3" for "python").
        const bool extends = wanted.size() >= 3 && (name.starts_with(wanted) || wanted.starts_with(name));
        const std::size_t apart =
            name.size() > wanted.size() ? name.size() - wanted.size() : wanted.size() - name.size();
        if (apart > tolerance && !extends) continue;
        const std::size_t distance = edit_distance(wanted, name);
        if (distance <= tolerance)
            found.emplace(distance, name);
        else if (extends && name.size() >= 3)
            found.emplace(tolerance + distance, name);
    }
    std::vector<std::string> out;
    for (const auto& [distance, name] : found) {
        if (out.size() < kShown && std::find(out.begin(), out.end(), name) == out.end()) out.push_back(name);
    }
    return out;
}

/// Walks over everything that could come into a solution, and notes the files that are asked for on the way.
class FileDependencies {
public:
    FileDependencies(const PackagePool& pool, bool weak, WantedFiles& wanted)
        : pool_(pool), weak_(weak), wanted_(wanted) {}

    void walk(const std::vector<Id>& start) {
        for (const Id id : start) reach(id);
        while (!todo_.empty()) {
            const Id id = todo_.back();
            todo_.pop_back();
            const ::Solvable* solvable = pool_id2solvable(pool_.raw(), id);
            visit_all(solvable, solvable->dep_requires, true);
            visit_all(solvable, solvable->dep_conflicts, false);
            if (weak_) visit_all(solvable, solvable->dep_recommends, true);
        }
    }

private:
    void reach(Id package) {
        if (seen_.insert(package).second) todo_.push_back(package);
    }

    void visit_all(const ::Solvable* solvable, Offset dependencies, bool follow) {
        if (dependencies == 0) return;
        for (const Id* dep = solvable->repo->idarraydata + dependencies; *dep != 0; ++dep) {
            if (*dep != SOLVABLE_PREREQMARKER) visit(*dep, follow);
        }
    }

    void visit(Id dependency, bool follow) {
        ::Pool* pool = pool_.raw();
        if (const ::Reldep* rel = relation_of(pool, dependency)) {
            const bool is_rich = rel->flags > 7;  // not a comparison of versions: both sides are dependencies
            visit(rel->name, follow);
            if (is_rich && rel->flags != REL_ARCH && rel->flags != REL_NAMESPACE) visit(rel->evr, follow);
            return;
        }
        const std::string_view name = pool_id2str(pool, dependency);
        if (name.starts_with('/') && !is_in_primary(name)) wanted_.paths.emplace(name);
        if (!follow) return;
        Id provider = 0;
        Id at = 0;
        FOR_PROVIDES(provider, at, dependency) { reach(provider); }
    }

    const PackagePool& pool_;
    bool weak_;
    WantedFiles& wanted_;
    std::set<Id> seen_;
    std::vector<Id> todo_;
};

}  // namespace

void add_obsoleters(std::vector<Id>& candidates, const PackagePool& pool) {
    ::Pool* raw = pool.raw();
    const std::unordered_set<Id> wanted(candidates.begin(), candidates.end());
    for (const Id id : pool.packages()) {
        const ::Solvable* solvable = pool_id2solvable(raw, id);
        if (solvable->dep_obsoletes == 0 || wanted.contains(id) || !pool.is_installable(id)) continue;
        for (const Id* dep = solvable->repo->idarraydata + solvable->dep_obsoletes; *dep != 0; ++dep) {
            const bool replaces = std::any_of(wanted.begin(), wanted.end(), [&](Id old) {
                return pool_match_nevr(raw, pool_id2solvable(raw, old), *dep) != 0;
            });
            if (replaces) {
                candidates.push_back(id);
                break;
            }
        }
    }
}

std::string list_choices(const std::vector<std::string>& names) {
    std::string out;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (i > 0) out += i + 1 == names.size() ? " or " : ", ";
        out += quote(names[i]);
    }
    return out;
}

std::string explain_absence(const std::string& request, const PackagePool& pool) {
    if (is_path(request)) return "no package has the file " + quote(request);
    if (is_group(request)) return explain_absent_group(request, pool);
    const std::vector<Id> unusable = match_spec(request, pool, Among::all).packages;
    if (!unusable.empty()) {
        const Id id = unusable.front();
        const std::string who = pool.name_of(id);
        if (pool.is_excluded(id)) return quote(request) + " " + pool.why_excluded(id);
        return "nothing provides " + quote(request) + " for this architecture; there is " + who;
    }
    std::string out = "nothing provides " + quote(request);
    // "app > 3": the name may be right, and only the version be out of reach.
    const std::string name = request.substr(0, request.find(' '));
    std::optional<Nevra> newest;
    if (name != request) {
        for (const Id id : match_spec(name, pool).packages) {
            const Nevra nevra = pool.nevra_of(id);
            if (!newest || compare_evr(nevra, *newest) > 0) newest = nevra;
        }
    }
    if (newest) return out + "; there is " + newest->str();
    const std::vector<std::string> similar = similar_names(name, pool);
    if (!similar.empty()) out += "; did you mean " + list_choices(similar) + "?";
    return out;
}

std::vector<Job> make_jobs(const std::vector<std::string>& packages, const PackagePool& pool, Reporter& reporter) {
    std::vector<Job> jobs;
    std::vector<std::string> absent;
    for (const std::string& request : packages) {
        if (!add_jobs(request, pool, jobs, reporter)) absent.push_back(explain_absence(request, pool));
    }
    if (absent.empty()) return jobs;
    std::string message = absent.front();
    for (std::size_t i = 1; i < absent.size(); ++i) message += "\n  " + absent[i];
    throw Error(ErrorKind::resolve, message);
}

WantedFiles files_to_look_up(const std::vector<std::string>& packages, const PackagePool& pool, bool weak) {
    WantedFiles wanted;
    std::vector<Job> jobs;
    for (const std::string& request : packages) {
        if (is_path(request) && is_glob(request)) wanted.globs.push_back(request);
        if (is_path(request) && !is_glob(request) && !is_in_primary(request)) wanted.paths.insert(request);
        static_cast<void>(add_jobs(request, pool, jobs, silent_reporter()));
    }
    FileDependencies dependencies(pool, weak, wanted);
    dependencies.walk(pool.local_packages());
    for (const Job& job : jobs) dependencies.walk(job.candidates);
    return wanted;
}

}  // namespace smith::resolver
