// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes .repo files and dnf.conf. Agreement: what check_repo() lets pass has an id that is fit for a file name, and
// baseurls of known schemes that end in '/'.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "resolver/repo_config.h"

using namespace smith;
using namespace smith::resolver;

namespace {

void check(const RepoConfig& repo) {
    try {
        check_repo(repo);
    } catch (const Error& e) {
        if (e.kind() != ErrorKind::spec) std::abort();
        return;
    }
    if (repo.id.empty() || repo.id.find('/') != std::string::npos || repo.id.front() == '.') std::abort();
    for (const std::string& url : repo.baseurls) {
        if (!url.ends_with('/') || url.find("://") == std::string::npos) std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        const std::string_view text(reinterpret_cast<const char*>(data), size);
        const MainConfig main = parse_main_config(text, "x.repo", silent_reporter());
        for (const RepoConfig& repo :
             parse_repo_file(text, "x.repo", repo_vars("x86_64", "9.4"), silent_reporter(), main)) {
            check(repo);
        }
    } catch (const Error& e) {
        if (e.kind() != ErrorKind::spec) std::abort();
    }
    return 0;
}
