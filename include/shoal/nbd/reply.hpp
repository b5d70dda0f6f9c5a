// SPDX-License-Identifier: BSL-1.0
//
// reply_writer: the bytes that stand before the payload of a reply, in the form that was negotiated.
//
//     const nbd::reply_writer reply{session.chosen().structured};
//     std::array<std::byte, nbd::max_reply_head> head;
//     const std::size_t n = reply.data(head.data(), request, request.offset, bytes.size(), true);
//     send(first(head, n), bytes);
//
// Every function writes at most max_reply_head bytes and returns how many.
#pragma once

#include <cstddef>
#include <cstdint>

#include <shoal/base/endian.hpp>
#include <shoal/nbd/wire.hpp>

namespace shoal::nbd {

/// No head of a reply is longer, in bytes.
inline constexpr std::size_t max_reply_head = chunk_header_size + 12;

class reply_writer {
 public:
  explicit reply_writer(bool structured) noexcept : structured_(structured) {}

  [[nodiscard]] bool structured() const noexcept { return structured_; }

  /// The whole answer to a request that succeeded and has no payload.
  std::size_t done(std::byte* out, const request& r) const noexcept { return simple(out, r, error::ok); }

  /// The whole answer, or its end, to a request that failed.
  std::size_t failed(std::byte* out, const request& r, error code) const noexcept {
    // "Error values": ENOTSUP is for fast zeroes alone
    if (code == error::notsup && (r.flags & command_flag::fast_zero) == 0) code = error::inval;
    const bool has_payload = r.type == command::read || r.type == command::block_status;
    if (!structured_ || !has_payload) return simple(out, r, code);
    put_chunk_header(out, r.cookie, chunk::error, true, 6);
    store_be(out + chunk_header_size, static_cast<std::uint32_t>(code));
    store_be(out + chunk_header_size + 4, std::uint16_t{0});  // no message
    return chunk_header_size + 6;
  }

  /// What stands before `length` bytes of a read's content, those from `at` on. Without structured replies a
  /// read has one head, so only its first piece writes anything.
  /// @param last  no other piece follows
  std::size_t data(std::byte* out, const request& r, std::uint64_t at, std::uint32_t length,
                   bool last) const noexcept {
    if (!structured_) return at == r.offset ? simple(out, r, error::ok) : 0;
    if (length == 0) {
      put_chunk_header(out, r.cookie, chunk::none, last, 0);
      return chunk_header_size;
    }
    put_chunk_header(out, r.cookie, chunk::offset_data, last, 8 + length);
    store_be(out + chunk_header_size, at);
    return data_head_size();
  }
  /// What data() writes for a first piece that is not empty.
  [[nodiscard]] std::size_t data_head_size() const noexcept {
    return structured_ ? chunk_header_size + 8 : simple_reply_size;
  }

  /// `length` zeroes of a read's content, none of which are sent.
  /// @pre structured()
  std::size_t hole(std::byte* out, const request& r, std::uint64_t at, std::uint32_t length,
                   bool last) const noexcept {
    put_chunk_header(out, r.cookie, chunk::offset_hole, last, 12);
    store_be(out + chunk_header_size, at);
    store_be(out + chunk_header_size + 8, length);
    return hole_head_size;
  }
  static constexpr std::size_t hole_head_size = chunk_header_size + 12;

  /// What stands before `count` descriptors of a block status.
  /// @pre structured()
  std::size_t status(std::byte* out, const request& r, std::uint32_t context,
                     std::size_t count) const noexcept {
    put_chunk_header(out, r.cookie, chunk::block_status, true,
                     static_cast<std::uint32_t>(4 + count * descriptor_size));
    store_be(out + chunk_header_size, context);
    return chunk_header_size + 4;
  }
  static constexpr std::size_t descriptor_size = 8;

  /// One descriptor of a block status: `length` bytes, hole and zero as in base:allocation.
  static void put_descriptor(std::byte* out, std::uint32_t length, bool is_hole, bool is_zero) noexcept {
    store_be(out, length);
    store_be(out + 4, (is_hole ? state_hole : 0u) | (is_zero ? state_zero : 0u));
  }

 private:
  static std::size_t simple(std::byte* out, const request& r, error code) noexcept {
    put_simple_reply(out, r.cookie, code);
    return simple_reply_size;
  }

  bool structured_;
};

}  // namespace shoal::nbd
