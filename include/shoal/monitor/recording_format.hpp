// SPDX-License-Identifier: BSL-1.0
//
// The form of a recording of device accesses: a CBOR sequence (RFC 8742) of a header, then records and clock
// points, in few bytes a record. What recording_writer writes and recording_reader reads.
//
//     header = 55799(["shoal-recording", 1 / 2, [* source-name], [cycles, unix-nanoseconds]])
//     clock  = {"cycles": uint, "unix_ns": uint}
//     record = time                         ; where and what follows last time's order, with last time's value
//            / [time, change]               ; another value: the difference from the last one there
//            / [time, change, place]
//            / [time, change, place, repeats]
//     time   = int       ; cycles since the record before, plus one unless negative
//     change = int       ; modulo 2^64
//     place  = uint / [address, source, width, what + 1]   ; its number plus one, 0: as expected; or a new one
//
// Version 2 may hold records of I2C, disks, networks and introspection, too. Both sides keep the same table of
// places (place_table). A header may come again at any point: everything starts over, so that a stream that
// broke goes on with a header. Leaves out a checksum; no record is a zero byte, so that a tail of zeros, as
// some file systems leave after a crash, is not taken for records.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <shoal/hal/access_record.hpp>

namespace shoal::monitor {

inline constexpr std::string_view recording_magic = "shoal-recording";
/// Of recordings that hold accesses to registers and lines, and nothing else: every reader reads them.
inline constexpr std::uint64_t device_recording = 1;
/// Of recordings that may hold every kind of hal::access.
inline constexpr std::uint64_t event_recording = 2;
/// The tag that says "this is CBOR" (RFC 8949, section 3.4.6): a recording starts with d9 d9 f7.
inline constexpr std::uint64_t self_described_cbor = 55799;

inline constexpr std::size_t max_sources = 256;
inline constexpr std::size_t max_source_name = 64;  ///< bytes of UTF-8
/// No item of a recording is longer: who reads from a stream needs no larger buffer.
inline constexpr std::size_t max_recording_item = 20u << 10;
/// No record is longer.
inline constexpr std::size_t max_record_item = 48;

/// One moment on the recorder's counter and on the wall clock.
struct clock_point {
  std::uint64_t cycles = 0;
  std::uint64_t unix_ns = 0;  ///< since 1970-01-01 UTC
  friend constexpr bool operator==(const clock_point&, const clock_point&) noexcept = default;
};

/// Where an access goes, and how.
struct access_place {
  std::uint64_t address = 0;
  std::uint16_t source = 0;
  hal::access what = hal::access::load;
  std::uint8_t width = 0;
  friend constexpr bool operator==(const access_place&, const access_place&) noexcept = default;
};

/// The places of a recording, numbered as they come, each with its last value and what came after it. Holds
/// max_places; more take the numbers of the oldest, in turn.
class place_table {
 public:
  static constexpr std::size_t max_places = 4096;
  static constexpr std::uint16_t none = 0xffff;

  place_table() { clear(); }

  void clear() {
    entries_.clear();
    buckets_.fill(none);
    oldest_ = 0;
    current_ = none;
  }

  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

  /// The number of the place that came after the current one last time; none at the beginning.
  [[nodiscard]] std::uint16_t expected() const noexcept {
    return current_ == none ? none : entries_[current_].next;
  }
  /// The number of this place, or none.
  [[nodiscard]] std::uint16_t find(const access_place& place) const noexcept {
    std::uint16_t at = buckets_[bucket(place)];
    while (at != none && entries_[at].place != place) at = entries_[at].chain;
    return at;
  }
  /// @pre number < size()
  [[nodiscard]] const access_place& place(std::uint16_t number) const noexcept {
    return entries_[number].place;
  }
  /// The last value there; 0 before the first. @pre number < size()
  [[nodiscard]] std::uint64_t value(std::uint16_t number) const noexcept { return entries_[number].value; }

  /// Takes a new place in. @pre find(place) == none
  std::uint16_t add(const access_place& place) {
    std::uint16_t number = 0;
    if (entries_.size() < max_places) {
      number = static_cast<std::uint16_t>(entries_.size());
      entries_.emplace_back();
    } else {
      number = oldest_;
      oldest_ = static_cast<std::uint16_t>((oldest_ + 1u) % max_places);
      unlink(number);
    }
    std::uint16_t& head = buckets_[bucket(place)];
    entries_[number] = {place, 0, number, head};  // most of all, a place is expected to be polled
    head = number;
    return number;
  }

  /// An access there, with this value. @pre number < size()
  void visit(std::uint16_t number, std::uint64_t value) noexcept {
    if (current_ != none) entries_[current_].next = number;
    entries_[number].value = value;
    current_ = number;
  }

 private:
  struct entry {
    access_place place;
    std::uint64_t value = 0;
    std::uint16_t next = none;
    std::uint16_t chain = none;  // the next in its bucket
  };

  static std::size_t bucket(const access_place& place) noexcept {
    const std::uint64_t rest =
        std::uint64_t{place.source} << 16 | static_cast<std::uint64_t>(place.what) << 8 | place.width;
    const std::uint64_t mixed = (place.address ^ rest << 40) * 0x9e3779b97f4a7c15;
    return static_cast<std::size_t>(mixed >> 52);  // the best bits are the highest twelve
  }

  void unlink(std::uint16_t number) noexcept {
    std::uint16_t* link = &buckets_[bucket(entries_[number].place)];
    while (*link != number) link = &entries_[*link].chain;
    *link = entries_[number].chain;
  }

  std::vector<entry> entries_;
  std::array<std::uint16_t, 4096> buckets_{};
  std::uint16_t oldest_ = 0;
  std::uint16_t current_ = none;
};

}  // namespace shoal::monitor
