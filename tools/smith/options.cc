// SPDX-License-Identifier: Apache-2.0
#include "tools/smith/options.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <span>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/parallel.h"
#include "base/url_text.h"
#include "builder/did_you_mean.h"
#include "tools/smith/help.h"
#include "tools/smith/raw_options.h"

namespace smith::cli {

namespace {

/// In the name of an image; it would be repeated in all that is said of it, and so in the log of whoever runs us.
void refuse_password(const std::string& word) {
    if (!word.starts_with("docker://") && !word.starts_with("https://")) return;
    const std::size_t start = word.find("://") + 3;
    const std::size_t slash = word.find('/', start);
    if (slash == std::string::npos || word.find('@', start) > slash) return;
    throw Error(ErrorKind::usage, "an image's name, " + quote(redact_url(word)) +
                                      ", holds no user and password; 'smith login' and --creds have them");
}

using Words = std::span<const std::string>;

[[noreturn]] void refuse(const std::string& message) { throw Error(ErrorKind::usage, message); }

/// "smith build", for messages.
std::string called(Commands command) {
    const std::string_view name = command_info(command).name;
    return name.empty() ? "smith" : "smith " + std::string(name);
}

[[noreturn]] void refuse_with_synopsis(Commands command, const std::string& message) {
    refuse("'" + called(command) + "' " + message + ": smith " + std::string(command_info(command).synopsis));
}

// ---------------------------------------------------------------------------------------------- which command it is

bool is_spec_name(std::string_view word) { return word.ends_with(".yaml") || word.ends_with(".yml"); }

[[noreturn]] void refuse_command(const std::string& word) {
    const std::string meant =
        is_spec_name(word) ? " (did you mean 'smith build'?)" : builder::did_you_mean(word, command_names());
    refuse("there is no command " + quote(word) + meant + "; 'smith --help' lists them");
}

Commands command_of(const RawOptions& raw) {
    if (raw.words.empty()) return kBare;
    const CommandInfo* command = find_command(raw.words.front());
    if (command == nullptr) refuse_command(raw.words.front());
    return command->bit;
}

// ------------------------------------------------------------------------------------- which options it may be given

/// " (it is for 'smith build' and 'smith lock')"
std::string owners(Commands commands) {
    std::vector<std::string> names;
    for (const CommandInfo& command : command_table())
        if ((command.bit & commands) != 0) names.push_back("'" + called(command.bit) + "'");
    std::string out = " (it is for ";
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (i > 0) out += i + 1 == names.size() ? " and " : ", ";
        out += names[i];
    }
    return out + ")";
}

[[noreturn]] void refuse_unknown_option(Commands command, const std::string& argument) {
    const std::string name = argument.substr(0, argument.find('='));
    std::vector<std::string_view> known;
    const std::vector<OptionDoc> docs = option_docs();
    for (const OptionDoc& doc : docs)
        if ((doc.commands & command) != 0)
            for (const std::string_view spelling : split_names(doc.names))
                if (spelling.starts_with("--")) known.push_back(spelling);
    const std::string meant = name.starts_with("--") ? builder::did_you_mean(name, known) : std::string();
    std::string message = "'" + called(command) + "' has no option " + quote(name) + meant;
    if (command == kRun || command == kBundle) message += "; what is for the program in the image stands behind '--'";
    refuse(message);
}

void check_options(Commands command, const RawOptions& raw) {
    if (!raw.unknown.empty()) refuse_unknown_option(command, raw.unknown.front());
    for (const OptionDoc& doc : raw.given)
        if ((doc.commands & command) == 0)
            refuse("'" + called(command) + "' has no option " + quote(split_names(doc.names).back()) +
                   owners(doc.commands));
}

// --------------------------------------------------------------------------------------------- values of the options

ColorMode parse_color(const std::string& text) {
    if (text.empty() || text == "auto") return ColorMode::automatic;
    if (text == "always") return ColorMode::always;
    if (text == "never") return ColorMode::never;
    refuse("--color is 'auto', 'always' or 'never', not " + quote(text));
}

unsigned parse_jobs(const std::string& text) {
    if (text.empty()) return default_jobs();
    // More threads than this only get in each other's way.
    constexpr unsigned kMostJobs = 1024;
    unsigned jobs = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), jobs);
    if (error != std::errc() || end != text.data() + text.size() || jobs == 0 || jobs > kMostJobs)
        refuse("--jobs is a number from 1 to " + std::to_string(kMostJobs) + ", not " + quote(text));
    return jobs;
}

