// SPDX-License-Identifier: BSL-1.0
#include <shoal/os/linux/sysfs_gpio.hpp>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "../../temporary_folder.hpp"

using namespace shoal;
using namespace shoal::linux_os;

namespace {

void store(const std::filesystem::path& path, const std::string& text) {
  std::ofstream{path} << text;
}
std::string load(const std::filesystem::path& path) {
  std::string text;
  std::getline(std::ifstream{path}, text);
  return text;
}

// A folder that looks like /sys/class/gpio with the chip of a Raspberry Pi 3, and a thread that does what the
// kernel does with exports. Everything else is what one writes into the files.
class fake_sysfs {
 public:
  fake_sysfs() {
    places = {.root = folder_ / "gpio", .marks = folder_ / "marks"};
    std::filesystem::create_directory(places.root);
    std::filesystem::create_directory(places.marks);
    add_chip(458, 54, "pinctrl-bcm2835");
    for (const char* fifo : {"export", "unexport"}) {
      REQUIRE(::mkfifo((places.root / fifo).c_str(), 0600) == 0);
      fifos_[fifo[0] == 'u'] = posix::unique_fd{::open((places.root / fifo).c_str(), O_RDWR | O_CLOEXEC)};
    }
    kernel_ = std::jthread{[this](const std::stop_token& stop) { run(stop); }};
  }
  fake_sysfs(const fake_sysfs&) = delete;
  fake_sysfs& operator=(const fake_sysfs&) = delete;

  void add_chip(std::uint32_t base, std::uint32_t lines, const std::string& label) const {
    const std::filesystem::path chip = places.chip(base);
    std::filesystem::create_directory(chip);
    store(chip / "base", std::to_string(base) + '\n');
    store(chip / "ngpio", std::to_string(lines) + '\n');
    store(chip / "label", label + '\n');
  }

  // What somebody else does with echo.
  void export_line(std::uint32_t number) const {
    const std::filesystem::path folder = places.line(number);
    // not a folder's number again that has just gone
    std::filesystem::create_directory(folder_ / ("used-" + std::to_string(number)));
    std::filesystem::create_directory(folder);
    for (const char* attribute : {"active_low", "direction", "value"}) store(folder / attribute, "0\n");
    if (with_edges) store(folder / "edge", "none\n");
  }
  void unexport_line(std::uint32_t number) const { std::filesystem::remove_all(places.line(number)); }

  [[nodiscard]] std::string attribute(std::uint32_t number, const char* name) const {
    return load(places.line(number) / name);
  }
  // Once the kernel has done what it was told.
  [[nodiscard]] bool exported(std::uint32_t number) const {
    settle();
    return std::filesystem::exists(places.line(number));
  }
  [[nodiscard]] bool marked(std::uint32_t number) const {
    return std::filesystem::exists(places.marks / ("shoal-gpio" + std::to_string(number)));
  }

  sysfs_places places;
  std::atomic<bool> with_edges = true;

 private:
  void settle() const {
    for (int quiet = 0; quiet < 2;) {
      bool waits = busy_;
      for (const posix::unique_fd& fifo : fifos_) {
        pollfd ready{.fd = fifo.get(), .events = POLLIN, .revents = 0};
        waits = waits || ::poll(&ready, 1, 0) > 0;
      }
      quiet = waits ? 0 : quiet + 1;
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
    }
  }

  void run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      pollfd ready[2] = {{fifos_[0].get(), POLLIN, 0}, {fifos_[1].get(), POLLIN, 0}};
      if (::poll(ready, 2, 10) <= 0) continue;
      busy_ = true;
      for (std::size_t i = 0; i < 2; ++i) {
        char text[4096] = {};
        if ((ready[i].revents & POLLIN) == 0 || ::read(fifos_[i].get(), text, sizeof text - 1) <= 0) continue;
        std::istringstream numbers{text};
        for (std::uint32_t number = 0; numbers >> number;) {
          if (i == 0) export_line(number);
          if (i == 1) unexport_line(number);
        }
      }
      busy_ = false;
    }
  }

  temporary_folder folder_;
  posix::unique_fd fifos_[2];
  std::atomic<bool> busy_ = false;
  std::jthread kernel_;
};

constexpr hal::gpio_config high{.direction = hal::gpio_direction::output, .level = true};

sysfs_gpio opened(const fake_sysfs& sysfs) {
  result<sysfs_gpio> chip = sysfs_gpio::open(458, sysfs.places);
  REQUIRE(chip);
  return std::move(*chip);
}

// In a process of its own, which then dies as by kill -9: without destructors.
void request_and_die(const fake_sysfs& sysfs, std::uint32_t line) {
  const pid_t child = ::fork();
  if (child == 0) {
    result<sysfs_gpio> chip = sysfs_gpio::open(458, sysfs.places);
    const bool taken = chip && chip->request(line, high) == status::ok;
    ::_exit(taken ? 0 : 1);
  }
  int how = -1;
  REQUIRE(::waitpid(child, &how, 0) == child);
  REQUIRE(how == 0);
}

}  // namespace

