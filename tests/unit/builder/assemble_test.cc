// SPDX-License-Identifier: Apache-2.0
#include "builder/assemble.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "builder/elf/ld_so_cache.h"
#include "builder/spec_parse.h"
#include "tests/unit/elf/elf_builder.h"
#include "tests/unit/temp_dir.h"

using namespace smith;
using namespace smith::builder;

namespace {

ImagePath at(std::string_view text) { return ImagePath::parse(text); }

/// A tree of plain files and links, an overlay directory, and a spec: what assemble() is given.
class Workshop {
public:
    Workshop() : store_(dir_.path() / "cache") {}

    Workshop& file(std::string_view path, const std::string& text, bool executable = false,
                   const std::string& origin = "app") {
        tree_.put(at(path), {Regular{executable, contents_.put(text)}, origin});
        return *this;
    }
    Workshop& link(std::string_view path, std::string target) {
        tree_.put(at(path), {Symlink{std::move(target)}, "app"});
        return *this;
    }
    /// /usr/bin/app, and its library in a directory that only ld.so.conf names.
    Workshop& program_with_library_by_ld_so_conf() {
        const std::string loader = "/lib64/ld-linux-x86-64.so.2";
        file("/usr/bin/app", elf::ElfBuilder().interpreter(loader).needs("libapp.so.1").bytes(), true);
        file("/opt/app/libapp.so.1", elf::ElfBuilder().soname("libapp.so.1").bytes());
        file(loader, elf::ElfBuilder().soname("ld-linux-x86-64.so.2").bytes(), true, "glibc");
        return file("/etc/ld.so.conf", "/opt/app\n");
    }
    Workshop& overlay(const std::string& path, const std::string& text) {
        const auto target = dir_.path() / "rootfs" / path;
        std::filesystem::create_directories(target.parent_path());
        std::ofstream(target) << text;
        return *this;
    }

    Assembled assemble(const std::string& yaml) {
        const Spec spec = parse_spec(yaml, "app.yaml", reporter);
        return builder::assemble(spec, make_accounts(spec), {tree_, contents_, {"app"}},
                                 snapshot_overlay(dir_.path() / "rootfs", store_, reporter), reporter);
    }
    std::string failure(const std::string& yaml) {
        try {
            static_cast<void>(assemble(yaml));
        } catch (const Error& e) {
            CHECK(e.kind() == ErrorKind::spec);
            return e.message();
        }
        return "no failure";
    }

    RecordingReporter reporter;

private:
    TempDir dir_;
    ContentStore store_;
    FileTree tree_;
    MemoryContents contents_;
};

/// Files and links of `tree`; directories are told by what they hold.
std::string leaves(const FileTree& tree) {
    std::string out;
    for (const auto& [path, entry] : tree.entries()) {
        if (!is_directory(&entry)) out += path.str() + " ";
    }
    return out;
}

}  // namespace

TEST_CASE("every microcontainer has its fixed directories and its mounts", "[assemble]") {
    Workshop shop;
    shop.file("/bin/app", "app", true);
    const FileTree tree =
        shop.assemble("schema: 1\npackage: app\npaths: [/bin/app]\nmounts: [/var/cache/app]\ndir: /srv\n").tree;
    for (const char* path : {"/dev", "/proc", "/read", "/run", "/sys", "/write", "/var/cache/app", "/srv"}) {
        CHECK(is_directory(tree.find(at(path))));
    }
    CHECK(leaves(tree) == "/bin/app ");
}

TEST_CASE("paths that match nothing are told all at once, with their place and what was meant", "[assemble]") {
    Workshop shop;
    shop.file("/usr/sbin/nginx", "x", true);
    const std::string message =
        shop.failure("schema: 1\npackage: app\npaths:\n  - /usr/sbin/nginx\n  - /usr/sbin/ngnix\n  - /none/*\n");
    CHECK(message.find("app.yaml:5:5: path '/usr/sbin/ngnix' matches nothing in the packages; did you mean "
                       "'/usr/sbin/nginx'?") != std::string::npos);
    CHECK(message.find("app.yaml:6:5: path '/none/*'") != std::string::npos);
}

