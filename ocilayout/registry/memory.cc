// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/registry/memory.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <system_error>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/json.h"
#include "ocilayout/bounds.h"
#include "ocilayout/json_fields.h"

namespace smith::ocilayout {

namespace {

using nlohmann::json;

std::filesystem::path file_for(const std::filesystem::path& cache_dir, std::string host) {
    // "[::1]:5000" is no name for a file everywhere.
    std::ranges::replace(host, ':', '_');
    return cache_dir / "registries" / (host + ".json");
}

}  // namespace

RegistryMemory recall_registry(const std::filesystem::path& cache_dir, const std::string& host) noexcept {
    if (cache_dir.empty()) return {};
    try {
        const json document = parse_json(read_file(file_for(cache_dir, host), limits::kMaxCredentialFileBytes));
        RegistryMemory out{optional_string(document, "realm"), optional_string(document, "service"), {}};
        const json* api = find_field(document, "referrers_api");
        if (api != nullptr && api->is_boolean()) out.has_referrers_api = api->get<bool>();
        return out;
    } catch (const std::exception&) {
        return {};
    }
}

void remember_registry(const std::filesystem::path& cache_dir, const std::string& host,
                       const RegistryMemory& memory) noexcept {
    try {
        if (cache_dir.empty() || memory == recall_registry(cache_dir, host)) return;
        const std::filesystem::path file = file_for(cache_dir, host);
        std::error_code failed;
        std::filesystem::create_directories(file.parent_path(), failed);
        json document = {{"realm", memory.realm}, {"service", memory.service}};
        if (memory.has_referrers_api) document["referrers_api"] = *memory.has_referrers_api;
        write_file_atomically(file, dump_json(document));
    } catch (const std::exception&) {
        // It will be found out again.
    }
}

}  // namespace smith::ocilayout
