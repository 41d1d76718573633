// SPDX-License-Identifier: Apache-2.0
//
// Metadata of repositories: fetched, verified, cached, read. The repositories are made here, of a few lines of XML.
#include <sys/resource.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <memory>

#include "base/decompress.h"
#include "resolver/fetch.h"
#include "resolver/metadata_stream.h"
#include "resolver/repository.h"
#include "resolver/solve.h"
#include "tests/unit/resolver/support.h"
#include "tests/unit/resolver/tiny_repo.h"

using namespace smith;
using namespace smith::resolver;
using test::contains;
using test::error_of;
using test::requires_xml;
using test::Server;
using test::TempDir;
using test::TinyRepo;

namespace {

Request request_for(const std::string& package) {
    Request request;
    request.packages = {package};
    request.arch = "x86_64";
    return request;
}

std::string solve_tiny(const RepoConfig& config, const std::string& package, const std::filesystem::path& cache,
                       bool offline = false) {
    HttpClient http(test::hasty());
    const auto repos = load_repositories({config}, {cache, offline, false}, http, silent_reporter());
    const Solution solution = solve(request_for(package), repos, http, silent_reporter());
    std::string out;
    for (const PackageRef& ref : solution.packages) out += (out.empty() ? "" : " ") + ref.nevra.name;
    return out;
}

Error failure_of(const RepoConfig& config, const std::string& package, const std::filesystem::path& cache) {
    return error_of([&] { static_cast<void>(solve_tiny(config, package, cache)); });
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
    const std::size_t at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
}

long peak_memory_kib() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

}  // namespace

TEST_CASE("metadata is read in every compression", "[metadata]") {
    for (const std::string compress : {"cat", "gzip -9", "xz", "bzip2", "zstd"}) {
        if (!test::has_program(compress.substr(0, compress.find(' ')))) continue;
        INFO(compress);
        const TempDir dir;
        TinyRepo repo(dir / "repo");
        repo.add("app", requires_xml("lib")).add("lib").finish(compress);
        CHECK(solve_tiny(repo.config(), "app", dir / "cache") == "app lib");
    }
}

TEST_CASE("file lists are fetched when a file is asked for that primary.xml does not list", "[metadata]") {
    const TempDir dir;
    std::vector<std::string> paths;
    Server server([&](Server::Connection& connection) {
        paths.push_back(connection.path());
        Server::files(dir / "repo")(connection);
    });
    TinyRepo repo(dir / "repo");
    repo.add("app", requires_xml("/usr/share/lib/data"))
        .add("lib", requires_xml("/opt/deep/file"))
        .add("deep")
        .add("other", "<file>/usr/bin/other</file>")
        .add_file("lib", "/usr/share/lib/data")
        .add_file("deep", "/opt/deep/file")
        .finish();
    const RepoConfig config = repo.config(server.url());
    CHECK(solve_tiny(config, "other", dir / "c1") == "other");
    CHECK(solve_tiny(config, "/usr/bin/other", dir / "c1") == "other");
    CHECK(std::find(paths.begin(), paths.end(), "/repodata/filelists") == paths.end());
    CHECK(solve_tiny(config, "app", dir / "c1") == "app deep lib");
    CHECK(std::count(paths.begin(), paths.end(), "/repodata/filelists") == 1);
    CHECK(solve_tiny(config, "/opt/*/file", dir / "c1") == "deep");
    CHECK(std::count(paths.begin(), paths.end(), "/repodata/primary") == 1);
}

TEST_CASE("repomd.xml is asked for conditionally, and cached metadata serves offline", "[metadata]") {
    const TempDir dir;
    TinyRepo repo(dir / "repo");
    repo.add("app").finish();
    std::string last;
    auto server = std::make_unique<Server>([&](Server::Connection& connection) {
        last = connection.request();
        if (contains(last, "If-None-Match: \"v1\"")) return connection.answer("304 Not Modified", "");
        if (connection.path() != "/repodata/repomd.xml") return Server::files(dir / "repo")(connection);
        connection.answer("200 OK", repo.repomd(), "ETag: \"v1\"\r\n");
    });
    const RepoConfig config = repo.config(server->url());
    CHECK(solve_tiny(config, "app", dir / "c") == "app");
    last.clear();
    CHECK(solve_tiny(config, "app", dir / "c") == "app");
    CHECK(contains(last, "If-None-Match"));
    server.reset();
    CHECK(failure_of(config, "app", dir / "c").kind() == ErrorKind::fetch);
    CHECK(solve_tiny(config, "app", dir / "c", true) == "app");
    const Error error = error_of([&] { static_cast<void>(solve_tiny(config, "app", dir / "empty", true)); });
    CHECK(error.kind() == ErrorKind::fetch);
    CHECK(contains(error.message(), "nothing is cached"));
}

