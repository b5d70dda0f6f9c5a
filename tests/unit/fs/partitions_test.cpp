// SPDX-License-Identifier: BSL-1.0
#include <shoal/fs/partitions.hpp>  // first: shows that the header stands alone

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include <doctest/doctest.h>

namespace {

using shoal::byte_range;
constexpr std::uint64_t forever = ~std::uint64_t{0};

struct disk {
  std::vector<std::byte> bytes = std::vector<std::byte>(64 * 512);
  disk() { shoal::store_le<std::uint16_t>(&bytes[510], 0xaa55); }
  void partition(std::size_t number, std::uint8_t type, std::uint32_t first, std::uint32_t count) {
    std::byte* const entry = &bytes[446 + 16 * number];
    entry[4] = static_cast<std::byte>(type);
    shoal::store_le(entry + 8, first);
    shoal::store_le(entry + 12, count);
  }
  void gpt(std::uint32_t count, std::uint32_t size) {
    partition(0, 0xee, 1, 0xffffffff);
    std::memcpy(&bytes[512], "EFI PART", 8);
    shoal::store_le<std::uint64_t>(&bytes[512 + 72], 2);
    shoal::store_le(&bytes[512 + 80], count);
    shoal::store_le(&bytes[512 + 84], size);
  }
  std::vector<byte_range> found() const {
    return shoal::fs::partitions([this](std::uint64_t offset, shoal::bytes_span out) {
      if (!shoal::contains(bytes.size(), offset, out.size())) return shoal::status::out_of_range;
      std::memcpy(out.data(), &bytes[static_cast<std::size_t>(offset)], out.size());
      return shoal::status::ok;
    });
  }
};

TEST_CASE("a disk without a table is one range") {
  disk plain;
  plain.bytes[510] = std::byte{};
  CHECK(plain.found() == std::vector<byte_range>{{0, forever}});
}

TEST_CASE("partitions of an MBR are found") {
  disk mbr;
  mbr.partition(0, 0x83, 2048, 1000);
  mbr.partition(2, 0x82, 4096, 1);
  mbr.partition(3, 0x83, 0, 1);
  CHECK(mbr.found() ==
        std::vector<byte_range>{{0, forever}, {2048 * 512, 3048 * 512}, {4096 * 512, 4097 * 512}});
}

TEST_CASE("partitions of a GPT are found, also in larger entries") {
  for (const std::uint32_t size : {128u, 256u}) {
    disk gpt;
    gpt.gpt(4, size);
    shoal::store_le<std::uint64_t>(&gpt.bytes[1024 + size + 32], 34);
    shoal::store_le<std::uint64_t>(&gpt.bytes[1024 + size + 40], 99);
    CHECK(gpt.found() == std::vector<byte_range>{{0, forever}, {34 * 512, 100 * 512}});
  }
}

TEST_CASE("tables that lie end") {
  disk gpt;
  gpt.gpt(0xffffffff, 128);
  CHECK(gpt.found().size() == 1);
  gpt.gpt(4, 100);
  CHECK(gpt.found().size() == 1);
  gpt.gpt(4, 128);
  shoal::store_le<std::uint64_t>(&gpt.bytes[512 + 72], forever);
  CHECK(gpt.found().size() == 1);
  gpt.gpt(4, 128);
  shoal::store_le<std::uint64_t>(&gpt.bytes[512 + 72], 2);
  shoal::store_le<std::uint64_t>(&gpt.bytes[1024 + 32], 99);
  shoal::store_le<std::uint64_t>(&gpt.bytes[1024 + 40], 34);
  CHECK(gpt.found().size() == 1);
}

}  // namespace
