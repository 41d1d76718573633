// SPDX-License-Identifier: Apache-2.0
#include "runtime/seccomp_cache.h"

#include <fcntl.h>
#include <seccomp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <optional>
#include <span>
#include <string>

#include "base/error.h"
#include "base/fd.h"
#include "runtime/failure.h"

namespace smith::runtime {

namespace fs = std::filesystem;

namespace {

struct Header {
    std::uint32_t magic = 0;
    std::uint32_t flags = 0;
    std::uint32_t key_bytes = 0;
    std::uint32_t instruction_bytes = 0;
};
constexpr std::uint32_t kMagic = 0x73656331;

// A machine has a handful of filters; one that has made so many has callers that write a new one for each container.
constexpr std::size_t kMostFiles = 64;
// A filter as the kernel takes it, and a document that it was made from.
constexpr std::uint64_t kMostBytes = 4 << 20;

/// FNV-1a: where to look, no more.
std::string name_of(const std::string& key) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char c : key) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    char name[17];
    std::snprintf(name, sizeof name, "%016llx", static_cast<unsigned long long>(hash));
    return name;
}

/// Every string with its length in front: no two configurations have one key.
void add(std::string& key, const std::string& text) { key += std::to_string(text.size()) + ":" + text; }
void add(std::string& key, std::uint64_t number) { key += std::to_string(number) + ";"; }
void add(std::string& key, const std::optional<std::uint32_t>& number) {
    key += number ? std::to_string(*number) + ";" : "-;";
}
void add(std::string& key, const std::vector<std::string>& texts) {
    add(key, texts.size());
    for (const std::string& text : texts) add(key, text);
}

std::optional<SeccompProgram> read_program(const fs::path& file, const std::string& key) {
    std::string text;
    try {
        text = read_file(file, kMostBytes);
    } catch (const Error&) {
        return std::nullopt;
    }
    Header header;
    if (text.size() < sizeof header) return std::nullopt;
    std::memcpy(&header, text.data(), sizeof header);
    const std::string_view rest = std::string_view(text).substr(sizeof header);
    if (header.magic != kMagic || header.key_bytes != key.size() || rest.size() < key.size() ||
        rest.substr(0, key.size()) != key || rest.size() - key.size() != header.instruction_bytes ||
        header.instruction_bytes % 8 != 0 || header.instruction_bytes / 8 > kMaxFilterInstructions) {
        return std::nullopt;
    }
    SeccompProgram program;
    program.flags = header.flags;
    program.instructions.resize(header.instruction_bytes);
    std::memcpy(program.instructions.data(), rest.data() + key.size(), header.instruction_bytes);
    return program;
}

void make_room(const fs::path& directory) {
    std::error_code error;
    const auto files = std::distance(fs::directory_iterator(directory, error), fs::directory_iterator());
    if (static_cast<std::size_t>(files) < kMostFiles) return;
    for (const auto& entry : fs::directory_iterator(directory, error)) fs::remove(entry.path(), error);
}

void write_program(const fs::path& directory, const std::string& key, const SeccompProgram& program) {
    if (mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return;
    make_room(directory);
    const Header header{kMagic, program.flags, static_cast<std::uint32_t>(key.size()),
                        static_cast<std::uint32_t>(program.instructions.size())};
    const fs::path temporary = directory / ("." + std::to_string(getpid()));
    {
        const UniqueFd file = open_file(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
        write_all(file.get(), std::as_bytes(std::span(&header, 1)));
        write_all(file.get(), as_bytes(key));
        write_all(file.get(), program.instructions);
    }
    if (rename(temporary.c_str(), (directory / name_of(key)).c_str()) != 0) unlink(temporary.c_str());
}

}  // namespace

std::string seccomp_key(const SeccompConfig& config) {
    std::string key = "smith seccomp 1;";
    const scmp_version* version = seccomp_version();
    for (const unsigned part : {version->major, version->minor, version->micro}) add(key, part);
    add(key, seccomp_arch_native());
    add(key, config.default_action);
    add(key, config.default_errno_ret);
    add(key, config.architectures);
    add(key, config.flags);
    add(key, std::uint64_t{config.listener_path.empty() ? 0U : 1U});
    for (const SeccompRule& rule : config.rules) {
        add(key, rule.names);
        add(key, rule.action);
        add(key, rule.errno_ret);
        add(key, rule.args.size());
        for (const SeccompArgument& argument : rule.args) {
            add(key, argument.index);
            add(key, argument.value);
            add(key, argument.value_two);
            add(key, argument.op);
        }
    }
    return key;
}

SeccompProgram cached_seccomp(const SeccompConfig& config, const fs::path& directory) {
    if (directory.empty()) return compile_seccomp(config);
    const std::string key = seccomp_key(config);
    if (std::optional<SeccompProgram> found = read_program(directory / name_of(key), key)) return std::move(*found);
    SeccompProgram program = compile_seccomp(config);
    try {
        write_program(directory, key, program);
    } catch (const Error&) {
        // A full disk, say: the next one translates it again.
    }
    return program;
}

}  // namespace smith::runtime
