// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/sparse_map.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "ocilayout/bounds.h"

namespace smith::ocilayout {

namespace {

constexpr std::uint64_t kLargest = std::numeric_limits<std::int64_t>::max();

[[noreturn]] void refuse(const std::string& why) { throw Error(ErrorKind::format, "tar: a sparse file: " + why); }

}  // namespace

std::uint64_t sparse_number(std::string_view text) {
    std::uint64_t out = 0;
    if (text.empty()) refuse("a number is missing");
    for (const char c : text) {
        if (c < '0' || c > '9' || out > (kLargest - 9) / 10) refuse(quote(text) + " is not a number");
        out = out * 10 + static_cast<std::uint64_t>(c - '0');
    }
    return out;
}

void add_chunk(SparseMap& map, std::uint64_t offset, std::uint64_t length) {
    if (map.chunks.size() >= limits::kMaxSparseChunks) {
        refuse("more than " + std::to_string(limits::kMaxSparseChunks) + " pieces");
    }
    map.chunks.push_back({offset, length});
}

void SparseRecords::set(std::string_view key, std::string_view value) {
    if (key == "major") {
        major = value;
    } else if (key == "minor") {
        minor = value;
    } else if (key == "name") {
        if (value.empty() || value.find('\0') != std::string_view::npos) refuse("its name is none");
        name = value;
    } else if (key == "size") {
        size = sparse_number(value);
    } else if (key == "realsize") {
        real_size = sparse_number(value);
    } else if (key == "numblocks") {
        // Said once more by the map itself.
        static_cast<void>(sparse_number(value));
    } else if (key == "offset" || key == "numbytes") {
        // 0.0: pairs of records, the offset first.
        if ((numbers.size() % 2 == 0) != (key == "offset")) refuse("offsets and lengths do not alternate");
        numbers.push_back(sparse_number(value));
    } else if (key == "map") {
        for (std::size_t at = 0; at <= value.size();) {
            const std::size_t end = std::min(value.find(',', at), value.size());
            numbers.push_back(sparse_number(value.substr(at, end - at)));
            at = end + 1;
        }
    } else {
        refuse("it has the unknown record " + quote(key));
    }
}

bool SparseRecords::any() const {
    return !major.empty() || !minor.empty() || name || size || real_size || !numbers.empty();
}

bool SparseRecords::has_map_in_data() const {
    if (major == "1" && minor == "0") return true;
    const bool is_older = (major.empty() && minor.empty()) || (major == "0" && (minor == "0" || minor == "1"));
    if (!is_older) refuse("its version is " + quote(major + "." + minor));
    if (numbers.size() % 2 != 0) refuse("its map has an offset without a length");
    return false;
}

void check_sparse_map(const SparseMap& map, std::uint64_t stored) {
    std::uint64_t end = 0;
    std::uint64_t total = 0;
    for (const SparseChunk& chunk : map.chunks) {
        if (chunk.offset < end) refuse("its pieces overlap, or are not in order");
        if (chunk.offset > map.size || chunk.length > map.size - chunk.offset)
            refuse("a piece of it is beyond its end");
        end = chunk.offset + chunk.length;
        total += chunk.length;
    }
    if (total != stored) {
        refuse("its pieces have " + std::to_string(total) + " bytes, the archive " + std::to_string(stored));
    }
}

}  // namespace smith::ocilayout
