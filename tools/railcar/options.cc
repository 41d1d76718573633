// SPDX-License-Identifier: Apache-2.0
#include "tools/railcar/options.h"

#include <charconv>

#include "base/error.h"

namespace smith::railcar {

namespace {

const Option* find(const std::vector<Option>& options, std::string_view name) {
    for (const Option& option : options) {
        if (name == option.name || (name.size() == 1 && name[0] == option.letter)) return &option;
    }
    return nullptr;
}

bool truth(const std::string& word, const std::optional<std::string>& value) {
    if (!value || *value == "true" || *value == "1") return true;
    if (*value == "false" || *value == "0") return false;
    usage(quote(word) + " takes 'true' or 'false'");
}

bool is_option(const std::string& word) { return word.size() > 1 && word[0] == '-'; }

}  // namespace

void usage(const std::string& problem) { throw Error(ErrorKind::usage, problem + " (railcar --help shows how)"); }

std::uint64_t parse_number(std::string_view text, std::string_view what, std::uint64_t most) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc() || end != text.data() + text.size() || value > most) {
        usage(std::string(what) + " is " + quote(text) + ", not a number up to " + std::to_string(most));
    }
    return value;
}

Option option(const char* name, char letter, std::string& target) {
    return {name, letter, [&target](const std::string& value) { target = value; }, {}};
}

Option option(const char* name, char letter, Words& target) {
    return {name, letter, [&target](const std::string& value) { target.push_back(value); }, {}};
}

Option option(const char* name, char letter, std::filesystem::path& target) {
    return {name, letter, [&target](const std::string& value) { target = value; }, {}};
}

Option option(const char* name, char letter, unsigned& target) {
    return {name,
            letter,
            [&target, name](const std::string& value) {
                // More descriptors than that no process has (fs.nr_open); nor gids, nor milliseconds worth waiting.
                constexpr std::uint64_t most = 1 << 20;
                target = static_cast<unsigned>(parse_number(value, "--" + std::string(name), most));
            },
            {}};
}

Option flag(const char* name, char letter, bool& target) {
    return {name, letter, {}, [&target](bool on) { target = on; }};
}

Words parse_options(const Words& words, const std::vector<Option>& options, bool stop_at_operand) {
    Words rest;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const std::string& word = words[i];
        if (word == "--" || (stop_at_operand && !is_option(word))) {
            const std::size_t from = word == "--" ? i + 1 : i;
            rest.insert(rest.end(), words.begin() + static_cast<std::ptrdiff_t>(from), words.end());
            break;
        }
        if (!is_option(word)) {
            rest.push_back(word);
            continue;
        }
        const std::size_t equals = word.find('=');
        const std::size_t dashes = word.starts_with("--") ? 2 : 1;
        const Option* found = find(options, std::string_view(word).substr(dashes, equals - dashes));
        if (found == nullptr) usage("unknown option " + quote(word));
        std::optional<std::string> value;
        if (equals != std::string::npos) value = word.substr(equals + 1);
        if (found->flag) {
            found->flag(truth(word, value));
            continue;
        }
        if (!value && ++i == words.size()) usage(quote(word) + " needs a value");
        found->value(value ? *value : words[i]);
    }
    return rest;
}

}  // namespace smith::railcar
