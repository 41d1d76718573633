// SPDX-License-Identifier: Apache-2.0
//
// Packages whose digests are in order and that lie all the same: in the names, sizes and links of their cpio archive,
// in the file list of their header, in their compression. What comes out of a package is what its header says, or
// nothing.
#include <sys/resource.h>

#include <catch2/catch.hpp>
#include <functional>

#include "resolver/rpm_package.h"
#include "tests/unit/resolver/rpm_build.h"
#include "tests/unit/resolver/rpm_forge.h"
#include "tests/unit/resolver/support.h"

using namespace smith;
using namespace smith::resolver;
using test::build_rpm;
using test::can_build_rpms;
using test::contains;
using test::contents_of;
using test::cpio;
using test::cpio_end;
using test::CpioEntry;
using test::error_of;
using test::ForgedRpm;
using test::TempDir;

namespace {

using Files = std::map<std::string, std::string>;

const CpioEntry kHonest{.name = "./d/a", .bytes = "same\n"};

bool is_fine(const Error& error) { return error.message() == "nothing was thrown"; }
bool is_refusal(const Error& error) {
    return !is_fine(error) && (error.kind() == ErrorKind::integrity || error.kind() == ErrorKind::format);
}

/// The package of "/d/a". Built once: rpmbuild takes longer than all that is done to it.
const ForgedRpm& honest_rpm() {
    static const ForgedRpm rpm = [] {
        const TempDir dir;
        return ForgedRpm(build_rpm(dir.path(), test::one_file()));
    }();
    return rpm;
}

/// A package that is changed, and whose digests are then made right again.
struct Forgery {
    TempDir dir;
    std::filesystem::path file = dir / "forged.rpm";
    ForgedRpm rpm;
    Files contents;  ///< what unpack() got

    explicit Forgery(ForgedRpm from = honest_rpm()) : rpm(std::move(from)) {}

    Error unpack_as_it_is() {
        rpm.write(file);
        contents.clear();
        return error_of([&] { contents = contents_of(file); });
    }
    Error unpack() {
        rpm.seal_payload();
        rpm.seal_header();
        return unpack_as_it_is();
    }
    Error unpack(const std::vector<CpioEntry>& entries) {
        rpm.payload = cpio(entries) + cpio_end();
        return unpack();
    }
};

Error refusal_of_payload(const std::string& payload) {
    Forgery forgery;
    forgery.rpm.payload = payload;
    return forgery.unpack();
}
Files contents_of_payload(const std::string& payload) {
    Forgery forgery;
    forgery.rpm.payload = payload;
    CHECK(is_fine(forgery.unpack()));
    return forgery.contents;
}

Error refusal_of_header(const std::function<void(ForgedRpm&)>& change) {
    Forgery forgery;
    change(forgery.rpm);
    return forgery.unpack();
}

std::string compressed(const std::string& program, const std::string& bytes) {
    const TempDir dir;
    test::write(dir / "in", bytes);
    REQUIRE(test::run(program + " <" + (dir / "in").string() + " >" + (dir / "out").string()));
    return test::read(dir / "out");
}

long peak_memory_kib() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

}  // namespace

TEST_CASE("what the forge puts together unchanged is the package", "[rpm][forge]") {
    if (!can_build_rpms()) return;
    const TempDir dir;
    const std::filesystem::path file = build_rpm(dir.path(), test::one_file());
    CHECK(sha256(ForgedRpm(file).header_bytes()) == read_rpm_header(file, nullptr).digest);
    CHECK(contents_of_payload(cpio({kHonest}) + cpio_end()) == Files{{"/d/a", "same\n"}});
}

