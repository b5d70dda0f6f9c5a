// SPDX-License-Identifier: BSL-1.0
//
// field_layout: where a field of a kernel's structure is; and type_source, whoever knows that: btf_types, out
// of the kernel's memory, or given_types, out of a list that somebody made.
//
//     const btf_types types{parsed, pointer_width::eight};
//     const std::optional<field_layout> pid = types.layout("task_struct", "pid");
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <shoal/vmi/address.hpp>
#include <shoal/vmi/btf.hpp>

namespace shoal::vmi {

struct field_layout {
  std::uint32_t offset = 0;  ///< in bytes from the structure's beginning
  std::uint32_t size = 0;    ///< in bytes; of a bitfield, of the bytes that hold it
  std::uint8_t shift = 0;    ///< of a bitfield: how far above the lowest bit of those bytes it begins
  std::uint8_t bits = 0;     ///< of a bitfield: how many; 0: no bitfield
  friend bool operator==(const field_layout&, const field_layout&) = default;
};

/// `layout(type, path)`: where a field is; nothing when it is not known.
template <class T>
concept type_source = requires(const T& types, std::string_view name) {
  { types.layout(name, name) } -> std::same_as<std::optional<field_layout>>;
};

/// Layouts by BTF, which outlives it.
class btf_types {
 public:
  btf_types(const btf& types, pointer_width width) noexcept : types_(&types), width_(width) {}

  [[nodiscard]] std::optional<field_layout> layout(std::string_view type,
                                                   std::string_view path) const noexcept {
    std::optional<std::uint32_t> owner = types_->find(btf_kind::structure, type);
    if (!owner) owner = types_->find(btf_kind::union_type, type);
    if (!owner) return std::nullopt;
    const std::optional<btf_field> found = types_->field(*owner, path);
    if (!found || found->bit_offset / 8 > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
    field_layout out;
    out.offset = static_cast<std::uint32_t>(found->bit_offset / 8);
    out.shift = static_cast<std::uint8_t>(found->bit_offset % 8);
    if (found->bits != 0) {
      if (found->bits > 64 - 8u) return std::nullopt;  // it may begin in the middle of a byte
      out.bits = static_cast<std::uint8_t>(found->bits);
      out.size = (out.shift + found->bits + 7) / 8;
      return out;
    }
    const auto size = types_->size(found->type, static_cast<std::uint32_t>(width_));
    // The array at a structure's end may have no size.
    if (out.shift != 0 || !size || *size > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
    out.size = static_cast<std::uint32_t>(*size);
    return out;
  }

 private:
  const btf* types_;
  pointer_width width_;
};
static_assert(type_source<btf_types>);

/// Layouts as they were given.
class given_types {
 public:
  struct field {
    std::string type;
    std::string path;
    field_layout layout;
  };

  void add(std::string type, std::string path, field_layout layout) {
    fields_.push_back({std::move(type), std::move(path), layout});
  }
  [[nodiscard]] const std::vector<field>& fields() const noexcept { return fields_; }

  [[nodiscard]] std::optional<field_layout> layout(std::string_view type,
                                                   std::string_view path) const noexcept {
    for (const field& each : fields_) {
      if (each.type == type && each.path == path) return each.layout;
    }
    return std::nullopt;
  }

 private:
  std::vector<field> fields_;
};
static_assert(type_source<given_types>);

}  // namespace shoal::vmi