/// "NAME=VALUE" in two; `option` is for the message.
std::pair<std::string, std::string> split_assignment(const std::string& text, std::string_view option,
                                                     std::string_view form) {
    const std::size_t equals = text.find('=');
    if (equals == 0 || equals == std::string::npos)
        refuse(std::string(option) + " is " + std::string(form) + ", not " + quote(text));
    return {text.substr(0, equals), text.substr(equals + 1)};
}

ocilayout::TransportOptions transport_options(const RawOptions& raw) {
    ocilayout::TransportOptions out;
    out.registry.insecure = raw.insecure;
    out.registry.auth_file = raw.authfile;
    out.registry.cert_dir = raw.cert_dir;
    out.registry.trusted_realms = raw.trust_realm;
    if (!raw.creds.empty()) {
        const std::size_t colon = raw.creds.find(':');
        const bool has_password = colon != std::string::npos;
        out.registry.login = ocilayout::RegistryLogin{
            Secret(raw.creds.substr(0, colon)), Secret(has_password ? raw.creds.substr(colon + 1) : std::string())};
    }
    return out;
}

CommonOptions common_options(const RawOptions& raw) {
    return {.json = raw.json,
            .quiet = raw.quiet,
            .verbose = raw.verbose,
            .color = parse_color(raw.color),
            .cache_dir = raw.cache_dir,
            .platform = raw.platform.empty() ? ocilayout::host_platform() : ocilayout::parse_platform(raw.platform),
            .transport = transport_options(raw)};
}

builder::Environment environment(const RawOptions& raw) {
    if (!raw.fetch.empty() && raw.fetch != "needed" && raw.fetch != "all") {
        refuse("--fetch is 'needed' or 'all', not " + quote(raw.fetch));
    }
    return {.cache_dir = {},
            .jobs = parse_jobs(raw.jobs),
            .offline = raw.offline,
            .whole_packages = raw.fetch == "all",
            .refresh = raw.refresh,
            .registry = transport_options(raw).registry,
            .allow_old_metadata = raw.allow_old_metadata};
}

builder::ProjectOptions project_options(const RawOptions& raw, std::filesystem::path spec) {
    builder::ProjectOptions project;
    project.spec = std::move(spec);
    project.lock = raw.lock;
    for (const std::string& repo : raw.repo) project.repos.push_back(split_assignment(repo, "--repo", "ID=URL"));
    project.repo_files.assign(raw.repo_file.begin(), raw.repo_file.end());
    project.vendor = raw.vendor;
    project.arch = raw.arch;
    project.releasever = raw.releasever;
    if (const char* root = std::getenv("SMITH_HOST_ROOT"); root != nullptr && *root != '\0') project.host_root = root;
    return project;
}

// ------------------------------------------------------------------------------------------ from words to commands

/// The spec of a command that takes one, or smith.yaml.
std::filesystem::path spec_word(Words words) { return words.empty() ? "smith.yaml" : words.front(); }

void at_most(std::size_t count, Commands command, Words words) {
    if (words.size() > count) refuse_with_synopsis(command, "can't use " + quote(words[count]));
}

std::string source_word(Commands command, Words words) {
    if (words.empty()) refuse_with_synopsis(command, "wants an image");
    return words.front();
}

BuildCommand build_command(const RawOptions& raw, Words words) {
    at_most(1, kBuild, words);
    BuildCommand command;
    command.options.project = project_options(raw, spec_word(words));
    command.options.environment = environment(raw);
    command.options.output = raw.output;
    command.options.also_tags = raw.also_tag;
    command.options.docker_types = raw.docker;
    command.options.locked = raw.locked;
    command.options.test = !raw.no_test;
    return command;
}

/// Oracle's Smith changed into DIR before it read the spec, but not before it made FILE absolute: rootfs/, and what the
/// spec names, are in DIR, wherever the spec is.
BuildCommand bare_command(const RawOptions& raw, std::vector<std::string>& warnings) {
    BuildCommand command = build_command(raw, {});
    const std::filesystem::path dir = raw.dir;
    command.options.project.directory = dir.empty() ? "." : dir;
    command.options.project.spec = dir / (raw.conf.empty() ? "smith.yaml" : raw.conf);
    command.options.output = raw.image.empty() ? "image.tar.gz" : raw.image;
    command.bare = true;
    if (!raw.buildnumber.empty()) warnings.emplace_back("--buildnumber is not part of an image any more, ignoring");
    return command;
}

