// SPDX-License-Identifier: BSL-1.0
//
// disk_device: a virtio-blk device (virtio 1.2, section 5.2) over any block device: a file, a swarm's image or
// an overlay as a guest's disk.
//
//     auto disk = std::make_shared<disk_device<any_device>>(any_device{memory_device{64_MiB}}, options);
//     mmio_registers registers{disk, memory, host};                 // or a vhost_user_server
//
// Data goes straight between the device and the guest's memory. What the device lends, or reads and writes
// without waiting, is answered at once; the rest runs as tasks. The guest may change a buffer while it is
// written: what is stored then is one mixture or another, of its own bytes.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/block/capability.hpp>
#include <shoal/block/concepts.hpp>
#include <shoal/task/lease.hpp>
#include <shoal/task/task.hpp>
#include <shoal/virtio/descriptor_chain.hpp>
#include <shoal/virtio/device.hpp>
#include <shoal/virtio/disk_request.hpp>
#include <shoal/virtio/feature.hpp>

namespace shoal::virtio {

struct disk_options {
  std::string id = "shoal";      ///< what get_id gives: a serial number; cut after 20 bytes
  std::uint16_t queues = 1;      ///< for a driver that has several processors
  std::uint32_t segments = 126;  ///< data buffers of a request; two less than the queue is long
};

template <block_source D>
class disk_device {
 public:
  /// Bytes at the end of the device that are no whole block are not seen.
  /// @throws std::invalid_argument for no queue
  explicit disk_device(D device, disk_options options = {})
      : device_(std::move(device)), options_(std::move(options)), able_(actual_capabilities(device_)) {
    if (options_.queues == 0) throw std::invalid_argument("disk_device: needs a queue");
    const device_info info = device_.info();
    shape_.block_size = std::max(info.min_io, sector_size);
    shape_.sectors = info.size / shape_.block_size * (shape_.block_size / sector_size);
    shape_.read_only = info.read_only || !has(able_, capability::write);
    max_io_ = std::max<std::size_t>(info.max_io, shape_.block_size);
    min_io_ = info.min_io;
    if (min_io_ > 1) shape_.max_transfer = max_bounce;
    durable_writes_ = info.fua;
    fill_config(info);
  }

  [[nodiscard]] device_id id() const noexcept { return device_id::block; }
  [[nodiscard]] std::uint64_t features() const noexcept {
    using namespace disk_feature;
    std::uint64_t offered = segments_max | block_size | topology;
    if (options_.queues > 1) offered |= multi_queue;
    if (shape_.read_only) return offered | read_only;
    if (has(able_, capability::trim)) offered |= discard;
    if (has(able_, capability::zero)) offered |= disk_feature::write_zeroes;
    return offered | disk_feature::flush;
  }
  [[nodiscard]] std::uint16_t queue_count() const noexcept { return options_.queues; }
  [[nodiscard]] bytes_view config() const noexcept { return config_; }

  void start(std::uint64_t accepted) noexcept {
    shape_.discard = (accepted & disk_feature::discard) != 0;
    shape_.write_zeroes = (accepted & disk_feature::write_zeroes) != 0;
    // section 5.2.6.2: without flush, a write that has ended is on stable storage
    write_through_ = (accepted & disk_feature::flush) == 0;
  }
  void reset() noexcept { start(0); }

  answer handle(std::uint16_t, const descriptor_chain& chain) {
    disk_request request = parse_disk_request(chain, shape_);
    if (request.status != disk_status::ok || is_done_now(request)) return answer::now(finish(request));
    return answer::later(carry_out(std::move(request)));
  }
  bool next_return(kept_return&) noexcept { return false; }

 private:
  static constexpr std::size_t config_size = 60;
  /// Bytes read or written at once without giving others a turn.
  static constexpr std::uint32_t max_inline = 4u << 20;
  /// Bytes of memory that a request may take beside the guest's own, and up to which it takes it to save steps.
  static constexpr std::uint32_t max_bounce = 4u << 20;
  static constexpr std::uint32_t small_bounce = 1u << 20;

