// SPDX-License-Identifier: BSL-1.0
//
// peer_choice: whom to ask for a block. The client session gathers what there is to know and does what the
// policy says; it asks again whenever something has changed: an answer, a disconnect, patience run out, a
// reader in haste.
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
    wait,     ///< look again when a peer has answered, who fetches it is late, or, if nobody does, after
              ///< `patience`
    nobody    ///< nobody is left to ask
  };
  static constexpr std::size_t max_probes = 8;

  verdict what = verdict::nobody;
  std::optional<std::size_t> fetch;  ///< the candidate to ask for the block, by index
  std::array<std::size_t, max_probes> probes{};
  std::size_t probe_count = 0;  ///< how many of `probes` to ask whether they have it
  duration patience{};          ///< the block is late after this time
  /// With no_room: who will be asked as soon as it has room, if that is already certain; it saves asking
  /// before.
  std::optional<std::size_t> awaited;
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
    /// When the best peer has it less often than this, as many are asked as possible.
    double poor_hit_rate = 0.25;
    /// Patience is so many times the expected time, and the deviation from it, between these bounds.
    int patience_factor = 2;
    int deviation_factor = 4;
    duration least_patience = std::chrono::milliseconds{50};
    duration most_patience = std::chrono::seconds{5};
    /// A peer that takes so many times as long as the best one gets nothing when that one has no room: waiting
    /// is quicker. Nor do readers wait for neighbours that take so many times as long as an origin, unless it
    /// is less than `quick`: sparing an origin is worth that.
    double slowest = 8;
    duration quick = std::chrono::milliseconds{10};
    /// But it gets a block after so long a time, to see.
    duration retry = std::chrono::seconds{2};
    /// What a reader waits for is asked of a second peer that is so many times as quick as who fetches it.
    double overtakes = 4;
  };

  nearest_first() noexcept = default;
  explicit nearest_first(const settings& s) noexcept : settings_(s) {}

  [[nodiscard]] choice choose(const open_want& want, std::span<const candidate> peers,
                              instant now) const noexcept {
    choice out;
    unsigned tier = stalled_tier;
    bool any = false;
    double fetched_in = unlimited;
    for (const candidate& c : peers) {
      if (c.now == standing::fetching) fetched_in = std::min(fetched_in, expected(c, want));
      if (!is_askable(c)) continue;
      any = true;
      tier = std::min(tier, tier_of(c));
    }
    if (want.urgent) tier = quick_tier(want, peers, tier, now);
    const bool awaited = fetched_in < unlimited;
    std::optional<std::size_t> best;
    std::optional<std::size_t> first;  // with room or without
    double best_score = unlimited;
    double first_score = unlimited;
    for (std::size_t i = 0; any && i < peers.size(); ++i) {
      if (!is_askable(peers[i]) || tier_of(peers[i]) != tier) continue;
      const double s = score(peers[i], want);
      if (s < first_score) {
        first = i;
        first_score = s;
      }
      if (!peers[i].has_room || s >= best_score) continue;
      best = i;
      best_score = s;
    }
    if (awaited && (!best || !want.urgent || settings_.overtakes * best_score > fetched_in)) {
      out.what = choice::verdict::wait;
      out.patience = settings_.most_patience;
      return out;
    }
    if (!any) return out;
    if (!best || (best_score > settings_.slowest * first_score && !deserves_a_try(peers[*best], want, now))) {
      out.what = choice::verdict::no_room;
      out.awaited = first;
      return out;
    }
    out.what = choice::verdict::ask;
    out.fetch = best;
    const peer_estimate& chosen = *peers[*best].estimate;
    out.patience = std::clamp(settings_.patience_factor * chosen.expected(want.block_size) +
                                  settings_.deviation_factor * chosen.deviation(),
                              settings_.least_patience, settings_.most_patience);
    const bool sure = peers[*best].now == standing::has || chosen.hit_rate() >= settings_.trusted_hit_rate;
    if (!sure) {
      const bool poor = chosen.hit_rate() < settings_.poor_hit_rate;
      add_probes(out, want, peers, tier, poor ? choice::max_probes : settings_.probes);
    }
    return out;
  }

 private:
  static constexpr double unlimited = std::numeric_limits<double>::infinity();
  /// A stalled peer is the last to be asked, in a tier below all others.
  static constexpr unsigned stalled_tier = std::numeric_limits<unsigned>::max();

  static unsigned tier_of(const candidate& c) noexcept { return c.stalled ? stalled_tier : c.tier; }
  static bool is_askable(const candidate& c) noexcept {
    return c.now == standing::unknown || c.now == standing::probed || c.now == standing::has;
  }
  /// Whoever is thought slow without having been asked lately may be quick by now, unless it does not keep its
  /// word. Readers do not wait to find out, but for peers of which nothing is known.
  [[nodiscard]] bool deserves_a_try(const candidate& c, const open_want& want, instant now) const noexcept {
    const peer_estimate& e = *c.estimate;
    if (e.kept_rate() < 0.5) return false;
    return e.bytes_delivered() == 0 ||
           (!want.urgent && e.outstanding() == 0 && now - e.last_asked() >= settings_.retry);
  }

  /// Seconds until the block is here.
  static double expected(const candidate& c, const open_want& want) noexcept {
    return std::chrono::duration<double>(c.estimate->expected(want.block_size)).count();
  }
  /// The same for a cautious mind.
  static double pace(const candidate& c, const open_want& want) noexcept {
    const double deviation = std::chrono::duration<double>(c.estimate->deviation()).count();
    return (expected(c, want) + deviation) / std::max(c.estimate->kept_rate(), 0.01);
  }
  /// The same if one had to ask until somebody has it. Less is better.
  static double score(const candidate& c, const open_want& want) noexcept {
    const double seconds = pace(c, want);
    return c.now == standing::has ? seconds : seconds / std::max(c.estimate->hit_rate(), 0.01);
  }

  /// The lowest tier, unless who would be asked there is known to be so slow that no reader should wait for it.
  [[nodiscard]] unsigned quick_tier(const open_want& want, std::span<const candidate> peers, unsigned lowest,
                                    instant now) const noexcept {
    const candidate* first = nullptr;
    double quickest = unlimited;
    unsigned tier = lowest;
    for (const candidate& c : peers) {
      if (!is_askable(c) || c.stalled) continue;
      if (c.tier == lowest && (first == nullptr || score(c, want) < score(*first, want))) first = &c;
      const double p = pace(c, want);
      if (c.tier == lowest || !c.has_room || p >= quickest) continue;
      quickest = p;
      tier = c.tier;
    }
    if (first == nullptr || deserves_a_try(*first, want, now)) return lowest;
    const double bearable =
        std::max(settings_.slowest * quickest, std::chrono::duration<double>(settings_.quick).count());
    return pace(*first, want) > bearable ? tier : lowest;
  }

  /// The best of those who have not been asked anything.
  static void add_probes(choice& out, const open_want& want, std::span<const candidate> peers, unsigned tier,
                         std::size_t most) noexcept {
    most = std::min(most, choice::max_probes);
    std::array<double, choice::max_probes> scores{};
    for (std::size_t i = 0; i < peers.size(); ++i) {
      const candidate& c = peers[i];
      if (i == *out.fetch || c.now != standing::unknown || c.stalled || c.tier != tier) continue;
      const double s = score(c, want);
      std::size_t at = out.probe_count;
      while (at > 0 && s < scores[at - 1]) --at;
      if (at >= most) continue;
      out.probe_count = std::min(out.probe_count + 1, most);
      for (std::size_t j = out.probe_count - 1; j > at; --j) {
        out.probes[j] = out.probes[j - 1];
        scores[j] = scores[j - 1];
      }
      out.probes[at] = i;
      scores[at] = s;
    }
  }

  settings settings_;
};

static_assert(peer_choice<nearest_first>);

}  // namespace shoal::exchange
