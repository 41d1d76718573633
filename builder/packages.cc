// SPDX-License-Identifier: Apache-2.0
#include "builder/packages.h"

#include <fnmatch.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/error.h"
#include "base/parallel.h"

namespace smith::builder {

namespace {

using resolver::LocalPackage;
using resolver::RpmHeader;

/// `read`, for a package that lies in the cache. A cache may be deleted at any time: a package that is gone is one to
/// be fetched again, as is a damaged one (make_image_twice).
template <typename Read>
auto read_cached(const LocalPackage& package, Read&& read) -> decltype(read()) {
    try {
        return read();
    } catch (const Error& e) {
        std::error_code none;
        const bool is_gone = !package.ref.repo.empty() && !std::filesystem::exists(package.file, none);
        if (e.kind() != ErrorKind::system || !is_gone) throw;
        throw Error(ErrorKind::integrity, quote(package.ref.nevra.str()) + " is gone from the cache");
    }
}

/// A package whose header names files by MD5 or the like: only its bytes say what they are.
std::vector<std::optional<Content>> contents_by_unpacking(const LocalPackage& package, const RpmHeader& header,
                                                          const ContentStore& store) {
    PackWriter writer = store.write_pack(package.sha256);
    std::vector<std::optional<Content>> out = resolver::unpack_rpm(package.file, header, writer);
    static_cast<void>(writer.commit());
    return out;
}

/// Takes the files out of `header`.
PackageFiles take_files(const LocalPackage& package, RpmHeader& header, const ContentStore& store) {
    std::optional<std::vector<std::optional<Content>>> contents = contents_by_header(header);
    if (!contents) contents = contents_by_unpacking(package, header, store);
    return {header.nevra.str(), std::exchange(header.files, {}), std::move(*contents)};
}

PackSource source_of(const LocalPackage& package, const PackageFiles& files) {
    PackSource out{files.name, package.sha256, {}, {}};
    for (const auto& content : files.contents) {
        if (content) out.contents.push_back(content->digest);
    }
    // The header is read again only when the package is really unpacked: keeping all headers costs more than that.
    // Its signature was checked when the tree was made, and unpack_rpm() holds every file against its digest.
    out.unpack = [package](PackWriter& writer) {
        read_cached(package, [&] {
            const RpmHeader header = resolver::read_rpm_header(package.file, nullptr);
            static_cast<void>(resolver::unpack_rpm(package.file, header, writer));
        });
    };
    return out;
}

bool is_asked_for(const Project& project, const resolver::PackageRef& ref, const RpmHeader& header) {
    return std::ranges::any_of(project.spec.packages, [&](const Located<std::string>& request) {
        if (is_local_rpm(request.value)) return ref.repo.empty() && ref.location == request.value;
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

bool is_local_rpm(std::string_view request) {
    return request.ends_with(".rpm") && request.find("://") == std::string_view::npos;
}

FetchedPackages fetch_locked(const Project& project, const resolver::Lock& lock, const Environment& environment,
                             bool rehash, HttpClient& http, Reporter& reporter) {
    std::vector<resolver::LocalRpm> local;
    for (const std::string& request : requested_packages(project)) {
        if (is_local_rpm(request)) local.push_back(resolver::local_rpm(request, project.directory / request));
    }
    FetchedPackages out;
    out.packages = resolver::fetch_packages(lock.packages, project.repos, local,
                                            {environment.cache_dir, environment.offline, rehash, environment.jobs},
                                            http, reporter);
    out.keyrings = resolver::load_keyrings(project.repos, environment.cache_dir, environment.offline, http);
    return out;
}

AvailablePackages open_packages(const Project& project, const resolver::Lock& lock, const ContentStore& store,
                                const Environment& environment, bool rehash, Reporter& reporter) {
    HttpClient http;
    const FetchedPackages fetched = fetch_locked(project, lock, environment, rehash, http, reporter);
    const std::size_t count = fetched.packages.size();

    AvailablePackages out;
    out.packages.resize(count);
    out.contents = std::make_unique<LazyContents>(store);
    std::vector<PackageFiles> files(count);
    parallel_for(environment.jobs, count, [&](std::size_t i) {
        const LocalPackage& package = fetched.packages[i];
        read_cached(package, [&] {
            RpmHeader header = resolver::read_package_header(package, fetched.keyrings);
            const bool asked_for = is_asked_for(project, package.ref, header);
            files[i] = take_files(package, header, store);
            out.packages[i] = {package.ref, std::move(header), asked_for};
        });
    });
    for (std::size_t i = 0; i < count; ++i) out.contents->add(source_of(fetched.packages[i], files[i]));
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
