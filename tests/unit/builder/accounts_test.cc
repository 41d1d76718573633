// SPDX-License-Identifier: Apache-2.0
#include "builder/accounts.h"

#include <catch2/catch.hpp>

#include "base/error.h"

namespace smith::builder {

namespace {

Accounts accounts_of(const std::string& user, const std::vector<std::string>& groups = {}) {
    Spec spec;
    spec.user = {user, {"f", 1, 7}};
    for (const std::string& group : groups) spec.groups.push_back({group, {"f", 2, 9}});
    return make_accounts(spec);
}

/// The lines of `file` that every image has are left out.
std::string own_lines(const std::string& file, std::size_t known) {
    std::size_t at = 0;
    for (; known > 0; --known) at = file.find('\n', at) + 1;
    return file.substr(at);
}

}  // namespace

TEST_CASE("a user in all its spellings", "[accounts]") {
    struct Case {
        const char* spelling;
        std::uint32_t uid, gid;
        const char *user, *group;
        bool files;
    };
    for (const Case& c :
         {Case{"", 10, 10, "smith", "smith", false}, Case{"root:root", 0, 0, "root", "root", true},
          Case{"0:0", 0, 0, "root", "root", false}, Case{"daemon", 1, 10, "daemon", "smith", true},
          Case{"1:1", 1, 1, "daemon", "daemon", false}, Case{"bin:adm", 2, 4, "bin", "adm", true},
          Case{"3:tty", 3, 5, "sys", "tty", true}, Case{"smith:0", 10, 0, "smith", "root", true},
          Case{"0:smith", 0, 10, "root", "smith", true}, Case{"1000:1000", 1000, 1000, "smith", "smith", false},
          Case{"nginx:www-data", 10, 10, "nginx", "www-data", true}, Case{"nginx", 10, 10, "nginx", "smith", true},
          Case{"nginx:1000", 10, 1000, "nginx", "smith", true}, Case{"1000:media", 1000, 10, "smith", "media", true},
          Case{":0", 10, 0, "smith", "root", false}, Case{"7:", 7, 10, "smith", "smith", false},
          Case{"4294967294", 4294967294U, 10, "smith", "smith", false}}) {
        INFO(c.spelling);
        const Accounts a = accounts_of(c.spelling);
        CHECK(a.uid == c.uid);
        CHECK(a.gid == c.gid);
        CHECK(a.user == c.user);
        CHECK(a.group == c.group);
        CHECK(a.write_files == c.files);
        CHECK(a.config_user == std::to_string(c.uid) + ":" + std::to_string(c.gid));
        CHECK(account_files(a).size() == (c.files ? 3 : 0));
    }
}

TEST_CASE("root runs, but does not own", "[accounts]") {
    Spec spec;
    spec.root = true;
    const Accounts a = make_accounts(spec);
    CHECK(a.config_user == "0:0");
    CHECK(a.uid == 10);
    CHECK(a.gid == 10);
}

TEST_CASE("the files name the user, with a home in /write", "[accounts]") {
    Spec spec;
    spec.nss = true;
    const Accounts a = make_accounts(spec);
    CHECK(a.passwd ==
          "root:x:0:0:root:/write:\n"
          "daemon:x:1:1:daemon:/write:\n"
          "bin:x:2:2:bin:/write:\n"
          "sys:x:3:3:sys:/write:\n"
          "smith:x:10:10:smith:/write:\n");
    CHECK(a.group_file == "root:x:0:\ndaemon:x:1:\nbin:x:2:\nsys:x:3:\nadm:x:4:\ntty:x:5:\nsmith:x:10:\n");
    CHECK(a.nsswitch.find("hosts:      files dns\n") != std::string::npos);
}

TEST_CASE("a user's line has the id of its group", "[accounts]") {
    CHECK(own_lines(accounts_of("app:1000").passwd, 4) == "app:x:10:1000:app:/write:\n");
    CHECK(own_lines(accounts_of("4:staff").passwd, 4) == "smith:x:4:10:smith:/write:\n");
    CHECK(own_lines(accounts_of("root").passwd, 4).empty());
}

TEST_CASE("groups count up from the user's, which is in each", "[accounts]") {
    const Accounts a = accounts_of("1000:1000", {"mock", "wheel"});
    CHECK(own_lines(a.group_file, 6) == "smith:x:1000:\nmock:x:1001:smith\nwheel:x:1002:smith\n");
    CHECK(a.additional_gids == std::vector<std::uint32_t>{1001, 1002});
    CHECK(a.write_files);
}

TEST_CASE("a known group keeps its id and gets a member", "[accounts]") {
    const Accounts a = accounts_of("app:app", {"audio", "tty", "video"});
    CHECK(a.group_file.find("tty:x:5:app\n") != std::string::npos);
    CHECK(own_lines(a.group_file, 6) == "app:x:10:\naudio:x:11:app\nvideo:x:12:app\n");
    CHECK(a.additional_gids == std::vector<std::uint32_t>{5, 11, 12});
}

TEST_CASE("groups that count up do not take the id of a known one", "[accounts]") {
    const Accounts a = accounts_of("root:root", {"one", "two"});
    CHECK(own_lines(a.group_file, 6) == "one:x:6:root\ntwo:x:7:root\n");
    CHECK_THROWS_WITH(accounts_of("1:4294967294", {"one"}),
                      "f:2:9: no id is left for the group 'one' above 4294967294");
}

TEST_CASE("a group that is named twice, or is the user's own, is there once", "[accounts]") {
    const Accounts a = accounts_of("app:app", {"app", "x", "x"});
    CHECK(own_lines(a.group_file, 6) == "app:x:10:\nx:x:11:app\n");
}

TEST_CASE("a user that some would read as root is refused", "[accounts]") {
    for (const char* user : {"0 ",
                             " 0",
                             "+0",
                             "-0",
                             "00",
                             "0x0",
                             "0:0:0",
                             "-1",
                             "4294967295",
                             "4294967296",
                             "99999999999999999999",
                             "1e3",
                             "a b",
                             "a\nroot:x:0:0",
                             "a,b",
                             "jörg",
                             "-a",
                             ".a",
                             "a23456789012345678901234567890123",
                             "a:-",
                             "$",
                             "a$",
                             "a/b",
                             "0\t"}) {
        INFO(quote(user));
        CHECK_THROWS_AS(parse_user(user), Error);
    }
    CHECK_THROWS_AS(parse_user(std::string_view("a\0b", 3)), Error);
    CHECK_THROWS_WITH(accounts_of("+0"), Catch::StartsWith("f:1:7: '+0' can't be the name"));
    CHECK_THROWS_WITH(accounts_of("", {"0"}), Catch::StartsWith("f:2:9: '0' can't be the name"));
}

}  // namespace smith::builder
