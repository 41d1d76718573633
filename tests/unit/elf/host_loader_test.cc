// SPDX-License-Identifier: Apache-2.0
//
// The host's own ld.so has the last word: trees of libraries are written to a directory, ld.so is asked there what it
// would load (LD_TRACE_LOADED_OBJECTS), and a closure over the same tree must agree. First rule by rule, then with
// trees that nobody would think of.
#include "tests/unit/elf/host_loader.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <random>

#include "builder/select.h"

namespace smith::elf {
namespace {

void compare(const TestTree& t, const std::string& program, const std::vector<std::string>& ld_library_path = {}) {
    std::vector<std::string> environment;
    if (!ld_library_path.empty()) {
        std::string list;
        for (const std::string& d : ld_library_path) list += (list.empty() ? "" : ":") + d;
        environment.push_back("LD_LIBRARY_PATH=" + list);
    }
    ClosureOptions options;
    options.ld_library_path = ld_library_path;
    const FileTree chosen = builder::select(t.tree, {program, "/etc/ld.so.preload"}).tree;
    const Closure closure = close_over_libraries(chosen, t.tree, t.contents, options);
    INFO(dump(closure));

    const std::optional<Loads> theirs = ask_ld_so(t, t.tree, program, environment);
    if (!theirs) {
        WARN("skipped: not allowed to change the root directory, so ld.so can't be asked");
        return;
    }
    INFO(print(*theirs));
    check_agreement(*theirs, loads_of(closure, t.tree));
}

/// What ships must do for ld.so what all that is available does.
void compare_shipped(TestTree& t, const std::string& program) {
    FileTree chosen = builder::select(t.tree, {program}).tree;
    chosen.put(ImagePath::parse("/proc"), {Directory{}, {}});
    const Closure closure = close_over_libraries(chosen, t.tree, t.contents);
    builder::add_libraries(chosen, t.tree, closure);
    if (!closure.cache.empty()) {
        chosen.put(ImagePath::parse("/etc/ld.so.cache"),
                   {Regular{false, t.contents.put(make_ld_so_cache(closure.cache))}, {}});
    }
    INFO(dump(closure));
    INFO(dump(chosen));
    const std::optional<Loads> theirs = ask_ld_so(t, chosen, program, {});
    if (!theirs) {
        WARN("skipped: not allowed to change the root directory, so ld.so can't be asked");
        return;
    }
    INFO(print(*theirs));
    CHECK(closure.missing.empty());
    check_agreement(*theirs, loads_of(closure, chosen));
}

TEST_CASE("ld.so agrees about RPATH, RUNPATH and LD_LIBRARY_PATH", "[elf][host]") {
    if (!has_host_loader()) return;
    TestTree t = with_host_loader();
    for (const char* d : {"/r", "/run1", "/env", "/usr/lib"}) {
        for (const char* name : {"liba.so", "libb.so", "libc1.so"}) t.add(std::string(d) + "/" + name, elf());
    }
    t.add("/r/liba.so", elf().needs("libb.so").needs("libd.so"));
    t.add("/r/libd.so", elf().needs("libe.so").runpath("/run1:/nowhere"));
    t.add("/run1/libe.so", elf().needs("libf.so"));
    t.add("/r/libf.so", elf());
    t.add("/bin/by-rpath", host_program().needs("liba.so").rpath("/r"));
    t.add("/bin/by-runpath", host_program().needs("libb.so").needs("libf.so").runpath("/run1"));
    t.add("/bin/by-both", host_program().needs("libb.so").rpath("/r").runpath("/run1"));
    for (const char* program : {"/bin/by-rpath", "/bin/by-runpath", "/bin/by-both"}) {
        CAPTURE(program);
        compare(t, program);
        compare(t, program, {"/env", "$ORIGIN/../run1"});
    }
}

TEST_CASE("ld.so agrees about ORIGIN of programs, of libraries and behind links", "[elf][host]") {
    if (!has_host_loader()) return;
    TestTree t = with_host_loader();
    t.add("/usr/bin/tool", link("../../app/bin/tool"));
    t.add("/app/bin/tool", host_program()
                               .needs("liba.so")
                               .needs("libc1.so")
                               .needs("libdeep.so")
                               .runpath("${ORIGIN}/../lib:/links:/short/../lib:$ORIGINAL:$ORIGIN/$HOME"));
    t.add("/app/lib/liba.so", elf());
    t.add("/links/libc1.so", link("../real/libc1.so"));
    t.add("/real/libc1.so", elf().needs("libb.so").runpath("$ORIGIN"));
    t.add("/links/libb.so", elf());
    t.add("/real/libb.so", elf());
    t.add("/short", link("deep/er"));
    t.add("/deep/er/x", text(""));
    t.add("/deep/lib/libdeep.so", elf());
    compare(t, "/usr/bin/tool");
    compare_shipped(t, "/usr/bin/tool");
}

TEST_CASE("ld.so agrees about LIB, PLATFORM and directories for better processors", "[elf][host]") {
    if (!has_host_loader()) return;
    TestTree t = with_host_loader();
    const std::string lib = find_system_directories(as_bytes(read_file(kLoader, 1U << 26U))).front();
    t.add("/l" + lib + "/liblib.so", elf());
    for (const char* platform : {"x86_64", "haswell", "xeon_phi"})
        t.add("/p/" + std::string(platform) + "/libp.so", elf());
    for (const char* v : {"", "/glibc-hwcaps/x86-64-v2", "/glibc-hwcaps/x86-64-v3", "/glibc-hwcaps/x86-64-v4"}) {
        t.add("/r" + std::string(v) + "/libr.so", elf());
        t.add("/usr/lib" + std::string(v) + "/libd.so", elf());
    }
    t.add("/bin/tool", host_program()
                           .needs("liblib.so")
                           .needs("libp.so")
                           .needs("libr.so")
                           .needs("libd.so")
                           .runpath("/l/$LIB:/p/${PLATFORM}:/r"));
    compare(t, "/bin/tool");
    compare_shipped(t, "/bin/tool");
}

TEST_CASE("ld.so agrees about sonames, paths, filters, preloads and files for other machines", "[elf][host]") {
    if (!has_host_loader()) return;
    TestTree t = with_host_loader();
    t.add("/r/libz-ng.so", elf().soname("libz.so.1"));
    t.add("/usr/lib/libz.so.1", elf());
    t.add("/usr/lib/liba.so", elf().needs("libz.so.1").needs("libw.so").filter("libfilter.so").auxiliary("libaux.so"));
    t.add("/r/libw.so", elf().machine(EM_AARCH64));
    t.add("/s/libw.so", elf().bits32().machine(EM_386));
    t.add("/usr/lib/libw.so", elf());
    t.add("/opt/x/libpath.so", elf());
    t.add("/usr/lib/libhook.so", elf());
    t.add("/usr/lib/libfilter.so", elf());
    t.add("/usr/lib/libaux.so", elf());
    t.add("/etc/ld.so.preload", text("# a comment\nlibhook.so # and one more\n"));
    t.add("/bin/tool", host_program()
                           .needs("libz-ng.so")
                           .needs("liba.so")
                           .needs("/opt/x/libpath.so")
                           .needs("libnone.so")
                           .rpath("/r:/s"));
    compare(t, "/bin/tool");
}

TEST_CASE("ld.so agrees about DF_1_NODEFLIB", "[elf][host]") {
    if (!has_host_loader()) return;
    TestTree t = with_host_loader();
    t.add("/usr/lib/liba.so", elf());
    t.add("/r/libb.so", elf().needs("liba.so"));
    t.add("/bin/tool", host_program().needs("liba.so").needs("libb.so").runpath("/r").flags_1(DF_1_NODEFLIB));
    compare(t, "/bin/tool");
}

TEST_CASE("ldconfig and ld.so agree about ld.so.conf", "[elf][host]") {
    if (!has_host_loader() || !fs::exists("/sbin/ldconfig")) {
        WARN("skipped: this host has no /sbin/ldconfig");
        return;
    }
    TestTree t = with_host_loader();
    t.add("/etc/ld.so.conf", text("/early # first\ninclude ld.so.conf.d/*.conf\n"));
    t.add("/etc/ld.so.conf.d/b.conf", text("/late\n"));
    t.add("/etc/ld.so.conf.d/a.conf", text("\t/middle/ \ninclude more/[xy].conf /etc/no/*.conf\n"));
    t.add("/etc/ld.so.conf.d/.no.conf", text("/hidden\n"));
    t.add("/etc/ld.so.conf.d/more/x.conf", text("/usr/lib\n/nowhere\n"));
    for (const char* path : {"/early/liba.so", "/middle/liba.so", "/middle/libb.so", "/late/libb.so", "/late/libc1.so",
                             "/usr/lib/libc1.so", "/late/libd.so", "/hidden/libe.so", "/late/mod.so"}) {
        t.add(path, elf().soname(ImagePath::parse(path).name()));
    }
    t.add("/bin/tool", host_program()
                           .needs("liba.so")
                           .needs("libb.so")
                           .needs("libc1.so")
                           .needs("libd.so")
                           .needs("libe.so")
                           .needs("mod.so"));
    const Closure closure = close_over_libraries(t.only({"/bin/tool"}), t.tree, t.contents);
    INFO(dump(closure));

    // ldconfig is asked on a copy; it is the host's own, never the tree's.
    const TempDir directory;
    write_tree(t, t.tree, directory.path());
    const Ran made = run({"/sbin/ldconfig", "-X", "-r", directory.path().string()});
    INFO(made.output);
    REQUIRE(made.status == 0);
    TestTree with_cache = t;
    with_cache.add("/etc/ld.so.cache", text(read_file(directory.path() / "etc/ld.so.cache", 1U << 20U)));
    const std::optional<Loads> theirs = ask_ld_so(with_cache, with_cache.tree, "/bin/tool", {});
    if (!theirs) {
        WARN("skipped: not allowed to change the root directory, so ld.so can't be asked");
        return;
    }
    INFO(print(*theirs));
    check_agreement(*theirs, loads_of(closure, t.tree));
    compare(with_cache, "/bin/tool");
}

TEST_CASE("an image finds by our cache what ld.so.conf brought into it", "[elf][host]") {
    if (!has_host_loader()) return;
    TestTree t = with_host_loader();
    t.add("/etc/ld.so.conf", text("/opt/lib\n"));
    t.add("/opt/lib/liba.so.9", elf().needs("liba.so.10"));
    t.add("/opt/lib/liba.so.10", link("../real/liba.so.10.1"));
    t.add("/opt/real/liba.so.10.1", elf());
    t.add("/bin/tool", host_program().needs("liba.so.9"));
    compare_shipped(t, "/bin/tool");
}

// --- trees that nobody would think of ------------------------------------------------------------------------------

class RandomTree {
public:
    explicit RandomTree(unsigned seed) : random_(seed) {}

