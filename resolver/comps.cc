// SPDX-License-Identifier: Apache-2.0
#include "resolver/comps.h"

#include <fnmatch.h>

#include <algorithm>
#include <map>

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

template <typename T>
T& by_id(std::vector<T>& all, const T& one) {
    const auto found = std::find_if(all.begin(), all.end(), [&](const T& other) { return other.id == one.id; });
    if (found != all.end()) return *found;
    all.push_back({one.id, one.name, {}});
    return all.back();
}

class CompsHandler : public XmlHandler {
public:
    CompsHandler(const std::string& basearch, Comps& comps) : basearch_(basearch), comps_(comps) {}

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
        if (!is_wanted_ || group_.id.empty()) return;
        Group& known = by_id(comps_.groups, group_);
        for (GroupPackage& package : group_.packages) {
            const bool is_new = std::none_of(known.packages.begin(), known.packages.end(),
                                             [&](const GroupPackage& other) { return other.name == package.name; });
            if (is_new && !package.name.empty()) known.packages.push_back(std::move(package));
        }
    }

    void finish_environment() {
        if (!is_wanted_ || environment_.id.empty()) return;
        EnvironmentGroup& known = by_id(comps_.environments, environment_);
        for (std::string& id : environment_.groups) {
            if (std::find(known.groups.begin(), known.groups.end(), id) == known.groups.end())
                known.groups.push_back(std::move(id));
        }
    }

    const std::string& basearch_;
    Comps& comps_;
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
    for (const EnvironmentGroup* environment : matching(environments, spec)) {
        for (const std::string& id : environment->groups) {
            if (const Group* group = find(id)) out.push_back(group);
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
