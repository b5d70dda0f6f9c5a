// SPDX-License-Identifier: BSL-1.0
//
// The notes that make a program a unikernel: which ABI it is for, and which devices it wants. Of the guest.
// Freestanding.
//
//     [[gnu::section(".note.solo5.abi"), gnu::used]] constexpr abi_section abi;
//     [[gnu::section(".note.solo5.manifest"), gnu::used]] constexpr auto devices = manifest_of(
//         wanted_device{"disk", device_type::block}, wanted_device{"pins", device_type::gpio});
//     extern "C" void unikernel_start(const boot_info* info) { ... }  // ends with machine::halt()
//
// Linked with hvt.ld, which lies beside this header. The stack is as after a call: a function can be the entry.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <shoal/hypercall/abi.hpp>
#include <shoal/hypercall/manifest.hpp>

namespace shoal::hypercall::guest {

/// What comes before the content of a note.
struct note_header {
  little32 name_size = 6;
  little32 size;
  little32 type;
  char name[8] = "Solo5";
};
static_assert(sizeof(note_header) == 20);

struct abi_section {
  note_header header{.size = sizeof(abi_note), .type = abi_note_type};
  abi_note abi{.target = hvt_target, .version = hvt_version};
};
static_assert(sizeof(abi_section) == 36 && offsetof(abi_section, abi) == 20);

struct wanted_device {
  std::string_view name;  ///< 1 to 67 bytes: longer ones do not compile
  device_type type;
};

/// @tparam N  devices, at most 63
template <std::size_t N>
struct manifest_section {
  static_assert(N < manifest::max_entries);

  note_header header{.size = 4 + manifest::header_size + (N + 1) * sizeof(manifest_entry),
                     .type = manifest_note_type};
  little32 padding;
  little32 version = manifest::current_version;
  little32 count = static_cast<std::uint32_t>(N + 1);
  manifest_entry entries[N + 1]{};
};
static_assert(sizeof(manifest_section<0>) == 32 + 104 && offsetof(manifest_section<0>, version) == 24);

namespace detail {
void a_name_has_1_to_67_bytes();  // not to be called when compiling: an error that says why

consteval void fill(manifest_entry& entry, const wanted_device& device) {
  std::size_t i = 0;
  for (const char c : device.name) entry.name[i++] = c;
  if (i == 0 || entry.name[manifest_entry::name_size - 1] != 0) a_name_has_1_to_67_bytes();
  entry.type = static_cast<std::uint32_t>(device.type);
}
}  // namespace detail

/// The manifest that asks for these, in this order: handles are 1, 2 and so on.
template <std::same_as<wanted_device>... Device>
[[nodiscard]] consteval manifest_section<sizeof...(Device)> manifest_of(const Device&... devices) {
  manifest_section<sizeof...(Device)> section;
  section.entries[0].type = static_cast<std::uint32_t>(device_type::reserved_first);
  [[maybe_unused]] std::size_t next = 1;
  (detail::fill(section.entries[next++], devices), ...);
  return section;
}

}  // namespace shoal::hypercall::guest