UpdateCommand update_command(const RawOptions& raw, Words words) {
    UpdateCommand command{project_options(raw, spec_word(words)), environment(raw), {}};
    if (!words.empty()) command.packages.assign(words.begin() + 1, words.end());
    return command;
}

builder::RunSettings run_settings(const RawOptions& raw) {
    builder::RunSettings settings;
    settings.args = raw.program_args;
    if (!raw.entrypoint.empty()) settings.entrypoint = {raw.entrypoint.back()};
    for (const std::string& variable : raw.env) split_assignment(variable, "--env", "NAME=VALUE");
    settings.env = raw.env;
    if (!raw.write.empty()) settings.write = raw.write;
    if (!raw.read.empty()) settings.read = raw.read;
    if (!raw.network.empty() && raw.network != "none" && raw.network != "host")
        refuse("--network is 'none' or 'host', not " + quote(raw.network));
    settings.host_network = raw.network == "host";
    return settings;
}

builder::RuntimeChoice runtime_choice(const RawOptions& raw) {
    builder::RuntimeChoice runtime{raw.runtime, {}};
    if (raw.runtime.empty() && !raw.runtime_flag.empty()) refuse("--runtime-flag is for a --runtime");
    // As podman has it, and with dashes all the same.
    for (const std::string& flag : raw.runtime_flag)
        runtime.flags.push_back(flag.starts_with('-') ? flag : "--" + flag);
    return runtime;
}

RunCommand run_command(const RawOptions& raw, Words words) {
    if (words.size() > 1) refuse_with_synopsis(kRun, "takes one image; arguments for the program stand behind '--'");
    return {source_word(kRun, words), run_settings(raw), runtime_choice(raw)};
}

BundleCommand bundle_command(const RawOptions& raw, Words words) {
    at_most(2, kBundle, words);
    if (words.size() < 2) refuse_with_synopsis(kBundle, "wants an image and a directory");
    return {words[0], words[1], run_settings(raw)};
}

ConvertCommand convert_command(const RawOptions& raw, Words words) {
    at_most(2, kConvert, words);
    if (words.size() < 2) refuse_with_synopsis(kConvert, "wants an image, and where the new one goes");
    ConvertCommand command;
    command.options = {.source = words[0],
                       .destination = words[1],
                       .paths = raw.path,
                       .excludes = raw.exclude,
                       .entrypoint = raw.entrypoint,
                       .user = raw.user,
                       .parent = raw.parent,
                       .arch = raw.arch,
                       .nss = raw.nss,
                       .docker_types = raw.docker,
                       .environment = environment(raw),
                       .created = {}};
    return command;
}

InitCommand init_command(const RawOptions& raw, Words words) {
    at_most(1, kInit, words);
    if (words.empty()) refuse_with_synopsis(kInit, "wants a package or an image");
    return {words[0], project_options(raw, "smith.yaml"), environment(raw)};
}

LsCommand ls_command(const RawOptions& raw, Words words) {
    at_most(2, kLs, words);
    return {source_word(kLs, words), words.size() > 1 ? words[1] : "/", raw.long_format};
}

bool names_transport(std::string_view word) {
    for (const std::string_view transport : {"oci:", "oci-archive:", "docker-archive:", "dir:", "docker:"})
        if (word.starts_with(transport)) return true;
    return false;
}

/// True for what names a file or a directory, going by its spelling.
bool names_file(std::string_view word) {
    return names_transport(word) || word.starts_with('/') || word.starts_with('.') || word.ends_with(".tar") ||
           word.ends_with(".tar.gz") || word.ends_with(".tgz");
}

CopyFlags copy_flags(const RawOptions& raw) { return {raw.all, raw.referrers, raw.docker, raw.also_tag}; }

/// A name without a transport that can't be a path is a registry's, where nothing else makes sense.
std::string registry_word(const std::string& word) {
    if (word.find("://") != std::string::npos || names_file(word)) return word;
    const std::string name = "docker://" + word;
    refuse_password(name);
    return name;
}

CopyCommand copy_command(Commands which, const RawOptions& raw, Words words) {
    at_most(2, which, words);
    if (words.size() < 2) refuse_with_synopsis(which, "wants an image and where to copy it");
    return {which == kPull ? registry_word(words[0]) : words[0], which == kPush ? registry_word(words[1]) : words[1],
            copy_flags(raw)};
}

