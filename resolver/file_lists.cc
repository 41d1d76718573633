// SPDX-License-Identifier: Apache-2.0
#include "resolver/file_lists.h"

#include <fnmatch.h>

#include <algorithm>
#include <array>

#include "resolver/xml.h"

namespace smith::resolver {

namespace {

class FileListsHandler : public XmlHandler {
public:
    explicit FileListsHandler(const WantedFiles& wanted) : wanted_(wanted) {}
    std::vector<FileOwner> owners;

    void start_element(std::string_view name, const std::map<std::string, std::string>& attributes) override {
        if (name != "package") return;
        const auto id = attributes.find("pkgid");
        package_ = id == attributes.end() ? std::string() : id->second;
    }

    void end_element(std::string_view name, std::string_view text) override {
        if (name != "file" || package_.empty()) return;
        path_.assign(text);
        if (wanted_.contains(path_)) owners.push_back({package_, path_});
    }

private:
    const WantedFiles& wanted_;
    std::string package_;
    std::string path_;
};

}  // namespace

bool WantedFiles::contains(const std::string& path) const {
    if (paths.contains(path)) return true;
    return std::any_of(globs.begin(), globs.end(),
                       [&](const std::string& glob) { return fnmatch(glob.c_str(), path.c_str(), 0) == 0; });
}

std::vector<FileOwner> find_files(MetadataStream& filelists, const WantedFiles& wanted) {
    FileListsHandler handler(wanted);
    XmlParser parser(handler);
    std::vector<std::byte> buffer(64 * 1024);
    while (const std::size_t count = filelists.read(buffer)) parser.feed(std::span(buffer).first(count));
    parser.finish();
    filelists.finish();
    return std::move(handler.owners);
}

bool is_in_primary(std::string_view path) {
    if (is_glob(path)) return false;
    return path.starts_with("/etc/") || path.find("bin/") != std::string_view::npos || path == "/usr/lib/sendmail";
}

bool is_glob(std::string_view text) { return text.find_first_of("*?[") != std::string_view::npos; }

}  // namespace smith::resolver
