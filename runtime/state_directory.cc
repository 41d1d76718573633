// SPDX-License-Identifier: Apache-2.0
#include "runtime/state_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <memory>

#include "base/bounds.h"
#include "base/error.h"
#include "runtime/bundle.h"

namespace smith::runtime {

namespace fs = std::filesystem;

namespace {

constexpr const char* kStateFile = "state.json";
constexpr const char* kConfigFile = "config.json";
constexpr const char* kStartFifo = "start";
constexpr const char* kStatusFifo = "status";

[[noreturn]] void throw_missing() { throw Error(ErrorKind::system, "container does not exist", ENOENT); }

UniqueFd open_below(int directory, const char* name, int flags, mode_t mode = 0600) {
    return UniqueFd(openat(directory, name, flags | O_CLOEXEC | O_NOFOLLOW, mode));
}

void set_blocking(int fd) {
    const int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) != 0) throw system_error(errno, "preparing a fifo");
}

UniqueFd open_fifo(int directory, const char* name, int flags) {
    UniqueFd fd = open_below(directory, name, flags);
    if (!fd) throw system_error(errno, "opening the fifo " + quote(name));
    set_blocking(fd.get());
    return fd;
}

void unlink_below(int directory, const char* name) {
    if (unlinkat(directory, name, 0) != 0 && errno != ENOENT) throw system_error(errno, "removing " + quote(name));
}

/// A root that somebody else could write to would let them make up containers for us.
void check_root(const fs::path& root) {
    struct stat status {};
    if (stat(root.c_str(), &status) != 0) throw system_error(errno, "looking at " + quote(root.string()));
    if (!S_ISDIR(status.st_mode)) throw system_error(ENOTDIR, quote(root.string()));
    if (status.st_uid != geteuid() || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        throw Error(ErrorKind::system, "the state directory " + quote(root.string()) +
                                           " can be written to by others; --root names another");
    }
}

void make_root(const fs::path& root) {
    std::error_code error;
    if (root.has_parent_path()) fs::create_directories(root.parent_path(), error);
    if (mkdir(root.c_str(), 0700) != 0 && errno != EEXIST) {
        throw system_error(errno, "making the state directory " + quote(root.string()));
    }
    check_root(root);
}

UniqueFd open_directory(const fs::path& path) {
    return UniqueFd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
}

}  // namespace

StateDirectory StateDirectory::claim(const fs::path& root, const std::string& id) {
    check_container_id(id);
    make_root(root);
    const fs::path path = root / id;
    if (mkdir(path.c_str(), 0700) != 0) {
        if (errno == EEXIST) throw Error(ErrorKind::system, "container with given ID already exists: " + quote(id));
        throw system_error(errno, "making " + quote(path.string()));
    }
    UniqueFd fd = open_directory(path);
    if (!fd) {
        const int number = errno;
        static_cast<void>(rmdir(path.c_str()));
        throw system_error(number, "opening " + quote(path.string()));
    }
    StateDirectory directory(root, id, std::move(fd));
    directory.lock();
    return directory;
}

StateDirectory StateDirectory::open(const fs::path& root, const std::string& id) {
    check_container_id(id);
    UniqueFd fd = open_directory(root / id);
    if (!fd && errno == ENOENT) throw_missing();
    if (!fd) throw system_error(errno, "opening " + quote((root / id).string()));
    check_root(root);
    return StateDirectory(root, id, std::move(fd));
}

std::vector<std::string> StateDirectory::ids(const fs::path& root) {
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir(root.c_str()), closedir);
    std::vector<std::string> out;
    if (!directory) {
        if (errno == ENOENT) return out;
        throw system_error(errno, "reading " + quote(root.string()));
    }
    while (const dirent* entry = readdir(directory.get())) {
        const std::string_view name = entry->d_name;
        if (name != "." && name != ".." && name.find(':') == std::string_view::npos) out.emplace_back(name);
    }
    std::sort(out.begin(), out.end());
    return out;
}

void StateDirectory::lock() {
    while (flock(fd_.get(), LOCK_EX) != 0) {
        if (errno != EINTR) throw system_error(errno, "waiting for others to be done with the container");
    }
    struct stat status {};
    // Whoever had the lock before may have removed the directory that we waited for.
    if (fstat(fd_.get(), &status) != 0 || status.st_nlink == 0) throw_missing();
}

void StateDirectory::unlock() noexcept { static_cast<void>(flock(fd_.get(), LOCK_UN)); }

