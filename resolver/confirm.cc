// SPDX-License-Identifier: Apache-2.0
#include "resolver/confirm.h"

#include "base/error.h"
#include "resolver/package_pool.h"
#include "resolver/solve_pool.h"

namespace smith::resolver {

void confirm_packages(const std::vector<std::string>& requests, const std::string& arch,
                      const std::vector<LocalPackage>& packages, HttpClient& http, Reporter& reporter) {
    Request request;
    request.arch = arch;
    for (const std::string& what : requests) {
        // A group is a list of names in metadata. There is nothing that a package could say about it.
        if (!what.starts_with('@')) request.packages.push_back(what);
    }
    for (const LocalPackage& package : packages) {
        request.local_rpms.push_back({package.ref.nevra.str(), package.file, package.sha256, package.ref.size});
    }
    try {
        PackagePool pool(arch);
        static_cast<void>(solve_in_pool(request, pool, http, reporter));
    } catch (const Error& e) {
        if (e.kind() != ErrorKind::resolve) throw;
        throw Error(ErrorKind::integrity,
                    "what the packages' own headers say does not bear out the metadata that they were chosen by: " +
                        e.message());
    }
}

}  // namespace smith::resolver
