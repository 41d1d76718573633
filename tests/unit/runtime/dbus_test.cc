// SPDX-License-Identifier: Apache-2.0
//
// A bus in a thread, honest or not, at the other end of a socket pair; and systemd on it.
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <functional>
#include <thread>

#include "base/error.h"
#include "runtime/dbus_connection.h"
#include "runtime/dbus_message.h"
#include "runtime/systemd.h"

namespace smith::runtime {

namespace {

using namespace std::chrono_literals;

std::string hex_of(std::string_view bytes) {
    std::string out;
    for (const char c : bytes) {
        constexpr char digits[] = "0123456789abcdef";
        out += digits[static_cast<unsigned char>(c) / 16];
        out += digits[static_cast<unsigned char>(c) % 16];
    }
    return out;
}

std::string bytes_of(std::string_view hex) {
    std::string out;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
        out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
    }
    return out;
}

/// A message as somebody else might write it, field by field.
class Written {
public:
    Written(DbusMessageType type, std::uint32_t reply_serial) : type_(type) {
        if (reply_serial != 0) field(5, "u").number(fields_, reply_serial);
    }
    Written& with(std::uint8_t code, const char* type, const std::string& value) {
        field(code, type);
        if (type[0] == 'g')
            fields_.append(1, static_cast<char>(value.size())).append(value).append(1, '\0');
        else
            text(fields_, value);
        return *this;
    }
    Written& body(const std::string& value) {
        text(body_, value);
        return *this;
    }
    Written& body(std::uint32_t value) {
        number(body_, value);
        return *this;
    }
    Written& variant(const std::string& value) {
        body_.append("\1s", 2).append(1, '\0');
        return body(value);
    }
    [[nodiscard]] std::string bytes(bool big = false, std::uint32_t serial = 9) const {
        std::string out = {big ? 'B' : 'l', static_cast<char>(type_), 0, 1};
        for (const auto value :
             {static_cast<std::uint32_t>(body_.size()), serial, static_cast<std::uint32_t>(fields_.size())}) {
            for (int i = 0; i < 4; ++i) out += static_cast<char>(value >> 8 * (big ? 3 - i : i));
        }
        out += fields_;
        while (out.size() % 8 != 0) out += '\0';
        return out + body_;
    }

private:
    Written& field(std::uint8_t code, const char* type) {
        while (fields_.size() % 8 != 0) fields_ += '\0';
        fields_.append(1, static_cast<char>(code)).append(1, '\1').append(type).append(1, '\0');
        return *this;
    }
    static void number(std::string& out, std::uint32_t value) {
        while (out.size() % 4 != 0) out += '\0';
        for (int i = 0; i < 4; ++i) out += static_cast<char>(value >> 8 * i);
    }
    static void text(std::string& out, const std::string& value) {
        number(out, static_cast<std::uint32_t>(value.size()));
        out.append(value).append(1, '\0');
    }
    DbusMessageType type_;
    std::string fields_;
    std::string body_;
};

Written reply_to(const DbusMessage& call) { return Written(DbusMessageType::reply, call.serial).with(7, "s", ":1.7"); }

Written error_to(const DbusMessage& call, const std::string& name, const std::string& text) {
    return Written(DbusMessageType::error, call.serial).with(4, "s", name).with(8, "g", "s").body(text);
}

Written job_removed(const std::string& job, const std::string& unit, const std::string& result,
                    const std::string& sender = ":1.7") {
    return Written(DbusMessageType::signal, 0)
        .with(1, "o", "/org/freedesktop/systemd1")
        .with(2, "s", "org.freedesktop.systemd1.Manager")
        .with(3, "s", "JobRemoved")
        .with(7, "s", sender)
        .with(8, "g", "uoss")
        .body(42)
        .body(job)
        .body(unit)
        .body(result);
}

/// The bus's end of the conversation.
class Peer {
public:
    explicit Peer(int fd) : fd_(fd) {}

