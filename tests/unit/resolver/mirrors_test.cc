// SPDX-License-Identifier: Apache-2.0
//
// Repositories that are mirrored: who is asked, who is believed, and how old an answer may be.
#include "resolver/mirrors.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <ctime>

#include "resolver/fetch.h"
#include "resolver/freshness.h"
#include "resolver/repository.h"
#include "tests/unit/resolver/support.h"

using namespace smith;
using namespace smith::resolver;
using test::contains;
using test::error_of;
using test::hasty;
using test::Server;
using test::TempDir;

namespace {

const std::string kPrimary = "<metadata packages=\"0\"/>";

std::string repomd_of(std::uint64_t timestamp, const std::string& type = "primary") {
    return "<repomd><revision>1</revision><data type=\"" + type + "\"><checksum type=\"sha256\">" +
           sha256(kPrimary).hex() + "</checksum><location href=\"repodata/primary\"/><timestamp>" +
           std::to_string(timestamp) + "</timestamp><size>" + std::to_string(kPrimary.size()) +
           "</size></data></repomd>";
}

std::string metalink_of(const std::string& repomd, const std::vector<std::string>& hosts) {
    std::string out = "<metalink><files><file name=\"repomd.xml\"><verification><hash type=\"sha256\">" +
                      sha256(repomd).hex() + "</hash></verification><resources>";
    int preference = 100;
    for (const std::string& host : hosts) {
        out += "<url preference=\"" + std::to_string(preference--) + "\">" + host + "/repodata/repomd.xml</url>";
    }
    return out + "</resources></file></files></metalink>";
}

/// A server with one repository, which a test can change while it runs.
class Mirror {
public:
    explicit Mirror(std::string xml)
        : repomd(std::move(xml)), server_([this](Server::Connection& connection) { serve(connection); }) {}

    [[nodiscard]] std::string url() const { return server_.url(); }
    [[nodiscard]] bool was_asked_for(const std::string& path) const {
        return std::any_of(requests.begin(), requests.end(),
                           [&](const std::string& request) { return contains(request, "GET " + path + " "); });
    }

    std::string repomd;
    std::map<std::string, std::string> files{{"/repodata/primary", kPrimary}};
    std::vector<std::string> requests;

private:
    void serve(Server::Connection& connection) {
        requests.push_back(connection.request());
        if (connection.path() == "/repodata/repomd.xml" && !repomd.empty()) return connection.answer("200 OK", repomd);
        const auto file = files.find(connection.path());
        if (file == files.end()) return connection.answer("404 Not Found", "");
        connection.answer("200 OK", file->second);
    }
    Server server_;
};

RepoConfig config_of(const std::vector<std::string>& hosts) {
    RepoConfig config;
    config.id = "mirrored";
    for (const std::string& host : hosts) config.baseurls.push_back(host + "/");
    return config;
}

Repository load(const RepoConfig& config, const MetadataOptions& options, Reporter& reporter = silent_reporter()) {
    HttpClient http(hasty());
    return load_repositories({config}, options, http, reporter).at(0);
}

Error failure_of(const RepoConfig& config, const MetadataOptions& options) {
    return error_of([&] { static_cast<void>(load(config, options)); });
}

}  // namespace

TEST_CASE("a mirror whose repomd.xml the metalink does not vouch for is passed over", "[mirrors][hostile]") {
    const TempDir dir;
    const std::string good = repomd_of(1000);
    Mirror evil(repomd_of(2000));
    Mirror honest(good);
    Mirror list("");
    list.files["/metalink?repo=x"] = metalink_of(good, {evil.url(), honest.url()});
    RepoConfig config = config_of({});
    config.metalink = list.url() + "/metalink?repo=x";
    const Repository repository = load(config, {dir / "c"});
    CHECK(evil.was_asked_for("/repodata/repomd.xml"));
    CHECK(repository.repomd_digest() == sha256(good));
    CHECK(repository.baseurls() == std::vector<std::string>{honest.url() + "/", evil.url() + "/"});

    honest.repomd = repomd_of(3000);
    const Error error = failure_of(config, {dir / "other"});
    CHECK(error.kind() == ErrorKind::integrity);
    CHECK(contains(error.message(), "metalink vouches for"));

    // Also for the baseurls that the configuration names itself.
    config.baseurls = {evil.url() + "/"};
    CHECK(failure_of(config, {dir / "third"}).kind() == ErrorKind::integrity);

    // And without the metalink there is nothing to believe.
    list.files.clear();
    CHECK(failure_of(config, {dir / "fourth"}).kind() == ErrorKind::fetch);
}

