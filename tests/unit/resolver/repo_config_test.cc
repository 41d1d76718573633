// SPDX-License-Identifier: Apache-2.0
//
// .repo files, dnf.conf and variables as data. That dnf reads the same out of them: dnf_reads_the_same.py.
#include "resolver/repo_config.h"

#include <catch2/catch.hpp>
#include <cstdlib>

#include "resolver/host_config.h"
#include "resolver/ini.h"
#include "resolver/repo_options.h"
#include "tests/unit/resolver/support.h"

using namespace smith;
using namespace smith::resolver;
using test::contains;
using test::error_of;
using test::TempDir;
using Strings = std::vector<std::string>;

namespace {

RepoConfig only_repo(const std::string& options, const MainConfig& main = {}) {
    const auto repos =
        parse_repo_file("[r]\n" + options, "t.repo", repo_vars("x86_64", "9.4"), silent_reporter(), main);
    REQUIRE(repos.size() == 1);
    return repos[0];
}

std::string failure_of(const std::string& text) {
    const Error error = error_of([&] { static_cast<void>(parse_repo_file(text, "t.repo", {}, silent_reporter())); });
    CHECK(error.kind() == ErrorKind::spec);
    return error.message();
}

/// Keeps what is told with -v, too.
class VerboseReporter : public RecordingReporter {
public:
    void debug(std::string_view message) override { debugs.emplace_back(message); }
    std::vector<std::string> debugs;
};

}  // namespace

TEST_CASE("a .repo file is read as dnf reads it", "[repo-file]") {
    const auto repos = parse_repo_file(
        "\xef\xbb\xbf# a comment\n"
        "[main]\n"
        "gpgcheck=0\n"
        "[base-$basearch] ; what follows a section is nothing\r\n"
        "name = \"Base $releasever - ${basearch}\"\n"
        "baseurl=https://one.example/$releasever/$arch\n"
        "    https://two.example/${releasever_major}/x/\n"
        "gpgkey=file:///a, file:///b\n"
        "; another\n"
        "priority=20\n"
        "priority=10\n"
        "repo_gpgcheck=Yes\n"
        "excludepkgs=a* b,c\n"
        "[off]\n"
        "enabled=0\n"
        "gpgcheck=no\n"
        "baseurl=file:///$unknown\n"
        "[base-$basearch]\n"
        "cost=5\n",
        "test.repo", repo_vars("i686", "9.4"), silent_reporter());
    REQUIRE(repos.size() == 2);
    const RepoConfig& base = repos[0];
    CHECK(base.id == "base-i386");
    CHECK(base.name == "Base 9.4 - i386");
    CHECK(base.baseurls == Strings{"https://one.example/9.4/i686/", "https://two.example/9/x/"});
    CHECK(base.gpgkeys == Strings{"file:///a", "file:///b"});
    CHECK(base.gpgcheck);
    CHECK(base.repo_gpgcheck);
    CHECK(base.enabled);
    CHECK(base.priority == 10);
    CHECK(base.cost == 5);
    CHECK(base.excludepkgs == Strings{"a*", "b", "c"});
    CHECK_NOTHROW(check_repo(base));

    CHECK_FALSE(repos[1].enabled);
    CHECK_FALSE(repos[1].gpgcheck);
    CHECK(repos[1].baseurls == Strings{"file:///$unknown/"});
    CHECK(contains(error_of([&] { check_repo(repos[1]); }).message(), "holds a variable that has no value"));
}

TEST_CASE("a comment may stand between the lines of a list", "[repo-file]") {
    CHECK(only_repo("baseurl=http://a\n# no\n  ; no\n\n  http://b\n").baseurls == Strings{"http://a/", "http://b/"});
}

