// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/registry/auth_challenge.h"

#include <algorithm>
#include <optional>

namespace smith::ocilayout {

namespace {

// Honest servers send one or two, of five parameters.
constexpr std::size_t kMaxChallenges = 16;
constexpr std::size_t kMaxParams = 32;

bool is_token_char(char c) {
    constexpr std::string_view others = "!#$%&'*+-.^_`|~";
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           others.find(c) != std::string_view::npos;
}

bool is_token68_char(char c) { return is_token_char(c) || c == '/'; }

std::string lower(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return out;
}

class Cursor {
public:
    explicit Cursor(std::string_view text) : text_(text) {}

    [[nodiscard]] bool at_end() const { return at_ == text_.size(); }
    [[nodiscard]] char peek() const { return at_end() ? '\0' : text_[at_]; }
    bool take(char c) {
        if (at_end() || text_[at_] != c) return false;
        ++at_;
        return true;
    }
    void skip_space() {
        while (peek() == ' ' || peek() == '\t') ++at_;
    }
    void skip_separators() {
        while (peek() == ' ' || peek() == '\t' || peek() == ',') ++at_;
    }
    void skip_one() {
        if (!at_end()) ++at_;
    }
    std::string_view token() {
        const std::size_t start = at_;
        while (!at_end() && is_token_char(text_[at_])) ++at_;
        return text_.substr(start, at_ - start);
    }
    /// token68 of RFC 9110: it may end in '=', and nothing but a comma or the end follows it. Nothing is taken else.
    std::optional<std::string> token68() {
        std::size_t end = at_;
        while (end < text_.size() && is_token68_char(text_[end])) ++end;
        if (end == at_) return std::nullopt;
        while (end < text_.size() && text_[end] == '=') ++end;
        std::size_t after = end;
        while (after < text_.size() && (text_[after] == ' ' || text_[after] == '\t')) ++after;
        if (after < text_.size() && text_[after] != ',') return std::nullopt;
        std::string out(text_.substr(at_, end - at_));
        at_ = end;
        return out;
    }
    /// A quoted string, or what stands there: some servers forget the quotes around a URL. Of one whose quote never
    /// ends, all there is.
    std::string value() {
        std::string out;
        if (!take('"')) {
            while (!at_end() && peek() != ',' && peek() != ' ' && peek() != '\t') out += text_[at_++];
            return out;
        }
        while (!at_end() && !take('"')) {
            if (peek() == '\\' && at_ + 1 < text_.size()) ++at_;
            out += text_[at_++];
        }
        return out;
    }
    /// "name=value"; nothing is taken when it is none.
    std::optional<std::pair<std::string, std::string>> param() {
        const std::size_t start = at_;
        const std::string name = lower(token());
        skip_space();
        if (!name.empty() && take('=')) {
            skip_space();
            return std::pair(name, value());
        }
        at_ = start;
        return std::nullopt;
    }

private:
    std::string_view text_;
    std::size_t at_ = 0;
};

void read_params(Cursor& cursor, AuthChallenge& challenge) {
    for (std::size_t i = 0; i < kMaxParams; ++i) {
        cursor.skip_separators();
        auto param = cursor.param();
        if (!param) return;
        challenge.params.emplace(std::move(param->first), std::move(param->second));
    }
}

std::string quoted_string(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + "\"";
}

}  // namespace

std::string AuthChallenge::param(const std::string& name) const {
    const auto it = params.find(name);
    return it == params.end() ? std::string() : it->second;
}

std::vector<AuthChallenge> parse_challenges(std::string_view value) {
    std::vector<AuthChallenge> out;
    Cursor cursor(value);
    while (out.size() < kMaxChallenges) {
        cursor.skip_separators();
        if (cursor.at_end()) break;
        // A parameter without its scheme: some server forgot to quote a comma. Nobody can say what it meant.
        if (cursor.param()) continue;
        AuthChallenge challenge;
        challenge.scheme = lower(cursor.token());
        if (challenge.scheme.empty()) {
            cursor.skip_one();
            continue;
        }
        cursor.skip_space();
        // "Basic" alone, "Negotiate abc==", "Bearer a=b, c=d". "Basic, Bearer a=b" must not make a token68 of Bearer.
        if (cursor.peek() != ',') {
            // At the very end "a=" is this, and also a parameter with an empty value.
            if (auto token = cursor.token68()) {
                challenge.token68 = std::move(*token);
            } else {
                read_params(cursor, challenge);
            }
        }
        out.push_back(std::move(challenge));
    }
    return out;
}

std::string print_challenges(const std::vector<AuthChallenge>& challenges) {
    std::string out;
    for (const AuthChallenge& challenge : challenges) {
        if (!out.empty()) out += ", ";
        out += challenge.scheme;
        if (!challenge.token68.empty()) out += " " + challenge.token68;
        bool first = true;
        for (const auto& [name, text] : challenge.params) {
            out += (first ? " " : ", ") + name + "=" + quoted_string(text);
            first = false;
        }
    }
    return out;
}

const AuthChallenge* find_challenge(const std::vector<AuthChallenge>& challenges, std::string_view scheme) {
    const auto it = std::ranges::find(challenges, scheme, &AuthChallenge::scheme);
    return it == challenges.end() ? nullptr : &*it;
}

}  // namespace smith::ocilayout
