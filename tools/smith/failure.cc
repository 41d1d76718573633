// SPDX-License-Identifier: Apache-2.0
#include "tools/smith/failure.h"

#include <filesystem>
#include <new>
#include <nlohmann/json.hpp>

#include "tools/smith/json_text.h"

namespace smith::cli {

namespace {

const char* name_of(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::usage: return "usage";
        case ErrorKind::spec: return "spec";
        case ErrorKind::resolve: return "resolve";
        case ErrorKind::fetch: return "fetch";
        case ErrorKind::integrity: return "integrity";
        case ErrorKind::format: return "format";
        case ErrorKind::system: return "system";
    }
    return "system";
}

}  // namespace

int exit_status(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::usage:
        case ErrorKind::spec: return kUsage;
        case ErrorKind::resolve: return kUnsolvable;
        case ErrorKind::fetch: return kDownloadFailed;
        case ErrorKind::integrity: return kIntegrity;
        case ErrorKind::format:
        case ErrorKind::system: return kFailed;
    }
    return kFailed;
}

Failure describe(const std::exception& error) {
    if (const auto* ours = dynamic_cast<const Error*>(&error))
        return {exit_status(ours->kind()), name_of(ours->kind()), ours->message()};
    if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) return {kFailed, "system", "out of memory"};
    if (dynamic_cast<const std::filesystem::filesystem_error*>(&error) != nullptr)
        return {kFailed, "system", error.what()};
    return {kFailed, "system", std::string("this should not happen: ") + error.what()};
}

nlohmann::json to_json(const Failure& failure) {
    return {{"error", {{"kind", failure.kind}, {"message", json_text(failure.message)}}}};
}

}  // namespace smith::cli
