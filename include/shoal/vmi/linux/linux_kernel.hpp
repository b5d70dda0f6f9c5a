// SPDX-License-Identifier: BSL-1.0
//
// linux_kernel: a Linux kernel found in the memory of its machine, with nothing known of either: page tables,
// place of its code, symbols, types. What every check starts from.
//
//     auto kernel = linux_kernel<ram>::attach(memory);                     // 0.1 s
//     if (!kernel) return kernel.error();
//     print(kernel->banner());
//     const auto jiffies = kernel->number<std::uint64_t>("jiffies_64");
//     kernel->look_again();                                                // before each check of a guest that
//     runs
//
// Kernels for x86-64, 64-bit ARM and 32-bit ARM. What a kernel has no symbols or types for is found by what it
// looks like (missing_symbols.hpp, infer_tasks.hpp), or is in a file of its build (kernel_file.hpp). Belongs to
// one thread.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <shoal/base/result.hpp>
#include <shoal/vmi/address_space.hpp>
#include <shoal/vmi/find_root.hpp>
#include <shoal/vmi/linux/find_linux.hpp>
#include <shoal/vmi/linux/find_x86_linux.hpp>
#include <shoal/vmi/linux/kernel_file.hpp>
#include <shoal/vmi/linux/kernel_image.hpp>
#include <shoal/vmi/linux/kernel_profile.hpp>
#include <shoal/vmi/linux/kernel_types.hpp>
#include <shoal/vmi/linux/missing_symbols.hpp>
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
  [[nodiscard]] static result<linux_kernel> attach(const Memory& memory) { return find(memory, {}, nullptr); }

  /// The same with symbols and types of the kernel's build. On x86-64 the kernel needs no symbols of its own.
  /// invalid_argument when the file is of another kernel.
  [[nodiscard]] static result<linux_kernel> attach(const Memory& memory, kernel_file file) {
    return find(memory, {}, &file);
  }

  /// The same for a kernel that is known: on x86-64 in a fraction of the time. not_found when another one runs.
  [[nodiscard]] static result<linux_kernel> attach(const Memory& memory, kernel_profile profile) {
    std::vector<kernel_profile> builds;
    builds.push_back(std::move(profile));
    const result<found_x86_linux> known = find_x86_linux(memory, builds);
    profile = std::move(builds.front());
    if (known) {
      if (known->build != 0) return errc::not_found;
      space_type space{memory, known->place.format, known->place.root};
      kernel_types::btf_loader load = btf_loader(space, profile.symbols);
      return linux_kernel{std::move(space), known->place, std::move(profile), std::move(load)};
    }
    result<linux_kernel> found = find(memory, std::move(profile.types), nullptr);
    if (found && found->banner() != profile.banner) return errc::not_found;
    if (found && found->symbols_.size() < profile.symbols.size()) {  // a file told more than the kernel does
      profile.symbols.move(first_moved(profile.symbols), value(found->place_.text) - value(profile.text));
      found->symbols_ = std::move(profile.symbols);
    }
    return found;
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
    const result<virtual_address> at = symbol(name);
    if (!at) return at.error();
    const status_or<virtual_address> read = read_pointer(space_, *at);
    if (!read) return make_error_code(read.code);
    return *read;
  }

  /// What is known by now, to attach faster the next time.
  [[nodiscard]] kernel_profile profile() const { return {banner_, place_.text, symbols_, types_.known()}; }

 private:
  linux_kernel(space_type space, const kernel_place& place, kernel_profile profile,
               kernel_types::btf_loader load)
      : space_(std::move(space)),
        place_(place),
        banner_(std::move(profile.banner)),
        symbols_(std::move(profile.symbols)),
        types_(std::move(profile.types), std::move(load), space_.width()) {}

  /// @param file  may be null
  [[nodiscard]] static result<linux_kernel> find(const Memory& memory, given_types known, kernel_file* file) {
    result<found_linux> found = find_linux(memory);
    if (!found && file != nullptr) {
      const std::vector<kernel_place> places = find_x86_kernels(memory);
      if (!places.empty()) found = found_linux{places.front(), {}};
    }
    if (!found) return found.error();
    space_type space{memory, found->place.format, found->place.root};
    symbol_table& symbols = found->symbols;
    if (file != nullptr) {
      const auto slide = find_slide(space, kernel_image{space, found->place}, symbols, *file);
      if (!slide) return errc::invalid_argument;
      symbols = std::move(file->symbols);
      symbols.move(first_moved(symbols), *slide);
    }
    const auto loader = [&]() -> kernel_types::btf_loader {
      if (file != nullptr && file->types) return [types = *file->types]() -> result<btf> { return types; };
      return btf_loader(space, symbols);
    };
    kernel_types::btf_loader load = loader();
    if (!symbols.find("linux_banner") || !symbols.find("init_task") || !load) {
      add_missing_symbols(space, found->place, symbols, known);
      load = loader();
    }
    const std::optional<vmi::symbol> at = symbols.find("linux_banner");
    std::string banner = at ? read_banner(space, at->address) : std::string{};
    if (banner.empty()) return errc::not_found;
    kernel_profile now{std::move(banner), found->place.text, std::move(symbols), std::move(known)};
    return linux_kernel{std::move(space), found->place, std::move(now), std::move(load)};
  }

  space_type space_;
  kernel_place place_;
  std::string banner_;
  symbol_table symbols_;
  kernel_types types_;
};

}  // namespace shoal::vmi
