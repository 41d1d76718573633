// SPDX-License-Identifier: Apache-2.0
//
// All packages that there are to choose from, in libsolv's pool. Internal to solving.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/http.h"
#include "base/reporter.h"
#include "resolver/comps.h"
#include "resolver/file_lists.h"
#include "resolver/module_filter.h"
#include "resolver/repository.h"
#include "resolver/solv.h"
#include "resolver/solve.h"

namespace smith::resolver {

/// Summaries, descriptions and the like: nobody but a person asks for them, and caches leave them out.
enum class Texts { dropped, kept };

class PackagePool {
public:
    /// `arch` decides which packages can be installed at all: its own, those it is compatible with, and noarch.
    explicit PackagePool(const std::string& arch);
    PackagePool(const PackagePool&) = delete;
    PackagePool& operator=(const PackagePool&) = delete;
    ~PackagePool();

    /// primary.xml of `repository`, which must outlive this.
    void add_repository(const Repository& repository, HttpClient& http, Reporter& reporter,
                        Texts texts = Texts::dropped);
    /// A scenario in libsolv's test format.
    void add_testtags(const RepoConfig& config, const std::string& text);
    void add_local(const LocalRpm& local);

    /// From the next prepare() on, packages of repositories are there only if a pin means them. Throws Error (resolve)
    /// naming all pins that mean none.
    void keep_only(const std::vector<Pin>& pins);

    /// Indexes who provides what. To be called after packages or files were added.
    void prepare();

    /// Looks `wanted` up in the file lists of all repositories; what is found counts as provided after prepare().
    void load_files(const WantedFiles& wanted, HttpClient& http, Reporter& reporter);

    /// The groups of all repositories. To be called before groups().
    void load_groups(HttpClient& http, Reporter& reporter);
    [[nodiscard]] const Comps& groups() const { return groups_; }

    /// The modules of all repositories. To be called before apply_modules().
    void load_modules(HttpClient& http, Reporter& reporter);
    void add_modules(MetadataStream& stream) { read_modules(stream, modules_); }
    [[nodiscard]] const Modules& modules() const { return modules_; }
    /// From the next prepare() on, what modules hide is not there; `request.arch` is this pool's. Where `request` knows
    /// no platform, packages may. Throws Error (resolve) as choose_modules().
    void apply_modules(ModuleRequest request, Reporter& reporter);
    [[nodiscard]] bool is_active(std::size_t stream) const;
    /// The stream that `package` is of, if that is active: "nodejs:18".
    [[nodiscard]] std::optional<std::string> module_of(Id package) const;
    /// Whether the repository of `package` has module_hotfixes.
    [[nodiscard]] bool is_hotfix(Id package) const;

    /// dnf's $basearch.
    [[nodiscard]] const std::string& basearch() const { return basearch_; }

    [[nodiscard]] ::Pool* raw() const { return pool_.get(); }
    /// Not a source package, of a fitting architecture, and not excluded.
    [[nodiscard]] bool is_installable(Id package) const;
    /// By its repository's settings, a module, or a pin.
    [[nodiscard]] bool is_excluded(Id package) const;
    /// "... is excluded by ...", less the subject, of a package that is.
    [[nodiscard]] std::string why_excluded(Id package) const;
    /// All that were added, whether they can be installed or not.
    [[nodiscard]] std::vector<Id> packages() const;
    /// Packages that have `path` (or match it, if it is a glob), as far as file lists were loaded.
    [[nodiscard]] std::vector<Id> owners_of(const std::string& path) const;
    /// Of add_local(), in the order of the calls.
    [[nodiscard]] const std::vector<Id>& local_packages() const { return local_ids_; }

    [[nodiscard]] Nevra nevra_of(Id package) const;
    [[nodiscard]] std::string name_of(Id package) const { return nevra_of(package).str(); }
    /// Throws Error (format) when metadata gives it no usable location, checksum or size.
    [[nodiscard]] PackageRef ref_of(Id package) const;

private:
    struct Source {
        RepoConfig config;
        const Repository* repository = nullptr;  // null for scenarios
    };

    ::Repo* add_repo(const RepoConfig& config, const Repository* repository);
    void apply_excludes();
    [[nodiscard]] bool fits_settings(Id package, const RepoConfig& config) const;
    /// By id, so that the order is the same everywhere.
    [[nodiscard]] std::vector<const Repository*> repositories() const;
    [[nodiscard]] Checksum checksum_of(Id package) const;
    [[nodiscard]] const LocalRpm* local_of(Id package) const;
    void add_file(Id package, const std::string& path);

    std::string basearch_;
    std::string arch_;
    Comps groups_;
    Modules modules_;
    ModuleChoice module_choice_;  // by apply_modules(); this and the next
    ModuleFilter module_filter_;
    std::map<::Repo*, Source> sources_;
    std::optional<std::set<Id>> kept_;  // by keep_only()
    std::vector<LocalRpm> locals_;
    std::vector<Id> local_ids_;
    std::map<std::string, std::vector<Id>> files_;  // from file lists
    ::Map considered_{};                            // the pool points to it
    ::Repo* local_repo_ = nullptr;
    SolvPool pool_;
};

}  // namespace smith::resolver