TEST_CASE("a mirror is not asked about another one's ETag", "[metadata]") {
    const TempDir dir;
    TinyRepo repo(dir / "repo");
    repo.add("app").finish();
    auto first = std::make_unique<Server>([&](Server::Connection& connection) {
        if (connection.path() != "/repodata/repomd.xml") return Server::files(dir / "repo")(connection);
        connection.answer("200 OK", repo.repomd(), "ETag: \"1\"\r\n");
    });
    std::string asked;
    Server second([&](Server::Connection& connection) {
        if (connection.path() == "/repodata/repomd.xml") asked = connection.request();
        Server::files(dir / "repo")(connection);
    });
    RepoConfig config = repo.config(first->url());
    config.baseurls.push_back(second.url() + "/");
    CHECK(solve_tiny(config, "app", dir / "c") == "app");
    CHECK(asked.empty());
    first.reset();
    CHECK(solve_tiny(config, "app", dir / "c") == "app");
    CHECK_FALSE(asked.empty());
    CHECK_FALSE(contains(asked, "If-None-Match"));
}

TEST_CASE("damaged metadata in the cache is fetched again", "[metadata]") {
    const TempDir dir;
    TinyRepo repo(dir / "repo");
    repo.add("app").finish();
    CHECK(solve_tiny(repo.config(), "app", dir / "c") == "app");
    for (const auto& entry : std::filesystem::recursive_directory_iterator(dir / "c")) {
        if (!entry.is_regular_file() || entry.path().filename() == "CACHEDIR.TAG") continue;
        std::string bytes = test::read(entry.path());
        bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
        test::write(entry.path(), bytes);
    }
    CHECK(solve_tiny(repo.config(), "app", dir / "c") == "app");
}

TEST_CASE("the next baseurl is tried when one fails", "[metadata]") {
    const TempDir dir;
    TinyRepo repo(dir / "repo");
    repo.add("app").finish();
    RepoConfig config = repo.config();
    config.baseurls.insert(config.baseurls.begin(), "file:///nonexistent/");
    CHECK(solve_tiny(config, "app", dir / "c") == "app");
}

TEST_CASE("a repository that is not there is an error, unless it may be skipped", "[metadata]") {
    const TempDir dir;
    RepoConfig config;
    config.id = "gone";
    config.baseurls = {dir.url() + "/gone/"};
    CHECK(failure_of(config, "app", dir / "c").kind() == ErrorKind::fetch);
    config.skip_if_unavailable = true;
    HttpClient http(test::hasty());
    RecordingReporter reporter;
    CHECK(load_repositories({config}, {dir / "c"}, http, reporter).empty());
    REQUIRE(reporter.warnings.size() == 1);
    CHECK(contains(reporter.warnings[0], ", ignoring"));
}

TEST_CASE("metadata that is not what repomd.xml says is refused", "[metadata][hostile]") {
    const TempDir dir;
    TinyRepo repo(dir / "repo");
    repo.add("app").finish("gzip -9");
    const std::string primary = test::read(dir / "repo/repodata/primary");
    const std::string open_sum = sha256(test::read(dir / "repo/repodata/primary.xml")).hex();

    SECTION("other bytes of the same length") {
        std::string other = primary;
        other.back() = static_cast<char>(other.back() ^ 1);
        test::write(dir / "repo/repodata/primary", other);
        CHECK(failure_of(repo.config(), "app", dir / "c").kind() == ErrorKind::integrity);
    }
    SECTION("cut short") {
        test::write(dir / "repo/repodata/primary", primary.substr(0, primary.size() - 1));
        CHECK(contains(failure_of(repo.config(), "app", dir / "c").message(), "bytes, got"));
    }
    SECTION("longer than declared") {
        test::write(dir / "repo/repodata/primary", primary + "x");
        CHECK(contains(failure_of(repo.config(), "app", dir / "c").message(), "longer than"));
    }
    SECTION("another document after decompression") {
        repo.write_repomd(replaced(repo.repomd(), open_sum, sha256("other").hex()));
        CHECK(contains(failure_of(repo.config(), "app", dir / "c").message(), "after decompression"));
    }
    SECTION("shorter than announced after decompression") {
        repo.write_repomd(replaced(repo.repomd(), "<open-size>", "<open-size>9"));
        CHECK(contains(failure_of(repo.config(), "app", dir / "c").message(), "bytes after decompression, got"));
    }
    SECTION("longer than announced after decompression") {
        repo.write_repomd(replaced(repo.repomd(), "<open-size>", "<open-size>1</open-size><x>") + "");
        CHECK(failure_of(repo.config(), "app", dir / "c").kind() == ErrorKind::format);
    }
}

