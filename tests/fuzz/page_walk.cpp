// SPDX-License-Identifier: BSL-1.0
//
// Page tables out of any bytes: each format's walk ends after one read a level, says where in the page it came
// out, and a read that straddles pages gives what reads of single bytes give.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <span>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/vmi/address_space.hpp>
#include <shoal/vmi/physical_memory.hpp>

namespace {

using namespace shoal::vmi;

void require(bool truth) {
  if (!truth) std::abort();
}

/// The input over and over, so that every address of a table is somewhere.
class repeated_memory {
 public:
  explicit repeated_memory(shoal::bytes_view bytes) noexcept : bytes_(bytes) {}

  [[nodiscard]] shoal::status read_physical(physical_address address, shoal::bytes_span out) const noexcept {
    ++reads;
    if (value(address) >> 50 == 3) return shoal::status::out_of_range;
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = bytes_[static_cast<std::size_t>((value(address) + i) % bytes_.size())];
    }
    return shoal::status::ok;
  }
  [[nodiscard]] std::span<const physical_range> extents() const noexcept { return {}; }

  mutable std::size_t reads = 0;

 private:
  shoal::bytes_view bytes_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 18) return 0;
  const shoal::bytes_view input{reinterpret_cast<const std::byte*>(data), size};
  const auto format = static_cast<paging>(data[0] % (static_cast<unsigned>(paging::riscv_sv57) + 1));
  const std::uint64_t signs = (data[1] & 1) != 0 ? 0xff80'0000'0000'0000 : 0;
  const virtual_address address{shoal::load_le<std::uint64_t>(input.data() + 2) | signs};
  const physical_address root{shoal::load_le<std::uint64_t>(input.data() + 10)};
  const repeated_memory memory{input.subspan(17)};

  const translation found = walk_pages(format, memory, root, address);
  require(memory.reads <= with_format(format, []<class F>(F) { return F::levels.size(); }));
  require(found.shift >= 12 && found.shift < 64);
  const std::uint64_t mask = (std::uint64_t{1} << found.shift) - 1;
  if (found.code == shoal::status::ok) require(((value(found.address) ^ value(address)) & mask) == 0);

  address_space<repeated_memory, direct_translation_cache<8>> cached{memory, format, root};
  address_space<repeated_memory> plain{memory, format, root};
  std::array<std::byte, 24> whole{};
  const virtual_address across{(value(address) | 4095) - 11};
  if (cached.read(across, whole) == shoal::status::ok) {
    for (std::size_t i = 0; i < whole.size(); ++i) {
      std::array<std::byte, 1> one{};
      require(plain.read(across + i, one) == shoal::status::ok && one[0] == whole[i]);
    }
  }
  return 0;
}
