// SPDX-License-Identifier: Apache-2.0
#include "builder/elf/closure.h"

#include <deque>
#include <map>
#include <set>
#include <utility>

#include "base/error.h"
#include "builder/elf/ld_so_conf.h"
#include "builder/elf/process.h"
#include "builder/elf/script.h"
#include "builder/elf/tree_view.h"

namespace smith::elf {

namespace {

/// A file that something is to be found for, with the number of scripts that led here.
struct Root {
    FoundFile file;
    int depth = 0;
};

/// A library that can also be started, such as libc.so.6 and libcap.so.2: PT_INTERP stands beside a soname. As part
/// of an image it is a library.
bool is_library_with_interpreter(const ElfFile& elf) {
    return elf.type == Type::shared && elf.soname.has_value() && !elf.is_pie;
}

/// /etc/ld.so.preload: names between blanks, line ends and colons; '#' begins a comment (rtld.c, do_preload).
std::vector<std::string> read_preload(const FileTree& tree, const Contents& contents,
                                      std::vector<std::string>& warnings) {
    std::vector<std::string> out;
    const std::optional<std::string> text = read_text(tree, contents, "/etc/ld.so.preload", warnings);
    if (!text) return out;
    for (const std::string& line : split_list(*text, "\n")) {
        for (std::string& name : split_list(std::string_view(line).substr(0, line.find('#')), " \t:")) {
            out.push_back(std::move(name));
        }
    }
    return out;
}

class Walker {
public:
    Walker(const FileTree& chosen, const FileTree& available, const Contents& contents, const ClosureOptions& options)
        : chosen_(chosen),
          contents_(contents),
          options_(options),
          view_(chosen, available, options.excluded),
          files_(contents),
          image_{view_, files_, {}, {}, options.dlopen, findings_, {}} {
        if (options.path_env.empty()) {
            path_ = split_list(kDefaultPath, ":");
        } else {
            path_ = options.path_env;
        }
    }

    Closure walk() {
        read_system_files();
        for (const auto& [path, entry] : chosen_.entries()) {
            if (const Regular* file = as_regular(&entry)) classify({{path, path, file, {}}, 0}, false);
        }
        while (!roots_.empty()) {
            const Root root = std::move(roots_.front());
            roots_.pop_front();
            if (files_.read(root.file.real, root.file.file->content).elf) {
                load_program(root.file);
            } else {
                follow_script(root);
            }
        }
        load_plugins();
        return findings_.take();
    }

private:
    void read_system_files() {
        std::vector<std::string> warnings;
        image_.system.ld_library_path = options_.ld_library_path;
        image_.system.ld_so_conf = read_ld_so_conf(view_.tree(), contents_, warnings);
        if (const std::optional<FoundFile> cache = view_.find_file("/etc/ld.so.cache")) {
            try {
                image_.system.ld_so_cache = read_ld_so_cache(contents_.open(cache->file->content).view());
            } catch (const Error& e) {
                if (e.kind() != ErrorKind::format) throw;
                warnings.push_back("/etc/ld.so.cache: " + e.message() + ", ignoring");
            }
        }
        // Only what ships: a preload of the build's sources is not the image's.
        image_.preload = read_preload(chosen_, contents_, warnings);
        for (std::string& warning : warnings) findings_.warn(std::move(warning));
    }

    /// Decides what kind of root a file is, by its first bytes: on Debian libraries are not executable. Scripts are
    /// taken for such only when they are: a `#!` in a library of Python modules starts nothing.
    void classify(Root root, bool is_started) {
        constexpr std::uint64_t shortest = 4;  // "#!/x"; and no shorter file has ELF's magic number
        if (root.file.file->content.size < shortest || !seen_.insert(root.file.real).second) return;
        const Bytes bytes = contents_.open(root.file.file->content);
        if (!has_elf_magic(bytes.view())) {
            if (root.file.file->executable && read_script_head(bytes.view())) roots_.push_back(std::move(root));
            return;
        }
        const ObjectFile& object = files_.read(root.file.real, root.file.file->content);
        if (!object.elf) {
            findings_.warn(quote(root.file.real.str()) + " " + object.problem + ", ignoring");
        } else if (object.elf->is_program() && (is_started || !is_library_with_interpreter(*object.elf))) {
            roots_.push_back(std::move(root));
        } else if (object.elf->is_shared_object()) {
            plugins_.push_back(std::move(root.file));
        }
    }

