// SPDX-License-Identifier: Apache-2.0
//
// The first half of reading a command line: which options there are, and what was given, word for word. It is the one
// place that knows CLI11, and each option stands there once: for the parser, for --help and for the tests that hold the
// manual to it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/smith/command_table.h"

namespace smith::cli {

struct OptionDoc {
    Commands commands;       ///< that have it
    std::string_view names;  ///< "-o,--output"
    std::string_view value;  ///< "DEST"; "" for one that takes none
    std::string_view text;   ///< for --help, with the default
};

/// What was given, as it was given. Empty: not given.
struct RawOptions {
    std::string arch, cache_dir, color, fetch, from, jobs, lock, network, output, parent, read, releasever, runtime,
        spec, to, user, vendor, write;
    std::vector<std::string> entrypoint, env, exclude, path, repo, repo_file, runtime_flag;
    std::string platform, remote, creds, authfile, cert_dir, key, rebuild;
    std::vector<std::string> also_tag, annotate;
    bool all = false, referrers = false, docker = false, raw = false;
    bool nss = false, help = false, json = false, locked = false, long_format = false, no_test = false, offline = false,
         quiet = false, refresh = false, allow_old_metadata = false, verbose = false, version = false;
    // Of registries.
    std::string username;
    std::vector<std::string> trust_realm;
    bool password_stdin = false;
    // Oracle's Smith.
    std::string buildnumber, conf, dir, image;
    bool fast = false, insecure = false;

    std::vector<std::string> words;         ///< the command and what follows, without the options
    std::vector<std::string> program_args;  ///< all behind the first "--"
    std::vector<std::string> unknown;       ///< what looks like an option and is none
    std::vector<OptionDoc> given;           ///< the options that were given, each once
};

/// `args` without the program's name. Options may stand anywhere before "--". Throws Error (usage), when an option
/// lacks its value.
[[nodiscard]] RawOptions parse_raw_options(const std::vector<std::string>& args);

/// All options, in the order of --help.
[[nodiscard]] std::vector<OptionDoc> option_docs();

/// "-o,--output" as {"-o", "--output"}.
[[nodiscard]] std::vector<std::string_view> split_names(std::string_view names);

}  // namespace smith::cli
