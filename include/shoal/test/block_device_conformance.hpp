// SPDX-License-Identifier: BSL-1.0
//
// What every block_device has to do, as a test of yours can ask of a device of yours:
//
//     TEST_CASE("my device is a block device") {
//       test::conforms_to_block_device([] { return my_device{64_KiB}; });
//     }
//
// Includes what every block_source has to do. Optional capabilities are tested where the device has them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/base/bytes.hpp>
#include <shoal/base/error.hpp>
#include <shoal/block/capability.hpp>
#include <shoal/block/concepts.hpp>
#include <shoal/task/lease.hpp>
#include <shoal/task/task.hpp>
#include <shoal/test/block_source_conformance.hpp>
#include <shoal/test/run.hpp>

namespace shoal::test {

namespace detail {

// Writes by try_write where that works, and by write where it does not, as a server does.
template <block_device D>
task<> put(D& device, std::uint64_t offset, bytes_view in, io_flags flags) {
  if constexpr (can_try_write<D>) {
    if (device.try_write(offset, in, flags)) return done();
  }
  return device.write(offset, in, flags);
}

// Random changes, and the same to `model`, which has to agree with the device all along.
template <block_device D>
task<> change_at_random(D& device, std::vector<std::byte>& model, std::uint32_t seed) {
  range_source ranges{device.info(), seed};
  const capability real = actual_capabilities(device);
  std::vector<std::byte> buffer;
  for (int i = 0; i < 400; ++i) {
    const auto [offset, length] = ranges.next();
    const bytes_span modelled = bytes_span{model}.subspan(static_cast<std::size_t>(offset), length);
    buffer.resize(length);
    const bytes_span bytes{buffer};
    const std::uint32_t choice = ranges.number(8);
    if (choice == 0 && can_zero<D> && has(real, capability::zero)) {
      if constexpr (can_zero<D>) {
        const io_flags flags = ranges.number(2) == 0 ? io_flags::may_trim : io_flags::none;
        const result<> zeroed = co_await device.zero(offset, length, flags);
        CHECK(zeroed);
        std::ranges::fill(modelled, std::byte{});
      }
    } else if (choice == 1 && can_trim<D> && has(real, capability::trim)) {
      if constexpr (can_trim<D>) {
        const result<> trimmed = co_await device.trim(offset, length, io_flags::none);
        CHECK(trimmed);
        const result<> read = co_await device.read(offset, bytes);  // anything, but from now on the same
        CHECK(read);
        std::ranges::copy(bytes, modelled.begin());
      }
    } else if (choice < 5) {
      ranges.fill(bytes);
      const io_flags flags = device.info().fua && ranges.number(8) == 0 ? io_flags::fua : io_flags::none;
      const result<> written = co_await put(device, offset, bytes, flags);
      CHECK(written);
      std::ranges::copy(bytes, modelled.begin());
    } else {
      const result<> read = co_await device.read(offset, bytes);
      CHECK(read);
      CHECK(same(bytes, modelled));
    }
  }
  co_return result<>{};
}

// One of several tasks that own every `tasks`-th slice of the device. Slices share blocks, so a device that
// reads, merges and writes back a block must not undo what a neighbour wrote meanwhile.
template <block_device D>
task<> change_own_slices(D& device, std::vector<std::byte>& model, std::size_t mine, std::size_t tasks,
                         std::uint32_t seed) {
  const std::size_t slice = std::max<std::size_t>(512, device.info().min_io);
  const std::size_t rounds = model.size() / slice / tasks;
  range_source ranges{device.info(), seed + static_cast<std::uint32_t>(mine)};
  std::vector<std::byte> buffer(slice);
  const bytes_span bytes{buffer};
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t offset = (ranges.number(static_cast<std::uint32_t>(rounds)) * tasks + mine) * slice;
    const bytes_span modelled = bytes_span{model}.subspan(static_cast<std::size_t>(offset), slice);
    if (ranges.number(3) == 0) {
      const result<> read = co_await device.read(offset, bytes);
      CHECK(read);
      CHECK(same(bytes, modelled));
    } else {
      ranges.fill(bytes);
      const result<> written = co_await put(device, offset, bytes, io_flags::none);
      CHECK(written);
      std::ranges::copy(bytes, modelled.begin());
    }
  }
  co_return result<>{};
}

}  // namespace detail