std::string StateDirectory::cgroup_name() const {
    struct stat status {};
    if (fstat(fd_.get(), &status) != 0) throw system_error(errno, "looking at the container's state");
    // An id may be as long as a name can be; the numbers are what counts.
    constexpr std::size_t shown = 200;
    std::array<char, 48> numbers{};
    std::snprintf(numbers.data(), numbers.size(), "-%jx-%jx", static_cast<std::uintmax_t>(status.st_dev),
                  static_cast<std::uintmax_t>(status.st_ino));
    return "railcar-" + id_.substr(0, shown) + numbers.data();
}

bool StateDirectory::has_state() const { return faccessat(fd_.get(), kStateFile, F_OK, AT_SYMLINK_NOFOLLOW) == 0; }

ContainerState StateDirectory::read() const {
    const UniqueFd file = open_below(fd_.get(), kStateFile, O_RDONLY);
    if (!file && errno == ENOENT) throw_missing();
    if (!file) throw system_error(errno, "opening the container's state");
    ContainerState state = while_doing([] { return std::string("reading the container's state"); },
                                       [&] { return parse_state(read_to_end(file.get(), limits::kMaxConfigBytes)); });
    if (state.id != id_)
        throw Error(ErrorKind::format, "the state of " + quote(id_) + " is that of " + quote(state.id));
    return state;
}

void StateDirectory::write_file(const char* name, std::string_view text) const {
    // No fsync: after a crash of the machine there is no container whose state would matter.
    const std::string temporary = std::string(".") + name;
    const auto doing = [&] { return quote(name) + " of the container's state"; };
    while_doing(doing, [&] {
        const UniqueFd file = open_below(fd_.get(), temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC);
        if (!file) throw system_error(errno, "opening");
        write_all(file.get(), as_bytes(text));
        if (renameat(fd_.get(), temporary.c_str(), fd_.get(), name) != 0) throw system_error(errno, "renaming");
    });
}

void StateDirectory::write(const ContainerState& state) const { write_file(kStateFile, write_state(state)); }

std::string StateDirectory::read_config() const {
    const UniqueFd file = open_below(fd_.get(), kConfigFile, O_RDONLY);
    if (!file) throw system_error(errno, "opening the container's configuration");
    return read_to_end(file.get(), limits::kMaxConfigBytes);
}

void StateDirectory::write_config(std::string_view text) const { write_file(kConfigFile, text); }

StartGate StateDirectory::make_gate() const {
    for (const char* name : {kStartFifo, kStatusFifo}) {
        if (mkfifoat(fd_.get(), name, 0600) != 0) throw system_error(errno, "making the fifo " + quote(name));
    }
    StartGate gate;
    // Neither open waits: a fifo opened for both never does, and the status has a reader before it gets a writer.
    gate.gate = open_fifo(fd_.get(), kStartFifo, O_RDWR);
    gate.status_read = open_fifo(fd_.get(), kStatusFifo, O_RDONLY | O_NONBLOCK);
    gate.status_write = open_fifo(fd_.get(), kStatusFifo, O_WRONLY | O_NONBLOCK);
    return gate;
}

bool StateDirectory::has_gate() const {
    // That the fifo is there is not enough: who would remove it may have been killed. What waits there has it open.
    const UniqueFd start = open_below(fd_.get(), kStartFifo, O_WRONLY | O_NONBLOCK);
    if (!start && errno != ENOENT && errno != ENXIO) throw system_error(errno, "looking at the fifo that starts it");
    return static_cast<bool>(start);
}

UniqueFd StateDirectory::open_gate() const {
    UniqueFd status = open_fifo(fd_.get(), kStatusFifo, O_RDONLY | O_NONBLOCK);
    // ENXIO: the program that would read it is gone.
    const UniqueFd start = open_below(fd_.get(), kStartFifo, O_WRONLY | O_NONBLOCK);
    if (!start && (errno == ENXIO || errno == ENOENT)) return UniqueFd();
    if (!start) throw system_error(errno, "opening the fifo that starts the container");
    write_all(start.get(), as_bytes("s"));
    return status;
}

void StateDirectory::remove_gate() const {
    unlink_below(fd_.get(), kStartFifo);
    unlink_below(fd_.get(), kStatusFifo);
}

void StateDirectory::remove() const {
    remove_gate();
    for (const char* name : {kConfigFile, ".config.json", ".state.json", kStateFile}) unlink_below(fd_.get(), name);
    const fs::path path = root_ / id_;
    if (rmdir(path.c_str()) != 0 && errno != ENOENT) throw system_error(errno, "removing " + quote(path.string()));
}

}  // namespace smith::runtime
