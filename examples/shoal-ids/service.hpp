// SPDX-License-Identifier: BSL-1.0
//
// ids_service: the guests of 'serve', looked at on a schedule, the alerts of all of them, and answers to
// clients.
//
//     ids_service service{executor, guests, std::chrono::seconds{5}};
//     service.start();
//     const request wanted = parse_line("plist guest0");
//     answer said = co_await service.ask(wanted);
//
// Each guest has a thread of its own, which alone looks into it: one that takes long holds up nobody else.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/steady_timer.hpp>

#include <shoal/task/io_pool.hpp>
#include <shoal/task/signal.hpp>

#include "keeper.hpp"
#include "request.hpp"

/// The last alerts, numbered as they come. Who follows keeps the number of the next.
class alert_log {
 public:
  static constexpr std::size_t max_kept = 10'000;  // all pages of a kernel are less than that

  void put(guest_alert alert) {
    if (kept_.size() == max_kept) kept_.pop_front();
    kept_.push_back(std::move(alert));
    ++end_;
  }
  /// The number of the next one.
  [[nodiscard]] std::uint64_t end() const noexcept { return end_; }
  /// The number of the oldest that is kept.
  [[nodiscard]] std::uint64_t begin() const noexcept { return end_ - kept_.size(); }
  /// @pre begin() <= number < end()
  [[nodiscard]] const guest_alert& at(std::uint64_t number) const {
    return kept_[static_cast<std::size_t>(number - begin())];
  }

 private:
  std::deque<guest_alert> kept_;
  std::uint64_t end_ = 0;
};

struct named_guest {
  std::string name;
  guest_options options;
};

/// One strand. Goes before the context, whose run ends some time after stop().
class ids_service {
 public:
  ids_service(asio::any_io_executor executor, const std::vector<named_guest>& guests,
              std::chrono::nanoseconds every);

  /// Looks at each guest from now on.
  void start();
  void stop();

  /// What the line of a client asks for, but for alerts as they come.
  asio::awaitable<answer> ask(const request& wanted);

  [[nodiscard]] const guest_state* find(const std::string& guest) const;
  [[nodiscard]] const alert_log& log() const noexcept { return log_; }
  /// There are alerts, or this has been stopped.
  [[nodiscard]] shoal::signal& news() noexcept { return news_; }
  [[nodiscard]] bool is_stopped() const noexcept { return stopped_; }

  /// Alerts that have begun and not ended.
  [[nodiscard]] std::vector<guest_alert> open(const std::string& guest) const;

  /// {"name":...,"state":...} of each guest, for the page.
  [[nodiscard]] std::string guests_as_json() const;

 private:
  struct watched {
    watched(const named_guest& guest, const asio::any_io_executor& executor)
        : name(guest.name), keeper(guest.name, guest.options), pause(executor), thread(1) {}
    std::string name;
    guest_keeper keeper;  // of the thread
    guest_state state;
    asio::steady_timer pause;
    shoal::io_pool thread;  // the last: its destructor waits for what uses the keeper
  };

  static asio::awaitable<void> watch_over(ids_service& self, watched& each);
  [[nodiscard]] watched* find_watched(const std::string& guest) const;
  int list_guests(const output& out) const;
  int list_alerts(const output& out) const;

  asio::any_io_executor executor_;
  std::chrono::nanoseconds every_;
  std::vector<std::unique_ptr<watched>> guests_;
  alert_log log_;
  shoal::signal news_;
  bool stopped_ = false;
};
