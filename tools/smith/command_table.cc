// SPDX-License-Identifier: Apache-2.0
#include "tools/smith/command_table.h"

#include <algorithm>
#include <array>
#include <cassert>

namespace smith::cli {

namespace {

constexpr std::array kCommands{
    CommandInfo{
        kBuild, "build", "build an image from a spec, test it and write it", "build [SPEC] [options]",
        "Builds the image that SPEC (default: smith.yaml) describes, runs the tests that the spec asks for, and "
        "writes the image. Prints the digest of its manifest. Nothing of a package is executed while building, "
        "no privileges are needed, and the same inputs give the same bytes. The packages that were chosen are "
        "written to a lock beside the spec, and the next builds choose the same ones.",
        "smith build app.yaml -o oci:out/app:1.0\n"
        "smith build app.yaml -o app.tar.gz --locked --offline"},
    CommandInfo{kLock, "lock", "choose the packages of a spec and write the lock", "lock [SPEC] [options]",
                "Decides which packages a build of SPEC (default: smith.yaml) is made of and writes them to its lock, "
                "without building anything. A lock that still answers the spec stays as it is. Prints what changed.",
                "smith lock app.yaml\n"
                "smith lock app.yaml --locked    # in CI: fail when the lock is stale"},
    CommandInfo{kUpdate, "update", "choose anew, and write the lock", "update [SPEC [PKG...]] [options]",
                "Chooses the packages of SPEC (default: smith.yaml) anew, from what the repositories have today, and "
                "writes the lock. With PKG only these packages may change, and whatever they force to. Prints what "
                "changed.",
                "smith update app.yaml\n"
                "smith update app.yaml openssl-libs zlib"},
    CommandInfo{
        kOutdated, "outdated", "say what an update would change, and why it matters", "outdated [SPEC] [options]",
        "Compares the lock of SPEC (default: smith.yaml) with what would be chosen today, and writes nothing. Each "
        "change is a line, those first whose files ship in the image that was built, then the advisories that it "
        "answers with their CVE ids, where the repositories tell.",
        "smith outdated app.yaml\n"
        "smith outdated app.yaml --json | jq '.packages[] | select(.ships)'"},
    CommandInfo{kFetch, "fetch", "download what a locked build needs", "fetch [SPEC] [options]",
                "Downloads and verifies every package that the lock of SPEC (default: smith.yaml) names, choosing them "
                "first where there is no lock. Afterwards 'smith build --offline' works. With --to the packages are "
                "also copied to a directory, with the keys: 'smith build --vendor' takes all from there.",
                "smith fetch app.yaml\n"
                "smith fetch app.yaml --to kept\n"
                "smith build app.yaml --vendor kept --offline"},
    CommandInfo{
        kImport, "import", "write a spec from another tool's configuration", "import FILE [options]",
        "Prints the spec that asks for what FILE, an rpmoci.toml, asks for. Whole packages ship, as they did: 'paths' "
        "in "
        "the spec is where to cut. Its lock is taken over by 'smith lock --from', which chooses the very packages that "
        "it names; so is an rpm-package-manifest of dnf.",
        "smith import rpmoci.toml > app.yaml\n"
        "smith lock app.yaml --from rpmoci.lock"},
    CommandInfo{kTest, "test", "run the tests of an image", "test SRC [options]",
                "Runs tests against the image SRC, each in a fresh container on its read-only root: those of the spec "
                "that it was built from, which is attached to the image, or those of another spec. Prints a line for "
                "each. The exit status is 6 when one fails.",
                "smith test oci:app\n"
                "smith test app.tar.gz --spec more-tests.yaml"},
    CommandInfo{kRun, "run", "run an image in the bundled runtime", "run SRC [options] [-- ARGS...]",
                "Runs the image SRC in the foreground, in the bundled runtime: read-only, without capabilities, in "
                "namespaces of its own, as an ordinary user. ARGS take the place of the image's command, behind its "
                "entry point. The exit status is that of the program, or 128 and the number of the signal that ended "
                "it.",
                "smith run oci:app\n"
                "smith run oci:app --write data --read config --network host -- --port 8080"},
    CommandInfo{
        kInspect, "inspect", "say what an image is", "inspect SRC [options]",
        "Shows what the image SRC is: its digest, platform, configuration, layer, number of files, the packages "
        "that they came from, and what is attached to it.",
        "smith inspect oci:app\n"
        "smith inspect oci:app --json | jq -r .digest"},
    CommandInfo{
        kLs, "ls", "list the files of an image", "ls SRC [PATH] [options]",
        "Lists what is in the image SRC, or in its directory PATH and below: one path a line, in byte order. On "
        "a terminal, names with control characters are quoted.",
        "smith ls oci:app /usr/lib64\n"
        "smith ls oci:app -l"},
    CommandInfo{kWhy, "why", "say why a file is in an image", "why PATH SRC [options]",
                "Shows how PATH came into the image SRC: which package it is from, and the chain of reasons from it "
                "back to a line of the spec. Images that smith built carry their reasons with them.",
                "smith why /usr/lib64/libz.so.1 oci:app"},
    CommandInfo{
        kWhyPackage, "why-package", "say why a package is in a lock", "why-package PKG [SPEC] [options]",
        "Shows why PKG, a name, NAME.ARCH or NEVRA, is in the lock of SPEC (default: smith.yaml): for every package "
        "that the spec asks for and that leads to PKG, the shortest chain of requirements, shortest first; and whether "
        "files of PKG ship in the image that was built. Reads the lock and nothing else.",
        "smith why-package perl-base app.yaml\n"
        "smith why-package perl-base app.yaml --json | jq '.packages[].required_by'"},
    CommandInfo{kBare, "", "as Oracle's Smith: build smith.yaml into image.tar.gz", "[options]",
                "Without a command, smith takes the command line of Oracle's Smith: it builds DIR/FILE into an image "
                "archive. All options of 'smith build' but --output work, too.",
                "smith -c app.yaml -i app.tar.gz"},
    CommandInfo{kHelp, "help", "explain smith, or one command", "help [COMMAND]",
                "Explains COMMAND, as 'smith COMMAND --help' does.", "smith help build"},
};

constexpr std::array<std::string_view, 10> kLater{"convert", "init", "copy",     "push",   "pull",
                                                  "upload",  "diff", "download", "verify", "repo"};

}  // namespace

std::span<const CommandInfo> command_table() { return kCommands; }

const CommandInfo* find_command(std::string_view name) {
    if (name.empty()) return nullptr;
    const auto found = std::find_if(kCommands.begin(), kCommands.end(),
                                    [&](const CommandInfo& command) { return command.name == name; });
    return found == kCommands.end() ? nullptr : &*found;
}

const CommandInfo& command_info(Commands bit) {
    const auto found = std::find_if(kCommands.begin(), kCommands.end(),
                                    [&](const CommandInfo& command) { return command.bit == bit; });
    assert(found != kCommands.end());
    return *found;
}

bool comes_later(std::string_view name) { return std::find(kLater.begin(), kLater.end(), name) != kLater.end(); }

std::vector<std::string_view> command_names() {
    std::vector<std::string_view> names(kLater.begin(), kLater.end());
    for (const CommandInfo& command : kCommands)
        if (!command.name.empty()) names.push_back(command.name);
    return names;
}

}  // namespace smith::cli
