// SPDX-License-Identifier: BSL-1.0
//
// descriptor_stream: a byte_stream over a descriptor that is no socket: a serial line, a pipe, a FIFO.
//
//     result<posix::unique_fd> line = posix::open_serial_line("/dev/ttyS0", 115200);
//     descriptor_stream stream{executor, std::move(*line)};
//     result<std::size_t> size = co_await stream.read(room);
#pragma once

#include <cstddef>
#include <system_error>
#include <utility>

#include <asio/any_io_executor.hpp>
#include <asio/buffer.hpp>
#include <asio/error.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/write.hpp>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/detail/asio.hpp>
#include <shoal/net/byte_stream.hpp>
#include <shoal/os/posix/unique_fd.hpp>
#include <shoal/task/task.hpp>

namespace shoal::net {

class descriptor_stream final : public byte_stream {
 public:
  /// @throws std::system_error when the executor cannot wait for it, as for a file
  descriptor_stream(const asio::any_io_executor& executor, posix::unique_fd fd)
      : descriptor_(executor, fd.get()) {
    (void)fd.release();
    descriptor_.non_blocking(true);
  }

  task<std::size_t> read(bytes_span room) override {
    const asio::mutable_buffer buffer{room.data(), room.size()};
    const auto [error, size] = co_await descriptor_.async_read_some(buffer, shoal::detail::no_throw);
    if (error == asio::error::eof) co_return std::size_t{0};
    if (error) co_return errc::closed;
    co_return size;
  }

  task<> write(bytes_view bytes) override {
    const asio::const_buffer buffer{bytes.data(), bytes.size()};
    const auto [error, size] = co_await asio::async_write(descriptor_, buffer, shoal::detail::no_throw);
    if (error) co_return errc::closed;
    co_return result<>{};
  }

  void close() noexcept override {
    std::error_code ignored;
    descriptor_.close(ignored);
  }

 private:
  asio::posix::stream_descriptor descriptor_;
};

}  // namespace shoal::net
