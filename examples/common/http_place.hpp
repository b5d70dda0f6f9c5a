// SPDX-License-Identifier: BSL-1.0
//
// listen_http: a server of pages at the address that --http has.
//
//     std::puts(common::listen_http(executor, server, "8080", "localhost").c_str());  // http://localhost:8080/
#pragma once

#include <string>
#include <utility>

#include <asio/any_io_executor.hpp>

#include <shoal/net/http_server.hpp>
#include <shoal/net/listener.hpp>

#include "message.hpp"
#include "place.hpp"

namespace common {

/// Gives the URL. @throws failure
/// @param otherwise  the host, where the address has none; empty: all addresses of this machine
inline std::string listen_http(const asio::any_io_executor& executor, shoal::net::http_server& server,
                               const std::string& address, const std::string& otherwise) {
  const place where = parse_place("--http", address);
  auto sockets = shoal::net::listen_tcp(executor, where.host.empty() ? otherwise : where.host, where.port);
  if (!sockets) {
    throw failure{"cannot listen on " + address + " for HTTP", sockets.error(),
                  "choose another --http; port 0 is any free one"};
  }
  const std::string name =
      where.host.empty() ? "localhost:" + std::to_string(sockets->front().port) : sockets->front().address;
  for (shoal::net::listening_socket& socket : *sockets) server.serve(std::move(socket));
  return "http://" + name + "/";
}

}  // namespace common
