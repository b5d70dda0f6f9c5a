// SPDX-License-Identifier: BSL-1.0
//
// small_tender: what serves the guests of tests on other machines than a tender runs on: a console, and lines,
// by calls or by registers, on a simulated chip whose switch changes whenever the guest waits.
//
//     small_tender host{guest.devices()};
//     return host.serve(cpu, memory);
#pragma once

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>

#include <shoal/base/bytes.hpp>
#include <shoal/hal/bcm2835_model.hpp>
#include <shoal/hal/simulated_chip.hpp>
#include <shoal/hypercall/device_window.hpp>
#include <shoal/hypercall/gpio_calls.hpp>
#include <shoal/hypercall/manifest.hpp>
#include <shoal/hypercall/program.hpp>
#include <shoal/hypercall/register_windows.hpp>
#include <shoal/hypercall/standard_calls.hpp>

#include "follow_switch.hpp"

#if defined(__aarch64__)
inline constexpr auto this_machine = shoal::hypercall::architecture::aarch64;
#else
inline constexpr auto this_machine = shoal::hypercall::architecture::x86_64;
#endif

/// All of a file; nothing of one that is not there.
inline std::string content_of(const char* file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class small_tender {
 public:
  /// How it ends whose guest does not halt, or is not given all that it asks for.
  static constexpr int stopped = 100;

  explicit small_tender(const shoal::hypercall::manifest& wanted) : devices_(wanted) {
    using shoal::hypercall::device_type;
    // what it does not ask for is no device of it
    static_cast<void>(pins_.attach(devices_, "pins", world_.chip));
    static_cast<void>(windows_.attach(devices_, "pins", device_type::bcm2835_gpio, world_.board));
  }
  small_tender(const small_tender&) = delete;
  small_tender& operator=(const small_tender&) = delete;

  /// With what is attached: for the guest's boot info.
  [[nodiscard]] const shoal::hypercall::manifest& devices() const noexcept { return devices_; }

  /// Until it ends. What the guest halts with, or `stopped`.
  template <shoal::hypercall::answering_vcpu V, shoal::hal::guest_memory M>
  int serve(V& processor, M& memory) {
    using namespace shoal::hypercall;
    console_calls print{world_};
    poll_calls poll{world_};
    halt_calls halt;
    hypercall_table table{print, poll, halt, pins_, windows_};
    if (table.missing(devices_).handle != 0) return stopped;
    device_window cpu{processor, windows_.range(), windows_};
    const ending end = shoal::hypercall::serve(cpu, table, memory);
    if (end.why == ending_reason::halted) {
      std::printf("the LED has changed %d times\n", world_.changes);
      return halt.exit_status();
    }
    std::printf("stopped for reason %d at %#llx\n", static_cast<int>(end.why),
                static_cast<unsigned long long>(end.last.address));
    return stopped;
  }

 private:
  struct world {
    shoal::hal::simulated_chip<32> chip;
    shoal::hal::bcm2835_model board;
    bool pressed = false;
    bool led = false;
    int changes = 0;

    shoal::status write(shoal::bytes_view text) const noexcept {
      const bool all = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
      return all ? shoal::status::ok : shoal::status::failed;
    }
    std::uint64_t wait(std::uint64_t, std::uint64_t) noexcept {
      const bool now = chip.level(led_line) || board.level(led_line);
      changes += std::exchange(led, now) != now ? 1 : 0;
      pressed = !pressed;
      chip.drive(switch_line, pressed);
      board.drive(switch_line, pressed);
      return 0;
    }
  };

  shoal::hypercall::manifest devices_;
  world world_;
  shoal::hypercall::gpio_calls<shoal::hal::simulated_chip<32>, world> pins_{world_};
  shoal::hypercall::register_windows<shoal::hal::bcm2835_model> windows_;
};
