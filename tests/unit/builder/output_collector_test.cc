// SPDX-License-Identifier: Apache-2.0
#include "builder/output_collector.h"

#include <unistd.h>

#include <catch2/catch.hpp>

using namespace smith;
using namespace smith::builder;

TEST_CASE("both streams are kept apart", "[output_collector]") {
    OutputCollector output;
    UniqueFd out(::dup(output.out_fd()));
    UniqueFd err(::dup(output.err_fd()));
    output.begin();
    write_all(out.get(), as_bytes("to out"));
    write_all(err.get(), as_bytes("to err"));
    err.reset();
    out.reset();
    output.finish();
    CHECK(output.out() == "to out");
    CHECK(output.err() == "to err");
}

TEST_CASE("a process that prints without end is not stopped by a full pipe, and memory is bounded",
          "[output_collector]") {
    OutputCollector output;
    UniqueFd out(::dup(output.out_fd()));
    output.begin();
    const std::string block(64 * 1024, 'x');
    for (int i = 0; i < 200; ++i) write_all(out.get(), as_bytes(block));
    write_all(out.get(), as_bytes("the last words"));
    out.reset();
    output.finish();
    CHECK(output.out().size() <= 2 * OutputCollector::kKeptBytes);
    CHECK(output.out().ends_with("the last words"));
}

TEST_CASE("a collector that was never begun ends at once", "[output_collector]") {
    OutputCollector output;
    output.finish();
    CHECK(output.out().empty());
}
