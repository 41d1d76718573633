// SPDX-License-Identifier: Apache-2.0
#include "builder/elf/script.h"

#include <algorithm>

#include "builder/elf/ld_so_conf.h"

namespace smith::elf {

namespace {

// BINPRM_BUF_SIZE: what is beyond does not exist for the kernel.
constexpr std::size_t kBufferBytes = 256;

std::string_view trim_blanks(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// The words that `env -S` splits its argument into. Quotes are not looked at: no name of a command has a blank in it.
std::vector<std::string> split_words(std::string_view text) { return split_list(text, " \t\n\v\f\r"); }

/// Options of env that have their value as a word of its own.
bool takes_next_word(std::string_view option) {
    return option == "-u" || option == "--unset" || option == "-C" || option == "--chdir";
}

std::optional<std::string> first_command(const std::vector<std::string>& words) {
    for (std::size_t i = 0; i < words.size(); ++i) {
        const std::string& word = words[i];
        if (word == "--") return i + 1 < words.size() ? std::optional(words[i + 1]) : std::nullopt;
        if (takes_next_word(word)) {
            ++i;
        } else if (!word.starts_with('-') && word.find('=') == std::string::npos) {
            return word;
        }
    }
    return std::nullopt;
}

}  // namespace

std::optional<ScriptHead> read_script_head(std::span<const std::byte> bytes) {
    std::string_view line(reinterpret_cast<const char*>(bytes.data()), std::min(bytes.size(), kBufferBytes));
    if (!line.starts_with("#!")) return std::nullopt;
    line.remove_prefix(2);
    line = trim_blanks(line.substr(0, std::min(line.find('\n'), line.find('\0'))));
    const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
    if (end == 0) return std::nullopt;
    return ScriptHead{std::string(line.substr(0, end)), std::string(trim_blanks(line.substr(end)))};
}

std::optional<std::string> command_of_env(const ScriptHead& head) {
    if (std::string_view(head.interpreter).substr(head.interpreter.rfind('/') + 1) != "env") return std::nullopt;
    std::string_view argument = head.argument;
    for (const std::string_view option : {"-S", "-vS", "-iS", "--split-string=", "--split-string"}) {
        if (!argument.starts_with(option)) continue;
        return first_command(split_words(argument.substr(option.size())));
    }
    // One argument, blanks and all: `#!/usr/bin/env python3 -u` asks for a command named "python3 -u".
    if (argument.empty() || argument.starts_with('-') || argument.find('=') != std::string_view::npos) {
        return std::nullopt;
    }
    return std::string(argument);
}

}  // namespace smith::elf
