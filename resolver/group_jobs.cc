// SPDX-License-Identifier: Apache-2.0
#include "resolver/group_jobs.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/error.h"

namespace smith::resolver {

namespace {

/// Of the streams that are active and fit `spec`, the newest build; null when there is none.
const ModuleStream* active_stream(const ModuleSpec& spec, const PackagePool& pool) {
    const std::vector<ModuleStream>& streams = pool.modules().streams;
    const ModuleStream* newest = nullptr;
    for (std::size_t i = 0; i < streams.size(); ++i) {
        const bool fits = streams[i].name == spec.name && (spec.stream.empty() || streams[i].stream == spec.stream);
        if (!fits || !pool.is_active(i)) continue;
        if (newest == nullptr || streams[i].version > newest->version) newest = &streams[i];
    }
    return newest;
}

/// The names that the profiles of `spec` have. Throws Error (resolve).
std::set<std::string> profile_packages(const ModuleSpec& spec, const ModuleStream& stream, const PackagePool& pool) {
    std::set<std::string> wanted{spec.profile};
    if (spec.profile.empty()) {
        wanted.clear();
        const auto defaults = pool.modules().defaults.find(stream.name);
        if (defaults != pool.modules().defaults.end()) {
            const auto found = defaults->second.profiles.find(stream.stream);
            if (found != defaults->second.profiles.end()) wanted = found->second;
        }
    }
    std::set<std::string> out;
    std::set<std::string> known;
    for (const ModuleProfile& profile : stream.profiles) {
        known.insert(profile.name);
        if (wanted.erase(profile.name) != 0) out.insert(profile.packages.begin(), profile.packages.end());
    }
    if (wanted.empty() && !(spec.profile.empty() && out.empty())) return out;
    const std::string who = "module stream " + quote(stream.name_stream());
    const std::string what =
        wanted.empty() ? who + " has no default profile" : who + " has no profile " + quote(*wanted.begin());
    if (known.empty()) throw Error(ErrorKind::resolve, what + ", nor any other");
    throw Error(ErrorKind::resolve, what + "; there is " + list_choices({known.begin(), known.end()}));
}

bool add_module_jobs(const std::string& request, const PackagePool& pool, std::vector<Job>& jobs) {
    const ModuleSpec spec = ModuleSpec::parse(request.substr(1));
    if (pool.modules().streams_of(spec.name).empty()) return false;
    const ModuleStream* stream = active_stream(spec, pool);
    if (stream == nullptr) return false;
    std::map<std::string, std::vector<Id>> of_module;
    std::map<std::string, std::vector<Id>> of_all;
    for (const std::string& name : profile_packages(spec, *stream, pool)) of_all[name];
    for (const Id id : pool.packages()) {
        const auto found = of_all.find(pool_id2str(pool.raw(), pool_id2solvable(pool.raw(), id)->name));
        if (found == of_all.end() || !pool.is_installable(id)) continue;
        found->second.push_back(id);
        if (pool.module_of(id) == stream->name_stream() || pool.is_hotfix(id)) of_module[found->first].push_back(id);
    }
    for (auto& [name, candidates] : of_all) {
        if (candidates.empty()) {
            throw Error(ErrorKind::resolve, "no repository has package " + quote(name) + " of module stream " +
                                                quote(stream->name_stream()));
        }
        const auto own = of_module.find(name);
        jobs.push_back({request, own == of_module.end() ? std::move(candidates) : std::move(own->second), 0});
    }
    return true;
}

bool add_plain_group_jobs(const std::string& request, const PackagePool& pool, std::vector<Job>& jobs,
                          Reporter& reporter) {
    const std::vector<const Group*> groups = pool.groups().match(request.substr(1));
    std::map<std::string, const GroupPackage*, std::less<>> wanted;
    for (const Group* group : groups) {
        for (const GroupPackage& package : group->packages) {
            const GroupPackage*& known = wanted[package.name];
            if (known == nullptr || !known->condition.empty()) known = &package;
        }
    }
    std::map<std::string, std::vector<Id>> by_name;
    for (const Id id : pool.packages()) {
        const ::Solvable* solvable = pool_id2solvable(pool.raw(), id);
        const auto found = wanted.find(pool_id2str(pool.raw(), solvable->name));
        if (found == wanted.end() || !pool.is_installable(id)) continue;
        const bool fits = pool.basearch() == pool_id2str(pool.raw(), solvable->arch);
        if (fits || !found->second->basearch_only) by_name[found->first].push_back(id);
    }
    for (const auto& [name, package] : wanted) {
        const auto found = by_name.find(name);
        if (found == by_name.end()) {
            reporter.warn("no repository has package " + quote(name) + " of group " + quote(request) + ", ignoring");
            continue;
        }
        Job job{request, std::move(found->second), 0};
        if (package->condition.empty()) {
            add_obsoleters(job.candidates, pool);
        } else {
            const Id condition = pool_str2id(pool.raw(), package->condition.c_str(), 1);
            job.rich = pool_rel2id(pool.raw(), pool_str2id(pool.raw(), name.c_str(), 1), condition, REL_COND, 1);
        }
        jobs.push_back(std::move(job));
    }
    return !groups.empty();
}

}  // namespace

bool add_group_jobs(const std::string& request, const PackagePool& pool, std::vector<Job>& jobs, Reporter& reporter) {
    return add_module_jobs(request, pool, jobs) || add_plain_group_jobs(request, pool, jobs, reporter);
}

std::string explain_absent_group(const std::string& request, const PackagePool& pool) {
    const ModuleSpec spec = ModuleSpec::parse(request.substr(1));
    if (!pool.modules().streams_of(spec.name).empty()) {
        return "no stream of module " + quote(spec.name) + " is active, which " + quote(request) + " needs";
    }
    if (pool.groups().groups.empty()) return "no repository has groups, such as " + quote(request);
    std::set<std::string> ids;
    for (const Group& group : pool.groups().groups) ids.insert("@" + group.id);
    constexpr std::size_t kShown = 8;
    std::vector<std::string> shown(ids.begin(), ids.end());
    const bool all = shown.size() <= kShown;
    if (!all) shown.resize(kShown);
    return "no repository has the group " + quote(request) + "; there is " + list_choices(shown) +
           (all ? "" : ", and more");
}

}  // namespace smith::resolver
