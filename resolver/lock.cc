// SPDX-License-Identifier: Apache-2.0
#include "resolver/lock.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "base/json.h"
#include "resolver/lock_requirements.h"
#include "resolver/repo_config.h"
#include "resolver/rpm_url.h"

namespace smith::resolver {

namespace {

using nlohmann::json;

Error wrong(std::string message) { return {ErrorKind::format, std::move(message)}; }

/// An object's members, each taken once; what is left in the end is an unknown key.
class Fields {
public:
    Fields(const json& object, std::string_view what) : what_(what) {
        if (!object.is_object()) throw wrong(what_ + " is not an object");
        for (const auto& [key, value] : object.items()) left_.emplace(key, &value);
    }

    const json* optional(const std::string& key) {
        const auto it = left_.find(key);
        if (it == left_.end()) return nullptr;
        const json* value = it->second;
        left_.erase(it);
        return value;
    }
    const json& required(const std::string& key) {
        const json* value = optional(key);
        if (value == nullptr) throw wrong(what_ + " has no " + quote(key));
        return *value;
    }
    std::string string(const std::string& key) { return as_string(required(key), key); }
    std::string string_or(const std::string& key, std::string fallback) {
        const json* value = optional(key);
        return value == nullptr ? std::move(fallback) : as_string(*value, key);
    }
    bool bool_or(const std::string& key, bool fallback) {
        const json* value = optional(key);
        if (value == nullptr) return fallback;
        if (!value->is_boolean()) throw wrong(what_ + ": " + quote(key) + " is neither true nor false");
        return value->get<bool>();
    }
    std::uint64_t number(const std::string& key) { return as_number(required(key), key); }
    std::uint64_t number_or(const std::string& key, std::uint64_t fallback) {
        const json* value = optional(key);
        return value == nullptr ? fallback : as_number(*value, key);
    }
    std::optional<std::uint64_t> optional_number(const std::string& key) {
        const json* value = optional(key);
        return value == nullptr ? std::nullopt : std::optional(as_number(*value, key));
    }
    Digest digest(const std::string& key) { return Digest::parse(string(key)); }
    std::optional<Digest> optional_digest(const std::string& key) {
        const json* value = optional(key);
        if (value == nullptr) return std::nullopt;
        return Digest::parse(as_string(*value, key));
    }
    const json& array(const std::string& key) {
        const json& value = required(key);
        if (!value.is_array()) throw wrong(what_ + ": " + quote(key) + " is not a list");
        return value;
    }
    /// A newer smith may have meant something by it: to ignore it would be to build something else.
    void finish() const {
        if (!left_.empty()) throw wrong(what_ + " has an unknown key " + quote(left_.begin()->first));
    }

private:
    std::string as_string(const json& value, const std::string& key) const {
        if (!value.is_string()) throw wrong(what_ + ": " + quote(key) + " is not a string");
        return value.get<std::string>();
    }
    std::uint64_t as_number(const json& value, const std::string& key) const {
        if (!value.is_number_unsigned()) throw wrong(what_ + ": " + quote(key) + " is not a whole number");
        return value.get<std::uint64_t>();
    }

