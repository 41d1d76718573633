// SPDX-License-Identifier: Apache-2.0
//
// The manifests of an image that is being written to a layout or an archive, until it is known what index.json says:
// which of them have a tag, and which hang on others by `subject`. All that hangs on an entry, or on something in it,
// is listed by one image index, which the entry names (docs/decisions/referrers-in-a-layout.md).
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ocilayout/image.h"

namespace smith::ocilayout {

/// What an entry of index.json is to say.
struct StagedEntry {
    Descriptor descriptor;
    std::string tag;
    std::vector<Descriptor> referrers;
};

struct FinishedEntry {
    Descriptor entry;
    std::optional<SmallBlob> referrers;  ///< the image index that `entry` names
};

/// The entry with its tag, and the index of its referrers: sorted, so that the order of writing does not matter.
[[nodiscard]] FinishedEntry finish_entry(const StagedEntry& entry);

/// Adds what hung on an image before. Of smith's own artifacts there is one of each type: the new one, if there is any.
void merge_referrers(std::vector<Descriptor>& referrers, const std::vector<Descriptor>& old);

class StagedManifests {
public:
    /// Throws Error (format) for what is neither a manifest nor an index.
    void add(const Descriptor& descriptor, std::string_view bytes);
    void add_tagged(const Descriptor& descriptor, std::string_view bytes, const std::string& tag);

    /// One for each tag, in the order in which they came.
    [[nodiscard]] std::vector<StagedEntry> entries() const;
    /// What is a subject and belongs to no entry.
    [[nodiscard]] std::vector<Digest> loose_subjects() const;
    /// What hangs on `subject`, and what hangs on that.
    [[nodiscard]] std::vector<Descriptor> referrers_of(const Digest& subject) const;

    /// All that was added, each digest once; those with a tag first, then by digest.
    [[nodiscard]] std::vector<SmallBlob> blobs() const;

private:
    struct Staged {
        Descriptor descriptor;
        std::string bytes;
        std::vector<Digest> children;
    };
    void collect_referrers(const Digest& subject, std::set<Digest>& seen, std::vector<Descriptor>& out) const;

    std::map<Digest, Staged> manifests_;
    std::vector<std::pair<std::string, Digest>> tags_;
    std::map<Digest, std::vector<Descriptor>> by_subject_;
};

}  // namespace smith::ocilayout
