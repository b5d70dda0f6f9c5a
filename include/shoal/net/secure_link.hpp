// SPDX-License-Identifier: BSL-1.0
//
// secure_link: one TCP connection of a swarm: it moves bytes between a socket and libp2p/connection.hpp, hands
// events to the users of the streams, and notices when the peer is dead.
//
//     auto link = std::make_shared<secure_link<openssl::peer_crypto>>(std::move(socket), owner, buffers, ...);
//     link->start();                        // owner.up(link), then owner.accepted(...), at last
//     owner.down(...)
//
// A part of net/swarm_host.hpp, which is what to use.
#pragma once

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

#include <sys/socket.h>
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/base/shared_bytes.hpp>
#include <shoal/crypto/random_source.hpp>
#include <shoal/detail/asio.hpp>
#include <shoal/libp2p/connection.hpp>
#include <shoal/libp2p/crypto_suite.hpp>
#include <shoal/libp2p/multiaddr.hpp>
#include <shoal/libp2p/peer_id.hpp>
#include <shoal/net/peer_link.hpp>
#include <shoal/os/posix/unique_fd.hpp>

namespace shoal::net {

/// What a host needs: a crypto_suite with randomness.
template <class S>
concept swarm_suite = libp2p::crypto_suite<S> && random_source<typename S::random>;

/// Whom a link tells how it fares, until it is closed.
class link_owner {
 public:
  /// The peer has proved who it is. @return false: it is not wanted
  virtual bool up(const std::shared_ptr<peer_link>& link) = 0;
  /// The peer has opened a stream. @return who hears it; null: nobody
  virtual std::shared_ptr<stream_user> accepted(const std::shared_ptr<peer_link>& link,
                                                libp2p::stream_id stream, std::string_view protocol) = 0;
  /// The link is over. @param established  whether it was up
  virtual void down(const std::shared_ptr<peer_link>& link, bool established, std::error_code why) = 0;

 protected:
  ~link_owner() = default;
};

/// Where all links of a strand receive to and produce from: an idle link holds no buffer. What is read at once
/// is what others on the strand wait for, some 0.2 ms; what is sent at once, the peer can decrypt while the
/// next is encrypted.
struct link_buffers {
  std::vector<std::byte> in = std::vector<std::byte>(128u << 10);
  std::vector<std::byte> out = std::vector<std::byte>(64u << 10);
};

struct link_times {
  /// Everything from the TCP connection to the first stream.
  std::chrono::steady_clock::duration upgrade = std::chrono::seconds{10};
  /// Between two signs of life that are asked for. A peer that gives none for so long is dead.
  std::chrono::steady_clock::duration keep_alive = std::chrono::seconds{15};
};

template <swarm_suite Suite>
class secure_link final : public peer_link, public std::enable_shared_from_this<secure_link<Suite>> {
 public:
  /// @param me  outlives the link
  secure_link(asio::ip::tcp::socket socket, link_owner& owner, std::shared_ptr<link_buffers> buffers,
              libp2p::noise_role role, const typename Suite::signer& me, const libp2p::connection_keys& keys,
              libp2p::connection_options options, libp2p::multiaddr remote, const link_times& times)
      : socket_(std::move(socket)),
        timer_(socket_.get_executor()),
        owner_(owner),
        buffers_(std::move(buffers)),
        connection_(role, me, keys, std::move(options)),
        dialed_(role == libp2p::noise_role::initiator),
        remote_(std::move(remote)),
        times_(times) {}

  /// Once, after construction.
  void start() {
    const auto self = this->shared_from_this();
    asio::co_spawn(socket_.get_executor(), read(self), asio::detached);
    asio::co_spawn(socket_.get_executor(), watch(self), asio::detached);
    flush();
  }
  [[nodiscard]] const libp2p::peer_id& peer() const noexcept override { return peer_; }
  [[nodiscard]] const libp2p::multiaddr& remote() const noexcept override { return remote_; }
  [[nodiscard]] bool dialed() const noexcept override { return dialed_; }
  [[nodiscard]] bool is_open() const noexcept override { return open_; }
  [[nodiscard]] std::optional<clock::duration> round_trip() const noexcept override { return round_trip_; }
  /// Of all that was received and sent, in bytes.
  [[nodiscard]] std::uint64_t received() const noexcept { return received_; }
  [[nodiscard]] std::uint64_t sent() const noexcept { return sent_; }

