// SPDX-License-Identifier: Apache-2.0
#include "builder/package_tree.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "base/bounds.h"
#include "base/error.h"

namespace smith::builder {

namespace {

using resolver::RpmFile;
using resolver::RpmFileKind;

// rpm's colours (rpmfc.h): which word size an ELF file has. A 64-bit system prefers the higher one.
constexpr std::uint32_t kElf32 = 1;
constexpr std::uint32_t kElf64 = 2;

// As many as a person reads.
constexpr std::size_t kMostConflictsTold = 20;

/// One package's claim on a place.
struct Claim {
    Node node;
    std::uint32_t color = 0;
    std::string package;
    std::vector<std::string> notes;
};

std::string describe(const Node& node) {
    if (std::holds_alternative<Directory>(node)) return "a directory";
    if (const auto* link = std::get_if<Symlink>(&node)) return "a link to " + quote(link->target);
    return "a file";
}

std::vector<std::string> notes_about(const RpmFile& file) {
    std::vector<std::string> out;
    if (file.kind == RpmFileKind::regular) {
        if ((file.mode & 04000U) != 0) out.emplace_back("setuid bit dropped");
        if ((file.mode & 02000U) != 0) out.emplace_back("setgid bit dropped");
        if (!file.capabilities.empty()) out.push_back("file capabilities dropped: " + file.capabilities);
    }
    return out;
}

const char* special_kind(RpmFileKind kind) {
    switch (kind) {
        case RpmFileKind::device: return "device";
        case RpmFileKind::fifo: return "fifo";
        case RpmFileKind::socket: return "socket";
        default: return nullptr;
    }
}

/// Something that a tree can't hold: what it is, and whose.
using Special = std::pair<std::string, std::string>;

/// Where links lead that packages bring, before there is a tree. Paths in it are final: no parent is a link.
class LinkMap {
public:
    explicit LinkMap(std::vector<std::pair<ImagePath, std::string>> links) : links_(std::move(links)) {
        // Of several circles the same one is told, whatever order the packages come in.
        std::ranges::sort(links_);
        // A link may stand below another one (/lib/x, with /lib -> usr/lib), and that one only gets its place in an
        // earlier round. Each round settles at least one level more; links to links need no more rounds than the kernel
        // would follow.
        for (int round = 0; round <= limits::kMaxSymlinksFollowed; ++round) {
            std::map<ImagePath, std::string> placed;
            // At one place the smallest target wins, only to have an order: two different ones are a conflict later.
            for (const auto& [path, target] : links_) {
                const auto [it, is_new] = placed.emplace(place_of(path), target);
                if (!is_new && target < it->second) it->second = target;
            }
            if (placed == by_place_) return;
            by_place_ = std::move(placed);
            last_parent_.reset();
        }
        throw Error(ErrorKind::resolve, "links of these packages lead through each other without end");
    }

    /// `path` with every link on the way to its last component followed. Throws Error (resolve) when they run in a
    /// circle; (format) when they lead to where no path can.
    [[nodiscard]] ImagePath place_of(const ImagePath& path) const {
        if (path.is_root()) return path;
        const ImagePath parent = path.parent();
        // A directory's files follow each other in a header.
        if (!last_parent_ || *last_parent_ != parent) {
            int budget = limits::kMaxSymlinksFollowed;
            last_place_ = follow(parent, budget);
            last_parent_ = parent;
        }
        return last_place_.child(path.name());
    }

private:
    [[nodiscard]] ImagePath follow(const ImagePath& path, int& budget) const {
        ImagePath here;
        for (const std::string_view component : path.components()) here = step(here, component, budget);
        return here;
    }

    [[nodiscard]] ImagePath step(const ImagePath& directory, std::string_view component, int& budget) const {
        const ImagePath next = directory.child(component);
        const auto link = by_place_.find(next);
        if (link == by_place_.end()) return next;
        if (--budget < 0) {
            throw Error(ErrorKind::resolve, "link " + quote(next.str()) + " leads in a circle");
        }
        ImagePath here = link->second.starts_with('/') ? ImagePath() : directory;
        std::string_view rest = link->second;
        while (!rest.empty()) {
            const std::size_t slash = std::min(rest.find('/'), rest.size());
            const std::string_view part = rest.substr(0, slash);
            rest.remove_prefix(std::min(slash + 1, rest.size()));
            if (part.empty() || part == ".") continue;
            here = part == ".." ? here.parent() : step(here, part, budget);
        }
        return here;
    }

