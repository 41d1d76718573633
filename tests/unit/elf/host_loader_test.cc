// SPDX-License-Identifier: Apache-2.0
//
// The host's own ld.so has the last word: trees of libraries are written to a directory, ld.so is asked there what it
// would load (LD_TRACE_LOADED_OBJECTS), and a closure over the same tree must agree. First rule by rule, then with
// trees that nobody would think of, then with the programs of the host.
#include <sys/mman.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <sstream>

#include "builder/elf/loader.h"
#include "builder/elf/tree_view.h"
#include "builder/select.h"
#include "tests/unit/elf/run.h"
#include "tests/unit/elf/test_tree.h"
#include "tests/unit/temp_dir.h"

namespace smith::elf {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLoader = "/lib64/ld-linux-x86-64.so.2";

/// Names that were asked for, each with the file that it is; "" when it was not found. A name can be both: ld.so goes
/// on after a failure when it only lists, and another object may have a better search path.
using Loads = std::set<std::pair<std::string, std::string>>;

// As ET_EXEC, because without PT_PHDR ld.so would not know where a position-independent one was put.
ElfBuilder host_program() { return elf().interpreter(kLoader).type(ET_EXEC); }

bool has_host_loader() {
    if (fs::exists(kLoader)) return true;
    WARN("skipped: this host has no " << kLoader);
    return false;
}

/// A tree with the host's loader in it, and the place for /proc.
TestTree with_host_loader() {
    TestTree t;
    t.add(kLoader, script(read_file(kLoader, 1U << 26U)));
    t.add("/proc", Dir{});
    return t;
}

void write_tree(const TestTree& t, const FileTree& tree, const fs::path& root) {
    for (const auto& [path, entry] : tree.entries()) {
        const fs::path file = root / path.relative();
        if (is_directory(&entry)) {
            fs::create_directories(file);
        } else if (const Symlink* link = as_symlink(&entry)) {
            fs::create_symlink(link->target, file);
        } else {
            write_all(open_file(file, O_WRONLY | O_CREAT | O_TRUNC, 0755).get(),
                      t.contents.open(as_regular(&entry)->content).view());
        }
    }
}

/// The lines "\tNAME => PATH (0x...)", "\tNAME => not found" and "\tPATH (0x...)".
Loads parse_trace(const std::string& text) {
    Loads out;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with('\t') || line == "\tstatically linked") continue;
        line = line.substr(1, line.rfind(" (0x") - 1);
        const std::size_t arrow = line.find(" => ");
        const std::string name = line.substr(0, arrow);
        const std::string path = arrow == std::string::npos ? name : line.substr(arrow + 4);
        if (!is_vdso(name)) out.emplace(name, path == "not found" ? "" : path);
    }
    return out;
}

/// Loads with paths as they really are in `tree`.
Loads resolved(const Loads& loads, const FileTree& tree) {
    TreeView view(tree, tree, {});
    Loads out;
    for (const auto& [name, path] : loads) {
        const std::optional<FoundFile> file = view.find_file(path);
        out.emplace(name, file ? file->real.str() : path);
    }
    return out;
}

/// What ld.so says, in a directory that holds `t`; nothing where that can't be done here.
std::optional<Loads> ask_ld_so(const TestTree& t, const FileTree& tree, const std::string& program,
                               const std::vector<std::string>& environment) {
    const TempDir directory;
    write_tree(t, tree, directory.path());
    std::vector<std::string> variables = environment;
    variables.emplace_back("LD_TRACE_LOADED_OBJECTS=1");
    const Ran ran = run({program}, variables, directory.path().string());
    if (ran.status == kNoRoot) return std::nullopt;
    INFO(ran.output);
    REQUIRE(ran.status == 0);
    return resolved(parse_trace(ran.output), tree);
}

/// The same from a closure. The names that ld.so prints are those under which something was first asked for.
struct OurLoads {
    std::map<std::string, std::set<std::string>> found;  ///< with the variants for better processors
    std::set<std::string> missing;
    std::set<std::string> files;  ///< without the variants
};

OurLoads loads_of(const Closure& closure, const FileTree& tree) {
    OurLoads out;
    for (const Edge& edge : closure.edges) {
        const std::string real = tree.resolve(edge.found).path.str();
        out.found[edge.soname].insert(real);
        // ld.so lists itself only when somebody asks for it by its soname.
        if (edge.rule.find(", ") == std::string::npos && edge.rule != "interpreter") out.files.insert(real);
    }
    for (const Missing& missing : closure.missing) out.missing.insert(missing.soname);
    return out;
}

std::string print(const Loads& loads) {
    std::string out;
    for (const auto& [name, path] : loads) out += name + " => " + (path.empty() ? "not found" : path) + "\n";
    return out;
}

