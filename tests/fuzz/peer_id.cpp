// SPDX-License-Identifier: BSL-1.0
//
// Peer ids, public and private keys, binary and as text: what is read is written again as it was, or, where a
// thing has several texts, as one that means the same.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include <shoal/libp2p/noise_payload.hpp>
#include <shoal/libp2p/peer_id.hpp>
#include <shoal/libp2p/private_key.hpp>
#include <shoal/libp2p/public_key.hpp>

namespace {

using namespace shoal::libp2p;
using shoal::bytes_view;

void require(bool truth) {
  if (!truth) std::abort();
}

void check(const peer_id& id) {
  require(id.bytes().size() <= peer_id::max_size);
  const auto again = peer_id::parse(to_text(id));
  require(again && *again == id);
  if (const auto key = id.key()) require(peer_id::of(*key) == id);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const bytes_view input{reinterpret_cast<const std::byte*>(data), size};
  if (const auto key = public_key::decode(input)) {
    require(std::ranges::equal(key->encode(), input));
    check(peer_id::of(*key));
  }
  if (const auto id = peer_id::decode(input)) {
    require(std::ranges::equal(id->bytes(), input));
    check(*id);
  }
  if (const auto id = peer_id::parse(shoal::as_text(input))) check(*id);
  if (const auto key = private_key::decode(input)) {
    const auto again = private_key::decode(key->encode());
    require(again && std::ranges::equal(again->seed.view(), key->seed.view()) &&
            again->public_half == key->public_half);
  }
  if (const auto payload = noise_payload::decode(input)) {
    std::vector<std::byte> written;
    append_noise_payload(written, payload->identity_key, payload->signature, payload->muxers);
    const auto again = noise_payload::decode(written);
    require(again && std::ranges::equal(again->identity_key, payload->identity_key) &&
            std::ranges::equal(again->signature, payload->signature) && again->muxers == payload->muxers);
  }
  return 0;
}