TEST_CASE("in Oracle's dialect a path that matches nothing is a warning", "[assemble]") {
    Workshop shop;
    shop.file("/usr/sbin/nginx", "x", true);
    CHECK(leaves(shop.assemble("package: app\npaths: [/usr/sbin/nginx, /none]\n").tree) == "/usr/sbin/nginx ");
    REQUIRE(shop.reporter.warnings.size() == 1);
    CHECK(shop.reporter.warnings.front().find("'/none' matches nothing") != std::string::npos);
}

TEST_CASE("without paths, the executables of what was asked for ship", "[assemble]") {
    Workshop shop;
    shop.file("/usr/bin/app", "app", true)
        .file("/usr/bin/other", "other", true, "dependency")
        .file("/usr/share/x", "x");
    CHECK(leaves(shop.assemble("schema: 1\npackage: app\n").tree) == "/usr/bin/app ");
}

TEST_CASE("the overlay is laid over everything, and through the links of the packages", "[assemble]") {
    Workshop shop;
    shop.link("/lib64", "usr/lib64").file("/usr/lib64/x.conf", "packaged").file("/usr/lib64/ours.so", "lib");
    shop.overlay("lib64/x.conf", "mine").overlay("read/data", "data");
    const Assembled assembled = shop.assemble("schema: 1\npackage: app\npaths: [/usr/lib64/x.conf]\n");
    CHECK(leaves(assembled.tree) == "/lib64 /read/data /usr/lib64/x.conf ");
    CHECK(as_regular(assembled.tree.find(at("/usr/lib64/x.conf")))->content.digest == sha256("mine"));
    CHECK_NOTHROW(assembled.contents->open({sha256("mine"), 4}));
    CHECK(assembled.tree.find(at("/read/data"))->origin != "app");
}

TEST_CASE("scripts bring their interpreter, and reasons lead from it back to the spec", "[assemble]") {
    Workshop shop;
    shop.file("/usr/bin/sh", "interpreter", true).link("/bin", "usr/bin").file("/opt/run", "#!/bin/sh\necho\n", true);
    const Assembled assembled = shop.assemble("schema: 1\npackage: app\npaths: [/opt/*]\n");
    CHECK(leaves(assembled.tree) == "/bin /opt/run /usr/bin/sh ");
    const auto chain = explain(assembled.reasons, at("/usr/bin/sh"));
    REQUIRE(chain.size() == 2);
    CHECK(chain[0].starts_with("/usr/bin/sh runs /opt/run"));
    CHECK(chain[1] == "/opt/run is matched by '/opt/*' of the spec");
}

TEST_CASE("an entrypoint that is not in the image is an error that says what helps", "[assemble]") {
    Workshop shop;
    shop.file("/usr/bin/app", "app", true).file("/usr/bin/b", "b", true);
    CHECK(shop.failure("schema: 1\npackage: app\npaths: [/usr/bin/b]\nentrypoint: [/usr/bin/app]\n") ==
          "the image is to run '/usr/bin/app', which is not in it; add it to 'paths'");
    CHECK(shop.failure("schema: 1\npackage: app\npaths: [/usr/bin/b]\ncmd: [app]\n").find("PATH") != std::string::npos);
    CHECK(shop.failure("schema: 1\npackage: app\npaths: [/usr/bin/b]\ncmd: [b]\n") == "no failure");
    CHECK(shop.failure("schema: 1\npackage: app\npaths: [/usr/bin/b]\ncmd: [/write/app]\n") == "no failure");
}

TEST_CASE("a mount in the place of a file is an error", "[assemble]") {
    Workshop shop;
    shop.file("/usr/bin/app", "app", true);
    CHECK(shop.failure("schema: 1\npackage: app\npaths: [/usr/bin/app]\nmounts: [/usr/bin/app]\n")
              .find("'/usr/bin/app' must be a directory") != std::string::npos);
}

TEST_CASE("users by name bring their files, which the overlay may replace", "[assemble]") {
    Workshop shop;
    shop.file("/usr/bin/app", "app", true).overlay("etc/passwd", "mine");
    const FileTree tree = shop.assemble("schema: 1\npackage: app\npaths: [/usr/bin/app]\nuser: web\n").tree;
    CHECK(leaves(tree) == "/etc/group /etc/nsswitch.conf /etc/passwd /usr/bin/app ");
    CHECK(as_regular(tree.find(at("/etc/passwd")))->content.digest == sha256("mine"));
}

