// SPDX-License-Identifier: BSL-1.0
#include <shoal/vmi/linux/find_x86_linux.hpp>

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/base/endian.hpp>
#include <shoal/vmi/image_memory.hpp>
#include <shoal/vmi/linux/find_linux.hpp>
#include <shoal/vmi/linux/kernel_clock.hpp>

using namespace shoal;
using namespace shoal::vmi;

namespace {

using named = std::pair<std::uint64_t, std::string_view>;

/// Symbols as Linux 5.10 has them; tokens stand for themselves.
std::vector<std::byte> kallsyms_of(const std::vector<named>& symbols) {
  std::vector<std::byte> out;
  const auto put = [&](std::uint64_t number, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) out.push_back(static_cast<std::byte>(number >> (8 * i) & 255));
  };
  const auto align = [&] {
    while (out.size() % 8 != 0) put(0, 1);
  };
  for (const named& each : symbols) put(each.first - symbols.front().first, 4);
  align();
  put(symbols.front().first, 8);
  put(symbols.size(), 8);
  for (const named& each : symbols) {
    put(each.second.size() + 1, 1);
    put('T', 1);
    for (const char letter : each.second) put(static_cast<std::uint8_t>(letter), 1);
  }
  align();
  put(0, 8);  // the marker of the first name
  for (std::uint64_t code = 0; code < 256; ++code) {
    if (code != 0) put(code, 1);
    put(0, 1);
  }
  align();
  for (std::uint64_t code = 0; code < 256; ++code) put(code == 0 ? 0 : 2 * code - 1, 2);
  return out;
}

constexpr std::uint64_t clock_at = 0x2'1000;
constexpr std::uint64_t keeper_at = 0x2'2000;
constexpr std::uint64_t symbols_at = 0x4'0000;
constexpr std::string_view banner = "Linux version 6.1.0 (test) #1\n";

/// 8 MiB of memory, copied as it is read; the clocks of some of its kernels go on meanwhile.
class machine {
 public:
  void put(std::uint64_t at, std::uint64_t number) { store_le(bytes_.data() + at, number); }
  void put(std::uint64_t at, bytes_view bytes) {
    std::ranges::copy(bytes, bytes_.begin() + static_cast<std::ptrdiff_t>(at));
  }