/// Everything that ld.so loads is in the closure, by the same name, and nothing else is.
void check_agreement(const Loads& theirs, const OurLoads& ours) {
    std::set<std::string> their_files;
    std::set<std::string> their_missing;
    for (const auto& [name, path] : theirs) {
        CAPTURE(name, path);
        if (path.empty()) {
            their_missing.insert(name);
            continue;
        }
        if (!path.ends_with("/ld-linux-x86-64.so.2")) their_files.insert(path);
        const auto it = ours.found.find(name);
        REQUIRE(it != ours.found.end());
        CHECK(it->second.contains(path));
    }
    CHECK(ours.missing == their_missing);
    CHECK(ours.files.size() == their_files.size());
}

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

// --- the host's own programs ---------------------------------------------------------------------------------------

/// Files of the host by their paths: a tree's digests only have to differ, and nobody checks them here.
class HostContents : public Contents {
public:
    Content put(const fs::path& path) {
        const Content content{sha256(path.string()), fs::file_size(path)};
        paths_.emplace(content.digest, path);
        return content;
    }
    [[nodiscard]] Bytes open(const Content& content) const override {
        // Mapped: a closure looks at a few pages of what may be a hundred megabytes.
        const UniqueFd fd = open_file(paths_.at(content.digest), O_RDONLY);
        const std::size_t size = content.size;
        if (size == 0) return {};
        void* map = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
        if (map == MAP_FAILED) throw system_error(errno, "mapping a file of the host");
        const std::shared_ptr<const void> keep(map, [size](const void* p) { ::munmap(const_cast<void*>(p), size); });
        return {keep, std::span(static_cast<const std::byte*>(map), size)};
    }

private:
    std::map<Digest, fs::path> paths_;
};

void add_host_file(FileTree& tree, HostContents& contents, const fs::directory_entry& entry) {
    const std::string path = entry.path().string();
    if (entry.is_symlink()) {
        tree.put(ImagePath::parse(path), {Symlink{fs::read_symlink(entry.path()).string()}, {}});
    } else if (entry.is_regular_file() && ::access(path.c_str(), R_OK) == 0) {
        tree.put(ImagePath::parse(path), {Regular{::access(path.c_str(), X_OK) == 0, contents.put(path)}, {}});
    }
}

void add_host_directory(FileTree& tree, HostContents& contents, const fs::path& directory) {
    std::error_code error;
    if (fs::is_symlink(directory)) {
        add_host_file(tree, contents, fs::directory_entry(directory));
        return;
    }
    for (const auto& entry :
         fs::recursive_directory_iterator(directory, fs::directory_options::skip_permission_denied, error)) {
        // Of the libraries' directories only libraries: a hundred thousand other files have nothing to say here.
        const bool may_matter = directory == "/usr/bin" || entry.is_symlink() ||
                                entry.path().filename().string().find(".so") != std::string::npos;
        if (may_matter) add_host_file(tree, contents, entry);
    }
}

/// Programs of /usr/bin that the host's usual loader starts; about `count` of them, from everywhere in the alphabet.
std::vector<ImagePath> some_programs(const FileTree& tree, const HostContents& contents, std::size_t count) {
    std::vector<ImagePath> all;
    for (const ImagePath& path : tree.children(ImagePath::parse("/usr/bin"))) {
        const Regular* file = as_regular(tree.find(path));
        if (file == nullptr || !file->executable ||
            (fs::status(path.str()).permissions() & fs::perms::set_uid) != fs::perms::none) {
            continue;
        }
        const Bytes bytes = contents.open(file->content);
        if (!has_elf_magic(bytes.view())) continue;
        const std::optional<ElfFile> program = read_elf(bytes.view());
        if (program->interpreter == kLoader) all.push_back(path);
    }
    std::vector<ImagePath> out;
    const std::size_t step = std::max<std::size_t>(1, all.size() / count);
    for (std::size_t i = 0; i < all.size(); i += step) out.push_back(all[i]);
    return out;
}

TEST_CASE("ld.so agrees about a hundred programs of the host", "[elf][host]") {
    if (!has_host_loader()) return;
    FileTree tree;
    HostContents contents;
    for (const char* d :
         {"/usr/bin", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib", "/bin", "/lib", "/lib32", "/lib64"}) {
        add_host_directory(tree, contents, d);
    }
    // The cache alone, as ld.so has it.
    if (fs::exists("/etc/ld.so.cache")) add_host_file(tree, contents, fs::directory_entry("/etc/ld.so.cache"));
    const std::vector<ImagePath> programs = some_programs(tree, contents, 100);
    CHECK(programs.size() >= 10);
    for (const ImagePath& program : programs) {
        CAPTURE(program.str());
        FileTree chosen;
        chosen.put(program, *tree.find(program));
        const Closure closure = close_over_libraries(chosen, tree, contents);
        INFO(dump(closure));
        const Ran ran = run({program.str()}, {"LD_TRACE_LOADED_OBJECTS=1"});
        INFO(ran.output);
        REQUIRE(ran.status == 0);
        check_agreement(resolved(parse_trace(ran.output), tree), loads_of(closure, tree));
    }
}

}  // namespace
}  // namespace smith::elf
