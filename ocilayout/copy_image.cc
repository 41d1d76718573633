// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/copy_image.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/parallel.h"
#include "ocilayout/bounds.h"
#include "ocilayout/docker_types.h"
#include "ocilayout/find_image.h"
#include "ocilayout/image.h"
#include "ocilayout/recompress.h"

namespace smith::ocilayout {

namespace {

// As many as skopeo and docker have under way: a registry answers one request slowly, and six as fast.
constexpr unsigned kBlobsAtOnce = 6;

/// A blob that is to be copied, and where it is.
struct Wanted {
    Descriptor blob;
    ImageSource* source = nullptr;
};

/// All that belongs to what is copied, in the order in which it may be stored.
class Bill {
public:
    /// A manifest, or an index with all that it lists.
    void add(ImageSource& source, const RawManifest& manifest, int depth = 0) {
        if (!seen_.insert(manifest.descriptor.digest).second) return;
        const std::string& type = manifest.descriptor.media_type;
        if (is_index_type(type)) {
            if (depth >= limits::kMaxIndexDepth) throw Error(ErrorKind::format, "image indexes are nested too deeply");
            for (const Descriptor& child : parse_index(manifest.bytes, type).manifests) add_child(source, child, depth);
        } else {
            add_blobs(source, parse_manifest(manifest.bytes, type));
        }
        manifests.push_back(manifest);
    }

    /// What hangs on anything that was added.
    void add_referrers(ImageSource& source) {
        // It grows meanwhile: a signature may hang on what hangs on the image.
        for (std::size_t i = 0; i < manifests.size(); ++i) {
            const Descriptor subject = manifests[i].descriptor;
            const ReferrerList list = source.referrers(subject);
            warnings.insert(warnings.end(), list.warnings.begin(), list.warnings.end());
            for (const Descriptor& referrer : list.manifests) add_referrer(source, subject, referrer);
        }
    }

    /// Everything in docker's types. What an index lists comes before it, so that its new name is known by then.
    void use_docker_types() {
        std::map<Digest, Descriptor> renamed;
        for (RawManifest& manifest : manifests) {
            const Digest before = manifest.descriptor.digest;
            manifest = is_index_type(manifest.descriptor.media_type) ? index_in_docker_types(manifest, renamed)
                                                                     : in_docker_types(manifest);
            renamed.emplace(before, manifest.descriptor);
        }
    }

    std::vector<RawManifest> manifests;  ///< what an index lists before the index
    std::map<Digest, Wanted> blobs;
    std::uint64_t referrers = 0;
    std::vector<std::string> warnings;

private:
    void add_child(ImageSource& source, const Descriptor& child, int depth) {
        if (is_manifest_type(child.media_type) || is_index_type(child.media_type)) {
            add(source, {child, source.read_manifest(child)}, depth + 1);
        } else {
            // image-index.md: entries of other types are to be kept.
            add_blob(source, child);
        }
    }

    void add_referrer(ImageSource& source, const Descriptor& subject, const Descriptor& referrer) {
        if (seen_.contains(referrer.digest)) return;
        if (++referrers > limits::kMaxArtifacts) {
            throw Error(ErrorKind::format,
                        "more than " + std::to_string(limits::kMaxArtifacts) + " artifacts on one image");
        }
        RawManifest manifest{referrer, {}};
        try {
            manifest.bytes = source.read_manifest(referrer);
        } catch (const MissingError& e) {
            // What is listed and gone is no part of the image any more.
            warnings.push_back("artifact " + referrer.digest.str() + ": " + e.message() + ", ignoring");
            --referrers;
            return;
        }
        if (is_manifest_type(referrer.media_type)) {
            const ParsedManifest parsed = parse_manifest(manifest.bytes, referrer.media_type);
            if (!parsed.subject || parsed.subject->digest != subject.digest) {
                warnings.push_back("artifact " + referrer.digest.str() + " belongs to another image, ignoring");
                return;
            }
        }
        add(source, manifest);
    }

    void add_blobs(ImageSource& source, const ParsedManifest& manifest) {
        add_blob(source, manifest.config);
        for (const Descriptor& layer : manifest.layers) add_blob(source, layer);
    }

