// SPDX-License-Identifier: Apache-2.0
#include "builder/glob.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/bounds.h"
#include "base/error.h"
#include "base/wildcard.h"
#include "builder/did_you_mean.h"

namespace smith::builder {

namespace {

constexpr std::string_view kAnyDirectories = "**";

[[noreturn]] void reject(std::string_view pattern, std::string_view why) {
    throw Error(ErrorKind::spec, "pattern " + quote(pattern) + " " + std::string(why));
}

/// Whether each `[` of a component has its `]`, and each `\` its character. (A set never spans a '/'.)
void check_component(std::string_view pattern, std::string_view component) {
    const auto skip_one = [&](std::size_t i) { return i + (component[i] == '\\' ? 2U : 1U); };
    for (std::size_t i = 0; i < component.size();) {
        if (component[i] == '\\' && i + 1 == component.size()) reject(pattern, "ends a name with '\\'");
        if (component[i] != '[') {
            i = skip_one(i);
            continue;
        }
        ++i;
        if (i < component.size() && (component[i] == '!' || component[i] == '^')) ++i;
        const std::size_t first = i;
        while (i < component.size() && (i == first || component[i] != ']')) i = skip_one(i);
        if (i >= component.size()) reject(pattern, "has a '[' without its ']'");
        ++i;
    }
}

/// The name that a component without `*`, `?` and `[` stands for.
std::string unescape(std::string_view component) {
    std::string out;
    for (std::size_t i = 0; i < component.size(); ++i) {
        if (component[i] == '\\' && i + 1 < component.size()) ++i;
        out += component[i];
    }
    return out;
}

bool is_literal_component(std::string_view component) {
    for (std::size_t i = 0; i < component.size(); ++i) {
        if (component[i] == '\\') {
            ++i;
        } else if (component[i] == '*' || component[i] == '?' || component[i] == '[') {
            return false;
        }
    }
    return true;
}

// --- finding matches -----------------------------------------------------------------------------------------------

/// Walks the components of a pattern over a tree, one level at a time. A level is a set of directories without links,
/// so that links in a circle can't multiply anything: the work is bounded by components x directories x depth.
class Finder {
public:
    Finder(const FileTree& tree, const Glob& glob) : tree_(tree), components_(glob.components()) {}

    GlobMatches find() {
        if (components_.empty()) return {{ImagePath()}, {}};
        levels_.resize(components_.size());
        levels_[0][ImagePath()];
        for (std::size_t i = 0; i + 1 < components_.size(); ++i) {
            for (const auto& [directory, ways] : levels_[i]) descend(i, directory);
        }
        const std::size_t last = components_.size() - 1;
        for (const auto& [directory, ways] : levels_[last]) {
            if (collect(components_[last], directory)) mark_used(last, directory);
        }
        GlobMatches out;
        out.paths.assign(paths_.begin(), paths_.end());
        out.links.assign(links_.begin(), links_.end());
        return out;
    }

private:
    /// How a directory of one level was reached from one of the level before.
    struct Way {
        ImagePath from;
        std::vector<ImagePath> links;
    };
    using Level = std::map<ImagePath, std::vector<Way>>;

    /// Calls `visit` for each entry directly in `directory` that a component other than "**" matches.
    template <typename Visit>
    void for_each_match(const std::string& component, const ImagePath& directory, Visit&& visit) const {
        if (is_literal_component(component)) {
            const std::string name = unescape(component);
            // An escaped "." is a name that no entry has, not the directory itself.
            if (name == "." || name == "..") return;
            if (name.size() > limits::kMaxNameBytes || directory.str().size() + name.size() >= limits::kMaxPathBytes) {
                return;
            }
            const ImagePath path = directory / name;
            if (const Entry* entry = tree_.find(path)) visit(path, *entry);
            return;
        }
        for (const ImagePath& path : tree_.children(directory)) {
            if (wildcard_matches(component, path.name())) visit(path, *tree_.find(path));
        }
    }

    void descend(std::size_t i, const ImagePath& directory) {
        Level& next = levels_[i + 1];
        if (components_[i] == kAnyDirectories) {
            next[directory].push_back({directory, {}});
            for (auto it = tree_.first_below(directory); tree_.is_below(it, directory); ++it) {
                if (is_directory(&it->second)) next[it->first].push_back({directory, {}});
            }
            return;
        }
        for_each_match(components_[i], directory, [&](const ImagePath& path, const Entry& entry) {
            if (is_directory(&entry)) {
                next[path].push_back({directory, {}});
            } else if (as_symlink(&entry) != nullptr) {
                Resolution target = tree_.resolve(path);
                if (is_directory(target.entry)) next[target.path].push_back({directory, std::move(target.links)});
            }
        });
    }

    bool collect(const std::string& component, const ImagePath& directory) {
        const std::size_t before = found_;
        if (component == kAnyDirectories) {
            for (auto it = tree_.first_below(directory); tree_.is_below(it, directory); ++it, ++found_) {
                paths_.insert(it->first);
            }
        } else {
            for_each_match(component, directory, [&](const ImagePath& path, const Entry&) {
                paths_.insert(path);
                ++found_;
            });
        }
        return found_ != before;
    }

    /// Goes back from a directory that holds a match, to keep the links that led to it and no others.
    void mark_used(std::size_t level, const ImagePath& directory) {
        std::vector<std::pair<std::size_t, ImagePath>> todo = {{level, directory}};
        while (!todo.empty()) {
            const auto [i, here] = std::move(todo.back());
            todo.pop_back();
            if (!used_.insert({i, here}).second || i == 0) continue;
            for (const Way& way : levels_[i].at(here)) {
                links_.insert(way.links.begin(), way.links.end());
                todo.emplace_back(i - 1, way.from);
            }
        }
    }

