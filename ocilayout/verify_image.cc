// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/verify_image.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/error.h"
#include "ocilayout/bounds.h"
#include "ocilayout/decompress.h"
#include "ocilayout/find_image.h"
#include "ocilayout/image.h"
#include "ocilayout/layer_rules.h"

namespace smith::ocilayout {

namespace {

/// Not the image's fault: nobody can say whether it holds.
bool is_about_us(const Error& e) { return e.kind() == ErrorKind::system || e.kind() == ErrorKind::fetch; }

class Verifier {
public:
    Verifier(ImageSource& source, Reporter& reporter) : source_(source), reporter_(reporter) {}

    Verification run() {
        const RawManifest top = source_.manifest();
        out_.image = top.descriptor;
        verify_document("manifest " + top.descriptor.digest.str(), top, 0);
        return std::move(out_);
    }

private:
    void note(std::string what, std::string want, std::string got) {
        out_.mismatches.push_back({std::move(what), std::move(want), std::move(got)});
    }

    /// Runs `body`, and notes what it throws.
    template <typename Body>
    bool holds(const std::string& what, const Body& body) {
        try {
            body();
            return true;
        } catch (const MismatchError& e) {
            note(what, e.want(), e.got());
        } catch (const Error& e) {
            if (is_about_us(e)) throw;
            note(what, "what its format says", e.message());
        }
        return false;
    }

    void verify_document(const std::string& what, const RawManifest& manifest, int depth) {
        if (!seen_.insert(manifest.descriptor.digest).second) return;
        ++out_.manifests;
        holds(what, [&] {
            const std::unique_ptr<ByteSource> bytes =
                verifying_source(memory_source(manifest.bytes), manifest.descriptor.digest, manifest.descriptor.size);
            drain(*bytes);
        });
        if (is_index_type(manifest.descriptor.media_type)) {
            holds(what, [&] { verify_index(manifest, depth); });
        } else {
            holds(what, [&] { verify_manifest(manifest, what); });
        }
        verify_referrers(manifest.descriptor, depth);
    }

    void verify_index(const RawManifest& manifest, int depth) {
        if (depth >= limits::kMaxIndexDepth) throw Error(ErrorKind::format, "image indexes are nested too deeply");
        for (const Descriptor& child : parse_index(manifest.bytes, manifest.descriptor.media_type).manifests) {
            const std::string what = "manifest " + child.digest.str();
            if (!is_manifest_type(child.media_type) && !is_index_type(child.media_type)) {
                verify_blob("blob " + child.digest.str(), child);
                continue;
            }
            RawManifest read{child, {}};
            if (holds(what, [&] { read.bytes = source_.read_manifest(child); })) verify_document(what, read, depth + 1);
        }
    }

    void verify_manifest(const RawManifest& raw, const std::string& what) {
        const ParsedManifest manifest = parse_manifest(raw.bytes, raw.descriptor.media_type);
        const std::string& type = manifest.config.media_type;
        if (type != media_type::kConfig && type != media_type::kDockerConfig) {
            // An artifact: blobs, and no file system.
            verify_blob("configuration of " + what, manifest.config);
            for (const Descriptor& blob : manifest.layers) verify_blob("blob " + blob.digest.str(), blob);
            return;
        }
        std::vector<Digest> diff_ids;
        std::string config;
        const bool has_config = holds("configuration " + manifest.config.digest.str(), [&] {
            config = read_blob(source_, manifest.config, limits::kMaxConfigBytes);
            count(manifest.config);
            const ParsedConfig parsed = parse_image_config(config);
            diff_ids = parsed.diff_ids;
            verify_platform(raw.descriptor, parsed.config.platform, what);
        });
        if (has_config && diff_ids.size() != manifest.layers.size()) {
            note("diff_ids of " + what, std::to_string(manifest.layers.size()) + ", as there are layers",
                 std::to_string(diff_ids.size()));
        }
        const bool is_ours = is_by_smith(raw.descriptor);
        for (std::size_t i = 0; i < manifest.layers.size(); ++i) {
            const Digest* diff_id = i < diff_ids.size() ? &diff_ids[i] : nullptr;
            const std::string name = "layer " + std::to_string(i + 1) + " " + manifest.layers[i].digest.str();
            reporter_.progress("verifying", i, manifest.layers.size());
            const bool is_intact = verify_layer(name, manifest.layers[i], diff_id);
            if (is_intact && is_ours) verify_rules(name, manifest.layers[i], config);
        }
        if (is_ours && manifest.layers.size() != 1) {
            note("layers of " + what, "1, as smith writes it", std::to_string(manifest.layers.size()));
        }
    }

