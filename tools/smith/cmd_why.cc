// SPDX-License-Identifier: Apache-2.0
//
// `smith why`: the chain of reasons from a file of an image back to a line of its spec.
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"
#include "builder/reasons.h"
#include "tools/smith/commands.h"
#include "tools/smith/failure.h"
#include "tools/smith/image_source.h"
#include "tools/smith/json_text.h"
#include "tools/smith/output.h"
#include "tools/smith/text.h"

namespace smith::cli {

namespace {

using builder::Reason;
using builder::Reasons;
using nlohmann::json;

Reasons reasons_of(const WhyCommand& command, const Context& context) {
    const ocilayout::ImageHead head = open_image_head(command.source, context);
    const ocilayout::Artifact* attached = find_artifact(head, ocilayout::artifact_type::kReasons);
    if (attached == nullptr)
        throw Error(ErrorKind::usage, "image " + quote(command.source) +
                                          " does not say why its files are there: only what smith built does, and no "
                                          "copy without its referrers");
    return builder::parse_reasons(attached->bytes);
}

json to_json(const Reason& reason) {
    json out = {{"kind", json_text(reason.kind)}};
    if (!reason.detail.empty()) out["detail"] = json_text(reason.detail);
    if (!reason.needer.empty()) out["needer"] = json_text(reason.needer);
    return out;
}

json to_json(const Reasons& reasons, const ImagePath& path, const std::vector<std::string>& chain) {
    json out = json::object();
    put_name(out, "path", path.str());
    out["chain"] = json::array();
    for (const std::string& step : chain) out["chain"].push_back(json_text(step));
    const auto found = reasons.find(path);
    if (found == reasons.end()) return out;
    out["origin"] = json_text(found->second.origin);
    out["reasons"] = json::array();
    for (const Reason& reason : found->second.reasons) out["reasons"].push_back(to_json(reason));
    return out;
}

}  // namespace

int run_command(const WhyCommand& command, Context& context) {
    const ImagePath path = ImagePath::parse(command.path);
    const Reasons reasons = reasons_of(command, context);
    const std::vector<std::string> chain = builder::explain(reasons, path);
    if (chain.empty()) throw Error(ErrorKind::usage, quote(path.str()) + " is not in image " + quote(command.source));
    if (context.common.json) {
        write_json(to_json(reasons, path, chain));
        return kDone;
    }
    std::string lines;
    const auto found = reasons.find(path);
    if (found != reasons.end() && !found->second.origin.empty())
        lines += printable(path.str()) + " is from " + printable(found->second.origin) + "\n";
    for (const std::string& step : chain) lines += printable(step) + "\n";
    write_stdout(lines);
    return kDone;
}

}  // namespace smith::cli
