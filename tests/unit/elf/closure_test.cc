// SPDX-License-Identifier: Apache-2.0
//
// What is followed, and what is said about it: programs, plug-ins, scripts, dlopen notes, preloads, excludes.
#include "builder/elf/closure.h"

#include <catch2/catch.hpp>

#include "builder/elf/script.h"
#include "tests/unit/elf/test_tree.h"

namespace smith::elf {
namespace {

constexpr const char* kLoader = "/lib64/ld-linux-x86-64.so.2";

TestTree with_libc() {
    TestTree t;
    t.add(kLoader, elf().soname("ld-linux-x86-64.so.2"));
    t.add("/lib64/libc.so.6", elf().soname("libc.so.6").needs("ld-linux-x86-64.so.2"));
    return t;
}

Closure close(const TestTree& t, std::initializer_list<const char*> paths, const ClosureOptions& options = {}) {
    return close_over_libraries(t.only(paths), t.tree, t.contents, options);
}

/// Lines of `text` that hold `part`.
std::string lines_with(const std::string& text, const std::string& part) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text.find('\n', at) + 1;
        if (text.substr(at, end - at).find(part) != std::string::npos) out += text.substr(at, end - at);
        at = end;
    }
    return out;
}

TEST_CASE("a program brings its loader, its libraries and theirs", "[elf]") {
    TestTree t = with_libc();
    t.add("/bin/tool", program().needs("libc.so.6").needs("linux-vdso.so.1"));
    CHECK(closure_of(t, {"/bin/tool"}) ==
          "/bin/tool needs /lib64/ld-linux-x86-64.so.2: /lib64/ld-linux-x86-64.so.2 (interpreter)\n"
          "/bin/tool needs libc.so.6: /lib64/libc.so.6 (default directory)\n"
          "/lib64/libc.so.6 needs ld-linux-x86-64.so.2: /lib64/ld-linux-x86-64.so.2 (interpreter)\n");
}

TEST_CASE("a plug-in without a program brings its libraries and the loader that they need", "[elf]") {
    TestTree t = with_libc();
    t.add("/mod/mod.so", elf().needs("libc.so.6"));
    CHECK(closure_of(t, {"/mod/mod.so"}) ==
          "/lib64/libc.so.6 needs ld-linux-x86-64.so.2: /lib64/ld-linux-x86-64.so.2 (interpreter)\n"
          "/mod/mod.so needs libc.so.6: /lib64/libc.so.6 (default directory)\n");
}

TEST_CASE("everything missing is reported at once, each with who needs it and where it was looked for", "[elf]") {
    TestTree t = with_libc();
    t.add("/bin/tool", program().needs("liba.so").needs("libb.so").runpath("/app/lib"));
    t.add("/lib64/libb.so", elf().needs("libc1.so"));
    t.add("/bin/other", elf().interpreter("/lib/ld.so"));
    const Closure closure = close(t, {"/bin/tool", "/bin/other"});
    REQUIRE(closure.missing.size() == 3);
    CHECK(describe(closure.missing[0]) == "'/bin/other' needs '/lib/ld.so', which is not there");
    CHECK(describe(closure.missing[1]) ==
          "'/bin/tool' needs 'liba.so', which is in none of '/app/lib', '/lib64', '/usr/lib64'");
    CHECK(describe(closure.missing[2]) ==
          "'/lib64/libb.so' needs 'libc1.so' (for '/bin/tool'), which is in none of '/lib64', '/usr/lib64'");
    CHECK(closure.missing[2].stops_program);
}

TEST_CASE("a library that a program has loaded is judged by that program's search path", "[elf]") {
    TestTree t = with_libc();
    t.add("/app/tool", program().needs("liba.so").rpath("/app/lib"));
    t.add("/app/lib/liba.so", elf().needs("libb.so"));
    t.add("/app/lib/libb.so", elf());
    CHECK(close(t, {"/app/tool", "/app/lib/liba.so", "/app/lib/libb.so"}).missing.empty());
}

