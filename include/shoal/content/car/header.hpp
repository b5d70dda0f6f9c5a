// SPDX-License-Identifier: BSL-1.0
//
// The headers of CAR files, the archives in which content-addressed blocks travel
// (ipld.io/specs/transport/car): version 1's list of roots, and version 2's table of what lies where.
//
//     bytes_view rest = payload;
//     result<car_header> header = take_car_header(rest);   // rest now starts at the first section
//
// Readers want content/car/archive.hpp; this is for whoever reads or writes the parts.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/base/result.hpp>
#include <shoal/cbor/head.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/content/varint.hpp>

namespace shoal {

/// A version 1 header longer than this many bytes is refused: room for 20,000 roots.
inline constexpr std::size_t max_car_header_size = 1u << 20;

/// What a version 1 archive says of itself: where the DAGs in it start. May be empty.
struct car_header {
  std::vector<cid> roots;
};

namespace detail {

// The header is DAG-CBOR of one fixed shape: besides literals, two kinds of heads occur.
inline result<std::size_t> take_car_length(bytes_view& input, cbor::major type) noexcept {
  const status_or<cbor::head> head = cbor::take_head(input);
  if (!head) return make_error_code(head.code);
  if (head->type != type || head->argument > max_car_header_size) return errc::malformed;
  return static_cast<std::size_t>(head->argument);
}

inline bool take_literal(bytes_view& input, std::string_view literal) noexcept {
  if (!as_text(input).starts_with(literal)) return false;
  input = input.subspan(literal.size());
  return true;
}

inline result<std::vector<cid>> take_car_roots(bytes_view& input) {
  const result<std::size_t> count = take_car_length(input, cbor::major::array);
  if (!count) return count.error();
  std::vector<cid> roots;
  for (std::size_t i = 0; i < *count; ++i) {  // grows as roots arrive, never by the count announced
    if (!take_literal(input, "\xd8\x2a")) return errc::malformed;
    const result<std::size_t> size = take_car_length(input, cbor::major::bytes);
    if (!size) return size.error();
    if (*size > input.size()) return errc::truncated;
    if (*size == 0 || input[0] != std::byte{0}) return errc::malformed;
    const result<cid> root = cid::decode(input.subspan(1, *size - 1));
    if (!root) return root.error();
    roots.push_back(*root);
    input = input.subspan(*size);
  }
  return roots;
}

}  // namespace detail

/// Takes a version 1 header, with the length in front of it, off the front of `input`.
///
/// errc::unsupported for another version (a version 2 file starts with content/car/archive.hpp's pragma
/// instead), errc::limit_exceeded past max_car_header_size, errc::truncated, errc::malformed. `input` is
/// unchanged on error.
[[nodiscard]] inline result<car_header> take_car_header(bytes_view& input) {
  bytes_view rest = input;
  const result<std::uint64_t> length = take_varint(rest);
  if (!length) return length.error();
  if (*length > max_car_header_size) return errc::limit_exceeded;
  if (*length > rest.size()) return errc::truncated;
  bytes_view map = rest.first(static_cast<std::size_t>(*length));
  rest = rest.subspan(map.size());

  const bool has_roots = detail::take_literal(map, "\xa2\x65roots");
  if (!has_roots && !detail::take_literal(map, "\xa1")) return errc::malformed;
  car_header header;
  if (has_roots) {
    result<std::vector<cid>> roots = detail::take_car_roots(map);
    // the map's end is the header's end: what is missing there is not going to follow
    if (roots.error() == errc::truncated) return errc::malformed;
    if (!roots) return roots.error();
    header.roots = std::move(*roots);
  }
  if (!detail::take_literal(map, "\x67version")) return errc::malformed;
  if (!has_roots || !detail::take_literal(map, "\x01"))
    return map.empty() ? errc::malformed : errc::unsupported;
  if (!map.empty()) return errc::malformed;
  input = rest;
  return header;
}

/// What encode_car_header gives is never longer than this, in bytes.
inline constexpr std::size_t max_one_root_size = cid::max_size + 32;

/// A version 1 header with one root, with its length in front.
[[nodiscard]] inline std::vector<std::byte> encode_car_header(const cid& root) {
  std::vector<std::byte> map;
  const auto append = [&map](std::string_view text) {
    const bytes_view bytes = as_bytes(text);
    map.insert(map.end(), bytes.begin(), bytes.end());
  };
  append("\xa2\x65roots\x81\xd8\x2a");
  const std::size_t size = root.encoded_size() + 1;  // the zero in front says "binary, no multibase"
  std::array<std::byte, cbor::max_head_size> head;
  const std::size_t head_size = cbor::put_head(head.data(), cbor::major::bytes, size);
  map.insert(map.end(), head.begin(), head.begin() + static_cast<std::ptrdiff_t>(head_size));
  map.push_back(std::byte{0});
  root.append_to(map);
  append("\x67version\x01");
  std::vector<std::byte> header;
  append_varint(header, map.size());
  header.insert(header.end(), map.begin(), map.end());
  return header;
}
/// What every version 2 file starts with: a version 1 header that says "version 2" and nothing else.
inline constexpr std::string_view car_v2_pragma{"\x0a\xa1\x67version\x02", 11};

/// The fixed part of a version 2 file, right behind the pragma. Offsets are from the start of the file, in
/// bytes.
struct car_v2_header {
  static constexpr std::size_t encoded_size = 40;

  bool fully_indexed = false;      ///< the index names every section, those with identity hashes included
  std::uint64_t data_offset = 0;   ///< where the version 1 payload starts
  std::uint64_t data_size = 0;     ///< its size
  std::uint64_t index_offset = 0;  ///< where the index starts; 0: there is none

  /// Reads encoded_size bytes and checks them against each other, not against the file.
  /// errc::truncated, errc::malformed for parts that overlap.
  [[nodiscard]] static result<car_v2_header> decode(bytes_view bytes) noexcept {
    if (bytes.size() < encoded_size) return errc::truncated;
    car_v2_header header;
    header.fully_indexed = (bytes[0] & std::byte{0x80}) != std::byte{0};
    header.data_offset = load_le<std::uint64_t>(bytes.data() + 16);
    header.data_size = load_le<std::uint64_t>(bytes.data() + 24);
    header.index_offset = load_le<std::uint64_t>(bytes.data() + 32);
    if (header.data_offset < car_v2_pragma.size() + encoded_size) return errc::malformed;
    if (header.data_size > UINT64_MAX - header.data_offset) return errc::malformed;
    if (header.index_offset != 0 && header.index_offset < header.data_offset + header.data_size) {
      return errc::malformed;
    }
    return header;
  }

  [[nodiscard]] std::array<std::byte, encoded_size> encode() const noexcept {
    std::array<std::byte, encoded_size> bytes{};
    if (fully_indexed) bytes[0] = std::byte{0x80};  // the specification counts bits from the left
    store_le<std::uint64_t>(bytes.data() + 16, data_offset);
    store_le<std::uint64_t>(bytes.data() + 24, data_size);
    store_le<std::uint64_t>(bytes.data() + 32, index_offset);
    return bytes;
  }
};

}  // namespace shoal
