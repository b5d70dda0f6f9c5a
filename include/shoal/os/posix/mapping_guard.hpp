// SPDX-License-Identifier: BSL-1.0
//
// mapping_guard: a mapped file that somebody else makes shorter must not end the program that reads it.
//
//     result<mapping_guard> guard = mapping_guard::watch(file.bytes());
//     ...read the bytes, from any thread...
//     if (guard->is_gone()) return closed;                // what was read is worth nothing
//
// A read behind the new end is a SIGBUS. The first guard takes that signal over for the whole process: where it
// comes from guarded bytes, these become zeros, all of them and for good, and the read goes on. What else
// raises it is left to who handled it before. A thread that blocks SIGBUS is not helped.
#pragma once

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <system_error>
#include <utility>

#include <sys/mman.h>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/os/posix/unique_fd.hpp>

namespace shoal::posix {

/// So many mappings are guarded at once in a process.
inline constexpr std::size_t max_guarded = 1024;

namespace detail {

/// A guarded mapping, as the handler of a signal reads it: without a lock.
struct guarded_place {
  std::atomic<bool> taken{false};
  std::atomic<std::uint32_t> turn{0};  // odd while begin and size hold
  std::atomic<const std::byte*> begin{nullptr};
  std::atomic<std::size_t> size{0};
  std::atomic<bool> gone{false};

  /// Whether it is what lies there. Who reads a mapping keeps it and its guard until then: a place that changes
  /// meanwhile is another's.
  [[nodiscard]] bool has(std::uintptr_t address, const std::byte*& first, std::size_t& bytes) const noexcept {
    const std::uint32_t before = turn.load();
    first = begin.load();
    bytes = size.load();
    return before % 2 == 1 && turn.load() == before &&
           address - reinterpret_cast<std::uintptr_t>(first) < bytes;
  }
};
static_assert(std::atomic<const std::byte*>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

inline constinit std::array<guarded_place, max_guarded> guarded_places{};
inline constinit struct sigaction bus_handler_before{};

/// Zeros in place of a guarded mapping that this address lies in. All at once: one fault instead of one for
/// each page, and pages of any size.
[[nodiscard]] inline bool replace_by_zeros(std::uintptr_t address) noexcept {
  for (guarded_place& each : guarded_places) {
    const std::byte* first = nullptr;
    std::size_t bytes = 0;
    if (!each.has(address, first, bytes)) continue;
    each.gone.store(true);
    constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE;
    return ::mmap(const_cast<std::byte*>(first), bytes, PROT_READ, flags, -1, 0) != MAP_FAILED;
  }
  return false;
}

/// Of SIGBUS. Nothing but system calls and atomics, which a handler may use.
inline void on_bus_error(int signal, siginfo_t* info, void* context) {
  const int error = errno;
  const bool done =
      info->si_code == BUS_ADRERR && replace_by_zeros(reinterpret_cast<std::uintptr_t>(info->si_addr));
  errno = error;
  if (done) return;
  const struct sigaction& before = bus_handler_before;
  if ((before.sa_flags & SA_SIGINFO) != 0) return before.sa_sigaction(signal, info, context);
  if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) return before.sa_handler(signal);
  // A fault comes again, and what somebody sent is sent again; then it does what it always did.
  ::sigaction(signal, &before, nullptr);
  if (info->si_code != BUS_ADRERR && info->si_code != BUS_ADRALN) static_cast<void>(::raise(signal));
}

/// Once in a process.
[[nodiscard]] inline std::error_code handle_bus_errors() noexcept {
  static const std::error_code installed = [] {
    struct sigaction act{};
    act.sa_sigaction = &on_bus_error;
    act.sa_flags = SA_SIGINFO | SA_RESTART;
    sigemptyset(&act.sa_mask);
    if (::sigaction(SIGBUS, nullptr, &bus_handler_before) != 0 || ::sigaction(SIGBUS, &act, nullptr) != 0) {
      return last_error();
    }
    return std::error_code{};
  }();
  return installed;
}

}  // namespace detail

/// Goes before the mapping that it guards.
class mapping_guard {
 public:
  /// limit_exceeded past max_guarded; what sigaction(2) says.
  ///
  /// @param mapped  whole pages from their beginning, as mmap(2) gives them, for reading alone
  [[nodiscard]] static result<mapping_guard> watch(bytes_view mapped) noexcept {
    const std::error_code handled = detail::handle_bus_errors();
    if (handled) return handled;
    for (detail::guarded_place& each : detail::guarded_places) {
      if (each.taken.exchange(true)) continue;
      each.begin.store(mapped.data());
      each.size.store(mapped.size());
      each.gone.store(false);
      each.turn.fetch_add(1);
      return mapping_guard{&each};
    }
    return errc::limit_exceeded;
  }

  mapping_guard(mapping_guard&& other) noexcept : place_(std::exchange(other.place_, nullptr)) {}
  mapping_guard& operator=(mapping_guard&& other) noexcept {
    std::swap(place_, other.place_);
    return *this;
  }
  ~mapping_guard() {
    if (place_ == nullptr) return;
    place_->turn.fetch_add(1);
    place_->taken.store(false);
  }

  /// Whether the bytes have become zeros: a read wanted some that are no more. False of one that was moved
  /// from.
  [[nodiscard]] bool is_gone() const noexcept { return place_ != nullptr && place_->gone.load(); }

 private:
  explicit mapping_guard(detail::guarded_place* place) noexcept : place_(place) {}
  detail::guarded_place* place_;
};

}  // namespace shoal::posix
