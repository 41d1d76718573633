// SPDX-License-Identifier: Apache-2.0
//
// A command line as a value: what is to be done, with everything that was said about it. Reading it looks at nothing
// but its words; files and environment variables come later (context.h).
#pragma once

#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include "builder/build.h"
#include "builder/bundle_config.h"
#include "builder/convert.h"
#include "builder/project.h"
#include "builder/running.h"
#include "ocilayout/descriptor.h"
#include "ocilayout/transport_options.h"
#include "tools/smith/color.h"

namespace smith::cli {

struct CommonOptions {
    bool json = false;
    bool quiet = false;
    bool verbose = false;
    ColorMode color = ColorMode::automatic;
    std::filesystem::path cache_dir;  ///< empty: default_cache_directory()
    /// Of images for several, the one that is meant.
    ocilayout::Platform platform = ocilayout::host_platform();
    ocilayout::TransportOptions transport;
};

// In all commands, Environment::cache_dir is left empty: see CommonOptions.

struct BuildCommand {
    builder::BuildOptions options;
    /// It was asked for without a command, so the person may not have meant a build at all.
    bool bare = false;
};

struct LockCommand {
    builder::ProjectOptions project;
    builder::Environment environment;
    bool locked = false;
    std::filesystem::path from;  ///< another tool's lock; empty: none
};

struct UpdateCommand {
    builder::ProjectOptions project;
    builder::Environment environment;
    std::vector<std::string> packages;  ///< empty: all may change
};

struct OutdatedCommand {
    builder::ProjectOptions project;
    builder::Environment environment;
};

struct WhyPackageCommand {
    std::string package;
    builder::ProjectOptions project;  ///< of which the lock's place is used
};

struct FetchCommand {
    builder::ProjectOptions project;
    builder::Environment environment;
    bool locked = false;
    std::filesystem::path to;  ///< empty: only into the cache
};

struct RunCommand {
    std::string source;
    builder::RunSettings settings;
    builder::RuntimeChoice runtime;
};

struct BundleCommand {
    std::string source;
    std::filesystem::path directory;
    builder::RunSettings settings;
};

struct TestCommand {
    std::string source;
    builder::RuntimeChoice runtime;
    std::filesystem::path spec;  ///< empty: the one attached to the image
};

struct InspectCommand {
    std::string source;
    bool raw = false;
};

struct LsCommand {
    std::string source;
    std::string path = "/";
    bool long_format = false;
};

struct WhyCommand {
    std::string path;
    std::string source;
};

/// What is asked of repositories.
enum class RepoQuestion { list, search, info, whatprovides };

struct RepoCommand {
    RepoQuestion question = RepoQuestion::list;
    std::vector<std::string> words;   ///< what it is about; empty for list
    builder::ProjectOptions project;  ///< `spec` empty: not said
    builder::Environment environment;
};

struct CatCommand {
    std::string source;
    std::vector<std::string> paths;
};

struct DiffCommand {
    std::string before;
    std::string after;
};

/// What copy and its other names have in common.
struct CopyFlags {
    bool all = false;
    bool referrers = false;
    bool docker_types = false;
    std::vector<std::string> also_tags;
};

struct CopyCommand {
    std::string source;
    std::string destination;
    CopyFlags options;
};

struct IndexCommand {
    std::string destination;
    std::vector<std::string> sources;
    CopyFlags options;
};

/// `smith tags`
struct TagsCommand {
    std::string place;
};

/// `smith delete`
struct DeleteCommand {
    std::string image;
};

struct SignCommand {
    std::string image;
    std::string key;
    ocilayout::Annotations annotations;
};

struct VerifyCommand {
    std::string image;
    std::string key;             ///< empty: signatures are not looked at
    bool wants_rebuild = false;  ///< whether `rebuild` is meant
    builder::BuildOptions rebuild;
};

struct ConvertCommand {
    builder::ConvertOptions options;
};

struct InitCommand {
    std::string source;  ///< an image, or a package
    builder::ProjectOptions project;
    builder::Environment environment;
};

struct ImportCommand {
    std::filesystem::path file;
};

struct LoginCommand {
    std::string registry;
    std::string username;
    bool password_stdin = false;
};

struct LogoutCommand {
    std::string registry;
};

struct HelpCommand {
    std::string text;
};

struct VersionCommand {};

using Command =
    std::variant<BuildCommand, LockCommand, UpdateCommand, OutdatedCommand, FetchCommand, RunCommand, BundleCommand,
                 TestCommand, InspectCommand, LsCommand, CatCommand, DiffCommand, CopyCommand, IndexCommand,
                 TagsCommand, DeleteCommand, SignCommand, VerifyCommand, WhyCommand, WhyPackageCommand, RepoCommand,
                 ConvertCommand, InitCommand, ImportCommand, LoginCommand, LogoutCommand, HelpCommand, VersionCommand>;

struct Invocation {
    CommonOptions common;
    Command command;
    std::vector<std::string> warnings;  ///< about options that were accepted and have no effect
};

/// `args` without the program's name. Throws Error (usage).
[[nodiscard]] Invocation parse_command_line(const std::vector<std::string>& args);

}  // namespace smith::cli
