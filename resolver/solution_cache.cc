// SPDX-License-Identifier: Apache-2.0
#include "resolver/solution_cache.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "base/atomic_file.h"
#include "base/build_id.h"
#include "base/cache_directory.h"
#include "base/error.h"
#include "base/key_hasher.h"
#include "resolver/sealed_file.h"

// libsolv's headers leave this to C++.
extern "C" {
#include <solv/solvversion.h>
}

namespace smith::resolver {

namespace {

using nlohmann::json;

/// Raised with every change of what a record says.
constexpr std::string_view kFormat = "smith solution 1";

// All fields have a name in these bindings, so that whoever adds one is asked here whether it decides a solution.

void add_to(KeyHasher& key, const Nevra& nevra) {
    const auto& [name, epoch, version, release, arch] = nevra;
    key.add_list({name, std::to_string(epoch), version, release, arch});
}

/// What is at `file` is in its digest.
void add_to(KeyHasher& key, const LocalRpm& rpm) {
    const auto& [location, file, digest, size, is_remote] = rpm;
    key.add_list({location, digest.hex(), std::to_string(size), is_remote ? "remote" : "local"});
}

/// To be kept is whatever has this name in this repository.
void add_to(KeyHasher& key, const PackageRef& kept) {
    const auto& [nevra, repo, location, checksum, size, header_end, header] = kept;
    add_to(key, nevra);
    key.add(repo);
}

void add_to(KeyHasher& key, const Pin& pin) {
    const auto& [nevra, checksum] = pin;
    add_to(key, nevra);
    key.add(checksum ? checksum->str() : "");
}

/// How a repository is reached, whose signature counts and how old it may be decides whether there is a repomd.xml;
/// which packages it leads to is in its digest.
void add_to(KeyHasher& key, const Repository& repository) {
    const auto& [id, name, baseurls, metalink, mirrorlist, gpgkeys, gpgcheck, repo_gpgcheck, enabled,
                 skip_if_unavailable, priority, cost, excludepkgs, includepkgs, module_hotfixes, metadata_expire,
                 max_age, retries, username, password, vars, http] = repository.config();
    key.add(repository.repomd_digest().hex());
    key.add_list({id, std::to_string(priority), std::to_string(cost), module_hotfixes ? "hotfixes" : ""});
    key.add_list(excludepkgs);
    key.add_list(includepkgs);
}

template <typename T>
void add_all(KeyHasher& key, const std::vector<T>& values) {
    key.add(std::to_string(values.size()));
    for (const T& value : values) add_to(key, value);
}

/// In the order that it has: the solver's choice may depend on that.
void add_to(KeyHasher& key, const Request& request) {
    const auto& [packages, local_rpms, arch, releasever, weak, best, modules, preset_modules, platform, keep, only] =
        request;
    key.add_list(packages);
    add_all(key, local_rpms);
    key.add_list({arch, releasever, platform, weak ? "weak" : "", best ? "best" : ""});
    key.add_list(modules);
    key.add_list(preset_modules);
    add_all(key, keep);
    add_all(key, only);
}

json to_json(const PackageRef& package) {
    const Nevra& nevra = package.nevra;
    return {nevra.name,           nevra.epoch,  nevra.version,     nevra.release,
            nevra.arch,           package.repo, package.location,  package.checksum.algorithm,
            package.checksum.hex, package.size, package.header_end};
}

PackageRef package_from(const json& record) {
    PackageRef out;
    out.nevra = {record.at(0), record.at(1), record.at(2), record.at(3), record.at(4)};
    record.at(5).get_to(out.repo);
    record.at(6).get_to(out.location);
    if (!out.repo.empty()) check_location(out.location);
    out.checksum =
        make_checksum(record.at(7).get_ref<const std::string&>(), record.at(8).get_ref<const std::string&>());
    record.at(9).get_to(out.size);
    record.at(10).get_to(out.header_end);
    return out;
}

/// CBOR (RFC 8949): unlike JSON's, its texts can be what a local .rpm has in its header, which is any bytes.
std::vector<std::uint8_t> print(const Solution& solution) {
    json packages = json::array();
    for (const PackageRef& package : solution.packages) packages.push_back(to_json(package));
    json requirements = json::array();
    for (const Requirement& one : solution.requirements) {
        requirements.push_back({one.needer, one.dependency, one.provider});
    }
    json asked = json::array();
    for (const Asked& one : solution.asked) asked.push_back({one.request, one.package});
    return json::to_cbor(
        json::array({std::move(packages), std::move(requirements), std::move(asked), solution.modules}));
}

Solution parse(std::string_view bytes) {
    const json record = json::from_cbor(bytes);
    Solution out;
    for (const json& one : record.at(0)) out.packages.push_back(package_from(one));
    const auto index = [&](const json& value) {
        const std::size_t i = value.get<std::size_t>();
        if (i >= out.packages.size()) throw Error(ErrorKind::format, "there is no package " + std::to_string(i));
        return i;
    };
    for (const json& one : record.at(1)) out.requirements.push_back({index(one.at(0)), one.at(1), index(one.at(2))});
    for (const json& one : record.at(2)) out.asked.push_back({one.at(0), index(one.at(1))});
    record.at(3).get_to(out.modules);
    return out;
}

/// Whether the packages that were solved are those of the key: a file may have been written to meanwhile.
bool are_as_they_were(const std::vector<LocalRpm>& rpms) {
    try {
        return std::ranges::all_of(
            rpms, [](const LocalRpm& rpm) { return local_rpm(rpm.location, rpm.file).sha256 == rpm.sha256; });
    } catch (const Error&) {
        return false;
    }
}

}  // namespace

std::optional<Digest> solution_key(const Request& request, const std::vector<Repository>& repositories) {
    const std::string program = build_id();
    if (program.empty()) return std::nullopt;
    KeyHasher key;
    key.add(kFormat);
    key.add(program);
    key.add(solv_version);
    key.add(build_id_of_library("libsolv.so."));
    add_to(key, request);
    add_all(key, repositories);
    return key.finish();
}

std::filesystem::path SolutionCache::path_of(const Digest& key) const { return folder_ / (key.hex() + ".cbor"); }

std::optional<Solution> SolutionCache::find(const Digest& key) const {
    const std::optional<std::string> bytes = read_sealed(path_of(key));
    if (!bytes) return std::nullopt;
    try {
        return parse(*bytes);
    } catch (const std::exception&) {
        return std::nullopt;  // Sealed, but not by this version of smith.
    }
}

void SolutionCache::store(const Digest& key, const Solution& solution, Reporter& reporter) const {
    const std::filesystem::path path = path_of(key);
    try {
        make_cache_directory(folder_);
        AtomicFile file(path);
        const std::vector<std::uint8_t> bytes = print(solution);
        file.write(std::as_bytes(std::span(bytes)));
        commit_sealed(file);
    } catch (const Error& e) {
        reporter.debug("cannot keep " + quote(path.string()) + ": " + e.message() + ", ignoring");
    }
}

Solution solve_or_recall(const Request& request, const std::vector<Repository>& repositories,
                         const std::filesystem::path& cache_dir, HttpClient& http, Reporter& reporter) {
    const SolutionCache cache(cache_dir);
    const std::optional<Digest> key = solution_key(request, repositories);
    if (key) {
        if (std::optional<Solution> known = cache.find(*key)) {
            reporter.debug("packages as they were chosen before: neither the request nor a repository has changed");
            return std::move(*known);
        }
    }
    WatchingReporter watching(reporter);
    Solution solution = solve(request, repositories, http, watching);
    // What was said is to be said again.
    if (key && !watching.warned() && are_as_they_were(request.local_rpms)) cache.store(*key, solution, reporter);
    return solution;
}

}  // namespace smith::resolver
