// SPDX-License-Identifier: Apache-2.0
#include "resolver/package_spec.h"

#include <fnmatch.h>
#include <rpm/rpmver.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <tuple>

namespace smith::resolver {

namespace {

bool fits(const std::string& pattern, const std::string& text) {
    return is_glob(pattern) ? fnmatch(pattern.c_str(), text.c_str(), 0) == 0 : pattern == text;
}

/// A version or release: "1.0" is also "1.00", as rpm compares them.
bool fits_version(const std::string& pattern, const std::string& version) {
    return is_glob(pattern) ? fits(pattern, version) : rpmvercmp(pattern.c_str(), version.c_str()) == 0;
}

/// Some parts of a NEVRA; what is absent or "*" fits everything.
struct Parts {
    std::string name;
    std::optional<unsigned long> epoch;
    std::string version;
    std::string release;
    std::string arch;

    [[nodiscard]] bool fit(const Nevra& nevra) const {
        const auto any = [](const std::string& part) { return part.empty() || part == "*"; };
        return (any(name) || fits(name, nevra.name)) && (!epoch || *epoch == nevra.epoch) &&
               (any(version) || fits_version(version, nevra.version)) &&
               (any(release) || fits_version(release, nevra.release)) && (any(arch) || fits(arch, nevra.arch));
    }
};

/// Cuts what follows the last `separator` off `text`. Nothing when there is none.
std::optional<std::string> cut(std::string& text, char separator) {
    const std::size_t at = text.rfind(separator);
    if (at == std::string::npos) return std::nullopt;
    std::string tail = text.substr(at + 1);
    text.erase(at);
    return tail;
}

/// libdnf's nevra.cpp has regular expressions for this. None is ambiguous: a version and a release hold no '-', an
/// architecture holds neither '-' nor '.', and a name is what is left.
std::optional<Parts> parse(std::string text, bool has_version, bool has_release, bool has_arch) {
    if (text.find_first_of("(/=<> ") != std::string::npos) return std::nullopt;
    Parts out;
    const auto take = [&](bool wanted, char separator, std::string& to) {
        if (!wanted) return true;
        auto part = cut(text, separator);
        if (!part || part->empty()) return false;
        to = std::move(*part);
        return true;
    };
    if (!take(has_arch, '.', out.arch) || !take(has_release, '-', out.release) || !take(has_version, '-', out.version))
        return std::nullopt;
    if (const std::size_t colon = out.version.find(':'); colon != std::string::npos) {
        const std::string epoch = out.version.substr(0, colon);
        constexpr std::size_t kMaxEpochDigits = 10;  // 32 bits
        if (epoch.empty() || epoch.size() > kMaxEpochDigits ||
            epoch.find_first_not_of("0123456789") != std::string::npos)
            return std::nullopt;
        out.epoch = std::stoul(epoch);
        out.version.erase(0, colon + 1);
    }
    out.name = std::move(text);
    if (out.name.empty() || (has_version && out.version.empty())) return std::nullopt;
    for (const std::string& part : {out.name, out.version, out.release, out.arch}) {
        if (part.find(':') != std::string::npos) return std::nullopt;
    }
    if (out.arch.find('-') != std::string::npos) return std::nullopt;
    return out;
}

bool is_source(const ::Pool* pool, Id package) {
    const Id arch = pool_id2solvable(pool, package)->arch;
    return arch == ARCH_SRC || arch == ARCH_NOSRC;
}

class Matcher {
public:
    Matcher(const PackagePool& pool, Among among) : pool_(pool) {
        for (const Id id : pool.packages()) {
            const bool counts = among == Among::installable ? pool.is_installable(id) : !is_source(pool.raw(), id);
            if (counts) packages_.push_back(id);
        }
    }

    [[nodiscard]] std::vector<Id> fitting(const Parts& parts) const {
        const Id name = is_glob(parts.name) ? 0 : pool_str2id(pool_.raw(), parts.name.c_str(), 0);
        if (name == 0 && !is_glob(parts.name)) return {};
        return filter([&](Id id) {
            return (name == 0 || pool_id2solvable(pool_.raw(), id)->name == name) && parts.fit(pool_.nevra_of(id));
        });
    }

    [[nodiscard]] std::vector<Id> fitting_nevra(const std::string& glob) const {
        if (!is_glob(glob) || glob.find_first_of("(/=<> ") != std::string::npos) return {};
        const bool with_epoch = glob.find(':') != std::string::npos;
        return filter([&](Id id) {
            const Nevra nevra = pool_.nevra_of(id);
            std::string text = nevra.name + "-" + (with_epoch ? std::to_string(nevra.epoch) + ":" : std::string());
            text += nevra.version + "-" + nevra.release + "." + nevra.arch;
            return fits(glob, text);
        });
    }

