// SPDX-License-Identifier: Apache-2.0
#include "builder/ingredients.h"

#include "base/error.h"
#include "builder/elf/tree_view.h"
#include "builder/inherit.h"
#include "builder/parent.h"

namespace smith::builder {

Ingredients::Ingredients(const Project& project, const resolver::Lock& lock, const ContentStore& store,
                         const Environment& environment, bool rehash, Reporter& reporter)
    : spec_(project.spec) {
    if (spec_.type == SourceType::image) {
        image_ = open_source_image(project, spec_.packages.front(), lock.source.value(), store, environment, {rehash},
                                   reporter);
        spec_ = inherit(std::move(spec_), image_->head.config, image_->layers.tree, *image_->layers.contents, reporter);
        // Before the parent adds a command of its own, which is no file of this image.
        if (!spec_.paths) {
            default_paths_ = files_of_command(spec_, image_->layers.tree, *image_->layers.contents, reporter);
        }
    } else {
        packages_ = open_packages(project, lock, store, environment, rehash, reporter);
    }
    if (!spec_.parent) return;
    parent_ =
        open_source_image(project, *spec_.parent, lock.parent.value(), store, environment, {rehash, true}, reporter);
    const ocilayout::StackedLayers& below = parent_->layers;
    spec_ = inherit(std::move(spec_), parent_->head.config, below.tree, *below.contents, reporter);
    joined_tree_ = elf::lay_over(below.tree, own_tree());
    joined_contents_ = join_contents(below.tree, *below.contents, own_contents());
}

const Contents& Ingredients::own_contents() const {
    return image_ ? *image_->layers.contents : static_cast<const Contents&>(*packages_.contents);
}

Available Ingredients::available() const {
    Available out{parent_ ? joined_tree_ : own_tree(), parent_ ? *joined_contents_ : own_contents(), {}};
    for (const PackageInfo& package : packages_.packages) {
        if (package.asked_for) out.asked_for.insert(package.header.nevra.str());
    }
    out.default_paths = default_paths_;
    if (image_) out.name = "the image";
    if (parent_) out.below = &parent_->layers.tree;
    return out;
}

void Ingredients::report_losses(const FileTree& shipped, Reporter& reporter) const {
    for (const auto& [path, notes] : packages_.merged.notes) {
        if (!shipped.contains(path)) continue;
        for (const std::string& note : notes) reporter.warn(quote(path.str()) + ": " + note);
    }
    if (!image_) return;
    for (const ocilayout::Loss& loss : image_->layers.losses) {
        if (shipped.contains(loss.path)) reporter.warn(quote(loss.path.str()) + " " + loss.what);
    }
}

void Ingredients::complete(ocilayout::ImageConfig& config, const FileTree& shipped, Reporter& reporter) const {
    // An image that was taken as it is, for whatever machine: only the spec's own architecture could contradict.
    if (image_) config.platform = image_->head.config.platform;
    if (image_) add_healthcheck(config, spec_, image_->head.config, shipped, reporter);
    if (!parent_) return;
    if (!image_) config.platform = parent_->head.config.platform;
    if (config.platform.architecture != parent_->head.config.platform.architecture) {
        throw Error(ErrorKind::spec, spec_.parent->at.str() + ": the parent is for " +
                                         quote(to_string(parent_->head.config.platform)) + ", and the image for " +
                                         quote(to_string(config.platform)));
    }
    if (!config.healthcheck) add_healthcheck(config, spec_, parent_->head.config, shipped, reporter);
}

}  // namespace smith::builder
