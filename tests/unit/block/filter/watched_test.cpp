// SPDX-License-Identifier: BSL-1.0
#include <shoal/block/filter/watched.hpp>  // first: shows that the header stands alone

#include <cstddef>
#include <cstdint>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/block/any_device.hpp>
#include <shoal/block/memory.hpp>
#include <shoal/test/block_device_conformance.hpp>
#include <shoal/test/run.hpp>

namespace {

using shoal::io_flags;
using shoal::io_operation;
using shoal::range_set;
using shoal::test::run;

struct asked {
  io_operation what;
  std::uint64_t offset;
  std::uint64_t length;
  friend bool operator==(const asked&, const asked&) = default;
};

/// Keeps a list of what it was asked, and says the same to everything.
struct keeper {
  std::shared_ptr<std::vector<asked>> seen = std::make_shared<std::vector<asked>>();
  bool answer = true;
  bool operator()(io_operation what, std::uint64_t offset, std::uint64_t length,
                  shoal::bytes_view written) const noexcept {
    CHECK(written.size() == (what == io_operation::write ? length : 0));
    seen->push_back({what, offset, length});
    return answer;
  }
};

constexpr std::uint64_t size = 65536;

TEST_CASE("a watched device is a block device, whatever is watched of it") {
  shoal::test::conforms_to_block_device(
      [] { return shoal::watched{shoal::memory_device{size}, keeper{}, {}}; });
  shoal::test::conforms_to_block_device([] {
    return shoal::watched{
        shoal::memory_device{size}, keeper{}, {range_set{{{4096, 8192}}}, range_set{{{0, 999}}}}};
  });
  shoal::test::conforms_to_block_device([] {
    return shoal::watched{
        shoal::memory_device{size}, keeper{}, {range_set::everything(), range_set::everything()}};
  });
}

TEST_CASE("a request is told when one of its bytes is watched, and not otherwise") {
  const keeper guard;
  shoal::watched disk{shoal::memory_device{size}, guard, {range_set{{{100, 200}}}, range_set{{{1000, 1001}}}}};
  std::vector<std::byte> bytes(50);
  CHECK(run(disk.read(50, bytes)));
  CHECK(run(disk.read(200, bytes)));
  CHECK(run(disk.write(100, bytes, io_flags::none)));
  CHECK(run(disk.write(950, bytes, io_flags::none)));
  CHECK(run(disk.write(1001, bytes, io_flags::none)));
  CHECK(run(disk.trim(0, 1000, io_flags::none)));
  CHECK(run(disk.flush()));
  CHECK(guard.seen->empty());

  CHECK(run(disk.read(51, bytes)));
  CHECK(run(disk.read(199, bytes)));
  CHECK(run(disk.write(951, bytes, io_flags::none)));
  CHECK(run(disk.trim(0, 1001, io_flags::none)));
  CHECK(run(disk.zero(1000, 500, io_flags::none)));
  const std::vector<asked> expected{{io_operation::read, 51, 50},
                                    {io_operation::read, 199, 50},
                                    {io_operation::write, 951, 50},
                                    {io_operation::trim, 0, 1001},
                                    {io_operation::zero, 1000, 500}};
  CHECK(*guard.seen == expected);
}

TEST_CASE("what a guard refuses fails with EPERM and changes nothing, inside or outside of the range") {
  shoal::memory_device below{size};
  std::vector<std::byte> ones(100, std::byte{1});
  REQUIRE(run(below.write(0, ones, io_flags::none)));
  keeper guard;
  guard.answer = false;
  const range_set where{{{40, 60}}};
  shoal::watched disk{shoal::any_device{std::move(below)}, guard, {where, where}};

  const std::vector<std::byte> twos(100, std::byte{2});
  std::vector<std::byte> read(100);
  const auto eperm = std::make_error_code(std::errc::operation_not_permitted);
  CHECK(run(disk.write(0, twos, io_flags::none)).error() == eperm);
  CHECK_FALSE(disk.try_write(0, twos, io_flags::none));
  CHECK(run(disk.trim(59, 1, io_flags::none)).error() == eperm);
  CHECK(run(disk.zero(0, 41, io_flags::none)).error() == eperm);
  CHECK(run(disk.read(0, read)).error() == eperm);
  CHECK_FALSE(disk.try_read(0, read));
  CHECK(guard.seen->size() == 4);  // what is only tried is not asked for

  std::vector<std::byte> begin(40);
  CHECK(run(disk.read(0, begin)));
  CHECK(begin == std::vector<std::byte>(40, std::byte{1}));
}

TEST_CASE("what is not watched is lent, up to what is") {
  shoal::watched disk{shoal::memory_device{size}, keeper{}, {range_set{{{100, 200}}}, range_set::everything()}};
  CHECK(has(disk.capabilities(), shoal::capability::lend));
  CHECK(disk.try_lend(40, 1000).size() == 60);
  CHECK(disk.try_lend(100, 1000).size() == 0);
  CHECK(disk.try_lend(199, 1).size() == 0);
  CHECK(disk.try_lend(200, 1000).size() == 1000);

  const shoal::watched all{shoal::memory_device{size}, keeper{}, {range_set::everything(), {}}};
  CHECK_FALSE(has(all.capabilities(), shoal::capability::lend));
}

TEST_CASE("a request past the end is the device's to refuse") {
  const keeper guard;
  shoal::watched disk{shoal::memory_device{size}, guard, {{}, range_set{{{0, 512}}}}};
  const std::vector<std::byte> bytes(16);
  CHECK(run(disk.write(~std::uint64_t{0} - 3, bytes, io_flags::none)).error() == shoal::errc::out_of_range);
  CHECK(guard.seen->empty());
}

}  // namespace
