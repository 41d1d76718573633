// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/staged_manifests.h"

#include <algorithm>

namespace smith::ocilayout {

namespace {

constexpr std::string_view kOurTypes = "application/vnd.smith.";

/// What distribution-spec wants in an answer to "Listing Referrers".
Descriptor as_listed(const Descriptor& descriptor, const ParsedManifest& manifest) {
    Descriptor out;
    out.media_type = descriptor.media_type;
    out.digest = descriptor.digest;
    out.size = descriptor.size;
    out.artifact_type = manifest.artifact_type.empty() ? manifest.config.media_type : manifest.artifact_type;
    out.annotations = manifest.annotations;
    return out;
}

}  // namespace

FinishedEntry finish_entry(const StagedEntry& entry) {
    FinishedEntry out;
    out.entry = entry.descriptor;
    if (!entry.tag.empty()) out.entry.annotations[std::string(annotation::kRefName)] = entry.tag;
    out.entry.annotations.erase(std::string(annotation::kReferrers));
    if (entry.referrers.empty()) return out;
    out.referrers = make_referrer_index(entry.referrers);
    out.entry.annotations[std::string(annotation::kReferrers)] = out.referrers->descriptor.digest.str();
    return out;
}

void merge_referrers(std::vector<Descriptor>& referrers, const std::vector<Descriptor>& old) {
    const std::vector<Descriptor> fresh = referrers;
    for (const Descriptor& kept : old) {
        const bool is_replaced = std::ranges::any_of(fresh, [&](const Descriptor& one) {
            const bool is_ours = kept.artifact_type.starts_with(kOurTypes);
            return one.digest == kept.digest || (is_ours && one.artifact_type == kept.artifact_type);
        });
        if (!is_replaced) referrers.push_back(kept);
    }
}

void StagedManifests::add(const Descriptor& descriptor, std::string_view bytes) {
    Staged staged{descriptor, std::string(bytes), {}};
    if (is_index_type(descriptor.media_type)) {
        for (const Descriptor& child : parse_index(bytes, descriptor.media_type).manifests) {
            staged.children.push_back(child.digest);
        }
    } else {
        const ParsedManifest manifest = parse_manifest(bytes, descriptor.media_type);
        const bool is_new = !manifests_.contains(descriptor.digest);
        if (manifest.subject && is_new) {
            by_subject_[manifest.subject->digest].push_back(as_listed(descriptor, manifest));
        }
    }
    manifests_.try_emplace(descriptor.digest, std::move(staged));
}

void StagedManifests::add_tagged(const Descriptor& descriptor, std::string_view bytes, const std::string& tag) {
    add(descriptor, bytes);
    tags_.emplace_back(tag, descriptor.digest);
}

void StagedManifests::collect_referrers(const Digest& subject, std::set<Digest>& seen,
                                        std::vector<Descriptor>& out) const {
    if (!seen.insert(subject).second) return;
    if (const auto found = by_subject_.find(subject); found != by_subject_.end()) {
        for (const Descriptor& referrer : found->second) {
            if (!seen.contains(referrer.digest)) out.push_back(referrer);
            collect_referrers(referrer.digest, seen, out);
        }
    }
    if (const auto found = manifests_.find(subject); found != manifests_.end()) {
        for (const Digest& child : found->second.children) collect_referrers(child, seen, out);
    }
}

std::vector<Descriptor> StagedManifests::referrers_of(const Digest& subject) const {
    std::set<Digest> seen;
    std::vector<Descriptor> out;
    collect_referrers(subject, seen, out);
    return out;
}

std::vector<StagedEntry> StagedManifests::entries() const {
    std::vector<StagedEntry> out;
    for (const auto& [tag, digest] : tags_)
        out.push_back({manifests_.at(digest).descriptor, tag, referrers_of(digest)});
    return out;
}

std::vector<Digest> StagedManifests::loose_subjects() const {
    std::set<Digest> seen;
    std::vector<Descriptor> ignored;
    for (const auto& [tag, digest] : tags_) collect_referrers(digest, seen, ignored);
    std::vector<Digest> out;
    for (const auto& [subject, referrers] : by_subject_) {
        // What hangs on something that was added too comes with it.
        if (!seen.contains(subject) && !manifests_.contains(subject)) out.push_back(subject);
    }
    return out;
}

std::vector<SmallBlob> StagedManifests::blobs() const {
    std::vector<SmallBlob> out;
    std::set<Digest> done;
    for (const auto& [tag, digest] : tags_) {
        const Staged& staged = manifests_.at(digest);
        if (done.insert(digest).second) out.push_back({staged.descriptor, staged.bytes});
    }
    for (const auto& [digest, staged] : manifests_) {
        if (done.insert(digest).second) out.push_back({staged.descriptor, staged.bytes});
    }
    return out;
}

}  // namespace smith::ocilayout
