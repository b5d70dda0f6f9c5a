// SPDX-License-Identifier: BSL-1.0
//
// Where NBD clients find a program: the options that say so, and the URIs that it prints.
//
//     common::nbd_address where;
//     common::add_nbd_options(app, where);
//     common::listen_nbd(server, executor, where, names);
#pragma once

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <asio/any_io_executor.hpp>

#include <shoal/net/listener.hpp>
#include <shoal/net/nbd_server.hpp>

#include "message.hpp"
#include "uri.hpp"

namespace common {

struct nbd_address {
  static constexpr std::uint16_t default_port = 10809;  // IANA

  std::string bind;
  std::optional<std::uint16_t> port;
  std::string unix_path;
};

inline void add_nbd_options(CLI::App& app, nbd_address& where) {
  app.add_option("--bind", where.bind, "address to listen on for NBD; default: all, IPv4 and IPv6")
      ->type_name("ADDRESS");
  app.add_option("--port", where.port, "TCP port for NBD; default 10809, 0 for any free one")->type_name("N");
  app.add_option("--unix", where.unix_path, "listen on a Unix socket (and on TCP only if --port is given)")
      ->type_name("PATH");
}

namespace detail {

inline void listen_unix(shoal::net::nbd_server& server, const asio::any_io_executor& executor,
                        const std::string& path, const std::vector<std::string>& names) {
  shoal::result<shoal::net::listening_socket> socket = shoal::net::listen_unix(executor, path);
  if (!socket) {
    const char* next = "its directory must exist and be writable";
    if (socket.error() == std::errc::address_in_use)
      next = "another server listens there, or it is no socket: choose another path";
    if (socket.error() == std::errc::filename_too_long) next = "a socket's path has at most 107 bytes";
    throw failure{"cannot listen on " + path, socket.error(), next};
  }
  server.serve(std::move(*socket));
  const std::string socket_path = uri_escape(std::filesystem::absolute(path).string());
  for (const std::string& name : names) {
    std::printf("nbd+unix:///%s?socket=%s\n", uri_escape(name).c_str(), socket_path.c_str());
  }
}

/// An IPv6 address may be written as it stands in a URI.
inline std::string without_brackets(const std::string& address) {
  const bool bracketed = address.starts_with('[') && address.ends_with(']');
  return bracketed ? address.substr(1, address.size() - 2) : address;
}

inline void listen_tcp(shoal::net::nbd_server& server, const asio::any_io_executor& executor,
                       const std::string& bind, std::uint16_t port, const std::vector<std::string>& names) {
  shoal::result<std::vector<shoal::net::listening_socket>> sockets =
      shoal::net::listen_tcp(executor, without_brackets(bind), port);
  if (!sockets) {
    const char* next = "choose another --bind or --port";
    if (sockets.error() == std::errc::address_in_use)
      next = "another server has that port: choose one with --port, or --port 0 for any";
    if (sockets.error() == std::errc::permission_denied)
      next = "ports below 1024 need root: choose another with --port";
    const std::string what =
        "cannot listen on " + (bind.empty() ? "" : bind + " ") + "port " + std::to_string(port);
    if (sockets.error() == std::errc::host_unreachable) {
      throw failure{what + ": no such address or host", "--bind takes an address of this machine, such as ::1"};
    }
    if (sockets.error() == std::errc::address_not_available) next = "--bind takes an address of this machine";
    throw failure{what, sockets.error(), next};
  }
  const std::string host =
      bind.empty() ? "localhost:" + std::to_string(sockets->front().port) : sockets->front().address;
  for (shoal::net::listening_socket& socket : *sockets) server.serve(std::move(socket));
  for (const std::string& name : names) std::printf("nbd://%s/%s\n", host.c_str(), uri_escape(name).c_str());
}

}  // namespace detail

/// Takes the sockets that a service manager has opened, or opens those that were asked for and prints the URI
/// of each export. @throws failure
inline void listen_nbd(shoal::net::nbd_server& server, const asio::any_io_executor& executor,
                       const nbd_address& where, const std::vector<std::string>& names) {
  shoal::result<std::vector<shoal::net::listening_socket>> inherited = shoal::net::inherited_sockets(executor);
  if (!inherited) {
    throw failure{"cannot use the sockets that the service manager passed", inherited.error(),
                  "LISTEN_FDS is their number, and each listens; unset it to start without"};
  }
  if (!inherited->empty()) {
    for (shoal::net::listening_socket& socket : *inherited) server.serve(std::move(socket));
    return;
  }
  if (!where.unix_path.empty()) detail::listen_unix(server, executor, where.unix_path, names);
  if (where.port || where.unix_path.empty()) {
    detail::listen_tcp(server, executor, where.bind, where.port.value_or(nbd_address::default_port), names);
  }
  if (std::fflush(stdout) != 0) {
    throw failure{"cannot print the URI", std::error_code{errno, std::system_category()},
                  "standard output must be writable"};
  }
}

}  // namespace common
