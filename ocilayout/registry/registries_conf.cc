// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/registry/registries_conf.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <system_error>
#include <toml++/toml.h>

#include "base/error.h"
#include "base/fd.h"
#include "ocilayout/bounds.h"

namespace smith::ocilayout {

namespace {

namespace fs = std::filesystem;

/// One table of the file, with its place for messages.
class Table {
public:
    Table(const toml::table& table, const std::string& file) : table_(table), file_(file) {}

    [[noreturn]] void fail(const toml::node& node, const std::string& why) const {
        throw Error(ErrorKind::spec, file_ + ":" + std::to_string(node.source().begin.line) + ": " + why);
    }
    [[noreturn]] void fail(const std::string& why) const { fail(table_, why); }

    [[nodiscard]] std::string text(std::string_view key) const {
        const toml::node* node = table_.get(key);
        if (node == nullptr) return {};
        const auto value = node->value_exact<std::string>();
        if (!value) fail(*node, quote(key) + " is not a string");
        return *value;
    }
    [[nodiscard]] bool flag(std::string_view key) const {
        const toml::node* node = table_.get(key);
        if (node == nullptr) return false;
        const auto value = node->value_exact<bool>();
        if (!value) fail(*node, quote(key) + " is neither true nor false");
        return *value;
    }
    [[nodiscard]] std::vector<Table> tables(std::string_view key) const {
        const toml::node* node = table_.get(key);
        if (node == nullptr) return {};
        const toml::array* list = node->as_array();
        if (list == nullptr) fail(*node, quote(key) + " is not [[" + std::string(key) + "]]");
        std::vector<Table> out;
        for (const toml::node& item : *list) {
            if (!item.is_table()) fail(item, quote(key) + " is not a list of tables");
            out.emplace_back(*item.as_table(), file_);
        }
        return out;
    }

private:
    const toml::table& table_;
    const std::string& file_;
};

/// HOST[:PORT][/PATH], without what people put around it.
std::string location_of(const Table& table, const std::string& text, std::string_view what) {
    std::string_view rest = text;
    while (rest.ends_with('/')) rest.remove_suffix(1);
    if (rest.find("://") != std::string_view::npos) {
        table.fail(std::string(what) + " " + quote(text) + " is a URL; HOST[:PORT][/PATH] is what is expected");
    }
    const std::size_t slash = rest.find('/');
    const bool path_fits = slash == std::string_view::npos || is_repository_name(rest.substr(slash + 1));
    try {
        if (path_fits) static_cast<void>(parse_registry_host(rest.substr(0, slash)));
    } catch (const Error& e) {
        table.fail(std::string(what) + ": " + e.message());
    }
    if (!path_fits) table.fail(std::string(what) + " " + quote(text) + " holds a path that no repository can have");
    return std::string(rest);
}

/// "*.HOST", or as location_of(); a prefix may name a tag or digest, too, which is part of no path.
std::string prefix_of(const Table& table, const std::string& text) {
    if (text.starts_with("*.")) {
        if (text.find('/') != std::string::npos) table.fail("prefix " + quote(text) + " has a wildcard and a path");
        static_cast<void>(location_of(table, text.substr(2), "prefix"));
        return text;
    }
    return location_of(table, text, "prefix");
}

RegistryMirror parse_mirror(const Table& table, bool digest_only_by_rule) {
    RegistryMirror out;
    const std::string location = table.text("location");
    if (location.empty()) table.fail("a mirror without 'location'");
    out.location = location_of(table, location, "location");
    out.insecure = table.flag("insecure");
    const std::string pull = table.text("pull-from-mirror");
    if (digest_only_by_rule && !pull.empty()) {
        table.fail("'pull-from-mirror' and the registry's 'mirror-by-digest-only' contradict each other");
    }
    if (pull == "digest-only" || digest_only_by_rule) {
        out.pull = PullFromMirror::digest_only;
    } else if (pull == "tag-only") {
        out.pull = PullFromMirror::tag_only;
    } else if (!pull.empty() && pull != "all") {
        table.fail("'pull-from-mirror' is 'all', 'digest-only' or 'tag-only', not " + quote(pull));
    }
    return out;
}

RegistryRule parse_rule(const Table& table) {
    RegistryRule out;
    const std::string prefix = table.text("prefix");
    const std::string location = table.text("location");
    if (prefix.empty() && location.empty()) table.fail("a registry with neither 'prefix' nor 'location'");
    if (!location.empty()) out.location = location_of(table, location, "location");
    out.prefix = prefix.empty() ? out.location : prefix_of(table, prefix);
    // With a wildcard there is nothing to put in the place of: the host is the image's.
    if (out.location.empty() && !out.prefix.starts_with("*.")) out.location = out.prefix;
    if (out.prefix.starts_with("*.") && !out.location.empty()) {
        table.fail("prefix " + quote(out.prefix) + " has a wildcard, so that 'location' can't replace it");
    }
    out.insecure = table.flag("insecure");
    out.blocked = table.flag("blocked");
    const bool digest_only = table.flag("mirror-by-digest-only");
    for (const Table& mirror : table.tables("mirror")) out.mirrors.push_back(parse_mirror(mirror, digest_only));
    return out;
}

/// True when `name`, a repository or "repository:tag", is what `prefix` is about.
bool matches(std::string_view prefix, const RegistryName& name) {
    if (prefix.starts_with("*.")) {
        const std::string_view host = std::string_view(name.host);
        return host.ends_with(prefix.substr(1)) && host.size() > prefix.size() - 1;
    }
    const std::string full = name.full_repository();
    return full.starts_with(prefix) &&
           (full.size() == prefix.size() || full[prefix.size()] == '/' ||
            // "example.com" is also about "example.com:5000" in neither containers-tools nor here.
            prefix.ends_with('/'));
}

const RegistryRule* rule_for(const RegistriesConf& conf, const RegistryName& name) {
    const RegistryRule* found = nullptr;
    for (const RegistryRule& rule : conf.rules) {
        if (matches(rule.prefix, name) && (found == nullptr || rule.prefix.size() > found->prefix.size())) {
            found = &rule;
        }
    }
    if (found != nullptr && found->blocked) {
        throw Error(ErrorKind::usage, "registry " + quote(found->prefix) + " is blocked by registries.conf");
    }
    return found;
}

RegistryPlace place_at(const RegistryName& name, const RegistryRule& rule, const std::string& location, bool insecure) {
    if (location.empty()) return {name.host, name.repository, insecure};
    const std::string full = name.full_repository();
    // Behind a wildcard everything but the host stays.
    const std::size_t cut = rule.prefix.starts_with("*.") ? name.host.size() : rule.prefix.size();
    const std::string moved = location + full.substr(cut);
    const std::size_t slash = moved.find('/');
    if (slash == std::string::npos || !is_repository_name(std::string_view(moved).substr(slash + 1))) {
        throw Error(ErrorKind::spec,
                    "registries.conf makes " + quote(moved) + " of " + quote(full) + ", which names no repository");
    }
    return {parse_registry_host(std::string_view(moved).substr(0, slash)), moved.substr(slash + 1), insecure};
}

bool serves(const RegistryMirror& mirror, const RegistryName& name) {
    if (mirror.pull == PullFromMirror::digest_only) return name.digest.has_value();
    return mirror.pull == PullFromMirror::all || !name.digest;
}

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string() : value;
}

/// Adds the rules of `file`; false when there is no such file.
bool add_file(RegistriesConf& conf, const fs::path& file) {
    std::string text;
    try {
        text = read_file(file, limits::kMaxRegistriesConfBytes);
    } catch (const Error& e) {
        if (e.is_not_found()) return false;
        throw;
    }
    for (RegistryRule& rule : parse_registries_conf(text, file.string()).rules) {
        std::erase_if(conf.rules, [&](const RegistryRule& old) { return old.prefix == rule.prefix; });
        conf.rules.push_back(std::move(rule));
    }
    return true;
}

void add_directory(RegistriesConf& conf, const fs::path& directory) {
    std::vector<fs::path> files;
    std::error_code failed;
    for (fs::directory_iterator it(directory, failed), end; !failed && it != end; it.increment(failed)) {
        if (it->path().extension() == ".conf") files.push_back(it->path());
    }
    std::ranges::sort(files);
    for (const fs::path& file : files) static_cast<void>(add_file(conf, file));
}

}  // namespace

