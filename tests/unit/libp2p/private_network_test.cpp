// SPDX-License-Identifier: BSL-1.0
#include <shoal/libp2p/private_network.hpp>  // first: shows that the header stands alone

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace {

using shoal::bytes_span;
using shoal::bytes_view;
using shoal::libp2p::private_network;
using shoal::libp2p::swarm_key;

private_network side_of(int key, int nonce) {
  std::array<std::byte, 24> bytes;
  bytes.fill(static_cast<std::byte>(nonce));
  const swarm_key shared{shoal::secret<32>{std::vector<std::byte>(32, static_cast<std::byte>(key))}};
  return {shared, bytes};
}

/// What `from` sends first: its nonce and then this text.
std::vector<std::byte> stream_of(private_network& from, std::string_view text) {
  std::vector<std::byte> stream(from.nonce().begin(), from.nonce().end());
  const bytes_view said = shoal::as_bytes(text);
  stream.insert(stream.end(), said.begin(), said.end());
  from.seal(bytes_span{stream}.subspan(from.nonce().size()));
  return stream;
}

TEST_CASE("two peers of one network understand each other, however the bytes are cut") {
  const std::string text =
      "/multistream/1.0.0 and what follows it, which is a little longer than one block of the cipher";
  for (std::size_t piece = 1; piece < 120; piece += 7) {
    CAPTURE(piece);
    private_network one = side_of(1, 10);
    private_network other = side_of(1, 20);
    for (const bool forth : {true, false}) {
      auto stream = stream_of(forth ? one : other, text);
      std::string heard;
      for (bytes_span rest{stream}; !rest.empty();) {
        const bytes_span part = rest.first(std::min(piece, rest.size()));
        rest = rest.subspan(part.size());
        heard += shoal::as_text((forth ? other : one).open(part));
      }
      CHECK(heard == text);
    }
  }
}

TEST_CASE("what goes over the wire looks like nothing, and differs from connection to connection") {
  const std::string zeroes(200, '\0');
  private_network one = side_of(1, 10);
  private_network other = side_of(1, 20);
  const auto a = stream_of(one, zeroes);
  const auto b = stream_of(other, zeroes);
  CHECK(std::ranges::count(a, std::byte{}) < 20);
  CHECK_FALSE(std::ranges::equal(bytes_view{a}.subspan(24), bytes_view{b}.subspan(24)));
}

TEST_CASE("a peer of another network hears noise") {
  private_network one = side_of(1, 10);
  private_network stranger = side_of(2, 20);
  auto stream = stream_of(one, "/multistream/1.0.0\n");
  CHECK(shoal::as_text(stranger.open(stream)) != "/multistream/1.0.0\n");
}

}  // namespace
