// SPDX-License-Identifier: BSL-1.0
#include <shoal/os/posix/serial_line.hpp>  // first: shows that the header stands alone

#include <array>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <string_view>
#include <system_error>

#include <doctest/doctest.h>
#include <poll.h>

#include "../../temporary_folder.hpp"

using shoal::errc;
using shoal::posix::open_serial_line;
using shoal::posix::unique_fd;

namespace {

/// Both ends of a line.
struct terminal {
  unique_fd far{::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)};
  std::string name;
  terminal() {
    if (::grantpt(far.get()) == 0 && ::unlockpt(far.get()) == 0) name = ::ptsname(far.get());
  }
};

std::string read_now(const unique_fd& fd) {
  std::array<char, 100> bytes{};
  const ssize_t n = ::read(fd.get(), bytes.data(), bytes.size());
  return {bytes.data(), n > 0 ? static_cast<std::size_t>(n) : 0};
}
/// What comes until there are `size` bytes: the kernel hands on what was typed in a thread of its own, in
/// pieces as they happen to be ready.
std::string read_from(const unique_fd& fd, std::size_t size) {
  std::string all;
  pollfd ready{fd.get(), POLLIN, 0};
  while (all.size() < size && ::poll(&ready, 1, 10'000) == 1) {
    const std::string more = read_now(fd);
    if (more.empty()) break;
    all += more;
  }
  return all;
}
void write_to(const unique_fd& fd, std::string_view text) {
  REQUIRE(::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

}  // namespace

TEST_CASE(
    "what is typed comes in lines, with an echo and keys that erase, and what is said goes out as it is") {
  const terminal here;
  if (here.name.empty()) {
    MESSAGE("skipped: no pseudoterminals here");
    return;
  }
  const auto line = open_serial_line(here.name, 9600);
  REQUIRE(line);
  write_to(here.far, "gux\x7f");
  CHECK(read_from(here.far, 6) == "gux\b \b");
  CHECK(read_now(*line).empty());
  write_to(here.far, "ess\r");
  CHECK(read_from(*line, 6) == "guess\n");
  CHECK(read_from(here.far, 4) == "ess\n");
  write_to(*line, "a\nb\xff");
  CHECK(read_from(here.far, 4) == "a\nb\xff");
  // no key ends this process
  write_to(here.far, "\x03\r");
  CHECK(read_from(*line, 2) == "\x03\n");
}

TEST_CASE("what is no line, and a speed that lines do not have, are refused") {
  CHECK(open_serial_line("/dev/null", 9600).error() == errc::unsupported);
  CHECK(open_serial_line("/dev/null", 9601).error() == errc::invalid_argument);
  const temporary_folder folder;
  CHECK(open_serial_line(folder / "tty", 9600).error() == std::errc::no_such_file_or_directory);
}
