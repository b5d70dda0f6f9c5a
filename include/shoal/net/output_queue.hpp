// SPDX-License-Identifier: BSL-1.0
//
// output_queue: what a connection has to send, as pieces that are gathered into one system call and never
// joined by copying.
//
//     std::byte* head = queue.header(nbd::simple_reply_size);
//     nbd::put_simple_reply(head, cookie, nbd::error::ok);
//     queue.body(device.try_lend(offset, n));
//     if (queue.flush(fd) == output_queue::progress::blocked) wait_until_writable();
//
// One strand. Leases and headers live until the kernel has taken their last byte.
#pragma once

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <utility>
#include <vector>

#include <sys/socket.h>
#include <sys/uio.h>

#include <shoal/base/bytes.hpp>
#include <shoal/net/buffer_pool.hpp>
#include <shoal/task/lease.hpp>

namespace shoal::net {

class output_queue {
 public:
  enum class progress { done, blocked, broken };

  explicit output_queue(buffer_pool& pool) noexcept : pool_(pool) {}

  /// Bytes that wait to be sent.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

  /// Room for `length` bytes that are sent next. The caller fills them before flush().
  /// @pre 0 < length <= buffer_pool::buffer_size
  [[nodiscard]] std::byte* header(std::size_t length) {
    const bytes_span bytes = room(length);
    keep(length);
    return bytes.data();
  }

  /// Room for `length` bytes that are sent next if keep() is called, and forgotten otherwise.
  /// @pre 0 < length <= buffer_pool::buffer_size
  [[nodiscard]] bytes_span room(std::size_t length) {
    if (scratch_.empty() || buffer_pool::buffer_size - used_ < length) {
      scratch_.push_back(pool_.take());
      used_ = 0;
    }
    return scratch_.back().bytes().subspan(used_, length);
  }
  /// Sends the first `length` bytes of the last room(). Neighbours become one piece.
  void keep(std::size_t length) {
    const bytes_view bytes = scratch_.back().bytes().subspan(used_, length);
    used_ += length;
    size_ += length;
    if (pieces_.size() > first_) {
      piece& last = pieces_.back();
      if (!last.owned && last.bytes.data() + last.bytes.size() == bytes.data()) {
        last.bytes = {last.bytes.data(), last.bytes.size() + length};
        return;
      }
    }
    pieces_.push_back({{}, bytes, false});
  }

  /// Sends what is lent, without a copy.
  void body(lease bytes) {
    if (!bytes) return;
    size_ += bytes.size();
    const bytes_view view = bytes.bytes();
    pieces_.push_back({std::move(bytes), view, true});
  }

  /// Gives the kernel as much as it takes now.
  progress flush(int fd) noexcept {
    while (first_ < pieces_.size()) {
      std::array<iovec, max_gather> gather;
      std::size_t count = 0;
      for (std::size_t i = first_; i < pieces_.size() && count < gather.size(); ++i, ++count) {
        gather[count] = {const_cast<std::byte*>(pieces_[i].bytes.data()), pieces_[i].bytes.size()};
      }
      msghdr message{};
      message.msg_iov = gather.data();
      message.msg_iovlen = count;
      const ssize_t sent = ::sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent < 0) {
        if (errno == EINTR) continue;
        return errno == EAGAIN || errno == EWOULDBLOCK ? progress::blocked : progress::broken;
      }
      forget(static_cast<std::size_t>(sent));
    }
    pieces_.clear();
    scratch_.clear();
    first_ = 0;
    used_ = 0;
    return progress::done;
  }

 private:
  static constexpr std::size_t max_gather = 256;

  struct piece {
    lease owner;
    bytes_view bytes;  // what is left of it
    bool owned;        // by a lease, and not in scratch_
  };

  void forget(std::size_t sent) noexcept {
    size_ -= sent;
    while (sent != 0) {
      piece& front = pieces_[first_];
      const std::size_t n = std::min(sent, front.bytes.size());
      front.bytes = front.bytes.subspan(n);
      sent -= n;
      if (front.bytes.empty()) {
        front.owner = {};
        ++first_;
      }
    }
  }

  buffer_pool& pool_;
  std::vector<piece> pieces_;
  std::size_t first_ = 0;  // the first piece that is not sent
  std::size_t size_ = 0;
  std::vector<buffer_pool::buffer> scratch_;
  std::size_t used_ = 0;  // of the last scratch buffer
};

}  // namespace shoal::net
