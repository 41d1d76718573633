// SPDX-License-Identifier: Apache-2.0
//
// Whether a service that was started is up: one try each. They connect inside the container's own network, which nobody
// else can reach.
#pragma once

#include <string>

#include "builder/output_collector.h"
#include "builder/running.h"
#include "builder/spec.h"
#include "ocilayout/image.h"

namespace smith::builder {

[[nodiscard]] bool is_ready(const ReadyTcp& ready, const ocilayout::ImageConfig& config, Running& container,
                            const OutputCollector& output);
/// Throws Error (spec) when there is no port to ask.
[[nodiscard]] bool is_ready(const ReadyHttp& ready, const ocilayout::ImageConfig& config, Running& container,
                            const OutputCollector& output);
[[nodiscard]] bool is_ready(const ReadyLog& ready, const ocilayout::ImageConfig& config, Running& container,
                            const OutputCollector& output);

/// "port 6379 answers '+PONG'"
[[nodiscard]] std::string describe_ready(const ReadyTcp& ready);
[[nodiscard]] std::string describe_ready(const ReadyHttp& ready);
[[nodiscard]] std::string describe_ready(const ReadyLog& ready);

}  // namespace smith::builder
