// SPDX-License-Identifier: BSL-1.0
#include <shoal/content/car/section.hpp>  // first: shows that the header stands alone

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

namespace {

using shoal::as_bytes;
using shoal::bytes_view;
using shoal::cid;
using shoal::errc;

const cid id{shoal::multicodec::raw,
             *shoal::multihash::make(shoal::hash_code::sha2_256, std::vector<std::byte>(32, std::byte{9}))};

std::vector<std::byte> section_of(std::string_view block) {
  const shoal::car_section_prefix prefix{id, block.size()};
  std::vector<std::byte> bytes{prefix.bytes().begin(), prefix.bytes().end()};
  const bytes_view content = as_bytes(block);
  bytes.insert(bytes.end(), content.begin(), content.end());
  return bytes;
}

// A section that announces `length` bytes, and what stands behind that.
std::vector<std::byte> announced(std::uint64_t length, bytes_view rest) {
  std::vector<std::byte> bytes;
  shoal::append_varint(bytes, length);
  bytes.insert(bytes.end(), rest.begin(), rest.end());
  return bytes;
}

TEST_CASE("a section that was written is read, also behind others") {
  std::vector<std::byte> payload = section_of("first");
  const std::uint64_t second = payload.size();
  const auto more = section_of("second block");
  payload.insert(payload.end(), more.begin(), more.end());
  const auto section = shoal::car_section_at(payload, second);
  REQUIRE(section);
  CHECK(section->id == id);
  CHECK(shoal::as_text(section->block) == "second block");
  CHECK(second + section->size == payload.size());
  CHECK(shoal::as_text(shoal::car_section_at(payload, 0)->block) == "first");
  CHECK(shoal::car_section_at(payload, payload.size()).error() == errc::out_of_range);
  CHECK(shoal::car_section_at(payload, UINT64_MAX).error() == errc::out_of_range);
}

TEST_CASE("a section that is cut off anywhere is truncated") {
  const auto whole = section_of("some content");
  for (std::size_t size = 1; size < whole.size(); ++size) {
    CHECK(shoal::car_section_at(bytes_view{whole}.first(size), 0).error() == errc::truncated);
  }
}

TEST_CASE("lengths that cannot be are refused") {
  std::vector<std::byte> name;
  id.append_to(name);
  CHECK(shoal::car_section_at(announced(0, name), 0).error() == errc::malformed);
  // the CID would go on behind the section
  CHECK(shoal::car_section_at(announced(name.size() - 1, name), 0).error() == errc::malformed);
  CHECK(shoal::car_section_at(announced(name.size(), name), 0)->block.empty());
  CHECK(shoal::car_section_at(announced(std::uint64_t{1} << 62, name), 0).error() == errc::limit_exceeded);
  const std::uint64_t largest = name.size() + shoal::max_block_size;
  CHECK(shoal::read_car_section_head(announced(largest, name), UINT64_MAX)->block_size ==
        shoal::max_block_size);
  CHECK(shoal::read_car_section_head(announced(largest + 1, name), UINT64_MAX).error() == errc::limit_exceeded);
}

}  // namespace
