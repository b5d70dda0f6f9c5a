// SPDX-License-Identifier: BSL-1.0
#include <shoal/vmi/kallsyms.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>

using namespace shoal;
using namespace shoal::vmi;

namespace {

/// How a kernel of some version lays its symbols out.
struct layout {
  pointer_width width = pointer_width::eight;
  std::size_t align = 8;
  kallsyms_addresses kind = kallsyms_addresses::relative;
  std::size_t marker = 4;  // bytes
  bool ordered = false;
  bool last = false;
  std::size_t symbols = 700;
};

std::string name_of(std::size_t i) {
  std::string name = "Tsym_" + std::to_string(i);
  if (i % 97 == 13) name += std::string(200, 'x');  // its length takes two bytes where kernels have such
  return name;
}

std::uint64_t address_of(const layout& l, std::size_t i) {
  if (l.kind == kallsyms_addresses::percpu_relative && i < 20) return 0x1000 * i;
  return (l.width == pointer_width::eight ? 0xffff'ffff'b960'0000 : 0xc030'0000) + 16 * i;
}

class writer {
 public:
  explicit writer(const layout& l) : l_(l), bytes_(4096, std::byte{0xa5}) {
    if (!l.last) addresses();
    word(l.symbols);
    align();
    std::vector<std::size_t> marks;
    const std::size_t names = bytes_.size();
    for (std::size_t i = 0; i < l.symbols; ++i) {
      if (i % 256 == 0) marks.push_back(bytes_.size() - names);
      // "sym_" is one token, 0x80; all else stands for itself
      std::string name = name_of(i);
      name.replace(1, 4, "\x80");
      if (name.size() >= 128) {
        put8((name.size() & 0x7f) | 0x80);
        put8(name.size() >> 7);
      } else {
        put8(name.size());
      }
      for (const char each : name) put8(static_cast<std::uint8_t>(each));
    }
    align();
    for (const std::size_t each : marks) number(each, l.marker);
    align();
    if (l.ordered && !l.last) order();
    tokens_at = bytes_.size();
    std::vector<std::size_t> begins;
    for (int code = 0; code < 256; ++code) {
      begins.push_back(bytes_.size() - tokens_at);
      if (code == 0x80) {
        for (const char each : std::string{"sym_"}) put8(static_cast<std::uint8_t>(each));
      } else if (code > ' ' && code < 0x7f) {
        put8(static_cast<std::size_t>(code));
      }
      put8(0);
    }
    align();
    for (const std::size_t each : begins) number(each, 2);
    align();
    if (l.last) {
      addresses();
      order();
    }
    bytes_.resize(bytes_.size() + 4096, std::byte{0x5a});
  }

  std::vector<std::byte> take() { return std::move(bytes_); }

  std::size_t tokens_at = 0;
  std::size_t addresses_at = 0;

 private:
  void put8(std::size_t byte) { bytes_.push_back(static_cast<std::byte>(byte)); }
  void number(std::uint64_t n, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) put8(static_cast<std::size_t>(n >> (8 * i) & 255));
  }
  void word(std::uint64_t n) { number(n, static_cast<std::size_t>(l_.width)); }
  void align() {
    while (bytes_.size() % l_.align != 0) put8(0);
  }
  void order() {
    for (std::size_t i = 0; i < l_.symbols; ++i) number(i + 0x01'0101, 3);
    align();
  }
  void addresses() {
    addresses_at = bytes_.size();
    const std::uint64_t base = address_of(l_, 20);
    for (std::size_t i = 0; i < l_.symbols; ++i) {
      const std::uint64_t a = address_of(l_, i);
      if (l_.kind == kallsyms_addresses::absolute)
        word(a);
      else if (l_.kind == kallsyms_addresses::relative)
        number(a - address_of(l_, 0), 4);
      else
        number(i < 20 ? a : base - 1 - a, 4);
    }
    align();
    if (l_.kind == kallsyms_addresses::absolute) return;
    word(l_.kind == kallsyms_addresses::relative ? address_of(l_, 0) : base);
    align();
  }

  layout l_;
  std::vector<std::byte> bytes_;
};

std::vector<layout> all_layouts() {
  using enum kallsyms_addresses;
  constexpr auto wide = pointer_width::eight;
  constexpr auto narrow = pointer_width::four;
  return {
      {wide, 8, percpu_relative, 8},              // 4.9 on x86-64
      {wide, 256, relative, 8},                   // 4.9 on arm64
      {narrow, 16, relative, 4},                  // 4.9 on ARM
      {narrow, 16, absolute, 4},                  // ... without a base
      {wide, 8, absolute, 8},                     // before 4.6
      {wide, 256, relative, 4},                   // 4.20 to 5.4 on arm64
      {wide, 8, percpu_relative, 4},              // 4.20 to 6.1 on x86-64
      {wide, 8, relative, 4},                     // ... on arm64, RISC-V
      {narrow, 4, relative, 4},                   // 5.10 on ARM
      {narrow, 4, relative, 4, true},             // 6.1 updated, 6.2, 6.3 on ARM
      {wide, 8, percpu_relative, 4, true},        // ... on x86-64
      {wide, 8, relative, 4, true},               // ... on arm64
      {wide, 8, percpu_relative, 4, true, true},  // 6.4 to 6.12 on x86-64
      {wide, 8, relative, 4, true, true},         // ... on arm64
      {narrow, 4, relative, 4, true, true},       // ... on ARM
      {wide, 8, absolute, 4, true, true},
  };
}

}  // namespace

