// SPDX-License-Identifier: BSL-1.0
//
// Symbols out of any memory: addresses ascend and every name is found at its address. The input's first byte
// chooses the width; behind it may stand anything, and a good table of tokens is put behind that when it asks
// so.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/vmi/kallsyms.hpp>
#include <shoal/vmi/system_map.hpp>

namespace {

using namespace shoal::vmi;

void require(bool truth) {
  if (!truth) std::abort();
}

/// Each code stands for itself, the digits among them.
void append_tokens(std::vector<std::byte>& image, std::size_t alignment) {
  while (image.size() % alignment != 0) image.push_back(std::byte{0});
  for (int code = 0; code < 256; ++code) {
    if (code != 0) image.push_back(static_cast<std::byte>(code));
    image.push_back(std::byte{0});
  }
  while (image.size() % alignment != 0) image.push_back(std::byte{0});
  for (std::uint16_t code = 0; code < 256; ++code) {
    const std::uint16_t begin = static_cast<std::uint16_t>(code == 0 ? 0 : 2 * code - 1);
    image.resize(image.size() + 2);
    shoal::store_le(image.data() + image.size() - 2, begin);
  }
  while (image.size() % alignment != 0) image.push_back(std::byte{0});
}

void check(const symbol_table& symbols) {
  for (std::size_t i = 0; i < symbols.size(); ++i) {
    const symbol each = symbols[i];
    require(each.name.size() <= max_symbol_name);
    require(i == 0 || value(symbols[i - 1].address) <= value(each.address));
    const auto found = symbols.at(each.address);
    require(found && found->offset == 0);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const shoal::bytes_view input{reinterpret_cast<const std::byte*>(data), size};
  const auto width = (data[0] & 1) != 0 ? pointer_width::four : pointer_width::eight;
  // the second byte cuts the rest in two: what stands in front of the tokens, and what behind them
  const std::size_t front = (size - 2) * data[1] / 255;
  std::vector<std::byte> image{input.begin() + 2, input.begin() + 2 + static_cast<std::ptrdiff_t>(front)};
  if ((data[0] & 2) != 0) append_tokens(image, width == pointer_width::four ? 4 : 8);
  image.insert(image.end(), input.begin() + 2 + static_cast<std::ptrdiff_t>(front), input.end());
  if (const auto found = decode_kallsyms(image, width)) check(found->symbols);
  if (const auto map = parse_system_map(shoal::as_text(input.subspan(1)))) check(*map);
  return 0;
}
