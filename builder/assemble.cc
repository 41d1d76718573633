// SPDX-License-Identifier: Apache-2.0
#include "builder/assemble.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "builder/elf/closure.h"
#include "builder/glob.h"
#include "builder/select.h"

namespace smith::builder {

namespace {

/// Directories of every microcontainer: where the kernel's file systems, scratch files, durable files and configuration
/// are mounted (Oracle's Smith makes the same).
constexpr std::string_view kFixedDirectories[] = {"/dev", "/proc", "/read", "/run", "/sys", "/write"};

/// The first of several places that has a content.
class JoinedContents : public Contents {
public:
    JoinedContents(MemoryContents made, PackedContents overlay, const Contents& rest)
        : made_(std::move(made)), overlay_(std::move(overlay)), rest_(rest) {}

    [[nodiscard]] Bytes open(const Content& content) const override {
        if (made_.contains(content.digest)) return made_.open(content);
        if (overlay_.contains(content.digest)) return overlay_.open(content);
        return rest_.open(content);
    }

    void prefetch(std::span<const Content> contents) const override { rest_.prefetch(contents); }

    Content put(std::string bytes) { return made_.put(std::move(bytes)); }

private:
    MemoryContents made_;
    PackedContents overlay_;
    const Contents& rest_;
};

std::vector<Content> contents_of(const FileTree& tree) {
    std::vector<Content> out;
    for (const auto& [path, entry] : tree.entries()) {
        if (const Regular* file = as_regular(&entry)) out.push_back(file->content);
    }
    return out;
}

/// The directories of a search path in the environment, such as PATH.
std::vector<std::string> directories_in(const std::vector<std::string>& env, std::string_view name) {
    std::vector<std::string> out;
    for (const std::string& assignment : env) {
        if (!assignment.starts_with(std::string(name) + "=")) continue;
        out.clear();
        // ld.so takes ';' as well; PATH doesn't, and no directory in an image is called so.
        const std::string value = assignment.substr(name.size() + 1);
        for (std::size_t at = 0; at <= value.size();) {
            const std::size_t end = std::min(value.find(':', at), value.size());
            out.push_back(value.substr(at, end - at));
            at = end + 1;
        }
    }
    return out;
}

elf::DlopenPolicy policy_of(DlopenLevel level) {
    switch (level) {
        case DlopenLevel::none: return elf::DlopenPolicy::none;
        case DlopenLevel::required: return elf::DlopenPolicy::required;
        case DlopenLevel::recommended: return elf::DlopenPolicy::recommended;
        case DlopenLevel::suggested: return elf::DlopenPolicy::suggested;
    }
    return elf::DlopenPolicy::recommended;
}

class Assembler {
public:
    Assembler(const Spec& spec, const Accounts& accounts, const Available& available, Reporter& reporter)
        : spec_(spec), accounts_(accounts), available_(available), reporter_(reporter) {
        std::vector<std::string> patterns;
        for (const auto& exclude : spec.excludes) patterns.push_back(exclude.value);
        excludes_ = Excludes(available.tree, patterns);
        for (const std::size_t i : excludes_.unmatched()) {
            reporter.warn(spec.excludes[i].at.str() + ": exclude " + quote(spec.excludes[i].value) +
                          " matches nothing, ignoring");
        }
    }

    Assembled run(const Overlay& overlay) {
        select_paths();
        // All of it ships, and the walk along libraries opens most of it: let it come at once.
        available_.contents.prefetch(contents_of(tree_));
        add_accounts();
        lay_over(overlay.tree, {"overlay", "", ""});
        add_directories();
        Assembled out;
        auto contents = std::make_unique<JoinedContents>(std::move(made_), overlay.contents, available_.contents);
        close(*contents);
        check_entrypoint();
        add_origins();
        // Beyond this point the tree does not change: what is written is what is digested.
        out.contents = std::move(contents);
        out.tree = std::move(tree_);
        out.reasons = std::move(reasons_);
        return out;
    }

private:
    /// A problem that stops a build, or in Oracle's dialect only warns.
    void complain(std::vector<std::string> problems) {
        if (problems.empty()) return;
        if (spec_.dialect == Dialect::oracle) {
            for (const std::string& problem : problems) reporter_.warn(problem);
            return;
        }
        std::string message = std::move(problems.front());
        for (std::size_t i = 1; i < problems.size(); ++i) message += "\n" + problems[i];
        throw Error(ErrorKind::spec, message);
    }

