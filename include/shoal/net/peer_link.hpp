// SPDX-License-Identifier: BSL-1.0
//
// peer_link: a connection to a peer as the protocols see it, which open streams on it and hear what comes;
// stream_user: who hears. What is under it (net/secure_link.hpp) they need not know.
//
//     class echo : public net::stream_user { void data(bytes_view bytes) override { ... } ... };
//     result<stream_id> s = link->open("/echo/1.0.0", std::make_shared<echo>());
//     link->write(*s, share(std::move(request)));
//
// One strand. Nothing blocks: what the network does not take yet is queued, see queued() and notify_drained().
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/base/shared_bytes.hpp>
#include <shoal/libp2p/multiaddr.hpp>
#include <shoal/libp2p/peer_id.hpp>
#include <shoal/libp2p/yamux_event.hpp>

namespace shoal::net {

/// Hears what happens on one stream. Called on the link's strand; it may do anything with the link meanwhile.
class stream_user {
 public:
  virtual ~stream_user() = default;

  /// Bytes have come. They are valid during the call, after which the peer may send as many more.
  virtual void data(bytes_view bytes) = 0;
  /// The peer sends no more. Writing goes on until finish().
  virtual void finished() {}
  /// What peer_link::notify_drained() asked for.
  virtual void drained() {}
  /// The stream is over, and nothing more will be heard: no error when both sides have finished,
  /// errc::unsupported when the peer does not speak the protocol, errc::closed when it was reset, the
  /// connection's error when that ended. Not called for what this side has reset.
  virtual void gone(std::error_code) {}
};

class peer_link {
 public:
  using clock = std::chrono::steady_clock;

  virtual ~peer_link() = default;

  [[nodiscard]] virtual const libp2p::peer_id& peer() const noexcept = 0;
  /// Where the peer is, as this side sees it: an IP address and a TCP port.
  [[nodiscard]] virtual const libp2p::multiaddr& remote() const noexcept = 0;
  /// True for a connection that this side has made.
  [[nodiscard]] virtual bool dialed() const noexcept = 0;
  [[nodiscard]] virtual bool is_open() const noexcept = 0;
  /// The shortest round trip of late, once one has been measured.
  [[nodiscard]] virtual std::optional<clock::duration> round_trip() const noexcept = 0;

  /// A new stream, which may be written to at once. errc::closed, errc::busy, errc::limit_exceeded.
  virtual result<libp2p::stream_id> open(std::string_view protocol, std::shared_ptr<stream_user> user) = 0;
  /// Queues bytes. errc::closed when the stream is gone or finish() was called.
  virtual result<> write(libp2p::stream_id stream, shared_bytes bytes) = 0;
  /// Bytes that were written and not yet given to the network.
  [[nodiscard]] virtual std::size_t queued(libp2p::stream_id stream) const noexcept = 0;
  /// Asks for one stream_user::drained(), once little is queued.
  virtual void notify_drained(libp2p::stream_id stream) = 0;
  /// Ends the own side, behind what is queued.
  virtual void finish(libp2p::stream_id stream) = 0;
  /// Ends both sides at once; its user hears no more.
  virtual void reset(libp2p::stream_id stream) = 0;
  /// Ends the connection; all users hear so.
  virtual void close(std::error_code why) = 0;
};

/// What a host does with a stream that a peer has opened: gives who hears it, or null to reset it.
using stream_handler = std::function<std::shared_ptr<stream_user>(const std::shared_ptr<peer_link>& link,
                                                                  libp2p::stream_id stream)>;

}  // namespace shoal::net
