// SPDX-License-Identifier: BSL-1.0
//
// kernel_file: what the files of a kernel's build tell of it: a System.map its symbols, a vmlinux its types as
// well; and how far the kernel in a guest's memory was moved from there, if it is the same.
//
//     result<kernel_file> file = read_vmlinux(bytes);                       // or read_system_map(text)
//     if (!file) return file.error();
//     auto kernel = linux_kernel<ram>::attach(memory, std::move(*file));    // invalid_argument: another kernel
//
// For kernels whose own symbols are those of functions alone (CONFIG_KALLSYMS_ALL off), or that carry no types
// (BTF). Leaves out compressed kernels, as they are booted, and DWARF: pahole makes BTF of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/vmi/address_space.hpp>
#include <shoal/vmi/btf.hpp>
#include <shoal/vmi/elf_sections.hpp>
#include <shoal/vmi/find_root.hpp>
#include <shoal/vmi/linux/kernel_image.hpp>
#include <shoal/vmi/linux/kernel_profile.hpp>
#include <shoal/vmi/linux/missing_symbols.hpp>
#include <shoal/vmi/symbol_table.hpp>
#include <shoal/vmi/system_map.hpp>

namespace shoal::vmi {

struct kernel_file {
  symbol_table symbols;      ///< where they were linked: KASLR moves them
  std::string banner;        ///< empty where it is not told: in a System.map
  std::optional<btf> types;  ///< none in a System.map, and in a vmlinux without BTF
};

namespace detail {

/// Whether there are those by which a kernel in memory is told to be this one.
[[nodiscard]] inline bool can_be_found(const symbol_table& symbols) noexcept {
  return symbols.find("linux_banner") && symbols.find("linux_proc_banner");
}

}  // namespace detail

/// malformed, limit_exceeded, not_found as parse_system_map; not_found also for symbols without those of data,
/// by which the kernel could be found: /proc/kallsyms has what the kernel has.
[[nodiscard]] inline result<kernel_file> read_system_map(std::string_view text) {
  result<symbol_table> symbols = parse_system_map(text);
  if (!symbols) return symbols.error();
  if (!detail::can_be_found(*symbols)) return errc::not_found;
  return kernel_file{std::move(*symbols), {}, {}};
}

/// The kernel as it was linked. malformed for what is no ELF file or breaks its rules, or those of BTF;
/// truncated, limit_exceeded; unsupported for big-endian; not_found without symbols, or for another program.
[[nodiscard]] inline result<kernel_file> read_vmlinux(bytes_view bytes) {
  const result<elf_sections> file = elf_sections::parse(bytes);
  if (!file) return file.error();
  result<symbol_table> symbols = file->symbols();
  if (!symbols) return symbols.error();
  if (!detail::can_be_found(*symbols)) return errc::not_found;
  kernel_file out{std::move(*symbols), {}, {}};
  const std::uint64_t banner = value(out.symbols.find("linux_banner")->address);
  out.banner = banner_line(as_text(file->at(banner)).substr(0, max_banner));
  const bytes_view types = file->bytes(".BTF");
  if (types.empty()) return out;
  result<btf> parsed = btf::parse(types);
  if (!parsed) return parsed.error();
  out.types = std::move(*parsed);
  return out;
}

/// Whether what a kernel in memory says of its functions is what a file says: one of another build has most of
/// them elsewhere. Few may differ: their names can be written in two ways.
///
/// @param known  those of the kernel; without any, all files agree
/// @param slide  how far they were moved
[[nodiscard]] inline bool agree(const symbol_table& known, const symbol_table& file,
                                std::uint64_t slide) noexcept {
  constexpr std::size_t most_names = 64;  // of one place
  std::size_t functions = 0;
  std::size_t same = 0;
  for (std::size_t i = 0; i < known.size(); ++i) {
    const symbol each = known[i];
    if (each.type != 'T' && each.type != 't') continue;
    ++functions;
    const virtual_address linked = each.address - slide;
    const std::size_t first = file.from(linked);
    for (std::size_t j = first; j < file.size() && j - first < most_names; ++j) {
      const symbol other = file[j];
      if (other.address != linked) break;
      if (other.name != each.name) continue;
      ++same;
      break;
    }
  }
  return same >= functions - functions / 16;
}

/// How far the kernel was moved from where the file has it: by its banner, whose place the file knows. Nothing
/// when no banner is there that has the file's text, or when around it the format by which /proc/version is
/// made and the kernel's functions are not where the file has them: then the file is of another kernel.
///
/// @param known  symbols that the kernel itself has
template <virtual_memory Space, class Image>
[[nodiscard]] std::optional<std::uint64_t> find_slide(Space& space, const Image& image,
                                                      const symbol_table& known, const kernel_file& file) {
  const std::optional<symbol> banner = file.symbols.find("linux_banner");
  const std::optional<symbol> format = file.symbols.find("linux_proc_banner");
  if (!banner || !format) return std::nullopt;
  constexpr std::string_view formatted = "%s version %s";
  const auto is_format = [&](virtual_address at) {
    std::string text(formatted.size(), '\0');
    return space.read(at, std::as_writable_bytes(std::span{text})) == status::ok && text == formatted;
  };
  std::optional<std::uint64_t> found;
  image.find("Linux version ", [&](virtual_address at) {
    const std::string line = read_banner(space, at);
    if (line.empty() || (!file.banner.empty() && line != file.banner)) return true;
    const std::uint64_t slide = value(at) - value(banner->address);
    if (slide % 4096 != 0) return true;
    if (is_format(format->address + slide) && agree(known, file.symbols, slide)) found = slide;
    return !found;
  });
  return found;
}

}  // namespace shoal::vmi