    void because(const ImagePath& path, Reason reason) {
        std::vector<Reason>& list = reasons_[path].reasons;
        if (std::ranges::find(list, reason) == list.end()) list.push_back(std::move(reason));
    }

    /// `path` is there for `reason`; links on the way to it, and what it points to when it is a link, for its sake.
    void because_reached(const ImagePath& path, const Reason& reason) {
        const Resolution named = tree_.resolve(path, LastLink::keep);
        if (named.entry == nullptr) return;
        because(named.path, reason);
        for (const ImagePath& link : named.links) because(link, {"way", "", named.path.str()});

        if (as_symlink(named.entry) == nullptr) return;
        const Resolution end = tree_.resolve(named.path);
        for (const ImagePath& link : end.links) {
            if (link != named.path) because(link, {"way", "", named.path.str()});
        }
        if (end.entry != nullptr) because(end.path, {"link", "", named.path.str()});
    }

    void select_paths() {
        LocatedStrings paths = spec_.paths.value_or(default_paths());
        std::vector<std::string> patterns;
        for (const auto& path : paths) patterns.push_back(path.value);
        SelectResult selected = select(available_.tree, patterns, excludes_);
        tree_ = std::move(selected.tree);
        for (const std::string& warning : selected.warnings) reporter_.warn(warning);

        std::vector<std::string> problems;
        for (const Unmatched& unmatched : selected.unmatched) {
            problems.push_back(describe(paths[unmatched.pattern], unmatched));
        }
        complain(std::move(problems));
        for (const std::string& pattern : patterns) explain_pattern(pattern);
    }

    [[nodiscard]] LocatedStrings default_paths() const {
        LocatedStrings out;
        const std::vector<ImagePath> paths = available_.default_paths
                                                 ? *available_.default_paths
                                                 : executables_of(available_.tree, available_.asked_for);
        for (const ImagePath& path : paths) {
            out.push_back({escape_glob(path.str()), {}});
        }
        return out;
    }

    [[nodiscard]] std::string describe(const Located<std::string>& path, const Unmatched& unmatched) const {
        std::string out = path.at.str() + ": path " + quote(path.value);
        if (unmatched.only_excluded) return out + " matches only what is excluded";
        out += " matches nothing in " + std::string(available_.name);
        for (std::size_t i = 0; i < unmatched.candidates.size(); ++i) {
            out += (i == 0 ? "; did you mean " : " or ") + quote(unmatched.candidates[i]);
        }
        return out + (unmatched.candidates.empty() ? "" : "?");
    }

    void explain_pattern(const std::string& pattern) {
        const Reason reason{"path", pattern, ""};
        // Below these everything is explained: of the many directories that "/**" matches, the first ones stand for
        // all.
        std::set<ImagePath> explained;
        const GlobMatches matches = find_matches(available_.tree, Glob(pattern));
        explain_links(matches);
        for (const ImagePath& match : matches.paths) {
            if (!tree_.contains(match)) continue;
            because_reached(match, reason);
            const ImagePath top = tree_.resolve(match).path;
            if (stands_below_one_of(explained, top) || !explained.insert(top).second) continue;
            for (auto it = tree_.first_below(top); tree_.is_below(it, top); ++it) because_reached(it->first, reason);
        }
    }

    /// Matches are called by where they really are; the spec's spelling may lead there through links.
    void explain_links(const GlobMatches& matches) {
        const auto first = std::ranges::find_if(matches.paths, [&](const auto& path) { return tree_.contains(path); });
        if (first == matches.paths.end()) return;
        for (const ImagePath& link : matches.links) {
            if (tree_.contains(link)) because(link, {"way", "", first->str()});
        }
    }

