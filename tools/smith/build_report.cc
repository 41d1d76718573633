// SPDX-License-Identifier: Apache-2.0
#include "tools/smith/build_report.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "tools/smith/json_text.h"
#include "tools/smith/test_report.h"
#include "tools/smith/text.h"

namespace smith::cli {

namespace {

using builder::BuildResult;
using builder::PackageShare;
using builder::SourceReport;
using nlohmann::json;

// Of hundreds of packages, the largest say where the megabytes went.
constexpr std::size_t kMostNamed = 5;

json source_json(const SourceReport& source) {
    json packages = json::array();
    for (const PackageShare& share : source.packages) {
        packages.push_back({{"package", share.package.empty() ? json(nullptr) : json(json_text(share.package))},
                            {"files", share.files},
                            {"size", share.bytes},
                            {"files_shipped", share.files_shipped},
                            {"size_shipped", share.bytes_shipped}});
    }
    return {{"files_size", source.files_size}, {"packed_size", source.packed_size}, {"packages", std::move(packages)}};
}

std::string source_summary(const SourceReport& source) {
    std::vector<const PackageShare*> gone;
    std::uint64_t bytes = 0;
    for (const PackageShare& share : source.packages) {
        if (share.package.empty() || share.files == 0 || share.files_shipped > 0) continue;
        gone.push_back(&share);
        bytes += share.bytes;
    }
    std::string out = "the source has " + format_bytes(source.files_size) + " in files, " +
                      format_bytes(source.packed_size) + " packed";
    if (gone.empty()) return out;
    std::ranges::stable_sort(gone, [](const auto* a, const auto* b) { return a->bytes > b->bytes; });
    out += "; left out whole: " + format_count(gone.size(), "package", "packages") + " with " + format_bytes(bytes);
    for (std::size_t i = 0; i < std::min(gone.size(), kMostNamed); ++i) {
        out += (i == 0 ? ", such as " : ", ") + printable(gone[i]->package) + " (" + format_bytes(gone[i]->bytes) + ")";
    }
    return out;
}

}  // namespace

json build_json(const BuildResult& result) {
    json out = {
        {"digest", result.written.str()},
        {"diff_id", result.diff_id.str()},
        {"layer", {{"digest", result.layer.str()}, {"size", result.layer_size}}},
        {"packages",
         {{"resolved", result.packages}, {"shipped", result.packages_shipped}, {"bytes_spared", result.bytes_spared}}},
        {"entries", result.entries},
        {"files_size", result.files_size},
        {"tests", outcomes_json(result.tests)}};
    // Without one, nothing was written.
    if (!result.output.empty()) out["output"] = json_text(result.output);
    if (result.source) out["source"] = source_json(*result.source);
    return out;
}

std::string build_summary(const BuildResult& result) {
    std::string out = "wrote " + quote(result.output) + ": " + format_bytes(result.files_size) + " in files, " +
                      format_bytes(result.layer_size) + " packed";
    if (result.packages > 0)
        out += ", out of " + std::to_string(result.packages_shipped) + " of " +
               format_count(result.packages, "package", "packages");
    if (result.bytes_spared > 0) out += "; " + format_bytes(result.bytes_spared) + " of these need not be fetched";
    if (result.source) out += "\n" + source_summary(*result.source);
    return out;
}

}  // namespace smith::cli
