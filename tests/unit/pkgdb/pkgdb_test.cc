// SPDX-License-Identifier: Apache-2.0
//
// Package databases as their own tools wrote them (tests/fuzz/pkgdb-seeds), and as nobody should.
#include <catch2/catch.hpp>
#include <filesystem>

#include "base/contents.h"
#include "base/error.h"
#include "base/fd.h"
#include "builder/pkgdb/attribute.h"
#include "builder/pkgdb/rpm_header.h"
#include "builder/pkgdb/rpmdb.h"
#include "builder/pkgdb/text_databases.h"

using namespace smith;
using namespace smith::pkgdb;

namespace {

std::string seed(const std::string& name) {
    return read_file(std::filesystem::path(SMITH_PKGDB_SEEDS) / name, 1U << 20U);
}

/// "ID: file file; ID: ...", or the reason why not.
std::string packages_in(std::string bytes) {
    std::string out;
    try {
        read_rpmdb(std::as_bytes(std::span(bytes)), [&](std::span<const std::byte> header) {
            const Package package = read_rpm_header(header);
            out += package.id() + ":";
            for (const std::string& file : package.files) out += " " + file;
            out += "; ";
        });
    } catch (const Error& e) {
        CHECK(e.kind() == ErrorKind::format);
        return e.message();
    }
    return out;
}

constexpr const char* kAll =
    "app-3:1.0-2.el9.x86_64: /usr/bin/app /etc/app.conf; glib-2.0-1.el9.x86_64: /usr/lib64/libg.so.1; "
    "gpg-pubkey-abc-def.x86_64:; ";

/// An image with databases in it.
struct Image {
    FileTree tree;
    MemoryContents contents;
    RecordingReporter reporter;

    Image& file(std::string_view path, std::string bytes = "") {
        tree.put(ImagePath::parse(path), {Regular{false, contents.put(std::move(bytes))}, "layer 1"});
        return *this;
    }
    Image& link(std::string_view path, std::string target) {
        tree.put(ImagePath::parse(path), {Symlink{std::move(target)}, "layer 1"});
        return *this;
    }
    std::string origin(std::string_view path) { return tree.find(ImagePath::parse(path))->origin; }
    std::vector<Package> attribute() { return attribute_files(tree, contents, reporter); }
};

std::string with(std::string bytes, std::size_t at, std::string_view text) {
    return bytes.replace(at, text.size(), text);
}

std::string little(std::uint32_t number) {
    std::string out;
    for (unsigned shift = 0; shift < 32; shift += 8) out += static_cast<char>((number >> shift) & 0xffU);
    return out;
}

}  // namespace

TEST_CASE("rpm's database is read in each of its three formats", "[pkgdb]") {
    CHECK(packages_in(seed("rpmdb.sqlite")) == kAll);
    CHECK(packages_in(seed("Packages.db")) == kAll);
    // A hash has no order that means anything.
    const std::string hash = packages_in(seed("Packages"));
    for (const char* package :
         {"app-3:1.0-2.el9.x86_64: /usr/bin/app /etc/app.conf; ", "glib-2.0-1.el9.x86_64: /usr/lib64/libg.so.1; "}) {
        CHECK_THAT(hash, Catch::Contains(package));
    }
}

TEST_CASE("a damaged rpm database is refused, wherever it is cut", "[pkgdb][hostile]") {
    for (const char* name : {"rpmdb.sqlite", "Packages.db", "Packages"}) {
        const std::string good = seed(name);
        for (std::size_t size = 0; size < good.size(); size += 97) {
            const std::string found = packages_in(good.substr(0, size));
            CHECK(found.size() < 1000);
        }
    }
    CHECK_THAT(packages_in(std::string(100, 'x')), Catch::Contains("neither SQLite, nor ndb"));
}

TEST_CASE("pages that lead in a circle end the reading of a database", "[pkgdb][hostile]") {
    // SQLite: the table's root page becomes an interior page whose only child is itself (page 2, of 512 bytes).
    const std::string page = std::string("\x05\x00\x00\x00\x00\x02\x00\x00\x00\x00\x00\x02", 12);
    CHECK_THAT(packages_in(with(seed("rpmdb.sqlite"), 512, page)), Catch::Contains("a tree that is none"));
    // Berkeley DB: an overflow page of nothing that is its own next one.
    std::string hash = seed("Packages");
    for (std::size_t at = 512; at + 512 <= hash.size(); at += 512) {
        if (hash[at + 25] != 7) continue;
        hash = with(hash, at + 16, little(static_cast<std::uint32_t>(at / 512)));
        hash = with(hash, at + 22, std::string(2, '\0'));
    }
    CHECK_THAT(packages_in(hash), Catch::Contains("an empty overflow page"));
}

TEST_CASE("blobs of a database that overlap are refused before they fill the memory", "[pkgdb][hostile]") {
    // ndb: every slot means the first blob, which is said to be all of the file.
    std::string ndb = seed("Packages.db");
    for (std::size_t at = 32; at < 4096; at += 16) ndb = with(ndb, at + 4, little(1) + little(256));
    ndb = with(ndb, 4096 + 12, little(static_cast<std::uint32_t>(ndb.size() - 4096 - 16)));
    CHECK_THAT(packages_in(ndb), Catch::Contains("blobs that overlap"));
}