    void say(std::string_view bytes) const {
        while (!bytes.empty()) {
            const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) return;
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
    }
    void say(const Written& message) const { say(message.bytes()); }
    /// As many bytes as were sent, up to `size`.
    std::string hear(std::size_t size) const {
        std::string out(size, '\0');
        std::size_t have = 0;
        while (have < size) {
            const ssize_t got = ::read(fd_, out.data() + have, size - have);
            if (got <= 0) break;
            have += static_cast<std::size_t>(got);
        }
        out.resize(have);
        return out;
    }
    std::string hear_message() const {
        std::string start = hear(kDbusStartBytes);
        if (start.size() < kDbusStartBytes) return "";
        return start + hear(dbus_message_size(start) - start.size());
    }
    DbusMessage hear_call() const {
        const std::string bytes = hear_message();
        return bytes.empty() ? DbusMessage{} : parse_dbus_message(bytes);
    }
    /// What every conversation begins with.
    void welcome() const {
        hear(16);
        say("DATA\r\n");
        hear(6);
        say("OK 0123456789abcdef0123456789abcdef\r\n");
        hear(7);
        const DbusMessage hello = hear_call();
        say(reply_to(hello).with(8, "g", "s").body(":1.42"));
        // Which the bus adds without being asked.
        say(Written(DbusMessageType::signal, 0)
                .with(1, "o", "/org/freedesktop/DBus")
                .with(2, "s", "org.freedesktop.DBus")
                .with(3, "s", "NameAcquired")
                .with(8, "g", "s")
                .body(":1.42"));
    }
    /// And that with systemd.
    void welcome_by_systemd(const std::string& version = "252.38-1~deb12u1", const std::string& group = "") const {
        welcome();
        say(reply_to(hear_call()).with(8, "g", "v").variant(version));
        say(reply_to(hear_call()).with(8, "g", "v").variant(group));
    }
    void hear_match() const { say(reply_to(hear_call())); }
    /// Who is to be started a scope for asks these two beforehand.
    void hear_ids_and_match(std::uint32_t pid = static_cast<std::uint32_t>(getpid())) const {
        say(reply_to(hear_call()).with(8, "g", "u").body(pid));
        hear_match();
    }
    /// Has the other side not hung up?
    [[nodiscard]] bool is_heard() const {
        char byte = 0;
        return ::recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 0;
    }

private:
    int fd_;
};

class FakeBus {
public:
    explicit FakeBus(std::function<void(Peer&)> script) {
        int pair[2];
        REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
        ours_ = UniqueFd(pair[0]);
        theirs_ = UniqueFd(pair[1]);
        thread_ = std::thread([script, fd = pair[1]] {
            Peer peer(fd);
            try {
                script(peer);
            } catch (const Error&) {
                // What we said was no message: the other side's check fails then.
            }
            ::shutdown(fd, SHUT_RDWR);
        });
    }
    ~FakeBus() {
        ours_.reset();
        thread_.join();
    }
    FakeBus(const FakeBus&) = delete;
    FakeBus& operator=(const FakeBus&) = delete;
    FakeBus(FakeBus&&) = delete;
    FakeBus& operator=(FakeBus&&) = delete;

    DbusConnection connect(DbusConnection::Patience patience = 10s) {
        return DbusConnection(linux_kernel(), std::move(ours_), patience);
    }

private:
    UniqueFd ours_;
    UniqueFd theirs_;
    std::thread thread_;
};

/// What is thrown while `use` talks to systemd; "" when nothing is.
std::string failure_of(const std::function<void(Peer&)>& script, const std::function<void(Systemd&)>& use,
                       DbusConnection::Patience patience = 10s) {
    try {
        FakeBus bus(script);
        Systemd systemd(bus.connect(patience));
        use(systemd);
        return "";
    } catch (const Error& e) {
        return e.message();
    }
}

std::string connect_failure(const std::function<void(Peer&)>& script, DbusConnection::Patience patience = 10s) {
    try {
        FakeBus bus(script);
        static_cast<void>(bus.connect(patience));
        return "";
    } catch (const Error& e) {
        return e.message();
    }
}

void start(Systemd& systemd) { systemd.start_scope("x.scope", {{"Delegate", true}}); }

}  // namespace

