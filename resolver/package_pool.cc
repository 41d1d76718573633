// SPDX-License-Identifier: Apache-2.0
#include "resolver/package_pool.h"

#include <fnmatch.h>
#include <solv/chksum.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <unordered_map>

#include "base/bounds.h"
#include "base/error.h"
#include "base/handle.h"
#include "resolver/file_answers.h"
#include "resolver/rpm_package.h"
#include "resolver/solv_cache.h"

// libsolvext's headers leave this to C++.
extern "C" {
#include <solv/repo_rpmdb.h>
#include <solv/repo_rpmmd.h>
#include <solv/testcase.h>
}

namespace smith::resolver {

namespace {

// Pool 0 is nothing, 1 the system itself.
constexpr Id kFirstPackage = 2;

std::string algorithm_of(Id type) {
    switch (type) {
        case REPOKEY_TYPE_MD5: return "md5";
        case REPOKEY_TYPE_SHA1: return "sha1";
        case REPOKEY_TYPE_SHA224: return "sha224";
        case REPOKEY_TYPE_SHA256: return "sha256";
        case REPOKEY_TYPE_SHA384: return "sha384";
        case REPOKEY_TYPE_SHA512: return "sha512";
        default: return {};
    }
}

/// As dnf matches excludes: by name, name.arch, and the longer forms up to the whole NEVRA.
bool matches_package(const std::string& glob, const Nevra& nevra) {
    const std::string vr = nevra.version + "-" + nevra.release;
    const std::string evr = std::to_string(nevra.epoch) + ":" + vr;
    for (const std::string& form : {nevra.name, nevra.name + "." + nevra.arch, nevra.name + "-" + nevra.version,
                                    nevra.name + "-" + vr, nevra.name + "-" + vr + "." + nevra.arch,
                                    nevra.name + "-" + evr, nevra.name + "-" + evr + "." + nevra.arch}) {
        if (fnmatch(glob.c_str(), form.c_str(), 0) == 0) return true;
    }
    return false;
}

bool matches_any(const std::vector<std::string>& globs, const Nevra& nevra) {
    return std::any_of(globs.begin(), globs.end(), [&](const auto& glob) { return matches_package(glob, nevra); });
}

/// Out of the file lists of `repository`, if what was asked before does not answer it.
std::vector<FileOwner> look_up(const Repository& repository, const WantedFiles& wanted, HttpClient& http,
                               Reporter& reporter) {
    const RepomdRecord* record = repository.repomd().find("filelists");
    if (record == nullptr) return {};
    FileAnswers answers(repository.cache_folder(), record->checksum);
    if (const WantedFiles unknown = answers.unknown(wanted); !unknown.empty()) {
        MetadataStream stream(repository.file("filelists", http, reporter).value(), *record);
        answers.add(unknown, find_files(stream, unknown), reporter);
    }
    return answers.known(wanted);
}

std::string hex_checksum_of(::Solvable* solvable) {
    Id type = 0;
    const char* hex = solvable_lookup_checksum(solvable, SOLVABLE_CHECKSUM, &type);
    return hex == nullptr ? std::string() : hex;
}

}  // namespace

PackagePool::PackagePool(const std::string& arch) : basearch_(basearch_of(arch)), arch_(arch), pool_(pool_create()) {
    pool_setdisttype(pool_.get(), DISTTYPE_RPM);
    pool_setarch(pool_.get(), arch.c_str());
    // As Fedora builds libsolv, and so as dnf solves there: packages of two word sizes stand side by side, in one
    // version.
    pool_set_flag(pool_.get(), POOL_FLAG_IMPLICITOBSOLETEUSESCOLORS, 1);
    // It would print what it has to say; we ask for it.
    pool_setdebugcallback(
        pool_.get(), [](::Pool*, void*, int, const char*) noexcept {}, nullptr);
}

PackagePool::~PackagePool() {
    pool_.reset();
    map_free(&considered_);
}

::Repo* PackagePool::add_repo(const RepoConfig& config, const Repository* repository) {
    ::Repo* repo = repo_create(pool_.get(), config.id.c_str());
    // To libsolv a higher number is the better one; to dnf.conf(5) the lower.
    repo->priority = -config.priority;
    repo->subpriority = -config.cost;
    sources_[repo] = {config, repository};
    return repo;
}

void PackagePool::add_repository(const Repository& repository, HttpClient& http, Reporter& reporter, Texts texts) {
    const auto doing = [&] { return "reading the packages of repository " + quote(repository.config().id); };
    while_doing(doing, [&] {
        const RepomdRecord* record = repository.repomd().find("primary");
        if (record == nullptr) throw Error(ErrorKind::format, "its repomd.xml lists no primary metadata");
        ::Repo* repo = add_repo(repository.config(), &repository);
        const SolvCache cache(repository.cache_folder(), record->checksum);
        if (texts == Texts::dropped && cache.load(repo)) return;
        MetadataStream stream(repository.file("primary", http, reporter).value(), *record);
        const int failed = repo_add_rpmmd(repo, stream.as_file(), nullptr, 0);
        // Damage first: what libsolv could not parse was perhaps not what the repository announced.
        stream.finish();
        if (failed != 0) throw Error(ErrorKind::format, std::string("primary.xml: ") + pool_errstr(pool_.get()));
        if (texts == Texts::dropped) cache.store(repo, reporter);
    });
}

void PackagePool::add_testtags(const RepoConfig& config, const std::string& text) {
    ::Repo* repo = add_repo(config, nullptr);
    const std::unique_ptr<std::FILE, FreeWith<std::fclose>> file(
        fmemopen(const_cast<char*>(text.data()), text.size(), "r"));  // "r": only read
    if (!file || testcase_add_testtags(repo, file.get(), 0) != 0) {
        throw Error(ErrorKind::format, "scenario " + quote(config.id) + ": " + pool_errstr(pool_.get()));
    }
}

void PackagePool::add_local(const LocalRpm& local) {
    const auto doing = [&] { return "reading " + quote(local.location); };
    while_doing(doing, [&] {
        // librpm looks first: it is the stricter reader of the two, and says what is wrong.
        static_cast<void>(read_rpm_header(local.file, nullptr));
        if (local_repo_ == nullptr) local_repo_ = repo_create(pool_.get(), "local files");
        const Id id = repo_add_rpm(local_repo_, local.file.c_str(), 0);
        // In a cache, it may have been deleted since librpm looked.
        if (id == 0 && ::access(local.file.c_str(), F_OK) != 0) {
            throw system_error(errno, "opening " + quote(local.file.string()));
        }
        if (id == 0) throw Error(ErrorKind::format, pool_errstr(pool_.get()));
        locals_.push_back(local);
        local_ids_.push_back(id);
    });
}

void PackagePool::keep_only(const std::vector<Pin>& pins) {
    std::map<std::string, std::vector<std::size_t>> by_name;
    for (std::size_t i = 0; i < pins.size(); ++i) by_name[pins[i].nevra.name].push_back(i);
    std::set<std::size_t> missing;
    for (std::size_t i = 0; i < pins.size(); ++i) missing.insert(i);
    kept_.emplace();
    for (const Id id : packages()) {
        const auto named = by_name.find(text_of(pool_.get(), pool_id2solvable(pool_.get(), id)->name));
        if (named == by_name.end()) continue;
        for (const std::size_t i : named->second) {
            if (!pins[i].matches(nevra_of(id), checksum_of(id))) continue;
            kept_->insert(id);
            missing.erase(i);
        }
    }
    if (missing.empty()) return;
    std::string message = "no repository has";
    for (const std::size_t i : missing) {
        message += (i == *missing.begin() ? " " : ", ") + quote(pins[i].str());
        if (pins[i].checksum) message += " with the checksum " + pins[i].checksum->str();
    }
    throw Error(ErrorKind::resolve, message);
}

Checksum PackagePool::checksum_of(Id package) const {
    Id type = 0;
    const char* hex = solvable_lookup_checksum(pool_id2solvable(pool_.get(), package), SOLVABLE_CHECKSUM, &type);
    return hex == nullptr ? Checksum{} : Checksum{algorithm_of(type), hex};
}

void PackagePool::prepare() {
    if (local_repo_ != nullptr) repo_internalize(local_repo_);
    apply_excludes();
    pool_addfileprovides(pool_.get());
    for (const auto& [path, owners] : files_) {
        for (const Id id : owners) add_file(id, path);
    }
    pool_createwhatprovides(pool_.get());
}

void PackagePool::apply_excludes() {
    map_free(&considered_);
    map_init(&considered_, pool_->nsolvables);
    map_setall(&considered_);
    pool_->considered = &considered_;
    for (const auto& [repo, source] : sources_) {
        const RepoConfig& config = source.config;
        if (config.excludepkgs.empty() && config.includepkgs.empty() && !kept_) continue;
        Id id = 0;
        ::Solvable* solvable = nullptr;
        FOR_REPO_SOLVABLES(repo, id, solvable) {
            if (kept_ && !kept_->contains(id)) remove_from_map(considered_, id);
            if (!fits_settings(id, config)) remove_from_map(considered_, id);
        }
    }
    for (const auto& [id, stream] : module_filter_.hidden) remove_from_map(considered_, id);
}

bool PackagePool::fits_settings(Id package, const RepoConfig& config) const {
    const Nevra nevra = nevra_of(package);
    const bool included = config.includepkgs.empty() || matches_any(config.includepkgs, nevra);
    return included && !matches_any(config.excludepkgs, nevra);
}

void PackagePool::add_file(Id package, const std::string& path) {
    ::Solvable* solvable = pool_id2solvable(pool_.get(), package);
    const Id id = pool_str2id(pool_.get(), path.c_str(), 1);
    solvable->dep_provides = repo_addid_dep(solvable->repo, solvable->dep_provides, id, SOLVABLE_FILEMARKER);
}

void PackagePool::load_files(const WantedFiles& wanted, HttpClient& http, Reporter& reporter) {
    for (const auto& entry : sources_) {
        ::Repo* repo = entry.first;
        const Source& source = entry.second;
        if (source.repository == nullptr) continue;
        const auto doing = [&] { return "reading the file lists of repository " + quote(repo->name); };
        while_doing(doing, [&] {
            std::unordered_map<std::string, Id> by_checksum;
            Id id = 0;
            ::Solvable* solvable = nullptr;
            FOR_REPO_SOLVABLES(repo, id, solvable) { by_checksum.emplace(hex_checksum_of(solvable), id); }
            for (const FileOwner& owner : look_up(*source.repository, wanted, http, reporter)) {
                const auto found = by_checksum.find(owner.package_checksum);
                if (found != by_checksum.end()) files_[owner.path].push_back(found->second);
            }
        });
    }
}

std::vector<const Repository*> PackagePool::repositories() const {
    std::map<std::string, const Repository*> by_id;
    for (const auto& [repo, source] : sources_) {
        if (source.repository != nullptr) by_id[source.config.id] = source.repository;
    }
    std::vector<const Repository*> out;
    for (const auto& [id, repository] : by_id) out.push_back(repository);
    return out;
}

void PackagePool::load_groups(HttpClient& http, Reporter& reporter) {
    for (const Repository* from : repositories()) {
        const auto doing = [&] { return "reading the groups of repository " + quote(from->config().id); };
        while_doing(doing, [&] {
            // "group" may be stored as it is or compressed; old repositories have the other two beside it.
            for (const char* type : {"group", "group_xz", "group_gz"}) {
                const RepomdRecord* record = from->repomd().find(type);
                if (record == nullptr) continue;
                MetadataStream stream(from->file(type, http, reporter).value(), *record);
                read_comps(stream, basearch_, groups_);
                return;
            }
        });
    }
}

void PackagePool::load_modules(HttpClient& http, Reporter& reporter) {
    for (const Repository* from : repositories()) {
        const RepomdRecord* record = from->repomd().find("modules");
        if (record == nullptr) continue;
        const auto doing = [&] { return "reading the modules of repository " + quote(from->config().id); };
        while_doing(doing, [&] {
            MetadataStream stream(from->file("modules", http, reporter).value(), *record, MetadataText::yaml);
            add_modules(stream);
        });
    }
}

void PackagePool::apply_modules(ModuleRequest request, Reporter& reporter) {
    request.arch = arch_;
    if (request.platform.empty()) request.platform = platform_of_packages(*pool_).value_or("");
    module_choice_ = choose_modules(modules_, request, reporter);
    module_filter_ = filter_by_modules(*pool_, modules_, module_choice_, [&](const ::Repo* repo) {
        const auto source = sources_.find(const_cast<::Repo*>(repo));
        return source == sources_.end() || source->second.config.module_hotfixes;
    });
}

bool PackagePool::is_active(std::size_t stream) const {
    return stream < module_choice_.active.size() && module_choice_.active[stream];
}

std::optional<std::string> PackagePool::module_of(Id package) const {
    const auto found = module_filter_.active.find(package);
    if (found == module_filter_.active.end()) return std::nullopt;
    return modules_.streams[found->second].name_stream();
}

bool PackagePool::is_hotfix(Id package) const {
    const auto source = sources_.find(pool_id2solvable(pool_.get(), package)->repo);
    return source != sources_.end() && source->second.config.module_hotfixes;
}

bool PackagePool::is_installable(Id package) const {
    return pool_installable(pool_.get(), pool_id2solvable(pool_.get(), package)) != 0 && !is_excluded(package);
}

bool PackagePool::is_excluded(Id package) const {
    return pool_->considered != nullptr && !MAPTST(pool_->considered, package);
}

std::string PackagePool::why_excluded(Id package) const {
    const auto source = sources_.find(pool_id2solvable(pool_.get(), package)->repo);
    const bool fits = source == sources_.end() || fits_settings(package, source->second.config);
    const auto hidden = module_filter_.hidden.find(package);
    if (!fits || hidden == module_filter_.hidden.end()) {
        return "is excluded by its repository's excludepkgs or includepkgs";
    }
    const std::string stream = quote(modules_.streams[hidden->second].name_stream());
    if (is_active(hidden->second)) return "is hidden by module stream " + stream + ", which has another one";
    return "is of module stream " + stream + ", which is not active ('modules' in a spec would make it so)";
}

std::vector<Id> PackagePool::packages() const {
    std::vector<Id> out;
    for (Id id = kFirstPackage; id < pool_->nsolvables; ++id) {
        if (pool_id2solvable(pool_.get(), id)->repo != nullptr) out.push_back(id);
    }
    return out;
}

std::vector<Id> PackagePool::owners_of(const std::string& path) const {
    std::vector<Id> out;
    ::Dataiterator iterator{};
    const int how = (is_glob(path) ? SEARCH_GLOB : SEARCH_STRING) | SEARCH_FILES;
    dataiterator_init(&iterator, pool_.get(), nullptr, 0, SOLVABLE_FILELIST, path.c_str(), how);
    while (dataiterator_step(&iterator) != 0) {
        out.push_back(iterator.solvid);
        dataiterator_skip_solvable(&iterator);
    }
    dataiterator_free(&iterator);
    WantedFiles wanted;
    (is_glob(path) ? static_cast<void>(wanted.globs.push_back(path)) : static_cast<void>(wanted.paths.insert(path)));
    for (const auto& [file, owners] : files_) {
        if (wanted.contains(file)) out.insert(out.end(), owners.begin(), owners.end());
    }
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
}

Nevra PackagePool::nevra_of(Id package) const {
    const ::Solvable* solvable = pool_id2solvable(pool_.get(), package);
    Nevra out;
    out.name = text_of(pool_.get(), solvable->name);
    out.arch = text_of(pool_.get(), solvable->arch);
    std::string_view evr = pool_id2str(pool_.get(), solvable->evr);
    if (const std::size_t colon = evr.find(':'); colon != std::string_view::npos) {
        static_cast<void>(std::from_chars(evr.data(), evr.data() + colon, out.epoch));
        evr.remove_prefix(colon + 1);
    }
    const std::size_t dash = evr.rfind('-');
    out.version = evr.substr(0, dash);
    out.release = dash == std::string_view::npos ? std::string_view() : evr.substr(dash + 1);
    return out;
}

const LocalRpm* PackagePool::local_of(Id package) const {
    const auto it = std::find(local_ids_.begin(), local_ids_.end(), package);
    return it == local_ids_.end() ? nullptr : &locals_[static_cast<std::size_t>(it - local_ids_.begin())];
}

PackageRef PackagePool::ref_of(Id package) const {
    PackageRef out;
    out.nevra = nevra_of(package);
    if (const LocalRpm* local = local_of(package)) {
        out.location = local->location;
        out.checksum = {"sha256", local->sha256.hex()};
        out.size = local->size;
        return out;
    }
    ::Solvable* solvable = pool_id2solvable(pool_.get(), package);
    const Source& source = sources_.at(solvable->repo);
    out.repo = source.config.id;
    if (source.repository == nullptr) return out;

    const auto doing = [&] { return "package " + quote(out.nevra.str()) + " of repository " + quote(out.repo); };
    while_doing(doing, [&] {
        if (solvable_lookup_str(solvable, SOLVABLE_MEDIABASE) != nullptr) {
            throw Error(ErrorKind::format, "its location has an xml:base, and would be fetched from somewhere else");
        }
        const char* location = solvable_lookup_location(solvable, nullptr);
        out.location = location == nullptr ? "" : location;
        check_location(out.location);
        Id type = 0;
        const char* hex = solvable_lookup_checksum(solvable, SOLVABLE_CHECKSUM, &type);
        if (hex == nullptr) throw Error(ErrorKind::format, "it has no checksum");
        out.checksum = make_checksum(algorithm_of(type), hex);
        out.size = solvable_lookup_num(solvable, SOLVABLE_DOWNLOADSIZE, 0);
        if (out.size == 0 || out.size > limits::kMaxRpmBytes) {
            throw Error(ErrorKind::format, "its size is " + std::to_string(out.size));
        }
        // Only a hint where to find something that is verified: one that can't be right is none.
        const std::uint64_t header_end = solvable_lookup_num(solvable, SOLVABLE_HEADEREND, 0);
        if (header_end <= out.size) out.header_end = header_end;
    });
    return out;
}

}  // namespace smith::resolver
