// SPDX-License-Identifier: Apache-2.0
//
// Ownership of what C libraries hand out.
#pragma once

#include <memory>

namespace smith {

/// Deleter for a C library's handle: `std::unique_ptr<archive, FreeWith<archive_read_free>>`.
template <auto Free>
struct FreeWith {
    template <typename T>
    void operator()(T* handle) const noexcept {
        static_cast<void>(Free(handle));
    }
};

}  // namespace smith
