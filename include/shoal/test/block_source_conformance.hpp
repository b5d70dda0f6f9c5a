// SPDX-License-Identifier: BSL-1.0
//
// What every block_source has to do, as a test of yours can ask of a device of yours:
//
//     TEST_CASE("my device is a block source") {
//       test::conforms_to_block_source([] { return my_device{...}; }, what_it_holds);
//     }
//
// Optional capabilities are tested where the device has them. The tests are doctest subcases, each on a fresh
// device.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/base/bytes.hpp>
#include <shoal/base/error.hpp>
#include <shoal/block/capability.hpp>
#include <shoal/block/concepts.hpp>
#include <shoal/task/lease.hpp>
#include <shoal/task/task.hpp>
#include <shoal/test/run.hpp>

namespace shoal::test {

namespace detail {

inline bool same(bytes_view a, bytes_view b) {
  return std::ranges::equal(a, b);
}

inline bool all_zero(bytes_view bytes) {
  return std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{}; });
}

/// Ranges inside a device, in multiples of its smallest unit. Repeats itself for a seed.
class range_source {
 public:
  struct range {
    std::uint64_t offset;
    std::size_t length;
  };

  range_source(const device_info& info, std::uint32_t seed)
      : unit_(info.min_io), units_(info.size / info.min_io), random_(seed) {}

  std::uint32_t number(std::uint32_t bound) { return static_cast<std::uint32_t>(random_() % bound); }
  /// At least one unit; mostly short, sometimes across many blocks.
  range next() {
    const std::uint64_t first = random_() % units_;
    const std::uint64_t longest = std::min<std::uint64_t>(units_ - first, number(4) == 0 ? 40000 : 6000);
    const std::uint64_t count =
        std::max<std::uint64_t>(1, longest / unit_ == 0 ? 1 : random_() % longest / unit_);
    return {first * unit_, static_cast<std::size_t>(std::min(count, units_ - first) * unit_)};
  }
  void fill(bytes_span out) {
    for (std::byte& b : out) b = static_cast<std::byte>(random_() >> 24);
  }

 private:
  std::uint64_t unit_;
  std::uint64_t units_;
  std::mt19937 random_;
};

template <block_source D>
void check_holds(D& device, bytes_view content) {
  std::vector<std::byte> found(content.size());
  std::uint64_t at = 0;
  while (at < content.size()) {
    const std::size_t n =
        std::min<std::size_t>(content.size() - static_cast<std::size_t>(at), device.info().max_io);
    const result<> read = run(device.read(at, bytes_span{found}.subspan(static_cast<std::size_t>(at), n)));
    REQUIRE(read.error().message() == std::error_code{}.message());
    at += n;
  }
  const auto [wrong, expected] = std::ranges::mismatch(found, content);
  INFO("first wrong byte at " << wrong - found.begin());
  CHECK(wrong == found.end());
}

template <block_source D>
task<> read_at_random(D& device, bytes_view content, std::uint32_t seed) {
  range_source ranges{device.info(), seed};
  std::vector<std::byte> found;
  for (int i = 0; i < 50; ++i) {
    const auto [offset, length] = ranges.next();
    found.resize(length);
    const bytes_span out{found};
    const result<> read = co_await device.read(offset, out);
    CHECK(read);
    CHECK(same(found, content.subspan(static_cast<std::size_t>(offset), length)));
  }
  co_return result<>{};
}

}  // namespace detail

