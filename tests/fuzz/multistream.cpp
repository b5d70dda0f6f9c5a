// SPDX-License-Identifier: BSL-1.0
//
// A peer of any kind on the other end of a negotiation, for both sides of it: however its bytes are cut, the
// outcome, the answers and what is left for the protocol are the same. The first byte chooses the cuts.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <shoal/libp2p/multistream.hpp>

namespace {

using namespace shoal::libp2p;
using shoal::bytes_view;

constexpr std::array<std::string_view, 3> names{"/noise", "/yamux/1.0.0", "/ipfs/bitswap/1.2.0"};

bool accepts(std::string_view name) {
  return name.ends_with("/1.2.0") || name == names[0];
}

struct outcome {
  multistream_event event = multistream_event::starved;
  std::string protocol;
  std::vector<std::byte> said;
  std::vector<std::byte> rest;

  friend bool operator==(const outcome&, const outcome&) = default;
};

multistream_event hear(multistream_dialer& side, bytes_view& in) {
  return side.next(in);
}
multistream_event hear(multistream_listener& side, bytes_view& in) {
  return side.next(in, accepts);
}

template <class Side>
outcome negotiate(Side& side, bytes_view in, std::size_t stride) {
  outcome end;
  for (std::size_t n = 1; !in.empty(); n = stride == 0 ? 1 : (n * 7 + stride) % (stride * 2) + 1) {
    bytes_view part = in.first(stride == 0 ? in.size() : std::min(n, in.size()));
    in = in.subspan(part.size());
    end.event = hear(side, part);
    if (end.event == multistream_event::starved && !part.empty()) std::abort();
    const auto said = side.take_output();
    end.said.insert(end.said.end(), said.begin(), said.end());
    end.rest.insert(end.rest.end(), part.begin(), part.end());
  }
  // a message that breaks the rules may be found out before or after the rest of it came
  if (end.event == multistream_event::violation) end.rest.clear();
  end.protocol = side.protocol();
  if (end.said.size() > in.size() + 64 * max_multistream_message) std::abort();
  return end;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t stride = data[0] + std::size_t{1};
  const bytes_view in{reinterpret_cast<const std::byte*>(data) + 1, size - 1};

  multistream_dialer dial_whole{names};
  multistream_dialer dial_cut{names};
  if (negotiate(dial_whole, in, 0) != negotiate(dial_cut, in, stride)) std::abort();

  multistream_listener listen_whole;
  multistream_listener listen_cut;
  if (negotiate(listen_whole, in, 0) != negotiate(listen_cut, in, stride)) std::abort();
  return 0;
}
