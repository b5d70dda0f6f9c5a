// SPDX-License-Identifier: BSL-1.0
#include <shoal/os/linux/vhost_user_connection.hpp>

#include <array>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <optional>
#include <vector>

#include <doctest/doctest.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#include <shoal/block/any_device.hpp>
#include <shoal/block/memory.hpp>
#include <shoal/hal/simulated_chip.hpp>
#include <shoal/test/yielding.hpp>
#include <shoal/virtio/disk_device.hpp>
#include <shoal/virtio/gpio_device.hpp>

#include "../../virtio/driver_model.hpp"
#include "../../virtio/monitor_model.hpp"
#include "memory_file.hpp"

namespace {

using namespace shoal;
using namespace shoal::virtio;
using namespace monitor_model;
using linux_os::vhost_user_connection;
using linux_os::vhost_user_news;
using enum vhost_user_request;
using driver_model::ram;
using chip_type = hal::simulated_chip<4>;
using gpio = gpio_device<chip_type>;
using disk = disk_device<any_device>;

constexpr std::uint64_t user_base = 0x7f00'0000'0000;
constexpr std::size_t memory_size = 1u << 20;

/// A monitor with a guest, at the other end of a connection.
template <class Device>
struct fixture {
  asio::io_context context;
  std::shared_ptr<Device> device;
  posix::unique_fd monitor;
  std::vector<vhost_user_news> news;
  std::shared_ptr<vhost_user_connection<Device>> connection;
  memory_file file{memory_size};
  ram memory{file.bytes};
  driver_model::queue queue{memory, 16};
  posix::unique_fd kick{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
  posix::unique_fd call{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
  bool ended = false;

  explicit fixture(std::shared_ptr<Device> d) : device(std::move(d)) {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    monitor = posix::unique_fd{ends[0]};
    connection = std::make_shared<vhost_user_connection<Device>>(
        context.get_executor(), posix::unique_fd{ends[1]}, device,
        [this](vhost_user_news n) { news.push_back(n); });
    asio::co_spawn(context, connection->run(), [this](std::exception_ptr) { ended = true; });
  }
  void turn() {
    context.restart();
    context.poll();
  }
  void send(const message& m, std::initializer_list<int> files = {}) {
    const auto head = to_bytes(m.header());
    iovec pieces[2] = {{const_cast<std::byte*>(head.data()), head.size()},
                       {const_cast<std::byte*>(m.payload.data()), m.payload.size()}};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(16 * sizeof(int))> control{};
    msghdr out{};
    out.msg_iov = pieces;
    out.msg_iovlen = 2;
    if (files.size() != 0) {
      out.msg_control = control.data();
      out.msg_controllen = CMSG_SPACE(files.size() * sizeof(int));
      cmsghdr* const c = CMSG_FIRSTHDR(&out);
      c->cmsg_level = SOL_SOCKET;
      c->cmsg_type = SCM_RIGHTS;
      c->cmsg_len = CMSG_LEN(files.size() * sizeof(int));
      std::memcpy(CMSG_DATA(c), std::data(files), files.size() * sizeof(int));
    }
    REQUIRE(::sendmsg(monitor.get(), &out, MSG_NOSIGNAL) > 0);
    turn();
  }
  std::optional<std::uint64_t> reply() {
    std::array<std::byte, 20> bytes;
    if (::recv(monitor.get(), bytes.data(), bytes.size(), MSG_DONTWAIT) != 20) return std::nullopt;
    std::uint64_t value = 0;
    std::memcpy(&value, bytes.data() + 12, 8);
    return value;
  }
  [[nodiscard]] static std::uint64_t count_of(const posix::unique_fd& event) {
    std::uint64_t value = 0;
    return ::read(event.get(), &value, sizeof value) == sizeof value ? value : 0;
  }
  void do_kick() {
    const std::uint64_t one = 1;
    REQUIRE(::write(kick.get(), &one, sizeof one) == sizeof one);
    turn();
  }
  void agree(std::uint64_t features) {
    send({set_protocol_features, of_number(0x209)});
    send({set_features, of_number(features | feature::version_1 | vhost_user_feature::protocol)});
  }
  static payload table(std::uint64_t size = memory_size) {
    return of_regions({{ram::base, size, user_base, 0}});
  }
  static std::uint64_t user(hal::guest_address a) {
    return static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(ram::base) + user_base;
  }
  void start_ring(std::uint32_t ring) { start_ring(ring, queue.layout(), 0); }
  void start_ring(std::uint32_t ring, const queue_layout& l, std::uint32_t base) {
    send({set_ring_size, of_pair(ring, l.size)});
    send({set_ring_base, of_pair(ring, base)});
    send({set_ring_addresses, of_addresses(ring, user(l.descriptors), user(l.used), user(l.available))});
    send({set_ring_call, of_number(ring)}, {call.get()});
    send({set_ring_kick, of_number(ring)}, {kick.get()});
    send({set_ring_enable, of_pair(ring, 1)});
  }
};

struct gpio_fixture : fixture<gpio> {
  explicit gpio_fixture(std::shared_ptr<chip_type> c = std::make_shared<chip_type>())
      : fixture(std::shared_ptr<gpio>(new gpio(*c), [c](gpio* g) { delete g; })), chip(std::move(c)) {}
  std::shared_ptr<chip_type> chip;

  void ask(const gpio_request& r) {
    const auto bytes = to_bytes(r);
    const std::array<bytes_view, 1> out{bytes};
    const std::array in{std::size_t{2}};
    queue.request(0, out, in);
  }
};

/// A disk that takes several turns for each request.
struct disk_fixture : fixture<disk> {
  disk_fixture()
      : fixture(std::make_shared<disk>(any_device{test::yielding<memory_device>{memory_device{1_MiB}, 1}})) {}

  void read(std::uint16_t first, std::size_t n) {
    const std::array<std::byte, 16> header{};
    const std::array<bytes_view, 1> out{header};
    const std::array in{n, std::size_t{1}};
    queue.request(first, out, in);
  }
};

TEST_CASE("a guest is served from its first kick until its ring is stopped") {
  gpio_fixture f;
  f.agree(gpio_feature::irq);
  f.send({set_memory_table, f.table()}, {f.file.fd.get()});
  f.ask({gpio_message::set_direction, 2, 1});
  f.start_ring(0);
  CHECK(f.queue.used() == 1);  // it was there before the kick file
  CHECK(f.count_of(f.call) == 1);
  CHECK(f.chip->is_output(2));
  f.ask({gpio_message::set_value, 2, 1});
  f.do_kick();
  CHECK(f.queue.used() == 2);
  CHECK(f.count_of(f.call) == 1);
  CHECK(f.chip->level(2));

  f.send({set_ring_enable, of_pair(0, 0)});
  f.ask({gpio_message::set_value, 2, 0});
  f.do_kick();
  CHECK(f.queue.used() == 2);
  f.send({set_ring_enable, of_pair(0, 1)});
  CHECK(f.queue.used() == 3);

  f.send({get_ring_base, of_pair(0, 0)});
  CHECK(f.reply() == std::uint64_t{3} << 32);
  f.ask({gpio_message::set_value, 2, 1});
  f.do_kick();
  CHECK(f.queue.used() == 3);

  f.monitor.reset();
  f.turn();
  CHECK(f.ended);
  CHECK_FALSE(f.chip->is_output(2));
  CHECK(f.news == std::vector{vhost_user_news::connected, vhost_user_news::running, vhost_user_news::left});
}

TEST_CASE("a guest that was paused goes on, and one that was reset finds the device anew") {
  gpio_fixture f;
  f.agree(0);
  f.send({set_memory_table, f.table()}, {f.file.fd.get()});
  f.ask({gpio_message::set_direction, 2, 1});
  f.start_ring(0);
  f.ask({gpio_message::set_value, 2, 1});
  f.do_kick();
  REQUIRE(f.chip->level(2));
  f.send({get_ring_base, of_pair(0, 0)});
  CHECK(f.reply() == std::uint64_t{2} << 32);

  f.start_ring(0, f.queue.layout(), 2);
  CHECK(f.chip->is_output(2));
  f.ask({gpio_message::set_value, 2, 0});
  f.do_kick();
  CHECK_FALSE(f.chip->level(2));
  f.send({get_ring_base, of_pair(0, 0)});
  CHECK(f.reply() == std::uint64_t{3} << 32);

  driver_model::queue other{f.memory, 16, ram::base + 0x40000};
  f.start_ring(0, other.layout(), 0);
  CHECK_FALSE(f.chip->is_output(2));
  CHECK_FALSE(f.ended);
}

TEST_CASE("rings go on when the guest's memory is told anew") {
  gpio_fixture f;
  f.agree(0);
  f.send({set_memory_table, f.table()}, {f.file.fd.get()});
  f.start_ring(0);
  f.send({set_memory_table, f.table()}, {f.file.fd.get()});
  f.ask({gpio_message::set_direction, 1, 1});
  f.do_kick();
  CHECK(f.queue.used() == 1);
  f.send({set_memory_table, f.table(0x100)}, {f.file.fd.get()});  // the ring is not in there any more
  CHECK(f.ended);
}

TEST_CASE("memory that cannot be mapped is refused, if anybody hears it") {
  gpio_fixture f;
  f.agree(0);
  message m{set_memory_table, f.table(memory_size + 1)};
  m.flags |= vhost_user_flag::need_reply;
  f.send(m, {f.file.fd.get()});
  CHECK(f.reply() == 1);
  CHECK_FALSE(f.ended);
  m.flags = vhost_user_flag::version;
  f.send(m, {f.file.fd.get()});
  CHECK(f.ended);
  CHECK(f.news.back() == vhost_user_news::left);
}

TEST_CASE("a ring that is not in the guest's memory ends the connection") {
  gpio_fixture f;
  f.agree(0);
  SUBCASE("there is none") {}
  SUBCASE("it is elsewhere") {
    f.send({set_memory_table, f.table(0x100)}, {f.file.fd.get()});
  }
  f.start_ring(0);
  CHECK(f.ended);
}

TEST_CASE("a driver that breaks a queue loses the queue and not the connection") {
  gpio_fixture f;
  f.agree(0);
  f.send({set_memory_table, f.table()}, {f.file.fd.get()});
  posix::unique_fd error{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
  f.send({set_ring_error, of_number(0)}, {error.get()});
  f.start_ring(0);
  f.queue.offer(99);
  f.do_kick();
  CHECK(f.news.back() == vhost_user_news::queue_broken);
  CHECK(f.count_of(error) == 1);
  f.do_kick();
  CHECK_FALSE(f.ended);
  f.send({get_ring_base, of_pair(0, 0)});
  CHECK(f.reply().has_value());
}

TEST_CASE("stopping a ring waits for what is under way") {
  disk_fixture f;
  f.agree(disk_feature::flush);
  f.send({set_memory_table, f.table()}, {f.file.fd.get()});
  f.start_ring(0);
  for (std::uint16_t i = 0; i < 5; ++i) f.read(static_cast<std::uint16_t>(3 * i), 4096);
  const std::uint64_t one = 1;
  REQUIRE(::write(f.kick.get(), &one, sizeof one) == sizeof one);
  f.context.restart();
  while (f.queue.used() == 0 && f.context.poll_one() != 0) {
  }
  REQUIRE(f.queue.used() < 5);
  f.send({get_ring_base, of_pair(0, 0)});
  CHECK(f.queue.used() == 5);
  CHECK(f.reply() == std::uint64_t{5} << 32);
}

TEST_CASE("a monitor that leaves in the middle of requests leaves nothing behind") {
  disk_fixture f;
  f.agree(disk_feature::flush);
  f.send({set_memory_table, f.table()}, {f.file.fd.get()});
  f.start_ring(0);
  for (std::uint16_t i = 0; i < 5; ++i) f.read(static_cast<std::uint16_t>(3 * i), 4096);
  const std::uint64_t one = 1;
  REQUIRE(::write(f.kick.get(), &one, sizeof one) == sizeof one);
  f.context.restart();
  for (int i = 0; i < 3; ++i) f.context.poll_one();
  f.monitor.reset();
  f.connection.reset();
  f.context.restart();
  f.context.run();
  CHECK(f.ended);
}

TEST_CASE("what is no message ends the connection") {
  gpio_fixture f;
  SUBCASE("too long") {
    f.send({get_features, payload(5000)});
  }
  SUBCASE("another version") {
    message m{get_features};
    m.flags = 0;
    f.send(m);
  }
  SUBCASE("files that nobody asked for") {
    f.send({get_features}, {f.kick.get()});
  }
  SUBCASE("more files than there can be") {
    const int fd = f.kick.get();
    f.send({set_memory_table, f.table()}, {fd, fd, fd, fd, fd, fd, fd, fd, fd, fd});
  }
  SUBCASE("a kick file that cannot be watched") {
    f.agree(0);
    f.send({set_memory_table, f.table()}, {f.file.fd.get()});
    f.send({set_ring_kick, of_number(0)}, {f.file.fd.get()});
    f.send({set_ring_size, of_pair(0, 3)});  // and a size that is none
  }
  f.monitor.reset();
  f.turn();
  CHECK(f.ended);
}

}  // namespace