    // --- programs ----------------------------------------------------------------------------------------------------

    void load_program(const FoundFile& program) {
        const ElfFile& elf = *files_.read(program.real, program.file->content).elf;
        const InstalledLoader& loader = loader_named(elf.abi, *elf.interpreter);
        if (!loader.file) {
            report_interpreter(program, *elf.interpreter);
        } else {
            findings_.add(
                Edge{program.real, *elf.interpreter, loader.file->spelled, "interpreter", loader.file->through});
            loaders_by_abi_.try_emplace(elf.abi, &loader);
        }
        program_abis_.insert(elf.abi);
        Process process(image_, loader, program, elf, RootKind::program);
        process.load();
        remember(process);
        if (elf.rpath && !elf.runpath) image_.for_plugins.programs.push_back(process.objects().front().requester);
    }

    void report_interpreter(const FoundFile& program, const std::string& name) {
        if (const std::optional<FoundFile> file = view_.find_file(name); file && view_.is_excluded(*file)) {
            findings_.warn(quote(program.real.str()) + " needs " + quote(name) + ", but it is excluded");
            return;
        }
        findings_.add(Missing{program.real, name, {name}, program.real, true});
    }

    /// The loader that PT_INTERP names; without a file when there is none, or it is for another machine.
    const InstalledLoader& loader_named(const Abi& abi, const std::string& name) {
        const auto [it, is_new] = loaders_.try_emplace({abi, name});
        if (!is_new) return it->second;
        InstalledLoader& out = it->second;
        std::optional<FoundFile> file = view_.find_file(name);
        Bytes bytes;
        if (file && !view_.is_excluded(*file)) {
            const ObjectFile& object = files_.read(file->real, file->file->content);
            if (object.elf && is_compatible(abi, object.elf->abi)) {
                bytes = contents_.open(file->file->content);
                out.file = std::move(file);
            }
        }
        out.loader = describe_loader(view_.tree(), abi, name, bytes.view());
        if (out.loader.kind == LoaderKind::musl) out.loader.default_directories = read_musl_path(name);
        return out;
    }

    std::vector<std::string> read_musl_path(const std::string& loader_name) {
        std::vector<std::string> warnings;
        const std::optional<std::string> text =
            read_text(view_.tree(), contents_, musl_path_file(loader_name), warnings);
        for (std::string& warning : warnings) findings_.warn(std::move(warning));
        return musl_default_directories(text);
    }

    void remember(const Process& process) {
        for (const Process::Loaded& object : process.objects()) loaded_.insert(object.file.real);
        for (const Process::Loaded& object : process.objects()) name_for_plugins(object.file, *object.requester.elf);
    }

    // --- plug-ins ----------------------------------------------------------------------------------------------------

    void name_for_plugins(const FoundFile& file, const ElfFile& elf) {
        auto& by_name = image_.for_plugins.by_name;
        if (elf.soname) by_name.try_emplace({elf.abi, *elf.soname}, file.spelled);
        by_name.try_emplace({elf.abi, std::string(file.spelled.name())}, file.spelled);
    }

    /// What is loaded by a program already has been looked after there, with the search path it really has.
    void load_plugins() {
        for (const FoundFile& plugin : plugins_) {
            name_for_plugins(plugin, *files_.read(plugin.real, plugin.file->content).elf);
        }
        for (const FoundFile& plugin : plugins_) {
            const ElfFile& elf = *files_.read(plugin.real, plugin.file->content).elf;
            if (loaded_.contains(plugin.real)) continue;
            const InstalledLoader* loader = loader_for(elf.abi);
            if (loader == nullptr) {
                findings_.warn(quote(plugin.real.str()) + " is for " + describe(elf.abi) +
                               ", which no program of the image is, ignoring");
                continue;
            }
            Process process(image_, *loader, plugin, elf, RootKind::plugin);
            process.load();
            remember(process);
        }
    }

    /// The loader that loads the programs of that ABI; where there is none, the usual one; null when the image has
    /// programs, but none that could load it.
    const InstalledLoader* loader_for(const Abi& abi) {
        if (const auto it = loaders_by_abi_.find(abi); it != loaders_by_abi_.end()) return it->second;
        for (const std::string& name : usual_loaders(abi)) {
            const InstalledLoader& loader = loader_named(abi, name);
            if (loader.file) return &loader;
        }
        if (!program_abis_.empty() && !program_abis_.contains(abi)) return nullptr;
        return &loader_named(abi, "");
    }

