// SPDX-License-Identifier: Apache-2.0
//
// Requests to one repository of one registry: where its API is, as whom it is asked, again when that may help, and what
// its refusals say. What is asked stands in blobs.h and manifests.h.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/http.h"
#include "ocilayout/produced_source.h"
#include "ocilayout/registry/auth.h"

namespace smith::ocilayout {

struct RegistryCall {
    TokenScope scope;
    /// `url` is relative to the repository ("manifests/latest"), or absolute: then our credentials go along only if it
    /// leads to the registry itself. A body is sent again from its start, where a retry is due.
    HttpRequest request;
    /// Whether failures of the moment are worth another try here; with a sink they never are.
    bool may_repeat = true;
    /// Set to true by another thread: the call ends soon, in Cancelled.
    const std::atomic<bool>* cancelled = nullptr;
};

/// Thread-safe: each call has a connection of its own while it lasts.
class RegistryClient {
public:
    /// `least`: what every token is asked for, at least. Who is going to write needs one token only, if it is for both.
    RegistryClient(RegistryPlace place, const RegistryOptions& options, RegistryAction least = RegistryAction::pull);
    RegistryClient(const RegistryClient&) = delete;
    RegistryClient& operator=(const RegistryClient&) = delete;
    ~RegistryClient();

    [[nodiscard]] const RegistryPlace& place() const noexcept { return place_; }
    [[nodiscard]] const RegistryOptions& options() const noexcept { return options_; }
    /// "HOST/REPOSITORY", for messages.
    [[nodiscard]] std::string name() const;

    /// Any status but 401 is a response. Throws Error: fetch, also for what came of 401; integrity, for an answer
    /// longer than allowed; what a sink throws.
    [[nodiscard]] HttpResponse call(const RegistryCall& call);
    /// As call(); what came of it, for those who retry by themselves. Throws only for what no retry would change.
    [[nodiscard]] HttpResult try_call(const RegistryCall& call);

    /// An error (fetch) that says what was asked, and what the registry says of it.
    [[nodiscard]] Error refusal(const RegistryCall& call, const HttpResponse& response) const;

    /// Where a Location or Link of `response` leads. Throws Error (fetch) for none, for one that leads from https to
    /// http, and for no URL of http at all. The registry's own host keeps its https.
    [[nodiscard]] std::string location(const HttpResponse& response, const std::string& reference) const;

    /// Whether it has the referrers API, as far as is known: nothing before anybody has asked.
    [[nodiscard]] std::optional<bool> has_referrers_api() const;
    void found_referrers_api(bool is_there);
    /// Made so far, with one of a token server where there is one.
    [[nodiscard]] std::size_t requests();

private:
    class Lease;
    [[nodiscard]] std::string base_url();
    [[nodiscard]] TokenScope scope_of(const RegistryCall& call) const;
    bool use_other_scheme(const HttpResult& result);
    HttpResult perform(HttpClient& http, const RegistryCall& call, std::string& authorization);
    void tell(const HttpRequest& request, const HttpResult& result);

    RegistryPlace place_;
    RegistryOptions options_;
    RegistryAction least_;
    HttpAccess access_;
    RegistryAuth auth_;
    mutable std::mutex mutex_;
    std::optional<bool> has_referrers_api_;
    std::atomic<std::size_t> requests_ = 0;
    std::vector<std::unique_ptr<HttpClient>> idle_;
    std::vector<std::string> schemes_;  ///< to be tried, the first first; one when it is known
    std::set<std::string> told_;        ///< warnings
};

}  // namespace smith::ocilayout
