// SPDX-License-Identifier: Apache-2.0
//
// Packages as rpmbuild makes them, and as nobody should.
#include "resolver/rpm_package.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>

#include "resolver/rpm_layout.h"
#include "resolver/solve.h"
#include "tests/unit/resolver/rpm_build.h"
#include "tests/unit/resolver/support.h"

using namespace smith;
using namespace smith::resolver;
using test::build_rpm;
using test::can_build_rpms;
using test::contains;
using test::contents_of;
using test::error_of;
using test::GpgHome;
using test::keyring_of;
using test::one_file;
using test::RpmSpec;
using test::TempDir;

namespace {

RpmSpec everything(const std::string& payload = "w3.zstdio") {
    RpmSpec spec;
    spec.payload = payload;
    spec.install =
        "mkdir -p $R/usr/bin $R/etc $R/usr/share/doc $R/var/log $R/run\n"
        "printf '#!/bin/sh\\necho hello\\n' >$R/usr/bin/thing\n"
        "ln $R/usr/bin/thing $R/usr/bin/thing-too\n"
        "ln -s ../usr/bin/thing $R/usr/bin/link\n"
        "seq 100000 >$R/usr/share/numbers\n"
        ": >$R/usr/share/empty\n"
        "echo conf >$R/etc/thing.conf\n"
        "echo read >$R/usr/share/doc/README\n"
        "touch $R/var/log/thing.log\n";
    spec.files =
        "%attr(4755,root,root) /usr/bin/thing\n%attr(4755,root,root) /usr/bin/thing-too\n/usr/bin/link\n"
        "/usr/share/numbers\n/usr/share/empty\n%config(noreplace) /etc/thing.conf\n%doc /usr/share/doc/README\n"
        "%ghost /var/log/thing.log\n%attr(0700,daemon,daemon) %dir /run\n%caps(cap_net_raw=ep) /usr/share/numbers\n";
    spec.rest = "%post\necho never\n%postun -p /sbin/ldconfig\n";
    spec.tags = "Requires: libz.so.1()(64bit), bash >= 4\nEpoch: 3\nVendor: testers\n";
    return spec;
}

const RpmFile& file_named(const RpmHeader& header, const std::string& path) {
    const auto it =
        std::find_if(header.files.begin(), header.files.end(), [&](const auto& f) { return f.path.str() == path; });
    REQUIRE(it != header.files.end());
    return *it;
}

/// `file` with bytes replaced, the first time that they occur at or after `from`.
void edit(const std::filesystem::path& file, const std::string& old_bytes, const std::string& new_bytes,
          std::size_t from = 0) {
    std::string bytes = test::read(file);
    const std::size_t at = bytes.find(old_bytes, from);
    REQUIRE(at != std::string::npos);
    REQUIRE(old_bytes.size() == new_bytes.size());
    test::write(file, bytes.replace(at, old_bytes.size(), new_bytes));
}

std::size_t payload_start(const std::filesystem::path& file) {
    const std::size_t at = test::read(file).find("070701");
    REQUIRE(at != std::string::npos);
    return at;
}

Error refusal(const std::filesystem::path& file) {
    return error_of([&] { static_cast<void>(contents_of(file)); });
}

Error refusal_by(const std::string& key, const std::filesystem::path& file) {
    const Keyring keyring = keyring_of(key);
    return error_of([&] { static_cast<void>(read_rpm_header(file, &keyring)); });
}

}  // namespace

