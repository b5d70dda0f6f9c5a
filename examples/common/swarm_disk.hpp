// SPDX-License-Identifier: BSL-1.0
//
// swarm_disk: an image that comes from peers while it is read: this program is one of them.
//
//     common::swarm_disk disk{"bafybei...?bootstrap=/ip4/192.0.2.1/tcp/4001/p2p/12D3KooW...", is_over};
//     shoal::posix::blocking_disk guest_disk{disk.device(), disk.caller()};
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <shoal/block/any_device.hpp>
#include <shoal/task/blocking_caller.hpp>

namespace common {

class swarm_disk {
 public:
  /// @param uri      CID?KEY=VALUE&..., see swarm_help
  /// @param is_over  asked now and then: true when nobody waits any more. @throws common::failure
  swarm_disk(const std::string& uri, const std::function<bool()>& is_over);
  ~swarm_disk();
  swarm_disk(const swarm_disk&) = delete;
  swarm_disk& operator=(const swarm_disk&) = delete;

  [[nodiscard]] const shoal::any_device& device() const noexcept;
  [[nodiscard]] const shoal::blocking_caller& caller() const noexcept;
  /// The peer ends.
  void end();
  /// What was received, and from whom, in words. Of one that has ended.
  [[nodiscard]] std::string traffic() const;

 private:
  class member;
  std::unique_ptr<member> member_;
};

inline constexpr const char* swarm_help =
    "swarm:CID?bootstrap=MULTIADDR&neighbour=MULTIADDR&mdns=1&dht=off&cache=64M&listen=MULTIADDR";

}  // namespace common
