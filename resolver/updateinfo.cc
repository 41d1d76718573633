// SPDX-License-Identifier: Apache-2.0
#include "resolver/updateinfo.h"

#include <algorithm>
#include <charconv>

#include "base/bounds.h"
#include "base/error.h"
#include "resolver/xml.h"

namespace smith::resolver {

namespace {

class UpdateinfoHandler : public XmlHandler {
public:
    explicit UpdateinfoHandler(const std::set<std::string, std::less<>>& names) : names_(names) {}
    std::vector<Advisory> found;

    void start_element(std::string_view name, const std::map<std::string, std::string>& attributes) override {
        const auto attribute = [&](const char* key) {
            const auto it = attributes.find(key);
            return it == attributes.end() ? std::string() : it->second;
        };
        if (name == "update") {
            advisory_ = {};
            advisory_.type = attribute("type");
        } else if (name == "reference" && attribute("type") == "cve") {
            advisory_.cves.push_back(attribute("id"));
        } else if (name == "package" && names_.contains(attribute("name"))) {
            advisory_.packages.push_back({attribute("name"), epoch_of(attribute("epoch")), attribute("version"),
                                          attribute("release"), attribute("arch")});
        }
        if (++parts_ > limits::kMaxAdvisoryParts) throw Error(ErrorKind::format, "an advisory has too many parts");
    }

    void end_element(std::string_view name, std::string_view text) override {
        if (name == "id") {
            advisory_.id = text;
        } else if (name == "title" && advisory_.title.empty()) {
            advisory_.title = text;
        } else if (name == "severity" && text != "None") {
            advisory_.severity = text;
        } else if (name == "update") {
            finish_advisory();
        }
    }

private:
    static std::uint32_t epoch_of(const std::string& text) {
        std::uint32_t out = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
        if (!text.empty() && (error != std::errc() || end != text.data() + text.size())) {
            throw Error(ErrorKind::format, "an advisory has the epoch " + quote(text));
        }
        return out;
    }

    /// In the end, and not one by one: there may be a million.
    template <typename T>
    static void sort_unique(std::vector<T>& values) {
        std::sort(values.begin(), values.end());
        values.erase(std::unique(values.begin(), values.end()), values.end());
    }

    void finish_advisory() {
        parts_ = 0;
        if (advisory_.packages.empty()) return;
        sort_unique(advisory_.packages);
        sort_unique(advisory_.cves);
        found.push_back(std::exchange(advisory_, {}));
    }

    const std::set<std::string, std::less<>>& names_;
    Advisory advisory_;
    std::size_t parts_ = 0;
};

}  // namespace

std::vector<Advisory> find_advisories(MetadataStream& updateinfo, const std::set<std::string, std::less<>>& names) {
    UpdateinfoHandler handler(names);
    XmlParser parser(handler);
    std::vector<std::byte> buffer(64 * 1024);
    while (const std::size_t count = updateinfo.read(buffer)) parser.feed(std::span(buffer).first(count));
    parser.finish();
    updateinfo.finish();
    return std::move(handler.found);
}

bool concerns(const Advisory& advisory, const Nevra& before, const Nevra& after) {
    return std::ranges::any_of(advisory.packages, [&](const Nevra& fixed) {
        return fixed.name == after.name && fixed.arch == after.arch && compare_evr(fixed, before) > 0 &&
               compare_evr(fixed, after) <= 0;
    });
}

}  // namespace smith::resolver
