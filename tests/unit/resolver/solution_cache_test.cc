// SPDX-License-Identifier: Apache-2.0
//
// What was solved and is remembered: that everything which decides a solution is in its key, that it comes back as it
// was, and that what is damaged, or was not said to the end, is solved again.
#include "resolver/solution_cache.h"

#include <catch2/catch.hpp>
#include <functional>
#include <set>

#include "base/build_id.h"
#include "resolver/sealed_file.h"
#include "tests/unit/resolver/rpm_build.h"
#include "tests/unit/resolver/support.h"
#include "tests/unit/resolver/tiny_repo.h"

using namespace smith;
using namespace smith::resolver;
using test::TempDir;
using test::TinyRepo;

namespace {

/// Each part to be changed by a test.
struct Question {
    Request request;
    std::vector<RepoConfig> configs;
    std::vector<std::string> repomds{"first", "second"};

    Question() {
        request.packages = {"app", "lib"};
        request.local_rpms = {{"./x.rpm", "/here/x.rpm", sha256("x"), 7, false}};
        request.arch = "x86_64";
        request.releasever = "9";
        request.modules = {"nodejs:18"};
        request.preset_modules = {"perl:5"};
        request.platform = "platform:el9";
        request.keep = {kept()};
        request.only = {{{"app", 0, "1", "1", "noarch"}, Checksum{"sha256", sha256("app").hex()}}};
        configs.resize(2);
        configs[0].id = "base";
        configs[1].id = "updates";
        configs[1].excludepkgs = {"kernel*"};
        configs[1].includepkgs = {"app", "lib*"};
    }
    static PackageRef kept() {
        PackageRef out;
        out.nevra = {"app", 0, "1", "1", "noarch"};
        out.repo = "base";
        return out;
    }
    [[nodiscard]] Digest key() const {
        std::vector<Repository> repositories;
        for (std::size_t i = 0; i < configs.size(); ++i) {
            repositories.emplace_back(configs[i], Repomd{}, sha256(repomds.at(i)), std::vector<std::string>{},
                                      std::filesystem::path(), false);
        }
        return solution_key(request, repositories).value();
    }
};

using Changes = std::vector<std::pair<const char*, std::function<void(Question&)>>>;

Solution odd_solution() {
    Solution out;
    PackageRef app = Question::kept();
    app.nevra.epoch = 4'000'000'000;
    app.location = "a/app.rpm";
    app.checksum = {"sha1", std::string(40, '5')};
    app.size = 1ULL << 40;
    app.header_end = 99;
    PackageRef local;
    local.nevra = {"x", 0, "2~rc1^git", "1", "x86_64"};
    local.location = "../x.rpm";
    local.checksum = {"sha256", sha256("x").hex()};
    local.size = 7;
    out.packages = {app, local};
    out.requirements = {{0, std::string("no UTF-8: \xff\x00", 12), 1}, {1, "app >= 1", 0}};
    out.asked = {{"./x.rpm", 1}, {"app", 0}};
    out.modules = {"nodejs:18", "perl:5"};
    return out;
}

bool are_same(const Solution& a, const Solution& b) {
    return a.packages == b.packages && a.requirements == b.requirements && a.asked == b.asked && a.modules == b.modules;
}

std::filesystem::path only_file_in(const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> found;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) found.push_back(entry.path());
    REQUIRE(found.size() == 1);
    return found.front();
}

void seal(const std::filesystem::path& path, std::string_view text) {
    AtomicFile file(path);
    file.write(std::as_bytes(std::span(text.data(), text.size())));
    commit_sealed(file);
}

Request request_for(const std::string& package) {
    Request request;
    request.packages = {package};
    request.arch = "x86_64";
    return request;
}

/// The names of what is chosen of `config`, and the warnings.
std::string recall(const RepoConfig& config, const std::string& package, const std::filesystem::path& cache) {
    HttpClient http(test::hasty());
    RecordingReporter reporter;
    const auto repos = load_repositories({config}, {cache}, http, reporter);
    std::string out;
    for (const PackageRef& ref : solve_or_recall(request_for(package), repos, cache, http, reporter).packages) {
        out += ref.nevra.name + " ";
    }
    for (const std::string& warning : reporter.warnings) out += warning;
    return out;
}

}  // namespace

TEST_CASE("a program knows which libsolv it runs with", "[solution_cache]") {
    CHECK(build_id_of_library("libsolv.so.").size() == 20);
    CHECK(build_id_of_library("libsolv.so.") != build_id());
    CHECK(build_id_of_library("libsolvext.so.") != build_id_of_library("libsolv.so."));
    CHECK(build_id_of_library("libnowhere.so.").empty());
}

