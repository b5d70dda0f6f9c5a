// SPDX-License-Identifier: BSL-1.0
//
// Every chunker cuts where the plain form of its algorithm does, byte by byte, and a window that goes on later
// gives the same cut or none yet. The names of chunkers are parsed from whatever comes.
//
// Input: one byte for the chunker, one for sizes, then the bytes to cut, which are repeated until they are
// enough.
#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/content/chunker/any_chunker.hpp>

namespace {

using shoal::bytes_view;
using shoal::chunk_sizes;

void require(bool truth) {
  if (!truth) std::abort();
}

std::size_t plain_buzhash(bytes_view data) {
  const auto entry = [&](std::size_t i) {
    return shoal::detail::buzhash_table[std::to_integer<std::size_t>(data[i])];
  };
  const std::size_t size = std::min(data.size(), shoal::buzhash_chunker::maximum);
  std::uint32_t hash = 0;
  for (std::size_t i = shoal::buzhash_chunker::minimum - 32; i < size; ++i) {
    if (i >= shoal::buzhash_chunker::minimum) {
      if ((hash & 0x1ffff) == 0) return i;
      hash ^= std::rotl(entry(i - 32), 31);  // one more rotation than it is to have had
    }
    hash = std::rotl(hash, 1) ^ entry(i);
  }
  return size;
}

std::size_t plain_rabin(bytes_view data, chunk_sizes sizes) {
  const std::size_t size = std::min(data.size(), sizes.maximum);
  for (std::size_t cut = sizes.minimum; cut < size; ++cut) {
    std::uint64_t rest = 0;
    for (std::size_t i = cut - 16; i < cut; ++i) {
      for (int bit = 7; bit >= 0; --bit) {
        rest = rest << 1 | (std::to_integer<std::uint64_t>(data[i]) >> bit & 1);
        if ((rest >> 53 & 1) != 0) rest ^= 17437180132763653;
      }
    }
    if (rest % std::bit_floor(sizes.average) == 0) return cut;
  }
  return size;
}

/// Averages of 2^8, 2^10 and 2^12 bytes only.
std::size_t plain_fastcdc(bytes_view data, chunk_sizes sizes) {
  static constexpr std::array<std::uint64_t, 7> masks{
      0x0000000018035100, 0x0000001800035300, 0x0000019000353000, 0x0000590003530000,
      0x0000d90003530000, 0x0000d90103530000, 0x0000d90303530000};
  if (data.size() <= sizes.minimum) return data.size();
  const std::size_t size = std::min(data.size(), sizes.maximum);
  const auto bits = static_cast<std::size_t>(std::bit_width(sizes.average)) - 1;
  std::uint64_t hash = 0;
  for (std::size_t i = sizes.minimum & ~std::size_t{1}; i < (size & ~std::size_t{1}); ++i) {
    hash = (hash << 1) + shoal::gear_table[std::to_integer<std::size_t>(data[i])];
    if ((hash & masks[i < sizes.average ? bits - 6 : bits - 8]) == 0) return i;
  }
  return size;
}

template <class Chunker, class Plain>
void check(const Chunker& chunker, bytes_view data, Plain plain) {
  while (!data.empty()) {
    const std::size_t cut = chunker.next_cut(data, true);
    require(cut == plain(data) && cut > 0 && cut <= chunker.max_size());
    for (const std::size_t size : {cut - 1, cut, cut + 2}) {
      if (size == 0 || size > data.size()) continue;
      const std::size_t early = chunker.next_cut(data.first(size), false);
      require(size >= chunker.max_size() || size < cut + 2 ? early == 0 || early == cut : early == cut);
    }
    data = data.subspan(cut);
  }
}

/// `pattern` again and again, with a counter in the joints, so that not all of it is periodic.
std::vector<std::byte> fill(bytes_view pattern, std::size_t size, bool counted) {
  std::vector<std::byte> data;
  data.reserve(size + pattern.size() + 1);
  for (std::size_t n = 0; data.size() < size; ++n) {
    data.insert(data.end(), pattern.begin(), pattern.end());
    if (counted || pattern.empty()) data.push_back(static_cast<std::byte>(n * 0x9e37));
  }
  data.shrink_to_fit();  // a read past the end is to be one past the allocation
  return data;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t input_size) {
  if (input_size < 2) return 0;
  const bytes_view bytes = std::as_bytes(std::span{input, input_size});
  const unsigned which = input[0] % 4;
  const std::size_t shift = input[1] % 3 * 2;
  const bytes_view pattern = bytes.subspan(2);
  const bool counted = input[0] >= 128;
  const std::size_t more = std::size_t{input[1]} * 64;

  if (which == 0) {
    const std::vector<std::byte> data = fill(pattern, (128u << 10) + 16 * more, counted);
    check(shoal::buzhash_chunker{}, data, plain_buzhash);
  } else if (which == 1) {
    const chunk_sizes sizes{16 + more % 100, std::size_t{256} << shift, 20000};
    const std::vector<std::byte> data = fill(pattern, more, counted);
    check(shoal::rabin_chunker{sizes}, data, [&](bytes_view rest) { return plain_rabin(rest, sizes); });
  } else if (which == 2) {
    const chunk_sizes sizes{64 + more / 64 % 100, std::size_t{256} << shift, 20001};
    const std::vector<std::byte> data = fill(pattern, 3 * more, counted);
    check(shoal::fastcdc_chunker{sizes}, data, [&](bytes_view rest) { return plain_fastcdc(rest, sizes); });
  } else {
    const shoal::result<shoal::any_chunker> chunker = shoal::any_chunker::parse(shoal::as_text(pattern));
    require(!chunker || (chunker->max_size() > 0 && chunker->max_size() <= shoal::chunk_size_limit));
    require(chunker || !chunker.error().message().empty());
  }
  return 0;
}
