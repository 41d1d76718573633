// SPDX-License-Identifier: Apache-2.0
//
// The one door for XML that is parsed here: elements, attributes and text, as events. No document
// declares entities here, so there is nothing to expand, and nothing external is fetched; depth and text have bounds.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace smith::resolver {

/// Names come without their namespace prefix: "rpm:entry" is "entry".
class XmlHandler {
public:
    virtual ~XmlHandler() = default;
    virtual void start_element(std::string_view name, const std::map<std::string, std::string>& attributes) = 0;
    /// `text` is all text directly inside the element, less the white space around it.
    virtual void end_element(std::string_view name, std::string_view text) = 0;
};

/// Whether a document may name its type. comps.xml always does ("<!DOCTYPE comps PUBLIC ...>"), other metadata never;
/// what a declaration has in brackets, such as entities, is refused in any case.
enum class Doctype { refused, named };

class XmlParser {
public:
    explicit XmlParser(XmlHandler& handler, Doctype doctype = Doctype::refused);
    XmlParser(const XmlParser&) = delete;
    XmlParser& operator=(const XmlParser&) = delete;
    ~XmlParser();

    /// Throws Error (format), and what the handler throws.
    void feed(std::span<const std::byte> bytes);
    /// Call once, after the last byte.
    void finish();

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace smith::resolver
