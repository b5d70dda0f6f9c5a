// SPDX-License-Identifier: BSL-1.0
//
// What NBD requests mean to a device, for those that have to wait for it.
//
//     const result<> outcome = co_await carry_out(device, request);
//     const result<lease> content = co_await read_copy(device, request.offset, length, pool);
//
// For nbd_connection. A request has passed nbd::check(); the device outlives the task.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include <asio/any_io_executor.hpp>
#include <asio/post.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <shoal/base/bytes.hpp>
#include <shoal/block/any_device.hpp>
#include <shoal/block/concepts.hpp>
#include <shoal/nbd/wire.hpp>
#include <shoal/net/free_list.hpp>
#include <shoal/net/output_queue.hpp>
#include <shoal/task/lease.hpp>
#include <shoal/task/task.hpp>

namespace shoal::net {

/// The request's command flags as the device knows them.
[[nodiscard]] inline io_flags flags_of(const nbd::request& r) noexcept {
  using namespace nbd::command_flag;
  io_flags flags = (r.flags & fua) != 0 ? io_flags::fua : io_flags::none;
  if (r.type == nbd::command::write_zeroes) {
    if ((r.flags & no_hole) == 0) flags = flags | io_flags::may_trim;
    if ((r.flags & fast_zero) != 0) flags = flags | io_flags::fast_zero;
  }
  return flags;
}

/// How much trim and write_zeroes do at once, in bytes: filling memory with zeroes would hold up other clients.
inline constexpr std::uint32_t zero_piece = 16u << 20;

/// trim or write_zeroes, piece by piece; others get a turn between two.
inline task<> zero_all(any_device& device, nbd::request r) {
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  const io_flags flags = flags_of(r);
  for (;;) {
    // pieces end where a device's own units do
    const std::uint32_t n = std::min(r.length, zero_piece - static_cast<std::uint32_t>(r.offset % zero_piece));
    task<> step =
        r.type == nbd::command::trim ? device.trim(r.offset, n, flags) : device.zero(r.offset, n, flags);
    const result<> outcome = co_await std::move(step);
    r.offset += n;
    r.length -= n;
    if (!outcome || r.length == 0) co_return outcome;
    co_await asio::post(executor, asio::use_awaitable);
  }
}

/// A request that has neither payload nor content: flush, trim, cache or write_zeroes.
inline task<> carry_out(any_device& device, const nbd::request& r) {
  using enum nbd::command;
  if (r.type == flush) return device.flush();
  if (r.length == 0) return done();
  if (r.type == cache) return device.cache(r.offset, r.length);
  return zero_all(device, r);
}

/// Memory for a content, from the pool if that has pieces so large: fresh pages cost as much as reading does.
struct content_memory {
  content_memory(std::shared_ptr<output_queue::memory> from, std::size_t length) : pool(std::move(from)) {
    if (length <= scratch_size) {
      pooled = pool->scratch.take();
      bytes = bytes_span{*pooled}.first(length);
    } else {
      large.reset(new std::byte[length]);
      bytes = {large.get(), length};
    }
  }

  std::shared_ptr<output_queue::memory> pool;  // outlives what was taken from it
  free_list<scratch_buffer>::item pooled;
  std::unique_ptr<std::byte[]> large;
  bytes_span bytes;
};

/// Content read into memory of its own.
inline task<lease> read_copy(any_device& device, std::uint64_t offset, std::size_t length,
                             std::shared_ptr<output_queue::memory> pool) {
  const auto memory = std::make_shared<content_memory>(std::move(pool), length);
  const result<> read = co_await device.read(offset, memory->bytes);
  if (!read) co_return read.error();
  co_return lease{memory, memory->bytes};
}

/// A write that may be longer than the device takes at once.
inline task<> write_all(any_device& device, std::uint64_t offset, bytes_view bytes, io_flags flags) {
  const std::size_t most = std::max(device.info().max_io, 1u);
  while (!bytes.empty()) {
    const bytes_view piece = bytes.first(std::min(bytes.size(), most));
    const result<> stored = co_await device.write(offset, piece, flags);
    if (!stored) co_return stored.error();
    offset += piece.size();
    bytes = bytes.subspan(piece.size());
  }
  co_return result<>{};
}

}  // namespace shoal::net
