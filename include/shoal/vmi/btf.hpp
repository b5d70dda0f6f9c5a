// SPDX-License-Identifier: BSL-1.0
//
// btf: a kernel's types out of its own memory: the BTF that Linux carries for its tracers since 5.2
// (Documentation/bpf/btf.rst of Linux).
//
//     result<btf> types = btf::parse(bytes);                              // a copy of .BTF
//     const std::optional<std::uint32_t> task = types->find(btf_kind::structure, "task_struct");
//     const std::optional<btf_field> pid = types->field(*task, "pid");    // also "se.on_rq",
//     "thread_info.flags"
//
// References among types are numbers from the guest's memory and may lead in circles: each search has a bound.
// Leaves out BTF of modules, which goes on where the kernel's ends, functions, and big-endian BTF.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/base/result.hpp>

namespace shoal::vmi {

/// No more bytes and types are read: a kernel has 6 MB and 160,000.
inline constexpr std::size_t max_btf_size = std::size_t{64} << 20;
inline constexpr std::size_t max_btf_types = 2'000'000;
/// How many names for a type (typedef, const, ...) may stand before it, how deep a field may lie in structures
/// without a name, and how many members are looked at for one field.
inline constexpr std::size_t max_btf_aliases = 64;
inline constexpr std::size_t max_btf_depth = 32;
inline constexpr std::size_t max_btf_members = 100'000;
/// A longer name is cut.
inline constexpr std::size_t max_btf_name = 512;

enum class btf_kind : std::uint8_t {
  nothing = 0,  ///< void, and types that are not there
  integer,
  pointer,
  array,
  structure,
  union_type,
  enumeration,
  forward,
  type_definition,
  volatile_type,
  constant,
  restricted,
  function,
  prototype,
  variable,
  section,
  floating,
  declaration_tag,
  type_tag,
  enumeration64,
};

/// Where a field is in its structure.
struct btf_field {
  std::uint64_t bit_offset = 0;
  std::uint32_t bits = 0;  ///< of a bitfield; 0: it has the size of its type
  std::uint32_t type = 0;
};

class btf {
 public:
  /// Takes the types of `bytes`, which it copies. malformed for what is no BTF, or contradicts itself;
  /// unsupported for another version or kind of type; truncated; limit_exceeded.
  [[nodiscard]] static result<btf> parse(bytes_view bytes) {
    btf out;
    if (bytes.size() < header_size) return errc::truncated;
    if (load_le<std::uint16_t>(bytes.data()) != magic) return errc::malformed;
    if (bytes[2] != std::byte{1}) return errc::unsupported;
    const std::uint64_t head = load_le<std::uint32_t>(bytes.data() + 4);
    const std::uint64_t type_offset = load_le<std::uint32_t>(bytes.data() + 8);
    const std::uint64_t type_size = load_le<std::uint32_t>(bytes.data() + 12);
    const std::uint64_t text_offset = load_le<std::uint32_t>(bytes.data() + 16);
    const std::uint64_t text_size = load_le<std::uint32_t>(bytes.data() + 20);
    if (head < header_size) return errc::malformed;
    if (!contains(bytes.size(), head + type_offset, type_size)) return errc::truncated;
    if (!contains(bytes.size(), head + text_offset, text_size)) return errc::truncated;
    if (type_size > max_btf_size || text_size > max_btf_size) return errc::limit_exceeded;
    const bytes_view types =
        bytes.subspan(static_cast<std::size_t>(head + type_offset), static_cast<std::size_t>(type_size));
    const bytes_view text =
        bytes.subspan(static_cast<std::size_t>(head + text_offset), static_cast<std::size_t>(text_size));
    // Names are read up to their end: the last one has to have one.
    if (text.empty() || text.front() != std::byte{0} || text.back() != std::byte{0}) return errc::malformed;
    out.types_.assign(types.begin(), types.end());
    out.text_ = as_text(text);
    const std::error_code error = out.index();
    if (error) return error;
    return out;
  }

