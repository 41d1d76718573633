// SPDX-License-Identifier: Apache-2.0
//
// The rules of ld.so(8), one test a rule: where a library is found, and by which rule.
#include <catch2/catch.hpp>

#include "tests/unit/elf/test_tree.h"

namespace smith::elf {
namespace {

// Without a loader in the tree each of these would be reported as missing it; the tests are about libraries.
constexpr const char* kLoader = "/lib64/ld-linux-x86-64.so.2";
constexpr const char* kToolLoader =
    "/app/bin/tool needs /lib64/ld-linux-x86-64.so.2: /lib64/ld-linux-x86-64.so.2 (interpreter)\n";

std::string tool(const std::string& rest) { return kToolLoader + rest; }

/// Shared objects that need nothing, at these paths.
TestTree libraries_at(std::initializer_list<const char*> paths) {
    TestTree out;
    out.add(kLoader, elf().soname("ld-linux-x86-64.so.2"));
    for (const char* path : paths) out.add(path, elf().soname(ImagePath::parse(path).name()));
    return out;
}

TEST_CASE("a library is looked for in the needer's RUNPATH before the default directories", "[elf]") {
    TestTree t = libraries_at({"/app/lib/libz.so.1", "/usr/lib64/libz.so.1"});
    t.add("/app/bin/tool", program().needs("libz.so.1").runpath("$ORIGIN/../lib"));
    CHECK(closure_of(t, {"/app/bin/tool"}) == tool("/app/bin/tool needs libz.so.1: /app/lib/libz.so.1 (runpath)\n"));
}

TEST_CASE("RUNPATH does not carry over to the libraries that a library needs", "[elf]") {
    TestTree t = libraries_at({"/app/lib/libz.so.1", "/usr/lib64/libz.so.1"});
    t.add("/app/bin/tool", program().needs("liba.so").runpath("/app/lib"));
    t.add("/app/lib/liba.so", elf().needs("libz.so.1"));
    CHECK(closure_of(t, {"/app/bin/tool"}) == tool("/app/bin/tool needs liba.so: /app/lib/liba.so (runpath)\n"
                                                   "/app/lib/liba.so needs libz.so.1: /usr/lib64/libz.so.1 "
                                                   "(default directory)\n"));
}

TEST_CASE("RPATH carries over to the libraries that a library needs", "[elf]") {
    TestTree t = libraries_at({"/app/lib/libz.so.1", "/usr/lib64/libz.so.1"});
    t.add("/app/bin/tool", program().needs("liba.so").rpath("/app/lib"));
    t.add("/app/lib/liba.so", elf().needs("libz.so.1"));
    CHECK(closure_of(t, {"/app/bin/tool"}) == tool("/app/bin/tool needs liba.so: /app/lib/liba.so (rpath)\n"
                                                   "/app/lib/liba.so needs libz.so.1: /app/lib/libz.so.1 (rpath)\n"));
}

TEST_CASE("an object with a RUNPATH ignores its own RPATH and what it would inherit", "[elf]") {
    TestTree t = libraries_at({"/app/lib/libz.so.1", "/own/libz.so.1", "/usr/lib64/libz.so.1"});
    t.add("/app/bin/tool", program().needs("liba.so").rpath("/app/lib"));
    t.add("/app/lib/liba.so", elf().needs("libz.so.1").rpath("/own").runpath("/nowhere"));
    CHECK(closure_of(t, {"/app/bin/tool"}) == tool("/app/bin/tool needs liba.so: /app/lib/liba.so (rpath)\n"
                                                   "/app/lib/liba.so needs libz.so.1: /usr/lib64/libz.so.1 "
                                                   "(default directory)\n"));
}

TEST_CASE("an RPATH is passed on through an object that has a RUNPATH", "[elf]") {
    TestTree t = libraries_at({"/app/lib/libz.so.1"});
    t.add("/app/bin/tool", program().needs("liba.so").rpath("/app/lib"));
    t.add("/app/lib/liba.so", elf().needs("libb.so").runpath("/own"));
    t.add("/own/libb.so", elf().needs("libz.so.1"));
    CHECK(closure_of(t, {"/app/bin/tool"}) == tool("/app/bin/tool needs liba.so: /app/lib/liba.so (rpath)\n"
                                                   "/app/lib/liba.so needs libb.so: /own/libb.so (runpath)\n"
                                                   "/own/libb.so needs libz.so.1: /app/lib/libz.so.1 (rpath)\n"));
}

TEST_CASE("LD_LIBRARY_PATH stands behind RPATH and before RUNPATH", "[elf]") {
    TestTree t = libraries_at({"/env/liba.so", "/env/libb.so", "/r/liba.so", "/r/libb.so"});
    t.add("/bin/with-rpath", program().needs("liba.so").rpath("/r"));
    t.add("/bin/with-runpath", program().needs("libb.so").runpath("/r"));
    ClosureOptions options;
    options.ld_library_path = {"/env"};
    CHECK(closure_of(t, {"/bin/with-rpath", "/bin/with-runpath"}, options) ==
          "/bin/with-rpath needs /lib64/ld-linux-x86-64.so.2: /lib64/ld-linux-x86-64.so.2 (interpreter)\n"
          "/bin/with-rpath needs liba.so: /r/liba.so (rpath)\n"
          "/bin/with-runpath needs /lib64/ld-linux-x86-64.so.2: /lib64/ld-linux-x86-64.so.2 (interpreter)\n"
          "/bin/with-runpath needs libb.so: /env/libb.so (LD_LIBRARY_PATH)\n");
}

TEST_CASE("ld.so.conf stands before the default directories, and what it brings needs a cache", "[elf]") {
    TestTree t = libraries_at({"/opt/lib/libz.so.1", "/usr/lib64/libz.so.1", "/usr/lib64/liby.so.1"});
    t.add("/app/bin/tool", program().needs("libz.so.1").needs("liby.so.1"));
    t.add("/etc/ld.so.conf", text("# local\n  include ld.so.conf.d/*.conf # more\n\n"));
    t.add("/etc/ld.so.conf.d/b.conf", text("/opt/lib/\t\n/usr/lib64\n"));
    t.add("/etc/ld.so.conf.d/.hidden.conf", text("/hidden\n"));
    t.add("/etc/ld.so.conf.d/a.conf", text("include /etc/ld.so.conf\nhwcap 0 nosegneg\n/nowhere\nrelative\n"));
    t.add("/hidden/libz.so.1", elf());
    CHECK(closure_of(t, {"/app/bin/tool"}) ==
          tool("/app/bin/tool needs liby.so.1: /usr/lib64/liby.so.1 (default directory)\n"
               "/app/bin/tool needs libz.so.1: /opt/lib/libz.so.1 (ld.so.conf)\n"));
    const Closure closure = close_over_libraries(t.only({"/app/bin/tool"}), t.tree, t.contents);
    REQUIRE(closure.cache.size() == 1);
    CHECK(closure.cache[0].soname == "libz.so.1");
    CHECK(closure.cache[0].path == "/opt/lib/libz.so.1");
    CHECK(closure.warnings == std::vector<std::string>{"'/etc/ld.so.conf.d/a.conf' names 'relative', which is not an "
                                                       "absolute path, ignoring"});
}

TEST_CASE("a library that is not named lib*.so* is not in the cache, so ld.so.conf does not help it", "[elf]") {
    TestTree t = libraries_at({"/opt/lib/module.so"});
    t.add("/app/bin/tool", program().needs("module.so"));
    t.add("/etc/ld.so.conf", text("/opt/lib\n"));
    CHECK(closure_of(t, {"/app/bin/tool"}) == tool("/app/bin/tool needs module.so: missing\n"));
}

TEST_CASE("ld.so.cache is believed where there is one", "[elf]") {
    TestTree t = libraries_at({"/opt/lib/libz.so.1", "/usr/lib64/libgone.so.1"});
    const Abi abi{Class::bits64, ByteOrder::little, EM_X86_64, 0};
    t.add("/etc/ld.so.cache", text(make_ld_so_cache({{"libz.so.1", "/opt/lib/libz.so.1", abi},
                                                     {"libgone.so.1", "/gone/libgone.so.1", abi}})));
    t.add("/app/bin/tool", program().needs("libz.so.1").needs("libgone.so.1"));
    CHECK(closure_of(t, {"/app/bin/tool"}) ==
          tool("/app/bin/tool needs libgone.so.1: /usr/lib64/libgone.so.1 (default directory)\n"
               "/app/bin/tool needs libz.so.1: /opt/lib/libz.so.1 (ld.so.cache)\n"));
}

TEST_CASE("DF_1_NODEFLIB keeps an object from the default directories, in the cache too", "[elf]") {
    TestTree t = libraries_at({"/usr/lib64/libz.so.1", "/opt/lib/liby.so.1"});
    t.add("/etc/ld.so.conf", text("/usr/lib64\n/opt/lib\n"));
    t.add("/app/bin/tool", program().needs("libz.so.1").needs("liby.so.1").flags_1(DF_1_NODEFLIB));
    CHECK(closure_of(t, {"/app/bin/tool"}) == tool("/app/bin/tool needs liby.so.1: /opt/lib/liby.so.1 (ld.so.conf)\n"
                                                   "/app/bin/tool needs libz.so.1: missing\n"));
}

TEST_CASE("the default directories are those that the loader has compiled in", "[elf]") {
    using namespace std::string_literals;
    TestTree t = libraries_at({"/gnu/store/glibc/lib/libz.so.1", "/usr/lib64/libz.so.1"});
    t.add("/app/bin/tool", program().needs("libz.so.1").needs("liby.so").runpath("/opt/$LIB"));
    t.add("/opt/lib/liby.so", elf());
    t.add(kLoader, elf().soname("ld-linux-x86-64.so.2").data("\0\0\0\x19\0\0\0\0/gnu/store/glibc/lib/\0\0\0"s));
    CHECK(closure_of(t, {"/app/bin/tool"}) ==
          tool("/app/bin/tool needs liby.so: /opt/lib/liby.so (runpath)\n"
               "/app/bin/tool needs libz.so.1: /gnu/store/glibc/lib/libz.so.1 (default directory)\n"));
}

TEST_CASE("Debian's multiarch directories are default directories where the tree has them", "[elf]") {
    TestTree t = libraries_at({"/usr/lib/x86_64-linux-gnu/libz.so.1", "/usr/lib/liby.so", "/usr/lib64/libx.so"});
    t.add("/app/bin/tool", program().needs("libz.so.1").needs("liby.so").needs("libx.so"));
    CHECK(closure_of(t, {"/app/bin/tool"}) ==
          tool("/app/bin/tool needs liby.so: /usr/lib/liby.so (default directory)\n"
               "/app/bin/tool needs libz.so.1: /usr/lib/x86_64-linux-gnu/libz.so.1 (default directory)\n"
               "/app/bin/tool needs libx.so: missing\n"));
}

TEST_CASE("ORIGIN is where a program really is, and where a library was found", "[elf]") {
    TestTree t = libraries_at({"/app/lib/liba.so", "/links/libb.so", "/real/libb.so"});
    t.add("/usr/bin/tool", link("../../app/bin/tool"));
    t.add("/app/bin/tool", program().needs("liba.so").needs("libc1.so").runpath("${ORIGIN}/../lib:/links"));
    t.add("/links/libc1.so", link("../real/libc1.so"));
    t.add("/real/libc1.so", elf().needs("libb.so").runpath("$ORIGIN"));
    CHECK(closure_of(t, {"/app/bin/tool"}) == tool("/app/bin/tool needs liba.so: /app/lib/liba.so (runpath)\n"
                                                   "/app/bin/tool needs libc1.so: /links/libc1.so (runpath)\n"
                                                   "/real/libc1.so needs libb.so: /links/libb.so (runpath)\n"));
}

TEST_CASE("a '..' behind a link is taken where the link leads, and the link is told of", "[elf]") {
    TestTree t = libraries_at({"/deep/lib/libz.so.1", "/lib/libz.so.1"});
    t.add("/deep/er/x", text(""));
    t.add("/short", link("deep/er"));
    t.add("/app/bin/tool", program().needs("libz.so.1").runpath("/short/../lib"));
    const Closure closure = close_over_libraries(t.only({"/app/bin/tool"}), t.tree, t.contents);
    CHECK(dump(closure) == tool("/app/bin/tool needs libz.so.1: /deep/lib/libz.so.1 (runpath)\n"));
    CHECK(closure.edges[1].through == std::vector<ImagePath>{ImagePath::parse("/short")});
}

TEST_CASE("an unknown token and a longer identifier are not ORIGIN", "[elf]") {
    TestTree t = libraries_at({"/app/$ORIGINAL/liba.so", "/app/$HOME/libb.so"});
    t.add("/app/tool", program().needs("liba.so").needs("libb.so").runpath("$ORIGIN/$ORIGINAL:$ORIGIN/$HOME"));
    CHECK(closure_of(t, {"/app/tool"}) ==
          "/app/tool needs /lib64/ld-linux-x86-64.so.2: /lib64/ld-linux-x86-64.so.2 (interpreter)\n"
          "/app/tool needs liba.so: /app/$ORIGINAL/liba.so (runpath)\n"
          "/app/tool needs libb.so: /app/$HOME/libb.so (runpath)\n");
}

TEST_CASE("variants for better processors are brought besides the plain library", "[elf]") {
    TestTree t = libraries_at({"/usr/lib64/libz.so.1", "/usr/lib64/glibc-hwcaps/x86-64-v3/libz.so.1",
                               "/usr/lib64/glibc-hwcaps/x86-64-v9/libz.so.1", "/p/haswell/libp.so", "/p/x86_64/libp.so",
                               "/usr/lib64/libextra.so"});
    t.add("/usr/lib64/glibc-hwcaps/x86-64-v3/libz.so.1", elf().needs("libextra.so"));
    t.add("/app/bin/tool", program().needs("libz.so.1").needs("libp.so").runpath("/p/$PLATFORM"));
    CHECK(closure_of(t, {"/app/bin/tool"}) ==
          tool("/app/bin/tool needs libp.so: /p/haswell/libp.so (runpath, platform haswell)\n"
               "/app/bin/tool needs libp.so: /p/x86_64/libp.so (runpath)\n"
               "/app/bin/tool needs libz.so.1: /usr/lib64/glibc-hwcaps/x86-64-v3/libz.so.1 (default directory, hwcaps "
               "x86-64-v3)\n"
               "/app/bin/tool needs libz.so.1: /usr/lib64/libz.so.1 (default directory)\n"
               "/usr/lib64/glibc-hwcaps/x86-64-v3/libz.so.1 needs libextra.so: /usr/lib64/libextra.so (default "
               "directory)\n"));
}

TEST_CASE("a library for another machine or class is passed over", "[elf]") {
    TestTree t = libraries_at({"/c/libz.so.1"});
    t.add("/a/libz.so.1", elf().machine(EM_AARCH64));
    t.add("/b/libz.so.1", elf().bits32().machine(EM_386));
    t.add("/app/bin/tool", program().needs("libz.so.1").runpath("/a:/b:/c"));
    CHECK(closure_of(t, {"/app/bin/tool"}) == tool("/app/bin/tool needs libz.so.1: /c/libz.so.1 (runpath)\n"));
}

TEST_CASE("something broken under a library's name ends the search, as it does for ld.so", "[elf]") {
    TestTree t = libraries_at({"/usr/lib64/libz.so.1"});
    t.add("/a/libz.so.1", text("INPUT(libz.so.1.2)"));
    t.add("/app/bin/tool", program().needs("libz.so.1").runpath("/a"));
    const Closure closure = close_over_libraries(t.only({"/app/bin/tool"}), t.tree, t.contents);
    REQUIRE(closure.missing.size() == 1);
    CHECK(describe(closure.missing[0]) ==
          "'/app/bin/tool' needs 'libz.so.1', which is in none of '/a', '/a/libz.so.1 (is not an ELF file)'");
}

TEST_CASE("a needed name with a slash is a path and is not searched for", "[elf]") {
    TestTree t = libraries_at({"/opt/x/libz.so.1", "/app/z/liby.so"});
    t.add("/app/bin/tool", program().needs("/opt/x/libz.so.1").needs("$ORIGIN/../z/liby.so").needs("./libx.so"));
    CHECK(closure_of(t, {"/app/bin/tool"}) == "/app/bin/tool needs /app/bin/../z/liby.so: /app/z/liby.so (path)\n" +
                                                  tool("/app/bin/tool needs /opt/x/libz.so.1: /opt/x/libz.so.1 (path)\n"
                                                       "/app/bin/tool needs ./libx.so: missing\n"));
}

TEST_CASE("a library that is loaded serves all who ask for its soname later", "[elf]") {
    TestTree t = libraries_at({"/usr/lib64/libz.so.1", "/usr/lib64/liba.so"});
    t.add("/app/lib/libz-ng.so", elf().soname("libz.so.1"));
    t.add("/usr/lib64/liba.so", elf().needs("libz.so.1"));
    t.add("/app/bin/tool", program().needs("libz-ng.so").needs("liba.so").runpath("/app/lib"));
    CHECK(closure_of(t, {"/app/bin/tool"}) ==
          tool("/app/bin/tool needs liba.so: /usr/lib64/liba.so (default directory)\n"
               "/app/bin/tool needs libz-ng.so: /app/lib/libz-ng.so (runpath)\n"
               "/usr/lib64/liba.so needs libz.so.1: /app/lib/libz-ng.so (already loaded)\n"));
}

TEST_CASE("libraries are loaded breadth first, so the program's own come before those of its libraries", "[elf]") {
    TestTree t = libraries_at({"/first/libz.so.1", "/second/libz.so.1"});
    t.add("/lib64/liba.so", elf().needs("libb.so"));
    t.add("/lib64/libb.so", elf().needs("libz.so.1").runpath("/second"));
    t.add("/lib64/libc1.so", elf().needs("libz.so.1").runpath("/first"));
    t.add("/app/bin/tool", program().needs("liba.so").needs("libc1.so"));
    CHECK(closure_of(t, {"/app/bin/tool"}) == tool("/app/bin/tool needs liba.so: /lib64/liba.so (default directory)\n"
                                                   "/app/bin/tool needs libc1.so: /lib64/libc1.so (default directory)\n"
                                                   "/lib64/liba.so needs libb.so: /lib64/libb.so (default directory)\n"
                                                   "/lib64/libb.so needs libz.so.1: /first/libz.so.1 (already loaded)\n"
                                                   "/lib64/libc1.so needs libz.so.1: /first/libz.so.1 (runpath)\n"));
}

TEST_CASE("a filter must be there, an auxiliary library may be", "[elf]") {
    TestTree t = libraries_at({"/lib64/liba.so"});
    t.add("/app/bin/tool", program().auxiliary("liba.so").auxiliary("libno.so").filter("libf.so"));
    CHECK(closure_of(t, {"/app/bin/tool"}) == tool("/app/bin/tool needs liba.so: /lib64/liba.so (default directory)\n"
                                                   "/app/bin/tool needs libf.so: missing\n"));
}

// --- musl ----------------------------------------------------------------------------------------------------------

constexpr const char* kMuslLoader = "/lib/ld-musl-x86_64.so.1";
constexpr const char* kMuslTool =
    "/app/bin/tool needs /lib/ld-musl-x86_64.so.1: /lib/ld-musl-x86_64.so.1 (interpreter)\n";

ElfBuilder musl_program() { return elf().interpreter(kMuslLoader); }

TEST_CASE("musl's libc is its loader, under whatever name it is asked for", "[elf]") {
    TestTree t;
    t.add(kMuslLoader, elf().soname("libc.musl-x86_64.so.1"));
    t.add("/app/bin/tool", musl_program().needs("libc.musl-x86_64.so.1").needs("libpthread.so.0"));
    CHECK(closure_of(t, {"/app/bin/tool"}) ==
          kMuslTool + std::string("/app/bin/tool needs libc.musl-x86_64.so.1: /lib/ld-musl-x86_64.so.1 (interpreter)\n"
                                  "/app/bin/tool needs libpthread.so.0: /lib/ld-musl-x86_64.so.1 (interpreter)\n"));
}

TEST_CASE("musl inherits RUNPATH, looks into LD_LIBRARY_PATH first and has directories of its own", "[elf]") {
    TestTree t;
    t.add(kMuslLoader, elf());
    t.add("/app/lib/liba.so", elf().needs("libb.so").needs("libd.so"));
    t.add("/app/lib/libb.so", elf());
    t.add("/env/libb.so", elf());
    t.add("/app/lib/libd.so", elf());
    t.add("/usr/local/lib/libe.so", elf());
    t.add("/usr/lib64/libf.so", elf());
    t.add("/app/bin/tool", musl_program().needs("liba.so").needs("libe.so").needs("libf.so").runpath("$ORIGIN/../lib"));
    ClosureOptions options;
    options.ld_library_path = {"/env"};
    CHECK(closure_of(t, {"/app/bin/tool"}, options) ==
          kMuslTool + std::string("/app/bin/tool needs liba.so: /app/lib/liba.so (runpath)\n"
                                  "/app/bin/tool needs libe.so: /usr/local/lib/libe.so (default directory)\n"
                                  "/app/lib/liba.so needs libb.so: /env/libb.so (LD_LIBRARY_PATH)\n"
                                  "/app/lib/liba.so needs libd.so: /app/lib/libd.so (runpath)\n"
                                  "/app/bin/tool needs libf.so: missing\n"));
}

TEST_CASE("musl's .path file takes the place of its directories", "[elf]") {
    TestTree t;
    t.add(kMuslLoader, elf());
    t.add("/etc/ld-musl-x86_64.path", text("/opt/lib\n/more\n"));
    t.add("/more/liba.so", elf());
    t.add("/lib/liba.so", elf());
    t.add("/app/bin/tool", musl_program().needs("liba.so"));
    CHECK(closure_of(t, {"/app/bin/tool"}) ==
          kMuslTool + std::string("/app/bin/tool needs liba.so: /more/liba.so (default directory)\n"));
}

TEST_CASE("musl goes by file names and not by sonames", "[elf]") {
    TestTree t;
    t.add(kMuslLoader, elf());
    t.add("/lib/libz-ng.so", elf().soname("libz.so.1"));
    t.add("/lib/libz.so.1", elf());
    t.add("/app/bin/tool", musl_program().needs("libz-ng.so").needs("libz.so.1"));
    CHECK(closure_of(t, {"/app/bin/tool"}) ==
          kMuslTool + std::string("/app/bin/tool needs libz-ng.so: /lib/libz-ng.so (default directory)\n"
                                  "/app/bin/tool needs libz.so.1: /lib/libz.so.1 (default directory)\n"));
}

}  // namespace
}  // namespace smith::elf