TEST_CASE("how a repository is reached is read with it", "[repo-file]") {
    const RepoConfig repo = only_repo(
        "metalink=https://m/$releasever\nmirrorlist=https://l/$basearch\nmodule_hotfixes=1\nmetadata_expire=1.5d\n"
        "retries=3\ntimeout=2m\nminrate=10k\nip_resolve=IPv6\nsslverify=0\nsslcacert=/ca\nsslclientcert=/cert\n"
        "sslclientkey=/key\nproxy=socks5h://p:1080\nproxy_username=pu\nproxy_password=pp\nproxy_auth_method=Digest\n"
        "username=u\npassword=p $w\n");
    CHECK(repo.metalink == "https://m/9.4");
    CHECK(repo.mirrorlist == "https://l/x86_64");
    CHECK(repo.module_hotfixes);
    CHECK(repo.metadata_expire == std::chrono::hours(36));
    CHECK(repo.retries == 3);
    CHECK(repo.http.timeout_s == 120);
    CHECK(repo.http.low_speed_bytes_per_s == 10240);
    CHECK(repo.http.ip_version == IpVersion::v6);
    CHECK_FALSE(repo.http.verify_tls);
    CHECK(repo.http.ca_file == "/ca");
    CHECK(repo.http.client_cert == "/cert");
    CHECK(repo.http.client_key == "/key");
    CHECK(repo.http.proxy == "socks5h://p:1080");
    CHECK(repo.http.proxy_username == Secret("pu"));
    CHECK(repo.http.proxy_password == Secret("pp"));
    CHECK(repo.http.proxy_auth == ProxyAuth::digest);
    CHECK(repo.username == Secret("u"));
    CHECK(repo.password == Secret("p $w"));

    CHECK(only_repo("proxy=_none_\n").http.proxy == "");
    CHECK(only_repo("proxy=\n").http.proxy == "");
    CHECK_FALSE(only_repo("").http.proxy.has_value());
    CHECK(only_repo("metadata_expire=never\n").metadata_expire == kNeverExpires);
    CHECK(only_repo("metadata_expire=-1\n").metadata_expire == kNeverExpires);
}

TEST_CASE("what is wrong in a .repo file is told with its line", "[repo-file]") {
    CHECK(failure_of("name=x\n") == "t.repo:1: there is a setting before the first [section]");
    CHECK(failure_of("[a]\n\ngarbage\n") == "t.repo:3: this is neither a [section] nor a key=value");
    CHECK(failure_of("[a]\nenabled=maybe\nname=x\n") == "t.repo:2: enabled: 'maybe' is neither true nor false");
    CHECK(failure_of("[a]\npriority=high\n") == "t.repo:2: priority: 'high' is not a number");
    CHECK(failure_of("[\n") == "t.repo:1: a section looks like [id]");
    CHECK(contains(failure_of("[a]\nmetadata_expire=5w\n"),
                   "t.repo:2: metadata_expire: '5w' is not a number of seconds"));
    CHECK(contains(failure_of("[a]\ntimeout=99999999999d\n"), "is too much"));
    CHECK(contains(failure_of("[a]\nminrate=.\n"), "is not a number of bytes"));
    CHECK(contains(failure_of("[a]\nretries=-1\n"), "is less than nothing"));
    CHECK(contains(failure_of("[a]\nproxy_auth_method=x\n"), "is none of any,"));
    CHECK(contains(failure_of("[a]\nip_resolve=5\n"), "neither ipv4 nor ipv6"));
    const std::string proxy = failure_of("[a]\nproxy=ftp://me:canary@x\n");
    CHECK(contains(proxy, "not 'ftp'"));
    CHECK_FALSE(contains(proxy, "canary"));
    CHECK_FALSE(contains(failure_of("[a]\npassword canary\n"), "canary"));
}

TEST_CASE("an option that dnf does not know is warned about with its line", "[repo-file]") {
    RecordingReporter reporter;
    const auto repos = parse_repo_file("[a]\nEnabled=0\nbase_url=x\ncountme=1\nsslverifystatus=1\npassword=canary\n",
                                       "t.repo", {}, reporter);
    CHECK(repos.at(0).enabled);
    CHECK(reporter.warnings == Strings{"t.repo:2: unknown option 'Enabled', ignoring",
                                       "t.repo:3: unknown option 'base_url', ignoring",
                                       "t.repo:5: option 'sslverifystatus' is not supported, ignoring"});
    RecordingReporter of_main;
    static_cast<void>(parse_main_config("[main]\nbaseurl=x\ncolor=1\ntsflags=nodocs\n", "d.conf", of_main));
    CHECK(of_main.warnings == Strings{"d.conf:2: unknown option 'baseurl', ignoring",
                                      "d.conf:4: option 'tsflags' is not supported, ignoring"});
}

