// SPDX-License-Identifier: BSL-1.0
//
// watched_net: a guest's network whose flows are seen, and perhaps refused: around any back end of net_calls.
//
//     const auto judge = [&](const hal::access_record& flow) noexcept { return engine.check(...) ==
//     verdict::allow; }; watched_net net{tap, judge, wall_clock{}, {.source = 1}}; networks.attach(devices,
//     "service", net);
//
// A flow is judged at its first frame; what belongs to one that was refused is dropped without a word, as a
// firewall does. Frames are looked at in a copy that the guest cannot change. ARP, and whatever is not IP,
// passes.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/status.hpp>
#include <shoal/hal/access_record.hpp>
#include <shoal/monitor/flow.hpp>
#include <shoal/monitor/flow_table.hpp>
#include <shoal/monitor/frame.hpp>
#include <shoal/monitor/rule.hpp>

namespace shoal::monitor {

struct watched_net_options {
  std::uint16_t source = 0;  ///< in the records
  bool open = false;         ///< nobody wants to know: all passes, and nothing is looked at
  bool each_frame = false;   ///< frames are judged, too, one by one
  bool strict = false;       ///< what says it is IP and cannot be read is dropped
};

/// What rules ask for. Who denies something has to know what passes.
[[nodiscard]] inline watched_net_options net_options(std::span<const rule> rules,
                                                     std::uint16_t source) noexcept {
  watched_net_options out{.source = source};
  for (const rule& each : rules) {
    if (each.at.source >= 0 && each.at.source != source) continue;
    out.each_frame = out.each_frame || each.at.space == address_space::frames;
    out.strict = out.strict || (each.deny && !is_device(each.at.space) && each.at.space != address_space::disk);
  }
  return out;
}

/// @tparam Net    has mac(), mtu(), receive() and send(), as hypercall::net_backend asks
/// @tparam Judge  `judge(const hal::access_record&)`: whether a flow, or a frame, may be; has to set the time
/// @tparam Clock  `clock()`: nanoseconds
template <class Net, std::predicate<const hal::access_record&> Judge, std::invocable Clock>
class watched_net {
 public:
  /// @param next  outlives this
  watched_net(Net& next, Judge judge, Clock clock, watched_net_options options)
      : next_(&next),
        judge_(std::move(judge)),
        clock_(std::move(clock)),
        options_(options),
        buffer_(std::size_t{next.mtu()} + header_size) {}

  [[nodiscard]] std::array<std::byte, 6> mac() const noexcept { return next_->mac(); }
  [[nodiscard]] std::uint16_t mtu() const noexcept { return next_->mtu(); }

  /// What is refused is as if it had not come.
  status_or<std::size_t> receive(bytes_span out) noexcept {
    if (options_.open) return next_->receive(out);
    constexpr int most_at_once = 64;
    for (int i = 0; i < most_at_once; ++i) {
      const status_or<std::size_t> size = next_->receive(buffer_);
      if (!size) return size;
      if (!passes(bytes_view{buffer_}.first(*size), false)) continue;
      const std::size_t fits = std::min(*size, out.size());
      std::memcpy(out.data(), buffer_.data(), fits);
      return fits;
    }
    return status::busy;
  }

  /// What is refused is as if it had got lost on its way.
  status send(bytes_view frame) noexcept {
    if (options_.open) return next_->send(frame);
    if (frame.size() > buffer_.size()) return status::invalid_argument;
    std::memcpy(buffer_.data(), frame.data(), frame.size());
    const bytes_view copy = bytes_view{buffer_}.first(frame.size());
    return passes(copy, true) ? next_->send(copy) : status::ok;
  }

  /// Frames that were dropped.
  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; }

 private:
  static constexpr std::size_t header_size = 18;  // with a VLAN tag

  bool passes(bytes_view bytes, bool sent) noexcept {
    const bool good = is_good(frame::parse(bytes), sent);
    if (!good) ++dropped_;
    return good;
  }

  bool is_good(const frame& seen, bool sent) noexcept {
    if (seen.what == frame_kind::other) return true;
    if (seen.what == frame_kind::malformed) return !options_.strict;
    flow_table::entry& talk = flows_.look(clock_(), seen, sent);
    if (talk.is_new) {
      talk.refused = !judge_(talk.is.record(hal::access::flow_out, options_.source));
    }
    if (talk.refused || !options_.each_frame) return !talk.refused;
    flow as_sent = talk.is;
    as_sent.out = sent;
    return judge_(as_sent.record(hal::access::frame_out, options_.source));
  }

  Net* next_;
  Judge judge_;
  Clock clock_;
  watched_net_options options_;
  flow_table flows_;
  std::vector<std::byte> buffer_;
  std::uint64_t dropped_ = 0;
};

}  // namespace shoal::monitor
