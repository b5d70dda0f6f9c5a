// SPDX-License-Identifier: BSL-1.0
//
// flow_table: which flows a guest has, who began each, and whether it was refused.
//
//     flow_table table;
//     flow_table::entry& talk = table.look(now, frame, sent);
//     if (talk.is_new) talk.refused = !judge(talk.is);
//
// Holds 4096; more push out those that were quiet longest of the sixteen that they share a place with. One that
// is quiet for a minute is over.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <shoal/monitor/flow.hpp>
#include <shoal/monitor/frame.hpp>
#include <shoal/monitor/ip_address.hpp>

namespace shoal::monitor {

class flow_table {
 public:
  static constexpr std::uint64_t longest_silence = 60'000'000'000;

  struct entry {
    flow is;
    std::uint64_t seen = 0;  ///< when the last frame of it came
    bool used = false;
    bool is_new = false;   ///< this is its first frame
    bool refused = false;  ///< for its owner to note
  };

  flow_table() : entries_(sets * ways) {}

  /// The flow that a frame belongs to. @pre seen.what == frame_kind::ip
  /// @param sent  by the guest
  [[nodiscard]] entry& look(std::uint64_t now, const frame& seen, bool sent) noexcept {
    flow is = of(seen, sent);
    entry* const set = &entries_[place_of(is) * ways];
    entry* oldest = set;
    for (std::size_t i = 0; i < ways; ++i) {
      entry& each = set[i];
      if (!each.used) {
        oldest = &each;
        break;
      }
      if (each.seen < oldest->seen) oldest = &each;
      if (!same_ends(each.is, is)) continue;
      // who calls the other way round begins another flow
      const bool over = now - each.seen > longest_silence && now > each.seen;
      const bool turned = seen.begins && each.is.out != is.out;
      each.is_new = over || turned;
      if (each.is_new) each = {is, now, true, true, false};
      each.seen = now;
      return each;
    }
    *oldest = {is, now, true, true, false};
    return *oldest;
  }

 private:
  static constexpr std::size_t sets = 256;
  static constexpr std::size_t ways = 16;

  static flow of(const frame& seen, bool sent) noexcept {
    flow out;
    out.peer = sent ? ip_address{seen.to_high, seen.to_low} : ip_address{seen.from_high, seen.from_low};
    out.own_port = sent ? seen.from_port : seen.to_port;
    out.peer_port = sent ? seen.to_port : seen.from_port;
    out.protocol = seen.protocol;
    out.out = sent;
    if (seen.answers) out.out = !sent;
    // in the middle of one that is not known: services have the lower ports
    const bool middle = seen.protocol == ip_protocol::tcp && !seen.begins && !seen.answers;
    if (middle && out.own_port != out.peer_port) out.out = out.peer_port < out.own_port;
    return out;
  }
  static bool same_ends(const flow& a, const flow& b) noexcept {
    return a.peer == b.peer && a.own_port == b.own_port && a.peer_port == b.peer_port &&
           a.protocol == b.protocol;
  }
  static std::size_t place_of(const flow& is) noexcept {
    const std::uint64_t ends =
        std::uint64_t{is.own_port} << 32 | std::uint64_t{is.peer_port} << 16 | is.protocol;
    std::uint64_t mixed = (is.peer.high ^ 0x243f6a8885a308d3) * 0x9e3779b97f4a7c15;
    mixed = (mixed ^ mixed >> 29 ^ is.peer.low) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ mixed >> 32 ^ ends) * 0x94d049bb133111eb;
    return static_cast<std::size_t>(mixed >> 56);
  }

  std::vector<entry> entries_;
};

}  // namespace shoal::monitor