TEST_CASE("line 25 of the chip with base 458 is gpio483") {
  fake_sysfs sysfs;
  sysfs_gpio chip = opened(sysfs);
  CHECK(chip.line_count() == 54);
  CHECK(chip.base() == 458);
  CHECK(chip.label() == "pinctrl-bcm2835");
  REQUIRE(chip.request(25, high) == status::ok);
  CHECK(sysfs.exported(483));
  CHECK(sysfs.attribute(483, "direction") == "high");
  CHECK(sysfs.attribute(483, "active_low") == "0");
  CHECK(chip.write(25, true) == status::ok);
  CHECK(sysfs.attribute(483, "value") == "1");
  CHECK(chip.read(25).value);
  CHECK(chip.write(25, false) == status::ok);
  CHECK_FALSE(chip.read(25).value);
  CHECK(chip.release(25) == status::ok);
  CHECK_FALSE(sysfs.exported(483));
  CHECK_FALSE(sysfs.marked(483));
  CHECK(chip.read(25).code == status::invalid_argument);
}

TEST_CASE("lines that do not exist are out of range, and those that are not taken not usable") {
  fake_sysfs sysfs;
  sysfs_gpio chip = opened(sysfs);
  CHECK(chip.request(54, {}) == status::out_of_range);
  CHECK(chip.read(54).code == status::out_of_range);
  CHECK(chip.write(UINT32_MAX, true) == status::out_of_range);
  CHECK(chip.release(54) == status::out_of_range);
  CHECK(chip.release(53) == status::ok);
  CHECK(chip.write(0, true) == status::invalid_argument);
  REQUIRE(chip.request(0, {}) == status::ok);
  CHECK(chip.write(0, true) == status::invalid_argument);
  CHECK(chip.request(0, {.bias = hal::gpio_bias::pull_up}) == status::unsupported);
}

TEST_CASE("an output that is active low starts with the inverse of its logical level") {
  fake_sysfs sysfs;
  sysfs_gpio chip = opened(sysfs);
  hal::gpio_config config = high;
  config.active_low = true;
  REQUIRE(chip.request(2, config) == status::ok);
  CHECK(sysfs.attribute(460, "active_low") == "1");
  CHECK(sysfs.attribute(460, "direction") == "low");
  config.level = false;
  REQUIRE(chip.request(2, config) == status::ok);
  CHECK(sysfs.attribute(460, "direction") == "high");
  REQUIRE(chip.request(2, {}) == status::ok);
  CHECK(sysfs.attribute(460, "active_low") == "0");
  CHECK(sysfs.attribute(460, "direction") == "in");
}

TEST_CASE("no export is left behind when the chip goes") {
  fake_sysfs sysfs;
  {
    sysfs_gpio chip = opened(sysfs);
    for (const std::uint32_t line : {0u, 25u, 53u}) REQUIRE(chip.request(line, high) == status::ok);
    const sysfs_gpio moved = std::move(chip);
    CHECK(sysfs.exported(483));
  }
  for (const std::uint32_t number : {458u, 483u, 511u}) {
    CHECK_FALSE(sysfs.exported(number));
    CHECK_FALSE(sysfs.marked(number));
  }
}

TEST_CASE("a line that somebody else has exported is busy, and stays exported") {
  fake_sysfs sysfs;
  sysfs.export_line(483);
  sysfs_gpio chip = opened(sysfs);
  CHECK(chip.request(25, high) == status::busy);
  CHECK(chip.release(25) == status::ok);
  CHECK(sysfs.exported(483));
  CHECK_FALSE(sysfs.marked(483));
  sysfs.unexport_line(483);
  CHECK(chip.request(25, high) == status::ok);
}

TEST_CASE("a line that another user of ours has is busy until it is given back") {
  fake_sysfs sysfs;
  sysfs_gpio one = opened(sysfs);
  REQUIRE(one.request(25, high) == status::ok);
  sysfs_gpio two = opened(sysfs);
  CHECK(sysfs.exported(483));
  CHECK(two.request(25, {}) == status::busy);
  CHECK(one.write(25, true) == status::ok);
  CHECK(one.release(25) == status::ok);
  CHECK_FALSE(sysfs.exported(483));
  CHECK(two.request(25, {}) == status::ok);
  CHECK(one.request(25, {}) == status::busy);
}

TEST_CASE("what a killed user left is unexported by the next one that opens the chip") {
  fake_sysfs sysfs;
  request_and_die(sysfs, 25);
  CHECK(sysfs.exported(483));
  CHECK(sysfs.marked(483));
  sysfs_gpio chip = opened(sysfs);
  CHECK_FALSE(sysfs.exported(483));
  CHECK_FALSE(sysfs.marked(483));
  CHECK(chip.request(25, {}) == status::ok);
}

