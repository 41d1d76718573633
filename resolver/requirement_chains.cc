// SPDX-License-Identifier: Apache-2.0
#include "resolver/requirement_chains.h"

#include <algorithm>
#include <deque>
#include <map>

namespace smith::resolver {

namespace {

/// Requirements by who provides. The lock has them sorted by who needs, so that each list is sorted, too.
std::multimap<std::string_view, const LockedRequirement*> by_provider(const Lock& lock) {
    std::multimap<std::string_view, const LockedRequirement*> out;
    for (const LockedRequirement& one : lock.requirements) out.emplace(one.provider, &one);
    return out;
}

/// For each package that leads to `target`, the requirement that begins its shortest way there; null for `target`.
std::map<std::string_view, const LockedRequirement*> ways_to(const Lock& lock, std::string_view target) {
    const auto requirements = by_provider(lock);
    std::map<std::string_view, const LockedRequirement*> out{{target, nullptr}};
    std::deque<std::string_view> open{target};
    while (!open.empty()) {
        const auto [begin, end] = requirements.equal_range(open.front());
        open.pop_front();
        for (auto at = begin; at != end; ++at) {
            if (out.emplace(at->second->needer, at->second).second) open.push_back(at->second->needer);
        }
    }
    return out;
}

}  // namespace

std::vector<RequirementChain> find_chains(const Lock& lock, std::string_view package) {
    const auto ways = ways_to(lock, package);
    std::vector<RequirementChain> out;
    for (const LockedRequest& asked : lock.asked) {
        auto at = ways.find(asked.package);
        if (at == ways.end()) continue;
        RequirementChain chain{{asked.package, asked.request}};
        for (; at->second != nullptr; at = ways.find(at->second->provider)) {
            chain.push_back({at->second->provider, at->second->dependency});
        }
        std::reverse(chain.begin(), chain.end());
        out.push_back(std::move(chain));
    }
    std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.size() < b.size(); });
    return out;
}

std::vector<Requirer> find_requirers(const Lock& lock, std::string_view package) {
    std::vector<Requirer> out;
    for (const LockedRequirement& one : lock.requirements) {
        if (one.provider == package) out.push_back({one.needer, one.dependency});
    }
    return out;
}

std::vector<std::size_t> find_locked(const Lock& lock, std::string_view text) {
    std::vector<std::size_t> out;
    for (std::size_t i = 0; i < lock.packages.size(); ++i) {
        const Nevra& nevra = lock.packages[i].nevra;
        if (text == nevra.name || text == nevra.name_arch() || text == nevra.str()) out.push_back(i);
    }
    return out;
}

}  // namespace smith::resolver