    TestTree make() {
        TestTree t = with_host_loader();
        if (chance(50)) t.add("/lib", link("usr/lib"));
        t.add("/l", link(pick({"a", "/a/b", "c"})));
        for (const char* d : {"/a/b", "/c", "/usr/lib/x86_64-linux-gnu"}) t.add(d, Dir{});
        for (int i = 0; i < kLibraries; ++i) {
            const int copies = number(0, 2) + (chance(80) ? 1 : 0);
            for (int copy = 0; copy < copies; ++copy) add_library(t, i);
        }
        t.add("/p", link("a/tool"));
        t.add("/a/tool", object(host_program()));
        return t;
    }

    std::vector<std::string> library_path() {
        std::vector<std::string> out;
        if (chance(30)) out.push_back(directory());
        if (chance(10)) out.push_back(directory());
        return out;
    }

private:
    static constexpr int kLibraries = 8;

    int number(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }
    bool chance(int percent) { return number(1, 100) <= percent; }
    std::string pick(std::vector<std::string> from) {
        return from[static_cast<std::size_t>(number(0, static_cast<int>(from.size()) - 1))];
    }
    std::string name() { return "lib" + std::to_string(number(0, kLibraries - 1)) + ".so"; }
    std::string directory() {
        return pick({"/a", "/a/b", "/c", "/l", "/l/../c", "$ORIGIN", "$ORIGIN/../c", "${ORIGIN}/b", "/usr/$LIB",
                     "/a/./b/", "/nowhere/../a", "$ORIGIN/tool/../b", "/a/$UNKNOWN"});
    }
    std::string directories() {
        std::string out = directory();
        while (chance(50)) out += ":" + directory();
        return out;
    }

