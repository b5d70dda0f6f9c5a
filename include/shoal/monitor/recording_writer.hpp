// SPDX-License-Identifier: BSL-1.0
//
// recording_writer: writes accesses to devices as a recording (monitor/recording_format.hpp) to any output: a
// file, a socket's queue, a vector.
//
//     recording_writer writer{output};
//     if (const status s = writer.begin(names, sample_clock()); s != status::ok) return s;
//     writer.put(record);                          // as often as there are records
//     writer.mark(sample_clock());                 // now and then, and at the end: calibrates the counter
//
// What was appended to the output is whole items after each call. Leaves out buffering: each record is one
// append of a few bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <shoal/base/bytes.hpp>
#include <shoal/base/status.hpp>
#include <shoal/cbor/head.hpp>
#include <shoal/cbor/utf8.hpp>
#include <shoal/cbor/writer.hpp>
#include <shoal/hal/access_record.hpp>
#include <shoal/monitor/recording_format.hpp>

namespace shoal::monitor {

template <cbor::output Output>
class recording_writer {
 public:
  /// @param out  outlives the writer
  explicit recording_writer(Output& out) : out_(out) {}

  /// Writes a header: starts the recording, or starts over, so that what follows is read without what came
  /// before. `names[i]` is what to call source i. invalid_argument for more than max_sources, or a name that is
  /// too long or not UTF-8; nothing is written then.
  /// @param version  device_recording or event_recording: readers that know only the former refuse the latter
  [[nodiscard]] status begin(std::span<const std::string_view> names, clock_point start,
                             std::uint64_t version = device_recording) {
    if (names.size() > max_sources || version < device_recording || version > event_recording)
      return status::invalid_argument;
    for (const std::string_view name : names) {
      if (name.size() > max_source_name || !cbor::is_utf8(as_bytes(name))) return status::invalid_argument;
    }
    cbor::writer writer{out_};
    writer.tag(self_described_cbor);
    writer.array(4);
    writer.text(recording_magic);
    writer.unsigned_integer(version);
    writer.array(names.size());
    for (const std::string_view name : names) writer.text(name);
    writer.array(2);
    writer.unsigned_integer(start.cycles);
    writer.unsigned_integer(start.unix_ns);
    places_.clear();
    cycles_ = start.cycles;
    return status::ok;
  }

  /// Writes one record. @pre begin() was called, with the version that may hold such a record
  void put(const hal::access_record& record) {
    const access_place place{record.address, record.source, record.what, record.width};
    const std::uint16_t expected = places_.expected();
    const bool as_expected = expected != place_table::none && places_.place(expected) == place;
    const std::uint16_t known = as_expected ? expected : places_.find(place);
    const bool fresh = known == place_table::none;
    const std::uint16_t number = fresh ? places_.add(place) : known;
    const std::uint64_t change = record.value - places_.value(number);
    const std::uint64_t time = record.cycles - cycles_;
    cycles_ = record.cycles;
    places_.visit(number, record.value);

    const unsigned pieces = record.repeats != 0 ? 4 : !as_expected ? 3 : change != 0 ? 2 : 1;
    if (pieces > 1) head(cbor::major::array, pieces);
    // The time is not 0, so that no record is a zero byte.
    is_negative(time) ? head(cbor::major::negative_integer, ~time)
                      : head(cbor::major::unsigned_integer, time + 1);
    if (pieces > 1) integer(change);
    if (pieces > 2) {
      if (fresh) {
        head(cbor::major::array, 4);
        head(cbor::major::unsigned_integer, place.address);
        head(cbor::major::unsigned_integer, place.source);
        head(cbor::major::unsigned_integer, place.width);
        head(cbor::major::unsigned_integer, static_cast<std::uint64_t>(place.what) + 1);
      } else {
        head(cbor::major::unsigned_integer, as_expected ? 0 : number + 1u);
      }
    }
    if (pieces > 3) head(cbor::major::unsigned_integer, record.repeats);
    out_.append(bytes_view{item_}.first(used_));
    used_ = 0;
  }

  /// Writes a clock point. @pre begin() was called
  void mark(clock_point now) {
    cbor::writer writer{out_};
    writer.map(2);
    writer.text("cycles");
    writer.unsigned_integer(now.cycles);
    writer.text("unix_ns");
    writer.unsigned_integer(now.unix_ns);
  }

 private:
  static bool is_negative(std::uint64_t bits) noexcept { return bits >> 63 != 0; }
  void head(cbor::major type, std::uint64_t argument) noexcept {
    used_ += cbor::put_head(item_.data() + used_, type, argument);
  }
  void integer(std::uint64_t bits) noexcept {
    is_negative(bits) ? head(cbor::major::negative_integer, ~bits) : head(cbor::major::unsigned_integer, bits);
  }

  Output& out_;
  place_table places_;
  std::uint64_t cycles_ = 0;
  std::array<std::byte, max_record_item> item_{};
  std::size_t used_ = 0;
};

}  // namespace shoal::monitor
