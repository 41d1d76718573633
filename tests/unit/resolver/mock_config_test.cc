// SPDX-License-Identifier: Apache-2.0
#include "resolver/mock_config.h"

#include <catch2/catch.hpp>

#include "tests/unit/resolver/support.h"

using namespace smith;
using namespace smith::resolver;
using test::contains;
using test::error_of;
using test::TempDir;
using Strings = std::vector<std::string>;

namespace {

std::string nothing_to_include(const std::string& name) { throw Error(ErrorKind::system, "no " + name); }

MockConfig parsed(const std::string& text) { return parse_mock_config(text, "m.cfg", nothing_to_include); }

std::string failure_of(const std::string& text) {
    const Error error = error_of([&] { static_cast<void>(parsed(text)); });
    CHECK(error.kind() == ErrorKind::spec);
    return error.message();
}

/// The value of config_opts['yum.conf'] when `literal` is assigned to it.
std::string value_of(const std::string& literal) { return parsed("config_opts['yum.conf'] = " + literal + "\n").conf; }

}  // namespace

TEST_CASE("the repositories of a mock configuration are read, with their lines", "[mock]") {
    const MockConfig mock = parsed(
        "# a build root\n"
        "import os\n"
        "config_opts['root'] = 'epel-7-x86_64'\n"
        "config_opts['target_arch'] = 'x86_64'\n"
        "config_opts['releasever'] = \"7\"\n"
        "config_opts['plugin_conf']['ccache_enable'] = not os.path.exists('/x') or {'a': [1, 2]}\n"
        "config_opts['yum.conf'] = \"\"\"\n"
        "[main]\n"
        "gpgcheck=0\n"
        "# comment with \"quotes\" and 'more'\n"
        "[base]\n"
        "name=Base\n"
        "baseurl=http://m/$releasever/$basearch\n"
        "bogus=1\n"
        "\"\"\"\n");
    CHECK(mock.releasever == "7");
    CHECK(mock.target_arch == "x86_64");
    RecordingReporter reporter;
    const MainConfig main = mock.main(reporter);
    const auto repos = mock.repos(repo_vars(mock.target_arch, mock.releasever), main, reporter);
    REQUIRE(repos.size() == 1);
    CHECK(repos[0].id == "base");
    CHECK(repos[0].baseurls == Strings{"http://m/7/x86_64/"});
    CHECK_FALSE(repos[0].gpgcheck);
    CHECK(reporter.warnings == Strings{"m.cfg:14: unknown option 'bogus', ignoring"});
}

TEST_CASE("Python's string literals have the value that Python gives them", "[mock]") {
    CHECK(value_of("'a' \"b\" '''c'''") == "abc");
    CHECK(value_of(R"('\n\t\\\'\"\x41\101\u00e4\q')") == "\n\t\\'\"AA\xc3\xa4\\q");
    CHECK(value_of(R"(r'\n\'')") == R"(\n\')");
    CHECK(value_of("'a\\\nb'") == "ab");
    CHECK(value_of("\"\"\"a\"b\"\"c\\\"\"\"\"") == "a\"b\"\"c\"");
    CHECK(value_of("''").empty());
    CHECK(value_of("'# no comment'  # one") == "# no comment");
    CHECK(value_of("\\\n  'next line'") == "next line");
    CHECK(value_of("'a'; config_opts['yum.conf'] += 'b'") == "ab");
}

TEST_CASE("dnf.conf wins over yum.conf, and a later assignment over an earlier one", "[mock]") {
    CHECK(parsed("config_opts['dnf.conf']='d'\nconfig_opts['yum.conf']='y'\n").conf == "d");
    const MockConfig twice = parsed("config_opts['yum.conf']='a'\n\nconfig_opts['yum.conf']='''b'''\n");
    CHECK(twice.conf == "b");
    CHECK(twice.conf_line == 3);
}

