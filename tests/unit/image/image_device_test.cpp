// SPDX-License-Identifier: BSL-1.0
#include <shoal/image/image_device.hpp>  // first: shows that the header stands alone

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/image/load_index.hpp>
#include <shoal/test/run.hpp>

#include "map_store.hpp"

namespace {

using shoal::bytes_view;
using shoal::errc;
using shoal::extent;
using shoal::test::run;

using device = shoal::image_device<map_store>;
static_assert(shoal::block_source<device> && shoal::can_lend<device> && shoal::can_extents<device> &&
              shoal::can_cache<device>);
static_assert(!shoal::block_device<device>);

constexpr shoal::unixfs_profile raw_leaves{1, true, 16, 1000};
constexpr shoal::unixfs_profile enveloped_leaves{0, false, 16, 1000};

struct image {
  std::shared_ptr<map_store> store = std::make_shared<map_store>();
  device disk;

  image(bytes_view bytes, const shoal::unixfs_profile& profile) : disk(open(*this, bytes, profile)) {}

 private:
  static device open(image& self, bytes_view bytes, const shoal::unixfs_profile& profile) {
    shoal::openssl::digester digester;
    const shoal::cid root = import_into(*self.store, bytes, profile);
    auto index = run(shoal::load_image_index(*self.store, digester, root, shoal::image_limits{}));
    self.store->gets = 0;
    return device{std::make_shared<const shoal::image_index>(std::move(*index)), self.store};
  }
};

TEST_CASE("reads of any size and alignment give the image's bytes") {
  const std::vector<std::byte> bytes = random_bytes(20'500);
  for (const shoal::unixfs_profile& profile : {raw_leaves, enveloped_leaves}) {
    image made{bytes, profile};
    for (const auto& [offset, size] :
         {std::pair<std::size_t, std::size_t>{0, 20'500}, {1024, 1024}, {999, 2}, {20'499, 1}, {20'500, 0}}) {
      std::vector<std::byte> out(size);
      REQUIRE(run(made.disk.read(offset, out)));
      CHECK(std::ranges::equal(out, bytes_view{bytes}.subspan(offset, size)));
    }
  }
}

TEST_CASE("a read past the end is refused") {
  image made{random_bytes(2000), raw_leaves};
  std::vector<std::byte> out(10);
  CHECK(run(made.disk.read(1991, out)).error() == errc::out_of_range);
  CHECK(run(made.disk.read(UINT64_MAX, out)).error() == errc::out_of_range);
}

TEST_CASE("what is in memory is lent up to the end of its leaf, without a copy") {
  const std::vector<std::byte> bytes = random_bytes(5000);
  for (const shoal::unixfs_profile& profile : {raw_leaves, enveloped_leaves}) {
    image made{bytes, profile};
    const shoal::lease lent = made.disk.try_lend(1500, 3000);
    CHECK(lent.size() == 500);
    CHECK(std::ranges::equal(lent.bytes(), bytes_view{bytes}.subspan(1500, 500)));
    CHECK_FALSE(made.disk.try_lend(4999, 2));
    CHECK_FALSE(made.disk.try_lend(0, 0));
    made.store->lends = false;
    CHECK_FALSE(made.disk.try_lend(1500, 10));
  }
}

TEST_CASE("holes are lent, read and reported without a block") {
  std::vector<std::byte> bytes(200'000);
  std::ranges::copy(random_bytes(3000), bytes.begin() + 100'000);
  image made{bytes, {1, true, 16, 1000}};
  made.store->blocks.clear();
  std::vector<std::byte> out(100'000, std::byte{9});
  REQUIRE(run(made.disk.read(0, out)));
  CHECK(std::ranges::all_of(out, [](std::byte b) { return b == std::byte{}; }));
  CHECK(made.disk.try_lend(0, 100).size() == 100);
  CHECK(made.store->gets == 0);
  const auto extents = run(made.disk.extents(0, 200'000));
  REQUIRE(extents);
  CHECK(*extents == std::vector<extent>{{100'000, true, true}, {3000, false, false}, {97'000, true, true}});
  const auto part = run(made.disk.extents(99'990, 20));
  REQUIRE(part);
  CHECK(*part == std::vector<extent>{{10, true, true}, {10, false, false}});
}

TEST_CASE("a block that is missing is an error, and only where it is needed") {
  const std::vector<std::byte> bytes = random_bytes(5000);
  image made{bytes, raw_leaves};
  const shoal::cid second = made.disk.index().id(1);
  made.store->blocks.erase(second);
  std::vector<std::byte> out(1000);
  CHECK(run(made.disk.read(0, out)));
  CHECK(run(made.disk.read(500, out)).error() == errc::not_found);
  CHECK(run(made.disk.cache(0, 5000)).error() == errc::not_found);
}

TEST_CASE("a leaf that is not as long as its parent says is refused") {
  const std::vector<std::byte> bytes = random_bytes(5000);
  image made{bytes, raw_leaves};
  made.store->blocks[made.disk.index().id(1)] = std::make_shared<const std::vector<std::byte>>(999);
  std::vector<std::byte> out(10);
  CHECK(run(made.disk.read(1000, out)).error() == errc::malformed);
  CHECK_FALSE(made.disk.try_lend(1000, 10));
}

TEST_CASE("caching a range asks for each of its leaves once") {
  image made{random_bytes(5000), raw_leaves};
  CHECK(run(made.disk.cache(1500, 2000)));
  CHECK(made.store->gets == 3);
}

}  // namespace