  /// How many bytes BTF has, by the header that begins `bytes`; 0 when that is none.
  [[nodiscard]] static std::uint64_t size_of(bytes_view bytes) noexcept {
    if (bytes.size() < header_size || load_le<std::uint16_t>(bytes.data()) != magic) return 0;
    const auto number = [&](std::size_t at) -> std::uint64_t {
      return load_le<std::uint32_t>(bytes.data() + at);
    };
    const std::uint64_t types_end = number(4) + number(8) + number(12);
    const std::uint64_t text_end = number(4) + number(16) + number(20);
    return types_end > text_end ? types_end : text_end;
  }

  /// Types have numbers from 1 to this.
  [[nodiscard]] std::uint32_t last_type() const noexcept { return static_cast<std::uint32_t>(begins_.size()); }

  [[nodiscard]] btf_kind kind(std::uint32_t type) const noexcept {
    return has(type) ? static_cast<btf_kind>(info(type) >> 24 & 31) : btf_kind::nothing;
  }
  /// Empty for what has no name.
  [[nodiscard]] std::string_view name(std::uint32_t type) const noexcept {
    return has(type) ? text(number(type, 0)) : std::string_view{};
  }

  /// The first type of this kind and name. Looks at each: about 0.3 ms for 100,000.
  [[nodiscard]] std::optional<std::uint32_t> find(btf_kind wanted, std::string_view called) const noexcept {
    for (std::uint32_t type = 1; type <= last_type(); ++type) {
      if (kind(type) == wanted && name(type) == called) return type;
    }
    return std::nullopt;
  }

  /// What a type is behind its other names: typedef, const, volatile, restrict and tags. 0 when they end
  /// nowhere.
  [[nodiscard]] std::uint32_t resolve(std::uint32_t type) const noexcept {
    for (std::size_t i = 0; i < max_btf_aliases; ++i) {
      switch (kind(type)) {
        case btf_kind::type_definition:
        case btf_kind::volatile_type:
        case btf_kind::constant:
        case btf_kind::restricted:
        case btf_kind::variable:
        case btf_kind::type_tag: type = number(type, 2); break;
        default: return has(type) ? type : 0;
      }
    }
    return 0;
  }

  /// The type that a pointer points to, an array consists of. 0 for others and for void.
  [[nodiscard]] std::uint32_t target(std::uint32_t type) const noexcept {
    type = resolve(type);
    if (kind(type) == btf_kind::pointer) return number(type, 2);
    return kind(type) == btf_kind::array ? number(type, 3) : 0;
  }

  /// In bytes, when it is known: of a pointer, `pointer_size`; of an array, all of it.
  [[nodiscard]] std::optional<std::uint64_t> size(std::uint32_t type,
                                                  std::uint32_t pointer_size) const noexcept {
    std::uint64_t times = 1;
    for (std::size_t i = 0; i < max_btf_aliases; ++i) {
      type = resolve(type);
      switch (kind(type)) {
        case btf_kind::pointer: return times * pointer_size;
        case btf_kind::integer:
        case btf_kind::structure:
        case btf_kind::union_type:
        case btf_kind::enumeration:
        case btf_kind::enumeration64:
        case btf_kind::section:
        case btf_kind::floating: return times * number(type, 2);
        case btf_kind::array: {
          const std::uint64_t elements = number(type, 5);
          if (elements != 0 && times > ~std::uint32_t{0} / elements) return std::nullopt;
          times *= elements;
          type = number(type, 3);
          break;
        }
        default: return std::nullopt;
      }
    }
    return std::nullopt;
  }

  /// A field of a structure or union, by its name or by names with dots between for fields of fields. Fields of
  /// structures and unions without a name count as their owner's, as in C.
  [[nodiscard]] std::optional<btf_field> field(std::uint32_t type, std::string_view path) const noexcept {
    std::uint64_t offset = 0;
    std::size_t left = max_btf_members;
    for (;;) {
      const std::size_t dot = path.find('.');
      std::optional<btf_field> found = field_of(type, path.substr(0, dot), left, 0);
      if (!found) return std::nullopt;
      offset += found->bit_offset;
      found->bit_offset = offset;
      if (dot == std::string_view::npos) return found;
      if (found->bits != 0) return std::nullopt;
      path.remove_prefix(dot + 1);
      type = found->type;
    }
  }

 private:
  static constexpr std::uint16_t magic = 0xeb9f;
  static constexpr std::size_t header_size = 24;
  static constexpr std::size_t type_head = 12;  // name, info, size or type

