// SPDX-License-Identifier: Apache-2.0
#include "builder/source_image.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <mutex>

#include "base/atomic_file.h"
#include "base/bounds.h"
#include "base/cache_directory.h"
#include "base/error.h"
#include "builder/pkgdb/attribute.h"
#include "builder/spec_json.h"
#include "ocilayout/image_source.h"

namespace smith::builder {

namespace {

namespace fs = std::filesystem;
using ocilayout::ByteSource;
using ocilayout::Descriptor;
using ocilayout::ImageSource;
using ocilayout::RawManifest;
using ocilayout::Reference;

Reference reference_of(const Project& project, const Located<std::string>& name) {
    return while_doing([&] { return name.at.str(); },
                       [&] {
                           Reference out = ocilayout::parse_reference(name.value);
                           if (!out.path.empty()) out.path = project.directory / out.path;
                           return out;
                       });
}

std::unique_ptr<ImageSource> open_source(const Reference& reference, const Environment& environment) {
    if (reference.transport == ocilayout::Transport::docker && environment.offline) {
        throw Error(ErrorKind::fetch, quote(to_string(reference)) + " is in a registry, and nothing may be downloaded");
    }
    return ocilayout::open_image_source(reference, {environment.jobs, environment.registry});
}

/// Documents of images by digest: small, and all that it takes to know which layers an image has.
class DocumentCache {
public:
    explicit DocumentCache(const Environment& environment) : directory_(environment.cache_dir / "images") {}

    [[nodiscard]] std::optional<std::string> find(const Digest& digest) const {
        try {
            std::string out = read_file(directory_ / digest.hex(), limits::kMaxConfigBytes);
            if (sha256(out) == digest) return out;
        } catch (const Error&) {
            // Not there, or not readable: it comes from the image again.
        }
        return std::nullopt;
    }

    void keep(const Digest& digest, std::string_view bytes) const {
        try {
            make_cache_directory(directory_);
            write_file_atomically(directory_ / digest.hex(), bytes);
        } catch (const Error& e) {
            if (!e.is_not_found()) throw;  // else the cache was deleted meanwhile
        }
    }

private:
    fs::path directory_;
};

bool is_config_type(std::string_view type) {
    return type == ocilayout::media_type::kConfig || type == ocilayout::media_type::kDockerConfig;
}

/// One manifest of an image, by digest. What the image is kept in is opened only for what the cache lacks.
class PinnedSource : public ImageSource {
public:
    PinnedSource(Reference reference, const resolver::LockedSource& locked, const Environment& environment)
        : reference_(std::move(reference)), locked_(locked), environment_(environment), documents_(environment) {
        // The tag may be another image's by now, or gone.
        if (reference_.transport == ocilayout::Transport::docker) {
            const std::size_t slash = reference_.name.rfind('/');
            const std::size_t end = reference_.name.find_first_of(":@", slash == std::string::npos ? 0 : slash);
            repository_ = reference_.name.substr(0, end);
            reference_.name = repository_ + "@" + locked.manifest.str();
        }
    }

    RawManifest manifest() override { return inner().manifest(); }
    std::string tag() override { return reference_.tag; }
    std::string repository() const override { return repository_; }
    std::optional<RawManifest> find_tag(const std::string& tag) override { return inner().find_tag(tag); }
    ocilayout::ReferrerList referrers(const Descriptor& subject) override { return inner().referrers(subject); }

    std::string read_manifest(const Descriptor& descriptor) override {
        if (std::optional<std::string> known = documents_.find(descriptor.digest)) return std::move(*known);
        std::string out = while_doing(
            [&] {
                return "the lock has " + quote(locked_.name) + " as " + locked_.manifest.str() +
                       " ('smith update' takes what it is by now)";
            },
            [&] { return inner().read_manifest(descriptor); });
        documents_.keep(descriptor.digest, out);
        return out;
    }

    std::unique_ptr<ByteSource> open_blob(const Descriptor& descriptor) override {
        if (!is_config_type(descriptor.media_type) || descriptor.size > limits::kMaxConfigBytes) {
            return inner().open_blob(descriptor);
        }
        std::optional<std::string> bytes = documents_.find(descriptor.digest);
        if (!bytes) {
            bytes = ocilayout::read_blob(inner(), descriptor, limits::kMaxConfigBytes);
            documents_.keep(descriptor.digest, *bytes);
        }
        return ocilayout::memory_source(std::move(*bytes));
    }

private:
    /// May be asked from several threads.
    ImageSource& inner() {
        const std::lock_guard lock(mutex_);
        if (!inner_) inner_ = open_source(reference_, environment_);
        return *inner_;
    }

