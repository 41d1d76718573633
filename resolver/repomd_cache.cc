// SPDX-License-Identifier: Apache-2.0
#include "resolver/repomd_cache.h"

#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/bounds.h"
#include "base/cache_directory.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/http.h"
#include "base/json.h"

namespace smith::resolver {

std::optional<FetchedRepomd> RepomdCache::load() const {
    try {
        FetchedRepomd out;
        out.xml = read_file(directory_ / "repomd.xml", limits::kMaxRepomdBytes);
        const nlohmann::json state = parse_json(read_file(directory_ / "state.json", limits::kMaxRepomdBytes));
        if (state.at("repomd") != sha256(out.xml).str()) return std::nullopt;
        out.baseurl = state.at("baseurl");
        out.etag = state.at("etag");
        out.last_modified = state.at("lastModified");
        if (state.contains("timestamp")) out.timestamp = state.at("timestamp").get<std::uint64_t>();
        return out;
    } catch (const Error&) {  // not there, or damaged: the same as never fetched
        return std::nullopt;
    } catch (const nlohmann::json::exception&) {
        return std::nullopt;
    }
}

void RepomdCache::store(const FetchedRepomd& fetched) const {
    nlohmann::json state = {{"repomd", sha256(fetched.xml).str()},
                            {"baseurl", redact_url(fetched.baseurl)},
                            {"etag", fetched.etag},
                            {"lastModified", fetched.last_modified}};
    if (fetched.timestamp) state["timestamp"] = *fetched.timestamp;
    make_cache_directory(directory_);
    write_file_atomically(directory_ / "repomd.xml", fetched.xml);
    write_file_atomically(directory_ / "state.json", dump_json_pretty(state));
}

}  // namespace smith::resolver
