// SPDX-License-Identifier: BSL-1.0
#include <shoal/vmi/image_memory.hpp>

#include <array>
#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

using namespace shoal;
using namespace shoal::vmi;

namespace {

std::vector<std::byte> counted(std::size_t n) {
  std::vector<std::byte> bytes(n);
  for (std::size_t i = 0; i < n; ++i) bytes[i] = static_cast<std::byte>(i);
  return bytes;
}

using memory_over_bytes = image_memory<bytes_source>;

}  // namespace

TEST_CASE("a raw image is read from its base on and nowhere else") {
  const auto bytes = counted(64);
  const auto memory =
      memory_over_bytes::make(bytes_source{bytes}, raw_regions(64, physical_address{0x4000'0000}));
  REQUIRE(memory);
  CHECK(read_number<std::uint16_t>(*memory, physical_address{0x4000'0002}).value == 0x0302);
  CHECK(read_number<std::uint32_t>(*memory, physical_address{0x4000'003c}).value == 0x3f3e'3d3c);
  CHECK(read_number<std::uint32_t>(*memory, physical_address{0x4000'003d}).code == status::out_of_range);
  CHECK(read_number<std::uint32_t>(*memory, physical_address{0x3fff'ffff}).code == status::out_of_range);
  CHECK(read_number<std::uint64_t>(*memory, physical_address{~0ull}).code == status::out_of_range);
  CHECK(memory->window(physical_address{0x4000'0001}, 3).size() == 3);
  CHECK(memory->window(physical_address{0x4000'0001}, 64).empty());
}

TEST_CASE("memory above the hole comes from behind the memory below it") {
  const auto bytes = counted(96);
  const auto memory = memory_over_bytes::make(bytes_source{bytes}, split_regions(96, 32, 4_GiB));
  REQUIRE(memory);
  REQUIRE(memory->extents().size() == 2);
  CHECK(memory->extents()[1] == physical_range{physical_address{4_GiB}, 64});
  CHECK(read_number<std::uint8_t>(*memory, physical_address{31}).value == 31);
  CHECK_FALSE(read_number<std::uint8_t>(*memory, physical_address{32}));
  CHECK_FALSE(read_number<std::uint16_t>(*memory, physical_address{31}));
  CHECK(read_number<std::uint8_t>(*memory, physical_address{4_GiB}).value == 32);
  CHECK(split_regions(16, 32).size() == 1);
}

TEST_CASE("a read goes on from one piece into the next where they touch") {
  const auto bytes = counted(48);
  const auto memory = memory_over_bytes::make(bytes_source{bytes},
                                              {{physical_address{16}, 0, 16}, {physical_address{0}, 32, 16}});
  REQUIRE(memory);
  REQUIRE(memory->extents().size() == 1);
  CHECK(read_number<std::uint32_t>(*memory, physical_address{14}).value == 0x0100'2f2e);
  CHECK(memory->window(physical_address{14}, 4).empty());
}

TEST_CASE("regions that overlap, are empty, wrap around or leave the source are refused") {
  const auto bytes = counted(32);
  const bytes_source source{bytes};
  CHECK(
      memory_over_bytes::make(source, {{physical_address{0}, 0, 16}, {physical_address{15}, 16, 8}}).error() ==
      errc::invalid_argument);
  CHECK(memory_over_bytes::make(source, {{physical_address{0}, 0, 0}}).error() == errc::invalid_argument);
  CHECK(memory_over_bytes::make(source, {{physical_address{~0ull}, 0, 2}}).error() == errc::invalid_argument);
  CHECK(memory_over_bytes::make(source, {{physical_address{0}, ~0ull, 2}}).error() == errc::out_of_range);
  CHECK(memory_over_bytes::make(source, {{physical_address{0}, 31, 2}}).error() == errc::out_of_range);
  CHECK(memory_over_bytes::make(source, std::vector<ram_region>(max_regions + 1)).error() ==
        errc::limit_exceeded);
}

TEST_CASE("a batch tells of each read how it went") {
  const auto bytes = counted(32);
  const auto memory = memory_over_bytes::make(bytes_source{bytes}, raw_regions(32));
  REQUIRE(memory);
  std::array<std::byte, 2> first{};
  std::array<std::byte, 2> second{};
  std::array<physical_read, 2> reads{physical_read{physical_address{4}, first, status::failed},
                                     physical_read{physical_address{31}, second, status::failed}};
  read_batch(*memory, reads);
  CHECK(reads[0].code == status::ok);
  CHECK(first[1] == std::byte{5});
  CHECK(reads[1].code == status::out_of_range);
}
