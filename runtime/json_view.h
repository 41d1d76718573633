// SPDX-License-Identifier: Apache-2.0
//
// Reads a JSON document with its place in mind: a wrong value is reported as 'linux.devices[2].major', not as a type
// error of a library. Only the parser's .cc files include this.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace smith::runtime {

/// A value, or the absence of one, and where it stands. `null` counts as absent: encoders of other languages write it
/// for what was left out. All members throw Error (spec) on a value of another type.
class JsonView {
public:
    explicit JsonView(const nlohmann::json* value, std::string place = "");

    [[nodiscard]] bool present() const noexcept { return value_ != nullptr; }
    [[nodiscard]] const std::string& place() const noexcept { return place_; }
    /// The value of `key`; absent when this object, or the key in it, is.
    [[nodiscard]] JsonView operator[](std::string_view key) const;
    /// The elements of an array; none when it is absent.
    [[nodiscard]] std::vector<JsonView> elements() const;
    /// The keys of an object, in byte order; none when it is absent.
    [[nodiscard]] std::vector<std::string> keys() const;
    /// True for an absent value, and for an empty array, object or string.
    [[nodiscard]] bool empty() const noexcept;

    /// No string may hold a NUL: the kernel would read only what is before it.
    [[nodiscard]] std::string string() const;
    [[nodiscard]] std::string string_or(std::string_view otherwise) const;
    [[nodiscard]] std::vector<std::string> strings() const;
    [[nodiscard]] bool boolean_or(bool otherwise) const;
    [[nodiscard]] std::int64_t integer(std::int64_t least, std::int64_t most) const;
    [[nodiscard]] std::uint64_t unsigned_integer(std::uint64_t most) const;

    /// Throws "'<place>' <problem>".
    [[noreturn]] void fail(std::string_view problem) const;
    /// Throws when there is a value: this runtime would have to ignore it.
    void refuse_if_present() const;

private:
    const nlohmann::json& need() const;

    const nlohmann::json* value_;
    std::string place_;
};

}  // namespace smith::runtime
