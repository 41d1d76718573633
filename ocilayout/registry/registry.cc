// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/registry/registry.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include "base/error.h"
#include "ocilayout/bounds.h"
#include "ocilayout/find_image.h"
#include "ocilayout/registry/blobs.h"
#include "ocilayout/registry/manifests.h"
#include "ocilayout/registry/name.h"
#include "ocilayout/registry/registries_conf.h"

namespace smith::ocilayout {

namespace {

// Of a push that finds everything there (docs/registries.md).
constexpr std::size_t kFewRequests = 3;

using Clients = std::vector<std::shared_ptr<RegistryClient>>;

Clients clients_to_pull(const RegistryName& name, const RegistryOptions& options) {
    Clients out;
    const std::vector<RegistryPlace> places = places_to_pull(load_registries_conf(), name);
    for (std::size_t i = 0; i < places.size(); ++i) {
        RegistryOptions its = options;
        // What was said on the command line is about the registry that was named there, not about its mirrors.
        if (i + 1 < places.size()) {
            its.login.reset();
            its.insecure = false;
            its.cert_dir.clear();
            // There is another place to ask, which is better than patience.
            its.retry.retries = std::min(its.retry.retries, 1U);
        }
        out.push_back(std::make_shared<RegistryClient>(places[i], its));
    }
    return out;
}

/// Calls `ask` for each of `clients` until one has what is wanted, and puts that one first. When none has, what the
/// last one said is thrown, or nothing comes back.
template <typename Ask>
auto ask_in_turn(Clients& clients, const Ask& ask) -> decltype(ask(*clients[0])) {
    for (std::size_t i = 0;; ++i) {
        const bool is_last = i + 1 == clients.size();
        try {
            auto found = ask(*clients[i]);
            if (!found && !is_last) continue;
            if (found) std::rotate(clients.begin(), clients.begin() + static_cast<std::ptrdiff_t>(i), clients.end());
            return found;
        } catch (const Error& e) {
            if (is_last) throw;
            if (Reporter* reporter = clients[i]->options().reporter; reporter != nullptr) {
                reporter->debug(e.message() + "; asking the next place");
            }
        }
    }
}

class RegistrySource : public ImageSource {
public:
    RegistrySource(const RegistryName& name, const RegistryOptions& options)
        : name_(name), clients_(clients_to_pull(name, options)) {
        const std::string reference = name.digest ? name.digest->str() : name.tag_or_default();
        auto found = ask_in_turn(clients_, [&](RegistryClient& client) { return get_manifest(client, reference); });
        if (!found) throw Error(ErrorKind::usage, "the registry has no image of that name");
        manifest_ = std::move(*found);
    }

    RawManifest manifest() override { return manifest_; }
    std::string tag() override { return name_.tag_or_default(); }

    std::optional<RawManifest> find_tag(const std::string& tag) override {
        if (!is_registry_tag(tag)) return std::nullopt;
        Clients clients = clients_;
        return ask_in_turn(clients, [&](RegistryClient& client) { return get_manifest(client, tag); });
    }

    std::string read_manifest(const Descriptor& descriptor) override {
        if (descriptor.size > limits::kMaxManifestBytes) {
            throw Error(ErrorKind::format, "manifest " + descriptor.digest.str() + " is said to have " +
                                               std::to_string(descriptor.size) + " bytes, more than the " +
                                               std::to_string(limits::kMaxManifestBytes) + " allowed");
        }
        Clients clients = clients_;
        auto found =
            ask_in_turn(clients, [&](RegistryClient& client) { return get_manifest(client, descriptor.digest.str()); });
        if (!found) throw MissingError("manifest " + descriptor.digest.str() + " is missing");
        if (found->descriptor.size != descriptor.size) {
            throw Error(ErrorKind::integrity, "manifest " + descriptor.digest.str() + " has " +
                                                  std::to_string(found->descriptor.size) + " bytes, expected " +
                                                  std::to_string(descriptor.size));
        }
        return std::move(found->bytes);
    }

    std::unique_ptr<ByteSource> open_blob(const Descriptor& descriptor) override {
        return open_remote_blob(clients_, descriptor);
    }

