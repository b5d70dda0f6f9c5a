// SPDX-License-Identifier: BSL-1.0
//
// secured_stream: a byte_stream under a session that encrypts, such as TLS; and dial_secured: an http_dialer
// for https.
//
//     result<openssl::tls_trust> trust = openssl::tls_trust::of_system();
//     auto open = [trust = *trust](const std::string& host) { return trust.connect(host); };
//     net::gateway_client gateway{executor, where, digester, {}, net::dial_secured<openssl::tls_client>(open)};
//
// Knows no TLS itself: the session is a state machine (openssl/tls_client.hpp). http stays http.
#pragma once

#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/http/url.hpp>
#include <shoal/net/byte_stream.hpp>
#include <shoal/task/signal.hpp>
#include <shoal/task/task.hpp>

namespace shoal::net {

/// `receive(bytes)`: takes what came. `take_output()`: what is to be sent, asked for after every other call.
/// `shake_hands()`: true once the other side is who it should be, false while more has to be received.
/// `read(room)`: 0 when more has to be received, unless `has_ended()`. `write(bytes)`: all of them.
template <class S>
concept secure_session = std::movable<S> && requires(S& session, bytes_view bytes, bytes_span room) {
  { session.receive(bytes) } -> std::same_as<result<>>;
  { session.take_output() } -> std::same_as<std::vector<std::byte>>;
  { session.shake_hands() } -> std::same_as<result<bool>>;
  { session.read(room) } -> std::same_as<result<std::size_t>>;
  { session.write(bytes) } -> std::same_as<result<>>;
  { session.has_ended() } -> std::convertible_to<bool>;
};

/// Shakes hands with its first use, which is one read or one write; after that there can be one of each.
template <secure_session Session>
class secured_stream final : public byte_stream {
 public:
  secured_stream(std::unique_ptr<byte_stream> carrier, Session session)
      : carrier_(std::move(carrier)), session_(std::move(session)) {}

  task<std::size_t> read(bytes_span room) override {
    const result<> safe = co_await secure();
    if (!safe) co_return safe.error();
    while (true) {
      const result<std::size_t> size = session_.read(room);
      // a writer takes along what a reader has to say: who waited for it might be waited for
      result<> told;
      if (!sending_) told = co_await flush();
      if (!size) co_return size.error();
      if (*size != 0 || session_.has_ended()) co_return *size;
      if (!told) co_return told.error();
      const result<bool> more = co_await receive();
      if (!more) co_return more.error();
      // an end without a farewell is an end still: what was said has a length of its own
      if (!*more) co_return std::size_t{0};
    }
  }

  task<> write(bytes_view bytes) override {
    const result<> safe = co_await secure();
    if (!safe) co_return safe.error();
    const result<> sealed = session_.write(bytes);
    if (!sealed) co_return sealed.error();
    co_return co_await flush();
  }

  void close() noexcept override { carrier_->close(); }

 private:
  task<> secure() {
    while (!secure_) {
      const result<bool> agreed = session_.shake_hands();
      const result<> told = co_await flush();  // a refusal has its reason told
      if (!agreed) co_return agreed.error();
      if (!told) co_return told.error();
      secure_ = *agreed;
      if (secure_) break;
      const result<bool> more = co_await receive();
      if (!more) co_return more.error();
      if (!*more) co_return errc::closed;
    }
    co_return result<>{};
  }

  /// Says what there is to say, after whoever is saying something.
  task<> flush() {
    while (sending_) co_await sent_.wait();
    sending_ = true;
    result<> told;
    while (told) {
      const std::vector<std::byte> output = session_.take_output();
      if (output.empty()) break;
      const bytes_view bytes = output;
      told = co_await carrier_->write(bytes);
    }
    sending_ = false;
    sent_.notify();
    co_return told;
  }

  /// False when the stream has ended.
  task<bool> receive() {
    const bytes_span room{buffer_};
    const result<std::size_t> size = co_await carrier_->read(room);
    if (!size) co_return size.error();
    if (*size == 0) co_return false;
    const result<> taken = session_.receive(bytes_view{buffer_}.first(*size));
    if (!taken) co_return taken.error();
    co_return true;
  }

  std::unique_ptr<byte_stream> carrier_;
  Session session_;
  std::array<std::byte, 17u << 10> buffer_;  // a record of TLS and what is around it
  bool secure_ = false;
  bool sending_ = false;
  signal sent_;
};

namespace detail {

template <secure_session Session>
task<std::unique_ptr<byte_stream>> dial_secured(std::function<result<Session>(const std::string&)> open,
                                                const http::url& where,
                                                std::chrono::steady_clock::duration time) {
  http::url carrier = where;
  carrier.secure = false;
  result<std::unique_ptr<byte_stream>> stream = co_await dial_plain(carrier, time);
  if (!stream || !where.secure) co_return stream;
  result<Session> session = open(where.host);
  if (!session) co_return session.error();
  std::unique_ptr<byte_stream> secured =
      std::make_unique<secured_stream<Session>>(std::move(*stream), std::move(*session));
  co_return secured;
}

}  // namespace detail

/// Dials https with a session that `open` makes for the name of the server, and http without one.
template <secure_session Session>
[[nodiscard]] http_dialer dial_secured(std::function<result<Session>(const std::string& host)> open) {
  return [open = std::move(open)](const http::url& where, std::chrono::steady_clock::duration time) {
    return detail::dial_secured<Session>(open, where, time);
  };
}

}  // namespace shoal::net
