// SPDX-License-Identifier: Apache-2.0
#include "resolver/repomd.h"

#include <algorithm>
#include <charconv>

#include "base/bounds.h"
#include "base/error.h"
#include "base/fd.h"
#include "resolver/package_ref.h"
#include "resolver/xml.h"

namespace smith::resolver {

namespace {

// createrepo_c writes about a dozen.
constexpr std::size_t kMaxRecords = 1000;

std::uint64_t parse_size(std::string_view text) {
    std::uint64_t size = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
    if (error != std::errc() || end != text.data() + text.size()) {
        throw Error(ErrorKind::format, "size " + quote(text) + " is not a number");
    }
    return size;
}

/// The whole seconds of "1411728917" or "1411728917.12"; nothing for what is none.
std::optional<std::uint64_t> parse_time(std::string_view text) {
    std::uint64_t seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (error != std::errc() || (end != text.data() + text.size() && *end != '.')) return std::nullopt;
    return seconds;
}

/// The path of open elements is told by depth and name: repomd > data > (checksum, location ...).
class RepomdHandler : public XmlHandler {
public:
    Repomd repomd;

    void start_element(std::string_view name, const std::map<std::string, std::string>& attributes) override {
        ++depth_;
        if (depth_ == 1) {
            if (name != "repomd") throw Error(ErrorKind::format, "the document is not a repomd but " + quote(name));
        } else if (depth_ == 2) {
            in_data_ = name == "data";
            if (in_data_) start_data(attributes);
        } else if (depth_ == 3 && in_data_) {
            start_field(name, attributes);
        }
    }

    void end_element(std::string_view name, std::string_view text) override {
        if (depth_ == 2) {
            if (in_data_) end_data();
            if (name == "revision") repomd.revision = text;
        } else if (depth_ == 3 && in_data_) {
            end_field(name, text);
        }
        --depth_;
    }

private:
    void start_data(const std::map<std::string, std::string>& attributes) {
        if (repomd.records.size() >= kMaxRecords) throw Error(ErrorKind::format, "there are too many files in it");
        record_ = {};
        const auto type = attributes.find("type");
        if (type != attributes.end()) record_.type = type->second;
    }

    void start_field(std::string_view name, const std::map<std::string, std::string>& attributes) {
        const auto value = [&](const char* key) {
            const auto it = attributes.find(key);
            return it == attributes.end() ? std::string() : it->second;
        };
        if (name == "location") {
            // Another base would be another server, which nobody configured.
            if (attributes.contains("xml:base")) {
                throw Error(ErrorKind::format, "location of " + quote(record_.type) + " has an xml:base");
            }
            record_.location = value("href");
            check_location(record_.location);
        } else if (name == "checksum" || name == "open-checksum") {
            algorithm_ = value("type");
        }
    }

    void end_field(std::string_view name, std::string_view text) {
        if (name == "checksum") record_.checksum = make_checksum(algorithm_, text);
        if (name == "open-checksum") record_.open_checksum = make_checksum(algorithm_, text);
        if (name == "size") record_.size = parse_size(text);
        // Nobody needs it to read the file: what is odd is as good as missing.
        if (name == "timestamp") repomd.timestamp = std::max(repomd.timestamp, parse_time(text));
        if (name == "open-size") record_.open_size = parse_size(text);
    }

    void end_data() {
        if (record_.type.empty()) throw Error(ErrorKind::format, "there is a file without a type");
        if (record_.location.empty()) throw Error(ErrorKind::format, quote(record_.type) + " has no location");
        if (record_.checksum.hex.empty()) throw Error(ErrorKind::format, quote(record_.type) + " has no checksum");
        if (repomd.find(record_.type) != nullptr) {
            throw Error(ErrorKind::format, quote(record_.type) + " is listed twice");
        }
        repomd.records.push_back(std::move(record_));
    }

    std::size_t depth_ = 0;
    bool in_data_ = false;
    RepomdRecord record_;
    std::string algorithm_;
};

/// What is there in zchunk alone is found under its plain name as well. Of two, the other one is smaller.
void take_zchunk_where_alone(Repomd& repomd) {
    constexpr std::string_view suffix = "_zck";
    for (RepomdRecord record : std::vector<RepomdRecord>(repomd.records)) {
        if (!record.type.ends_with(suffix)) continue;
        record.type.resize(record.type.size() - suffix.size());
        if (!record.type.empty() && repomd.find(record.type) == nullptr) repomd.records.push_back(std::move(record));
    }
}

}  // namespace

const RepomdRecord* Repomd::find(std::string_view type) const {
    const auto it =
        std::find_if(records.begin(), records.end(), [&](const auto& record) { return record.type == type; });
    return it == records.end() ? nullptr : &*it;
}

Repomd parse_repomd(std::string_view xml) {
    return while_doing([] { return std::string("reading repomd.xml"); },
                       [&] {
                           RepomdHandler handler;
                           XmlParser parser(handler);
                           parser.feed(as_bytes(xml));
                           parser.finish();
                           Repomd& repomd = handler.repomd;
                           if (!repomd.timestamp) repomd.timestamp = parse_time(repomd.revision);
                           take_zchunk_where_alone(repomd);
                           return std::move(repomd);
                       });
}

}  // namespace smith::resolver
