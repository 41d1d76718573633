// SPDX-License-Identifier: Apache-2.0
//
// What a command line means, without doing it.
#include "tools/smith/options.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "base/error.h"
#include "tools/smith/command_table.h"
#include "tools/smith/raw_options.h"

namespace {

using namespace smith;
using namespace smith::cli;
using Args = std::vector<std::string>;

template <typename T>
T parsed(const Args& args) {
    Invocation invocation = parse_command_line(args);
    INFO(invocation.command.index());
    REQUIRE(std::holds_alternative<T>(invocation.command));
    return std::get<T>(std::move(invocation.command));
}

/// The message with which `args` are refused.
std::string refused(const Args& args) {
    try {
        static_cast<void>(parse_command_line(args));
    } catch (const Error& e) {
        CHECK(e.kind() == ErrorKind::usage);
        return e.message();
    }
    return "(not refused)";
}

}  // namespace

TEST_CASE("a build without words builds smith.yaml", "[cli]") {
    const auto build = parsed<BuildCommand>({"build"});
    CHECK(build.options.project.spec == "smith.yaml");
    CHECK(build.options.output.empty());
    CHECK(build.options.test);
    CHECK_FALSE(build.options.locked);
    CHECK_FALSE(build.bare);
    CHECK(build.options.environment.jobs >= 1);
}

TEST_CASE("every option of a build arrives", "[cli]") {
    const auto build = parsed<BuildCommand>({"build",
                                             "app.yaml",
                                             "-o",
                                             "oci:out:1",
                                             "--lock=l",
                                             "--locked",
                                             "--repo",
                                             "a=file:///x?y=z",
                                             "--repo",
                                             "b=http://h/",
                                             "--repo-file",
                                             "r.repo",
                                             "--arch",
                                             "aarch64",
                                             "--releasever",
                                             "9",
                                             "--offline",
                                             "--refresh",
                                             "--allow-old-metadata",
                                             "--no-test",
                                             "--jobs",
                                             "3"});
    const builder::BuildOptions& options = build.options;
    CHECK(options.project.spec == "app.yaml");
    CHECK(options.output == "oci:out:1");
    CHECK(options.project.lock == "l");
    CHECK(options.locked);
    CHECK(options.project.repos ==
          std::vector<std::pair<std::string, std::string>>{{"a", "file:///x?y=z"}, {"b", "http://h/"}});
    CHECK(options.project.repo_files == std::vector<std::filesystem::path>{"r.repo"});
    CHECK(options.project.arch == "aarch64");
    CHECK(options.project.releasever == "9");
    CHECK(options.environment.offline);
    CHECK(options.environment.refresh);
    CHECK(options.environment.allow_old_metadata);
    CHECK(options.environment.jobs == 3);
    CHECK_FALSE(options.test);
}

TEST_CASE("options stand before or after the command and its words", "[cli]") {
    for (const Args& args :
         {Args{"-o", "x", "--locked", "build", "app.yaml"}, Args{"build", "-ox", "app.yaml", "--locked"},
          Args{"build", "--locked", "app.yaml", "--output=x"}, Args{"--locked", "build", "-o", "x", "app.yaml"}}) {
        const auto build = parsed<BuildCommand>(args);
        CHECK(build.options.project.spec == "app.yaml");
        CHECK(build.options.output == "x");
        CHECK(build.options.locked);
    }
}

TEST_CASE("of an option that is given twice the last one counts", "[cli]") {
    CHECK(parsed<BuildCommand>({"build", "-o", "a", "-o", "b"}).options.output == "b");
}

TEST_CASE("common options arrive", "[cli]") {
    const Invocation invocation =
        parse_command_line({"-q", "-v", "inspect", "x", "--json", "--color=never", "--cache-dir", "/c"});
    CHECK(invocation.common.quiet);
    CHECK(invocation.common.verbose);
    CHECK(invocation.common.json);
    CHECK(invocation.common.color == ColorMode::never);
    CHECK(invocation.common.cache_dir == "/c");
}

TEST_CASE("what is behind -- is for the program that is run", "[cli]") {
    const auto run = parsed<RunCommand>({"run", "oci:x", "--network", "host", "--", "--network", "[a,b]", "--", ""});
    CHECK(run.source == "oci:x");
    CHECK(run.settings.host_network);
    CHECK(run.settings.args == Args{"--network", "[a,b]", "--", ""});
}

TEST_CASE("what is behind -- is a word for other commands", "[cli]") {
    CHECK(parsed<BuildCommand>({"build", "--", "-odd.yaml"}).options.project.spec == "-odd.yaml");
}

