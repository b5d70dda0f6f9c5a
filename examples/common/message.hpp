// SPDX-License-Identifier: BSL-1.0
//
// How a program of shoal speaks to people: one line that names what was being done, to what, and what to do
// next.
//
//     throw failure{"cannot open disk.img", error, "give the path of a disk image"};
//
// Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted by Ctrl-C.
#pragma once

#include <cerrno>
#include <cstdio>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>

#include <fcntl.h>

namespace common {

inline constexpr int exit_failed = 1;
inline constexpr int exit_usage = 2;
inline constexpr int exit_interrupted = 130;

/// Ends the program with exit_failed (or the given code) and a message.
class failure : public std::runtime_error {
 public:
  failure(const std::string& what, std::error_code why, const std::string& next_step = {})
      : failure(what + ": " + why.message(), next_step) {}
  explicit failure(const std::string& what, const std::string& next_step = {}, int exit_code = exit_failed)
      : std::runtime_error(next_step.empty() ? what : what + "\n  " + next_step), exit_code_(exit_code) {}

  [[nodiscard]] int exit_code() const noexcept { return exit_code_; }

 private:
  int exit_code_;
};

/// A stream that is closed is opened so that using it fails: otherwise the first file that is opened takes its
/// number, and what is said to people ends up in it.
inline void keep_standard_streams() noexcept {
  for (const int stream : {0, 1, 2}) {
    if (::fcntl(stream, F_GETFD) >= 0) continue;
    static_cast<void>(::open("/dev/null", stream == 0 ? O_WRONLY : O_RDONLY));
  }
}

/// Runs a program's body and turns what it throws into a message and an exit code.
template <class Body>
int guarded(const char* program, Body&& body) noexcept {
  try {
    keep_standard_streams();
    const int code = body();
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
    std::fprintf(stderr, "%s: cannot write to standard output: %s\n  is there space where it goes?\n", program,
                 std::generic_category().message(errno).c_str());
  } catch (const failure& e) {
    std::fprintf(stderr, "%s: %s\n", program, e.what());
    return e.exit_code();
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "%s: out of memory\n", program);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s: %s\n", program, e.what());
  }
  return exit_failed;
}

}  // namespace common