TEST_CASE("a metalink's repository is there offline, once it was read", "[mirrors]") {
    const TempDir dir;
    const std::string good = repomd_of(1000);
    RepoConfig config = config_of({});
    {
        Mirror mirror(good);
        mirror.files["/metalink"] = metalink_of(good, {mirror.url()});
        config.metalink = mirror.url() + "/metalink";
        static_cast<void>(load(config, {dir / "c"}));
    }
    CHECK(load(config, {dir / "c", true}).repomd_digest() == sha256(good));
    CHECK(failure_of(config, {dir / "empty", true}).kind() == ErrorKind::fetch);
}

TEST_CASE("a mirrorlist's mirrors serve metadata and packages, each what the others lack", "[mirrors]") {
    const TempDir dir;
    Mirror dead("");
    Mirror partial(repomd_of(1000));
    partial.files.clear();
    Mirror whole(repomd_of(1000));
    whole.files["/app.rpm"] = "apprpm";
    Mirror list("");
    list.files["/list"] = "# $basearch\n" + dead.url() + "\n" + partial.url() + "/\n" + whole.url() + "\n";
    RepoConfig config = config_of({});
    config.mirrorlist = list.url() + "/list";
    const Repository repository = load(config, {dir / "c"});
    CHECK(repository.baseurls().front() == partial.url() + "/");
    CHECK(whole.was_asked_for("/repodata/primary"));

    PackageRef ref;
    ref.nevra = Nevra::parse("app-1-1.noarch");
    ref.repo = "mirrored";
    ref.location = "app.rpm";
    ref.checksum = {"sha256", sha256("apprpm").hex()};
    ref.size = 6;
    HttpClient http(hasty());
    const auto fetched = fetch_packages({ref}, {config}, {}, {dir / "c"}, http, silent_reporter());
    CHECK(test::read(fetched.at(0).file) == "apprpm");
    CHECK(dead.was_asked_for("/app.rpm"));
}

TEST_CASE("a list that cannot be had is an error, unless there is a baseurl", "[mirrors]") {
    const TempDir dir;
    Mirror mirror(repomd_of(1000));
    RepoConfig config = config_of({});
    config.mirrorlist = mirror.url() + "/nowhere";
    CHECK(failure_of(config, {dir / "c"}).kind() == ErrorKind::fetch);
    config.baseurls = {mirror.url() + "/"};
    RecordingReporter reporter;
    CHECK(load(config, {dir / "c"}, reporter).baseurls() == config.baseurls);
    REQUIRE(reporter.warnings.size() == 1);
    CHECK(contains(reporter.warnings[0], "404"));
}

TEST_CASE("a list that never ends, or is no list, is refused", "[mirrors][hostile]") {
    const TempDir dir;
    Server endless([](Server::Connection& connection) {
        connection.send("HTTP/1.1 200 OK\r\n\r\n");
        while (connection.send("http://127.0.0.1:1/\n")) {
        }
    });
    RepoConfig config = config_of({});
    config.mirrorlist = endless.url();
    CHECK(contains(failure_of(config, {dir / "c"}).message(), "longer than"));
    Mirror page("");
    page.files["/list"] = "<html>Sorry</html>";
    config.mirrorlist = page.url() + "/list";
    CHECK(failure_of(config, {dir / "c"}).kind() == ErrorKind::format);
}

TEST_CASE("user and password are for the hosts of the configuration, not for those of a list", "[mirrors][hostile]") {
    const TempDir dir;
    Mirror mirror(repomd_of(1000));
    Mirror list("");
    list.files["/list"] = mirror.url() + "/\n";
    RepoConfig config = config_of({});
    config.mirrorlist = list.url() + "/list";
    config.username = Secret("user");
    config.password = Secret("canary");
    static_cast<void>(load(config, {dir / "c"}));
    CHECK(contains(list.requests.at(0), "Authorization: Basic"));
    REQUIRE(mirror.requests.size() == 2);
    for (const std::string& request : mirror.requests) CHECK_FALSE(contains(request, "Authorization"));
}

