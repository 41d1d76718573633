// SPDX-License-Identifier: Apache-2.0
//
// `smith why-package`: the chains of requirements from what a spec asks for to a package of its lock.
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.h"
#include "builder/did_you_mean.h"
#include "resolver/requirement_chains.h"
#include "tools/smith/commands.h"
#include "tools/smith/failure.h"
#include "tools/smith/json_text.h"
#include "tools/smith/output.h"
#include "tools/smith/text.h"

namespace smith::cli {

namespace {

using nlohmann::json;
using resolver::Lock;
using resolver::RequirementChain;
using resolver::Requirer;

struct Answer {
    std::string nevra;
    bool ships = false;
    std::vector<RequirementChain> chains;
    std::vector<Requirer> requirers;
};

/// NAME.ARCH, which is how a lock names the ends of a requirement, to NEVRA, which is how people see packages.
using Nevras = std::map<std::string, std::string>;

Lock open_lock(const std::string& file) {
    std::optional<Lock> lock = builder::read_lock(std::filesystem::path(file));
    if (!lock) throw Error(ErrorKind::usage, "there is no lock " + quote(file) + " to look into; run 'smith lock'");
    return std::move(*lock);
}

std::vector<std::size_t> packages_called(const Lock& lock, const std::string& text, const std::string& file) {
    std::vector<std::size_t> found = resolver::find_locked(lock, text);
    if (!found.empty()) return found;
    std::vector<std::string_view> names;
    for (const resolver::PackageRef& package : lock.packages) names.push_back(package.nevra.name);
    throw Error(ErrorKind::usage,
                "package " + quote(text) + " is not in lock " + quote(file) + builder::did_you_mean(text, names));
}

std::vector<Answer> answers_for(const Lock& lock, const std::vector<std::size_t>& packages) {
    std::vector<Answer> out;
    for (const std::size_t index : packages) {
        const resolver::Nevra& nevra = lock.packages[index].nevra;
        const std::string name = nevra.name_arch();
        out.push_back({nevra.str(), std::ranges::binary_search(lock.ships, name), resolver::find_chains(lock, name),
                       resolver::find_requirers(lock, name)});
    }
    return out;
}

/// The steps behind the package itself, one a line.
std::string text_of(const RequirementChain& chain, const Nevras& nevras) {
    std::string out;
    std::string which = "  is";
    for (std::size_t i = 0; i + 1 < chain.size(); ++i) {
        out += which + " required by " + printable(nevras.at(chain[i + 1].package)) + " (" +
               printable(chain[i].reason) + ")\n";
        which = "  which is";
    }
    return out + which + " asked for by the spec (\"" + printable(chain.back().reason) + "\")\n";
}

std::string text_of(const Answer& answer, bool knows_image, const Nevras& nevras) {
    std::string out = printable(answer.nevra);
    if (knows_image) out += answer.ships ? ", ships" : ", does not ship";
    out += "\n";
    for (const RequirementChain& chain : answer.chains) out += text_of(chain, nevras);
    if (answer.chains.empty())
        out += "  is there for what others recommend: nothing that the spec asks for leads to it by requirements\n";
    return out;
}

/// How many packages require it that no chain shows.
std::size_t count_others(const Answer& answer) {
    return static_cast<std::size_t>(std::ranges::count_if(answer.requirers, [&](const Requirer& requirer) {
        return std::ranges::none_of(answer.chains, [&](const RequirementChain& chain) {
            return chain.size() > 1 && chain[1].package == requirer.package;
        });
    }));
}

json to_json(const RequirementChain& chain, const Nevras& nevras) {
    json out = json::array();
    for (std::size_t i = 0; i < chain.size(); ++i) {
        const char* key = i + 1 < chain.size() ? "dependency" : "request";
        out.push_back({{"package", json_text(nevras.at(chain[i].package))}, {key, json_text(chain[i].reason)}});
    }
    return out;
}

json to_json(const Answer& answer, bool knows_image, const Nevras& nevras) {
    json out = {{"package", json_text(answer.nevra)}, {"chains", json::array()}, {"required_by", json::array()}};
    if (knows_image) out["ships"] = answer.ships;
    for (const RequirementChain& chain : answer.chains) out["chains"].push_back(to_json(chain, nevras));
    for (const Requirer& requirer : answer.requirers) {
        out["required_by"].push_back(
            {{"package", json_text(nevras.at(requirer.package))}, {"dependency", json_text(requirer.dependency)}});
    }
    return out;
}

}  // namespace

int run_command(const WhyPackageCommand& command, Context& context) {
    const std::string file = builder::lock_file_of(command.project).string();
    const Lock lock = open_lock(file);
    const std::vector<std::size_t> packages = packages_called(lock, command.package, file);
    if (lock.asked.empty()) {
        throw Error(ErrorKind::usage, "lock " + quote(file) +
                                          " does not say why its packages are there: an older smith wrote it; run "
                                          "'smith update', which writes it anew");
    }
    Nevras nevras;
    for (const resolver::PackageRef& package : lock.packages) {
        nevras.emplace(package.nevra.name_arch(), package.nevra.str());
    }
    const bool knows_image = lock.image.has_value();
    std::string text;
    json document = {{"lock", json_text(file)}, {"packages", json::array()}};
    for (const Answer& answer : answers_for(lock, packages)) {
        text += text_of(answer, knows_image, nevras);
        document["packages"].push_back(to_json(answer, knows_image, nevras));
        if (const std::size_t others = count_others(answer); others > 0 && !context.common.json) {
            context.reporter.info(format_count(others, "more package requires ", "more packages require ") +
                                  quote(answer.nevra) + ": --json names all that do");
        }
    }
    if (!knows_image) context.reporter.info("whether it ships is not known before the first 'smith build'");
    if (context.common.json) {
        write_json(document);
    } else {
        write_stdout(text);
    }
    return kDone;
}

}  // namespace smith::cli
