// SPDX-License-Identifier: Apache-2.0
#include "builder/elf/search_path.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/bounds.h"
#include "builder/elf/ld_so_conf.h"

namespace smith::elf {

namespace {

// Each directory costs a look-up for every library; the longest RUNPATHs, Nix's, have some dozens.
constexpr std::size_t kMaxListEntries = 1000;
// A library that is loaded by a library that is loaded ...: real chains are below 20.
constexpr std::size_t kMaxLoaderChain = 1000;

bool is_identifier(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/// The length of the token `name` at the start of `text`, which is what follows a '$'; 0 when it is another (is_dst).
std::size_t token_length(std::string_view text, std::string_view name) {
    const bool braced = text.starts_with('{');
    const std::string_view rest = text.substr(braced ? 1 : 0);
    if (!rest.starts_with(name)) return 0;
    if (braced) return rest.substr(name.size()).starts_with('}') ? name.size() + 2 : 0;
    return rest.size() > name.size() && is_identifier(rest[name.size()]) ? 0 : name.size();
}

bool mentions(std::string_view text, std::string_view name) {
    for (std::size_t at = text.find('$'); at != std::string_view::npos; at = text.find('$', at + 1)) {
        if (token_length(text.substr(at + 1), name) != 0) return true;
    }
    return false;
}

struct Token {
    std::string_view name;
    std::string_view value;
};

/// Nothing when a '$' begins none of `tokens` and `lenient` is false.
std::optional<std::string> substitute(std::string_view text, std::span<const Token> tokens, bool lenient) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        if (text[at] != '$') {
            out += text[at++];
            continue;
        }
        std::size_t length = 0;
        for (const Token& token : tokens) {
            length = token_length(text.substr(at + 1), token.name);
            if (length == 0) continue;
            out += token.value;
            break;
        }
        if (length == 0 && !lenient) return std::nullopt;
        if (length == 0) out += '$';
        at += 1 + length;
        // A path of this length can't be opened; the bound keeps a list of tokens from growing without end.
        if (out.size() > limits::kMaxPathBytes) return std::nullopt;
    }
    return out;
}

void strip_slashes(std::string& path) {
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
}

std::vector<SearchDirectory> expand_list(const Loader& loader, std::string_view list, std::string_view separators,
                                         std::string_view origin) {
    std::vector<SearchDirectory> out;
    for (const std::string& text : split_list(list, separators)) {
        if (out.size() >= kMaxListEntries) break;
        for (SearchDirectory& directory : expand_tokens(loader, text, origin)) {
            // Relative to the working directory of a process that does not run yet: nothing that can be shipped.
            if (directory.path.starts_with('/')) out.push_back(std::move(directory));
        }
    }
    return out;
}

std::vector<SearchDirectory> plain(const std::vector<std::string>& directories) {
    std::vector<SearchDirectory> out;
    for (const std::string& directory : directories) out.push_back({directory, {}});
    return out;
}

/// Each directory preceded by its directories for better processors. They are searched by open_path, that is for every
/// kind of list, and the best one wins.
void add_hwcaps(const Loader& loader, std::vector<SearchDirectory>& directories) {
    if (loader.hwcaps.empty()) return;
    std::vector<SearchDirectory> out;
    out.reserve(directories.size() * (loader.hwcaps.size() + 1));
    for (SearchDirectory& directory : directories) {
        for (const std::string& name : loader.hwcaps) {
            std::string variant = "hwcaps " + name;
            if (!directory.variant.empty()) variant = directory.variant + ", " + variant;
            out.push_back({directory.path + "/glibc-hwcaps/" + name, std::move(variant)});
        }
        out.push_back(std::move(directory));
    }
    directories = std::move(out);
}

void add_step(std::vector<SearchStep>& steps, const char* rule, std::vector<SearchDirectory> directories) {
    if (!directories.empty()) steps.push_back({rule, std::move(directories)});
}

/// DT_RPATH, which an object that has DT_RUNPATH too does without (elf_get_dynamic_info).
const std::string* effective_rpath(const ElfFile& elf) { return elf.rpath && !elf.runpath ? &*elf.rpath : nullptr; }

void add_rpath(const Loader& loader, const Requester& object, std::vector<SearchStep>& steps) {
    if (const std::string* rpath = effective_rpath(*object.elf)) {
        add_step(steps, "rpath", expand_list(loader, *rpath, ":", object.origin));
    }
}

/// From the needer up through its loaders; then the program, also when it is not among them (a plug-in's case).
void add_inherited_rpaths(const Loader& loader, const Requester& requester, const Requester& program,
                          std::vector<SearchStep>& steps) {
    bool had_program = false;
    std::size_t length = 0;
    for (const Requester* l = &requester; l != nullptr && length < kMaxLoaderChain; l = l->loader, ++length) {
        add_rpath(loader, *l, steps);
        had_program = had_program || l == &program;
    }
    if (!had_program) add_rpath(loader, program, steps);
}

/// What ldconfig takes into the cache: "lib*.so*" and "ld-*.so*".
bool is_cached_name(std::string_view soname) {
    return (soname.starts_with("lib") || soname.starts_with("ld-")) && soname.find(".so") != std::string_view::npos;
}

bool is_below_default(const Loader& loader, std::string_view path) {
    return std::any_of(loader.default_directories.begin(), loader.default_directories.end(),
                       [&](const std::string& d) { return path == d || path.starts_with(d + "/"); });
}

/// What the cache says, and what it would say had ldconfig been run: packages leave that to a scriptlet.
void add_cached(const Loader& loader, const SystemPath& system, bool no_default, std::string_view soname,
                std::vector<SearchStep>& steps) {
    std::vector<SearchDirectory> cached;
    for (const CacheEntry& entry : system.ld_so_cache) {
        if (entry.soname != soname || !entry.path.ends_with("/" + std::string(soname))) continue;
        if (no_default && is_below_default(loader, entry.path)) continue;
        cached.push_back({entry.path.substr(0, entry.path.size() - soname.size() - 1), {}});
    }
    add_step(steps, "ld.so.cache", std::move(cached));
    if (!is_cached_name(soname)) return;
    std::vector<SearchDirectory> configured = plain(system.ld_so_conf);
    if (no_default) {
        std::erase_if(configured, [&](const SearchDirectory& d) { return is_below_default(loader, d.path); });
    }
    add_step(steps, "ld.so.conf", std::move(configured));
}

std::vector<SearchStep> glibc_steps(const Loader& loader, const SystemPath& system, const Requester& requester,
                                    const Requester& program, std::string_view soname) {
    std::vector<SearchStep> steps;
    const ElfFile& elf = *requester.elf;
    if (!elf.runpath) add_inherited_rpaths(loader, requester, program, steps);
    std::vector<SearchDirectory> from_environment;
    for (const std::string& directory : system.ld_library_path) {
        for (SearchDirectory& d : expand_list(loader, directory, ":;", program.origin)) {
            from_environment.push_back(std::move(d));
        }
    }
    add_step(steps, "LD_LIBRARY_PATH", std::move(from_environment));
    if (elf.runpath) add_step(steps, "runpath", expand_list(loader, *elf.runpath, ":", requester.origin));
    for (SearchStep& step : steps) add_hwcaps(loader, step.directories);

    add_cached(loader, system, elf.no_default_libraries, soname, steps);
    if (!elf.no_default_libraries) {
        std::vector<SearchDirectory> directories = plain(loader.default_directories);
        add_hwcaps(loader, directories);
        add_step(steps, "default directory", std::move(directories));
    }
    return steps;
}

/// Simpler: the environment first, RUNPATH is but another name for RPATH, and both are inherited.
std::vector<SearchStep> musl_steps(const Loader& loader, const SystemPath& system, const Requester& requester) {
    std::vector<SearchStep> steps;
    std::vector<SearchDirectory> from_environment;
    for (const std::string& list : system.ld_library_path) {
        for (const std::string& directory : split_list(list, ":\n")) from_environment.push_back({directory, {}});
    }
    add_step(steps, "LD_LIBRARY_PATH", std::move(from_environment));
    std::size_t length = 0;
    for (const Requester* l = &requester; l != nullptr && length < kMaxLoaderChain; l = l->loader, ++length) {
        const std::optional<std::string>& list = l->elf->runpath ? l->elf->runpath : l->elf->rpath;
        // An unknown token spoils the whole list, not only its entry (fixup_rpath).
        if (!list || expand_tokens(loader, *list, l->origin).empty()) continue;
        add_step(steps, l->elf->runpath ? "runpath" : "rpath", expand_list(loader, *list, ":\n", l->origin));
    }
    add_step(steps, "default directory", plain(loader.default_directories));
    return steps;
}

}  // namespace

