// SPDX-License-Identifier: BSL-1.0
#include <shoal/os/posix/qtest_bus.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <shoal/base/error.hpp>
#include <shoal/base/result.hpp>
#include <shoal/hal/bus_address.hpp>
#include <shoal/os/posix/unique_fd.hpp>

#include "../../temporary_folder.hpp"

using shoal::errc;
using shoal::hal::bus_address;
using shoal::hal::port_address;
using shoal::posix::qtest_bus;
using shoal::posix::unique_fd;

namespace {

// Answers each line that comes with the next of its texts, then hangs up; keeps what it was asked.
class scripted_qemu {
 public:
  scripted_qemu(const std::filesystem::path& path, std::vector<std::string> answers)
      : answers_(std::move(answers)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.string().copy(address.sun_path, sizeof(address.sun_path) - 1);
    listener_ = unique_fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    REQUIRE(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
    REQUIRE(::listen(listener_.get(), 1) == 0);
    thread_ = std::jthread{[this] { serve(); }};
  }
  // What it was asked, once it has hung up.
  std::string asked() {
    thread_.join();
    return asked_;
  }

 private:
  void serve() {
    const unique_fd peer{::accept(listener_.get(), nullptr, nullptr)};
    for (const std::string& answer : answers_) {
      char c = 0;
      do {
        if (::read(peer.get(), &c, 1) != 1) return;
        asked_ += c;
      } while (c != '\n');
      for (const char piece : answer) {
        if (::send(peer.get(), &piece, 1, MSG_NOSIGNAL) != 1) return;
      }
    }
  }

  std::vector<std::string> answers_;
  unique_fd listener_;
  std::string asked_;
  std::jthread thread_;  // the last: it ends before what it uses
};

struct session {
  temporary_folder folder;
  std::filesystem::path path = folder / "q";
};

constexpr bus_address somewhere{0x0903'0000};

}  // namespace

TEST_CASE("accesses are lines of the protocol, by width, and so are the lines of devices") {
  session s;
  scripted_qemu qemu{s.path,
                     {"OK\n", "OK 0xff\n", "OK\n", "OK 0xffffffff12345678\n", "OK\n", "OK 0x0041\n", "OK\n"}};
  auto bus = qtest_bus::connect(s.path);
  REQUIRE(bus);
  bus->store<std::uint32_t>(somewhere, 0x20);
  CHECK(bus->load<std::uint8_t>(somewhere + 1) == 0xff);
  bus->store<std::uint16_t>(somewhere, 7);
  CHECK(bus->load<std::uint64_t>(bus_address{UINT64_MAX}) == 0xffff'ffff'1234'5678);
  bus->out<std::uint8_t>(port_address{0x3f8}, 'A');
  CHECK(bus->in<std::uint16_t>(port_address{0x3f8}) == 0x41);
  CHECK(bus->set_input("/machine/unattached/device[7]", 3, true));
  CHECK_FALSE(bus->error());
  CHECK(qemu.asked() ==
        "writel 0x9030000 0x20\nreadb 0x9030001\nwritew 0x9030000 0x7\nreadq 0xffffffffffffffff\n"
        "outb 0x3f8 0x41\ninw 0x3f8\nset_irq_in /machine/unattached/device[7] unnamed-gpio-in 3 1\n");
}

TEST_CASE("changes of outputs come between the answers") {
  session s;
  scripted_qemu qemu{
      s.path,
      {"OK\n",
       "IRQ raise 3\nIRQ raise 255\nIRQ raise 256\nIRQ lower 99999999999\nIRQ what\nIRQ raise x\nOK 0x1\n",
       "IRQ lower 3\nOK\n"}};
  auto bus = qtest_bus::connect(s.path);
  REQUIRE(bus);
  REQUIRE(bus->watch_outputs("/machine/gpio"));
  CHECK_FALSE(bus->output(3));
  CHECK(bus->load<std::uint32_t>(somewhere) == 1);
  CHECK(bus->output(3));
  CHECK(bus->output(255));
  CHECK_FALSE(bus->output(256));
  CHECK_FALSE(bus->output(0));
  qtest_bus moved = std::move(*bus);
  moved.store<std::uint32_t>(somewhere, 0);
  CHECK_FALSE(moved.output(3));
}

TEST_CASE("after an answer that is none, loads find ones and nothing is asked any more") {
  const std::string endless(5000, 'a');
  for (const std::string& answer :
       std::vector<std::string>{"OK\n", "OK \n", "OK 0x\n", "OK 0xg\n", "OK 0x12 \n",
                                "OK 0x11112222333344445\n", "\n", "OKAY\n", endless}) {
    CAPTURE(answer);
    session s;
    scripted_qemu qemu{s.path, {answer}};
    auto bus = qtest_bus::connect(s.path);
    REQUIRE(bus);
    CHECK(bus->load<std::uint32_t>(somewhere) == 0xffff'ffff);
    CHECK(bus->error() == errc::malformed);
    bus->store<std::uint32_t>(somewhere, 0);
    CHECK(bus->load<std::uint64_t>(somewhere) == UINT64_MAX);
    CHECK(bus->set_input("/x", 0, true).error() == errc::malformed);
    bus = errc::closed;  // ends the connection
    CHECK(qemu.asked() == "readl 0x9030000\n");
  }
}

TEST_CASE("a command that QEMU refuses says so and leaves the bus as it was") {
  session s;
  scripted_qemu qemu{s.path, {"FAIL Unknown device\n", "OK 0x5\n", "FAIL\n"}};
  auto bus = qtest_bus::connect(s.path);
  REQUIRE(bus);
  CHECK(bus->watch_outputs("/machine/nothing").error() == errc::failed);
  CHECK(bus->load<std::uint32_t>(somewhere) == 5);
  CHECK(bus->watch_outputs("two words").error() == errc::invalid_argument);
  CHECK(bus->set_input("/x\nquit", 0, true).error() == errc::invalid_argument);
  CHECK(bus->set_input("", 0, true).error() == errc::invalid_argument);
  CHECK(bus->load<std::uint32_t>(somewhere) == 0xffff'ffff);
  CHECK(bus->error() == errc::failed);
}

TEST_CASE("a QEMU that goes, or says nothing, ends the accesses with the reason") {
  session s;
  {
    scripted_qemu qemu{s.path, {}};
    auto bus = qtest_bus::connect(s.path);
    REQUIRE(bus);
    static_cast<void>(qemu.asked());
    CHECK(bus->load<std::uint32_t>(somewhere) == 0xffff'ffff);
    CHECK(bus->error());
  }
  std::filesystem::remove(s.path);
  scripted_qemu silent{s.path, {"", ""}};
  auto bus = qtest_bus::connect(s.path, std::chrono::milliseconds{20});
  REQUIRE(bus);
  CHECK(bus->load<std::uint16_t>(somewhere) == 0xffff);
  CHECK(bus->error() == errc::timed_out);
}

TEST_CASE("where no QEMU listens, the operating system says so") {
  session s;
  CHECK(qtest_bus::connect(s.path).error() == std::errc::no_such_file_or_directory);
  CHECK(qtest_bus::connect("").error() == std::errc::filename_too_long);
  CHECK(qtest_bus::connect(std::string(200, 'x')).error() == std::errc::filename_too_long);
}
