// SPDX-License-Identifier: Apache-2.0
#include "resolver/metalink.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include "base/bounds.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/http.h"
#include "resolver/package_ref.h"
#include "resolver/xml.h"

namespace smith::resolver {

namespace {

// MirrorManager lists some hundred mirrors of Fedora. Whoever finds none of these many alive will find none at all; a
// longer list only takes longer to fail.
constexpr std::size_t kMaxMirrors = 25;
// Each costs a line of memory before the best are chosen.
constexpr std::size_t kMaxUrls = 10'000;
// MirrorManager keeps the last few.
constexpr std::size_t kMaxAlternates = 100;

constexpr std::string_view kRepomd = "repodata/repomd.xml";
constexpr std::string_view kWhite = " \t\r\n";

/// A URL that may be asked for on the word of a list. One with a user in it would make us say somebody's password.
bool is_usable(std::string_view url, ListOrigin origin) {
    if (url.size() > limits::kMaxPathBytes) return false;
    const auto is_odd = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7f' || c == '\\'; };
    if (std::any_of(url.begin(), url.end(), is_odd)) return false;
    if (url.find_first_of("?#$") != std::string_view::npos) return false;
    if (url.starts_with("file:///")) return origin == ListOrigin::local;
    if (!url.starts_with("http://") && !url.starts_with("https://")) return false;
    const std::string_view authority = url.substr(url.find("://") + 3);
    const std::string_view host = url_host(url);
    return !host.empty() && authority.starts_with(host);
}

template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
    Number number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

/// Version 3: metalink > files > file > (size, verification > hash, resources > url); version 4: without the steps
/// between. `alternates > alternate` has size and verification of its own.
class MetalinkHandler : public XmlHandler {
public:
    explicit MetalinkHandler(ListOrigin origin) : origin_(origin) {}

    void start_element(std::string_view name, const std::map<std::string, std::string>& attributes) override {
        if (path_.empty() && name != "metalink") {
            throw Error(ErrorKind::format, "the document is not a metalink but " + quote(name));
        }
        path_.emplace_back(name);
        const auto value = [&](const char* key) {
            const auto it = attributes.find(key);
            return it == attributes.end() ? std::string() : it->second;
        };
        if (name == "file") {
            in_repomd_ = value("name") == "repomd.xml";
            in_alternate_ = false;
            if (in_repomd_ && std::exchange(has_repomd_, true)) {
                throw Error(ErrorKind::format, "the metalink lists repomd.xml twice");
            }
        } else if (name == "alternate") {
            in_alternate_ = true;
            alternate_ = {};
        } else if (name == "hash") {
            algorithm_ = value("type");
        } else if (name == "url") {
            // Version 3 prefers the higher of 1 to 100; version 4 the lower of 1 to 999999.
            const int preference = parse_number<int>(value("preference")).value_or(0);
            rank_ = parse_number<int>(value("priority")).value_or(1'000'000 - std::clamp(preference, 0, 100));
        }
    }

    void end_element(std::string_view name, std::string_view text) override {
        path_.pop_back();
        if (!in_repomd_) return;
        KnownRepomd& known = in_alternate_ ? alternate_ : current_;
        if (name == "file") {
            in_repomd_ = false;
        } else if (name == "alternate") {
            in_alternate_ = false;
            if (alternates_.size() < kMaxAlternates) alternates_.push_back(std::move(alternate_));
        } else if (name == "size") {
            known.size = parse_number<std::uint64_t>(text);
            if (!known.size) throw Error(ErrorKind::format, "size " + quote(text) + " is not a number");
        } else if (name == "hash") {
            add_hash(known, text);
        } else if (name == "url") {
            add_url(text);
        }
    }

