// SPDX-License-Identifier: BSL-1.0
#include <shoal/libp2p/noise_payload.hpp>  // first: shows that the header stands alone

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "vectors.hpp"

namespace {

using shoal::bytes_view;
using shoal::errc;
using shoal::libp2p::append_noise_payload;
using shoal::libp2p::noise_payload;
using vectors::hex;
using vectors::unhex;

constexpr std::array<std::string_view, 1> yamux{"/yamux/1.0.0"};

TEST_CASE("the payloads of Helia are read, and written as they were") {
  const std::string golden = vectors::fixture("golden_helia.json");
  if (golden.empty()) {
    MESSAGE("skipped: no golden_helia.json");
    return;
  }
  const auto bytes = unhex(vectors::strings_of(golden, "payload_with_ext").at(0));
  const auto with = noise_payload::decode(bytes);
  REQUIRE(with);
  CHECK(hex(with->identity_key) == vectors::strings_of(golden, "pubkey_protobuf").at(0));
  CHECK(hex(with->signature) == vectors::strings_of(golden, "sig").at(0));
  CHECK(std::ranges::equal(with->muxers, yamux));
  std::vector<std::byte> again;
  append_noise_payload(again, with->identity_key, with->signature, with->muxers);
  CHECK(again == bytes);

  const auto short_bytes = unhex(vectors::strings_of(golden, "payload_no_ext").at(0));
  const auto without = noise_payload::decode(short_bytes);
  REQUIRE(without);
  CHECK(without->muxers.empty());
  again.clear();
  append_noise_payload(again, without->identity_key, without->signature, {});
  CHECK(again == short_bytes);
}

TEST_CASE("certificate hashes and fields of the future are skipped") {
  const auto bytes = unhex(
      "0a0161"
      "120162"
      "1a0163"
      "220a"
      "0a02ffff"
      "12022f79"
      "1801"
      "2805");
  const auto payload = noise_payload::decode(bytes);
  REQUIRE(payload);
  CHECK(shoal::as_text(payload->identity_key) == "a");
  CHECK(shoal::as_text(payload->signature) == "b");
  REQUIRE(payload->muxers.size() == 1);
  CHECK(payload->muxers[0] == "/y");
}

TEST_CASE("an empty payload has an empty identity") {
  const auto payload = noise_payload::decode({});
  REQUIRE(payload);
  CHECK(payload->identity_key.empty());
}

TEST_CASE("a list of multiplexers without end is refused, and so is what is no message") {
  std::vector<std::string_view> many(noise_payload::max_muxers, "/m");
  std::vector<std::byte> bytes;
  append_noise_payload(bytes, {}, {}, many);
  CHECK(noise_payload::decode(bytes));
  many.push_back("/m");
  bytes.clear();
  append_noise_payload(bytes, {}, {}, many);
  CHECK(noise_payload::decode(bytes).error() == errc::limit_exceeded);
  CHECK(noise_payload::decode(unhex("0a05ff")).error() == errc::truncated);
  CHECK(noise_payload::decode(unhex("22021205")).error() == errc::truncated);
  CHECK(noise_payload::decode(unhex("0b")).error() == errc::unsupported);
}

TEST_CASE("what is signed is a prefix and the key") {
  std::array<std::byte, 32> key;
  key.fill(std::byte{0x42});
  const auto text = shoal::libp2p::noise_signed_text(key);
  CHECK(shoal::as_text(bytes_view{text}.first(24)) == "noise-libp2p-static-key:");
  CHECK(std::ranges::equal(bytes_view{text}.last(32), key));
}

}  // namespace
