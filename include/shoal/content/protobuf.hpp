// SPDX-License-Identifier: BSL-1.0
//
// The part of the protobuf wire format that content needs: take a message apart field by field, and append
// fields. Views into the input, no allocation, no exceptions.
//
//     while (!rest.empty()) {
//       const result<protobuf_field> field = take_protobuf_field(rest);
//       if (!field) return field.error();
//       if (field->is_bytes(2)) use(field->bytes);
//     }
//
// Leaves out schemas, groups (refused) and signed zigzag integers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/base/result.hpp>

namespace shoal {

/// How a field's value is laid out (protobuf encoding guide, "Message Structure").
enum class protobuf_type : std::uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

/// One field of a message.
struct protobuf_field {
  std::uint32_t number = 0;
  protobuf_type type = protobuf_type::varint;
  std::uint64_t value = 0;  ///< of a varint or a fixed-size number
  bytes_view bytes;         ///< of a string, bytes or message; points into the input

  [[nodiscard]] bool is_varint(std::uint32_t n) const noexcept {
    return number == n && type == protobuf_type::varint;
  }
  [[nodiscard]] bool is_bytes(std::uint32_t n) const noexcept {
    return number == n && type == protobuf_type::bytes;
  }
};

/// Takes one varint of at most 64 bits off the front of `input`, which is unchanged on error. Unlike a
/// multiformats varint it may have ten bytes and need not be the shortest form.
///
/// errc::truncated when the input ends inside it, errc::malformed when it does not fit into 64 bits.
[[nodiscard]] inline result<std::uint64_t> take_protobuf_varint(bytes_view& input) noexcept {
  constexpr std::size_t longest = 10;
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < longest; ++i) {
    if (i == input.size()) return errc::truncated;
    const auto byte = std::to_integer<std::uint64_t>(input[i]);
    if (i == longest - 1 && byte > 1) return errc::malformed;
    value |= (byte & 0x7f) << (7 * i);
    if (byte < 0x80) {
      input = input.subspan(i + 1);
      return value;
    }
  }
  return errc::malformed;
}

/// Takes one field off the front of `input`, which is unchanged on error.
///
/// errc::truncated when the field does not fit into the input, errc::malformed for field number 0 or one past
/// 2^29 - 1 and for an unknown wire type, errc::unsupported for a group.
[[nodiscard]] inline result<protobuf_field> take_protobuf_field(bytes_view& input) noexcept {
  constexpr std::uint64_t highest_number = (1u << 29) - 1;
  bytes_view rest = input;
  const result<std::uint64_t> key = take_protobuf_varint(rest);
  if (!key) return key.error();
  if (*key >> 3 == 0 || *key >> 3 > highest_number) return errc::malformed;
  protobuf_field field;
  field.number = static_cast<std::uint32_t>(*key >> 3);
  field.type = protobuf_type{static_cast<std::uint8_t>(*key & 7)};
  std::size_t taken = 0;
  switch (*key & 7) {
    case 0: {
      const result<std::uint64_t> value = take_protobuf_varint(rest);
      if (!value) return value.error();
      field.value = *value;
      break;
    }
    case 1:
      if (rest.size() < 8) return errc::truncated;
      field.value = load_le<std::uint64_t>(rest.data());
      taken = 8;
      break;
    case 2: {
      const result<std::uint64_t> length = take_protobuf_varint(rest);
      if (!length) return length.error();
      if (*length > rest.size()) return errc::truncated;
      taken = static_cast<std::size_t>(*length);
      field.bytes = rest.first(taken);
      break;
    }
    case 5:
      if (rest.size() < 4) return errc::truncated;
      field.value = load_le<std::uint32_t>(rest.data());
      taken = 4;
      break;
    case 3:
    case 4: return errc::unsupported;
    default: return errc::malformed;
  }
  input = rest.subspan(taken);
  return field;
}

/// How many bytes the varint of `value` takes.
[[nodiscard]] constexpr std::size_t protobuf_varint_size(std::uint64_t value) noexcept {
  std::size_t size = 1;
  for (; value >= 0x80; value >>= 7) ++size;
  return size;
}

/// Appends a varint, in the shortest form.
inline void append_protobuf_varint(std::vector<std::byte>& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<std::byte>(value | 0x80));
  out.push_back(static_cast<std::byte>(value));
}

/// Appends a number field.
inline void append_protobuf_number(std::vector<std::byte>& out, std::uint32_t number, std::uint64_t value) {
  append_protobuf_varint(out, number << 3);
  append_protobuf_varint(out, value);
}

/// Appends what stands before the content of a string, bytes or message field of `size` bytes.
inline void append_protobuf_length(std::vector<std::byte>& out, std::uint32_t number, std::uint64_t size) {
  append_protobuf_varint(out, number << 3 | static_cast<std::uint32_t>(protobuf_type::bytes));
  append_protobuf_varint(out, size);
}

/// Appends a string, bytes or message field.
inline void append_protobuf_bytes(std::vector<std::byte>& out, std::uint32_t number, bytes_view bytes) {
  append_protobuf_length(out, number, bytes.size());
  out.insert(out.end(), bytes.begin(), bytes.end());
}

}  // namespace shoal
