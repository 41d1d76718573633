// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/resolver/rpm_build.h"

#include <catch2/catch.hpp>

#include "base/content_store.h"
#include "resolver/rpm_package.h"

namespace smith::test {

bool can_build_rpms() {
    for (const char* program : {"rpmbuild", "rpmsign", "gpg"}) {
        if (!has_program(program)) {
            WARN("skipped: " << program << " is not installed");
            return false;
        }
    }
    return true;
}

std::filesystem::path build_rpm(const std::filesystem::path& dir, const RpmSpec& spec) {
    const TempDir top;
    write(top / "x.spec", "Name: " + spec.name +
                              "\nVersion: 1\nRelease: 1\nSummary: for a test\nLicense: MIT\nBuildArch: noarch\n" +
                              spec.tags + "\n%description\nfor a test\n%install\nR=%{buildroot}\nmkdir -p $R\n" +
                              spec.install + "\n" + spec.rest + "\n%files\n" + spec.files + "\n");
    REQUIRE(run("HOME=" + top.path().string() + " SOURCE_DATE_EPOCH=1 rpmbuild -bb --define '_topdir " +
                top.path().string() + "' --define '_rpmdir " + dir.string() +
                "' --define '_rpmfilename %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm'" +
                " --define '_binary_payload " + spec.payload + "' --define '__os_install_post %{nil}' " +
                (top / "x.spec").string()));
    return dir / (spec.name + "-1-1.noarch.rpm");
}

RpmSpec one_file() {
    RpmSpec spec;
    spec.payload = "w.ufdio";
    spec.install = "mkdir $R/d; echo same >$R/d/a";
    spec.files = "/d/a\n";
    return spec;
}

std::map<std::string, std::string> contents_of(const std::filesystem::path& file) {
    const TempDir dir;
    const resolver::RpmHeader header = resolver::read_rpm_header(file, nullptr);
    const ContentStore store(dir / "store");
    PackWriter writer = store.write_pack(sha256("x"));
    const auto contents = resolver::unpack_rpm(file, header, writer);
    const auto pack = writer.commit();
    std::map<std::string, std::string> out;
    REQUIRE(contents.size() == header.files.size());
    for (std::size_t i = 0; i < contents.size(); ++i) {
        if (!contents[i]) continue;
        const auto bytes = pack->find(contents[i]->digest).value();
        const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        CHECK(sha256(text) == contents[i]->digest);
        out[header.files[i].path.str()] = text;
    }
    return out;
}

resolver::Keyring keyring_of(const std::string& key) {
    resolver::Keyring keyring;
    keyring.add(key, "test key");
    return keyring;
}

GpgHome::GpgHome(const std::string& algorithm, const std::string& at) {
    std::filesystem::permissions(home_.path(), std::filesystem::perms::owner_all);
    REQUIRE(run(gpg(at) + " --passphrase '' --quick-gen-key tester@example.com " + algorithm + " sign never"));
}

GpgHome::~GpgHome() { static_cast<void>(run("gpgconf --homedir " + home_.path().string() + " --kill all")); }

std::string GpgHome::gpg(const std::string& at) const {
    return "gpg --batch --yes --quiet --pinentry-mode loopback --homedir " + home_.path().string() +
           (at.empty() ? "" : " --faked-system-time " + at);
}

std::string GpgHome::fingerprint() const {
    REQUIRE(run(gpg() + " --with-colons --list-keys | awk -F: '/^fpr/{print $10; exit}' >" + (home_ / "fpr").string()));
    std::string out = read(home_ / "fpr");
    out.pop_back();
    return out;
}

std::string GpgHome::public_key() const {
    REQUIRE(run(gpg() + " --armor --export >" + (home_ / "key").string()));
    return read(home_ / "key");
}

std::string GpgHome::public_key_binary() const {
    REQUIRE(run(gpg() + " --export >" + (home_ / "key").string()));
    return read(home_ / "key");
}

void GpgHome::sign_rpm(const std::filesystem::path& file, const std::string& digest) const {
    REQUIRE(run("HOME=" + home_.path().string() + " GNUPGHOME=" + home_.path().string() +
                " rpmsign --addsign --define \"__gpg $(command -v gpg)\" --define '_gpg_name tester@example.com' "
                "--define '_gpg_path " +
                home_.path().string() + "' --define '_gpg_digest_algo " + digest + "' " + file.string()));
}

void GpgHome::sign_detached(const std::filesystem::path& file) const {
    REQUIRE(run(gpg() + " --armor --detach-sign --output " + file.string() + ".asc " + file.string()));
}

std::string GpgHome::signature_of(const std::string& bytes, const std::string& at, const std::string& options) const {
    write(home_ / "signed", bytes);
    REQUIRE(run(gpg(at) + " " + options + " --detach-sign --output - " + (home_ / "signed").string() + " >" +
                (home_ / "signature").string()));
    return read(home_ / "signature");
}

void GpgHome::add_subkey(const std::string& algorithm, const std::string& usage, const std::string& at) const {
    REQUIRE(
        run(gpg(at) + " --passphrase '' --quick-add-key " + fingerprint() + " " + algorithm + " " + usage + " never"));
}

void GpgHome::edit_key(const std::string& commands) const {
    REQUIRE(run("printf '" + commands + "' | " + gpg() +
                " --expert --no-batch --no-tty --passphrase '' --command-fd 0 --edit-key " + fingerprint()));
}

void GpgHome::revoke_subkey() const { edit_key("key 1\\nrevkey\\ny\\n0\\n\\ny\\nsave\\n"); }

void GpgHome::change_subkey_usage_to_encrypt() const { edit_key("key 1\\nchange-usage\\ns\\ne\\nq\\nsave\\n"); }

void GpgHome::revoke() const {
    // gpg puts a colon in front, so that nobody revokes by accident.
    REQUIRE(run("sed 's/^:---/---/' " + home_.path().string() + "/openpgp-revocs.d/*.rev | " + gpg() + " --import"));
}

void GpgHome::expire(const std::string& at, const std::string& after, const std::string& which) const {
    REQUIRE(run(gpg(at) + " --passphrase '' --quick-set-expire " + fingerprint() + " " + after + " " + which));
}

}  // namespace smith::test