    ReferrerList referrers(const Descriptor& subject) override {
        return {list_referrers(*clients_.front(), subject.digest), {}};
    }

    std::string repository() const override { return clients_.front()->name(); }

private:
    RegistryName name_;
    Clients clients_;  ///< the one that has the image first; not changed after construction
    RawManifest manifest_;
};

class RegistryDestination : public ImageDestination {
public:
    RegistryDestination(const RegistryName& name, const RegistryOptions& options)
        : name_(name), client_(place_to_push(load_registries_conf(), name), options, RegistryAction::push) {}

    bool is_up_to_date(const Descriptor& manifest, std::span<const std::string> tags,
                       std::span<const Digest> referrers) override {
        check_digest(manifest);
        for (const std::string& tag : tags) {
            const std::string reference = tag.empty() ? manifest.digest.str() : checked_tag(tag);
            if (head_manifest(client_, reference) != manifest.digest) return false;
        }
        if (referrers.empty()) return true;
        const bool is_known = client_.has_referrers_api().has_value();
        const std::vector<Descriptor> listed = list_referrers(client_, manifest.digest);
        const bool are_listed = std::ranges::all_of(referrers, [&](const Digest& one) {
            return std::ranges::find(listed, one, &Descriptor::digest) != listed.end();
        });
        if (!are_listed || client_.has_referrers_api().value_or(true)) return are_listed;
        // The list is a manifest like others, and may outlive what it lists: registries that clean up take away what
        // has no tag, all of it. So one of them speaks for all, as long as that is not the fourth request to a registry
        // that we know.
        return (is_known && client_.requests() >= kFewRequests) || has_manifest(client_, referrers.back());
    }

    bool has_blob(const Descriptor& blob) override { return ocilayout::has_blob(client_, blob); }

    void put_blob(const Descriptor& blob, const BlobOpener& open, const std::string& mount_from) override {
        ocilayout::put_blob(client_, blob, open, mountable(mount_from));
    }

    void put_manifest(const Descriptor& descriptor, std::string_view bytes) override {
        put(descriptor, bytes, descriptor.digest.str());
    }

    void put_tagged(const Descriptor& descriptor, std::string_view bytes, const std::string& tag) override {
        check_digest(descriptor);
        // Who finds the image by its tag finds also what hangs on it.
        add_pending_referrers();
        put(descriptor, bytes, tag.empty() ? descriptor.digest.str() : checked_tag(tag));
    }

    std::string tag() const override { return name_.tag_or_default(); }
    void finish() override { add_pending_referrers(); }

private:
    void check_digest(const Descriptor& manifest) const {
        if (!name_.digest || *name_.digest == manifest.digest) return;
        throw Error(ErrorKind::usage, "the destination names digest " + name_.digest->str() + ", and the image is " +
                                          manifest.digest.str());
    }

    static const std::string& checked_tag(const std::string& tag) {
        if (is_registry_tag(tag)) return tag;
        throw Error(ErrorKind::usage, quote(tag) + " is not a tag that a registry can have");
    }

    void put(const Descriptor& descriptor, std::string_view bytes, const std::string& reference) {
        if (ocilayout::put_manifest(client_, descriptor, bytes, reference)) return;
        if (!client_.has_referrers_api()) client_.found_referrers_api(false);
        const ParsedManifest manifest = parse_manifest(bytes, descriptor.media_type);
        Descriptor entry = describe(descriptor.media_type, bytes);
        entry.artifact_type = manifest.artifact_type.empty() ? manifest.config.media_type : manifest.artifact_type;
        entry.annotations = manifest.annotations;
        pending_[manifest.subject->digest].push_back(std::move(entry));
    }

    void add_pending_referrers() {
        for (const auto& [subject, entries] : std::exchange(pending_, {})) {
            add_to_referrers_tag(client_, subject, entries);
        }
    }

    /// The repository of `from`, if it is one of this registry and another one.
    [[nodiscard]] std::string mountable(const std::string& from) const {
        const std::string& host = client_.place().host;
        if (!from.starts_with(host + "/") || from == client_.name()) return {};
        const std::string repository = from.substr(host.size() + 1);
        return is_repository_name(repository) ? repository : std::string();
    }

