// SPDX-License-Identifier: BSL-1.0
//
// Names a block with shoal::core alone.
#include <array>
#include <cstddef>
#include <iostream>

#include <shoal/content/cid.hpp>
#include <shoal/crypto/sha256.hpp>
#include <shoal/version.hpp>

int main() {
  std::array<std::byte, shoal::sha256::digest_size> digest{};
  shoal::sha256 hash;
  hash.update(shoal::as_bytes("hello world"));
  hash.finish(digest);
  const auto multihash = shoal::multihash::make(shoal::hash_code::sha2_256, digest);
  if (!multihash) return 1;
  const std::string name = shoal::to_text(shoal::cid{shoal::multicodec::raw, *multihash});
  std::cout << "shoal " SHOAL_VERSION_STRING " " << name << '\n';
  return name == "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e" ? 0 : 1;
}
