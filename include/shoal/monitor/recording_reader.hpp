// SPDX-License-Identifier: BSL-1.0
//
// recording_reader: reads a recording (monitor/recording_format.hpp) item by item, from a whole file or as it
// arrives.
//
//     recording_reader reader;
//     while (!bytes.empty()) {
//       const status_or<recording_item> item = reader.next(bytes);
//       if (item.code == status::truncated) break;     // wait for more; at the end of a file: a torn record
//       if (!item) return item.code;                   // all that came before is good
//       if (item->kind == recording_kind::access) use(reader.source_name(item->access.source), item->access);
//     }
//
// Strict: what it accepts is what recording_writer would have written. Leaves out times in nanoseconds, which
// the clock points give (monitor/timeline.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/status.hpp>
#include <shoal/cbor/head.hpp>
#include <shoal/cbor/utf8.hpp>
#include <shoal/hal/access_record.hpp>
#include <shoal/monitor/recording_format.hpp>

namespace shoal::monitor {

enum class recording_kind : std::uint8_t {
  header,  ///< the recording starts, or starts over: the clock point and the names of sources are new
  access,
  clock,
};

struct recording_item {
  recording_kind kind = recording_kind::header;
  clock_point clock;          ///< of a header or a clock point
  hal::access_record access;  ///< of an access
};

class recording_reader {
 public:
  /// Takes one item off the front of `input`, which is unchanged on error, as is the reader.
  ///
  /// truncated when the input ends inside the item; malformed for what is no recording, also when its first
  /// item is no header; unsupported for another version; limit_exceeded for too many or too long names.
  [[nodiscard]] status_or<recording_item> next(bytes_view& input) {
    bytes_view rest = input;
    const status_or<recording_item> item = take(rest);
    if (item) input = rest;
    return item;
  }

  /// Of the last header: device_recording or event_recording.
  [[nodiscard]] std::uint64_t version() const noexcept { return version_; }
  /// How many sources have a name.
  [[nodiscard]] std::size_t source_count() const noexcept { return names_.size(); }
  /// The name of a source; empty when it has none. Lives until the next header.
  [[nodiscard]] std::string_view source_name(std::uint16_t source) const noexcept {
    return source < names_.size() ? std::string_view{names_[source]} : std::string_view{};
  }

 private:
  using major = cbor::major;

  status_or<recording_item> take(bytes_view& rest) {
    bytes_view behind = rest;
    const status_or<cbor::head> first = cbor::take_head(behind);
    if (!first) return first.code;
    if (first->type == major::tag) return take_header(rest);
    if (!begun_) return status::malformed;
    if (first->type == major::map) return take_clock(rest);
    return take_record(rest);
  }

  status_or<recording_item> take_header(bytes_view& rest) {
    status problem = status::ok;
    if (argument(rest, major::tag, problem) != self_described_cbor && problem == status::ok)
      return status::malformed;
    const std::uint64_t pieces = argument(rest, major::array, problem);
    const std::string_view magic = text(rest, recording_magic.size(), problem);
    const std::uint64_t version = argument(rest, major::unsigned_integer, problem);
    if (problem != status::ok) return problem;
    if (magic != recording_magic) return status::malformed;
    if (version < device_recording || version > event_recording) return status::unsupported;
    if (pieces != 4) return status::malformed;
    const std::uint64_t count = argument(rest, major::array, problem);
    if (problem != status::ok) return problem;
    if (count > max_sources) return status::limit_exceeded;
    std::vector<std::string> names;
    for (std::uint64_t i = 0; i < count && problem == status::ok; ++i) {
      names.emplace_back(text(rest, max_source_name, problem));
    }
    if (argument(rest, major::array, problem) != 2 && problem == status::ok) return status::malformed;
    recording_item item;
    item.kind = recording_kind::header;
    item.clock.cycles = argument(rest, major::unsigned_integer, problem);
    item.clock.unix_ns = argument(rest, major::unsigned_integer, problem);
    if (problem != status::ok) return problem;
    names_ = std::move(names);
    version_ = version;
    places_.clear();
    cycles_ = item.clock.cycles;
    begun_ = true;
    return item;
  }

  static status_or<recording_item> take_clock(bytes_view& rest) {
    status problem = status::ok;
    recording_item item;
    item.kind = recording_kind::clock;
    if (argument(rest, major::map, problem) != 2 && problem == status::ok) return status::malformed;
    item.clock.cycles = pair(rest, "cycles", problem);
    item.clock.unix_ns = pair(rest, "unix_ns", problem);
    if (problem != status::ok) return problem;
    return item;
  }

