// SPDX-License-Identifier: BSL-1.0
//
// raw_link: a connection with a peer that is honest up to the handshake, and then sends whatever it is given in
// place of yamux.
//
//     raw_link link{endpoint};                // somebody new each time; throws when it does not come about
//     if (!link.send(frames)) ...             // the peer has closed
#pragma once

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <string_view>
#include <vector>

#include <poll.h>
#include <sys/socket.h>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/libp2p/connection.hpp>
#include <shoal/libp2p/secure_channel.hpp>
#include <shoal/openssl/peer_crypto.hpp>

class raw_link {
 public:
  explicit raw_link(const asio::ip::tcp::endpoint& to)
      : socket_(context_),
        me_(seed().bytes()),
        channel_(shoal::libp2p::noise_role::initiator, me_, keys(), muxers) {
    socket_.connect(to);
    while (!channel_.established() || channel_.has_output()) {
      send_all([](shoal::bytes_span) { return std::size_t{0}; });
      if (!channel_.established()) wait(POLLIN, patience);
      if (closed_) throw std::runtime_error("refused during the handshake");
    }
  }

  /// Sends all of it, and forgets what comes meanwhile. False once the peer has closed.
  bool send(shoal::bytes_view text) {
    while (!closed_ && !text.empty()) {
      send_all([&](shoal::bytes_span room) {
        const std::size_t n = std::min(room.size(), text.size());
        std::ranges::copy(text.first(n), room.begin());
        text = text.subspan(n);
        return n;
      });
    }
    return !closed_;
  }

  /// Waits until the peer has said something that is not of the handshake. False if it never does.
  bool hear(std::chrono::milliseconds longest) {
    const auto end = std::chrono::steady_clock::now() + longest;
    while (!heard_ && !closed_ && std::chrono::steady_clock::now() < end) {
      wait(POLLIN, std::chrono::milliseconds{50});
    }
    return heard_;
  }

  /// Waits until the peer has closed. False if it does not.
  bool closes(std::chrono::milliseconds longest) {
    const auto end = std::chrono::steady_clock::now() + longest;
    while (!closed_ && std::chrono::steady_clock::now() < end) wait(POLLIN, std::chrono::milliseconds{50});
    return closed_;
  }

 private:
  static constexpr std::array<std::string_view, 1> muxers{shoal::libp2p::yamux_protocol};
  static constexpr std::chrono::milliseconds patience{10'000};

  static shoal::secret<32> seed() {
    shoal::secret<32> bytes;
    if (shoal::openssl::random{}.fill(bytes.bytes()) != shoal::status::ok)
      throw std::runtime_error("no randomness");
    return bytes;
  }
  static shoal::libp2p::connection_keys keys() { return {.identity_proof = seed(), .ephemeral = seed()}; }

  template <class Fill>
  void send_all(Fill&& fill) {
    const std::size_t size = channel_.produce(out_, fill);
    shoal::bytes_view rest = shoal::bytes_view{out_}.first(size);
    while (!rest.empty() && !closed_) {
      const ssize_t n = ::send(socket_.native_handle(), rest.data(), rest.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (n >= 0) {
        rest = rest.subspan(static_cast<std::size_t>(n));
      } else if (errno == EAGAIN) {
        wait(POLLIN | POLLOUT, patience);
      } else {
        closed_ = true;
      }
    }
  }

  void wait(short events, std::chrono::milliseconds longest) {
    pollfd one{socket_.native_handle(), events, 0};
    if (::poll(&one, 1, static_cast<int>(longest.count())) <= 0 || (one.revents & ~POLLOUT) == 0) return;
    const ssize_t n = ::recv(socket_.native_handle(), in_.data(), in_.size(), MSG_DONTWAIT);
    if (n <= 0) {
      closed_ = n == 0 || errno != EAGAIN;
      return;
    }
    channel_.receive(shoal::bytes_span{in_}.first(static_cast<std::size_t>(n)));
    while (true) {
      const auto text = channel_.next();
      if (!text) closed_ = true;
      if (!text || text->empty()) return;
      heard_ = true;
    }
  }

  asio::io_context context_;
  asio::ip::tcp::socket socket_;
  shoal::openssl::ed25519_signer me_;
  shoal::libp2p::secure_channel<shoal::openssl::peer_crypto> channel_;
  std::vector<std::byte> in_ = std::vector<std::byte>(64u << 10);
  std::vector<std::byte> out_ = std::vector<std::byte>(256u << 10);
  bool closed_ = false;
  bool heard_ = false;
};
