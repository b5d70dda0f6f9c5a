// SPDX-License-Identifier: BSL-1.0
#include <shoal/content/chunker/gear_table.hpp>  // first: shows that the header stands alone

#include <array>
#include <cstddef>

#include <doctest/doctest.h>
#include <openssl/evp.h>

#include <shoal/base/endian.hpp>

namespace {

TEST_CASE("gear table: each entry is the first half of an MD5") {
  for (std::size_t b = 0; b < 256; ++b) {
    std::array<std::byte, 64> message;
    message.fill(static_cast<std::byte>(b));
    std::array<unsigned char, 16> digest{};
    REQUIRE(EVP_Digest(message.data(), message.size(), digest.data(), nullptr, EVP_md5(), nullptr) == 1);
    CAPTURE(b);
    CHECK(shoal::gear_table[b] ==
          shoal::load_be<std::uint64_t>(reinterpret_cast<const std::byte*>(digest.data())));
  }
}

}  // namespace
