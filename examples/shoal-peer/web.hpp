// SPDX-License-Identifier: BSL-1.0
//
// web: what a peer shows over HTTP: its blocks as a trustless gateway, its state as JSON, its counters for
// Prometheus.
#pragma once

#include <string>

#include <shoal/net/gateway_server.hpp>
#include <shoal/net/http_server.hpp>
#include <shoal/store/own_blocks.hpp>

#include "../common/node.hpp"

class web {
 public:
  /// @param mine  what others may fetch; outlives it, as does the peer
  web(node& peer, shoal::own_blocks& mine);

  /// @param address  HOST:PORT, :PORT or PORT. Gives the URL. @throws common::failure
  std::string listen(const std::string& address);

 private:
  [[nodiscard]] std::string status() const;
  [[nodiscard]] std::string metrics() const;

  node& peer_;
  shoal::net::http_server server_;
  shoal::net::gateway_server<shoal::own_blocks> gateway_;
};
