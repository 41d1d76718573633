// SPDX-License-Identifier: Apache-2.0
#include "resolver/python_literal.h"

#include <algorithm>
#include <array>

#include "base/error.h"

namespace smith::resolver {

namespace {

bool is_word_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           static_cast<unsigned char>(c) >= 0x80;
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

void append_utf8(std::string& out, unsigned long code) {
    const auto add = [&](unsigned long byte) { out += static_cast<char>(static_cast<unsigned char>(byte)); };
    if (code < 0x80) {
        add(code);
    } else if (code < 0x800) {
        add(0xc0 | (code >> 6));
        add(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        add(0xe0 | (code >> 12));
        add(0x80 | ((code >> 6) & 0x3f));
        add(0x80 | (code & 0x3f));
    } else {
        add(0xf0 | (code >> 18));
        add(0x80 | ((code >> 12) & 0x3f));
        add(0x80 | ((code >> 6) & 0x3f));
        add(0x80 | (code & 0x3f));
    }
}

class PythonReader {
public:
    PythonReader(std::string_view text, const std::string& file) : text_(text), file_(file) {}

    std::vector<PythonStatement> read() {
        while (at_ < text_.size()) {
            const char c = text_[at_];
            if (c == '#') {
                while (at_ < text_.size() && text_[at_] != '\n') ++at_;
            } else if (c == '\n') {
                end_line();
            } else if (c == '\\' && peek(1) == '\n') {
                at_ += 2;
                ++line_;
            } else if (c == ' ' || c == '\t' || c == '\r' || c == '\f') {
                ++at_;
            } else {
                if (at_line_start_) in_block_ = at_ > 0 && (text_[at_ - 1] == ' ' || text_[at_ - 1] == '\t');
                at_line_start_ = false;
                statement_.indented = in_block_;
                read_token(c);
            }
        }
        if (depth_ > 0) throw error("a bracket does not end", opened_);
        end_statement();
        return std::move(statements_);
    }

private:
    [[nodiscard]] char peek(std::size_t ahead) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

    void end_line() {
        ++at_;
        ++line_;
        if (depth_ > 0) return;
        end_statement();
        at_line_start_ = true;
    }

    /// "if x: a = 1; b = 2": what follows such a word on its line is as conditional as a block.
    [[nodiscard]] bool opens_block() const {
        static constexpr std::array<std::string_view, 12> words{"if",     "elif",    "else", "for",   "while", "try",
                                                                "except", "finally", "with", "async", "def",   "class"};
        if (statement_.tokens.empty() || statement_.tokens[0].kind != PythonToken::Kind::word) return false;
        return std::find(words.begin(), words.end(), statement_.tokens[0].text) != words.end();
    }

    void end_statement() {
        if (!statement_.tokens.empty()) statements_.push_back(std::move(statement_));
        statement_ = {};
    }

    void read_token(char c) {
        if (c == '"' || c == '\'') return read_string("");
        if (is_word_char(c)) return read_word();
        if (c == '(' || c == '[' || c == '{') {
            if (depth_++ == 0) opened_ = line_;
        } else if (c == ')' || c == ']' || c == '}') {
            depth_ = std::max(0, depth_ - 1);
        } else if (c == ';' && depth_ == 0) {
            in_block_ |= opens_block();
            end_statement();
            ++at_;
            return;
        }
        add(PythonToken::Kind::symbol, std::string(1, c));
        ++at_;
    }

    void read_word() {
        const std::size_t start = at_;
        while (at_ < text_.size() && is_word_char(text_[at_])) ++at_;
        const std::string word(text_.substr(start, at_ - start));
        const bool is_prefix = word.size() <= 2 && word.find_first_not_of("rRbBuUfF") == std::string::npos;
        if (is_prefix && (peek(0) == '"' || peek(0) == '\'')) return read_string(word);
        add(PythonToken::Kind::word, word);
    }

    void add(PythonToken::Kind kind, std::string text) { statement_.tokens.push_back({kind, std::move(text), line_}); }

    void read_string(std::string_view prefix) {
        const bool raw = prefix.find_first_of("rR") != std::string_view::npos;
        PythonToken token{PythonToken::Kind::string, {}, line_};
        token.is_other = prefix.find_first_of("bBfF") != std::string_view::npos;
        const char quote_char = text_[at_];
        const bool triple = peek(1) == quote_char && peek(2) == quote_char;
        at_ += triple ? 3 : 1;
        while (!ends_here(quote_char, triple)) {
            if (at_ >= text_.size() || (!triple && text_[at_] == '\n')) {
                throw error("a string does not end", token.line);
            }
            if (text_[at_] == '\\' && at_ + 1 < text_.size()) {
                raw ? keep_escape(token) : read_escape(token);
            } else {
                take(token);
            }
        }
        at_ += triple ? 3 : 1;
        statement_.tokens.push_back(std::move(token));
    }

    [[nodiscard]] bool ends_here(char quote_char, bool triple) const {
        if (peek(0) != quote_char) return false;
        return !triple || (peek(1) == quote_char && peek(2) == quote_char);
    }

    void take(PythonToken& token) {
        if (text_[at_] == '\n') ++line_;
        token.text += text_[at_++];
    }

    void keep_escape(PythonToken& token) {
        take(token);
        take(token);
    }

    void read_escape(PythonToken& token) {
        static constexpr std::string_view names = "\\'\"abfnrtv";
        static constexpr std::string_view values = "\\'\"\a\b\f\n\r\t\v";
        const char c = text_[at_ + 1];
        if (c == '\n') {  // a line that goes on
            ++line_;
            at_ += 2;
        } else if (const std::size_t known = names.find(c); known != std::string_view::npos) {
            token.text += values[known];
            at_ += 2;
        } else if (c == 'x' || c == 'u' || c == 'U') {
            read_number(token, 16, c == 'x' ? 2 : c == 'u' ? 4 : 8, 2);
        } else if (c >= '0' && c <= '7') {
            read_number(token, 8, 3, 1);
        } else {
            token.is_other |= c == 'N';
            keep_escape(token);  // no escape: the backslash stays
        }
    }

    void read_number(PythonToken& token, unsigned long base, std::size_t most, std::size_t skip) {
        unsigned long code = 0;
        std::size_t count = 0;
        at_ += skip;
        while (count < most && hex_digit(peek(0)) >= 0 && static_cast<unsigned long>(hex_digit(peek(0))) < base) {
            code = code * base + static_cast<unsigned long>(hex_digit(text_[at_++]));
            ++count;
        }
        if ((base == 16 && count < most) || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
            throw error("an escape in a string is not one of Python's", line_);
        }
        append_utf8(token.text, code);
    }

    [[nodiscard]] Error error(const std::string& what, int line) const {
        return {ErrorKind::spec, file_ + ":" + std::to_string(line) + ": " + what};
    }

    std::string_view text_;
    const std::string& file_;
    std::size_t at_ = 0;
    int line_ = 1;
    int depth_ = 0;
    int opened_ = 0;
    bool at_line_start_ = true;
    bool in_block_ = false;
    PythonStatement statement_;
    std::vector<PythonStatement> statements_;
};

}  // namespace

std::vector<PythonStatement> parse_python(std::string_view text, const std::string& file) {
    return PythonReader(text, file).read();
}

}  // namespace smith::resolver
