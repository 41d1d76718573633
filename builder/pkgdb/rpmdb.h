// SPDX-License-Identifier: Apache-2.0
//
// The three formats that rpm has kept its headers in: a table of SQLite (Fedora 33, RHEL 9), a heap of its own called
// ndb (SUSE), a hash of Berkeley DB (RHEL 8 and before). Readers of our own for the little that is needed of each: the
// libraries open files, not bytes, want locks and journals beside them, and run whatever a schema says.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

namespace smith::pkgdb {

using FoundHeader = std::function<void(std::span<const std::byte>)>;

/// Gives every header of the database to `found`, whichever format it is. Throws Error (format), after those that came
/// before the damage.
void read_rpmdb(std::span<const std::byte> database, const FoundHeader& found);

/// These are for read_rpmdb(), and for tests.
void read_rpmdb_sqlite(std::span<const std::byte> database, const FoundHeader& found);
void read_rpmdb_ndb(std::span<const std::byte> database, const FoundHeader& found);
void read_rpmdb_bdb(std::span<const std::byte> database, const FoundHeader& found);

}  // namespace smith::pkgdb