TEST_CASE("a server that never stops sending metadata is cut off at the declared size", "[metadata][hostile]") {
    const TempDir dir;
    TinyRepo repo(dir / "repo");
    repo.add("app").finish();
    std::uint64_t sent = 0;
    Server server([&](Server::Connection& connection) {
        if (connection.path() == "/repodata/repomd.xml") return connection.answer("200 OK", repo.repomd());
        connection.send("HTTP/1.1 200 OK\r\n\r\n");
        while (connection.send(std::string(65536, 'x'))) sent += 65536;
    });
    const Error error = failure_of(repo.config(server.url()), "app", dir / "c");
    CHECK(error.kind() == ErrorKind::integrity);
    CHECK(sent < 64U << 20U);
}

TEST_CASE("a decompression bomb ends early, in every compression", "[metadata][hostile]") {
    for (const std::string compress : {"gzip -1", "xz -0", "bzip2 -1", "zstd -1"}) {
        if (!test::has_program(compress.substr(0, compress.find(' ')))) continue;
        INFO(compress);
        const TempDir dir;
        const std::filesystem::path bomb = dir / "bomb";
        REQUIRE(test::run("head -c 40000000 /dev/zero | " + compress + " >" + bomb.string()));
        const long before = peak_memory_kib();
        Decompressor decompressor(bomb, 32 << 20);
        std::vector<std::byte> buffer(1 << 16);
        const Error error = error_of([&] {
            while (decompressor.read(buffer) != 0) {
            }
        });
        CHECK(error.kind() == ErrorKind::format);
        CHECK(contains(error.message(), "more comes out"));
        CHECK(peak_memory_kib() - before < 64 * 1024);
    }
}

TEST_CASE("a decompression bomb ends early, also where repomd.xml announces it", "[metadata][hostile]") {
    if (!test::has_program("zstd")) return;
    const TempDir dir;
    REQUIRE(test::run("head -c 100000000 /dev/zero | zstd -q -1 >" + (dir / "bomb").string()));
    RepomdRecord record;
    record.location = "bomb";
    record.open_size = 100'000'000;
    MetadataStream stream(dir / "bomb", record, MetadataText::yaml);
    std::vector<std::byte> buffer(1 << 16);
    const Error error = error_of([&] {
        while (stream.read(buffer) != 0) {
        }
    });
    CHECK(contains(error.message(), "more comes out"));
}

TEST_CASE("a zstd window of 2 GiB is refused", "[metadata][hostile]") {
    const TempDir dir;
    // Magic, a frame header that says "window of 2 GiB", an empty last block (RFC 8878, 3.1.1).
    test::write(dir / "f", std::string("\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00", 9));
    const Error error = error_of([&] {
        Decompressor decompressor(dir / "f", 1 << 20);
        std::vector<std::byte> buffer(1 << 16);
        static_cast<void>(decompressor.read(buffer));
    });
    CHECK(error.kind() == ErrorKind::format);
}

