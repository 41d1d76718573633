// SPDX-License-Identifier: Apache-2.0
#include "resolver/comps.h"

#include <fnmatch.h>

#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "resolver/xml.h"

namespace smith::resolver {

namespace {

using Attributes = std::map<std::string, std::string>;

std::string value_of(const Attributes& attributes, const std::string& key) {
    const auto found = attributes.find(key);
    return found == attributes.end() ? std::string() : found->second;
}

/// arch="x86_64,ppc64le"; without it: everywhere.
bool is_for(const Attributes& attributes, const std::string& basearch) {
    const std::string archs = value_of(attributes, "arch");
    if (archs.empty()) return true;
    for (std::size_t at = 0; at < archs.size();) {
        const std::size_t end = std::min(archs.find_first_of(", ", at), archs.size());
        if (archs.compare(at, end - at, basearch) == 0) return true;
        at = end + 1;
    }
    return false;
}

const std::string& name_of(const GroupPackage& package) { return package.name; }
const std::string& name_of(const std::string& group) { return group; }

/// Groups, or groups of groups, by id; and what each of them has. There may be a million of both, so nobody looks
/// through them for one.
template <typename T, typename Member>
class Merged {
public:
    Merged(std::vector<T>& all, std::vector<Member> T::*members) : all_(all), members_(members) {
        for (std::size_t i = 0; i < all.size(); ++i) {
            Known& known = by_id_[all[i].id];
            known.at = i;
            for (const Member& member : all[i].*members) known.names.insert(name_of(member));
        }
    }

    /// Adds what `one` has, and the others of its id have not.
    void add(T one) {
        const auto [found, is_new] = by_id_.try_emplace(one.id);
        Known& known = found->second;
        if (is_new) {
            known.at = all_.size();
            all_.push_back({one.id, one.name, {}});
        }
        for (Member& member : one.*members_) {
            if (name_of(member).empty() || !known.names.insert(name_of(member)).second) continue;
            (all_[known.at].*members_).push_back(std::move(member));
        }
    }

private:
    struct Known {
        std::size_t at = 0;
        std::unordered_set<std::string> names;
    };
    std::vector<T>& all_;
    std::vector<Member> T::*members_;
    std::unordered_map<std::string, Known> by_id_;
};

class CompsHandler : public XmlHandler {
public:
    CompsHandler(const std::string& basearch, Comps& comps)
        : basearch_(basearch),
          groups_(comps.groups, &Group::packages),
          environments_(comps.environments, &EnvironmentGroup::groups) {}

    void start_element(std::string_view name, const Attributes& attributes) override {
        if (name == "group") {
            group_ = {};
            kind_ = Kind::group;
        } else if (name == "environment") {
            environment_ = {};
            kind_ = Kind::environment;
        } else if (name == "category") {
            kind_ = Kind::other;
        } else if (name == "optionlist") {
            in_optional_ = true;
        }
        if (name == "group" || name == "environment") is_wanted_ = is_for(attributes, basearch_);
        attributes_ = attributes;
    }

    void end_element(std::string_view name, std::string_view text) override {
        if (name == "group") finish_group();
        if (name == "environment") finish_environment();
        if (name == "group" || name == "environment" || name == "category") kind_ = Kind::other;
        if (name == "optionlist") in_optional_ = false;
        if (kind_ == Kind::group) group_element(name, text);
        if (kind_ == Kind::environment) environment_element(name, text);
        attributes_.clear();
    }

private:
    enum class Kind { other, group, environment };

    void group_element(std::string_view name, std::string_view text) {
        if (name == "id") group_.id = text;
        if (name == "name" && !attributes_.contains("xml:lang")) group_.name = text;
        if (name == "packagereq" && is_for(attributes_, basearch_)) add_package(text);
    }

    void add_package(std::string_view name) {
        // "type" may be missing; libcomps takes the package for mandatory then.
        const std::string type = value_of(attributes_, "type");
        if (type == "optional") return;
        group_.packages.push_back({std::string(name), value_of(attributes_, "basearchonly") == "true",
                                   type == "conditional" ? value_of(attributes_, "requires") : std::string()});
    }

    void environment_element(std::string_view name, std::string_view text) {
        if (name == "id") environment_.id = text;
        if (name == "name" && !attributes_.contains("xml:lang")) environment_.name = text;
        if (name == "groupid" && !in_optional_ && is_for(attributes_, basearch_))
            environment_.groups.emplace_back(text);
    }

    void finish_group() {
        if (is_wanted_ && !group_.id.empty()) groups_.add(std::exchange(group_, {}));
    }

    void finish_environment() {
        if (is_wanted_ && !environment_.id.empty()) environments_.add(std::exchange(environment_, {}));
    }

    const std::string& basearch_;
    Merged<Group, GroupPackage> groups_;
    Merged<EnvironmentGroup, std::string> environments_;
    Kind kind_ = Kind::other;
    bool in_optional_ = false;
    bool is_wanted_ = false;
    Attributes attributes_;  // of the innermost element that is open, if nothing was closed in it
    Group group_;
    EnvironmentGroup environment_;
};

template <typename T>
std::vector<const T*> matching(const std::vector<T>& all, const std::string& spec) {
    std::vector<const T*> out;
    for (const T& one : all) {
        if (one.id == spec || one.name == spec) out.push_back(&one);
    }
    if (!out.empty()) return out;
    for (const T& one : all) {
        if (fnmatch(spec.c_str(), one.id.c_str(), FNM_CASEFOLD) == 0 ||
            fnmatch(spec.c_str(), one.name.c_str(), FNM_CASEFOLD) == 0)
            out.push_back(&one);
    }
    return out;
}

}  // namespace

const Group* Comps::find(std::string_view id) const {
    const auto found = std::find_if(groups.begin(), groups.end(), [&](const Group& one) { return one.id == id; });
    return found == groups.end() ? nullptr : &*found;
}

std::vector<const Group*> Comps::match(const std::string& spec) const {
    std::vector<const Group*> out = matching(groups, spec);
    const std::vector<const EnvironmentGroup*> meant = matching(environments, spec);
    if (meant.empty()) return out;
    std::unordered_map<std::string_view, const Group*> by_id;
    for (const Group& group : groups) by_id.emplace(group.id, &group);
    for (const EnvironmentGroup* environment : meant) {
        for (const std::string& id : environment->groups) {
            if (const auto found = by_id.find(id); found != by_id.end()) out.push_back(found->second);
        }
    }
    return out;
}

void read_comps(MetadataStream& stream, const std::string& basearch, Comps& comps) {
    CompsHandler handler(basearch, comps);
    XmlParser parser(handler, Doctype::named);
    std::vector<std::byte> buffer(64 * 1024);
    while (const std::size_t count = stream.read(buffer)) parser.feed(std::span(buffer).first(count));
    parser.finish();
    stream.finish();
}

}  // namespace smith::resolver