/// @param make     gives a device each time it is called
/// @param content  what each holds; at least 16 KiB
template <class Make>
void conforms_to_block_source(Make make, bytes_view content) {
  auto device = make();
  using device_type = decltype(device);
  static_assert(block_source<device_type>);
  const device_info info = device.info();
  const capability real = actual_capabilities(device);
  const std::uint64_t size = info.size;
  REQUIRE(size == content.size());
  REQUIRE(size >= 16_KiB);

  SUBCASE("info keeps within its bounds") {
    CHECK(std::has_single_bit(info.min_io));
    CHECK(info.min_io <= 64_KiB);
    CHECK(std::has_single_bit(info.preferred_io));
    CHECK(info.preferred_io >= 512);
    CHECK(info.max_io >= info.preferred_io);
    CHECK(size % info.min_io == 0);
  }
  SUBCASE("it holds what it should") {
    detail::check_holds(device, content);
  }
  SUBCASE("a read fills its buffer and nothing beside it") {
    std::vector<std::byte> buffer(3 * std::size_t{info.min_io}, std::byte{0xa5});
    CHECK(run(device.read(0, bytes_span{buffer}.subspan(info.min_io, info.min_io))));
    CHECK(detail::same(bytes_view{buffer}.subspan(info.min_io, info.min_io), content.first(info.min_io)));
    const auto untouched = [](std::byte b) { return b == std::byte{0xa5}; };
    CHECK(std::all_of(buffer.begin(), buffer.begin() + info.min_io, untouched));
    CHECK(std::all_of(buffer.end() - info.min_io, buffer.end(), untouched));
  }
  SUBCASE("a read may end at the end but not pass it") {
    std::vector<std::byte> unit(info.min_io);
    std::vector<std::byte> two(2 * std::size_t{info.min_io});
    CHECK(run(device.read(size - unit.size(), unit)));
    CHECK(detail::same(unit, content.last(unit.size())));
    CHECK(run(device.read(size - unit.size(), two)).error() == errc::out_of_range);
    CHECK(run(device.read(size, unit)).error() == errc::out_of_range);
    CHECK(run(device.read(UINT64_MAX, unit)).error() == errc::out_of_range);
    CHECK(run(device.read(UINT64_MAX - unit.size() + 1, unit)).error() == errc::out_of_range);
  }
  SUBCASE("an empty read succeeds inside the device") {
    CHECK(run(device.read(0, {})));
    CHECK(run(device.read(size, {})));
    CHECK(run(device.read(size + 1, {})).error() == errc::out_of_range);
  }
  SUBCASE("many reads at once get their own bytes each") {
    std::vector<task<>> readers;
    for (std::uint32_t seed = 1; seed <= 32; ++seed) {
      readers.push_back(detail::read_at_random(device, content, seed));
    }
    CHECK(run_all(std::move(readers)));
  }
  if constexpr (can_try_read<device_type>) {
    SUBCASE("try_read gives the right bytes or none") {
      detail::range_source ranges{info, 7};
      std::vector<std::byte> found;
      for (int i = 0; i < 200; ++i) {
        const auto [offset, length] = ranges.next();
        found.assign(length, std::byte{});
        if (!device.try_read(offset, found)) continue;
        CHECK(detail::same(found, content.subspan(static_cast<std::size_t>(offset), length)));
      }
      found.resize(info.min_io);
      CHECK_FALSE(device.try_read(size, found));
      CHECK_FALSE(device.try_read(UINT64_MAX, found));
    }
  }
  if constexpr (can_lend<device_type>) {
    SUBCASE("try_lend gives a part of what was asked from its start, or nothing") {
      detail::range_source ranges{info, 8};
      for (int i = 0; i < 200; ++i) {
        const auto [offset, length] = ranges.next();
        const lease lent = device.try_lend(offset, length);
        CHECK(lent.size() <= length);
        CHECK(detail::same(lent.bytes(), content.subspan(static_cast<std::size_t>(offset), lent.size())));
      }
      CHECK_FALSE(device.try_lend(size - info.min_io, 2 * std::size_t{info.min_io}));
      CHECK_FALSE(device.try_lend(size, info.min_io));
      CHECK_FALSE(device.try_lend(size, 0));
      CHECK_FALSE(device.try_lend(UINT64_MAX, info.min_io));
    }
    SUBCASE("a lease outlives its device") {
      lease kept;
      {
        auto lender = make();
        kept = lender.try_lend(0, info.min_io);
      }
      CHECK(detail::same(kept.bytes(), content.first(kept.size())));
    }
  }
  if constexpr (can_extents<device_type>) {
    SUBCASE("extents cover the device, and what they call zero is zero") {
      if (has(real, capability::extents)) {
        std::uint64_t at = 0;
        while (at < size) {
          const result<std::vector<extent>> found = run(device.extents(at, size - at));
          REQUIRE(found);
          REQUIRE_FALSE(found->empty());
          for (const extent& each : *found) {
            REQUIRE(each.length != 0);
            REQUIRE(each.length <= size - at);
            const bytes_view bytes =
                content.subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(each.length));
            if (each.zero) CHECK(detail::all_zero(bytes));
            at += each.length;
          }
        }
        CHECK(run(device.extents(size - info.min_io, info.min_io)));
        CHECK(run(device.extents(size, info.min_io)).error() == errc::out_of_range);
        CHECK(run(device.extents(1, UINT64_MAX)).error() == errc::out_of_range);
      }
    }
  }
  if constexpr (can_cache<device_type>) {
    SUBCASE("cache changes nothing that can be seen") {
      if (has(real, capability::cache)) {
        CHECK(run(device.cache(0, size)));
        CHECK(run(device.cache(size, info.min_io)).error() == errc::out_of_range);
        detail::check_holds(device, content);
      }
    }
  }
  if constexpr (block_device<device_type>) {
    SUBCASE("a read-only device refuses every change") {
      if (info.read_only && has(real, capability::write)) {
        const std::vector<std::byte> unit(info.min_io);
        CHECK(run(device.write(0, unit, io_flags::none)).error() == errc::read_only);
        CHECK(run(device.flush()).error() == errc::read_only);
        if constexpr (can_trim<device_type>) {
          CHECK(run(device.trim(0, info.min_io, io_flags::none)).error() == errc::read_only);
        }
        if constexpr (can_zero<device_type>) {
          CHECK(run(device.zero(0, info.min_io, io_flags::none)).error() == errc::read_only);
        }
        if constexpr (can_try_write<device_type>) CHECK_FALSE(device.try_write(0, unit, io_flags::none));
        detail::check_holds(device, content);
      }
    }
  }
}

}  // namespace shoal::test