TEST_CASE("laughing and external entities in primary.xml do no harm", "[metadata][hostile]") {
    const TempDir dir;
    std::string laughs = "<!DOCTYPE metadata [<!ENTITY a0 \"ha\">";
    for (int i = 1; i < 30; ++i) {
        const std::string before = "&a" + std::to_string(i - 1) + ";";
        laughs += "<!ENTITY a" + std::to_string(i) + " \"" + before + before + before + before + "\">";
    }
    laughs += "]>";
    TinyRepo bomb(dir / "bomb");
    bomb.add("app", "<rpm:license>&a29;</rpm:license>").finish("cat", laughs);
    CHECK(failure_of(bomb.config(), "app", dir / "c").kind() == ErrorKind::format);

    test::write(dir / "canary", "canary");
    TinyRepo external(dir / "external");
    external.add("app", requires_xml("x")).add("x", "<rpm:license>&file;</rpm:license>");
    external.finish("cat", "<!DOCTYPE metadata [<!ENTITY file SYSTEM \"" + dir.url() + "/canary\">]>");
    const Error error = failure_of(external.config(), "app", dir / "c");
    CHECK_FALSE(contains(error.message(), "canary"));
}

TEST_CASE("a primary.xml of absurd shape ends in an error, or as what can be made of it", "[metadata][hostile]") {
    const TempDir dir;
    int number = 0;
    const auto outcome = [&](const std::string& more) {
        const std::string name = "repo" + std::to_string(number++);
        TinyRepo repo(dir / name);
        repo.add("app", more).finish();
        const Error error = failure_of(repo.config(), "app", dir / ("c" + name));
        return error.message() == "nothing was thrown" ? "" : error.message();
    };
    const auto repeated = [](std::string_view text, std::size_t times) {
        std::string out;
        for (std::size_t i = 0; i < times; ++i) out += text;
        return out;
    };
    const long before = peak_memory_kib();
    SECTION("nested a hundred thousand deep") {
        CHECK(outcome(repeated("<x>", 100'000) + repeated("</x>", 100'000)).empty());
        CHECK_FALSE(outcome(repeated("<x>", 100'000)).empty());
    }
    SECTION("a tag, a text, a comment of megabytes") {
        // expat would look at these for seconds, and at a gigabyte for days: who hangs has not refused.
        const std::string huge(2 << 20, 'x');
        for (const std::string& more :
             {"<rpm:license a=\"" + huge + "\"/>", "<rpm:license>" + huge + "</rpm:license>", "<" + huge + "/>",
              requires_xml(huge), "<!-- <" + repeated(" <x>", 1 << 19) + "-->",
              "<?x " + repeated("<x>", 1 << 19) + "?>", "<![CDATA[<!--]]><x a=\"-->" + huge + "\"/>",
              "<![CDATA[<?]]><!-- ?>" + repeated("<", 2 << 20) + "-->"}) {
            CHECK(contains(outcome(more), "of more than 1048576 bytes"));
        }
        // Not one of them is long, however many there are.
        CHECK(outcome(repeated("<!-- <x -->", 200'000) + repeated("<x a='1>2'/>", 200'000)).empty());
        CHECK(outcome("<rpm:license>" + huge.substr(0, 1 << 19) + "</rpm:license>").empty());
    }
    SECTION("a hundred thousand attributes") {
        std::string many;
        for (int i = 0; i < 100'000; ++i) many += " a" + std::to_string(i) + "=''";
        CHECK(outcome("<rpm:license" + many + "/>").empty());
        CHECK_FALSE(outcome("<rpm:license a='' a=''/>").empty());
    }
    SECTION("bytes that XML does not have") {
        CHECK_FALSE(outcome(std::string("\0", 1)).empty());
        CHECK_FALSE(outcome("\x01").empty());
        CHECK_FALSE(outcome("\xff\xfe").empty());
        CHECK_FALSE(outcome("&undefined;").empty());
        CHECK_FALSE(outcome("&#0;").empty());
    }
    CHECK(peak_memory_kib() - before < 512 * 1024);
}

TEST_CASE("a package whose location leaves the repository is refused", "[metadata][hostile]") {
    for (const std::string location :
         {"../../../etc/passwd", "/etc/passwd", "file:///etc/passwd", "http://other/x.rpm", "a/%2e%2E/%2e./x.rpm",
          "a/..%2fx.rpm", "a\\..\\x.rpm", "a&#9;b.rpm", "//other/x.rpm"}) {
        INFO(location);
        const TempDir dir;
        TinyRepo repo(dir / "repo");
        repo.add("app", "", location).finish();
        const Error error = failure_of(repo.config(), "app", dir / "c");
        CHECK(error.kind() == ErrorKind::format);
        CHECK(contains(error.message(), "app-1-1.noarch"));
    }
}

TEST_CASE("a package of no size, or of one that none has, is refused", "[metadata][hostile]") {
    for (const std::string size : {"0", "99999999999999", "18446744073709551615"}) {
        INFO(size);
        const TempDir dir;
        TinyRepo repo(dir / "repo");
        repo.add("app", "", "x.rpm\"/><size package=\"" + size).finish();
        CHECK(contains(failure_of(repo.config(), "app", dir / "c").message(), "its size is"));
    }
}

TEST_CASE("a header that ends behind its package ends nowhere that is known", "[metadata][hostile]") {
    const auto header_end = [](const std::string& end) {
        const TempDir dir;
        TinyRepo repo(dir / "repo");
        repo.add("app", "<rpm:header-range start=\"1\" end=\"" + end + "\"/>").finish();
        HttpClient http(test::hasty());
        const auto repos = load_repositories({repo.config()}, {dir / "c"}, http, silent_reporter());
        return solve(request_for("app"), repos, http, silent_reporter()).packages.at(0).header_end;
    };
    CHECK(header_end("6") == 6);
    CHECK(header_end("7") == 0);
    CHECK(header_end("18446744073709551615") == 0);
}

TEST_CASE("a package from another base is refused", "[metadata][hostile]") {
    const TempDir dir;
    TinyRepo repo(dir / "repo");
    repo.add("app", "", "x.rpm\" xml:base=\"http://other.example/").finish();
    CHECK(contains(failure_of(repo.config(), "app", dir / "c").message(), "xml:base"));
}

TEST_CASE("packages are fetched, kept by their digest, and then need no network", "[fetch]") {
    const TempDir dir;
    TinyRepo repo(dir / "repo");
    for (int i = 0; i < 20; ++i) repo.add("p" + std::to_string(i));
    repo.finish();
    auto server = std::make_unique<Server>(Server::files(dir / "repo"));
    const RepoConfig config = repo.config(server->url());
    HttpClient http(test::hasty());
    const auto repos = load_repositories({config}, {dir / "c"}, http, silent_reporter());
    const Solution solution = solve(request_for("p*"), repos, http, silent_reporter());
    REQUIRE(solution.packages.size() == 20);

    const auto fetched = fetch_packages(solution.packages, {config}, {}, {dir / "c"}, http, silent_reporter());
    REQUIRE(fetched.size() == 20);
    for (std::size_t i = 0; i < fetched.size(); ++i) {
        CHECK(fetched[i].ref == solution.packages[i]);
        CHECK(test::read(fetched[i].file) == fetched[i].ref.nevra.name + "rpm");
        CHECK(fetched[i].file.filename() == fetched[i].sha256.hex() + ".rpm");
    }
    server.reset();
    FetchOptions offline{dir / "c", true};
    CHECK(fetch_packages(solution.packages, {config}, {}, offline, http, silent_reporter()).size() == 20);
    std::filesystem::remove(fetched[3].file);
    const Error error = error_of(
        [&] { static_cast<void>(fetch_packages(solution.packages, {config}, {}, offline, http, silent_reporter())); });
    CHECK(error.kind() == ErrorKind::fetch);
    CHECK(contains(error.message(), fetched[3].ref.nevra.str()));
}

TEST_CASE("a package with other bytes never gets its name in the cache", "[fetch][hostile]") {
    const TempDir dir;
    TinyRepo repo(dir / "repo");
    repo.add("app").finish();
    HttpClient http(test::hasty());
    const auto repos = load_repositories({repo.config()}, {dir / "c"}, http, silent_reporter());
    const Solution solution = solve(request_for("app"), repos, http, silent_reporter());
    const auto fetch = [&](const RepoConfig& config) {
        return error_of([&] {
            static_cast<void>(fetch_packages(solution.packages, {config}, {}, {dir / "c"}, http, silent_reporter()));
        });
    };
    const auto cached = [&] {
        std::size_t count = 0;
        for (const auto& entry : std::filesystem::directory_iterator(dir / "c/rpms")) {
            static_cast<void>(entry);
            ++count;
        }
        return count;
    };
    for (const std::string bytes : {"evilrp", "appr", "apprpm and more"}) {
        test::write(dir / "repo/Packages/app.rpm", bytes);
        Server server(Server::files(dir / "repo"));
        CHECK(fetch(repo.config()).kind() == ErrorKind::integrity);
        CHECK(fetch(repo.config(server.url())).kind() == ErrorKind::integrity);
        CHECK(cached() == 0);
    }
    std::filesystem::remove(dir / "repo/Packages/app.rpm");
    CHECK(fetch(repo.config()).kind() == ErrorKind::fetch);
    std::filesystem::create_symlink("/dev/zero", dir / "repo/Packages/app.rpm");
    CHECK(contains(fetch(repo.config()).message(), "not a regular file"));
    CHECK(cached() == 0);
}

TEST_CASE("a package comes from the next baseurl when one has the wrong bytes", "[fetch]") {
    const TempDir dir;
    TinyRepo repo(dir / "repo");
    repo.add("app").finish();
    test::write(dir / "bad/Packages/app.rpm", "evilrp");
    HttpClient http(test::hasty());
    RepoConfig config = repo.config();
    const auto repos = load_repositories({config}, {dir / "c"}, http, silent_reporter());
    const Solution solution = solve(request_for("app"), repos, http, silent_reporter());
    config.baseurls.insert(config.baseurls.begin(), dir.url() + "/bad/");
    const auto fetched = fetch_packages(solution.packages, {config}, {}, {dir / "c"}, http, silent_reporter());
    CHECK(test::read(fetched.at(0).file) == "apprpm");
}

TEST_CASE("a damaged package in the cache is replaced when asked to look", "[fetch]") {
    const TempDir dir;
    TinyRepo repo(dir / "repo");
    repo.add("app").finish();
    HttpClient http(test::hasty());
    const auto repos = load_repositories({repo.config()}, {dir / "c"}, http, silent_reporter());
    const Solution solution = solve(request_for("app"), repos, http, silent_reporter());
    FetchOptions options{dir / "c"};
    const auto first = fetch_packages(solution.packages, {repo.config()}, {}, options, http, silent_reporter());
    test::write(first.at(0).file, "rotten");
    options.rehash = true;
    const auto second = fetch_packages(solution.packages, {repo.config()}, {}, options, http, silent_reporter());
    CHECK(test::read(second.at(0).file) == "apprpm");
}

TEST_CASE("a package known by SHA-1 is pinned by SHA-256, and found again by both", "[fetch]") {
    const TempDir dir;
    test::write(dir / "repo/app.rpm", "apprpm");
    PackageRef ref;
    ref.nevra = Nevra::parse("app-1-1.noarch");
    ref.repo = "tiny";
    ref.location = "app.rpm";
    Hasher hasher("sha1");
    hasher.update("apprpm");
    ref.checksum = {"sha1", hasher.finish_hex()};
    ref.size = 6;
    RepoConfig config;
    config.id = "tiny";
    config.baseurls = {dir.url() + "/repo/"};
    HttpClient http(test::hasty());
    const auto fetched = fetch_packages({ref}, {config}, {}, {dir / "c"}, http, silent_reporter());
    CHECK(fetched.at(0).ref.checksum == Checksum{"sha256", sha256("apprpm").hex()});
    std::filesystem::remove(dir / "repo/app.rpm");
    CHECK(fetch_packages({ref}, {config}, {}, {dir / "c"}, http, silent_reporter()).size() == 1);
}

TEST_CASE("a local package that changed since it was locked is an error", "[fetch]") {
    const TempDir dir;
    test::write(dir / "x.rpm", "one");
    PackageRef ref;
    ref.nevra = Nevra::parse("x-1-1.noarch");
    ref.location = "./x.rpm";
    ref.checksum = {"sha256", sha256("one").hex()};
    ref.size = 3;
    HttpClient http(test::hasty());
    const auto fetch = [&] {
        return fetch_packages({ref}, {}, {local_rpm("./x.rpm", dir / "x.rpm")}, {dir / "c"}, http, silent_reporter());
    };
    CHECK(fetch().at(0).file == dir / "x.rpm");
    test::write(dir / "x.rpm", "two");
    CHECK(error_of([&] { static_cast<void>(fetch()); }).kind() == ErrorKind::integrity);
    CHECK(error_of([&] {
              static_cast<void>(fetch_packages({ref}, {}, {}, {dir / "c"}, http, silent_reporter()));
          }).kind() == ErrorKind::integrity);
}
