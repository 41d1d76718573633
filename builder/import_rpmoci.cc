// SPDX-License-Identifier: Apache-2.0
#include "builder/import_rpmoci.h"

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "builder/toml_reader.h"

namespace smith::builder {

namespace {

/// dnf's repository options that a spec has by the same name.
constexpr std::array kRepoKeys = {"baseurl",
                                  "cost",
                                  "enabled",
                                  "exclude",
                                  "excludepkgs",
                                  "gpgcheck",
                                  "gpgkey",
                                  "includepkgs",
                                  "metalink",
                                  "mirrorlist",
                                  "name",
                                  "priority",
                                  "proxy",
                                  "sslcacert",
                                  "repo_gpgcheck",
                                  "sslclientkey",
                                  "sslclientcert",
                                  "sslverify",
                                  "skip_if_unavailable",
                                  "module_hotfixes"};

/// YAML takes any JSON text for what it says.
std::string scalar(const std::string& text) { return dump_json(text); }

std::string list(const std::vector<std::string>& items) {
    std::string out = "[";
    for (const std::string& item : items) out += (out.size() > 1 ? ", " : "") + scalar(item);
    return out + "]";
}

/// As a spec has booleans: dnf also takes "True" and "yes".
std::string plain(const std::string& value) {
    for (const char* yes : {"True", "true", "yes", "on", "1"}) {
        if (value == yes) return "true";
    }
    for (const char* no : {"False", "false", "no", "off", "0"}) {
        if (value == no) return "false";
    }
    return scalar(value);
}

struct Repo {
    std::string id;
    std::string url;
    std::map<std::string, std::string> options;
};

class Importer {
public:
    Importer(const std::string& file, Reporter& reporter) : file_(file), reporter_(reporter) {}

    std::string run(const toml::table& document) {
        TomlFields fields(document, file_);
        out_ = "# Imported from " + scalar(file_) + ".\nschema: 1\n";
        if (const toml::table* contents = fields.take_table("contents")) import_contents(*contents);
        if (const toml::table* image = fields.take_table("image")) import_image(*image);
        fields.finish();
        return out_;
    }

private:
    void import_contents(const toml::table& table) {
        TomlFields fields(table, file_);
        std::vector<std::string> packages = fields.take_texts("packages");
        for (std::string& package : packages) {
            // A file is told from a name by its "./".
            if (package.ends_with(".rpm") && package.find("://") == std::string::npos && package.front() != '/' &&
                !package.starts_with("./") && !package.starts_with("../")) {
                package.insert(0, "./");
            }
        }
        const std::vector<std::string> keys = fields.take_texts("gpgkeys");
        const std::vector<Repo> repos = take_repos(fields);
        const bool docs = fields.take_bool("docs").value_or(false);
        const bool os_release = fields.take_bool("os_release").value_or(true);
        fields.finish();

        // rpmoci asks for the file, which the release package of every distribution has.
        if (os_release) packages.emplace_back("/etc/os-release");
        put("packages", list(packages));
        if (!repos.empty()) {
            out_ += "repos:\n";
            for (const Repo& repo : repos) put_repo(repo, keys);
        }
        out_ += "# Whole packages, as before. Name what your program needs instead, and the rest stays out.\n";
        put("paths", list({"/**"}));
        if (!docs) put("excludes", list({"/usr/share/doc/**", "/usr/share/info/**", "/usr/share/man/**"}));
    }

    std::vector<Repo> take_repos(TomlFields& fields) {
        std::vector<Repo> out;
        const toml::node* node = fields.take("repositories");
        if (node == nullptr) return out;
        const toml::array* items = node->as_array();
        if (items == nullptr) throw Error(ErrorKind::spec, place_of(*node, file_) + ": 'repositories' is not a list");
        for (const toml::node& item : *items) {
            if (const auto* text = item.as_string()) {
                take_named_repo(item, text->get(), out);
            } else if (const toml::table* table = item.as_table()) {
                TomlFields repo(*table, file_);
                const std::string url = repo.take_text("url").value_or("");
                const std::string id = repo.take_text("id").value_or(number(out.size()));
                out.push_back({id, url, repo.take_map("options")});
                repo.finish();
            } else {
                throw Error(ErrorKind::spec, place_of(item, file_) + ": a repository is text or a table");
            }
        }
        return out;
    }

