// SPDX-License-Identifier: Apache-2.0
//
// Bounds how much XML may come without a '<'. expat (before 2.6, CVE-2023-52425) looks at an unfinished tag, comment or
// instruction again from its start with every piece that it is given: a tag of a gigabyte would take it days. libsolv
// gives it pieces of 8 KiB, and has no bound. What XML is well-formed is still expat's to say.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace smith::resolver {

class XmlRunLimit {
public:
    /// The next bytes of the document. Throws Error (format) when a tag with the text behind it, a comment, an
    /// instruction or a CDATA section is longer than limits::kMaxXmlRunBytes; and for a NUL, which UTF-8 text does not
    /// have: in UTF-16 this would look for the wrong bytes.
    void feed(std::span<const std::byte> bytes);

private:
    [[nodiscard]] std::string_view in_text(std::string_view bytes);
    [[nodiscard]] std::string_view in_opening(std::string_view bytes);
    [[nodiscard]] std::string_view in_section(std::string_view bytes);
    void advance(std::size_t count);

    enum class Where { text, opening, section };
    Where where_ = Where::text;
    std::string opening_;          // what stands behind a '<', while it may still begin a section
    std::string_view terminator_;  // of the section that is open
    std::string tail_;             // its last bytes
    std::size_t run_ = 0;
};

}  // namespace smith::resolver
