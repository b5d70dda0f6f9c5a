// SPDX-License-Identifier: BSL-1.0
#include <shoal/base/byte_text.hpp>

#include <array>
#include <cstddef>

#include <doctest/doctest.h>

using namespace shoal;

TEST_CASE("bytes are two digits each, with what is wanted between them") {
  constexpr std::array bytes{std::byte{0x29}, std::byte{0x00}, std::byte{0xfe}};
  CHECK(byte_text(bytes, " ") == "29 00 fe");
  CHECK(byte_text(bytes) == "2900fe");
  CHECK(byte_text(bytes_view{bytes}.first(1), ", ") == "29");
  CHECK(byte_text({}, " ").empty());
}
