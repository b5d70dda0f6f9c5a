// SPDX-License-Identifier: BSL-1.0
//
// peer_estimate: what we know of a peer's speed: how long it takes to answer, how many bytes a second it
// delivers, how often it has what it is asked for. From these follow how much to ask of it at once, and when an
// answer is late.
//
//     const delivery_mark mark = peer.asked(size, now);
//     peer.delivered(mark, size, now, true);
//     timer = now + 2 * peer.expected(size) + 4 * peer.deviation();
//
// The rate is measured as in BBR (bytes delivered between asking and answer), so that a window of twice the
// bandwidth-delay product finds the bandwidth by itself; the deviation as in TCP's timer for retransmission.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include <shoal/exchange/peer_handle.hpp>

namespace shoal::exchange {

/// The state of a peer's deliveries when something was asked of it.
struct delivery_mark {
  instant asked_at;
  instant counting_since;  ///< when the last delivery before it ended, or asked_at if the peer was idle
  std::uint64_t delivered = 0;
  std::size_t ahead = 0;  ///< blocks outstanding at that moment
  duration expected{};    ///< until the block would be here
};

class peer_estimate {
 public:
  /// Taken for the round trip of a peer of which nothing is known.
  static constexpr duration unknown_latency = std::chrono::milliseconds{50};
  /// Taken for the rate of such a peer, in bytes a second.
  static constexpr double unknown_rate = 10e6;
  /// Blocks that may be outstanding however slow the peer.
  static constexpr std::size_t min_window = 4;
  /// Blocks that may be outstanding however fast the peer: well below the wants that others keep for a peer.
  static constexpr std::size_t max_window = 512;
  /// Bytes that may be outstanding however fast the peer.
  static constexpr std::size_t max_window_bytes = 16u << 20;
  /// The work that a peer is given at least, however near it is: the round trip of an idle line says little of
  /// how long threads, verification and writes in large pieces take on a busy one.
  static constexpr duration least_work = std::chrono::milliseconds{4};
  /// Taken for the deviation of a peer of which nothing is known.
  static constexpr duration unknown_deviation = std::chrono::milliseconds{50};

  /// A block is asked for, which is `size` bytes long as far as one can tell.
  [[nodiscard]] delivery_mark asked(std::size_t size, instant now) noexcept {
    if (outstanding_ == 0) last_delivery_ = now;
    last_asked_ = now;
    const duration soon = expected(size);
    return {now, last_delivery_, delivered_, outstanding_++, soon};
  }
  /// It is no longer expected: called off, or not there.
  void dropped() noexcept { --outstanding_; }
  /// It has not come in time, and is no longer expected soon.
  void late() noexcept {
    --outstanding_;
    kept_ -= kept_ / 4;
  }

  /// A block that was asked for has come. `counted` is false when dropped() or late() has been
  /// called for it.
  void delivered(const delivery_mark& mark, std::size_t size, instant now, bool counted) noexcept {
    delivered_ += size;
    last_delivery_ = now;
    if (counted) --outstanding_;
    kept_ += (1 - kept_) / 8;
    take_surprise(now - mark.asked_at, mark.expected, now);
    const double took = seconds(now - mark.counting_since);
    if (took > 0) take_rate(static_cast<double>(delivered_ - mark.delivered) / took, mark.ahead != 0);
    take_latency(now - mark.asked_at, now, mark.ahead < min_window);
    take_hit(true);
  }

  /// An answer without a block to something asked at `asked_at`.
  void answered(instant asked_at, instant now, bool has) noexcept {
    take_latency(now - asked_at, now, outstanding_ == 0);
    take_hit(has);
  }
  /// Somebody who measures round trips, a ping for one, has measured this one.
  void measured(duration round_trip, instant now) noexcept { take_latency(round_trip, now, outstanding_ == 0); }

