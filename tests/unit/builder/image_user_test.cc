// SPDX-License-Identifier: Apache-2.0
#include "builder/image_user.h"

#include <catch2/catch.hpp>

#include "base/error.h"

using namespace smith;
using namespace smith::builder;

namespace {

/// "uid:gid" and the additional groups, as `user` is in an image with these account files.
std::string resolved(std::string_view user, const std::string& passwd, const std::string& group) {
    MemoryContents contents;
    FileTree tree;
    tree.put(ImagePath::parse("/etc/passwd"), {Regular{false, contents.put(passwd)}, "test"});
    tree.put(ImagePath::parse("/etc/group"), {Regular{false, contents.put(group)}, "test"});
    const ImageUser found = resolve_user(user, tree, contents);
    std::string out = std::to_string(found.uid) + ":" + std::to_string(found.gid);
    for (const std::uint32_t gid : found.additional_gids) out += " " + std::to_string(gid);
    return out;
}

const std::string kPasswd = "root:x:0:0::/:/bin/sh\nweb:x:33:34:Web:/write:\n# junk\nshort:x\nodd:x:-1:+2::/:\n";
const std::string kGroup = "root:x:0:\nadm:x:4:web,other\nwww:x:34:web\nlog:x:3:web\nbad:x:x:web\n";

}  // namespace

TEST_CASE("numbers need no account", "[image_user]") {
    CHECK(resolved("10:10", "", "") == "10:10");
    CHECK(resolved("10", "", "") == "10:0");
    CHECK(resolved("", "", "") == "0:0");
}

TEST_CASE("names and memberships come from the image's own files", "[image_user]") {
    CHECK(resolved("web", kPasswd, kGroup) == "33:34 3 4");
    CHECK(resolved("33", kPasswd, kGroup) == "33:34 3 4");
    CHECK(resolved("web:adm", kPasswd, kGroup) == "33:4");
    CHECK(resolved("web:77", kPasswd, kGroup) == "33:77");
}

TEST_CASE("what the image does not know is an error", "[image_user]") {
    CHECK_THROWS_AS(resolved("nobody", kPasswd, kGroup), Error);
    CHECK_THROWS_AS(resolved("web:nogroup", kPasswd, kGroup), Error);
    CHECK_THROWS_AS(resolved("short", kPasswd, kGroup), Error);
    CHECK_THROWS_AS(resolved("odd", kPasswd, kGroup), Error);
}

TEST_CASE("numbers are plain digits below (uid_t)-1", "[image_user]") {
    for (const char* user : {"-1", "+0", "0 ", " 0", "4294967295", "4294967296", "0x0", "1.0"}) {
        INFO(user);
        CHECK_THROWS_AS(resolved(user, kPasswd, kGroup), Error);
    }
}

TEST_CASE("an account file that is a link is followed inside the image only", "[image_user]") {
    MemoryContents contents;
    FileTree tree;
    tree.put(ImagePath::parse("/etc/passwd"), {Symlink{"../../../usr/passwd"}, "test"});
    tree.put(ImagePath::parse("/usr/passwd"), {Regular{false, contents.put("me:x:7:8::/:\n")}, "test"});
    CHECK(resolve_user("me", tree, contents).uid == 7);
    CHECK(resolve_user("me", tree, contents).home == "/");
    CHECK(resolve_user("99", tree, contents).home == "/");
}