    void take_named_repo(const toml::node& node, const std::string& text, std::vector<Repo>& out) {
        if (text.find("://") != std::string::npos) {
            out.push_back({number(out.size()), text, {}});
            return;
        }
        reporter_.warn(place_of(node, file_) + ": repository " + quote(text) +
                       " is one of the machine's: name its .repo file with 'repo-files', or write it down here");
        out_ += "# repository " + scalar(text) + " of the machine: repo-files: [/etc/yum.repos.d/...]\n";
    }

    static std::string number(std::size_t count) { return "repo" + std::to_string(count + 1); }

    void put_repo(const Repo& repo, const std::vector<std::string>& keys) {
        out_ += "  - id: " + scalar(repo.id) + "\n";
        if (!repo.url.empty()) out_ += "    baseurl: " + scalar(repo.url) + "\n";
        if (!keys.empty() && !repo.options.contains("gpgkey")) out_ += "    gpgkey: " + list(keys) + "\n";
        for (const auto& [key, value] : repo.options) {
            if (std::find(kRepoKeys.begin(), kRepoKeys.end(), key) == kRepoKeys.end()) {
                reporter_.warn(file_ + ": option " + quote(key) + " of repository " + quote(repo.id) +
                               " has no counterpart, ignoring");
                continue;
            }
            const bool is_number = key == "priority" || key == "cost";
            out_ += "    " + key + ": " + (is_number ? value : plain(value)) + "\n";
        }
    }

    void import_image(const toml::table& table) {
        TomlFields fields(table, file_);
        put_text("user", fields.take_text("user"));
        put_list("entrypoint", fields.take_texts("entrypoint"));
        put_list("cmd", fields.take_texts("cmd"));
        std::vector<std::string> env;
        bool has_path = false;
        for (const auto& [name, value] : fields.take_map("envs")) {
            has_path = has_path || name == "PATH";
            env.push_back(name + "=" + value);
        }
        if (!has_path) env.emplace_back("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        put_list("env", env);
        put_set("ports", fields.take_texts("exposed_ports"));
        put_set("volumes", fields.take_texts("volumes"));
        put_map("labels", fields.take_map("labels"));
        put_text("dir", fields.take_text("workingdir"));
        put_text("stop-signal", fields.take_text("stopsignal"));
        if (const auto author = fields.take_text("author")) {
            put_map("annotations", {{"org.opencontainers.image.authors", *author}});
        }
        fields.finish();
    }

    void put(const std::string& key, const std::string& value) { out_ += key + ": " + value + "\n"; }
    void put_text(const std::string& key, const std::optional<std::string>& value) {
        if (value) put(key, scalar(*value));
    }
    void put_list(const std::string& key, const std::vector<std::string>& items) {
        if (!items.empty()) put(key, list(items));
    }
    void put_set(const std::string& key, const std::vector<std::string>& items) {
        if (items.empty()) return;
        std::string out = "{";
        for (const std::string& item : items) out += (out.size() > 1 ? ", " : "") + scalar(item) + ": {}";
        put(key, out + "}");
    }
    void put_map(const std::string& key, const std::map<std::string, std::string>& items) {
        if (items.empty()) return;
        out_ += key + ":\n";
        for (const auto& [name, value] : items) out_ += "  " + scalar(name) + ": " + scalar(value) + "\n";
    }

    const std::string& file_;
    Reporter& reporter_;
    std::string out_;
};

}  // namespace

std::string import_rpmoci(std::string_view text, const std::string& file, Reporter& reporter) {
    const toml::table document = read_toml(text, file);
    return Importer(file, reporter).run(document);
}

}  // namespace smith::builder