  result<libp2p::stream_id> open(std::string_view protocol, std::shared_ptr<stream_user> user) override {
    if (!open_ || !connection_.established()) return errc::closed;
    const result<libp2p::stream_id> stream = connection_.open(protocol);
    if (stream) users_.emplace(*stream, record{std::move(user)});
    flush_soon();
    return stream;
  }
  result<> write(libp2p::stream_id stream, shared_bytes bytes) override {
    flush_soon();
    return connection_.write(stream, std::move(bytes));
  }
  [[nodiscard]] std::size_t queued(libp2p::stream_id stream) const noexcept override {
    return connection_.queued(stream);
  }
  void notify_drained(libp2p::stream_id stream) override {
    connection_.notify_drained(stream);
    flush_soon();
  }
  void finish(libp2p::stream_id stream) override {
    connection_.finish(stream);
    flush_soon();
    const auto found = users_.find(stream);
    if (found == users_.end()) return;
    found->second.finishing = true;
    if (found->second.ended) users_.erase(found);
  }
  void reset(libp2p::stream_id stream) override {
    connection_.reset(stream);
    users_.erase(stream);
    flush_soon();
  }
  void close(std::error_code why) override {
    if (!open_) return;
    open_ = false;
    say_goodbye();
    std::error_code ignored;
    socket_.close(ignored);
    timer_.cancel();
    const std::error_code reason = why ? why : make_error_code(errc::closed);
    const auto users = std::exchange(users_, {});
    for (const auto& [stream, one] : users) one.user->gone(reason);
    owner_.down(this->shared_from_this(), up_, reason);
  }

 private:
  using kind = libp2p::connection_event::kind;
  using self_ptr = std::shared_ptr<secure_link>;

  struct record {
    std::shared_ptr<stream_user> user;
    bool ended = false;      // the peer has finished
    bool finishing = false;  // this side has
  };

  static asio::awaitable<void> read(self_ptr self) {
    while (self->open_) {
      const auto [error] =
          co_await self->socket_.async_wait(asio::ip::tcp::socket::wait_read, shoal::detail::no_throw);
      if (error || !self->open_) co_return;
      self->receive();
    }
  }

