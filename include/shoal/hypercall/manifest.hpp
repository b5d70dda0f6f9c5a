// SPDX-License-Identifier: BSL-1.0
//
// manifest: the devices that a unikernel asks for, from the MFT1 note of its file to the copy that it finds in
// its memory. Freestanding.
//
//     status_or<manifest> wanted = manifest::parse(note);
//     for (const manifest_entry& e : wanted->devices()) print(e.name_text(), e.type);
//     const std::uint64_t handle = wanted->find("storage", device_type::block);       // 0: does not ask for it
//
// A device's handle is the index of its entry. The file chooses names and types: any bytes, any number.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include <shoal/base/bytes.hpp>
#include <shoal/base/status.hpp>
#include <shoal/hypercall/abi.hpp>

namespace shoal::hypercall {

/// Those from `gpio` on are ours. They are below reserved_first because a Solo5 tender lets pass what is above.
enum class device_type : std::uint32_t {
  block = 1,
  net = 2,
  gpio = 0x2053'0001,
  i2c = 0x2053'0002,
  virtio_gpio = 0x2053'0010,   ///< lines as the registers of a virtio-gpio device, virtio-mmio version 2
  bcm2835_gpio = 0x2053'0011,  ///< lines as the GPIO registers of a BCM2835
  pl061_gpio = 0x2053'0012,    ///< lines as the registers of a PL061
  reserved_first = 0x4000'0000,
};

/// Whether a guest reaches the device by loads and stores, and not by calls: see register_windows.hpp.
[[nodiscard]] constexpr bool has_registers(device_type kind) noexcept {
  return kind == device_type::virtio_gpio || kind == device_type::bcm2835_gpio ||
         kind == device_type::pl061_gpio;
}

/// One of them, as it lies in the file and in the guest's memory.
struct manifest_entry {
  static constexpr std::size_t name_size = 68;  ///< the last is always zero

  char name[name_size]{};
  little32 type;
  std::byte properties[16]{};  ///< by type: see below
  little64 backing;            ///< private to a tender; ours leaves it zero
  std::uint8_t attached = 0;
  std::uint8_t padding[7]{};

  [[nodiscard]] constexpr device_type kind() const noexcept {
    return static_cast<device_type>(std::uint32_t{type});
  }
  /// Up to the first zero byte. Not checked for what a terminal would do with it.
  [[nodiscard]] constexpr std::string_view name_text() const noexcept {
    std::size_t size = 0;
    while (size < name_size && name[size] != 0) ++size;
    return {name, size};
  }

  // Of a block device: bytes, bytes, block_feature. Solo5 knows the first two.
  [[nodiscard]] std::uint64_t capacity() const noexcept { return load_le<std::uint64_t>(properties); }
  [[nodiscard]] std::uint16_t block_size() const noexcept { return load_le<std::uint16_t>(properties + 8); }
  [[nodiscard]] std::uint32_t block_features() const noexcept {
    return load_le<std::uint32_t>(properties + 12);
  }
  void attach_block(std::uint64_t bytes, std::uint16_t block, std::uint32_t features) noexcept {
    attach();
    store_le<std::uint64_t>(properties, bytes);
    store_le<std::uint16_t>(properties + 8, block);
    store_le<std::uint32_t>(properties + 12, features);
  }

  // Of a network.
  [[nodiscard]] std::span<const std::byte, 6> mac() const noexcept {
    return std::span<const std::byte, 6>{properties, 6};
  }
  [[nodiscard]] std::uint16_t mtu() const noexcept { return load_le<std::uint16_t>(properties + 6); }
  void attach_net(std::span<const std::byte, 6> address, std::uint16_t largest) noexcept {
    attach();
    std::copy(address.begin(), address.end(), properties);
    store_le<std::uint16_t>(properties + 6, largest);
  }

  // Of a GPIO chip: lines, gpio_feature.
  [[nodiscard]] std::uint32_t line_count() const noexcept { return load_le<std::uint32_t>(properties); }
  [[nodiscard]] std::uint32_t gpio_features() const noexcept { return load_le<std::uint32_t>(properties + 4); }
  void attach_gpio(std::uint32_t lines, std::uint32_t features) noexcept {
    attach();
    store_le<std::uint32_t>(properties, lines);
    store_le<std::uint32_t>(properties + 4, features);
  }

  // Of registers: a guest-physical address, bytes.
  [[nodiscard]] std::uint64_t registers_address() const noexcept { return load_le<std::uint64_t>(properties); }
  [[nodiscard]] std::uint32_t registers_size() const noexcept { return load_le<std::uint32_t>(properties + 8); }
  void attach_registers(std::uint64_t address, std::uint32_t size) noexcept {
    attach();
    store_le<std::uint64_t>(properties, address);
    store_le<std::uint32_t>(properties + 8, size);
  }

