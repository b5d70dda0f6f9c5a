// SPDX-License-Identifier: BSL-1.0
//
// Multiaddrs in binary and in text: what is read has one usual text, and that names the same address.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include <shoal/libp2p/multiaddr.hpp>

namespace {

using shoal::libp2p::multiaddr;

void require(bool truth) {
  if (!truth) std::abort();
}

void check(const multiaddr& address) {
  require(!address.empty() && address.bytes().size() <= multiaddr::max_size);
  const std::string text = to_text(address);
  require(text.size() <= multiaddr::max_text);
  const auto parsed = multiaddr::parse(text);
  require(parsed.has_value() && *parsed == address && to_text(*parsed) == text);
  require(std::hash<multiaddr>{}(*parsed) == std::hash<multiaddr>{}(address));

  multiaddr built;
  for (const auto component : address) require(built.append(component.code(), component.value).has_value());
  require(built == address && built.peer() == address.peer());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const shoal::bytes_view input{reinterpret_cast<const std::byte*>(data), size};
  if (const auto address = multiaddr::decode(input)) {
    require(std::ranges::equal(address->bytes(), input));
    check(*address);
  }
  if (const auto address = multiaddr::parse(shoal::as_text(input))) {
    check(*address);
    const auto decoded = multiaddr::decode(address->bytes());
    require(decoded.has_value() && *decoded == *address);
  }
  return 0;
}
