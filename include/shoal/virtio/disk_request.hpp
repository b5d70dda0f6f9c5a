// SPDX-License-Identifier: BSL-1.0
//
// disk_request: what a driver asks of a virtio-blk device (virtio 1.2, section 5.2), taken from a descriptor
// chain and checked against the disk.
//
//     disk_request request = parse_disk_request(chain, shape);
//     if (request.status == disk_status::ok) carry_out(request);
//     finish(request.state, request.status);
//
// Pure: what it means to a block device says disk_device.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/virtio/descriptor_chain.hpp>

namespace shoal::virtio {

/// Masks. Section 5.2.3.
namespace disk_feature {
inline constexpr std::uint64_t segments_max = 1u << 2;
inline constexpr std::uint64_t read_only = 1u << 5;
inline constexpr std::uint64_t block_size = 1u << 6;
inline constexpr std::uint64_t flush = 1u << 9;
inline constexpr std::uint64_t topology = 1u << 10;
inline constexpr std::uint64_t multi_queue = 1u << 12;
inline constexpr std::uint64_t discard = 1u << 13;
inline constexpr std::uint64_t write_zeroes = 1u << 14;
}  // namespace disk_feature

enum class disk_command : std::uint32_t {
  read = 0,
  write = 1,
  flush = 4,
  get_id = 8,
  discard = 11,
  write_zeroes = 13,
};

/// The last byte of a request.
enum class disk_status : std::uint8_t { ok = 0, io_error = 1, unsupported = 2 };

inline constexpr std::uint32_t sector_size = 512;  ///< the unit of all numbers, whatever the block size
inline constexpr std::size_t disk_id_size = 20;
inline constexpr std::size_t disk_header_size = 16;
inline constexpr std::size_t disk_range_size = 16;
inline constexpr std::uint32_t disk_range_unmap = 1;  ///< flag: write_zeroes may make a hole

/// Bytes of the disk that discard or write_zeroes is about.
struct disk_range {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  bool unmap = false;
  friend bool operator==(const disk_range&, const disk_range&) = default;
};

/// What a request is checked against.
struct disk_shape {
  static constexpr std::size_t max_ranges = 16;

