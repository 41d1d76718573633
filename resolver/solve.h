// SPDX-License-Identifier: Apache-2.0
//
// From what somebody wants to the packages that give it, as dnf would choose them.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/http.h"
#include "base/reporter.h"
#include "resolver/lock.h"
#include "resolver/package_ref.h"
#include "resolver/pin.h"
#include "resolver/repository.h"

namespace smith::resolver {

/// A .rpm that is named by its file, or by its URL (rpm_url.h). As with dnf (localpkg_gpgcheck=0) its signature is not
/// asked for: whoever names a file vouches for it. In a lock it has no repository, which records just that.
struct LocalRpm {
    std::string location;        ///< as the spec spells it: what a lock may say
    std::filesystem::path file;  ///< where that is on this machine; "": it is to be fetched (fetch_named_rpms())
    Digest sha256;
    std::uint64_t size = 0;
    bool is_remote = false;  ///< `location` is of http or https: what it names is only known by asking there
};

/// Hashes `file`. Throws Error (system).
[[nodiscard]] LocalRpm local_rpm(std::string location, const std::filesystem::path& file);

struct Request {
    /// What to install: NAME, NAME.ARCH, NAME-VERSION[-RELEASE[.ARCH]] (also with an epoch), globs of these,
    /// something provided ("libz.so.1()(64bit)", "webserver >= 2"), a file's absolute path, globs too,
    /// "@GROUP", or "@MODULE[:STREAM][/PROFILE]".
    std::vector<std::string> packages;
    std::vector<LocalRpm> local_rpms;  ///< to install as well
    std::string arch;                  ///< rpm's name, such as "x86_64"
    std::string releasever;
    bool weak = false;  ///< also what is recommended
    bool best = true;   ///< fail rather than take an older version of what was asked for (dnf.conf(5), "best")
    std::vector<std::string> modules;         ///< as ModuleRequest::specs has them
    std::vector<std::string> preset_modules;  ///< as ModuleRequest::preset
    std::string platform;                     ///< as ModuleRequest::platform; "": what the packages say
    /// Chosen before, and to be chosen again where it is possible. Not part of request_digest().
    std::vector<PackageRef> keep;
    /// If there are any: no other packages are there. Not part of request_digest() either: they say what was chosen,
    /// not what was asked for.
    std::vector<Pin> only;
};

/// `needer` requires `dependency`, and `provider` has it. Indexes into Solution::packages.
struct Requirement {
    std::size_t needer;
    std::string dependency;
    std::size_t provider;
    auto operator<=>(const Requirement&) const = default;
};

/// Package `package` is there because `request` asked for it.
struct Asked {
    std::string request;
    std::size_t package;
    auto operator<=>(const Asked&) const = default;
};

struct Solution {
    std::vector<PackageRef> packages;       ///< sorted
    std::vector<Requirement> requirements;  ///< sorted; what a package has itself is left out
    std::vector<Asked> asked;               ///< sorted
    std::vector<std::string> modules;       ///< the streams that packages are of, such as "nodejs:18"; sorted
};

/// Throws Error: resolve, when the request cannot be had, with a message that explains every reason; and whatever
/// loading file lists can throw: they are read when a file is asked for, or required, that primary.xml cannot answer.
[[nodiscard]] Solution solve(const Request& request, const std::vector<Repository>& repositories, HttpClient& http,
                             Reporter& reporter);

/// What a lock remembers of a request: packages, arch, releasever, options, contents of local .rpm files, URLs of
/// others, and the settings of repositories that decide which package is chosen. The same on every machine: neither a
/// URL nor a path is part of it.
[[nodiscard]] Digest request_digest(const Request& request, const std::vector<RepoConfig>& repos);

/// A lock without an image. The solution's packages may be what fetch_packages() pinned.
[[nodiscard]] Lock make_lock(const Request& request, const std::vector<Repository>& repositories,
                             const Solution& solution);

}  // namespace smith::resolver
