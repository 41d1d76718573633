// SPDX-License-Identifier: Apache-2.0
#include "builder/build.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <system_error>

#include "base/cache_directory.h"
#include "base/content_store.h"
#include "base/error.h"
#include "builder/accounts.h"
#include "builder/assemble.h"
#include "builder/build_cache.h"
#include "builder/image_config.h"
#include "builder/ingredients.h"
#include "builder/overlay.h"
#include "builder/packages.h"
#include "builder/parent.h"
#include "builder/spec_json.h"
#include "ocilayout/docker_types.h"
#include "ocilayout/gzip.h"
#include "ocilayout/image_destination.h"
#include "ocilayout/layer_cache.h"
#include "ocilayout/write_image.h"

namespace smith::builder {

namespace {

using ocilayout::Artifact;
using ocilayout::FinishedImage;

/// Everything between the packages and the output. Members refer to earlier ones.
struct Made {
    std::unique_ptr<Ingredients> ingredients;
    Assembled assembled;  ///< what ships, without what a parent has
    FileTree with_parent;
    std::unique_ptr<Contents> contents_with_parent;
    ocilayout::Owner owner;
    ocilayout::ImageConfig config;
    FinishedImage image;

    /// All of the image, as it runs.
    [[nodiscard]] const FileTree& tree() const { return contents_with_parent ? with_parent : assembled.tree; }
    [[nodiscard]] const Contents& contents() const {
        return contents_with_parent ? *contents_with_parent : *assembled.contents;
    }
    [[nodiscard]] const std::vector<PackageInfo>& packages() const { return ingredients->packages().packages; }
    [[nodiscard]] const ocilayout::Layer& own_layer() const { return image.layers.back().layer; }
};

/// Where the image goes when nobody says.
std::string default_output(const Project& project) {
    if (project.name.find(':') != std::string::npos) {
        throw Error(ErrorKind::usage, "what follows the ':' in " + quote(project.name) +
                                          " would be the image's tag; name the output with -o");
    }
    return "oci:" + project.name;
}

ocilayout::Reference output_of(const Project& project, const BuildOptions& options) {
    return ocilayout::parse_reference(options.output.empty() ? default_output(project) : options.output);
}

/// What is below the overlay would be in the image: the next one would hold this one.
void check_not_in_overlay(const Project& project, const std::filesystem::path& path, std::string_view what) {
    std::error_code failed;
    if (project.overlay.empty() || path.empty() || !std::filesystem::is_directory(project.overlay, failed)) return;
    const std::filesystem::path overlay = std::filesystem::canonical(project.overlay, failed);
    const std::filesystem::path real = std::filesystem::weakly_canonical(path, failed);
    if (failed || std::ranges::mismatch(overlay, real).in1 != overlay.end()) return;
    throw Error(ErrorKind::usage, std::string(what) + " " + quote(path.string()) + " is in the overlay " +
                                      quote(project.overlay.string()) +
                                      ", and would be in the image; name another place");
}

std::vector<Artifact> make_artifacts(const Spec& spec, const Ingredients& ingredients, const Assembled& assembled) {
    const auto artifact = [](std::string_view type, std::string bytes) {
        return Artifact{std::string(type), std::string(type), std::move(bytes), {}};
    };
    const std::optional<SourceImage>& image = ingredients.image();
    std::string packages = image ? print_packages(image->packages, assembled.tree)
                                 : print_packages(ingredients.packages().packages, assembled.tree);
    return {artifact(ocilayout::artifact_type::kSpec, canonical_json(spec)),
            artifact(ocilayout::artifact_type::kPackages, std::move(packages)),
            artifact(ocilayout::artifact_type::kReasons, print_reasons(assembled.reasons))};
}

/// Lays what was assembled on the parent, and leaves of it what the parent does not have already.
void lay_on(const SourceImage& parent, Made& made) {
    made.with_parent = lay_on_parent(parent.layers.tree, made.assembled.tree);
    made.contents_with_parent = join_contents(parent.layers.tree, *parent.layers.contents, *made.assembled.contents);
    made.assembled.tree = difference(made.with_parent, parent.layers.tree);
}

/// `rehash`: a blob of the cache is not trusted by its name.
ocilayout::StoredLayer pack_layer(const Assembled& assembled, ocilayout::Owner owner, const Environment& environment,
                                  bool rehash) {
    const ocilayout::LayerCache layers(environment.cache_dir / "layers");
    std::optional<ocilayout::StoredLayer> known = layers.find(ocilayout::layer_key(assembled.tree, owner));
    if (known && (!rehash || known->is_intact())) return std::move(*known);
    std::vector<Content> contents;
    for (const auto& [path, entry] : assembled.tree.entries()) {
        if (const Regular* file = as_regular(&entry)) contents.push_back(file->content);
    }
    assembled.contents->prefetch(contents);
    return layers.store(assembled.tree, owner, *assembled.contents, environment.jobs);
}

/// What `image` had, by package, and what of it is in `shipped`.
SourceReport report_on(const SourceImage& image, const FileTree& shipped) {
    SourceReport out;
    for (const ocilayout::Layer& layer : image.head.layers) out.packed_size += layer.size;
    std::map<std::string, PackageShare> shares;
    for (const pkgdb::Package& package : image.packages) shares[package.id()].package = package.id();
    std::set<Content> contents;
    for (const auto& [path, entry] : image.layers.tree.entries()) {
        if (is_directory(&entry)) continue;
        const auto known = shares.find(entry.origin);
        PackageShare& share = known == shares.end() ? shares[""] : known->second;
        const Regular* file = as_regular(&entry);
        const std::uint64_t size = file == nullptr ? 0 : file->content.size;
        const Entry* now = shipped.find(path);
        const bool ships = now != nullptr && now->node == entry.node;
        if (file != nullptr) contents.insert(file->content);
        share.files += 1;
        share.bytes += size;
        share.files_shipped += ships ? 1U : 0U;
        share.bytes_shipped += ships ? size : 0U;
    }
    for (const Content& content : contents) out.files_size += content.size;
    for (auto& [id, share] : shares) out.packages.push_back(std::move(share));
    return out;
}

BuildResult describe(const Made& made) {
    const ocilayout::Layer& layer = made.own_layer();
    BuildResult out;
    out.manifest = made.image.image.manifest_desc.digest;
    out.diff_id = layer.diff_id;
    out.layer = layer.digest;
    out.layer_size = layer.size;
    out.entries = made.assembled.tree.size();
    out.packages = made.packages().size();
    if (const auto& local = made.ingredients->packages().local) out.bytes_spared = local->bytes_spared();
    std::set<Content> contents;
    std::set<std::string> origins;
    for (const auto& [path, entry] : made.assembled.tree.entries()) {
        if (const Regular* file = as_regular(&entry)) contents.insert(file->content);
        if (!is_directory(&entry)) origins.insert(entry.origin);
    }
    for (const Content& content : contents) out.files_size += content.size;
    for (const PackageInfo& package : made.packages()) {
        if (origins.contains(package.header.nevra.str())) ++out.packages_shipped;
    }
    if (const auto& image = made.ingredients->image()) {
        out.source = report_on(*image, made.tree());
        out.packages = image->packages.size();
        for (const pkgdb::Package& package : image->packages) {
            if (origins.contains(package.id())) ++out.packages_shipped;
        }
    }
    return out;
}

void check_can_hold(const ocilayout::Reference& output, const BuildOptions& options) {
    const bool is_layout =
        output.transport == ocilayout::Transport::oci || output.transport == ocilayout::Transport::oci_archive;
    if (options.docker_types && is_layout) ocilayout::refuse_docker_types();
}

/// `--locked`: the image must be the very one that the lock remembers.
void check_against_lock(const BuildResult& result, const resolver::Lock& lock) {
    if (!lock.image) return;
    if (lock.image->diff_id != result.diff_id) {
        throw Error(ErrorKind::integrity, "the image differs from the lock's: expected diffID " +
                                              lock.image->diff_id.str() + ", got " + result.diff_id.str());
    }
    if (lock.image->manifest == result.manifest) return;
    std::string message = "the image differs from the lock's: expected manifest " + lock.image->manifest.str() +
                          ", got " + result.manifest.str();
    if (lock.compressor != ocilayout::compressor_id()) {
        message += "; its files are the same, but the lock's was compressed by " + quote(lock.compressor) +
                   " and this one by " + quote(ocilayout::compressor_id());
    }
    throw Error(ErrorKind::integrity, message);
}

/// NAME.ARCH of those that something else than a directory came from.
std::vector<std::string> packages_in(const FileTree& tree, const std::vector<PackageInfo>& packages) {
    std::set<std::string> origins;
    for (const auto& [path, entry] : tree.entries()) {
        if (!is_directory(&entry)) origins.insert(entry.origin);
    }
    std::set<std::string> out;
    for (const PackageInfo& package : packages) {
        const resolver::Nevra& nevra = package.header.nevra;
        if (origins.contains(nevra.str())) out.insert(nevra.name + "." + nevra.arch);
    }
    return {out.begin(), out.end()};
}

/// The lock with the image that was made by it, and with the headers that it was made by.
resolver::Lock completed(resolver::Lock lock, const Made& made, const BuildResult& result) {
    for (std::size_t i = 0; i < lock.packages.size(); ++i) {
        lock.packages[i].header = made.packages()[i].header.digest;
        lock.packages[i].header_end = made.packages()[i].header.header_end;
    }
    lock.compressor = ocilayout::compressor_id();
    lock.image = resolver::LockedImage{result.diff_id, result.manifest};
    lock.ships = packages_in(made.assembled.tree, made.packages());
    return lock;
}

/// What came of a build, and the lock as it stands afterwards.
struct Outcome {
    BuildResult result;
    resolver::Lock lock;
};

/// Everything from the lock to the written image.
class Build {
public:
    Build(const Project& project, const resolver::Lock& lock, const BuildOptions& options, Reporter& reporter)
        : project_(project),
          lock_(lock),
          options_(options),
          environment_(options.environment),
          reporter_(reporter),
          store_(environment_.cache_dir),
          overlay_(snapshot_overlay(project.overlay, store_, reporter)) {}

