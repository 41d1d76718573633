// SPDX-License-Identifier: Apache-2.0
//
// The text in a metadata file, mostly XML: opened while it is read, bounded, and held against what repomd.xml says
// about it.
#pragma once

#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <span>

#include "resolver/repomd.h"

namespace smith::resolver {

/// What bounds apply.
enum class MetadataText { xml, yaml };

class MetadataStream {
public:
    /// `file` was verified against `record.checksum`.
    MetadataStream(const std::filesystem::path& file, const RepomdRecord& record,
                   MetadataText text = MetadataText::xml);
    ~MetadataStream();
    MetadataStream(const MetadataStream&) = delete;
    MetadataStream& operator=(const MetadataStream&) = delete;

    /// 0 is the end. Throws Error (format), for XML also as XmlRunLimit does.
    [[nodiscard]] std::size_t read(std::span<std::byte> buffer);
    /// For a C library: read errors look like the end of the file there, and come out of finish().
    [[nodiscard]] std::FILE* as_file();
    /// Reads what is left. Throws Error: integrity, when the text is not what repomd.xml announced; what read() threw.
    void finish();

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace smith::resolver
