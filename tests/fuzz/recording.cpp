// SPDX-License-Identifier: BSL-1.0
//
// Whatever the reader of recordings accepts comes back byte for byte from the writer, is a CBOR sequence, and
// can be shown.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/status.hpp>
#include <shoal/cbor/sequence.hpp>
#include <shoal/hal/access_record.hpp>
#include <shoal/hal/i2c_access.hpp>
#include <shoal/monitor/event_text.hpp>
#include <shoal/monitor/recording_format.hpp>
#include <shoal/monitor/recording_reader.hpp>
#include <shoal/monitor/recording_writer.hpp>
#include <shoal/monitor/timeline.hpp>

namespace {

using namespace shoal::monitor;

struct vector_output {
  std::vector<std::byte> bytes;
  void append(shoal::bytes_view more) { bytes.insert(bytes.end(), more.begin(), more.end()); }
};

void require(bool truth) {
  if (!truth) std::abort();
}

/// For people, for programs, and for those who put bytes of I2C together.
void read_aloud(const shoal::hal::access_record& access, std::string_view source) {
  require(!to_text(access, source).empty() && !to_json(access, source).empty());
  const shoal::hal::i2c_record_data data = shoal::hal::unpack_i2c_bytes(access);
  require(data.count <= access.width && data.count <= data.bytes.size());
  const auto again = shoal::hal::pack_i2c_bytes(shoal::bytes_view{data.bytes}.first(data.count));
  require(data.count < data.bytes.size() ? again == (access.value & ((std::uint64_t{1} << 8 * data.count) - 1))
                                         : again == access.value);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const shoal::bytes_view input{reinterpret_cast<const std::byte*>(data), size};
  shoal::bytes_view rest = input;
  vector_output out;
  recording_writer writer{out};
  recording_reader reader;
  timeline times;
  while (!rest.empty()) {
    shoal::bytes_view same = rest;
    const auto item = reader.next(rest);
    if (!item) {
      require(rest.size() == same.size());
      // Who waits for more never waits for more than this.
      require(item.code != shoal::status::truncated || rest.size() < max_recording_item);
      break;
    }
    const auto whole = shoal::cbor::take_item(same);
    require(whole && same.size() == rest.size() && whole->size() <= max_recording_item);
    if (item->kind == recording_kind::header) {
      std::vector<std::string_view> names;
      for (std::size_t i = 0; i < reader.source_count(); ++i) {
        names.push_back(reader.source_name(static_cast<std::uint16_t>(i)));
      }
      require(writer.begin(names, item->clock, reader.version()) == shoal::status::ok);
      times.add(item->clock);
    } else if (item->kind == recording_kind::clock) {
      writer.mark(item->clock);
      times.add(item->clock);
    } else {
      require(whole->size() <= max_record_item);
      writer.put(item->access);
      static_cast<void>(times.unix_ns(item->access.cycles));
      read_aloud(item->access, reader.source_name(item->access.source));
    }
  }
  require(std::ranges::equal(out.bytes, input.first(input.size() - rest.size())));
  return 0;
}
