// SPDX-License-Identifier: BSL-1.0
//
// recording_i2c: an I2C bus that is another bus and tells a sink about the transfers that a filter chooses.
// Freestanding.
//
//     access_ring<> ring;
//     recording_i2c watched{bus, address_range{0x50, 1}, ring};     // addresses of devices are the addresses
//     watched.transfer(i2c_address{0x50}, reg, value);              // an i2c_write, and an i2c_read
//
// What is written is recorded before, what is read after; a transfer that fails ends with i2c_failed, and one
// that no bus would begin is not recorded. The filter is asked about the first eight bytes each way, and what
// follows goes with them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <shoal/base/bytes.hpp>
#include <shoal/base/status.hpp>
#include <shoal/hal/access_filter.hpp>
#include <shoal/hal/access_record.hpp>
#include <shoal/hal/access_sink.hpp>
#include <shoal/hal/cycle_counter.hpp>
#include <shoal/hal/i2c_access.hpp>
#include <shoal/hal/i2c_bus.hpp>
#include <shoal/hal/recorder.hpp>

namespace shoal::hal {

/// @tparam Filter, Sink, Counter  as of recorder
template <i2c_bus Bus, access_filter Filter, access_sink Sink, counter Counter = cycle_counter>
class recording_i2c {
 public:
  /// @param bus     outlives the recorder
  /// @param source  the number of this bus in the records
  constexpr recording_i2c(Bus& bus, Filter&& filter, Sink&& sink, std::uint16_t source = 0) noexcept
      : bus_(bus), recorder_(std::forward<Filter>(filter), std::forward<Sink>(sink), source) {}

  constexpr status transfer(i2c_address address, bytes_view out, bytes_span in) noexcept {
    if (const status s = check_i2c_transfer(address, out, in); s != status::ok) return s;
    if (!out.empty()) note(access::i2c_write, address, out);
    const status done = bus_.transfer(address, out, in);
    if (done != status::ok) {
      recorder_.note_inline(access::i2c_failed, number(address), 0, i2c_width(in.size()));
    } else if (!in.empty()) {
      note(access::i2c_read, address, in);
    }
    return done;
  }

  /// To flush: of this copy, unless they are references.
  [[nodiscard]] constexpr std::remove_reference_t<Filter>& filter() noexcept
    requires(!discarding_sink<Sink>)
  {
    return recorder_.filter();
  }
  [[nodiscard]] constexpr std::remove_reference_t<Sink>& sink() noexcept
    requires(!discarding_sink<Sink>)
  {
    return recorder_.sink();
  }

 private:
  static constexpr std::uint64_t number(i2c_address address) noexcept {
    return static_cast<std::uint64_t>(address);
  }
  constexpr void note(access what, i2c_address address, bytes_view bytes) noexcept {
    if (!recorder_.note_inline(what, number(address), pack_i2c_bytes(bytes), i2c_width(bytes.size()))) return;
    for (std::size_t at = i2c_record_bytes; at < bytes.size(); at += i2c_record_bytes) {
      const bytes_view rest = bytes.subspan(at);
      const std::size_t here = std::min(rest.size(), i2c_record_bytes);
      recorder_.note_more(access::i2c_more, number(address), pack_i2c_bytes(rest), i2c_width(here));
    }
  }

  Bus& bus_;
  [[no_unique_address]] recorder<Filter, Sink, Counter> recorder_;
};
template <class Bus, class Filter, class Sink>
recording_i2c(Bus&, Filter&&, Sink&&, std::uint16_t = 0) -> recording_i2c<Bus, Filter, Sink>;

}  // namespace shoal::hal
