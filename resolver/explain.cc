// SPDX-License-Identifier: Apache-2.0
#include "resolver/explain.h"

#include <solv/problems.h>

#include <algorithm>
#include <set>

#include "base/error.h"

namespace smith::resolver {

namespace {

// A problem among many versions of one package repeats itself; nobody reads more than this.
constexpr std::size_t kMaxReasons = 12;
constexpr std::size_t kMaxNamed = 3;

/// One reason out of libsolv's rules: `source` and `target` are packages, or 0.
struct Reason {
    SolverRuleinfo type = SOLVER_RULE_UNKNOWN;
    Id source = 0;
    Id target = 0;
    Id dependency = 0;
    bool operator==(const Reason&) const = default;
};

class Explainer {
public:
    Explainer(::Solver* solver, const PackagePool& pool, const std::vector<Job>& jobs)
        : solver_(solver), pool_(pool), jobs_(jobs) {}

    std::string explain(Id problem) {
        read_rules(problem);
        std::vector<std::string> sentences;
        if (const std::string best = best_sentence(); !best.empty()) sentences.push_back(best);
        for (const Reason& reason : in_order()) {
            std::string text = sentence(reason);
            const bool is_new = std::find(sentences.begin(), sentences.end(), text) == sentences.end();
            if (!text.empty() && is_new) sentences.push_back(std::move(text));
        }
        return join(sentences);
    }

private:
    [[nodiscard]] ::Pool* raw() const { return pool_.raw(); }
    [[nodiscard]] std::string package(Id id) const { return pool_.name_of(id); }
    [[nodiscard]] std::string dep(Id id) const { return quote(dependency_of(raw(), id)); }

    void read_rules(Id problem) {
        SolvQueue rules;
        solver_findallproblemrules(solver_, problem, rules.raw());
        for (const Id rule : rules.items()) {
            SolvQueue infos;
            solver_allruleinfos(solver_, rule, infos.raw());
            const auto items = infos.items();
            for (std::size_t i = 0; i + 3 < items.size(); i += 4) {
                add({static_cast<SolverRuleinfo>(items[i]), items[i + 1], items[i + 2], items[i + 3]}, rule);
            }
        }
    }

    void add(const Reason& reason, Id rule) {
        const auto group = static_cast<SolverRuleinfo>(reason.type & ~0xff);
        if (group == SOLVER_RULE_JOB) {
            const int index = solver_rule2jobidx(solver_, rule);
            if (index > 0) add_job(static_cast<std::size_t>(index - 1) / 2);
        } else if (reason.type == SOLVER_RULE_BEST) {
            SolvQueue literals;
            solver_ruleliterals(solver_, rule, literals.raw());
            for (const Id id : literals.items()) {
                if (id > 0) add_best(id);
            }
        } else if (group == SOLVER_RULE_PKG && std::find(reasons_.begin(), reasons_.end(), reason) == reasons_.end()) {
            reasons_.push_back(reason);
        }
    }

    void add_job(std::size_t index) {
        if (index >= jobs_.size()) return;
        asked_.insert(index);
        reached_.insert(jobs_[index].candidates.begin(), jobs_[index].candidates.end());
    }

    void add_best(Id id) {
        best_.insert(id);
        for (std::size_t i = 0; i < jobs_.size(); ++i) {
            const std::vector<Id>& candidates = jobs_[i].candidates;
            if (std::find(candidates.begin(), candidates.end(), id) != candidates.end()) asked_.insert(i);
        }
    }

    /// From what was asked for towards the cause: a requirement comes after what brought its package in.
    std::vector<Reason> in_order() {
        reached_.insert(best_.begin(), best_.end());
        std::vector<Reason> left = reasons_;
        std::vector<Reason> out;
        std::vector<Reason> causes;
        for (;;) {
            const auto next = std::find_if(left.begin(), left.end(), [&](const Reason& reason) {
                return reason.type == SOLVER_RULE_PKG_REQUIRES && reached_.contains(reason.source);
            });
            if (next == left.end()) break;
            out.push_back(*next);
            reach_providers(next->dependency);
            left.erase(next);
        }
        for (const Reason& reason : left) {
            (reason.type == SOLVER_RULE_PKG_REQUIRES ? out : causes).push_back(reason);
        }
        out.insert(out.end(), causes.begin(), causes.end());
        return out;
    }

    void reach_providers(Id dependency) {
        ::Pool* pool = raw();
        Id provider = 0;
        Id at = 0;
        FOR_PROVIDES(provider, at, dependency) { reached_.insert(provider); }
    }

    [[nodiscard]] std::string best_sentence() const {
        if (best_.empty()) return {};
        return "the best version of it is " + names({best_.begin(), best_.end()}) +
               ", and an older one will not do (best: false would allow it)";
    }