  /// The shortest time between asking and answer, lately: the one that is free of waiting behind other blocks.
  [[nodiscard]] duration latency() const noexcept {
    return latency_ == duration::max() ? unknown_latency : latency_;
  }
  /// Bytes a second.
  [[nodiscard]] double rate() const noexcept { return rate_ > 0 ? rate_ : unknown_rate; }
  /// How often the peer has had what it was asked for, lately: 0 to 1.
  [[nodiscard]] double hit_rate() const noexcept { return hits_; }
  /// By how much answers come later than expected, lately.
  [[nodiscard]] duration deviation() const noexcept { return deviation_; }
  /// How many of the blocks that it was to send have come, late ones too: 0 to 1, by its last few.
  [[nodiscard]] double kept_rate() const noexcept { return kept_; }
  /// Blocks that are asked for and neither late nor dropped.
  [[nodiscard]] std::size_t outstanding() const noexcept { return outstanding_; }
  [[nodiscard]] std::uint64_t bytes_delivered() const noexcept { return delivered_; }
  /// When it was last asked for a block.
  [[nodiscard]] instant last_asked() const noexcept { return last_asked_; }

  /// How long until a block arrives that is asked for now, `size` bytes long like those before it.
  [[nodiscard]] duration expected(std::size_t size) const noexcept {
    const double bytes = static_cast<double>(size) * static_cast<double>(outstanding_ + 1);
    return latency() + from_seconds(std::min(bytes / rate(), longest_wait));
  }

  /// Most blocks of `size` bytes to have outstanding: twice what the way to the peer and back holds, and at
  /// least_work.
  [[nodiscard]] std::size_t window(std::size_t size) const noexcept {
    if (measuring_) return min_window;
    const auto unit = static_cast<double>(std::max<std::size_t>(size, 1));
    const double work = rate() * seconds(std::max(2 * latency(), least_work));
    const double bytes = std::min(work, static_cast<double>(max_window_bytes));
    const double blocks = std::min(bytes / unit, static_cast<double>(max_window));
    return std::max(min_window, static_cast<std::size_t>(blocks) + 1);
  }

 private:
  static constexpr double longest_wait = 3600;

  static double seconds(duration d) noexcept { return std::chrono::duration<double>(d).count(); }
  static duration from_seconds(double s) noexcept {
    return std::chrono::duration_cast<duration>(std::chrono::duration<double>(s));
  }

  /// Up at once, since a window that is too small hides the rate; down slowly, and not for a sample that was
  /// short of blocks to deliver.
  void take_rate(double sample, bool busy) noexcept {
    if (sample > rate_)
      rate_ = sample;
    else if (busy)
      rate_ += (sample - rate_) / 8;
  }

  /// The minimum of the last while. Once that is old, the window is small until something has come that did not
  /// wait behind much: what waits behind our own blocks would make the window grow without end.
  void take_latency(duration sample, instant now, bool clear) noexcept {
    constexpr duration memory = std::chrono::seconds{10};
    constexpr duration resolution = std::chrono::microseconds{20};
    sample = std::max(sample, resolution);
    const bool old = latency_ != duration::max() && now - latency_since_ > memory;
    if (sample <= latency_ || (old && clear)) {
      latency_ = sample;
      latency_since_ = now;
      measuring_ = false;
    } else if (old) {
      measuring_ = true;
    }
  }

  /// A block that comes early is no reason to wait longer for the next one. What was long ago does not count.
  void take_surprise(duration took, duration expected, instant now) noexcept {
    constexpr duration memory = std::chrono::seconds{2};
    constexpr duration most = std::chrono::seconds{5};
    const duration sample = std::clamp(took - expected, duration::zero(), most);
    if (!surprised_ || now - deviation_since_ > memory) {
      deviation_ = std::max(sample, std::min(took / 2, most));
    } else {
      deviation_ += (sample - deviation_) / 4;
    }
    surprised_ = true;
    deviation_since_ = now;
  }

  void take_hit(bool hit) noexcept { hits_ += ((hit ? 1.0 : 0.0) - hits_) / 8; }

  duration latency_ = duration::max();  // until the first sample
  instant latency_since_{};
  bool measuring_ = false;  // the window is small so that the latency can be seen
  duration deviation_ = unknown_deviation;
  instant deviation_since_{};
  bool surprised_ = false;  // there has been a sample of the deviation
  double rate_ = 0;         // 0 until the first sample
  double hits_ = 0.5;
  double kept_ = 1;
  std::size_t outstanding_ = 0;
  std::uint64_t delivered_ = 0;
  instant last_delivery_{};
  instant last_asked_{};
};

}  // namespace shoal::exchange