TEST_CASE("a run has its own settings", "[cli]") {
    const auto run = parsed<RunCommand>(
        {"run", "x", "--write", "w", "--read=r", "--env", "A=b c", "--env", "D==", "--entrypoint", "/e"});
    CHECK(run.settings.write == "w");
    CHECK(run.settings.read == "r");
    CHECK(run.settings.env == Args{"A=b c", "D=="});
    CHECK(run.settings.entrypoint == Args{"/e"});
    CHECK_FALSE(run.settings.host_network);
    CHECK(run.settings.args.empty());
    CHECK_FALSE(parsed<RunCommand>({"run", "x"}).settings.write);
}

TEST_CASE("a bundle is what a run would be, and another runtime is given flags with or without dashes", "[options]") {
    const auto bundle = parsed<BundleCommand>({"bundle", "oci:x", "dir", "--write", "w", "--", "--serve"});
    CHECK(bundle.directory == "dir");
    CHECK(bundle.settings.write == "w");
    CHECK(bundle.settings.args == std::vector<std::string>{"--serve"});
    CHECK(parsed<RunCommand>({"run", "x"}).runtime.is_bundled());
    const auto test = parsed<TestCommand>(
        {"test", "x", "--runtime", "runsc", "--runtime-flag", "platform=ptrace", "--runtime-flag", "--rootless"});
    CHECK(test.runtime.program == "runsc");
    CHECK(test.runtime.flags == std::vector<std::string>{"--platform=ptrace", "--rootless"});
    CHECK_THROWS_AS(parsed<TestCommand>({"test", "x", "--runtime-flag", "rootless"}), Error);
    CHECK_THROWS_AS(parsed<BundleCommand>({"bundle", "oci:x"}), Error);
}

TEST_CASE("update takes packages behind the spec", "[cli]") {
    const auto update = parsed<UpdateCommand>({"update", "app.yaml", "zlib", "libstdc++"});
    CHECK(update.project.spec == "app.yaml");
    CHECK(update.packages == Args{"zlib", "libstdc++"});
    CHECK(parsed<UpdateCommand>({"update"}).project.spec == "smith.yaml");
}

TEST_CASE("fetch may copy, lock may insist", "[cli]") {
    CHECK(parsed<FetchCommand>({"fetch", "a.yaml", "--to", "vendor"}).to == "vendor");
    CHECK(parsed<LockCommand>({"lock", "a.yaml", "--locked"}).locked);
}

TEST_CASE("ls lists the root unless told otherwise", "[cli]") {
    CHECK(parsed<LsCommand>({"ls", "oci:x"}).path == "/");
    const auto ls = parsed<LsCommand>({"ls", "-l", "oci:x", "/usr"});
    CHECK(ls.path == "/usr");
    CHECK(ls.long_format);
}

TEST_CASE("why-package takes a package, and a spec in either order", "[cli]") {
    CHECK(parsed<WhyPackageCommand>(Args{"why-package", "zlib"}).project.spec == "smith.yaml");
    for (const Args& args : {Args{"why-package", "zlib", "app.yaml"}, Args{"why-package", "app.yaml", "zlib"},
                             Args{"why-package", "--lock", "other.lock", "zlib", "app.yaml"}}) {
        const auto why = parsed<WhyPackageCommand>(args);
        CHECK(why.package == "zlib");
        CHECK(why.project.spec == "app.yaml");
        CHECK((why.project.lock == "other.lock") == (args.size() == 5));
    }
    CHECK(refused({"why-package"}) == "'smith why-package' wants a package: smith why-package PKG [SPEC] [options]");
    CHECK(refused({"why-package", "a", "b", "c"}) ==
          "'smith why-package' can't use 'c': smith why-package PKG [SPEC] [options]");
}

TEST_CASE("why takes path and image in either order", "[cli]") {
    for (const Args& args : {Args{"why", "/usr/bin/cat", "oci:x"}, Args{"why", "oci:x", "/usr/bin/cat"},
                             Args{"why", "/tmp/x.tar.gz:1", "/usr/bin/cat"}, Args{"why", "usr/bin/cat", "oci:x"},
                             Args{"why", "./x", "/usr/bin/cat"}, Args{"why", "/usr/bin/cat", "/srv/image"}}) {
        const auto why = parsed<WhyCommand>(args);
        CAPTURE(args[1], args[2]);
        CHECK(why.path.ends_with("usr/bin/cat"));
        CHECK_FALSE(why.source.ends_with("usr/bin/cat"));
    }
}

