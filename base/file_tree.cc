// SPDX-License-Identifier: Apache-2.0
#include "base/file_tree.h"

#include <algorithm>
#include <deque>
#include <iterator>

#include "base/bounds.h"
#include "base/error.h"

namespace smith {

FileTree::FileTree() { entries_.emplace(ImagePath(), Entry{Directory{}, {}}); }

const Entry* FileTree::find(const ImagePath& path) const {
    const auto it = entries_.find(path);
    return it == entries_.end() ? nullptr : &it->second;
}

void FileTree::put(const ImagePath& path, Entry entry) {
    if (const auto* link = std::get_if<Symlink>(&entry.node)) {
        if (link->target.empty() || link->target.find('\0') != std::string::npos ||
            link->target.size() > limits::kMaxPathBytes) {
            throw Error(ErrorKind::format, "link " + quote(path.str()) + " has no valid target");
        }
    }
    const auto existing = entries_.find(path);
    if (existing != entries_.end()) {
        const bool stays_directory = std::holds_alternative<Directory>(entry.node);
        if (!stays_directory && (path.is_root() || is_below(first_below(path), path))) {
            throw Error(ErrorKind::format, quote(path.str()) +
                                               " is a directory that holds something; it can't become a " +
                                               (std::holds_alternative<Symlink>(entry.node) ? "link" : "file"));
        }
        existing->second = std::move(entry);
        return;
    }
    const ImagePath parent = path.parent();
    const auto holder = entries_.find(parent);
    if (holder == entries_.end()) {
        put(parent, Entry{Directory{}, entry.origin});
    } else if (!std::holds_alternative<Directory>(holder->second.node)) {
        throw Error(ErrorKind::format,
                    quote(parent.str()) + " is not a directory, so " + quote(path.str()) + " can't be in it");
    }
    if (entries_.size() > limits::kMaxTreeEntries) {
        throw Error(ErrorKind::format, "more than " + std::to_string(limits::kMaxTreeEntries) + " files in one tree");
    }
    entries_.emplace(path, std::move(entry));
}

bool FileTree::has_room_for(const ImagePath& path) const {
    for (ImagePath parent = path.parent();; parent = parent.parent()) {
        if (const Entry* entry = find(parent)) return is_directory(entry);
    }
}

void FileTree::erase(const ImagePath& path) {
    const auto first = first_below(path);
    auto last = first;
    while (is_below(last, path)) ++last;
    entries_.erase(first, last);
    if (!path.is_root()) entries_.erase(path);
}

Resolution FileTree::resolve(const ImagePath& path, LastLink last) const {
    Resolution out;
    std::deque<std::string> todo;
    for (const std::string_view component : path.components()) todo.emplace_back(component);

    const Entry* here = find(out.path);
    while (!todo.empty()) {
        const std::string component = std::move(todo.front());
        todo.pop_front();
        if (component == "..") {
            const bool exists = is_directory(here);
            out.path = out.path.parent();
            here = exists ? find(out.path) : nullptr;
            continue;
        }
        // Links may hold data that is no path at all, and lead to places that are too far away to have a name.
        if (component.size() > limits::kMaxNameBytes ||
            out.path.str().size() + 1 + component.size() > limits::kMaxPathBytes) {
            return out;
        }
        const ImagePath next = out.path / component;
        const Entry* entry = is_directory(here) ? find(next) : nullptr;
        const Symlink* link = as_symlink(entry);
        if (link == nullptr || (todo.empty() && last == LastLink::keep)) {
            out.path = next;
            here = entry;
            continue;
        }
        if (out.links.size() >= static_cast<std::size_t>(limits::kMaxSymlinksFollowed)) {
            out.path = next;
            out.too_many_links = true;
            return out;
        }
        out.links.push_back(next);
        // A target is split here and not by ImagePath, because its ".." must be taken where the link stands.
        std::vector<std::string> target;
        for (std::size_t at = 0; at < link->target.size();) {
            const std::size_t slash = std::min(link->target.find('/', at), link->target.size());
            std::string part = link->target.substr(at, slash - at);
            if (!part.empty() && part != ".") target.push_back(std::move(part));
            at = slash + 1;
        }
        todo.insert(todo.begin(), std::make_move_iterator(target.begin()), std::make_move_iterator(target.end()));
        if (link->target.starts_with('/')) out.path = ImagePath();
        here = find(out.path);
    }
    out.entry = here;
    return out;
}

FileTree::Entries::const_iterator FileTree::first_below(const ImagePath& directory) const {
    if (directory.is_root()) return std::next(entries_.begin());
    // Siblings such as "/a-b" stand between "/a" and "/a/".
    return entries_.lower_bound(directory.str() + "/");
}

bool FileTree::is_below(Entries::const_iterator it, const ImagePath& directory) const {
    return it != entries_.end() && it->first != directory && it->first.is_at_or_below(directory);
}

std::vector<ImagePath> FileTree::children(const ImagePath& directory) const {
    std::vector<ImagePath> out;
    const std::size_t name_at = directory.is_root() ? 1 : directory.str().size() + 1;
    for (auto it = first_below(directory); is_below(it, directory);) {
        const std::string& path = it->first.str();
        const std::size_t slash = path.find('/', name_at);
        if (slash == std::string::npos) {
            out.push_back(it->first);
            ++it;
        } else {
            // Something inside a child, which may hold very many: all of them begin with "<child>/", and '0' is the
            // byte after '/'. The child itself came earlier, with siblings such as "/a-b" between "/a" and "/a/b".
            it = entries_.lower_bound(path.substr(0, slash) + "0");
        }
    }
    return out;
}

unsigned mode_of(const Node& node) {
    if (const auto* file = std::get_if<Regular>(&node)) return file->executable ? 0755U : 0644U;
    return std::holds_alternative<Directory>(node) ? 0755U : 0777U;
}

std::string dump(const FileTree& tree) {
    std::string out;
    for (const auto& [path, entry] : tree.entries()) {
        if (path.is_root()) continue;
        out += path.str();
        if (const auto* file = std::get_if<Regular>(&entry.node)) {
            out += file->executable ? "  file 0755 " : "  file 0644 ";
            out += file->content.digest.hex().substr(0, 8);
        } else if (const auto* link = std::get_if<Symlink>(&entry.node)) {
            out += "  link " + link->target;
        } else {
            out += "  dir";
        }
        out += '\n';
    }
    return out;
}

}  // namespace smith
