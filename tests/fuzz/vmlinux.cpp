// SPDX-License-Identifier: BSL-1.0
//
// Files of a kernel's build, of any bytes: what symbols, banner and types are read out of them is as large as
// it may be, in order, and out of the file.
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <utility>

#include <shoal/base/bytes.hpp>
#include <shoal/vmi/linux/kernel_file.hpp>

namespace {

using namespace shoal::vmi;

void require(bool truth) {
  if (!truth) std::abort();
}

void check(kernel_file file, std::string_view input) {
  require(file.symbols.find("linux_banner").has_value());
  require(file.banner.size() < max_banner && input.find(file.banner) != input.npos);
  file.symbols.move(first_moved(file.symbols), std::uint64_t{2} << 20);
  for (std::size_t i = 0; i < file.symbols.size(); ++i) {
    const symbol each = file.symbols[i];
    require(each.name.size() <= max_symbol_name && input.find(each.name) != input.npos);
    require(i == 0 || value(file.symbols[i - 1].address) <= value(each.address));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const shoal::bytes_view input{reinterpret_cast<const std::byte*>(data), size};
  const std::string_view text = shoal::as_text(input);
  if (auto file = read_vmlinux(input)) check(std::move(*file), text);
  if (auto file = read_system_map(text)) check(std::move(*file), text);
  if (const auto file = elf_sections::parse(input)) {
    for (const std::uint64_t address : {std::uint64_t{0}, ~std::uint64_t{0}, std::uint64_t{0xc020'0000}}) {
      const shoal::bytes_view found = file->at(address);
      require(found.empty() ||
              (found.data() >= input.data() && found.data() + found.size() <= input.data() + size));
    }
  }
  return 0;
}
