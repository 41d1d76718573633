// SPDX-License-Identifier: Apache-2.0
#include "resolver/repo_config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <optional>
#include <utility>

#include "base/bounds.h"
#include "base/error.h"
#include "base/fd.h"

namespace smith::resolver {

namespace {

constexpr std::string_view kWhite = " \t\r";

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(kWhite);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kWhite) - first + 1);
}

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return out;
}

/// dnf takes white space, commas and line breaks between the elements of a list.
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

bool parse_bool(std::string_view text) {
    const std::string word = lower(text);
    for (const std::string_view yes : {"1", "yes", "true", "on", "enabled"}) {
        if (word == yes) return true;
    }
    for (const std::string_view no : {"0", "no", "false", "off", "disabled"}) {
        if (word == no) return false;
    }
    throw Error(ErrorKind::spec, quote(text) + " is neither true nor false");
}

int parse_number(std::string_view text) {
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) {
        throw Error(ErrorKind::spec, quote(text) + " is not a number");
    }
    return number;
}

std::vector<std::string> directories(std::string_view text) {
    std::vector<std::string> urls = split_list(text);
    for (std::string& url : urls) {
        if (!url.ends_with('/')) url += '/';
    }
    return urls;
}

void set_option(RepoConfig& repo, std::string_view key, std::string_view value) {
    if (key == "name") {
        repo.name = value;
    } else if (key == "baseurl") {
        repo.baseurls = directories(value);
    } else if (key == "gpgkey") {
        repo.gpgkeys = split_list(value);
    } else if (key == "gpgcheck" || key == "pkg_gpgcheck") {
        repo.gpgcheck = parse_bool(value);
    } else if (key == "repo_gpgcheck") {
        repo.repo_gpgcheck = parse_bool(value);
    } else if (key == "enabled") {
        repo.enabled = parse_bool(value);
    } else if (key == "skip_if_unavailable") {
        repo.skip_if_unavailable = parse_bool(value);
    } else if (key == "priority") {
        repo.priority = parse_number(value);
    } else if (key == "cost") {
        repo.cost = parse_number(value);
    } else if (key == "excludepkgs" || key == "exclude") {
        repo.excludepkgs = split_list(value);
    } else if (key == "includepkgs") {
        repo.includepkgs = split_list(value);
    } else {
        repo.ignored.emplace_back(key);
    }
}

/// Calls back for each section and for each key with its whole value, continuation lines joined by '\n'.
class IniReader {
public:
    using OnSection = std::function<void(std::string_view name)>;
    using OnKey = std::function<void(std::string_view key, std::string_view value)>;

    IniReader(std::string file, OnSection on_section, OnKey on_key)
        : file_(std::move(file)), on_section_(std::move(on_section)), on_key_(std::move(on_key)) {}

    void read(std::string_view text) {
        int number = 0;
        while (!text.empty()) {
            const std::size_t end = std::min(text.find('\n'), text.size());
            read_line(text.substr(0, end), ++number);
            text.remove_prefix(std::min(end + 1, text.size()));
        }
        flush();
    }

private:
    void read_line(std::string_view line, int number) {
        const std::string_view content = trimmed(line);
        if (content.empty() || content.front() == '#' || content.front() == ';') return;
        const bool continues = line.front() == ' ' || line.front() == '\t';
        if (continues && key_) {
            value_ += "\n" + std::string(content);
            return;
        }
        flush();
        line_ = number;
        if (content.front() == '[') {
            start_section(content);
        } else {
            start_key(content);
        }
    }

    void start_section(std::string_view content) {
        const std::size_t end = content.find(']');
        if (end == std::string_view::npos || end == 1) throw error("a section looks like [id]");
        on_section_(content.substr(1, end - 1));
        in_section_ = true;
    }

    void start_key(std::string_view content) {
        if (!in_section_) throw error("there is a setting before the first [section]");
        const std::size_t equals = content.find('=');
        if (equals == std::string_view::npos || equals == 0) {
            throw error(quote(content) + " is neither a [section] nor a key=value");
        }
        key_ = lower(trimmed(content.substr(0, equals)));
        value_ = trimmed(content.substr(equals + 1));
    }

    void flush() {
        if (!key_) return;
        try {
            on_key_(*key_, value_);
        } catch (Error& e) {
            throw error(*key_ + ": " + e.message());
        }
        key_.reset();
    }

    [[nodiscard]] Error error(const std::string& what) const {
        return {ErrorKind::spec, file_ + ":" + std::to_string(line_) + ": " + what};
    }

    std::string file_;
    OnSection on_section_;
    OnKey on_key_;
    int line_ = 0;
    bool in_section_ = false;
    std::optional<std::string> key_;
    std::string value_;
};

bool is_name_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

std::optional<std::string> value_of(std::string_view name, const RepoVars& vars) {
    if (name == "releasever" && !vars.releasever.empty()) return vars.releasever;
    if (name == "arch" && !vars.arch.empty()) return vars.arch;
    if (name == "basearch" && !vars.basearch.empty()) return vars.basearch;
    const auto it = vars.others.find(std::string(name));
    return it == vars.others.end() ? std::nullopt : std::optional(it->second);
}

bool has_known_scheme(std::string_view url) {
    return url.starts_with("file:///") || url.starts_with("http://") || url.starts_with("https://");
}

}  // namespace