TEST_CASE("a header says all that a tree needs, before any payload is opened", "[rpm]") {
    if (!can_build_rpms()) return;
    const TempDir dir;
    const RpmHeader header = read_rpm_header(build_rpm(dir.path(), everything()), nullptr);
    CHECK(header.nevra.str() == "thing-3:1-1.noarch");
    CHECK(header.license == "MIT");
    CHECK(header.vendor == "testers");
    CHECK(header.source_rpm == "thing-1-1.src.rpm");
    CHECK(header.payload_compressor == "zstd");
    CHECK(header.file_digest_algorithm == "sha256");
    CHECK(header.scriptlets == std::vector<std::string>{"post", "postun"});
    CHECK(std::count(header.requirements.begin(), header.requirements.end(), "libz.so.1()(64bit)") == 1);
    CHECK(std::count(header.requirements.begin(), header.requirements.end(), "bash >= 4") == 1);
    CHECK(std::count(header.provides.begin(), header.provides.end(), "thing = 3:1-1") == 1);
    CHECK_FALSE(header.signature_verified);

    const RpmFile& program = file_named(header, "/usr/bin/thing");
    CHECK(program.kind == RpmFileKind::regular);
    CHECK(program.mode == 04755);
    CHECK(program.digest == Checksum{"sha256", sha256("#!/bin/sh\necho hello\n").hex()});
    CHECK(program.size == 21);
    CHECK(file_named(header, "/usr/bin/thing-too").hard_link == program.hard_link);
    CHECK(file_named(header, "/usr/bin/link").kind == RpmFileKind::symlink);
    CHECK(file_named(header, "/usr/bin/link").link_target == "../usr/bin/thing");
    CHECK(file_named(header, "/usr/share/numbers").capabilities == "cap_net_raw=ep");
    CHECK(file_named(header, "/etc/thing.conf").config);
    CHECK(file_named(header, "/usr/share/doc/README").doc);
    CHECK(file_named(header, "/var/log/thing.log").ghost);
    const RpmFile& directory = file_named(header, "/run");
    CHECK(directory.kind == RpmFileKind::directory);
    CHECK(directory.mode == 0700);
    CHECK(directory.owner == "daemon");
}

TEST_CASE("a payload gives the same files in every compression", "[rpm]") {
    if (!can_build_rpms()) return;
    for (const std::string payload : {"w.ufdio", "w9.gzdio", "w2.xzdio", "w3.zstdio", "w9.bzdio", "w6.lzdio"}) {
        INFO(payload);
        const TempDir dir;
        const auto contents = contents_of(build_rpm(dir.path(), everything(payload)));
        CHECK(contents.size() == 6);
        CHECK(contents.at("/usr/bin/thing") == "#!/bin/sh\necho hello\n");
        CHECK(contents.at("/usr/bin/thing-too") == contents.at("/usr/bin/thing"));
        CHECK(contents.at("/usr/share/numbers").size() == 588895);
        CHECK(contents.at("/usr/share/empty").empty());
        CHECK_FALSE(contents.contains("/var/log/thing.log"));
    }
}

TEST_CASE("a package without files is a package", "[rpm]") {
    if (!can_build_rpms()) return;
    const TempDir dir;
    CHECK(contents_of(build_rpm(dir.path(), {})).empty());
}

TEST_CASE("a package that is cut short is refused, wherever", "[rpm][hostile]") {
    if (!can_build_rpms()) return;
    const TempDir dir;
    const std::string bytes = test::read(build_rpm(dir.path(), everything("w9.gzdio")));
    for (const std::size_t size : {std::size_t{0}, std::size_t{50}, std::size_t{96}, std::size_t{200}, bytes.size() / 4,
                                   bytes.size() / 2, bytes.size() * 9 / 10}) {
        test::write(dir / "cut.rpm", std::string_view(bytes).substr(0, size));
        INFO(size);
        CHECK(refusal(dir / "cut.rpm").kind() == ErrorKind::integrity);
    }
    test::write(dir / "text.rpm", std::string(5000, 'x'));
    CHECK(refusal(dir / "text.rpm").kind() == ErrorKind::integrity);
}

TEST_CASE("a header that claims to be huge costs nothing", "[rpm][hostile]") {
    const TempDir dir;
    // Lead, then a signature header of 4 billion entries.
    std::string bytes("\xed\xab\xee\xdb\x03\x00\x00\x00", 8);
    bytes.resize(78);
    bytes += std::string("\x00\x05", 2);
    bytes.resize(96);
    bytes += std::string("\x8e\xad\xe8\x01\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff", 16);
    bytes.resize(4096);
    test::write(dir / "huge.rpm", bytes);
    CHECK(refusal(dir / "huge.rpm").kind() == ErrorKind::integrity);
}