TEST_CASE("a repository inherits from [main]", "[repo-file]") {
    const MainConfig main = parse_main_config(
        "[main]\ngpgcheck=0\nbest=False\ninstall_weak_deps=1\nexcludepkgs=kernel*\nproxy=http://p:1\ntimeout=5\n"
        "username=u\npassword=p\nreposdir=/a /b\nvarsdir=/v\nmodule_platform_id=platform:el9\n[x]\nbaseurl=http://x\n",
        "dnf.conf", silent_reporter());
    CHECK(main.best == false);
    CHECK(main.install_weak_deps == true);
    CHECK(main.reposdir == Strings{"/a", "/b"});
    CHECK(main.varsdir == Strings{"/v"});
    CHECK(main.module_platform_id == "platform:el9");
    const RepoConfig plain = only_repo("", main);
    CHECK_FALSE(plain.gpgcheck);
    CHECK(plain.excludepkgs == Strings{"kernel*"});
    CHECK(plain.http.proxy == "http://p:1");
    CHECK(plain.http.timeout_s == 5);
    CHECK(plain.username == Secret("u"));
    CHECK(plain.password == Secret("p"));
    const RepoConfig own = only_repo("gpgcheck=1\nexcludepkgs=a\nproxy=\nincludepkgs=z\n", main);
    CHECK(own.gpgcheck);
    CHECK(own.excludepkgs == Strings{"a", "kernel*"});
    CHECK(own.includepkgs == Strings{"z"});
    CHECK(own.http.proxy == "");
}

TEST_CASE("variables are replaced as dnf replaces them", "[repo-vars]") {
    RepoVars vars = repo_vars("x86_64", "9.4");
    vars.others["stream"] = "9-stream";
    vars.others["empty"] = "";
    const auto check = [&](const std::string& text, const std::string& expected) {
        CAPTURE(text);
        CHECK(substitute_vars(text, vars) == expected);
    };
    check("$releasever/$basearch/$arch/$stream", "9.4/x86_64/x86_64/9-stream");
    check("${releasever}x$releasever_major.$releasever_minor", "9.4x9.4");
    check("$unknown ${unknown} $ $$releasever $Releasever", "$unknown ${unknown} $ $9.4 $Releasever");
    check("${unknown:-d} ${empty:-d} ${stream:-d}", "d d 9-stream");
    check("[${unknown:+a}] [${empty:+a}] [${stream:+a}]", "[] [] [a]");
    check("${unknown:-${basearch}/${none:-${stream}}}", "x86_64/9-stream");
    check("${unknown:-a{b}c}", "a{bc}");
    check("${releasever ${releasever:- ${releasever:?x} ${:-x}", "${releasever ${releasever:- ${releasever:?x} ${:-x}");
    check("\\$releasever ${unknown:-a\\}b} DOMAIN\\user a\\\\b \\", "$releasever a}b DOMAIN\\user a\\b \\");
    check("${unknown:-" + std::string(2000, 'x') + "}", "${unknown:-" + std::string(2000, 'x') + "}");
    std::string deep;
    for (int i = 0; i < 1000; ++i) deep += "${u:-";
    check(deep, deep);
    CHECK(substitute_vars("$releasever_minor", repo_vars("x86_64", "9")).empty());
}

