// SPDX-License-Identifier: BSL-1.0
//
// peer_choice: whom to ask for a block. The client session gathers what there is to know and does what the
// policy says; it asks again whenever something has changed: an answer, a disconnect, patience run out.
//
//     struct anyone {
//       choice choose(const open_want&, std::span<const candidate> peers, instant) { return {...}; }
//     };
//     client_session<anyone> session;
//
// nearest_first is the policy of a small swarm: neighbours before origins, the quickest of them first, and a
// question to a few others meanwhile. A policy may keep what state it likes (a roster, ranks by hash).
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>

#include <shoal/content/cid.hpp>
#include <shoal/exchange/peer_estimate.hpp>
#include <shoal/exchange/peer_handle.hpp>

namespace shoal::exchange {

/// What a peer's relation to one block is.
enum class standing : std::uint8_t {
  unknown,   ///< has not been asked
  probed,    ///< has been asked whether it has the block, and has not answered
  has,       ///< says that it has the block
  lacks,     ///< says that it does not, or has failed to deliver it
  fetching,  ///< is to send the block
  late,      ///< is to send the block, and has had its time
};

/// A peer, as a policy sees it.
struct candidate {
  peer_handle peer{};
  const peer_estimate* estimate = nullptr;  ///< never null
  unsigned tier = 0;  ///< as add_peer was told: 0 a neighbour, higher ones only for what lower ones lack
  standing now = standing::unknown;
  bool has_room = true;  ///< may be asked for one more block
  bool stalled = false;  ///< has let a block be late without sending another meanwhile
};

/// A block that is wanted, as a policy sees it.
struct open_want {
  const cid& id;
  std::int32_t priority = 0;
  bool urgent = false;         ///< a reader waits for it
  instant since;               ///< when it was first wanted
  std::size_t block_size = 0;  ///< in bytes, as far as one can tell
};

/// What to do about a want.
struct choice {
  enum class verdict : std::uint8_t {
    ask,      ///< do what the rest says
    no_room,  ///< somebody could be asked, but has enough to do: look again when a block has arrived
    wait,     ///< look again when a peer has answered, or after `patience`
    nobody    ///< nobody is left to ask
  };
  static constexpr std::size_t max_probes = 8;

  verdict what = verdict::nobody;
  std::optional<std::size_t> fetch;  ///< the candidate to ask for the block, by index
  std::array<std::size_t, max_probes> probes{};
  std::size_t probe_count = 0;  ///< how many of `probes` to ask whether they have it
  duration patience{};          ///< look again after this time, unless the block has come
};

template <class P>
concept peer_choice =
    requires(P& policy, const open_want& want, std::span<const candidate> peers, instant now) {
      { policy.choose(want, peers, now) } -> std::same_as<choice>;
    };

class nearest_first {
 public:
  struct settings {
    /// Peers that are asked whether they have a block, while the best one is asked for it.
    std::size_t probes = 3;
    /// A peer that has what it is asked for at least this often is asked alone.
    double trusted_hit_rate = 0.9;
    /// Patience is this many times the expected time, between these bounds.
    int patience_factor = 4;
    duration least_patience = std::chrono::milliseconds{250};
    duration most_patience = std::chrono::seconds{5};
  };

  nearest_first() noexcept = default;
  explicit nearest_first(const settings& s) noexcept : settings_(s) {}

  [[nodiscard]] choice choose(const open_want& want, std::span<const candidate> peers, instant) const noexcept {
    choice out;
    // a stalled peer is the last to be asked, in a tier below all others
    constexpr unsigned stalled_tier = std::numeric_limits<unsigned>::max();
    const auto tier_of = [](const candidate& c) { return c.stalled ? stalled_tier : c.tier; };
    unsigned tier = stalled_tier;
    bool any = false;
    bool awaited = false;
    for (const candidate& c : peers) {
      awaited |= c.now == standing::fetching;
      if (!askable(c)) continue;
      any = true;
      tier = std::min(tier, tier_of(c));
    }
    if (!any) {
      if (awaited) {
        out.what = choice::verdict::wait;
        out.patience = settings_.most_patience;
      }
      return out;
    }
    std::optional<std::size_t> best;
    for (std::size_t i = 0; i < peers.size(); ++i) {
      if (!askable(peers[i]) || tier_of(peers[i]) != tier || !peers[i].has_room) continue;
      if (!best || score(peers[i], want) < score(peers[*best], want)) best = i;
    }
    if (!best) {
      out.what = choice::verdict::no_room;
      return out;
    }
    out.what = choice::verdict::ask;
    out.fetch = best;
    const peer_estimate& chosen = *peers[*best].estimate;
    out.patience = std::clamp(settings_.patience_factor * chosen.expected(want.block_size),
                              settings_.least_patience, settings_.most_patience);
    const bool sure = peers[*best].now == standing::has || chosen.hit_rate() >= settings_.trusted_hit_rate;
    if (!sure) add_probes(out, want, peers, tier);
    return out;
  }

 private:
  static bool askable(const candidate& c) noexcept {
    return c.now == standing::unknown || c.now == standing::probed || c.now == standing::has;
  }

  /// Seconds until the block is here, if one had to ask until somebody has it. Less is better.
  static double score(const candidate& c, const open_want& want) noexcept {
    const double expected = std::chrono::duration<double>(c.estimate->expected(want.block_size)).count();
    const double seconds = expected / std::max(c.estimate->kept_rate(), 0.01);
    return c.now == standing::has ? seconds : seconds / std::max(c.estimate->hit_rate(), 0.01);
  }

  /// The best of those who have not been asked anything.
  void add_probes(choice& out, const open_want& want, std::span<const candidate> peers,
                  unsigned tier) const noexcept {
    const std::size_t most = std::min(settings_.probes, choice::max_probes);
    for (std::size_t i = 0; i < peers.size(); ++i) {
      const candidate& c = peers[i];
      if (i == *out.fetch || c.now != standing::unknown || c.stalled || c.tier != tier) continue;
      std::size_t at = out.probe_count;
      while (at > 0 && score(c, want) < score(peers[out.probes[at - 1]], want)) --at;
      if (at >= most) continue;
      out.probe_count = std::min(out.probe_count + 1, most);
      for (std::size_t j = out.probe_count - 1; j > at; --j) out.probes[j] = out.probes[j - 1];
      out.probes[at] = i;
    }
  }

  settings settings_;
};

static_assert(peer_choice<nearest_first>);

}  // namespace shoal::exchange
