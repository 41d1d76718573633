// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/compare_tars.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "base/error.h"
#include "ocilayout/tar_reader.h"

namespace smith::ocilayout {

namespace {

constexpr std::size_t kMostDifferences = 24;
constexpr std::size_t kBlock = 512;

/// The fields of a header (POSIX ustar, pax(1)).
struct Field {
    std::string_view name;
    std::size_t offset, size;
};
constexpr std::array kFields = {Field{"name", 0, 100},     Field{"mode", 100, 8},       Field{"uid", 108, 8},
                                Field{"gid", 116, 8},      Field{"size", 124, 12},      Field{"mtime", 136, 12},
                                Field{"typeflag", 156, 1}, Field{"linkname", 157, 100}, Field{"magic", 257, 8},
                                Field{"uname", 265, 32},   Field{"gname", 297, 32},     Field{"devmajor", 329, 8},
                                Field{"devminor", 337, 8}, Field{"prefix", 345, 155}};

/// Passes on what `inner` gives, and keeps it while it is asked to.
class Tap : public ByteSource {
public:
    explicit Tap(ByteSource& inner) : inner_(inner) {}
    std::size_t read(std::span<std::byte> buffer) override {
        const std::size_t got = inner_.read(buffer);
        kept_.append(reinterpret_cast<const char*>(buffer.data()), is_open_ ? got : 0);
        return got;
    }
    void open() { is_open_ = true; }
    std::string close() {
        is_open_ = false;
        return std::exchange(kept_, {});
    }

private:
    ByteSource& inner_;
    std::string kept_;
    bool is_open_ = false;
};

struct RawEntry {
    std::string name;
    std::string header;  ///< with pax records before it
    Digest digest;       ///< of its data
    std::uint64_t size = 0;
};

std::vector<RawEntry> read_entries(ByteSource& source) {
    Tap tap(source);
    TarReader reader(tap);
    TarEntry entry;
    std::vector<RawEntry> out;
    std::vector<std::byte> buffer(std::size_t{64} * 1024);
    for (;;) {
        tap.open();
        const bool more = reader.next(entry);
        std::string header = tap.close();
        if (!more) return out;
        // Padding of the entry before is no part of this one's header.
        header.erase(0, header.size() % kBlock);
        RawEntry raw{entry.name, std::move(header), {}, entry.size};
        Hasher hasher;
        while (const std::size_t got = reader.read(buffer)) hasher.update(std::span(buffer).first(got));
        raw.digest = hasher.finish();
        out.push_back(std::move(raw));
    }
}

/// A field's text, up to its NUL.
std::string text_of(std::string_view header, const Field& field) {
    std::string_view text = header.substr(field.offset, field.size);
    text = text.substr(0, text.find('\0'));
    return text.empty() ? "nothing" : quote(text);
}

class Comparison {
public:
    void compare_entries(const RawEntry& want, const RawEntry& got) {
        const std::string what = "entry " + quote(want.name);
        if (want.digest != got.digest) {
            add(what + ", bytes", std::to_string(want.size) + " bytes, " + want.digest.str(),
                std::to_string(got.size) + " bytes, " + got.digest.str());
        }
        if (want.header == got.header) return;
        if (want.header.size() != got.header.size()) {
            add(what + ", pax records", std::to_string(want.header.size()) + " bytes of header",
                std::to_string(got.header.size()) + " bytes of header");
            return;
        }
        compare_headers(what, want.header, got.header);
    }

    void add(std::string what, std::string want, std::string got) {
        if (found.size() < kMostDifferences) found.push_back({std::move(what), std::move(want), std::move(got)});
    }

    std::vector<TarDifference> found;

private:
    void compare_headers(const std::string& what, std::string_view want, std::string_view got) {
        // The header itself is the last block; what is before it are pax records.
        const std::string_view a = want.substr(want.size() - kBlock);
        const std::string_view b = got.substr(got.size() - kBlock);
        for (const Field& field : kFields) {
            if (a.substr(field.offset, field.size) == b.substr(field.offset, field.size)) continue;
            // A size that differs has been told with the bytes.
            if (field.name != "size") add(what + ", " + std::string(field.name), text_of(a, field), text_of(b, field));
        }
        if (want.substr(0, want.size() - kBlock) != got.substr(0, got.size() - kBlock)) {
            add(what + ", pax records", "those of the first", "others");
        }
    }
};

}  // namespace

std::vector<TarDifference> compare_tars(ByteSource& want, ByteSource& got) {
    const std::vector<RawEntry> a = read_entries(want);
    const std::vector<RawEntry> b = read_entries(got);
    std::map<std::string_view, const RawEntry*> by_name;
    for (const RawEntry& entry : b) by_name[entry.name] = &entry;
    Comparison comparison;
    for (const RawEntry& entry : a) {
        const auto found = by_name.find(entry.name);
        if (found == by_name.end()) {
            comparison.add("entry " + quote(entry.name), "there", "not there");
            continue;
        }
        comparison.compare_entries(entry, *found->second);
        by_name.erase(found);
    }
    for (const auto& [name, entry] : by_name) comparison.add("entry " + quote(name), "not there", "there");
    if (!comparison.found.empty()) return comparison.found;
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
        if (a[i].name == b[i].name) continue;
        comparison.add("order of entries, number " + std::to_string(i + 1), quote(a[i].name), quote(b[i].name));
        break;
    }
    return comparison.found;
}

}  // namespace smith::ocilayout
