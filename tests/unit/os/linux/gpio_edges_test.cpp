// SPDX-License-Identifier: BSL-1.0
#include <shoal/os/linux/gpio_edges.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#include <doctest/doctest.h>

using namespace shoal;

namespace {

// A chip whose events come through a pipe below an epoll descriptor, as those of the kernel do.
class piped_chip {
 public:
  piped_chip() {
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) == 0);
    out_ = posix::unique_fd{ends[0]};
    in_ = posix::unique_fd{ends[1]};
    epoll_event interest{.events = EPOLLIN, .data = {.u32 = 0}};
    REQUIRE(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, out_.get(), &interest) == 0);
  }

  void push(const hal::gpio_event& event) const {
    REQUIRE(::write(in_.get(), &event, sizeof event) == static_cast<ssize_t>(sizeof event));
  }

  std::uint32_t line_count() const noexcept { return 1; }
  hal::gpio_features features() const noexcept { return {.edges = true}; }
  status request(std::uint32_t, const hal::gpio_config&) noexcept { return status::ok; }
  status release(std::uint32_t) noexcept { return status::ok; }
  status_or<bool> read(std::uint32_t) noexcept { return false; }
  status write(std::uint32_t, bool) noexcept { return status::ok; }
  bool next_event(hal::gpio_event& event) noexcept { return ::read(out_.get(), &event, sizeof event) > 0; }
  std::uint64_t lost_events() const noexcept { return 0; }
  int native_handle() const noexcept { return epoll_.get(); }

 private:
  posix::unique_fd out_;
  posix::unique_fd in_;
  posix::unique_fd epoll_{::epoll_create1(EPOLL_CLOEXEC)};
};

hal::gpio_event event_at(std::uint64_t time) {
  return {.line = 3, .edge = hal::gpio_edge::rising, .time = time};
}

asio::awaitable<void> collect(linux_os::gpio_edges<piped_chip>& edges, std::vector<std::uint64_t>& times,
                              std::optional<std::error_code>& ended) {
  for (;;) {
    const result<hal::gpio_event> event = co_await edges.next();
    if (!event) {
      ended = event.error();
      co_return;
    }
    times.push_back(event->time);
  }
}

}  // namespace

TEST_CASE("edges that wait and edges that come are awaited, until it is called off") {
  asio::io_context context;
  piped_chip chip;
  linux_os::gpio_edges edges{context.get_executor(), chip};
  std::vector<std::uint64_t> times;
  std::optional<std::error_code> ended;
  chip.push(event_at(1));
  chip.push(event_at(2));
  asio::co_spawn(context, collect(edges, times, ended), asio::detached);
  while (times.size() < 2) REQUIRE(context.run_one() != 0);
  // each time the descriptor was drained before
  for (std::uint64_t time = 3; time < 20; ++time) {
    context.poll();
    CHECK(times.size() == time - 1);
    chip.push(event_at(time));
    while (times.size() < time) REQUIRE(context.run_one() != 0);
  }
  context.poll();
  CHECK(times.back() == 19);
  CHECK_FALSE(ended);
  edges.cancel();
  context.run();
  REQUIRE(ended);
  CHECK(*ended == errc::canceled);
}

TEST_CASE("the chip's own descriptor outlives the edges") {
  piped_chip chip;
  {
    asio::io_context context;
    const linux_os::gpio_edges edges{context.get_executor(), chip};
  }
  CHECK(::fcntl(chip.native_handle(), F_GETFD) >= 0);
}
