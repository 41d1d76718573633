// SPDX-License-Identifier: Apache-2.0
#include "builder/spec_fields.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <tuple>

#include "builder/duration.h"

namespace smith::builder {

namespace {

using Kind = YamlNode::Kind;

// Whoever has more problems than this has another one: it is not a spec.
constexpr std::size_t kMaxProblems = 50;

struct Flag {
    std::string_view text;
    bool value;
};

// YAML 1.2, section 10.3.2.
constexpr std::array<Flag, 6> kFlags{
    {{"true", true}, {"True", true}, {"TRUE", true}, {"false", false}, {"False", false}, {"FALSE", false}}};
// YAML 1.1 has these besides (yaml.org/type/bool.html), and so had Go's yaml.v2, which read Oracle's specs.
constexpr std::array<Flag, 16> kOldFlags{{{"yes", true},
                                          {"Yes", true},
                                          {"YES", true},
                                          {"y", true},
                                          {"Y", true},
                                          {"on", true},
                                          {"On", true},
                                          {"ON", true},
                                          {"no", false},
                                          {"No", false},
                                          {"NO", false},
                                          {"n", false},
                                          {"N", false},
                                          {"off", false},
                                          {"Off", false},
                                          {"OFF", false}}};

template <typename Flags>
const Flag* find_flag(const Flags& flags, std::string_view text) {
    const auto it = std::find_if(flags.begin(), flags.end(), [&](const Flag& f) { return f.text == text; });
    return it == flags.end() ? nullptr : &*it;
}

// What people write who know another tool's words for our keys.
struct Synonym {
    std::string_view theirs;
    std::string_view ours;
};
constexpr std::array<Synonym, 12> kSynonyms{{{"command", "cmd"},
                                             {"environment", "env"},
                                             {"envs", "env"},
                                             {"expose", "ports"},
                                             {"exposed-ports", "ports"},
                                             {"repositories", "repos"},
                                             {"tests", "test"},
                                             {"work-dir", "dir"},
                                             {"workdir", "dir"},
                                             {"working-dir", "dir"},
                                             {"stopsignal", "stop-signal"},
                                             {"files", "paths"}}};

}  // namespace

void SpecReading::problem(const Location& where, const std::string& message) { problems_.push_back({where, message}); }

void SpecReading::tolerated(const YamlNode& node, const std::string& message, std::string_view remedy) {
    if (dialect_ == Dialect::oracle) {
        reporter_.warn(at(node).str() + ": " + message + ", " + std::string(remedy));
    } else {
        problem(node, message);
    }
}

void SpecReading::guard(const YamlNode& node, const std::function<void()>& body) {
    try {
        body();
    } catch (const Error& e) {
        problem(node, e.message());
    }
}

void SpecReading::finish() {
    if (problems_.empty()) return;
    // Checks across keys come last, but a reader goes through the text from top to bottom.
    std::stable_sort(problems_.begin(), problems_.end(), [](const Problem& a, const Problem& b) {
        return std::tie(a.at.line, a.at.column) < std::tie(b.at.line, b.at.column);
    });
    std::string all;
    for (std::size_t i = 0; i < problems_.size() && i < kMaxProblems; ++i) {
        if (i != 0) all += '\n';
        all += problems_[i].at.str() + ": " + problems_[i].message;
    }
    if (problems_.size() > kMaxProblems) {
        all += "\nand " + std::to_string(problems_.size() - kMaxProblems) + " more problems";
    }
    throw Error(ErrorKind::spec, all);
}

bool Field::is_scalar() const {
    if (value.kind == Kind::scalar) return true;
    problem("must be text, not " + std::string(value.kind_name()));
    return false;
}

bool Field::is_map() const {
    if (value.kind == Kind::map) return true;
    problem("must be a map, not " + std::string(value.kind_name()));
    return false;
}

std::string Field::text() const { return is_scalar() ? value.text : std::string(); }

std::string Field::word() const {
    if (is_scalar() && value.text.empty()) problem("is empty");
    return value.text;
}

bool Field::flag() const {
    if (value.kind == Kind::scalar && !value.quoted) {
        if (const Flag* flag = find_flag(kFlags, value.text)) return flag->value;
        if (const Flag* flag = find_flag(kOldFlags, value.text)) {
            if (in.dialect() == Dialect::oracle) return flag->value;
            problem("must be true or false; " + quote(value.text) + " is text in YAML 1.2");
            return false;
        }
    }
    problem("must be true or false");
    return false;
}

bool Field::dnf_flag() const {
    if (value.kind == Kind::scalar && !value.quoted && (value.text == "0" || value.text == "1")) {
        return value.text == "1";
    }
    return flag();
}

int Field::integer(int min, int max) const {
    int out = 0;
    const char* first = value.text.data();
    const char* last = first + value.text.size();
    const auto [end, failed] = std::from_chars(first, last, out);
    // A leading zero is octal in YAML 1.1 and decimal in YAML 1.2.
    const bool has_zero = value.text.size() > 1 && (value.text.front() == '0' || value.text.starts_with("-0"));
    if (value.kind != Kind::scalar || value.quoted || end != last || failed != std::errc() || out < min || out > max ||
        has_zero) {
        problem("must be a number from " + std::to_string(min) + " to " + std::to_string(max));
        return min;
    }
    return out;
}

std::chrono::nanoseconds Field::duration() const {
    std::chrono::nanoseconds out = std::chrono::seconds(1);
    if (is_scalar()) {
        in.guard(value,
                 [&] { out = while_doing([&] { return quote(key); }, [&] { return parse_duration(value.text); }); });
    }
    return out;
}

void Field::each(const std::function<void(const Field&)>& visit) const {
    if (value.kind != Kind::list) {
        const std::string hint = value.kind == Kind::scalar ? "; put it in brackets: [...]" : "";
        problem("must be a list, not " + std::string(value.kind_name()) + hint);
        return;
    }
    for (const YamlNode& item : value.items) visit(Field{key, item, in, true});
}

void Field::each_of_set(const std::function<void(const Field&)>& visit) const {
    if (value.kind != Kind::map) {
        each(visit);
        return;
    }
    for (const YamlMember& member : value.members) {
        const bool says_nothing =
            member.value.kind == Kind::null || (member.value.kind == Kind::map && member.value.members.empty());
        if (!says_nothing) in.problem(member.value, quote(member.key.text) + " must be {}: nothing can be said of it");
        visit(Field{key, member.key, in, true});
    }
}

std::vector<std::string> Field::texts() const {
    std::vector<std::string> out;
    each([&](const Field& item) { out.push_back(item.text()); });
    return out;
}

std::vector<std::string> Field::command() const {
    if (value.kind == Kind::scalar) {
        problem("must be a list of words, such as [/usr/bin/app, -v]: no image has a shell to split a line");
        return {};
    }
    const std::vector<std::string> out = texts();
    if (!out.empty() && out.front().empty()) problem("begins with an empty word, which no program is called");
    return out;
}

LocatedStrings Field::located_words() const {
    LocatedStrings out;
    each([&](const Field& item) { out.push_back(item.located_word()); });
    return out;
}

std::vector<std::string> Field::words() const {
    std::vector<std::string> out;
    if (value.kind != Kind::scalar) {
        for (Located<std::string>& word : located_words()) out.push_back(std::move(word.value));
        return out;
    }
    constexpr std::string_view spaces = " \t\n";
    for (std::size_t at = value.text.find_first_not_of(spaces); at < value.text.size();) {
        const std::size_t end = std::min(value.text.find_first_of(spaces, at), value.text.size());
        out.push_back(value.text.substr(at, end - at));
        at = std::min(value.text.find_first_not_of(spaces, end), value.text.size());
    }
    if (out.empty()) problem("is empty");
    return out;
}

std::optional<ImagePath> Field::path() const {
    std::optional<ImagePath> out;
    const std::string spelled = word();
    if (spelled.empty()) return out;
    if (!spelled.starts_with('/')) {
        problem("must be an absolute path; " + quote(spelled) + " doesn't begin with '/'");
        return out;
    }
    in.guard(value, [&] { out = while_doing([&] { return quote(key); }, [&] { return ImagePath::parse(spelled); }); });
    return out;
}

std::string unknown_key(std::string_view key, std::span<const std::string_view> known) {
    for (const Synonym& synonym : kSynonyms) {
        if (synonym.theirs == key && std::find(known.begin(), known.end(), synonym.ours) != known.end()) {
            return "unknown key " + quote(key) + " (did you mean " + quote(synonym.ours) + "?)";
        }
    }
    return "unknown key " + quote(key) + did_you_mean(key, known);
}

}  // namespace smith::builder
