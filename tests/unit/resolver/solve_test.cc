// SPDX-License-Identifier: Apache-2.0
//
// Which packages are chosen, and what is said when none can be. The scenarios are tests/repos/*.repo.
#include "resolver/solve.h"

#include <catch2/catch.hpp>
#include <sstream>
#include <tuple>

#include "resolver/solve_pool.h"
#include "tests/unit/resolver/support.h"

using namespace smith;
using namespace smith::resolver;

namespace {

RepoConfig scenario(const std::string& id) {
    RepoConfig config;
    config.id = id;
    return config;
}

Solution solve_in(const std::vector<RepoConfig>& repos, const Request& request) {
    PackagePool pool(request.arch);
    for (const RepoConfig& repo : repos) {
        pool.add_testtags(repo, test::read(std::filesystem::path(SMITH_TEST_REPOS) / (repo.id + ".repo")));
    }
    HttpClient http;
    return solve_in_pool(request, pool, http, silent_reporter());
}

Request request_for(std::vector<std::string> packages) {
    Request request;
    request.packages = std::move(packages);
    request.arch = "x86_64";
    return request;
}

std::string names(const Solution& solution) {
    std::string out;
    for (const PackageRef& package : solution.packages) out += (out.empty() ? "" : " ") + package.nevra.str();
    return out;
}

/// The packages that `request` leads to in scenario `repo`.
std::string chosen(const std::string& repo, const Request& request) {
    return names(solve_in({scenario(repo)}, request));
}
std::string chosen(const std::string& repo, const std::vector<std::string>& packages) {
    return chosen(repo, request_for(packages));
}

/// What is said when that is not possible.
std::string refused(const std::string& repo, const Request& request) {
    const Error error = test::error_of([&] { static_cast<void>(chosen(repo, request)); });
    CHECK(error.kind() == ErrorKind::resolve);
    return error.message();
}
std::string refused(const std::string& repo, const std::vector<std::string>& packages) {
    return refused(repo, request_for(packages));
}

}  // namespace

// The scenarios that say themselves what is to be chosen: "#? [weak: |nobest: ]REQUEST + REQUEST => PACKAGES", or
// "=> refused: PART OF THE REASON". As dnf chooses, too: tests/dnf has the same relations.
TEST_CASE("every scenario is solved as it says", "[solve]") {
    for (const auto& entry : std::filesystem::directory_iterator(SMITH_TEST_REPOS)) {
        const std::string repo = entry.path().stem().string();
        std::istringstream text(test::read(entry.path()));
        for (std::string line; std::getline(text, line);) {
            if (!line.starts_with("#? ")) continue;
            INFO(repo << ": " << line);
            const std::size_t arrow = line.find(" => ");
            REQUIRE(arrow != std::string::npos);
            std::string what = line.substr(3, arrow - 3);
            const std::string expected = line.substr(arrow + 4);
            Request request;
            request.arch = "x86_64";
            for (const auto& [word, value, flag] :
                 {std::tuple("weak: ", true, &request.weak), std::tuple("nobest: ", false, &request.best)}) {
                if (!what.starts_with(word)) continue;
                what.erase(0, std::string_view(word).size());
                *flag = value;
            }
            for (std::size_t at = 0; at <= what.size();) {
                const std::size_t end = std::min(what.find(" + ", at), what.size());
                request.packages.push_back(what.substr(at, end - at));
                at = end + 3;
            }
            constexpr std::string_view kRefused = "refused: ";
            if (expected.starts_with(kRefused)) {
                CHECK(test::contains(refused(repo, request), expected.substr(kRefused.size())));
            } else {
                CHECK(chosen(repo, request) == expected);
            }
        }
    }
}

TEST_CASE("a name means its newest version, by rpm's order and not the alphabet's", "[solve]") {
    CHECK(chosen("versions", {"app"}) == "app-1.10-1.x86_64");
}

TEST_CASE("an epoch counts more than any version", "[solve]") {
    CHECK(chosen("versions", {"tool"}) == "tool-1:1-1.noarch");
}

TEST_CASE("a version, a release and an architecture can be asked for", "[solve]") {
    CHECK(chosen("versions", {"app-1.9"}) == "app-1.9-1.x86_64");
    CHECK(chosen("versions", {"app-1.9-1"}) == "app-1.9-1.x86_64");
    CHECK(chosen("versions", {"app-1.9-1.x86_64"}) == "app-1.9-1.x86_64");
    CHECK(chosen("versions", {"app < 1.10"}) == "app-1.9-1.x86_64");
    CHECK(chosen("versions", {"app.i686"}) == "app-1.10-1.i686");
    CHECK(chosen("versions", {"tool-9-1"}) == "tool-9-1.noarch");
}

