// SPDX-License-Identifier: Apache-2.0
//
// Who a registry is told that we are, and who else is not: tokens, passwords, redirects, mirrors.
#include <cstdlib>
#include <fstream>
#include <set>

#include "ocilayout/registry/auth.h"
#include "ocilayout/registry/manifests.h"
#include "ocilayout/registry/registry.h"
#include "tests/unit/ocilayout/registry_helpers.h"
#include "tests/unit/temp_dir.h"

using namespace smith;
using namespace smith::ocilayout;
using namespace smith::test;

namespace {

constexpr const char* kPassword = "canary-password";
// base64 of "user:canary-password".
constexpr const char* kBasic = "Basic dXNlcjpjYW5hcnktcGFzc3dvcmQ=";

/// Remembers all that is said, and holds it against what must never be.
class Ears : public Reporter {
public:
    void warn(std::string_view message) override { hear(message), warnings.emplace_back(message); }
    void info(std::string_view message) override { hear(message); }
    void debug(std::string_view message) override { hear(message); }
    void progress(std::string_view phase, std::uint64_t, std::uint64_t) override { hear(phase); }
    std::vector<std::string> warnings;
    std::string all;

private:
    void hear(std::string_view message) {
        const std::lock_guard lock(mutex_);
        all += std::string(message) + "\n";
    }
    std::mutex mutex_;
};

/// A registry that wants a token of its token server, which wants a user and a password or is content with anybody.
struct TokenWorld {
    TokenWorld() {
        registry.instead = [this](const Request& request) { return check(request); };
        options = test_options();
        options.reporter = &ears;
        options.login = RegistryLogin{Secret("user"), Secret(kPassword)};
    }

    std::optional<Answer> check(const Request& request) {
        const std::string sent = request.header("authorization");
        if (sent.starts_with("Bearer ") && good_tokens.contains(sent.substr(7))) {
            return then ? then(request) : std::nullopt;
        }
        Answer out{401, {}, R"({"errors":[{"code":"UNAUTHORIZED"}]})", {}, false};
        out.headers["WWW-Authenticate"] = "Bearer realm=\"" + (realm.empty() ? token_server.url() + "/token" : realm) +
                                          "\",service=\"the registry\",scope=\"repository:*:*\"";
        return out;
    }

    Answer give_token(const Request& request) {
        const bool is_known = request.header("authorization") == kBasic ||
                              request.body.find("refresh_token=canary-refresh") != std::string::npos;
        if (!is_known && !takes_anybody) return {401, {}, "", {}, false};
        ++tokens_given;
        const std::string token = "canary-token-" + std::to_string(tokens_given);
        good_tokens.insert(token);
        return {200, {}, R"({"token":")" + token + R"(","expires_in":300})", {}, false};
    }

    FakeRegistry registry;
    HttpServer token_server{[this](const Request& request) { return give_token(request); }};
    std::string realm;
    std::set<std::string> good_tokens;
    int tokens_given = 0;
    bool takes_anybody = false;
    std::function<std::optional<Answer>(const Request&)> then;
    Ears ears;
    RegistryOptions options;
};

std::vector<std::string> queries(const HttpServer& server, const std::string& name) {
    std::vector<std::string> out;
    for (const Request& one : server.requests()) out.push_back(one.query(name));
    return out;
}

void check_nothing_leaked(const Ears& ears, const std::string& message = "") {
    CHECK(ears.all.find("canary") == std::string::npos);
    CHECK(message.find("canary") == std::string::npos);
    CHECK((ears.all + message).find(kBasic + 6) == std::string::npos);
}

bool any_with_authorization(const HttpServer& server) {
    const auto requests = server.requests();
    return std::ranges::any_of(requests, [](const Request& one) { return one.headers.contains("authorization"); });
}

}  // namespace

