// SPDX-License-Identifier: BSL-1.0
//
// record, object: a kernel's structures read as its own source reads them: fields by name, found out once, and
// every read translated.
//
//     using task_struct = record<"task_struct", "pid", "comm", "mm", "tasks">;
//     using mm_struct = record<"mm_struct", "pgd">;
//     const result<task_struct> task = task_struct::resolve(types);
//     object init{kernel, *task, init_task};
//     const status_or<std::uint64_t> pid = init.number<"pid">();
//     if (auto mm = init.follow<"mm">(*memory_record)) use(mm->pointer<"pgd">());
//
// A field that the record does not name is an error when compiling. Leaves out writing.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/base/result.hpp>
#include <shoal/vmi/address_space.hpp>
#include <shoal/vmi/field_layout.hpp>

namespace shoal::vmi {

/// A name as an argument of a template.
template <std::size_t N>
struct fixed_name {
  char text[N]{};
  consteval fixed_name(const char (&from)[N]) noexcept { std::copy_n(from, N, text); }
  [[nodiscard]] constexpr std::string_view view() const noexcept { return {text, N - 1}; }
};

/// Where fields of a structure are. Paths with dots name fields of fields.
template <fixed_name Type, fixed_name... Fields>
class record {
 public:
  /// not_found when a field is not known.
  template <type_source Types>
  [[nodiscard]] static result<record> resolve(const Types& types) {
    record out;
    for (std::size_t i = 0; i < names.size(); ++i) {
      const std::optional<field_layout> found = types.layout(Type.view(), names[i]);
      if (!found) return errc::not_found;
      out.fields_[i] = *found;
    }
    return out;
  }

  template <fixed_name Field>
  [[nodiscard]] constexpr const field_layout& field() const noexcept {
    constexpr std::size_t i = index_of(Field.view());
    static_assert(i < sizeof...(Fields), "the record does not name this field");
    return fields_[i];
  }

  /// The structure in which a field lies at `address`: the kernel's container_of.
  template <fixed_name Field>
  [[nodiscard]] constexpr virtual_address owner(virtual_address address) const noexcept {
    return address - field<Field>().offset;
  }

 private:
  static constexpr std::array<std::string_view, sizeof...(Fields)> names{Fields.view()...};

  static constexpr std::size_t index_of(std::string_view name) noexcept {
    return static_cast<std::size_t>(std::ranges::find(names, name) - names.begin());
  }

  std::array<field_layout, sizeof...(Fields)> fields_{};
};

/// A structure of the guest's at an address. Each read goes to the guest and may fail.
template <virtual_memory Space, class Record>
class object {
 public:
  /// @param space, layout  outlive the object
  object(Space& space, const Record& layout, virtual_address address) noexcept
      : space_(&space), record_(&layout), address_(address) {}

  [[nodiscard]] virtual_address address() const noexcept { return address_; }

  template <fixed_name Field>
  [[nodiscard]] virtual_address address_of() const noexcept {
    return address_ + record_->template field<Field>().offset;
  }

  /// A number of up to eight bytes, or a bitfield, without its sign. unsupported for a larger field.
  template <fixed_name Field>
  [[nodiscard]] status_or<std::uint64_t> number() const noexcept {
    const field_layout& where = record_->template field<Field>();
    std::array<std::byte, 8> bytes{};
    if (where.size > bytes.size()) return status::unsupported;
    const status read = space_->read(address_of<Field>(), bytes_span{bytes}.first(where.size));
    if (read != status::ok) return read;
    const std::uint64_t all = load_le<std::uint64_t>(bytes.data());
    if (where.bits == 0) return all;
    return all >> where.shift & ((std::uint64_t{1} << where.bits) - 1);
  }

  /// unsupported for a field that is not of a pointer's size.
  template <fixed_name Field>
  [[nodiscard]] status_or<virtual_address> pointer() const noexcept {
    const field_layout& where = record_->template field<Field>();
    if (where.size != static_cast<std::uint32_t>(space_->width())) return status::unsupported;
    return read_pointer(*space_, address_of<Field>());
  }

  /// As much of a field as `out` takes: the text up to its first zero.
  template <fixed_name Field>
  [[nodiscard]] status_or<std::string_view> text(std::span<char> out) const noexcept {
    const std::size_t size = std::min<std::size_t>(record_->template field<Field>().size, out.size());
    const status read = space_->read(address_of<Field>(), std::as_writable_bytes(out.first(size)));
    if (read != status::ok) return read;
    const std::string_view all{out.data(), size};
    return all.substr(0, all.find('\0'));
  }

  /// What a pointer points to, as a record. Nothing for the null pointer and for one that cannot be read.
  template <fixed_name Field, class Other>
  [[nodiscard]] std::optional<object<Space, Other>> follow(const Other& layout) const noexcept {
    const status_or<virtual_address> to = pointer<Field>();
    if (!to || value(*to) == 0) return std::nullopt;
    return object<Space, Other>{*space_, layout, *to};
  }

 private:
  Space* space_;
  const Record* record_;
  virtual_address address_;
};

}  // namespace shoal::vmi