TEST_CASE("smith alone is Oracle's Smith", "[cli]") {
    const auto plain = parsed<BuildCommand>({});
    CHECK(plain.bare);
    CHECK(plain.options.project.spec == "smith.yaml");
    CHECK(plain.options.output == "image.tar.gz");

    const Invocation all =
        parse_command_line({"-c", "cat.yaml", "-d", "at", "-i", "cat.tar.gz:1", "-b", "7", "-k", "-f", "-v"});
    const auto& build = std::get<BuildCommand>(all.command);
    CHECK(build.options.project.spec == "at/cat.yaml");
    CHECK(build.options.output == "cat.tar.gz:1");
    CHECK(all.common.verbose);
    CHECK(all.warnings.size() == 1);
}

TEST_CASE("--help wins over everything else, and help knows each command", "[cli]") {
    CHECK(parsed<HelpCommand>({"--help"}).text.find("Commands:") != std::string::npos);
    CHECK(parsed<HelpCommand>({"help"}).text == parsed<HelpCommand>({"-h"}).text);
    for (const CommandInfo& command : command_table()) {
        if (command.name.empty() || command.bit == kHelp) continue;
        const std::string name(command.name);
        CAPTURE(name);
        const std::string text = parsed<HelpCommand>({name, "--help", "--no-such-option"}).text;
        CHECK(text == parsed<HelpCommand>({"help", name}).text);
        CHECK(text.find("Usage: smith " + name) == 0);
        CHECK(text.find("Example:\n  smith " + name) != std::string::npos);
        std::size_t at = 0;
        for (std::size_t end = text.find('\n'); end != std::string::npos; at = end + 1, end = text.find('\n', at))
            CHECK(end - at <= 80);
    }
}

TEST_CASE("--version needs no command", "[cli]") {
    static_cast<void>(parsed<VersionCommand>({"-V"}));
    static_cast<void>(parsed<VersionCommand>({"build", "--version"}));
}

TEST_CASE("an image is copied under every name that copying has", "[cli]") {
    const auto copies = [](const std::vector<std::string>& args) {
        const CopyCommand command = std::get<CopyCommand>(parse_command_line(args).command);
        return command.source + " > " + command.destination;
    };
    CHECK(copies({"copy", "oci:a", "dir:b"}) == "oci:a > dir:b");
    CHECK(copies({"push", "oci:a", "host/b:1"}) == "oci:a > docker://host/b:1");
    CHECK(copies({"push", "a.tar", "oci:b"}) == "a.tar > oci:b");
    CHECK(copies({"pull", "host/b:1", "./a"}) == "docker://host/b:1 > ./a");
    CHECK(copies({"upload", "-r", "https://host/b", "-i", "a.tar.gz"}) == "a.tar.gz > https://host/b");
    CHECK(copies({"upload", "-r", "host/b"}) == "image.tar.gz > docker://host/b");
    CHECK(copies({"download", "-r", "https://host/b:1"}) == "https://host/b:1 > image.tar.gz");
    // -d is a directory to Oracle's bare smith, and docker's types to its upload.
    for (const char* command : {"copy", "push"}) {
        CHECK(parsed<CopyCommand>({command, "-d", "oci:a", "dir:b"}).options.docker_types);
    }
    CHECK(parsed<CopyCommand>({"upload", "-d", "-r", "host/b"}).options.docker_types);
    CHECK(parsed<BuildCommand>({"build", "--docker"}).options.docker_types);
    CHECK(refused({"upload"}) == "'smith upload' wants -r URL: smith upload -r URL [-i FILE]");
    CHECK_THAT(refused({"copy", "oci:a"}), Catch::Contains("wants an image and where to copy it"));
    CHECK_THAT(refused({"index", "list", "a", "b"}), Catch::Contains("knows 'create' only"));
    CHECK_THAT(refused({"sign", "oci:a"}), Catch::Contains("wants --key"));
    CHECK_THAT(refused({"ls", "oci:a", "--platform", "arm64"}), Catch::Contains("OS/ARCHITECTURE"));
}

