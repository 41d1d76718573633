// SPDX-License-Identifier: Apache-2.0
#include "builder/outdated.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <set>
#include <string_view>

#include "base/error.h"
#include "builder/packages.h"
#include "builder/source_image.h"
#include "resolver/metadata_stream.h"
#include "resolver/named_rpms.h"
#include "resolver/repository.h"
#include "resolver/solution_cache.h"
#include "resolver/solve.h"

namespace smith::builder {

namespace {

using resolver::Advisory;
using resolver::Nevra;

/// Advisories of all repositories about packages of these names. The same one may be in several.
std::vector<Advisory> advisories_about(const std::set<std::string, std::less<>>& names,
                                       const std::vector<resolver::Repository>& repositories, HttpClient& http,
                                       Reporter& reporter) {
    std::vector<Advisory> out;
    for (const resolver::Repository& repository : repositories) {
        const auto doing = [&] { return "reading the advisories of repository " + quote(repository.config().id); };
        while_doing(doing, [&] {
            const auto file = repository.file("updateinfo", http, reporter);
            if (!file) return;
            resolver::MetadataStream stream(*file, *repository.repomd().find("updateinfo"));
            std::ranges::move(resolver::find_advisories(stream, names), std::back_inserter(out));
        });
    }
    return out;
}

std::vector<Advisory> advisories_of(const PackageChange& change, const std::vector<Advisory>& all) {
    std::vector<Advisory> out;
    if (change.before.empty() || change.after.empty()) return out;
    const Nevra before = Nevra::parse(change.before);
    const Nevra after = Nevra::parse(change.after);
    std::set<std::string_view> ids;
    for (const Advisory& advisory : all) {
        if (resolver::concerns(advisory, before, after) && ids.insert(advisory.id).second) out.push_back(advisory);
    }
    std::ranges::sort(out, {}, &Advisory::id);
    return out;
}

bool ships(const PackageChange& change, const resolver::Lock& lock) {
    if (change.before.empty()) return false;
    const Nevra before = Nevra::parse(change.before);
    return std::ranges::find(lock.ships, before.name + "." + before.arch) != lock.ships.end();
}

/// Images whose names mean something else by now. All of a source is looked at for the image, so it always matters.
void add_newer_images(Outdated& out, const Project& project, const resolver::Lock& lock,
                      const Environment& environment) {
    const auto add = [&](const Located<std::string>& name, const resolver::LockedSource& locked) {
        const resolver::LockedSource today = look_up_image(project, name, environment);
        if (today.manifest == locked.manifest) return;
        out.packages.push_back({{today.name, locked.manifest.str(), today.manifest.str()}, true, {}});
    };
    if (lock.source && project.spec.type == SourceType::image) add(project.spec.packages.front(), *lock.source);
    if (lock.parent && project.spec.parent) add(*project.spec.parent, *lock.parent);
}

}  // namespace

Outdated find_outdated(const Project& project, const Environment& environment, Reporter& reporter) {
    const std::optional<resolver::Lock> lock = read_lock(project);
    if (!lock) {
        throw Error(ErrorKind::usage,
                    "there is no lock " + quote(project.lock_file.string()) + " to compare with; run 'smith lock'");
    }
    Outdated out;
    out.knows_image = lock->image.has_value();
    add_newer_images(out, project, *lock, environment);
    if (project.spec.type == SourceType::image || project.spec.packages.empty()) return out;

    HttpClient http;
    const auto repositories =
        resolver::load_repositories(project.repos, metadata_options(environment, lock), http, reporter);
    resolver::Request request = make_request(project);
    resolver::fetch_named_rpms(request.local_rpms, {}, fetch_options(project, environment), http, reporter);
    resolver::Lock today;
    today.packages = resolver::solve_or_recall(request, repositories, environment.cache_dir, http, reporter).packages;
    const std::vector<PackageChange> changes = compare_locks(*lock, today);
    if (changes.empty()) return out;

    std::set<std::string, std::less<>> names;
    for (const PackageChange& change : changes) names.insert(change.name);
    const std::vector<Advisory> advisories = advisories_about(names, repositories, http, reporter);
    for (const PackageChange& change : changes) {
        out.packages.push_back({change, ships(change, *lock), advisories_of(change, advisories)});
    }
    std::stable_partition(out.packages.begin(), out.packages.end(), std::mem_fn(&OutdatedPackage::ships));
    return out;
}

}  // namespace smith::builder
