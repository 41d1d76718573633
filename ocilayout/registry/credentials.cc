// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/registry/credentials.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/output_file.h"
#include "ocilayout/bounds.h"
#include "ocilayout/registry/credential_helper.h"

namespace smith::ocilayout {

namespace {

namespace fs = std::filesystem;

// Under which docker keeps its own registry in helpers, for historical reasons.
constexpr const char* kDockerHubServer = "https://index.docker.io/v1/";

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string() : value;
}

fs::path or_below_home(const char* variable, const char* below_home) {
    const std::string value = environment(variable);
    if (!value.empty()) return value;
    const std::string home = environment("HOME");
    return home.empty() ? fs::path() : fs::path(home) / below_home;
}

/// Where a login is written when nobody says otherwise: it goes with the session, as those of podman do.
fs::path runtime_file() {
    const std::string runtime = environment("XDG_RUNTIME_DIR");
    if (!runtime.empty()) return fs::path(runtime) / "containers/auth.json";
    return ::geteuid() == 0 ? fs::path("/run/containers/0/auth.json") : fs::path();
}

std::optional<std::string> read_if_there(const fs::path& file) {
    try {
        return read_file(file, limits::kMaxCredentialFileBytes);
    } catch (const Error& e) {
        if (e.is_not_found()) return std::nullopt;
        throw;
    }
}

/// A file that somebody named must be there; the others may be.
std::optional<CredentialFile> load(const CredentialPlace& place) {
    const std::optional<std::string> text = read_if_there(place.file);
    if (!text) return std::nullopt;
    return while_doing([&] { return "reading credentials from " + quote(place.file.string()); },
                       [&] { return parse_credential_file(*text, place.legacy); });
}

const std::string* helper_for(const CredentialFile& file, const std::string& host) {
    if (const auto it = file.cred_helpers.find(host); it != file.cred_helpers.end()) return &it->second;
    if (const auto it = file.cred_helpers.find(kDockerHubServer);
        host == "docker.io" && it != file.cred_helpers.end()) {
        return &it->second;
    }
    return nullptr;
}

std::string server_name(const std::string& host) { return host == "docker.io" ? kDockerHubServer : host; }

std::optional<FoundCredential> look_into(const CredentialPlace& place, const std::string& host,
                                         std::string_view repository) {
    const std::optional<CredentialFile> file = load(place);
    if (!file) return std::nullopt;
    const auto ask = [&](const std::string& helper) -> std::optional<FoundCredential> {
        std::optional<Credential> found =
            while_doing([&] { return "credentials for " + quote(host) + ", by " + quote(place.file.string()); },
                        [&] { return ask_helper(helper, server_name(host)); });
        if (!found) return std::nullopt;
        return FoundCredential{std::move(*found), "docker-credential-" + helper};
    };
    if (const std::string* helper = helper_for(*file, host)) return ask(*helper);
    if (const Credential* found = find_credential(*file, host, repository)) return {{*found, place.file.string()}};
    return file->creds_store.empty() ? std::nullopt : ask(file->creds_store);
}

void make_private_directory(const fs::path& directory) {
    std::error_code failed;
    if (directory.empty() || fs::exists(directory, failed)) return;
    make_private_directory(directory.parent_path());
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
        throw system_error(errno, "creating " + quote(directory.string()));
    }
}

/// One writer at a time; the lock is the directory's, as the file itself is replaced.
UniqueFd lock_directory(const fs::path& directory) {
    UniqueFd fd = open_file(directory.empty() ? fs::path(".") : directory, O_RDONLY | O_DIRECTORY);
    while (::flock(fd.get(), LOCK_EX) != 0 && errno == EINTR) {
    }
    return fd;
}

/// False when there was nothing to take away.
bool rewrite(const fs::path& file, const std::string& host, const Credential& credential) {
    const UniqueFd lock = lock_directory(file.parent_path());
    const std::optional<std::string> changed = while_doing(
        [&] { return "writing credentials to " + quote(file.string()); },
        [&] { return edit_credential_file(read_if_there(file).value_or(std::string()), host, credential); });
    if (changed) write_file_atomically(output_file(file), *changed, 0600);
    return changed.has_value();
}

}  // namespace

std::vector<CredentialPlace> credential_places(const RegistryOptions& options) {
    if (!options.auth_file.empty()) return {{options.auth_file, false}};
    if (const std::string named = environment("REGISTRY_AUTH_FILE"); !named.empty()) return {{named, false}};
    std::vector<CredentialPlace> out;
    const auto add = [&](fs::path file, bool legacy = false) {
        if (!file.empty()) out.push_back({std::move(file), legacy});
    };
    add(runtime_file());
    if (const fs::path config = or_below_home("XDG_CONFIG_HOME", ".config"); !config.empty()) {
        add(config / "containers/auth.json");
    }
    if (const fs::path docker = or_below_home("DOCKER_CONFIG", ".docker"); !docker.empty()) {
        add(docker / "config.json");
    }
    if (const std::string home = environment("HOME"); !home.empty()) add(fs::path(home) / ".dockercfg", true);
    return out;
}

std::optional<FoundCredential> credential_for_registry(std::string_view host, std::string_view repository,
                                                       const RegistryOptions& options) {
    if (options.login) {
        return FoundCredential{{options.login->username, options.login->password, {}}, "--creds"};
    }
    for (const CredentialPlace& place : credential_places(options)) {
        if (auto found = look_into(place, std::string(host), repository)) return found;
    }
    return std::nullopt;
}

std::string store_credential(const std::string& host, const Credential& credential, const RegistryOptions& options) {
    const std::vector<CredentialPlace> places = credential_places(options);
    if (places.empty() || places.front().legacy) {
        throw Error(ErrorKind::usage,
                    "there is no place for credentials: neither XDG_RUNTIME_DIR nor HOME is set; "
                    "name a file with --authfile");
    }
    const fs::path& file = places.front().file;
    if (const std::optional<CredentialFile> existing = load(places.front())) {
        const std::string* helper = helper_for(*existing, host);
        if (helper == nullptr && !existing->creds_store.empty()) helper = &existing->creds_store;
        if (helper != nullptr) {
            store_in_helper(*helper, server_name(host), credential);
            return "docker-credential-" + *helper;
        }
    }
    make_private_directory(file.parent_path());
    static_cast<void>(rewrite(file, host, credential));
    return file.string();
}

std::vector<std::string> erase_credential(const std::string& host, const RegistryOptions& options) {
    std::vector<std::string> out;
    for (const CredentialPlace& place : credential_places(options)) {
        const std::optional<CredentialFile> file = load(place);
        if (!file || place.legacy) continue;
        const std::string* helper = helper_for(*file, host);
        if (helper == nullptr && !file->creds_store.empty()) helper = &file->creds_store;
        if (helper != nullptr && erase_from_helper(*helper, server_name(host))) {
            out.push_back("docker-credential-" + *helper);
        }
        if (rewrite(place.file, host, {})) out.push_back(place.file.string());
    }
    return out;
}

}  // namespace smith::ocilayout
