// SPDX-License-Identifier: BSL-1.0
#include <shoal/image/prefetch_list.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/content/multihash.hpp>

namespace {

using namespace shoal;

cid numbered(int number) {
  std::array<std::byte, 32> digest{};
  digest[0] = static_cast<std::byte>(number);
  return cid{multicodec::raw, *multihash::make(hash_code::sha2_256, digest)};
}

/// Ten leaves of a hundred bytes; the third is a hole.
image_index make_index() {
  image_index_builder builder{numbered(100)};
  for (int i = 0; i < 10; ++i) REQUIRE(builder.append(numbered(i), 100, i == 3));
  return std::move(builder).finish();
}

}  // namespace

TEST_CASE("the blocks of a trace come in its order, each once, and no holes") {
  const image_index index = make_index();
  const auto order = prefetch_list(
      "offset,length,time,op\n850,200,0.000001,Read\n0,100,0.1,Read\n0,10,0.2,Read\n199,2,0.3,Read\r\n"
      "250,100,0.4,Read\n500,10,0.5,Write\n5000,10,0.6,Read\n",
      index);
  REQUIRE(order.has_value());
  CHECK(*order == std::vector{numbered(8), numbered(9), numbered(0), numbered(1), numbered(2)});
}

TEST_CASE("a line that is still being written is left out, and one that is none is an error") {
  const image_index index = make_index();
  const auto growing = prefetch_list("700,1,0,Read\n80", index);
  REQUIRE(growing.has_value());
  CHECK(*growing == std::vector{numbered(7)});
  CHECK(prefetch_list("700,1,0,Read\nhello\n", index).error() == errc::malformed);
  CHECK(prefetch_list("-1,1,0,Read\n", index).error() == errc::malformed);
  CHECK(prefetch_list("", index)->empty());
  CHECK(prefetch_list("18446744073709551615,18446744073709551615,0,Read\n", index)->empty());
}
