// SPDX-License-Identifier: Apache-2.0
#include "resolver/mock_config.h"

#include <algorithm>
#include <map>

#include "base/bounds.h"
#include "base/error.h"
#include "base/fd.h"
#include "resolver/python_literal.h"

namespace smith::resolver {

namespace {

namespace fs = std::filesystem;
using Kind = PythonToken::Kind;

// mock's own files include one template each.
constexpr int kMaxIncludeDepth = 8;
// In all: files that include each other twice would otherwise never end.
constexpr int kMaxIncludes = 64;

struct Setting {
    std::string value;
    std::string file;
    int line = 1;
};

bool is_symbol(const PythonToken& token, std::string_view text) {
    return token.kind == Kind::symbol && token.text == text;
}

/// Settings that decide which packages there are; of all others nothing is asked.
bool is_wanted(std::string_view name) {
    return name == "dnf.conf" || name == "yum.conf" || name == "releasever" || name == "target_arch";
}

class MockReader {
public:
    explicit MockReader(const ReadIncluded& included) : included_(included) {}

    void read(std::string_view text, const std::string& file, int depth) {
        for (const PythonStatement& statement : parse_python(text, file)) {
            if (is_include(statement)) {
                include(statement, file, depth);
            } else if (const std::string* name = assigned(statement)) {
                assign(*name, statement, file);
            }
        }
    }

    [[nodiscard]] const Setting* find(const std::string& name) const {
        const auto it = settings_.find(name);
        return it == settings_.end() ? nullptr : &it->second;
    }

    /// `setting` with its templates replaced.
    [[nodiscard]] std::string expanded(const Setting& setting) const {
        std::string out;
        int line = setting.line;
        const std::string_view text = setting.value;
        for (std::size_t at = 0; at < text.size();) {
            if (text[at] == '\n') ++line;
            if (text[at] != '{' || at + 1 == text.size() ||
                std::string_view("{%#").find(text[at + 1]) == std::string::npos) {
                out += text[at++];
                continue;
            }
            const std::size_t end = text.find("}}", at);
            const Setting* value = nullptr;
            if (text[at + 1] == '{' && end != std::string_view::npos) {
                std::string_view name = text.substr(at + 2, end - at - 2);
                while (name.starts_with(' ')) name.remove_prefix(1);
                while (name.ends_with(' ')) name.remove_suffix(1);
                value = find(std::string(name));
            }
            if (value == nullptr) {
                throw error(setting.file, line,
                            "a template that would have to be evaluated; only {{ name }} of a string setting is read: "
                            "name the repositories in the spec");
            }
            out += value->value;
            at = end + 2;
        }
        return out;
    }

private:
    static Error error(const std::string& file, int line, const std::string& what) {
        return {ErrorKind::spec, file + ":" + std::to_string(line) + ": " + what};
    }

    static bool is_include(const PythonStatement& statement) {
        const auto& tokens = statement.tokens;
        return tokens.size() > 1 && tokens[0].kind == Kind::word && tokens[0].text == "include" &&
               is_symbol(tokens[1], "(");
    }

    void include(const PythonStatement& statement, const std::string& file, int depth) {
        const auto& tokens = statement.tokens;
        const int line = tokens[0].line;
        const bool is_plain = !statement.indented && tokens.size() == 4 && tokens[2].kind == Kind::string &&
                              !tokens[2].is_other && is_symbol(tokens[3], ")") &&
                              tokens[2].text.find("{") == std::string::npos;
        if (!is_plain) {
            throw error(file, line, "an include() that would have to be evaluated: name the repositories in the spec");
        }
        if (depth == kMaxIncludeDepth || ++includes_ > kMaxIncludes) throw error(file, line, "too many includes");
        const std::string& name = tokens[2].text;
        const std::string text =
            while_doing([&] { return file + ":" + std::to_string(line) + ": including " + quote(name); },
                        [&] { return included_(name); });
        read(text, name, depth + 1);
    }

