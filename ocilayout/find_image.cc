// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/find_image.h"

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "ocilayout/bounds.h"

namespace smith::ocilayout {

namespace {

// More names than this in one message help nobody.
constexpr std::size_t kMaxListed = 20;

std::string listed(const std::vector<std::string>& names) {
    std::string out;
    for (std::size_t i = 0; i < names.size() && i < kMaxListed; ++i) out += (i == 0 ? "" : ", ") + quote(names[i]);
    if (names.size() > kMaxListed) out += " and " + std::to_string(names.size() - kMaxListed) + " more";
    return out.empty() ? "none" : out;
}

/// What a variant that is left out means (containerd's platforms.Normalize).
std::string variant_of(const Platform& platform) {
    if (!platform.variant.empty()) {
        const bool is_number = std::ranges::all_of(platform.variant, [](char c) { return c >= '0' && c <= '9'; });
        return is_number ? "v" + platform.variant : platform.variant;
    }
    if (platform.architecture == "arm64") return "v8";
    if (platform.architecture == "arm") return "v7";
    if (platform.architecture == "amd64") return "v1";
    return {};
}

/// How good an image for `candidate` is on a `wanted` machine; 0: it doesn't run there. A machine runs what was made
/// for an older variant of it, the newest of these best (containerd's platforms.Only; other architectures that it might
/// run, such as 386 on amd64, are never taken unasked).
int match(const Descriptor& candidate, const Platform& wanted) {
    if (!candidate.platform) return 0;
    const Platform& has = *candidate.platform;
    if (has.os != wanted.os || has.architecture != wanted.architecture) return 0;
    constexpr int kSame = 1000;
    const std::string theirs = variant_of(has);
    const std::string ours = variant_of(wanted);
    if (theirs == ours) return kSame;
    const bool are_numbers = theirs.size() == 2 && ours.size() == 2 && theirs[0] == 'v' && ours[0] == 'v';
    return are_numbers && theirs[1] < ours[1] ? theirs[1] : 0;
}

Descriptor choose_platform(const ParsedIndex& index, const Platform& platform) {
    std::vector<const Descriptor*> images;
    for (const Descriptor& entry : index.manifests) {
        if (can_be_an_image(entry)) images.push_back(&entry);
    }
    // A lone image without a platform is what it is, for whatever machine.
    if (images.size() == 1 && !images.front()->platform) return *images.front();
    const Descriptor* best = nullptr;
    for (const Descriptor* image : images) {
        if (match(*image, platform) > (best == nullptr ? 0 : match(*best, platform))) best = image;
    }
    if (best != nullptr) return *best;
    std::vector<std::string> there;
    for (const Descriptor* image : images) {
        there.push_back(image->platform ? to_string(*image->platform) : "unknown");
    }
    throw Error(ErrorKind::usage, "no image for " + quote(to_string(platform)) + "; there are: " + listed(there));
}

}  // namespace

bool can_be_an_image(const Descriptor& entry) {
    return (is_manifest_type(entry.media_type) && entry.artifact_type.empty()) || is_index_type(entry.media_type);
}

std::string tag_of(const Descriptor& entry) {
    const auto it = entry.annotations.find(std::string(annotation::kRefName));
    return it == entry.annotations.end() ? "" : it->second;
}

Descriptor choose_entry(const ParsedIndex& index, const std::string& tag) {
    std::vector<const Descriptor*> images;
    std::vector<std::string> tags;
    for (const Descriptor& entry : index.manifests) {
        if (!can_be_an_image(entry)) continue;
        images.push_back(&entry);
        tags.push_back(tag_of(entry));
    }
    if (images.empty()) throw Error(ErrorKind::usage, "no image in it");
    if (tag.empty() && images.size() == 1) return *images.front();
    const std::string wanted = tag.empty() ? "latest" : tag;
    const auto count = std::ranges::count(tags, wanted);
    if (count == 1) return *images[static_cast<std::size_t>(std::ranges::find(tags, wanted) - tags.begin())];
    if (count > 1) throw Error(ErrorKind::format, "more than one image is tagged " + quote(wanted));
    if (tag.empty()) throw Error(ErrorKind::usage, "several images in it; name one of the tags " + listed(tags));
    throw Error(ErrorKind::usage, "no image is tagged " + quote(wanted) + "; tags: " + listed(tags));
}

RawManifest resolve_to_manifest(ImageSource& source, RawManifest top, const Platform& platform) {
    RawManifest here = std::move(top);
    for (int depth = 0; is_index_type(here.descriptor.media_type); ++depth) {
        if (depth >= limits::kMaxIndexDepth) throw Error(ErrorKind::format, "image indexes are nested too deeply");
        const std::string& type = here.descriptor.media_type;
        const Descriptor chosen = while_doing([&] { return "image index " + here.descriptor.digest.str(); },
                                              [&] { return choose_platform(parse_index(here.bytes, type), platform); });
        here = {chosen, source.read_manifest(chosen)};
    }
    if (!is_manifest_type(here.descriptor.media_type)) {
        throw Error(ErrorKind::format,
                    "an entry of type " + quote(here.descriptor.media_type) + ", expected a manifest");
    }
    return here;
}

}  // namespace smith::ocilayout
