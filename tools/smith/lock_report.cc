// SPDX-License-Identifier: Apache-2.0
#include "tools/smith/lock_report.h"

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.h"
#include "tools/smith/json_text.h"
#include "tools/smith/output.h"
#include "tools/smith/text.h"

namespace smith::cli {

namespace {

using builder::PackageChange;
using nlohmann::json;

json to_json(const std::vector<PackageChange>& changes) {
    json out = json::array();
    for (const PackageChange& change : changes) out.push_back(change_json(change));
    return out;
}

}  // namespace

std::string change_line(const PackageChange& change, std::string_view note) {
    std::string out;
    if (change.before.empty()) {
        out = "+ " + change.after;
    } else if (change.after.empty()) {
        out = "- " + change.before;
    } else {
        out = change.before + " -> " + change.after;
        // Of a package that is named by its file or URL.
        if (change.before == change.after) out += " (other bytes)";
    }
    return out.append(note) + "\n";
}

json change_json(const PackageChange& change) {
    json out = {{"name", change.name}};
    if (!change.before.empty()) out["before"] = change.before;
    if (!change.after.empty()) out["after"] = change.after;
    return out;
}

void report_lock(const builder::Project& project, const std::optional<resolver::Lock>& before,
                 const resolver::Lock& after, const Context& context) {
    const std::vector<PackageChange> changes = builder::compare_locks(before.value_or(resolver::Lock{}), after);
    const std::string file = project.lock_file.string();
    context.reporter.clear();
    context.reporter.info(quote(file) + (before == after ? " is up to date: " : " was written: ") +
                          format_count(after.packages.size(), "package", "packages"));
    if (context.common.json) {
        write_json({{"lock", json_text(file)},
                    {"written", before != after},
                    {"packages", after.packages.size()},
                    {"changes", to_json(changes)}});
        return;
    }
    std::string lines;
    for (const PackageChange& change : changes) lines += change_line(change);
    write_stdout(lines);
}

}  // namespace smith::cli
