// SPDX-License-Identifier: BSL-1.0
//
// Page tables out of any bytes: each format's walk ends after one read a level, says where in the page it came
// out, and a read that straddles pages gives what reads of single bytes give. RAM in two mapped pieces is
// walked as the same that has to be asked for each entry.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <span>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/vmi/address_space.hpp>
#include <shoal/vmi/image_memory.hpp>
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

/// What lies in pieces in memory, without windows.
class asked_memory {
 public:
  explicit asked_memory(const image_memory<bytes_source>& memory) noexcept : memory_(memory) {}
  [[nodiscard]] shoal::status read_physical(physical_address address, shoal::bytes_span out) const noexcept {
    return memory_.read_physical(address, out);
  }
  [[nodiscard]] std::span<const physical_range> extents() const noexcept { return memory_.extents(); }

 private:
  const image_memory<bytes_source>& memory_;
};

/// The input as RAM with a hole in its middle, whose ends cut tables off.
void check_pieces(paging format, shoal::bytes_view input, virtual_address address) {
  const std::uint64_t low = input.size() / 2;
  const auto memory =
      image_memory<bytes_source>::make(bytes_source{input}, split_regions(input.size(), low, low + 4096));
  if (!memory) std::abort();
  const asked_memory asked{*memory};
  for (const std::uint64_t root : {std::uint64_t{0}, low / 2, low + 4096, low + 4095}) {
    const translation here = walk_pages(format, *memory, physical_address{root}, address);
    const translation there = walk_pages(format, asked, physical_address{root}, address);
    require(here.code == there.code && here.shift == there.shift && here.address == there.address &&
            here.entry == there.entry);
  }
}

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

  check_pieces(format, input, address);

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
