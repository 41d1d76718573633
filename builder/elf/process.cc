// SPDX-License-Identifier: Apache-2.0
#include "builder/elf/process.h"

#include <elf.h>

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace smith::elf {

namespace {

constexpr std::string_view kAlreadyLoaded = "already loaded";
constexpr std::string_view kDefaultDirectory = "default directory";

/// Rules by which ld.so finds something only with the help of /etc/ld.so.cache.
bool is_cached(std::string_view rule) { return rule == "ld.so.conf" || rule == "ld.so.cache"; }

/// The directory part of a path, as text.
std::string directory_of(const ImagePath& path) { return path.parent().str(); }

/// As a member of a list: "/lib64" once, however often it is looked into.
void add_once(std::vector<std::string>& list, std::string text) {
    if (std::find(list.begin(), list.end(), text) == list.end()) list.push_back(std::move(text));
}

bool admits(DlopenPolicy policy, DlopenPriority priority) {
    switch (policy) {
        case DlopenPolicy::none: return false;
        case DlopenPolicy::required: return priority == DlopenPriority::required;
        case DlopenPolicy::recommended: return priority != DlopenPriority::suggested;
        case DlopenPolicy::suggested: return true;
    }
    return false;
}

const char* name_of(DlopenPriority priority) {
    switch (priority) {
        case DlopenPriority::required: return "required";
        case DlopenPriority::recommended: return "recommended";
        case DlopenPriority::suggested: return "suggested";
    }
    return "";
}

/// `reason` is not empty for what was not asked for by DT_NEEDED: "preload", "dlopen note (required)".
std::string rule_of(const std::string& reason, const std::string& rule) { return reason.empty() ? rule : reason; }

}  // namespace

bool is_compatible(const Abi& a, const Abi& b) noexcept {
    Abi x = a;
    Abi y = b;
    // Old linkers left the ABI version of ppc64 out.
    if (x.machine == EM_PPC64 && (x.flags == 0 || y.flags == 0)) x.flags = y.flags = 0;
    return x == y;
}

const ObjectFile& ObjectFiles::read(const ImagePath& real, const Content& content) {
    const auto [it, is_new] = files_.try_emplace(real);
    if (!is_new) return it->second;
    ObjectFile& out = it->second;
    try {
        out.elf = read_elf(contents_.open(content).view());
        if (!out.elf) out.problem = "is not an ELF file";
    } catch (const Error& e) {
        if (e.kind() != ErrorKind::format) throw;
        out.problem = "is a " + e.message();
    }
    return out;
}

// --- Findings ------------------------------------------------------------------------------------------------------

void Findings::add(Edge edge) {
    std::pair<Key, ImagePath> key{{edge.needer, edge.soname}, edge.found};
    const auto [it, is_new] = edges_.try_emplace(std::move(key), edge);
    // In one process it was there already, in another it was searched for: that is the reason to tell.
    if (!is_new && it->second.rule == kAlreadyLoaded) it->second = std::move(edge);
}

void Findings::add(Missing missing) {
    Key key{missing.needer, missing.soname};
    const auto [it, is_new] = missing_.try_emplace(std::move(key), missing);
    if (!is_new && missing.stops_program && !it->second.stops_program) it->second = std::move(missing);
}

Closure Findings::take() {
    Closure out;
    for (auto& [key, edge] : edges_) out.edges.push_back(std::move(edge));
    for (auto& [key, missing] : missing_) out.missing.push_back(std::move(missing));
    out.warnings.assign(warnings_.begin(), warnings_.end());
    out.cache.assign(cache_.begin(), cache_.end());
    return out;
}

// --- Process -------------------------------------------------------------------------------------------------------

Process::Process(Image& image, const InstalledLoader& loader, const FoundFile& root, const ElfFile& elf, RootKind kind)
    : image_(image), loader_(loader), root_elf_(elf), kind_(kind) {
    // The program is what /proc/self/exe says, so its $ORIGIN is where the real file is.
    FoundFile real = root;
    real.spelled = root.real;
    add_object(real, elf, nullptr, false);
    if (!loader.file) return;
    const ObjectFile& file = image.files.read(loader.file->real, loader.file->file->content);
    if (!file.elf) return;
    const std::size_t index = add_object(*loader.file, *file.elf, nullptr, true);
    by_name_.try_emplace(loader.loader.name, index);
}

void Process::load() {
    preload();
    load_needed();
    // dlopen comes after all that: the program runs by then.
    while (next_noted_ < objects_.size()) {
        load_noted();
        load_needed();
    }
}

std::size_t Process::add_object(const FoundFile& file, const ElfFile& elf, const Requester* loader, bool is_loader) {
    // The same file by another path is the same object (_dl_map_object_from_fd compares inodes).
    const auto [it, is_new] = by_file_.try_emplace(file.real, objects_.size());
    if (!is_new) return it->second;
    objects_.push_back({Requester{&elf, directory_of(file.spelled), loader}, file, is_loader});
    // musl goes by the name of the file alone.
    if (elf.soname && loader_.loader.kind == LoaderKind::glibc) by_name_.try_emplace(*elf.soname, it->second);
    return it->second;
}

void Process::preload() {
    if (loader_.loader.kind != LoaderKind::glibc || kind_ != RootKind::program) return;
    for (const std::string& name : image_.preload) {
        if (!request(objects_.front(), name, "preload", Strength::optional)) {
            image_.findings.warn("/etc/ld.so.preload names " + quote(name) + ", which ld.so won't find, ignoring");
        }
    }
}

/// Breadth first, as _dl_map_object_deps and musl's load_deps.
void Process::load_needed() {
    for (; next_needed_ < objects_.size(); ++next_needed_) {
        const Loaded& object = objects_[next_needed_];
        const ElfFile& elf = *object.requester.elf;
        announce(object);
        for (const std::string& name : elf.auxiliaries) request(object, name, {}, Strength::optional);
        for (const std::string& name : elf.filters) request(object, name, {}, Strength::needed);
        for (const std::string& name : elf.needed) request(object, name, {}, Strength::needed);
    }
}

/// Has what `object` needs brought here together: one file for each name, the first that is called so. Most often it is
/// the one that the search will settle on, and each may be in a package that must be fetched.
void Process::announce(const Loaded& object) const {
    std::vector<Content> likely;
    const auto add_first = [&](const std::string& name) {
        for (const SearchStep& step :
             search_steps(loader_.loader, image_.system, object.requester, objects_.front().requester, name)) {
            for (const SearchDirectory& directory : step.directories) {
                const FoundDirectory* place = image_.view.find_directory(directory.path);
                if (place == nullptr) continue;
                const std::optional<FoundFile> file = image_.view.find_file_in(*place, name);
                if (!file || image_.view.is_excluded(*file)) continue;
                likely.push_back(file->file->content);
                return;
            }
        }
    };
    for (const std::string& name : object.requester.elf->needed) {
        if (name.find('/') == std::string::npos && !by_name_.contains(name)) add_first(name);
    }
    image_.files.prefetch(likely);
}

void Process::load_noted() {
    for (; next_noted_ < objects_.size(); ++next_noted_) {
        const Loaded& object = objects_[next_noted_];
        for (const std::string& oddity : object.requester.elf->oddities) {
            image_.findings.warn(quote(object.file.real.str()) + " has a broken " + oddity + ", ignoring");
        }
        for (const DlopenNote& note : object.requester.elf->dlopen_notes) {
            if (admits(image_.dlopen, note.priority)) load_note(object, note);
        }
    }
}

void Process::load_note(const Loaded& requester, const DlopenNote& note) {
    const std::string reason = "dlopen note (" + std::string(name_of(note.priority)) + ")";
    for (const std::string& name : note.sonames) {
        if (request(requester, name, reason, Strength::optional)) return;
    }
    if (note.sonames.empty()) return;
    if (note.priority == DlopenPriority::required) {
        report(requester, note.sonames.front(), find(requester, note.sonames.front()));
        return;
    }
    std::string message = quote(requester.file.real.str()) + " can use " + quote(note.sonames.front());
    if (!note.feature.empty()) message += " for " + quote(note.feature);
    image_.findings.warn(message + " (" + name_of(note.priority) + "), which is not available, ignoring");
}

bool Process::request(const Loaded& requester, const std::string& name, const std::string& reason, Strength strength) {
    if (is_vdso(name)) return true;
    // Tokens may stand in DT_NEEDED too (dl-deps.c, expand_dst).
    std::string expanded = name;
    if (loader_.loader.kind == LoaderKind::glibc && name.find('$') != std::string::npos) {
        const std::vector<SearchDirectory> values = expand_tokens(loader_.loader, name, requester.requester.origin);
        if (!values.empty()) expanded = values.back().path;
    }
    if (request_loaded(requester, expanded, reason)) return true;
    Hits hits = find(requester, expanded);
    if (!hits.candidates.empty()) {
        accept(requester, expanded, reason, std::move(hits));
        return true;
    }
    if (strength == Strength::needed) report(requester, expanded, std::move(hits));
    return false;
}

bool Process::request_loaded(const Loaded& requester, const std::string& name, const std::string& reason) {
    const bool is_loader_itself =
        loader_.loader.kind == LoaderKind::musl && is_musl_itself(name) && loader_.file.has_value();
    if (is_loader_itself) {
        image_.findings.add(
            Edge{requester.file.real, name, loader_.file->spelled, "interpreter", loader_.file->through});
        return true;
    }
    const auto it = by_name_.find(name);
    if (it == by_name_.end()) return false;
    const Loaded& object = objects_[it->second];
    const std::string rule(object.is_loader ? "interpreter" : kAlreadyLoaded);
    image_.findings.add(
        Edge{requester.file.real, name, object.file.spelled, rule_of(reason, rule), object.file.through});
    return true;
}

void Process::accept(const Loaded& requester, const std::string& name, const std::string& reason, Hits hits) {
    for (Candidate& candidate : hits.candidates) {
        const bool is_last = &candidate == &hits.candidates.back();
        const std::size_t index = add_object(candidate.file, *candidate.elf, &requester.requester, false);
        // Variants are in the image, but under that name a process has the plain one.
        if (is_last) by_name_.try_emplace(name, index);
        if (is_cached(candidate.rule)) {
            image_.findings.add(CacheEntry{name, candidate.file.spelled.str(), candidate.elf->abi});
        }
        image_.findings.add(Edge{requester.file.real, name, candidate.file.spelled, rule_of(reason, candidate.rule),
                                 candidate.file.through});
    }
}

void Process::report(const Loaded& requester, const std::string& name, Hits hits) {
    if (hits.excluded) {
        image_.findings.warn(quote(requester.file.real.str()) + " needs " + quote(name) + ", but " +
                             quote(hits.excluded->str()) + " is excluded");
        return;
    }
    image_.findings.add(Missing{requester.file.real, name, std::move(hits.searched), objects_.front().file.real,
                                kind_ == RootKind::program});
}

Process::Hits Process::find(const Loaded& requester, const std::string& name) {
    Hits hits;
    if (name.find('/') == std::string::npos) {
        hits = search(requester.requester, objects_.front().requester, name);
    } else if (std::optional<FoundFile> file = image_.view.find_file(name)) {
        hits.searched.push_back(name);
        consider(std::move(*file), "path", false, hits);
    } else {
        hits.searched.push_back(name.starts_with('/') ? name : name + " (relative to the working directory)");
    }
    if (hits.candidates.empty() && kind_ == RootKind::plugin) find_for_plugin(requester, name, hits);
    return hits;
}

Process::Hits Process::search(const Requester& requester, const Requester& program, const std::string& name) {
    const std::vector<SearchStep> steps = search_steps(loader_.loader, image_.system, requester, program, name);
    const bool has_defaults = !steps.empty() && steps.back().rule == kDefaultDirectory;
    Hits hits;
    for (const SearchStep& step : steps) {
        if (is_cached(step.rule)) {
            search_cached(step, has_defaults ? &steps.back() : nullptr, name, hits);
        } else {
            search_step(step, name, hits);
        }
        if (hits.is_final) break;
    }
    return hits;
}

void Process::search_step(const SearchStep& step, const std::string& name, Hits& hits) {
    for (const SearchDirectory& directory : step.directories) {
        const bool is_variant = !directory.variant.empty();
        if (!is_variant) add_once(hits.searched, directory.path);
        const FoundDirectory* place = image_.view.find_directory(directory.path);
        if (place == nullptr) continue;
        std::optional<FoundFile> file = image_.view.find_file_in(*place, name);
        if (!file) continue;
        consider(std::move(*file), is_variant ? step.rule + ", " + directory.variant : step.rule, is_variant, hits);
        if (hits.is_final) return;
    }
}

/// The default directories are often listed in ld.so.conf too, and always in the cache. What ld.so finds there without
/// a cache, an image needs no cache for; and may have variants for better processors of.
void Process::search_cached(const SearchStep& step, const SearchStep* defaults, const std::string& name, Hits& hits) {
    for (const SearchDirectory& directory : step.directories) {
        SearchStep one{step.rule, {directory}};
        Hits here;
        search_step(one, name, here);
        if (!here.candidates.empty() && defaults != nullptr) {
            Hits by_default;
            search_step(*defaults, name, by_default);
            const bool same = !by_default.candidates.empty() &&
                              by_default.candidates.back().file.real == here.candidates.back().file.real;
            if (same) here.candidates = std::move(by_default.candidates);
        }
        for (std::string& place : here.searched) add_once(hits.searched, std::move(place));
        if (here.excluded) hits.excluded = here.excluded;
        hits.is_final = here.is_final;
        hits.candidates.insert(hits.candidates.end(), here.candidates.begin(), here.candidates.end());
        if (hits.is_final) return;
    }
}

/// open_verify: what is for another machine is passed over, what is broken ends the search.
void Process::consider(FoundFile file, std::string rule, bool is_variant, Hits& hits) {
    if (image_.view.is_excluded(file)) {
        if (!is_variant) hits.excluded = file.spelled;
        return;
    }
    const ObjectFile& object = image_.files.read(file.real, file.file->content);
    const auto refuse = [&](const std::string& why, bool is_final) {
        hits.searched.push_back(file.spelled.str() + " (" + why + ")");
        hits.is_final = is_final;
    };
    if (!object.elf) return refuse(object.problem, !is_variant);
    if (!is_compatible(root_elf_.abi, object.elf->abi)) {
        return refuse("is for " + describe(object.elf->abi), loader_.loader.kind == LoaderKind::musl);
    }
    if (!object.elf->is_shared_object()) return refuse("is not a shared library", !is_variant);
    hits.candidates.push_back({std::move(file), &*object.elf, std::move(rule)});
    hits.is_final = !is_variant;
}

/// A plug-in is loaded by a program that has an RPATH, and libraries of its own by then. Which program that is nobody
/// knows; but what is in the image anyway under that name is what its author counts on.
void Process::find_for_plugin(const Loaded& requester, const std::string& name, Hits& hits) {
    for (const Requester& program : image_.for_plugins.programs) {
        if (!is_compatible(program.elf->abi, root_elf_.abi)) continue;
        Hits more = search(requester.requester, program, name);
        for (std::string& place : more.searched) add_once(hits.searched, std::move(place));
        if (more.candidates.empty()) continue;
        hits.candidates = std::move(more.candidates);
        return;
    }
    const auto& by_name = image_.for_plugins.by_name;
    const auto it = by_name.find({root_elf_.abi, name});
    if (it == by_name.end()) return;
    std::optional<FoundFile> file = image_.view.find_file(it->second.str());
    if (file) consider(std::move(*file), std::string(kAlreadyLoaded), false, hits);
}

}  // namespace smith::elf
