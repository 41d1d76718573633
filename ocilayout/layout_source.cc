// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/layout_source.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "base/json.h"
#include "ocilayout/bounds.h"
#include "ocilayout/find_image.h"
#include "ocilayout/image.h"
#include "ocilayout/json_fields.h"

namespace smith::ocilayout {

namespace {

std::string read_layout_file(const ImageFiles& files, const std::string& name) {
    const std::unique_ptr<ByteSource> source = files.open(name);
    if (!source) throw Error(ErrorKind::usage, "it is not an OCI image: it has no " + quote(name));
    return while_doing([&] { return quote(name); }, [&] { return read_all(*source, limits::kMaxManifestBytes); });
}

void check_layout_version(const ImageFiles& files) {
    const std::string text = read_layout_file(files, "oci-layout");
    const std::string version = while_doing([] { return "'oci-layout'"; },
                                            [&] { return string_field(parse_json(text), "imageLayoutVersion"); });
    if (!version.starts_with("1.")) {
        throw Error(ErrorKind::format, "its layout version is " + quote(version) + ", expected '1.0.0'");
    }
}

ParsedIndex read_layout_index(const ImageFiles& files) {
    check_layout_version(files);
    const std::string text = read_layout_file(files, "index.json");
    return while_doing([] { return "'index.json'"; }, [&] { return parse_index(text, media_type::kIndex); });
}

class LayoutSource : public ImageSource {
public:
    LayoutSource(std::unique_ptr<ImageFiles> files, const Reference& reference) : files_(std::move(files)) {
        index_ = read_layout_index(*files_);
        entry_ = choose_entry(index_, reference.tag);
    }

    RawManifest manifest() override { return {entry_, read_manifest(entry_)}; }
    std::string tag() override { return tag_of(entry_); }

    std::optional<RawManifest> find_tag(const std::string& tag) override {
        for (const Descriptor& entry : index_.manifests) {
            if (can_be_an_image(entry) && tag_of(entry) == tag) return RawManifest{entry, read_manifest(entry)};
        }
        return std::nullopt;
    }

    std::string read_manifest(const Descriptor& descriptor) override {
        return read_blob(*this, descriptor, limits::kMaxManifestBytes);
    }

    std::unique_ptr<ByteSource> open_blob(const Descriptor& descriptor) override {
        return ocilayout::open_blob(*files_, descriptor);
    }

    ReferrerList referrers(const Descriptor& subject) override;

    std::vector<Descriptor> blobs_beside() override {
        std::vector<Descriptor> out;
        for (const Descriptor& other : index_.manifests) {
            const bool is_plain = !is_manifest_type(other.media_type) && !is_index_type(other.media_type);
            if (is_plain && tag_of(other) == tag() && files_->open(blob_name(other.digest))) out.push_back(other);
        }
        return out;
    }

private:
    /// Those that an index.json entry by smith leads to: an image index of manifests with a subject. umoci's gc removes
    /// what it does not know, so that it may be gone.
    void add_attached(const Descriptor& entry, const Descriptor& subject, ReferrerList& out);
    /// True when the manifest of a referrer says that it belongs to `subject`. One that is gone is told in `out`.
    bool belongs_to(const Descriptor& referrer, const Descriptor& subject, ReferrerList& out);

    std::unique_ptr<ImageFiles> files_;
    ParsedIndex index_;
    Descriptor entry_;
};

bool LayoutSource::belongs_to(const Descriptor& referrer, const Descriptor& subject, ReferrerList& out) {
    if (!is_manifest_type(referrer.media_type)) return false;
    try {
        const ParsedManifest manifest = parse_manifest(read_manifest(referrer), referrer.media_type);
        return manifest.subject && manifest.subject->digest == subject.digest;
    } catch (const MissingError& e) {
        out.warnings.push_back("artifact " + referrer.digest.str() + ": " + e.message() + ", ignoring");
        return false;
    }
}

void LayoutSource::add_attached(const Descriptor& entry, const Descriptor& subject, ReferrerList& out) {
    const auto it = entry.annotations.find(std::string(annotation::kReferrers));
    if (it == entry.annotations.end()) return;
    const Digest digest = Digest::parse(it->second);
    const std::optional<std::string> text = read_blob_if_there(*files_, digest, limits::kMaxManifestBytes);
    if (!text) {
        out.warnings.push_back("the index of attached artifacts " + digest.str() + " is missing, ignoring");
        return;
    }
    for (Descriptor& referrer : parse_index(*text, media_type::kIndex).manifests) {
        // What hangs on a whole image index, and on the images in it, is listed together.
        if (entry.digest != subject.digest && !belongs_to(referrer, subject, out)) continue;
        out.manifests.push_back(std::move(referrer));
    }
}

ReferrerList LayoutSource::referrers(const Descriptor& subject) {
    ReferrerList out;
    add_attached(entry_, subject, out);
    for (const Descriptor& entry : index_.manifests) {
        // As oras lists them: beside the image, without a tag.
        const bool is_listed = is_manifest_type(entry.media_type) && !entry.artifact_type.empty();
        if (is_listed && belongs_to(entry, subject, out)) out.manifests.push_back(entry);
    }
    // As regclient lists them: the tag that distribution-spec has for registries without a referrers API.
    const std::string fallback = "sha256-" + subject.digest.hex();
    for (const Descriptor& entry : index_.manifests) {
        if (!is_index_type(entry.media_type) || tag_of(entry) != fallback) continue;
        const std::optional<std::string> text = read_blob_if_there(*files_, entry.digest, limits::kMaxManifestBytes);
        if (!text) {
            out.warnings.push_back("the list of attached artifacts " + entry.digest.str() + " is missing, ignoring");
            continue;
        }
        const std::vector<Descriptor> listed = parse_index(*text, entry.media_type).manifests;
        out.manifests.insert(out.manifests.end(), listed.begin(), listed.end());
    }
    return out;
}

}  // namespace

std::unique_ptr<ImageSource> layout_source(std::unique_ptr<ImageFiles> files, const Reference& reference) {
    return std::make_unique<LayoutSource>(std::move(files), reference);
}

std::vector<std::string> layout_tags(const ImageFiles& files) {
    std::vector<std::string> out;
    for (const Descriptor& entry : read_layout_index(files).manifests) {
        std::string tag = tag_of(entry);
        if (can_be_an_image(entry) && !tag.empty()) out.push_back(std::move(tag));
    }
    return out;
}

}  // namespace smith::ocilayout
