// SPDX-License-Identifier: BSL-1.0
#include <shoal/os/posix/blocking_disk.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>

#include <doctest/doctest.h>

#include <shoal/block/any_device.hpp>
#include <shoal/block/memory.hpp>

using namespace shoal;
using posix::blocking_disk;

static_assert(hypercall::can_block_flush<blocking_disk<any_device>>);
static_assert(hypercall::can_block_discard<blocking_disk<any_device>>);

namespace {

/// Byte i is i / 512; lends 2048 bytes at most. Counts how it is used, and by whom.
struct counted {
  struct counts {
    std::atomic<int> reads = 0;
    std::atomic<int> tries = 0;
    std::atomic<int> longest = 0;
    std::thread::id user;
  };
  std::shared_ptr<counts> seen = std::make_shared<counts>();
  bool is_const = true;

  device_info info() const noexcept { return {.size = 10'000, .max_io = 4096, .read_only = is_const}; }
  task<> read(std::uint64_t offset, bytes_span out) {
    ++seen->reads;
    seen->longest = std::max(seen->longest.load(), static_cast<int>(out.size()));
    seen->user = std::this_thread::get_id();
    if (offset == 8192) return failed(errc::source_changed);
    std::ranges::copy(content(offset, out.size()), out.begin());
    return done();
  }
  task<> write(std::uint64_t, bytes_view, io_flags) { return done(); }
  task<> flush() { return done(); }
  lease try_lend(std::uint64_t offset, std::size_t n) noexcept {
    const auto bytes =
        std::make_shared<std::vector<std::byte>>(content(offset, std::min<std::size_t>(n, 2048)));
    return {bytes, *bytes};
  }
  bool try_read(std::uint64_t, bytes_span) noexcept {
    ++seen->tries;
    return false;
  }

  static std::vector<std::byte> content(std::uint64_t offset, std::size_t n) {
    std::vector<std::byte> bytes(n);
    for (std::size_t i = 0; i < n; ++i) bytes[i] = static_cast<std::byte>((offset + i) / 512);
    return bytes;
  }
};

/// A device that never answers.
struct silent {
  std::shared_ptr<asio::steady_timer> never;
  device_info info() const noexcept { return {.size = 4096, .read_only = true}; }
  task<> read(std::uint64_t, bytes_span) { return wait(*never); }
  task<> write(std::uint64_t, bytes_view, io_flags) { return done(); }
  task<> flush() { return done(); }
  static task<> wait(asio::steady_timer& timer) {
    co_await timer.async_wait(asio::use_awaitable);
    co_return result<>{};
  }
};

/// A context with a thread of its own.
struct other_thread {
  asio::io_context context;
  asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
  std::thread thread{[this] { context.run(); }};
  ~other_thread() {
    context.stop();
    thread.join();
  }
};

}  // namespace

TEST_CASE("a disk of this thread is read, written, flushed and trimmed") {
  asio::io_context context;
  blocking_disk disk{any_device{memory_device{1'000'000}}, blocking_caller::here(context)};
  CHECK(disk.capacity() == 1'000'000 / 512 * 512);
  CHECK(disk.block_size() == 512);
  std::array<std::byte, 512> sector;
  sector.fill(std::byte{7});
  CHECK(disk.write(512, sector) == status::ok);
  sector.fill({});
  CHECK(disk.read(512, sector) == status::ok);
  CHECK(sector[511] == std::byte{7});
  CHECK(disk.flush() == status::ok);
  CHECK(disk.discard(0, 1024) == status::ok);
  CHECK(disk.read(0, {}) == status::ok);
}

TEST_CASE("what is longer than a device takes is read in pieces, and a failure is told") {
  asio::io_context context;
  const counted device;
  blocking_disk disk{device, blocking_caller::here(context)};
  CHECK(disk.capacity() == 19 * 512);
  std::vector<std::byte> all(8192);
  CHECK(disk.read(0, all) == status::ok);
  CHECK(all == counted::content(0, 8192));
  CHECK(device.seen->reads == 2);
  CHECK(device.seen->tries == 2);
  CHECK(device.seen->longest == 4096);
  CHECK(disk.read(8192, bytes_span{all}.first(512)) == status::failed);
  CHECK(disk.write(0, all) == status::unsupported);
  CHECK(disk.flush() == status::ok);
}

TEST_CASE("a disk of another thread is used there, and what it lends is kept") {
  other_thread there;
  const counted device;
  blocking_disk disk{device, blocking_caller::there(there.context, [] { return false; })};
  std::array<std::byte, 512> sector;
  for (std::uint64_t i = 0; i < 8; ++i) {
    CHECK(disk.read(i * 512, sector) == status::ok);
    CHECK(sector[0] == static_cast<std::byte>(i));
  }
  CHECK(device.seen->user == there.thread.get_id());
  CHECK(device.seen->reads == 2);
  CHECK(device.seen->tries == 0);
  CHECK(disk.read(1024, sector) == status::ok);  // before what is kept
  CHECK(sector[0] == std::byte{2});
  CHECK(device.seen->reads == 3);
}

TEST_CASE("of a disk that is written nothing is kept") {
  other_thread there;
  counted device;
  device.is_const = false;
  blocking_disk disk{device, blocking_caller::there(there.context, [] { return false; })};
  std::array<std::byte, 512> sector;
  CHECK(disk.read(0, sector) == status::ok);
  CHECK(disk.read(0, sector) == status::ok);
  CHECK(device.seen->reads == 2);
  CHECK(disk.write(0, sector) == status::ok);
}

TEST_CASE("a wait for another thread can be called off") {
  std::array<std::byte, 512> sector;
  other_thread there;
  const silent device{std::make_shared<asio::steady_timer>(there.context, std::chrono::hours{1})};
  int looks = 0;
  blocking_disk disk{device, blocking_caller::there(there.context, [&] { return ++looks == 2; })};
  CHECK(disk.read(0, sector) == status::timed_out);
  CHECK(looks == 2);
}