    [[nodiscard]] std::string names(const std::vector<Id>& ids) const {
        std::set<std::string> sorted;
        for (const Id id : ids) sorted.insert(package(id));
        std::string out;
        std::size_t shown = 0;
        for (const std::string& name : sorted) {
            if (shown == kMaxNamed) return out + " and " + std::to_string(sorted.size() - shown) + " more";
            if (shown > 0) out += shown + 1 == sorted.size() ? " and " : ", ";
            out += name;
            ++shown;
        }
        return out;
    }

    [[nodiscard]] std::string providers_clause(Id dependency) const {
        ::Pool* pool = raw();
        std::vector<Id> providers;
        Id provider = 0;
        Id at = 0;
        FOR_PROVIDES(provider, at, dependency) { providers.push_back(provider); }
        if (providers.empty()) return {};
        return std::string(", which ") + names(providers) + (providers.size() == 1 ? " provides" : " provide");
    }

    [[nodiscard]] std::string sentence(const Reason& reason) const {
        const Id dependency = reason.dependency;
        switch (reason.type) {
            case SOLVER_RULE_PKG_NOT_INSTALLABLE: return not_installable(reason.source);
            case SOLVER_RULE_PKG_NOTHING_PROVIDES_DEP:
                return "nothing provides " + dep(dependency) + ", which " + package(reason.source) + " requires" +
                       unusable_provider(dependency);
            case SOLVER_RULE_PKG_REQUIRES:
                return package(reason.source) + " requires " + dep(dependency) + providers_clause(dependency);
            case SOLVER_RULE_PKG_SELF_CONFLICT:
                return package(reason.source) + " conflicts with " + dep(dependency) + ", which it provides itself";
            case SOLVER_RULE_PKG_CONFLICTS:
                return package(reason.source) + " conflicts with " + dep(dependency) + ", which " +
                       package(reason.target) + " provides";
            case SOLVER_RULE_PKG_SAME_NAME:
                return "only one of " + names({reason.source, reason.target}) + " can be installed";
            case SOLVER_RULE_PKG_OBSOLETES:
            case SOLVER_RULE_PKG_INSTALLED_OBSOLETES:
                return package(reason.source) + " obsoletes " + dep(dependency) + ", which " + package(reason.target) +
                       " provides";
            case SOLVER_RULE_PKG_IMPLICIT_OBSOLETES:
                return package(reason.source) + " takes the place of " + package(reason.target);
            default: return {};
        }
    }

    [[nodiscard]] std::string not_installable(Id id) const {
        if (pool_.is_excluded(id)) return package(id) + " " + pool_.why_excluded(id);
        return package(id) + " is not for this architecture";
    }

    /// Somebody would provide it, if they were not excluded or of another architecture.
    [[nodiscard]] std::string unusable_provider(Id dependency) const {
        SolvQueue selection;
        selection_make_matchdepid(raw(), selection.raw(), dependency, SELECTION_WITH_DISABLED | SELECTION_WITH_BADARCH,
                                  SOLVABLE_PROVIDES, 0);
        SolvQueue packages;
        selection_solvables(raw(), selection.raw(), packages.raw());
        if (packages.empty()) return {};
        return " (" + not_installable(packages.items().front()) + ")";
    }

    [[nodiscard]] std::string join(const std::vector<std::string>& sentences) const {
        std::vector<std::string> requests;
        for (const std::size_t index : asked_) {
            const std::string request = quote(jobs_[index].request);
            if (std::find(requests.begin(), requests.end(), request) == requests.end()) requests.push_back(request);
        }
        std::string out = requests.empty() ? "resolving the request" : "resolving ";
        for (std::size_t i = 0; i < requests.size(); ++i) {
            out += (i == 0 ? "" : i + 1 == requests.size() ? " and " : ", ") + requests[i];
        }
        out += ": ";
        for (std::size_t i = 0; i < sentences.size() && i < kMaxReasons; ++i) out += (i > 0 ? "; " : "") + sentences[i];
        if (sentences.size() > kMaxReasons) {
            out += "; and " + std::to_string(sentences.size() - kMaxReasons) + " reasons more";
        }
        if (sentences.empty()) out += "these cannot be installed together";
        return out;
    }

    ::Solver* solver_;
    const PackagePool& pool_;
    const std::vector<Job>& jobs_;
    std::vector<Reason> reasons_;
    std::set<std::size_t> asked_;  // jobs that take part
    std::set<Id> best_;
    std::set<Id> reached_;
};

}  // namespace

std::string explain_problems(::Solver* solver, const PackagePool& pool, const std::vector<Job>& jobs) {
    std::vector<std::string> lines;
    for (Id problem = solver_next_problem(solver, 0); problem != 0; problem = solver_next_problem(solver, problem)) {
        lines.push_back(Explainer(solver, pool, jobs).explain(problem));
    }
    std::string out;
    for (const std::string& line : lines) out += (out.empty() ? "" : "\n  ") + line;
    return out;
}

}  // namespace smith::resolver