    void add_blob(ImageSource& source, const Descriptor& blob) {
        if (blob.size > limits::kMaxLayerBytes) {
            throw Error(ErrorKind::format, "blob " + blob.digest.str() + " is said to have " +
                                               std::to_string(blob.size) + " bytes, more than the " +
                                               std::to_string(limits::kMaxLayerBytes) + " allowed");
        }
        blobs.try_emplace(blob.digest, Wanted{blob, &source});
    }

    std::set<Digest> seen_;
};

/// Tells the reporter about every block that goes by.
class CountingSource : public ByteSource {
public:
    CountingSource(std::unique_ptr<ByteSource> inner, std::function<void(std::size_t)> count)
        : inner_(std::move(inner)), count_(std::move(count)) {}

    std::size_t read(std::span<std::byte> buffer) override {
        const std::size_t got = inner_->read(buffer);
        count_(got);
        return got;
    }

private:
    std::unique_ptr<ByteSource> inner_;
    std::function<void(std::size_t)> count_;
};

void copy_blobs(const Bill& bill, ImageDestination& destination, CopyResult& result, Reporter& reporter) {
    std::vector<const Wanted*> wanted;
    std::uint64_t total = 0;
    for (const auto& [digest, one] : bill.blobs) {
        wanted.push_back(&one);
        total += one.blob.size;
    }
    // The largest first, so that it does not go alone in the end.
    std::ranges::stable_sort(wanted, std::ranges::greater{}, [](const Wanted* one) { return one->blob.size; });
    // Some destinations, such as archives, read their blobs only in finish(): the count outlives this function.
    const auto done = std::make_shared<std::atomic<std::uint64_t>>(0);
    std::atomic<std::uint64_t> there = 0;
    std::atomic<std::uint64_t> bytes = 0;
    parallel_for(kBlobsAtOnce, wanted.size(), [&](std::size_t i) {
        const Wanted& one = *wanted[i];
        if (destination.has_blob(one.blob)) {
            ++there;
            reporter.progress("copying", *done += one.blob.size, total);
            return;
        }
        const auto count = [&reporter, done, total](std::size_t got) {
            reporter.progress("copying", *done += got, total);
        };
        const BlobOpener open = [&one, count] {
            return std::make_unique<CountingSource>(one.source->open_blob(one.blob), count);
        };
        destination.put_blob(one.blob, open, one.source->repository());
        bytes += one.blob.size;
    });
    result.blobs = wanted.size() - there;
    result.blobs_there = there;
    result.bytes = bytes;
}

void put_everything(Bill& bill, RawManifest top, ImageDestination& destination, const CopyOptions& options,
                    CopyResult& result, Reporter& reporter) {
    if (options.docker_types) {
        bill.use_docker_types();
        top = bill.manifests.back();  // what the copy is about; nothing hangs on it here
    }
    result.copied = top.descriptor;
    result.referrers = bill.referrers;
    result.warnings = std::move(bill.warnings);
    std::vector<std::string> tags = options.also_tags;
    tags.push_back(destination.tag());
    if (bill.referrers == 0 && destination.is_up_to_date(top.descriptor, tags, {})) {
        result.blobs_there = bill.blobs.size();
        return;
    }
    copy_blobs(bill, destination, result, reporter);
    for (const RawManifest& manifest : bill.manifests) {
        if (manifest.descriptor.digest == top.descriptor.digest) continue;
        destination.put_manifest(manifest.descriptor, manifest.bytes);
    }
    for (const std::string& tag : tags) destination.put_tagged(top.descriptor, top.bytes, tag);
    destination.finish();
}

/// A descriptor for another place: what annotations it had were about the place that it is from.
RawManifest without_place(RawManifest manifest) {
    Descriptor& descriptor = manifest.descriptor;
    descriptor.annotations.erase(std::string(annotation::kRefName));
    descriptor.annotations.erase(std::string(annotation::kReferrers));
    return manifest;
}

RawManifest choose(ImageSource& source, const CopyOptions& options) {
    RawManifest top = source.manifest();
    if (options.all) return without_place(std::move(top));
    return without_place(resolve_to_manifest(source, std::move(top), options.platform));
}

void check_can_hold(const RawManifest& top, const ImageDestination& destination, const CopyOptions& options) {
    if (is_index_type(top.descriptor.media_type) && !destination.keeps_indexes()) {
        throw Error(ErrorKind::usage, "the destination can hold one image, and no index of several; leave out --all");
    }
    if (options.docker_types && !destination.keeps_docker_types()) {
        refuse_docker_types();
    }
    if (options.docker_types && options.referrers) {
        throw Error(ErrorKind::usage, "nothing can hang on an image in docker's types; leave out --referrers");
    }
    if (options.referrers && !destination.keeps_referrers()) {
        throw Error(ErrorKind::usage, "nothing can hang on an image at the destination; leave out --referrers");
    }
}

/// `source`, with the layers compressed where the destination keeps what the source never had: a manifest.
ImageSource& fit_for(ImageSource& source, const ImageDestination& destination, const CopyOptions& options,
                     std::unique_ptr<ImageSource>& made) {
    if (!source.makes_up_manifests() || !destination.keeps_manifests()) return source;
    made = recompressed_source(source, options.jobs);
    return *made;
}

/// The platform of an image, from its configuration.
Platform platform_of(ImageSource& source, const RawManifest& manifest) {
    const ParsedManifest parsed = parse_manifest(manifest.bytes, manifest.descriptor.media_type);
    return parse_image_config(read_blob(source, parsed.config, limits::kMaxConfigBytes)).config.platform;
}

}  // namespace

CopyResult copy_image(ImageSource& source, ImageDestination& destination, const CopyOptions& options,
                      Reporter& reporter) {
    std::unique_ptr<ImageSource> made;
    ImageSource& fit = fit_for(source, destination, options, made);
    const RawManifest top = choose(fit, options);
    check_can_hold(top, destination, options);
    Bill bill;
    bill.add(fit, top);
    if (options.referrers) bill.add_referrers(fit);
    CopyResult result;
    put_everything(bill, top, destination, options, result, reporter);
    return result;
}

CopyResult create_index(const std::vector<ImageSource*>& sources, ImageDestination& destination,
                        const CopyOptions& options, Reporter& reporter) {
    std::vector<std::unique_ptr<ImageSource>> made(sources.size());
    Bill bill;
    ParsedIndex index;
    std::map<Platform, std::size_t> seen;
    for (std::size_t i = 0; i < sources.size(); ++i) {
        ImageSource& source = fit_for(*sources[i], destination, options, made[i]);
        RawManifest top = without_place(source.manifest());
        std::vector<RawManifest> images;
        if (is_index_type(top.descriptor.media_type)) {
            // An index that is given brings all its images.
            for (const Descriptor& child : parse_index(top.bytes, top.descriptor.media_type).manifests) {
                if (can_be_an_image(child)) images.push_back({child, source.read_manifest(child)});
            }
        } else {
            images.push_back(std::move(top));
        }
        for (RawManifest& image : images) {
            image.descriptor.platform = platform_of(source, image);
            const auto [at, is_new] = seen.try_emplace(*image.descriptor.platform, i);
            if (!is_new) {
                throw Error(ErrorKind::usage, "images " + std::to_string(at->second + 1) + " and " +
                                                  std::to_string(i + 1) + " are both for " +
                                                  quote(to_string(*image.descriptor.platform)));
            }
            index.manifests.push_back(image.descriptor);
            bill.add(source, image);
            if (options.referrers) bill.add_referrers(source);
        }
    }
    // The same images make the same index, in whatever order they are given.
    std::ranges::sort(index.manifests, {}, &Descriptor::platform);
    RawManifest top;
    top.bytes = to_json_text(index);
    top.descriptor = describe(media_type::kIndex, top.bytes);
    bill.manifests.push_back(top);
    check_can_hold(top, destination, options);
    CopyResult result;
    put_everything(bill, top, destination, options, result, reporter);
    return result;
}

}  // namespace smith::ocilayout