TEST_CASE("a registry is asked without a name first, then with a token for this repository and no more",
          "[registry][auth][hostile]") {
    TokenWorld world;
    add_image(world.registry, "team/app:1");
    static_cast<void>(open_source(world.registry.name("team/app:1"), world.options));
    CHECK_FALSE(world.registry.server.requests()[0].headers.contains("authorization"));
    CHECK(world.registry.server.log().size() == 2);
    // Not what the registry's challenge asks for.
    CHECK(queries(world.token_server, "scope") == std::vector<std::string>{"repository:team/app:pull"});
    CHECK(queries(world.token_server, "service") == std::vector<std::string>{"the registry"});
    CHECK(world.token_server.requests()[0].header("authorization") == kBasic);
    check_nothing_leaked(world.ears);

    world.token_server.forget();
    push(test_image("another layer"), world.registry.name("team/app:2"), world.options);
    CHECK(queries(world.token_server, "scope") == std::vector<std::string>{"repository:team/app:pull,push"});
    check_nothing_leaked(world.ears);
}

TEST_CASE("who may have something as anybody needs no password", "[registry][auth]") {
    TokenWorld world;
    add_image(world.registry, "app:1");
    world.takes_anybody = true;
    world.options.login.reset();
    static_cast<void>(open_source(world.registry.name("app:1"), world.options));
    CHECK_FALSE(any_with_authorization(world.token_server));
}

TEST_CASE("a password that is no longer good is an error, but not for what is public", "[registry][auth]") {
    TokenWorld world;
    add_image(world.registry, "app:1");
    const TempDir directory;
    world.options.login.reset();
    world.options.auth_file = directory.path() / "auth.json";
    Credential old;
    old.username = Secret("user");
    old.password = Secret("canary-old");
    std::ofstream(world.options.auth_file) << edit_credential_file("", world.registry.server.host(), old).value();
    std::string message = message_of([&] { open_source(world.registry.name("app:1"), world.options); });
    CHECK(message.find("smith login") != std::string::npos);
    check_nothing_leaked(world.ears, message);

    world.give_token({});
    message = message_of([&] { push(test_image("x"), world.registry.name("app:1"), world.options); });
    check_nothing_leaked(world.ears, message);

    TokenWorld open_world;
    add_image(open_world.registry, "app:1");
    open_world.options = world.options;
    open_world.options.reporter = &open_world.ears;
    std::ofstream(world.options.auth_file) << edit_credential_file("", open_world.registry.server.host(), old).value();
    const auto refuse_old = [&](const Request& request) -> Answer {
        if (request.headers.contains("authorization")) return {401, {}, "", {}, false};
        open_world.good_tokens = {"anybody"};
        return {200, {}, R"({"access_token":"anybody"})", {}, false};
    };
    HttpServer picky(refuse_old);
    open_world.realm = picky.url() + "/token";
    static_cast<void>(open_source(open_world.registry.name("app:1"), open_world.options));
    REQUIRE(open_world.ears.warnings.size() == 1);
    CHECK(open_world.ears.warnings[0].ends_with(", ignoring"));
}

TEST_CASE("an identity token goes to the token server, in a form", "[registry][auth]") {
    TokenWorld world;
    add_image(world.registry, "app:1");
    const TempDir directory;
    world.options.login.reset();
    world.options.auth_file = directory.path() / "auth.json";
    std::ofstream(world.options.auth_file)
        << R"({"auths":{")" + world.registry.server.host() + R"(":{"identitytoken":"canary-refresh"}}})";
    static_cast<void>(open_source(world.registry.name("app:1"), world.options));
    REQUIRE(world.token_server.log() == std::vector<std::string>{"POST /token"});
    const Request form = world.token_server.requests()[0];
    CHECK(form.body ==
          "grant_type=refresh_token&client_id=smith&service=the%20registry&refresh_token=canary-refresh"
          "&scope=repository%3Aapp%3Apull");
    CHECK(form.header("content-type") == "application/x-www-form-urlencoded");
    check_nothing_leaked(world.ears);
}

TEST_CASE("a token that runs out in the middle of an upload is had anew", "[registry][auth]") {
    TokenWorld world;
    const std::string bytes = noise(1'000'000);
    const Descriptor blob = describe(media_type::kLayerGzip, bytes);
    bool ran_out = false;
    world.then = [&](const Request& request) -> std::optional<Answer> {
        if (request.method != "PUT" || std::exchange(ran_out, true)) return std::nullopt;
        world.good_tokens.clear();
        Answer out{401, {}, "", {}, false};
        out.headers["WWW-Authenticate"] =
            "Bearer realm=\"" + world.token_server.url() + "/token\",error=\"invalid_token\"";
        return out;
    };
    open_destination(world.registry.name("app:1"), world.options)->put_blob(blob, opener(bytes), {});
    CHECK(world.registry.blobs[blob.digest.str()] == bytes);
    CHECK(world.tokens_given == 2);
}

