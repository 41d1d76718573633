// SPDX-License-Identifier: Apache-2.0
#include "resolver/xml_run_limit.h"

#include <algorithm>
#include <array>

#include "base/bounds.h"
#include "base/error.h"

namespace smith::resolver {

namespace {

/// XML 1.0, 2.5 to 2.7: where a '<' is just a character.
struct Section {
    std::string_view begin;  // behind the '<'
    std::string_view end;
};
constexpr std::array<Section, 3> kSections{{{"!--", "-->"}, {"![CDATA[", "]]>"}, {"?", "?>"}}};

}  // namespace

void XmlRunLimit::feed(std::span<const std::byte> bytes) {
    std::string_view left(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (left.find('\0') != std::string_view::npos) {
        throw Error(ErrorKind::format, "XML holds a NUL; metadata is UTF-8, which has none");
    }
    while (!left.empty()) {
        switch (where_) {
            case Where::text: left = in_text(left); break;
            case Where::opening: left = in_opening(left); break;
            case Where::section: left = in_section(left); break;
        }
    }
}

void XmlRunLimit::advance(std::size_t count) {
    run_ += count;
    if (run_ > limits::kMaxXmlRunBytes) {
        throw Error(ErrorKind::format, "XML has a tag, a text or a comment of more than " +
                                           std::to_string(limits::kMaxXmlRunBytes) + " bytes");
    }
}

std::string_view XmlRunLimit::in_text(std::string_view bytes) {
    const std::size_t at = bytes.find('<');
    advance(std::min(at, bytes.size()));
    if (at == std::string_view::npos) return {};
    run_ = 0;
    opening_.clear();
    where_ = Where::opening;
    return bytes.substr(at + 1);
}

std::string_view XmlRunLimit::in_opening(std::string_view bytes) {
    opening_ += bytes.front();
    const auto section = std::find_if(kSections.begin(), kSections.end(),
                                      [&](const Section& one) { return one.begin.starts_with(opening_); });
    if (section == kSections.end()) {
        where_ = Where::text;  // a tag: there is no '<' in one, so that its end need not be known
        return bytes;
    }
    advance(1);
    if (section->begin == opening_) {
        terminator_ = section->end;
        tail_.clear();
        where_ = Where::section;
    }
    return bytes.substr(1);
}

std::string_view XmlRunLimit::in_section(std::string_view bytes) {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        advance(1);
        tail_ += bytes[i];
        if (tail_.size() > terminator_.size()) tail_.erase(0, 1);
        if (tail_ != terminator_) continue;
        where_ = Where::text;
        return bytes.substr(i + 1);
    }
    return {};
}

}  // namespace smith::resolver