TEST_CASE("a plug-in may count on the RPATH and on the libraries of the programs that ship", "[elf]") {
    TestTree t = with_libc();
    t.add("/jvm/bin/java", program().needs("libjli.so").rpath("$ORIGIN/../lib"));
    t.add("/jvm/lib/libjli.so", elf());
    t.add("/jvm/lib/libjava.so", elf().needs("libjvm.so").needs("libextra.so"));
    t.add("/jvm/lib/libextra.so", elf());
    t.add("/jvm/lib/server/libjvm.so", elf().soname("libjvm.so"));
    CHECK(lines_with(closure_of(t, {"/jvm/bin/java", "/jvm/lib/libjava.so", "/jvm/lib/server/libjvm.so"}),
                     "libjava.so") ==
          "/jvm/lib/libjava.so needs libextra.so: /jvm/lib/libextra.so (rpath)\n"
          "/jvm/lib/libjava.so needs libjvm.so: /jvm/lib/server/libjvm.so (already loaded)\n");
}

TEST_CASE("a plug-in for a machine that no program is for is left alone, with a warning", "[elf]") {
    TestTree t = with_libc();
    t.add("/bin/tool", program());
    t.add("/mod/mod.so", elf().machine(EM_AARCH64).needs("libc.so.6"));
    const Closure closure = close(t, {"/bin/tool", "/mod/mod.so"});
    CHECK(closure.missing.empty());
    CHECK(closure.warnings ==
          std::vector<std::string>{"'/mod/mod.so' is for aarch64, 64 bit, which no program of the image is, ignoring"});
}

TEST_CASE("a library that can be started as well counts as a library", "[elf]") {
    TestTree t = with_libc();
    t.add("/lib64/libcap.so.2", elf().soname("libcap.so.2").interpreter("/gone/ld.so").needs("libc.so.6"));
    CHECK(close(t, {"/lib64/libcap.so.2"}).missing.empty());
}

TEST_CASE("junk that begins like ELF is told of and does no harm", "[elf]") {
    TestTree t = with_libc();
    t.add("/etc/junk", text("\x7f"
                            "ELF and so on"));
    t.add("/etc/empty", text(""));
    const Closure closure = close(t, {"/etc/junk", "/etc/empty"});
    CHECK(closure.edges.empty());
    CHECK(closure.warnings ==
          std::vector<std::string>{"'/etc/junk' is a broken ELF file: it ends in its first 16 bytes, ignoring"});
}

TEST_CASE("what ships lies over what is available", "[elf]") {
    TestTree t = with_libc();
    t.add("/bin/tool", program().needs("libz.so"));
    TestTree overlay;
    overlay.add("/bin/tool", program().needs("liby.so").runpath("/app"));
    overlay.add("/app/liby.so", elf());
    FileTree chosen = overlay.tree;
    MemoryContents both = t.contents;
    both.put(program().needs("liby.so").runpath("/app").bytes());
    both.put(elf().bytes());
    CHECK(lines_with(dump(close_over_libraries(chosen, t.tree, both)), ".so (") ==
          "/bin/tool needs liby.so: /app/liby.so (runpath)\n");
}

// --- dlopen notes, preload, excludes -------------------------------------------------------------------------------

TestTree with_notes() {
    TestTree t = with_libc();
    t.add("/bin/tool", program()
                           .dlopen(R"([{"soname": ["libno.so", "libreq.so"], "priority": "required"}])")
                           .dlopen(R"([{"soname": ["librec.so"], "feature": "compression"}])")
                           .dlopen(R"([{"soname": ["libsug.so"], "priority": "suggested"}])"));
    t.add("/lib64/libreq.so", elf());
    t.add("/lib64/librec.so", elf().needs("libc.so.6"));
    t.add("/lib64/libsug.so", elf());
    return t;
}

TEST_CASE("dlopen notes are followed as far as the policy says", "[elf]") {
    const TestTree t = with_notes();
    const auto followed = [&](DlopenPolicy policy) {
        ClosureOptions options;
        options.dlopen = policy;
        return lines_with(closure_of(t, {"/bin/tool"}, options), "dlopen");
    };
    const std::string req = "/bin/tool needs libreq.so: /lib64/libreq.so (dlopen note (required))\n";
    const std::string rec = "/bin/tool needs librec.so: /lib64/librec.so (dlopen note (recommended))\n";
    const std::string sug = "/bin/tool needs libsug.so: /lib64/libsug.so (dlopen note (suggested))\n";
    CHECK(followed(DlopenPolicy::none).empty());
    CHECK(followed(DlopenPolicy::required) == req);
    CHECK(followed(DlopenPolicy::recommended) == rec + req);
    CHECK(followed(DlopenPolicy::suggested) == rec + req + sug);
}

