// SPDX-License-Identifier: Apache-2.0
//
// The one exception of this project. A message is a sentence that says what was being done, to what, and what was
// found; each public edge prepends its own part, so that the whole chain reads from left to right.
#pragma once

#include <exception>
#include <string>
#include <string_view>
#include <utility>

namespace smith {

/// Why something failed, as far as a caller can act on it. Chooses the exit status and nothing else.
enum class ErrorKind {
    usage,      ///< the command line is wrong                                  (exit 2)
    spec,       ///< the build spec or a configuration file is wrong            (exit 2)
    resolve,    ///< the requested packages cannot be had together              (exit 3)
    fetch,      ///< something could not be downloaded                          (exit 4)
    integrity,  ///< bytes do not match their digest, size or signature         (exit 5)
    format,     ///< foreign bytes do not follow their format                   (exit 1)
    system,     ///< the operating system refused something                     (exit 1)
};

class Error : public std::exception {
public:
    Error(ErrorKind kind, std::string message) : kind_(kind), message_(std::move(message)) {}
    /// With the errno that it is about.
    Error(ErrorKind kind, std::string message, int error_number)
        : kind_(kind), message_(std::move(message)), error_number_(error_number) {}

    [[nodiscard]] ErrorKind kind() const noexcept { return kind_; }
    [[nodiscard]] const std::string& message() const noexcept { return message_; }
    [[nodiscard]] const char* what() const noexcept override { return message_.c_str(); }

    /// The errno that it is about; 0 when it is about none.
    [[nodiscard]] int error_number() const noexcept { return error_number_; }
    /// The operating system found no file of that name (ENOENT).
    [[nodiscard]] bool is_not_found() const noexcept;

    /// Puts "<context>: " in front of the message.
    void prepend(std::string_view context);

private:
    ErrorKind kind_;
    std::string message_;
    int error_number_ = 0;
};

/// `name` in single quotes, fit for a terminal: control bytes and invalid UTF-8 become \xNN, and a name longer than a
/// line is cut in the middle. Everything that comes from outside goes through here on its way into a message.
/// (Not `quoted`: for a std::string, argument-dependent lookup would prefer std::quoted.)
[[nodiscard]] std::string quote(std::string_view name);

/// As quote(), but without the quotes: for foreign text that is no name, such as what a library says of its input.
[[nodiscard]] std::string escaped(std::string_view text);

/// An Error of kind `system`: "<doing>: <strerror(error_number)>". Pass `errno` as read right after the call.
[[nodiscard]] Error system_error(int error_number, std::string_view doing);

/// Runs `body`; if it throws an Error, puts "<doing()>: " in front of it.
template <typename Doing, typename Body>
auto while_doing(Doing&& doing, Body&& body) -> decltype(body()) {
    try {
        return body();
    } catch (Error& e) {
        e.prepend(doing());
        throw;
    }
}

}  // namespace smith
