// SPDX-License-Identifier: BSL-1.0
#include <shoal/os/linux/guest_console.hpp>

#include <array>
#include <chrono>
#include <csignal>
#include <string>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

#include <doctest/doctest.h>

using namespace shoal;
using namespace shoal::linux_os;

namespace {

struct pipe_ends {
  posix::unique_fd read;
  posix::unique_fd write;
  pipe_ends() {
    std::array<int, 2> fds{};
    REQUIRE(::pipe2(fds.data(), O_CLOEXEC) == 0);
    read = posix::unique_fd{fds[0]};
    write = posix::unique_fd{fds[1]};
  }
  std::string take() const {
    std::string text(100, '\0');
    text.resize(static_cast<std::size_t>(::read(read.get(), text.data(), text.size())));
    return text;
  }
};

}  // namespace

TEST_CASE("a guest prints up to its limit, and is told when it is too much") {
  const stop_signals stop;
  const pipe_ends ends;
  guest_console console{ends.write.get(), stop, 8};
  CHECK(console.write(as_bytes(std::string_view{"hello"})) == status::ok);
  CHECK(ends.take() == "hello");
  CHECK(console.write({}) == status::ok);
  CHECK(!console.is_full());
  CHECK(console.write(as_bytes(std::string_view{"world"})) == status::limit_exceeded);
  CHECK(ends.take() == "wor");
  CHECK(console.is_full());
  CHECK(console.write(as_bytes(std::string_view{"x"})) == status::limit_exceeded);
}

TEST_CASE("a signal ends a wait for a reader who does not read") {
  const stop_signals stop;
  const pipe_ends ends;
  guest_console console{ends.write.get(), stop};
  const std::string much(1 << 20, 'x');
  stop.limit(std::chrono::milliseconds{5});
  CHECK(console.write(as_bytes(much)) == status::ok);
  CHECK(stop.take() == SIGALRM);
}

TEST_CASE("what cannot be printed is a failure") {
  const stop_signals stop;
  guest_console nowhere{-1, stop};
  CHECK(!nowhere.problem());
  CHECK(nowhere.write(as_bytes(std::string_view{"x"})) == status::failed);
  CHECK(nowhere.problem() == std::errc::bad_file_descriptor);
}
