// SPDX-License-Identifier: BSL-1.0
//
// A DAG-PB node that was read says the same when it is written and read again, and its second form is final.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include <shoal/content/dag_pb.hpp>

namespace {

void require(bool truth) {
  if (!truth) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto node = shoal::decode_dag_pb({reinterpret_cast<const std::byte*>(data), size});
  if (!node) return 0;
  require(node->links.size() <= shoal::max_dag_pb_links);
  std::vector<std::byte> canonical;
  append_dag_pb(canonical, *node);
  require(canonical.size() <= size);
  const auto again = shoal::decode_dag_pb(canonical);
  require(again.has_value() && again->links == node->links &&
          again->data.has_value() == node->data.has_value());
  require(!node->data || std::ranges::equal(*again->data, *node->data));
  std::vector<std::byte> third;
  append_dag_pb(third, *again);
  require(third == canonical);
  return 0;
}