/// `smith upload -r URL -i FILE`, and the way back.
CopyCommand oracle_copy_command(Commands which, const RawOptions& raw, Words words) {
    at_most(0, which, words);
    if (raw.remote.empty()) refuse_with_synopsis(which, "wants -r URL");
    const std::string image = raw.image.empty() ? "image.tar.gz" : raw.image;
    refuse_password(raw.remote);
    const std::string remote = registry_word(raw.remote);
    CopyFlags flags = copy_flags(raw);
    if (which == kUpload) return {image, remote, std::move(flags)};
    return {remote, image, std::move(flags)};
}

IndexCommand index_command(const RawOptions& raw, Words words) {
    if (words.empty() || words[0] != "create") refuse_with_synopsis(kIndex, "knows 'create' only");
    if (words.size() < 3) refuse_with_synopsis(kIndex, "wants a destination and images");
    return {words[1], {words.begin() + 2, words.end()}, copy_flags(raw)};
}

SignCommand sign_command(const RawOptions& raw, Words words) {
    at_most(1, kSign, words);
    SignCommand out{source_word(kSign, words), raw.key, {}};
    if (raw.key.empty()) refuse_with_synopsis(kSign, "wants --key");
    for (const std::string& text : raw.annotate) {
        auto [name, value] = split_assignment(text, "--annotate", "NAME=VALUE");
        out.annotations[name] = value;
    }
    return out;
}

VerifyCommand verify_command(const RawOptions& raw, Words words) {
    at_most(1, kVerify, words);
    VerifyCommand out;
    out.image = source_word(kVerify, words);
    out.key = raw.key;
    out.wants_rebuild = !raw.rebuild.empty();
    out.rebuild.project = project_options(raw, raw.rebuild);
    out.rebuild.environment = environment(raw);
    return out;
}

CatCommand cat_command(Words words) {
    if (words.size() < 2) refuse_with_synopsis(kCat, "wants an image and a path");
    return {words[0], {words.begin() + 1, words.end()}};
}

DiffCommand diff_command(Words words) {
    at_most(2, kDiff, words);
    if (words.size() < 2) refuse_with_synopsis(kDiff, "wants two images");
    return {words[0], words[1]};
}

/// True for what can't be a path of an image, going by its spelling.
bool names_image(std::string_view word) {
    if (names_transport(word)) return true;
    const std::size_t slash = word.rfind('/');
    const std::string_view file = word.substr(0, word.find(':', slash == std::string_view::npos ? 0 : slash));
    return file.ends_with(".tar") || file.ends_with(".tar.gz") || file.ends_with(".tgz") || !word.starts_with('/');
}

/// `smith why PATH SRC`; the other order, which `ls` has, is understood too.
WhyCommand why_command(Words words) {
    at_most(2, kWhy, words);
    if (words.size() < 2) refuse_with_synopsis(kWhy, "wants a path and an image");
    const bool swapped = names_image(words[0]) && !names_image(words[1]);
    return swapped ? WhyCommand{words[1], words[0]} : WhyCommand{words[0], words[1]};
}

/// `smith why-package PKG [SPEC]`; the order of `update` is understood too.
WhyPackageCommand why_package_command(const RawOptions& raw, Words words) {
    at_most(2, kWhyPackage, words);
    if (words.empty()) refuse_with_synopsis(kWhyPackage, "wants a package");
    if (words.size() == 1) return {words[0], project_options(raw, spec_word({}))};
    const bool swapped = is_spec_name(words[0]) && !is_spec_name(words[1]);
    return {words[swapped ? 1 : 0], project_options(raw, words[swapped ? 0 : 1])};
}

/// `smith repo QUESTION [WORD...] [SPEC]`.
RepoCommand repo_command(const RawOptions& raw, Words words) {
    constexpr std::array<std::pair<std::string_view, RepoQuestion>, 4> kQuestions{
        {{"list", RepoQuestion::list},
         {"search", RepoQuestion::search},
         {"info", RepoQuestion::info},
         {"whatprovides", RepoQuestion::whatprovides}}};
    if (words.empty()) refuse_with_synopsis(kRepo, "wants a question");
    const auto asked = std::find_if(kQuestions.begin(), kQuestions.end(),
                                    [&](const auto& question) { return question.first == words.front(); });
    if (asked == kQuestions.end()) {
        std::vector<std::string_view> known;
        for (const auto& [name, question] : kQuestions) known.push_back(name);
        refuse_with_synopsis(kRepo,
                             "has no question " + quote(words.front()) + builder::did_you_mean(words.front(), known));
    }
    words = words.subspan(1);
    const bool has_spec = !words.empty() && is_spec_name(words.back());
    RepoCommand command{asked->second, {}, project_options(raw, has_spec ? words.back() : ""), environment(raw)};
    if (has_spec) words = words.first(words.size() - 1);
    command.words.assign(words.begin(), words.end());
    const bool wants_words = command.question != RepoQuestion::list;
    if (wants_words && words.empty()) refuse_with_synopsis(kRepo, "wants something to look for");
    if (!wants_words) at_most(0, kRepo, words);
    return command;
}

