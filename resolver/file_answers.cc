// SPDX-License-Identifier: Apache-2.0
#include "resolver/file_answers.h"

#include <fnmatch.h>

#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"
#include "resolver/sealed_file.h"

namespace smith::resolver {

namespace {

using nlohmann::json;

// Reading more would take longer than it saves; nobody's specs ask that much.
constexpr std::size_t kMaxAnswers = 20'000;

template <typename Visit>
void for_each_question(const WantedFiles& wanted, Visit&& visit) {
    for (const std::string& path : wanted.paths) visit(path);
    for (const std::string& glob : wanted.globs) visit(glob);
}

}  // namespace

FileAnswers::FileAnswers(const std::filesystem::path& folder, const Checksum& filelists)
    : path_(folder / (filelists.algorithm + "-" + filelists.hex + ".answers")) {
    const std::optional<std::string> text = read_sealed(path_);
    if (!text) return;
    const json document = json::parse(*text, nullptr, false);
    if (!document.is_object()) return;
    try {
        for (const auto& [question, owners] : document.items()) {
            std::vector<FileOwner>& answer = answers_[question];
            for (const json& owner : owners) answer.push_back({owner.at(0), owner.at(1)});
        }
    } catch (const json::exception&) {
        answers_.clear();  // another smith's idea of the format
    }
}

WantedFiles FileAnswers::unknown(const WantedFiles& wanted) const {
    WantedFiles out;
    for (const std::string& path : wanted.paths) {
        if (!answers_.contains(path)) out.paths.insert(path);
    }
    for (const std::string& glob : wanted.globs) {
        if (!answers_.contains(glob)) out.globs.push_back(glob);
    }
    return out;
}

std::vector<FileOwner> FileAnswers::known(const WantedFiles& wanted) const {
    std::vector<FileOwner> out;
    for_each_question(wanted, [&](const std::string& question) {
        const auto found = answers_.find(question);
        if (found != answers_.end()) out.insert(out.end(), found->second.begin(), found->second.end());
    });
    return out;
}

void FileAnswers::add(const WantedFiles& asked, const std::vector<FileOwner>& owners, Reporter& reporter) {
    if (answers_.size() > kMaxAnswers) answers_.clear();
    // That nobody has a file is an answer too.
    for_each_question(asked, [&](const std::string& question) { answers_[question].clear(); });
    for (const FileOwner& owner : owners) {
        if (asked.paths.contains(owner.path)) answers_[owner.path].push_back(owner);
        for (const std::string& glob : asked.globs) {
            if (fnmatch(glob.c_str(), owner.path.c_str(), 0) == 0) answers_[glob].push_back(owner);
        }
    }
    json document = json::object();
    for (const auto& [question, answer] : answers_) {
        json& list = document[question] = json::array();
        for (const FileOwner& owner : answer) list.push_back({owner.package_checksum, owner.path});
    }
    try {
        AtomicFile file(path_);
        const std::string text = dump_json(document);
        file.write(std::as_bytes(std::span(text)));
        commit_sealed(file);
    } catch (const Error& e) {
        reporter.debug("cannot keep " + quote(path_.string()) + ": " + e.message() + ", ignoring");
    }
}

}  // namespace smith::resolver
