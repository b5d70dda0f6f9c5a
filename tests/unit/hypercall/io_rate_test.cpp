// SPDX-License-Identifier: BSL-1.0
#include <shoal/hypercall/io_rate.hpp>

#include <cstdint>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace shoal;
using namespace shoal::hypercall;

namespace {

/// Time that passes when somebody waits.
struct scripted_timer {
  std::uint64_t time = 0;
  std::uint64_t waited = 0;
  bool called_off = false;
  std::uint64_t now() noexcept { return time; }
  bool wait(std::uint64_t nanoseconds) noexcept {
    if (called_off) return false;
    time += nanoseconds;
    waited += nanoseconds;
    return true;
  }
};

struct noted_disk {
  std::vector<std::pair<std::uint64_t, std::size_t>>* moved;
  unsigned* others;
  status answer = status::ok;
  std::uint64_t capacity() const noexcept { return 1u << 20; }
  std::uint32_t block_size() const noexcept { return 512; }
  status read(std::uint64_t offset, bytes_span out) noexcept {
    moved->emplace_back(offset, out.size());
    return answer;
  }
  status write(std::uint64_t offset, bytes_view in) noexcept {
    moved->emplace_back(offset, in.size());
    return answer;
  }
  status flush() noexcept {
    ++*others;
    return answer;
  }
  status discard(std::uint64_t, std::uint64_t) noexcept {
    ++*others;
    return answer;
  }
};

struct full_net {
  status answer = status::ok;
  std::array<std::byte, 6> mac() const noexcept { return {std::byte{2}}; }
  std::uint16_t mtu() const noexcept { return 1500; }
  status_or<std::size_t> receive(bytes_span out) noexcept {
    if (answer != status::ok) return answer;
    return out.size();
  }
  status send(bytes_view) noexcept { return answer; }
};

/// A disk at 1 MB/s, of which 50 ms are 97 blocks and a bit.
struct slow {
  scripted_timer timer;
  io_rate<scripted_timer> rate{timer, 1'000'000};
  std::vector<std::pair<std::uint64_t, std::size_t>> moved;
  unsigned others = 0;
  paced_disk<noted_disk, scripted_timer> disk{noted_disk{&moved, &others}, rate};
  std::vector<std::byte> bytes = std::vector<std::byte>(100'352);
};

constexpr std::uint64_t millisecond = 1'000'000;

using slow_disk = paced_disk<noted_disk, scripted_timer>;
static_assert(can_block_flush<slow_disk> && can_block_discard<slow_disk>);
static_assert(net_backend<paced_net<full_net, scripted_timer>>);

}  // namespace

TEST_CASE("what is long is moved in pieces, with waits between them") {
  slow s;
  CHECK(s.disk.capacity() == 1u << 20);
  CHECK(s.disk.block_size() == 512);
  CHECK(s.disk.read(1024, s.bytes) == status::ok);
  const std::vector<std::pair<std::uint64_t, std::size_t>> expected{
      {1024, 97 * 512}, {1024 + 97 * 512, 97 * 512}, {1024 + 194 * 512, 2 * 512}};
  CHECK(s.moved == expected);
  CHECK(s.timer.waited == 2u * 97 * 512 * 1000);  // the last piece is paid by who comes next
}

TEST_CASE("in a second a guest moves its bytes, and what it had left from a pause") {
  slow s;
  s.timer.time = 10'000 * millisecond;  // a long pause is worth 50 ms
  const std::uint64_t start = s.timer.time;
  std::uint64_t moved = 0;
  while (s.timer.time < start + 1000 * millisecond) {
    CHECK(s.disk.write(0, bytes_view{s.bytes}.first(512)) == status::ok);
    moved += 512;
  }
  CHECK(moved >= 1'050'000);
  CHECK(moved <= 1'050'000 + 1024);
}

TEST_CASE("a guest that is slower than its rate never waits") {
  slow s;
  for (int i = 0; i < 100; ++i) {
    CHECK(s.disk.read(0, bytes_span{s.bytes}.first(512)) == status::ok);
    s.timer.time += millisecond;
  }
  CHECK(s.timer.waited == 0);
}

TEST_CASE("what moves nothing counts as a sector") {
  slow s;
  for (int i = 0; i < 10; ++i) {
    CHECK(s.disk.flush() == status::ok);
    CHECK(s.disk.discard(0, 1u << 20) == status::ok);
  }
  CHECK(s.others == 20);
  CHECK(s.timer.waited == 19u * 512 * 1000);
}

TEST_CASE("a wait that is called off ends the operation, of which no more is done") {
  slow s;
  s.timer.called_off = true;
  CHECK(s.disk.read(0, s.bytes) == status::timed_out);
  CHECK(s.moved.size() == 1);
  CHECK(s.disk.write(0, s.bytes) == status::timed_out);
  CHECK(s.disk.flush() == status::timed_out);
  CHECK(s.disk.discard(0, 512) == status::timed_out);
  CHECK(s.moved.size() == 1);
  CHECK(s.others == 0);
}

TEST_CASE("a device that fails ends the operation") {
  scripted_timer timer;
  io_rate rate{timer, 1'000'000};
  std::vector<std::pair<std::uint64_t, std::size_t>> moved;
  paced_disk disk{noted_disk{&moved, nullptr, status::failed}, rate};
  std::vector<std::byte> bytes(100'352);
  CHECK(disk.read(0, bytes) == status::failed);
  CHECK(moved.size() == 1);
}

TEST_CASE("frames of both directions are paid from the budget of the disks") {
  slow s;
  paced_net net{full_net{}, s.rate};
  CHECK(net.mac() == full_net{}.mac());
  CHECK(net.mtu() == 1500);
  CHECK(*net.receive(bytes_span{s.bytes}.first(1000)) == 1000);
  CHECK(s.timer.waited == 0);
  CHECK(net.send(bytes_view{s.bytes}.first(60)) == status::ok);
  CHECK(s.timer.waited == 1000u * 1000);
  CHECK(s.disk.read(0, bytes_span{s.bytes}.first(512)) == status::ok);
  CHECK(s.timer.waited == 1512u * 1000);
  s.timer.called_off = true;
  CHECK(net.send(bytes_view{s.bytes}.first(60)) == status::timed_out);
  CHECK(net.receive(bytes_span{s.bytes}.first(60)).code == status::timed_out);
}

TEST_CASE("no frame costs nothing") {
  slow s;
  paced_net net{full_net{status::busy}, s.rate};
  for (int i = 0; i < 10; ++i) {
    CHECK(net.receive(bytes_span{s.bytes}.first(1000)).code == status::busy);
    CHECK(net.send(bytes_view{s.bytes}.first(1000)) == status::busy);
  }
  CHECK(s.timer.waited == 0);
}

TEST_CASE("without a rate nothing is cut and nobody looks at a clock") {
  scripted_timer timer;
  timer.called_off = true;
  io_rate rate{timer, 0};
  std::vector<std::pair<std::uint64_t, std::size_t>> moved;
  unsigned others = 0;
  paced_disk disk{noted_disk{&moved, &others}, rate};
  std::vector<std::byte> bytes(1u << 20);
  CHECK(disk.read(0, bytes) == status::ok);
  CHECK(disk.write(0, bytes) == status::ok);
  CHECK(disk.flush() == status::ok);
  CHECK(moved.size() == 2);
  paced_net net{full_net{}, rate};
  CHECK(net.send(bytes_view{bytes}.first(60)) == status::ok);
}

TEST_CASE("rates of a byte a second, and of more than there are, are rates") {
  scripted_timer timer;
  io_rate one{timer, 1};
  CHECK(one.wait() == status::ok);
  one.spend(600);
  CHECK(one.wait() == status::ok);
  CHECK(timer.waited == 600'000 * millisecond);
  timer.waited = 0;
  io_rate all{timer, ~std::uint64_t{0}};
  CHECK(all.wait() == status::ok);
  all.spend(1'000'000'000);
  CHECK(all.wait() == status::ok);
  CHECK(timer.waited == 50 * millisecond);  // of the 100 that it takes, half are from the pause before
}
