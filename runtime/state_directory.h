// SPDX-License-Identifier: Apache-2.0
//
// The directory of one container below a runtime's root, "/run/railcar/ID", and nothing else's:
//
// - state.json: written whole under another name and renamed. Not there: `create` was killed before it had a process.
// - config.json: the configuration that the container was created with, whatever becomes of the bundle.
// - start: a fifo; one byte in it starts the program. Not there: it was started.
// - status: a fifo; what the starting program has to say comes out of it.
//
// The name is taken by making the directory, which only one can. Whoever changes something holds a lock (flock) on it;
// whoever only reads needs none. Everything is opened below the directory's descriptor, and nobody but its owner can
// enter it. `remove` may be called at whatever point somebody else was killed.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "runtime/container.h"
#include "runtime/state.h"

namespace smith::runtime {

class StateDirectory {
public:
    /// Takes the name `id`; locked. Makes `root` where it is missing (0700). Throws Error (usage) for a wrong id;
    /// (system) "container with given ID already exists".
    [[nodiscard]] static StateDirectory claim(const std::filesystem::path& root, const std::string& id);
    /// Throws Error: usage, for a wrong id; system, "container does not exist".
    [[nodiscard]] static StateDirectory open(const std::filesystem::path& root, const std::string& id);
    /// The ids below `root`, sorted; none when it is not there.
    [[nodiscard]] static std::vector<std::string> ids(const std::filesystem::path& root);

    /// Waits until nobody else changes this container. Throws Error (system) "container does not exist" when it was
    /// removed meanwhile.
    void lock();

    void unlock() noexcept;

    /// For a container whose configuration names no cgroup: a name that no other container has, also not one of the
    /// same id below another root.
    [[nodiscard]] std::string cgroup_name() const;

    /// Is there a state.json?
    [[nodiscard]] bool has_state() const;
    /// Throws Error: format; system, "container does not exist".
    [[nodiscard]] ContainerState read() const;
    void write(const ContainerState& state) const;

    [[nodiscard]] std::string read_config() const;
    void write_config(std::string_view text) const;

    /// Makes the two fifos, and opens them for the one who creates.
    [[nodiscard]] StartGate make_gate() const;
    /// Does the program still wait to be started?
    [[nodiscard]] bool has_gate() const;
    /// Opens the status for reading, then lets the program start. Empty: nobody waits there any more.
    [[nodiscard]] UniqueFd open_gate() const;
    void remove_gate() const;

    /// Removes everything, state.json before the directory itself.
    void remove() const;

private:
    StateDirectory(std::filesystem::path root, std::string id, UniqueFd fd)
        : root_(std::move(root)), id_(std::move(id)), fd_(std::move(fd)) {}
    void write_file(const char* name, std::string_view text) const;

    std::filesystem::path root_;
    std::string id_;
    UniqueFd fd_;
};

}  // namespace smith::runtime
