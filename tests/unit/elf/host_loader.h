// SPDX-License-Identifier: Apache-2.0
//
// Asks the host's ld.so what it would load, over a tree of a test, and compares that with a closure.
#pragma once

#include <catch2/catch.hpp>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "builder/elf/loader.h"
#include "builder/elf/tree_view.h"
#include "tests/unit/elf/run.h"
#include "tests/unit/elf/test_tree.h"
#include "tests/unit/temp_dir.h"

namespace smith::elf {

namespace fs = std::filesystem;

constexpr const char* kLoader = "/lib64/ld-linux-x86-64.so.2";

/// Names that were asked for, each with the file that it is; "" when it was not found. A name can be both: ld.so goes
/// on after a failure when it only lists, and another object may have a better search path.
using Loads = std::set<std::pair<std::string, std::string>>;

// As ET_EXEC, because without PT_PHDR ld.so would not know where a position-independent one was put.
inline ElfBuilder host_program() { return elf().interpreter(kLoader).type(ET_EXEC); }

inline bool has_host_loader() {
    if (fs::exists(kLoader)) return true;
    WARN("skipped: this host has no " << kLoader);
    return false;
}

/// A tree with the host's loader in it, and the place for /proc.
inline TestTree with_host_loader() {
    TestTree t;
    t.add(kLoader, script(read_file(kLoader, 1U << 26U)));
    t.add("/proc", Dir{});
    return t;
}

inline void write_tree(const TestTree& t, const FileTree& tree, const fs::path& root) {
    for (const auto& [path, entry] : tree.entries()) {
        const fs::path file = root / path.relative();
        if (is_directory(&entry)) {
            fs::create_directories(file);
        } else if (const Symlink* link = as_symlink(&entry)) {
            fs::create_symlink(link->target, file);
        } else {
            write_all(open_file(file, O_WRONLY | O_CREAT | O_TRUNC, 0755).get(),
                      t.contents.open(as_regular(&entry)->content).view());
        }
    }
}

/// The lines "\tNAME => PATH (0x...)", "\tNAME => not found" and "\tPATH (0x...)".
inline Loads parse_trace(const std::string& text) {
    Loads out;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with('\t') || line == "\tstatically linked") continue;
        line = line.substr(1, line.rfind(" (0x") - 1);
        const std::size_t arrow = line.find(" => ");
        const std::string name = line.substr(0, arrow);
        const std::string path = arrow == std::string::npos ? name : line.substr(arrow + 4);
        if (!is_vdso(name)) out.emplace(name, path == "not found" ? "" : path);
    }
    return out;
}

/// Loads with paths as they really are in `tree`.
inline Loads resolved(const Loads& loads, const FileTree& tree) {
    TreeView view(tree, tree, {});
    Loads out;
    for (const auto& [name, path] : loads) {
        const std::optional<FoundFile> file = view.find_file(path);
        out.emplace(name, file ? file->real.str() : path);
    }
    return out;
}

/// What ld.so says, in a directory that holds `t`; nothing where that can't be done here.
inline std::optional<Loads> ask_ld_so(const TestTree& t, const FileTree& tree, const std::string& program,
                                      const std::vector<std::string>& environment) {
    const TempDir directory;
    write_tree(t, tree, directory.path());
    std::vector<std::string> variables = environment;
    variables.emplace_back("LD_TRACE_LOADED_OBJECTS=1");
    const Ran ran = run({program}, variables, directory.path().string());
    if (ran.status == kNoRoot) return std::nullopt;
    INFO(ran.output);
    REQUIRE(ran.status == 0);
    return resolved(parse_trace(ran.output), tree);
}

/// The same from a closure. The names that ld.so prints are those under which something was first asked for.
struct OurLoads {
    std::map<std::string, std::set<std::string>> found;  ///< with the variants for better processors
    std::set<std::string> missing;
    std::set<std::string> files;  ///< without the variants
};

inline OurLoads loads_of(const Closure& closure, const FileTree& tree) {
    OurLoads out;
    for (const Edge& edge : closure.edges) {
        const std::string real = tree.resolve(edge.found).path.str();
        out.found[edge.soname].insert(real);
        // ld.so lists itself only when somebody asks for it by its soname.
        if (edge.rule.find(", ") == std::string::npos && edge.rule != "interpreter") out.files.insert(real);
    }
    for (const Missing& missing : closure.missing) out.missing.insert(missing.soname);
    return out;
}

inline std::string print(const Loads& loads) {
    std::string out;
    for (const auto& [name, path] : loads) out += name + " => " + (path.empty() ? "not found" : path) + "\n";
    return out;
}

/// Everything that ld.so loads is in the closure, by the same name, and nothing else is.
inline void check_agreement(const Loads& theirs, const OurLoads& ours) {
    std::set<std::string> their_files;
    std::set<std::string> their_missing;
    for (const auto& [name, path] : theirs) {
        CAPTURE(name, path);
        if (path.empty()) {
            their_missing.insert(name);
            continue;
        }
        if (!path.ends_with("/ld-linux-x86-64.so.2")) their_files.insert(path);
        const auto it = ours.found.find(name);
        REQUIRE(it != ours.found.end());
        CHECK(it->second.contains(path));
    }
    CHECK(ours.missing == their_missing);
    CHECK(ours.files.size() == their_files.size());
}

}  // namespace smith::elf
