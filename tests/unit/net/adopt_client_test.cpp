// SPDX-License-Identifier: BSL-1.0
#include <shoal/net/adopt_client.hpp>  // first: shows that the header stands alone

#include <doctest/doctest.h>
#include <asio/io_context.hpp>

namespace adopt_client_test {

using shoal::net::adopt_client;

TEST_CASE("sockets of any family are adopted, and nothing else is") {
  asio::io_context context;
  int pair[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  CHECK(adopt_client(context.get_executor(), pair[0]).has_value());
  char byte = 0;
  CHECK(::recv(pair[1], &byte, 1, 0) == 0);  // it was closed with the socket that owned it
  ::close(pair[1]);
  CHECK(adopt_client(context.get_executor(), ::socket(AF_INET, SOCK_STREAM, 0)).has_value());
  CHECK_FALSE(adopt_client(context.get_executor(), -1).has_value());
}

}  // namespace adopt_client_test
