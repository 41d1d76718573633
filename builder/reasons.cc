// SPDX-License-Identifier: Apache-2.0
#include "builder/reasons.h"

#include <algorithm>
#include <deque>
#include <nlohmann/json.hpp>
#include <set>

#include "base/bounds.h"
#include "base/error.h"
#include "base/json.h"
#include "base/utf8.h"

namespace smith::builder {

namespace {

using nlohmann::json;

std::string sentence(const ImagePath& path, const Why& why, const Reason& reason) {
    // Whoever made the image may have called its files anything.
    const std::string subject = escaped(path.str());
    const std::string needer = escaped(reason.needer);
    const std::string detail = escaped(reason.detail);
    if (reason.kind == "path") return subject + " is matched by " + quote(reason.detail) + " of the spec";
    if (reason.kind == "library") return subject + " is needed by " + needer + " (" + detail + ")";
    if (reason.kind == "interpreter") return subject + " runs " + needer + " (" + detail + ")";
    if (reason.kind == "link") return subject + " is what " + needer + " points to";
    if (reason.kind == "way") return subject + " is on the way to " + needer;
    if (reason.kind == "overlay") return subject + " is from the overlay";
    if (reason.kind == "mount") return subject + " is a mount of the spec";
    if (reason.kind == "fixed") return subject + " is in every microcontainer";
    if (reason.kind == "account") return subject + " says who the users of the spec are";
    if (reason.kind == "cache") return subject + " lets ld.so find " + needer;
    if (reason.kind == "directory") return subject + " holds " + needer;
    return subject + ": " + escaped(reason.kind) + (why.origin.empty() ? "" : " of " + escaped(why.origin));
}

/// Why `path` is there: as it is written, else, for a directory, that it holds something.
std::vector<Reason> reasons_of(const Reasons& reasons, const ImagePath& path, const Why& why) {
    if (!why.reasons.empty()) return why.reasons;
    // No name is less than "\x01". A path that has no room for one holds nothing.
    if (path.str().size() + 2 > limits::kMaxPathBytes) return {};
    const auto first = reasons.lower_bound(path.child("\x01"));
    if (first != reasons.end() && first->first.is_at_or_below(path)) return {{"directory", "", first->first.str()}};
    return {};
}

std::string text_at(const json& object, const char* key) {
    const auto it = object.find(key);
    return it == object.end() ? std::string() : it->get<std::string>();
}

}  // namespace

/// JSON holds UTF-8 only; names in an image are bytes. The document is for people, and a name that is no UTF-8 can't be
/// asked for on most command lines either.
std::string print_reasons(const Reasons& reasons) {
    json out = json::object();
    for (const auto& [path, why] : reasons) {
        json list = json::array();
        for (const Reason& reason : why.reasons) {
            json one = {{"kind", reason.kind}};
            if (!reason.detail.empty()) one["detail"] = to_utf8(reason.detail);
            if (!reason.needer.empty()) one["needer"] = to_utf8(reason.needer);
            list.push_back(std::move(one));
        }
        json entry = {{"because", std::move(list)}};
        if (!why.origin.empty()) entry["origin"] = to_utf8(why.origin);
        out[to_utf8(path.str())] = std::move(entry);
    }
    return dump_json(out);
}

Reasons parse_reasons(std::string_view text) {
    return while_doing([] { return "reading the reasons of an image"; },
                       [&] {
                           Reasons out;
                           try {
                               const json document = parse_json(text);
                               if (!document.is_object()) throw Error(ErrorKind::format, "not a JSON object");
                               for (const auto& [path, entry] : document.items()) {
                                   Why why{text_at(entry, "origin"), {}};
                                   for (const json& one : entry.at("because")) {
                                       why.reasons.push_back({one.at("kind").get<std::string>(), text_at(one, "detail"),
                                                              text_at(one, "needer")});
                                   }
                                   out.emplace(ImagePath::parse(path), std::move(why));
                               }
                           } catch (const json::exception& e) {
                               throw Error(ErrorKind::format, e.what());
                           }
                           return out;
                       });
}

std::vector<std::string> explain(const Reasons& reasons, const ImagePath& path) {
    // Breadth first, so that the chain told is the shortest one.
    struct Step {
        ImagePath path;
        std::size_t from;  // index in `steps`; its own for the first
        Reason reason;
    };
    std::vector<Step> steps;
    std::deque<std::size_t> queue;
    std::set<ImagePath> seen;

    const auto chain_to = [&](std::size_t index) {
        std::vector<std::string> out;
        for (;;) {
            const Step& step = steps[index];
            out.push_back(sentence(step.path, reasons.at(step.path), step.reason));
            if (step.from == index) break;
            index = step.from;
        }
        std::ranges::reverse(out);
        return out;
    };
    const auto visit = [&](const ImagePath& at, std::size_t from) {
        const auto it = reasons.find(at);
        if (it == reasons.end() || !seen.insert(at).second) return;
        for (const Reason& reason : reasons_of(reasons, at, it->second)) {
            const std::size_t index = steps.size();
            steps.push_back({at, from == std::string::npos ? index : from, reason});
            queue.push_back(index);
        }
    };

    visit(path, std::string::npos);
    while (!queue.empty()) {
        const std::size_t index = queue.front();
        queue.pop_front();
        const std::string needer = steps[index].reason.needer;
        if (needer.empty()) return chain_to(index);
        visit(ImagePath::parse(needer), index);
    }
    // Reasons that lead nowhere: a document by somebody else. What there is of a chain is better than nothing.
    return steps.empty() ? std::vector<std::string>() : chain_to(0);
}

}  // namespace smith::builder
