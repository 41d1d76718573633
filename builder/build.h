// SPDX-License-Identifier: Apache-2.0
//
// The main job: from a spec to an image, tested and written. build.cc reads as its table of contents.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/reporter.h"
#include "builder/project.h"
#include "builder/smoke_test.h"
#include "ocilayout/transport_options.h"
#include "ocilayout/write_image.h"

namespace smith::builder {

struct BuildOptions {
    ProjectOptions project;
    Environment environment;
    std::string output;  ///< as reference.h takes it; "": oci:NAME, NAME being the spec's file name without .yaml
    std::vector<std::string> also_tags;     ///< besides the one that `output` names
    bool docker_types = false;              ///< its manifest in docker's words; what the lock has is OCI's
    ocilayout::TransportOptions transport;  ///< how `output` is reached; its jobs are the environment's
    bool locked = false;  ///< fail when the lock is missing or stale, or the image's digest differs from the lock's
    bool test = true;     ///< run the spec's tests before anything is written
    std::optional<std::int64_t> created;  ///< SOURCE_DATE_EPOCH, in seconds; not given: no time in the image at all
};

/// What one package of a source image had, and what of it ships.
struct PackageShare {
    std::string package;  ///< its id; "" for the files that no package claims
    std::size_t files = 0;
    std::size_t files_shipped = 0;
    std::uint64_t bytes = 0;
    std::uint64_t bytes_shipped = 0;
};

/// What became of a source image.
struct SourceReport {
    std::uint64_t files_size = 0;        ///< in bytes, of regular files, each content counted once
    std::uint64_t packed_size = 0;       ///< of its layers, as they are stored
    std::vector<PackageShare> packages;  ///< by id
};

struct BuildResult {
    Digest manifest;  ///< what the lock has
    Digest written;   ///< what is at `output`: another one in docker's types
    Digest diff_id;
    Digest layer;
    std::uint64_t layer_size = 0;  ///< in bytes, compressed
    std::uint64_t files_size = 0;  ///< in bytes, of regular files, each content counted once
    std::size_t entries = 0;
    std::size_t packages = 0;          ///< that were resolved
    std::size_t packages_shipped = 0;  ///< that at least one file is from
    std::uint64_t bytes_spared = 0;    ///< of packages: not on this machine, and not needed
    std::string output;                ///< where it was written, as a reference
    std::vector<TestOutcome> tests;
    std::optional<SourceReport> source;  ///< of a build from an image
};

/// Thrown after everything was done but one of the spec's tests failed: nothing was written then. (exit 6)
class TestsFailed : public std::exception {
public:
    explicit TestsFailed(BuildResult result) : result_(std::move(result)) {}
    [[nodiscard]] const BuildResult& result() const noexcept { return result_; }
    [[nodiscard]] const char* what() const noexcept override { return "a test of the image failed"; }

private:
    BuildResult result_;
};

/// Throws Error of every kind, and TestsFailed.
BuildResult build(const BuildOptions& options, Reporter& reporter);

/// The image that the lock makes, without tests; nothing is written, and it is not held against the lock's own digest.
/// Throws Error of every kind; resolve, when the lock is missing or stale.
[[nodiscard]] ocilayout::FinishedImage make_locked_image(const BuildOptions& options, Reporter& reporter);

/// As build(), of a project that no file holds: its images are looked up for this once, and no lock is written.
BuildResult build_once(const Project& project, const BuildOptions& options, Reporter& reporter);

}  // namespace smith::builder
