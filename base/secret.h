// SPDX-License-Identifier: Apache-2.0
//
// A password, or what is like one. It can be compared and handed on, and cannot be printed: whoever needs the text says
// reveal(), which is easy to search for. Never in a lock, a log, a command line or an image.
#pragma once

#include <iosfwd>
#include <string>
#include <utility>

namespace smith {

class Secret {
public:
    Secret() = default;
    explicit Secret(std::string text) : text_(std::move(text)) {}

    [[nodiscard]] bool empty() const noexcept { return text_.empty(); }
    [[nodiscard]] const std::string& reveal() const noexcept { return text_; }

    bool operator==(const Secret&) const = default;
    friend std::ostream& operator<<(std::ostream&, const Secret&) = delete;

private:
    std::string text_;
};

}  // namespace smith