  /// Reads once, so that others have their turn behind it, and handles what came.
  void receive() {
    const ssize_t n = ::recv(socket_.native_handle(), buffers_->in.data(), buffers_->in.size(), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
    if (n <= 0) return close(n == 0 ? make_error_code(errc::closed) : posix::last_error());
    const auto size = static_cast<std::size_t>(n);
    received_ += size;
    connection_.receive(bytes_span{buffers_->in}.first(size));
    dispatch();
    flush();
  }

  void dispatch() {
    while (open_) {
      const libp2p::connection_event event = connection_.next();
      if (event.what == kind::starved) return;
      handle(event);
    }
  }

  void handle(const libp2p::connection_event& event) {
    switch (event.what) {
      case kind::ready: return meet();
      case kind::accepted: return welcome(event);
      case kind::data: {
        const std::shared_ptr<stream_user> user = user_of(event.stream);
        if (user) user->data(event.bytes);
        connection_.consume(event.stream, event.bytes.size());
        return;
      }
      case kind::finished: {
        const auto found = users_.find(event.stream);
        if (found == users_.end()) return;
        found->second.ended = true;
        const bool over = found->second.finishing;
        const std::shared_ptr<stream_user> user = found->second.user;
        user->finished();
        if (over) drop(event.stream, {});
        return;
      }
      case kind::drained:
        if (const std::shared_ptr<stream_user> user = user_of(event.stream)) user->drained();
        return;
      case kind::refused: return drop(event.stream, make_error_code(errc::unsupported));
      case kind::reset: return drop(event.stream, make_error_code(errc::closed));
      case kind::pong:
        if (event.value == pings_) hear_pong();
        return;
      case kind::failed: return close(event.error);
      case kind::agreed:
      case kind::going_away:
      case kind::starved: return;
    }
  }

  void meet() {
    peer_ = connection_.peer().id;
    up_ = true;
    ping();
    timer_.expires_after(times_.keep_alive);
    if (!owner_.up(this->shared_from_this())) close(make_error_code(errc::busy));
  }

  void welcome(const libp2p::connection_event& event) {
    std::shared_ptr<stream_user> user = owner_.accepted(this->shared_from_this(), event.stream, event.protocol);
    if (user) {
      users_.emplace(event.stream, record{std::move(user)});
    } else {
      connection_.reset(event.stream);
    }
  }

  [[nodiscard]] std::shared_ptr<stream_user> user_of(libp2p::stream_id stream) const {
    const auto found = users_.find(stream);
    return found == users_.end() ? nullptr : found->second.user;
  }

  void drop(libp2p::stream_id stream, std::error_code why) {
    const auto found = users_.find(stream);
    if (found == users_.end()) return;
    const std::shared_ptr<stream_user> user = std::move(found->second.user);
    users_.erase(found);
    user->gone(why);
  }

  // --- out

  /// Several writes in a row are sent together.
  void flush_soon() {
    if (std::exchange(flush_posted_, true)) return;
    asio::post(socket_.get_executor(), [self = this->shared_from_this()] {
      self->flush_posted_ = false;
      self->flush();
    });
  }

  void flush() {
    while (open_ && !waiting_to_write_) {
      if (!send_kept()) return;
      const std::size_t n = connection_.produce(buffers_->out);
      if (n == 0) break;
      kept_ = bytes_view{buffers_->out}.first(n);
    }
    dispatch();  // writers hear that their queues are low
  }

  /// Sends what was produced. False when the kernel takes no more of it now.
  bool send_kept() {
    while (!kept_.empty()) {
      const ssize_t n =
          ::send(socket_.native_handle(), kept_.data(), kept_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (n >= 0) {
        sent_ += static_cast<std::size_t>(n);
        kept_ = kept_.subspan(static_cast<std::size_t>(n));
      } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
        wait_to_write();
        return false;
      } else if (errno != EINTR) {
        close(posix::last_error());
        return false;
      }
    }
    own_.clear();
    return true;
  }

  void wait_to_write() {
    if (own_.empty()) {  // the rest leaves the buffer that all share
      own_.assign(kept_.begin(), kept_.end());
      kept_ = own_;
    }
    waiting_to_write_ = true;
    socket_.async_wait(asio::ip::tcp::socket::wait_write,
                       [self = this->shared_from_this()](std::error_code error) {
                         self->waiting_to_write_ = false;
                         if (!error) self->flush();
                       });
  }

  /// Why a connection ends is the last thing that is said on it, if it can be said now.
  void say_goodbye() {
    if (waiting_to_write_) return;
    if (up_) connection_.go_away();
    const std::size_t n = connection_.produce(buffers_->out);
    (void)::send(socket_.native_handle(), buffers_->out.data(), n, MSG_DONTWAIT | MSG_NOSIGNAL);
  }

  // --- signs of life

  static asio::awaitable<void> watch(self_ptr self) {
    self->timer_.expires_after(self->times_.upgrade);
    while (true) {
      const auto [restarted] = co_await self->timer_.async_wait(shoal::detail::no_throw);
      if (!self->open_) co_return;
      if (restarted) continue;
      const bool silent = std::exchange(self->heard_, self->received_) == self->received_;
      if (!self->up_ || (self->awaiting_pong_ && silent)) {
        self->close(make_error_code(errc::timed_out));
        co_return;
      }
      for (const libp2p::stream_id stream : self->connection_.reset_stalled()) {
        self->drop(stream, make_error_code(errc::timed_out));
      }
      if (self->kept_.empty()) self->own_ = {};
      self->timer_.expires_after(self->times_.keep_alive);
      if (!self->awaiting_pong_) {
        self->ping();
        self->flush_soon();
      }
    }
  }

  void ping() {
    awaiting_pong_ = true;
    pinged_at_ = clock::now();
    connection_.ping(++pings_);
  }

  void hear_pong() {
    const clock::duration took = clock::now() - pinged_at_;
    // an old minimum gives way by and by: routes change
    round_trip_ = round_trip_ ? std::min(took, *round_trip_ + *round_trip_ / 8) : took;
    awaiting_pong_ = false;
  }

  asio::ip::tcp::socket socket_;
  asio::steady_timer timer_;
  link_owner& owner_;
  std::shared_ptr<link_buffers> buffers_;
  libp2p::connection<Suite> connection_;
  std::unordered_map<libp2p::stream_id, record> users_;
  libp2p::peer_id peer_;
  bool dialed_;
  libp2p::multiaddr remote_;
  link_times times_;
  bool open_ = true;
  bool up_ = false;
  bool flush_posted_ = false;
  bool waiting_to_write_ = false;
  bytes_view kept_;  // produced and not sent: of the shared buffer, or of own_
  std::vector<std::byte> own_;
  std::uint64_t received_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t heard_ = 0;  // received_ when it was last looked at
  std::uint32_t pings_ = 0;
  bool awaiting_pong_ = false;
  clock::time_point pinged_at_;
  std::optional<clock::duration> round_trip_;
};

}  // namespace shoal::net
