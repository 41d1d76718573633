// SPDX-License-Identifier: Apache-2.0
#include "builder/packages.h"

#include <fnmatch.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/error.h"
#include "base/parallel.h"
#include "builder/unpacked_files.h"
#include "resolver/confirm.h"
#include "resolver/rpm_url.h"
#include "resolver/url.h"

namespace smith::builder {

namespace {

using resolver::LocalPackage;
using resolver::RpmHeader;

/// Takes the files out of `header`. `rehash`: what an earlier build saw in the package does not count.
PackageFiles take_files(const LocalPackage& package, RpmHeader& header, const ContentStore& store, bool rehash) {
    std::optional<FileContents> contents = contents_by_header(header);
    if (!contents && !rehash) contents = find_unpacked_files(package.sha256, header, store);
    if (!contents) contents = unpack_files(package, header, store);
    return {header.nevra.str(), std::exchange(header.files, {}), std::move(*contents)};
}

PackSource source_of(const std::shared_ptr<LocalPackages>& local, std::size_t index, const PackageFiles& files) {
    PackSource out{files.name, local->packages()[index].sha256, {}, {}};
    for (const auto& content : files.contents) {
        if (content) out.contents.push_back(content->digest);
    }
    // The header is read again only when the package is really unpacked: keeping all headers costs more than that.
    // unpack_rpm() holds every file against its digest; and the header must be the one that made the tree.
    out.unpack = [local, index](PackWriter& writer) {
        const LocalPackage& package = local->packages()[index];
        const RpmHeader header = resolver::read_package_header(package, local->keyrings());
        static_cast<void>(resolver::unpack_rpm(package.file, header, writer));
    };
    return out;
}

/// The headers of all packages. Those that name files otherwise than by SHA-256 only say with their payload what they
/// hold, so they are completed.
std::vector<RpmHeader> read_headers(LocalPackages& local, unsigned jobs) {
    std::vector<RpmHeader> out(local.packages().size());
    parallel_for(jobs, out.size(),
                 [&](std::size_t i) { out[i] = resolver::read_package_header(local.packages()[i], local.keyrings()); });
    std::vector<std::size_t> wanting;
    for (std::size_t i = 0; i < out.size(); ++i) {
        if (!contents_by_header(out[i])) wanting.push_back(i);
    }
    local.complete(wanting);
    return out;
}

resolver::LocalRpm named_rpm(const std::string& request, const std::filesystem::path& directory) {
    if (!resolver::is_rpm_url(request)) return resolver::local_rpm(request, directory / request);
    const resolver::RpmUrl url = resolver::parse_rpm_url(request);
    const auto path = resolver::local_path(url.url);
    if (!path) return {.location = request, .is_remote = true};
    resolver::LocalRpm out = resolver::local_rpm(request, *path);
    if (url.sha256 && out.sha256 != *url.sha256) {
        throw Error(ErrorKind::integrity, quote(request) + " has other bytes: sha256=" + out.sha256.hex());
    }
    return out;
}

/// A lock has the headers' digests since a build that found them to be what metadata said.
bool all_confirmed(const resolver::Lock& lock) {
    return std::ranges::all_of(lock.packages, [](const resolver::PackageRef& ref) { return ref.header.has_value(); });
}

/// What the spec asks for by name, as opposed to files.
std::vector<std::string> named_packages(const Project& project) {
    std::vector<std::string> out = requested_packages(project);
    std::erase_if(out, names_rpm);
    return out;
}

bool is_asked_for(const Project& project, const resolver::PackageRef& ref, const RpmHeader& header) {
    return std::ranges::any_of(project.spec.packages, [&](const Located<std::string>& request) {
        if (names_rpm(request.value)) return ref.repo.empty() && ref.location == request.value;
        return answers_request(header, request.value);
    });
}

}  // namespace

std::vector<std::string> requested_packages(const Project& project) {
    std::vector<std::string> out;
    for (const auto& package : project.spec.mock.deps) out.push_back(package.value);
    for (const auto& package : project.spec.packages) out.push_back(package.value);
    return out;
}

bool names_rpm(std::string_view request) {
    return resolver::is_rpm_url(request) ||
           (request.ends_with(".rpm") && request.find("://") == std::string_view::npos);
}

std::vector<resolver::LocalRpm> local_rpms_of(const Project& project) {
    std::vector<resolver::LocalRpm> out;
    for (const std::string& request : requested_packages(project)) {
        if (names_rpm(request)) out.push_back(named_rpm(request, project.directory));
    }
    return out;
}

AvailablePackages open_packages(const Project& project, const resolver::Lock& lock, const ContentStore& store,
                                const Environment& environment, bool rehash, Reporter& reporter) {
    AvailablePackages out;
    out.local = std::make_shared<LocalPackages>(project, lock, environment, rehash, reporter);
    LocalPackages& local = *out.local;
    const std::size_t count = local.packages().size();
    std::vector<RpmHeader> headers = read_headers(local, environment.jobs);
    if (!all_confirmed(lock)) {
        resolver::confirm_packages(named_packages(project), lock.arch, local.packages(), local.http(), reporter);
    }

    out.packages.resize(count);
    std::vector<PackageFiles> files(count);
    parallel_for(environment.jobs, count, [&](std::size_t i) {
        const LocalPackage& package = local.packages()[i];
        const bool asked_for = is_asked_for(project, package.ref, headers[i]);
        files[i] = take_files(package, headers[i], store, rehash);
        out.packages[i] = {package.ref, std::move(headers[i]), asked_for};
    });
    out.contents = std::make_unique<LazyContents>(
        store, environment.jobs, [&local](const std::vector<std::size_t>& sources) { local.complete(sources); });
    for (std::size_t i = 0; i < count; ++i) out.contents->add(source_of(out.local, i, files[i]));
    out.merged = merge_packages(files);
    return out;
}

bool answers_request(const RpmHeader& header, std::string_view request) {
    const resolver::Nevra& n = header.nevra;
    const std::string pattern(request);
    const std::string vr = n.version + "-" + n.release;
    const std::string evr = std::to_string(n.epoch) + ":" + vr;
    for (const std::string& spelling :
         {n.name, n.name + "." + n.arch, n.name + "-" + n.version, n.name + "-" + vr, n.name + "-" + vr + "." + n.arch,
          n.name + "-" + evr, n.name + "-" + evr + "." + n.arch}) {
        if (::fnmatch(pattern.c_str(), spelling.c_str(), 0) == 0) return true;
    }
    if (request.starts_with('/')) {
        return std::ranges::any_of(header.files, [&](const resolver::RpmFile& file) {
            return ::fnmatch(pattern.c_str(), file.path.str().c_str(), FNM_PATHNAME) == 0;
        });
    }
    // "webserver >= 2" is answered by who provides "webserver", in whatever version the solver took.
    const std::string_view name = request.substr(0, request.find(' '));
    return std::ranges::any_of(header.provides, [&](const std::string& provided) {
        return std::string_view(provided).substr(0, provided.find(' ')) == name;
    });
}

}  // namespace smith::builder
