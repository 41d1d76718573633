// SPDX-License-Identifier: Apache-2.0
//
// runtime_functional PROBE [--as-nobody] [CATCH2 OPTIONS]: runs real containers. With --as-nobody as an ordinary user,
// which only root can become; where containers cannot be had at all, the test is skipped (77) with the reason.
#define CATCH_CONFIG_RUNNER
#include <grp.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <string>
#include <vector>

#include "base/error.h"
#include "tests/runtime/test_bundle.h"

namespace {

using namespace smith;
using namespace smith::runtime;

constexpr int kSkipped = 77;
constexpr uid_t kNobody = 65534;

bool become_nobody() {
    if (setgroups(0, nullptr) != 0 || setresgid(kNobody, kNobody, kNobody) != 0 ||
        setresuid(kNobody, kNobody, kNobody) != 0) {
        return false;
    }
    // A program that nobody had started would be dumpable; after a change of identity /proc/self belongs to root.
    return prctl(PR_SET_DUMPABLE, 1) == 0;
}

/// Why no container can be had on this machine; "" when one can.
std::string why_not() {
    try {
        TestBundle bundle;
        return bundle.run({"exit", "0"}).status.shell_status() == 0 ? "" : "the probe does not run";
    } catch (const Error& e) {
        return e.message();
    }
}

/// Refusals that are the machine's, not ours: no user namespaces, or a /proc that may not be mounted.
bool is_the_machines(const std::string& reason) {
    return reason.find("making the namespaces") != std::string::npos ||
           reason.find("a new one may not be mounted") != std::string::npos ||
           reason.find("Linux 5.12") != std::string::npos;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) return 2;
    probe_image = contents_of(argv[1]);
    std::vector<char*> rest = {argv[0]};
    bool as_nobody = false;
    for (int i = 2; i < argc; ++i) {
        if (std::string(argv[i]) == "--as-nobody") {
            as_nobody = true;
        } else {
            rest.push_back(argv[i]);
        }
    }
    if (as_nobody && (geteuid() != 0 || !become_nobody())) {
        std::printf("skipped: only root can become an ordinary user\n");
        return kSkipped;
    }
    if (const std::string reason = why_not(); !reason.empty() && is_the_machines(reason)) {
        std::printf("skipped: containers cannot be had here: %s\n", reason.c_str());
        return kSkipped;
    }
    return Catch::Session().run(static_cast<int>(rest.size()), rest.data());
}
