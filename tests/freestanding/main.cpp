// SPDX-License-Identifier: BSL-1.0
//
// Uses the freestanding headers as a guest without a standard library would; exits 0 when they do what they
// say.
#include <cstddef>
#include <cstdint>

#include <everything.hpp>

namespace {

bool integers_have_the_stated_byte_order() noexcept {
  std::byte bytes[8];
  shoal::store_be<std::uint64_t>(bytes, 0x0102030405060708u);
  return bytes[0] == std::byte{1} && shoal::load_le<std::uint32_t>(bytes + 4) == 0x08070605u;
}

bool a_status_carries_a_value_or_a_reason() noexcept {
  const shoal::status_or<int> value{7};
  const shoal::status_or<int> reason{shoal::status::truncated};
  return value && *value == 7 && !reason && reason.code == shoal::status::truncated;
}

}  // namespace

int freestanding_main() noexcept {
  if (!integers_have_the_stated_byte_order()) return 1;
  if (!a_status_carries_a_value_or_a_reason()) return 2;
  return 0;
}
