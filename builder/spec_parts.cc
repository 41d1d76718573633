// SPDX-License-Identifier: Apache-2.0
#include "builder/spec_parts.h"

#include <array>

#include "builder/did_you_mean.h"

namespace smith::builder {

namespace {

constexpr std::array<Key<MockSpec>, 7> kMockKeys{{
    {"config", [](MockSpec& m, const Field& f) { m.config = f.text(); }},
    {"pre-build", [](MockSpec& m, const Field& f) { m.pre_build = f.text(); }},
    {"post-build", [](MockSpec& m, const Field& f) { m.post_build = f.text(); }},
    {"deps", [](MockSpec& m, const Field& f) { m.deps = f.located_words(); }},
    {"debuginfo", [](MockSpec& m, const Field& f) { m.debuginfo = f.flag(); }},
    {"debugdeps", [](MockSpec& m, const Field& f) { m.debugdeps = f.located_words(); }},
    {"debugpaths", [](MockSpec& m, const Field& f) { m.debugpaths = f.located_words(); }},
}};

constexpr std::array<Key<Healthcheck>, 5> kHealthcheckKeys{{
    {"run",
     [](Healthcheck& h, const Field& f) {
         h.run = f.command();
         if (f.value.kind == YamlNode::Kind::list && h.run.empty()) f.problem("is empty; write 'healthcheck: none'");
     }},
    {"interval", [](Healthcheck& h, const Field& f) { h.interval = f.duration(); }},
    {"timeout", [](Healthcheck& h, const Field& f) { h.timeout = f.duration(); }},
    {"start-period", [](Healthcheck& h, const Field& f) { h.start_period = f.duration(); }},
    {"retries", [](Healthcheck& h, const Field& f) { h.retries = f.integer(0, 1000); }},
}};

struct Level {
    std::string_view name;
    DlopenLevel level;
};
constexpr std::array<Level, 4> kDlopenLevels{{{"none", DlopenLevel::none},
                                              {"required", DlopenLevel::required},
                                              {"recommended", DlopenLevel::recommended},
                                              {"suggested", DlopenLevel::suggested}}};

constexpr std::array<Key<Features>, 1> kFeatureKeys{{
    {"dlopen",
     [](Features& out, const Field& f) {
         const std::string name = f.word();
         for (const Level& level : kDlopenLevels) {
             if (level.name == name) {
                 out.dlopen = level.level;
                 return;
             }
         }
         f.problem("must be none, required, recommended or suggested, not " + quote(name));
     }},
}};

}  // namespace

MockSpec read_mock(const Field& field) {
    MockSpec out;
    out.at = field.at();
    read_members<MockSpec>(field, kMockKeys, out, true);
    return out;
}

std::optional<Healthcheck> read_healthcheck(const Field& field) {
    Healthcheck out;
    if (field.value.kind == YamlNode::Kind::scalar && field.value.text == "none") return out;
    if (field.value.kind != YamlNode::Kind::map) {
        field.problem("must be a map with 'run', or none");
        return std::nullopt;
    }
    read_members<Healthcheck>(field, kHealthcheckKeys, out);
    if (field.value.find("run") == nullptr) field.problem("needs a 'run': the command that checks");
    return out;
}

Features read_features(const Field& field) {
    Features out;
    read_members<Features>(field, kFeatureKeys, out);
    return out;
}

}  // namespace smith::builder
