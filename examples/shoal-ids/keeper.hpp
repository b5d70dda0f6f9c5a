// SPDX-License-Identifier: BSL-1.0
//
// guest_keeper: a guest of 'serve': found, looked into, and found again when it comes back. What answers look
// like at their end is here, too: whoever asked sees by it how it went.
//
//     guest_keeper keeper{"guest0", options};
//     answer said = keeper.ask(wanted);                    // "plist" and so on
//     for (const guest_alert& each : keeper.look().news) tell(each, out);
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <shoal/vmi/find_root.hpp>

#include "alerts.hpp"
#include "commands.hpp"
#include "guest.hpp"

/// What a client is told.
struct answer {
  /// More of one answer is cut off: a guest that has a million processes is no reason to run out of memory.
  static constexpr std::size_t max_size = std::size_t{16} << 20;

  std::string body;
  int code = 0;         ///< as of the program
  std::string problem;  ///< why it failed, and what to do next, a line each

  /// The body and, in its form, "ok", "alert", or "error: ..." and its advice.
  [[nodiscard]] std::string whole(output_form form) &&;
};

/// Calls `work(out)` and keeps what it says and throws.
[[nodiscard]] answer answered(output_form form, const std::function<int(const output& out)>& work);

/// What is known of a guest without looking.
struct guest_state {
  std::string banner;  ///< of the kernel that runs; empty while there is none
  std::string away;    ///< why there is none
  std::uint64_t looks = 0;
  std::uint64_t looked = 0;  ///< when: nanoseconds since 1970
  std::vector<guest_alert> open;
};

struct look_result {
  std::vector<guest_alert> news;
  guest_state state;
};

/// Belongs to one thread at a time.
class guest_keeper {
 public:
  guest_keeper(std::string name, guest_options options)
      : name_(std::move(name)), options_(std::move(options)) {}

  /// Does what a client wants to know of the guest.
  [[nodiscard]] answer ask(const action& wanted);
  /// Checks it. How it is when it is found is taken for good.
  [[nodiscard]] look_result look() noexcept;

 private:
  /// The guest, or null: see away_.
  guest* find();
  /// It is no longer what it was.
  void lose();
  /// Whether what was found is what is left of a kernel that ran before.
  [[nodiscard]] bool has_gone(guest& found) const;
  [[nodiscard]] std::vector<guest_alert> check();
  [[nodiscard]] guest_alert away(bool ended) const;

  std::string name_;
  guest_options options_;
  std::shared_ptr<const guest_process> process_;
  std::unique_ptr<guest> guest_;
  std::string away_ = "nobody has looked yet";
  std::chrono::steady_clock::time_point tried_;
  bool lost_ = false;  // it was there, and is no more what it was

  struct gone_kernel {
    shoal::vmi::kernel_place place;
    std::uint64_t ticks = 0;
  };
  std::vector<gone_kernel> gone_;  // the last ones in the memory that it has
  bool told_away_ = false;
  alert_book book_;
  std::uint64_t looks_ = 0;
};
