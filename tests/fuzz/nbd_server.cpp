// SPDX-License-Identifier: BSL-1.0
//
// An NBD client of any kind: the session survives it, says nothing that a client could not read, and says the
// same however the bytes were cut. The first byte chooses the cuts; the rest is what the client sends.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "../unit/nbd/synchronous_server.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t stride = data[0] + std::size_t{1};
  shoal::bytes_view rest{reinterpret_cast<const std::byte*>(data) + 1, size - 1};

  synchronous_server whole;
  whole.hear(rest);
  whole.check_output();

  synchronous_server cut;
  cut.hear({});
  for (std::size_t n = 1; !rest.empty(); n = (n * 7 + stride) % (stride * 2) + 1) {
    const shoal::bytes_view part = rest.first(std::min(n, rest.size()));
    cut.hear(part);
    rest = rest.subspan(part.size());
  }
  if (cut.output() != whole.output() || cut.ended() != whole.ended()) std::abort();
  return 0;
}
