// SPDX-License-Identifier: BSL-1.0
#include <shoal/openssl/tls_client.hpp>  // first: shows that the header stands alone

#include <array>
#include <cstddef>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "../temporary_folder.hpp"
#include "tls_server.hpp"

namespace {

using shoal::as_bytes;
using shoal::as_text;
using shoal::bytes_view;
using shoal::errc;
using shoal::result;
using shoal::openssl::tls_client;
using shoal::openssl::tls_trust;

struct world {
  temporary_folder folder;
  tls_identity identity{"gateway.test"};
  std::string file = (folder / "ca.pem").string();
  world() { std::ofstream{file} << identity.certificate_pem(); }
};

/// Moves bytes between the two, `stride` at a time, until the client agrees or fails.
result<> shake_hands(tls_client& client, tls_server& server, std::size_t stride = 100'000) {
  for (int round = 0; round < 10'000; ++round) {
    const result<bool> agreed = client.shake_hands();
    server.receive(client.take_output());
    if (!agreed) return agreed.error();
    if (*agreed) return {};
    const std::vector<std::byte> answer = server.take_output(stride);
    if (const result<> r = client.receive(answer); !r) return r;
  }
  return errc::timed_out;
}

TEST_CASE("a server that proves its name is talked to, however the stream is cut") {
  world w;
  const auto trust = tls_trust::of_file(w.file);
  REQUIRE(trust.has_value());
  for (const std::size_t stride : {std::size_t{1}, std::size_t{7}, std::size_t{100'000}}) {
    tls_server server{w.identity};
    auto client = trust->connect("gateway.test");
    REQUIRE(client.has_value());
    REQUIRE(shake_hands(*client, server, stride).has_value());
    CHECK(server.name_asked_for() == "gateway.test");
    REQUIRE(client->write(as_bytes("ping")).has_value());
    server.receive(client->take_output());
    CHECK(server.read() == "ping");
    const std::string much(50'000, 'x');
    server.write(much);
    server.end();
    std::string heard;
    std::array<std::byte, 1000> room;
    for (int round = 0; round < 1'000'000 && !client->has_ended(); ++round) {
      const result<std::size_t> size = client->read(room);
      REQUIRE(size.has_value());
      heard += as_text(bytes_view{room}.first(*size));
      if (*size == 0 && !client->has_ended()) {
        REQUIRE(client->receive(server.take_output(stride == 1 ? 997 : stride)).has_value());
      }
    }
    CHECK(heard == much);
  }
}

TEST_CASE("a server with another's name, or that nobody vouches for, is refused") {
  world w;
  {
    tls_server server{w.identity};
    auto client = tls_trust::of_file(w.file)->connect("other.test");
    CHECK(shake_hands(*client, server).error() == errc::failed);
    CHECK(client->reason() == "hostname mismatch");
  }
  {
    tls_server server{w.identity};
    auto client = tls_trust::of_file(w.file)->connect("127.0.0.2");
    CHECK(shake_hands(*client, server).error() == errc::failed);
    CHECK(client->reason() == "IP address mismatch");
  }
  const tls_identity stranger{"gateway.test"};
  tls_server server{stranger};
  auto client = tls_trust::of_file(w.file)->connect("gateway.test");
  CHECK(shake_hands(*client, server).error() == errc::failed);
  CHECK_FALSE(client->reason().empty());
}

TEST_CASE("an address is proved by an address in the certificate") {
  world w;
  tls_server server{w.identity};
  auto client = tls_trust::of_file(w.file)->connect("127.0.0.1");
  REQUIRE(client.has_value());
  CHECK(shake_hands(*client, server).has_value());
}

TEST_CASE("what is no TLS is refused") {
  world w;
  auto client = tls_trust::of_file(w.file)->connect("gateway.test");
  CHECK(*client->shake_hands() == false);
  REQUIRE(client->receive(as_bytes("HTTP/1.1 400 Bad Request\r\n\r\n")).has_value());
  CHECK(client->shake_hands().error() == errc::failed);
}

TEST_CASE("trust comes from a file that is there") {
  CHECK(tls_trust::of_file("/no/such/file").error() == errc::failed);
  CHECK(tls_trust::of_system().has_value());
}

}  // namespace
