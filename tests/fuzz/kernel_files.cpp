// SPDX-License-Identifier: BSL-1.0
//
// Profiles and baselines: what is read is written again as the same bytes.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include <shoal/base/bytes.hpp>
#include <shoal/vmi/linux/kernel_baseline.hpp>
#include <shoal/vmi/linux/kernel_profile.hpp>

namespace {

template <class T>
void check(shoal::bytes_view input) {
  const auto read = T::decode(input);
  if (read && !std::ranges::equal(read->encode(), input)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const shoal::bytes_view input{reinterpret_cast<const std::byte*>(data), size};
  check<shoal::vmi::kernel_profile>(input);
  check<shoal::vmi::kernel_baseline>(input);
  return 0;
}
