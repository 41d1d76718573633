// SPDX-License-Identifier: Apache-2.0
#include "builder/vendor.h"

#include <fcntl.h>

#include "base/atomic_file.h"
#include "base/bounds.h"
#include "base/cache_directory.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/image_path.h"
#include "builder/packages.h"
#include "builder/source_image.h"
#include "resolver/package_cache.h"
#include "resolver/rpm_url.h"

namespace smith::builder {

namespace {

namespace fs = std::filesystem;

void make_directories(const fs::path& directory) {
    std::error_code failed;
    fs::create_directories(directory, failed);
    if (failed) throw system_error(failed.value(), "creating directory " + quote(directory.string()));
}

/// Where the vendored repository `id` has its key of this number, from 1. An id has no '/' and is not "..".
fs::path key_file(const fs::path& folder, const std::string& id, std::size_t number) {
    return folder / id / ("gpgkey-" + std::to_string(number));
}

/// Where packages are that a spec names by URL, each called by its SHA-256. No repository has such an id.
constexpr std::string_view kNamedFolder = "@named";

void copy_package(const resolver::LocalPackage& package, const fs::path& to) {
    const bool is_named = package.ref.repo.empty();
    // A file of this machine is where the spec says.
    if (is_named && !resolver::is_remote_rpm(package.ref.location)) return;
    // Both come from a file that may be anybody's: an ImagePath leads nowhere but down.
    const ImagePath place = is_named ? ImagePath().child(kNamedFolder) / resolver::PackageCache::name_of(package.sha256)
                                     : ImagePath().child(package.ref.repo) / package.ref.location;
    const fs::path target = to / place.relative();
    make_directories(target.parent_path());
    AtomicFile out(target);
    const UniqueFd in = open_file(package.file, O_RDONLY);
    std::vector<std::byte> buffer(limits::kMiB);
    while (const std::size_t got = read_some(in.get(), buffer)) out.write(std::span(buffer).first(got));
    out.commit();
}

void copy_keys(const std::vector<resolver::RepoConfig>& repos, const fs::path& to, const Environment& environment,
               HttpClient& http) {
    for (const resolver::RepoConfig& repo : repos) {
        if (!repo.enabled || !repo.gpgcheck) continue;
        make_directories(to / repo.id);
        std::size_t number = 0;
        for (const std::string& key : resolver::read_keys(repo, environment.cache_dir, environment.offline, http)) {
            write_file_atomically(key_file(to, repo.id, ++number), key);
        }
        // Those of an earlier time, when there were more.
        std::error_code none;
        while (fs::remove(key_file(to, repo.id, ++number), none)) {
        }
    }
}

/// Into the cache, from which a build takes all of them.
void fetch_images(const Project& project, const resolver::Lock& lock, const fs::path& to,
                  const Environment& environment, Reporter& reporter) {
    if (!to.empty() && (lock.source || lock.parent)) {
        throw Error(ErrorKind::usage,
                    "images are not put into a folder of packages; 'smith copy' keeps one, and the "
                    "spec can name it as oci:DIR");
    }
    const ContentStore store(environment.cache_dir);
    const auto fetch = [&](const Located<std::string>& name, const resolver::LockedSource& locked, SourceUse use) {
        return open_source_image(project, name, locked, store, environment, use, reporter);
    };
    if (lock.source) static_cast<void>(fetch(project.spec.packages.front(), *lock.source, {}));
    if (!lock.parent) return;
    const SourceImage parent = fetch(*project.spec.parent, *lock.parent, {false, true});
    static_cast<void>(
        fetch_layer_blobs(project, *project.spec.parent, *lock.parent, parent.head.layers, environment, reporter));
}

}  // namespace

std::size_t fetch_project(const Project& project, const resolver::Lock& lock, const fs::path& to,
                          const Environment& environment, Reporter& reporter) {
    return outliving_deletions([&] {
        Environment all = environment;
        all.whole_packages = true;
        fetch_images(project, lock, to, environment, reporter);
        LocalPackages local(project, lock, all, false, reporter);
        for (const resolver::LocalPackage& package : local.packages()) {
            // A header is read, and its signature checked, while somebody who can do something about it is looking.
            static_cast<void>(resolver::read_package_header(package, local.keyrings()));
            if (!to.empty()) copy_package(package, to);
        }
        if (!to.empty()) copy_keys(project.repos, to, environment, local.http());
        return local.packages().size();
    });
}

void use_vendored(Project& project, const fs::path& folder) {
    std::error_code failed;
    const fs::path place = fs::canonical(folder, failed);
    if (failed) {
        throw Error(ErrorKind::usage, "there is no folder " + quote(folder.string()) +
                                          " to take packages from; 'smith fetch --to' makes one");
    }
    const auto url_of = [](const fs::path& path) {
        std::string out = "file://";
        for (const char c : path.string()) out += c == '%' ? std::string("%25") : std::string(1, c);
        return out;
    };
    project.named.baseurls = {url_of(place / kNamedFolder) + "/"};
    for (resolver::RepoConfig& repo : project.repos) {
        repo.baseurls = {url_of(place / repo.id) + "/"};
        repo.metalink.clear();
        repo.mirrorlist.clear();
        repo.gpgkeys.clear();
        for (std::size_t number = 1; fs::exists(key_file(place, repo.id, number)); ++number) {
            repo.gpgkeys.push_back(url_of(key_file(place, repo.id, number)));
        }
    }
}

}  // namespace smith::builder
