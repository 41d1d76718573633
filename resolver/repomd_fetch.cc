// SPDX-License-Identifier: Apache-2.0
#include "resolver/repomd_fetch.h"

#include <algorithm>
#include <ctime>
#include <thread>

#include "base/bounds.h"
#include "base/error.h"
#include "resolver/attempts.h"
#include "resolver/keyring.h"
#include "resolver/url.h"

namespace smith::resolver {

namespace {

HttpRequest request_for(const std::string& url, const std::string& baseurl, const HttpAccess& access,
                        const std::optional<FetchedRepomd>& known) {
    HttpRequest request;
    request.url = url;
    request.access = access;
    request.max_bytes = limits::kMaxRepomdBytes;
    request.max_seconds = kMaxSecondsForDocument;
    if (known && known->baseurl == redact_url(baseurl)) {
        if (!known->etag.empty()) request.headers.push_back("If-None-Match: " + known->etag);
        if (!known->last_modified.empty()) request.headers.push_back("If-Modified-Since: " + known->last_modified);
    }
    return request;
}

/// `result` is left as the server's answer, for who asks whether another try may help.
FetchedRepomd get(const std::string& baseurl, const HttpAccess& access, const std::optional<FetchedRepomd>& known,
                  HttpClient& http, HttpResult& result) {
    const std::string url = join_url(baseurl, "repodata/repomd.xml");
    FetchedRepomd out;
    out.baseurl = baseurl;
    if (local_path(url)) {
        out.xml = read_url(url, limits::kMaxRepomdBytes, access, http);
        return out;
    }
    const HttpRequest request = request_for(url, baseurl, access, known);
    result = std::move(http.perform_all(std::span(&request, 1)).front());
    if (result.error != nullptr) std::rethrow_exception(result.error);
    const HttpResponse& response = result.response;
    if (response.status == 304 && !request.headers.empty()) {
        out.xml = known->xml;
        out.etag = known->etag;
        out.last_modified = known->last_modified;
        return out;
    }
    check_ok(request, response);
    out.xml = response.body;
    out.etag = response.header("etag");
    out.last_modified = response.header("last-modified");
    return out;
}

GoodRepomd check(FetchedRepomd fetched, const RepoConfig& config, const Mirrors& mirrors, const RepomdChecks& checks,
                 HttpClient& http) {
    if (mirrors.metalink) check_repomd(*mirrors.metalink, fetched.xml);
    if (checks.keyring != nullptr) {
        const std::string url = join_url(fetched.baseurl, "repodata/repomd.xml.asc");
        const std::string signature = read_url(url, limits::kMaxKeyBytes, access_of(config), http);
        while_doing([] { return "checking repomd.xml"; },
                    [&] { checks.keyring->verify_detached(fetched.xml, signature); });
    }
    Repomd repomd = parse_repomd(fetched.xml);
    const auto now = static_cast<std::uint64_t>(std::time(nullptr));
    if (checks.freshness) check_freshness(repomd, *checks.freshness, now);
    if (repomd.timestamp) fetched.timestamp = std::min(*repomd.timestamp, now);
    return {std::move(fetched), std::move(repomd)};
}

}  // namespace

GoodRepomd fetch_repomd(const RepoConfig& config, const Mirrors& mirrors, const RepomdChecks& checks, HttpClient& http,
                        Reporter& reporter) {
    RetryOptions retry = http.options().retry;
    retry.retries = retries_of(config).value_or(retry.retries);
    Attempts attempts(mirrors.baseurls.size(), retry);
    FirstError errors;
    const HttpAccess access = access_of(config);
    for (;;) {
        const Attempts::Time now = std::chrono::steady_clock::now();
        const auto place = attempts.next(
            now, [](std::size_t) { return true; },
            [&](std::size_t i) { return http.hosts().failures(mirrors.baseurls[i]); });
        if (!place) {
            const auto ready = attempts.ready_at(now);
            if (!ready) errors.rethrow();
            std::this_thread::sleep_until(*ready);
            continue;
        }
        const std::string& baseurl = mirrors.baseurls[*place];
        HttpResult result;
        try {
            return while_doing(
                [&] { return quote(redact_url(baseurl)); },
                [&] { return check(get(baseurl, access, checks.known, http, result), config, mirrors, checks, http); });
        } catch (const Error& e) {
            reporter.debug(e.message());
            errors.keep(std::current_exception());
            http.hosts().blame(baseurl);
            attempts.failed(*place, result, now);
        }
    }
}

}  // namespace smith::resolver
