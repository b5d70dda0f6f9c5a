// SPDX-License-Identifier: BSL-1.0
//
// Whatever the DAG-CBOR reader accepts has one form only: written again it is the same block.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include <shoal/content/dag_cbor.hpp>

namespace {

void require(bool truth) {
  if (!truth) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using shoal::cbor::kind;
  const shoal::bytes_view block{reinterpret_cast<const std::byte*>(data), size};
  std::size_t links = 0;
  const shoal::result<> walked = shoal::for_each_dag_cbor_link(block, [&](const shoal::cid&) { ++links; });

  std::vector<std::byte> again;
  shoal::vector_output out{again};
  shoal::cbor::writer writer{out};
  shoal::dag_cbor_reader reader{block};
  while (!reader.done()) {
    const auto item = reader.next();
    if (!item) {
      require(walked.error() == item.error());
      return 0;
    }
    switch (item->type) {
      case kind::floating: writer.floating(shoal::cbor::float_value(item->head)); break;
      case kind::tag:
        write_dag_cbor_link(writer, *shoal::dag_cbor_link(*item));
        --links;
        break;
      default: writer.head(item->head.type, item->argument()); out.append(item->bytes);
    }
  }
  require(walked && links == 0 && std::ranges::equal(again, block));
  return 0;
}
