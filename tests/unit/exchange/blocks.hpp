// SPDX-License-Identifier: BSL-1.0
//
// Blocks with contents of their own, and their names, for tests of the exchange.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/shared_bytes.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/crypto/sha256.hpp>
#include <shoal/exchange/bitswap_message.hpp>
#include <shoal/exchange/bitswap_writer.hpp>

namespace blocks {

/// `size` bytes that no other number has, when there are eight at least.
inline std::vector<std::byte> content(std::uint64_t number, std::size_t size) {
  std::vector<std::byte> out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::byte>(i < 8 ? number >> (8 * i) : i * 31);
  return out;
}

inline shoal::multihash hash_of(shoal::bytes_view bytes) {
  std::array<std::byte, 32> digest;
  shoal::sha256 hash;
  hash.update(bytes);
  hash.finish(digest);
  return *shoal::multihash::make(shoal::hash_code::sha2_256, digest);
}

inline shoal::cid name_of(shoal::bytes_view bytes) {
  return shoal::cid{shoal::multicodec::raw, hash_of(bytes)};
}

/// The name of a block that is not needed itself.
inline shoal::cid name(std::uint64_t number) {
  return name_of(content(number, 8));
}

inline std::vector<std::byte> flat(const std::vector<shoal::shared_bytes>& pieces) {
  std::vector<std::byte> out;
  for (const shoal::shared_bytes& piece : pieces) {
    out.insert(out.end(), piece.bytes.begin(), piece.bytes.end());
  }
  return out;
}

/// A message as it is read again: the bytes without the length, and what they mean.
struct read_back {
  std::vector<std::byte> bytes;
  std::vector<shoal::exchange::want_entry> wants;
  std::vector<shoal::exchange::block_presence> presences;
  std::vector<shoal::exchange::block_payload> payloads;

  [[nodiscard]] shoal::exchange::bitswap_message message() const {
    return *shoal::exchange::bitswap_message::parse(bytes);
  }
};

inline read_back read(const std::vector<shoal::shared_bytes>& pieces) {
  using namespace shoal::exchange;
  read_back out{flat(pieces), {}, {}, {}};
  shoal::bytes_view rest{out.bytes};
  const auto length = shoal::take_varint(rest);
  if (!length || *length != rest.size()) throw std::string{"the length is wrong"};
  out.bytes.erase(out.bytes.begin(), out.bytes.end() - static_cast<std::ptrdiff_t>(rest.size()));
  const bitswap_message m = out.message();
  m.visit([&](const want_entry& w) { out.wants.push_back(w); });
  m.visit([&](const block_presence& p) { out.presences.push_back(p); });
  m.visit([&](const block_payload& p) { out.payloads.push_back(p); });
  return out;
}

}  // namespace blocks
