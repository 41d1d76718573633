// SPDX-License-Identifier: Apache-2.0
//
// One process coming to life: a program, or a plug-in without one, and all that its dynamic loader loads for it, in the
// loader's order. What is loaded once under a name serves all who ask for that name later, so the order matters.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/contents.h"
#include "builder/elf/closure.h"
#include "builder/elf/elf_file.h"
#include "builder/elf/loader.h"
#include "builder/elf/search_path.h"
#include "builder/elf/tree_view.h"

namespace smith::elf {

/// A file as far as a loader cares: read once, however many processes load it.
struct ObjectFile {
    std::optional<ElfFile> elf;
    std::string problem;  ///< why there is no `elf`: "is not an ELF file", "broken ELF file: ..."
};

class ObjectFiles {
public:
    explicit ObjectFiles(const Contents& contents) : contents_(contents) {}
    /// Stays valid as long as this does.
    [[nodiscard]] const ObjectFile& read(const ImagePath& real, const Content& content);
    /// See Contents.
    void prefetch(std::span<const Content> contents) const { contents_.prefetch(contents); }

private:
    const Contents& contents_;
    std::map<ImagePath, ObjectFile> files_;
};

/// Collects what a closure is made of; each thing once, in an order that does not depend on how it was found.
class Findings {
public:
    void add(Edge edge);
    void add(Missing missing);
    void warn(std::string message) { warnings_.insert(std::move(message)); }
    void add(CacheEntry entry) { cache_.insert(std::move(entry)); }
    [[nodiscard]] Closure take();

private:
    using Key = std::pair<ImagePath, std::string>;  // needer, soname
    std::map<std::pair<Key, ImagePath>, Edge> edges_;
    std::map<Key, Missing> missing_;
    std::set<std::string> warnings_;
    std::set<CacheEntry> cache_;
};

/// A loader together with its file, which is an object of every process that it serves.
struct InstalledLoader {
    Loader loader;
    std::optional<FoundFile> file;
};

/// What all processes of an image share.
struct Image {
    TreeView& view;
    ObjectFiles& files;
    SystemPath system;
    std::vector<std::string> preload;  ///< /etc/ld.so.preload
    DlopenPolicy dlopen = DlopenPolicy::recommended;
    Findings& findings;

    /// What a plug-in may count on, because its program has it: known once all programs have been loaded.
    struct ForPlugins {
        std::map<std::pair<Abi, std::string>, ImagePath> by_name;  ///< objects of the image, by soname and file name
        std::deque<Requester> programs;                            ///< those with an RPATH
    };
    ForPlugins for_plugins;
};

enum class RootKind { program, plugin };

class Process {
public:
    /// `root` was read as `elf`.
    Process(Image& image, const InstalledLoader& loader, const FoundFile& root, const ElfFile& elf, RootKind kind);
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    /// Loads everything. Call once.
    void load();

    struct Loaded {
        Requester requester;
        FoundFile file;
        bool is_loader = false;
    };
    /// In the order of loading; the root first.
    [[nodiscard]] const std::deque<Loaded>& objects() const noexcept { return objects_; }

private:
    struct Candidate {
        FoundFile file;
        const ElfFile* elf = nullptr;
        std::string rule;
    };
    /// The outcome of a search: candidates, the plain one last; or why there is none.
    struct Hits {
        std::vector<Candidate> candidates;
        std::vector<std::string> searched;
        std::optional<ImagePath> excluded;
        bool is_final = false;  ///< nothing further is to be looked for: found, or the loader gives up
    };
    enum class Strength { optional, needed };

    void preload();
    void load_needed();
    void announce(const Loaded& object) const;
    void load_noted();
    void load_note(const Loaded& requester, const DlopenNote& note);
    /// False when it is nowhere; that has been reported if `strength` is `needed`.
    bool request(const Loaded& requester, const std::string& name, const std::string& reason, Strength strength);
    bool request_loaded(const Loaded& requester, const std::string& name, const std::string& reason);
    void accept(const Loaded& requester, const std::string& name, const std::string& reason, Hits hits);
    void report(const Loaded& requester, const std::string& name, Hits hits);

    Hits find(const Loaded& requester, const std::string& name);
    Hits search(const Requester& requester, const Requester& program, const std::string& name);
    void search_step(const SearchStep& step, const std::string& name, Hits& hits);
    void search_cached(const SearchStep& step, const SearchStep* defaults, const std::string& name, Hits& hits);
    void consider(FoundFile file, std::string rule, bool is_variant, Hits& hits);
    void find_for_plugin(const Loaded& requester, const std::string& name, Hits& hits);

    std::size_t add_object(const FoundFile& file, const ElfFile& elf, const Requester* loader, bool is_loader);

    Image& image_;
    const InstalledLoader& loader_;
    const ElfFile& root_elf_;
    RootKind kind_;
    std::deque<Loaded> objects_;
    std::map<std::string, std::size_t> by_name_;
    std::map<ImagePath, std::size_t> by_file_;
    std::size_t next_needed_ = 0;
    std::size_t next_noted_ = 0;
};

/// Whether an object of ABI `b` can be loaded into a process of ABI `a`.
[[nodiscard]] bool is_compatible(const Abi& a, const Abi& b) noexcept;

}  // namespace smith::elf