TEST_CASE("a source package is refused", "[rpm]") {
    if (!can_build_rpms()) return;
    const TempDir dir;
    test::write(dir / "x.spec",
                "Name: x\nVersion: 1\nRelease: 1\nSummary: x\nLicense: x\nBuildArch: noarch\n%description\nx\n");
    REQUIRE(test::run("rpmbuild -bs --define '_topdir " + dir.path().string() + "' --define '_srcrpmdir " +
                      dir.path().string() + "' " + (dir / "x.spec").string()));
    CHECK(contains(refusal(dir / "x-1-1.src.rpm").message(), "source package"));
}

TEST_CASE("a signed package is taken with its key, and with no other", "[rpm][keys]") {
    if (!can_build_rpms()) return;
    const TempDir dir;
    const test::GpgHome right("rsa2048");
    const test::GpgHome wrong;
    const std::filesystem::path file = build_rpm(dir.path(), everything());
    CHECK(contains(refusal_by(right.public_key(), file).message(), "not signed"));

    right.sign_rpm(file);
    const Keyring keyring = keyring_of(wrong.public_key() + right.public_key());
    const RpmHeader header = read_rpm_header(file, &keyring);
    CHECK(header.signature_verified);
    CHECK(header.signer.size() == 16);
    CHECK(read_rpm_header(file, nullptr).nevra == header.nevra);

    const Error error = refusal_by(wrong.public_key(), file);
    CHECK(error.kind() == ErrorKind::integrity);
    CHECK(contains(error.message(), "not among the gpgkeys"));
    CHECK_NOTHROW(keyring_of(right.public_key_binary()));

    // What the signature covers cannot be changed.
    const std::string bytes = test::read(file);
    const std::size_t summary = bytes.rfind("for a test");
    std::string bad = bytes;
    bad[summary] = 'F';
    test::write(dir / "bad.rpm", bad);
    CHECK(refusal_by(right.public_key(), dir / "bad.rpm").kind() == ErrorKind::integrity);
}

TEST_CASE("EdDSA keys and signing subkeys are taken", "[rpm][keys]") {
    if (!can_build_rpms()) return;
    const TempDir dir;
    const std::filesystem::path file = build_rpm(dir.path(), {});
    const test::GpgHome eddsa;
    eddsa.sign_rpm(file);
    const Keyring first = keyring_of(eddsa.public_key());
    CHECK(read_rpm_header(file, &first).signature_verified);

    const test::GpgHome with_subkey("rsa2048");
    with_subkey.add_subkey();
    const std::filesystem::path other = build_rpm(dir.path(), {.name = "other"});
    with_subkey.sign_rpm(other);
    const Keyring second = keyring_of(with_subkey.public_key());
    CHECK(read_rpm_header(other, &second).signature_verified);
}

TEST_CASE("a revoked key does not count", "[rpm][keys][hostile]") {
    if (!can_build_rpms()) return;
    const TempDir dir;
    const test::GpgHome home;
    const std::filesystem::path file = build_rpm(dir.path(), {});
    home.sign_rpm(file);
    home.revoke();
    const Error error = refusal_by(home.public_key(), file);
    CHECK(error.kind() == ErrorKind::integrity);
    CHECK(contains(error.message(), "revoked"));
}

TEST_CASE("a key does not count after it has expired", "[rpm][keys][hostile]") {
    if (!can_build_rpms()) return;
    const TempDir dir;
    const test::GpgHome home("ed25519", "20200101T000000");
    const std::filesystem::path file = build_rpm(dir.path(), {});
    home.sign_rpm(file);
    home.expire("20200601T000000", "1d");
    const Error error = refusal_by(home.public_key(), file);
    CHECK(error.kind() == ErrorKind::integrity);
    CHECK(contains(error.message(), "expired"));
}

TEST_CASE("a signature over SHA-1 does not count", "[rpm][keys][hostile]") {
    if (!can_build_rpms()) return;
    const TempDir dir;
    const test::GpgHome home("rsa2048");
    const std::filesystem::path file = build_rpm(dir.path(), {});
    home.sign_rpm(file, "sha1");
    CHECK(contains(refusal_by(home.public_key(), file).message(), "SHA-1"));
}

TEST_CASE("what is not a key is refused", "[keys][hostile]") {
    for (const std::string bad :
         {"", "hello", "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----\n", "\x99\x01",
          "\x99\x00\x06\x04\x00\x00\x00\x00\x01"}) {
        CHECK(error_of([&] { static_cast<void>(keyring_of(bad)); }).kind() == ErrorKind::format);
    }
}

