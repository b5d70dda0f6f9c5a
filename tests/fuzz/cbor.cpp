// SPDX-License-Identifier: BSL-1.0
//
// Whatever the strict CBOR reader accepts comes back byte for byte from the writer.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include <shoal/cbor/reader.hpp>
#include <shoal/cbor/sequence.hpp>
#include <shoal/cbor/writer.hpp>

namespace {

namespace cbor = shoal::cbor;

struct vector_output {
  std::vector<std::byte> bytes;
  void append(shoal::bytes_view more) { bytes.insert(bytes.end(), more.begin(), more.end()); }
};

void require(bool truth) {
  if (!truth) std::abort();
}

void check(shoal::bytes_view input, cbor::key_order order) {
  shoal::bytes_view rest = input;
  const auto taken = cbor::take_item(rest, order);
  require(taken || rest.size() == input.size());

  vector_output out;
  cbor::writer writer{out};
  cbor::reader reader{input, order};
  bool floats = false;
  while (!reader.done()) {
    const auto item = reader.next();
    if (!item) {
      require(!taken && taken.code == item.code);
      return;
    }
    require(reader.depth() <= cbor::max_depth);
    floats = floats || item->type == cbor::kind::floating;
    if (item->type == cbor::kind::floating) {
      writer.floating(cbor::float_value(item->head));
    } else {
      writer.head(item->head.type, item->argument());
      out.append(item->bytes);
    }
  }
  require(taken && reader.rest().size() == rest.size());
  require(floats ? out.bytes.size() >= taken->size() : std::ranges::equal(out.bytes, *taken));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const shoal::bytes_view input{reinterpret_cast<const std::byte*>(data), size};
  check(input, cbor::key_order::bytewise);
  check(input, cbor::key_order::length_first);
  return 0;
}