TEST_CASE("everything that decides a solution is in its key", "[solution_cache]") {
    const Changes changes = {
        {"nothing", [](Question&) {}},
        {"another package", [](Question& q) { q.request.packages[1] = "libs"; }},
        {"the order of packages", [](Question& q) { std::swap(q.request.packages[0], q.request.packages[1]); }},
        {"two packages that read as one", [](Question& q) { q.request.packages = {"applib"}; }},
        {"how a local package is spelled", [](Question& q) { q.request.local_rpms[0].location = "x.rpm"; }},
        {"the bytes of a local package", [](Question& q) { q.request.local_rpms[0].sha256 = sha256("y"); }},
        {"the size of a local package", [](Question& q) { q.request.local_rpms[0].size = 8; }},
        {"a package named by URL", [](Question& q) { q.request.local_rpms[0].is_remote = true; }},
        {"no local package", [](Question& q) { q.request.local_rpms.clear(); }},
        {"the architecture", [](Question& q) { q.request.arch = "aarch64"; }},
        {"the release", [](Question& q) { q.request.releasever = "10"; }},
        {"weak dependencies", [](Question& q) { q.request.weak = true; }},
        {"not the best", [](Question& q) { q.request.best = false; }},
        {"a stream", [](Question& q) { q.request.modules[0] = "nodejs:20"; }},
        {"no stream", [](Question& q) { q.request.modules.clear(); }},
        {"a preset stream", [](Question& q) { q.request.preset_modules[0] = "perl:6"; }},
        {"a stream that is preset in place of asked for",
         [](Question& q) {
             q.request.preset_modules.insert(q.request.preset_modules.begin(), q.request.modules[0]);
             q.request.modules.clear();
         }},
        {"the platform", [](Question& q) { q.request.platform = "platform:el8"; }},
        {"nothing is kept", [](Question& q) { q.request.keep.clear(); }},
        {"another version is kept", [](Question& q) { q.request.keep[0].nevra.version = "2"; }},
        {"another epoch is kept", [](Question& q) { q.request.keep[0].nevra.epoch = 1; }},
        {"one of another repository is kept", [](Question& q) { q.request.keep[0].repo = "updates"; }},
        {"no pins", [](Question& q) { q.request.only.clear(); }},
        {"another pin", [](Question& q) { q.request.only[0].nevra.release = "2"; }},
        {"a pin with another checksum", [](Question& q) { q.request.only[0].checksum->hex = sha256("lib").hex(); }},
        {"a pin without a checksum", [](Question& q) { q.request.only[0].checksum.reset(); }},
        {"a repository less", [](Question& q) { q.configs.pop_back(); }},
        {"the order of repositories",
         [](Question& q) {
             std::swap(q.configs[0], q.configs[1]);
             std::swap(q.repomds[0], q.repomds[1]);
         }},
        {"other metadata", [](Question& q) { q.repomds[1] = "third"; }},
        {"the id of a repository", [](Question& q) { q.configs[0].id = "Base"; }},
        {"a priority", [](Question& q) { q.configs[0].priority = 1; }},
        {"a cost", [](Question& q) { q.configs[0].cost = 999; }},
        {"excluded packages", [](Question& q) { q.configs[1].excludepkgs.emplace_back("lib"); }},
        {"included packages", [](Question& q) { q.configs[1].includepkgs.pop_back(); }},
        {"hotfixes", [](Question& q) { q.configs[1].module_hotfixes = true; }},
    };
    std::set<Digest> keys;
    for (const auto& [what, change] : changes) {
        INFO(what);
        Question changed;
        change(changed);
        CHECK(keys.insert(changed.key()).second);
    }
}

TEST_CASE("what only says where things are, or what they are called, is not in the key", "[solution_cache]") {
    const Changes changes = {
        {"where a local package is", [](Question& q) { q.request.local_rpms[0].file = "/there/x.rpm"; }},
        {"the header of a kept package", [](Question& q) { q.request.keep[0].header = sha256("header"); }},
        {"a mirror", [](Question& q) { q.configs[0].baseurls = {"https://mirror.example/"}; }},
        {"a password", [](Question& q) { q.configs[0].password = Secret("hunter2"); }},
        {"a signature", [](Question& q) { q.configs[0].gpgcheck = false; }},
    };
    for (const auto& [what, change] : changes) {
        INFO(what);
        Question changed;
        change(changed);
        CHECK(changed.key() == Question().key());
    }
}

TEST_CASE("a solution is found again, with all there is to it", "[solution_cache]") {
    const TempDir dir;
    const SolutionCache cache(dir.path());
    const Digest key = sha256("key");
    CHECK_FALSE(cache.find(key));
    cache.store(key, odd_solution(), silent_reporter());
    const std::optional<Solution> found = cache.find(key);
    REQUIRE(found);
    CHECK(are_same(*found, odd_solution()));
    CHECK_FALSE(cache.find(sha256("another key")));
    cache.store(key, {}, silent_reporter());
    REQUIRE(cache.find(key));
    CHECK(are_same(*cache.find(key), {}));
}

