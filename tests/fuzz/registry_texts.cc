// SPDX-License-Identifier: Apache-2.0
//
// The texts that registries and their configuration consist of. The first byte chooses which: a name of an image, a
// challenge, a Link, a registries.conf, a file of credentials. What is understood is understood the same way after
// printing, and what goes into a URL means nothing there.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/http_access.h"
#include "ocilayout/registry/auth_challenge.h"
#include "ocilayout/registry/credential_file.h"
#include "ocilayout/registry/manifests.h"
#include "ocilayout/registry/name.h"
#include "ocilayout/registry/registries_conf.h"
#include "ocilayout/registry/token_realm.h"

using namespace smith;
using namespace smith::ocilayout;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

void try_name(std::string_view text) {
    const RegistryName name = parse_registry_name(text);
    require(parse_registry_name(to_string(name)) == name);
    require(name.repository.find_first_of("?#%@: \\\n") == std::string::npos);
    require(("/" + name.repository + "/").find("/../") == std::string::npos);
    require(name.host.find_first_of("/?#%@ \\\n") == std::string::npos);
}

void try_challenges(std::string_view text) {
    const auto challenges = parse_challenges(text);
    require(parse_challenges(print_challenges(challenges)) == challenges);
    for (const AuthChallenge& one : challenges) {
        try {
            check_token_realm(one.param("realm"), "https://registry.example.com:5000/v2/", {});
        } catch (const Error&) {
            continue;
        }
        const std::string origin = origin_of(one.param("realm"));
        require(origin.starts_with("https://"));
        require(origin.substr(0, origin.rfind(':')).ends_with("example.com"));
    }
}

void try_conf(std::string_view text) {
    const RegistriesConf conf = parse_registries_conf(text, "fuzz");
    for (const RegistryPlace& place : places_to_pull(conf, parse_registry_name("example.com/team/app:1"))) {
        require(is_repository_name(place.repository));
        require(parse_registry_host(place.host) == place.host);
    }
}

void try_credentials(std::string_view text) {
    const CredentialFile file = parse_credential_file(text);
    static_cast<void>(find_credential(file, "example.com", "team/app"));
    Credential mine;
    mine.username = Secret("user");
    mine.password = Secret("p:w");
    const std::string edited = edit_credential_file(text, "example.com", mine).value();
    const Credential* found = nullptr;
    const CredentialFile again = parse_credential_file(edited);
    found = find_credential(again, "example.com", "");
    require(found != nullptr && *found == mine);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    try {
        switch (data[0]) {
            case 'n': try_name(text); break;
            case 'c': try_challenges(text); break;
            case 'l': static_cast<void>(next_link(text)); break;
            case 'r': try_conf(text); break;
            case 'a': try_credentials(text); break;
            default: break;
        }
    } catch (const Error&) {
        return 0;
    }
    return 0;
}