  std::uint64_t sectors = 0;
  std::uint32_t block_size = sector_size;         ///< bytes; requests are multiples of it
  std::uint32_t max_transfer = 64u << 20;         ///< bytes that one request moves
  std::uint32_t max_discard_sectors = 0x40'0000;  ///< of a range; 2 GiB
  std::uint32_t max_zero_sectors = 0x8000;        ///< of a range; 16 MiB, since it may mean writing them
  bool read_only = false;
  bool discard = false;       ///< the feature was accepted
  bool write_zeroes = false;  ///< the feature was accepted
};

/// A request; when its status is not ok, there is nothing to be done but to say so.
struct disk_request {
  disk_command what = disk_command::read;
  disk_status status = disk_status::io_error;
  std::uint64_t offset = 0;        ///< in bytes, of read and write
  std::uint32_t length = 0;        ///< in bytes, of read, write and get_id
  std::vector<bytes_span> data;    ///< the guest's memory, `length` bytes
  std::vector<disk_range> ranges;  ///< of discard and write_zeroes
  std::byte* state = nullptr;      ///< where the status goes; null: there is no room for it
  std::uint32_t written = 0;       ///< bytes of writable buffers
};

namespace detail {

/// Its discard or write_zeroes ranges: copied, then checked.
inline disk_status parse_ranges(const descriptor_chain& chain, const disk_shape& shape, disk_request& request) {
  const std::uint32_t bytes = chain.readable_bytes() - static_cast<std::uint32_t>(disk_header_size);
  if (bytes == 0 || bytes % disk_range_size != 0 || bytes / disk_range_size > disk_shape::max_ranges) {
    return disk_status::io_error;
  }
  const std::uint32_t unit = shape.block_size / sector_size;
  const std::uint32_t most =
      request.what == disk_command::discard ? shape.max_discard_sectors : shape.max_zero_sectors;
  for (std::uint32_t at = 0; at < bytes; at += disk_range_size) {
    std::array<std::byte, disk_range_size> raw;
    if (gather(chain.readable(), disk_header_size + at, raw) != raw.size()) return disk_status::io_error;
    const auto sector = load_le<std::uint64_t>(raw.data());
    const auto count = load_le<std::uint32_t>(raw.data() + 8);
    const auto flags = load_le<std::uint32_t>(raw.data() + 12);
    const bool unmap = (flags & disk_range_unmap) != 0;
    // section 5.2.6.2: other flags, and unmap on discard, are not supported
    if ((flags & ~disk_range_unmap) != 0 || (unmap && request.what == disk_command::discard)) {
      return disk_status::unsupported;
    }
    if (!contains(shape.sectors, sector, count) || count > most) return disk_status::io_error;
    if (sector % unit != 0 || count % unit != 0) return disk_status::io_error;
    if (count == 0) continue;
    request.ranges.push_back(
        {.offset = sector * sector_size, .length = std::uint64_t{count} * sector_size, .unmap = unmap});
  }
  return disk_status::ok;
}

/// The buffers that hold bytes [skip, skip + length).
inline void take_data(std::span<const bytes_span> buffers, std::uint64_t skip, disk_request& request) {
  request.data.reserve(buffers.size());
  for_each_part(buffers, skip, request.length, [&](bytes_span part) { request.data.push_back(part); });
}

inline disk_status parse_transfer(const descriptor_chain& chain, const disk_shape& shape, std::uint64_t sector,
                                  disk_request& request) {
  const bool reads = request.what == disk_command::read;
  if (!reads && shape.read_only) return disk_status::io_error;
  request.length = reads ? chain.writable_bytes() - 1
                         : chain.readable_bytes() - static_cast<std::uint32_t>(disk_header_size);
  if (request.length % shape.block_size != 0 || request.length > shape.max_transfer)
    return disk_status::io_error;
  if (!contains(shape.sectors, sector, request.length / sector_size)) return disk_status::io_error;
  if (sector % (shape.block_size / sector_size) != 0) return disk_status::io_error;
  request.offset = sector * sector_size;
  take_data(reads ? chain.writable() : chain.readable(), reads ? 0 : disk_header_size, request);
  return disk_status::ok;
}

}  // namespace detail

/// Reads the header once and checks it. Refuses what is not inside the disk, not of whole blocks, longer than
/// the shape allows, or a change to a disk that is read-only.
[[nodiscard]] inline disk_request parse_disk_request(const descriptor_chain& chain, const disk_shape& shape) {
  disk_request request;
  if (chain.writable_bytes() == 0) return request;
  request.written = chain.writable_bytes();
  request.state = &chain.writable().back().back();
  std::array<std::byte, disk_header_size> header;
  if (gather(chain.readable(), 0, header) != header.size()) return request;
  request.what = static_cast<disk_command>(load_le<std::uint32_t>(header.data()));
  const auto sector = load_le<std::uint64_t>(header.data() + 8);
  const bool changes = !shape.read_only;
  switch (request.what) {
    case disk_command::read:
    case disk_command::write: request.status = detail::parse_transfer(chain, shape, sector, request); break;
    case disk_command::flush: request.status = disk_status::ok; break;
    case disk_command::get_id:
      request.length = chain.writable_bytes() - 1;
      request.status = request.length >= disk_id_size ? disk_status::ok : disk_status::io_error;
      request.length = disk_id_size;
      if (request.status == disk_status::ok) detail::take_data(chain.writable(), 0, request);
      break;
    case disk_command::discard:
      request.status = !shape.discard ? disk_status::unsupported
                       : changes      ? detail::parse_ranges(chain, shape, request)
                                      : disk_status::io_error;
      break;
    case disk_command::write_zeroes:
      request.status = !shape.write_zeroes ? disk_status::unsupported
                       : changes           ? detail::parse_ranges(chain, shape, request)
                                           : disk_status::io_error;
      break;
    default: request.status = disk_status::unsupported;
  }
  return request;
}

}  // namespace shoal::virtio
