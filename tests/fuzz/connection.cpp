// SPDX-License-Identifier: BSL-1.0
//
// Whoever is at the other end of a libp2p connection, from its first byte to its last: both roles survive it,
// say the same however the bytes were cut, name only streams that exist, and say nothing but the same error
// after one. The first byte chooses the role and the cuts; the rest is what the peer sends. The crypto hides
// nothing, so that the fuzzer gets to the streams.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

#include <shoal/libp2p/connection.hpp>

#include "../unit/libp2p/plain_crypto.hpp"

namespace {

using namespace shoal::libp2p;
using shoal::bytes_span;
using shoal::bytes_view;
using bytes = std::vector<std::byte>;
using kind = connection_event::kind;

struct plain_suite {
  using cipher = plain::aead;
  using agreement = plain::key_agreement;
  using signer = plain::signer;
  using verifier = plain::verifier;
};

void require(bool truth) {
  if (!truth) std::abort();
}

const plain::signer me{std::byte{7}};

connection_keys keys() {
  connection_keys k;
  k.identity_proof = shoal::secret<32>{bytes(32, std::byte{1})};
  k.ephemeral = shoal::secret<32>{bytes(32, std::byte{2})};
  return k;
}

bool speaks(std::string_view name) {
  return name.starts_with("/e");
}

class side {
 public:
  explicit side(noise_role role) : link_(role, me, keys(), {.speaks = speaks}) {}

  void hear(bytes_view part) {
    bytes in{part.begin(), part.end()};
    link_.receive(in);
    while (!error) {
      const connection_event e = link_.next();
      if (e.what == kind::starved) break;
      handle(e);
    }
    if (error) require(link_.next().error == error);
    bytes out(1u << 16);
    while (const std::size_t n = link_.produce(out)) {
      said += n;
      require(said < 64u << 20);
    }
  }

  std::size_t said = 0;
  std::size_t heard = 0;
  std::size_t events = 0;
  std::error_code error;

 private:
  void handle(const connection_event& e) {
    ++events;
    switch (e.what) {
      case kind::ready:
        require(link_.peer().id == peer_id::of(link_.peer().key));
        if (const auto own = link_.open("/echo")) streams_[*own] = true;
        link_.ping(9);
        break;
      case kind::accepted:
        require(speaks(e.protocol) && !streams_.contains(e.stream));
        streams_[e.stream] = true;
        break;
      case kind::agreed: require(streams_.contains(e.stream) && e.protocol == "/echo"); break;
      case kind::data:
        require(streams_.contains(e.stream) && !e.bytes.empty());
        heard += e.bytes.size();
        (void)link_.write(e.stream, shoal::share({e.bytes.begin(), e.bytes.end()}));
        link_.consume(e.stream, e.bytes.size());
        break;
      case kind::finished:
        require(streams_.contains(e.stream));
        link_.finish(e.stream);
        break;
      case kind::refused:
      case kind::reset: require(streams_.erase(e.stream) == 1); break;
      case kind::failed: error = e.error; break;
      default: break;
    }
    require(link_.streams() <= 1024);
  }

  connection<plain_suite> link_;
  std::unordered_map<stream_id, bool> streams_;
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
  require(whole.error == cut.error && whole.heard == cut.heard);
  return 0;
}
