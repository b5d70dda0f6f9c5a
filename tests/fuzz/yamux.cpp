// SPDX-License-Identifier: BSL-1.0
//
// A peer of any kind on the other end of a yamux session: however its bytes are cut, the session hears the
// same; and with an application that writes, reads, ends and resets, it stays within its limits and sends
// nothing but frames. The first byte chooses the cuts, the second the application's whims.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <span>
#include <vector>

#include <shoal/libp2p/yamux.hpp>

namespace {

using namespace shoal::libp2p;
using shoal::bytes_view;
using kind = yamux_event::kind;

void require(bool truth) {
  if (!truth) std::abort();
}

struct heard {
  kind what;
  stream_id stream;
  std::uint32_t value;
  yamux_violation why;
  std::vector<std::byte> bytes;

  friend bool operator==(const heard&, const heard&) = default;
};

constexpr yamux_limits limits{
    .max_inbound = 6, .max_window = 1u << 20, .max_growth = 1u << 20, .low_water = 100};

/// What a session hears that does nothing by itself, data in one piece.
std::vector<heard> listen(bytes_view in, std::size_t stride) {
  yamux session{yamux_role::listener, limits};
  std::vector<heard> log;
  std::size_t at = 0;
  std::size_t end = 0;
  for (std::size_t n = 1; true; n = stride == 0 ? 1 : (n * 7 + stride) % (stride * 2) + 1) {
    end = stride == 0 ? in.size() : std::min(end + n, in.size());
    while (true) {
      const yamux_event e = session.next(in.subspan(at, end - at));
      require(e.consumed <= end - at);
      at += e.consumed;
      if (e.what == kind::starved) break;
      if (e.what == kind::data && !log.empty() && log.back().what == kind::data &&
          log.back().stream == e.stream) {
        log.back().bytes.insert(log.back().bytes.end(), e.bytes.begin(), e.bytes.end());
      } else {
        log.push_back({e.what, e.stream, e.value, e.why, {e.bytes.begin(), e.bytes.end()}});
      }
      if (e.what == kind::violation) return log;
    }
    require(end - at < yamux_header_size);
    if (end == in.size()) return log;
  }
}

/// Walks over frames: what comes out of a session has no other parts.
void check_frames(bytes_view out) {
  while (!out.empty()) {
    require(out.size() >= yamux_header_size);
    const yamux_header h = parse_yamux_header(out.first<yamux_header_size>());
    out = out.subspan(yamux_header_size);
    require(h.version == 0 && h.type <= yamux_type::go_away);
    if (h.type != yamux_type::data) continue;
    require(h.stream != 0 && h.flags == 0 && h.length != 0 && h.length <= limits.max_frame &&
            h.length <= out.size());
    out = out.subspan(h.length);
  }
}

/// A session whose application does something at every event.
void live(bytes_view in, std::uint32_t whim) {
  static const std::vector<std::byte> payload(3000);
  yamux session{yamux_role::listener, limits};
  std::map<stream_id, std::size_t> unread;
  std::vector<stream_id> own;
  std::vector<std::byte> room(4096);
  const auto chance = [&whim](std::uint32_t n) {
    whim = whim * 1664525u + 1013904223u;
    return (whim >> 16) % n;
  };
  while (true) {
    const yamux_event e = session.next(in);
    in = in.subspan(e.consumed);
    if (e.what == kind::starved) break;
    if (e.what == kind::data) unread[e.stream] += e.bytes.size();
    if (e.what == kind::opened) unread[e.stream] = 0;  // a number may come back
    if (e.what == kind::reset) unread.erase(e.stream);
    if (e.what == kind::data || e.what == kind::opened) {
      const auto write = session.write(e.stream, {nullptr, bytes_view{payload}.first(chance(3000))});
      if (chance(8) == 0) session.finish(e.stream);
      require(write || write.error() == shoal::errc::closed);
      session.notify_drained(e.stream);
    }
    if (chance(3) == 0) {
      session.consume(e.stream, unread[e.stream]);
      unread[e.stream] = 0;
    }
    if (chance(10) == 0) {
      session.reset(e.stream);
      unread.erase(e.stream);
    }
    if (own.size() < 4 && chance(4) == 0) {
      if (const auto id = session.open()) own.push_back(*id);
    }
    if (chance(2) == 0) {
      const std::size_t size = session.produce(std::span{room}.first(chance(4096)));
      check_frames(bytes_view{room}.first(size));
    }
    require(session.streams() <= limits.max_inbound + own.size());
    require(session.growth() <= limits.max_growth);
    if (e.what == kind::violation) break;
  }
  while (const std::size_t size = session.produce(room)) check_frames(bytes_view{room}.first(size));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const bytes_view in{reinterpret_cast<const std::byte*>(data) + 2, size - 2};
  if (listen(in, 0) != listen(in, data[0] + std::size_t{1})) std::abort();
  live(in, data[1]);
  return 0;
}
