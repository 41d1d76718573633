// SPDX-License-Identifier: Apache-2.0
#include "builder/pkgdb/rpm_header.h"

#include <optional>
#include <string>
#include <vector>

#include "base/bounds.h"
#include "base/error.h"
#include "builder/pkgdb/bounds.h"
#include "builder/pkgdb/byte_view.h"

namespace smith::pkgdb {

namespace {

// rpmtag.h.
enum Tag : std::uint32_t {
    kName = 1000,
    kVersion = 1001,
    kRelease = 1002,
    kEpoch = 1003,
    kVendor = 1011,
    kLicense = 1014,
    kArch = 1022,
    kOldFileNames = 1027,
    kSourceRpm = 1044,
    kDirIndexes = 1116,
    kBaseNames = 1117,
    kDirNames = 1118,
};
enum Type : std::uint32_t { kInt32 = 4, kString = 6, kStringArray = 8, kI18nString = 9 };

constexpr std::uint64_t kEntryBytes = 16;

class Header {
public:
    explicit Header(std::span<const std::byte> blob) : all_(blob), entries_(all_.u32(0)) {
        const std::uint64_t store_bytes = all_.u32(4);
        const std::uint64_t store_at = 8 + entries_ * kEntryBytes;
        store_ = all_.part(store_at, store_bytes);
    }

    [[nodiscard]] std::string string(Tag tag) const {
        const std::optional<Entry> entry = find(tag);
        if (!entry || (entry->type != kString && entry->type != kI18nString)) return {};
        return std::string(store_->c_string(entry->offset));
    }
    [[nodiscard]] std::vector<std::string_view> strings(Tag tag) const {
        std::vector<std::string_view> out;
        const std::optional<Entry> entry = find(tag);
        if (!entry || entry->type != kStringArray) return out;
        std::uint64_t at = entry->offset;
        for (std::uint32_t i = 0; i < entry->count; ++i) {
            out.push_back(store_->c_string(at));
            at += out.back().size() + 1;
        }
        return out;
    }
    [[nodiscard]] std::vector<std::uint32_t> numbers(Tag tag) const {
        std::vector<std::uint32_t> out;
        const std::optional<Entry> entry = find(tag);
        if (!entry || entry->type != kInt32) return out;
        const ByteView part = store_->part(entry->offset, std::uint64_t{4} * entry->count);
        for (std::uint32_t i = 0; i < entry->count; ++i) out.push_back(part.u32(std::uint64_t{4} * i));
        return out;
    }

private:
    struct Entry {
        std::uint32_t type, offset, count;
    };
    [[nodiscard]] std::optional<Entry> find(Tag tag) const {
        for (std::uint64_t i = 0; i < entries_; ++i) {
            const ByteView entry = all_.part(8 + i * kEntryBytes, kEntryBytes);
            if (entry.u32(0) == tag) return Entry{entry.u32(4), entry.u32(8), entry.u32(12)};
        }
        return std::nullopt;
    }

    ByteView all_;
    std::uint64_t entries_;
    std::optional<ByteView> store_;
};

void add_files(const Header& header, Package& package) {
    const std::vector<std::string_view> names = header.strings(kBaseNames);
    const std::vector<std::string_view> directories = header.strings(kDirNames);
    const std::vector<std::uint32_t> indexes = header.numbers(kDirIndexes);
    if (names.size() != indexes.size()) throw Error(ErrorKind::format, "its files are damaged");
    const auto add = [&](std::string_view directory, std::string_view name) {
        // Each name may refer to the longest of directories: memory must not become the product of the two.
        if (directory.size() + name.size() > limits::kMaxPathBytes || !directory.starts_with('/')) return;
        package.files.push_back(std::string(directory).append(name));
    };
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (indexes[i] >= directories.size()) throw Error(ErrorKind::format, "its files are damaged");
        add(directories[indexes[i]], names[i]);
    }
    // Before rpm 4.
    for (const std::string_view name : header.strings(kOldFileNames))
        add("/", name.substr(name.starts_with('/') ? 1 : 0));
}

}  // namespace

Package read_rpm_header(std::span<const std::byte> blob) {
    return while_doing([] { return "header of a package"; },
                       [&] {
                           if (blob.size() > limits::kMaxHeaderBlobBytes) throw Error(ErrorKind::format, "too large");
                           const Header header(blob);
                           Package out;
                           out.kind = PackageKind::rpm;
                           out.name = header.string(kName);
                           out.version = header.string(kVersion);
                           out.release = header.string(kRelease);
                           out.arch = header.string(kArch);
                           out.license = header.string(kLicense);
                           out.vendor = header.string(kVendor);
                           out.source = header.string(kSourceRpm);
                           const std::vector<std::uint32_t> epoch = header.numbers(kEpoch);
                           if (!epoch.empty() && epoch[0] != 0) out.epoch = std::to_string(epoch[0]);
                           if (out.name.empty()) throw Error(ErrorKind::format, "it has no name");
                           add_files(header, out);
                           return out;
                       });
}

}  // namespace smith::pkgdb
