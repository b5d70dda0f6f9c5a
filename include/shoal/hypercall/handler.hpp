// SPDX-License-Identifier: BSL-1.0
//
// The contract of what serves a guest's calls, and hypercall_table, which puts such handlers together.
// Freestanding.
//
//     hypercall_table table{console, clock, blocks};          // at compile time: no number is served twice
//     if (const manifest_gap gap = table.missing(devices); gap.handle != 0) refuse(gap);
//     switch (table.handle(what, memory)) { ... }
//
// A handler belongs to one strand, and is done when it returns. What the guest may change is copied once, and
// only the copy is checked and used.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <tuple>
#include <utility>

#include <shoal/base/bytes.hpp>
#include <shoal/base/status.hpp>
#include <shoal/hal/guest_memory.hpp>
#include <shoal/hypercall/abi.hpp>
#include <shoal/hypercall/guest_ram.hpp>
#include <shoal/hypercall/manifest.hpp>

namespace shoal::hypercall {

/// What a guest has asked for: any number, any address.
struct call {
  std::uint32_t number = 0;
  std::uint64_t argument = 0;  ///< guest-physical, below 4 GiB
};

/// How it goes on.
enum class outcome : std::uint8_t {
  resume,    ///< the guest runs on; its result says how the call went
  halt,      ///< the guest wants to end
  not_mine,  ///< nobody serves this number
  fault,     ///< the guest cannot be answered, or must not run on: stop it
};

/// `numbers` are the calls it serves, `devices` the types of devices that it attaches: arrays. `handle` gets
/// only calls of these numbers from a table, and answers not_mine for others. It is a fault when the argument
/// itself is not where the guest can have it, and a result_code::invalid when a buffer is not.
template <class H, class M>
concept hypercall_handler = hal::guest_memory<M> && requires(H& handler, call what, M& memory) {
  { H::numbers[0] } -> std::convertible_to<std::uint32_t>;
  { H::devices.size() } -> std::convertible_to<std::size_t>;
  { handler.handle(what, memory) } noexcept -> std::same_as<outcome>;
};

/// The argument of a call, copied once, and where its results go.
template <class A>
class argument {
 public:
  /// False as a bool when it does not lie where the guest may write.
  template <hal::guest_memory M>
  [[gnu::always_inline]] argument(M& memory, call what) noexcept {
    bytes_span slot = writable_slot<sizeof(A)>(memory, what.argument);
    if (slot.empty()) return;
    slot_ = slot.data();
    there_ = true;
    copy(std::make_index_sequence<sizeof(A) / sizeof(std::uint64_t)>{});
  }

  explicit operator bool() const noexcept { return there_; }
  /// @pre it is true as a bool
  A* operator->() noexcept { return &copy_; }

  /// Gives the guest what is in the copy.
  [[nodiscard]] outcome answer() const noexcept {
    hal::copy_once(bytes_span{slot_, sizeof(A)}, std::as_bytes(std::span{&copy_, 1}));
    return outcome::resume;
  }
  /// The same, with a result.
  [[nodiscard]] outcome answer_all(result_code code) noexcept {
    operator->()->result = static_cast<std::uint32_t>(code);
    return answer();
  }
  /// Gives the guest a result; the rest stays as it is.
  [[nodiscard]] outcome answer(result_code code) noexcept {
    const little32 result{static_cast<std::uint32_t>(code)};
    hal::copy_once(bytes_span{slot_ + offsetof(A, result), sizeof result},
                   std::as_bytes(std::span{&result, 1}));
    return outcome::resume;
  }

 private:
  static_assert(sizeof(A) % sizeof(std::uint64_t) == 0);

  /// Where an argument is need not be a multiple of anything.
  struct [[gnu::packed, gnu::may_alias]] word {
    std::uint64_t bytes;
  };
  /// Volatile: each word is read once, here, whatever the guest does meanwhile. Word by word, and no loop: what
  /// is looked at then is in registers.
  template <std::size_t... I>
  [[gnu::always_inline]] void copy(std::index_sequence<I...>) noexcept {
    const auto* const from = reinterpret_cast<const volatile word*>(slot_);
    auto* const to = reinterpret_cast<word*>(&copy_);
    ((to[I].bytes = from[I].bytes), ...);
  }