TEST_CASE("convert takes an image, a place and what to keep", "[cli]") {
    const auto options =
        parsed<ConvertCommand>({"convert",   "a.tar", "oci:b",        "--path", "/x",           "--path", "/y",
                                "--exclude", "/z",    "--entrypoint", "x",      "--entrypoint", "-d",     "--nss",
                                "--user",    "7",     "--parent",     "oci:p",  "--arch",       "aarch64"})
            .options;
    CHECK(options.source == "a.tar");
    CHECK(options.destination == "oci:b");
    CHECK(options.paths == std::vector<std::string>{"/x", "/y"});
    CHECK(options.excludes == std::vector<std::string>{"/z"});
    CHECK(options.entrypoint == std::vector<std::string>{"x", "-d"});
    CHECK((options.nss && options.user == "7" && options.parent == "oci:p" && options.arch == "aarch64"));
    CHECK(refused({"convert", "a.tar"}).find("wants an image, and where the new one goes") != std::string::npos);
    CHECK(refused({"init"}).find("wants a package or an image") != std::string::npos);
    CHECK(parsed<InitCommand>({"init", "nginx", "--repo", "a=b"}).source == "nginx");
}

TEST_CASE("what is wrong is said with what was probably meant", "[cli]") {
    CHECK(refused({"biuld"}) == "there is no command 'biuld' (did you mean 'build'?); 'smith --help' lists them");
    CHECK(refused({"app.yaml"}) ==
          "there is no command 'app.yaml' (did you mean 'smith build'?); 'smith --help' lists them");
    CHECK(refused({"build", "--lokced"}) == "'smith build' has no option '--lokced' (did you mean '--locked'?)");
    CHECK(refused({"build", "--no-such-option=x"}) == "'smith build' has no option '--no-such-option'");
    CHECK(refused({"run", "x", "--verbos", "--nothing"}) ==
          "'smith run' has no option '--verbos' (did you mean '--verbose'?); what is for the program in the image "
          "stands behind '--'");
    CHECK(refused({"why", "a", "b", "--locked"}) ==
          "'smith why' has no option '--locked' (it is for 'smith build', 'smith lock', 'smith fetch' and 'smith')");
    CHECK(refused({"build", "-i", "x"}) ==
          "'smith build' has no option '--image' (it is for 'smith upload', 'smith download' and 'smith')");
    CHECK(refused({"-o", "x"}) == "'smith' has no option '--output' (it is for 'smith build')");
}

TEST_CASE("too many words and too few are refused with the synopsis", "[cli]") {
    CHECK(refused({"build", "a", "b"}) == "'smith build' can't use 'b': smith build [SPEC] [options]");
    CHECK(refused({"run"}) == "'smith run' wants an image: smith run SRC [options] [-- ARGS...]");
    CHECK(refused({"run", "a", "b"}) ==
          "'smith run' takes one image; arguments for the program stand behind '--': smith run SRC [options] [-- "
          "ARGS...]");
    CHECK(refused({"why", "/x"}) == "'smith why' wants a path and an image: smith why PATH SRC [options]");
    CHECK(refused({"--", "x"}) == "'smith' can't use 'x': smith [options]");
}

TEST_CASE("a bad value is refused with the good ones", "[cli]") {
    CHECK(refused({"build", "--output"}) == "option '--output' wants DEST");
    CHECK(refused({"build", "--repo"}) == "option '--repo' wants ID=URL");
    CHECK(refused({"build", "--output="}) == "option '--output' was given nothing");
    CHECK(refused({"build", "--output=", "x"}) == "option '--output' was given nothing");
    CHECK(refused({"build", "--repo", "x"}) == "--repo is ID=URL, not 'x'");
    CHECK(refused({"build", "--repo", "=x"}) == "--repo is ID=URL, not '=x'");
    CHECK(refused({"run", "x", "--env", "PATH"}) == "--env is NAME=VALUE, not 'PATH'");
    CHECK(refused({"run", "x", "--network", "bridge"}) == "--network is 'none' or 'host', not 'bridge'");
    for (const char* jobs : {"0", "-1", "x", "1x", "1025", "99999999999999999999"})
        CHECK(refused({"build", "--jobs", jobs}) ==
              "--jobs is a number from 1 to 1024, not '" + std::string(jobs) + "'");
    CHECK(refused({"ls", "x", "--color", "blue"}) == "--color is 'auto', 'always' or 'never', not 'blue'");
    CHECK(refused({"biuld\x1b[31m"}).find('\x1b') == std::string::npos);
}

TEST_CASE("an option means the same in all commands", "[cli]") {
    std::vector<std::string_view> seen;
    for (const OptionDoc& doc : option_docs()) {
        for (const std::string_view name : split_names(doc.names)) {
            CAPTURE(name);
            CHECK(std::find(seen.begin(), seen.end(), name) == seen.end());
            seen.push_back(name);
        }
    }
}
