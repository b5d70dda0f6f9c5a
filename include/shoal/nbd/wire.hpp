// SPDX-License-Identifier: BSL-1.0
//
// The NBD protocol's numbers and fixed-size messages (github.com/NetworkBlockDevice/nbd, doc/proto.md). All
// integers on the wire are big-endian.
//
//     const result<nbd::request> r = nbd::parse_request(bytes.first<nbd::request_size>());
//
// Names are those of the specification without their NBD_ prefix.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/base/result.hpp>

namespace shoal::nbd {

inline constexpr std::uint64_t nbd_magic = 0x4e42444d41474943;     // "NBDMAGIC"
inline constexpr std::uint64_t option_magic = 0x49484156454f5054;  // "IHAVEOPT"
inline constexpr std::uint64_t option_reply_magic = 0x0003e889045565a9;
inline constexpr std::uint32_t request_magic = 0x25609513;
inline constexpr std::uint32_t simple_reply_magic = 0x67446698;
inline constexpr std::uint32_t structured_reply_magic = 0x668e33ef;

/// No name (of an export, of a metadata context) is longer, in bytes ("String values").
inline constexpr std::size_t max_string = 4096;
/// A request for more payload is refused; every client may rely on this much ("Block size constraints").
inline constexpr std::uint32_t max_payload = 32u << 20;

namespace handshake_flag {
inline constexpr std::uint16_t fixed_newstyle = 1;
inline constexpr std::uint16_t no_zeroes = 2;
}  // namespace handshake_flag

enum class option : std::uint32_t {
  export_name = 1,
  abort = 2,
  list = 3,
  peek_export = 4,
  starttls = 5,
  info = 6,
  go = 7,
  structured_reply = 8,
  list_meta_context = 9,
  set_meta_context = 10,
  extended_headers = 11,
};

enum class option_reply : std::uint32_t {
  ack = 1,
  server = 2,
  info = 3,
  meta_context = 4,
  err_unsup = 0x80000001,
  err_policy = 0x80000002,
  err_invalid = 0x80000003,
  err_platform = 0x80000004,
  err_tls_reqd = 0x80000005,
  err_unknown = 0x80000006,
  err_shutdown = 0x80000007,
  err_block_size_reqd = 0x80000008,
  err_too_big = 0x80000009,
};

enum class info : std::uint16_t { export_ = 0, name = 1, description = 2, block_size = 3 };

namespace transmission_flag {
inline constexpr std::uint16_t has_flags = 1u << 0;
inline constexpr std::uint16_t read_only = 1u << 1;
inline constexpr std::uint16_t send_flush = 1u << 2;
inline constexpr std::uint16_t send_fua = 1u << 3;
inline constexpr std::uint16_t rotational = 1u << 4;
inline constexpr std::uint16_t send_trim = 1u << 5;
inline constexpr std::uint16_t send_write_zeroes = 1u << 6;
inline constexpr std::uint16_t send_df = 1u << 7;
inline constexpr std::uint16_t can_multi_conn = 1u << 8;
inline constexpr std::uint16_t send_cache = 1u << 10;
inline constexpr std::uint16_t send_fast_zero = 1u << 11;
}  // namespace transmission_flag

enum class command : std::uint16_t {
  read = 0,
  write = 1,
  disc = 2,
  flush = 3,
  trim = 4,
  cache = 5,
  write_zeroes = 6,
  block_status = 7,
};

namespace command_flag {
inline constexpr std::uint16_t fua = 1u << 0;
inline constexpr std::uint16_t no_hole = 1u << 1;
inline constexpr std::uint16_t df = 1u << 2;
inline constexpr std::uint16_t req_one = 1u << 3;
inline constexpr std::uint16_t fast_zero = 1u << 4;
}  // namespace command_flag

/// Error numbers on the wire ("Error values"): 0 is success.
enum class error : std::uint32_t {
  ok = 0,
  perm = 1,
  io = 5,
  nomem = 12,
  inval = 22,
  nospc = 28,
  overflow = 75,
  notsup = 95,
  shutdown = 108,
};

enum class chunk : std::uint16_t {
  none = 0,
  offset_data = 1,
  offset_hole = 2,
  block_status = 5,
  error = 0x8001,
  error_offset = 0x8002,
};

/// The last chunk of a structured reply carries this flag.
inline constexpr std::uint16_t chunk_done = 1;

/// A chunk whose type has this bit tells of an error, whether the client knows the type or not.
inline constexpr std::uint16_t chunk_error_bit = 0x8000;

/// The metadata context that tells what is allocated.
inline constexpr std::string_view allocation_context = "base:allocation";
/// State bits of base:allocation ("base:allocation metadata context").
inline constexpr std::uint32_t state_hole = 1;
inline constexpr std::uint32_t state_zero = 2;

struct request {
  std::uint16_t flags = 0;
  command type = command::read;
  std::uint64_t cookie = 0;
  std::uint64_t offset = 0;
  std::uint32_t length = 0;
};

inline constexpr std::size_t request_size = 28;

/// errc::malformed when the magic is wrong: the stream is out of step and has to be closed.
[[nodiscard]] inline result<request> parse_request(std::span<const std::byte, request_size> in) noexcept {
  if (load_be<std::uint32_t>(in.data()) != request_magic) return errc::malformed;
  return request{.flags = load_be<std::uint16_t>(in.data() + 4),
                 .type = command{load_be<std::uint16_t>(in.data() + 6)},
                 .cookie = load_be<std::uint64_t>(in.data() + 8),
                 .offset = load_be<std::uint64_t>(in.data() + 16),
                 .length = load_be<std::uint32_t>(in.data() + 24)};
}

/// Writes request_size bytes.
inline void put_request(std::byte* out, const request& r) noexcept {
  store_be(out, request_magic);
  store_be(out + 4, r.flags);
  store_be(out + 6, static_cast<std::uint16_t>(r.type));
  store_be(out + 8, r.cookie);
  store_be(out + 16, r.offset);
  store_be(out + 24, r.length);
}

inline constexpr std::size_t simple_reply_size = 16;

inline void put_simple_reply(std::byte* out, std::uint64_t cookie, error code) noexcept {
  store_be(out, simple_reply_magic);
  store_be(out + 4, static_cast<std::uint32_t>(code));
  store_be(out + 8, cookie);
}

inline constexpr std::size_t chunk_header_size = 20;

/// @param length  bytes of payload that follow the header
inline void put_chunk_header(std::byte* out, std::uint64_t cookie, chunk type, bool done,
                             std::uint32_t length) noexcept {
  store_be(out, structured_reply_magic);
  store_be(out + 4, static_cast<std::uint16_t>(done ? chunk_done : 0));
  store_be(out + 6, static_cast<std::uint16_t>(type));
  store_be(out + 8, cookie);
  store_be(out + 16, length);
}

}  // namespace shoal::nbd
