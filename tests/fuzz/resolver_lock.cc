// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes locks. Agreement: what is read, printed and read again is the same, and prints as the same bytes.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/error.h"
#include "resolver/lock.h"

using namespace smith;
using namespace smith::resolver;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Lock lock;
    try {
        lock = parse_lock({reinterpret_cast<const char*>(data), size});
    } catch (const Error& e) {
        if (e.kind() != ErrorKind::format) std::abort();
        return 0;
    }
    // An Error from here on is a find.
    const std::string printed = print_lock(lock);
    const Lock again = parse_lock(printed);
    if (again != lock || print_lock(again) != printed) std::abort();
    return 0;
}