    Reference reference_;
    std::string repository_;
    const resolver::LockedSource& locked_;
    const Environment& environment_;
    DocumentCache documents_;
    std::mutex mutex_;
    std::unique_ptr<ImageSource> inner_;
};

Descriptor descriptor_of(const resolver::LockedSource& locked) {
    Descriptor out;
    out.media_type = locked.media_type;
    out.digest = locked.manifest;
    out.size = locked.size;
    return out;
}

std::string doing(const Located<std::string>& name) {
    return name.at.str() + ": reading image " + quote(locked_name(name));
}

/// The blob as a file of its own in the cache; null when it is not there, or not as long as it should be.
std::shared_ptr<const UniqueFd> open_cached_blob(const fs::path& file, std::uint64_t size) {
    UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    struct stat st {};
    if (!fd || ::fstat(fd.get(), &st) != 0 || !S_ISREG(st.st_mode) || static_cast<std::uint64_t>(st.st_size) != size) {
        return nullptr;
    }
    return std::make_shared<const UniqueFd>(std::move(fd));
}

std::shared_ptr<const UniqueFd> fetch_blob(ImageSource& source, const Descriptor& blob, const fs::path& file) {
    make_cache_directory(file.parent_path());
    AtomicFile out(file);
    const std::unique_ptr<ByteSource> in = source.open_blob(blob);
    std::vector<std::byte> buffer(std::size_t{256} * 1024);
    while (const std::size_t got = in->read(buffer)) out.write(std::span(buffer).first(got));
    auto fd = std::make_shared<const UniqueFd>(::fcntl(out.fd(), F_DUPFD_CLOEXEC, 0));
    if (!*fd) throw system_error(errno, "keeping a layer");
    static_cast<void>(out.commit_unless_deleted());
    return fd;
}

/// From the cache, or from `source` and into the cache. `anew`: whatever the cache has.
std::shared_ptr<const UniqueFd> keep_blob(ImageSource& source, const Descriptor& blob, const Environment& environment,
                                          bool anew = false) {
    const fs::path file = environment.cache_dir / "blobs" / blob.digest.hex();
    std::shared_ptr<const UniqueFd> fd = anew ? nullptr : open_cached_blob(file, blob.size);
    return fd ? fd : fetch_blob(source, blob, file);
}

std::unique_ptr<ByteSource> open_kept_blob(ImageSource& source, const Descriptor& blob, const Environment& environment,
                                           bool anew) {
    auto fd = keep_blob(source, blob, environment, anew);
    return ocilayout::verifying_source(ocilayout::file_source(std::move(fd), 0, blob.size), blob.digest, blob.size);
}

/// Docker's name of a layer's type in OCI's words: one manifest does not mix them.
std::string oci_type_of(const std::string& type) {
    if (type == ocilayout::media_type::kDockerLayerGzip) return std::string(ocilayout::media_type::kLayerGzip);
    if (type == ocilayout::media_type::kDockerLayerTar) return std::string(ocilayout::media_type::kLayerTar);
    if (type.ends_with("diff.tar.zstd")) return std::string(ocilayout::media_type::kLayerZstd);
    return type;
}

}  // namespace

std::string locked_name(const Located<std::string>& name) {
    Spec spec;
    spec.packages = {name};
    return without_credentials(std::move(spec)).packages.front().value;
}

ocilayout::Platform wanted_platform(const Project& project) { return ocilayout::platform_of_machine(project.arch); }

resolver::LockedSource look_up_image(const Project& project, const Located<std::string>& name,
                                     const Environment& environment) {
    const ocilayout::Platform wanted = wanted_platform(project);
    ocilayout::ReadOptions options;
    options.platform = wanted;
    options.artifacts = false;
    const ocilayout::ImageHead head = while_doing([&] { return doing(name); },
                                                  [&] {
                                                      const Reference reference = reference_of(project, name);
                                                      const auto source = open_source(reference, environment);
                                                      return ocilayout::load_image_head(*source, options);
                                                  });
    const ocilayout::Platform& found = head.config.platform;
    if (found.os != wanted.os || (project.arch_is_given && found.architecture != wanted.architecture)) {
        throw Error(ErrorKind::spec, name.at.str() + ": " + quote(locked_name(name)) + " is an image for " +
                                         quote(to_string(found)) + ", and the build is for " +
                                         quote(to_string(wanted)));
    }
    // An image need not say its variant; what was asked for then does.
    const bool same = found.architecture == wanted.architecture;
    return {locked_name(name), to_string(same ? wanted : found), head.manifest_desc.media_type, head.manifest_desc.size,
            head.manifest_desc.digest};
}

SourceImage open_source_image(const Project& project, const Located<std::string>& name,
                              const resolver::LockedSource& locked, const ContentStore& store,
                              const Environment& environment, SourceUse use, Reporter& reporter) {
    return while_doing(
        [&] { return doing(name); },
        [&] {
            PinnedSource source(reference_of(project, name), locked, environment);
            ocilayout::ReadOptions options;
            options.artifacts = false;
            options.pinned = descriptor_of(locked);
            SourceImage out;
            out.head = ocilayout::load_image_head(source, options);
            const auto open = [&](const Descriptor& blob) {
                return use.keep_blobs ? open_kept_blob(source, blob, environment, use.reread) : source.open_blob(blob);
            };
            out.layers = ocilayout::read_layers(out.head.layers, open, store, {environment.jobs, use.reread}, reporter);
            out.packages = pkgdb::attribute_files(out.layers.tree, *out.layers.contents, reporter);
            return out;
        });
}

std::vector<ocilayout::StoredLayer> fetch_layer_blobs(const Project& project, const Located<std::string>& name,
                                                      const resolver::LockedSource& locked,
                                                      const std::vector<ocilayout::Layer>& layers,
                                                      const Environment& environment, Reporter& reporter) {
    return while_doing([&] { return doing(name); },
                       [&] {
                           PinnedSource source(reference_of(project, name), locked, environment);
                           std::vector<ocilayout::StoredLayer> out;
                           for (const ocilayout::Layer& layer : layers) {
                               reporter.progress("taking over layers", out.size(), layers.size());
                               Descriptor blob;
                               blob.media_type = layer.media_type;
                               blob.digest = layer.digest;
                               blob.size = layer.size;
                               std::shared_ptr<const UniqueFd> fd = keep_blob(source, blob, environment);
                               ocilayout::Layer ours = layer;
                               ours.media_type = oci_type_of(layer.media_type);
                               out.push_back({std::move(ours), std::move(fd), source.repository()});
                           }
                           return out;
                       });
}

}  // namespace smith::builder