/// @param make  gives a fresh device each time it is called: writable, all zeroes, at least 64 KiB
///              and 16 of its smallest units
/// @param seed  of the random parts; printed when one of them fails
template <class Make>
void conforms_to_block_device(Make make, std::uint32_t seed = 20240917) {
  auto device = make();
  using device_type = decltype(device);
  static_assert(block_device<device_type>);
  const device_info info = device.info();
  const capability real = actual_capabilities(device);
  const std::uint64_t size = info.size;
  const std::size_t unit = info.min_io;
  const std::size_t block = std::max<std::size_t>(4096, unit);
  REQUIRE(size >= 16 * block);
  REQUIRE_FALSE(info.read_only);
  REQUIRE(has(real, capability::write));
  std::vector<std::byte> model(static_cast<std::size_t>(size));
  CAPTURE(seed);

  conforms_to_block_source(make, model);

  SUBCASE("what was written is read, and its neighbours are as they were") {
    const std::vector<std::byte> before(3 * unit, std::byte{1});
    const std::vector<std::byte> in(unit, std::byte{2});
    CHECK(run(device.write(block, before, io_flags::none)));
    CHECK(run(device.write(block + unit, in, io_flags::none)));
    std::ranges::fill(bytes_span{model}.subspan(block, 3 * unit), std::byte{1});
    std::ranges::fill(bytes_span{model}.subspan(block + unit, unit), std::byte{2});
    detail::check_holds(device, model);
  }
  SUBCASE("a write may end at the end but not pass it") {
    const std::vector<std::byte> in(unit, std::byte{3});
    const std::vector<std::byte> two(2 * unit, std::byte{4});
    CHECK(run(device.write(size - unit, in, io_flags::none)));
    CHECK(run(device.write(size - unit, two, io_flags::none)).error() == errc::out_of_range);
    CHECK(run(device.write(size, in, io_flags::none)).error() == errc::out_of_range);
    CHECK(run(device.write(UINT64_MAX, in, io_flags::none)).error() == errc::out_of_range);
    std::ranges::fill(bytes_span{model}.last(unit), std::byte{3});
    detail::check_holds(device, model);
  }
  SUBCASE("an empty write changes nothing") {
    CHECK(run(device.write(size, {}, io_flags::none)));
    CHECK(run(device.write(0, {}, io_flags::none)));
    CHECK(run(device.write(size + 1, {}, io_flags::none)).error() == errc::out_of_range);
    detail::check_holds(device, model);
  }
  SUBCASE("flush succeeds, and so does a write that has to be durable") {
    const std::vector<std::byte> in(unit, std::byte{5});
    if (info.fua) {
      CHECK(run(device.write(0, in, io_flags::fua)));
      std::ranges::copy(in, model.begin());
    }
    CHECK(run(device.flush()));
    detail::check_holds(device, model);
  }
  if constexpr (can_zero<device_type>) {
    SUBCASE("zero makes zeroes of the range and leaves the rest") {
      if (has(real, capability::zero)) {
        std::ranges::fill(model, std::byte{6});
        CHECK(run(device.write(0, model, io_flags::none)));
        for (const io_flags flags : {io_flags::none, io_flags::may_trim, io_flags::fast_zero}) {
          const std::size_t offset = block * static_cast<std::size_t>(flags);
          const std::size_t length = block + unit;
          const result<> zeroed = run(device.zero(offset, length, flags));
          if (flags == io_flags::fast_zero && zeroed.error() == errc::unsupported) continue;
          CHECK(zeroed);
          std::ranges::fill(bytes_span{model}.subspan(offset, length), std::byte{});
        }
        CHECK(run(device.zero(size - unit, 2 * unit, io_flags::none)).error() == errc::out_of_range);
        CHECK(run(device.zero(unit, UINT64_MAX - unit + 1, io_flags::none)).error() == errc::out_of_range);
        CHECK(run(device.zero(size, 0, io_flags::none)));
        detail::check_holds(device, model);
      }
    }
  }
  if constexpr (can_trim<device_type>) {
    SUBCASE("trim leaves what is beside the range") {
      if (has(real, capability::trim)) {
        std::ranges::fill(model, std::byte{7});
        CHECK(run(device.write(0, model, io_flags::none)));
        CHECK(run(device.trim(unit, 2 * block, io_flags::none)));
        CHECK(run(device.trim(size, unit, io_flags::none)).error() == errc::out_of_range);
        CHECK(run(device.trim(0, UINT64_MAX, io_flags::none)).error() == errc::out_of_range);
        CHECK(run(device.trim(size, 0, io_flags::none)));
        CHECK(run(device.read(unit, bytes_span{model}.subspan(unit, 2 * block))));
        detail::check_holds(device, model);
      }
    }
  }
  if constexpr (can_lend<device_type>) {
    SUBCASE("a lease keeps its bytes when the device changes") {
      std::ranges::fill(model, std::byte{8});
      CHECK(run(device.write(0, model, io_flags::none)));
      const lease lent = device.try_lend(0, block);
      const std::vector<std::byte> in(block, std::byte{9});
      CHECK(run(device.write(0, in, io_flags::none)));
      if constexpr (can_zero<device_type>) {
        if (has(real, capability::zero)) CHECK(run(device.zero(0, unit, io_flags::may_trim)));
      }
      CHECK(detail::same(lent.bytes(), bytes_view{model}.first(lent.size())));
    }
  }
  if constexpr (can_extents<device_type>) {
    SUBCASE("extents do not call zero what was written") {
      if (has(real, capability::extents)) {
        const std::vector<std::byte> in(unit, std::byte{10});
        CHECK(run(device.write(2 * block, in, io_flags::none)));
        const result<std::vector<extent>> found = run(device.extents(2 * block, unit));
        REQUIRE(found);
        REQUIRE_FALSE(found->empty());
        CHECK_FALSE(found->front().zero);
        CHECK_FALSE(found->front().hole);
      }
    }
  }
  SUBCASE("random changes leave what the model says") {
    CHECK(run(detail::change_at_random(device, model, seed)));
    detail::check_holds(device, model);
  }
  SUBCASE("tasks that write to parts of the same blocks do not undo each other's work") {
    std::vector<task<>> writers;
    const std::size_t tasks = std::min<std::size_t>(16, model.size() / std::max<std::size_t>(512, unit));
    for (std::size_t i = 0; i < tasks; ++i) {
      writers.push_back(detail::change_own_slices(device, model, i, tasks, seed));
    }
    CHECK(run_all(std::move(writers)));
    detail::check_holds(device, model);
  }
}

}  // namespace shoal::test
