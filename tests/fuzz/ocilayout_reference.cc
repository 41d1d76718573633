// SPDX-License-Identifier: Apache-2.0
//
// A name of an image that is understood is understood the same way after printing.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "ocilayout/reference.h"

using namespace smith;
using namespace smith::ocilayout;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Reference reference;
    try {
        reference = parse_reference({reinterpret_cast<const char*>(data), size});
    } catch (const Error&) {
        return 0;
    }
    if (parse_reference(to_string(reference)) != reference) std::abort();
    return 0;
}
