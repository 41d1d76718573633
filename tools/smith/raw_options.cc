// SPDX-License-Identifier: Apache-2.0
#include "tools/smith/raw_options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iterator>
#include <utility>

#include "base/error.h"

namespace smith::cli {

namespace {

/// Tells CLI11 about an option, and remembers what to tell people.
class OptionSet {
public:
    OptionSet() {
        app_.set_help_flag();
        // What CLI11 does not know it hands back: words, and options that there are not.
        app_.allow_extras();
    }

    void flag(Commands commands, std::string_view names, bool& to, std::string_view text) {
        options_.push_back({app_.add_flag(std::string(names), to), {commands, names, "", text}, nullptr});
    }
    /// Given twice, the last one counts: so a script's user can override what the script says.
    void value(Commands commands, std::string_view names, std::string_view value, std::string& to,
               std::string_view text) {
        options_.push_back({app_.add_option(std::string(names), to)->take_last(), {commands, names, value, text}, &to});
    }
    void values(Commands commands, std::string_view names, std::string_view value, std::vector<std::string>& to,
                std::string_view text) {
        // Else an option with many values would take all words that follow it.
        options_.push_back({app_.add_option(std::string(names), to)->allow_extra_args(false),
                            {commands, names, value, text},
                            nullptr});
    }

    /// Returns what is not an option with its value.
    std::vector<std::string> parse(std::vector<std::string> args) {
        std::reverse(args.begin(), args.end());
        try {
            app_.parse(std::move(args));
        } catch (const CLI::ArgumentMismatch& e) {
            throw Error(ErrorKind::usage, lacks_value(e.what()));
        } catch (const CLI::ParseError& e) {
            throw Error(ErrorKind::usage, e.what());
        }
        refuse_empty_values();
        return app_.remaining();
    }

    [[nodiscard]] std::vector<OptionDoc> given() const {
        std::vector<OptionDoc> found;
        for (const Known& known : options_)
            if (known.option->count() > 0) found.push_back(known.doc);
        return found;
    }

    [[nodiscard]] std::vector<OptionDoc> docs() const {
        std::vector<OptionDoc> all;
        for (const Known& known : options_) all.push_back(known.doc);
        return all;
    }

private:
    struct Known {
        const CLI::Option* option;
        OptionDoc doc;
        const std::string* value;  ///< of an option that takes one; null for all others
    };

    /// Given and empty is never what somebody meant; mostly it is a variable of a shell that was not set.
    void refuse_empty_values() const {
        for (const Known& known : options_)
            if (known.value != nullptr && known.value->empty() && known.option->count() > 0)
                throw Error(ErrorKind::usage, "option " + quote(known.option->get_name()) + " was given nothing");
    }

    /// From CLI11's "--output: 1 required TEXT missing".
    [[nodiscard]] std::string lacks_value(const std::string& said) const {
        const std::string name = said.substr(0, said.find(':'));
        for (const Known& known : options_)
            if (known.option->get_name() == name)
                return "option " + quote(name) + " wants " + std::string(known.doc.value);
        return said;
    }