  std::error_code index() {
    const std::size_t size = types_.size();
    for (std::size_t at = 0; at < size;) {
      if (size - at < type_head) return make_error_code(errc::truncated);
      if (begins_.size() == max_btf_types) return make_error_code(errc::limit_exceeded);
      begins_.push_back(static_cast<std::uint32_t>(at));
      const std::uint32_t type = last_type();
      if (number(type, 0) >= text_.size()) return make_error_code(errc::malformed);
      const std::optional<std::size_t> more = rest_of(kind(type), info(type) & 0xffff);
      if (!more) return make_error_code(errc::unsupported);
      at += type_head;
      if (*more > size - at) return make_error_code(errc::truncated);
      at += *more;
    }
    return {};
  }

  /// How many bytes follow the head of a type.
  [[nodiscard]] static std::optional<std::size_t> rest_of(btf_kind kind, std::size_t count) noexcept {
    switch (kind) {
      case btf_kind::pointer:
      case btf_kind::forward:
      case btf_kind::type_definition:
      case btf_kind::volatile_type:
      case btf_kind::constant:
      case btf_kind::restricted:
      case btf_kind::function:
      case btf_kind::floating:
      case btf_kind::type_tag: return 0;
      case btf_kind::integer:
      case btf_kind::variable:
      case btf_kind::declaration_tag: return 4;
      case btf_kind::array: return 12;
      case btf_kind::enumeration:
      case btf_kind::prototype: return 8 * count;
      case btf_kind::structure:
      case btf_kind::union_type:
      case btf_kind::section:
      case btf_kind::enumeration64: return 12 * count;
      case btf_kind::nothing: break;
    }
    return std::nullopt;
  }

  [[nodiscard]] bool has(std::uint32_t type) const noexcept { return type != 0 && type <= begins_.size(); }
  /// The i-th word of a type: 0 name, 1 info, 2 size or type, then what its kind has. @pre has(type)
  [[nodiscard]] std::uint32_t number(std::uint32_t type, std::size_t i) const noexcept {
    return load_le<std::uint32_t>(types_.data() + begins_[type - 1] + 4 * i);
  }
  [[nodiscard]] std::uint32_t info(std::uint32_t type) const noexcept { return number(type, 1); }
  [[nodiscard]] std::string_view text(std::uint32_t at) const noexcept {
    if (at >= text_.size()) return {};
    const std::string_view name = std::string_view{text_}.substr(at, max_btf_name);
    return name.substr(0, name.find('\0'));
  }

  [[nodiscard]] std::optional<btf_field> field_of(std::uint32_t type, std::string_view called,
                                                  std::size_t& left, std::size_t depth) const noexcept {
    type = resolve(type);
    if (kind(type) != btf_kind::structure && kind(type) != btf_kind::union_type) return std::nullopt;
    if (depth == max_btf_depth || called.empty()) return std::nullopt;
    const bool bitfields = info(type) >> 31 != 0;
    const std::size_t count = info(type) & 0xffff;
    for (std::size_t i = 0; i < count; ++i) {
      if (left == 0) return std::nullopt;
      --left;
      const std::string_view name = text(number(type, 3 + 3 * i));
      const std::uint32_t member = number(type, 4 + 3 * i);
      const std::uint32_t where = number(type, 5 + 3 * i);
      const std::uint64_t offset = bitfields ? where & 0xff'ffff : where;
      if (name == called) return btf_field{offset, bitfields ? where >> 24 : bits_of(member), member};
      if (!name.empty()) continue;
      std::optional<btf_field> inner = field_of(member, called, left, depth + 1);
      if (!inner) continue;
      inner->bit_offset += offset;
      return inner;
    }
    return std::nullopt;
  }

  /// Older compilers say it with an integer that has fewer bits than its bytes.
  [[nodiscard]] std::uint32_t bits_of(std::uint32_t type) const noexcept {
    type = resolve(type);
    if (kind(type) != btf_kind::integer) return 0;
    const std::uint32_t bits = number(type, 3) & 0xff;
    return bits == std::uint64_t{number(type, 2)} * 8 ? 0 : bits;
  }

  std::vector<std::byte> types_;
  std::string text_;
  std::vector<std::uint32_t> begins_;
};

}  // namespace shoal::vmi
