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
        kConvert, "convert", "make a microcontainer of an image", "convert SRC DEST [options]",
        "Takes from the image SRC what its command needs to run, or what --path names, with the libraries that these "
        "need, and writes a microcontainer to DEST, configured as SRC is. Nothing of SRC is executed. Prints the "
        "digest, and tells on standard error what was left out, by package. 'smith init SRC' writes a spec that does "
        "the same, to be refined and locked.",
        "smith convert docker.tar oci:nginx --path /etc/nginx --entrypoint nginx\n"
        "smith convert app.tar oci:app --nss --json | jq '.source.packages[]'"},
    CommandInfo{kInit, "init", "write a first spec", "init PACKAGE|SRC [options]",
                "Prints a spec to start from. For an image SRC: what its command names, and its configuration. For a "
                "PACKAGE of "
                "the repositories: its programs, and how its systemd unit starts it.",
                "smith init docker://registry.example/nginx > nginx.yaml\n"
                "smith init nginx --repo-file fedora.repo > nginx.yaml"},
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
                "smith test app.tar.gz --spec more-tests.yaml\n"
                "smith test oci:app --runtime runc"},
    CommandInfo{kRun, "run", "run an image in the bundled runtime", "run SRC [options] [-- ARGS...]",
                "Runs the image SRC in the foreground, in the bundled runtime or another one: read-only, without "
                "capabilities, in namespaces of its own, as an ordinary user. ARGS take the place of the image's "
                "command, behind its "
                "entry point. The exit status is that of the program, or 128 and the number of the signal that ended "
                "it.",
                "smith run oci:app\n"
                "smith run oci:app --write data --read config --network host -- --port 8080\n"
                "smith run oci:app --runtime runsc --runtime-flag network=none"},
    CommandInfo{kBundle, "bundle", "write an image as a bundle for an OCI runtime",
                "bundle SRC DIR [options] [-- ARGS...]",
                "Writes the files of the image SRC to DIR/rootfs, and to DIR/config.json what 'smith run' would run: "
                "read-only, without capabilities, in namespaces of its own, as an ordinary user. runc, crun, runsc "
                "and railcar run it. DIR is made, or is empty.",
                "smith bundle oci:app app\n"
                "smith bundle oci:app /srv/app --write /srv/data\n"
                "runc run --bundle /srv/app app"},
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
    CommandInfo{
        kCat, "cat", "print files of an image", "cat SRC PATH... [options]",
        "Writes the bytes of the files PATH of the image SRC to standard output, one after the other. Links are "
        "followed inside the image.",
        "smith cat oci:app /etc/nginx/nginx.conf"},
    CommandInfo{kDiff, "diff", "say in what two images differ", "diff BEFORE AFTER [options]",
                "Compares two images: what their configurations say, which packages they are made of, and their files "
                "with sizes and kinds. A line for each difference; none when there is none.",
                "smith diff oci:app:1 docker://registry.example/app:2\n"
                "smith diff oci:old oci:new --json | jq .size"},
    CommandInfo{kTags, "tags", "list the tags of a repository, a layout or an archive", "tags PLACE [options]",
                "Lists every tag of the registry's repository PLACE, or of a layout or an archive: one a line, in byte "
                "order.",
                "smith tags docker://registry.example/app\n"
                "smith tags oci:app"},
    CommandInfo{
        kDelete, "delete", "take an image out of a registry", "delete IMAGE [options]",
        "Deletes the manifest that IMAGE names in a registry, and with it every tag of that manifest. Its blobs go "
        "when the registry cleans up. Registries that do not delete say so.",
        "smith delete docker://registry.example/app:old"},
    CommandInfo{kCopy, "copy", "copy an image from anywhere to anywhere", "copy SRC DEST [options]",
                "Copies the image SRC to DEST, whatever holds them: layouts, archives, directories, registries. Bytes, "
                "and so digests, stay as they are wherever DEST can hold them. Of an image index the image for "
                "--platform is taken, or everything with --all. Prints the digest of what was copied.",
                "smith copy oci:app docker://registry.example/app:1.0\n"
                "smith copy docker://registry.example/app:1.0 oci-archive:app.tar --all"},
    CommandInfo{kPush, "push", "copy an image to a registry", "push SRC DEST [options]",
                "Another name for 'smith copy', with which DEST needs no docker://.",
                "smith push oci:app registry.example/app:1.0"},
    CommandInfo{kPull, "pull", "copy an image from a registry", "pull SRC DEST [options]",
                "Another name for 'smith copy', with which SRC needs no docker://.",
                "smith pull registry.example/app:1.0 oci:app"},
    CommandInfo{kUpload, "upload", "as Oracle's Smith: copy image.tar.gz to a registry", "upload -r URL [-i FILE]",
                "Copies the image archive FILE (default: image.tar.gz) to the registry URL.",
                "smith upload -r https://registry.example/app:1.0 -i app.tar.gz"},
    CommandInfo{kDownload, "download", "as Oracle's Smith: copy from a registry to image.tar.gz",
                "download -r URL [-i FILE]",
                "Copies an image from the registry URL to the archive FILE (default: "
                "image.tar.gz).",
                "smith download -r https://registry.example/app:1.0 -i app.tar.gz"},
    CommandInfo{kIndex, "index", "make one image of those for several architectures", "index create DEST IMAGE...",
                "Writes an image index to DEST that leads each machine to the IMAGE made for it, with these images. In "
                "which order they are given does not matter.",
                "smith index create docker://registry.example/app:1 oci:amd64 oci:arm64"},
    CommandInfo{
        kVerify, "verify", "check all that an image says of itself, and who signed it", "verify IMAGE [options]",
        "Computes again every digest, size and diffID of IMAGE and of what hangs on it, holds its configuration "
        "against its manifest, and the layer of an image by smith against the rules that smith writes layers "
        "by. Prints the digest, or each mismatch with what it should be and what it is; the exit status is then "
        "5. With --key one of its signatures must be by that key. With --rebuild the image is built again by "
        "its lock: what differs is named, down to the field of a header.",
        "smith verify oci:app\n"
        "smith verify docker://registry.example/app:1.0 --key release.pub\n"
        "smith verify oci:app --rebuild app.yaml"},
    CommandInfo{
        kSign, "sign", "sign an image", "sign IMAGE --key KEY [options]",
        "Signs the digest of IMAGE, in a layout or a registry, with KEY: a PEM file (ECDSA on P-256, or Ed25519), "
        "one that cosign wrote, env://VARIABLE, or a PKCS#11 URI. The signature has cosign's form; 'cosign "
        "verify' checks it, and 'smith verify --key'. A key that is encrypted is opened with what "
        "SMITH_KEY_PASSWORD holds.",
        "smith sign docker://registry.example/app:1.0 --key release.key\n"
        "smith sign oci:app --key env://RELEASE_KEY"},
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
    CommandInfo{
        kRepo, "repo", "ask the repositories of a spec",
        "repo list|search|info|whatprovides [WORD...] [SPEC] [options]",
        "Asks the repositories of SPEC (default: smith.yaml, where there is one; else those of --repo, or of this "
        "machine): 'list' names them, 'search WORD...' looks for words in names and summaries, 'info PKG...' tells "
        "about packages, 'whatprovides WHAT...' says who provides something or has a file. What excludes or modules "
        "hide is not there, as it is not for a build.",
        "smith repo list app.yaml\n"
        "smith repo search web server app.yaml\n"
        "smith repo info nginx --repo base=https://mirror.example/os/\n"
        "smith repo whatprovides '*/bin/redis-cli' --json"},
    CommandInfo{kLogin, "login", "remember who you are to a registry", "login REGISTRY [options]",
                "Asks REGISTRY whether it knows a user by this password, and if so keeps both for smith, podman and "
                "skopeo: in the "
                "credential helper that is configured for it, else in auth.json, for your eyes alone. Without options "
                "it asks for "
                "user and password.",
                "smith login registry.example.com\n"
                "smith login registry.example.com --username ci --password-stdin < token"},
    CommandInfo{kLogout, "logout", "forget who you are to a registry", "logout REGISTRY [options]",
                "Takes away what 'smith login', or another tool, has kept for REGISTRY.",
                "smith logout registry.example.com"},
    CommandInfo{kBare, "", "as Oracle's Smith: build smith.yaml into image.tar.gz", "[options]",
                "Without a command, smith takes the command line of Oracle's Smith: it builds DIR/FILE into an image "
                "archive. All options of 'smith build' but --output work, too.",
                "smith -c app.yaml -i app.tar.gz"},
    CommandInfo{kHelp, "help", "explain smith, or one command", "help [COMMAND]",
                "Explains COMMAND, as 'smith COMMAND --help' does.", "smith help build"},
};

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

std::vector<std::string_view> command_names() {
    std::vector<std::string_view> names;
    for (const CommandInfo& command : kCommands)
        if (!command.name.empty()) names.push_back(command.name);
    return names;
}

}  // namespace smith::cli
