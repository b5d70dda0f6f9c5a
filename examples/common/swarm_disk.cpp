// SPDX-License-Identifier: BSL-1.0
#include "swarm_disk.hpp"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>

#include <shoal/image/image_device.hpp>
#include <shoal/image/load_index.hpp>

#include "message.hpp"
#include "node.hpp"
#include "split.hpp"
#include "stores.hpp"

namespace common {

namespace {

node_options options_of(const std::string& uri) {
  const std::size_t query = uri.find('?');
  node_options options;
  for (const std::string_view part :
       split(query == uri.npos ? "" : std::string_view{uri}.substr(query + 1), '&')) {
    const std::size_t equals = std::min(part.find('='), part.size());
    const std::string_view key = part.substr(0, equals);
    const std::string value{part.substr(std::min(equals + 1, part.size()))};
    if (key == "bootstrap") {
      options.bootstrap.push_back(value);
    } else if (key == "neighbour") {
      options.neighbours.push_back(value);
    } else if (key == "listen") {
      options.listen.push_back(value);
    } else if (key == "gateway") {
      options.gateways.push_back(value);
    } else if (key == "mdns") {
      options.mdns = value != "0";
    } else if (key == "dht" && (value == "lan" || value == "public" || value == "off")) {
      options.dht = value;
    } else if (key == "cache") {
      options.cache = value;
    } else {
      throw failure{"'" + std::string{part} + "' says nothing about a swarm", swarm_help, exit_usage};
    }
  }
  return options;
}

}  // namespace

/// A peer with a thread of its own.
class swarm_disk::member {
 public:
  member(const std::string& uri, const std::function<bool()>& is_over)
      : options_(options_of(uri)),
        root_(parse_cid(uri.substr(0, uri.find('?')))),
        peer_(context_, options_),
        caller_(shoal::blocking_caller::there(context_, is_over)) {
    peer_.start();
    peer_.look_for(root_);
    thread_ = std::thread{[this] { context_.run(); }};
    try {
      open(uri);
    } catch (...) {
      end();
      throw;
    }
  }
  ~member() { end(); }
  member(const member&) = delete;
  member& operator=(const member&) = delete;

  void end() {
    context_.stop();
    if (thread_.joinable()) thread_.join();
  }

  [[nodiscard]] const shoal::any_device& device() const noexcept { return *device_; }
  [[nodiscard]] const shoal::blocking_caller& caller() const noexcept { return caller_; }
  [[nodiscard]] std::string traffic() const { return peer_.traffic(); }

 private:
  void open(const std::string& uri) {
    const shoal::result<shoal::image_index> index =
        caller_([this] { return shoal::load_image_index(peer_.blocks, digester_, root_, limits_); });
    if (!index) {
      if (index.error() == shoal::errc::canceled) throw failure{"interrupted", {}, exit_interrupted};
      throw failure{"cannot open the image swarm:" + uri, index.error(),
                    peer_.host.link_count() == 0 ? "no peer is connected: name one with bootstrap="
                                                 : "no connected peer sent it"};
    }
    // the exchange lives as long as this: nobody owns it
    const std::shared_ptr<exchange_of_node> blocks{std::shared_ptr<void>{}, &peer_.blocks};
    device_.emplace(
        shoal::image_device<exchange_of_node>{std::make_shared<const shoal::image_index>(*index), blocks});
  }

  node_options options_;
  shoal::cid root_;
  shoal::openssl::digester digester_;
  shoal::image_limits limits_;
  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{context_.get_executor()};
  node peer_;
  shoal::blocking_caller caller_;
  std::optional<shoal::any_device> device_;
  std::thread thread_;
};

swarm_disk::swarm_disk(const std::string& uri, const std::function<bool()>& is_over)
    : member_(std::make_unique<member>(uri, is_over)) {}
swarm_disk::~swarm_disk() = default;
const shoal::any_device& swarm_disk::device() const noexcept {
  return member_->device();
}
const shoal::blocking_caller& swarm_disk::caller() const noexcept {
  return member_->caller();
}
void swarm_disk::end() {
  member_->end();
}
std::string swarm_disk::traffic() const {
  return member_->traffic();
}

}  // namespace common
