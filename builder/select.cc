// SPDX-License-Identifier: Apache-2.0
#include "builder/select.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "builder/elf/tree_view.h"

namespace smith::builder {

namespace {

/// Adds `path`, whose parents must not be links, with the directories above it. What is there already stays.
void put_entry(FileTree& chosen, const FileTree& available, const ImagePath& path) {
    if (path.is_root() || chosen.contains(path)) return;
    const Entry* entry = available.find(path);
    if (entry == nullptr) return;
    put_entry(chosen, available, path.parent());
    chosen.put(path, *entry);
}

/// Copies what was asked for, and what its links lead to, and what the links below that lead to.
class Selector {
public:
    Selector(const FileTree& available, const Excludes& excludes, SelectResult& out)
        : available_(available), excludes_(excludes), out_(out) {}

    /// `path` has no link above it. False when it is excluded.
    bool take(const ImagePath& path) {
        if (excludes_(path)) return false;
        todo_.push_back(path);
        while (!todo_.empty()) {
            const ImagePath next = std::move(todo_.back());
            todo_.pop_back();
            take_one(next);
        }
        return true;
    }

    /// A link that a pattern led through; what it leads to is taken by itself.
    void take_link(const ImagePath& link) {
        if (!excludes_(link)) put_entry(out_.tree, available_, link);
    }

private:
    void take_one(const ImagePath& path) {
        if (excludes_(path) || !taken_.insert(path).second) return;
        put_entry(out_.tree, available_, path);
        const Entry* entry = available_.find(path);
        if (is_directory(entry)) {
            for (ImagePath& child : available_.children(path)) todo_.push_back(std::move(child));
        } else if (as_symlink(entry) != nullptr) {
            follow(path);
        }
    }

    void follow(const ImagePath& link) {
        const Resolution target = available_.resolve(link);
        for (const ImagePath& step : target.links) take_link(step);
        const std::string text = quote(link.str()) + " is a link to " + quote(target.path.str());
        if (target.too_many_links) {
            out_.warnings.push_back(quote(link.str()) + " is a link that leads nowhere: the links run in a circle");
        } else if (target.entry == nullptr) {
            out_.warnings.push_back(text + ", which is not available");
            put_entry(out_.tree, available_, target.path.parent());
        } else if (excludes_(target.path)) {
            out_.warnings.push_back(text + ", which is excluded");
        } else if (is_directory(target.entry) && link.is_at_or_below(target.path)) {
            // "X11 -> ." and "build -> /": the author meant the shortcut, not all that is there.
            put_entry(out_.tree, available_, target.path);
        } else {
            todo_.push_back(target.path);
        }
    }

    const FileTree& available_;
    const Excludes& excludes_;
    SelectResult& out_;
    std::vector<ImagePath> todo_;
    std::set<ImagePath> taken_;
};

bool is_program_directory(const ImagePath& directory) {
    return directory.name() == "bin" || directory.name() == "sbin";
}

}  // namespace

// --- Excludes ------------------------------------------------------------------------------------------------------

Excludes::Excludes(const FileTree& available, const std::vector<std::string>& patterns) {
    for (const std::string& pattern : patterns) {
        const Glob& glob = globs_.emplace_back(pattern);
        const GlobMatches matches = find_matches(available, glob);
        if (matches.paths.empty()) unmatched_.push_back(globs_.size() - 1);
        paths_.insert(matches.paths.begin(), matches.paths.end());
    }
}

bool Excludes::names(const ImagePath& path) const {
    // The patterns themselves too: a file of an overlay need not be in the available tree.
    return paths_.contains(path) ||
           std::any_of(globs_.begin(), globs_.end(), [&](const Glob& glob) { return glob.matches(path); });
}

bool Excludes::operator()(const ImagePath& path) const {
    if (globs_.empty()) return false;
    for (ImagePath p = path; !p.is_root(); p = p.parent()) {
        if (names(p)) return true;
    }
    return false;
}

void remove_excluded(FileTree& tree, const Excludes& excludes) {
    if (excludes.empty()) return;
    std::vector<ImagePath> gone;
    for (const auto& [path, entry] : tree.entries()) {
        if (!path.is_root() && (gone.empty() || !path.is_at_or_below(gone.back())) && excludes(path)) {
            gone.push_back(path);
        }
    }
    for (const ImagePath& path : gone) tree.erase(path);
}

// --- selection -----------------------------------------------------------------------------------------------------

SelectResult select(const FileTree& available, const std::vector<std::string>& paths, const Excludes& excludes) {
    SelectResult out;
    Selector selector(available, excludes, out);
    for (std::size_t i = 0; i < paths.size(); ++i) {
        const Glob glob(paths[i]);
        const GlobMatches matches = find_matches(available, glob);
        for (const ImagePath& link : matches.links) selector.take_link(link);
        std::size_t taken = 0;
        for (const ImagePath& path : matches.paths) taken += selector.take(path) ? 1U : 0U;
        out.matches.push_back(matches.paths.size());
        if (matches.paths.empty()) {
            out.unmatched.push_back({i, suggest_paths(available, glob), false});
        } else if (taken == 0) {
            out.unmatched.push_back({i, {}, true});
        }
    }
    std::sort(out.warnings.begin(), out.warnings.end());
    return out;
}

bool add_path(FileTree& chosen, const FileTree& available, const ImagePath& path) {
    const Resolution target = available.resolve(path);
    for (const ImagePath& link : target.links) put_entry(chosen, available, link);
    if (target.entry == nullptr) return false;
    put_entry(chosen, available, target.path);
    return true;
}

void add_libraries(FileTree& chosen, const FileTree& available, const elf::Closure& closure) {
    // As the closure saw it: an overlay's links count more than those of a package.
    std::optional<FileTree> merged;
    if (!elf::is_part_of(chosen, available)) merged = elf::lay_over(available, chosen);
    const FileTree& all = merged ? *merged : available;
    for (const elf::Edge& edge : closure.edges) {
        for (const ImagePath& path : edge.through) add_path(chosen, all, path);
        add_path(chosen, all, edge.found);
    }
}

std::vector<ImagePath> executables_of(const FileTree& available, const std::set<std::string>& origins) {
    std::vector<ImagePath> out;
    for (const auto& [path, entry] : available.entries()) {
        if (!origins.contains(entry.origin) || !is_program_directory(path.parent())) continue;
        const bool is_link = as_symlink(&entry) != nullptr;
        const Regular* file = as_regular(is_link ? available.resolve(path).entry : &entry);
        if (file != nullptr && file->executable) out.push_back(path);
    }
    return out;
}

}  // namespace smith::builder
