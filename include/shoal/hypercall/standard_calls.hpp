// SPDX-License-Identifier: BSL-1.0
//
// The calls that every unikernel makes: the time of day, text, waiting, the end. Each over a small contract.
// Freestanding.
//
//     walltime_calls time{clock};
//     console_calls console{sink};
//     poll_calls poll{waiter};
//     halt_calls halt;
//     hypercall_table table{time, console, poll, halt};
//
// What they are given outlives them.
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>

#include <shoal/base/bytes.hpp>
#include <shoal/base/status.hpp>
#include <shoal/hal/guest_memory.hpp>
#include <shoal/hypercall/abi.hpp>
#include <shoal/hypercall/guest_ram.hpp>
#include <shoal/hypercall/handler.hpp>

namespace shoal::hypercall {

/// `clock()`: nanoseconds since 1970-01-01 00:00 UTC.
template <class C>
concept wall_clock = requires(C& clock) {
  { clock() } noexcept -> std::same_as<std::uint64_t>;
};

template <wall_clock Clock>
class walltime_calls {
 public:
  static constexpr std::array numbers{number::walltime};
  static constexpr std::array<device_type, 0> devices{};

  explicit constexpr walltime_calls(Clock& clock) noexcept : clock_(clock) {}

  template <hal::guest_memory M>
  outcome handle(call what, M& memory) noexcept {
    if (what.number != number::walltime) return outcome::not_mine;
    argument<walltime_call> asked{memory, what};
    if (!asked) return outcome::fault;
    asked->nanoseconds = clock_();
    return asked.answer();
  }

 private:
  Clock& clock_;
};

/// `write(text)`: takes what a guest prints: any bytes, any number of them, which may change while it looks at
/// them. Other than ok when it will have no more of it (limit_exceeded): that stops the guest.
template <class S>
concept console_sink = requires(S& sink, bytes_view text) {
  { sink.write(text) } noexcept -> std::same_as<status>;
};

/// The call has no result: text that is not in the guest's memory is a fault.
template <console_sink Sink>
class console_calls {
 public:
  static constexpr std::array numbers{number::puts};
  static constexpr std::array<device_type, 0> devices{};

  explicit constexpr console_calls(Sink& sink) noexcept : sink_(sink) {}

  template <hal::guest_memory M>
  outcome handle(call what, M& memory) noexcept {
    if (what.number != number::puts) return outcome::not_mine;
    const status_or<puts_call> asked = copy_argument<puts_call>(memory, what);
    if (!asked) return outcome::fault;
    const status_or<bytes_view> text = readable(memory, asked->data, asked->length);
    if (!text) return outcome::fault;
    return sink_.write(*text) == status::ok ? outcome::resume : outcome::fault;
  }

 private:
  Sink& sink_;
};

/// `wait(handles, nanoseconds)`: waits until one of these devices has something for the guest, or the time is
/// over: which have, bit i for handle i; 0 for none. Bits that are no devices are not waited for. It looks once
/// when the time is 0.
template <class W>
concept device_waiter = requires(W& waiter, std::uint64_t handles, std::uint64_t nanoseconds) {
  { waiter.wait(handles, nanoseconds) } noexcept -> std::same_as<std::uint64_t>;
};

template <device_waiter Waiter>
class poll_calls {
 public:
  static constexpr std::array numbers{number::poll};
  static constexpr std::array<device_type, 0> devices{};

  explicit constexpr poll_calls(Waiter& waiter) noexcept : waiter_(waiter) {}

  template <hal::guest_memory M>
  outcome handle(call what, M& memory) noexcept {
    if (what.number != number::poll) return outcome::not_mine;
    argument<poll_call> asked{memory, what};
    if (!asked) return outcome::fault;
    const std::uint64_t ready = waiter_.wait(~std::uint64_t{0}, asked->timeout);
    asked->ready_set = ready;
    asked->ready = static_cast<std::uint32_t>(std::popcount(ready));
    return asked.answer();
  }

 private:
  Waiter& waiter_;
};

/// Keeps how the guest ended.
class halt_calls {
 public:
  static constexpr std::array numbers{number::halt};
  static constexpr std::array<device_type, 0> devices{};

  /// A cookie that is not all in the guest's memory is a fault.
  template <hal::guest_memory M>
  outcome handle(call what, M& memory) noexcept {
    if (what.number != number::halt) return outcome::not_mine;
    const status_or<halt_call> asked = copy_argument<halt_call>(memory, what);
    if (!asked) return outcome::fault;
    if (asked->cookie != 0) {
      const status_or<bytes_view> cookie = readable(memory, asked->cookie, halt_cookie_size);
      if (!cookie) return outcome::fault;
    }
    status_ = static_cast<std::int32_t>(std::uint32_t{asked->status});
    cookie_ = asked->cookie;
    return outcome::halt;
  }

  /// What the guest said when it halted; 0 before.
  [[nodiscard]] std::int32_t exit_status() const noexcept { return status_; }
  /// The address of halt_cookie_size readable bytes, or 0.
  [[nodiscard]] std::uint64_t cookie() const noexcept { return cookie_; }

 private:
  std::int32_t status_ = 0;
  std::uint64_t cookie_ = 0;
};

}  // namespace shoal::hypercall
