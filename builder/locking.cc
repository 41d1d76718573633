// SPDX-License-Identifier: Apache-2.0
//
// Which packages a build is made of: the lock where it answers the request, the solver where it doesn't.
#include <fcntl.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/atomic_file.h"
#include "base/bounds.h"
#include "base/cache_directory.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/image_path.h"
#include "base/output_file.h"
#include "builder/packages.h"
#include "builder/project.h"
#include "builder/source_image.h"
#include "resolver/fetch.h"
#include "resolver/keyring.h"
#include "resolver/named_rpms.h"
#include "resolver/repository.h"
#include "resolver/solution_cache.h"
#include "resolver/solve.h"

namespace smith::builder {

namespace {

namespace fs = std::filesystem;
using resolver::Lock;
using resolver::PackageRef;

/// What an existing lock lets a new solution keep.
std::vector<PackageRef> packages_to_keep(const Lock& lock, LockMode mode, const std::vector<std::string>& update_only) {
    if (mode == LockMode::update && update_only.empty()) return {};
    std::set<std::string> unknown(update_only.begin(), update_only.end());
    for (const PackageRef& package : lock.packages) unknown.erase(package.nevra.name);
    if (!unknown.empty()) {
        throw Error(ErrorKind::usage,
                    "package " + quote(*unknown.begin()) + " is not in the lock: there is nothing to update");
    }
    std::vector<PackageRef> out;
    std::ranges::copy_if(lock.packages, std::back_inserter(out), [&](const PackageRef& package) {
        return std::ranges::find(update_only, package.nevra.name) == update_only.end();
    });
    return out;
}

Lock solve_anew(const Project& project, resolver::Request request, const std::optional<Lock>& held,
                const Environment& environment, Reporter& reporter) {
    if (project.repos.empty() && !request.packages.empty()) {
        throw Error(ErrorKind::usage,
                    "no repository to look for packages in: name one with 'repos' in the spec, --repo or --repo-file");
    }
    HttpClient http;
    if (!environment.offline) resolver::refresh_keys(project.repos, environment.cache_dir, http, reporter);
    const std::vector<resolver::Repository> repositories =
        resolver::load_repositories(project.repos, metadata_options(environment, held), http, reporter);
    const resolver::FetchOptions options = fetch_options(project, environment);
    resolver::fetch_named_rpms(request.local_rpms, request.keep, options, http, reporter);
    resolver::Solution solution =
        resolver::solve_or_recall(request, repositories, environment.cache_dir, http, reporter);
    if (!std::ranges::all_of(solution.packages, [](const auto& p) { return resolver::is_strong(p.checksum); })) {
        // An old repository that knows its packages by SHA-1 only: a lock holds what the bytes really are.
        const auto local =
            resolver::fetch_packages(solution.packages, project.repos, request.local_rpms, options, http, reporter);
        std::ranges::transform(local, solution.packages.begin(), &resolver::LocalPackage::ref);
    }
    return resolver::make_lock(request, repositories, solution);
}

/// The same choice, so far as metadata decides it: all but the headers, which the build adds. Why a package
/// is there changes nothing about it, and an old lock does not say it.
bool is_same_choice(const Lock& a, const Lock& b) {
    const auto without_header = [](PackageRef package) {
        package.header.reset();
        package.header_end = 0;
        return package;
    };
    return a.request == b.request && std::ranges::equal(a.packages, b.packages, {}, without_header, without_header);
}

}  // namespace

resolver::MetadataOptions metadata_options(const Environment& environment, const std::optional<Lock>& held) {
    resolver::MetadataOptions out{environment.cache_dir, environment.offline, environment.refresh};
    out.allow_old = environment.allow_old_metadata;
    if (!held) return out;
    for (const resolver::LockedRepo& repo : held->repos) {
        if (repo.timestamp) out.locked_timestamps.emplace(repo.id, *repo.timestamp);
    }
    return out;
}

resolver::FetchOptions fetch_options(const Project& project, const Environment& environment) {
    resolver::FetchOptions out{environment.cache_dir, environment.offline, false, environment.jobs};
    out.named = project.named;
    return out;
}

resolver::Request package_choice(const Project& project) {
    resolver::Request out;
    out.arch = project.arch;
    out.releasever = project.spec.releasever;
    for (const auto& module : project.spec.modules) out.modules.push_back(module.value);
    out.preset_modules = project.preset_modules;
    out.platform = project.module_platform_id;
    return out;
}

resolver::Request make_request(const Project& project) {
    resolver::Request out = package_choice(project);
    out.weak = project.weak_dependencies;
    out.best = project.best;
    out.packages = requested_packages(project);
    std::erase_if(out.packages, names_rpm);
    out.local_rpms = local_rpms_of(project);
    return out;
}

std::optional<Lock> read_lock(const fs::path& lock_file) {
    std::error_code none;
    if (!fs::exists(lock_file, none)) return std::nullopt;
    return while_doing([&] { return "reading lock " + quote(lock_file.string()); },
                       [&] { return resolver::parse_lock(read_file(lock_file, limits::kMaxLockBytes)); });
}

std::optional<Lock> read_lock(const Project& project) { return read_lock(project.lock_file); }

void write_lock(const Project& project, const Lock& lock) {
    while_doing([&] { return "writing lock " + quote(project.lock_file.string()); },
                [&] { write_file_atomically(output_file(project.lock_file), resolver::print_lock(lock)); });
}

namespace {

/// What a lock without packages answers: an image of nothing but an overlay, or one that is taken from another image.
Lock decide_nothing(const Project& project, const std::optional<Lock>& held, LockMode mode,
                    const std::vector<std::string>& update_only) {
    if (!update_only.empty()) static_cast<void>(packages_to_keep(held.value_or(Lock{}), mode, update_only));
    Lock empty;
    empty.arch = project.arch;
    empty.request = resolver::request_digest({.arch = project.arch}, {});
    if (held && held->request == empty.request) return *held;
    if (mode == LockMode::strict) {
        throw Error(ErrorKind::resolve,
                    quote(project.lock_file.string()) + " is missing or stale, and --locked forbids to change it");
    }
    return empty;
}

Lock decide_rpms(const Project& project, const std::optional<Lock>& held, LockMode mode,
                 const std::vector<std::string>& update_only, const Environment& environment, Reporter& reporter,
                 const std::vector<resolver::Pin>& only) {
    const std::string lock_name = quote(project.lock_file.string());
    resolver::Request request = make_request(project);
    request.only = only;
    const bool answers = held && held->request == resolver::request_digest(request, project.repos);
    if (mode != LockMode::update && answers) {
        reporter.debug("packages as in " + lock_name);
        return *held;
    }
    if (mode == LockMode::strict) {
        throw Error(
            ErrorKind::resolve,
            held ? lock_name + " is stale: the spec asks for something else than what was locked; run 'smith lock'"
                 : lock_name + " is missing, and --locked asks for one; run 'smith lock'");
    }
    if (held)
        request.keep = packages_to_keep(*held, mode, update_only);
    else if (!update_only.empty())
        throw Error(ErrorKind::usage, "there is no lock " + lock_name + " to update a package of");

    Lock decided = while_doing(
        [&] { return "resolving the packages of " + quote(project.name); },
        [&] { return outliving_deletions([&] { return solve_anew(project, request, held, environment, reporter); }); });
    if (held && is_same_choice(*held, decided)) {
        // What a build found out still holds. Any other choice is to be confirmed as a whole: see confirm_packages().
        decided.packages = held->packages;
        decided.compressor = held->compressor;
        decided.image = held->image;
        decided.ships = held->ships;
    }
    return decided;
}

using HeldSource = std::optional<resolver::LockedSource>;

/// The image that `name` means: as locked, or as it is today.
HeldSource decide_image(const Project& project, const Located<std::string>& name, const HeldSource& held, LockMode mode,
                        const Environment& environment) {
    // Another spelling may be another image.
    const bool answers = held && held->name == locked_name(name);
    if (answers && mode != LockMode::update) return held;
    if (mode == LockMode::strict) {
        throw Error(ErrorKind::resolve, quote(project.lock_file.string()) +
                                            (held ? " is stale: it is of another image than "
                                                  : " is missing, or does not say which image is ") +
                                            quote(locked_name(name)) + "; run 'smith lock'");
    }
    return look_up_image(project, name, environment);
}

}  // namespace

Lock decide_packages(const Project& project, LockMode mode, const std::vector<std::string>& update_only,
                     const Environment& environment, Reporter& reporter, const std::vector<resolver::Pin>& only) {
    const std::optional<Lock> held = read_lock(project);
    const Spec& spec = project.spec;
    const bool installs = spec.type == SourceType::packages && !spec.packages.empty();
    Lock decided = installs ? decide_rpms(project, held, mode, update_only, environment, reporter, only)
                            : decide_nothing(project, held, mode, update_only);
    // For another architecture, an index has another image.
    const bool same_arch = held && held->arch == project.arch;
    const HeldSource held_source = same_arch ? held->source : std::nullopt;
    const HeldSource held_parent = same_arch ? held->parent : std::nullopt;
    // With names, everything that is not named stays.
    const LockMode image_mode = update_only.empty() ? mode : LockMode::obey;
    decided.source.reset();
    decided.parent.reset();
    if (spec.type == SourceType::image) {
        decided.source = decide_image(project, spec.packages.front(), held_source, image_mode, environment);
    }
    if (spec.parent) {
        decided.parent = decide_image(project, *spec.parent, held_parent, image_mode, environment);
    }
    if (held && (held->source != decided.source || held->parent != decided.parent)) {
        decided.compressor.clear();
        decided.image.reset();
        decided.ships.clear();
    }
    if (!held || *held != decided) write_lock(project, decided);
    return decided;
}

Lock choose_packages(const Project& project, const Environment& environment, Reporter& reporter) {
    return outliving_deletions(
        [&] { return solve_anew(project, make_request(project), std::nullopt, environment, reporter); });
}

namespace {

/// NEVRA, and which bytes it is, of a package that is named by its file or URL: there the same version may be anything.
/// A repository that has others under the same name has but signed it anew.
using Variant = std::pair<std::string, std::string>;

Variant variant_of(const PackageRef& package) {
    return {package.nevra.str(), package.repo.empty() ? package.checksum.str() : std::string()};
}

}  // namespace

std::vector<PackageChange> compare_locks(const Lock& before, const Lock& after) {
    // Several packages of one name are possible (kernels, two word sizes): what is the same on both sides cancels out.
    std::map<std::string, std::pair<std::set<Variant>, std::set<Variant>>> by_name;
    for (const PackageRef& package : before.packages) by_name[package.nevra.name].first.insert(variant_of(package));
    for (const PackageRef& package : after.packages) {
        auto& [old_ones, new_ones] = by_name[package.nevra.name];
        if (old_ones.erase(variant_of(package)) == 0) new_ones.insert(variant_of(package));
    }
    std::vector<PackageChange> out;
    for (const auto& [old_one, new_one] :
         {std::pair(before.source, after.source), std::pair(before.parent, after.parent)}) {
        if (old_one == new_one) continue;
        PackageChange change{(new_one ? new_one : old_one)->name, {}, {}};
        if (old_one) change.before = old_one->name + " " + old_one->manifest.str();
        if (new_one) change.after = new_one->name + " " + new_one->manifest.str();
        out.push_back(std::move(change));
    }
    for (const auto& [name, sides] : by_name) {
        auto old_one = sides.first.begin();
        auto new_one = sides.second.begin();
        while (old_one != sides.first.end() || new_one != sides.second.end()) {
            PackageChange change{name, {}, {}};
            if (old_one != sides.first.end()) change.before = (old_one++)->first;
            if (new_one != sides.second.end()) change.after = (new_one++)->first;
            out.push_back(std::move(change));
        }
    }
    return out;
}

}  // namespace smith::builder
