// SPDX-License-Identifier: Apache-2.0
#include "builder/image_config.h"

#include <chrono>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json.h"
#include "base/utf8.h"

namespace smith::builder {

namespace {

using nlohmann::json;

/// RFC 3339, in UTC.
std::string timestamp(std::int64_t seconds) {
    using namespace std::chrono;
    constexpr std::int64_t year_10000 = 253'402'300'800;
    if (seconds < 0 || seconds >= year_10000) {
        throw Error(ErrorKind::usage, "SOURCE_DATE_EPOCH is not in the years 1970 to 9999");
    }
    const sys_seconds when{std::chrono::seconds(seconds)};
    const sys_days day = floor<days>(when);
    const year_month_day date(day);
    const hh_mm_ss time(when - day);
    const int year = static_cast<int>(date.year());
    char text[32];
    std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02dZ", year, static_cast<unsigned>(date.month()),
                  static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
                  static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()));
    return static_cast<const char*>(text);
}

ocilayout::Healthcheck to_image(const Healthcheck& check) {
    ocilayout::Healthcheck out;
    out.test = {check.run.empty() ? "NONE" : "CMD"};
    out.test.insert(out.test.end(), check.run.begin(), check.run.end());
    const auto nanoseconds = [](const auto& duration) { return duration ? duration->count() : 0; };
    out.interval_ns = nanoseconds(check.interval);
    out.timeout_ns = nanoseconds(check.timeout);
    out.start_period_ns = nanoseconds(check.start_period);
    out.retries = check.retries.value_or(0);
    return out;
}

std::map<std::string, std::size_t> count_origins(const FileTree& tree) {
    std::map<std::string, std::size_t> out;
    for (const auto& [path, entry] : tree.entries()) {
        if (!is_directory(&entry)) ++out[entry.origin];
    }
    return out;
}

}  // namespace

ocilayout::ImageConfig make_image_config(const Spec& spec, const Accounts& accounts, const std::string& arch,
                                         std::optional<std::int64_t> created) {
    ocilayout::ImageConfig out;
    out.platform = ocilayout::platform_of_machine(arch);
    if (created) out.created = timestamp(*created);
    out.user = accounts.config_user;
    out.exposed_ports = spec.ports;
    out.env = spec.env;
    out.entrypoint = spec.entrypoint.value_or(std::vector<std::string>());
    out.cmd = spec.cmd.value_or(std::vector<std::string>());
    for (const ImagePath& mount : spec.mounts) out.volumes.insert(mount.str());
    if (spec.dir) out.working_dir = spec.dir->str();
    out.labels = spec.labels;
    out.stop_signal = spec.stop_signal;
    if (spec.healthcheck) out.healthcheck = to_image(*spec.healthcheck);
    return out;
}

std::string print_packages(const std::vector<PackageInfo>& packages, const FileTree& tree) {
    const std::map<std::string, std::size_t> shipped = count_origins(tree);
    json list = json::array();
    for (const PackageInfo& package : packages) {
        const resolver::Nevra& n = package.ref.nevra;
        const auto files = shipped.find(n.str());
        if (files == shipped.end()) continue;
        json one = {{"name", n.name},
                    {"version", n.version},
                    {"release", n.release},
                    {"arch", n.arch},
                    {"files", files->second},
                    {"checksum", package.ref.checksum.str()},
                    {"location", to_utf8(package.ref.location)}};
        if (n.epoch != 0) one["epoch"] = n.epoch;
        const auto add = [&](const char* key, const std::string& value) {
            // Old packages have names of people in Latin-1.
            if (!value.empty()) one[key] = to_utf8(value);
        };
        add("repo", package.ref.repo);
        add("source", package.header.source_rpm);
        add("license", package.header.license);
        add("vendor", package.header.vendor);
        // Absent where nobody asked for a signature: the image records that, too.
        add("signer", package.header.signer);
        list.push_back(std::move(one));
    }
    return dump_json({{"schema", 1}, {"packages", std::move(list)}});
}

std::string print_packages(const std::vector<pkgdb::Package>& packages, const FileTree& tree) {
    const std::map<std::string, std::size_t> shipped = count_origins(tree);
    std::map<std::string, json> sorted;
    for (const pkgdb::Package& package : packages) {
        const auto files = shipped.find(package.id());
        if (files == shipped.end()) continue;
        json one = {{"id", to_utf8(package.id())},
                    {"type", pkgdb::kind_name(package.kind)},
                    {"name", to_utf8(package.name)},
                    {"version", to_utf8(package.version)},
                    {"files", files->second}};
        const auto add = [&](const char* key, const std::string& value) {
            if (!value.empty()) one[key] = to_utf8(value);
        };
        add("release", package.release);
        add("epoch", package.epoch);
        add("arch", package.arch);
        add("source", package.source);
        add("license", package.license);
        add("vendor", package.vendor);
        sorted.emplace(package.id(), std::move(one));
    }
    json list = json::array();
    for (auto& [id, one] : sorted) list.push_back(std::move(one));
    return dump_json({{"schema", 1}, {"packages", std::move(list)}});
}

}  // namespace smith::builder
