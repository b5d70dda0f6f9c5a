// SPDX-License-Identifier: BSL-1.0
#include <shoal/vmi/find_kallsyms.hpp>

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/base/endian.hpp>
#include <shoal/vmi/image_memory.hpp>

using namespace shoal;
using namespace shoal::vmi;

namespace {

/// A table of 300 symbols "Taaa", 16 bytes apart, as Linux 5.10 has it; tokens stand for themselves.
std::vector<std::byte> tables(std::size_t& tokens) {
  constexpr std::uint32_t n = 300;
  std::vector<std::byte> out;
  const auto put = [&](std::uint64_t number, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) out.push_back(static_cast<std::byte>(number >> (8 * i) & 255));
  };
  const auto align = [&] {
    while (out.size() % 8 != 0) put(0, 1);
  };
  for (std::uint32_t i = 0; i < n; ++i) put(16 * i, 4);
  align();
  put(0xffff'ffff'8100'0000, 8);
  put(n, 8);
  for (std::uint32_t i = 0; i < n; ++i) {
    put(4, 1);
    for (const char each : {'T', 'a', 'a', 'a'}) put(static_cast<std::uint8_t>(each), 1);
  }
  align();
  put(0, 4);
  put(256 * 5, 4);
  tokens = out.size();
  for (std::uint64_t code = 0; code < 256; ++code) {
    if (code != 0) put(code, 1);
    put(0, 1);
  }
  align();
  for (std::uint64_t code = 0; code < 256; ++code) put(code == 0 ? 0 : 2 * code - 1, 2);
  return out;
}

/// As image_memory, but without windows; and its bytes change between reads when it is told so.
class shifting_memory {
 public:
  shifting_memory(bytes_view bytes, bool shifts)
      : bytes_(bytes), ram_{physical_address{0}, bytes.size()}, shifts_(shifts) {}

  [[nodiscard]] status read_physical(physical_address address, bytes_span out) const noexcept {
    const status read = bytes_.read(value(address), out);
    ++reads_;
    // a different byte each time, among those that were read
    if (shifts_ && !out.empty()) out[reads_ * 7919 % out.size()] ^= std::byte{0x55};
    return read;
  }
  [[nodiscard]] std::span<const physical_range> extents() const noexcept { return {&ram_, 1}; }

 private:
  bytes_source bytes_;
  physical_range ram_;
  bool shifts_;
  mutable std::size_t reads_ = 0;
};
static_assert(physical_memory<shifting_memory> && !can_window<shifting_memory>);

/// The tables in 3 MiB so that the digits lie across a step of the search.
std::vector<std::byte> memory_with(const std::vector<std::byte>& inside, std::size_t digits) {
  std::vector<std::byte> out(3 << 20);
  const std::size_t at = (1 << 20) - digits - 8;
  std::ranges::copy(inside, out.begin() + static_cast<std::ptrdiff_t>(at & ~std::size_t{7}));
  return out;
}

}  // namespace

TEST_CASE("symbols are found anywhere in memory, with windows and without") {
  std::size_t tokens = 0;
  const auto inside = tables(tokens);
  const auto bytes = memory_with(inside, tokens + 2 * '0' - 1);
  const std::size_t where = (((1 << 20) - (tokens + 2 * '0' - 1) - 8) & ~std::size_t{7}) + tokens;
  const auto mapped = image_memory<bytes_source>::make(
      bytes_source{bytes}, raw_regions(bytes.size(), physical_address{0x4000'0000}));
  REQUIRE(mapped);
  const auto found = find_kallsyms(*mapped, pointer_width::eight);
  REQUIRE(found);
  CHECK(found->tables.symbols.size() == 300);
  CHECK(value(found->tokens) == 0x4000'0000 + where);
  const auto copied = find_kallsyms(shifting_memory{bytes, false}, pointer_width::eight);
  REQUIRE(copied);
  CHECK(value(copied->tokens) == where);
}

TEST_CASE("memory that changes while it is read gives what was read or nothing") {
  std::size_t tokens = 0;
  const auto inside = tables(tokens);
  const auto bytes = memory_with(inside, tokens + 2 * '0' - 1);
  for (int i = 0; i < 4; ++i) {
    const auto found = find_kallsyms(shifting_memory{bytes, true}, pointer_width::eight);
    if (found) CHECK(found->tables.symbols.size() == 300);
  }
  CHECK(find_kallsyms(shifting_memory{bytes_view{bytes}.first(4096), true}, pointer_width::eight).error() ==
        errc::not_found);
}
