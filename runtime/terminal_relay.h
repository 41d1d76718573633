// SPDX-License-Identifier: Apache-2.0
//
// Between the terminal (or pipes) that this process has and the master of a contained program's terminal: bytes in both
// directions, the size, and raw mode, so that ^C is the program's and not ours.
#pragma once

#include <poll.h>
#include <termios.h>

#include <array>
#include <optional>
#include <string>

#include "base/fd.h"

namespace smith::runtime {

class TerminalRelay {
public:
    /// Reads from `in` and writes to `out`, which stay the caller's. Puts `in` into raw mode when it is a terminal.
    TerminalRelay(UniqueFd master, int in, int out);
    TerminalRelay(const TerminalRelay&) = delete;
    TerminalRelay& operator=(const TerminalRelay&) = delete;
    /// Puts the terminal back.
    ~TerminalRelay();

    /// What to wait for: `in` and the master.
    [[nodiscard]] std::array<pollfd, 2> events() const noexcept;
    /// Moves what is there, after poll(2).
    void move(const std::array<pollfd, 2>& events);
    /// All that the program has written before it ended.
    void drain();
    /// Gives the program's terminal the size of ours.
    void resize() noexcept;

private:
    void read_input();
    void read_output();
    void write_input();

    UniqueFd master_;
    int in_;
    int out_;
    bool in_open_ = true;
    bool master_open_ = true;
    std::string typed_;  ///< read, but not taken by the program yet
    std::optional<termios> before_;
};

}  // namespace smith::runtime
