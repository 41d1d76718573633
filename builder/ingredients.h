// SPDX-License-Identifier: Apache-2.0
//
// Everything that a build takes files from: packages, or an image; and the parent, whose files may be used without
// being shipped again. With them the spec as they complete it.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/content_store.h"
#include "base/reporter.h"
#include "builder/accounts.h"
#include "builder/assemble.h"
#include "builder/packages.h"
#include "builder/project.h"
#include "builder/source_image.h"

namespace smith::builder {

class Ingredients {
public:
    /// Fetches, verifies and unpacks what `lock` says, as far as it is needed. `rehash`: does not trust what is in the
    /// cache by its name. Keeps references to all but `rehash`. Throws Error: fetch, integrity, format, resolve.
    Ingredients(const Project& project, const resolver::Lock& lock, const ContentStore& store,
                const Environment& environment, bool rehash, Reporter& reporter);

    /// The spec, with what it takes over from the images.
    [[nodiscard]] const Spec& spec() const noexcept { return spec_; }
    /// Refers to this object.
    [[nodiscard]] Available available() const;
    [[nodiscard]] const AvailablePackages& packages() const noexcept { return packages_; }
    [[nodiscard]] const std::optional<SourceImage>& image() const noexcept { return image_; }
    [[nodiscard]] const std::optional<SourceImage>& parent() const noexcept { return parent_; }

    /// What the sources have of the files in `shipped` and an image can't hold goes to the reporter.
    void report_losses(const FileTree& shipped, Reporter& reporter) const;
    /// What the configuration of the new image takes from the sources' once its files are known.
    void complete(ocilayout::ImageConfig& config, const FileTree& shipped, Reporter& reporter) const;

private:
    [[nodiscard]] const FileTree& own_tree() const { return image_ ? image_->layers.tree : packages_.merged.tree; }
    [[nodiscard]] const Contents& own_contents() const;

    AvailablePackages packages_;
    std::optional<SourceImage> image_;
    std::optional<SourceImage> parent_;
    Spec spec_;
    std::optional<std::vector<ImagePath>> default_paths_;
    FileTree joined_tree_;  ///< the parent's with our own laid over it, when there is a parent
    std::unique_ptr<Contents> joined_contents_;
};

}  // namespace smith::builder