  void fill_config(const device_info& info) noexcept {
    // a physical block is what partitions and file systems are laid out by: no more than a page
    const auto physical = std::clamp(info.preferred_io, shape_.block_size, std::max(shape_.block_size, 4096u));
    const auto exponent = std::countr_zero(std::bit_floor(physical / shape_.block_size));
    const auto preferred = std::max(info.preferred_io, shape_.block_size);
    const auto alignment = shape_.block_size / sector_size;
    std::byte* const c = config_.data();
    store_le<std::uint64_t>(c, shape_.sectors);
    store_le<std::uint32_t>(c + 12, options_.segments);
    store_le<std::uint32_t>(c + 20, shape_.block_size);
    c[24] = static_cast<std::byte>(exponent);
    store_le<std::uint32_t>(c + 28, preferred / shape_.block_size);
    store_le<std::uint16_t>(c + 34, options_.queues);
    store_le<std::uint32_t>(c + 36, shape_.max_discard_sectors);
    store_le<std::uint32_t>(c + 40, static_cast<std::uint32_t>(disk_shape::max_ranges));
    store_le<std::uint32_t>(c + 44, alignment);
    store_le<std::uint32_t>(c + 48, shape_.max_zero_sectors);
    store_le<std::uint32_t>(c + 52, static_cast<std::uint32_t>(disk_shape::max_ranges));
    c[56] = std::byte{1};  // zeroed sectors may be given back
  }

  static std::uint32_t finish(const disk_request& request) noexcept {
    if (request.state != nullptr) *request.state = static_cast<std::byte>(request.status);
    return request.written;
  }

  // ---- without waiting

  /// On false the request goes on where it stopped: what was read is read, and its buffers are gone from
  /// `data`.
  bool is_done_now(disk_request& request) noexcept {
    switch (request.what) {
      case disk_command::get_id: return give_id(request);
      case disk_command::flush: return shape_.read_only;
      case disk_command::read:
      case disk_command::write: break;
      default: return request.ranges.empty();
    }
    if (request.length > max_inline || is_uneven(request)) return false;
    const bool reads = request.what == disk_command::read;
    if (!reads && write_through_ && !durable_writes_) return false;
    std::size_t done = 0;
    for (const bytes_span buffer : request.data) {
      if (!(reads ? read_now(request.offset, buffer) : write_now(request.offset, buffer))) break;
      request.offset += buffer.size();
      request.length -= static_cast<std::uint32_t>(buffer.size());
      ++done;
    }
    if (done == request.data.size()) return true;
    request.data.erase(request.data.begin(), request.data.begin() + static_cast<std::ptrdiff_t>(done));
    return false;
  }

  bool give_id(const disk_request& request) noexcept {
    std::array<std::byte, disk_id_size> id{};
    const bytes_view text = as_bytes(options_.id);
    std::copy_n(text.begin(), std::min(text.size(), id.size()), id.begin());
    scatter(request.data, 0, id);
    return true;
  }

  bool read_now(std::uint64_t offset, bytes_span out) noexcept {
    while (!out.empty()) {
      std::size_t n = 0;
      if constexpr (can_lend<D>) {
        if (const lease lent = device_.try_lend(offset, out.size())) {
          n = lent.size();
          std::memcpy(out.data(), lent.bytes().data(), n);
        }
      }
      if (n == 0) {
        if constexpr (can_try_read<D>) return device_.try_read(offset, out);
        return false;
      }
      offset += n;
      out = out.subspan(n);
    }
    return true;
  }
  bool write_now([[maybe_unused]] std::uint64_t offset, [[maybe_unused]] bytes_view in) noexcept {
    if constexpr (can_try_write<D>) return device_.try_write(offset, in, write_flags());
    return false;
  }

  // ---- as tasks

  task<std::uint32_t> carry_out(disk_request request) {
    // named: see docs/adr/0003
    task<> work = work_of(request);
    const result<> outcome = co_await std::move(work);
    if (!outcome) {
      request.status = outcome.error() == errc::unsupported ? disk_status::unsupported : disk_status::io_error;
    }
    co_return finish(request);
  }
  task<> work_of(disk_request& request) {
    switch (request.what) {
      case disk_command::read: return must_bounce(request) ? read_bounced(request) : read_all(request);
      case disk_command::write: return must_bounce(request) ? write_bounced(request) : write_all(request);
      case disk_command::flush: return flush();
      default: return clear(request);
    }
  }

