// SPDX-License-Identifier: Apache-2.0
#include "builder/pkgdb/text_databases.h"

#include <algorithm>
#include <string>

#include "base/bounds.h"
#include "base/error.h"
#include "builder/pkgdb/bounds.h"

namespace smith::pkgdb {

namespace {

/// Calls `each` with every line, without its newline.
template <typename Each>
void for_each_line(std::string_view text, Each&& each) {
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        each(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

std::string_view trimmed(std::string_view text) {
    const std::size_t first = std::min(text.find_first_not_of(" \t\r"), text.size());
    const std::size_t last = text.find_last_not_of(" \t\r");
    return last == std::string_view::npos ? std::string_view() : text.substr(first, last - first + 1);
}

bool same_word(std::string_view a, std::string_view b) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    return std::ranges::equal(a, b, {}, lower, lower);
}

void check_count(std::size_t count) {
    if (count <= limits::kMaxImagePackages) return;
    throw Error(ErrorKind::format, "more than " + std::to_string(limits::kMaxImagePackages) + " packages");
}

void set_field(DpkgEntry& entry, std::string_view key, std::string_view value) {
    Package& package = entry.package;
    if (same_word(key, "Package")) package.name = value;
    if (same_word(key, "Version")) package.version = value;
    if (same_word(key, "Architecture")) package.arch = value;
    if (same_word(key, "Source")) package.source = value.substr(0, value.find(' '));
    // "install ok installed": what was wanted, whether that is well, what is.
    if (same_word(key, "Status")) entry.is_installed = value.ends_with(" installed");
    if (same_word(key, "Multi-Arch")) entry.is_multi_arch_same = value == "same";
}

}  // namespace

std::vector<DpkgEntry> read_dpkg_status(std::string_view text, bool installed_by_default) {
    std::vector<DpkgEntry> out;
    DpkgEntry entry;
    entry.is_installed = installed_by_default;
    const auto finish = [&] {
        if (!entry.package.name.empty()) out.push_back(std::move(entry));
        check_count(out.size());
        entry = {};
        entry.is_installed = installed_by_default;
    };
    for_each_line(text, [&](std::string_view line) {
        if (trimmed(line).empty()) return finish();
        const std::size_t colon = line.find(':');
        // A line that begins with a blank continues the field before it; none of ours has several.
        if (line.front() == ' ' || line.front() == '\t' || colon == std::string_view::npos) return;
        set_field(entry, line.substr(0, colon), trimmed(line.substr(colon + 1)));
    });
    finish();
    return out;
}

std::vector<std::string> read_dpkg_list(std::string_view text) {
    std::vector<std::string> out;
    for_each_line(text, [&](std::string_view line) {
        if (line.starts_with('/') && line.size() <= limits::kMaxPathBytes) out.emplace_back(line);
    });
    return out;
}

std::vector<std::string> read_dpkg_md5sums(std::string_view text) {
    constexpr std::size_t kDigits = 32;
    std::vector<std::string> out;
    for_each_line(text, [&](std::string_view line) {
        if (line.size() <= kDigits + 2 || line[kDigits] != ' ') return;
        const std::string_view path = trimmed(line.substr(kDigits));
        if (path.size() >= limits::kMaxPathBytes) return;
        out.push_back((path.starts_with('/') ? "" : "/") + std::string(path));
    });
    return out;
}

void read_apk_installed(std::string_view text, const FoundPackage& found) {
    Package package;
    std::string directory;
    std::size_t count = 0;
    const auto finish = [&] {
        if (!package.name.empty()) {
            check_count(++count);
            if (package.source == package.name) package.source.clear();
            found(std::move(package));
        }
        package = {};
        package.kind = PackageKind::apk;
        directory.clear();
    };
    finish();
    for_each_line(text, [&](std::string_view line) {
        if (line.empty()) return finish();
        if (line.size() < 2 || line[1] != ':' || line.size() > limits::kMaxPathBytes) return;
        const std::string value(line.substr(2));
        switch (line[0]) {
            case 'P': package.name = value; break;
            case 'V': package.version = value; break;
            case 'A': package.arch = value; break;
            case 'L': package.license = value; break;
            case 'o': package.source = value; break;
            case 'F': directory = value; break;
            case 'R': package.files.push_back("/" + directory + (directory.empty() ? "" : "/") + value); break;
            default: break;
        }
    });
    finish();
}

}  // namespace smith::pkgdb
