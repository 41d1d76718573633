// SPDX-License-Identifier: Apache-2.0
//
// Where an image is written to, whatever is to hold it. Who writes gives blobs first, then the manifests that mean
// them, the one with the tag last, then finish(): whoever looks meanwhile sees what was there before. Without finish(),
// nothing is named; blobs may be left in a registry, which clears them away itself.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "ocilayout/byte_source.h"
#include "ocilayout/descriptor.h"
#include "ocilayout/reference.h"
#include "ocilayout/transport_options.h"

namespace smith::ocilayout {

/// Opens a blob from its start, and again as often as it must be sent again.
using BlobOpener = std::function<std::unique_ptr<ByteSource>()>;

/// has_blob() and put_blob() may be called from any thread, at the same time, for different blobs. All throw Error:
/// system; fetch, when a registry does not take it; integrity, when a blob's bytes are not what its descriptor says;
/// usage, when this transport can't hold what it is given.
class ImageDestination {
public:
    virtual ~ImageDestination() = default;

    /// True when nothing need be written: each of `tags` names `manifest` there, with all that it means, and all of
    /// `referrers` are listed as hanging on it. Asks as little as it can, and may say false of what is there.
    [[nodiscard]] virtual bool is_up_to_date(const Descriptor& manifest, std::span<const std::string> tags,
                                             std::span<const Digest> referrers) {
        static_cast<void>(manifest), static_cast<void>(tags), static_cast<void>(referrers);
        return false;
    }

    /// True when it has the blob, whole: then put_blob() is not needed.
    [[nodiscard]] virtual bool has_blob(const Descriptor& blob) = 0;
    /// `open` gives bytes that are verified at their end; it may be called until finish() has returned. `mount_from`:
    /// ImageSource::repository() of where they are from.
    virtual void put_blob(const Descriptor& blob, const BlobOpener& open, const std::string& mount_from) = 0;

    /// Stores a manifest or an index under its digest alone: a part of an index, or what hangs on an image by
    /// `subject` (which the destination sees to it that referrers() of it will list).
    virtual void put_manifest(const Descriptor& descriptor, std::string_view bytes) = 0;
    /// Stores it, and lets `tag` name it. With an empty tag it is what the destination is about nevertheless.
    virtual void put_tagged(const Descriptor& descriptor, std::string_view bytes, const std::string& tag) = 0;
    /// The tag that the reference names; empty when it names a digest.
    [[nodiscard]] virtual std::string tag() const = 0;
    /// What put_manifest() and put_tagged() gave becomes visible, if it is not yet. Call once, last.
    virtual void finish() = 0;

    /// False where only single images can be (docker-archive).
    [[nodiscard]] virtual bool keeps_indexes() const { return true; }
    /// False where nothing can hang on an image.
    [[nodiscard]] virtual bool keeps_referrers() const { return true; }
    /// False where documents must have OCI's types.
    [[nodiscard]] virtual bool keeps_docker_types() const { return true; }
    /// False where manifests are not stored, and layers are stored uncompressed (docker-archive).
    [[nodiscard]] virtual bool keeps_manifests() const { return true; }
};

/// Throws as the members of ImageDestination; usage also for a place that holds something of somebody's.
[[nodiscard]] std::unique_ptr<ImageDestination> open_image_destination(const Reference& destination,
                                                                       const TransportOptions& options = {});

}  // namespace smith::ocilayout