  task<> read_all(const disk_request& request) {
    std::uint64_t offset = request.offset;
    for (const bytes_span buffer : request.data) {
      const result<> read = co_await read_pieces(offset, buffer);
      if (!read) co_return read.error();
      offset += buffer.size();
    }
    co_return result<>{};
  }
  task<> read_pieces(std::uint64_t offset, bytes_span out) {
    if (out.size() <= max_io_) return device_.read(offset, out);
    return read_many(offset, out);
  }
  task<> read_many(std::uint64_t offset, bytes_span out) {
    while (!out.empty()) {
      const bytes_span piece = out.first(std::min(out.size(), max_io_));
      const result<> read = co_await device_.read(offset, piece);
      if (!read) co_return read.error();
      offset += piece.size();
      out = out.subspan(piece.size());
    }
    co_return result<>{};
  }

  task<> write_all(const disk_request& request) {
    std::uint64_t offset = request.offset;
    for (const bytes_span buffer : request.data) {
      const result<> stored = co_await write_pieces(offset, buffer);
      if (!stored) co_return stored.error();
      offset += buffer.size();
    }
    if (write_through_ && !durable_writes_) co_return co_await flush();
    co_return result<>{};
  }
  task<> write_pieces(std::uint64_t offset, bytes_view in) {
    if constexpr (block_device<D>) {
      const io_flags flags = write_flags();
      while (!in.empty()) {
        const bytes_view piece = in.first(std::min(in.size(), max_io_));
        const result<> stored = co_await device_.write(offset, piece, flags);
        if (!stored) co_return stored.error();
        offset += piece.size();
        in = in.subspan(piece.size());
      }
      co_return result<>{};
    } else {
      co_return errc::unsupported;
    }
  }

  /// The device takes whole blocks only, and a buffer is not made of those.
  [[nodiscard]] bool is_uneven(const disk_request& request) const noexcept {
    const auto uneven = [this](bytes_span buffer) { return buffer.size() % min_io_ != 0; };
    return min_io_ > 1 && std::ranges::any_of(request.data, uneven);
  }
  /// Through memory of our own: when it has to be, and when one step of the device is better than one for each
  /// page.
  [[nodiscard]] bool must_bounce(const disk_request& request) const noexcept {
    return (request.data.size() > 1 && request.length <= small_bounce) || is_uneven(request);
  }
  task<> read_bounced(const disk_request& request) {
    const auto memory = std::make_unique_for_overwrite<std::byte[]>(request.length);
    const bytes_span all{memory.get(), request.length};
    const result<> read = co_await read_pieces(request.offset, all);
    if (read) scatter(request.data, 0, all);
    co_return read;
  }
  task<> write_bounced(const disk_request& request) {
    const auto memory = std::make_unique_for_overwrite<std::byte[]>(request.length);
    const bytes_span all{memory.get(), request.length};
    gather(request.data, 0, all);
    const result<> stored = co_await write_pieces(request.offset, all);
    if (stored && write_through_ && !durable_writes_) co_return co_await flush();
    co_return stored;
  }

  task<> flush() {
    if constexpr (block_device<D>) return device_.flush();
    return done();
  }
  task<> clear(const disk_request& request) {
    for (const disk_range& range : request.ranges) {
      task<> work = clear(request.what, range);
      const result<> cleared = co_await std::move(work);
      if (!cleared) co_return cleared.error();
    }
    if (write_through_ && !durable_writes_) co_return co_await flush();
    co_return result<>{};
  }
  task<> clear([[maybe_unused]] disk_command what, [[maybe_unused]] const disk_range& range) {
    [[maybe_unused]] const io_flags flags = range.unmap ? write_flags() | io_flags::may_trim : write_flags();
    if constexpr (can_trim<D>) {
      if (what == disk_command::discard) return device_.trim(range.offset, range.length, write_flags());
    }
    if constexpr (can_zero<D>) {
      if (what == disk_command::write_zeroes) return device_.zero(range.offset, range.length, flags);
    }
    return failed(errc::unsupported);
  }

  [[nodiscard]] io_flags write_flags() const noexcept {
    return write_through_ && durable_writes_ ? io_flags::fua : io_flags::none;
  }

  D device_;
  disk_options options_;
  capability able_;
  disk_shape shape_;
  std::size_t max_io_ = 0;
  std::uint32_t min_io_ = 1;
  bool durable_writes_ = false;  // the device honours io_flags::fua
  bool write_through_ = true;
  std::array<std::byte, config_size> config_{};
};

}  // namespace shoal::virtio
