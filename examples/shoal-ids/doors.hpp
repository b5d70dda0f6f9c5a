// SPDX-License-Identifier: BSL-1.0
//
// doors: where clients of 'serve' come in: tcp://HOST:PORT, tls://HOST:PORT, unix:PATH, serial:/dev/ttyS0.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/steady_timer.hpp>

#include <shoal/net/byte_stream.hpp>
#include <shoal/net/served_clients.hpp>
#include <shoal/openssl/tls_server.hpp>
#include <shoal/os/posix/unique_fd.hpp>

#include "line_client.hpp"
#include "service.hpp"

struct tls_options {
  std::string certificate;  ///< PEM
  std::string key;          ///< PEM; empty: in the file of the certificate
  std::string trust;        ///< PEM; clients need a certificate of theirs; empty: anybody may come
};

/// One strand. Lives until the context has run dry; the service outlives it.
class ids_doors {
 public:
  static constexpr std::size_t max_clients = 64;

  ids_doors(asio::any_io_executor executor, ids_service& service, tls_options tls);

  /// Opens one. Gives how clients name it. @throws common::failure
  std::vector<std::string> open(const std::string& uri);
  /// Lets answers that are under way finish.
  void stop();

 private:
  struct serial_door {
    std::string path;
    unsigned speed;
    asio::steady_timer pause;
    std::shared_ptr<line_client> client;
  };
  using client_maker = std::function<std::shared_ptr<line_client>(shoal::net::stream_socket)>;

  [[nodiscard]] client_maker plain();
  [[nodiscard]] client_maker secured();
  std::vector<std::string> open_tcp(const std::string& uri, bool secure);
  std::string open_serial(const std::string& uri);
  static asio::awaitable<void> attend(ids_doors& self, serial_door& door, shoal::posix::unique_fd line);

  asio::any_io_executor executor_;
  ids_service& service_;
  tls_options tls_;
  std::optional<shoal::openssl::tls_identity> identity_;
  shoal::net::served_clients<line_client> clients_;
  std::vector<std::unique_ptr<serial_door>> lines_;
  bool stopping_ = false;
};
