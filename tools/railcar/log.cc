// SPDX-License-Identifier: Apache-2.0
#include "tools/railcar/log.h"

#include <fcntl.h>

#include <cstdio>
#include <exception>

#include "base/error.h"
#include "base/fd.h"
#include "runtime/state.h"

namespace smith::railcar {

namespace {

/// A JSON string (and one of Go's %q, as far as text/logfmt readers care).
std::string in_quotes(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (c == '\n') {
            out += "\\n";
        } else if (byte < 0x20) {
            char escape[8];
            std::snprintf(escape, sizeof escape, "\\u%04x", byte);
            out += escape;
        } else {
            out += c;
        }
    }
    return out + "\"";
}

void append(const std::filesystem::path& file, const std::string& line) noexcept {
    try {
        const UniqueFd fd = open_file(file, O_WRONLY | O_APPEND | O_CREAT, 0644);
        write_all(fd.get(), as_bytes(line));
    } catch (const std::exception&) {
        // The message is on standard error as well.
    }
}

}  // namespace

std::string log_line(bool json, std::string_view level, std::string_view message, std::string_view time) {
    if (json) {
        return "{\"level\":" + in_quotes(level) + ",\"msg\":" + in_quotes(message) + ",\"time\":" + in_quotes(time) +
               "}\n";
    }
    return "time=" + in_quotes(time) + " level=" + std::string(level) + " msg=" + in_quotes(message) + "\n";
}

void Log::error(std::string_view message) const noexcept {
    if (!file.empty()) append(file, log_line(json, "error", message, runtime::current_time()));
    if (json && file.empty()) {
        std::fputs(log_line(true, "error", message, runtime::current_time()).c_str(), stderr);
    } else {
        std::fprintf(stderr, "railcar: %.*s\n", static_cast<int>(message.size()), message.data());
    }
}

void Log::warning(std::string_view message) const noexcept {
    if (!file.empty()) return append(file, log_line(json, "warning", message, runtime::current_time()));
    std::fprintf(stderr, "railcar: warning: %.*s\n", static_cast<int>(message.size()), message.data());
}

Log& program_log() noexcept {
    static Log log;
    return log;
}

}  // namespace smith::railcar