TEST_CASE("only a required dlopen is missing when it is not there", "[elf]") {
    TestTree t = with_notes();
    for (const char* path : {"/lib64/libreq.so", "/lib64/librec.so"}) t.tree.erase(ImagePath::parse(path));
    const Closure closure = close(t, {"/bin/tool"});
    REQUIRE(closure.missing.size() == 1);
    CHECK(closure.missing[0].soname == "libno.so");
    CHECK(closure.warnings == std::vector<std::string>{"'/bin/tool' can use 'librec.so' for 'compression' "
                                                       "(recommended), which is not available, ignoring"});
}

TEST_CASE("ld.so.preload counts when it ships, and not when it is merely available", "[elf]") {
    TestTree t = with_libc();
    t.add("/bin/tool", program());
    t.add("/lib64/libhook.so", elf());
    t.add("/etc/ld.so.preload", text("# hooks\nlibhook.so:/lib64/libgone.so\n"));
    CHECK(lines_with(closure_of(t, {"/bin/tool"}), "hook").empty());
    const Closure closure = close(t, {"/bin/tool", "/etc/ld.so.preload"});
    CHECK(lines_with(dump(closure), "hook") == "/bin/tool needs libhook.so: /lib64/libhook.so (preload)\n");
    CHECK(closure.warnings ==
          std::vector<std::string>{"/etc/ld.so.preload names '/lib64/libgone.so', which ld.so won't "
                                   "find, ignoring"});
}

TEST_CASE("what is excluded is not found, and is warned of when nothing else will do", "[elf]") {
    TestTree t = with_libc();
    t.add("/bin/tool", program().needs("liba.so").needs("libb.so"));
    t.add("/lib64/liba.so", link("liba.so.1.2"));
    t.add("/lib64/liba.so.1.2", elf());
    t.add("/lib64/libb.so", elf());
    t.add("/usr/lib64/libb.so", elf());
    ClosureOptions options;
    options.excluded = [](const ImagePath& path) {
        return path.str() == "/lib64/liba.so.1.2" || path.str() == "/lib64/libb.so";
    };
    const Closure closure = close(t, {"/bin/tool"}, options);
    CHECK(lines_with(dump(closure), "lib64/lib") ==
          "/bin/tool needs libb.so: /usr/lib64/libb.so (default directory)\n");
    CHECK(closure.missing.empty());
    CHECK(closure.warnings ==
          std::vector<std::string>{"'/bin/tool' needs 'liba.so', but '/lib64/liba.so' is excluded"});
}

// --- scripts -------------------------------------------------------------------------------------------------------

TestTree with_shell() {
    TestTree t = with_libc();
    // Interpreters must be executable; the builder's ELF files are not, so they are made by hand.
    for (const char* path : {"/usr/bin/env", "/usr/bin/dash", "/usr/bin/python3.11"}) {
        t.add(path, script(program().bytes()));
    }
    t.add("/bin/sh", link("../usr/bin/dash"));
    t.add("/usr/bin/python3", link("python3.11"));
    return t;
}

TEST_CASE("a script brings its interpreter, and that its loader", "[elf]") {
    TestTree t = with_shell();
    t.add("/app/run", script("#! /bin/sh -e\n"));
    CHECK(closure_of(t, {"/app/run"}) ==
          "/app/run needs /bin/sh: /bin/sh (script interpreter)\n"
          "/usr/bin/dash needs /lib64/ld-linux-x86-64.so.2: /lib64/ld-linux-x86-64.so.2 (interpreter)\n");
}

TEST_CASE("a script that is not executable starts nothing", "[elf]") {
    TestTree t = with_shell();
    t.add("/app/lib.py", text("#!/usr/bin/python3\n"));
    CHECK(closure_of(t, {"/app/lib.py"}).empty());
}