  status_or<recording_item> take_record(bytes_view& rest) {
    status problem = status::ok;
    std::uint64_t pieces = 1;
    if ((std::to_integer<unsigned>(rest.front()) >> 5) == static_cast<unsigned>(major::array)) {
      pieces = argument(rest, major::array, problem);
      if (problem != status::ok) return problem;
      if (pieces < 2 || pieces > 4) return status::malformed;
    }
    const std::uint64_t time = integer(rest, 1, problem);
    const std::uint64_t change = pieces > 1 ? integer(rest, 0, problem) : 0;
    const std::uint16_t expected = places_.expected();
    std::uint16_t number = expected;
    access_place place;
    bool fresh = false;
    if (pieces > 2) {
      if (problem != status::ok) return problem;
      if (rest.empty()) return status::truncated;
      if ((std::to_integer<unsigned>(rest.front()) >> 5) == static_cast<unsigned>(major::array)) {
        place = new_place(rest, version_, problem);
        fresh = true;
      } else {
        const std::uint64_t given = argument(rest, major::unsigned_integer, problem);
        if (problem != status::ok) return problem;
        if (given > places_.size()) return status::malformed;
        // As is expected goes without saying, unless something follows.
        if (given == 0 ? pieces == 3 : given == expected + 1u) return status::malformed;
        if (given != 0) number = static_cast<std::uint16_t>(given - 1);
      }
    }
    const std::uint64_t repeats = pieces > 3 ? argument(rest, major::unsigned_integer, problem) : 0;
    if (problem != status::ok) return problem;
    if (pieces > 3 && (repeats == 0 || repeats > std::numeric_limits<std::uint32_t>::max()))
      return status::malformed;
    if (pieces == 2 && change == 0) return status::malformed;
    if (fresh ? places_.find(place) != place_table::none : number == place_table::none)
      return status::malformed;

    if (fresh) number = places_.add(place);
    place = places_.place(number);
    recording_item item;
    item.kind = recording_kind::access;
    item.access.cycles = cycles_ + time;
    item.access.address = place.address;
    item.access.value = places_.value(number) + change;
    item.access.repeats = static_cast<std::uint32_t>(repeats);
    item.access.source = place.source;
    item.access.what = place.what;
    item.access.width = place.width;
    cycles_ = item.access.cycles;
    places_.visit(number, item.access.value);
    return item;
  }

  static access_place new_place(bytes_view& rest, std::uint64_t version, status& problem) noexcept {
    const std::uint64_t pieces = argument(rest, major::array, problem);
    access_place place;
    place.address = argument(rest, major::unsigned_integer, problem);
    const std::uint64_t source = argument(rest, major::unsigned_integer, problem);
    const std::uint64_t width = argument(rest, major::unsigned_integer, problem);
    const std::uint64_t what = argument(rest, major::unsigned_integer, problem);
    if (problem != status::ok) return place;
    const hal::access last = version == device_recording ? hal::access::lost : hal::last_access;
    if (pieces != 4 || source > 0xffff || width > 0xff || what == 0 ||
        what > static_cast<std::uint64_t>(last) + 1) {
      problem = status::malformed;
      return place;
    }
    place.source = static_cast<std::uint16_t>(source);
    place.width = static_cast<std::uint8_t>(width);
    place.what = static_cast<hal::access>(what - 1);
    return place;
  }

  /// The argument of a head that must be of this type. Nothing is read once there is a problem.
  static std::uint64_t argument(bytes_view& rest, major type, status& problem) noexcept {
    if (problem != status::ok) return 0;
    const status_or<cbor::head> head = cbor::take_head(rest);
    problem = !head ? head.code : head->type != type ? status::malformed : status::ok;
    return problem == status::ok ? head->argument : 0;
  }

  /// A signed number, as the bits of its two's complement; one that is not negative is stored with `bias`
  /// added.
  static std::uint64_t integer(bytes_view& rest, std::uint64_t bias, status& problem) noexcept {
    if (problem != status::ok) return 0;
    const status_or<cbor::head> head = cbor::take_head(rest);
    if (!head) {
      problem = head.code;
      return 0;
    }
    const bool negative = head->type == major::negative_integer;
    const std::uint64_t size = head->argument - (negative ? 0 : bias);
    if ((!negative && head->type != major::unsigned_integer) || size >> 63 != 0) problem = status::malformed;
    return negative ? ~size : size;
  }

  static std::uint64_t pair(bytes_view& rest, std::string_view key, status& problem) noexcept {
    const std::string_view found = text(rest, key.size(), problem);
    if (problem == status::limit_exceeded || (problem == status::ok && found != key))
      problem = status::malformed;
    return argument(rest, major::unsigned_integer, problem);
  }

  static std::string_view text(bytes_view& rest, std::size_t longest, status& problem) noexcept {
    const std::uint64_t size = argument(rest, major::text, problem);
    if (problem != status::ok) return {};
    if (size > longest) {
      problem = status::limit_exceeded;
      return {};
    }
    if (size > rest.size()) {
      problem = status::truncated;
      return {};
    }
    const bytes_view found = rest.first(static_cast<std::size_t>(size));
    rest = rest.subspan(found.size());
    if (!cbor::is_utf8(found)) problem = status::malformed;
    return as_text(found);
  }

  std::vector<std::string> names_;
  place_table places_;
  std::uint64_t cycles_ = 0;
  std::uint64_t version_ = 0;
  bool begun_ = false;
};

}  // namespace shoal::monitor
