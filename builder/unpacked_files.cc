// SPDX-License-Identifier: Apache-2.0
#include "builder/unpacked_files.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <string>

#include "base/atomic_file.h"
#include "base/bounds.h"
#include "base/error.h"
#include "base/fd.h"

namespace smith::builder {

namespace {

// A line has 64 digits and a size; a header as large as librpm takes does not name more files than bytes.
constexpr std::uint64_t kMaxRecordBytes = limits::kMaxRpmHeaderBytes;

std::filesystem::path record_of(const Digest& package, const ContentStore& store) {
    return store.directory() / "packs" / (package.hex() + ".files");
}

std::string print(const FileContents& contents) {
    std::string out;
    for (const auto& content : contents) {
        out += content ? content->digest.hex() + " " + std::to_string(content->size) + "\n" : "-\n";
    }
    return out + sha256(out).hex() + "\n";
}

std::optional<Content> parse_line(std::string_view line) {
    if (line == "-") return std::nullopt;
    const std::size_t blank = std::min(line.find(' '), line.size());
    Content out{Digest::from_hex(line.substr(0, blank)), 0};
    const std::string_view size = line.substr(std::min(blank + 1, line.size()));
    const auto [end, failed] = std::from_chars(size.data(), size.data() + size.size(), out.size);
    if (failed != std::errc() || end != size.data() + size.size()) throw Error(ErrorKind::format, "not a size");
    return out;
}

/// Throws Error (format) for what print() did not write.
FileContents parse(std::string_view text) {
    constexpr std::size_t kLastLineBytes = 65;
    if (text.size() < kLastLineBytes) throw Error(ErrorKind::format, "too short");
    std::string_view lines = text.substr(0, text.size() - kLastLineBytes);
    if (text.substr(lines.size()) != sha256(lines).hex() + "\n") throw Error(ErrorKind::format, "damaged");
    FileContents out;
    while (!lines.empty()) {
        const std::size_t end = std::min(lines.find('\n'), lines.size());
        out.push_back(parse_line(lines.substr(0, end)));
        lines.remove_prefix(std::min(end + 1, lines.size()));
    }
    return out;
}

bool fits(const FileContents& contents, const resolver::RpmHeader& header) {
    if (contents.size() != header.files.size()) return false;
    for (std::size_t i = 0; i < contents.size(); ++i) {
        const resolver::RpmFile& file = header.files[i];
        const bool has_bytes = file.kind == resolver::RpmFileKind::regular && !file.ghost;
        if (!has_bytes && contents[i]) return false;
        if (contents[i] && contents[i]->size != file.size) return false;
    }
    return true;
}

}  // namespace

std::optional<FileContents> find_unpacked_files(const Digest& package, const resolver::RpmHeader& header,
                                                const ContentStore& store) {
    try {
        FileContents out = parse(read_file(record_of(package, store), kMaxRecordBytes));
        if (fits(out, header)) return out;
    } catch (const Error&) {
        // Not there, or not what was written: the package tells again.
    }
    return std::nullopt;
}

FileContents unpack_files(const resolver::LocalPackage& package, const resolver::RpmHeader& header,
                          const ContentStore& store) {
    PackWriter writer = store.write_pack(package.sha256);
    FileContents out = resolver::unpack_rpm(package.file, header, writer);
    static_cast<void>(writer.commit());
    try {
        write_file_atomically(record_of(package.sha256, store), print(out));
    } catch (const Error& e) {
        if (!e.is_not_found()) throw;  // else the cache was deleted meanwhile
    }
    return out;
}

}  // namespace smith::builder