TEST_CASE("a mount asks to read the other repository, too", "[registry][auth]") {
    TokenWorld world;
    const std::string bytes = "layer";
    const Descriptor blob = describe(media_type::kLayerGzip, bytes);
    open_destination(world.registry.name("new/app:1"), world.options)
        ->put_blob(blob, opener(bytes), world.registry.server.host() + "/old/app");
    const std::string target = world.token_server.requests()[0].target;
    CHECK(target.find("scope=repository%3Anew%2Fapp%3Apull%2Cpush&scope=repository%3Aold%2Fapp%3Apull") !=
          std::string::npos);
}

TEST_CASE("a registry that wants a password gets it once, and never in vain for long", "[registry][auth]") {
    FakeRegistry registry;
    add_image(registry, "app:1");
    registry.instead = [](const Request& request) -> std::optional<Answer> {
        if (request.header("authorization") == kBasic) return std::nullopt;
        return Answer{401, {{"WWW-Authenticate", "Negotiate, Basic realm=\"x\""}}, "", {}, false};
    };
    Ears ears;
    RegistryOptions options = test_options();
    options.reporter = &ears;
    const std::string without = message_of([&] { open_source(registry.name("app:1"), options); });
    CHECK(without.find("wants a user and a password; 'smith login " + registry.server.host() + "'") !=
          std::string::npos);
    options.login = RegistryLogin{Secret("user"), Secret(kPassword)};
    CHECK(list_tags(parse_reference(registry.name("app:1")), {1, options}) == std::vector<std::string>{"1"});
    options.login = RegistryLogin{Secret("user"), Secret("canary-wrong")};
    registry.server.forget();
    const std::string message = message_of([&] { open_source(registry.name("app:1"), options); });
    CHECK(message.find("does not accept the user and password from '--creds'") != std::string::npos);
    CHECK(registry.server.log().size() == 2);
    check_nothing_leaked(ears, message);
}

TEST_CASE("a challenge that nobody can answer is an error, not a loop", "[registry][auth][hostile]") {
    FakeRegistry registry;
    for (const char* challenge : {"", "Negotiate", "Bearer", "Bearer realm=\"\"", "Bearer realm=\"file:///etc/passwd\"",
                                  "\"\"\"", "Bearer service=x"}) {
        registry.instead = [&](const Request&) -> std::optional<Answer> {
            return Answer{401, {{"WWW-Authenticate", challenge}}, "", {}, false};
        };
        INFO(challenge);
        CHECK(kind_of([&] { open_source(registry.name("app:1")); }) == ErrorKind::fetch);
    }
    CHECK(registry.server.log().size() == 7);

    // Tokens that are never good enough.
    TokenWorld world;
    world.then = [](const Request&) -> std::optional<Answer> { return std::nullopt; };
    HttpServer liar([](const Request&) { return Answer{200, {}, R"({"token":"never-good"})", {}, false}; });
    world.realm = liar.url() + "/token";
    const std::string message = message_of([&] { open_source(world.registry.name("app:1"), world.options); });
    INFO(message);
    CHECK(message.find("UNAUTHORIZED") != std::string::npos);
    CHECK(world.registry.server.log().size() <= 3);
}

TEST_CASE("a token server on another host gets no request, let alone a password", "[registry][auth][hostile]") {
    TokenWorld world;
    add_image(world.registry, "app:1");
    // The same machine under another name.
    const std::string other = "http://localhost:" + world.token_server.url().substr(17);
    world.realm = other + "/token";
    const std::string message = message_of([&] { open_source(world.registry.name("app:1"), world.options); });
    CHECK(message.find("--trust-realm localhost") != std::string::npos);
    CHECK(world.token_server.log().empty());
    check_nothing_leaked(world.ears, message);
    world.options.trusted_realms = {"localhost"};
    // Trust makes no https of it; between plain servers there is none to be lost.
    static_cast<void>(open_source(world.registry.name("app:1"), world.options));
    CHECK(world.token_server.log().size() == 1);
}

