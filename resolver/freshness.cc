// SPDX-License-Identifier: Apache-2.0
#include "resolver/freshness.h"

#include <array>
#include <ctime>
#include <string>

#include "base/error.h"

namespace smith::resolver {

namespace {

/// "2023-11-14 22:13:20 UTC"
std::string date(std::uint64_t timestamp) {
    const auto time = static_cast<std::time_t>(timestamp);
    std::tm parts{};
    std::array<char, 64> text{};
    if (gmtime_r(&time, &parts) == nullptr) return std::to_string(timestamp);
    return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts)};
}

Error refusal(std::string what) {
    return {ErrorKind::integrity, std::move(what) + "; --allow-old-metadata takes it all the same"};
}

}  // namespace

void check_freshness(const Repomd& repomd, const Freshness& expected, std::uint64_t now) {
    if (repomd.timestamp && expected.last_seen && *repomd.timestamp < *expected.last_seen) {
        throw refusal("its repomd.xml is of " + date(*repomd.timestamp) +
                      ", older than the one that was seen last, of " + date(*expected.last_seen));
    }
    if (repomd.timestamp && expected.locked && *repomd.timestamp < *expected.locked) {
        throw refusal("its repomd.xml is of " + date(*repomd.timestamp) + ", older than the one in the lock, of " +
                      date(*expected.locked));
    }
    if (!expected.max_age) return;
    if (!repomd.timestamp) throw refusal("its repomd.xml does not say when it was made, and max_age asks for it");
    const auto most = static_cast<std::uint64_t>(expected.max_age->count());
    if (*repomd.timestamp < now && now - *repomd.timestamp > most) {
        throw refusal("its repomd.xml is of " + date(*repomd.timestamp) + ", older than its max_age of " +
                      std::to_string(most) + " seconds allows");
    }
}

}  // namespace smith::resolver
