// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <initializer_list>

#include "builder/spec_parts.h"

namespace smith::builder {

namespace {

/// All keys of a step, before it is known which kind of step it is.
struct RawStep {
    RunStep run;
    StartStep start;
    bool start_flag = false;
    std::chrono::nanoseconds timeout = TestStep{}.timeout;
};

struct RawReady {
    ReadyTcp tcp;
    ReadyHttp http;
    ReadyLog log;
};

OutputMatch read_match(const Field& f) {
    OutputMatch out;
    const std::string spelling = f.word();
    f.in.guard(f.value, [&] { out = OutputMatch::parse(spelling); });
    return out;
}

std::uint16_t read_port(const Field& f) { return static_cast<std::uint16_t>(f.integer(1, 65535)); }

constexpr std::array<Key<RawReady>, 6> kReadyKeys{{
    {"tcp", [](RawReady& r, const Field& f) { r.tcp.port = read_port(f); }},
    {"send", [](RawReady& r, const Field& f) { r.tcp.send = f.word(); }},
    {"expect", [](RawReady& r, const Field& f) { r.tcp.expect = f.word(); }},
    {"http",
     [](RawReady& r, const Field& f) {
         r.http.path = f.word();
         // One line of a request is made of it.
         constexpr std::string_view not_in_a_url = " \t\r\n";
         if (!r.http.path.starts_with('/') || r.http.path.find_first_of(not_in_a_url) != std::string::npos) {
             f.problem("must be a path such as /health, without white space");
         }
     }},
    {"port", [](RawReady& r, const Field& f) { r.http.port = read_port(f); }},
    {"log", [](RawReady& r, const Field& f) { r.log.match = read_match(f); }},
}};

/// Says of each of `keys` that stands in `map` that it has no meaning `where`.
void refuse_keys(const Field& map, std::initializer_list<std::string_view> keys, const std::string& where) {
    for (const YamlMember& member : map.value.members) {
        for (const std::string_view key : keys) {
            if (member.key.text == key) map.in.problem(member.key, quote(key) + " has no meaning " + where);
        }
    }
}

std::optional<std::variant<ReadyTcp, ReadyHttp, ReadyLog>> read_ready(const Field& field) {
    if (!field.is_map()) return std::nullopt;
    RawReady raw;
    read_members<RawReady>(field, kReadyKeys, raw);
    const auto has = [&](std::string_view key) { return field.value.find(key) != nullptr; };
    if (has("tcp") + has("http") + has("log") != 1) {
        field.problem("needs exactly one of 'tcp', 'http' and 'log'");
        return std::nullopt;
    }
    if (!has("tcp")) refuse_keys(field, {"send", "expect"}, "without 'tcp'");
    if (!has("http")) refuse_keys(field, {"port"}, "without 'http'");
    if (has("tcp")) return raw.tcp;
    if (has("http")) return raw.http;
    return raw.log;
}

constexpr std::array<Key<RawStep>, 7> kStepKeys{{
    {"run",
     [](RawStep& s, const Field& f) {
         s.run.run = f.command();
         if (f.value.kind == YamlNode::Kind::list && s.run.run.empty()) f.problem("is empty");
     }},
    {"exit", [](RawStep& s, const Field& f) { s.run.exit = f.integer(0, 255); }},
    {"stdout", [](RawStep& s, const Field& f) { s.run.out = read_match(f); }},
    {"stderr", [](RawStep& s, const Field& f) { s.run.err = read_match(f); }},
    {"start",
     [](RawStep& s, const Field& f) {
         s.start_flag = f.flag();
         if (!s.start_flag) f.problem("must be true; leave the step out instead");
     }},
    {"ready", [](RawStep& s, const Field& f) { s.start.ready = read_ready(f); }},
    {"timeout",
     [](RawStep& s, const Field& f) {
         s.timeout = f.duration();
         if (s.timeout == std::chrono::nanoseconds(0)) f.problem("is no time at all");
     }},
}};

TestStep read_step(const Field& field) {
    RawStep raw;
    read_members<RawStep>(field, kStepKeys, raw);
    TestStep out;
    out.at = field.at();
    out.timeout = raw.timeout;
    const bool is_run = field.value.find("run") != nullptr;
    const bool is_start = field.value.find("start") != nullptr;
    if (is_run == is_start) field.problem("needs either 'run' or 'start'");
    if (is_start && !is_run) {
        refuse_keys(field, {"exit", "stdout", "stderr"}, "beside 'start'");
        out.what = std::move(raw.start);
    } else {
        if (is_run && !is_start) refuse_keys(field, {"ready"}, "beside 'run'");
        out.what = std::move(raw.run);
    }
    return out;
}

}  // namespace

std::vector<TestStep> read_test_steps(const Field& field) {
    std::vector<TestStep> out;
    field.each([&](const Field& item) {
        if (item.is_map()) out.push_back(read_step(item));
    });
    return out;
}

}  // namespace smith::builder
