// SPDX-License-Identifier: Apache-2.0
#include "resolver/ini.h"

#include <algorithm>
#include <functional>
#include <map>

#include "base/error.h"

namespace smith::resolver {

namespace {

constexpr std::string_view kWhite = " \t\r";

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(kWhite);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kWhite) - first + 1);
}

class IniReader {
public:
    IniReader(const std::string& file, int first_line) : file_(file), line_(first_line) {}

    std::vector<IniSection> read(std::string_view text) {
        if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);  // Windows editors put a byte order mark there
        while (!text.empty()) {
            const std::size_t end = std::min(text.find('\n'), text.size());
            read_line(text.substr(0, end));
            text.remove_prefix(std::min(end + 1, text.size()));
            ++line_;
        }
        for (IniSection& section : sections_) {
            keep_last_of_each(section.entries);
            for (IniEntry& entry : section.entries) remove_quotes(entry.value);
        }
        return std::move(sections_);
    }

private:
    void read_line(std::string_view line) {
        const std::string_view content = trimmed(line);
        if (content.empty() || content.front() == '#' || content.front() == ';') return;
        const bool continues = line.front() == ' ' || line.front() == '\t';
        if (continues && in_value_) {
            section().entries.back().value += "\n" + std::string(content);
        } else if (content.front() == '[') {
            start_section(content);
        } else {
            start_key(content);
        }
    }

    void start_section(std::string_view content) {
        const std::size_t end = content.find(']');
        if (end == std::string_view::npos || end == 1) throw error("a section looks like [id]");
        const std::string_view name = content.substr(1, end - 1);
        const auto same =
            std::find_if(sections_.begin(), sections_.end(), [&](const auto& s) { return s.name == name; });
        current_ = static_cast<std::size_t>(same - sections_.begin());
        if (same == sections_.end()) sections_.push_back({std::string(name), line_, {}});
        in_value_ = false;
    }

    void start_key(std::string_view content) {
        if (sections_.empty()) throw error("there is a setting before the first [section]");
        const std::size_t equals = content.find('=');
        // What stands there is not repeated: it may be a password whose key was left out.
        if (equals == std::string_view::npos || equals == 0) throw error("this is neither a [section] nor a key=value");
        section().entries.push_back(
            {std::string(trimmed(content.substr(0, equals))), std::string(trimmed(content.substr(equals + 1))), line_});
        in_value_ = true;
    }

    static void keep_last_of_each(std::vector<IniEntry>& entries) {
        std::map<std::string, int, std::less<>> last;
        for (const IniEntry& entry : entries) last[entry.key] = entry.line;
        std::erase_if(entries, [&](const IniEntry& entry) { return last[entry.key] != entry.line; });
    }

    static void remove_quotes(std::string& value) {
        if (value.size() < 2 || value.front() != value.back()) return;
        if (value.front() == '"' || value.front() == '\'') value = value.substr(1, value.size() - 2);
    }

    IniSection& section() { return sections_[current_]; }
    [[nodiscard]] Error error(const std::string& what) const {
        return {ErrorKind::spec, file_ + ":" + std::to_string(line_) + ": " + what};
    }

    const std::string& file_;
    int line_;
    std::vector<IniSection> sections_;
    std::size_t current_ = 0;
    bool in_value_ = false;
};

}  // namespace

std::vector<IniSection> parse_ini(std::string_view text, const std::string& file, int first_line) {
    return IniReader(file, first_line).read(text);
}

std::vector<std::string> split_list(std::string_view text) {
    constexpr std::string_view separators = " \t\r\n,";
    std::vector<std::string> out;
    std::size_t at = text.find_first_not_of(separators);
    while (at != std::string_view::npos) {
        const std::size_t end = std::min(text.find_first_of(separators, at), text.size());
        out.emplace_back(text.substr(at, end - at));
        at = text.find_first_not_of(separators, end);
    }
    return out;
}

}  // namespace smith::resolver