TEST_CASE("this machine's configuration is read below a root, and each file is told", "[host-config]") {
    const TempDir root;
    test::write(root / "etc/dnf/dnf.conf", "[main]\ngpgcheck=0\n[of-main]\nbaseurl=http://main/$stream\n");
    test::write(root / "etc/yum/vars/stream", "old\n");
    test::write(root / "etc/dnf/vars/stream", "new\nmore\n");
    test::write(root / "etc/dnf/vars/arch", "vax\n");
    test::write(root / "etc/yum.repos.d/b.repo", "[twice]\nbaseurl=http://second\n[b]\nbaseurl=http://b/$arch/$DNF\n");
    test::write(root / "etc/yum.repos.d/b-a.repo", "[late]\nbaseurl=http://late\n");
    test::write(root / "etc/yum.repos.d/a.repo", "[twice]\nbaseurl=http://first\n");
    test::write(root / "etc/yum.repos.d/notes.txt", "not for dnf\n");
    REQUIRE(::setenv("DNF_VAR_DNF", "env", 1) == 0);
    VerboseReporter reporter;
    const HostConfig host = read_host_config(root.path(), repo_vars("x86_64", "9"), reporter);
    REQUIRE(::unsetenv("DNF_VAR_DNF") == 0);

    Strings found;
    for (const RepoConfig& repo : host.repos) found.push_back(repo.id + " " + repo.baseurls.at(0));
    CHECK(found ==
          Strings{"of-main http://main/new/", "twice http://first/", "b http://b/x86_64/env/", "late http://late/"});
    CHECK_FALSE(host.repos[0].gpgcheck);
    REQUIRE(reporter.warnings.size() == 1);
    CHECK(contains(reporter.warnings[0], "b.repo: repository 'twice' is configured more than once, ignoring"));
    for (const char* file :
         {"etc/dnf/dnf.conf", "etc/yum/vars/stream", "etc/dnf/vars/stream", "b.repo", "b-a.repo", "a.repo", "$DNF"}) {
        CAPTURE(file);
        CHECK(std::any_of(reporter.debugs.begin(), reporter.debugs.end(),
                          [&](const std::string& line) { return contains(line, file); }));
    }
}

TEST_CASE("a release among the machine's variables counts unless another is given", "[host-config]") {
    const TempDir root;
    test::write(root / "etc/dnf/vars/releasever", "8.10\n");
    test::write(root / "etc/yum.repos.d/a.repo", "[a]\nbaseurl=http://a/$releasever/$releasever_major\n");
    const auto url = [&](const std::string& releasever) {
        return read_host_config(root.path(), repo_vars("x86_64", releasever), silent_reporter()).repos.at(0).baseurls;
    };
    CHECK(url("") == Strings{"http://a/8.10/8/"});
    CHECK(url("9") == Strings{"http://a/9/9/"});
}

TEST_CASE("a machine without dnf has no repositories, and yum's configuration will do", "[host-config]") {
    const TempDir root;
    CHECK(read_host_config(root.path(), {}, silent_reporter()).repos.empty());
    test::write(root / "etc/yum.conf", "[main]\nreposdir=/srv/repos\n");
    test::write(root / "srv/repos/a.repo", "[a]\nbaseurl=http://a\n");
    CHECK(read_host_config(root.path(), {}, silent_reporter()).repos.size() == 1);
}

TEST_CASE("a repository that cannot be used is refused before anything is fetched", "[repo-file]") {
    const auto message = [](const RepoConfig& config) { return error_of([&] { check_repo(config); }).message(); };
    RepoConfig config;
    config.id = "../x";
    CHECK(contains(message(config), "an id is made of"));
    config.id = "x";
    CHECK(message(config) == "repository 'x' has no baseurl, metalink or mirrorlist");
    config.metalink = "https://x/";
    CHECK(message(config) == "nothing was thrown");
    config.mirrorlist = "https://x/$release";
    CHECK(contains(message(config), "mirrorlist 'https://x/$release' holds a variable"));
    config.mirrorlist = "";
    config.baseurls = {"ftp://x/"};
    CHECK(contains(message(config), "is not a file, http or https URL"));
    CHECK(error_of([] { static_cast<void>(repo_from_url("x", "gopher://x", {})); }).kind() == ErrorKind::usage);
    CHECK(repo_from_url("x", "/srv/a repo", {}).baseurls == Strings{"file:///srv/a repo/"});
    const std::string secret =
        error_of([] { static_cast<void>(repo_from_url("x", "ftp://me:canary@x/", {})); }).message();
    CHECK_FALSE(contains(secret, "canary"));
}