TEST_CASE("a glob wants one package of each name that it matches", "[solve]") {
    CHECK(chosen("versions", {"*o*"}) == "tool-1:1-1.noarch");
    CHECK(chosen("versions", {"[at]*"}) == "app-1.10-1.x86_64 tool-1:1-1.noarch");
}

TEST_CASE("a package of another architecture is not chosen, and named as the reason", "[solve]") {
    Request request = request_for({"app"});
    request.arch = "aarch64";
    CHECK(chosen("versions", request) == "app-2.0-1.aarch64");
    request.arch = "s390x";
    CHECK(test::contains(refused("versions", request), "nothing provides 'app' for this architecture"));
}

TEST_CASE("the 64-bit library serves a 64-bit program, and the other one stays out", "[solve]") {
    CHECK(chosen("multilib", {"app"}) == "app-1-1.x86_64 zlib-1-1.x86_64");
    CHECK(chosen("multilib", {"zlib"}) == "zlib-1-1.x86_64");
}

TEST_CASE("what nobody provides is told with the whole chain that leads to it", "[solve]") {
    CHECK(refused("chain", {"app"}) ==
          "resolving 'app': app-1-1.x86_64 requires 'libfoo >= 2', which libfoo-2-1.x86_64 provides; "
          "nothing provides 'libacl.so.1()(64bit)', which libfoo-2-1.x86_64 requires");
}

TEST_CASE("a request that means nothing is told with what was probably meant", "[solve]") {
    CHECK(refused("conflict", {"ngnix"}) == "nothing provides 'ngnix'; did you mean 'nginx'?");
    CHECK(refused("versions", {"app > 3"}) == "nothing provides 'app > 3'; there is app-1.10-1.x86_64");
    CHECK(refused("versions", {"zzz", "/no/such/file"}) ==
          "nothing provides 'zzz'\n  no package has the file '/no/such/file'");
}

TEST_CASE("an older version than the best is taken only when that is allowed", "[solve]") {
    Request request = request_for({"app"});
    CHECK(refused("best", request) ==
          "resolving 'app': the best version of it is app-2-1.x86_64, and an older one will not do (best: false would "
          "allow it); nothing provides 'missing', which app-2-1.x86_64 requires");
    request.best = false;
    CHECK(chosen("best", request) == "app-1-1.x86_64");
}

TEST_CASE("two packages that conflict are named, both", "[solve]") {
    CHECK(refused("conflict", {"httpd", "nginx"}) ==
          "resolving 'httpd' and 'nginx': httpd-1-1.x86_64 conflicts with 'nginx', which nginx-1-1.x86_64 provides");
}

TEST_CASE("something provided can be asked for", "[solve]") {
    CHECK(chosen("conflict", {"webserver", "httpd"}) == "httpd-1-1.x86_64");
}

TEST_CASE("a name means what obsoletes it; a version means itself", "[solve]") {
    CHECK(chosen("conflict", {"oldname"}) == "newname-2-1.x86_64");
    CHECK(chosen("conflict", {"oldname-1-1"}) == "oldname-1-1.x86_64");
}

TEST_CASE("recommended packages come only when they are asked for, suggested ones never", "[solve]") {
    Request request = request_for({"app"});
    CHECK(chosen("weak", request) == "app-1-1.noarch needed-1-1.noarch");
    request.weak = true;
    CHECK(chosen("weak", request) == "app-1-1.noarch needed-1-1.noarch nice-1-1.noarch");
}

TEST_CASE("a rich dependency is followed when its condition holds", "[solve]") {
    CHECK(chosen("rich", {"app"}) == "app-1-1.noarch lpr-1-1.noarch");
    CHECK(chosen("rich", {"app", "gtk"}) == "app-1-1.noarch gtk-1-1.noarch lpr-1-1.noarch plugin-gtk-1-1.noarch");
}

TEST_CASE("a file can be required and asked for", "[solve]") {
    CHECK(chosen("files", {"script"}) == "script-1-1.noarch shell-1-1.noarch");
    CHECK(chosen("files", {"/usr/share/shell/rc"}) == "shell-1-1.noarch");
    CHECK(chosen("files", {"/usr/*/rc"}) == "shell-1-1.noarch");
}

