// SPDX-License-Identifier: BSL-1.0
#include <shoal/net/free_list.hpp>  // first: shows that the header stands alone

#include <vector>

#include <doctest/doctest.h>

namespace free_list_test {

using list = shoal::net::free_list<std::vector<int>>;

TEST_CASE("what is given back is used again, as it was") {
  list objects;
  list::item first = objects.take();
  first->assign(100, 7);
  const std::vector<int>* const address = first.get();
  first.reset();
  const list::item again = objects.take();
  CHECK(again.get() == address);
  CHECK(again->size() == 100);
  const list::item other = objects.take();
  CHECK(other.get() != address);
}

TEST_CASE("no more than so many free objects are kept") {
  static int alive = 0;
  struct counted {
    counted() { ++alive; }
    ~counted() { --alive; }
  };
  {
    shoal::net::free_list<counted> objects;
    std::vector<shoal::net::free_list<counted>::item> used;
    for (std::size_t i = 0; i < 2 * objects.max_free; ++i) used.push_back(objects.take());
    CHECK(alive == 2 * static_cast<int>(objects.max_free));
    used.clear();
    CHECK(alive == static_cast<int>(objects.max_free));
  }
  CHECK(alive == 0);
}

}  // namespace free_list_test
