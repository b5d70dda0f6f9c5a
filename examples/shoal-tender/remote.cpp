// SPDX-License-Identifier: BSL-1.0
#include "remote.hpp"

#include <cstdio>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <asio/io_context.hpp>

#include <shoal/task/io_pool.hpp>

#include "../common/context_thread.hpp"
#include "../common/devices.hpp"
#include "../common/nbd_disk.hpp"
#include "../common/swarm_disk.hpp"
#include "../common/uri.hpp"

namespace {

class all_remote_disks final : public remote_disks {
 public:
  explicit all_remote_disks(std::function<bool()> is_over) : is_over_(std::move(is_over)) {}
  ~all_remote_disks() override { all_remote_disks::stop(); }

  remote_disk open(const std::string& uri, bool read_only) override {
    if (uri.starts_with("swarm:")) {
      const common::swarm_disk& from = swarms_.emplace_back(uri.substr(6), is_over_);
      return {from.device(), from.caller()};
    }
    if (common::is_nbd(uri)) {
      if (!servers_) servers_.emplace();
      return {common::open_nbd(servers_->context(), uri, read_only), servers_->caller(is_over_)};
    }
    if (!pool_) pool_.emplace();
    const common::device_opener opener{here_, *pool_, read_only, std::nullopt};
    return {opener.open(uri), shoal::blocking_caller::here(here_)};
  }

  void start() override {
    if (servers_) servers_->start();
  }
  void stop() override {
    if (servers_) servers_->stop();
    for (common::swarm_disk& each : swarms_) each.end();
  }
  void tell() const override {
    for (const common::swarm_disk& each : swarms_) std::fprintf(stderr, "%s\n", each.traffic().c_str());
  }

 private:
  std::function<bool()> is_over_;
  asio::io_context here_{1};                       // of images: the guest's thread reads them itself
  std::optional<common::context_thread> servers_;  // may keep others waiting
  std::optional<shoal::io_pool> pool_;
  std::deque<common::swarm_disk> swarms_;
};

}  // namespace

std::unique_ptr<remote_disks> make_remote_disks(std::function<bool()> is_over) {
  return std::make_unique<all_remote_disks>(std::move(is_over));
}
