// SPDX-License-Identifier: Apache-2.0
#include "resolver/query.h"

#include <algorithm>
#include <cctype>
#include <tuple>

#include "base/error.h"
#include "resolver/jobs.h"
#include "resolver/package_pool.h"
#include "resolver/package_spec.h"
#include "resolver/solve_pool.h"

namespace smith::resolver {

namespace {

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return out;
}

std::string text_or_none(const char* text) { return text == nullptr ? std::string() : text; }

}  // namespace

struct PackageQuery::State {
    State(const std::string& arch, HttpClient& client, Reporter& to) : pool(arch), http(client), reporter(to) {}

    [[nodiscard]] PackageInfo info(Id id) const {
        ::Solvable* solvable = pool_id2solvable(pool.raw(), id);
        const auto text = [&](Id key) { return text_or_none(solvable_lookup_str(solvable, key)); };
        PackageInfo out;
        out.nevra = pool.nevra_of(id);
        out.repo = solvable->repo->name;
        out.size = solvable_lookup_num(solvable, SOLVABLE_DOWNLOADSIZE, 0);
        out.installed_size = solvable_lookup_num(solvable, SOLVABLE_INSTALLSIZE, 0);
        out.summary = text(SOLVABLE_SUMMARY);
        out.description = text(SOLVABLE_DESCRIPTION);
        out.url = text(SOLVABLE_URL);
        out.license = text(SOLVABLE_LICENSE);
        out.vendor = solvable->vendor == 0 ? std::string() : text_of(pool.raw(), solvable->vendor);
        out.source = source_of(solvable, out.nevra);
        out.module = pool.module_of(id).value_or("");
        return out;
    }

    /// libsolv leaves out what is as with the package itself.
    static std::string source_of(::Solvable* solvable, const Nevra& nevra) {
        const std::string arch = text_or_none(solvable_lookup_str(solvable, SOLVABLE_SOURCEARCH));
        if (arch.empty()) return {};
        const char* name = solvable_lookup_str(solvable, SOLVABLE_SOURCENAME);
        const char* evr = solvable_lookup_str(solvable, SOLVABLE_SOURCEEVR);
        return (name == nullptr ? nevra.name : name) + "-" +
               (evr == nullptr ? nevra.version + "-" + nevra.release : std::string(evr)) + "." + arch;
    }

    [[nodiscard]] std::vector<Id> newest(const std::vector<Id>& packages) const {
        std::map<std::pair<std::string, std::string>, std::pair<Nevra, Id>> best;
        for (const Id id : packages) {
            Nevra nevra = pool.nevra_of(id);
            const auto [it, is_new] = best.try_emplace({nevra.name, nevra.arch}, nevra, id);
            if (!is_new && compare_evr(nevra, it->second.first) > 0) it->second = {std::move(nevra), id};
        }
        std::vector<Id> out;
        for (const auto& [key, one] : best) out.push_back(one.second);
        return out;
    }

    [[nodiscard]] std::vector<PackageInfo> infos(const std::vector<Id>& packages) const {
        std::vector<PackageInfo> out;
        for (const Id id : packages) out.push_back(info(id));
        std::stable_sort(out.begin(), out.end(), [](const PackageInfo& a, const PackageInfo& b) {
            if (a.nevra.name != b.nevra.name) return a.nevra.name < b.nevra.name;
            if (const int order = compare_evr(a.nevra, b.nevra); order != 0) return order < 0;
            return std::tie(a.nevra.arch, a.repo) < std::tie(b.nevra.arch, b.repo);
        });
        return out;
    }

    void load_files(const std::string& spec) {
        if (!is_path(spec) || is_in_primary(spec)) return;
        WantedFiles wanted;
        is_glob(spec) ? wanted.globs.push_back(spec) : static_cast<void>(wanted.paths.insert(spec));
        pool.load_files(wanted, http, reporter);
        pool.prepare();
    }

    PackagePool pool;
    HttpClient& http;
    Reporter& reporter;
};

PackageQuery::PackageQuery(const Request& request, const std::vector<Repository>& repositories, HttpClient& http,
                           Reporter& reporter)
    : state_(std::make_unique<State>(request.arch, http, reporter)) {
    for (const Repository& repository : repositories) {
        state_->pool.add_repository(repository, http, reporter, Texts::kept);
    }
    apply_modules(request, state_->pool, http, reporter);
    state_->pool.prepare();
}

PackageQuery::~PackageQuery() = default;

std::vector<PackageInfo> PackageQuery::search(const std::vector<std::string>& words) const {
    std::vector<std::string> wanted;
    for (const std::string& word : words) wanted.push_back(lower(word));
    const auto has_all = [&](const std::string& text) {
        return std::all_of(wanted.begin(), wanted.end(),
                           [&](const std::string& word) { return text.find(word) != std::string::npos; });
    };
    const PackagePool& pool = state_->pool;
    std::map<int, std::vector<Id>> by_rank;
    for (const Id id : pool.packages()) {
        if (!pool.is_installable(id)) continue;
        ::Solvable* solvable = pool_id2solvable(pool.raw(), id);
        const std::string name = lower(pool_id2str(pool.raw(), solvable->name));
        const std::string summary = lower(text_or_none(solvable_lookup_str(solvable, SOLVABLE_SUMMARY)));
        if (!has_all(name + "\n" + summary)) continue;
        const bool is_name = std::find(wanted.begin(), wanted.end(), name) != wanted.end();
        by_rank[is_name ? 0 : has_all(name) ? 1 : 2].push_back(id);
    }
    std::vector<PackageInfo> out;
    for (const auto& [rank, packages] : by_rank) {
        for (PackageInfo& info : state_->infos(state_->newest(packages))) out.push_back(std::move(info));
    }
    return out;
}

std::vector<PackageInfo> PackageQuery::find(const std::string& spec) {
    state_->load_files(spec);
    const SpecMatch match = match_spec(spec, state_->pool);
    if (match.packages.empty()) throw Error(ErrorKind::resolve, explain_absence(spec, state_->pool));
    return state_->infos(state_->newest(match.packages));
}

std::vector<PackageInfo> PackageQuery::providers(const std::string& what) {
    state_->load_files(what);
    return state_->infos(match_provided(what, state_->pool));
}

std::map<std::string, std::size_t> PackageQuery::counts() const {
    std::map<std::string, std::size_t> out;
    for (const Id id : state_->pool.packages()) ++out[pool_id2solvable(state_->pool.raw(), id)->repo->name];
    return out;
}

}  // namespace smith::resolver
