// SPDX-License-Identifier: Apache-2.0
//
// The XML in a metadata file: opened while it is read, bounded, and held against what repomd.xml says about it.
#pragma once

#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <span>

#include "resolver/repomd.h"

namespace smith::resolver {

class MetadataStream {
public:
    /// `file` was verified against `record.checksum`.
    MetadataStream(const std::filesystem::path& file, const RepomdRecord& record);
    ~MetadataStream();
    MetadataStream(const MetadataStream&) = delete;
    MetadataStream& operator=(const MetadataStream&) = delete;

    /// 0 is the end. Throws Error (format), also as XmlRunLimit does.
    [[nodiscard]] std::size_t read(std::span<std::byte> buffer);
    /// For a C library: read errors look like the end of the file there, and come out of finish().
    [[nodiscard]] std::FILE* as_file();
    /// Reads what is left. Throws Error: integrity, when the XML is not what repomd.xml announced; what read() threw.
    void finish();

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace smith::resolver