TEST_CASE("a flipped bit never becomes a wrong header or a wrong file", "[rpm][hostile]") {
    if (!can_build_rpms()) return;
    const test::GpgHome key;
    const Keyring keyring = test::keyring_of(key.public_key());
    const TempDir dir;
    const ContentStore store(dir / "store");
    for (const std::string payload : {"w.ufdio", "w9.gzdio", "w2.xzdio", "w3.zstdio", "w9.bzdio"}) {
        test::RpmSpec spec = test::one_file();
        spec.payload = payload;
        const std::filesystem::path file = build_rpm(dir.path(), spec);
        key.sign_rpm(file);
        const std::string bytes = test::read(file);
        const RpmHeader good = read_rpm_header(file, &keyring);
        const std::string good_payload = bytes.substr(good.header_end);
        // Not committed: thousands of packs need not be on disk.
        const auto unpacked = [&](const std::filesystem::path& rpm, const RpmHeader& header) {
            PackWriter pack = store.write_pack(sha256("x"));
            return unpack_rpm(rpm, header, pack);
        };
        const auto contents = unpacked(file, good);
        const auto check = [&](std::size_t at, unsigned bit) {
            std::string bad = bytes;
            bad[at] = static_cast<char>(static_cast<unsigned char>(bad[at]) ^ 1U << bit);
            test::write(dir / "bad.rpm", bad);
            bool same = false;
            const Error error = error_of([&] {
                const RpmHeader header = read_rpm_header(dir / "bad.rpm", &keyring);
                same = unpacked(dir / "bad.rpm", header) == contents && header.digest == good.digest;
            });
            // The lead, padding, and the signature header's other tags decide nothing, so they may change.
            const bool harmless = same && at < good.header_end;
            if (!is_refusal(error) && !harmless) FAIL(payload << " at " << at << "." << bit << ": " << error.message());
        };
        // Every byte of a payload, some of the others, which have a digest as well, and some before it; all eight bits
        // in turn.
        const std::size_t stride = payload == "w.ufdio" ? 10 : 50;
        const std::size_t step = payload == "w9.gzdio" ? 1 : 5;
        for (std::size_t at = good.header_end; at < bytes.size(); at += step) check(at, static_cast<unsigned>(at % 8));
        for (std::size_t at = 0; at < good.header_end; at += stride) check(at, static_cast<unsigned>(at / stride % 8));
    }
}

TEST_CASE("a payload that is not the header's is refused before it is opened", "[rpm][hostile]") {
    if (!can_build_rpms()) return;
    Forgery forgery;
    // The time of a file in a cpio archive is of no use to anybody: only the digest of the whole payload sees it.
    forgery.rpm.payload[6 + 5 * 8 + 7] ^= 1;
    forgery.rpm.seal_header();
    const Error error = forgery.unpack_as_it_is();
    CHECK(error.kind() == ErrorKind::integrity);
    CHECK(contains(error.message(), "its payload is damaged: expected sha256:"));

    SECTION("a package without such a digest has those of its files") {
        for (const std::uint32_t tag :
             {test::kTagPayloadDigest, test::kTagPayloadDigestAlgo, test::kTagPayloadDigestAlt}) {
            forgery.rpm.remove(tag);
        }
        forgery.rpm.seal_header();
        CHECK(is_fine(forgery.unpack_as_it_is()));
        CHECK(forgery.contents == Files{{"/d/a", "same\n"}});
    }
    SECTION("a digest that cannot be read is not none") {
        forgery.rpm.set(test::strings_tag(test::kTagPayloadDigest, {"a", "b"}));
        forgery.rpm.seal_header();
        CHECK(is_refusal(forgery.unpack_as_it_is()));
    }
}