    std::string what_;
    std::map<std::string, const json*> left_;
};

Checksum parse_checksum(std::string_view text) {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) throw wrong(quote(text) + " is not of the form algorithm:digits");
    return make_checksum(text.substr(0, colon), text.substr(colon + 1));
}

void check_package(const PackageRef& package) {
    const std::string who = package.nevra.str();
    if (package.header_end > package.size) throw wrong(quote(who) + " has a header that is longer than itself");
    if (!is_strong(package.checksum)) {
        throw wrong(quote(who) + " has a " + package.checksum.algorithm +
                    " checksum, and a lock must have a strong one");
    }
    if (!package.repo.empty()) {
        while_doing([&] { return quote(who); }, [&] { check_location(package.location); });
    } else if (is_rpm_url(package.location)) {
        const RpmUrl url = while_doing([&] { return quote(who); }, [&] { return parse_rpm_url(package.location); });
        if (url.sha256 && package.checksum != Checksum{"sha256", url.sha256->hex()}) {
            throw wrong(quote(who) + " has another checksum than its URL says");
        }
    } else if (package.location.empty() || package.location.front() == '/' ||
               package.location.find("://") != std::string::npos) {
        // A local .rpm may be beside the spec's folder. It is only read when the spec itself names it in this way.
        throw wrong(quote(who) + " is a local file, and has no relative location");
    }
}

/// `lock` is sorted.
void check_requirements(const Lock& lock) {
    const auto asked = std::adjacent_find(lock.asked.begin(), lock.asked.end());
    if (asked != lock.asked.end()) throw wrong("'asked' has " + quote(asked->package) + " twice");
    const auto same_ends = [](const LockedRequirement& a, const LockedRequirement& b) {
        return a.needer == b.needer && a.provider == b.provider;
    };
    const auto twice = std::adjacent_find(lock.requirements.begin(), lock.requirements.end(), same_ends);
    if (twice != lock.requirements.end()) {
        throw wrong("'requires' has " + quote(twice->provider) + " twice for " + quote(twice->needer));
    }
}

void check_source(const LockedSource& source, std::string_view what) {
    if (source.name.empty() || source.platform.empty() || source.media_type.empty() || source.size == 0) {
        throw wrong(std::string(what) + " lacks a name, a platform, a type or a size");
    }
}

void check_lock(const Lock& lock) {
    if (lock.source) check_source(*lock.source, "'source'");
    if (lock.parent) check_source(*lock.parent, "'parent'");
    if (lock.source && !lock.packages.empty()) throw wrong("it has both a 'source' and packages");
    if (lock.schema != 1) {
        throw wrong("the lock has schema " + std::to_string(lock.schema) + ", and this smith reads schema 1");
    }
    if (lock.arch.empty()) throw wrong("the lock has no arch");
    std::set<std::string> ids;
    for (const LockedRepo& repo : lock.repos) {
        if (!is_repo_id(repo.id)) throw wrong("repository " + quote(repo.id) + ": " + std::string(kRepoIdRule));
        if (!ids.insert(repo.id).second) throw wrong("repository " + quote(repo.id) + " is there twice");
    }
    std::set<std::string> names;
    for (std::size_t i = 0; i < lock.packages.size(); ++i) {
        check_package(lock.packages[i]);
        if (!lock.packages[i].repo.empty() && !ids.contains(lock.packages[i].repo)) {
            throw wrong(quote(lock.packages[i].nevra.str()) + " is from " + quote(lock.packages[i].repo) +
                        ", which the lock does not list");
        }
        names.insert(lock.packages[i].nevra.name_arch());
        if (i > 0 && lock.packages[i].nevra == lock.packages[i - 1].nevra) {
            throw wrong(quote(lock.packages[i].nevra.str()) + " is there twice");
        }
    }
    const auto must_be_there = [&](const std::string& name, const char* key) {
        if (names.contains(name)) return;
        throw wrong("'" + std::string(key) + "' names " + quote(name) + ", which is not among the packages");
    };
    for (const std::string& name : lock.ships) must_be_there(name, "ships");
    for (const LockedRequest& asked : lock.asked) must_be_there(asked.package, "asked");
    for (const LockedRequirement& requirement : lock.requirements) {
        must_be_there(requirement.needer, "requires");
        must_be_there(requirement.provider, "requires");
    }
    check_requirements(lock);
}

Lock sorted(Lock lock) {
    std::sort(lock.repos.begin(), lock.repos.end());
    std::sort(lock.packages.begin(), lock.packages.end());
    std::sort(lock.ships.begin(), lock.ships.end());
    std::sort(lock.modules.begin(), lock.modules.end());
    std::sort(lock.asked.begin(), lock.asked.end());
    std::sort(lock.requirements.begin(), lock.requirements.end());
    return lock;
}

/// `lines`, one a line, as the value of a key at the first level.
std::string list_of(const std::vector<std::string>& lines) {
    if (lines.empty()) return "[]";
    std::string out = "[";
    for (const std::string& line : lines) out += (out.size() > 1 ? ",\n    " : "\n    ") + line;
    return out + "\n  ]";
}

std::vector<std::string> names(const std::vector<std::string>& values) {
    std::vector<std::string> out;
    for (const std::string& value : values) out.push_back(dump_json(value));
    return out;
}

// The keys of a line stand in the order that a person reads them in, not the alphabet's: name first, digests last.
std::string package_line(const PackageRef& package) {
    std::string out = "{\"nevra\": " + dump_json(package.nevra.str());
    if (!package.repo.empty()) out += ", \"repo\": " + dump_json(package.repo);
    out += ", \"location\": " + dump_json(package.location);
    out += ", \"size\": " + std::to_string(package.size);
    if (package.header_end != 0) out += ", \"headerEnd\": " + std::to_string(package.header_end);
    out += ", \"checksum\": " + dump_json(package.checksum.str());
    if (package.header) out += ", \"header\": " + dump_json(package.header->str());
    return out + "}";
}

std::string repo_line(const LockedRepo& repo) {
    std::string out = "{\"id\": " + dump_json(repo.id) + ", \"repomd\": " + dump_json(repo.repomd.str());
    if (repo.timestamp) out += ", \"timestamp\": " + std::to_string(*repo.timestamp);
    if (!repo.gpgcheck) out += ", \"gpgcheck\": false";
    return out + "}";
}

std::string source_line(const LockedSource& source) {
    return "{\"name\": " + dump_json(source.name) + ", \"platform\": " + dump_json(source.platform) +
           ", \"mediaType\": " + dump_json(source.media_type) + ", \"size\": " + std::to_string(source.size) +
           ", \"manifest\": " + dump_json(source.manifest.str()) + "}";
}

LockedSource parse_source(const json& value, std::string_view what) {
    Fields fields(value, what);
    LockedSource source;
    source.name = fields.string("name");
    source.platform = fields.string("platform");
    source.media_type = fields.string("mediaType");
    source.size = fields.number("size");
    source.manifest = fields.digest("manifest");
    fields.finish();
    return source;
}

PackageRef parse_package(const json& value) {
    Fields fields(value, "a package");
    PackageRef package;
    package.nevra = Nevra::parse(fields.string("nevra"));
    package.repo = fields.string_or("repo", "");
    package.location = fields.string("location");
    package.size = fields.number("size");
    package.checksum = parse_checksum(fields.string("checksum"));
    package.header_end = fields.number_or("headerEnd", 0);
    package.header = fields.optional_digest("header");
    fields.finish();
    return package;
}

LockedRepo parse_repo(const json& value) {
    Fields fields(value, "a repository");
    LockedRepo repo;
    repo.id = fields.string("id");
    repo.repomd = fields.digest("repomd");
    repo.timestamp = fields.optional_number("timestamp");
    repo.gpgcheck = fields.bool_or("gpgcheck", true);
    fields.finish();
    return repo;
}

LockedImage parse_image(const json& value) {
    Fields fields(value, "the image");
    LockedImage image;
    image.diff_id = fields.digest("diffID");
    image.manifest = fields.digest("manifest");
    fields.finish();
    return image;
}

std::vector<std::string> parse_names(const json& value, const std::string& key) {
    if (!value.is_array()) throw wrong(quote(key) + " is not a list");
    std::vector<std::string> out;
    for (const json& name : value) {
        if (!name.is_string()) throw wrong(quote(key) + " has an entry that is not a string");
        out.push_back(name.get<std::string>());
    }
    return out;
}

}  // namespace

