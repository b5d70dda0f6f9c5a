// SPDX-License-Identifier: BSL-1.0
//
// Frames from guests and networks: whatever they are, a filter reads no byte beyond them, its answer does not
// depend on what came before in ways that it should not, and a flow that is refused stays refused.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/monitor/frame.hpp>
#include <shoal/monitor/watched_net.hpp>

namespace {

using namespace shoal::monitor;

void require(bool truth) {
  if (!truth) std::abort();
}

struct wire {
  std::size_t passed = 0;
  std::array<std::byte, 6> mac() const noexcept { return {}; }
  std::uint16_t mtu() const noexcept { return 1500; }
  shoal::status_or<std::size_t> receive(shoal::bytes_span) noexcept { return shoal::status::busy; }
  shoal::status send(shoal::bytes_view) noexcept {
    ++passed;
    return shoal::status::ok;
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 1518) return 0;
  // exactly as long as it is: who reads further is found
  const std::vector<std::byte> bytes(reinterpret_cast<const std::byte*>(data),
                                     reinterpret_cast<const std::byte*>(data) + size);
  const frame seen = frame::parse(bytes);
  if (seen.what == frame_kind::ip) {
    require(!(seen.is_fragment && (seen.from_port != 0 || seen.to_port != 0)));
    require(!(seen.begins && seen.answers));
    require(!seen.begins || seen.protocol == ip_protocol::tcp);
  }

  std::size_t judged = 0;
  const auto no = [&](const shoal::hal::access_record& record) noexcept {
    ++judged;
    require(record.width == seen.protocol && is_flow(record.what));
    return false;
  };
  const auto clock = []() noexcept { return std::uint64_t{1}; };
  wire below;
  watched_net net{below, no, clock, {.source = 0, .open = false, .each_frame = true, .strict = true}};
  for (int i = 0; i < 2; ++i) require(net.send(bytes) == shoal::status::ok);
  require(below.passed == (seen.what == frame_kind::other ? 2 : 0));
  require(judged == (seen.what == frame_kind::ip ? 1 : 0));
  return 0;
}