    std::vector<std::pair<ImagePath, std::string>> links_;
    std::map<ImagePath, std::string> by_place_;
    mutable std::optional<ImagePath> last_parent_;
    mutable ImagePath last_place_;
};

/// What two claims on one place come to; nothing when they can't both be met.
enum class Outcome { first, second, conflict };

Outcome settle(const Claim& a, const Claim& b) {
    if (a.node == b.node) return Outcome::first;
    const bool a_directory = std::holds_alternative<Directory>(a.node);
    const bool b_directory = std::holds_alternative<Directory>(b.node);
    // rpm keeps a link that stands where another package has a directory; merge_packages() checks what it leads to.
    if (a_directory && std::holds_alternative<Symlink>(b.node)) return Outcome::second;
    if (b_directory && std::holds_alternative<Symlink>(a.node)) return Outcome::first;

    const auto* a_file = std::get_if<Regular>(&a.node);
    const auto* b_file = std::get_if<Regular>(&b.node);
    if (a_file == nullptr || b_file == nullptr) return Outcome::conflict;
    // The same bytes: rpm doesn't compare modes either. Whoever executes it is right.
    if (a_file->content == b_file->content) return a_file->executable ? Outcome::first : Outcome::second;
    if (a.color != b.color && a.color != 0 && b.color != 0) {
        if ((a.color & kElf64) != (b.color & kElf64)) {
            return (a.color & kElf64) != 0 ? Outcome::first : Outcome::second;
        }
        if ((a.color & kElf32) != (b.color & kElf32)) {
            return (a.color & kElf32) != 0 ? Outcome::first : Outcome::second;
        }
    }
    return Outcome::conflict;
}

class Merger {
public:
    explicit Merger(std::span<const PackageFiles> packages) : links_(collect_links(packages)) {
        for (const PackageFiles* package : in_one_order(packages)) add(*package);
    }

    MergedPackages finish() {
        MergedPackages out;
        for (auto& [path, claim] : claims_) {
            if (!out.tree.has_room_for(path)) {
                conflicts_.insert(describe_parent_conflict(path, claim));
                continue;
            }
            // (Named again: clang 14 can't capture a structured binding.)
            while_doing([&who = claim.package] { return "laying down " + quote(who); },
                        [&, &where = path, &what = claim] {
                            out.tree.put(where, {what.node, what.package});
                        });
            if (!claim.notes.empty()) out.notes.emplace(path, std::move(claim.notes));
        }
        check_links_over_directories(out.tree);
        check_specials();
        if (!conflicts_.empty()) throw Error(ErrorKind::resolve, conflict_message());
        for (const auto& [path, special] : specials_) out.notes[path].push_back(special.first + " left out");
        return out;
    }

private:
    static LinkMap collect_links(std::span<const PackageFiles> packages) {
        std::vector<std::pair<ImagePath, std::string>> links;
        for (const PackageFiles& package : packages) {
            for (const RpmFile& file : package.files) {
                if (file.kind == RpmFileKind::symlink && !file.ghost) links.emplace_back(file.path, file.link_target);
            }
        }
        return LinkMap(std::move(links));
    }

    /// By name, so that "first" means the same whatever order the packages come in; two builds of one NEVRA by what
    /// they hold.
    static std::vector<const PackageFiles*> in_one_order(std::span<const PackageFiles> packages) {
        std::vector<const PackageFiles*> out;
        for (const PackageFiles& package : packages) out.push_back(&package);
        const auto what = [](const RpmFile& f) {
            return std::tie(f.path, f.kind, f.mode, f.ghost, f.size, f.digest, f.link_target, f.color, f.capabilities);
        };
        const auto is_before = [&](const RpmFile& a, const RpmFile& b) { return what(a) < what(b); };
        std::ranges::sort(out, [&](const PackageFiles* a, const PackageFiles* b) {
            if (a->name != b->name) return a->name < b->name;
            return std::ranges::lexicographical_compare(a->files, b->files, is_before);
        });
        return out;
    }

    void add(const PackageFiles& package) {
        for (std::size_t i = 0; i < package.files.size(); ++i) {
            const RpmFile& file = package.files[i];
            if (file.ghost || file.path.is_root()) continue;
            while_doing([&] { return quote(file.path.str()) + " of " + quote(package.name); },
                        [&] { add(package, file, package.contents[i]); });
        }
    }

    void add(const PackageFiles& package, const RpmFile& file, const std::optional<Content>& content) {
        ImagePath place = links_.place_of(file.path);
        if (const char* special = special_kind(file.kind)) {
            specials_.emplace(std::move(place), Special(special, package.name));
            return;
        }
        Claim claim{Directory{}, file.color, package.name, notes_about(file)};
        if (file.kind == RpmFileKind::symlink) {
            claim.node = Symlink{file.link_target};
        } else if (file.kind == RpmFileKind::regular) {
            if (!content) return;
            claim.node = Regular{(file.mode & 0100U) != 0, *content};
        }
        stake(std::move(place), std::move(claim));
    }

