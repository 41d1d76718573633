// SPDX-License-Identifier: Apache-2.0
//
// Whose signature counts, and over what. gpg makes keys and signatures, also such as it would not make by itself.
#include <algorithm>
#include <catch2/catch.hpp>

#include "resolver/rpm_package.h"
#include "tests/unit/resolver/rpm_build.h"
#include "tests/unit/resolver/rpm_forge.h"
#include "tests/unit/resolver/support.h"

using namespace smith;
using namespace smith::resolver;
using test::build_rpm;
using test::can_build_rpms;
using test::contains;
using test::error_of;
using test::ForgedRpm;
using test::GpgHome;
using test::keyring_of;
using test::TempDir;

namespace {

/// A package whose signature header holds what a test puts there.
struct Package {
    TempDir dir;
    std::filesystem::path file = build_rpm(dir.path(), test::one_file());
    ForgedRpm rpm{file};

    Package() { rpm.seal_header(); }
    void sign(const std::string& packet) {
        rpm.signatures.push_back(test::binary_tag(test::kTagHeaderSignature, packet));
        rpm.write(file);
    }
    void sign(const GpgHome& key) { sign(key.signature_of(rpm.header_bytes())); }
    [[nodiscard]] Error refusal_by(const std::string& key) const {
        return error_of([&] {
            const Keyring keyring = keyring_of(key);
            static_cast<void>(read_rpm_header(file, &keyring));
        });
    }
    [[nodiscard]] bool is_taken_by(const std::string& key) const {
        const Error error = refusal_by(key);
        INFO(error.message());
        CHECK((error.kind() == ErrorKind::integrity || error.message() == "nothing was thrown"));
        return error.message() == "nothing was thrown";
    }
};

}  // namespace

TEST_CASE("signatures of every algorithm that librpm has count", "[rpm][keys]") {
    if (!can_build_rpms()) return;
    for (const std::string algorithm : {"rsa2048", "rsa4096", "ed25519", "dsa2048", "nistp256", "nistp384"}) {
        INFO(algorithm);
        Package package;
        const GpgHome key(algorithm);
        package.sign(key);
        const Error error = package.refusal_by(key.public_key());
        if (!algorithm.starts_with("nistp")) {
            CHECK(error.message() == "nothing was thrown");
        } else if (error.message() != "nothing was thrown") {
            // librpm before 4.20 has no ECDSA of its own. Then the key is refused, and not the check left out.
            CHECK(error.kind() == ErrorKind::format);
            CHECK(contains(error.message(), "librpm cannot use key"));
        }
        package.rpm.signatures.clear();
        package.rpm.write(package.file);
        CHECK(package.refusal_by(key.public_key()).message() != "nothing was thrown");
    }
}

TEST_CASE("of two signatures, the one that is looked at is the one that is verified", "[rpm][keys][hostile]") {
    if (!can_build_rpms()) return;
    const GpgHome revoked("rsa2048");
    const GpgHome good("rsa2048");
    Package package;
    const std::string right = revoked.signature_of(package.rpm.header_bytes());
    const std::string borrowed = good.signature_of("something else");
    revoked.revoke();
    for (const auto& [first, second] : {std::pair(right, borrowed), std::pair(borrowed, right)}) {
        Package both;
        both.sign(first);
        both.sign(second);
        CHECK_FALSE(both.is_taken_by(revoked.public_key() + good.public_key()));
    }
    // The same where librpm has nothing against the key.
    Package genuine;
    genuine.sign(good);
    CHECK(genuine.is_taken_by(revoked.public_key() + good.public_key()));
}

TEST_CASE("a signature over something else does not count", "[rpm][keys][hostile]") {
    if (!can_build_rpms()) return;
    const GpgHome key;
    SECTION("another package's") {
        Package package;
        package.sign(key.signature_of("another header"));
        CHECK_FALSE(package.is_taken_by(key.public_key()));
    }
    SECTION("the header as text") {
        Package package;
        package.sign(key.signature_of(package.rpm.header_bytes(), "", "--textmode"));
        CHECK_FALSE(package.is_taken_by(key.public_key()));
    }
    SECTION("header and payload: rpm's old form, which says nothing of a header alone") {
        Package package;
        package.rpm.signatures.push_back(test::binary_tag(
            test::kTagLegacySignature, key.signature_of(package.rpm.header_bytes() + package.rpm.payload)));
        package.rpm.write(package.file);
        CHECK_FALSE(package.is_taken_by(key.public_key()));
    }
    SECTION("no signature at all in its place") {
        for (const std::string packet : {"", "garbage", "\x88\x00", "\x88\xff\xff\xff"}) {
            Package package;
            package.sign(packet);
            CHECK_FALSE(package.is_taken_by(key.public_key()));
        }
    }
    SECTION("a signature, and something behind it") {
        Package package;
        package.sign(key.signature_of(package.rpm.header_bytes()) + "x");
        CHECK_FALSE(package.is_taken_by(key.public_key()));
    }
}

TEST_CASE("a key does not count before it was made", "[rpm][keys][hostile]") {
    if (!can_build_rpms()) return;
    const GpgHome key("ed25519", "20200101T000000");
    Package early;
    early.sign(
        key.signature_of(early.rpm.header_bytes(), "20190101T000000", "--ignore-time-conflict --ignore-valid-from"));
    CHECK(contains(early.refusal_by(key.public_key()).message(), "before that was made"));
    Package late;
    late.sign(key.signature_of(late.rpm.header_bytes(), "20200102T000000"));
    CHECK(late.is_taken_by(key.public_key()));
}