TEST_CASE("env's command is looked up in PATH, and comes with env itself", "[elf]") {
    for (const char* line : {"#!/usr/bin/env python3\n", "#!/usr/bin/env -S python3 -u\n",
                             "#!/usr/bin/env -S -i A=b python3\r\n", "#!/usr/bin/env -S -u HOME python3"}) {
        CAPTURE(line);
        TestTree t = with_shell();
        t.add("/app/run", script(line));
        CHECK(lines_with(closure_of(t, {"/app/run"}), "script") ==
              "/app/run needs /usr/bin/env: /usr/bin/env (script interpreter)\n"
              "/app/run needs python3: /usr/bin/python3 (script interpreter, by PATH)\n");
    }
}

TEST_CASE("the image's own PATH is used, in its order", "[elf]") {
    TestTree t = with_shell();
    t.add("/opt/bin/python3", script(program().bytes()));
    t.add("/no-x/python3", text("not executable"));
    t.add("/app/run", script("#!/usr/bin/env python3\n"));
    ClosureOptions options;
    options.path_env = {"", "relative", "/no-x", "/opt/bin", "/usr/bin"};
    CHECK(lines_with(closure_of(t, {"/app/run"}, options), "by PATH") ==
          "/app/run needs python3: /opt/bin/python3 (script interpreter, by PATH)\n");
}

TEST_CASE("a missing interpreter is reported with where it was looked for", "[elf]") {
    TestTree t = with_shell();
    t.add("/app/a", script("#!/usr/bin/perl -w\n"));
    t.add("/app/b", script("#!/usr/bin/env ruby\n"));
    t.add("/app/c", script("#!/app/d\n"));
    t.add("/app/d", text("not executable"));
    ClosureOptions options;
    options.path_env = {"/bin"};
    const Closure closure = close(t, {"/app/a", "/app/b", "/app/c"}, options);
    REQUIRE(closure.missing.size() == 3);
    CHECK(describe(closure.missing[0]) == "'/app/a' needs '/usr/bin/perl', which is not there");
    CHECK(describe(closure.missing[1]) == "'/app/b' needs 'ruby', which is not in '/bin'");
    CHECK(describe(closure.missing[2]) == "'/app/c' needs '/app/d' to run it, which is there but not executable");
    CHECK_FALSE(closure.missing[0].stops_program);
}

TEST_CASE("scripts may be interpreters of scripts as deep as the kernel follows", "[elf]") {
    TestTree t = with_shell();
    t.add("/s/5", script("#!/bin/sh\n"));
    t.add("/s/4", script("#!/s/5\n"));
    t.add("/s/3", script("#!/s/4\n"));
    t.add("/s/2", script("#!/s/3\n"));
    t.add("/s/1", script("#!/s/2\n"));
    t.add("/s/0", script("#!/s/1\n"));
    CHECK(close(t, {"/s/1"}).warnings.empty());
    CHECK(lines_with(closure_of(t, {"/s/1"}), "/bin/sh") == "/s/5 needs /bin/sh: /bin/sh (script interpreter)\n");
    CHECK(close(t, {"/s/0"}).warnings.size() == 1);
}

TEST_CASE("a script that is its own interpreter ends", "[elf]") {
    TestTree t;
    t.add("/s", script("#!/s\n"));
    CHECK(closure_of(t, {"/s"}) == "/s needs /s: /s (script interpreter)\n");
}

TEST_CASE("the first line of a script is read as the kernel reads it", "[elf]") {
    const auto head = [](const std::string& text) { return read_script_head(as_bytes(text)); };
    CHECK(head("#!/bin/sh") == ScriptHead{"/bin/sh", ""});
    CHECK(head("#! \t/bin/sh \t -e  -u \t\nrest") == ScriptHead{"/bin/sh", "-e  -u"});
    CHECK(head(std::string("#!/bin/sh\0 -e\n", 14)) == ScriptHead{"/bin/sh", ""});
    CHECK_FALSE(head("#!\n/bin/sh"));
    CHECK_FALSE(head(" #!/bin/sh"));
    CHECK(head("#!/" + std::string(1000, 'x'))->interpreter.size() == 254);
    CHECK_FALSE(command_of_env({"/usr/bin/env", "A=b"}));
    CHECK_FALSE(command_of_env({"/bin/sh", "python3"}));
    CHECK(command_of_env({"/usr/bin/env", "python3 -u"}) == "python3 -u");
}

}  // namespace
}  // namespace smith::elf
