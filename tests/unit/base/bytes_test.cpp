// SPDX-License-Identifier: BSL-1.0
#include <shoal/base/bytes.hpp>  // first: shows that the header stands alone

#include <cstdint>
#include <string_view>

#include <doctest/doctest.h>

namespace {

using namespace shoal::literals;

TEST_CASE("a text and its bytes are views of one another") {
  const std::string_view text = "base:allocation";
  CHECK(shoal::as_bytes(text).size() == text.size());
  CHECK(shoal::as_text(shoal::as_bytes(text)) == text);
  CHECK(shoal::as_text(shoal::as_bytes(text)).data() == text.data());
}

TEST_CASE("a range is inside when its end is, and no sum wraps") {
  CHECK(shoal::contains(100, 0, 100));
  CHECK(shoal::contains(100, 100, 0));
  CHECK_FALSE(shoal::contains(100, 1, 100));
  CHECK_FALSE(shoal::contains(100, 101, 0));
  CHECK_FALSE(shoal::contains(100, UINT64_MAX, 2));
  CHECK_FALSE(shoal::contains(100, 2, UINT64_MAX));
  CHECK(shoal::contains(UINT64_MAX, UINT64_MAX, 0));
}

TEST_CASE("sizes are powers of 1024") {
  CHECK(1_KiB == 1024);
  CHECK(3_MiB == 3 * 1024 * 1024);
  CHECK(8_GiB == std::uint64_t{8} << 30);
}

}  // namespace
