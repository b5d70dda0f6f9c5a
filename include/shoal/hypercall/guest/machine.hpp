// SPDX-License-Identifier: BSL-1.0
//
// machine: what every unikernel has: a console, the time of day, waiting, an end. Of the guest. Freestanding.
//
//     machine here{hypercall_instruction{}};
//     here.write("hello\n"sv);
//     here.halt(0);
//
// Monotonic time is the processor's counter: its frequency is in the boot info.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include <shoal/hypercall/abi.hpp>
#include <shoal/hypercall/guest/transport.hpp>

namespace shoal::hypercall::guest {

template <transport T>
class machine {
 public:
  explicit constexpr machine(T way) noexcept : way_(std::move(way)) {}

  /// Prints. The text is in the guest's memory, as all is.
  void write(std::string_view text) noexcept {
    puts_call asked{.data = address_of(text.data()), .length = text.size()};
    way_.call(number::puts, &asked);
  }
  /// Nanoseconds since 1970-01-01 00:00 UTC.
  [[nodiscard]] std::uint64_t wall_time() noexcept {
    walltime_call asked;
    way_.call(number::walltime, &asked);
    return asked.nanoseconds;
  }
  /// Waits until a device has something, or the time is over: which have, bit i for handle i.
  std::uint64_t wait(std::uint64_t nanoseconds) noexcept {
    poll_call asked{.timeout = nanoseconds};
    way_.call(number::poll, &asked);
    return asked.ready_set;
  }
  /// Ends the guest: returns only in a test. @param cookie  null, or halt_cookie_size bytes
  void halt(std::int32_t status, const void* cookie = nullptr) noexcept {
    halt_call asked{.cookie = address_of(cookie), .status = static_cast<std::uint32_t>(status)};
    way_.call(number::halt, &asked);
  }

 private:
  T way_;
};

}  // namespace shoal::hypercall::guest