RegistriesConf parse_registries_conf(std::string_view text, const std::string& file) {
    toml::table document;
    try {
        document = toml::parse(text, file);
    } catch (const toml::parse_error& e) {
        throw Error(ErrorKind::spec,
                    file + ":" + std::to_string(e.source().begin.line) + ": " + escaped(std::string(e.description())));
    }
    const Table table(document, file);
    if (const toml::node* old = document.get("registries"); old != nullptr) {
        table.fail(*old, "version 1 of this format is not understood; [[registry]] tables are");
    }
    RegistriesConf out;
    for (const Table& rule : table.tables("registry")) out.rules.push_back(parse_rule(rule));
    return out;
}

RegistriesConf load_registries_conf() {
    RegistriesConf out;
    if (const std::string named = environment("CONTAINERS_REGISTRIES_CONF"); !named.empty()) {
        if (!add_file(out, named)) {
            throw Error(ErrorKind::usage, "there is no " + quote(named) + ", which CONTAINERS_REGISTRIES_CONF names");
        }
        return out;
    }
    const fs::path system = "/etc/containers";
    const std::string home = environment("HOME");
    const fs::path user = home.empty() ? fs::path() : fs::path(home) / ".config/containers";
    const bool has_own = !user.empty() && add_file(out, user / "registries.conf");
    if (!has_own) static_cast<void>(add_file(out, system / "registries.conf"));
    add_directory(out, system / "registries.conf.d");
    if (!user.empty()) add_directory(out, user / "registries.conf.d");
    return out;
}

std::vector<RegistryPlace> places_to_pull(const RegistriesConf& conf, const RegistryName& name) {
    const RegistryRule* rule = rule_for(conf, name);
    if (rule == nullptr) return {{name.host, name.repository, false}};
    std::vector<RegistryPlace> out;
    for (const RegistryMirror& mirror : rule->mirrors) {
        if (serves(mirror, name)) out.push_back(place_at(name, *rule, mirror.location, mirror.insecure));
    }
    out.push_back(place_at(name, *rule, rule->location, rule->insecure));
    return out;
}

RegistryPlace place_to_push(const RegistriesConf& conf, const RegistryName& name) {
    const RegistryRule* rule = rule_for(conf, name);
    if (rule == nullptr) return {name.host, name.repository, false};
    return place_at(name, *rule, rule->location, rule->insecure);
}

}  // namespace smith::ocilayout
