// SPDX-License-Identifier: BSL-1.0
//
// A monitor of any kind on the other end of a vhost-user connection: the session stays within its limits,
// answers what has to be answered and nothing else, and asks for nothing that cannot be. The input is a run of
// messages, before each a byte that says how many files come with it and whether what it asks for succeeds.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include <shoal/virtio/vhost_user_message.hpp>
#include <shoal/virtio/vhost_user_session.hpp>

namespace {

using namespace shoal;
using namespace shoal::virtio;
using kind = vhost_user_event::kind;

void require(bool truth) {
  if (!truth) std::abort();
}

constexpr std::array<std::byte, 60> config{std::byte{1}, std::byte{2}};

void check_reply(bytes_view reply, const vhost_user_header& asked) {
  if (reply.empty()) return;
  require(reply.size() >= vhost_user_header::size);
  const vhost_user_header head = parse_vhost_user_header(reply);
  require(head.request == asked.request);
  require(head.flags == (vhost_user_flag::version | vhost_user_flag::reply));
  require(head.payload == reply.size() - vhost_user_header::size && head.payload <= max_vhost_user_payload);
}

bool must_answer(vhost_user_request r) {
  using enum vhost_user_request;
  return r == get_features || r == get_protocol_features || r == get_queue_count || r == get_config ||
         r == get_ring_base;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  bytes_view in{reinterpret_cast<const std::byte*>(data), size};
  constexpr std::uint64_t features = 0x5;
  vhost_user_session session{{.features = features, .config = config, .queues = 3}};
  while (in.size() > vhost_user_header::size) {
    const auto whim = std::to_integer<unsigned>(in.front());
    in = in.subspan(1);
    const vhost_user_header head = parse_vhost_user_header(in.first(vhost_user_header::size));
    in = in.subspan(vhost_user_header::size);
    if (check(head) != status::ok || in.size() < head.payload) {
      const bytes_view whatever = in.first(std::min<std::size_t>(in.size(), 300));
      require(check(head) == status::ok || session.receive(head, whatever, 0).what == kind::violation);
      return 0;
    }
    const bytes_view payload = in.first(head.payload);
    in = in.subspan(head.payload);
    const std::size_t files = whim % 10;
    const vhost_user_event e = session.receive(head, payload, files);
    if (e.what == kind::violation) return 0;
    require(e.ring < session.ring_count());
    switch (e.what) {
      case kind::map_memory:
        require(e.memory.count == files && files != 0 && files <= max_vhost_user_regions);
        for (const vhost_user_region& r : e.memory.regions())
          require(r.size != 0 && r.offset + r.size - 1 >= r.offset);
        session.complete((whim & 16) != 0);
        break;
      case kind::reset: session.complete(true); break;
      case kind::stop_ring:
        require(!session.ring(e.ring).is_started);
        session.stopped(e.ring, static_cast<std::uint16_t>(whim));
        break;
      case kind::ring_kick:
      case kind::ring_call:
      case kind::ring_error: require(files == (e.has_file ? 1u : 0u)); break;
      default: require(files == 0);
    }
    check_reply(session.reply(), head);
    if (must_answer(head.request)) require(!session.reply().empty());
    require((session.accepted() & ~(features | feature::transport)) == 0);
    for (std::size_t i = 0; i < session.ring_count(); ++i) {
      require(session.ring(i).size <= max_queue_size);
      if (session.ring(i).can_run()) require(session.ring(i).size != 0);
    }
  }
  return 0;
}
