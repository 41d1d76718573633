// SPDX-License-Identifier: Apache-2.0
#include "resolver/host_config.h"

#include <unistd.h>

#include <algorithm>
#include <string>

#include "base/bounds.h"
#include "base/error.h"
#include "base/fd.h"
#include "resolver/ini.h"

namespace smith::resolver {

namespace {

namespace fs = std::filesystem;

fs::path below(const fs::path& root, const std::string& path) { return root / fs::path(path).relative_path(); }

/// A file of repositories, and of [main]: both may stand in dnf.conf.
struct ConfigText {
    fs::path file;
    std::string text;
};

std::vector<ConfigText> read_main_file(const fs::path& root, Reporter& reporter) {
    for (const char* name : {"/etc/dnf/dnf.conf", "/etc/yum.conf"}) {
        const fs::path file = below(root, name);
        std::error_code none;
        if (!fs::exists(file, none)) continue;
        reporter.debug("configuration of this machine: " + quote(file.string()));
        return {{file, read_file(file, limits::kMaxRepoFileBytes)}};
    }
    return {};
}

void add_environment(RepoVars& vars, Reporter& reporter) {
    for (char** one = environ; *one != nullptr; ++one) {
        constexpr std::string_view prefix = "DNF_VAR_";
        const std::string_view entry = *one;
        const std::size_t equals = entry.find('=');
        if (!entry.starts_with(prefix) || equals == std::string_view::npos) continue;
        const std::string name(entry.substr(prefix.size(), equals - prefix.size()));
        vars.others.insert_or_assign(name, std::string(entry.substr(equals + 1)));
        reporter.debug("variable of the environment: $" + name);
    }
}

void add_variables(RepoVars& vars, const MainConfig& main, const fs::path& root, Reporter& reporter) {
    const RepoVars given = vars;
    add_environment(vars, reporter);
    for (const std::string& name : main.varsdir) {
        const fs::path directory = below(root, name);
        for (auto& [variable, value] : read_vars_directory(directory)) {
            reporter.debug("variable of this machine: " + quote((directory / variable).string()));
            vars.others.insert_or_assign(variable, std::move(value));
        }
    }
    if (given.releasever.empty()) {
        const auto of_machine = vars.others.find("releasever");
        if (of_machine == vars.others.end()) return;
        RepoVars known = repo_vars(given.arch, of_machine->second);
        known.others.merge(vars.others);
        vars = std::move(known);
    }
    for (const auto& [name, value] : given.others) vars.others.insert_or_assign(name, value);
}

/// All .repo files, in dnf's order: by the parts of their path, less the ending.
std::vector<fs::path> repo_files(const MainConfig& main, const RepoVars& vars, const fs::path& root) {
    std::vector<std::pair<std::vector<std::string>, fs::path>> found;
    for (const std::string& name : main.reposdir) {
        std::error_code none;
        for (const auto& entry : fs::directory_iterator(below(root, substitute_vars(name, vars)), none)) {
            if (entry.path().extension() != ".repo" || entry.path().filename().string().front() == '.') continue;
            const fs::path bare = fs::path(entry.path()).replace_extension();
            std::vector<std::string> parts;
            for (const fs::path& part : bare) parts.push_back(part.string());
            found.emplace_back(std::move(parts), entry.path());
        }
    }
    std::sort(found.begin(), found.end());
    std::vector<fs::path> out;
    for (auto& [parts, file] : found) out.push_back(std::move(file));
    return out;
}

/// One module's state, as libdnf keeps it.
void read_module_state(const fs::path& file, Reporter& reporter, std::vector<std::string>& out) {
    reporter.debug("module of this machine: " + quote(file.string()));
    for (const IniSection& section : parse_ini(read_file(file, limits::kMaxVariableBytes), file.string())) {
        std::string stream;
        std::string state;
        for (const IniEntry& entry : section.entries) {
            if (entry.key == "stream") stream = entry.value;
            if (entry.key == "state") state = entry.value;
        }
        if (state == "disabled" || state == "0" || state == "false") out.push_back("-" + section.name);
        const bool is_on = state == "enabled" || state == "1" || state == "true";
        if (is_on && !stream.empty()) out.push_back(section.name + ":" + stream);
    }
}

std::vector<std::string> read_modules(const fs::path& root, Reporter& reporter) {
    std::error_code none;
    std::vector<std::string> out;
    for (const auto& entry : fs::directory_iterator(below(root, "/etc/dnf/modules.d"), none)) {
        if (entry.path().extension() == ".module") read_module_state(entry.path(), reporter, out);
    }
    for (const auto& entry : fs::directory_iterator(below(root, "/etc/dnf/modules.defaults.d"), none)) {
        if (entry.path().extension() != ".yaml") continue;
        reporter.warn(quote(entry.path().string()) +
                      ": defaults of modules that a machine has of its own are not read, ignoring");
    }
    std::sort(out.begin(), out.end());
    return out;
}

}  // namespace

HostConfig read_host_config(const fs::path& root, RepoVars vars, Reporter& reporter) {
    HostConfig out;
    std::vector<ConfigText> texts = read_main_file(root, reporter);
    if (!texts.empty()) out.main = parse_main_config(texts[0].text, texts[0].file.string(), reporter);
    out.vars = std::move(vars);
    add_variables(out.vars, out.main, root, reporter);
    for (const fs::path& file : repo_files(out.main, out.vars, root)) {
        reporter.debug("repositories of this machine: " + quote(file.string()));
        texts.push_back({file, read_file(file, limits::kMaxRepoFileBytes)});
    }
    for (const ConfigText& one : texts) {
        for (RepoConfig& repo : parse_repo_file(one.text, one.file.string(), out.vars, reporter, out.main)) {
            const bool is_known =
                std::any_of(out.repos.begin(), out.repos.end(), [&](const auto& other) { return other.id == repo.id; });
            if (is_known) {
                reporter.warn(one.file.string() + ": repository " + quote(repo.id) +
                              " is configured more than once, ignoring");
                continue;
            }
            out.repos.push_back(std::move(repo));
        }
    }
    out.modules = read_modules(root, reporter);
    return out;
}

}  // namespace smith::resolver
