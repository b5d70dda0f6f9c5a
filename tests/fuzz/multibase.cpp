// SPDX-License-Identifier: BSL-1.0
//
// Multibase both ways: bytes survive every base, and a text that is read is one that would be written, letter
// case aside.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <shoal/content/multibase.hpp>

namespace {

void require(bool truth) {
  if (!truth) std::abort();
}

char folded(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const shoal::bytes_view input{reinterpret_cast<const std::byte*>(data), size};
  const std::string_view text = shoal::as_text(input);
  if (const auto bytes = shoal::decode_multibase(text)) {
    const std::string again = encode_multibase(shoal::multibase{text.front()}, *bytes);
    require(std::ranges::equal(again, text, {}, folded, folded));
  }
  const shoal::bytes_view piece = input.first(std::min<std::size_t>(size, 64));
  for (const char base : std::string_view{"079fFbBcCvVtThkKzZmMuU"}) {
    const auto back = shoal::decode_multibase(encode_multibase(shoal::multibase{base}, piece));
    require(back.has_value() && std::ranges::equal(*back, piece));
  }
  return 0;
}
