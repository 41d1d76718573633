// SPDX-License-Identifier: Apache-2.0
#include "resolver/nevra.h"

#include <rpm/rpmver.h>

#include <charconv>

#include "base/error.h"

namespace smith::resolver {

namespace {

std::uint32_t parse_epoch(std::string_view text, std::string_view whole) {
    std::uint32_t epoch = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), epoch);
    if (error != std::errc() || end != text.data() + text.size()) {
        throw Error(ErrorKind::format, quote(whole) + " has an epoch that is not a number: " + quote(text));
    }
    return epoch;
}

}  // namespace

std::string Nevra::evr() const {
    const std::string prefix = epoch == 0 ? std::string() : std::to_string(epoch) + ":";
    return prefix + version + "-" + release;
}

std::string Nevra::str() const { return name + "-" + evr() + "." + arch; }

Nevra Nevra::parse(std::string_view text) {
    // From the right: a name may hold '-' and '.', a version may hold '.', a release may not hold '-'.
    const std::size_t dot = text.rfind('.');
    const std::size_t release = dot == std::string_view::npos ? dot : text.rfind('-', dot);
    const std::size_t version =
        release == std::string_view::npos || release == 0 ? std::string_view::npos : text.rfind('-', release - 1);
    if (version == std::string_view::npos) {
        throw Error(ErrorKind::format, quote(text) + " is not of the form name-[epoch:]version-release.arch");
    }
    Nevra out;
    out.name = text.substr(0, version);
    std::string_view ev = text.substr(version + 1, release - version - 1);
    if (const std::size_t colon = ev.find(':'); colon != std::string_view::npos) {
        out.epoch = parse_epoch(ev.substr(0, colon), text);
        ev.remove_prefix(colon + 1);
    }
    out.version = ev;
    out.release = text.substr(release + 1, dot - release - 1);
    out.arch = text.substr(dot + 1);
    if (out.name.empty() || out.version.empty() || out.release.empty() || out.arch.empty() || out.str() != text) {
        throw Error(ErrorKind::format, quote(text) + " is not of the form name-[epoch:]version-release.arch");
    }
    return out;
}

int compare_evr(const Nevra& a, const Nevra& b) {
    if (a.epoch != b.epoch) return a.epoch < b.epoch ? -1 : 1;
    if (const int order = rpmvercmp(a.version.c_str(), b.version.c_str()); order != 0) return order;
    return rpmvercmp(a.release.c_str(), b.release.c_str());
}

}  // namespace smith::resolver
