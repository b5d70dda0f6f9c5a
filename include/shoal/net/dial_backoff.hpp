// SPDX-License-Identifier: BSL-1.0
//
// dial_backoff: which addresses have failed lately, and when they may be tried again.
//
//     if (backoff.may_dial(address, now)) ...
//     backoff.failed(address, now);   // twice as long each time
//     backoff.worked(address);
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <unordered_map>

#include <shoal/libp2p/multiaddr.hpp>

namespace shoal::net {

class dial_backoff {
 public:
  using clock = std::chrono::steady_clock;
  static constexpr clock::duration first = std::chrono::milliseconds{500};
  static constexpr clock::duration longest = std::chrono::minutes{5};
  /// Addresses that are remembered; with more, all whose time is over are forgotten, or else all.
  static constexpr std::size_t max_addresses = 1024;

  [[nodiscard]] bool may_dial(const libp2p::multiaddr& address, clock::time_point now) const {
    const auto found = failures_.find(address);
    return found == failures_.end() || now >= found->second.until;
  }

  void failed(const libp2p::multiaddr& address, clock::time_point now) {
    if (failures_.size() >= max_addresses && !failures_.contains(address)) {
      std::erase_if(failures_, [now](const auto& one) { return now >= one.second.until; });
      if (failures_.size() >= max_addresses) failures_.clear();
    }
    failure& f = failures_[address];
    f.pause = f.pause == clock::duration{} ? first : std::min(2 * f.pause, longest);
    f.until = now + f.pause;
  }

  void worked(const libp2p::multiaddr& address) { failures_.erase(address); }

 private:
  struct failure {
    clock::duration pause{};
    clock::time_point until;
  };

  std::unordered_map<libp2p::multiaddr, failure> failures_;
};

}  // namespace shoal::net
