// SPDX-License-Identifier: BSL-1.0
//
// Where clients come in.
#include "doors.hpp"

#include <charconv>
#include <chrono>
#include <cstddef>
#include <system_error>
#include <utility>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>

#include <shoal/detail/asio.hpp>
#include <shoal/net/descriptor_stream.hpp>
#include <shoal/net/listener.hpp>
#include <shoal/net/secured_stream.hpp>
#include <shoal/os/posix/serial_line.hpp>

#include "../common/message.hpp"
#include "../common/place.hpp"

using common::failure;
using shoal::net::byte_stream;

ids_doors::ids_doors(asio::any_io_executor executor, ids_service& service, tls_options tls)
    : executor_(std::move(executor)),
      service_(service),
      tls_(std::move(tls)),
      clients_(executor_, max_clients, std::chrono::seconds{5}) {}

std::vector<std::string> ids_doors::open(const std::string& uri) {
  if (uri.starts_with("tcp://")) return open_tcp(uri, false);
  if (uri.starts_with("tls://")) return open_tcp(uri, true);
  if (uri.starts_with("serial:") && uri.size() > 7) return {open_serial(uri)};
  if (!uri.starts_with("unix:") || uri.size() == 5) {
    throw failure{"--listen: '" + uri + "' is nowhere to listen",
                  "write tcp://HOST:PORT, tls://HOST:PORT, unix:PATH or serial:DEVICE", common::exit_usage};
  }
  auto socket = shoal::net::listen_unix(executor_, uri.substr(5));
  if (!socket) {
    throw failure{"cannot listen on " + uri, socket.error(),
                  "its folder must exist and be writable, and nobody else may listen there"};
  }
  clients_.serve(std::move(*socket), plain());
  return {uri};
}

std::vector<std::string> ids_doors::open_tcp(const std::string& uri, bool secure) {
  const common::place where = common::parse_place("--listen", uri.substr(6));
  const client_maker make = secure ? secured() : plain();
  auto sockets = shoal::net::listen_tcp(executor_, where.host, where.port);
  if (!sockets) {
    throw failure{"cannot listen on " + uri, sockets.error(),
                  "choose another --listen; port 0 is any free one"};
  }
  std::vector<std::string> names;
  for (shoal::net::listening_socket& socket : *sockets) {
    names.push_back(uri.substr(0, 6) + socket.address);
    clients_.serve(std::move(socket), make);
  }
  return names;
}

ids_doors::client_maker ids_doors::plain() {
  return [this](shoal::net::stream_socket socket) {
    auto stream = std::make_unique<shoal::net::tcp_stream>(std::move(socket));
    return std::make_shared<line_client>(executor_, std::move(stream), service_);
  };
}

ids_doors::client_maker ids_doors::secured() {
  if (!identity_) {
    if (tls_.certificate.empty()) {
      throw failure{"tls:// needs a certificate", "give --certificate and --key, PEM files",
                    common::exit_usage};
    }
    const std::string& key = tls_.key.empty() ? tls_.certificate : tls_.key;
    auto identity = shoal::openssl::tls_identity::of_files(tls_.certificate, key);
    if (!identity) {
      throw failure{"cannot use the certificate " + tls_.certificate + " with its key",
                    "--certificate and --key take PEM files that belong together"};
    }
    if (!tls_.trust.empty() && !identity->require_clients_of(tls_.trust)) {
      throw failure{"cannot read certificates from " + tls_.trust, "--trust takes a PEM file"};
    }
    identity_ = std::move(*identity);
  }
  return [this](shoal::net::stream_socket socket) {
    using session = shoal::openssl::tls_session;
    auto carrier = std::make_unique<shoal::net::tcp_stream>(std::move(socket));
    shoal::result<session> made = identity_->accept();
    std::unique_ptr<byte_stream> stream;
    if (made) {
      stream = std::make_unique<shoal::net::secured_stream<session>>(std::move(carrier), std::move(*made));
    }
    return std::make_shared<line_client>(executor_, std::move(stream), service_);
  };
}

std::string ids_doors::open_serial(const std::string& uri) {
  constexpr std::string_view speed_option = "?speed=";
  const std::size_t question = uri.find(speed_option);
  const std::string path = uri.substr(7, question == uri.npos ? question : question - 7);
  unsigned speed = 115200;
  if (question != uri.npos) {
    const std::string digits = uri.substr(question + speed_option.size());
    const auto [end, wrong] = std::from_chars(digits.data(), digits.data() + digits.size(), speed);
    if (wrong != std::errc{} || end != digits.data() + digits.size()) speed = 0;
  }
  if (shoal::posix::line_speed(speed) == B0) {
    throw failure{"'" + uri + "' has a speed that lines do not have",
                  "write serial:DEVICE?speed=9600, or 115200", common::exit_usage};
  }
  auto line = shoal::posix::open_serial_line(path, speed);
  if (!line) {
    const bool other = line.error() == shoal::errc::unsupported;
    throw failure{"cannot use the serial line " + path, line.error(),
                  other ? "name a device such as /dev/ttyS0" : "it must be there, and yours to read and write"};
  }
  lines_.push_back(
      std::make_unique<serial_door>(serial_door{path, speed, asio::steady_timer{executor_}, nullptr}));
  asio::co_spawn(executor_, attend(*this, *lines_.back(), std::move(*line)), asio::detached);
  return "serial:" + path;
}

asio::awaitable<void> ids_doors::attend(ids_doors& self, serial_door& door, shoal::posix::unique_fd line) {
  while (!self.stopping_) {
    if (line) {
      auto stream = std::make_unique<shoal::net::descriptor_stream>(self.executor_, std::move(line));
      client_options options;
      options.terminal = true;
      door.client = std::make_shared<line_client>(self.executor_, std::move(stream), self.service_, options);
      co_await door.client->run();
      door.client = nullptr;
    }
    if (self.stopping_) break;
    // nobody is at its other end; perhaps later
    door.pause.expires_after(std::chrono::seconds{1});
    [[maybe_unused]] const auto waited = co_await door.pause.async_wait(shoal::detail::no_throw);
    auto again = shoal::posix::open_serial_line(door.path, door.speed);
    if (again) line = std::move(*again);
  }
}

void ids_doors::stop() {
  stopping_ = true;
  clients_.stop();
  for (const auto& each : lines_) {
    each->pause.cancel();
    if (each->client) each->client->drain();
  }
}
