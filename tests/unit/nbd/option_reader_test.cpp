// SPDX-License-Identifier: BSL-1.0
#include <shoal/nbd/option_reader.hpp>  // first: shows that the header stands alone

#include <cstdint>
#include <string>

#include <doctest/doctest.h>

#include "client_bytes.hpp"

namespace {

using shoal::nbd::option_reader;

TEST_CASE("fields come in order and finish together with the data") {
  const client::bytes data = client::join({client::name("disk"), client::be(std::uint16_t{3})});
  option_reader read{data};
  CHECK(read.text() == "disk");
  CHECK_FALSE(read.finished());
  CHECK(read.integer<std::uint16_t>() == 3);
  CHECK(read.finished());
}

TEST_CASE("a text that is longer than the data, or than any name, fails and stays failed") {
  const client::bytes lying = client::join({client::be(5u), client::text("four"), client::be(1u)});
  option_reader read{shoal::bytes_view{lying}.first(8)};
  CHECK(read.text().empty());
  CHECK(read.failed());
  CHECK(read.integer<std::uint16_t>() == 0);
  CHECK_FALSE(read.finished());

  const client::bytes longest = client::name(std::string(shoal::nbd::max_string, 'x'));
  CHECK(option_reader{longest}.text().size() == shoal::nbd::max_string);
  const client::bytes longer = client::name(std::string(shoal::nbd::max_string + 1, 'x'));
  option_reader refuse{longer};
  CHECK(refuse.text().empty());
  CHECK(refuse.failed());
}

}  // namespace