TEST_CASE("a repository with a better priority hides newer versions in others", "[solve]") {
    RepoConfig good = scenario("versions");
    good.priority = 10;
    const RepoConfig other = scenario("priority-low");
    CHECK(names(solve_in({good, other}, request_for({"app"}))) == "app-1.10-1.x86_64");
    CHECK(names(solve_in({scenario("versions"), other}, request_for({"app"}))) == "app-3-1.x86_64");
}

TEST_CASE("of two repositories with the very same package the cheaper one serves, unless the other has priority",
          "[solve]") {
    const std::string text = test::read(std::filesystem::path(SMITH_TEST_REPOS) / "versions.repo");
    const auto serving = [&](int cost_of_a, int cost_of_b, int priority_of_a = 99) {
        RepoConfig a = scenario("a");
        RepoConfig b = scenario("b");
        a.cost = cost_of_a;
        b.cost = cost_of_b;
        a.priority = priority_of_a;
        PackagePool pool("x86_64");
        pool.add_testtags(a, text);
        pool.add_testtags(b, text);
        HttpClient http;
        return solve_in_pool(request_for({"app"}), pool, http, silent_reporter()).packages.at(0).repo;
    };
    CHECK(serving(500, 2000) == "a");
    CHECK(serving(2000, 500) == "b");
    CHECK(serving(2000, 500, 10) == "a");
}

TEST_CASE("excluded packages are not there, and the message says that they are excluded", "[solve]") {
    RepoConfig repo = scenario("versions");
    repo.excludepkgs = {"app-1.10*"};
    CHECK(names(solve_in({repo}, request_for({"app"}))) == "app-1.9-1.x86_64");
    repo.excludepkgs = {"app"};
    const Error error = test::error_of([&] { static_cast<void>(solve_in({repo}, request_for({"app"}))); });
    CHECK(error.message() == "'app' is excluded by its repository's excludepkgs or includepkgs");
    repo.excludepkgs = {};
    repo.includepkgs = {"tool"};
    CHECK(names(solve_in({repo}, request_for({"tool"}))) == "tool-1:1-1.noarch");
    CHECK(test::error_of([&] { static_cast<void>(solve_in({repo}, request_for({"app"}))); }).kind() ==
          ErrorKind::resolve);
}

TEST_CASE("what was chosen before is chosen again, and only what is not kept moves", "[solve]") {
    Request request = request_for({"app", "tool"});
    PackageRef old_app;
    old_app.nevra = Nevra::parse("app-1.9-1.x86_64");
    old_app.repo = "versions";
    PackageRef old_tool;
    old_tool.nevra = Nevra::parse("tool-9-1.noarch");
    old_tool.repo = "versions";
    request.keep = {old_app, old_tool};
    CHECK(chosen("versions", request) == "app-1.9-1.x86_64 tool-9-1.noarch");
    request.keep = {old_app};
    CHECK(chosen("versions", request) == "app-1.9-1.x86_64 tool-1:1-1.noarch");
}

TEST_CASE("the solution says who requires whom, and what was asked for", "[solve]") {
    const Solution solution = solve_in({scenario("multilib")}, request_for({"app"}));
    REQUIRE(solution.requirements.size() == 1);
    CHECK(solution.requirements[0] == Requirement{0, "libz.so.1()(64bit)", 1});
    CHECK(solution.asked == std::vector<Asked>{{"app", 0}});
}

TEST_CASE("a request's digest covers what decides, and nothing of the machine", "[solve]") {
    RepoConfig repo = scenario("base");
    repo.baseurls = {"https://one.example/"};
    const Request request = request_for({"b", "a"});
    const Digest digest = request_digest(request, {repo});

    RepoConfig elsewhere = repo;
    elsewhere.baseurls = {"file:///srv/mirror/"};
    CHECK(request_digest(request, {elsewhere}) == digest);
    CHECK(request_digest(request_for({"a", "b"}), {repo}) == digest);

    LocalRpm local{"./x.rpm", "/home/one/x.rpm", sha256("x"), 1};
    Request with_local = request;
    with_local.local_rpms = {local};
    const Digest local_digest = request_digest(with_local, {repo});
    CHECK(local_digest != digest);
    with_local.local_rpms[0].file = "/home/two/x.rpm";
    CHECK(request_digest(with_local, {repo}) == local_digest);
    with_local.local_rpms[0].sha256 = sha256("y");
    CHECK(request_digest(with_local, {repo}) != local_digest);

    RepoConfig excluding = repo;
    excluding.excludepkgs = {"a"};
    CHECK(request_digest(request, {excluding}) != digest);
    Request other = request;
    other.weak = true;
    CHECK(request_digest(other, {repo}) != digest);
}