TEST_CASE("a call to systemd is, byte for byte, what the specification says", "[dbus]") {
    DbusBody body;
    const std::vector<DbusProperty> properties = {
        {"Slice", std::string("a.slice")},
        {"Delegate", true},
        {"PIDs", std::vector<std::uint32_t>{258}},
        {"MemoryMax", ~std::uint64_t{0}},
        {"AllowedCPUs", std::vector<std::uint8_t>{5, 1}},
        {"Names", std::vector<std::string>{"x", "yz"}},
        {"DeviceAllow", std::vector<std::pair<std::string, std::string>>{{"/dev/char/1:3", "rwm"}, {"char-*", "m"}}},
        {"X", std::int32_t{-2}},
        {"Y", std::int64_t{-3}},
        {"Z", 0.5},
        {"Empty", std::vector<std::pair<std::string, std::string>>{}},
        {"NoNames", std::vector<std::string>{}}};
    body.add(std::string("x.scope")).add(std::string("replace")).add(properties).no_units();
    CHECK(body.signature() == "ssa(sv)a(sa(sv))");
    // As GLib's g_dbus_message_to_blob() writes it.
    CHECK(
        hex_of(body.bytes()) ==
        "07000000782e73636f706500070000007265706c616365007c0100000000000005000000536c6963650001730000000007000000612e"
        "736c69636500000000000800000044656c6567617465000162000100000000000000040000005049447300026175000000000400000002"
        "010000090000004d656d6f72794d61780001740000000000000000ffffffffffffffff0b000000416c6c6f7765644350557300026179"
        "00020000000501000000000000050000004e616d6573000261730000000f000000010000007800000002000000797a00000000000"
        "00b000000446576696365416c6c6f7700056128737329000032000000000000000d0000002f6465762f636861722f313a33000000030"
        "0000072776d000000000006000000636861722d2a0000010000006d00000000000000010000005800016900000000feffffff0100000"
        "0590001780000000000000000fdffffffffffffff010000005a0001640000000000000000000000000000e03f05000000456d7074790"
        "00561287373290000000000000000070000004e6f4e616d657300026173000000000000000000");
    const std::string call = write_dbus_call({"org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                                              "org.freedesktop.systemd1.Manager", "StartTransientUnit", body},
                                             7);
    CHECK(hex_of(call.substr(0, call.size() - body.bytes().size())) ==
          "6c010201a001000007000000b6000000"
          "01016f00190000002f6f72672f667265656465736b746f702f73797374656d643100000000000000"
          "02017300200000006f72672e667265656465736b746f702e73797374656d64312e4d616e6167657200000000000000"
          "00"
          "030173001200000053746172745472616e7369656e74556e6974000000000000"
          "06017300180000006f72672e667265656465736b746f702e73797374656d64310000000000000000"
          "080167001073736128737629612873612873762929000000");
    const DbusMessage again = parse_dbus_message(call);
    CHECK(again.member == "StartTransientUnit");
    CHECK(again.serial == 7);
    CHECK(again.body == body.bytes());
}

TEST_CASE("messages of either byte order are read, and fields that nobody knows are passed over", "[dbus]") {
    // A reply to 3 that says "hi", with a field 32 of type (sv); GLib reads it as well.
    const std::string big = bytes_of(
        "4202000100000007000000070000002705017500000000032004287376290000000000036f646400017900050000000008016700017300"
        "0000000002686900");
    const DbusMessage message = parse_dbus_message(big);
    CHECK(message.reply_serial == 3);
    CHECK(message.signature == "s");
    CHECK(DbusReader(message).text() == "hi");
}

TEST_CASE("the addresses of a bus are those of sockets here", "[dbus]") {
    CHECK(parse_dbus_addresses("unix:path=/run/a%20b,guid=12;tcp:host=x,port=1;unix:abstract=/x") ==
          std::vector<DbusAddress>{{"/run/a b", false}, {"/x", true}});
    for (const char* text : {"", "tcp:host=evil", "unix:", "unix:path=%2", "unixexec:path=/bin/sh"}) {
        CAPTURE(text);
        CHECK_THROWS_AS(parse_dbus_addresses(text), Error);
    }
}

TEST_CASE("whoever connects says no id: the bus knows it from the kernel", "[dbus]") {
    std::string heard;
    {
        FakeBus bus([&](Peer& peer) {
            heard = peer.hear(16);
            peer.say("DATA\r\n");
            heard += peer.hear(6);
            peer.say("OK 0123456789abcdef0123456789abcdef\r\n");
            heard += peer.hear(7);
            peer.say(reply_to(peer.hear_call()).with(8, "g", "s").body(":1.42"));
        });
        static_cast<void>(bus.connect());
    }
    CHECK(heard == std::string("\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n", 29));
}

TEST_CASE("a scope is started when systemd has said so, and not before", "[dbus]") {
    std::vector<DbusMessage> calls;
    const auto script = [&](Peer& peer) {
        peer.welcome_by_systemd("v245.4-1.fc32", "/machine.slice/x.scope");
        const DbusMessage ids = peer.hear_call();
        CHECK(ids.member == "GetConnectionUnixProcessID");
        CHECK(DbusReader(ids).text() == ":1.42");
        peer.say(error_to(ids, "org.freedesktop.DBus.Error.UnixProcessIdUnknown", "who knows"));
        calls.push_back(peer.hear_call());
        peer.say(reply_to(calls.back()));
        calls.push_back(peer.hear_call());
        // Another job of the same name ends; and the answer comes after the signal.
        peer.say(job_removed("/job/1", "x.scope", "failed"));
        peer.say(job_removed("/job/2", "x.scope", "done"));
        peer.say(reply_to(calls.back()).with(8, "g", "o").body("/job/2"));
    };
    CHECK(
        failure_of(script, [](Systemd& systemd) {
            CHECK(systemd.version() == 245);
            CHECK(systemd.directory_of({"a-b.slice", "x.scope"}) == "/machine.slice/x.scope/a.slice/a-b.slice/x.scope");
            start(systemd);
        }).empty());
    REQUIRE(calls.size() == 2);
    CHECK(calls[0].member == "AddMatch");
    CHECK(DbusReader(calls[0]).text() ==
          "type='signal',sender='org.freedesktop.systemd1',path='/org/freedesktop/systemd1',"
          "interface='org.freedesktop.systemd1.Manager',member='JobRemoved',arg2='x.scope'");
    CHECK(calls[1].member == "StartTransientUnit");
    CHECK(calls[1].signature == "ssa(sv)a(sa(sv))");
}

TEST_CASE("a failed unit of the same name is cleared away once, one that runs is an error", "[dbus]") {
    std::vector<std::string> asked;
    const auto script = [&](bool second_works) {
        return [&asked, second_works](Peer& peer) {
            peer.welcome_by_systemd();
            peer.hear_ids_and_match();
            DbusMessage call = peer.hear_call();
            asked.push_back(call.member);
            peer.say(error_to(call, "org.freedesktop.systemd1.UnitExists", "Unit x.scope already exists."));
            call = peer.hear_call();
            asked.push_back(call.member);
            peer.say(reply_to(call));
            call = peer.hear_call();
            asked.push_back(call.member);
            if (!second_works) {
                peer.say(error_to(call, "org.freedesktop.systemd1.UnitExists", "Unit x.scope already exists."));
                return;
            }
            peer.say(reply_to(call).with(8, "g", "o").body("/job/2"));
            peer.say(job_removed("/job/2", "x.scope", "done"));
        };
    };
    CHECK(failure_of(script(true), start).empty());
    CHECK(asked == std::vector<std::string>{"StartTransientUnit", "ResetFailedUnit", "StartTransientUnit"});
    CHECK(failure_of(script(false), start) ==
          "starting 'x.scope': refused: Unit x.scope already exists. "
          "(org.freedesktop.systemd1.UnitExists)");
}

TEST_CASE("a unit is stopped, and forgotten though it failed; one that is gone is not missed", "[dbus]") {
    std::vector<std::string> asked;
    const auto script = [&](Peer& peer) {
        peer.welcome_by_systemd();
        peer.hear_match();
        const DbusMessage call = peer.hear_call();
        peer.say(reply_to(call).with(8, "g", "o").body("/job/3"));
        peer.say(job_removed("/job/3", "x.scope", "done"));
        const DbusMessage reset = peer.hear_call();
        asked = {call.member, reset.member, DbusReader(reset).text()};
        peer.say(error_to(reset, "org.freedesktop.systemd1.NoSuchUnit", "Unit x.scope not loaded."));
    };
    CHECK(failure_of(script, [](Systemd& systemd) { systemd.stop_unit("x.scope"); }).empty());
    CHECK(asked == std::vector<std::string>{"StopUnit", "ResetFailedUnit", "x.scope"});
    const auto gone = [](Peer& peer) {
        peer.welcome_by_systemd();
        peer.hear_match();
        peer.say(error_to(peer.hear_call(), "org.freedesktop.systemd1.NoSuchUnit", "Unit x.scope not loaded."));
    };
    CHECK(failure_of(gone, [](Systemd& systemd) { systemd.stop_unit("x.scope"); }).empty());
}

TEST_CASE("a job that does not end well is an error, and what was begun is stopped", "[dbus]") {
    std::string stopped;
    const auto script = [&](Peer& peer) {
        peer.welcome_by_systemd();
        peer.hear_ids_and_match();
        peer.say(reply_to(peer.hear_call()).with(8, "g", "o").body("/job/2"));
        peer.say(job_removed("/job/2", "x.scope", "canceled"));
        peer.hear_match();
        const DbusMessage stop = peer.hear_call();
        stopped = stop.member;
        peer.say(error_to(stop, "org.freedesktop.systemd1.NoSuchUnit", "Unit x.scope not loaded."));
    };
    CHECK(failure_of(script, start) == "starting 'x.scope': the job of systemd's ended as 'canceled'");
    CHECK(stopped == "StopUnit");
}

TEST_CASE("the end of a job is believed from systemd only", "[dbus][hostile]") {
    const auto script = [&](Peer& peer) {
        peer.welcome_by_systemd();
        peer.hear_ids_and_match();
        const DbusMessage call = peer.hear_call();
        peer.say(job_removed("/job/2", "x.scope", "done", ":1.666"));
        peer.say(reply_to(call).with(8, "g", "o").body("/job/2"));
        peer.say(job_removed("/job/2", "x.scope", "done", ":1.666"));
        peer.say(job_removed("/job/2", "x.scope", "timeout"));
    };
    CHECK(failure_of(script, start).find("ended as 'timeout'") != std::string::npos);
}

TEST_CASE("a systemd that sees other process ids is not asked to move any", "[dbus][hostile]") {
    const auto elsewhere = [](Peer& peer) {
        peer.welcome_by_systemd();
        peer.hear_ids_and_match(1);
    };
    CHECK(failure_of(elsewhere, start).find("systemd is in another PID namespace") != std::string::npos);
}

TEST_CASE("what the bus refuses is told in its words, fit for a terminal", "[dbus][hostile]") {
    CHECK(connect_failure([](Peer& peer) {
              peer.hear(16);
              peer.say("REJECTED EXTERNAL\x1b[2J\r\n");
          }) == "the bus does not take us: 'REJECTED EXTERNAL\\x1b[2J'");
    const auto nobody = [](Peer& peer) {
        peer.welcome();
        peer.say(error_to(peer.hear_call(), "org.freedesktop.DBus.Error.ServiceUnknown", "no such name\x1b[2J"));
    };
    CHECK(failure_of(nobody, start) ==
          "asking for its 'Version': refused: no such name\\x1b[2J (org.freedesktop.DBus.Error."
          "ServiceUnknown)");
}

TEST_CASE("a bus that never answers is given up", "[dbus][hostile]") {
    CHECK(connect_failure([](Peer& peer) { peer.hear(1000); }, 20ms) == "the bus does not answer: waited for 20 ms");
    const auto mute = [](Peer& peer) {
        peer.welcome_by_systemd();
        peer.hear(100000);
    };
    CHECK(failure_of(mute, start, 300ms).find("does not answer") != std::string::npos);
}

TEST_CASE("a systemd that is never done is given up", "[dbus][hostile]") {
    const auto lazy = [](Peer& peer) {
        peer.welcome_by_systemd();
        peer.hear_ids_and_match();
        peer.say(reply_to(peer.hear_call()).with(8, "g", "o").body("/job/2"));
        peer.hear(100000);
    };
    CHECK(failure_of(lazy, start, 300ms) == "starting 'x.scope': systemd is not done after 300 ms");
}

TEST_CASE("a line or a stream of messages that never ends is given up", "[dbus][hostile]") {
    CHECK(connect_failure([](Peer& peer) {
              peer.hear(16);
              for (int i = 0; i < 100; ++i) peer.say(std::string(1000, 'x'));
          }) == "the bus does not speak D-Bus: a line of its has no end");
    // Signals, and answers to what nobody asked: they are neither kept nor waited for longer than an answer.
    const auto chatter = [](Peer& peer) {
        peer.welcome();
        const std::string signals =
            job_removed("/job/2", "x.scope", "done").bytes() + Written(DbusMessageType::reply, 999).bytes();
        std::string much;
        for (int i = 0; i < 200; ++i) much += signals;
        // Until nobody listens any more: say() gives up then, and hear() ends.
        for (int i = 0; i < 1'000'000 && peer.is_heard(); ++i) peer.say(much);
    };
    CHECK(failure_of(chatter, start, 300ms).find("does not answer") != std::string::npos);
}

TEST_CASE("a bus that ends in the middle of a word is an error", "[dbus][hostile]") {
    CHECK(connect_failure([](Peer& peer) {
              peer.hear(16);
              peer.say("DAT");
          }) == "the bus has closed the connection");
    const auto cut = [](Peer& peer) {
        peer.welcome();
        const std::string whole = reply_to(peer.hear_call()).with(8, "g", "v").variant("252").bytes();
        peer.say(std::string_view(whole).substr(0, whole.size() - 1));
    };
    CHECK(failure_of(cut, start) == "the bus has closed the connection");
}

TEST_CASE("an answer of the wrong shape is an error", "[dbus][hostile]") {
    const auto answered = [](const std::function<Written(const DbusMessage&)>& with) {
        return failure_of(
            [&](Peer& peer) {
                peer.welcome_by_systemd();
                peer.hear_ids_and_match();
                peer.say(with(peer.hear_call()));
            },
            start);
    };
    CHECK(answered([](const DbusMessage& call) { return reply_to(call); }).find("without a job") != std::string::npos);
    CHECK(answered([](const DbusMessage& call) {
              return reply_to(call).with(8, "g", "u").body(7);
          }).find("without a job") != std::string::npos);
    CHECK(answered([](const DbusMessage& call) { return reply_to(call).with(8, "g", "o"); }).find("malformed") !=
          std::string::npos);
    const auto version = [](Peer& peer) {
        peer.welcome();
        peer.say(reply_to(peer.hear_call()).with(8, "g", "v").body(7));
    };
    CHECK(failure_of(version, start).find("malformed") != std::string::npos);
    const auto group = [](Peer& peer) { peer.welcome_by_systemd("252", "../../etc"); };
    CHECK(failure_of(group, start) == "systemd's own cgroup is '../../etc'");
}

TEST_CASE("lengths in a message cost nothing, whatever they claim", "[dbus][hostile]") {
    const auto refused = [](std::string bytes) {
        CAPTURE(hex_of(bytes));
        CHECK_THROWS_WITH(parse_dbus_message(bytes), Catch::StartsWith("a message of D-Bus is malformed"));
    };
    const std::string whole = job_removed("/job/2", "x.scope", "done").bytes();
    REQUIRE(parse_dbus_message(whole).member == "JobRemoved");
    for (std::size_t size = 0; size < whole.size(); ++size) refused(whole.substr(0, size));
    refused(whole + '\0');
    for (const std::size_t at : {std::size_t{4}, std::size_t{12}}) {
        std::string huge = whole;
        huge.replace(at, 4, "\xff\xff\xff\x7f");
        CHECK_THROWS_WITH(dbus_message_size(huge), Catch::Contains("more than 1048576"));
        huge.replace(at, 4, "\xff\xff\xff\xff");
        CHECK_THROWS_WITH(dbus_message_size(huge), Catch::Contains("more than 1048576"));
    }
    for (const char* start : {"x\1\0\1", "l\0\0\1", "l\4\0\2"}) refused(std::string(start, 4) + whole.substr(4));
    refused(Written(DbusMessageType::signal, 0).bytes(false, 0));             // a serial of 0
    refused(Written(DbusMessageType::signal, 0).with(1, "s", "/x").bytes());  // a path that is no path
    refused(Written(DbusMessageType::signal, 0).with(8, "g", "a").with(99, "a", "x").bytes());
    refused(Written(DbusMessageType::signal, 0).with(1, "o", std::string("/a\0b", 4)).bytes());
    std::string long_string = whole;
    long_string.replace(20, 4, "\xff\xff\xff\xff");
    refused(long_string);
}

TEST_CASE("types nested without end are refused", "[dbus][hostile]") {
    std::string nested;
    for (int i = 0; i < 100; ++i) nested += std::string("\1v\0", 3);
    DbusReader variants(nested, false);
    CHECK_THROWS_WITH(variants.skip("v"), Catch::Contains("nested too deep"));
    DbusReader nothing("", false);
    CHECK_THROWS_WITH(nothing.skip(std::string(200, 'a')), Catch::Contains("nested too deep"));
    CHECK_THROWS_WITH(nothing.skip(std::string(200, '(')), Catch::Contains("nested too deep"));
    CHECK_THROWS_AS(nothing.skip("("), Error);
    CHECK_THROWS_AS(nothing.skip("()"), Error);
    CHECK_THROWS_AS(nothing.skip("a"), Error);
}

}  // namespace smith::runtime