    RegistryName name_;
    RegistryClient client_;
    /// By subject, where the registry has no referrers API.
    std::map<Digest, std::vector<Descriptor>> pending_;
};

/// The registry itself, not a mirror of it: what is listed or deleted there is what it has.
RegistryClient client_of(const Reference& place, const TransportOptions& options, RegistryAction action) {
    const RegistryName name = parse_registry_name(place.name);
    return {place_to_push(load_registries_conf(), name), options.registry, action};
}

/// What tools call what they hang on an image, where they can't hang it on: distribution-spec's fallback, and cosign's.
std::vector<std::string> tags_about(const Digest& image) {
    const std::string tag = referrers_tag(image);
    return {tag, tag + ".sig", tag + ".att", tag + ".sbom"};
}

/// True for what nobody runs: a list of artifacts, or an artifact of cosign's. An image that somebody gave such a name
/// is none.
bool is_no_image(const RawManifest& manifest) {
    const std::string& type = manifest.descriptor.media_type;
    if (is_index_type(type)) {
        return std::ranges::none_of(parse_index(manifest.bytes, type).manifests, can_be_an_image);
    }
    return std::ranges::none_of(parse_manifest(manifest.bytes, type).layers,
                                [](const Descriptor& layer) { return is_layer_type(layer.media_type); });
}

void delete_if_about(RegistryClient& client, const std::string& tag) {
    const std::optional<RawManifest> found = get_manifest(client, tag);
    if (found && is_no_image(*found)) static_cast<void>(delete_manifest(client, found->descriptor.digest.str()));
}

/// What hung on an image, and is gone, is not listed there any more. A registry with the referrers API sees to it
/// itself.
void remove_from_list(RegistryClient& client, const RawManifest& gone) {
    if (!is_manifest_type(gone.descriptor.media_type) || client.has_referrers_api().value_or(false)) return;
    const auto subject = parse_manifest(gone.bytes, gone.descriptor.media_type).subject;
    if (subject) remove_from_referrers_tag(client, subject->digest, gone.descriptor.digest);
}

}  // namespace

std::unique_ptr<ImageSource> open_registry_source(const Reference& source, const TransportOptions& options) {
    return std::make_unique<RegistrySource>(parse_registry_name(source.name), options.registry);
}

std::unique_ptr<ImageDestination> open_registry_destination(const Reference& destination,
                                                            const TransportOptions& options) {
    return std::make_unique<RegistryDestination>(parse_registry_name(destination.name), options.registry);
}

std::vector<std::string> list_registry_tags(const Reference& place, const TransportOptions& options) {
    RegistryClient client = client_of(place, options, RegistryAction::pull);
    return list_tags(client);
}

std::vector<std::string> delete_from_registry(const Reference& image, const TransportOptions& options) {
    RegistryClient client = client_of(image, options, RegistryAction::remove);
    const RegistryName name = parse_registry_name(image.name);
    const std::string reference = name.digest ? name.digest->str() : name.tag_or_default();
    // A tag alone can be deleted by distribution-spec 1.1, and by few registries; a digest by all that delete at all.
    std::optional<Digest> digest = name.digest;
    std::optional<RawManifest> found;
    try {
        found = get_manifest(client, reference);
    } catch (const Error& e) {
        // What can't be read, such as docker's schema 1, can be taken away.
        if (e.kind() != ErrorKind::format) throw;
        if (!digest) digest = head_manifest(client, reference);
    }
    if (found) digest = found->descriptor.digest;
    if (!digest || !delete_manifest(client, digest->str())) {
        throw Error(ErrorKind::usage, "the registry has no image of that name");
    }
    std::vector<std::string> problems;
    // It is gone by now, whatever comes of the rest.
    const auto attempt = [&](const std::string& what, const auto& body) {
        try {
            body();
        } catch (const Error& e) {
            problems.push_back(what + ": " + e.message() + ", ignoring");
        }
    };
    attempt("the list of what hangs on another image", [&] {
        if (found) remove_from_list(client, *found);
    });
    for (const std::string& tag : tags_about(*digest)) {
        attempt("tag " + quote(tag), [&] { delete_if_about(client, tag); });
    }
    return problems;
}

}  // namespace smith::ocilayout