    /// A file of the cache that was damaged after it was verified is no reason to fail: everything is read once more,
    /// and what does not match its digest is fetched again. What is wrong at its source fails the second time, too. A
    /// file that is not there any more is fetched again likewise.
    Made make() {
        try {
            return make(false);
        } catch (const Error& e) {
            if (e.kind() != ErrorKind::integrity) throw;
            reporter_.debug("checking the cache, because of: " + e.message());
        }
        return make(true);
    }

    Outcome make_and_write() {
        const ocilayout::Reference output = output_of(project_, options_);
        signers_ = read_signers();
        if (std::optional<Outcome> known = write_known(output)) return std::move(*known);

        Made made = make();
        BuildResult result = describe(made);
        if (options_.locked) check_against_lock(result, lock_);
        if (has_tests()) {
            result.tests = test(made);
            if (!all_passed(result.tests)) throw TestsFailed(std::move(result));
        }
        write_made(made, output, result);
        result.output = ocilayout::to_string(output);
        Outcome out{result, completed(lock_, made, result)};
        keep(made, out);
        return out;
    }

private:
    Made make(bool rehash) {
        return outliving_deletions([&] { return make_once(rehash); });
    }
    Made make_once(bool rehash);
    [[nodiscard]] bool has_tests() const { return options_.test && !project_.spec.tests.empty(); }
    std::vector<TestOutcome> test(const Made& made);