TEST_CASE("every entry but the root has an origin and can be explained", "[assemble]") {
    Workshop shop;
    shop.link("/lib64", "usr/lib64").file("/usr/lib64/deep/x", "x").link("/usr/lib64/l", "deep/x").overlay("a/b", "b");
    const Assembled assembled = shop.assemble("schema: 1\npackage: app\npaths: [/lib64/l]\nuser: web\nmounts: [/m]\n");
    for (const auto& [path, entry] : assembled.tree.entries()) {
        if (path.is_root()) continue;
        INFO(path.str());
        CHECK_FALSE(explain(assembled.reasons, path).empty());
        CHECK_FALSE(assembled.reasons.at(path).origin.empty());
    }
}

TEST_CASE("a mount below a file is an error, and one below a link of the packages goes through it", "[assemble]") {
    Workshop shop;
    shop.file("/usr/bin/app", "app", true).link("/var/run", "../run").file("/run/keep", "k");
    CHECK(shop.failure("schema: 1\npackage: app\npaths: [/usr/bin/app]\nmounts: [/usr/bin/app/x]\n")
              .find("'/usr/bin/app/x' must be a directory") != std::string::npos);
    const FileTree tree =
        shop.assemble("schema: 1\npackage: app\npaths: [/usr/bin/app]\nmounts: [/var/run/app]\n").tree;
    CHECK(is_directory(tree.find(at("/run/app"))));
    CHECK(leaves(tree) == "/usr/bin/app /var/run ");
}

TEST_CASE("account files go where /etc leads", "[assemble]") {
    Workshop shop;
    shop.file("/usr/bin/app", "app", true).link("/etc", "usr/etc").file("/usr/etc/app.conf", "c");
    const FileTree tree =
        shop.assemble("schema: 1\npackage: app\npaths: [/usr/bin/app, /etc/app.conf]\nuser: web\n").tree;
    CHECK(leaves(tree) == "/etc /usr/bin/app /usr/etc/app.conf /usr/etc/group /usr/etc/nsswitch.conf /usr/etc/passwd ");
}

TEST_CASE("a library that only ld.so.conf leads to is found by a cache", "[assemble]") {
    Workshop shop;
    shop.program_with_library_by_ld_so_conf();
    const Assembled image = shop.assemble("schema: 1\npackage: app\npaths: [/usr/bin/app]\n");

    const Regular* cache = as_regular(image.tree.find(at("/etc/ld.so.cache")));
    REQUIRE(cache != nullptr);
    const std::vector<elf::CacheEntry> entries = elf::read_ld_so_cache(image.contents->open(cache->content).view());
    REQUIRE(entries.size() == 1);
    CHECK(entries.front().soname == "libapp.so.1");
    CHECK(entries.front().path == "/opt/app/libapp.so.1");
    CHECK(image.reasons.at(at("/etc/ld.so.cache")).origin == "smith");
    CHECK(explain(image.reasons, at("/etc/ld.so.cache")).front() ==
          "/etc/ld.so.cache lets ld.so find /opt/app/libapp.so.1");
    CHECK(shop.reporter.warnings.empty());
}

TEST_CASE("a cache that the overlay brings stays, and what it lacks is told", "[assemble]") {
    Workshop shop;
    shop.program_with_library_by_ld_so_conf();
    SECTION("complete") {
        const std::vector<elf::CacheEntry> entries{{"libapp.so.1", "/opt/app/libapp.so.1", {}}};
        shop.overlay("etc/ld.so.cache", elf::make_ld_so_cache(entries));
        static_cast<void>(shop.assemble("schema: 1\npackage: app\npaths: [/usr/bin/app]\n"));
        CHECK(shop.reporter.warnings.empty());
    }
    SECTION("of something else") {
        const std::string theirs = elf::make_ld_so_cache({{"libx.so.1", "/opt/x/libx.so.1", {}}});
        shop.overlay("etc/ld.so.cache", theirs);
        const Assembled image = shop.assemble("schema: 1\npackage: app\npaths: [/usr/bin/app]\n");
        const Regular* cache = as_regular(image.tree.find(at("/etc/ld.so.cache")));
        REQUIRE(cache != nullptr);
        CHECK(cache->content.size == theirs.size());
        REQUIRE(shop.reporter.warnings.size() == 1);
        CHECK(shop.reporter.warnings.front().find("does not list '/opt/app/libapp.so.1'") != std::string::npos);
    }
}