    /// Of an index, the entry and the image must be for the same machine.
    void verify_platform(const Descriptor& descriptor, const Platform& platform, const std::string& what) {
        if (!descriptor.platform) return;
        const Platform& said = *descriptor.platform;
        if (said.os == platform.os && said.architecture == platform.architecture) return;
        note("platform of " + what, to_string(said), to_string(platform));
    }

    bool verify_layer(const std::string& what, const Descriptor& layer, const Digest* diff_id) {
        if (layer.size > limits::kMaxLayerBytes) {
            note(what, "at most " + std::to_string(limits::kMaxLayerBytes) + " bytes", std::to_string(layer.size));
            return false;
        }
        Digest found;
        const bool is_whole = holds(what, [&] {
            const auto open = [&] { return source_.open_blob(layer); };
            blame_digest_first(open, [&] {
                const std::unique_ptr<ByteSource> tar = hashing_source(
                    read_ahead(decompressed(read_ahead(open()))), [&found](const Digest& digest) { found = digest; });
                drain(*tar);
            });
            count(layer);
        });
        if (!is_whole || diff_id == nullptr) return false;
        if (found == *diff_id) return true;
        note("diff_id of " + what, diff_id->str(), found.str());
        return false;
    }

    /// smith hangs on its images what it made them of.
    bool is_by_smith(const Descriptor& image) {
        const std::vector<Descriptor> referrers = source_.referrers(image).manifests;
        return std::ranges::any_of(referrers, [](const Descriptor& referrer) {
            return referrer.artifact_type == artifact_type::kSpec || referrer.artifact_type == artifact_type::kReasons;
        });
    }

    void verify_rules(const std::string& what, const Descriptor& layer, const std::string& config) {
        holds(what, [&] {
            const std::unique_ptr<ByteSource> tar = decompressed(source_.open_blob(layer));
            for (LayerFault& fault : find_layer_faults(*tar, parse_image_config(config).config)) {
                note(what + ": " + fault.what, std::move(fault.want), std::move(fault.got));
            }
        });
    }

    void verify_blob(const std::string& what, const Descriptor& blob) {
        if (!seen_.insert(blob.digest).second) return;
        const bool is_whole = holds(what, [&] { drain(*source_.open_blob(blob)); });
        if (is_whole) count(blob);
    }

    void verify_referrers(const Descriptor& subject, int depth) {
        // What hangs on what hangs on an image, and so on, ends somewhere.
        if (depth >= limits::kMaxIndexDepth) return;
        const ReferrerList list = source_.referrers(subject);
        for (const std::string& warning : list.warnings) reporter_.warn(warning);
        for (const Descriptor& referrer : list.manifests) {
            const std::string what = "referrer " + referrer.digest.str();
            RawManifest read{referrer, {}};
            const auto body = [&] {
                try {
                    read.bytes = source_.read_manifest(referrer);
                } catch (const MissingError& e) {
                    // Whoever cleans up takes away what has no tag. The image is what it was.
                    reporter_.warn(what + ": " + e.message() + ", ignoring");
                }
            };
            if (!holds(what, body) || read.bytes.empty()) continue;
            holds(what, [&] { verify_subject(what, read, subject); });
            verify_document(what, read, depth + 1);
        }
    }

    void verify_subject(const std::string& what, const RawManifest& referrer, const Descriptor& subject) {
        if (!is_manifest_type(referrer.descriptor.media_type)) return;
        const auto its = parse_manifest(referrer.bytes, referrer.descriptor.media_type).subject;
        if (its && its->digest == subject.digest) return;
        note("subject of " + what, subject.digest.str(), its ? its->digest.str() : "none");
    }

    void count(const Descriptor& blob) {
        ++out_.blobs;
        out_.bytes += blob.size;
    }

    ImageSource& source_;
    Reporter& reporter_;
    std::set<Digest> seen_;
    Verification out_;
};

}  // namespace

Verification verify_image(ImageSource& source, Reporter& reporter) { return Verifier(source, reporter).run(); }

}  // namespace smith::ocilayout
