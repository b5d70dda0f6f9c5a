// SPDX-License-Identifier: BSL-1.0
#include <shoal/os/linux/vhost_user_server.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <asio/io_context.hpp>

#include <shoal/hal/simulated_chip.hpp>
#include <shoal/net/listener.hpp>
#include <shoal/virtio/gpio_device.hpp>

#include "../../temporary_folder.hpp"
#include "../../virtio/monitor_model.hpp"

namespace {

using namespace shoal;
using namespace shoal::virtio;
using linux_os::vhost_user_news;
using chip_type = hal::simulated_chip<4>;
using gpio = gpio_device<chip_type>;

posix::unique_fd connect_to(const std::filesystem::path& path) {
  posix::unique_fd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.string().copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  return fd;
}
void ask(const posix::unique_fd& monitor) {
  const auto bytes = to_bytes(monitor_model::message{vhost_user_request::get_features}.header());
  REQUIRE(::send(monitor.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(bytes.size()));
}
bool is_answered(const posix::unique_fd& monitor) {
  std::array<std::byte, 20> reply;
  return ::recv(monitor.get(), reply.data(), reply.size(), MSG_DONTWAIT) == 20;
}

TEST_CASE("monitors are served one after the other, until the server stops") {
  const temporary_folder folder;
  asio::io_context context;
  chip_type chip;
  const auto device = std::make_shared<gpio>(chip);
  std::vector<vhost_user_news> news;
  linux_os::vhost_user_server<gpio> server{context.get_executor(), device,
                                           [&](vhost_user_news n) { news.push_back(n); }};
  result<net::listening_socket> door = net::listen_unix(context.get_executor(), folder / "socket");
  REQUIRE(door);
  server.serve(std::move(*door));

  posix::unique_fd first = connect_to(folder / "socket");
  const posix::unique_fd second = connect_to(folder / "socket");
  ask(first);
  ask(second);
  while (!is_answered(first)) context.run_one();
  context.poll();
  CHECK_FALSE(is_answered(second));
  CHECK(news == std::vector{vhost_user_news::connected});

  first.reset();
  while (!is_answered(second)) context.run_one();
  CHECK(news == std::vector{vhost_user_news::connected, vhost_user_news::left, vhost_user_news::connected});

  server.stop();
  context.run();
  CHECK(news.back() == vhost_user_news::left);
  std::byte nothing;
  CHECK(::recv(second.get(), &nothing, 1, 0) == 0);
  CHECK_FALSE(std::filesystem::exists(folder / "socket"));
}

}  // namespace