    void stake(ImagePath at, Claim claim) {
        const auto [it, is_new] = claims_.try_emplace(std::move(at), std::move(claim));
        if (is_new) return;
        const ImagePath& place = it->first;
        Claim& held = it->second;
        const bool was_directory = std::holds_alternative<Directory>(held.node);
        const bool is_directory = std::holds_alternative<Directory>(claim.node);
        if (was_directory != is_directory)
            directory_claims_.emplace(place, was_directory ? held.package : claim.package);
        switch (settle(held, claim)) {
            case Outcome::first: add_notes(held, claim); break;
            case Outcome::second:
                add_notes(claim, held);
                held = std::move(claim);
                break;
            case Outcome::conflict:
                conflicts_.insert(quote(place.str()) + " is " + describe(held.node) + " in " + quote(held.package) +
                                  " and " + describe_other(held, claim) + " in " + quote(claim.package));
        }
    }

    /// What is lost of a file is lost, whichever of its packages says so.
    static void add_notes(Claim& kept, const Claim& other) {
        if (kept.node.index() != other.node.index()) return;
        for (const std::string& note : other.notes) {
            if (std::ranges::find(kept.notes, note) == kept.notes.end()) kept.notes.push_back(note);
        }
        std::ranges::sort(kept.notes);
    }

    static std::string describe_other(const Claim& a, const Claim& b) {
        const bool both_files = std::holds_alternative<Regular>(a.node) && std::holds_alternative<Regular>(b.node);
        return both_files ? "a different one" : describe(b.node);
    }

    /// Nothing else may stand where a device was to be.
    void check_specials() {
        for (const auto& [path, special] : specials_) {
            const auto claim = claims_.find(path);
            if (claim == claims_.end()) continue;
            conflicts_.insert(quote(path.str()) + " is a " + special.first + " in " + quote(special.second) + " and " +
                              describe(claim->second.node) + " in " + quote(claim->second.package));
        }
    }

    /// A link that took the place of a directory must lead to one; where nothing is, the directory is made.
    void check_links_over_directories(FileTree& tree) {
        for (const auto& [path, package] : directory_claims_) {
            const Resolution end = tree.resolve(path);
            const Entry* there = tree.find(path);
            if (there == nullptr || is_directory(end.entry)) continue;
            if (end.entry == nullptr && !end.too_many_links && tree.has_room_for(end.path)) {
                tree.put(end.path, {Directory{}, package});
                continue;
            }
            conflicts_.insert(quote(path.str()) + " is " + describe(there->node) + " in " + quote(there->origin) +
                              " and a directory in " + quote(package));
        }
    }

    [[nodiscard]] std::string describe_parent_conflict(const ImagePath& path, const Claim& claim) const {
        for (ImagePath parent = path.parent(); !parent.is_root(); parent = parent.parent()) {
            const auto it = claims_.find(parent);
            if (it == claims_.end() || std::holds_alternative<Directory>(it->second.node)) continue;
            return quote(parent.str()) + " is " + describe(it->second.node) + " in " + quote(it->second.package) +
                   " and a directory, which holds " + quote(path.str()) + ", in " + quote(claim.package);
        }
        return quote(path.str()) + " of " + quote(claim.package) + " has no place";
    }

    [[nodiscard]] std::string conflict_message() const {
        std::string out = "packages conflict in their files: ";
        std::size_t told = 0;
        for (const std::string& conflict : conflicts_) {
            if (told == kMostConflictsTold) break;
            out += (told++ == 0 ? "" : "; ") + conflict;
        }
        if (conflicts_.size() > told) out += "; and " + std::to_string(conflicts_.size() - told) + " more";
        return out;
    }

    LinkMap links_;
    std::map<ImagePath, Claim> claims_;
    std::map<ImagePath, Special> specials_;
    std::map<ImagePath, std::string> directory_claims_;
    std::set<std::string> conflicts_;
};

}  // namespace

std::optional<std::vector<std::optional<Content>>> contents_by_header(const resolver::RpmHeader& header) {
    std::vector<std::optional<Content>> out(header.files.size());
    for (std::size_t i = 0; i < header.files.size(); ++i) {
        const RpmFile& file = header.files[i];
        if (file.kind != RpmFileKind::regular || file.ghost) continue;
        if (file.digest.algorithm != "sha256") return std::nullopt;
        out[i] = Content{Digest::from_hex(file.digest.hex), file.size};
    }
    return out;
}

MergedPackages merge_packages(std::span<const PackageFiles> packages) { return Merger(packages).finish(); }

}  // namespace smith::builder
