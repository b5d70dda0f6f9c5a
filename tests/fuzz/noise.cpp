// SPDX-License-Identifier: BSL-1.0
//
// Whoever is at the other end of a Noise channel, from the first byte to the last: both roles survive it, say
// and hear the same however the bytes were cut, and say whole messages, and nothing after an error. The first
// byte chooses the role and the cuts; the rest is what the peer sends. The crypto hides nothing, so that the
// fuzzer gets past the handshake.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <system_error>
#include <vector>

#include <shoal/base/endian.hpp>
#include <shoal/libp2p/noise_handshake.hpp>
#include <shoal/libp2p/noise_transport.hpp>

#include "../unit/libp2p/plain_crypto.hpp"

namespace {

using namespace shoal::libp2p;
using shoal::bytes_span;
using shoal::bytes_view;
using bytes = std::vector<std::byte>;
using handshake = noise_handshake<plain::aead, plain::key_agreement, plain::signer, plain::verifier>;

void require(bool truth) {
  if (!truth) std::abort();
}

const plain::signer me{std::byte{7}};
constexpr std::array<std::string_view, 2> muxers{"/yamux/1.0.0", "/y"};

shoal::secret<32> key_of(int value) {
  return shoal::secret<32>{bytes(32, static_cast<std::byte>(value))};
}

bool whole_messages(bytes_view said) {
  while (said.size() >= noise_header_size) {
    const std::size_t size = noise_header_size + shoal::load_be<std::uint16_t>(said.data());
    if (size > said.size()) return false;
    said = said.subspan(size);
  }
  return said.empty();
}

class side {
 public:
  explicit side(noise_role role) : talk_(role, me, key_of(1), key_of(2), muxers) {}

  void hear(bytes_view more) {
    in_.insert(in_.end(), more.begin(), more.end());
    shake();
    while (open_ && !error) {
      const auto frame = open_->next(in_);
      error = frame.error();
      if (error || frame->consumed == 0) break;
      require(frame->text.size() + noise_overhead == frame->consumed);
      heard.insert(heard.end(), frame->text.begin(), frame->text.end());
      drop(frame->consumed);
    }
  }

  bytes said;
  bytes heard;
  std::error_code error;

 private:
  void shake() {
    if (open_ || error) return;
    const auto took = talk_.receive(in_, said);
    error = took.error();
    if (error) {
      const std::size_t size = said.size();
      require(talk_.receive(in_, said).error() == error && said.size() == size);
      return;
    }
    drop(*took);
    if (!talk_.finished()) {
      require(in_.size() < handshake::max_input);
      return;
    }
    const noise_peer& peer = talk_.peer();
    require(peer.id == peer_id::of(peer.key));
    require(peer.muxer.empty() || std::ranges::count(muxers, peer.muxer) == 1);
    open_.emplace(talk_.keys().receive);
  }

  void drop(std::size_t size) {
    require(size <= in_.size());
    in_.erase(in_.begin(), in_.begin() + static_cast<std::ptrdiff_t>(size));
  }

  handshake talk_;
  std::optional<noise_opener<plain::aead>> open_;
  bytes in_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const noise_role role = data[0] % 2 == 0 ? noise_role::initiator : noise_role::responder;
  const std::size_t stride = data[0] + std::size_t{1};
  bytes_view rest{reinterpret_cast<const std::byte*>(data) + 1, size - 1};

  side whole{role};
  whole.hear(rest);

  side cut{role};
  cut.hear({});
  for (std::size_t n = 1; !rest.empty(); n = (n * 7 + stride) % (stride * 2) + 1) {
    const bytes_view part = rest.first(std::min(n, rest.size()));
    cut.hear(part);
    rest = rest.subspan(part.size());
  }
  require(whole_messages(whole.said));
  require(cut.said == whole.said && cut.heard == whole.heard && cut.error == whole.error);
  return 0;
}
