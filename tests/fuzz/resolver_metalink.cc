// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes metalinks and mirrorlists. Agreement: whatever a server's list says, what comes of it are URLs of servers
// without a user, each ending in '/', and a metalink vouches for something by a checksum that holds.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "base/http.h"
#include "resolver/metalink.h"
#include "resolver/package_ref.h"

using namespace smith;
using namespace smith::resolver;

namespace {

void check(const std::vector<std::string>& baseurls) {
    if (baseurls.empty()) std::abort();
    for (const std::string& url : baseurls) {
        if (!url.starts_with("http://") && !url.starts_with("https://")) std::abort();
        // Nothing to take away: neither user nor query.
        if (!url.ends_with('/') || redact_url(url) != url) std::abort();
    }
}

template <typename Body>
void allow_format_errors(Body&& body) {
    try {
        body();
    } catch (const Error& e) {
        if (e.kind() != ErrorKind::format) std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    allow_format_errors([&] {
        const Metalink metalink = parse_metalink(text, ListOrigin::remote);
        check(metalink.baseurls);
        for (const KnownRepomd& known : metalink.repomds) {
            if (known.checksums.empty()) std::abort();
            for (const Checksum& checksum : known.checksums) {
                if (!is_strong(checksum)) std::abort();
            }
        }
    });
    allow_format_errors([&] { check(parse_mirrorlist(text, repo_vars("x86_64", "9"), ListOrigin::remote)); });
    return 0;
}