    [[nodiscard]] Digest write(const FinishedImage& image, const ocilayout::Reference& output);
    void write_made(Made& made, const ocilayout::Reference& output, BuildResult& result);

    [[nodiscard]] std::optional<std::vector<std::string>> read_signers();
    [[nodiscard]] std::optional<Digest> key_with(const resolver::Lock& lock) const;
    std::optional<Outcome> write_known(const ocilayout::Reference& output);
    void keep(const Made& made, const Outcome& outcome);

    const Project& project_;
    const resolver::Lock& lock_;
    const BuildOptions& options_;
    const Environment& environment_;
    WatchingReporter reporter_;
    ContentStore store_;
    Overlay overlay_;
    std::optional<std::vector<std::string>> signers_;
};

Made Build::make_once(bool rehash) {
    Made made;
    made.ingredients = std::make_unique<Ingredients>(project_, lock_, store_, environment_, rehash, reporter_);
    const Ingredients& ingredients = *made.ingredients;
    const Spec& spec = ingredients.spec();
    const Accounts accounts = make_accounts(spec);

    made.owner = {accounts.uid, accounts.gid};
    made.assembled = assemble(spec, accounts, ingredients.available(), overlay_, reporter_);
    const std::optional<SourceImage>& parent = ingredients.parent();
    if (parent) lay_on(*parent, made);
    ingredients.report_losses(made.assembled.tree, reporter_);

    if (parent) {
        made.image.layers =
            fetch_layer_blobs(project_, *spec.parent, *lock_.parent, parent->head.layers, environment_, reporter_);
    }
    made.image.layers.push_back(pack_layer(made.assembled, made.owner, environment_, rehash));
    made.config = make_image_config(spec, accounts, project_.arch, options_.created);
    ingredients.complete(made.config, made.tree(), reporter_);
    std::vector<ocilayout::Layer> layers;
    for (const ocilayout::StoredLayer& layer : made.image.layers) layers.push_back(layer.layer);
    made.image.image = ocilayout::make_image(made.config, layers, spec.annotations);
    made.image.artifacts = make_artifacts(project_.spec, ingredients, made.assembled);
    return made;
}

std::vector<TestOutcome> Build::test(const Made& made) {
    if (!can_run_here(made.config)) {
        reporter_.warn("the image is for " + quote(to_string(made.config.platform)) +
                       ", which this machine can't run: it is not tested");
        return {};
    }
    return run_tests({made.tree(), made.contents(), made.config}, project_.spec.tests, environment_.cache_dir,
                     reporter_);
}

Digest Build::write(const FinishedImage& image, const ocilayout::Reference& output) {
    ocilayout::TransportOptions transport = options_.transport;
    transport.jobs = environment_.jobs;
    return while_doing([&] { return "writing image " + quote(to_string(output)); },
                       [&] {
                           const auto destination = ocilayout::open_image_destination(output, transport);
                           return write_image(image, *destination, {options_.also_tags, options_.docker_types}).digest;
                       });
}

/// A layer of the cache that was damaged shows only here, where its bytes are used.
void Build::write_made(Made& made, const ocilayout::Reference& output, BuildResult& result) {
    try {
        result.written = write(made.image, output);
        return;
    } catch (const Error& e) {
        const bool is_ours =
            std::ranges::any_of(made.image.layers, [](const auto& layer) { return !layer.is_intact(); });
        if (e.kind() != ErrorKind::integrity || !is_ours) throw;
        reporter_.debug("checking the cache, because of: " + e.message());
    }
    made = make(true);
    std::vector<TestOutcome> tests = std::move(result.tests);
    result = describe(made);
    result.tests = std::move(tests);
    if (options_.locked) check_against_lock(result, lock_);
    result.written = write(made.image, output);
}

/// Who may sign the packages of which repository. Nothing when that can't be read: making the image will tell.
std::optional<std::vector<std::string>> Build::read_signers() {
    HttpClient http;
    std::vector<std::string> out;
    try {
        for (const resolver::RepoConfig& repo : project_.repos) {
            if (!repo.enabled) continue;
            out.push_back(repo.id);
            out.emplace_back(repo.gpgcheck ? "signed by" : "by anybody");
            if (!repo.gpgcheck) continue;
            for (std::string& text : resolver::read_keys(repo, environment_.cache_dir, environment_.offline, http)) {
                out.push_back(std::move(text));
            }
        }
    } catch (const Error&) {
        return std::nullopt;
    }
    return out;
}

std::optional<Digest> Build::key_with(const resolver::Lock& lock) const {
    if (!signers_) return std::nullopt;
    return build_key({project_, lock, overlay_.tree, options_.created, *signers_});
}

/// Writes what an earlier build of the same things made. Nothing when there was none; or when there is more to do:
/// tests, for which everything is read again, or packages to be fetched for their own sake.
std::optional<Outcome> Build::write_known(const ocilayout::Reference& output) {
    if (has_tests() || environment_.whole_packages) return std::nullopt;
    const std::optional<Digest> key = key_with(lock_);
    if (!key) return std::nullopt;
    std::optional<KnownBuild> known = BuildCache(environment_.cache_dir).find(*key);
    if (!known) return std::nullopt;
    if (options_.locked) check_against_lock(known->result, lock_);
    try {
        known->result.written = write(known->image, output);
    } catch (const Error& e) {
        if (e.kind() != ErrorKind::integrity || known->image.layers.front().is_intact()) throw;
        reporter_.debug("checking the cache, because of: " + e.message());
        return std::nullopt;
    }
    reporter_.debug("nothing changed since an earlier build");
    known->result.output = ocilayout::to_string(output);
    Outcome out{std::move(known->result), lock_};
    out.lock.compressor = ocilayout::compressor_id();
    out.lock.image = resolver::LockedImage{out.result.diff_id, out.result.manifest};
    out.lock.ships = std::move(known->ships);
    return out;
}

/// What was warned of must be said again next time, so such a build is not kept; nor is one during which a key file was
/// changed, since nobody knows which it was checked with. The image is written by now: that the cache has no room for
/// more is no reason to call it a failure.
void Build::keep(const Made& made, const Outcome& outcome) {
    if (reporter_.warned() || read_signers() != signers_) return;
    const std::optional<Digest> key = key_with(outcome.lock);
    if (!key) return;
    try {
        BuildCache(environment_.cache_dir)
            .store(*key, {made.image, outcome.result, outcome.lock.ships},
                   ocilayout::layer_key(made.assembled.tree, made.owner));
    } catch (const Error& e) {
        if (e.kind() != ErrorKind::system) throw;
        reporter_.debug("the next build will make everything anew, because of: " + e.message());
    }
}

}  // namespace

BuildResult build(const BuildOptions& options, Reporter& reporter) {
    return while_doing([&] { return "building " + quote(options.project.spec.string()); },
                       [&] {
                           const Project project = open_project(options.project, reporter);
                           // A wrong place is told before anything is fetched.
                           check_not_in_overlay(project, output_of(project, options).path, "the output");
                           check_can_hold(output_of(project, options), options);
                           check_not_in_overlay(project, options.environment.cache_dir, "the cache");
                           check_not_in_overlay(project, project.lock_file, "the lock");
                           const resolver::Lock lock =
                               decide_packages(project, options.locked ? LockMode::strict : LockMode::obey, {},
                                               options.environment, reporter);
                           Outcome outcome = Build(project, lock, options, reporter).make_and_write();
                           if (!options.locked && outcome.lock != lock) write_lock(project, outcome.lock);
                           return std::move(outcome.result);
                       });
}

ocilayout::FinishedImage make_locked_image(const BuildOptions& options, Reporter& reporter) {
    return while_doing([&] { return "building " + quote(options.project.spec.string()); },
                       [&] {
                           const Project project = open_project(options.project, reporter);
                           const resolver::Lock lock =
                               decide_packages(project, LockMode::strict, {}, options.environment, reporter);
                           return Build(project, lock, options, reporter).make().image;
                       });
}

BuildResult build_once(const Project& project, const BuildOptions& options, Reporter& reporter) {
    check_can_hold(output_of(project, options), options);
    resolver::Lock lock;
    lock.arch = project.arch;
    const Spec& spec = project.spec;
    if (spec.type == SourceType::image)
        lock.source = look_up_image(project, spec.packages.front(), options.environment);
    if (spec.parent) lock.parent = look_up_image(project, *spec.parent, options.environment);
    return Build(project, lock, options, reporter).make_and_write().result;
}

}  // namespace smith::builder
