// SPDX-License-Identifier: BSL-1.0
//
// gpio_line_cost: what recording adds to the use of a line of a GPIO character device, per call and for a
// program that opens the chip, drives a LED and closes it.
//
//     gpio_line_cost /dev/gpiochip0 3 [ROUNDS]
//
// Each round measures every variant, one after the other, and compares it with the bare chip of the same round;
// printed is the median over rounds. "none": a sink that discards; "miss": three lines are recorded, not this
// one; "three": this one is among them; "all": 1,024 are recorded. The ring is emptied between measurements.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <utility>
#include <vector>

#include <shoal/hal/access_filter.hpp>
#include <shoal/hal/access_ring.hpp>
#include <shoal/hal/access_sink.hpp>
#include <shoal/hal/address_set.hpp>
#include <shoal/hal/recording_gpio.hpp>
#include <shoal/os/linux/cdev_gpio.hpp>

using namespace shoal;

namespace {

using lines_1024 = hal::address_set<1024, 1>;
constexpr std::array<const char*, 5> variants{"bare", "none", "miss", "three", "all"};

/// Does nothing: what is left is the recorder and the clock.
struct inert_chip {
  [[nodiscard]] std::uint32_t line_count() const noexcept { return 1024; }
  [[nodiscard]] hal::gpio_features features() const noexcept { return {}; }
  status request(std::uint32_t, const hal::gpio_config&) noexcept { return status::ok; }
  status release(std::uint32_t) noexcept { return status::ok; }
  status_or<bool> read(std::uint32_t) noexcept { return level_; }
  status write(std::uint32_t, bool level) noexcept {
    level_ = level;
    return status::ok;
  }
  volatile bool level_ = false;
};

struct measured {
  std::array<std::vector<double>, variants.size()> nanoseconds;

  void print(const char* what) {
    std::array<double, variants.size()> added{};
    const auto median = [](std::vector<double> values) {
      std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
      return values[values.size() / 2];
    };
    for (std::size_t v = 1; v < variants.size(); ++v) {
      std::vector<double> differences;
      for (std::size_t i = 0; i < nanoseconds[0].size(); ++i) {
        differences.push_back(nanoseconds[v][i] - nanoseconds[0][i]);
      }
      added[v] = median(std::move(differences));
    }
    const double bare = median(nanoseconds[0]);
    std::printf("%-28s bare %10.1f ns", what, bare);
    for (std::size_t v = 1; v < variants.size(); ++v) {
      std::printf("   %s %+8.1f ns (%+.2f %%)", variants[v], added[v], 100 * added[v] / bare);
    }
    std::printf("\n");
  }
};

/// Calls `with(variant, chip)` for the bare chip and for each recorder around it.
template <class Chip, class With>
void for_each_variant(Chip& chip, hal::access_ring<>& ring, std::uint32_t line, With with) {
  with(0, chip);
  hal::recording_gpio none{chip, hal::every_access{}, hal::null_sink{}};
  with(1, none);
  hal::recording_gpio miss{chip, lines_1024{0, {1001, 1002, 1003}}, ring};
  with(2, miss);
  hal::recording_gpio three{chip, lines_1024{0, {1001, 1002, line}}, ring};
  with(3, three);
  lines_1024 every{0};
  every.insert_all();
  hal::recording_gpio all{chip, every, ring};
  with(4, all);
}

template <class Work>
double nanoseconds_of(int times, Work work) {
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < times; ++i) work(i);
  const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - start;
  return taken.count() / times;
}

void drain(hal::access_ring<>& ring) {
  static std::array<hal::access_record, 1024> batch;
  while (ring.take(batch) != 0) {
  }
}

/// Set and get, many at a time. @return false when a call fails
template <class Chip>
bool measure_calls(const char* name, Chip& chip, hal::access_ring<>& ring, std::uint32_t line, int rounds) {
  measured sets;
  measured gets;
  bool worked = chip.request(line, {.direction = hal::gpio_direction::output}) == status::ok;
  for (int round = 0; round < rounds; ++round) {
    for_each_variant(chip, ring, line, [&](std::size_t variant, auto& used) {
      sets.nanoseconds[variant].push_back(
          nanoseconds_of(500, [&](int i) { worked &= used.write(line, (i & 1) != 0) == status::ok; }));
      drain(ring);
      gets.nanoseconds[variant].push_back(
          nanoseconds_of(500, [&](int) { worked &= used.read(line).code == status::ok; }));
      drain(ring);
    });
  }
  std::array<char, 64> label{};
  std::snprintf(label.data(), label.size(), "%s: set", name);
  sets.print(label.data());
  std::snprintf(label.data(), label.size(), "%s: get", name);
  gets.print(label.data());
  return worked && chip.release(line) == status::ok;
}

/// Open, request, on, off, release, close.
bool measure_programs(const char* node, hal::access_ring<>& ring, std::uint32_t line, int rounds) {
  measured programs;
  bool worked = true;
  const auto run = [&](auto use) {
    return nanoseconds_of(20, [&](int) {
      result<linux_os::cdev_gpio> chip = linux_os::cdev_gpio::open(node);
      worked &= chip.has_value() && use(*chip);
    });
  };
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t wanted = 0; wanted < variants.size(); ++wanted) {
      programs.nanoseconds[wanted].push_back(run([&](linux_os::cdev_gpio& chip) {
        bool done = true;
        for_each_variant(chip, ring, line, [&](std::size_t variant, auto& used) {
          if (variant != wanted) return;
          done = used.request(line, {.direction = hal::gpio_direction::output}) == status::ok &&
                 used.write(line, true) == status::ok && used.write(line, false) == status::ok &&
                 used.release(line) == status::ok;
        });
        return done;
      }));
      drain(ring);
    }
  }
  programs.print("chardev: open to close");
  return worked;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: gpio_line_cost /dev/gpiochipN LINE [ROUNDS]\n");
    return 2;
  }
  const auto line = static_cast<std::uint32_t>(std::strtoul(argv[2], nullptr, 10));
  const int rounds = argc > 3 ? std::atoi(argv[3]) : 100;
  result<linux_os::cdev_gpio> chip = linux_os::cdev_gpio::open(argv[1]);
  if (!chip) {
    std::fprintf(stderr, "gpio_line_cost: %s: %s\n  %s\n", argv[1], chip.error().message().c_str(),
                 linux_os::next_step(argv[1], chip.error()).c_str());
    return 1;
  }
  const auto ring = std::make_unique<hal::access_ring<>>();
  inert_chip inert;
  const bool worked = measure_calls("no chip", inert, *ring, line, rounds) &&
                      measure_calls("chardev", *chip, *ring, line, rounds) &&
                      measure_programs(argv[1], *ring, line, rounds);
  if (!worked) std::fprintf(stderr, "gpio_line_cost: a call failed; is line %u taken?\n", line);
  return worked ? 0 : 1;
}