TEST_CASE("what would have to be evaluated is refused where it is about repositories", "[mock][hostile]") {
    for (const char* computed :
         {"config_opts['yum.conf'] = open('/etc/passwd').read()\n", "config_opts['yum.conf'] = 'a' + b\n",
          "config_opts['yum.conf'] = f'{x}'\n", "config_opts['yum.conf'] = '%s' % x\n",
          "config_opts['yum.conf'] = '\\N{DIGIT ONE}'\n", "config_opts['releasever'] = 9\n",
          "if x:\n    config_opts['yum.conf'] = 'a'\n", "if x: config_opts['yum.conf'] = 'a'\n",
          "if x: y = 1; config_opts['yum.conf'] = 'a'\n", "x = config_opts['yum.conf'] = 'a'\n",
          "config_opts['yum.conf'] = \n"}) {
        CAPTURE(computed);
        CHECK(contains(failure_of(computed), "is computed or set on a condition"));
    }
    CHECK(contains(failure_of("include('{{ x }}')\n"), "m.cfg:1: an include() that would have to be evaluated"));
    CHECK(contains(failure_of("if x:\n  include('a')\n"), "m.cfg:2: an include()"));
    CHECK(contains(failure_of("config_opts['yum.conf'] = '''\n{% if x %}\n'''\n"), "m.cfg:2: a template"));
    CHECK(contains(failure_of("config_opts['yum.conf'] = '{{ x.y }}'\n"), "m.cfg:1: a template"));
    CHECK(
        contains(failure_of("config_opts['x'] = 1 if a else 2\nconfig_opts['yum.conf'] = '{{ x }}'\n"), "a template"));
    // Only compared, so it decides nothing here.
    CHECK(parsed("config_opts['yum.conf']='a'\nassert config_opts['yum.conf'] == x\n").conf == "a");
}

TEST_CASE("a template that is the name of a string setting is replaced", "[mock]") {
    CHECK(parsed("config_opts['dist']='el9'\nconfig_opts['yum.conf']='[{{ dist }}-{{dist}}] $basearch ${x}'\n").conf ==
          "[el9-el9] $basearch ${x}");
}

TEST_CASE("what is damaged in a mock configuration is told with its line", "[mock]") {
    CHECK(failure_of("a = 1\nb = 'x\n") == "m.cfg:2: a string does not end");
    CHECK(failure_of("\n\"\"\"x") == "m.cfg:2: a string does not end");
    CHECK(failure_of("a = (1,\n\n") == "m.cfg:1: a bracket does not end");
    CHECK(failure_of("config_opts['yum.conf'] = '\\x4'\n") == "m.cfg:1: an escape in a string is not one of Python's");
    CHECK(contains(failure_of("config_opts['root'] = 'x'\n"), "there is no config_opts['yum.conf']"));
}

TEST_CASE("included files are read as data, and not without end", "[mock]") {
    const TempDir dir;
    test::write(dir / "m.cfg", "config_opts['releasever'] = '8'\ninclude('templates/el.tpl')\n");
    test::write(dir / "templates/el.tpl", "\nconfig_opts['dnf.conf'] = \"\"\"[a]\nenabled=maybe\n\"\"\"\n");
    const MockConfig mock = read_mock_config(dir / "m.cfg");
    CHECK(mock.releasever == "8");
    const Error error = error_of([&] { static_cast<void>(mock.repos({}, {}, silent_reporter())); });
    CHECK(error.message() == "templates/el.tpl:3: enabled: 'maybe' is neither true nor false");

    test::write(dir / "m.cfg", "include('missing.tpl')\n");
    CHECK(contains(error_of([&] { static_cast<void>(read_mock_config(dir / "m.cfg")); }).message(),
                   "m.cfg:1: including 'missing.tpl'"));
    test::write(dir / "m.cfg", "include('m.cfg')\ninclude('m.cfg')\n");
    CHECK(
        contains(error_of([&] { static_cast<void>(read_mock_config(dir / "m.cfg")); }).message(), "too many includes"));
}