    ElfBuilder object(ElfBuilder out) {
        for (int n = number(0, 3); n > 0; --n) out.needs(name());
        if (chance(30)) out.rpath(directories());
        if (chance(30)) out.runpath(directories());
        if (chance(10)) out.flags_1(DF_1_NODEFLIB);
        return out;
    }

    void add_library(TestTree& t, int i) {
        const std::string own = "lib" + std::to_string(i) + ".so";
        // Below /usr/lib and not /lib, which may be a link.
        const ImagePath path =
            ImagePath::parse(pick({"/a", "/a/b", "/c", "/usr/lib", "/usr/lib/x86_64-linux-gnu"}) + "/" + own);
        if (chance(10)) {
            t.add(path.str(), link(pick({"/c/", "/a/b/", "../c/"}) + (chance(70) ? own : name())));
            return;
        }
        ElfBuilder library = object(elf());
        if (chance(60)) library.soname(chance(85) ? own : name());
        if (chance(5)) library.machine(EM_AARCH64);
        t.add(path.str(), library);
    }

    std::mt19937 random_;
};

/// A hundred; SMITH_RANDOM_TREES=5000 for a longer look.
unsigned number_of_trees() {
    const char* wanted = std::getenv("SMITH_RANDOM_TREES");
    return wanted == nullptr ? 100 : static_cast<unsigned>(std::stoul(wanted));
}

TEST_CASE("ld.so agrees about trees made by chance", "[elf][host]") {
    if (!has_host_loader()) return;
    for (unsigned seed = 1; seed <= number_of_trees(); ++seed) {
        RandomTree random(seed);
        const TestTree t = random.make();
        CAPTURE(seed);
        INFO(dump(t.tree));
        compare(t, seed % 2 == 0 ? "/p" : "/a/tool", random.library_path());
    }
}

}  // namespace
}  // namespace smith::elf