    CLI::App app_;
    std::vector<Known> options_;
};

constexpr Commands kBuilds = kBare | kBuild;
// Those whose packages may be images.
constexpr Commands kTaking = kResolving | kConvert | kInit;

void define_oracle_options(OptionSet& set, RawOptions& raw) {
    set.value(kBare, "-c,--conf", "FILE", raw.conf, "the spec; default: smith.yaml");
    set.value(kBare, "-d,--dir", "DIR", raw.dir, "where the spec and its rootfs directory are; default: here");
    set.value(kBare | kUpload | kDownload, "-i,--image", "FILE[:TAG]", raw.image, "the archive; default: image.tar.gz");
    set.value(kUpload | kDownload, "-r,--remote", "URL", raw.remote, "where in a registry, https://HOST/NAME[:TAG]");
    set.value(kBare, "-b,--buildnumber", "TEXT", raw.buildnumber,
              "accepted and left out: an image holds nothing that changes from build to build");
    set.flag(kBare, "-f,--fast", raw.fast, "accepted: a build always uses again what it has");
}

void define_result_options(OptionSet& set, RawOptions& raw) {
    set.value(kBuild, "-o,--output", "DEST", raw.output,
              "where the image goes: oci:DIR[:TAG], oci-archive:FILE[:TAG], a directory, or a file ending in .tar, "
              ".tar.gz or .tgz; default: oci:NAME, NAME being the spec's file name without .yaml");
    set.value(kFetch, "--to", "DIR", raw.to, "copy packages and keys to DIR, too, for --vendor");
    set.flag(kBuilds, "--no-test", raw.no_test, "leave out the tests that the spec asks for");
    set.value(kTest, "--spec", "FILE", raw.spec, "the spec whose tests are run; default: the one attached to SRC");
    set.flag(kLs, "-l,--long", raw.long_format, "mode, owner, size and the target of links, too");
}

void define_image_options(OptionSet& set, RawOptions& raw) {
    set.value(kReading | (kCopying & ~kIndex), "--platform", "OS/ARCH", raw.platform,
              "of an image for several platforms, which one, such as linux/arm64; default: this machine's");
    set.flag(kCopying & ~kIndex, "--all", raw.all, "an image index with all its images, as it is");
    set.flag(kCopying, "--referrers", raw.referrers,
             "what hangs on the image too: why its files are there, its package list, signatures");
    set.flag(kBuild | kConvert | kCopying, "--docker", raw.docker,
             "with docker's media types, schema 2, for registries that know no others; the digest is another one then");
    set.values(kBuild | kCopying, "--also-tag", "TAG", raw.also_tag,
               "write it under this tag as well; may be given many times");
    set.value(kSign | kVerify, "--key", "KEY", raw.key,
              "the key: a PEM file, env://VARIABLE or pkcs11:URI; private to sign, public to verify");
    set.values(kSign, "--annotate", "NAME=VALUE", raw.annotate, "to be signed too; may be given many times");
    set.value(kVerify, "--rebuild", "SPEC", raw.rebuild, "build SPEC again by its lock, and compare to the byte");
    set.flag(kInspect, "--raw", raw.raw, "print the manifest, or the image index, to the byte");
}

void define_project_options(OptionSet& set, RawOptions& raw) {
    set.value(kResolving | kWhyPackage | kVerify, "--lock", "FILE", raw.lock,
              "the lock; default: SPEC with .lock for .yaml");
    set.flag(kResolving & ~(kUpdate | kOutdated), "--locked", raw.locked,
             "fail when the lock is missing or stale, or when the image comes out other than the lock says");
    set.values(kAsking | kInit | kVerify, "--repo", "ID=URL", raw.repo,
               "add a repository, or replace the spec's one of that id; may be given many times");
    set.values(kAsking | kInit | kVerify, "--repo-file", "FILE", raw.repo_file,
               "add the repositories of a .repo file; likewise");
    set.value(kBuilds | kVerify, "--vendor", "DIR", raw.vendor,
              "take packages and keys from a folder that 'smith fetch --to' made, instead of the repositories");
    set.value(kLock, "--from", "FILE", raw.from,
              "choose the very packages that another tool's lock names: rpmoci.lock, or dnf's rpm-package-manifest");
    set.value(kAsking | kConvert | kInit | kVerify, "--arch", "ARCH", raw.arch,
              "architecture of the image, such as x86_64 or aarch64; default: the spec's, else this machine's");
    set.value(kAsking | kInit, "--releasever", "VERSION", raw.releasever,
              "what $releasever means; default: the spec's");
    set.value(kBuilds, "--fetch", "needed|all", raw.fetch,
              "fetch only the headers of packages whose files do not ship, or everything; default: needed");
    set.flag(kAsking | kConvert | kInit | kVerify, "--offline", raw.offline,
             "download nothing: what is not in the cache is an error");
    set.flag(kAsking, "--refresh", raw.refresh, "ask for the repositories' metadata anew, however young");
    set.flag(kAsking, "--allow-old-metadata", raw.allow_old_metadata, "take metadata that is older than it was before");
}

constexpr Commands kContaining = kRun | kBundle;

void define_run_options(OptionSet& set, RawOptions& raw) {
    set.value(kRun | kTest, "--runtime", "PROGRAM", raw.runtime,
              "run it by another OCI runtime: runc, crun, runsc, or a path; default: the bundled one");
    set.values(kRun | kTest, "--runtime-flag", "FLAG", raw.runtime_flag,
               "a global option of that runtime, without its dashes; may be given many times");
    set.value(kContaining, "--write", "DIR", raw.write,
              "what the image keeps in /write; default: forgotten afterwards");
    set.value(kContaining, "--read", "DIR", raw.read, "what the image reads in /read; default: its own");
    set.value(kContaining, "--network", "none|host", raw.network,
              "its network: only a loopback, or this machine's; default: none");
    set.values(kContaining, "--env", "NAME=VALUE", raw.env,
               "a variable over those of the image; may be given many times");
    set.values(
        kContaining | kConvert, "--entrypoint", "PROGRAM", raw.entrypoint,
        "execute PROGRAM instead of the image's entry point; for a converted image also its arguments, each by an "
        "option of its own");
}

void define_convert_options(OptionSet& set, RawOptions& raw) {
    set.values(kConvert, "--path", "GLOB", raw.path,
               "keep these files; may be given many times; default: what the image's command names");
    set.values(kConvert, "--exclude", "GLOB", raw.exclude, "leave these files out; may be given many times");
    set.flag(kConvert, "--nss", raw.nss, "write account files, and bring the libraries that look names up");
    set.value(kConvert, "--user", "USER[:GROUP]", raw.user,
              "who owns the files and runs; default: as SRC, but for root");
    set.value(kConvert, "--parent", "IMAGE", raw.parent, "keep the layers of IMAGE below");
}

constexpr Commands kWithImages = kTaking | kReading | kCopying | kTags | kDelete | kSign;
constexpr Commands kAskingRegistries = kWithImages | kLogin;

void define_registry_options(OptionSet& set, RawOptions& raw) {
    set.flag(kAskingRegistries, "-k,--insecure", raw.insecure,
             "talk to registries over plain HTTP too, and with certificates of anybody");
    set.value(kWithImages, "--creds", "USER[:PASSWORD]", raw.creds, "for the registry, instead of what files have");
    set.value(kAskingRegistries | kLogout, "--authfile", "FILE", raw.authfile,
              "credentials for registries; default: as podman");
    set.value(kAskingRegistries, "--cert-dir", "DIR", raw.cert_dir,
              "certificates for the registry: *.crt, *.cert, *.key; default: certs.d, as podman");
    set.values(kAskingRegistries, "--trust-realm", "HOST", raw.trust_realm,
               "let registries send us to this host for a token, with a password; may be given many times");
    set.value(kLogin, "-u,--username", "NAME", raw.username, "the user; default: asked for");
    set.flag(kLogin, "--password-stdin", raw.password_stdin, "read the password from standard input");
}

void define_common_options(OptionSet& set, RawOptions& raw) {
    set.value(kAll & ~(kWhy | kWhyPackage | kImport), "--cache-dir", "DIR", raw.cache_dir,
              "where metadata, packages and layers are kept; default: $XDG_CACHE_HOME/smith, else ~/.cache/smith");
    set.value(kAsking | kConvert | kInit, "--jobs", "N", raw.jobs,
              "threads; changes no result; default: one for each processor");
    set.flag(kAll & ~(kContaining | kImport | kInit | kCat), "--json", raw.json,
             "print the result, and what went wrong, as one JSON document");
    set.flag(kAll, "-q,--quiet", raw.quiet, "only warnings and errors");
    set.flag(kAll, "-v,--verbose", raw.verbose, "more of what is being done");
    set.value(kAll | kHelp, "--color", "auto|always|never", raw.color,
              "colours in messages; default: auto, which obeys NO_COLOR, CLICOLOR and CLICOLOR_FORCE");
    set.flag(kAll | kHelp, "-h,--help", raw.help, "explain the command");
    set.flag(kAll | kHelp, "-V,--version", raw.version, "print the version of smith");
}

void define_all(OptionSet& set, RawOptions& raw) {
    define_oracle_options(set, raw);
    define_result_options(set, raw);
    define_image_options(set, raw);
    define_project_options(set, raw);
    define_run_options(set, raw);
    define_registry_options(set, raw);
    define_convert_options(set, raw);
    define_common_options(set, raw);
}

/// "--output=" says that the value is empty; CLI11 would take the next argument for it.
std::vector<std::string> with_empty_values_apart(std::vector<std::string>::const_iterator from,
                                                 std::vector<std::string>::const_iterator to) {
    std::vector<std::string> out;
    for (auto arg = from; arg != to; ++arg) {
        if (arg->size() > 3 && arg->starts_with("--") && arg->find('=') == arg->size() - 1) {
            out.push_back(arg->substr(0, arg->size() - 1));
            out.emplace_back();
        } else {
            out.push_back(*arg);
        }
    }
    return out;
}

/// `-d` is a directory to Oracle's bare `smith`, and docker's media types to its `smith upload`, which has other names
/// by now.
std::vector<std::string> with_oracles_upload(std::vector<std::string> args) {
    const bool is_upload = !args.empty() && (args[0] == "upload" || args[0] == "push" || args[0] == "copy");
    if (is_upload) std::ranges::replace(args, "-d", "--docker");
    return args;
}

}  // namespace

RawOptions parse_raw_options(const std::vector<std::string>& given) {
    RawOptions raw;
    OptionSet set;
    define_all(set, raw);
    const std::vector<std::string> args = with_oracles_upload(given);
    const auto separator = std::find(args.begin(), args.end(), "--");
    for (std::string& rest : set.parse(with_empty_values_apart(args.begin(), separator))) {
        // A lone "-" is a word.
        const bool is_option = rest.size() > 1 && rest[0] == '-';
        (is_option ? raw.unknown : raw.words).push_back(std::move(rest));
    }
    if (separator != args.end()) raw.program_args.assign(std::next(separator), args.end());
    raw.given = set.given();
    return raw;
}

std::vector<OptionDoc> option_docs() {
    RawOptions raw;
    OptionSet set;
    define_all(set, raw);
    return set.docs();
}

std::vector<std::string_view> split_names(std::string_view names) {
    std::vector<std::string_view> out;
    while (true) {
        const std::size_t comma = names.find(',');
        out.push_back(names.substr(0, comma));
        if (comma == std::string_view::npos) return out;
        names.remove_prefix(comma + 1);
    }
}

}  // namespace smith::cli
