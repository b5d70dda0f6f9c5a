// SPDX-License-Identifier: BSL-1.0
//
// recording_sender: takes records out of a ring and delivers them to a collector, whose connection may break
// and come back; each record arrives once.
//
//     net::recording_sender sender{ring, {session, "valve-3"}, {"gpiochip0"}, where, dial};
//     co_spawn(executor, ignore_result(sender.run()), detached);
//     ...
//     sender.stop();                        // run() ends when all is delivered, or after options.patience
//
// The recorded side never waits: a collector that stops reading fills the ring, and the ring counts what it
// cannot hold. Leaves out records that a crash of the process takes along.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/detail/asio.hpp>
#include <shoal/hal/access_record.hpp>
#include <shoal/http/url.hpp>
#include <shoal/monitor/collect_protocol.hpp>
#include <shoal/monitor/timeline.hpp>
#include <shoal/net/byte_stream.hpp>
#include <shoal/task/task.hpp>

namespace shoal::net {

struct recording_sender_options {
  std::chrono::steady_clock::duration dial_time = std::chrono::seconds{5};
  std::chrono::steady_clock::duration patience =
      std::chrono::seconds{10};  ///< with a collector that says nothing
  std::chrono::steady_clock::duration pause = std::chrono::milliseconds{20};  ///< between looks into the ring
  std::chrono::steady_clock::duration retry =
      std::chrono::milliseconds{500};                                  ///< after a connection that broke
  monitor::clock_point (*clock)() noexcept = monitor::sample_clock<>;  ///< the counter of the records
  std::uint64_t version = monitor::device_recording;                   ///< what the records may be of
};

/// `Source`: has take() and lost() as hal::access_ring, whose taker this is. One strand.
/// Source and sender outlive run().
template <class Source>
class recording_sender {
 public:
  using clock = std::chrono::steady_clock;

  recording_sender(Source& source, monitor::collect_hello hello, std::vector<std::string> sources,
                   http::url where, http_dialer dial, recording_sender_options options = {})
      : source_(source),
        machine_(std::move(hello), std::move(sources), options.version),
        where_(std::move(where)),
        dial_(std::move(dial)),
        options_(options) {}

  /// Delivers until stop(). errc::timed_out when not everything could be then: undelivered() says how much of
  /// what was taken.
  task<> run() {
    asio::steady_timer timer{co_await asio::this_coro::executor};
    while (true) {
      take();
      if (stopping_ && machine_.is_empty()) co_return result<>{};
      if (stopping_ && clock::now() - stopped_at_ > options_.patience) co_return errc::timed_out;
      // nothing to say is no reason to connect, but for the first time: somebody wants to know that it works
      result<std::unique_ptr<byte_stream>> stream = co_await dial_(where_, options_.dial_time);
      if (stream) {
        stream_ = std::move(*stream);
        ++connections_;
        const result<> ended = co_await converse(timer);
        stream_->close();
        problem_ = ended.error();
      } else {
        problem_ = stream.error();
      }
      if (stopping_ && machine_.is_empty()) continue;
      timer.expires_after(options_.retry);
      [[maybe_unused]] const auto waited = co_await timer.async_wait(shoal::detail::no_throw);
    }
  }

  /// Call it on the sender's strand, when no record will be put any more.
  void stop() noexcept {
    stopping_ = true;
    stopped_at_ = clock::now();
  }

  /// How many connections there were.
  [[nodiscard]] std::uint64_t connections() const noexcept { return connections_; }
  /// How many records the collector has kept.
  [[nodiscard]] std::uint64_t delivered() const noexcept { return machine_.kept(); }
  /// How many were taken from the source, and are not known to be kept.
  [[nodiscard]] std::size_t undelivered() const noexcept { return machine_.held(); }
  /// Why the last connection ended, or could not be made.
  [[nodiscard]] std::error_code problem() const noexcept { return problem_; }

 private:
  void take() {
    if (!machine_.is_empty()) return;
    std::size_t count = source_.take(records_);
    for (const hal::access_record& each : std::span{records_}.first(count)) {
      if (each.what == hal::access::lost) told_ += static_cast<std::size_t>(each.value);
    }
    if (count == 0 && stopping_ && source_.lost() != told_) {  // losses that no record came after
      hal::access_record gap;
      gap.cycles = options_.clock().cycles;
      gap.value = source_.lost() - told_;
      gap.what = hal::access::lost;
      told_ = source_.lost();
      records_[count++] = gap;
    }
    machine_.hold(std::span<const hal::access_record>{records_}.first(count));
  }

  /// One connection, until it breaks, or stop() and nothing is left.
  task<> converse(asio::steady_timer& timer) {
    asio::steady_timer deadline{timer.get_executor()};
    const std::vector<std::byte> hello = machine_.connect();
    const bytes_view greeting = hello;
    watch(deadline);
    const result<> greeted = co_await stream_->write(greeting);
    if (!greeted) co_return greeted.error();
    while (!machine_.is_welcome()) {
      const result<> heard = co_await hear();
      if (!heard) co_return heard.error();
    }
    while (true) {
      take();
      if (machine_.is_empty()) {
        deadline.cancel();
        if (stopping_) co_return result<>{};
        timer.expires_after(options_.pause);
        [[maybe_unused]] const auto waited = co_await timer.async_wait(shoal::detail::no_throw);
        continue;
      }
      const result<std::vector<std::byte>> encoded = machine_.encode(options_.clock());
      if (!encoded) co_return encoded.error();
      const bytes_view bytes = *encoded;
      watch(deadline);
      const result<> written = co_await stream_->write(bytes);
      if (!written) co_return written.error();
      while (!machine_.is_empty()) {
        const result<> heard = co_await hear();
        if (!heard) co_return heard.error();
        watch(deadline);
      }
    }
  }

  task<> hear() {
    const bytes_span room{heard_};
    const result<std::size_t> size = co_await stream_->read(room);
    if (!size) co_return size.error();
    if (*size == 0) co_return errc::closed;
    co_return machine_.receive(bytes_view{heard_}.first(*size));
  }

  /// Closes the connection unless it is called again in time.
  void watch(asio::steady_timer& deadline) {
    deadline.expires_after(options_.patience);
    deadline.async_wait([weak = std::weak_ptr{stream_}](std::error_code cancelled) {
      const std::shared_ptr<byte_stream> late = cancelled ? nullptr : weak.lock();
      if (late) late->close();
    });
  }

  Source& source_;
  monitor::collect_sender machine_;
  http::url where_;
  http_dialer dial_;
  recording_sender_options options_;
  std::shared_ptr<byte_stream> stream_;
  std::vector<hal::access_record> records_ = std::vector<hal::access_record>(monitor::max_collect_batch);
  std::array<std::byte, 256> heard_{};
  bool stopping_ = false;
  clock::time_point stopped_at_;
  std::uint64_t connections_ = 0;
  std::size_t told_ = 0;  // losses that are in records
  std::error_code problem_;
};

}  // namespace shoal::net
