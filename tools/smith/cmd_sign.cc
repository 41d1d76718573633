// SPDX-License-Identifier: Apache-2.0
//
// `smith sign`: signs an image where it is, in cosign's form.
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.h"
#include "ocilayout/signature.h"
#include "tools/smith/commands.h"
#include "tools/smith/failure.h"
#include "tools/smith/image_source.h"
#include "tools/smith/interrupt.h"
#include "tools/smith/key_password.h"
#include "tools/smith/output.h"

namespace smith::cli {

namespace {

using ocilayout::ImageDestination;
using ocilayout::RawManifest;
using ocilayout::Reference;
using ocilayout::Signature;
using ocilayout::SignatureImage;
using ocilayout::Transport;

/// What is at the place before anything is written there.
struct Found {
    ocilayout::Descriptor image;
    std::vector<Signature> signatures;
};

Found look(const SignCommand& command, const Context& context) {
    const auto source = open_source(command.image, context);
    Found out;
    out.image = source->manifest().descriptor;
    ocilayout::FoundSignatures found = ocilayout::find_signatures(*source, out.image);
    for (const std::string& problem : found.problems) context.reporter.warn(problem + ", ignoring");
    out.signatures = std::move(found.signatures);
    return out;
}

/// The name that a registry's image is known by, as cosign writes it: without tag and digest.
std::string docker_reference(const Reference& image) {
    if (image.transport != Transport::docker) return {};
    const std::string name = image.name.substr(0, image.name.find('@'));
    const std::size_t slash = name.rfind('/');
    return name.substr(0, name.find(':', slash == std::string::npos ? 0 : slash));
}

void put(const SignatureImage& image, const std::string& tag, ImageDestination& destination) {
    for (const RawManifest& blob : image.blobs) {
        if (destination.has_blob(blob.descriptor)) continue;
        destination.put_blob(blob.descriptor, [&blob] { return ocilayout::memory_source(blob.bytes); }, {});
    }
    if (tag.empty()) {
        destination.put_manifest(image.manifest.descriptor, image.manifest.bytes);
    } else {
        destination.put_tagged(image.manifest.descriptor, image.manifest.bytes, tag);
    }
}

/// In a registry under the tag, where every cosign looks, and as a referrer. In a layout as a referrer alone: a second
/// tag would be a second image to whoever looks in.
void store(const Found& found, const Signature& signature, const Reference& place, const Context& context) {
    const auto destination = open_destination(ocilayout::to_string(place), context);
    put(ocilayout::make_signature_image({signature}, &found.image), {}, *destination);
    if (place.transport == Transport::docker) {
        std::vector<Signature> all = found.signatures;
        all.push_back(signature);
        put(ocilayout::make_signature_image(all, nullptr), ocilayout::signature_tag(found.image.digest), *destination);
    }
    destination->finish();
}

}  // namespace

int run_command(const SignCommand& command, Context& context) {
    const InterruptGuard guard(context.reporter);
    const Reference place = ocilayout::parse_reference(command.image);
    if (place.transport != Transport::docker && place.transport != Transport::oci) {
        throw Error(ErrorKind::usage,
                    "only images in a layout or a registry can be signed where they are, not " + quote(command.image));
    }
    const PrivateKey key = PrivateKey::load(command.key, key_password());
    Found found;
    while_doing([&] { return "signing " + quote(command.image); },
                [&] {
                    found = look(command, context);
                    const Signature made =
                        ocilayout::sign(key, found.image.digest, docker_reference(place), command.annotations);
                    store(found, made, place, context);
                });
    context.reporter.clear();
    context.reporter.info("signed " + quote(command.image));
    if (context.common.json) {
        write_json({{"digest", found.image.digest.str()}, {"public_key", key.public_key().pem()}});
    } else {
        write_stdout(found.image.digest.str() + "\n");
    }
    return kDone;
}

}  // namespace smith::cli