std::vector<SearchDirectory> expand_tokens(const Loader& loader, std::string_view text, std::string_view origin) {
    const bool is_musl = loader.kind == LoaderKind::musl;
    std::vector<SearchDirectory> out;
    const auto expand = [&](std::string_view platform, std::string variant) {
        const std::array<Token, 3> tokens = {Token{"ORIGIN", origin}, Token{"LIB", loader.lib},
                                             Token{"PLATFORM", platform}};
        std::optional<std::string> path = substitute(text, std::span(tokens).first(is_musl ? 1 : 3), !is_musl);
        if (!path) return;
        strip_slashes(*path);
        out.push_back({std::move(*path), std::move(variant)});
    };
    if (is_musl || loader.platforms.empty() || !mentions(text, "PLATFORM")) {
        expand({}, {});
        return out;
    }
    // The newest first, the plain one last: as hwcaps, so that whatever the host calls itself finds its own.
    for (std::size_t i = loader.platforms.size(); i-- > 0;) {
        expand(loader.platforms[i], i == 0 ? std::string() : "platform " + loader.platforms[i]);
    }
    return out;
}

std::vector<SearchStep> search_steps(const Loader& loader, const SystemPath& system, const Requester& requester,
                                     const Requester& program, std::string_view soname) {
    if (loader.kind == LoaderKind::musl) return musl_steps(loader, system, requester);
    return glibc_steps(loader, system, requester, program, soname);
}

}  // namespace smith::elf
