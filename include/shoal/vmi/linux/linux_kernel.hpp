// SPDX-License-Identifier: BSL-1.0
//
// linux_kernel: a Linux kernel for x86-64 found in the memory of its machine, with nothing known of either:
// page tables, place of its code, symbols, types. What every check starts from.
//
//     auto kernel = linux_kernel<ram>::attach(memory);                     // 0.1 s
//     if (!kernel) return kernel.error();
//     print(kernel->banner());
//     const auto jiffies = kernel->number<std::uint64_t>("jiffies_64");
//     kernel->look_again();                                                // before each check of a guest that
//     runs
//
// Belongs to one thread. Leaves out other processors: their pieces (vmi/find_root.hpp, find_kallsyms.hpp) are
// there.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/vmi/address_space.hpp>
#include <shoal/vmi/btf.hpp>
#include <shoal/vmi/find_kallsyms.hpp>
#include <shoal/vmi/find_root.hpp>
#include <shoal/vmi/linux/kernel_profile.hpp>
#include <shoal/vmi/linux/kernel_types.hpp>
#include <shoal/vmi/symbol_table.hpp>
#include <shoal/vmi/translation_cache.hpp>

namespace shoal::vmi {

template <physical_memory Memory>
class linux_kernel {
 public:
  using space_type = address_space<Memory, direct_translation_cache<>>;

  /// Finds a kernel. not_found where there is none, or none with symbols and a banner.
  ///
  /// @param memory  outlives the kernel
  [[nodiscard]] static result<linux_kernel> attach(const Memory& memory) {
    const std::optional<kernel_place> place = find_x86_kernel(memory);
    if (!place) return errc::not_found;
    result<found_kallsyms> found = find_kallsyms(memory, pointer_width::eight);
    if (!found) return found.error();
    symbol_table symbols = std::move(found->tables.symbols);
    space_type space{memory, place->format, place->root};
    std::string banner = read_banner(space, symbols);
    if (banner.empty()) return errc::not_found;
    return linux_kernel{std::move(space), *place, {std::move(banner), place->text, std::move(symbols), {}}};
  }

  /// The same for a kernel that is known, in a fraction of the time. not_found when another one runs.
  [[nodiscard]] static result<linux_kernel> attach(const Memory& memory, kernel_profile profile) {
    const std::optional<kernel_place> place = find_x86_kernel(memory);
    if (!place) return errc::not_found;
    constexpr virtual_address kernel_half{0xffff'ffff'8000'0000};  // below it: what is each processor's own
    profile.symbols.move(kernel_half, value(place->text) - value(profile.text));
    profile.text = place->text;
    space_type space{memory, place->format, place->root};
    if (read_banner(space, profile.symbols) != profile.banner) return errc::not_found;
    return linux_kernel{std::move(space), *place, std::move(profile)};
  }

  /// "Linux version 6.1.0-50-amd64 (...) #1 SMP ...", without the end of its line. The guest's bytes.
  [[nodiscard]] const std::string& banner() const noexcept { return banner_; }
  [[nodiscard]] const kernel_place& place() const noexcept { return place_; }
  [[nodiscard]] const symbol_table& symbols() const noexcept { return symbols_; }
  [[nodiscard]] const kernel_types& types() const noexcept { return types_; }
  /// Its memory, read by its own page tables.
  [[nodiscard]] space_type& space() noexcept { return space_; }

  /// Forgets how pages were mapped.
  void look_again() noexcept { space_.forget(); }

  /// Where a symbol is. not_found
  [[nodiscard]] result<virtual_address> symbol(std::string_view name) const noexcept {
    const std::optional<vmi::symbol> found = symbols_.find(name);
    if (!found) return errc::not_found;
    return found->address;
  }
  /// The value of a variable of the kernel's. not_found, out_of_range.
  template <std::unsigned_integral T>
  [[nodiscard]] result<T> number(std::string_view name) noexcept {
    const result<virtual_address> at = symbol(name);
    if (!at) return at.error();
    const status_or<T> read = read_number<T>(space_, *at);
    if (!read) return make_error_code(read.code);
    return *read;
  }
  /// The value of a variable that is a pointer. not_found, out_of_range.
  [[nodiscard]] result<virtual_address> pointer(std::string_view name) noexcept {
    const result<std::uint64_t> read = number<std::uint64_t>(name);
    if (!read) return read.error();
    return virtual_address{*read};
  }

  /// What is known by now, to attach faster the next time.
  [[nodiscard]] kernel_profile profile() const { return {banner_, place_.text, symbols_, types_.known()}; }

 private:
  linux_kernel(space_type space, const kernel_place& place, kernel_profile profile)
      : space_(std::move(space)),
        place_(place),
        banner_(std::move(profile.banner)),
        symbols_(std::move(profile.symbols)),
        types_(std::move(profile.types), loader(space_, symbols_), space_.width()) {}

  /// Empty when it cannot be read.
  [[nodiscard]] static std::string read_banner(space_type& space, const symbol_table& symbols) {
    const std::optional<vmi::symbol> at = symbols.find("linux_banner");
    std::array<std::byte, max_banner> bytes{};
    if (!at || space.read(at->address, bytes) != status::ok) return {};
    const std::string_view text = as_text(bytes);
    const std::string_view line = text.substr(0, text.find('\n'));
    constexpr std::string_view begins = "Linux version ";
    return std::string{line.starts_with(begins) && line.size() != text.size() ? line : std::string_view{}};
  }

  /// BTF where the linker put it.
  [[nodiscard]] static kernel_types::btf_loader loader(const space_type& space, const symbol_table& symbols) {
    const auto begin = symbols.find("__start_BTF");
    const auto end = symbols.find("__stop_BTF");
    if (!begin || !end || value(end->address) - value(begin->address) > max_btf_size) return nullptr;
    const auto size = static_cast<std::size_t>(value(end->address) - value(begin->address));
    return [memory = &space.memory(), format = space.format(), root = space.root(), at = begin->address,
            size]() -> result<btf> {
      address_space reader{*memory, format, root};
      std::vector<std::byte> bytes(size);
      const status read = reader.read(at, bytes);
      if (read != status::ok) return make_error_code(read);
      return btf::parse(bytes);
    };
  }

  space_type space_;
  kernel_place place_;
  std::string banner_;
  symbol_table symbols_;
  kernel_types types_;
};

}  // namespace shoal::vmi