    const FileTree& tree_;
    const std::vector<std::string>& components_;
    std::vector<Level> levels_;
    std::size_t found_ = 0;
    std::set<ImagePath> paths_;
    std::set<ImagePath> links_;
    std::set<std::pair<std::size_t, ImagePath>> used_;
};

// --- suggestions ---------------------------------------------------------------------------------------------------

/// How many components two paths share at their ends: of two files of the same name, the one in a similar place.
std::size_t shared_ends(const ImagePath& path, const std::vector<std::string>& components) {
    const std::vector<std::string_view> names = path.components();
    const std::size_t most = std::min(names.size(), components.size());
    std::size_t front = 0;
    while (front < most && names[front] == components[front]) ++front;
    std::size_t back = 0;
    while (back < most && names[names.size() - 1 - back] == components[components.size() - 1 - back]) ++back;
    return front + back;
}

/// Entries of the name that the pattern ends in, wherever they are.
std::vector<std::string> find_same_name(const FileTree& tree, const std::vector<std::string>& components) {
    const std::string& name = components.back();
    if (name.find_first_not_of("*?") == std::string::npos) return {};
    std::vector<std::pair<std::size_t, ImagePath>> found;
    for (const auto& [path, entry] : tree.entries()) {
        if (wildcard_matches(name, path.name())) found.emplace_back(shared_ends(path, components), path);
    }
    std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
    std::vector<std::string> out;
    for (const auto& [shared, path] : found) out.push_back(escape_glob(path.str()));
    return out;
}

/// The pattern with the first name that is wrong replaced by one that is there and looks like it. Nothing when no name
/// does.
std::optional<std::string> correct_name(const FileTree& tree, const std::vector<std::string>& components) {
    std::string prefix;
    for (std::size_t i = 0; i < components.size(); ++i) {
        const std::string longer = prefix + "/" + components[i];
        if (!find_matches(tree, Glob(longer)).paths.empty()) {
            prefix = longer;
            continue;
        }
        const std::vector<ImagePath> neighbours = find_matches(tree, Glob(prefix + "/*")).paths;
        std::vector<std::string_view> names;
        for (const ImagePath& path : neighbours) names.push_back(path.name());
        const std::string_view name = nearest(components[i], names);
        if (name.empty()) return std::nullopt;
        prefix += "/" + escape_glob(name);
        std::string rest;
        for (std::size_t j = i + 1; j < components.size(); ++j) rest += "/" + components[j];
        return find_matches(tree, Glob(prefix + rest)).paths.empty() ? prefix : prefix + rest;
    }
    return std::nullopt;
}

}  // namespace

Glob::Glob(std::string_view pattern) : text_(pattern) {
    if (pattern.empty()) reject(pattern, "is empty");
    if (pattern.size() > limits::kMaxPathBytes) reject(pattern, "is too long");
    if (pattern.find('\0') != std::string_view::npos) reject(pattern, "holds a NUL byte");
    for (std::size_t at = 0; at < pattern.size();) {
        const std::size_t slash = std::min(pattern.find('/', at), pattern.size());
        const std::string_view component = pattern.substr(at, slash - at);
        at = slash + 1;
        if (component.empty() || component == ".") continue;
        if (component == "..") reject(pattern, "has a '..'; write where it leads to");
        check_component(pattern, component);
        // "**/**" says no more than "**".
        if (component == kAnyDirectories && !components_.empty() && components_.back() == kAnyDirectories) continue;
        components_.emplace_back(component);
    }
}

bool Glob::is_literal() const noexcept {
    return std::all_of(components_.begin(), components_.end(), [](const auto& c) { return is_literal_component(c); });
}

bool Glob::matches(const ImagePath& path) const {
    const std::vector<std::string_view> names = path.components();
    // Names 0..j-1 match the components so far; one row a component, as in an edit distance.
    std::vector<bool> reached(names.size() + 1, false);
    reached[0] = true;
    for (std::size_t i = 0; i < components_.size(); ++i) {
        std::vector<bool> next(names.size() + 1, false);
        const bool is_last = i + 1 == components_.size();
        bool was_reached = false;
        for (std::size_t j = 0; j <= names.size(); ++j) {
            if (components_[i] == kAnyDirectories) {
                next[j] = was_reached || (reached[j] && !is_last);
            } else {
                next[j] = j > 0 && reached[j - 1] && wildcard_matches(components_[i], names[j - 1]);
            }
            was_reached = was_reached || reached[j];
        }
        // Most patterns and paths part in their first name.
        if (!was_reached) return false;
        reached = std::move(next);
    }
    return reached[names.size()];
}

GlobMatches find_matches(const FileTree& tree, const Glob& glob) { return Finder(tree, glob).find(); }

std::string escape_glob(std::string_view name) {
    std::string out;
    for (const char c : name) {
        if (c == '*' || c == '?' || c == '[' || c == '\\') out += '\\';
        out += c;
    }
    return out;
}

std::vector<std::string> suggest_paths(const FileTree& tree, const Glob& glob, std::size_t most) {
    if (glob.components().empty()) return {};
    std::vector<std::string> out = find_same_name(tree, glob.components());
    if (const std::optional<std::string> corrected = correct_name(tree, glob.components())) {
        // A slip within a name is likelier than a file of the same name far away, unless the whole name is right.
        const bool is_known = std::find(out.begin(), out.end(), *corrected) != out.end();
        if (!is_known) out.insert(out.begin() + (out.empty() ? 0 : 1), *corrected);
    }
    if (out.size() > most) out.resize(most);
    return out;
}

}  // namespace smith::builder