  /// Of what has no properties.
  void attach() noexcept {
    std::fill_n(properties, sizeof properties, std::byte{0});
    attached = 1;
  }
};
static_assert(sizeof(manifest_entry) == 104 && offsetof(manifest_entry, type) == 68);
static_assert(offsetof(manifest_entry, properties) == 72 && offsetof(manifest_entry, backing) == 88);
static_assert(offsetof(manifest_entry, attached) == 96);

class manifest {
 public:
  static constexpr std::uint32_t current_version = 1;
  static constexpr std::size_t max_entries = 64;  ///< with the first, which is no device
  static constexpr std::size_t header_size = 8;
  static constexpr std::size_t max_bytes = header_size + max_entries * sizeof(manifest_entry);

  /// One without devices.
  manifest() noexcept {
    wire_.version = current_version;
    wire_.count = 1;
    wire_.entries[0].type = static_cast<std::uint32_t>(device_type::reserved_first);
  }

  /// Reads exactly one manifest that nobody has attached anything to. What of it is private to a tender is
  /// zeroed.
  /// Errors: truncated (longer than `bytes`), unsupported (version), limit_exceeded (entries), malformed.
  [[nodiscard]] static status_or<manifest> parse(bytes_view bytes) noexcept {
    manifest read;
    if (const status s = read.assign(bytes); s != status::ok) return s;
    return read;
  }
  /// The same without a copy of its 6 KiB. One that failed is not to be used.
  [[nodiscard]] status assign(bytes_view bytes) noexcept {
    if (bytes.size() < header_size) return status::truncated;
    if (load_le<std::uint32_t>(bytes.data()) != current_version) return status::unsupported;
    const auto count = load_le<std::uint32_t>(bytes.data() + 4);
    if (count > max_entries) return status::limit_exceeded;
    const std::size_t size = header_size + count * sizeof(manifest_entry);
    if (bytes.size() < size) return status::truncated;
    if (count == 0 || bytes.size() != size) return status::malformed;
    std::memcpy(&wire_, bytes.data(), size);
    for (manifest_entry& entry : std::span{wire_.entries}.first(count)) {
      if (entry.name[manifest_entry::name_size - 1] != 0 || entry.attached != 0) return status::malformed;
      std::fill_n(entry.properties, sizeof entry.properties, std::byte{0});
      entry.backing = 0;
    }
    const manifest_entry& first = wire_.entries[0];
    if (first.kind() != device_type::reserved_first || first.name[0] != 0) return status::malformed;
    return status::ok;
  }

  /// Asks for one more. For who makes a unikernel. invalid_argument for a name that is empty, has a zero byte
  /// in it or is longer than 67; no_space for more than 63 devices.
  status add(std::string_view name, device_type type) noexcept {
    if (name.empty() || name.size() >= manifest_entry::name_size || name.find('\0') != name.npos) {
      return status::invalid_argument;
    }
    if (wire_.count == max_entries) return status::no_space;
    manifest_entry& entry = wire_.entries[wire_.count];
    std::copy(name.begin(), name.end(), entry.name);
    entry.type = static_cast<std::uint32_t>(type);
    wire_.count = wire_.count + 1;
    return status::ok;
  }

  /// The handle of a device, or 0.
  [[nodiscard]] std::uint64_t find(std::string_view name, device_type type) const noexcept {
    for (std::uint32_t i = 1; i < wire_.count; ++i) {
      if (wire_.entries[i].kind() == type && wire_.entries[i].name_text() == name) return i;
    }
    return 0;
  }
  /// Devices only: the one at index i has the handle i + 1.
  [[nodiscard]] std::span<const manifest_entry> devices() const noexcept {
    return std::span{wire_.entries}.subspan(1, wire_.count - 1);
  }
  /// @pre handle is one that find() gave
  [[nodiscard]] manifest_entry& operator[](std::uint64_t handle) noexcept {
    return wire_.entries[static_cast<std::size_t>(handle)];
  }
  [[nodiscard]] const manifest_entry& operator[](std::uint64_t handle) const noexcept {
    return wire_.entries[static_cast<std::size_t>(handle)];
  }

  /// As the guest and its file have it. Lives as long as the manifest.
  [[nodiscard]] bytes_view bytes() const noexcept {
    return {reinterpret_cast<const std::byte*>(&wire_), header_size + wire_.count * sizeof(manifest_entry)};
  }

 private:
  struct wire {
    little32 version;
    little32 count;
    std::array<manifest_entry, max_entries> entries;
  };
  static_assert(sizeof(wire) == max_bytes && offsetof(wire, entries) == header_size);

  wire wire_{};
};

}  // namespace shoal::hypercall