    /// The NAME of config_opts['NAME'] at the start of `statement`; null for any other statement. Of an `if` on one
    /// line too: its assignment stands behind a ':'.
    static const std::string* assigned(const PythonStatement& statement) {
        const auto& tokens = statement.tokens;
        for (std::size_t i = 0; i + 4 < tokens.size(); ++i) {
            const bool is_target = tokens[i].kind == Kind::word && tokens[i].text == "config_opts" &&
                                   is_symbol(tokens[i + 1], "[") && tokens[i + 2].kind == Kind::string &&
                                   is_symbol(tokens[i + 3], "]");
            if (!is_target) continue;
            const bool equals_next = i + 5 < tokens.size() && is_symbol(tokens[i + 5], "=");
            const bool is_set = is_symbol(tokens[i + 4], "=") && !equals_next;
            const bool is_added = is_symbol(tokens[i + 4], "+") && equals_next;
            if (is_set || is_added) return &tokens[i + 2].text;
        }
        return nullptr;
    }

    void assign(const std::string& name, const PythonStatement& statement, const std::string& file) {
        const auto& tokens = statement.tokens;
        const int line = tokens[0].line;
        // config_opts [ 'name' ] = "literal" "literal", or +=
        std::size_t at = 4;
        const bool adds = tokens.size() > 6 && is_symbol(tokens[4], "+") && is_symbol(tokens[5], "=");
        at += adds ? 2 : 1;
        const bool is_plain =
            !statement.indented && tokens[0].text == "config_opts" && at < tokens.size() &&
            std::all_of(tokens.begin() + static_cast<std::ptrdiff_t>(at), tokens.end(),
                        [](const PythonToken& token) { return token.kind == Kind::string && !token.is_other; });
        if (!is_plain) {
            if (!is_wanted(name)) {
                settings_.erase(name);  // whatever it was, it is not known any more
                return;
            }
            throw error(file, line,
                        "config_opts[" + quote(name) +
                            "] is computed or set on a condition, and only a "
                            "plain string is read: name the repositories in the "
                            "spec");
        }
        Setting& setting = settings_[name];
        if (!adds) setting = {{}, file, tokens[at].line};
        for (; at < tokens.size(); ++at) setting.value += tokens[at].text;
    }

    const ReadIncluded& included_;
    int includes_ = 0;
    std::map<std::string, Setting> settings_;
};

}  // namespace

MainConfig MockConfig::main(Reporter& reporter) const {
    return parse_main_config(conf, conf_file, reporter, conf_line);
}

std::vector<RepoConfig> MockConfig::repos(const RepoVars& vars, const MainConfig& main, Reporter& reporter) const {
    return parse_repo_file(conf, conf_file, vars, reporter, main, conf_line);
}

MockConfig parse_mock_config(std::string_view text, const std::string& file, const ReadIncluded& included) {
    MockReader reader(included);
    reader.read(text, file, 0);
    const Setting* conf = reader.find("dnf.conf");
    if (conf == nullptr) conf = reader.find("yum.conf");
    if (conf == nullptr) {
        throw Error(ErrorKind::spec,
                    file + ": there is no config_opts['yum.conf'] and no config_opts['dnf.conf'] in it");
    }
    MockConfig out;
    out.conf = reader.expanded(*conf);
    out.conf_file = conf->file;
    out.conf_line = conf->line;
    if (const Setting* releasever = reader.find("releasever")) out.releasever = releasever->value;
    if (const Setting* arch = reader.find("target_arch")) out.target_arch = arch->value;
    return out;
}

MockConfig read_mock_config(const fs::path& file) {
    const fs::path directory = file.parent_path();
    return parse_mock_config(read_file(file, limits::kMaxMockConfigBytes), file.string(), [&](const std::string& name) {
        return read_file(directory / name, limits::kMaxMockConfigBytes);
    });
}

}  // namespace smith::resolver
