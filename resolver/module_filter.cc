// SPDX-License-Identifier: Apache-2.0
#include "resolver/module_filter.h"

#include <set>
#include <string_view>
#include <unordered_map>

#include "base/error.h"
#include "resolver/nevra.h"

namespace smith::resolver {

namespace {

// Pool 0 is nothing, 1 the system itself.
constexpr Id kFirstPackage = 2;

/// Name, EVR and architecture as the pool's numbers.
using Identity = std::tuple<Id, Id, Id>;

/// Libsolv's lookups take a pool that may change; with 0 for "create" none does.
Id known_id(const ::Pool& pool, const std::string& text) {
    return pool_str2id(const_cast<::Pool*>(&pool), text.c_str(), 0);
}

/// Nothing for what the pool has never heard of: mostly packages of streams that have moved on.
std::optional<Identity> identity_of(const ::Pool& pool, const Nevra& nevra) {
    const Identity out{known_id(pool, nevra.name), known_id(pool, nevra.evr()), known_id(pool, nevra.arch)};
    if (std::get<0>(out) == 0 || std::get<1>(out) == 0 || std::get<2>(out) == 0) return std::nullopt;
    return out;
}

/// "name-0:1-1.noarch": in modules.yaml an epoch is written out even when it is none. What is no NEVRA means nothing.
std::optional<Nevra> parse_artifact(std::string text) {
    if (const std::size_t at = text.find("-0:"); at != std::string::npos) text.erase(at + 1, 2);
    try {
        return Nevra::parse(text);
    } catch (const Error&) {
        return std::nullopt;
    }
}

bool is_source(std::string_view arch) { return arch == "src" || arch == "nosrc"; }

template <typename Visit>
void for_each_package(const ::Pool& pool, Visit&& visit) {
    for (Id id = kFirstPackage; id < pool.nsolvables; ++id) {
        const ::Solvable& solvable = pool.solvables[id];
        if (solvable.repo != nullptr) visit(id, solvable);
    }
}

/// `visit` with the name of each thing that `solvable` provides.
template <typename Visit>
void for_each_provided(const ::Pool& pool, const ::Solvable& solvable, Visit&& visit) {
    if (solvable.dep_provides == 0) return;
    for (const Id* dep = solvable.repo->idarraydata + solvable.dep_provides; *dep != 0; ++dep) {
        Id name = *dep;
        while (const ::Reldep* rel = relation_of(&pool, name)) name = rel->name;
        visit(name);
    }
}

class Filter {
public:
    Filter(const ::Pool& pool, const Modules& modules, const ModuleChoice& choice) : pool_(pool) {
        for (std::size_t i = 0; i < modules.streams.size(); ++i) add_stream(modules.streams[i], i, choice.active[i]);
    }

    ModuleFilter apply(const std::function<bool(const ::Repo*)>& is_exempt) const {
        ModuleFilter out;
        for_each_package(pool_, [&](Id id, const ::Solvable& solvable) {
            const Identity identity{solvable.name, solvable.evr, solvable.arch};
            if (const auto own = included_.find(identity); own != included_.end()) {
                out.active.emplace(id, own->second);
                return;
            }
            if (is_exempt(solvable.repo)) return;
            if (const auto own = excluded_.find(identity); own != excluded_.end()) {
                out.hidden.emplace(id, own->second);
            } else if (const std::optional<std::size_t> stream = taken_by(solvable)) {
                out.hidden.emplace(id, *stream);
            }
        });
        return out;
    }

private:
    void add_stream(const ModuleStream& stream, std::size_t index, bool is_active) {
        std::map<Identity, std::size_t>& identities = is_active ? included_ : excluded_;
        for (const std::string& text : stream.artifacts) {
            const std::optional<Nevra> nevra = parse_artifact(text);
            if (!nevra) continue;
            if (const auto identity = identity_of(pool_, *nevra)) identities.emplace(*identity, index);
            if (!is_active || is_source(nevra->arch) || stream.demodularized.contains(nevra->name)) continue;
            if (const Id name = known_id(pool_, nevra->name)) names_.emplace(name, index);
        }
    }

    /// A stream has what `solvable` is called, or claims to be.
    [[nodiscard]] std::optional<std::size_t> taken_by(const ::Solvable& solvable) const {
        std::optional<std::size_t> out;
        const auto look = [&](Id name) {
            const auto found = names_.find(name);
            if (found != names_.end() && !out) out = found->second;
        };
        if (solvable.arch != ARCH_SRC && solvable.arch != ARCH_NOSRC) look(solvable.name);
        for_each_provided(pool_, solvable, look);
        return out;
    }

    const ::Pool& pool_;
    std::map<Identity, std::size_t> included_;
    std::map<Identity, std::size_t> excluded_;
    std::unordered_map<Id, std::size_t> names_;
};

}  // namespace

ModuleFilter filter_by_modules(const ::Pool& pool, const Modules& modules, const ModuleChoice& choice,
                               const std::function<bool(const ::Repo*)>& is_exempt) {
    return Filter(pool, modules, choice).apply(is_exempt);
}

std::optional<std::string> platform_of_packages(const ::Pool& pool) {
    constexpr std::string_view kPrefix = "base-module(";
    const Id release = known_id(pool, "system-release");
    if (release == 0) return std::nullopt;
    std::set<std::string> found;
    for_each_package(pool, [&](Id, const ::Solvable& solvable) {
        bool is_release = false;
        std::set<std::string> platforms;
        for_each_provided(pool, solvable, [&](Id name) {
            const std::string_view text = pool_id2str(&pool, name);
            is_release = is_release || name == release;
            if (text.starts_with(kPrefix) && text.ends_with(')')) {
                platforms.emplace(text.substr(kPrefix.size(), text.size() - kPrefix.size() - 1));
            }
        });
        if (is_release) found.merge(platforms);
    });
    if (found.size() != 1) return std::nullopt;
    return *found.begin();
}

}  // namespace smith::resolver
