// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/registry/certs_d.h"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <system_error>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "ocilayout/bounds.h"

namespace smith::ocilayout {

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> candidates(std::string_view host) {
    std::vector<fs::path> out;
    if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0') {
        out.push_back(fs::path(home) / ".config/containers/certs.d" / host);
    }
    out.push_back(fs::path("/etc/containers/certs.d") / host);
    out.push_back(fs::path("/etc/docker/certs.d") / host);
    return out;
}

std::vector<fs::path> files_of(const fs::path& directory) {
    std::vector<fs::path> out;
    for (const fs::directory_entry& entry : fs::directory_iterator(directory)) out.push_back(entry.path());
    std::ranges::sort(out);
    return out;
}

void add_from(HttpAccess& access, const fs::path& directory) {
    std::error_code failed;
    for (const fs::path& file : files_of(directory)) {
        if (file.extension() == ".crt") {
            access.ca_pem += read_file(file, limits::kMaxCertificateBytes) + "\n";
        } else if (file.extension() == ".cert") {
            const fs::path key = fs::path(file).replace_extension(".key");
            if (!fs::exists(key, failed)) {
                throw Error(ErrorKind::usage, quote(file.string()) + " is a certificate without its key; " +
                                                  quote(key.filename().string()) +
                                                  " belongs beside it, and an authority's is called .crt");
            }
            // libcurl shows one of them; so does it with the first that a server asks for.
            if (!access.client_cert.empty()) continue;
            access.client_cert = file.string();
            access.client_key = key.string();
        }
    }
}

}  // namespace

void add_certificates(HttpAccess& access, std::string_view host, const fs::path& named) {
    std::error_code failed;
    if (!named.empty() && !fs::is_directory(named, failed)) {
        throw Error(ErrorKind::usage, quote(named.string()) + " is not a directory of certificates");
    }
    for (const fs::path& directory : named.empty() ? candidates(host) : std::vector<fs::path>{named}) {
        if (!fs::is_directory(directory, failed)) continue;
        add_from(access, directory);
        return;
    }
}

}  // namespace smith::ocilayout