TEST_CASE("metadata does not go back in time", "[freshness][hostile]") {
    const TempDir dir;
    Mirror mirror(repomd_of(2000));
    const RepoConfig config = config_of({mirror.url()});
    static_cast<void>(load(config, {dir / "c"}));
    mirror.repomd = repomd_of(1000);
    const Error error = failure_of(config, {dir / "c"});
    CHECK(error.kind() == ErrorKind::integrity);
    CHECK(contains(error.message(), "of 1970-01-01 00:16:40 UTC, older than the one that was seen last"));
    CHECK(contains(error.message(), "--allow-old-metadata"));

    MetadataOptions refresh{dir / "c"};
    refresh.refresh = true;
    CHECK(failure_of(config, refresh).kind() == ErrorKind::integrity);

    RepoConfig may_be_skipped = config;
    may_be_skipped.skip_if_unavailable = true;
    CHECK(failure_of(may_be_skipped, {dir / "c"}).kind() == ErrorKind::integrity);

    MetadataOptions allow{dir / "c"};
    allow.allow_old = true;
    CHECK(load(config, allow).repomd().timestamp == 1000U);
    CHECK(load(config, {dir / "c"}).repomd().timestamp == 1000U);
}

TEST_CASE("a mirror that lags behind is passed over for one that does not", "[freshness]") {
    const TempDir dir;
    Mirror first(repomd_of(2000));
    Mirror second(repomd_of(2000));
    const RepoConfig config = config_of({first.url(), second.url()});
    static_cast<void>(load(config, {dir / "c"}));
    first.repomd = repomd_of(1000);
    second.repomd = repomd_of(3000);
    CHECK(load(config, {dir / "c"}).repomd().timestamp == 3000U);
}

TEST_CASE("metadata is not older than the lock's", "[freshness][hostile]") {
    const TempDir dir;
    Mirror mirror(repomd_of(1000));
    MetadataOptions options{dir / "c"};
    options.locked_timestamps = {{"mirrored", 1001}};
    CHECK(contains(failure_of(config_of({mirror.url()}), options).message(), "older than the one in the lock"));
    options.locked_timestamps = {{"mirrored", 1000}};
    CHECK_NOTHROW(load(config_of({mirror.url()}), options));
}

TEST_CASE("metadata is not older than max_age", "[freshness][hostile]") {
    const TempDir dir;
    const auto now = static_cast<std::uint64_t>(std::time(nullptr));
    Mirror mirror(repomd_of(now - 1000));
    RepoConfig config = config_of({mirror.url()});
    config.max_age = std::chrono::seconds(2000);
    CHECK_NOTHROW(load(config, {dir / "c"}));
    config.max_age = std::chrono::seconds(900);
    CHECK(contains(failure_of(config, {dir / "c"}).message(), "max_age of 900 seconds"));
    // Not being asked does not make it younger.
    CHECK(contains(failure_of(config, {dir / "c", true}).message(), "max_age of 900 seconds"));
}

TEST_CASE("a lie about the future does not make honest metadata look old", "[freshness][hostile]") {
    const TempDir dir;
    const auto now = static_cast<std::uint64_t>(std::time(nullptr));
    Mirror mirror(repomd_of(now + 1'000'000'000));
    const RepoConfig config = config_of({mirror.url()});
    static_cast<void>(load(config, {dir / "c"}));
    mirror.repomd = repomd_of(now + 60);
    CHECK_NOTHROW(load(config, {dir / "c"}));
}

TEST_CASE("what does not say when it was made is not fresh", "[freshness]") {
    Freshness expected;
    expected.last_seen = 5;
    CHECK_NOTHROW(check_freshness({}, expected, 10));
    expected.max_age = std::chrono::seconds(1000);
    CHECK(error_of([&] { check_freshness({}, expected, 10); }).kind() == ErrorKind::integrity);
}

TEST_CASE("zchunk is taken where there is nothing else", "[mirrors]") {
    const TempDir dir;
    Mirror mirror(repomd_of(1000, "primary_zck"));
    const Repository alone = load(config_of({mirror.url()}), {dir / "c"});
    REQUIRE(alone.repomd().find("primary") != nullptr);
    CHECK(alone.repomd().find("primary")->location == alone.repomd().find("primary_zck")->location);
}
