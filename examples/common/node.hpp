// SPDX-License-Identifier: BSL-1.0
//
// node: a peer put together from its parts, as the options of the command line say: a host, what it speaks, and
// how it finds others.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <unordered_set>
#include <vector>

#include <CLI/CLI.hpp>
#include <asio/io_context.hpp>

#include <shoal/libp2p/multiaddr.hpp>
#include <shoal/libp2p/peer_id.hpp>
#include <shoal/net/block_exchange.hpp>
#include <shoal/net/gateway_client.hpp>
#include <shoal/net/identify_service.hpp>
#include <shoal/net/kad_node.hpp>
#include <shoal/net/mdns.hpp>
#include <shoal/net/peer_keeper.hpp>
#include <shoal/net/ping_service.hpp>
#include <shoal/net/swarm_host.hpp>
#include <shoal/openssl/digester.hpp>
#include <shoal/openssl/peer_crypto.hpp>
#include <shoal/store/memory_cache.hpp>
#include <shoal/task/io_pool.hpp>
#include <shoal/task/signal.hpp>
#include <shoal/task/task.hpp>

/// What all commands of shoal-peer understand.
struct node_options {
  std::vector<std::string> listen;
  std::vector<std::string> bootstrap;
  std::vector<std::string> neighbours;
  bool mdns = false;
  std::vector<std::string> mdns_interfaces;
  std::string dht = "lan";
  std::vector<std::string> gateways;
  std::string cache = "256M";
  std::string key_file;
  std::string allow_file;
  std::string swarm_key_file;
  bool verbose = false;

  void add_to(CLI::App& app);
};

using exchange_of_node = shoal::net::block_exchange<shoal::openssl::digester>;

class node {
 public:
  /// @throws common::failure
  node(asio::io_context& context, const node_options& given);

  /// Listens and looks for peers. @throws common::failure
  void start();

  asio::io_context& context;
  shoal::io_pool pool;
  std::shared_ptr<shoal::memory_cache> cache;
  shoal::net::swarm_host<shoal::openssl::peer_crypto> host;
  shoal::net::identify_service identify;
  shoal::net::ping_service pings;
  shoal::net::peer_keeper origins;     ///< asked last
  shoal::net::peer_keeper neighbours;  ///< asked first
  exchange_of_node blocks;
  std::unique_ptr<shoal::net::kad_node> dht;  ///< null: off

  /// Addresses as the command line gives them. @throws common::failure
  static std::vector<shoal::libp2p::multiaddr> parse_addresses(const std::vector<std::string>& texts);
  /// Looks for peers that have this, now and whenever blocks are missed, and tells others that this peer has
  /// it.
  void look_for(const shoal::cid& root);
  /// Tells others that this peer has it.
  void provide(const shoal::cid& root);
  /// Connects with somebody of whom we have heard.
  void meet(const shoal::libp2p::peer_id& id, std::vector<shoal::libp2p::multiaddr> addresses);
  /// "received 12.9 MiB from 2 neighbours, 64 KiB from origins; sent 3 MiB"
  [[nodiscard]] std::string traffic() const;

 private:
  [[nodiscard]] unsigned tier(const shoal::net::peer_link& link) const;
  void find_neighbours();
  void open_gateways();
  static asio::awaitable<void> keep_looking(node& self, shoal::cid root);
  static shoal::task<shoal::block> ask_gateways(node& self, shoal::cid id);
  void complain(const shoal::libp2p::multiaddr& address, std::error_code why);

  const node_options& given_;
  using gateway = shoal::net::gateway_client<shoal::openssl::digester>;

  const shoal::openssl::digester digester_;
  std::vector<std::unique_ptr<gateway>> gateways_;
  std::unique_ptr<shoal::net::mdns> mdns_;
  shoal::signal missed_;                  // a block that no peer has
  std::unordered_set<std::string> told_;  // complaints
};