TEST_CASE("a token server can't send us elsewhere with a password", "[registry][auth][hostile]") {
    TokenWorld world;
    HttpServer collector([](const Request&) { return Answer{200, {}, R"({"token":"t"})", {}, false}; });
    HttpServer redirecting([&](const Request&) {
        return Answer{307, {{"Location", collector.url() + "/token"}}, "", {}, false};
    });
    world.realm = redirecting.url() + "/token";
    CHECK(kind_of([&] { open_source(world.registry.name("app:1"), world.options); }) == ErrorKind::fetch);
    CHECK(collector.log().empty());
}

TEST_CASE("what a token server answers is a token or an error", "[registry][auth][hostile]") {
    TokenWorld world;
    std::string body;
    HttpServer server([&](const Request&) { return Answer{200, {}, body, {}, false}; });
    world.realm = server.url() + "/token";
    std::string deep(100'000, '[');
    for (const std::string& one : {std::string("canary"), std::string(R"({"token":"canary\r\nX-Evil: 1"})"),
                                   std::string("{}"), deep, std::string(R"({"token":5})"),
                                   std::string(R"({"token":"canary","token":"canary2"})"), std::string(400'000, ' ')}) {
        body = one;
        std::string message = message_of([&] { open_source(world.registry.name("app:1"), world.options); });
        CHECK(message.find("nothing was thrown") == std::string::npos);
        check_nothing_leaked(world.ears, message);
    }
}

TEST_CASE("a blob that is elsewhere is fetched there without our token", "[registry][auth][hostile]") {
    TokenWorld world;
    const TestImage image = add_image(world.registry, "app:1");
    HttpServer storage([&](const Request&) { return Answer{200, {}, image.layer, {}, false}; });
    const std::string where = GENERATE(std::string("127.0.0.1"), std::string("localhost"));
    world.then = [&](const Request& request) -> std::optional<Answer> {
        if (request.path().find("/blobs/") == std::string::npos) return std::nullopt;
        return Answer{
            307, {{"Location", "http://" + where + storage.url().substr(16) + "/presigned?sig=1"}}, "", {}, false};
    };
    const auto source = open_source(world.registry.name("app:1"), world.options);
    CHECK(read_blob(*source, image.layer_desc, 1 << 20) == image.layer);
    CHECK(storage.log() == std::vector<std::string>{"GET /presigned?sig=1"});
    CHECK_FALSE(any_with_authorization(storage));
}

TEST_CASE("where a redirect leads has nothing to ask us", "[registry][auth][hostile]") {
    TokenWorld world;
    const TestImage image = add_image(world.registry, "app:1");
    HttpServer storage([&](const Request&) {
        return Answer{
            401, {{"WWW-Authenticate", "Bearer realm=\"" + world.token_server.url() + "/token\""}}, "", {}, false};
    });
    world.then = [&](const Request& request) -> std::optional<Answer> {
        if (request.path().find("/blobs/") == std::string::npos) return std::nullopt;
        return Answer{307, {{"Location", storage.url() + "/x"}}, "", {}, false};
    };
    const auto source = open_source(world.registry.name("app:1"), world.options);
    world.token_server.forget();
    CHECK(kind_of([&] { static_cast<void>(read_blob(*source, image.layer_desc, 1 << 20)); }) == ErrorKind::fetch);
    CHECK(world.token_server.log().empty());
    CHECK(storage.log().size() == 1);
}

TEST_CASE("redirects in a circle come to an end", "[registry][hostile]") {
    FakeRegistry registry;
    registry.instead = [](const Request& request) -> std::optional<Answer> {
        return Answer{307, {{"Location", request.target}}, "", {}, false};
    };
    CHECK(kind_of([&] { open_source(registry.name("app:1")); }) == ErrorKind::fetch);
    CHECK(registry.server.log().size() == 11);
}

TEST_CASE("an upload that goes on elsewhere goes without our token", "[registry][auth][hostile]") {
    TokenWorld world;
    const std::string bytes = "what a layer holds";
    const Descriptor blob = describe(media_type::kLayerGzip, bytes);
    HttpServer storage([](const Request&) { return Answer{201, {}, "", {}, false}; });
    world.then = [&](const Request& request) -> std::optional<Answer> {
        if (request.method != "POST") return std::nullopt;
        return Answer{202, {{"Location", storage.url() + "/put?sig=1"}}, "", {}, false};
    };
    const auto destination = open_destination(world.registry.name("app:1"), world.options);
    destination->put_blob(blob, opener(bytes), {});
    CHECK(storage.log() == std::vector<std::string>{"PUT /put?sig=1&digest=" + blob.digest.str()});
    CHECK(storage.requests()[0].body == bytes);
    CHECK_FALSE(any_with_authorization(storage));

    for (const char* nowhere : {"", "file:///etc/passwd", "gopher://x/", "http://user:canary@127.0.0.1:1/"}) {
        world.then = [&](const Request& request) -> std::optional<Answer> {
            if (request.method != "POST") return std::nullopt;
            return Answer{202, {{"Location", nowhere}}, "", {}, false};
        };
        INFO(nowhere);
        const std::string message = message_of([&] { destination->put_blob(blob, opener(bytes), {}); });
        CHECK(message.find("sends us to") != std::string::npos);
        check_nothing_leaked(world.ears, message);
    }
}

TEST_CASE("a Location by http of a registry that is asked by https is its own host's https, or refused",
          "[registry][hostile]") {
    RegistryClient client({"reg.example", "app", false}, test_options());
    HttpResponse response;
    response.url = "https://reg.example/v2/app/blobs/uploads/";
    CHECK(client.location(response, "http://reg.example/v2/x?y=1") == "https://reg.example/v2/x?y=1");
    CHECK(client.location(response, "/v2/x") == "https://reg.example/v2/x");
    CHECK(client.location(response, "https://cdn.example/x") == "https://cdn.example/x");
    CHECK(kind_of([&] { static_cast<void>(client.location(response, "http://cdn.example/x")); }) == ErrorKind::fetch);
    CHECK(kind_of([&] { static_cast<void>(client.location(response, "http://reg.example:81/x")); }) ==
          ErrorKind::fetch);
}

TEST_CASE("a mirror is asked first, as nobody; what it does not have is had from the registry", "[registry][auth]") {
    FakeRegistry mirror;
    FakeRegistry registry;
    const TestImage image = add_image(registry, "team/app:1");
    add_image(mirror, "copy/app:1");
    mirror.blobs.erase(image.layer_desc.digest.str());
    const TempDir directory;
    const std::filesystem::path conf = directory.path() / "registries.conf";
    std::ofstream(conf) << "[[registry]]\nlocation = \"" + registry.server.host() +
                               "/team\"\ninsecure = true\n[[registry.mirror]]\nlocation = \"" + mirror.server.host() +
                               "/copy\"\ninsecure = true\n";
    ::setenv("CONTAINERS_REGISTRIES_CONF", conf.c_str(), 1);
    mirror.instead = [](const Request& request) -> std::optional<Answer> {
        if (request.path().find("/blobs/") == std::string::npos) return std::nullopt;
        return Answer{401, {{"WWW-Authenticate", "Basic"}}, "", {}, false};
    };
    RegistryOptions options = test_options();
    options.insecure = false;
    options.login = RegistryLogin{Secret("user"), Secret(kPassword)};
    const auto source = open_source(registry.name("team/app:1"), options);
    CHECK(registry.server.log().empty());
    CHECK(read_blob(*source, image.layer_desc, 1 << 20) == image.layer);
    CHECK_FALSE(any_with_authorization(mirror.server));
    CHECK(registry.server.log() == std::vector<std::string>{"GET /v2/team/app/blobs/" + image.layer_desc.digest.str()});
    // Nothing is pushed to a mirror.
    mirror.server.forget();
    push(test_image("new"), registry.name("team/app:2"), options);
    CHECK(mirror.server.log().empty());
    CHECK(registry.tags.contains("team/app:2"));
    ::unsetenv("CONTAINERS_REGISTRIES_CONF");
}

TEST_CASE("plain HTTP is for registries that somebody called insecure", "[registry][hostile]") {
    FakeRegistry registry;
    add_image(registry, "app:1");
    RegistryOptions options = test_options();
    options.insecure = false;
    options.retry.retries = 0;
    CHECK(kind_of([&] { open_source(registry.name("app:1"), options); }) == ErrorKind::fetch);
    CHECK(registry.server.log().empty());
}
