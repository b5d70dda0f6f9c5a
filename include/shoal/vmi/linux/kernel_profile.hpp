// SPDX-License-Identifier: BSL-1.0
//
// kernel_profile: what was found out about one build of a Linux kernel, kept for the next time: its symbols,
// and where the fields are that checks asked for.
//
//     save("debian.profile", kernel->profile().encode());
//     ...
//     result<kernel_profile> known = kernel_profile::decode(load("debian.profile"));
//     if (known) kernel = linux_kernel<ram>::attach(memory, std::move(*known));   // not_found: another kernel
//
// A kernel is the same when its banner is, which names version, compiler and time of its build. KASLR moves it:
// addresses are those of the boot that was saved, and are moved when it is used.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/vmi/address.hpp>
#include <shoal/vmi/field_layout.hpp>
#include <shoal/vmi/linux/saved_form.hpp>
#include <shoal/vmi/symbol_table.hpp>

namespace shoal::vmi {

/// The banner of a kernel is not longer, and no more fields and no larger files are read.
inline constexpr std::size_t max_banner = 512;
inline constexpr std::size_t max_profile_fields = 10'000;
inline constexpr std::size_t max_profile_size = std::size_t{256} << 20;

/// Where the symbols begin that KASLR moves. Before it are those of each processor's own data on x86, and
/// numbers.
[[nodiscard]] inline virtual_address first_moved(const symbol_table& symbols) noexcept {
  for (const std::string_view name : {"_text", "_stext"}) {
    if (const std::optional<symbol> begin = symbols.find(name)) return begin->address;
  }
  return virtual_address{~std::uint64_t{0}};
}

struct kernel_profile {
  std::string banner;      ///< without the end of its line
  virtual_address text{};  ///< where the kernel's code began when it was saved
  symbol_table symbols;
  given_types types;

  /// @pre symbols.finish() was called
  [[nodiscard]] std::vector<std::byte> encode() const {
    saved_output out;
    cbor::writer writer{out};
    writer.array(5);
    writer.text(format);
    writer.bytes(as_bytes(banner));
    writer.unsigned_integer(value(text));
    writer.array(3 * symbols.size());
    std::uint64_t last = 0;
    for (std::size_t i = 0; i < symbols.size(); ++i) {
      const symbol each = symbols[i];
      writer.unsigned_integer(value(each.address) - last);
      writer.unsigned_integer(static_cast<unsigned char>(each.type));
      writer.bytes(as_bytes(each.name));
      last = value(each.address);
    }
    writer.array(6 * types.fields().size());
    for (const given_types::field& each : types.fields()) {
      writer.bytes(as_bytes(each.type));
      writer.bytes(as_bytes(each.path));
      writer.unsigned_integer(each.layout.offset);
      writer.unsigned_integer(each.layout.size);
      writer.unsigned_integer(each.layout.shift);
      writer.unsigned_integer(each.layout.bits);
    }
    return std::move(out.bytes);
  }

  /// What encode() wrote. malformed, truncated, limit_exceeded; unsupported for another kind of file.
  [[nodiscard]] static result<kernel_profile> decode(bytes_view bytes) {
    if (bytes.size() > max_profile_size) return errc::limit_exceeded;
    kernel_profile out;
    saved_input in{bytes};
    in.array(5);
    in.name(format);
    out.banner = as_text(in.bytes(max_banner));
    out.text = virtual_address{in.number()};
    const std::uint64_t symbols = in.groups_up_to(max_symbols, 3);
    virtual_address last{};
    for (std::uint64_t i = 0; i < symbols && in.well(); ++i) {
      const std::uint64_t step = in.number();
      if (step > ~value(last)) in.fail(status::malformed);
      last = last + step;
      const char type = static_cast<char>(in.number(127));
      const status added = out.symbols.add(last, type, as_text(in.bytes(max_symbol_name)));
      if (added != status::ok) in.fail(added);
    }
    out.symbols.finish();
    const std::uint64_t fields = in.groups_up_to(max_profile_fields, 6);
    for (std::uint64_t i = 0; i < fields && in.well(); ++i) {
      std::string type{as_text(in.bytes(max_btf_name))};
      std::string path{as_text(in.bytes(max_btf_name))};
      field_layout layout;
      layout.offset = static_cast<std::uint32_t>(in.number(~std::uint32_t{0}));
      layout.size = static_cast<std::uint32_t>(in.number(~std::uint32_t{0}));
      layout.shift = static_cast<std::uint8_t>(in.number(7));
      layout.bits = static_cast<std::uint8_t>(in.number(56));
      if (layout.bits != 0 && layout.size > 8) in.fail(status::malformed);
      out.types.add(std::move(type), std::move(path), layout);
    }
    return in.finished(std::move(out));
  }

 private:
  static constexpr std::string_view format = "shoal kernel profile 1";
};

}  // namespace shoal::vmi