TEST_CASE("a payload cannot name a file that the header does not have", "[rpm][hostile]") {
    if (!can_build_rpms()) return;
    for (const std::string name : {"../d/a", "./../d/a", "./d/../d/a", "./d/b", "d/../../etc/shadow", "/etc/shadow",
                                   "./d", "", ".", "./d/a/", "./d/a/b", "./D/A", "TRAILER!!"}) {
        INFO(name);
        CHECK(refusal_of_payload(cpio({{.name = name, .bytes = "same\n"}}) + cpio_end()).kind() ==
              ErrorKind::integrity);
        // Also beside the file that it has.
        CHECK(refusal_of_payload(cpio({kHonest, {.name = name, .bytes = "same\n"}}) + cpio_end()).kind() ==
              ErrorKind::integrity);
    }
    // Another spelling of a name that it has is that name.
    CHECK(contents_of_payload(cpio({{.name = ".//d/a", .bytes = "same\n"}}) + cpio_end()) == Files{{"/d/a", "same\n"}});
    CHECK(is_refusal(refusal_of_payload(cpio({{.name = std::string("./d/a\0b", 7), .bytes = "Same\n"}}) + cpio_end())));
    CHECK(is_refusal(refusal_of_payload(cpio({{.name = "./" + std::string(100'000, 'x')}}) + cpio_end())));
}

TEST_CASE("a link of the payload leads nowhere", "[rpm][hostile]") {
    if (!can_build_rpms()) return;
    const TempDir canary;
    test::write(canary / "file", "canary");
    // The package's own link, and then a file through it: as no file of that name is in the header, there is none.
    test::RpmSpec spec = test::one_file();
    spec.install += "; ln -s " + canary.path().string() + " $R/d/link";
    spec.files += "/d/link\n";
    const TempDir dir;
    Forgery forgery{ForgedRpm(build_rpm(dir.path(), spec))};
    const CpioEntry link{.name = "./d/link", .bytes = canary.path().string(), .mode = 0120777, .inode = 2};
    CHECK(is_fine(forgery.unpack({kHonest, link})));
    CHECK(forgery.contents == Files{{"/d/a", "same\n"}});
    CHECK(is_refusal(forgery.unpack({kHonest, link, {.name = "./d/link/file", .bytes = "evil"}})));
    // A link in the archive where the header has a file: its target is not that file's bytes.
    CHECK(is_refusal(forgery.unpack({{.name = "./d/a", .bytes = canary.path().string(), .mode = 0120777}, link})));
    // And another target than the header's.
    CHECK(is_refusal(forgery.unpack({kHonest, {.name = "./d/link", .bytes = "/etc", .mode = 0120777, .inode = 2}})));
    CHECK(test::read(canary / "file") == "canary");
    CHECK(std::distance(std::filesystem::directory_iterator(canary.path()), {}) == 1);
}

TEST_CASE("a payload cannot have other bytes than the header says", "[rpm][hostile]") {
    if (!can_build_rpms()) return;
    const auto file = [](const std::string& bytes) { return CpioEntry{.name = "./d/a", .bytes = bytes}; };
    CHECK(contains(refusal_of_payload(cpio({file("SAME\n")}) + cpio_end()).message(), "'/d/a': expected sha256:"));
    for (const std::string bytes : {"", "same", "same\nand more", "\n"}) {
        INFO(bytes);
        CHECK(refusal_of_payload(cpio({file(bytes)}) + cpio_end()).kind() == ErrorKind::integrity);
    }
    CHECK(contains(refusal_of_payload(cpio({kHonest, kHonest}) + cpio_end()).message(), "twice"));
    CHECK(refusal_of_payload(cpio_end()).kind() == ErrorKind::integrity);
    CHECK(refusal_of_payload("").kind() == ErrorKind::integrity);
    CHECK(refusal_of_payload(cpio({kHonest})).kind() == ErrorKind::integrity);
    CHECK(refusal_of_payload(cpio_end() + cpio({kHonest}) + cpio_end()).kind() == ErrorKind::integrity);
    CHECK(refusal_of_payload(std::string(1000, '\0')).kind() == ErrorKind::integrity);
    SECTION("what is behind the end is not there") {
        const CpioEntry more{.name = "../../etc/shadow", .bytes = "evil"};
        CHECK(contents_of_payload(cpio({kHonest}) + cpio_end() + cpio({more}) + cpio_end()) ==
              Files{{"/d/a", "same\n"}});
    }
}

TEST_CASE("numbers of a payload decide nothing", "[rpm][hostile]") {
    if (!can_build_rpms()) return;
    for (const std::uint64_t size : {0U, 4U, 6U, 0x7fffffffU, 0xffffffffU}) {
        INFO(size);
        // librpm goes by the header's size, so that a lie is either not looked at or found out.
        CpioEntry entry = kHonest;
        entry.claimed_size = size;
        const Error error = refusal_of_payload(cpio({entry}) + cpio_end());
        CHECK((is_refusal(error) || is_fine(error)));
    }
    for (const std::uint64_t size : {0U, 1U, 4U, 7U, 100U, 0x7fffffffU, 0xffffffffU}) {
        INFO(size);
        CpioEntry entry = kHonest;
        entry.claimed_name_size = size;
        CHECK(is_refusal(refusal_of_payload(cpio({entry}) + cpio_end())));
    }
    std::string payload = cpio({kHonest}) + cpio_end();
    SECTION("digits that are none") {
        payload[10] = 'x';
        const Error error = refusal_of_payload(payload);
        CHECK((is_refusal(error) || is_fine(error)));
    }
    SECTION("an unknown magic number") { CHECK(is_refusal(refusal_of_payload(payload.replace(0, 6, "070707")))); }
    SECTION("a stripped archive names files by their number in the header") {
        // "07070X", the number, padding: rpm's form for files over 4 GiB.
        for (const std::string index : {"00000001", "7fffffff", "ffffffff", "80000000", "0000000x"}) {
            INFO(index);
            CHECK(is_refusal(refusal_of_payload("07070X" + index + std::string(2, '\0') + "same\n")));
        }
        CHECK(contents_of_payload("07070X00000000" + std::string(2, '\0') + "same\n" + std::string(3, '\0') +
                                  cpio_end()) == Files{{"/d/a", "same\n"}});
    }
}

TEST_CASE("hard links have the bytes that the header says, each", "[rpm][hostile]") {
    if (!can_build_rpms()) return;
    const TempDir dir;
    test::RpmSpec spec = test::one_file();
    spec.install += "; ln $R/d/a $R/d/b; echo evil >$R/d/c";
    spec.files += "/d/b\n/d/c\n";
    Forgery forgery{ForgedRpm(build_rpm(dir.path(), spec))};
    const CpioEntry empty_a{.name = "./d/a", .links = 2};
    const CpioEntry full_b{.name = "./d/b", .bytes = "same\n", .links = 2};
    const CpioEntry evil_b{.name = "./d/b", .bytes = "evil\n", .links = 2};
    const CpioEntry c{.name = "./d/c", .bytes = "evil\n", .inode = 2};
    CHECK(is_fine(forgery.unpack({empty_a, full_b, c})));
    CHECK(forgery.contents == Files{{"/d/a", "same\n"}, {"/d/b", "same\n"}, {"/d/c", "evil\n"}});
    // The bytes never come; are others; are those of another file; come twice.
    CHECK(is_refusal(forgery.unpack({empty_a, c})));
    CHECK(is_refusal(forgery.unpack({empty_a, evil_b, c})));
    CHECK(is_refusal(forgery.unpack({empty_a, {.name = "./d/c", .bytes = "evil\n", .links = 3}})));
    CHECK(is_refusal(forgery.unpack({full_b, full_b, c})));
    CHECK(is_refusal(forgery.unpack({empty_a, empty_a, empty_a, full_b, c, c})));
}

TEST_CASE("a header cannot list files that contradict each other", "[rpm][hostile]") {
    if (!can_build_rpms()) return;
    using test::number_tag;
    using test::string_tag;
    using test::strings_tag;
    const auto refused = [](const test::RpmTag& tag) {
        INFO("tag " << tag.tag << ": " << tag.data);
        const Error error = refusal_of_header([&](ForgedRpm& rpm) { rpm.set(tag); });
        CHECK(is_refusal(error));
    };
    refused(strings_tag(test::kTagBaseNames, {"a", "b"}));
    refused(strings_tag(test::kTagBaseNames, {".."}));
    refused(strings_tag(test::kTagBaseNames, {"../a"}));
    refused(strings_tag(test::kTagBaseNames, {""}));
    refused(strings_tag(test::kTagBaseNames, {std::string(300, 'x')}));
    refused(strings_tag(test::kTagDirNames, {"d/"}));
    refused(strings_tag(test::kTagDirNames, {"/d/../../"}));
    refused(strings_tag(test::kTagDirNames, {""}));
    refused(number_tag(test::kTagDirIndexes, 1));
    refused(number_tag(test::kTagDirIndexes, 0xffffffff));
    refused(number_tag(test::kTagFileSizes, 6));
    refused(number_tag(test::kTagFileSizes, 0xffffffff));
    refused(strings_tag(test::kTagFileDigests, {""}));
    refused(strings_tag(test::kTagFileDigests, {std::string(64, '0')}));
    refused(strings_tag(test::kTagFileDigests, {std::string(64, 'z')}));
    refused(strings_tag(test::kTagFileDigests, {"12"}));
    // The digests are SHA-256, and the header says otherwise.
    for (const std::uint32_t algorithm : {0U, 1U, 2U, 10U, 99U, 0xffffffffU}) {
        INFO(algorithm);
        refused(number_tag(test::kTagFileDigestAlgo, algorithm));
    }
    refused(string_tag(test::kTagPayloadCompressor, "xz"));
    refused(string_tag(test::kTagPayloadCompressor, "gzip; true"));
    refused({test::kTagFileModes, test::RpmType::int16, 1, std::string("\x00\x00", 2)});
    refused({test::kTagFileModes, test::RpmType::int16, 2, std::string("\x81\xa4\x81\xa4", 4)});
    refused(string_tag(test::kTagName, ""));
    refused(number_tag(test::kTagName, 1));
}

TEST_CASE("a tag behind the header's immutable region is refused", "[rpm][hostile]") {
    if (!can_build_rpms()) return;
    CHECK(is_refusal(
        refusal_of_header([](ForgedRpm& rpm) { rpm.outside = {test::string_tag(test::kTagName, "evil")}; })));
}

TEST_CASE("tags of the signature header say nothing about the package", "[rpm][hostile]") {
    // CVE-2021-20271: nobody signs them.
    if (!can_build_rpms()) return;
    Forgery forgery;
    CHECK(is_fine(forgery.unpack()));
    const RpmHeader before = read_rpm_header(forgery.file, nullptr);
    forgery.rpm.signatures.push_back(test::strings_tag(test::kTagBaseNames, {"evil"}));
    forgery.rpm.signatures.push_back(test::strings_tag(test::kTagFileDigests, {std::string(64, '1')}));
    forgery.rpm.signatures.push_back(test::string_tag(1047, "evil-provide"));
    forgery.rpm.signatures.push_back(test::string_tag(1022, "evil-arch"));
    forgery.rpm.write(forgery.file);
    Files contents;
    const Error error = error_of([&] {
        const RpmHeader after = read_rpm_header(forgery.file, nullptr);
        CHECK(after.nevra == before.nevra);
        CHECK(after.provides == before.provides);
        CHECK(after.digest == before.digest);
        contents = contents_of(forgery.file);
        CHECK(contents == Files{{"/d/a", "same\n"}});
    });
    CHECK((is_refusal(error) || is_fine(error)));
}

TEST_CASE("a payload that unpacks to more than the header says ends early", "[rpm][hostile]") {
    if (!can_build_rpms()) return;
    const long before = peak_memory_kib();
    for (const auto& [name, program] : std::map<std::string, std::string>{
             {"gzip", "gzip -1"}, {"xz", "xz -0"}, {"bzip2", "bzip2 -1"}, {"zstd", "zstd -q -1"}}) {
        INFO(name);
        if (!test::has_program(name)) continue;
        // A file of five bytes with 8 MiB, and the same behind the archive's end.
        const std::string zeros(8 << 20, '\0');
        Forgery inside;
        inside.rpm.set(test::string_tag(test::kTagPayloadCompressor, name));
        inside.rpm.payload = compressed(program, cpio({{.name = "./d/a", .bytes = zeros}}) + cpio_end());
        CHECK(inside.unpack().kind() == ErrorKind::integrity);
        Forgery behind;
        behind.rpm.set(test::string_tag(test::kTagPayloadCompressor, name));
        behind.rpm.payload = compressed(program, cpio({kHonest}) + cpio_end() + zeros);
        CHECK(is_fine(behind.unpack()));
        CHECK(behind.contents == Files{{"/d/a", "same\n"}});
    }
    // Most of it for the test's own copies of the zeros.
    CHECK(peak_memory_kib() - before < 256 * 1024);
}

TEST_CASE("a payload cannot ask for a window of 2 GiB", "[rpm][hostile]") {
    if (!can_build_rpms()) return;
    Forgery zstd;
    zstd.rpm.set(test::string_tag(test::kTagPayloadCompressor, "zstd"));
    // Magic, a frame header that says "window of 2 GiB", an empty last block (RFC 8878, 3.1.1).
    zstd.rpm.payload = std::string("\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00", 9);
    const long before = peak_memory_kib();
    CHECK(zstd.unpack().kind() == ErrorKind::integrity);
    CHECK(peak_memory_kib() - before < 64 * 1024);
}
