// SPDX-License-Identifier: BSL-1.0
//
// nbd_redial: asks an NBD server, over one connection after the other.
//
//     nbd_redial server{route, {.name = "disk"}, options};
//     result<> opened = co_await server.open(detail);
//     result<std::vector<nbd::allocation_run>> runs = co_await server.ask(request, payload, content);
//
// For nbd_client. What was read can be read again, so a lost connection is made anew, with pauses that grow.
// What was written and not flushed may be lost with a server, and what was being written may be written yet, by
// a server that does not know that we have gone: then it is over, and every request says so.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/any_io_executor.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/detail/asio.hpp>
#include <shoal/nbd/client_session.hpp>
#include <shoal/nbd/errors.hpp>
#include <shoal/nbd/wire.hpp>
#include <shoal/net/nbd_link.hpp>
#include <shoal/net/nbd_route.hpp>
#include <shoal/task/signal.hpp>
#include <shoal/task/task.hpp>

namespace shoal::net {

/// What happens to a connection with a server.
struct nbd_client_news {
  enum class kind {
    lost,      ///< it will be made anew
    regained,  ///< it has been
    over       ///< it will not be: see nbd_redial, or the export is another one now
  };
  kind what;
  std::error_code why;
  std::string_view detail;  ///< how the server broke the protocol, or nothing
};

struct nbd_client_options {
  /// For a connection and the negotiation.
  std::chrono::steady_clock::duration connect_time = std::chrono::seconds{10};
  /// How long a server that was asked something may say nothing.
  std::chrono::steady_clock::duration patience = std::chrono::seconds{30};
  /// How long requests wait for a lost connection to be made anew; 0 for never.
  std::chrono::steady_clock::duration retry_time = std::chrono::seconds{30};
  std::function<void(const nbd_client_news&)> observe;  ///< may be empty
};

/// One strand. It outlives its tasks.
class nbd_redial {
 public:
  using clock = std::chrono::steady_clock;

  nbd_redial(nbd_route route, nbd::export_wish wish, nbd_client_options options)
      : route_(std::move(route)), wish_(std::move(wish)), options_(std::move(options)) {}
  nbd_redial(const nbd_redial&) = delete;
  nbd_redial& operator=(const nbd_redial&) = delete;
  ~nbd_redial() {
    if (link_) link_->close();
  }

  /// The first connection. As nbd_link::open().
  task<> open(std::string& detail) {
    const nbd_link_times times{options_.connect_time, options_.patience};
    result<std::shared_ptr<nbd_link>> link = co_await nbd_link::open(route_, wish_, times, detail);
    if (!link) co_return link.error();
    link_ = std::move(*link);
    agreed_ = link_->agreed();
    co_return result<>{};
  }

  /// Of the first connection, and all others. @pre open() has succeeded
  [[nodiscard]] const nbd::client_agreement& agreed() const noexcept { return agreed_; }

  /// Asks for something that the export allows. As from_nbd_error() for what the server says; errc::closed,
  /// errc::timed_out or errc::malformed when the connection is lost and not made anew, or what prevents that;
  /// errc::source_changed when the server has another export now.
  task<std::vector<nbd::allocation_run>> ask(const nbd::request& r, bytes_view payload, bytes_span content) {
    const bool changes =
        r.type == nbd::command::write || r.type == nbd::command::trim || r.type == nbd::command::write_zeroes;
    for (unsigned lost_before = 0;; ++lost_before) {
      const result<std::shared_ptr<nbd_link>> link = co_await connected();
      if (!link) co_return link.error();
      if (lost_before == max_losses) co_return errc::closed;
      change mine{*this, changes};
      result<nbd_answer> answer = co_await (*link)->ask(r, payload, content);
      if (!answer) {
        lost(**link);
        continue;
      }
      if (answer->code != nbd::error::ok) co_return nbd::from_nbd_error(answer->code);
      mine.durable = (r.flags & nbd::command_flag::fua) != 0;
      co_return std::move(answer->runs);
    }
  }

  /// @param offered  the server can; otherwise there is nothing to do
  task<> flush(bool offered) {
    const std::uint64_t covered = changes_;
    if (offered) {
      const nbd::request r{.type = nbd::command::flush};
      const bytes_view nothing;
      const bytes_span nowhere;
      const auto done = co_await ask(r, nothing, nowhere);
      if (!done) co_return done.error();
    }
    flushed_ = std::max(flushed_, covered);
    co_return result<>{};
  }

