// SPDX-License-Identifier: BSL-1.0
//
// CIDs in binary and in text: what is read has one usual text, and that names the same block.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <shoal/content/cid.hpp>

namespace {

void require(bool truth) {
  if (!truth) std::abort();
}

void check_text(const shoal::cid& id) {
  const std::string text = to_text(id);
  const auto back = shoal::cid::parse(text);
  require(back.has_value() && *back == id && to_text(*back) == text);
  require(std::hash<shoal::cid>{}(*back) == std::hash<shoal::cid>{}(id));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const shoal::bytes_view input{reinterpret_cast<const std::byte*>(data), size};
  shoal::bytes_view rest = input;
  if (const auto id = shoal::cid::take(rest)) {
    const shoal::bytes_view taken = input.first(input.size() - rest.size());
    std::vector<std::byte> binary;
    id->append_to(binary);
    require(binary.size() <= shoal::cid::max_size && std::ranges::equal(binary, taken));
    check_text(*id);
  } else {
    require(rest.size() == input.size());
  }
  if (const auto id = shoal::cid::parse(shoal::as_text(input))) check_text(*id);
  return 0;
}
