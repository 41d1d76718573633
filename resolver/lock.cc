// SPDX-License-Identifier: Apache-2.0
#include "resolver/lock.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "base/json.h"

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
    std::uint64_t number(const std::string& key) {
        const json& value = required(key);
        if (!value.is_number_unsigned()) throw wrong(what_ + ": " + quote(key) + " is not a whole number");
        return value.get<std::uint64_t>();
    }
    Digest digest(const std::string& key) { return Digest::parse(string(key)); }
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
    if (!is_strong(package.checksum)) {
        throw wrong(quote(who) + " has a " + package.checksum.algorithm +
                    " checksum, and a lock must have a strong one");
    }
    if (!package.repo.empty()) {
        while_doing([&] { return quote(who); }, [&] { check_location(package.location); });
    } else if (package.location.empty() || package.location.front() == '/') {
        // A local .rpm may be beside the spec's folder. It is only read when the spec itself names it in this way.
        throw wrong(quote(who) + " is a local file, and has no relative location");
    }
}

void check_lock(const Lock& lock) {
    if (lock.schema != 1) {
        throw wrong("the lock has schema " + std::to_string(lock.schema) + ", and this smith reads schema 1");
    }
    if (lock.arch.empty()) throw wrong("the lock has no arch");
    std::set<std::string> ids;
    for (const LockedRepo& repo : lock.repos) {
        if (repo.id.empty() || !ids.insert(repo.id).second)
            throw wrong("repository " + quote(repo.id) + " is there twice");
    }
    for (std::size_t i = 0; i < lock.packages.size(); ++i) {
        check_package(lock.packages[i]);
        if (!lock.packages[i].repo.empty() && !ids.contains(lock.packages[i].repo)) {
            throw wrong(quote(lock.packages[i].nevra.str()) + " is from " + quote(lock.packages[i].repo) +
                        ", which the lock does not list");
        }
        if (i > 0 && lock.packages[i].nevra == lock.packages[i - 1].nevra) {
            throw wrong(quote(lock.packages[i].nevra.str()) + " is there twice");
        }
    }
}

Lock sorted(Lock lock) {
    std::sort(lock.repos.begin(), lock.repos.end());
    std::sort(lock.packages.begin(), lock.packages.end());
    return lock;
}

/// `lines`, one a line, as the value of a key at the first level.
std::string list_of(const std::vector<std::string>& lines) {
    if (lines.empty()) return "[]";
    std::string out = "[";
    for (const std::string& line : lines) out += (out.size() > 1 ? ",\n    " : "\n    ") + line;
    return out + "\n  ]";
}

// The keys of a line stand in the order that a person reads them in, not the alphabet's: name first, digests last.
std::string package_line(const PackageRef& package) {
    std::string out = "{\"nevra\": " + dump_json(package.nevra.str());
    if (!package.repo.empty()) out += ", \"repo\": " + dump_json(package.repo);
    out += ", \"location\": " + dump_json(package.location);
    out += ", \"size\": " + std::to_string(package.size);
    return out + ", \"checksum\": " + dump_json(package.checksum.str()) + "}";
}

std::string repo_line(const LockedRepo& repo) {
    std::string out = "{\"id\": " + dump_json(repo.id) + ", \"repomd\": " + dump_json(repo.repomd.str());
    if (!repo.gpgcheck) out += ", \"gpgcheck\": false";
    return out + "}";
}

PackageRef parse_package(const json& value) {
    Fields fields(value, "a package");
    PackageRef package;
    package.nevra = Nevra::parse(fields.string("nevra"));
    package.repo = fields.string_or("repo", "");
    package.location = fields.string("location");
    package.size = fields.number("size");
    package.checksum = parse_checksum(fields.string("checksum"));
    fields.finish();
    return package;
}

LockedRepo parse_repo(const json& value) {
    Fields fields(value, "a repository");
    LockedRepo repo;
    repo.id = fields.string("id");
    repo.repomd = fields.digest("repomd");
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
    out += "  \"packages\": " + list_of(packages);
    if (!lock.compressor.empty()) out += ",\n  \"compressor\": " + dump_json(lock.compressor);
    if (lock.image) {
        out += ",\n  \"image\": {\"diffID\": " + dump_json(lock.image->diff_id.str()) +
               ", \"manifest\": " + dump_json(lock.image->manifest.str()) + "}";
    }
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
    lock.compressor = fields.string_or("compressor", "");
    if (const json* image = fields.optional("image")) lock.image = parse_image(*image);
    fields.finish();
    lock = sorted(std::move(lock));
    check_lock(lock);
    return lock;
}

}  // namespace smith::resolver
