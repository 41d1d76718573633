// SPDX-License-Identifier: Apache-2.0
//
// Whatever the bytes are: they are no spec, told by an Error (spec), or they are one whose canonical JSON is read back
// as the same spec, and whose accounts can be made.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/error.h"
#include "builder/accounts.h"
#include "builder/spec_json.h"
#include "builder/spec_parse.h"

using namespace smith;
using namespace smith::builder;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    Spec spec;
    try {
        spec = parse_spec(text, "f", silent_reporter());
    } catch (const Error& e) {
        require(e.kind() == ErrorKind::spec);
        return 0;
    }
    // From here on an exception is a find.
    const std::string json = canonical_json(spec);
    require(parse_spec(json, "f", silent_reporter()) == without_credentials(spec));
    require(canonical_json(parse_spec(json, "f", silent_reporter())) == json);

    try {
        const Accounts accounts = make_accounts(spec);
        for (const auto& [path, bytes] : account_files(accounts)) require(bytes.ends_with('\n'));
    } catch (const Error& e) {
        // More groups than there are ids above the user's.
        require(e.kind() == ErrorKind::spec);
    }
    return 0;
}
