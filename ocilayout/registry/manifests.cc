// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/registry/manifests.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "base/json.h"
#include "ocilayout/bounds.h"
#include "ocilayout/json_fields.h"

namespace smith::ocilayout {

namespace {

using nlohmann::json;

constexpr std::array kAccepted = {media_type::kManifest, media_type::kIndex, media_type::kDockerManifest,
                                  media_type::kDockerIndex};

RegistryCall manifest_call(const std::string& method, const std::string& reference) {
    RegistryCall call;
    call.request.method = method;
    call.request.url = "manifests/" + reference;
    call.request.max_bytes = limits::kMaxManifestBytes;
    std::string accept = "Accept: ";
    for (const std::string_view type : kAccepted) {
        if (accept.size() > 8) accept += ", ";
        accept += type;
    }
    call.request.headers.push_back(std::move(accept));
    return call;
}

/// The type that the header names, else the document itself; a document that contradicts the header is refused where it
/// is parsed.
std::string type_of(const HttpResponse& response) {
    const std::string header = response.header("content-type");
    std::string type = header.substr(0, header.find(';'));
    while (!type.empty() && type.back() == ' ') type.pop_back();
    if (std::ranges::find(kAccepted, std::string_view(type)) != kAccepted.end()) return type;
    if (type.starts_with("application/vnd.docker.distribution.manifest.v1")) {
        throw Error(ErrorKind::format, "it is of docker's schema 1, which was given up in 2017 and is not read here");
    }
    const json document = parse_json(response.body);
    type = optional_string(document, "mediaType");
    if (type.empty()) type = find_field(document, "manifests") != nullptr ? media_type::kIndex : media_type::kManifest;
    if (std::ranges::find(kAccepted, std::string_view(type)) == kAccepted.end()) {
        throw Error(ErrorKind::format, "it is of type " + quote(type) + ", which is neither a manifest nor an index");
    }
    return type;
}

/// What the registry calls it; nothing when it does not say, or has an algorithm of its own.
std::optional<Digest> named_digest(const HttpResponse& response) {
    const std::string text = response.header("docker-content-digest");
    if (!text.starts_with("sha256:")) return std::nullopt;
    return while_doing([] { return "Docker-Content-Digest"; }, [&] { return Digest::parse(text); });
}

void check_digest(const std::string& reference, const HttpResponse& response, const Digest& found) {
    const auto differs = [&](const std::string& what, const std::string& expected) {
        throw Error(ErrorKind::integrity, what + ": expected " + expected + ", got " + found.str());
    };
    if (reference.starts_with("sha256:") && reference != found.str()) {
        differs("the registry sends something else than was asked for", reference);
    }
    if (const auto named = named_digest(response); named && *named != found) {
        differs("what came is not what the registry calls it", named->str());
    }
}

HttpBody text_body(std::string_view text) {
    auto at = std::make_shared<std::size_t>(0);
    HttpBody body;
    body.size = text.size();
    body.read = [text, at](std::span<std::byte> buffer) {
        const std::size_t count = std::min(buffer.size(), text.size() - *at);
        std::memcpy(buffer.data(), text.data() + *at, count);
        *at += count;
        return count;
    };
    body.rewind = [at] { *at = 0; };
    return body;
}

/// All pages of a listing, one after the other. `take` is given each. False when `is_absent(status)`.
template <typename IsAbsent, typename Take>
bool walk_pages(RegistryClient& client, RegistryCall call, const IsAbsent& is_absent, const Take& take) {
    std::set<std::string> seen;
    for (std::size_t page = 0;; ++page) {
        const HttpResponse response = client.call(call);
        if (page == 0 && is_absent(response.status)) return false;
        if (!response.ok()) throw client.refusal(call, response);
        if (!take(response)) return false;
        const std::string next = next_link(response.header("link"));
        if (next.empty()) return true;
        call.request.url = client.location(response, next);
        if (page == limits::kMaxTagPages || !seen.insert(call.request.url).second) {
            throw Error(ErrorKind::format, "registry " + quote(client.name()) + ": the list never ends");
        }
    }
}

std::string index_text(const std::vector<Descriptor>& entries) {
    ParsedIndex index;
    index.media_type = media_type::kIndex;
    index.manifests = entries;
    return to_json_text(index);
}

std::vector<Descriptor> entries_under_tag(RegistryClient& client, const Digest& subject) {
    const std::optional<RawManifest> index = get_manifest(client, referrers_tag(subject));
    if (!index || !is_index_type(index->descriptor.media_type)) return {};
    return parse_index(index->bytes, index->descriptor.media_type).manifests;
}

/// 201 is what distribution-spec has for what was stored; some say 200 or 202, and so does a page that wants us to log
/// in.
void check_is_there(RegistryClient& client, const Descriptor& descriptor, const std::string& reference, long status) {
    if (head_manifest(client, reference) == descriptor.digest) return;
    throw Error(ErrorKind::fetch,
                "the registry says " + std::to_string(status) + " where 201 means stored, and does not have it");
}

bool is_listed(const std::vector<Descriptor>& entries, const Digest& digest) {
    return std::ranges::find(entries, digest, &Descriptor::digest) != entries.end();
}

void put_under_tag(RegistryClient& client, const Digest& subject, const std::vector<Descriptor>& entries) {
    const std::string text = index_text(entries);
    static_cast<void>(put_manifest(client, describe(media_type::kIndex, text), text, referrers_tag(subject)));
}

}  // namespace

std::optional<RawManifest> get_manifest(RegistryClient& client, const std::string& reference) {
    return while_doing([&] { return "manifest " + quote(reference) + " of " + quote(client.name()); },
                       [&]() -> std::optional<RawManifest> {
                           const RegistryCall call = manifest_call("GET", reference);
                           HttpResponse response = client.call(call);
                           if (response.status == 404) return std::nullopt;
                           if (!response.ok()) throw client.refusal(call, response);
                           RawManifest out;
                           out.descriptor.digest = sha256(response.body);
                           check_digest(reference, response, out.descriptor.digest);
                           out.descriptor.media_type = type_of(response);
                           out.descriptor.size = response.body.size();
                           out.bytes = std::move(response.body);
                           return out;
                       });
}

std::optional<Digest> head_manifest(RegistryClient& client, const std::string& reference) {
    const RegistryCall call = manifest_call("HEAD", reference);
    const HttpResponse response = client.call(call);
    if (response.status == 404) return std::nullopt;
    if (!response.ok()) throw client.refusal(call, response);
    return named_digest(response);
}

bool has_manifest(RegistryClient& client, const Digest& digest) {
    const RegistryCall call = manifest_call("HEAD", digest.str());
    const HttpResponse response = client.call(call);
    if (response.status == 404) return false;
    if (!response.ok()) throw client.refusal(call, response);
    return true;
}

bool put_manifest(RegistryClient& client, const Descriptor& descriptor, std::string_view bytes,
                  const std::string& reference) {
    RegistryCall call = manifest_call("PUT", reference);
    call.scope.action = RegistryAction::push;
    call.request.headers = {"Content-Type: " + descriptor.media_type};
    call.request.body = text_body(bytes);
    return while_doing([&] { return "writing manifest " + quote(reference) + " of " + quote(client.name()); },
                       [&] {
                           const HttpResponse response = client.call(call);
                           if (!response.ok()) throw client.refusal(call, response);
                           check_digest({}, response, descriptor.digest);
                           if (response.status != 201) check_is_there(client, descriptor, reference, response.status);
                           if (!response.header("oci-subject").empty()) {
                               client.found_referrers_api(true);
                               return true;
                           }
                           return parse_json(bytes).value("subject", json()).is_null();
                       });
}

bool delete_manifest(RegistryClient& client, const std::string& reference) {
    RegistryCall call = manifest_call("DELETE", reference);
    call.scope.action = RegistryAction::remove;
    const HttpResponse response = client.call(call);
    if (response.status == 404) return false;
    if (!response.ok()) throw client.refusal(call, response);
    return true;
}

std::vector<std::string> list_tags(RegistryClient& client) {
    RegistryCall call;
    call.request.url = "tags/list?n=1000";
    call.request.max_bytes = limits::kMaxManifestBytes;
    std::vector<std::string> out;
    std::size_t count = 0;
    const auto is_absent = [](long status) { return status == 404; };
    const bool there = walk_pages(client, call, is_absent, [&](const HttpResponse& response) {
        for (std::string& tag : string_list(parse_json(response.body), "tags")) {
            ++count;
            // It becomes part of a URL, and of a terminal's line.
            if (is_registry_tag(tag)) out.push_back(std::move(tag));
        }
        if (count > limits::kMaxTags) {
            throw Error(ErrorKind::format, "registry " + quote(client.name()) + ": more than " +
                                               std::to_string(limits::kMaxTags) + " tags");
        }
        return true;
    });
    if (!there) throw Error(ErrorKind::usage, "there is no repository " + quote(client.name()));
    return out;
}

std::vector<Descriptor> list_referrers(RegistryClient& client, const Digest& subject) {
    if (!client.has_referrers_api().value_or(true)) return entries_under_tag(client, subject);
    RegistryCall call;
    call.request.url = "referrers/" + subject.str();
    call.request.max_bytes = limits::kMaxManifestBytes;
    std::vector<Descriptor> out;
    // What registries say that have never heard of it, as go-containerregistry and oras have met them.
    const auto is_absent = [](long status) {
        return status == 400 || status == 404 || status == 405 || status == 406 || status == 501;
    };
    const bool there = walk_pages(client, call, is_absent, [&](const HttpResponse& response) {
        const std::string type = response.header("content-type");
        // Some registries answer anything with a page of theirs.
        if (!type.starts_with(media_type::kIndex)) return false;
        for (Descriptor& one : parse_index(response.body, media_type::kIndex).manifests) out.push_back(std::move(one));
        if (out.size() > limits::kMaxIndexEntries) {
            throw Error(ErrorKind::format, "registry " + quote(client.name()) + ": the list never ends");
        }
        return true;
    });
    client.found_referrers_api(there);
    return there ? out : entries_under_tag(client, subject);
}

std::string referrers_tag(const Digest& subject) { return "sha256-" + subject.hex(); }

void add_to_referrers_tag(RegistryClient& client, const Digest& subject, const std::vector<Descriptor>& entries) {
    const std::vector<Descriptor> before = entries_under_tag(client, subject);
    std::vector<Descriptor> all;
    for (const Descriptor& one : before) {
        const bool is_ours = is_listed(entries, one.digest);
        // Who has hung on it more than anybody looks at may tidy up himself.
        if (is_ours || before.size() > limits::kMaxArtifacts || has_manifest(client, one.digest)) all.push_back(one);
    }
    for (const Descriptor& one : entries) {
        if (!is_listed(all, one.digest)) all.push_back(one);
    }
    if (all != before) put_under_tag(client, subject, all);
}

void remove_from_referrers_tag(RegistryClient& client, const Digest& subject, const Digest& referrer) {
    std::vector<Descriptor> all = entries_under_tag(client, subject);
    if (std::erase_if(all, [&](const Descriptor& one) { return one.digest == referrer; }) == 0) return;
    put_under_tag(client, subject, all);
}

std::string next_link(std::string_view header) {
    while (!header.empty()) {
        const std::size_t open = header.find('<');
        const std::size_t close = header.find('>', open);
        if (open == std::string_view::npos || close == std::string_view::npos) return {};
        // Parameters reach to the next link, whose '<' no quoted parameter of ours holds.
        const std::string_view params = header.substr(close + 1, header.find('<', close) - close - 1);
        if (params.find("rel=\"next\"") != std::string_view::npos ||
            params.find("rel=next") != std::string_view::npos) {
            return std::string(header.substr(open + 1, close - open - 1));
        }
        header.remove_prefix(close + 1);
    }
    return {};
}

}  // namespace smith::ocilayout