Command registry_command(Commands which, const RawOptions& raw, Words words) {
    at_most(1, which, words);
    if (words.empty()) refuse_with_synopsis(which, "wants a registry");
    if (which == kLogout) return LogoutCommand{words[0]};
    return LoginCommand{words[0], raw.username, raw.password_stdin};
}

Command make_command(Commands command, const RawOptions& raw, Words words, std::vector<std::string>& warnings) {
    switch (command) {
        case kBare: return bare_command(raw, warnings);
        case kBuild: return build_command(raw, words);
        case kLock:
            at_most(1, kLock, words);
            if (raw.locked && !raw.from.empty()) refuse("--from writes the lock, and --locked forbids to");
            return LockCommand{project_options(raw, spec_word(words)), environment(raw), raw.locked, raw.from};
        case kUpdate: return update_command(raw, words);
        case kOutdated:
            at_most(1, kOutdated, words);
            return OutdatedCommand{project_options(raw, spec_word(words)), environment(raw)};
        case kFetch:
            at_most(1, kFetch, words);
            return FetchCommand{project_options(raw, spec_word(words)), environment(raw), raw.locked, raw.to};
        case kRun: return run_command(raw, words);
        case kBundle: return bundle_command(raw, words);
        case kTest:
            at_most(1, kTest, words);
            return TestCommand{source_word(kTest, words), runtime_choice(raw), raw.spec};
        case kInspect: at_most(1, kInspect, words); return InspectCommand{source_word(kInspect, words), raw.raw};
        case kCopy:
        case kPush:
        case kPull: return copy_command(command, raw, words);
        case kUpload:
        case kDownload: return oracle_copy_command(command, raw, words);
        case kIndex: return index_command(raw, words);
        case kTags: at_most(1, kTags, words); return TagsCommand{source_word(kTags, words)};
        case kDelete: at_most(1, kDelete, words); return DeleteCommand{registry_word(source_word(kDelete, words))};
        case kCat: return cat_command(words);
        case kSign: return sign_command(raw, words);
        case kVerify: return verify_command(raw, words);
        case kDiff: return diff_command(words);
        case kWhyPackage: return why_package_command(raw, words);
        case kRepo: return repo_command(raw, words);
        case kLs: return ls_command(raw, words);
        case kLogin:
        case kLogout: return registry_command(command, raw, words);
        case kConvert: return convert_command(raw, words);
        case kInit: return init_command(raw, words);
        case kImport:
            at_most(1, kImport, words);
            if (words.empty()) refuse_with_synopsis(kImport, "wants a file");
            return ImportCommand{words[0]};
        default: return why_command(words);
    }
}

/// `smith help build` is `smith build --help`.
Commands command_to_explain(Commands command, Words words) {
    if (command != kHelp || words.empty()) return command == kHelp ? kBare : command;
    at_most(1, kHelp, words);
    const CommandInfo* explained = find_command(words.front());
    if (explained == nullptr) refuse_command(words.front());
    return explained->bit;
}

}  // namespace

Invocation parse_command_line(const std::vector<std::string>& args) {
    RawOptions raw = parse_raw_options(args);
    const Commands command = command_of(raw);
    // `run` and `bundle` have a program behind "--"; elsewhere it says that a word which looks like an option is one.
    if (command != kRun && command != kBundle)
        raw.words.insert(raw.words.end(), raw.program_args.begin(), raw.program_args.end());
    const Words words = Words(raw.words).subspan(command == kBare ? 0 : 1);
    for (const std::string& word : words) refuse_password(word);
    for (const std::string* name : {&raw.output, &raw.parent}) refuse_password(*name);
    if (raw.help || command == kHelp) {
        const std::string text = help_text(command_to_explain(command, words));
        return {.common = {}, .command = HelpCommand{text}, .warnings = {}};
    }
    if (raw.version) return {.common = {}, .command = VersionCommand{}, .warnings = {}};
    check_options(command, raw);
    at_most(0, kBare, command == kBare ? words : Words());
    Invocation invocation{common_options(raw), {}, {}};
    invocation.command = make_command(command, raw, words, invocation.warnings);
    return invocation;
}

}  // namespace smith::cli
