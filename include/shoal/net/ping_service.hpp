// SPDX-License-Identifier: BSL-1.0
//
// ping_service: answers pings; ping(): how far away a peer is (libp2p specs, ping/ping.md).
//
//     net::ping_service answers{host};
//     result<std::chrono::nanoseconds> took = co_await net::ping(link, random_bytes, std::chrono::seconds{5});
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/base/shared_bytes.hpp>
#include <shoal/libp2p/ping.hpp>
#include <shoal/net/peer_link.hpp>
#include <shoal/net/swarm.hpp>
#include <shoal/task/signal.hpp>
#include <shoal/task/task.hpp>

namespace shoal::net {

class ping_service {
 public:
  /// The swarm outlives it.
  explicit ping_service(swarm& with) : swarm_(with) {
    swarm_.handle(std::string{libp2p::ping_protocol},
                  [](const std::shared_ptr<peer_link>& link, libp2p::stream_id stream) {
                    return std::make_shared<echo>(link, stream);
                  });
  }
  ~ping_service() { swarm_.handle(std::string{libp2p::ping_protocol}, {}); }
  ping_service(const ping_service&) = delete;
  ping_service& operator=(const ping_service&) = delete;

 private:
  /// Answers that may wait to be sent: who asks for more and does not read is cut off.
  static constexpr std::size_t max_queued = 64 * libp2p::ping_size;

  class echo final : public stream_user {
   public:
    echo(std::shared_ptr<peer_link> link, libp2p::stream_id stream) : link_(std::move(link)), stream_(stream) {}
    void data(bytes_view in) override {
      if (link_->queued(stream_) > max_queued) return link_->reset(stream_);
      std::vector<std::byte> answer = echo_.next(in);
      if (!answer.empty()) (void)link_->write(stream_, share(std::move(answer)));
    }
    void finished() override { link_->finish(stream_); }

   private:
    std::shared_ptr<peer_link> link_;
    libp2p::stream_id stream_;
    libp2p::ping_echo echo_;
  };

  swarm& swarm_;
};

/// The time that 32 bytes take to a peer and back.
///
/// errc::timed_out; errc::unsupported when the peer does not answer pings; errc::malformed for another answer;
/// otherwise why the stream ended.
inline task<std::chrono::nanoseconds> ping(std::shared_ptr<peer_link> link,
                                           std::array<std::byte, libp2p::ping_size> random,
                                           std::chrono::steady_clock::duration patience) {
  struct asker final : stream_user {
    void data(bytes_view in) override {
      const auto took = sender.next(in, std::chrono::steady_clock::now());
      if (!took) outcome = took.error();
      if (took && *took) outcome = std::chrono::nanoseconds{**took};
      if (outcome) changed.notify();
    }
    void gone(std::error_code why) override {
      if (!outcome) outcome = why ? why : make_error_code(errc::closed);
      changed.notify();
    }
    libp2p::ping_sender sender;
    std::optional<result<std::chrono::nanoseconds>> outcome;
    signal changed;
  };
  const auto asking = std::make_shared<asker>();
  const result<libp2p::stream_id> stream = link->open(libp2p::ping_protocol, asking);
  if (!stream) co_return stream.error();
  const bytes_view said = asking->sender.start(random, std::chrono::steady_clock::now());
  (void)link->write(*stream, share({said.begin(), said.end()}));
  asio::steady_timer deadline{co_await asio::this_coro::executor, patience};
  deadline.async_wait([asking](std::error_code cancelled) {
    if (cancelled || asking->outcome) return;
    asking->outcome = make_error_code(errc::timed_out);
    asking->changed.notify();
  });
  while (!asking->outcome) co_await asking->changed.wait();
  deadline.cancel();
  link->reset(*stream);
  co_return *asking->outcome;
}

}  // namespace shoal::net
