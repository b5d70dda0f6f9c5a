// SPDX-License-Identifier: BSL-1.0
//
// elf_builder: writes ELF files of a kernel for tests, of 64 bits and of 32, good and bad.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>

namespace shoal::vmi::tests {

class elf_builder {
 public:
  static constexpr std::uint64_t text = 0xc010'0000;
  static constexpr std::uint64_t constants = 0xc020'0000;
  static constexpr std::uint64_t data = 0xc030'0000;
  static constexpr std::uint64_t zeros = 0xc040'0000;
  /// Where symbols are: numbers of sections.
  enum : std::uint16_t { nowhere, in_text, in_constants, in_data, in_zeros, absolute = 0xfff1 };
  /// What they are: bindings and kinds as ELF has them.
  enum : std::uint8_t { local = 0x00, object = 0x11, function = 0x12, of_section = 0x03, of_file = 0x04 };

  explicit elf_builder(bool wide) : wide_(wide) { symbol("", 0, 0, nowhere); }

  void symbol(std::string_view name, std::uint64_t at, std::uint8_t info, std::uint16_t section) {
    const std::uint32_t named = name.empty() ? 0 : string(strings_, name);
    put(symbols_, named);
    if (!wide_) word(symbols_, at), word(symbols_, 0);
    symbols_.push_back(std::byte{info});
    symbols_.push_back(std::byte{0});
    put(symbols_, section);
    if (wide_) word(symbols_, at), word(symbols_, 0);
  }
  std::string text_of_constants = "Linux version 6.1.0 (gcc 12) #1 SMP (2026)\n";
  std::vector<std::byte> types;

  /// Sections in the order of the numbers above, then .symtab (5), .strtab, .shstrtab and .BTF.
  [[nodiscard]] std::vector<std::byte> bytes() {
    const std::size_t head = wide_ ? 64 : 52;
    std::vector<std::byte> out(head);
    std::vector<std::byte> headers;
    std::string names(1, '\0');
    const auto add = [&](std::string_view name, std::uint32_t type, std::uint64_t flags, std::uint64_t address,
                         bytes_view content, std::uint64_t size, std::uint32_t link = 0) {
      put(headers, name.empty() ? 0 : string(names, name));
      put(headers, type);
      for (const std::uint64_t each : {flags, address, std::uint64_t{out.size()}, size}) word(headers, each);
      put(headers, link);
      put(headers, std::uint32_t{0});
      word(headers, 1);
      word(headers, type == 2 ? half(24, 16) : 0);
      out.insert(out.end(), content.begin(), content.end());
    };
    const std::vector<std::byte> some(64, std::byte{0x90});
    add("", 0, 0, 0, {}, 0);
    add(".text", 1, 6, text, some, some.size());
    add(".rodata", 1, 2, constants, as_bytes(text_of_constants), text_of_constants.size());
    add(".data", 1, 3, data, some, some.size());
    add(".bss", 8, 3, zeros, {}, 0x1000);
    add(".symtab", 2, 0, 0, symbols_, symbols_.size(), 6);
    add(".strtab", 3, 0, 0, as_bytes(strings_), strings_.size());
    add(".BTF", 1, 2, 0xc050'0000, types, types.size());
    const std::string all = names + ".shstrtab" + '\0';
    add(".shstrtab", 3, 0, 0, as_bytes(all), all.size());
    const std::uint64_t sections = out.size();
    out.insert(out.end(), headers.begin(), headers.end());
    const auto set = [&](std::size_t at, auto number) { store_le(out.data() + at, number); };
    set(0, std::uint32_t{0x464c'457f});
    out[4] = wide_ ? std::byte{2} : std::byte{1};
    out[5] = std::byte{1};
    set(16, std::uint16_t{2});
    set(18, half(183, 40));
    set(20, std::uint32_t{1});
    if (wide_) set(40, sections);
    if (!wide_) set(32, static_cast<std::uint32_t>(sections));
    const std::size_t rest = wide_ ? 54 : 42;
    set(rest - 2, half(64, 52));
    set(rest + 4, half(64, 40));
    set(rest + 6, std::uint16_t{9});
    set(rest + 8, std::uint16_t{8});
    return out;
  }

 private:
  template <class T>
  static void put(std::vector<std::byte>& to, T number) {
    to.resize(to.size() + sizeof number);
    store_le(to.data() + to.size() - sizeof number, number);
  }
  void word(std::vector<std::byte>& to, std::uint64_t number) const {
    if (wide_) put(to, number);
    if (!wide_) put(to, static_cast<std::uint32_t>(number));
  }
  [[nodiscard]] std::uint16_t half(std::uint16_t wide, std::uint16_t narrow) const {
    return wide_ ? wide : narrow;
  }
  static std::uint32_t string(std::string& to, std::string_view more) {
    const auto at = static_cast<std::uint32_t>(to.size());
    to += more;
    to += '\0';
    return at;
  }

  bool wide_;
  std::vector<std::byte> symbols_;
  std::string strings_ = std::string(1, '\0');
};

}  // namespace shoal::vmi::tests