    Metalink finish() {
        if (!has_repomd_) throw Error(ErrorKind::format, "the metalink is not about a repomd.xml");
        Metalink out;
        if (current_.checksums.empty()) {
            throw Error(ErrorKind::format,
                        "the metalink knows repomd.xml by no checksum that still holds (SHA-256 or better)");
        }
        out.repomds.push_back(std::move(current_));
        for (KnownRepomd& known : alternates_) {
            if (!known.checksums.empty()) out.repomds.push_back(std::move(known));
        }
        std::stable_sort(urls_.begin(), urls_.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
        for (auto& [rank, url] : urls_) {
            if (out.baseurls.size() == kMaxMirrors) break;
            if (std::find(out.baseurls.begin(), out.baseurls.end(), url) == out.baseurls.end()) {
                out.baseurls.push_back(std::move(url));
            }
        }
        if (out.baseurls.empty()) {
            throw Error(ErrorKind::format, "the metalink has no http or https URL of " + std::string(kRepomd));
        }
        return out;
    }

private:
    void add_hash(KnownRepomd& known, std::string_view hex) const {
        std::string algorithm = algorithm_;  // "sha-256" in version 4
        algorithm.erase(std::remove(algorithm.begin(), algorithm.end(), '-'), algorithm.end());
        if (algorithm != "sha256" && algorithm != "sha384" && algorithm != "sha512") return;
        known.checksums.push_back(make_checksum(algorithm, hex));
        if (known.checksums.size() > 3)
            throw Error(ErrorKind::format, "the metalink has too many checksums of one file");
    }

    void add_url(std::string_view url) {
        if (!is_usable(url, origin_) || !url.ends_with("/" + std::string(kRepomd))) return;
        if (urls_.size() == kMaxUrls) throw Error(ErrorKind::format, "the metalink has too many URLs");
        urls_.emplace_back(rank_, std::string(url.substr(0, url.size() - kRepomd.size())));
    }

    ListOrigin origin_;
    std::vector<std::string> path_;
    bool has_repomd_ = false;
    bool in_repomd_ = false;
    bool in_alternate_ = false;
    std::string algorithm_;
    int rank_ = 0;
    KnownRepomd current_;
    KnownRepomd alternate_;
    std::vector<KnownRepomd> alternates_;
    std::vector<std::pair<int, std::string>> urls_;
};

bool is_that(const KnownRepomd& known, std::string_view repomd) {
    if (known.size && *known.size != repomd.size()) return false;
    return std::all_of(known.checksums.begin(), known.checksums.end(), [&](const Checksum& checksum) {
        Hasher hasher(checksum.algorithm);
        hasher.update(repomd);
        return hasher.finish_hex() == checksum.hex;
    });
}

}  // namespace

Metalink parse_metalink(std::string_view xml, ListOrigin origin) {
    return while_doing([] { return std::string("reading the metalink"); },
                       [&] {
                           MetalinkHandler handler(origin);
                           XmlParser parser(handler);
                           parser.feed(as_bytes(xml));
                           parser.finish();
                           return handler.finish();
                       });
}

void check_repomd(const Metalink& metalink, std::string_view repomd) {
    const auto matches = [&](const KnownRepomd& known) { return is_that(known, repomd); };
    if (std::any_of(metalink.repomds.begin(), metalink.repomds.end(), matches)) return;
    throw Error(ErrorKind::integrity, "its repomd.xml is not one that the metalink vouches for: expected " +
                                          metalink.repomds.front().checksums.front().str() + ", got " +
                                          sha256(repomd).str());
}

std::vector<std::string> parse_mirrorlist(std::string_view text, const RepoVars& vars, ListOrigin origin) {
    std::vector<std::string> out;
    std::string_view odd;
    for (std::string_view rest = text; !rest.empty() && out.size() < kMaxMirrors;) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        std::string_view line = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        const std::size_t first = line.find_first_not_of(kWhite);
        if (first == std::string_view::npos || line[first] == '#') continue;
        line = line.substr(first, line.find_last_not_of(kWhite) - first + 1);
        std::string url = substitute_vars(line.substr(0, limits::kMaxPathBytes), vars);
        if (is_usable(url, origin)) {
            if (!url.ends_with('/')) url += '/';
            if (std::find(out.begin(), out.end(), url) == out.end()) out.push_back(std::move(url));
        } else if (odd.empty()) {
            odd = line;
        }
    }
    if (out.empty()) {
        throw Error(ErrorKind::format, odd.empty()
                                           ? "the mirrorlist is empty"
                                           : "the mirrorlist has no URL that can be used; it says " + quote(odd));
    }
    return out;
}

}  // namespace smith::resolver
