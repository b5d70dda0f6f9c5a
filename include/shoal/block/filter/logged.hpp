// SPDX-License-Identifier: BSL-1.0
//
// logged: reports every request to an observer before the device sees it.
//
//     std::ofstream file("boot.csv");
//     logged disk{std::move(image), trace_csv{file}};
//
// For boot traces, statistics and tests. An observer is a function of one io_event; the default one, ignore_io,
// costs nothing: no clock is read. It does not report how a request ended.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/block/capability.hpp>
#include <shoal/block/concepts.hpp>
#include <shoal/task/lease.hpp>
#include <shoal/task/task.hpp>

namespace shoal {

enum class io_operation : std::uint8_t { read, write, flush, trim, zero, extents, cache };

/// One request to a device.
struct io_event {
  io_operation operation;
  std::uint64_t offset;  ///< 0 for flush
  std::uint64_t length;  ///< 0 for flush
  std::chrono::steady_clock::time_point time;
};

/// Looks at requests. Called on the device's strand; must not throw.
template <class O>
concept io_observer = std::invocable<O&, const io_event&>;

/// Observes nothing.
struct ignore_io {
  void operator()(const io_event&) const noexcept {}
};

/// A device whose requests are seen by `Observer`.
///
/// Passes every capability of `Next`, except that a real observer hides try_lend: leases cut one request
/// into pieces that nobody asked for. A try_read or try_write that comes to nothing is not reported; the
/// read or write that follows it is.
///
/// @tparam Clock  what `now()` is asked of
template <block_source Next, io_observer Observer = ignore_io, class Clock = std::chrono::steady_clock>
class logged {
  static constexpr bool observed = !std::same_as<Observer, ignore_io>;

 public:
  explicit logged(Next next, Observer observer = {}, Clock clock = {})
      : next_(std::move(next)), observer_(std::move(observer)), clock_(std::move(clock)) {}

  /// The observer, to ask it what it has seen.
  [[nodiscard]] const Observer& observer() const noexcept { return observer_; }

  /// Passes all, but lending only if nobody observes.
  [[nodiscard]] capability capabilities() const noexcept {
    return observed ? without(actual_capabilities(next_), capability::lend) : actual_capabilities(next_);
  }

  [[nodiscard]] device_info info() const noexcept { return next_.info(); }

  task<> read(std::uint64_t offset, bytes_span out) {
    report(io_operation::read, offset, out.size());
    return next_.read(offset, out);
  }

  task<> write(std::uint64_t offset, bytes_view in, io_flags flags)
    requires block_device<Next>
  {
    report(io_operation::write, offset, in.size());
    return next_.write(offset, in, flags);
  }

  task<> flush()
    requires block_device<Next>
  {
    report(io_operation::flush, 0, 0);
    return next_.flush();
  }

  task<> trim(std::uint64_t offset, std::uint64_t length, io_flags flags)
    requires can_trim<Next>
  {
    report(io_operation::trim, offset, length);
    return next_.trim(offset, length, flags);
  }

  task<> zero(std::uint64_t offset, std::uint64_t length, io_flags flags)
    requires can_zero<Next>
  {
    report(io_operation::zero, offset, length);
    return next_.zero(offset, length, flags);
  }

  task<std::vector<extent>> extents(std::uint64_t offset, std::uint64_t length)
    requires can_extents<Next>
  {
    report(io_operation::extents, offset, length);
    return next_.extents(offset, length);
  }

  task<> cache(std::uint64_t offset, std::uint64_t length)
    requires can_cache<Next>
  {
    report(io_operation::cache, offset, length);
    return next_.cache(offset, length);
  }

  [[nodiscard]] lease try_lend(std::uint64_t offset, std::size_t n) noexcept
    requires(can_lend<Next> && !observed)
  {
    return next_.try_lend(offset, n);
  }

  [[nodiscard]] bool try_read(std::uint64_t offset, bytes_span out) noexcept
    requires can_try_read<Next>
  {
    const auto asked = now();
    if (!next_.try_read(offset, out)) return false;
    report(io_operation::read, offset, out.size(), asked);
    return true;
  }

  [[nodiscard]] bool try_write(std::uint64_t offset, bytes_view in, io_flags flags) noexcept
    requires can_try_write<Next>
  {
    const auto asked = now();
    if (!next_.try_write(offset, in, flags)) return false;
    report(io_operation::write, offset, in.size(), asked);
    return true;
  }

 private:
  using time_point = std::chrono::steady_clock::time_point;

  time_point now() noexcept {
    if constexpr (observed) return clock_.now();
    return {};
  }
  void report(io_operation operation, std::uint64_t offset, std::uint64_t length) {
    report(operation, offset, length, now());
  }
  void report(io_operation operation, std::uint64_t offset, std::uint64_t length, time_point when) {
    if constexpr (observed) observer_(io_event{operation, offset, length, when});
  }

  Next next_;
  [[no_unique_address]] Observer observer_;
  [[no_unique_address]] Clock clock_;
};

}  // namespace shoal