TEST_CASE("a subkey counts as long as it is bound to its key, and neither of them is revoked", "[rpm][keys][hostile]") {
    if (!can_build_rpms()) return;
    // gpg signs with the newest subkey that can.
    const GpgHome key("rsa2048");
    key.add_subkey("rsa2048");
    Package package;
    package.sign(key);
    CHECK(package.is_taken_by(key.public_key()));
    const std::string binary = key.public_key_binary();

    SECTION("revoked") {
        // librpm before 4.20 can't read a key with such a subkey at all, which is an answer, too.
        key.revoke_subkey();
        const std::string said = package.refusal_by(key.public_key()).message();
        CHECK((contains(said, "revoked") || contains(said, "librpm cannot use key")));
    }
    SECTION("its primary key revoked") {
        key.revoke();
        CHECK(contains(package.refusal_by(key.public_key()).message(), "revoked"));
    }
    SECTION("bound by a signature that is forged (CVE-2021-3521)") {
        std::string forged = binary;
        forged[forged.size() - 20] = static_cast<char>(forged[forged.size() - 20] ^ 1);
        CHECK(package.refusal_by(forged).message() != "nothing was thrown");
    }
    SECTION("bound by nothing") {
        // A binding signature of an RSA 2048 key with RSA 2048 is in a packet with two octets of length: tag 2, 0x89.
        const std::size_t binding = binary.rfind(std::string("\x89\x02", 2));
        REQUIRE(binding != std::string::npos);
        CHECK(package.refusal_by(binary.substr(0, binding)).message() != "nothing was thrown");
    }
}

TEST_CASE("a subkey does not count after it has expired", "[rpm][keys][hostile]") {
    if (!can_build_rpms()) return;
    const GpgHome key("rsa2048", "20200101T000000");
    key.add_subkey("rsa2048", "sign", "20200102T000000");
    Package before;
    before.sign(key.signature_of(before.rpm.header_bytes(), "20200103T000000"));
    Package after;
    after.sign(key.signature_of(after.rpm.header_bytes(), "20200301T000000"));
    // Of itself, or with its primary key.
    key.expire("20200302T000000", "20200201T000000", GENERATE("'*'", ""));
    const std::string bytes = key.public_key();
    CHECK(before.is_taken_by(bytes));
    CHECK(contains(after.refusal_by(bytes).message(), "expired"));
}

TEST_CASE("a subkey for something else does not sign", "[rpm][keys][hostile]") {
    if (!can_build_rpms()) return;
    // Whoever keeps the signing key in a safe has the others on machines that are on the net.
    const GpgHome key("rsa2048");
    key.add_subkey("rsa2048", "sign");
    Package package;
    package.sign(key);
    REQUIRE(package.is_taken_by(key.public_key()));
    key.change_subkey_usage_to_encrypt();
    CHECK_FALSE(package.is_taken_by(key.public_key()));
}

TEST_CASE("a file of several keys is all of them, whatever one of them is", "[rpm][keys]") {
    if (!can_build_rpms()) return;
    const GpgHome one("rsa2048");
    const GpgHome two;
    Package package;
    package.sign(two);
    CHECK(package.is_taken_by(one.public_key() + "some text\n" + two.public_key()));
    CHECK(package.is_taken_by(one.public_key_binary() + two.public_key_binary()));
    CHECK_FALSE(package.is_taken_by(one.public_key()));
    const GpgHome gone;
    gone.revoke();
    CHECK(package.is_taken_by(gone.public_key() + two.public_key()));
    // A key that is revoked in one file is revoked, whatever the other one says.
    const std::string before = two.public_key();
    two.revoke();
    CHECK_FALSE(package.is_taken_by(before + two.public_key()));
    CHECK_FALSE(package.is_taken_by(two.public_key() + before));
}

TEST_CASE("a detached signature counts for its document, and alone", "[keys][hostile]") {
    if (!can_build_rpms()) return;
    const GpgHome key;
    const std::string document = "<repomd/>";
    const std::string good = key.signature_of(document);
    const std::string armored = key.signature_of(document, "", "--armor");
    const auto is_taken = [&](const std::string& text, const std::string& signature, const std::string& by) {
        const Keyring keyring = keyring_of(by);
        const Error error = error_of([&] { keyring.verify_detached(text, signature); });
        CHECK((error.kind() == ErrorKind::integrity || error.message() == "nothing was thrown"));
        return error.message() == "nothing was thrown";
    };
    const std::string mine = key.public_key();
    CHECK(is_taken(document, good, mine));
    CHECK(is_taken(document, armored, mine));
    CHECK_FALSE(is_taken(document + "\n", good, mine));
    CHECK_FALSE(is_taken("", good, mine));
    CHECK_FALSE(is_taken(document, key.signature_of("<repomd></repomd>"), mine));
    CHECK_FALSE(is_taken(document, key.signature_of(document, "", "--textmode"), mine));
    for (const std::string& bad : {std::string(), std::string("\n"), good + "x", good + good, armored + armored,
                                   good.substr(0, good.size() - 1), mine, "x" + good}) {
        CHECK_FALSE(is_taken(document, bad, mine));
    }
    const GpgHome other;
    CHECK_FALSE(is_taken(document, good, other.public_key()));
    CHECK_FALSE(is_taken(document, good + other.signature_of(document), mine + other.public_key()));
    key.revoke();
    CHECK_FALSE(is_taken(document, good, key.public_key()));
}
