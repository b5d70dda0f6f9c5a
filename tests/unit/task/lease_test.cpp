// SPDX-License-Identifier: BSL-1.0
#include <shoal/task/lease.hpp>  // first: shows that the header stands alone

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

namespace {

using shoal::bytes_view;
using shoal::lease;

TEST_CASE("a lease, and any part of it, keeps its owner alive") {
  auto owner = std::make_shared<std::vector<std::byte>>(100, std::byte{1});
  const std::weak_ptr<std::vector<std::byte>> watched = owner;
  lease whole{owner, bytes_view{*owner}};
  owner.reset();
  lease part = whole.part(10, 20);
  CHECK(part.size() == 20);
  CHECK(part.bytes().data() == whole.bytes().data() + 10);
  const lease rest = std::move(whole).part(90, 10);
  part = {};
  CHECK_FALSE(watched.expired());
  CHECK(rest.bytes().back() == std::byte{1});
}

TEST_CASE("nothing lent is false, and so are no bytes") {
  CHECK_FALSE(lease{});
  CHECK_FALSE(lease::zeroes(0));
  CHECK(lease::zeroes(1));
}

TEST_CASE("zeroes are known as such, in part too, and other bytes are not") {
  const lease zeroes = lease::zeroes(lease::max_zeroes + 1);
  CHECK(zeroes.size() == lease::max_zeroes);
  CHECK(std::ranges::all_of(zeroes.bytes(), [](std::byte b) { return b == std::byte{}; }));
  CHECK(zeroes.is_zeroes());
  CHECK(zeroes.part(lease::max_zeroes - 1, 1).is_zeroes());
  const std::vector<std::byte> other(10);
  CHECK_FALSE(lease{nullptr, other}.is_zeroes());
  CHECK_FALSE(lease{}.is_zeroes());
}

}  // namespace
