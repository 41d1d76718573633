// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes repomd.xml. Agreement: whatever is read stays below its repository.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "resolver/package_ref.h"
#include "resolver/repomd.h"

using namespace smith;
using namespace smith::resolver;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        const Repomd repomd = parse_repomd({reinterpret_cast<const char*>(data), size});
        for (const RepomdRecord& record : repomd.records) {
            check_location(record.location);
            if (repomd.find(record.type) != &record) std::abort();
        }
    } catch (const Error& e) {
        if (e.kind() != ErrorKind::format) std::abort();
    }
    return 0;
}
