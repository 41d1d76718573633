// SPDX-License-Identifier: Apache-2.0
#include "builder/elf/ld_so_conf.h"

#include <algorithm>
#include <set>

#include "base/bounds.h"
#include "base/error.h"
#include "base/wildcard.h"

namespace smith::elf {

namespace {

// Written by hand or by packages; the largest seen is below a KiB.
constexpr std::uint64_t kMaxConfBytes = 1 * limits::kMiB;
// Deeper nesting is a circle; ldconfig itself has no bound and would die of its stack.
constexpr int kMaxIncludeDepth = 16;
// Every file is read once at most, so this bounds the work of includes of includes.
constexpr std::size_t kMaxConfFiles = 1000;

std::string_view trim(std::string_view text) {
    constexpr std::string_view white = " \t\r\n\v\f";
    const std::size_t first = text.find_first_not_of(white);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(white) - first + 1);
}

/// The paths that match, as glob(3) finds them: links are followed, and a leading dot is matched by a dot alone.
std::vector<std::string> expand_include(const FileTree& tree, const std::string& pattern) {
    std::set<std::string> found = {""};
    for (const std::string& component : split_list(pattern, "/")) {
        if (component == ".." || component.size() > limits::kMaxNameBytes) return {};
        std::set<std::string> next;
        for (const std::string& directory : found) {
            if (!has_wildcards(component)) {
                next.insert(directory + "/" + component);
                continue;
            }
            if (directory.size() + component.size() >= limits::kMaxPathBytes) continue;
            const Resolution place = tree.resolve(ImagePath::parse(directory));
            if (!is_directory(place.entry)) continue;
            for (const ImagePath& child : tree.children(place.path)) {
                const bool is_hidden = child.name().starts_with('.') && !component.starts_with('.');
                if (!is_hidden && wildcard_matches(component, child.name())) {
                    next.insert(directory + "/" + std::string(child.name()));
                }
            }
            if (next.size() > kMaxConfFiles) return {};
        }
        found = std::move(next);
    }
    return {found.begin(), found.end()};
}

/// ldconfig's parse_conf and parse_conf_include.
class ConfReader {
public:
    ConfReader(const FileTree& tree, const Contents& contents, std::vector<std::string>& warnings)
        : tree_(tree), contents_(contents), warnings_(warnings) {}

    void read(const std::string& file, int depth) {
        if (depth > kMaxIncludeDepth || files_.size() >= kMaxConfFiles || !files_.insert(file).second) return;
        const std::optional<std::string> text = read_text(tree_, contents_, file, warnings_);
        if (!text) return;
        for (const std::string& line : split_list(*text, "\n")) read_line(file, line, depth);
    }

    std::vector<std::string> directories;

private:
    void read_line(const std::string& file, std::string_view line, int depth) {
        line = trim(line.substr(0, line.find('#')));
        if (line.empty()) return;
        constexpr std::string_view include = "include";
        // "hwcap" lines mean nothing since glibc 2.33.
        if (line.starts_with("hwcap") && is_blank_at(line, 5)) return;
        if (line.starts_with(include) && is_blank_at(line, include.size())) {
            for (const std::string& pattern : split_list(line.substr(include.size()), " \t")) {
                include_files(file, pattern, depth);
            }
            return;
        }
        // "/usr/lib=libc5" is how libraries of older kinds were marked once.
        line = trim(line.substr(0, line.find('=')));
        while (line.size() > 1 && line.ends_with('/')) line.remove_suffix(1);
        if (!line.starts_with('/')) {
            warnings_.push_back(quote(file) + " names " + quote(line) + ", which is not an absolute path, ignoring");
            return;
        }
        if (std::find(directories.begin(), directories.end(), line) == directories.end()) {
            directories.emplace_back(line);
        }
    }

    void include_files(const std::string& file, const std::string& pattern, int depth) {
        const std::string absolute =
            pattern.starts_with('/') ? pattern : file.substr(0, file.rfind('/')) + "/" + pattern;
        if (absolute.size() > limits::kMaxPathBytes || absolute.find('\0') != std::string::npos) return;
        for (const std::string& path : expand_include(tree_, absolute)) read(path, depth + 1);
    }

    static bool is_blank_at(std::string_view line, std::size_t at) {
        return at < line.size() && (line[at] == ' ' || line[at] == '\t');
    }

    const FileTree& tree_;
    const Contents& contents_;
    std::vector<std::string>& warnings_;
    std::set<std::string> files_;
};

}  // namespace

std::vector<std::string> split_list(std::string_view list, std::string_view separators) {
    std::vector<std::string> out;
    while (!list.empty()) {
        const std::size_t end = std::min(list.find_first_of(separators), list.size());
        if (end != 0) out.emplace_back(list.substr(0, end));
        list.remove_prefix(std::min(end + 1, list.size()));
    }
    return out;
}

std::optional<std::string> read_text(const FileTree& tree, const Contents& contents, std::string_view path,
                                     std::vector<std::string>& warnings) {
    ImagePath place;
    try {
        place = ImagePath::parse(path);
    } catch (const Error&) {
        return std::nullopt;  // a name that no file can have
    }
    const Regular* file = as_regular(tree.resolve(place).entry);
    if (file == nullptr) return std::nullopt;
    if (file->content.size > kMaxConfBytes) {
        warnings.push_back(quote(path) + " is larger than " + std::to_string(kMaxConfBytes) + " bytes, ignoring");
        return std::nullopt;
    }
    const Bytes bytes = contents.open(file->content);
    return std::string(reinterpret_cast<const char*>(bytes.view().data()), bytes.size());
}

std::vector<std::string> read_ld_so_conf(const FileTree& tree, const Contents& contents,
                                         std::vector<std::string>& warnings) {
    ConfReader reader(tree, contents, warnings);
    reader.read("/etc/ld.so.conf", 0);
    return std::move(reader.directories);
}

std::vector<std::string> musl_default_directories(const std::optional<std::string>& path_file) {
    if (path_file) return split_list(*path_file, ":\n");
    return {"/lib", "/usr/local/lib", "/usr/lib"};
}

}  // namespace smith::elf
