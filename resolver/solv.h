// SPDX-License-Identifier: Apache-2.0
//
// libsolv's handles as values. Internal to solving: package_pool, jobs, explain and solve include it, nobody else.
#pragma once

#include <solv/evr.h>
#include <solv/pool.h>
#include <solv/queue.h>
#include <solv/repo.h>
#include <solv/selection.h>
#include <solv/solver.h>

#include <memory>
#include <span>
#include <string>
#include <utility>

#include "base/handle.h"

namespace smith::resolver {

using SolvPool = std::unique_ptr<::Pool, FreeWith<pool_free>>;
using SolvSolver = std::unique_ptr<::Solver, FreeWith<solver_free>>;

/// libsolv's growing list of numbers.
class SolvQueue {
public:
    SolvQueue() { queue_init(&queue_); }
    SolvQueue(const SolvQueue& other) { queue_init_clone(&queue_, &other.queue_); }
    SolvQueue(SolvQueue&& other) noexcept : SolvQueue() { std::swap(queue_, other.queue_); }
    SolvQueue& operator=(SolvQueue other) noexcept {
        std::swap(queue_, other.queue_);
        return *this;
    }
    ~SolvQueue() { queue_free(&queue_); }

    void push(Id id) { queue_push(&queue_, id); }
    void push2(Id first, Id second) { queue_push2(&queue_, first, second); }
    [[nodiscard]] bool empty() const { return queue_.count == 0; }
    [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(queue_.count); }
    [[nodiscard]] std::span<const Id> items() const { return {queue_.elements, size()}; }
    [[nodiscard]] ::Queue* raw() { return &queue_; }

private:
    ::Queue queue_{};
};

/// Null for a plain name. (libsolv's own macros mix signed and unsigned.)
[[nodiscard]] inline const ::Reldep* relation_of(const ::Pool* pool, Id dependency) {
    const auto bits = static_cast<unsigned>(dependency);
    return ISRELDEP(bits) ? pool->rels + GETRELID(bits) : nullptr;
}

inline void remove_from_map(::Map& map, Id id) {
    unsigned char& byte = map.map[id >> 3];
    byte = static_cast<unsigned char>(byte & ~(1U << (static_cast<unsigned>(id) & 7U)));
}

[[nodiscard]] inline std::string text_of(::Pool* pool, Id id) { return pool_id2str(pool, id); }
/// "libfoo >= 2", "(a or b)"
[[nodiscard]] inline std::string dependency_of(::Pool* pool, Id dependency) { return pool_dep2str(pool, dependency); }

}  // namespace smith::resolver