  /// A kernel of 2 MiB, with its tables and without symbols.
  void put_kernel(std::uint64_t at, std::uint64_t text, std::uint64_t seconds) {
    put(at + 0x1'0000 + std::uint64_t{8} * 511, (at + 0x1'1000) | table);
    put(at + 0x1'1000 + std::uint64_t{8} * 510, (at + 0x1'2000) | table);
    put(at + 0x1'1000 + std::uint64_t{8} * 511, (at + 0x1'3000) | table);
    put(at + 0x1'2000 + 8 * (text >> 21 & 511), at | 0xe3);
    put(at + 0x2'0000, as_bytes(banner));
    put(at + clock_at, std::uint64_t{4'294'892'296});
    constexpr std::uint64_t since_boot = 100;
    put(at + keeper_at + 0x40, seconds);
    put(at + keeper_at + 0x48, since_boot);
    put(at + keeper_at + 0x50, since_boot - seconds);
  }
  void put_symbols(std::uint64_t at, std::uint64_t text) {
    put(at, kallsyms_of({{text, "_text"},
                         {text + 0x2'0000, "linux_banner"},
                         {text + clock_at, "jiffies_64"},
                         {text + keeper_at, "shadow_timekeeper"}}));
  }
  /// What leads a search astray: a table of tokens alone.
  void put_tokens(std::uint64_t at) {
    const std::vector<std::byte> all = kallsyms_of({{0, "a"}, {1, "b"}});
    put(at, bytes_view{all}.subspan(40));
  }
  void let_move(std::uint64_t kernel) { moving_ = kernel + clock_at; }

  [[nodiscard]] status read_physical(physical_address address, bytes_span out) const noexcept {
    if (moving_ == value(address)) ++ticks_;
    const status read = bytes_source{bytes_}.read(value(address), out);
    if (read == status::ok && moving_ == value(address)) out[0] = std::byte{ticks_};
    return read;
  }
  [[nodiscard]] std::span<const physical_range> extents() const noexcept { return {&ram_, 1}; }

 private:
  static constexpr std::uint64_t table = 0x63;
  static constexpr std::size_t size = 8 << 20;
  std::vector<std::byte> bytes_ = std::vector<std::byte>(size);
  physical_range ram_{physical_address{0}, size};
  std::uint64_t moving_ = ~std::uint64_t{0};
  mutable std::uint8_t ticks_ = 0;
};

constexpr std::uint64_t first_at = 0x20'0000;
constexpr std::uint64_t first_text = 0xffff'ffff'8300'0000;
constexpr std::uint64_t second_at = 0x40'0000;
constexpr std::uint64_t second_text = 0xffff'ffff'9a40'0000;

machine two_kernels(std::uint64_t first_seconds, std::uint64_t second_seconds) {
  machine m;
  m.put_kernel(first_at, first_text, first_seconds);
  m.put_symbols(first_at + symbols_at, first_text);
  m.put_kernel(second_at, second_text, second_seconds);
  m.put_symbols(second_at + symbols_at, second_text);
  return m;
}

kernel_profile with_time() {
  kernel_profile out{{}, virtual_address{0}, {}, {}};
  out.banner = banner.substr(0, banner.size() - 1);
  out.symbols = [] {
    symbol_table symbols;
    constexpr std::uint64_t text = 0xffff'ffff'8100'0000;
    for (const named& each : std::vector<named>{{text, "_text"},
                                                {text + 0x2'0000, "linux_banner"},
                                                {text + clock_at, "jiffies_64"},
                                                {text + keeper_at, "shadow_timekeeper"}})
      REQUIRE(symbols.add(virtual_address{each.first}, 'T', each.second) == status::ok);
    symbols.finish();
    return symbols;
  }();
  out.text = virtual_address{0xffff'ffff'8100'0000};
  out.types.add("timekeeper", "xtime_sec", {0x40, 8, 0, 0});
  out.types.add("timekeeper", "ktime_sec", {0x48, 8, 0, 0});
  out.types.add("timekeeper", "wall_to_monotonic.tv_sec", {0x50, 8, 0, 0});
  return out;
}

}  // namespace

TEST_CASE("of two kernels that are whole in one memory the one whose clock moves is the one that runs") {
  for (const auto& [at, text] : {std::pair{first_at, first_text}, std::pair{second_at, second_text}}) {
    machine m = two_kernels(0, 0);
    m.let_move(at);
    std::vector<kernel_profile> builds;
    const auto found = find_x86_linux(m, builds);
    REQUIRE(found);
    CHECK(value(found->place.text) == text);
    CHECK(value(found->place.text_at) == at);
    REQUIRE(builds.size() == 1);
    CHECK(value(builds[0].symbols.find("linux_banner")->address) == text + 0x2'0000);
  }
}

TEST_CASE("of two kernels whose clocks stand the one with the later time is the one that ran last") {
  for (const std::uint64_t second : {1'800'000'100u, 1'800'000'300u, 0xffff'ffffu}) {
    const machine m = two_kernels(1'800'000'200, second);
    std::vector<kernel_profile> builds;
    builds.push_back(with_time());
    const auto found = find_x86_linux(m, builds);
    REQUIRE(found);
    CHECK(found->build == 0);
    CHECK(value(found->place.text) == (second > 1'800'000'200 ? second_text : first_text));
    CHECK(builds[0].text == found->place.text);
  }
  // what cannot be a time is of a kernel that was overwritten
  const machine torn = two_kernels(1'800'000'200, 0x6f6c'6c65'6800'0000);
  std::vector<kernel_profile> builds;
  builds.push_back(with_time());
  const auto found = find_x86_linux(torn, builds);
  REQUIRE(found);
  CHECK(value(found->place.text) == first_text);
}

TEST_CASE("a later time that does not add up was written over a kernel that is gone") {
  for (const std::uint64_t carried : {0u, 1u, 2u, 1'000u}) {
    machine m = two_kernels(1'800'000'200, 1'800'000'300);
    m.put(second_at + keeper_at + 0x48, 100 + carried);
    std::vector<kernel_profile> builds;
    builds.push_back(with_time());
    const auto found = find_x86_linux(m, builds);
    REQUIRE(found);
    CHECK(value(found->place.text) == (carried > 1 ? first_text : second_text));
  }
}

TEST_CASE("ticks that no kernel has are of one that was overwritten") {
  for (const std::uint64_t ticks : {std::uint64_t{0}, std::uint64_t{4'294'660'095}, ~std::uint64_t{0}}) {
    CHECK_FALSE(may_be_ticks(ticks));
    machine m = two_kernels(1'800'000'200, 1'800'000'300);
    m.put(second_at + clock_at, ticks);
    std::vector<kernel_profile> builds;
    builds.push_back(with_time());
    const auto found = find_x86_linux(m, builds);
    REQUIRE(found);
    CHECK(value(found->place.text) == first_text);
  }
  CHECK(may_be_ticks(4'294'660'096));
}

TEST_CASE("symbols of another boot and tables of tokens alone are passed by") {
  machine m;
  for (std::uint64_t i = 0; i < 10; ++i) m.put_tokens(0x1000 + i * 0x1000);
  m.put_symbols(0x10'0000, first_text);
  m.put_kernel(second_at, second_text, 0);
  m.put_tokens(second_at + 0x2'8000);
  m.put_symbols(second_at + 0x3'0000, first_text);
  m.put_symbols(second_at + symbols_at, second_text);
  const auto found = find_linux(m);
  REQUIRE(found);
  CHECK(value(found->place.text_at) == second_at);
  CHECK(value(found->symbols.find("_text")->address) == second_text);
}

TEST_CASE("symbols that lie in no image are no kernel's") {
  machine m;
  m.put_kernel(second_at, second_text, 0);
  m.put_symbols(0x10'0000, second_text);
  std::vector<kernel_profile> builds;
  CHECK(find_x86_linux(m, builds).error() == errc::not_found);
  CHECK(builds.empty());
}

TEST_CASE("more tables of tokens than kernels leave are not tried without end") {
  machine m;
  m.put_kernel(first_at, first_text, 0);
  for (std::uint64_t i = 0; i <= max_kallsyms_tries; ++i) m.put_tokens(first_at + 0x3'0000 + i * 0x800);
  m.put_symbols(first_at + 0x8'0000, first_text);
  std::vector<kernel_profile> builds;
  CHECK(find_x86_linux(m, builds).error() == errc::limit_exceeded);
}

TEST_CASE("a kernel of 64-bit ARM is found behind the symbols of another boot") {
  machine m;
  constexpr std::uint64_t text = 0xffff'dbce'c880'0000;
  constexpr std::uint64_t root = 0x70'0000;
  m.put(root + 8 * (text >> 39 & 511), (root + 0x1000) | 3);
  m.put(root + 0x1000 + 8 * (text >> 30 & 511), (root + 0x2000) | 3);
  for (std::uint64_t i = 0; i < 3; ++i) m.put(root + 0x2000 + 8 * ((text >> 21 & 511) + i), (i << 21) | 0x701);
  const auto symbols = [&](std::uint64_t at, std::uint64_t begin) {
    m.put(at, kallsyms_of({{begin, "_stext"}, {begin + 0x30'0000, "_etext"}}));
  };
  m.put_tokens(0x1000);
  symbols(0x2000, 0xffff'b0ae'3220'0000);
  symbols(0x48'0000, text);
  const auto found = find_linux(m);
  REQUIRE(found);
  CHECK(value(found->place.root) == root);
  CHECK(value(found->symbols.find("_stext")->address) == text);
}
