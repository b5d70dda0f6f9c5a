// SPDX-License-Identifier: BSL-1.0
#include <shoal/net/nbd_calls.hpp>  // first: shows that the header stands alone

#include <cstdint>
#include <memory>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/block/memory.hpp>
#include <shoal/test/run.hpp>

namespace nbd_calls_test {

using namespace shoal;

TEST_CASE("command flags become the device's flags") {
  using namespace nbd::command_flag;
  const auto flags = [](nbd::command type, unsigned wire) {
    return net::flags_of({.flags = static_cast<std::uint16_t>(wire), .type = type});
  };
  CHECK(flags(nbd::command::write, 0) == io_flags::none);
  CHECK(flags(nbd::command::write, fua) == io_flags::fua);
  CHECK(flags(nbd::command::write_zeroes, 0) == io_flags::may_trim);
  CHECK(flags(nbd::command::write_zeroes, no_hole) == io_flags::none);
  CHECK(flags(nbd::command::write_zeroes, fua | fast_zero) ==
        (io_flags::fua | io_flags::may_trim | io_flags::fast_zero));
}

struct narrow_device {
  std::vector<std::size_t>* writes;
  device_info info() const noexcept { return {.size = 1u << 20, .max_io = 4096}; }
  task<> read(std::uint64_t, bytes_span) { return done(); }
  task<> write(std::uint64_t offset, bytes_view in, io_flags) {
    writes->push_back(in.size());
    return offset < 16384 ? done() : failed(errc::no_space);
  }
  task<> flush() { return done(); }
};

TEST_CASE("no write is longer than the device takes, and the first that fails is the last") {
  std::vector<std::size_t> writes;
  any_device device{narrow_device{&writes}};
  const std::vector<std::byte> data(10'000);
  CHECK(test::run(net::write_all(device, 0, data, io_flags::none)));
  CHECK(writes == std::vector<std::size_t>{4096, 4096, 1808});
  writes.clear();
  const std::vector<std::byte> more(20'000);
  CHECK(test::run(net::write_all(device, 8192, more, io_flags::none)).error() == errc::no_space);
  CHECK(writes.size() == 3);
}

TEST_CASE("a copy is what the device holds") {
  any_device device{memory_device{4096}};
  const std::vector<std::byte> data(3, std::byte{5});
  REQUIRE(test::run(device.write(7, data, io_flags::none)));
  const auto pool = std::make_shared<net::output_queue::memory>();
  const auto copy = test::run(net::read_copy(device, 6, 4, pool));
  REQUIRE(copy);
  CHECK(std::vector<std::byte>(copy->bytes().begin(), copy->bytes().end()) ==
        std::vector<std::byte>{std::byte{0}, std::byte{5}, std::byte{5}, std::byte{5}});
  CHECK(test::run(net::read_copy(device, 4096, 1, pool)).error() == errc::out_of_range);
}

TEST_CASE("a copy of any length may outlive everything that made it") {
  for (const std::size_t length : {net::scratch_size, net::scratch_size + 1}) {
    result<lease> copy = lease{};
    {
      any_device device{memory_device{1u << 20}};
      copy = test::run(net::read_copy(device, 0, length, std::make_shared<net::output_queue::memory>()));
    }
    REQUIRE(copy);
    CHECK(copy->size() == length);
    CHECK(copy->bytes().back() == std::byte{});
  }
}

TEST_CASE("a request for nothing touches nothing") {
  any_device sealed{narrow_device{nullptr}};
  CHECK(test::run(net::carry_out(sealed, {.type = nbd::command::trim, .offset = 0, .length = 0})));
  CHECK(test::run(net::carry_out(sealed, {.type = nbd::command::trim, .offset = 0, .length = 1})).error() ==
        errc::unsupported);
  CHECK(test::run(net::carry_out(sealed, {.type = nbd::command::flush})));
}

}  // namespace nbd_calls_test
