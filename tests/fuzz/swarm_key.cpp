// SPDX-License-Identifier: BSL-1.0
//
// Swarm keys from a file, and what a private network hears: a key that is read is written so that it is read
// again, and how the bytes were cut makes no difference.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include <shoal/libp2p/private_network.hpp>
#include <shoal/libp2p/swarm_key.hpp>

namespace {

using namespace shoal::libp2p;
using shoal::bytes_span;
using shoal::bytes_view;

void require(bool truth) {
  if (!truth) std::abort();
}

std::vector<std::byte> heard(bytes_view input, std::size_t stride) {
  private_network wrap{swarm_key{}, std::array<std::byte, private_network::nonce_size>{}};
  std::vector<std::byte> bytes(input.begin(), input.end());
  std::vector<std::byte> text;
  for (bytes_span rest{bytes}; !rest.empty();) {
    const bytes_span part = rest.first(std::min(stride, rest.size()));
    rest = rest.subspan(part.size());
    const bytes_span opened = wrap.open(part);
    text.insert(text.end(), opened.begin(), opened.end());
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const bytes_view input{reinterpret_cast<const std::byte*>(data), size};
  if (const auto key = swarm_key::parse(shoal::as_text(input))) {
    const auto again = swarm_key::parse(key->to_file());
    require(again && std::ranges::equal(again->bytes.view(), key->bytes.view()));
  }
  if (size == 0) return 0;
  const auto whole = heard(input, size);
  require(whole.size() == size - std::min(size, private_network::nonce_size));
  require(heard(input, data[0] % 61 + std::size_t{1}) == whole);
  return 0;
}
