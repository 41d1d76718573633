// SPDX-License-Identifier: Apache-2.0
//
// Who has a file, remembered: file lists are the largest metadata there is, a build asks the same few questions every
// time, and answers are tiny. Keyed by the checksum of the file lists, kept beside them.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/reporter.h"
#include "resolver/file_lists.h"

namespace smith::resolver {

class FileAnswers {
public:
    /// `filelists`: of the file as repomd.xml has it. What is damaged counts as not there.
    FileAnswers(const std::filesystem::path& folder, const Checksum& filelists);

    /// What of `wanted` was never asked.
    [[nodiscard]] WantedFiles unknown(const WantedFiles& wanted) const;
    /// All that is known of `wanted`. A file that answers two questions may come twice.
    [[nodiscard]] std::vector<FileOwner> known(const WantedFiles& wanted) const;
    /// Remembers that `owners` are all that there are for `asked`. When they cannot be written `reporter` is told in
    /// detail.
    void add(const WantedFiles& asked, const std::vector<FileOwner>& owners, Reporter& reporter);

private:
    std::filesystem::path path_;
    std::map<std::string, std::vector<FileOwner>> answers_;  ///< by path or glob
};

}  // namespace smith::resolver
