// SPDX-License-Identifier: BSL-1.0
//
// bitswap_sender and bitswap_receiver: Bitswap messages over the streams of a link, in both directions. Answers
// never come on the stream of the question: each side has streams of its own to send on.
//
//     auto sender = std::make_shared<bitswap_sender>(link, sent, lost);
//     sender->send(std::move(message));                     // sent(size) once most of it is on its way
//     host.handle(bitswap_protocol, [&](const auto& link, auto stream) {
//       return std::make_shared<bitswap_receiver>(link, stream, listener, held);
//     });
//
// Parts of net/block_exchange.hpp, which is what to use.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/exchange/bitswap_message.hpp>
#include <shoal/exchange/bitswap_writer.hpp>
#include <shoal/libp2p/delimited.hpp>
#include <shoal/net/peer_link.hpp>

namespace shoal::net {

inline constexpr std::string_view bitswap_protocol = "/ipfs/bitswap/1.2.0";

/// Sends messages on one stream, which it opens when there is something to say and ends when there has been
/// nothing for a while: others reset what is idle, and would lose what is said just then.
class bitswap_sender final : public stream_user, public std::enable_shared_from_this<bitswap_sender> {
 public:
  using clock = std::chrono::steady_clock;
  static constexpr clock::duration longest_idle = std::chrono::seconds{4};

  /// @param sent  is told how many bytes of messages have left, or nearly
  /// @param lost  is told that messages may not have arrived: errc::unsupported when the peer does not speak
  /// Bitswap
  bitswap_sender(std::shared_ptr<peer_link> link, std::function<void(std::size_t)> sent,
                 std::function<void(std::error_code)> lost)
      : link_(std::move(link)), sent_(std::move(sent)), lost_(std::move(lost)) {}

  void send(exchange::outgoing_message&& message) {
    used_at_ = clock::now();
    outstanding_ += message.size;
    if (!stream_) {
      const result<libp2p::stream_id> opened = link_->open(bitswap_protocol, shared_from_this());
      if (!opened) return forget(opened.error());
      stream_ = *opened;
    }
    for (shared_bytes& piece : message.pieces) {
      if (const result<> written = link_->write(*stream_, std::move(piece)); !written) {
        return forget(written.error());
      }
    }
    link_->notify_drained(*stream_);
  }

  /// To be called now and then.
  void rest(clock::time_point now) {
    if (!stream_ || outstanding_ != 0 || now - used_at_ < longest_idle) return;
    link_->finish(*stream_);
    stream_.reset();
  }

  void data(bytes_view) override {}
  void drained() override { sent_(std::exchange(outstanding_, 0)); }
  void gone(std::error_code why) override {
    // an idle stream that the peer has closed, or one that rest() has
    if (!stream_ || (!why && outstanding_ == 0)) return;
    forget(why);
  }

 private:
  void forget(std::error_code why) {
    stream_.reset();
    if (outstanding_ != 0) sent_(std::exchange(outstanding_, 0));
    lost_(why);
  }

  std::shared_ptr<peer_link> link_;
  std::function<void(std::size_t)> sent_;
  std::function<void(std::error_code)> lost_;
  std::optional<libp2p::stream_id> stream_;
  std::size_t outstanding_ = 0;
  clock::time_point used_at_{};
};

/// Hears what a peer says over Bitswap.
class bitswap_listener {
 public:
  /// A message, valid during the call.
  virtual void heard(const exchange::bitswap_message& message) = 0;
  /// The peer has said what is no message, or too much at a time; the stream is gone.
  virtual void broken(std::error_code why) = 0;

 protected:
  ~bitswap_listener() = default;
};

/// Reads messages from a stream that the peer has opened.
class bitswap_receiver final : public stream_user {
 public:
  /// Bytes of messages that are not whole, on all streams of a peer together; it may begin two of the largest.
  static constexpr std::size_t max_held = 2 * exchange::max_message_size;

  /// @param held  such bytes of this peer so far: shared by all its receivers
  bitswap_receiver(std::shared_ptr<peer_link> link, libp2p::stream_id stream,
                   std::weak_ptr<bitswap_listener> listener, std::shared_ptr<std::size_t> held)
      : link_(std::move(link)), stream_(stream), listener_(std::move(listener)), held_(std::move(held)) {}
  bitswap_receiver(const bitswap_receiver&) = delete;
  bitswap_receiver& operator=(const bitswap_receiver&) = delete;
  ~bitswap_receiver() override { *held_ -= mine_; }

  void data(bytes_view bytes) override {
    const std::shared_ptr<bitswap_listener> listener = listener_.lock();
    if (!listener) return link_->reset(stream_);
    while (true) {
      const result<std::optional<bytes_view>> body = reader_.next(bytes);
      if (!body) return fail(*listener, body.error());
      if (!*body) break;
      const result<exchange::bitswap_message> message = exchange::bitswap_message::parse(**body);
      if (!message) return fail(*listener, message.error());
      listener->heard(*message);
    }
    *held_ += reader_.held() - mine_;
    mine_ = reader_.held();
    if (*held_ > max_held) fail(*listener, make_error_code(errc::limit_exceeded));
  }
  void finished() override { link_->finish(stream_); }

 private:
  void fail(bitswap_listener& listener, std::error_code why) {
    link_->reset(stream_);
    listener.broken(why);
  }

  std::shared_ptr<peer_link> link_;
  libp2p::stream_id stream_;
  std::weak_ptr<bitswap_listener> listener_;
  std::shared_ptr<std::size_t> held_;
  std::size_t mine_ = 0;
  libp2p::delimited_reader reader_{exchange::max_message_size};
};

}  // namespace shoal::net