 private:
  static constexpr clock::duration first_pause = std::chrono::milliseconds{100};
  static constexpr clock::duration longest_pause = std::chrono::seconds{5};
  /// After all that was in vain, requests fail at once for so long.
  static constexpr clock::duration rest_time = std::chrono::seconds{5};

  /// A request is given up that has cost so many connections.
  static constexpr unsigned max_losses = 3;

  /// A request that may change something, while the server has not answered it.
  struct change {
    change(nbd_redial& redial, bool changes) : of(redial), count(changes ? 1 : 0) { of.under_way_ += count; }
    change(const change&) = delete;
    change& operator=(const change&) = delete;
    ~change() {
      of.under_way_ -= count;
      if (!durable) of.changes_ += count;
    }

    nbd_redial& of;
    unsigned count;
    bool durable = false;
  };

  void tell(nbd_client_news::kind what, std::error_code why, std::string_view detail) const {
    if (options_.observe) options_.observe({what, why, detail});
  }

  /// The first that finds a link lost decides what becomes of it.
  void lost(const nbd_link& link) {
    if (&link != link_.get() || link_is_lost_) return;
    link_is_lost_ = true;
    const bool at_risk = under_way_ != 0 || changes_ != flushed_;
    const bool over = at_risk || options_.retry_time == clock::duration{};
    if (over) over_ = link.why();
    tell(over ? nbd_client_news::kind::over : nbd_client_news::kind::lost, link.why(), link.detail());
  }

  task<std::shared_ptr<nbd_link>> connected() {
    while (true) {
      if (!link_->is_open()) lost(*link_);
      if (over_) co_return over_;
      if (!link_is_lost_) co_return link_;
      if (clock::now() < rested_) co_return failed_;
      if (!connecting_) break;
      co_await changed_.wait();
    }
    const connecting mine{*this};
    const result<> done = co_await connect();
    if (!done) co_return done.error();
    co_return link_;
  }

  /// Others wait while it lives.
  class connecting {
   public:
    explicit connecting(nbd_redial& of) : of_(of) { of_.connecting_ = true; }
    connecting(const connecting&) = delete;
    connecting& operator=(const connecting&) = delete;
    ~connecting() {
      of_.connecting_ = false;
      of_.changed_.notify();
    }

   private:
    nbd_redial& of_;
  };

  task<> connect() {
    const asio::any_io_executor executor = co_await asio::this_coro::executor;
    const clock::time_point end = clock::now() + options_.retry_time;
    clock::duration pause = first_pause;
    while (true) {
      std::string detail;
      const nbd_link_times times{options_.connect_time, options_.patience};
      result<std::shared_ptr<nbd_link>> link = co_await nbd_link::open(route_, wish_, times, detail);
      if (link) co_return adopt(std::move(*link));
      failed_ = link.error();
      if (clock::now() + pause >= end) break;
      asio::steady_timer sleeper{executor, pause};
      [[maybe_unused]] const auto woken = co_await sleeper.async_wait(shoal::detail::no_throw);
      pause = std::min(2 * pause, longest_pause);
    }
    rested_ = clock::now() + rest_time;
    co_return failed_;
  }

  result<> adopt(std::shared_ptr<nbd_link> link) {
    nbd::client_agreement found = link->agreed();
    found.allocation_id = agreed_.allocation_id;  // every connection may have its own
    if (found != agreed_) {
      over_ = errc::source_changed;
      tell(nbd_client_news::kind::over, over_, {});
      return over_;
    }
    link_ = std::move(link);
    link_is_lost_ = false;
    tell(nbd_client_news::kind::regained, {}, {});
    return {};
  }

  nbd_route route_;
  nbd::export_wish wish_;
  nbd_client_options options_;
  nbd::client_agreement agreed_;

  std::shared_ptr<nbd_link> link_;
  bool link_is_lost_ = false;
  bool connecting_ = false;
  signal changed_;
  std::error_code failed_;      // why the last attempt was in vain
  clock::time_point rested_{};  // until then nothing is tried
  std::error_code over_;        // for good

  unsigned under_way_ = 0;     // changes that the server has not answered
  std::uint64_t changes_ = 0;  // those that it has, but for durable ones
  std::uint64_t flushed_ = 0;  // the first of them, which are on stable storage
};

}  // namespace shoal::net
