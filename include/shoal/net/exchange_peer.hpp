// SPDX-License-Identifier: BSL-1.0
//
// exchange_peer: what a block exchange keeps of a peer that speaks Bitswap with it. A part of
// net/block_exchange.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <system_error>
#include <utility>

#include <shoal/exchange/bitswap_message.hpp>
#include <shoal/exchange/peer_handle.hpp>
#include <shoal/net/bitswap_streams.hpp>
#include <shoal/net/peer_link.hpp>

namespace shoal::net {

/// What has gone to and fro, in bytes of blocks.
struct exchange_traffic {
  std::uint64_t blocks_received = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t bytes_sent = 0;

  /// A block of that size has come.
  void count(std::size_t size) noexcept {
    ++blocks_received;
    bytes_received += size;
  }
};

class exchange_peer final : public bitswap_listener {
 public:
  using hear = std::function<void(exchange_peer&, const exchange::bitswap_message&)>;
  using fail = std::function<void(exchange_peer&, std::error_code)>;

  exchange_peer(std::shared_ptr<peer_link> with, unsigned how_far, hear tell, fail complain)
      : link(std::move(with)), tier(how_far), tell_(std::move(tell)), complain_(std::move(complain)) {}

  void heard(const exchange::bitswap_message& message) override {
    if (tell_) tell_(*this, message);
  }
  void broken(std::error_code why) override {
    if (complain_) complain_(*this, why);
  }
  /// The exchange wants to hear no more of it.
  void forget() noexcept {
    tell_ = nullptr;
    complain_ = nullptr;
  }

  const std::shared_ptr<peer_link> link;
  const unsigned tier;
  exchange::peer_handle server{};         ///< what the server engine calls it
  exchange::peer_handle client{};         ///< what the client session calls it
  unsigned renewals = 0;                  ///< streams with wants that were lost since the last block
  std::shared_ptr<bitswap_sender> wants;  ///< so that a want does not stand behind blocks
  std::shared_ptr<bitswap_sender> replies;
  const std::shared_ptr<std::size_t> held = std::make_shared<std::size_t>(0);
  exchange_traffic traffic;

 private:
  hear tell_;
  fail complain_;
};

}  // namespace shoal::net
