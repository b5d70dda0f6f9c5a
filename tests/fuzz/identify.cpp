// SPDX-License-Identifier: BSL-1.0
//
// A stream of identify messages: what is read can be written, and is read again as the same; messages merge
// within the limits. The first byte chooses how the stream is cut.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include <shoal/libp2p/delimited.hpp>
#include <shoal/libp2p/identify.hpp>

namespace {

using namespace shoal::libp2p;
using shoal::bytes_view;

void require(bool truth) {
  if (!truth) std::abort();
}

std::vector<std::vector<std::byte>> messages(bytes_view in, std::size_t stride) {
  delimited_reader reader{max_identify_message};
  std::vector<std::vector<std::byte>> found;
  while (!in.empty()) {
    bytes_view part = in.first(std::min(stride, in.size()));
    in = in.subspan(part.size());
    while (true) {
      const auto message = reader.next(part);
      if (!message) return found;
      if (!*message) break;
      require((*message)->size() <= max_identify_message);
      found.push_back(reader.take());
    }
    require(part.empty() && reader.held() <= max_identify_message);
  }
  return found;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const bytes_view in{reinterpret_cast<const std::byte*>(data) + 1, size - 1};
  const auto all = messages(in, size);
  require(all == messages(in, data[0] + std::size_t{1}));
  identify_message merged;
  for (const auto& message : all) {
    const auto decoded = identify_message::decode(message);
    if (!decoded) continue;
    const auto again = identify_message::decode(decoded->encode());
    require(again.has_value() && *again == *decoded);
    merged.merge(*decoded);
    require(merged.protocols.size() <= identify_message::max_entries);
    require(merged.listen_addresses.size() <= identify_message::max_entries);
    for (const auto& protocol : decoded->protocols) {
      require(merged.speaks(protocol) || merged.protocols.size() == identify_message::max_entries);
    }
  }
  return 0;
}
