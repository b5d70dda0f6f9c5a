// SPDX-License-Identifier: BSL-1.0
//
// nbd_server: exports block devices to NBD clients.
//
//     asio::io_context context;
//     net::nbd_server server{context.get_executor()};
//     server.add_export("disk", any_device{memory_device{64_MiB}});
//     auto sockets = net::listen_tcp(context.get_executor(), "", 10809);
//     if (!sockets) return sockets.error();
//     for (auto& socket : *sockets) server.serve(std::move(socket));
//     context.run();                                        // until server.stop()
//
// One strand: run the context on one thread. Leaves out TLS.
#pragma once

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include <shoal/block/any_device.hpp>
#include <shoal/block/capability.hpp>
#include <shoal/block/concepts.hpp>
#include <shoal/nbd/export_info.hpp>
#include <shoal/net/client_stream.hpp>
#include <shoal/net/listener.hpp>
#include <shoal/net/nbd_connection.hpp>
#include <shoal/net/output_queue.hpp>
#include <shoal/net/served_clients.hpp>

namespace shoal::net {

struct nbd_server_options {
  /// A client that has not chosen an export by then is dropped.
  std::chrono::steady_clock::duration handshake_time = std::chrono::seconds{30};
  /// How long stop() waits for outstanding requests.
  std::chrono::steady_clock::duration drain_time = std::chrono::seconds{10};
  /// Further clients wait in the kernel's queue.
  std::size_t max_connections = 10'000;
};

/// Lives until the context has run dry, or has been stopped for good.
class nbd_server {
 public:
  explicit nbd_server(asio::any_io_executor executor, nbd_server_options options = {})
      : options_(options), clients_(std::move(executor), options.max_connections, options.drain_time) {}
  nbd_server(const nbd_server&) = delete;
  nbd_server& operator=(const nbd_server&) = delete;

  /// Exports one device to all clients.
  /// @throws std::invalid_argument for a name that is taken or longer than nbd::max_string
  void add_export(std::string name, any_device device, std::string description = {}) {
    nbd::export_info info = describe(device);
    add(std::move(name), std::move(description), std::move(info), [device] { return device; });
  }

  /// Exports a device of its own to each client, such as an overlay: what one client writes, no other sees.
  /// @param open  makes one; all are of the same size
  void add_private_export(std::string name, std::function<any_device()> open, std::string description = {}) {
    nbd::export_info info = describe(open());
    info.flags &= static_cast<std::uint16_t>(~nbd::transmission_flag::can_multi_conn);
    add(std::move(name), std::move(description), std::move(info), std::move(open));
  }

  /// Accepts clients from a socket until stop(). Exports are added before.
  void serve(listening_socket socket) {
    clients_.serve(std::move(socket), [this](stream_socket client) {
      return std::make_shared<nbd_connection>(std::move(client), exports_, memory_, options_.handshake_time);
    });
  }

  /// Stops accepting, lets clients' outstanding requests finish, and closes. The context runs dry then.
  void stop() { clients_.stop(); }

  [[nodiscard]] std::size_t client_count() const noexcept { return clients_.count(); }

 private:
  /// What the protocol says of a device that can do what this one can.
  static nbd::export_info describe(const any_device& device) {
    using namespace nbd::transmission_flag;
    const device_info told = device.info();
    const capability able = device.capabilities();
    std::uint16_t flags = has_flags;
    const auto offer = [&](bool offered, std::uint16_t flag) {
      if (offered) flags |= flag;
    };
    const bool writable = has(able, capability::write) && !told.read_only;
    offer(!writable, read_only);
    offer(writable, send_flush);
    offer(writable && told.fua, send_fua);
    offer(told.rotational, rotational);
    offer(writable && has(able, capability::trim), send_trim);
    offer(writable && has(able, capability::zero), send_write_zeroes | send_fast_zero);
    offer(told.multi_conn || !writable, can_multi_conn);
    offer(has(able, capability::cache), send_cache);
    return {.name = {},
            .description = {},
            .size = told.size,
            .flags = flags,
            .min_block = told.min_io,
            .preferred_block = std::bit_ceil(std::max({told.preferred_io, told.min_io, 512u})),
            .allocation = has(able, capability::extents)};
  }

  void add(std::string name, std::string description, nbd::export_info info, std::function<any_device()> open) {
    if (name.size() > nbd::max_string || description.size() > nbd::max_string) {
      throw std::invalid_argument("nbd_server: a name or description is longer than NBD allows");
    }
    for (const nbd::export_info& other : exports_.infos) {
      if (other.name == name) throw std::invalid_argument("nbd_server: two exports are named '" + name + "'");
    }
    info.name = std::move(name);
    info.description = std::move(description);
    exports_.infos.push_back(std::move(info));
    exports_.open.push_back(std::move(open));
  }

  nbd_server_options options_;
  nbd_exports exports_;
  // shared: coroutines that never ended are destroyed with the context, after the server
  std::shared_ptr<output_queue::memory> memory_ = std::make_shared<output_queue::memory>();
  served_clients<nbd_connection> clients_;
};

}  // namespace shoal::net
