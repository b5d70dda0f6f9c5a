// SPDX-License-Identifier: BSL-1.0
//
// io_rate: how many bytes a second a guest may move, and paced_disk and paced_net, back ends that keep to it.
// Freestanding.
//
//     io_rate rate{timer, 20'000'000};                      // of one guest: all of its devices share it
//     paced_disk disk{my_disk{}, rate};                     // for block_calls
//     paced_net net{my_tap{}, rate};                        // for net_calls
//
// Who was too fast waits before the next piece, and its guest stands still meanwhile. In any time t at most
// rate * (t + 2 * slack) bytes are moved, and one block or frame. Leaves out lines, buses and text, whose bytes
// are few or counted elsewhere.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <shoal/base/bytes.hpp>
#include <shoal/base/status.hpp>
#include <shoal/hypercall/block_calls.hpp>
#include <shoal/hypercall/net_calls.hpp>

namespace shoal::hypercall {

/// `now()`: nanoseconds on a clock that only goes forwards. `wait(n)`: until n nanoseconds are over; false at
/// once when the guest is to stop instead.
template <class T>
concept io_timer = requires(T& timer, std::uint64_t nanoseconds) {
  { timer.now() } noexcept -> std::same_as<std::uint64_t>;
  { timer.wait(nanoseconds) } noexcept -> std::same_as<bool>;
};

/// A token bucket, kept as the time at which all that was moved is paid.
template <io_timer Timer>
class io_rate {
 public:
  static constexpr std::uint64_t second = 1'000'000'000;
  static constexpr std::uint64_t slack = second / 20;    ///< what a guest may be ahead after a pause
  static constexpr std::uint64_t most = 10'000'000'000;  ///< bytes a second
  static constexpr std::uint64_t least = 512;            ///< what any operation counts as

  /// @param timer  outlives this
  /// @param rate   bytes a second; 0: as many as it likes
  io_rate(Timer& timer, std::uint64_t rate) noexcept : timer_(timer), rate_(std::min(rate, most)) {}

  [[nodiscard]] bool is_limited() const noexcept { return rate_ != 0; }
  /// Bytes that are moved between two waits, if a device allows it.
  [[nodiscard]] std::uint64_t piece() const noexcept { return rate_ / (second / slack); }

  /// Waits until something may be moved: timed_out when that was called off.
  [[nodiscard]] status wait() noexcept {
    if (!is_limited()) return status::ok;
    const std::uint64_t now = timer_.now();
    if (paid_ > now) return timer_.wait(paid_ - now) ? status::ok : status::timed_out;
    paid_ = std::max(paid_, now - std::min(now, slack));
    return status::ok;
  }
  /// This much was moved.
  void spend(std::uint64_t bytes) noexcept {
    if (!is_limited()) return;
    bytes = std::max(bytes, least);
    paid_ += bytes / rate_ * second + bytes % rate_ * second / rate_;
  }

 private:
  Timer& timer_;
  std::uint64_t rate_;
  std::uint64_t paid_ = 0;
};

/// A disk that keeps to a rate: what is longer than a piece is moved in several.
template <block_backend Disk, io_timer Timer>
class paced_disk {
 public:
  /// @param rate  outlives this
  paced_disk(Disk disk, io_rate<Timer>& rate)
      : disk_(std::move(disk)), rate_(rate), limited_(rate.is_limited()) {}

  /// For who is not the guest.
  [[nodiscard]] Disk& unpaced() noexcept { return disk_; }

  [[nodiscard]] std::uint64_t capacity() const noexcept { return disk_.capacity(); }
  [[nodiscard]] std::uint32_t block_size() const noexcept { return disk_.block_size(); }

  status read(std::uint64_t offset, bytes_span out) noexcept {
    if (!limited_) return disk_.read(offset, out);
    return in_pieces(offset, out, [this](std::uint64_t at, bytes_span part) { return disk_.read(at, part); });
  }
  status write(std::uint64_t offset, bytes_view in) noexcept {
    if (!limited_) return disk_.write(offset, in);
    return in_pieces(offset, in, [this](std::uint64_t at, bytes_view part) { return disk_.write(at, part); });
  }
  status flush() noexcept
    requires can_block_flush<Disk>
  {
    if (const status s = rate_.wait(); s != status::ok) return s;
    rate_.spend(0);
    return disk_.flush();
  }
  status discard(std::uint64_t offset, std::uint64_t length) noexcept
    requires can_block_discard<Disk>
  {
    if (const status s = rate_.wait(); s != status::ok) return s;
    rate_.spend(0);
    return disk_.discard(offset, length);
  }

 private:
  /// By itself, so that a disk without a limit does not make room for it.
  template <class Bytes, class Move>
  [[gnu::noinline]] status in_pieces(std::uint64_t offset, Bytes bytes, Move move) noexcept {
    const std::uint64_t block = disk_.block_size();
    const std::uint64_t piece = std::max(rate_.piece() / block * block, block);
    while (!bytes.empty()) {
      if (const status s = rate_.wait(); s != status::ok) return s;
      const auto part = bytes.first(static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), piece)));
      rate_.spend(part.size());
      if (const status s = move(offset, part); s != status::ok) return s;
      offset += part.size();
      bytes = bytes.subspan(part.size());
    }
    return status::ok;
  }

  Disk disk_;
  io_rate<Timer>& rate_;
  bool limited_;  // as the rate says, at hand
};

/// A network that keeps to a rate, in both directions together.
template <net_backend Net, io_timer Timer>
class paced_net {
 public:
  /// @param rate  outlives this
  paced_net(Net net, io_rate<Timer>& rate) : net_(std::move(net)), rate_(rate) {}

  [[nodiscard]] std::array<std::byte, 6> mac() const noexcept { return net_.mac(); }
  [[nodiscard]] std::uint16_t mtu() const noexcept { return net_.mtu(); }

  status_or<std::size_t> receive(bytes_span out) noexcept {
    if (const status s = rate_.wait(); s != status::ok) return s;
    const status_or<std::size_t> got = net_.receive(out);
    if (got) rate_.spend(*got);
    return got;
  }
  status send(bytes_view frame) noexcept {
    if (const status s = rate_.wait(); s != status::ok) return s;
    const status done = net_.send(frame);
    if (done == status::ok) rate_.spend(frame.size());
    return done;
  }

 private:
  Net net_;
  io_rate<Timer>& rate_;
};

}  // namespace shoal::hypercall
