// SPDX-License-Identifier: Apache-2.0
#include "base/netrc.h"

#include <algorithm>
#include <optional>
#include <string>

#include "base/error.h"

namespace smith {

namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

class NetrcReader {
public:
    explicit NetrcReader(std::string_view text) : text_(text) {}

    std::vector<HttpCredential> read() {
        while (const std::optional<std::string> word = next_word()) {
            if (*word == "machine") {
                start(wanted("machine"));
            } else if (*word == "default") {
                start({});
            } else if (*word == "login") {
                current_.username = Secret(wanted("login"));
            } else if (*word == "password") {
                current_.password = Secret(wanted("password"));
            } else if (*word == "account") {
                static_cast<void>(wanted("account"));
            } else if (*word == "macdef") {
                skip_macro();
            } else {
                throw error("a word that is none of machine, default, login, password, account and macdef");
            }
        }
        start({});
        return std::move(entries_);
    }

private:
    void start(std::string host) {
        if (!current_.where.empty() && !current_.username.empty()) entries_.push_back(std::move(current_));
        std::transform(host.begin(), host.end(), host.begin(),
                       [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
        current_ = {std::move(host), {}, {}};
    }

    std::string wanted(std::string_view key) {
        std::optional<std::string> word = next_word();
        if (!word) throw error("nothing behind " + std::string(key));
        return std::move(*word);
    }

    /// A macro ends with an empty line.
    void skip_macro() {
        const std::size_t end = std::min(text_.find("\n\n", at_), text_.size());
        while (at_ < end) step();
    }

    std::optional<std::string> next_word() {
        while (at_ < text_.size() && (is_space(text_[at_]) || text_[at_] == '#')) {
            if (text_[at_] == '#') {
                while (at_ < text_.size() && text_[at_] != '\n') step();
            } else {
                step();
            }
        }
        if (at_ == text_.size()) return std::nullopt;
        if (text_[at_] == '"') return quoted_word();
        std::string word;
        while (at_ < text_.size() && !is_space(text_[at_])) word += step();
        return word;
    }

    std::string quoted_word() {
        const Error unfinished = error("a quoted word that does not end");
        static_cast<void>(step());
        std::string word;
        while (at_ < text_.size() && text_[at_] != '"') {
            const char c = step();
            if (c != '\\') {
                word += c;
            } else if (at_ < text_.size()) {
                word += escaped(step());
            }
        }
        if (at_ == text_.size()) throw Error(unfinished);
        static_cast<void>(step());
        return word;
    }

    static char escaped(char c) {
        switch (c) {
            case 'n': return '\n';
            case 'r': return '\r';
            case 't': return '\t';
            default: return c;
        }
    }

    char step() {
        if (text_[at_] == '\n') ++line_;
        return text_[at_++];
    }

    [[nodiscard]] Error error(const std::string& what) const {
        return {ErrorKind::format, "line " + std::to_string(line_) + ": there is " + what};
    }

    std::string_view text_;
    std::size_t at_ = 0;
    int line_ = 1;
    HttpCredential current_;
    std::vector<HttpCredential> entries_;
};

}  // namespace

std::vector<HttpCredential> parse_netrc(std::string_view text) { return NetrcReader(text).read(); }

}  // namespace smith