TEST_CASE("a solution that is damaged, or makes no sense, counts as absent", "[solution_cache][hostile]") {
    const TempDir dir;
    const SolutionCache cache(dir.path());
    const Digest key = sha256("key");
    cache.store(key, odd_solution(), silent_reporter());
    const auto path = only_file_in(dir / "solutions");
    const std::string whole = test::read(path);
    for (std::size_t at = 0; at < whole.size(); ++at) {
        std::string damaged = whole;
        damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
        test::write(path, damaged);
        CHECK_FALSE(cache.find(key));
        test::write(path, whole.substr(0, at));
        CHECK_FALSE(cache.find(key));
    }
    for (const std::string_view text : {"", "{}", "\x80", "\x84\x80\x80\x80", "\x84\x80\x80\x80\x01", "\xff"}) {
        seal(path, text);
        CHECK_FALSE(cache.find(key));
    }
    Solution out_of_range = odd_solution();
    out_of_range.asked[0].package = 2;
    cache.store(key, out_of_range, silent_reporter());
    CHECK_FALSE(cache.find(key));
    Solution outside = odd_solution();
    outside.packages[0].location = "../../app.rpm";
    cache.store(key, outside, silent_reporter());
    CHECK_FALSE(cache.find(key));
}

TEST_CASE("a folder that cannot be written to is no reason to fail", "[solution_cache]") {
    const TempDir dir;
    test::write(dir / "solutions", "in the way");
    const SolutionCache cache(dir.path());
    CHECK_NOTHROW(cache.store(sha256("key"), odd_solution(), silent_reporter()));
    CHECK_FALSE(cache.find(sha256("key")));
}

TEST_CASE("what was solved before is answered without a look at the packages", "[solution_cache]") {
    const TempDir dir;
    TinyRepo repo(dir / "repo");
    repo.add("app", test::requires_xml("lib")).add("lib").finish();
    const std::filesystem::path cache = dir / "cache";
    CHECK(recall(repo.config(), "app", cache) == "app lib ");
    // What the solver reads is as large as before, and nonsense.
    for (const auto& entry : std::filesystem::recursive_directory_iterator(cache / "repos")) {
        if (entry.is_regular_file()) test::write(entry.path(), std::string(entry.file_size(), '#'));
    }
    CHECK(recall(repo.config(), "app", cache) == "app lib ");
    CHECK(recall(repo.config(), "lib", cache) == "lib ");
    RepoConfig excluding = repo.config();
    excluding.excludepkgs = {"lib"};
    CHECK(test::error_of([&] { static_cast<void>(recall(excluding, "app", cache)); }).kind() == ErrorKind::resolve);
    repo.add("other").finish();
    CHECK(recall(repo.config(), "app", cache) == "app lib ");
    std::filesystem::remove_all(cache);
    CHECK(recall(repo.config(), "app", cache) == "app lib ");
}

TEST_CASE("a warning is said each time", "[solution_cache]") {
    const TempDir dir;
    TinyRepo repo(dir / "repo");
    repo.add("app").add_groups(
        "<comps><group><id>g</id><name>G</name><packagelist><packagereq>app</packagereq><packagereq>gone</packagereq>"
        "</packagelist></group></comps>");
    repo.finish();
    for (int i = 0; i < 2; ++i) {
        CHECK(recall(repo.config(), "@g", dir / "cache") ==
              "app no repository has package 'gone' of group '@g', ignoring");
    }
    CHECK_FALSE(std::filesystem::exists(dir / "cache/solutions"));
}

TEST_CASE("a local package that is written to while it is solved is not remembered by what it was",
          "[solution_cache]") {
    if (!test::can_build_rpms()) return;
    const TempDir dir;
    Request request;
    request.arch = "x86_64";
    request.local_rpms = {local_rpm("./thing.rpm", test::build_rpm(dir.path(), {}))};
    HttpClient http(test::hasty());
    const Digest sha256_of_it = request.local_rpms[0].sha256;
    request.local_rpms[0].sha256 = sha256("what it was");
    CHECK(solve_or_recall(request, {}, dir / "cache", http, silent_reporter()).packages.size() == 1);
    CHECK_FALSE(std::filesystem::exists(dir / "cache/solutions"));

    request.local_rpms[0].sha256 = sha256_of_it;
    const Solution solved = solve_or_recall(request, {}, dir / "cache", http, silent_reporter());
    std::filesystem::remove(request.local_rpms[0].file);
    CHECK(are_same(solve_or_recall(request, {}, dir / "cache", http, silent_reporter()), solved));
}
