// SPDX-License-Identifier: Apache-2.0
//
// Where and when to try next, for one file that may be had from several places. A place that fails is left for the next
// one at once; only when all have failed is it waited, and then only for those that time may mend (base/retry.h).
#pragma once

#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <optional>
#include <vector>

#include "base/http.h"
#include "base/retry.h"

namespace smith::resolver {

class Attempts {
public:
    using Time = std::chrono::steady_clock::time_point;
    using Usable = std::function<bool(std::size_t place)>;
    using Badness = std::function<unsigned(std::size_t place)>;

    /// Places are numbers from 0, the better ones first. All in all they are tried `places + options.retries` times.
    Attempts(std::size_t places, const RetryOptions& options) : places_(places), options_(options) {}

    /// The place to try at `now`: of those that are `usable` and need no more patience, the one that was tried the
    /// least, then the one that is the least bad, then the first.
    [[nodiscard]] std::optional<std::size_t> next(Time now, const Usable& usable, const Badness& badness) const;
    /// When the first of those that need patience will be ready; nothing when none does.
    [[nodiscard]] std::optional<Time> ready_at(Time now) const;
    /// No place is left.
    [[nodiscard]] bool is_over() const;

    /// `place` failed as `result` says.
    void failed(std::size_t place, const HttpResult& result, Time now);
    /// The last try failed for a reason that lay with what was asked: no place is the worse for it.
    void failed_otherwise();
    /// The reason lay with none of the places.
    void stop();

private:
    struct Place {
        unsigned failures = 0;
        bool is_given_up = false;
        Time not_before{};
    };
    std::vector<Place> places_;
    RetryOptions options_;
    std::size_t tries_ = 0;
};

/// Of the errors of one file's places, the one to tell: bytes that were wrong before bytes that were not there, else
/// the first.
class FirstError {
public:
    void keep(std::exception_ptr error);
    [[nodiscard]] bool is_set() const { return error_ != nullptr; }
    /// Says also how many other places failed. Throws.
    [[noreturn]] void rethrow() const;

private:
    std::exception_ptr error_;
    bool is_integrity_ = false;
    std::size_t count_ = 0;
};

}  // namespace smith::resolver
