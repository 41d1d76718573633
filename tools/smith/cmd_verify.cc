// SPDX-License-Identifier: Apache-2.0
//
// `smith verify`: computes again what an image says of itself, checks who signed it, and whether it can be built again.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "builder/rebuild.h"
#include "ocilayout/signature.h"
#include "ocilayout/verify_image.h"
#include "tools/smith/commands.h"
#include "tools/smith/failure.h"
#include "tools/smith/image_source.h"
#include "tools/smith/interrupt.h"
#include "tools/smith/json_text.h"
#include "tools/smith/output.h"
#include "tools/smith/text.h"

namespace smith::cli {

namespace {

using nlohmann::json;
using ocilayout::Mismatch;
using ocilayout::Verification;

/// All that was found out.
struct Findings {
    Verification image;
    std::optional<std::size_t> signatures;  ///< by the key; nothing when none was asked for
    bool was_rebuilt = false;
};

/// Which layer smith would write of these files: the one rule that contains all others.
void check_rewritten(const VerifyCommand& command, const Context& context, Verification& out) {
    const ocilayout::LoadedImage image = open_image(command.image, context);
    const bool is_ours = find_artifact(image.head, ocilayout::artifact_type::kReasons) != nullptr ||
                         find_artifact(image.head, ocilayout::artifact_type::kSpec) != nullptr;
    if (!is_ours || image.head.layers.size() != 1 || !image.owner) return;
    const Digest written = ocilayout::tar_digest(image.tree, *image.owner, *image.contents);
    const Digest& found = image.head.layers.front().diff_id;
    if (written != found) out.mismatches.push_back({"layer 1, written again by smith", written.str(), found.str()});
}

/// How many signatures on the image are by the key. Throws Error (integrity) when none is, with what is wrong with
/// each.
std::size_t check_signatures(const VerifyCommand& command, const Context& context) {
    const PublicKey key = PublicKey::load(command.key);
    const auto source = open_source(command.image, context);
    const ocilayout::Descriptor image = source->manifest().descriptor;
    const ocilayout::FoundSignatures found = ocilayout::find_signatures(*source, image);
    std::size_t good = 0;
    std::string problems;
    for (const ocilayout::Signature& signature : found.signatures) {
        const std::string problem = ocilayout::problem_with(signature, key, image.digest);
        if (problem.empty()) {
            ++good;
        } else {
            problems += (problems.empty() ? ": " : "; ") + problem;
        }
    }
    if (good > 0) {
        for (const std::string& problem : found.problems) context.reporter.warn(problem + ", ignoring");
        return good;
    }
    std::string said = found.signatures.empty() ? "it has no signature that can be read"
                                                : "none of its " + std::to_string(found.signatures.size()) +
                                                      " signatures is by the key " + quote(command.key) + problems;
    if (found.signatures.empty() && found.problems.empty()) said = "it has no signature";
    for (const std::string& problem : found.problems) said += "; " + problem;
    throw Error(ErrorKind::integrity, quote(command.image) + " (" + image.digest.str() + "): " + said);
}

void rebuild(const VerifyCommand& command, const Context& context, Verification& out) {
    builder::BuildOptions options = command.rebuild;
    options.environment.cache_dir = context.cache_dir();
    options.created = source_date_epoch();
    const auto source = open_source(command.image, context);
    for (ocilayout::TarDifference& difference :
         builder::differences_from_rebuild(options, *source, context.common.platform, context.reporter)) {
        out.mismatches.push_back(
            {"rebuilt: " + difference.what, std::move(difference.want), std::move(difference.got)});
    }
}

std::string to_text(const Findings& findings) {
    std::string out;
    for (const Mismatch& mismatch : findings.image.mismatches) {
        out += printable(mismatch.what) + "\n  want " + printable(mismatch.want) + "\n  got  " +
               printable(mismatch.got) + "\n";
    }
    if (findings.image.holds()) out += findings.image.image.digest.str() + "\n";
    return out;
}

json to_json(const Findings& findings) {
    json out = {{"digest", findings.image.image.digest.str()},
                {"holds", findings.image.holds()},
                {"manifests", findings.image.manifests},
                {"blobs", findings.image.blobs},
                {"bytes", findings.image.bytes},
                {"mismatches", json::array()}};
    for (const Mismatch& mismatch : findings.image.mismatches) {
        out["mismatches"].push_back(
            {{"what", json_text(mismatch.what)}, {"want", json_text(mismatch.want)}, {"got", json_text(mismatch.got)}});
    }
    if (findings.signatures) out["signatures"] = *findings.signatures;
    if (findings.was_rebuilt) out["rebuilt"] = findings.image.holds();
    return out;
}

Findings verify(const VerifyCommand& command, Context& context) {
    Findings out;
    {
        const auto source = open_source(command.image, context);
        out.image = ocilayout::verify_image(*source, context.reporter);
    }
    const bool is_single = ocilayout::is_manifest_type(out.image.image.media_type);
    if (out.image.holds() && is_single) check_rewritten(command, context, out.image);
    if (!command.key.empty()) out.signatures = check_signatures(command, context);
    if (command.wants_rebuild) {
        rebuild(command, context, out.image);
        out.was_rebuilt = true;
    }
    return out;
}

}  // namespace

int run_command(const VerifyCommand& command, Context& context) {
    const InterruptGuard guard(context.reporter);
    const Findings findings =
        while_doing([&] { return "verifying " + quote(command.image); }, [&] { return verify(command, context); });
    context.reporter.clear();
    const std::size_t wrong = findings.image.mismatches.size();
    const Failure failure{
        kIntegrity, "integrity",
        "image " + quote(command.image) + " is not what it says: " + format_count(wrong, "mismatch", "mismatches")};
    if (context.common.json) {
        json document = to_json(findings);
        if (wrong > 0) document.update(to_json(failure));
        write_json(document);
    } else {
        write_stdout(to_text(findings));
    }
    if (wrong > 0) {
        context.reporter.error(failure.message);
        return failure.status;
    }
    std::string said =
        "verified " + format_count(findings.image.blobs, "blob", "blobs") + ", " + format_bytes(findings.image.bytes);
    if (findings.signatures)
        said += "; " + format_count(*findings.signatures, "signature", "signatures") + " by the key";
    if (findings.was_rebuilt) said += "; built again, to the byte";
    context.reporter.info(said);
    return kDone;
}

}  // namespace smith::cli
