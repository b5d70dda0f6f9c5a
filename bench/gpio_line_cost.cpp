// SPDX-License-Identifier: BSL-1.0
//
// gpio_line_cost: what recording adds to the use of a line of a GPIO character device, per call and for a
// program that opens the chip, drives a LED and closes it.
//
//     gpio_line_cost /dev/gpiochip0 3 [ROUNDS]
//
// Each variant is measured beside the bare chip, in turns; printed is the median of the differences. "none": a
// sink that discards; "miss": three lines are recorded, not this one; "three": this one is among them; "all":
// 1,024 are recorded; "timeless": all, without reading the processor's counter. The ring is emptied between
// measurements.
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
constexpr std::array<const char*, 6> variants{"bare", "none", "miss", "three", "all", "timeless"};

/// In place of the processor's counter, which costs more than all the rest where it is emulated.
struct stopped_counter {
  static std::uint64_t now() noexcept { return 0; }
};

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

double median(std::vector<double> values) {
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

/// Nanoseconds of the bare chip, and what each variant added to those beside it.
struct measured {
  std::vector<double> bare;
  std::array<std::vector<double>, variants.size()> added;

  /// @param time  gives the nanoseconds of a variant
  template <class Time>
  void compare(int round, Time time) {
    for (std::size_t variant = 1; variant < variants.size(); ++variant) {
      // either may come first: the second one finds caches warm
      const bool bare_first = round % 2 == 0;
      const double first = time(bare_first ? 0 : variant);
      const double second = time(bare_first ? variant : 0);
      bare.push_back(bare_first ? first : second);
      added[variant].push_back(bare_first ? second - first : first - second);
    }
  }

  void print(const char* chip, const char* what) {
    const double usual = median(bare);
    std::printf("%s: %-13s bare %10.1f ns", chip, what, usual);
    for (std::size_t variant = 1; variant < variants.size(); ++variant) {
      const double more = median(added[variant]);
      std::printf("   %s %+8.1f ns (%+.2f %%)", variants[variant], more, 100 * more / usual);
    }
    std::printf("\n");
  }
};

/// Begins a page, so that no loop in it crosses one: an emulator takes longer to get over that than a record
/// does.
template <class Used, class Use>
[[gnu::noinline, gnu::aligned(4096)]] auto on_a_page(Used& used, Use use) {
  return use(used);
}

/// Gives the chip, bare or in the variant's recorder, to `use`.
template <class Chip, class Use>
auto as_variant(std::size_t variant, Chip& chip, hal::access_ring<>& ring, std::uint32_t line, Use use) {
  lines_1024 chosen{0};
  if (variant == 2) chosen = lines_1024{0, {1001, 1002, 1003}};
  if (variant == 3) chosen = lines_1024{0, {1001, 1002, line}};
  if (variant >= 4) chosen.insert_all();
  hal::recording_gpio none{chip, hal::every_access{}, hal::null_sink{}};
  hal::recording_gpio recorded{chip, chosen, ring};
  hal::recording_gpio<Chip, lines_1024&, hal::access_ring<>&, stopped_counter> timeless{chip, chosen, ring};
  if (variant == 0) return on_a_page(chip, use);
  if (variant == 1) return on_a_page(none, use);
  return variant == 5 ? on_a_page(timeless, use) : on_a_page(recorded, use);
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

/// Set and get, some at a time. @return false when a call fails
template <class Chip>
bool measure_calls(const char* name, Chip& chip, hal::access_ring<>& ring, std::uint32_t line, int rounds) {
  constexpr int at_once = 50;
  measured sets;
  measured gets;
  bool worked = chip.request(line, {.direction = hal::gpio_direction::output}) == status::ok;
  for (int round = 0; round < rounds; ++round) {
    sets.compare(round, [&](std::size_t variant) {
      drain(ring);
      return as_variant(variant, chip, ring, line, [&](auto& used) {
        return nanoseconds_of(at_once, [&](int i) { worked &= used.write(line, (i & 1) != 0) == status::ok; });
      });
    });
    gets.compare(round, [&](std::size_t variant) {
      drain(ring);
      return as_variant(variant, chip, ring, line, [&](auto& used) {
        return nanoseconds_of(at_once, [&](int) { worked &= used.read(line).code == status::ok; });
      });
    });
  }
  sets.print(name, "set");
  gets.print(name, "get");
  return worked && chip.release(line) == status::ok;
}

/// Open, request, on, off, release, close.
bool measure_programs(const char* node, hal::access_ring<>& ring, std::uint32_t line, int rounds) {
  measured programs;
  bool worked = true;
  const auto drive = [line](auto& chip) {
    return chip.request(line, {.direction = hal::gpio_direction::output}) == status::ok &&
           chip.write(line, true) == status::ok && chip.write(line, false) == status::ok &&
           chip.release(line) == status::ok;
  };
  for (int round = 0; round < rounds; ++round) {
    programs.compare(round, [&](std::size_t variant) {
      drain(ring);
      return nanoseconds_of(1, [&](int) {
        result<linux_os::cdev_gpio> chip = linux_os::cdev_gpio::open(node);
        worked &= chip.has_value() && as_variant(variant, *chip, ring, line, drive);
      });
    });
  }
  programs.print("chardev", "open to close");
  return worked;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: gpio_line_cost /dev/gpiochipN LINE [ROUNDS]\n");
    return 2;
  }
  const auto line = static_cast<std::uint32_t>(std::strtoul(argv[2], nullptr, 10));
  const int rounds = argc > 3 ? std::atoi(argv[3]) : 400;
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
