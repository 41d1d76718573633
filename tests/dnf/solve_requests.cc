// SPDX-License-Identifier: Apache-2.0
//
// smith's half of the comparison with dnf: reads {repo_file, cache, arch, releasever, platform, modules, requests:
// [{packages, weak, best}]} on standard input, and prints what the resolver chooses for each request, or why it
// refuses: a JSON list of
// {"chosen": [NEVRA]} and {"refused": TEXT}.
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/http.h"
#include "resolver/repository.h"
#include "resolver/solve.h"

using namespace smith;
using namespace smith::resolver;
using nlohmann::json;

namespace {

json answer(const Request& request, const std::vector<Repository>& repositories, HttpClient& http) {
    try {
        json chosen = json::array();
        for (const PackageRef& package : solve(request, repositories, http, silent_reporter()).packages) {
            chosen.push_back(package.nevra.str());
        }
        return {{"chosen", chosen}};
    } catch (const Error& e) {
        if (e.kind() != ErrorKind::resolve) throw;
        return {{"refused", e.message()}};
    }
}

}  // namespace

int main() {
    try {
        const json work = json::parse(std::cin);
        const std::string arch = work.at("arch");
        const std::string releasever = work.at("releasever");
        HttpClient http;
        const std::string repo_file = work.at("repo_file");
        const std::string cache = work.at("cache");
        const std::vector<Repository> repositories =
            load_repositories(read_repo_file(repo_file, repo_vars(arch, releasever), silent_reporter()),
                              {.cache_dir = cache}, http, silent_reporter());
        json answers = json::array();
        for (const json& one : work.at("requests")) {
            Request request;
            request.packages = one.at("packages").get<std::vector<std::string>>();
            request.weak = one.at("weak");
            request.best = one.at("best");
            request.arch = arch;
            request.releasever = releasever;
            request.platform = work.at("platform");
            request.modules = work.at("modules").get<std::vector<std::string>>();
            answers.push_back(answer(request, repositories, http));
        }
        std::cout << answers.dump() << '\n';
        return 0;
    } catch (const std::exception& e) {
        std::cerr << e.what() << '\n';
        return 1;
    }
}
