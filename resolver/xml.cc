// SPDX-License-Identifier: Apache-2.0
#include "resolver/xml.h"

#include <expat.h>

#include <exception>
#include <vector>

#include "base/error.h"
#include "base/handle.h"

namespace smith::resolver {

namespace {

// rpm-md nests five deep.
constexpr std::size_t kMaxDepth = 32;
// The longest honest text is a path or a checksum; descriptions are not read here.
constexpr std::size_t kMaxTextBytes = 1024 * 1024;
constexpr std::size_t kMaxFeedBytes = 64 * 1024;

using ParserHandle = std::unique_ptr<std::remove_pointer_t<XML_Parser>, FreeWith<XML_ParserFree>>;

std::string_view without_prefix(std::string_view name) {
    const std::size_t colon = name.rfind(':');
    return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view white = " \t\r\n";
    const std::size_t first = text.find_first_not_of(white);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(white) - first + 1);
}

}  // namespace

struct XmlParser::State {
    State(XmlHandler& given, Doctype allowed) : handler(given), doctype(allowed), parser(XML_ParserCreate(nullptr)) {
        if (!parser) throw Error(ErrorKind::system, "expat: out of memory");
        XML_SetUserData(parser.get(), this);
        XML_SetElementHandler(parser.get(), &on_start, &on_end);
        XML_SetCharacterDataHandler(parser.get(), &on_text);
        XML_SetStartDoctypeDeclHandler(parser.get(), &on_doctype);
    }

    // C calls these: what they throw is kept, and thrown again by parse().
    template <typename Body>
    void guarded(Body&& body) noexcept {
        if (error != nullptr) return;
        try {
            body();
        } catch (...) {
            error = std::current_exception();
            static_cast<void>(XML_StopParser(parser.get(), XML_FALSE));
        }
    }

    static void on_start(void* self, const char* name, const char** attributes) noexcept {
        auto& state = *static_cast<State*>(self);
        state.guarded([&] { state.start(name, attributes); });
    }
    static void on_end(void* self, const char* name) noexcept {
        auto& state = *static_cast<State*>(self);
        state.guarded([&] {
            const std::string text = std::move(state.texts.back());
            state.texts.pop_back();
            state.text_bytes -= text.size();
            state.handler.end_element(without_prefix(name), trimmed(text));
        });
    }
    static void on_text(void* self, const char* text, int size) noexcept {
        auto& state = *static_cast<State*>(self);
        state.guarded([&] {
            if (state.texts.empty()) return;
            state.text_bytes += static_cast<std::size_t>(size);
            if (state.text_bytes > kMaxTextBytes) throw Error(ErrorKind::format, "XML text is too long");
            state.texts.back().append(text, static_cast<std::size_t>(size));
        });
    }
    static void on_doctype(void* self, const char*, const char*, const char*, int has_brackets) noexcept {
        auto& state = *static_cast<State*>(self);
        state.guarded([&] {
            if (state.doctype == Doctype::refused)
                throw Error(ErrorKind::format, "XML has a document type declaration, which metadata never has");
            if (has_brackets != 0)
                throw Error(ErrorKind::format, "XML declares things in its document type, which metadata never does");
        });
    }

    void start(const char* name, const char** given) {
        if (texts.size() >= kMaxDepth) throw Error(ErrorKind::format, "XML is nested too deep");
        texts.emplace_back();
        std::map<std::string, std::string> attributes;
        for (; *given != nullptr; given += 2) attributes.emplace(given[0], given[1]);
        handler.start_element(without_prefix(name), attributes);
    }

    void parse(const char* bytes, int size, bool last) {
        const XML_Status status = XML_Parse(parser.get(), bytes, size, last ? 1 : 0);
        if (error != nullptr) std::rethrow_exception(error);
        if (status == XML_STATUS_OK) return;
        throw Error(ErrorKind::format, "XML line " + std::to_string(XML_GetCurrentLineNumber(parser.get())) + ": " +
                                           XML_ErrorString(XML_GetErrorCode(parser.get())));
    }

    XmlHandler& handler;
    Doctype doctype;
    ParserHandle parser;
    std::vector<std::string> texts;  // of the elements that are open, outermost first
    std::size_t text_bytes = 0;
    std::exception_ptr error;
};

XmlParser::XmlParser(XmlHandler& handler, Doctype doctype) : state_(std::make_unique<State>(handler, doctype)) {}
XmlParser::~XmlParser() = default;

void XmlParser::feed(std::span<const std::byte> bytes) {
    // In pieces: expat counts in int, and looks at a long token again with each of them.
    while (!bytes.empty()) {
        const auto piece = bytes.first(std::min(bytes.size(), kMaxFeedBytes));
        state_->parse(reinterpret_cast<const char*>(piece.data()), static_cast<int>(piece.size()), false);
        bytes = bytes.subspan(piece.size());
    }
}

void XmlParser::finish() { state_->parse("", 0, true); }

}  // namespace smith::resolver
