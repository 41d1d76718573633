// SPDX-License-Identifier: Apache-2.0
//
// What else must be in an image so that what was chosen can run: dynamic loaders, libraries, interpreters of scripts,
// each with the reason why. It follows ld.so rule by rule, but sees only a FileTree: never the host, and it starts
// nothing. docs/closure.md tells the rules to people.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/contents.h"
#include "base/file_tree.h"
#include "base/image_path.h"
#include "builder/elf/ld_so_cache.h"

namespace smith::elf {

/// One reason: `needer` asks for `soname`, and gets `found` by `rule`.
struct Edge {
    ImagePath needer;
    /// As the needer spells it: a DT_NEEDED with its $ORIGIN put in, the path of an interpreter, the command after
    /// `env`.
    std::string soname;
    /// As ld.so opens it, which may lead through links; its directory is free of "..".
    ImagePath found;
    /// "interpreter", "rpath", "LD_LIBRARY_PATH", "runpath", "ld.so.cache", "ld.so.conf", "default directory", "path",
    /// "already loaded", "preload", "script interpreter", "script interpreter, by PATH", "dlopen note (required)"; a
    /// variant for better processors has ", hwcaps x86-64-v3" behind its rule.
    std::string rule;
    /// Directories and links that must exist too for `found` to be reached: those before a ".." of a search path.
    std::vector<ImagePath> through;

    bool operator==(const Edge&) const = default;
};

/// Something that is needed, and is nowhere.
struct Missing {
    ImagePath needer;
    std::string soname;
    /// Where ld.so would have looked, in order, and what was wrong with a candidate that was there.
    std::vector<std::string> searched;
    /// The program or plug-in that the needer was loaded for; the needer itself when it is one.
    ImagePath root;
    /// True when `root` is an ELF program: it will not even start. False for a plug-in, which may never be loaded, and
    /// for a script.
    bool stops_program = false;
    /// True for the interpreter of a script, or its command, that is there and that nobody may execute.
    bool lacks_executable_bit = false;

    bool operator==(const Missing&) const = default;
};

struct Closure {
    std::vector<Edge> edges;       ///< sorted by needer, soname, found
    std::vector<Missing> missing;  ///< sorted by needer, soname
    /// What the image's ld.so will find only if /etc/ld.so.cache says so. The caller puts make_ld_so_cache() of it
    /// there.
    std::vector<CacheEntry> cache;
    std::vector<std::string> warnings;  ///< sorted
};

/// Which libraries to bring that are opened at run time, by the weight that the object itself gives them.
enum class DlopenPolicy { none, required, recommended, suggested };

struct ClosureOptions {
    /// Directories of LD_LIBRARY_PATH in the image's environment.
    std::vector<std::string> ld_library_path;
    DlopenPolicy dlopen = DlopenPolicy::recommended;
    /// Directories of PATH in the image's environment, for `#!/usr/bin/env python3`. Empty: kDefaultPath of script.h.
    std::vector<std::string> path_env;
    /// True for a path that must not be in the image: it is not there for ld.so either. What is only to be had from
    /// such a path becomes a warning, and is not missing. May be empty.
    std::function<bool(const ImagePath&)> excluded;
};

/// `chosen` is what ships; where it differs from `available` (an overlay), it comes first. Opens the contents of what
/// is chosen and of what is found, and nothing else. The result depends on nothing but the arguments.
///
/// Problems of files are values: see Closure. Throws what `contents` throws.
[[nodiscard]] Closure close_over_libraries(const FileTree& chosen, const FileTree& available, const Contents& contents,
                                           const ClosureOptions& options = {});

/// One line an edge: "/app/bin/tool needs libz.so.1: /app/lib/libz.so.1 (runpath)"; then one line for each that is
/// missing: "/app/bin/tool needs libz.so.1: missing".
[[nodiscard]] std::string dump(const Closure& closure);

/// One sentence for a message: "'/app/bin/tool' needs 'libz.so.1', which is in none of /app/lib, /lib64, /usr/lib64".
[[nodiscard]] std::string describe(const Missing& missing);

}  // namespace smith::elf