    // --- scripts -----------------------------------------------------------------------------------------------------

    void follow_script(const Root& script) {
        const std::optional<ScriptHead> head = read_script_head(contents_.open(script.file.file->content).view());
        if (!head) return;
        if (script.depth >= kMaxScriptDepth) {
            findings_.warn(quote(script.file.real.str()) +
                           " is the interpreter of a script, which is one of a script, " + "more than " +
                           std::to_string(kMaxScriptDepth) + " deep; the kernel won't start that");
            return;
        }
        follow(script, head->interpreter, view_.find_file(head->interpreter), {head->interpreter},
               "script interpreter");
        const std::optional<std::string> command = command_of_env(*head);
        if (!command) return;
        if (command->find('/') != std::string::npos) {
            follow(script, *command, view_.find_file(*command), {*command}, "script interpreter");
        } else {
            follow(script, *command, find_in_path(*command), path_, "script interpreter, by PATH");
        }
    }

    /// As execvp(3): the first one that may be executed.
    std::optional<FoundFile> find_in_path(const std::string& command) {
        std::optional<FoundFile> excluded;
        for (const std::string& text : path_) {
            const FoundDirectory* directory = view_.find_directory(text);
            if (directory == nullptr) continue;
            std::optional<FoundFile> file = view_.find_file_in(*directory, command);
            if (!file || !file->file->executable) continue;
            if (!view_.is_excluded(*file)) return file;
            if (!excluded) excluded = std::move(file);
        }
        return excluded;
    }

    void follow(const Root& script, const std::string& name, std::optional<FoundFile> file,
                std::vector<std::string> searched, const char* rule) {
        const ImagePath& needer = script.file.real;
        if (file && view_.is_excluded(*file)) {
            findings_.warn(quote(needer.str()) + " needs " + quote(name) + ", but " + quote(file->spelled.str()) +
                           " is excluded");
            return;
        }
        if (!file || !file->file->executable) {
            findings_.add(Missing{needer, name, std::move(searched), needer, false, file.has_value()});
            return;
        }
        findings_.add(Edge{needer, name, file->spelled, rule, file->through});
        classify({std::move(*file), script.depth + 1}, true);
    }

    const FileTree& chosen_;
    const Contents& contents_;
    const ClosureOptions& options_;
    TreeView view_;
    ObjectFiles files_;
    Findings findings_;
    Image image_;
    std::vector<std::string> path_;

    std::deque<Root> roots_;          ///< programs and scripts that are yet to be followed
    std::vector<FoundFile> plugins_;  ///< shared objects, for when all programs are done
    std::set<ImagePath> seen_;
    std::set<ImagePath> loaded_;  ///< what some process has loaded
    std::map<std::pair<Abi, std::string>, InstalledLoader> loaders_;
    std::map<Abi, const InstalledLoader*> loaders_by_abi_;
    std::set<Abi> program_abis_;
};

}  // namespace

Closure close_over_libraries(const FileTree& chosen, const FileTree& available, const Contents& contents,
                             const ClosureOptions& options) {
    return Walker(chosen, available, contents, options).walk();
}

std::string dump(const Closure& closure) {
    std::string out;
    for (const Edge& edge : closure.edges) {
        out += edge.needer.str() + " needs " + edge.soname + ": " + edge.found.str() + " (" + edge.rule + ")\n";
    }
    for (const Missing& missing : closure.missing) {
        out += missing.needer.str() + " needs " + missing.soname + ": missing\n";
    }
    return out;
}

std::string describe(const Missing& missing) {
    std::string out = quote(missing.needer.str()) + " needs " + quote(missing.soname);
    if (missing.root != missing.needer) out += " (for " + quote(missing.root.str()) + ")";
    if (missing.lacks_executable_bit) return out + " to run it, which is there but not executable";
    if (missing.searched.empty()) return out + ", which is not available";
    if (missing.searched.size() == 1 && missing.searched.front() == missing.soname) return out + ", which is not there";
    out += missing.searched.size() == 1 ? ", which is not in " : ", which is in none of ";
    for (const std::string& place : missing.searched) {
        if (&place != &missing.searched.front()) out += ", ";
        out += quote(place);
    }
    return out;
}

}  // namespace smith::elf
