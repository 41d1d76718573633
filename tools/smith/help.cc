// SPDX-License-Identifier: Apache-2.0
#include "tools/smith/help.h"

#include "tools/smith/raw_options.h"

namespace smith::cli {

namespace {

constexpr std::size_t kWidth = 80;
constexpr std::size_t kTextColumn = 28;

/// A name at column 2 and a text at kTextColumn; on a line of its own where the name is too long.
std::string two_columns(const std::string& name, std::string_view text) {
    std::string out = "  " + name;
    if (out.size() + 2 > kTextColumn) {
        out += '\n';
        out.append(kTextColumn, ' ');
    } else {
        out.resize(kTextColumn, ' ');
    }
    return out + wrap(text, kWidth - kTextColumn, kTextColumn) + "\n";
}

/// "-o, --output DEST"; long names stand below each other whether there is a short one or not.
std::string spelled(const OptionDoc& doc) {
    std::string out;
    for (const std::string_view name : split_names(doc.names)) {
        if (out.empty() && name.starts_with("--")) out = "    ";
        if (!out.empty() && out.back() != ' ') out += ", ";
        out += name;
    }
    if (!doc.value.empty()) out += " " + std::string(doc.value);
    return out;
}

std::string list_options(Commands command) {
    std::string out = "\nOptions:\n";
    for (const OptionDoc& doc : option_docs())
        if ((doc.commands & command) != 0) out += two_columns(spelled(doc), doc.text);
    return out;
}

std::string list_commands() {
    std::string out = "\nCommands:\n";
    for (const CommandInfo& command : command_table())
        if (!command.name.empty()) out += two_columns(std::string(command.name), command.summary);
    return out;
}

std::string list_examples(std::string_view lines) {
    std::string out = "\nExample:\n";
    while (!lines.empty()) {
        const std::size_t end = lines.find('\n');
        out += "  " + std::string(lines.substr(0, end)) + "\n";
        lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + 1);
    }
    return out;
}

std::string overview() {
    return "Usage: smith COMMAND [options]\n\n" +
           wrap(
               "Builds microcontainers: OCI images that hold one program and what it needs, the same bytes every time.",
               kWidth, 0) +
           "\n" + list_commands() + "\n" +
           wrap(
               "'smith COMMAND --help' explains a command. SRC and DEST are oci:DIR[:TAG], oci-archive:FILE[:TAG], "
               "docker-archive:FILE[:REF], a file ending in .tar, .tar.gz or .tgz, or the directory of an OCI layout.",
               kWidth, 0) +
           "\n\nExit status: 0 done, 1 failed, 2 usage or bad spec, 3 unsolvable, 4 download failed,\n"
           "5 integrity (digest or signature), 6 a test of the image failed.\n\n" +
           wrap(command_info(kBare).purpose, kWidth, 0) + "\n";
}

}  // namespace

std::string wrap(std::string_view text, std::size_t width, std::size_t indent) {
    std::string out;
    std::size_t column = 0;
    while (!text.empty()) {
        const std::size_t space = text.find(' ');
        const std::string_view word = text.substr(0, space);
        if (column > 0 && column + 1 + word.size() > width) {
            out += '\n';
            out.append(indent, ' ');
            column = 0;
        }
        if (column > 0) {
            out += ' ';
            ++column;
        }
        out += word;
        column += word.size();
        text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
    }
    return out;
}

std::string help_text(Commands command) {
    const CommandInfo& info = command_info(command);
    if (command == kBare) return overview() + list_options(kBare) + list_examples(info.example);
    return "Usage: smith " + std::string(info.synopsis) + "\n\n" + wrap(info.purpose, kWidth, 0) + "\n" +
           list_options(command) + list_examples(info.example);
}

}  // namespace smith::cli
