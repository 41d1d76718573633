// SPDX-License-Identifier: Apache-2.0
#include "builder/foreign_lock.h"

#include <algorithm>

#include "base/bounds.h"
#include "base/error.h"
#include "builder/toml_reader.h"
#include "builder/yaml_reader.h"
#include "resolver/package_ref.h"

namespace smith::builder {

namespace {

using resolver::Pin;

Checksum parse_checksum(const std::string& text) {
    const std::size_t colon = text.find(':');
    if (colon == std::string::npos) throw Error(ErrorKind::format, quote(text) + " is no checksum");
    return resolver::make_checksum(text.substr(0, colon), text.substr(colon + 1));
}

std::string text_at(const toml::table& table, std::string_view key) {
    return std::string(table[key].value_or(std::string_view()));
}

Pin pin_of(const toml::table& package) {
    Pin out{resolver::parse_evr(text_at(package, "name"), text_at(package, "evr")), std::nullopt};
    // "arch" is not written by all versions.
    out.nevra.arch = text_at(package, "arch");
    if (const toml::table* checksum = package["checksum"].as_table()) {
        out.checksum = resolver::make_checksum(text_at(*checksum, "algorithm"), text_at(*checksum, "checksum"));
    }
    return out;
}

std::vector<Pin> read_rpmoci_lock(std::string_view text, const std::string& file) {
    const toml::table document = read_toml(text, file);
    const toml::array* packages = document["packages"].as_array();
    if (packages == nullptr) throw Error(ErrorKind::spec, file + " has no list of packages");
    std::vector<Pin> out;
    for (const toml::node& node : *packages) {
        const toml::table* package = node.as_table();
        if (package == nullptr) throw Error(ErrorKind::spec, place_of(node, file) + ": a package is a table");
        while_doing([&] { return place_of(node, file); }, [&] { out.push_back(pin_of(*package)); });
    }
    return out;
}

// Ten keys for each of 10,000 packages: Fedora's largest edition has 3,000.
constexpr std::size_t kMaxManifestNodes = 200'000;

std::string text_at(const YamlNode& map, std::string_view key) {
    const YamlNode* node = map.find(key);
    return node == nullptr ? std::string() : node->text;
}

Pin pin_of(const YamlNode& package, const std::string& arch) {
    Pin out;
    if (std::string nevra = text_at(package, "nevra"); !nevra.empty()) {
        // Unlike rpm, it writes an epoch of zero.
        const std::size_t zero = nevra.find("-0:");
        out.nevra = resolver::Nevra::parse(zero == std::string::npos ? nevra : std::string(nevra).erase(zero + 1, 2));
    } else {
        out.nevra = resolver::parse_evr(text_at(package, "name"), text_at(package, "evr"));
        // The list that it stands in is of one arch, unless it says itself.
        const std::string own = text_at(package, "arch");
        out.nevra.arch = own.empty() ? arch : own;
    }
    if (const std::string checksum = text_at(package, "checksum"); !checksum.empty()) {
        out.checksum = parse_checksum(checksum);
    }
    return out;
}

std::vector<Pin> read_manifest(const YamlNode& document, const std::string& file, std::string_view arch) {
    const YamlNode* data = document.find("data");
    const YamlNode* packages = data == nullptr ? nullptr : data->find("packages");
    if (packages == nullptr) throw Error(ErrorKind::spec, file + " has no list of packages");
    std::vector<Pin> out;
    for (const YamlMember& list : packages->members) {
        if (list.key.text != arch && list.key.text != "noarch") continue;
        for (const YamlNode& package : list.value.items) {
            const std::string place = file + ":" + std::to_string(package.line) + ":" + std::to_string(package.column);
            while_doing([&] { return place; }, [&] { out.push_back(pin_of(package, list.key.text)); });
        }
    }
    if (out.empty()) throw Error(ErrorKind::spec, file + " has no packages for " + quote(arch));
    return out;
}

bool is_manifest(std::string_view text) { return text.find("rpm-package-manifest") != std::string_view::npos; }

}  // namespace

std::vector<Pin> read_foreign_lock(std::string_view text, const std::string& file, std::string_view arch) {
    std::vector<Pin> out;
    if (is_manifest(text)) {
        const YamlNode document = read_yaml(text, file, kMaxManifestNodes);
        if (text_at(document, "document") != "rpm-package-manifest") {
            throw Error(ErrorKind::spec, file + " is no rpm-package-manifest");
        }
        out = read_manifest(document, file, arch);
    } else {
        out = read_rpmoci_lock(text, file);
    }
    std::ranges::sort(out);
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
}

}  // namespace smith::builder
