// SPDX-License-Identifier: BSL-1.0
//
// Links two translation units that include every header, and asks both for the same inline object.
// the public conformance suites are doctest cases, and somebody has to be the runner
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>

#include "world.hpp"

int main() {
  const bool one = shoal::world::first_error_category() == shoal::world::second_error_category();
  std::puts(one ? "one error category" : "two error categories: an inline object is not one object");
  return one ? 0 : 1;
}
