// SPDX-License-Identifier: BSL-1.0
//
// vhost_user_server: gives a virtio device to the guests of monitors that connect to a Unix socket, such as
// QEMU's vhost-user-blk-pci and vhost-user-gpio-pci.
//
//     auto disk = std::make_shared<virtio::disk_device<any_device>>(device);
//     linux_os::vhost_user_server server{context.get_executor(), disk};
//     server.serve(std::move(*net::listen_unix(context.get_executor(), "/run/disk.sock")));
//     context.run();                                        // until server.stop()
//
// One monitor at a time: the next one waits until the one before has left. Run the context on one thread.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <utility>

#include <asio/any_io_executor.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>

#include <shoal/net/accept_clients.hpp>
#include <shoal/net/listener.hpp>
#include <shoal/os/linux/vhost_user_connection.hpp>
#include <shoal/os/posix/unique_fd.hpp>
#include <shoal/virtio/device.hpp>

namespace shoal::linux_os {

/// Lives until the context has run dry, or has been stopped for good.
template <virtio::device D>
class vhost_user_server {
 public:
  /// @param observe  is told what happens; may be empty
  vhost_user_server(asio::any_io_executor executor, std::shared_ptr<D> device,
                    std::function<void(vhost_user_news)> observe = {})
      : executor_(std::move(executor)), device_(std::move(device)), observe_(std::move(observe)) {}
  vhost_user_server(const vhost_user_server&) = delete;
  vhost_user_server& operator=(const vhost_user_server&) = delete;

  /// Accepts monitors from a socket until stop().
  void serve(net::listening_socket socket) {
    door_ = std::make_shared<net::listening_socket>(std::move(socket));
    asio::co_spawn(executor_,
                   net::accept_clients(
                       door_, [this] { return connection_ == nullptr; }, [this](int fd) { welcome(fd); }),
                   asio::detached);
  }

  /// Gives back what the device had kept and is due: after something happened to it.
  void poll() {
    if (connection_) connection_->poll();
  }

  /// Stops accepting, and hangs up.
  void stop() {
    if (door_) door_->descriptor.cancel();
    door_.reset();
    if (connection_) connection_->close();
  }

 private:
  void welcome(int fd) {
    connection_ =
        std::make_shared<vhost_user_connection<D>>(executor_, posix::unique_fd{fd}, device_, observe_);
    asio::co_spawn(executor_, connection_->run(), [this](std::exception_ptr) { connection_.reset(); });
  }

  asio::any_io_executor executor_;
  std::shared_ptr<D> device_;
  std::function<void(vhost_user_news)> observe_;
  std::shared_ptr<net::listening_socket> door_;
  std::shared_ptr<vhost_user_connection<D>> connection_;
};

}  // namespace shoal::linux_os