    [[nodiscard]] std::vector<Id> providing(const std::string& spec) const {
        const auto [name, flags, evr] = split_dependency(spec);
        ::Pool* pool = pool_.raw();
        std::set<Id> dependencies;
        if (!is_glob(name)) {
            const Id id = pool_str2id(pool, name.c_str(), 0);
            if (id != 0) dependencies.insert(id);
        } else {
            for (const Id id : packages_) collect_provided(id, name, dependencies);
        }
        std::set<Id> found;
        for (Id dependency : dependencies) {
            if (flags != 0) dependency = pool_rel2id(pool, dependency, pool_str2id(pool, evr.c_str(), 1), flags, 1);
            Id provider = 0;
            Id at = 0;
            FOR_PROVIDES(provider, at, dependency) { found.insert(provider); }
        }
        return filter([&](Id id) { return found.contains(id); });
    }

    [[nodiscard]] std::vector<Id> having(const std::string& path) const {
        const std::vector<Id> owners = pool_.owners_of(path);
        return filter([&](Id id) { return std::binary_search(owners.begin(), owners.end(), id); });
    }

private:
    template <typename Wanted>
    [[nodiscard]] std::vector<Id> filter(const Wanted& wanted) const {
        std::vector<Id> out;
        std::copy_if(packages_.begin(), packages_.end(), std::back_inserter(out), wanted);
        return out;
    }

    /// "NAME OPERATOR EVR". A text with spaces that is nothing of the kind is a name: a file may be called anything.
    static std::tuple<std::string, int, std::string> split_dependency(const std::string& spec) {
        static const std::array<std::pair<const char*, int>, 5> kOperators = {
            {{"<=", REL_LT | REL_EQ}, {">=", REL_GT | REL_EQ}, {"<", REL_LT}, {">", REL_GT}, {"=", REL_EQ}}};
        const std::size_t space = spec.find_first_of(" \t");
        if (space != std::string::npos) {
            const std::size_t at = spec.find_first_not_of(" \t", space);
            for (const auto& [text, flags] : kOperators) {
                const std::string_view op = text;
                if (at == std::string::npos || spec.compare(at, op.size(), op) != 0) continue;
                const std::size_t evr = spec.find_first_not_of(" \t", at + op.size());
                if (evr != std::string::npos && spec.find_first_of(" \t", evr) == std::string::npos)
                    return {spec.substr(0, space), flags, spec.substr(evr)};
            }
        }
        return {spec, 0, {}};
    }

    void collect_provided(Id package, const std::string& glob, std::set<Id>& out) const {
        const ::Solvable* solvable = pool_id2solvable(pool_.raw(), package);
        if (solvable->dep_provides == 0) return;
        for (const Id* dep = solvable->repo->idarraydata + solvable->dep_provides; *dep != 0; ++dep) {
            Id name = *dep;
            while (const ::Reldep* rel = relation_of(pool_.raw(), name)) name = rel->name;
            if (name != SOLVABLE_FILEMARKER && fits(glob, pool_id2str(pool_.raw(), name))) out.insert(name);
        }
    }

    const PackagePool& pool_;
    std::vector<Id> packages_;
};

}  // namespace

bool is_path(std::string_view spec) { return spec.starts_with('/') || spec.starts_with("*/"); }

SpecMatch match_spec(const std::string& spec, const PackagePool& pool, Among among) {
    const Matcher matcher(pool, among);
    struct Form {
        bool version, release, arch;
    };
    // libdnf's HY_FORMS_MOST_SPEC.
    constexpr std::array<Form, 5> kForms = {
        {{true, true, true}, {false, false, true}, {false, false, false}, {true, true, false}, {true, false, false}}};
    for (const Form& form : kForms) {
        const auto parts = parse(spec, form.version, form.release, form.arch);
        if (!parts) continue;
        std::vector<Id> found = matcher.fitting(*parts);
        if (found.empty()) continue;
        if (is_glob(parts->arch)) return {SpecForm::any_arch, std::move(found)};
        const bool just_name = !form.version && !form.arch;
        return {just_name ? SpecForm::name : SpecForm::other_nevra, std::move(found)};
    }
    if (auto found = matcher.fitting_nevra(spec); !found.empty()) return {SpecForm::other_nevra, std::move(found)};
    if (auto found = matcher.providing(spec); !found.empty()) return {SpecForm::provide, std::move(found)};
    if (is_path(spec)) {
        if (auto found = matcher.having(spec); !found.empty()) return {SpecForm::file, std::move(found)};
    }
    return {};
}

std::vector<Id> match_provided(const std::string& what, const PackagePool& pool) {
    const Matcher matcher(pool, Among::installable);
    std::vector<Id> out = matcher.providing(what);
    if (is_path(what)) {
        const std::vector<Id> files = matcher.having(what);
        out.insert(out.end(), files.begin(), files.end());
    }
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
}

}  // namespace smith::resolver