TEST_CASE("a header with names without number is refused", "[pkgdb][hostile]") {
    const std::string good = seed("header");
    const auto refusal = [](const std::string& bytes) -> std::string {
        try {
            static_cast<void>(read_rpm_header(std::as_bytes(std::span(bytes))));
        } catch (const Error& e) {
            return e.message();
        }
        return "not refused";
    };
    CHECK(refusal(good) == "not refused");
    CHECK(refusal(with(good, 0, "\xff\xff\xff\xff")) != "not refused");
    CHECK(refusal(with(good, 4, "\xff\xff\xff\xff")) != "not refused");
    // The count of BASENAMES (tag 1117), which is in the index.
    const std::size_t at = good.find(std::string("\0\0\x04\x5d", 4));
    REQUIRE(at != std::string::npos);
    CHECK_THAT(refusal(with(good, at + 12, "\x7f\xff\xff\xff")), Catch::Contains("header of a package: "));
}

TEST_CASE("dpkg's files are of the packages whose lists name them", "[pkgdb]") {
    Image image;
    image.file("/var/lib/dpkg/status", seed("status"));
    image.file("/var/lib/dpkg/info/app:amd64.list", "/.\n/lib\n/lib/libapp.so.1\n/usr/share/app/link\n");
    image.file("/var/lib/dpkg/info/gone.list", "/etc/gone\n").file("/var/lib/dpkg/info/tool.list", "/bin/tool\n");
    image.link("/lib", "usr/lib").link("/bin", "usr/bin").file("/usr/lib/libapp.so.1").file("/usr/bin/tool");
    image.file("/etc/gone").link("/usr/share/app/link", "x");
    const std::vector<Package> packages = image.attribute();
    REQUIRE(packages.size() == 2);
    CHECK(packages[0].source == "app-src");
    // Through the links of a merged /usr, as dpkg laid it down.
    CHECK(image.origin("/usr/lib/libapp.so.1") == "app_1:1.0-2_amd64");
    CHECK(image.origin("/usr/share/app/link") == "app_1:1.0-2_amd64");
    CHECK(image.origin("/usr/bin/tool") == "tool_2.0_all");
    CHECK(image.origin("/etc/gone") == "layer 1");
    CHECK(image.origin("/lib") == "layer 1");
    CHECK(image.reporter.warnings.empty());
}

TEST_CASE("distroless keeps a file for each package", "[pkgdb]") {
    Image image;
    image.file("/var/lib/dpkg/status.d/base", "Package: base-files\nVersion: 12.4\nArchitecture: amd64\n");
    image.file("/var/lib/dpkg/status.d/base.md5sums", std::string(32, 'a') + "  usr/share/base\n");
    image.file("/usr/share/base");
    CHECK(image.attribute().size() == 1);
    CHECK(image.origin("/usr/share/base") == "base-files_12.4_amd64");
}

TEST_CASE("apk's files are of their packages", "[pkgdb]") {
    for (const char* path : {"/lib/apk/db/installed", "/usr/lib/apk/db/installed"}) {
        Image image;
        image.file(path, seed("installed")).file("/bin/busybox").file("/etc/securetty").file("/usr/bin/ssl_client");
        const std::vector<Package> packages = image.attribute();
        REQUIRE(packages.size() == 2);
        CHECK(packages[0].license == "GPL-2.0-only");
        CHECK(packages[1].source == "busybox");
        CHECK(image.origin("/bin/busybox") == "busybox-1.36.1-r5");
        CHECK(image.origin("/usr/bin/ssl_client") == "ssl_client-1.36.1-r5");
    }
}

TEST_CASE("rpm's files are of their packages, wherever the database is", "[pkgdb]") {
    for (const char* path : {"/var/lib/rpm/rpmdb.sqlite", "/usr/lib/sysimage/rpm/rpmdb.sqlite"}) {
        Image image;
        image.file(path, seed("rpmdb.sqlite")).file("/usr/bin/app").file("/usr/lib64/libg.so.1").link("/etc", "/usr");
        CHECK(image.attribute().size() == 2);  // and not the key
        CHECK(image.origin("/usr/bin/app") == "app-3:1.0-2.el9.x86_64");
        CHECK(image.origin("/usr/lib64/libg.so.1") == "glib-2.0-1.el9.x86_64");
    }
}

TEST_CASE("a database that can't be read is told, and stops nothing", "[pkgdb]") {
    Image image;
    image.file("/var/lib/rpm/Packages", std::string(4096, 'x')).file("/lib/apk/db/installed", seed("installed"));
    image.link("/var/lib/dpkg/status", "/dev/full").file("/bin/busybox");
    CHECK(image.attribute().size() == 2);
    REQUIRE(image.reporter.warnings.size() == 1);
    CHECK_THAT(image.reporter.warnings[0], Catch::Contains("the image's rpm database can't be read to its end"));
    CHECK(image.origin("/bin/busybox") == "busybox-1.36.1-r5");
}

TEST_CASE("names in a database lead nowhere but into the image", "[pkgdb][hostile]") {
    Image image;
    image.file("/var/lib/dpkg/status",
               "Package: ../../../etc/x\nStatus: install ok installed\nVersion: 1\n\n"
               "Package: a\nStatus: install ok installed\nVersion: 1\n");
    image.file("/var/lib/dpkg/info/a.list",
               "/../../etc/passwd\n/etc/..\n/etc/.\n/etc/\n//etc/passwd\n/" + std::string(300, 'n') + "\n/loop/x\n");
    image.link("/loop", "loop").file("/etc/passwd");
    CHECK(image.attribute().size() == 1);
    CHECK(image.origin("/etc/passwd") == "a_1");  // by the one line that names it
}