TEST_CASE("a fetched package must be what it was fetched as, by a key of its repository", "[rpm][keys]") {
    if (!can_build_rpms()) return;
    const TempDir dir;
    const test::GpgHome home;
    const std::filesystem::path file = build_rpm(dir.path(), everything());
    LocalPackage package;
    package.ref.nevra = Nevra::parse("thing-3:1-1.noarch");
    package.ref.repo = "base";
    package.file = file;
    Keyrings keyrings;
    keyrings["base"] = std::nullopt;
    CHECK_NOTHROW(read_package_header(package, keyrings));

    keyrings["base"] = keyring_of(home.public_key());
    const Error unsigned_error = error_of([&] { static_cast<void>(read_package_header(package, keyrings)); });
    CHECK(unsigned_error.kind() == ErrorKind::integrity);
    CHECK(contains(unsigned_error.message(), "package 'thing-3:1-1.noarch' from repository 'base'"));
    CHECK(contains(unsigned_error.message(), "gpgkey"));
    home.sign_rpm(file);
    CHECK(read_package_header(package, keyrings).signature_verified);

    package.ref.nevra.version = "2";
    CHECK(contains(error_of([&] { static_cast<void>(read_package_header(package, keyrings)); }).message(),
                   "its header says that it is 'thing-3:1-1.noarch'"));
    package.ref.repo = "nowhere";
    CHECK(error_of([&] { static_cast<void>(read_package_header(package, keyrings)); }).kind() == ErrorKind::integrity);
    package.ref.repo = "";
    package.ref.nevra.version = "1";
    CHECK_NOTHROW(read_package_header(package, keyrings));
}

TEST_CASE("a local package takes part in solving, with what it requires", "[rpm][solve]") {
    if (!can_build_rpms()) return;
    const TempDir dir;
    RpmSpec spec;
    spec.tags = "Requires: lib\n";
    spec.name = "app";
    const std::filesystem::path app = build_rpm(dir.path(), spec);
    const std::filesystem::path lib = build_rpm(dir.path(), {.name = "lib"});
    Request request;
    request.arch = "x86_64";
    request.local_rpms = {local_rpm("./app.rpm", app)};
    HttpClient http(test::hasty());
    const Error error = error_of([&] { static_cast<void>(solve(request, {}, http, silent_reporter())); });
    CHECK(error.message() == "resolving './app.rpm': nothing provides 'lib', which app-1-1.noarch requires");

    request.local_rpms.push_back(local_rpm("./lib.rpm", lib));
    const Solution solution = solve(request, {}, http, silent_reporter());
    REQUIRE(solution.packages.size() == 2);
    CHECK(solution.packages[0].location == "./app.rpm");
    CHECK(solution.packages[0].repo.empty());
    CHECK(solution.packages[1].checksum.hex == sha256(test::read(lib)).hex());
    test::write(dir / "bad.rpm", "not a package");
    request.local_rpms = {local_rpm("./bad.rpm", dir / "bad.rpm")};
    CHECK(error_of([&] { static_cast<void>(solve(request, {}, http, silent_reporter())); }).kind() ==
          ErrorKind::integrity);
}

TEST_CASE("a signed repomd.xml is taken with its key only", "[metadata][keys]") {
    if (!can_build_rpms() || !test::has_program("createrepo_c")) return;
    const TempDir dir;
    const test::GpgHome right;
    const test::GpgHome wrong;
    static_cast<void>(build_rpm((dir / "repo"), {}));
    REQUIRE(test::run("createrepo_c " + (dir / "repo").string()));
    test::write(dir / "right.key", right.public_key());
    test::write(dir / "wrong.key", wrong.public_key());
    RepoConfig config;
    config.id = "signed";
    config.baseurls = {dir.url() + "/repo/"};
    config.gpgkeys = {dir.url() + "/right.key"};
    config.repo_gpgcheck = true;
    HttpClient http(test::hasty());
    const auto load = [&] {
        return error_of([&] { static_cast<void>(load_repositories({config}, {dir / "c"}, http, silent_reporter())); });
    };
    CHECK(load().kind() == ErrorKind::fetch);  // there is no signature
    right.sign_detached(dir / "repo/repodata/repomd.xml");
    CHECK(load().message() == "nothing was thrown");
    config.gpgkeys = {dir.url() + "/wrong.key"};
    CHECK(load().kind() == ErrorKind::integrity);
    config.gpgkeys = {};
    CHECK(contains(load().message(), "no gpgkey"));
    config.gpgkeys = {dir.url() + "/right.key"};
    edit(dir / "repo/repodata/repomd.xml", "<revision>", "<revisioN>");
    CHECK(load().kind() == ErrorKind::integrity);
    test::write(dir / "repo/repodata/repomd.xml.asc", "garbage");
    CHECK(load().kind() == ErrorKind::integrity);
}