    static bool stands_below_one_of(const std::set<ImagePath>& directories, const ImagePath& path) {
        for (ImagePath above = path; !above.is_root();) {
            above = above.parent();
            if (directories.contains(above)) return true;
        }
        return false;
    }

    void add_accounts() {
        FileTree files;
        for (const auto& [path, text] : account_files(accounts_)) {
            files.put(path, {Regular{false, made_.put(text)}, "smith"});
        }
        // Like an overlay of our own: /etc may be a link.
        lay_over(files, {"account", "", ""});
        if (!accounts_.write_files) return;
        for (const std::string& pattern : nss_library_patterns()) {
            for (const ImagePath& match : find_matches(available_.tree, Glob(pattern)).paths) {
                if (excludes_(match)) continue;
                static_cast<void>(add_path(tree_, available_.tree, match));
                because_reached(match, {"account", "", ""});
            }
        }
    }

    void lay_over(const FileTree& files, const Reason& reason) {
        apply_overlay(tree_, files, available_.tree);
        for (const auto& [path, entry] : files.entries()) {
            if (!path.is_root() && !is_directory(&entry)) because_reached(path, reason);
        }
    }

    void add_directories() {
        for (const std::string_view path : kFixedDirectories) add_directory(ImagePath::parse(path), "fixed");
        for (const ImagePath& mount : spec_.mounts) add_directory(mount, "mount");
        if (spec_.dir) add_directory(*spec_.dir, "mount");
    }

    void add_directory(const ImagePath& path, const char* kind) {
        // A link of the packages that the path goes through (/var/run) would be missed by who needs both.
        const Resolution packaged = available_.tree.resolve(path);
        if (!packaged.links.empty() && !packaged.too_many_links && tree_.has_room_for(packaged.links.front())) {
            static_cast<void>(add_path(tree_, available_.tree, path));
            for (const ImagePath& link : packaged.links) {
                if (tree_.contains(link)) because(link, {"way", "", path.str()});
            }
        }
        const Resolution end = tree_.resolve(path);
        const bool has_place = end.entry == nullptr ? tree_.has_room_for(end.path) : is_directory(end.entry);
        if (end.too_many_links || !has_place) {
            throw Error(ErrorKind::spec,
                        quote(path.str()) + " must be a directory, but the image has something else there");
        }
        if (end.entry == nullptr) tree_.put(end.path, {Directory{}, "smith"});
        because(end.path, {kind, "", ""});
    }

    void close(JoinedContents& contents) {
        elf::ClosureOptions options;
        options.ld_library_path = directories_in(spec_.env, "LD_LIBRARY_PATH");
        options.path_env = directories_in(spec_.env, "PATH");
        options.dlopen = policy_of(spec_.features.dlopen);
        if (!excludes_.empty()) options.excluded = [this](const ImagePath& path) { return excludes_(path); };

        const elf::Closure closure = elf::close_over_libraries(tree_, available_.tree, contents, options);
        for (const std::string& warning : closure.warnings) reporter_.warn(warning);
        std::vector<std::string> problems;
        for (const elf::Missing& missing : closure.missing) {
            if (missing.stops_program) {
                problems.push_back(elf::describe(missing));
            } else {
                reporter_.warn(elf::describe(missing));
            }
        }
        complain(std::move(problems));
        add_libraries(tree_, available_.tree, closure);
        for (const elf::Edge& edge : closure.edges) {
            const bool runs = edge.rule.find("interpreter") != std::string::npos;
            const std::string needer = tree_.resolve(edge.needer).path.str();
            because_reached(edge.found, {runs ? "interpreter" : "library", edge.soname + ", " + edge.rule, needer});
            for (const ImagePath& way : edge.through) because_reached(way, {"way", "", edge.found.str()});
        }
        if (!closure.cache.empty()) add_cache(closure.cache, contents);
    }