std::string print_lock(const Lock& given) {
    const Lock lock = sorted(given);
    check_lock(lock);
    std::vector<std::string> repos;
    for (const LockedRepo& repo : lock.repos) repos.push_back(repo_line(repo));
    std::vector<std::string> packages;
    for (const PackageRef& package : lock.packages) packages.push_back(package_line(package));

    std::string out = "{\n";
    out += "  \"schema\": " + std::to_string(lock.schema) + ",\n";
    out += "  \"request\": " + dump_json(lock.request.str()) + ",\n";
    out += "  \"arch\": " + dump_json(lock.arch) + ",\n";
    out += "  \"repos\": " + list_of(repos) + ",\n";
    if (!lock.modules.empty()) out += "  \"modules\": " + list_of(names(lock.modules)) + ",\n";
    out += "  \"packages\": " + list_of(packages);
    if (!lock.asked.empty()) out += ",\n  \"asked\": " + print_asked(lock.asked);
    if (!lock.requirements.empty()) out += ",\n  \"requires\": " + print_requirements(lock.requirements);
    if (lock.source) out += ",\n  \"source\": " + source_line(*lock.source);
    if (lock.parent) out += ",\n  \"parent\": " + source_line(*lock.parent);
    if (!lock.compressor.empty()) out += ",\n  \"compressor\": " + dump_json(lock.compressor);
    if (lock.image) {
        out += ",\n  \"image\": {\"diffID\": " + dump_json(lock.image->diff_id.str()) +
               ", \"manifest\": " + dump_json(lock.image->manifest.str()) + "}";
    }
    if (!lock.ships.empty()) out += ",\n  \"ships\": " + list_of(names(lock.ships));
    return out + "\n}\n";
}

Lock parse_lock(std::string_view text) {
    const json document = parse_json(text);
    Fields fields(document, "the lock");
    Lock lock;
    const std::uint64_t schema = fields.number("schema");
    if (schema != 1) {
        throw wrong("the lock has schema " + std::to_string(schema) + ", and this smith reads schema 1");
    }
    lock.request = fields.digest("request");
    lock.arch = fields.string("arch");
    for (const json& repo : fields.array("repos")) lock.repos.push_back(parse_repo(repo));
    for (const json& package : fields.array("packages")) lock.packages.push_back(parse_package(package));
    if (const json* asked = fields.optional("asked")) lock.asked = parse_asked(*asked);
    if (const json* needs = fields.optional("requires")) lock.requirements = parse_requirements(*needs);
    if (const json* source = fields.optional("source")) lock.source = parse_source(*source, "the source");
    if (const json* parent = fields.optional("parent")) lock.parent = parse_source(*parent, "the parent");
    lock.compressor = fields.string_or("compressor", "");
    if (const json* image = fields.optional("image")) lock.image = parse_image(*image);
    if (const json* modules = fields.optional("modules")) lock.modules = parse_names(*modules, "modules");
    if (const json* ships = fields.optional("ships")) lock.ships = parse_names(*ships, "ships");
    fields.finish();
    lock = sorted(std::move(lock));
    check_lock(lock);
    return lock;
}

}  // namespace smith::resolver