TEST_CASE("what a user left who was killed while the chip was open is taken over") {
  fake_sysfs sysfs;
  sysfs_gpio chip = opened(sysfs);
  request_and_die(sysfs, 25);
  CHECK(sysfs.exported(483));
  store(sysfs.places.line(483) / "edge", "both\n");
  CHECK(chip.request(25, high) == status::ok);
  CHECK(sysfs.attribute(483, "edge") == "none");
  CHECK(sysfs.exported(483));
  CHECK(chip.release(25) == status::ok);
  CHECK_FALSE(sysfs.exported(483));
  CHECK_FALSE(sysfs.marked(483));
}

TEST_CASE("what others export behind a killed user stays theirs") {
  fake_sysfs sysfs;
  request_and_die(sysfs, 25);
  std::filesystem::rename(sysfs.places.line(483), sysfs.places.root.parent_path() / "was");
  sysfs.export_line(483);
  sysfs_gpio chip = opened(sysfs);
  CHECK(sysfs.exported(483));
  CHECK_FALSE(sysfs.marked(483));
  CHECK(chip.request(25, high) == status::busy);
  CHECK(sysfs.exported(483));
}

TEST_CASE("what others unexport and export again is not unexported by us") {
  fake_sysfs sysfs;
  sysfs_gpio chip = opened(sysfs);
  REQUIRE(chip.request(25, high) == status::ok);
  std::filesystem::rename(sysfs.places.line(483), sysfs.places.root.parent_path() / "was");
  sysfs.export_line(483);
  CHECK(chip.release(25) == status::ok);
  CHECK(sysfs.exported(483));
  CHECK_FALSE(sysfs.marked(483));
}

TEST_CASE("marks that make no sense are nobody's") {
  fake_sysfs sysfs;
  sysfs.export_line(483);
  for (const char* text : {"", "x", "99999999999999999999999999999999999999", "-1", "0"}) {
    CAPTURE(text);
    store(sysfs.places.marks / "shoal-gpio483", text);
    sysfs_gpio chip = opened(sysfs);
    CHECK(sysfs.exported(483));
    CHECK(chip.request(25, {}) == status::busy);
  }
  std::filesystem::create_symlink("/dev/null", sysfs.places.marks / "shoal-gpio484");
  sysfs_gpio chip = opened(sysfs);
  CHECK(chip.request(26, {}) == status::failed);
  CHECK_FALSE(sysfs.exported(484));
}

TEST_CASE("a line without interrupts has no edges, and is not left exported") {
  fake_sysfs sysfs;
  sysfs.with_edges = false;
  sysfs_gpio chip = opened(sysfs);
  CHECK(chip.request(3, {.edges = hal::gpio_edge::both}) == status::unsupported);
  CHECK_FALSE(sysfs.exported(461));
  REQUIRE(chip.request(3, high) == status::ok);
  CHECK(chip.request(3, {.edges = hal::gpio_edge::both}) == status::unsupported);
  CHECK(sysfs.attribute(461, "direction") == "high");
  CHECK(chip.write(3, false) == status::ok);
}

TEST_CASE("a chip is found by what its driver calls it") {
  fake_sysfs sysfs;
  sysfs.add_chip(100, 8, "expander");
  sysfs.add_chip(300, 8, "twin");
  sysfs.add_chip(308, 8, "twin");
  const std::vector<sysfs_chip> chips = sysfs_chips(sysfs.places);
  REQUIRE(chips.size() == 4);
  CHECK(chips[0].base == 100);
  CHECK(chips[3].label == "pinctrl-bcm2835");
  CHECK(chips[3].lines == 54);
  CHECK(*find_sysfs_chip("pinctrl-bcm2835", sysfs.places) == 458);
  CHECK(find_sysfs_chip("twin", sysfs.places).error() == errc::invalid_argument);
  CHECK(find_sysfs_chip("nobody", sysfs.places).error() == errc::not_found);
}

TEST_CASE("what is missing is named") {
  fake_sysfs sysfs;
  CHECK_FALSE(find_obstacle(458, sysfs.places).why);
  CHECK(find_obstacle(400, sysfs.places).node == sysfs.places.root / "gpiochip400");
  CHECK(sysfs_gpio::open(400, sysfs.places).error() == std::errc::no_such_file_or_directory);
  std::filesystem::remove(sysfs.places.marks);
  CHECK(find_obstacle(458, sysfs.places).node == sysfs.places.marks);
  CHECK(sysfs_gpio::open(458, sysfs.places).error() == std::errc::no_such_file_or_directory);
  std::filesystem::remove(sysfs.places.root / "export");
  CHECK(find_obstacle(458, sysfs.places).node == sysfs.places.root / "export");
  store(sysfs.places.chip(458) / "ngpio", "many\n");
  CHECK(read_sysfs_chip(458, sysfs.places).error() == errc::malformed);
}
