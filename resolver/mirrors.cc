// SPDX-License-Identifier: Apache-2.0
#include "resolver/mirrors.h"

#include <algorithm>

#include "base/bounds.h"
#include "base/error.h"
#include "resolver/url.h"

namespace smith::resolver {

namespace {

std::string read_list(const std::string& url, const RepoConfig& config, HttpClient& http) {
    return read_url(url, limits::kMaxMirrorListBytes, access_of(config), http);
}

ListOrigin origin_of_list(const std::string& url) { return local_path(url) ? ListOrigin::local : ListOrigin::remote; }

void append(std::vector<std::string>& to, const std::vector<std::string>& urls) {
    for (const std::string& url : urls) {
        if (std::find(to.begin(), to.end(), url) == to.end()) to.push_back(url);
    }
}

void add_mirrorlist(Mirrors& out, const RepoConfig& config, HttpClient& http) {
    const std::string text = read_list(config.mirrorlist, config, http);
    const ListOrigin origin = origin_of_list(config.mirrorlist);
    // Fedora's own configuration once named metalinks so; dnf looks at the URL, we at what it leads to.
    if (text.starts_with("<?xml") || text.starts_with("<metalink")) {
        out.metalink = parse_metalink(text, origin);
        append(out.baseurls, out.metalink->baseurls);
    } else {
        append(out.baseurls, parse_mirrorlist(text, config.vars, origin));
    }
}

}  // namespace

Mirrors find_mirrors(const RepoConfig& config, HttpClient& http, Reporter& reporter) {
    Mirrors out;
    out.baseurls = config.baseurls;
    if (!config.mirrorlist.empty()) {
        try {
            while_doing([&] { return "mirrorlist " + quote(redact_url(config.mirrorlist)); },
                        [&] { add_mirrorlist(out, config, http); });
        } catch (const Error& e) {
            if (out.baseurls.empty() && config.metalink.empty()) throw;
            reporter.warn("repository " + quote(config.id) + ": " + e.message() + ", ignoring");
        }
    }
    if (!config.metalink.empty()) {
        const auto doing = [&] { return "metalink " + quote(redact_url(config.metalink)); };
        out.metalink = while_doing(doing, [&] {
            return parse_metalink(read_list(config.metalink, config, http), origin_of_list(config.metalink));
        });
        append(out.baseurls, out.metalink->baseurls);
    }
    return out;
}

const std::vector<std::string>& PackageMirrors::of(const RepoConfig& config) {
    const auto known = known_.find(config.id);
    if (known != known_.end()) return known->second;
    std::vector<std::string> baseurls = config.baseurls;
    const auto is_at_hand = [this](const std::string& list) {
        return list.empty() || !offline_ || local_path(list).has_value();
    };
    if (is_at_hand(config.mirrorlist) && is_at_hand(config.metalink)) {
        try {
            baseurls = while_doing([&] { return "repository " + quote(config.id); },
                                   [&] { return find_mirrors(config, http_, reporter_).baseurls; });
        } catch (const Error& e) {
            if (baseurls.empty()) throw;
            reporter_.warn(e.message() + ", ignoring");
        }
    }
    return known_.emplace(config.id, std::move(baseurls)).first->second;
}

}  // namespace smith::resolver
