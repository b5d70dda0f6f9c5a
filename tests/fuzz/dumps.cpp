// SPDX-License-Identifier: BSL-1.0
//
// Whatever an ELF core or a LiME dump claims, its pieces lie inside the file, and memory made of them gives
// those bytes.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/vmi/elf_core.hpp>
#include <shoal/vmi/lime.hpp>

namespace {

using namespace shoal::vmi;

void require(bool truth) {
  if (!truth) std::abort();
}

void check(const bytes_source& source, const std::vector<ram_region>& regions) {
  for (const ram_region& each : regions)
    require(each.size != 0 && shoal::contains(source.size(), each.offset, each.size));
  const auto memory = image_memory<bytes_source>::make(source, regions);
  if (!memory) return;  // they overlap
  for (const ram_region& each : regions) {
    std::array<std::byte, 1> last{};
    require(memory->read_physical(each.base + (each.size - 1), last) == shoal::status::ok);
    require(last[0] == source.view()[static_cast<std::size_t>(each.offset + each.size - 1)]);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const bytes_source source{{reinterpret_cast<const std::byte*>(data), size}};
  if (const auto core = read_elf_core(source)) check(source, core->regions);
  if (const auto dump = read_lime(source)) check(source, dump->regions);
  return 0;
}