TEST_CASE("symbols are decoded from each layout that Linux has written") {
  std::size_t number = 0;
  for (const layout& l : all_layouts()) {
    for (const std::size_t symbols : {256u, 257u, 700u}) {
      CAPTURE(number);
      layout sized = l;
      sized.symbols = symbols;
      writer made{sized};
      const std::size_t addresses_at = made.addresses_at;
      const auto image = made.take();
      const auto found = decode_kallsyms(image, l.width);
      REQUIRE(found);
      CHECK(found->kind == l.kind);
      CHECK(found->addresses_last == l.last);
      CHECK(found->addresses_at == addresses_at);
      REQUIRE(found->symbols.size() == symbols);
      bool same = true;
      for (std::size_t i = 0; i < symbols; ++i) {
        const symbol each = found->symbols[i];
        same = same && 'T' == each.type && name_of(i).substr(1) == each.name &&
               value(each.address) == address_of(sized, i);
      }
      CHECK(same);
    }
    ++number;
  }
}

TEST_CASE("digits that are not tokens, as in tables of UTF-16, are passed over") {
  writer made{layout{}};
  auto image = made.take();
  std::vector<std::byte> front;
  for (int i = 0; i < 8192; ++i)
    front.push_back(i % 2 == 0 ? static_cast<std::byte>('0' + i / 2 % 10) : std::byte{0});
  image.insert(image.begin(), front.begin(), front.end());
  const auto found = decode_kallsyms(image, pointer_width::eight);
  REQUIRE(found);
  CHECK(found->symbols.size() == 700);
}

TEST_CASE("tables that do not fit together are no symbols") {
  const layout l;
  const auto broken = [&](auto change) {
    writer made{l};
    const std::size_t tokens = made.tokens_at;
    const std::size_t addresses = made.addresses_at;
    auto image = made.take();
    change(image, tokens, addresses);
    return decode_kallsyms(image, l.width).error();
  };
  CHECK(broken([](auto&, auto, auto) {}) == std::error_code{});
  // a marker
  CHECK(broken([](auto& image, auto tokens, auto) { image[tokens - 8] ^= std::byte{1}; }) == errc::not_found);
  // a token's end, the index, an address out of order, a base of no kernel's
  CHECK(broken([](auto& image, auto tokens, auto) { image[tokens + 60] ^= std::byte{0x41}; }) ==
        errc::not_found);
  CHECK(broken([](auto& image, auto, auto addresses) { image[addresses + 403] ^= std::byte{0x7f}; }) ==
        errc::not_found);
  CHECK(broken([](auto& image, auto, auto addresses) { image[addresses + 2807] = std::byte{0}; }) ==
        errc::not_found);
  // how many there are, beyond all reason
  CHECK(broken([](auto& image, auto, auto addresses) { image[addresses + 2815] = std::byte{0x80}; }) ==
        errc::not_found);
}

TEST_CASE("an image that ends anywhere, or is nothing but digits, is searched and given up") {
  writer made{layout{}};
  const auto image = made.take();
  for (std::size_t n = 0; n < image.size() - 4096; n += 251) {
    CHECK_FALSE(decode_kallsyms(bytes_view{image}.first(n), pointer_width::eight));
  }
  std::vector<std::byte> digits;
  for (int i = 0; i < 20000; ++i)
    digits.push_back(i % 2 == 0 ? static_cast<std::byte>('0' + i / 2 % 10) : std::byte{0});
  CHECK(decode_kallsyms(digits, pointer_width::eight).error() == errc::not_found);
}
