// SPDX-License-Identifier: Apache-2.0
//
// Annotations "org.systemd.property.NAME", whose values are GVariant text: true, 'text', 7, uint64 7, ['a', 'b']. Of it
// as much as systemd's properties need. https://docs.gtk.org/glib/gvariant-text-format.html
#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

#include "base/error.h"
#include "runtime/systemd_unit.h"

namespace smith::runtime {

namespace {

constexpr std::uint64_t kMicroseconds = 1000000;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// One value of GVariant text, from its first character to its last.
class TextReader {
public:
    TextReader(std::string_view name, std::string_view text) : name_(name), text_(text) {}

    DbusValue value() {
        DbusValue out = any();
        skip_space();
        if (at_ != text_.size()) fail("there is more behind its end");
        return out;
    }

private:
    [[noreturn]] void fail(const std::string& why) const {
        throw Error(ErrorKind::spec,
                    "the annotation " + quote(name_) + " is no value of a property, " + quote(text_) + ": " + why);
    }

    [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

    void skip_space() {
        while (peek() == ' ' || peek() == '\t' || peek() == '\n') ++at_;
    }

    DbusValue any() {
        skip_space();
        if (peek() == '\'' || peek() == '"') return string();
        if (peek() == '[') return strings();
        if (text_.substr(at_).starts_with("@as")) {
            at_ += 3;
            skip_space();
            if (peek() == '[') return strings();
            fail("'@as' is for an array");
        }
        const std::string_view word = take_word();
        if (word == "true" || word == "false") return word == "true";
        return number(word);
    }

    std::string_view take_word() {
        const std::size_t begin = at_;
        while (is_letter(peek()) || (peek() >= '0' && peek() <= '9') || peek() == '-' || peek() == '+' ||
               peek() == '.') {
            ++at_;
        }
        return text_.substr(begin, at_ - begin);
    }

    DbusValue number(std::string_view word) {
        std::string_view type = "int32";
        if (!word.empty() && is_letter(word.front())) {
            type = word;
            skip_space();
            word = take_word();
        }
        if (type == "int32") return digits<std::int32_t>(word);
        if (type == "uint32") return digits<std::uint32_t>(word);
        if (type == "int64") return digits<std::int64_t>(word);
        if (type == "uint64") return digits<std::uint64_t>(word);
        fail("only booleans, strings, arrays of strings, and int32, uint32, int64 and uint64 are known");
    }

    template <typename Number>
    DbusValue digits(std::string_view word) const {
        if (word.starts_with('+')) word.remove_prefix(1);
        Number out = 0;
        const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), out);
        if (word.empty() || error != std::errc() || end != word.data() + word.size()) {
            fail(quote(word) + " is no number of that type");
        }
        return out;
    }

    std::string string() {
        const char quotation = peek();
        std::string out;
        for (++at_; at_ < text_.size(); ++at_) {
            char c = text_[at_];
            if (c == quotation) {
                ++at_;
                return out;
            }
            if (c == '\\') c = escape();
            if (c == '\0') fail("it has a NUL in it");
            out += c;
        }
        fail("a string has no end");
    }

    char escape() {
        if (++at_ == text_.size()) fail("a string has no end");
        switch (text_[at_]) {
            case 'n': return '\n';
            case 't': return '\t';
            case 'r': return '\r';
            case '\\':
            case '\'':
            case '"': return text_[at_];
            default: fail("the escape " + quote(text_.substr(at_ - 1, 2)) + " is not known");
        }
    }

    std::vector<std::string> strings() {
        std::vector<std::string> out;
        ++at_;
        skip_space();
        while (peek() != ']') {
            if (!out.empty()) {
                if (peek() != ',') fail("an array has no end");
                ++at_;
                skip_space();
            }
            if (peek() != '\'' && peek() != '"') fail("only arrays of strings are known");
            out.push_back(string());
            skip_space();
        }
        ++at_;
        return out;
    }

    std::string_view name_;
    std::string_view text_;
    std::size_t at_ = 0;
};

/// Whatever kind of number it is written as: systemd's times are of type "t".
std::optional<std::uint64_t> as_seconds(const DbusValue& value) {
    std::optional<std::uint64_t> out;
    if (const auto* i = std::get_if<std::int32_t>(&value); i != nullptr && *i >= 0)
        out = static_cast<std::uint64_t>(*i);
    if (const auto* x = std::get_if<std::int64_t>(&value); x != nullptr && *x >= 0)
        out = static_cast<std::uint64_t>(*x);
    if (const auto* u = std::get_if<std::uint32_t>(&value)) out = *u;
    if (const auto* t = std::get_if<std::uint64_t>(&value)) out = *t;
    if (out && *out > std::numeric_limits<std::uint64_t>::max() / kMicroseconds) out.reset();
    return out;
}

DbusProperty annotated_property(const std::string& key, const std::string& text) {
    std::string name = key.substr(kSystemdAnnotation.size());
    if (name.size() < 3 || !std::all_of(name.begin(), name.end(), is_letter)) {
        throw Error(ErrorKind::spec, "the annotation " + quote(key) + " does not name a property of systemd's");
    }
    DbusValue value = TextReader(key, text).value();
    // Files of units have seconds, D-Bus has microseconds.
    constexpr std::string_view seconds = "Sec";
    if (name.ends_with(seconds) && !name.ends_with("USec")) {
        const auto amount = as_seconds(value);
        if (!amount) throw Error(ErrorKind::spec, "the annotation " + quote(key) + " is not a number of seconds");
        name.replace(name.size() - seconds.size(), seconds.size(), "USec");
        value = *amount * kMicroseconds;
    }
    return {std::move(name), std::move(value)};
}

}  // namespace

std::vector<DbusProperty> annotated_properties(const std::map<std::string, std::string>& annotations) {
    std::vector<DbusProperty> out;
    for (const auto& [key, text] : annotations) {
        if (key.starts_with(kSystemdAnnotation)) out.push_back(annotated_property(key, text));
    }
    return out;
}

}  // namespace smith::runtime