  std::byte* slot_ = nullptr;
  bool there_ = false;  // slot_ would be compared again where this is known
  A copy_;
};

/// Copies the argument of a call that has no results; it may lie where the guest can only read. out_of_range.
template <class A, hal::guest_memory M>
[[nodiscard]] status_or<A> copy_argument(M& memory, call what) noexcept {
  A copy{};
  const auto bytes = std::as_writable_bytes(std::span{&copy, 1});
  if (!hal::copy_from(memory, hal::guest_address{what.argument}, bytes)) return status::out_of_range;
  return copy;
}

/// What a device's status is for a guest.
[[nodiscard]] constexpr result_code result_of(status s) noexcept {
  switch (s) {
    case status::ok: return result_code::ok;
    case status::busy:
    case status::timed_out: return result_code::again;
    case status::out_of_range:
    case status::invalid_argument:
    case status::unsupported:
    case status::limit_exceeded: return result_code::invalid;
    default: return result_code::failed;
  }
}

/// The first device that a unikernel asks for and would not get; handle 0 when it gets all.
struct manifest_gap {
  std::uint64_t handle = 0;
  bool known = false;  ///< there is a handler for its type: it is only not attached
};

/// Handlers as one. It is a handler itself. Does not own them. They are asked in their order: the one that has
/// most to do is best the first.
template <class... H>
class hypercall_table {
  static constexpr std::size_t number_count = (std::size_t{0} + ... + H::numbers.size());
  static constexpr std::size_t device_count = (std::size_t{0} + ... + H::devices.size());

  template <class T, std::size_t N, class... A>
  static constexpr std::array<T, N> joined(const A&... parts) noexcept {
    std::array<T, N> all{};
    auto next = all.begin();
    ((next = std::copy(parts.begin(), parts.end(), next)), ...);
    return all;
  }
  static constexpr bool no_two_alike(std::array<std::uint32_t, number_count> all) noexcept {
    std::sort(all.begin(), all.end());
    return std::adjacent_find(all.begin(), all.end()) == all.end();
  }

 public:
  static constexpr auto numbers = joined<std::uint32_t, number_count>(H::numbers...);
  static constexpr auto devices = joined<device_type, device_count>(H::devices...);
  static_assert(no_two_alike(numbers), "two handlers serve one number");

  explicit constexpr hypercall_table(H&... handlers) noexcept : handlers_(handlers...) {}

  /// not_mine for a number that none of them serves.
  template <hal::guest_memory M>
    requires(hypercall_handler<H, M> && ...)
  outcome handle(call what, M& memory) noexcept {
    outcome ended = outcome::not_mine;
    std::apply([&](H&... h) { static_cast<void>((ask(h, what, memory, ended) || ...)); }, handlers_);
    return ended;
  }

  /// Looks whether a unikernel gets what it asks for: call it when everything is attached.
  [[nodiscard]] static manifest_gap missing(const manifest& wanted) noexcept {
    std::uint64_t handle = 0;
    for (const manifest_entry& entry : wanted.devices()) {
      ++handle;
      const bool known = std::find(devices.begin(), devices.end(), entry.kind()) != devices.end();
      if (!known || entry.attached == 0) return {handle, known};
    }
    return {};
  }

 private:
  template <class One, class M>
  static bool ask(One& handler, call what, M& memory, outcome& ended) noexcept {
    if (!serves<One>(what.number, std::make_index_sequence<One::numbers.size()>{})) return false;
    ended = handler.handle(what, memory);
    return true;
  }
  /// Comparisons with constants, and no loop.
  template <class One, std::size_t... I>
  static constexpr bool serves([[maybe_unused]] std::uint32_t number, std::index_sequence<I...>) noexcept {
    return ((number == One::numbers[I]) || ...);
  }

  std::tuple<H&...> handlers_;
};

}  // namespace shoal::hypercall