std::string basearch_of(std::string_view arch) {
    // As in the table of rpm's and dnf's own: what is not in it is its own base.
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 24> table{{
        {"amd64", "x86_64"},     {"ia32e", "x86_64"},       {"x86_64_v2", "x86_64"},   {"x86_64_v3", "x86_64"},
        {"x86_64_v4", "x86_64"}, {"i486", "i386"},          {"i586", "i386"},          {"i686", "i386"},
        {"athlon", "i386"},      {"geode", "i386"},         {"armv5tel", "arm"},       {"armv5tejl", "arm"},
        {"armv5tl", "arm"},      {"armv6l", "arm"},         {"armv7l", "arm"},         {"armv8l", "arm"},
        {"armv6hl", "armhfp"},   {"armv7hl", "armhfp"},     {"armv7hnl", "armhfp"},    {"armv8hl", "armhfp"},
        {"ppc64p7", "ppc64"},    {"ppc64pseries", "ppc64"}, {"ppc64iseries", "ppc64"}, {"sh4a", "sh4"},
    }};
    const auto it = std::find_if(table.begin(), table.end(), [&](const auto& row) { return row.first == arch; });
    return std::string(it == table.end() ? arch : it->second);
}

RepoVars repo_vars(std::string_view arch, std::string_view releasever) {
    RepoVars vars;
    vars.arch = arch;
    vars.basearch = basearch_of(arch);
    vars.releasever = releasever;
    if (!releasever.empty()) {
        const std::size_t dot = releasever.find('.');
        vars.others["releasever_major"] = releasever.substr(0, dot);
        vars.others["releasever_minor"] = dot == std::string_view::npos ? "" : releasever.substr(dot + 1);
    }
    return vars;
}

std::string substitute_vars(std::string_view text, const RepoVars& vars) {
    std::string out;
    std::size_t at = 0;
    while (at < text.size()) {
        if (text[at] != '$') {
            out += text[at++];
            continue;
        }
        const bool braced = at + 1 < text.size() && text[at + 1] == '{';
        const std::size_t start = at + (braced ? 2 : 1);
        std::size_t end = start;
        while (end < text.size() && is_name_char(text[end])) ++end;
        const bool closed = !braced || (end < text.size() && text[end] == '}');
        const auto value = closed ? value_of(text.substr(start, end - start), vars) : std::nullopt;
        const std::size_t next = braced && closed ? end + 1 : end;
        out += value ? *value : std::string(text.substr(at, next - at));
        at = next;
    }
    return out;
}

std::vector<RepoConfig> parse_repo_file(std::string_view text, const std::string& file, const RepoVars& vars) {
    std::vector<RepoConfig> repos;
    bool is_main = false;
    IniReader reader(
        file,
        [&](std::string_view section) {
            is_main = section == "main";
            if (is_main) return;
            RepoConfig repo;
            repo.id = substitute_vars(section, vars);
            repos.push_back(std::move(repo));
        },
        [&](std::string_view key, std::string_view value) {
            if (!is_main) set_option(repos.back(), key, substitute_vars(value, vars));
        });
    reader.read(text);
    return repos;
}

std::vector<RepoConfig> read_repo_file(const std::filesystem::path& file, const RepoVars& vars) {
    return parse_repo_file(read_file(file, limits::kMaxSpecBytes), file.string(), vars);
}

RepoConfig repo_from_url(std::string_view id, std::string_view url, const RepoVars& vars) {
    RepoConfig repo;
    repo.id = id;
    repo.name = id;
    std::string base = substitute_vars(url, vars);
    if (base.find("://") == std::string::npos) base = "file://" + std::filesystem::absolute(base).string();
    repo.baseurls = directories(base);
    if (repo.baseurls.size() != 1 || !has_known_scheme(repo.baseurls[0])) {
        throw Error(ErrorKind::usage, "repository " + quote(id) + ": " + quote(url) +
                                          " is neither a file, http or https URL nor a directory");
    }
    return repo;
}

void check_repo(const RepoConfig& config) {
    const std::string who = "repository " + quote(config.id);
    constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:@+";
    if (config.id.empty() || config.id.find_first_not_of(allowed) != std::string::npos || config.id.front() == '.') {
        throw Error(ErrorKind::spec, who + ": an id is made of letters, digits and -_.:@+");
    }
    if (config.baseurls.empty()) {
        const bool has_list = std::any_of(config.ignored.begin(), config.ignored.end(), [](const std::string& key) {
            return key == "metalink" || key == "mirrorlist";
        });
        throw Error(ErrorKind::spec,
                    who + (has_list ? " has a metalink or mirrorlist, which is not supported yet, and no "
                                      "baseurl: give it one"
                                    : " has no baseurl"));
    }
    for (const std::string& url : config.baseurls) {
        if (!has_known_scheme(url)) {
            throw Error(ErrorKind::spec, who + ": baseurl " + quote(url) + " is not a file, http or https URL");
        }
        // An unknown variable stays as it is written: a server would only say "not found".
        if (const std::size_t dollar = url.find('$'); dollar != std::string::npos) {
            throw Error(ErrorKind::spec, who + ": baseurl " + quote(url) + " holds a variable that has no value" +
                                             (url.find("releasever") != std::string::npos ? "; set releasever" : ""));
        }
    }
}

}  // namespace smith::resolver
