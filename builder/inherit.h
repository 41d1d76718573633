// SPDX-License-Identifier: Apache-2.0
//
// What a spec takes over from the image that it is made from or stands on: the configuration that it does not give
// itself, as Oracle's Smith did, and as `FROM` of a Dockerfile does.
#pragma once

#include <string>
#include <vector>

#include "base/contents.h"
#include "base/file_tree.h"
#include "base/reporter.h"
#include "builder/spec.h"
#include "ocilayout/image.h"

namespace smith::builder {

/// `spec` with what it leaves out put in from `from`, an image with these files.
///
/// Oracle's dialect: entrypoint, cmd, env, dir, ports and labels, each as a whole, when the spec has none of it.
/// `schema: 1`: also user, volumes and stop-signal; env and labels name by name; and a cmd not beside an entrypoint of
/// the spec. The healthcheck is add_healthcheck()'s.
[[nodiscard]] Spec inherit(Spec spec, const ocilayout::ImageConfig& from, const FileTree& tree,
                           const Contents& contents, Reporter& reporter);

/// Gives `config` the healthcheck of `from`, when the spec has none; but not one that can't run in an image of these
/// files, which would only ever fail.
void add_healthcheck(ocilayout::ImageConfig& config, const Spec& spec, const ocilayout::ImageConfig& from,
                     const FileTree& shipped, Reporter& reporter);

/// The files that the image's command names: its programs, looked for in PATH, behind wrappers such as tini and
/// "sh -c", and files that are among the arguments. In the order of the command, each once.
[[nodiscard]] std::vector<ImagePath> files_of_command(const Spec& spec, const FileTree& tree, const Contents& contents,
                                                      Reporter& reporter);

}  // namespace smith::builder
