// SPDX-License-Identifier: Apache-2.0
#include "tests/runtime/test_bundle.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>

#include "base/error.h"

namespace smith::runtime {

namespace fs = std::filesystem;

namespace {

struct OutPipe {
    UniqueFd read;
    UniqueFd write;
};

OutPipe make_out_pipe() {
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0) throw system_error(errno, "making a pipe");
    return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

std::string without_newline(std::string text) {
    if (text.ends_with('\n')) text.pop_back();
    return text;
}

}  // namespace

TestBundle::TestBundle() {
    // 0700, as a careful caller's bundle is: the container's root could not look into it.
    for (const char* directory : {"", "bin", "dev", "etc", "proc", "read", "run", "sys", "write"}) {
        fs::create_directories(root() / directory);
        fs::permissions(root() / directory, fs::perms(0755));
    }
    std::ofstream(root() / "bin/probe", std::ios::binary) << probe_image;
    fs::permissions(root() / "bin/probe", fs::perms(0755));
    parameters.hostname = "box";
}

void TestBundle::configure(const std::vector<std::string>& arguments) {
    parameters.args = {"/bin/probe"};
    parameters.args.insert(parameters.args.end(), arguments.begin(), arguments.end());
    if (parameters.mappings.uids.empty()) {
        parameters.mappings = choose_mappings(parameters.uid, parameters.gid, MappingChoice::automatic);
    }
    nlohmann::json document = nlohmann::json::parse(default_config(parameters));
    if (bend) bend(document);
    std::ofstream(path() / "config.json") << document;
}

Outcome TestBundle::run(const std::vector<std::string>& arguments, const RunOptions& options) {
    configure(arguments);
    OutPipe out = make_out_pipe();
    RunOptions with_pipe = options;
    with_pipe.stdio = {-1, out.write.get(), 2};
    Container container = Container::start(path(), with_pipe);
    out.write.reset();
    Outcome outcome;
    outcome.out = read_to_end(out.read.get(), 1 << 20);
    outcome.status = container.wait();
    return outcome;
}

std::string TestBundle::ask(const std::vector<std::string>& arguments) {
    const Outcome outcome = run(arguments);
    CHECK(outcome.status.shell_status() == 0);
    return without_newline(outcome.out);
}

std::string TestBundle::refusal(const std::vector<std::string>& arguments) {
    try {
        static_cast<void>(run(arguments));
        return "";
    } catch (const Error& e) {
        return e.message();
    }
}

std::string Running::line() {
    std::string text;
    char byte = 0;
    while (read(out.get(), &byte, 1) == 1 && byte != '\n') text += byte;
    return text;
}

Running start_probe(TestBundle& bundle, const std::vector<std::string>& arguments, Kernel* kernel) {
    bundle.configure(arguments);
    OutPipe out = make_out_pipe();
    RunOptions options;
    options.stdio = {-1, out.write.get(), 2};
    options.kernel = kernel;
    return Running{Container::start(bundle.path(), options), std::move(out.read)};
}

std::string contents_of(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    std::ostringstream text;
    text << stream.rdbuf();
    return text.str();
}

std::string children_of_this_thread() {
    return contents_of("/proc/self/task/" + std::to_string(gettid()) + "/children");
}

Belongings belongings() {
    Belongings out;
    for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
        out.descriptors.push_back(entry.path().filename().string());
    }
    std::sort(out.descriptors.begin(), out.descriptors.end());
    out.mounts = contents_of("/proc/self/mountinfo");
    out.children = children_of_this_thread();
    return out;
}

std::string listing(const fs::path& directory) {
    std::vector<std::string> paths;
    for (const auto& entry : fs::recursive_directory_iterator(directory)) paths.push_back(entry.path().string());
    std::sort(paths.begin(), paths.end());
    std::string out;
    for (const std::string& path : paths) out += path + "\n";
    return out;
}

}  // namespace smith::runtime