TEST_CASE("a file over 4 GiB is unpacked", "[.][slow]") {
    if (!can_build_rpms()) return;
    const TempDir dir;
    RpmSpec spec;
    spec.payload = "w1.zstdio";
    spec.install = "truncate -s 4400M $R/big; echo end >$R/last";
    spec.files = "/big\n/last";
    const std::filesystem::path file = build_rpm(dir.path(), spec);
    const RpmHeader header = read_rpm_header(file, nullptr);
    CHECK(file_named(header, "/big").size == 4400ULL << 20U);
    const ContentStore store(dir / "store");
    PackWriter writer = store.write_pack(sha256("x"));
    const auto contents = unpack_rpm(file, header, writer);
    CHECK(contents.at(0)->size == 4400ULL << 20U);
    CHECK(contents.at(1)->digest == sha256("end\n"));
}

TEST_CASE("a header is known by the digest that rpm calls it by", "[rpm]") {
    if (!can_build_rpms()) return;
    const TempDir dir;
    const std::filesystem::path file = build_rpm(dir.path(), one_file());
    const RpmHeader header = read_rpm_header(file, nullptr);
    CHECK(header.header_end == payload_start(file));
    REQUIRE(test::run("rpm -qp --qf '%{SHA256HEADER}' " + file.string() + " >" + (dir / "digest").string()));
    CHECK(header.digest.hex() == test::read(dir / "digest"));

    SECTION("also when there is nothing behind it") {
        std::filesystem::resize_file(file, header.header_end);
        CHECK(read_rpm_header(file, nullptr).digest == header.digest);
    }
    SECTION("which no signature changes") {
        const GpgHome home;
        home.sign_rpm(file);
        CHECK(read_rpm_header(file, nullptr).digest == header.digest);
    }
}

TEST_CASE("a file that ends within its header has none", "[rpm][hostile]") {
    const TempDir dir;
    const auto find_in = [&](const std::string& bytes) {
        test::write(dir / "x.rpm", bytes);
        const UniqueFd fd = open_file(dir / "x.rpm", O_RDONLY);
        return find_header(fd.get());
    };
    const std::string lead(96, 'l');
    const std::string magic("\x8e\xad\xe8\x01\0\0\0\0", 8);
    // One entry and five bytes: padded to eight bytes, so that the header starts at 96 + 16 + 16 + 8.
    const std::string signatures = magic + std::string("\0\0\0\1\0\0\0\5", 8) + std::string(24, 's');
    const std::string header = magic + std::string("\0\0\0\2\0\0\0\7", 8) + std::string(39, 'h');
    CHECK(find_in(lead + signatures + header) == HeaderRange{136, 191});
    CHECK(find_in(lead + signatures + header.substr(0, 16)) == HeaderRange{136, 191});
    for (const std::string& bytes :
         {std::string(), lead, lead + signatures, lead + signatures + header.substr(0, 15)}) {
        const Error error = error_of([&] { static_cast<void>(find_in(bytes)); });
        CHECK(error.kind() == ErrorKind::integrity);
        CHECK(contains(error.message(), "ends before its header"));
    }
    const Error no_header = error_of([&] { static_cast<void>(find_in(lead + signatures + std::string(16, 'h'))); });
    CHECK(contains(no_header.message(), "no header where"));
    const std::string endless = magic + std::string("\xff\xff\xff\xff\xff\xff\xff\xff", 8);
    CHECK(contains(error_of([&] { static_cast<void>(find_in(lead + endless)); }).message(), "larger than all bounds"));
}
