// SPDX-License-Identifier: BSL-1.0
//
// unikernel: what the boards of guests have in common: the clock, the command line, the end. A board is what a
// program has its lines from: there is a folder for each kind, and the build chooses. Freestanding.
#pragma once

#include <cstdint>
#include <string_view>

#include <shoal/hypercall/guest/machine.hpp>
#include <shoal/hypercall/guest/notes.hpp>
#include <shoal/hypercall/guest/start.hpp>
#include <shoal/hypercall/guest/transport.hpp>

[[gnu::section(".note.solo5.abi"), gnu::used]] constexpr shoal::hypercall::guest::abi_section abi;

class unikernel {
 public:
  explicit unikernel(const shoal::hypercall::boot_info& info) noexcept : found_(info) {}

  /// Nanoseconds.
  void wait(std::uint64_t time) noexcept { machine_.wait(time); }
  [[nodiscard]] std::string_view command_line() const noexcept { return found_.command_line(); }
  [[nodiscard]] const shoal::hypercall::guest::start& found() const noexcept { return found_; }
  void halt(int status) noexcept { machine_.halt(status); }

 private:
  shoal::hypercall::guest::start found_;
  shoal::hypercall::guest::machine<shoal::hypercall::guest::hypercall_instruction> machine_{{}};
};
