// SPDX-License-Identifier: Apache-2.0
//
// Where an image is read from, whatever holds it: a layout, an archive, a registry. Manifests and blobs come as they
// are stored there, named by digest; which of them make an image is find_image.h's business and above.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ocilayout/byte_source.h"
#include "ocilayout/descriptor.h"
#include "ocilayout/reference.h"
#include "ocilayout/transport_options.h"

namespace smith::ocilayout {

/// A manifest or an image index, to the byte.
struct RawManifest {
    /// Type, digest and size of `bytes`; platform and annotations where whatever led here has them.
    Descriptor descriptor;
    std::string bytes;
};

/// What hangs on an image by `subject`.
struct ReferrerList {
    std::vector<Descriptor> manifests;  ///< their manifests, with artifactType and annotations
    std::vector<std::string> warnings;  ///< what should be there and can't be had. One sentence each
};

/// All members but the destructor may be called from any thread, at the same time. They throw Error: usage, when what
/// the person named is not there; integrity, for bytes that do not match; fetch, when a registry does not answer;
/// format; system.
class ImageSource {
public:
    virtual ~ImageSource() = default;

    /// What the reference names. Resolved once: a tag that moves meanwhile changes nothing for this object.
    [[nodiscard]] virtual RawManifest manifest() = 0;
    /// The tag that manifest() bears, if any.
    [[nodiscard]] virtual std::string tag() = 0;
    /// Another tag of the same repository, layout or archive; nothing when it has none of that name.
    [[nodiscard]] virtual std::optional<RawManifest> find_tag(const std::string& tag) = 0;

    /// A manifest or an index that another document means: verified.
    [[nodiscard]] virtual std::string read_manifest(const Descriptor& descriptor) = 0;
    /// A blob, verified when it is read to its end. It may outlive this object.
    [[nodiscard]] virtual std::unique_ptr<ByteSource> open_blob(const Descriptor& descriptor) = 0;

    [[nodiscard]] virtual ReferrerList referrers(const Descriptor& subject) = 0;
    /// Blobs that are listed beside what manifest() is, under its tag, as if they were manifests: so Oracle's Smith
    /// attached its spec and package list.
    [[nodiscard]] virtual std::vector<Descriptor> blobs_beside() { return {}; }
    /// What a registry could take blobs over from, "HOST/NAME"; empty for anything but a registry.
    [[nodiscard]] virtual std::string repository() const { return {}; }
    /// True when manifest() was made up by the reader, for a format that keeps none (docker-archive): its digest means
    /// nothing to anybody, and its layers are as large as what they hold.
    [[nodiscard]] virtual bool makes_up_manifests() const { return false; }
};

/// Looks for the image at once, so that what is not there is told here. Throws as the members of ImageSource.
[[nodiscard]] std::unique_ptr<ImageSource> open_image_source(const Reference& source,
                                                             const TransportOptions& options = {});

/// All tags of the repository, layout or archive that `place` is or is in, sorted, each once; its own tag or digest
/// does not matter. Throws as the members of ImageSource.
[[nodiscard]] std::vector<std::string> list_tags(const Reference& place, const TransportOptions& options = {});

/// All of a small blob, verified. Throws Error (format) also when the descriptor claims more than `max_bytes`.
[[nodiscard]] std::string read_blob(ImageSource& source, const Descriptor& descriptor, std::uint64_t max_bytes);

}  // namespace smith::ocilayout
