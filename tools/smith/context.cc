// SPDX-License-Identifier: Apache-2.0
#include "tools/smith/context.h"

#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>

#include "base/cache_directory.h"
#include "base/error.h"
#include "base/json.h"
#include "tools/smith/output.h"

namespace smith::cli {

std::filesystem::path Context::cache_dir() const {
    const std::filesystem::path directory = common.cache_dir.empty() ? default_cache_directory() : common.cache_dir;
    try {
        make_cache_directory(directory);
        // Whoever deletes it right now is no reason to stop: it is made again by whoever writes to it.
        if (::access(directory.c_str(), W_OK | X_OK) != 0 && errno != ENOENT)
            throw system_error(errno, "writing to the cache directory " + quote(directory.string()));
    } catch (const Error& e) {
        throw Error(e.kind(), e.message() + "; --cache-dir DIR names another one");
    }
    return directory;
}

void write_json(const nlohmann::json& document) { write_stdout(dump_json_pretty(document)); }

std::int64_t parse_source_date_epoch(std::string_view text) {
    // 9999-12-31T23:59:59Z
    constexpr std::int64_t kLast = 253'402'300'799;
    std::int64_t seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (error != std::errc() || end != text.data() + text.size() || seconds < 0 || seconds > kLast)
        throw Error(ErrorKind::usage, "SOURCE_DATE_EPOCH is a number of seconds since 1970, up to " +
                                          std::to_string(kLast) + ", not " + quote(text));
    return seconds;
}

std::optional<std::int64_t> source_date_epoch() {
    const char* value = std::getenv("SOURCE_DATE_EPOCH");
    // Empty counts as not set: that is how a script switches it off for one command.
    if (value == nullptr || *value == '\0') return std::nullopt;
    return parse_source_date_epoch(value);
}

}  // namespace smith::cli
