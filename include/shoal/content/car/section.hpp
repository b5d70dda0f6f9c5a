// SPDX-License-Identifier: BSL-1.0
//
// Sections of a CAR: a length, a CID, and the block that the CID names, one behind the other.
//
//     for (std::uint64_t at = first; at < payload.size();) {
//       result<car_section> section = car_section_at(payload, at);
//       if (!section) return section.error();
//       at += section->size;
//     }
//
// Nothing is hashed here: see content/verify.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/content/varint.hpp>
#include <shoal/content/verify.hpp>

namespace shoal {

/// No section's length and CID together take more bytes than this.
inline constexpr std::size_t max_car_section_head_size = max_varint_size + cid::max_size;

/// What stands in front of a section's block.
struct car_section_head {
  cid id;
  std::size_t size = 0;          ///< of the length and the CID, in bytes
  std::uint64_t block_size = 0;  ///< of what follows, at most max_block_size
};

/// Reads the head of a section.
///
/// @param input      the section's start: max_car_section_head_size bytes of it, or all there are
/// @param available  how many bytes there are from the section's start to the end of the payload
/// @return errc::truncated when the section does not end inside the payload, errc::malformed when its CID does
/// not
///         end inside the section or the length is zero, errc::limit_exceeded past max_block_size
[[nodiscard]] inline result<car_section_head> read_car_section_head(bytes_view input,
                                                                    std::uint64_t available) noexcept {
  bytes_view rest = input;
  const result<std::uint64_t> length = take_varint(rest);
  if (!length) return length.error();
  if (*length == 0) return errc::malformed;
  if (*length > max_block_size + cid::max_size) return errc::limit_exceeded;
  const std::size_t prefix = input.size() - rest.size();
  if (*length > available - prefix) return errc::truncated;
  rest = rest.first(std::min(rest.size(), static_cast<std::size_t>(*length)));
  const std::size_t before = rest.size();
  const result<cid> id = cid::take(rest);
  if (id.error() == errc::truncated) return errc::malformed;
  if (!id) return id.error();
  const std::size_t id_size = before - rest.size();
  const std::uint64_t block_size = *length - id_size;
  if (block_size > max_block_size) return errc::limit_exceeded;
  return car_section_head{*id, prefix + id_size, block_size};
}

/// One section of a payload. `block` is as alive as the payload, and has not been verified.
struct car_section {
  cid id;
  bytes_view block;
  std::uint64_t size = 0;  ///< of the whole section, in bytes
};

/// The section that starts `offset` bytes into the payload. Errors as read_car_section_head, and
/// errc::out_of_range when nothing starts there.
[[nodiscard]] inline result<car_section> car_section_at(bytes_view payload, std::uint64_t offset) noexcept {
  if (offset >= payload.size()) return errc::out_of_range;
  const bytes_view rest = payload.subspan(static_cast<std::size_t>(offset));
  const result<car_section_head> head =
      read_car_section_head(rest.first(std::min(rest.size(), max_car_section_head_size)), rest.size());
  if (!head) return head.error();
  const auto block_size = static_cast<std::size_t>(head->block_size);
  return car_section{head->id, rest.subspan(head->size, block_size), head->size + block_size};
}

/// The bytes that stand in front of a block in a CAR: its section's length and its CID.
class car_section_prefix {
 public:
  car_section_prefix(const cid& id, std::size_t block_size) noexcept {
    size_ = put_varint(bytes_.data(), id.encoded_size() + block_size);
    size_ += id.encode(bytes_.data() + size_);
  }
  [[nodiscard]] bytes_view bytes() const noexcept { return bytes_view{bytes_}.first(size_); }

 private:
  std::array<std::byte, max_car_section_head_size> bytes_;
  std::size_t size_;
};

}  // namespace shoal