    /// The image's ld.so does not read ld.so.conf: what only that leads to, it finds by a cache. One that ships
    /// already, from an overlay or a path of the spec, is what somebody wanted.
    void add_cache(const std::vector<elf::CacheEntry>& entries, JoinedContents& contents) {
        const ImagePath path = ImagePath::parse("/etc/ld.so.cache");
        if (const Regular* present = file_in_image(path)) {
            check_cache(entries, contents.open(present->content).view());
            return;
        }
        FileTree file;
        file.put(path, {Regular{false, contents.put(elf::make_ld_so_cache(entries))}, "smith"});
        lay_over(file, {"cache", "", entries.front().path});
    }

    void check_cache(const std::vector<elf::CacheEntry>& entries, std::span<const std::byte> bytes) {
        std::set<std::string> known;
        try {
            for (elf::CacheEntry& entry : elf::read_ld_so_cache(bytes)) known.insert(std::move(entry.path));
        } catch (const Error& e) {
            // That it can't be read was told when the walk began.
            if (e.kind() != ErrorKind::format) throw;
        }
        for (const elf::CacheEntry& entry : entries) {
            if (known.contains(entry.path)) continue;
            reporter_.warn("the image's /etc/ld.so.cache does not list " + quote(entry.path) +
                           ", which only /etc/ld.so.conf leads to: the programs that need it will not find it");
        }
    }

    /// In this layer, or in those below.
    [[nodiscard]] const Regular* file_in_image(const ImagePath& path) const {
        const Regular* own = as_regular(tree_.resolve(path).entry);
        if (own != nullptr || available_.below == nullptr) return own;
        return as_regular(available_.below->resolve(path).entry);
    }

    /// The program that the image starts must be in it, unless it comes with a mount at run time.
    void check_entrypoint() {
        const auto& command = spec_.entrypoint && !spec_.entrypoint->empty() ? spec_.entrypoint : spec_.cmd;
        if (!command || command->empty()) return;
        const std::string& program = command->front();
        if (program.find('/') != std::string::npos) {
            const ImagePath path = ImagePath::parse_lexically(program, spec_.dir.value_or(ImagePath()));
            if (comes_with_a_mount(path) || file_in_image(path) != nullptr) return;
            const bool available = as_regular(available_.tree.resolve(path).entry) != nullptr;
            complain({"the image is to run " + quote(program) + ", which is not in it" +
                      (available ? "; add it to 'paths'" : "")});
            return;
        }
        const std::vector<std::string> path = directories_in(spec_.env, "PATH");
        const std::vector<std::string> usual = {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
                                                "/usr/bin",        "/sbin",          "/bin"};
        for (const std::string& directory : path.empty() ? usual : path) {
            const ImagePath found = ImagePath::parse_lexically(directory + "/" + program, {});
            if (comes_with_a_mount(found) || file_in_image(found) != nullptr) return;
        }
        complain({"the image is to run " + quote(program) + ", which is in no directory of its PATH"});
    }

    [[nodiscard]] bool comes_with_a_mount(const ImagePath& path) const {
        const auto below = [&](const ImagePath& mount) { return path.is_at_or_below(mount); };
        return below(ImagePath::parse("/read")) || below(ImagePath::parse("/write")) ||
               std::ranges::any_of(spec_.mounts, below);
    }

    void add_origins() {
        for (const auto& [path, entry] : tree_.entries()) {
            if (!path.is_root()) reasons_[path].origin = entry.origin;
        }
        std::erase_if(reasons_, [&](const auto& item) { return !tree_.contains(item.first); });
    }

    const Spec& spec_;
    const Accounts& accounts_;
    const Available& available_;
    Reporter& reporter_;
    Excludes excludes_;
    FileTree tree_;
    MemoryContents made_;
    Reasons reasons_;
};

}  // namespace

Assembled assemble(const Spec& spec, const Accounts& accounts, const Available& available, const Overlay& overlay,
                   Reporter& reporter) {
    return Assembler(spec, accounts, available, reporter).run(overlay);
}

}  // namespace smith::builder
