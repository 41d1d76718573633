// SPDX-License-Identifier: Apache-2.0
#include "resolver/attempts.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>

#include "base/error.h"

namespace smith::resolver {

std::optional<std::size_t> Attempts::next(Time now, const Usable& usable, const Badness& badness) const {
    std::optional<std::size_t> best;
    std::pair<unsigned, unsigned> best_rank;
    for (std::size_t i = 0; i < places_.size() && !is_over(); ++i) {
        if (places_[i].is_given_up || places_[i].not_before > now || !usable(i)) continue;
        const std::pair<unsigned, unsigned> rank{places_[i].failures, badness(i)};
        if (best && rank >= best_rank) continue;
        best = i;
        best_rank = rank;
    }
    return best;
}

std::optional<Attempts::Time> Attempts::ready_at(Time now) const {
    std::optional<Time> out;
    if (is_over()) return out;
    for (const Place& place : places_) {
        if (place.is_given_up || place.not_before <= now) continue;
        if (!out || place.not_before < *out) out = place.not_before;
    }
    return out;
}

bool Attempts::is_over() const {
    return tries_ >= places_.size() + options_.retries ||
           std::all_of(places_.begin(), places_.end(), [](const Place& place) { return place.is_given_up; });
}

void Attempts::failed(std::size_t place, const HttpResult& result, Time now) {
    Place& one = places_[place];
    ++tries_;
    ++one.failures;
    const auto delay = retry_delay(options_, one.failures, result);
    one.is_given_up = !delay;
    if (delay) one.not_before = now + *delay;
}

void Attempts::failed_otherwise() { ++tries_; }

void Attempts::stop() {
    for (Place& place : places_) place.is_given_up = true;
}

void FirstError::keep(std::exception_ptr error) {
    ++count_;
    bool is_integrity = false;
    try {
        std::rethrow_exception(error);
    } catch (const Error& e) {
        is_integrity = e.kind() == ErrorKind::integrity;
    } catch (...) {  // not ours: as good as any
    }
    if (error_ != nullptr && (is_integrity_ || !is_integrity)) return;
    error_ = std::move(error);
    is_integrity_ = is_integrity;
}

void FirstError::rethrow() const {
    try {
        std::rethrow_exception(error_);
    } catch (const Error& e) {
        if (count_ < 2) throw;
        const std::size_t others = count_ - 1;
        throw Error(e.kind(), e.message() + " (and " + std::to_string(others) +
                                  (others == 1 ? " other try" : " other tries") + " failed; -v lists them)");
    }
}

}  // namespace smith::resolver
