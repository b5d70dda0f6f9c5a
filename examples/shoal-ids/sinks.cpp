// SPDX-License-Identifier: BSL-1.0
//
// Where alerts go.
#include "sinks.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <system_error>
#include <utility>

#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>

#include <shoal/monitor/event_text.hpp>
#include <shoal/net/byte_stream.hpp>

#include "../common/collector_uri.hpp"
#include "../common/message.hpp"

namespace {

using common::failure;

/// What is not kept any more is counted.
void tell_gap(std::uint64_t& next, const alert_log& log, const output& out) {
  if (next >= log.begin()) return;
  const std::uint64_t lost = log.begin() - next;
  out.put(std::to_string(lost) + " alerts lost", {{"lost", lost}});
  next = log.begin();
}

/// A file, or standard output.
class file_sink final : public alert_sink {
 public:
  file_sink(std::FILE* file, std::string name, output_form form)
      : file_(file), name_(std::move(name)), form_(form) {}
  ~file_sink() override {
    if (file_ != stdout) std::fclose(file_);
  }

  asio::awaitable<void> run(ids_service& service) override {
    const output out{form_,
                     [this](std::string_view bytes) { std::fwrite(bytes.data(), 1, bytes.size(), file_); }};
    std::uint64_t next = 0;
    while (true) {
      tell_gap(next, service.log(), out);
      for (; next < service.log().end(); ++next) tell(service.log().at(next), out);
      if (std::fflush(file_) != 0 && !told_) {
        std::fprintf(stderr, "cannot write %s: %s; alerts are missing there\n", name_.c_str(),
                     std::generic_category().message(errno).c_str());
        told_ = true;
      }
      if (service.is_stopped()) co_return;
      co_await service.news().wait();
    }
  }

 private:
  std::FILE* file_;
  std::string name_;
  output_form form_;
  bool told_ = false;
};

/// Somebody who listens. What was written less than a second before a connection was found broken is sent again
/// on the next one: an alert may come twice, and does not get lost.
class network_sink final : public alert_sink {
 public:
  network_sink(std::string uri, common::collector_uri to) : uri_(std::move(uri)), to_(std::move(to)) {}

  asio::awaitable<void> run(ids_service& service) override {
    asio::steady_timer deadline{co_await asio::this_coro::executor};
    while (true) {
      const bool last = service.is_stopped();
      const std::error_code why = co_await send_more(service.log(), deadline);
      if (why && !std::exchange(told_, true)) {
        std::fprintf(stderr, "cannot deliver alerts to %s: %s; trying again\n", uri_.c_str(),
                     why.message().c_str());
      }
      if (!why) told_ = false;
      if (last && (why || next_ == service.log().end())) break;
      if (!why && next_ != service.log().end()) continue;
      const auto until = clock::now() + (why ? retry_time : still_time);
      co_await service.news().wait_until(until);
    }
    co_await hang_up(deadline);
  }

 private:
  using clock = std::chrono::steady_clock;
  static constexpr clock::duration patience = std::chrono::seconds{5};
  static constexpr clock::duration retry_time = std::chrono::seconds{1};
  /// When all is still, that is told: by that a broken connection is found, and a detector that was switched
  /// off.
  static constexpr clock::duration still_time = std::chrono::seconds{10};

  asio::awaitable<std::error_code> send_more(const alert_log& log, asio::steady_timer& deadline) {
    if (!stream_) {
      shoal::result<std::unique_ptr<shoal::net::byte_stream>> stream = co_await to_.dial(to_.where, patience);
      if (!stream) co_return stream.error();
      stream_ = std::move(*stream);
      next_ = safe_;
    }
    constexpr std::size_t enough = std::size_t{64} << 10;
    std::string text;
    const output out{output_form::cbor, [&text](std::string_view more) { text += more; }};
    std::uint64_t end = next_;
    tell_gap(end, log, out);
    for (; end < log.end() && text.size() < enough; ++end) tell(log.at(end), out);
    if (text.empty()) out.put("", {{"still", true}, {"time", shoal::monitor::utc_text(unix_now())}});
    const shoal::bytes_view bytes = shoal::as_bytes(text);
    close_after(deadline, patience);
    const shoal::result<> written = co_await stream_->write(bytes);
    deadline.cancel();
    if (!written) {
      stream_ = nullptr;
      co_return written.error();
    }
    const clock::time_point now = clock::now();
    if (now - wrote_ > std::chrono::seconds{1}) safe_ = next_;
    wrote_ = now;
    next_ = end;
    co_return std::error_code{};
  }

  /// To close a socket with unread bytes, such as tickets of TLS, makes the system throw away what is on its
  /// way.
  asio::awaitable<void> hang_up(asio::steady_timer& deadline) {
    if (!stream_) co_return;
    std::array<std::byte, 256> buffer{};
    const shoal::bytes_span room{buffer};
    close_after(deadline, std::chrono::milliseconds{300});
    [[maybe_unused]] const shoal::result<std::size_t> ended = co_await stream_->read(room);
    deadline.cancel();
    stream_->close();
  }

  void close_after(asio::steady_timer& timer, clock::duration time) {
    timer.expires_after(time);
    timer.async_wait([weak = std::weak_ptr{stream_}](std::error_code cancelled) {
      const auto late = cancelled ? nullptr : weak.lock();
      if (late) late->close();
    });
  }

  std::string uri_;
  common::collector_uri to_;
  std::shared_ptr<shoal::net::byte_stream> stream_;
  std::uint64_t next_ = 0;  // to be written
  std::uint64_t safe_ = 0;  // what is before it has arrived
  clock::time_point wrote_;
  bool told_ = false;
};

}  // namespace

std::unique_ptr<alert_sink> alert_sink::make(const std::string& uri, output_form form,
                                             const std::string& trust) {
  if (uri == "-") return std::make_unique<file_sink>(stdout, "standard output", form);
  if (uri.starts_with("cbor:") && uri.size() > 5) {
    const std::string path = uri.substr(5);
    std::FILE* const file = std::fopen(path.c_str(), "ae");
    if (file == nullptr) {
      throw failure{"cannot write " + path, std::error_code{errno, std::generic_category()},
                    "its folder must exist and be writable"};
    }
    return std::make_unique<file_sink>(file, path, output_form::cbor);
  }
  if (uri.starts_with("tcp://") || uri.starts_with("tls://")) {
    return std::make_unique<network_sink>(uri, common::parse_collector(uri, trust));
  }
  throw failure{"--alert: '" + uri + "' is nowhere to send alerts",
                "write -, cbor:FILE, tcp://HOST:PORT or tls://HOST:PORT", common::exit_usage};
}
