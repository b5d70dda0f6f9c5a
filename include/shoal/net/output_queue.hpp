// SPDX-License-Identifier: BSL-1.0
//
// output_queue: what a connection has to send, as pieces that are gathered into one system call and never
// joined by copying.
//
//     nbd::put_simple_reply(queue.header(nbd::simple_reply_size), cookie, nbd::error::ok);
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
#include <shoal/net/free_list.hpp>
#include <shoal/task/lease.hpp>

namespace shoal::net {

/// Bytes of a scratch buffer: the requests that copying clients like to make, 256 KiB, and their headers.
inline constexpr std::size_t scratch_size = (256u << 10) + 4096;
using scratch_buffer = std::array<std::byte, scratch_size>;

class output_queue {
 public:
  enum class progress { done, blocked, broken };

  struct piece {
    lease owner;       // none for what is in a scratch buffer
    bytes_view bytes;  // what is left of it
  };
  /// Pieces that are filled in together and sent together.
  struct batch {
    std::vector<piece> pieces;
    std::vector<free_list<scratch_buffer>::item> scratch;
    std::size_t used = 0;  // of the last scratch buffer
    std::size_t sent = 0;  // pieces
  };
  /// Where queues get their memory.
  struct memory {
    free_list<scratch_buffer> scratch;
    free_list<batch> batches;
  };
  /// A place in the queue to return to.
  struct mark {
    std::size_t pieces, last_piece, scratch, used, size;
  };

  explicit output_queue(memory& from) noexcept : memory_(from) {}
  output_queue(const output_queue&) = delete;
  output_queue& operator=(const output_queue&) = delete;
  ~output_queue() {
    recycle(sending_);
    recycle(filling_);
  }

  /// Bytes that wait to be sent.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

  /// Room for `length` bytes that are sent next. The caller fills them before flush().
  /// @pre 0 < length <= scratch_size
  [[nodiscard]] std::byte* header(std::size_t length) {
    std::byte* const bytes = room(length).data();
    keep(length);
    return bytes;
  }

  /// Room for `length` bytes that are sent next if keep() is called, and forgotten otherwise.
  /// @pre 0 < length <= scratch_size
  [[nodiscard]] bytes_span room(std::size_t length) {
    batch& to = filling();
    if (to.scratch.empty() || scratch_size - to.used < length) {
      to.scratch.push_back(memory_.scratch.take());
      to.used = 0;
    }
    return bytes_span{*to.scratch.back()}.subspan(to.used, length);
  }
  /// Sends the first `length` bytes of the last room(). Neighbours become one piece.
  void keep(std::size_t length) {
    batch& to = filling();
    const bytes_view bytes = bytes_view{*to.scratch.back()}.subspan(to.used, length);
    to.used += length;
    size_ += length;
    if (!to.pieces.empty()) {
      bytes_view& last = to.pieces.back().bytes;
      if (!to.pieces.back().owner && last.data() + last.size() == bytes.data()) {
        last = {last.data(), last.size() + length};
        return;
      }
    }
    to.pieces.push_back({{}, bytes});
  }

  /// Sends what is lent, without a copy.
  void body(lease bytes) {
    if (!bytes) return;
    size_ += bytes.size();
    const bytes_view view = bytes.bytes();
    filling().pieces.push_back({std::move(bytes), view});
  }

  /// Remembers the end of the queue, for roll_back(). Valid until the next flush().
  [[nodiscard]] mark end() {
    const batch& at = filling();
    return {.pieces = at.pieces.size(),
            .last_piece = at.pieces.empty() ? 0 : at.pieces.back().bytes.size(),
            .scratch = at.scratch.size(),
            .used = at.used,
            .size = size_};
  }
  /// Forgets everything behind `to`.
  void roll_back(const mark& to) noexcept {
    batch& at = *filling_;
    at.pieces.resize(to.pieces);
    if (to.pieces != 0) at.pieces.back().bytes = at.pieces.back().bytes.first(to.last_piece);
    // a buffer taken since is kept: it is empty then
    at.used = at.scratch.size() == to.scratch ? to.used : 0;
    size_ = to.size;
  }

  /// Gives the kernel as much as it takes now.
  progress flush(int fd) noexcept {
    while (size_ != 0) {
      if (!sending_) sending_ = std::move(filling_);
      std::array<iovec, max_gather> gather;
      std::size_t count = 0;
      for (std::size_t i = sending_->sent; i < sending_->pieces.size() && count < gather.size(); ++i) {
        const bytes_view bytes = sending_->pieces[i].bytes;
        gather[count++] = {const_cast<std::byte*>(bytes.data()), bytes.size()};
      }
      msghdr message{};
      message.msg_iov = gather.data();
      message.msg_iovlen = count;
      const ssize_t n = ::sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (n < 0) {
        if (errno == EINTR) continue;
        return errno == EAGAIN || errno == EWOULDBLOCK ? progress::blocked : progress::broken;
      }
      forget(static_cast<std::size_t>(n));
    }
    recycle(filling_);  // there may be one for what was rolled back
    return progress::done;
  }

 private:
  static constexpr std::size_t max_gather = 512;

  // What is sent is apart from what is filled in, so that a queue that never runs empty still gives memory
  // back.
  batch& filling() {
    if (!filling_) filling_ = memory_.batches.take();
    return *filling_;
  }

  void forget(std::size_t n) noexcept {
    size_ -= n;
    while (sending_->sent < sending_->pieces.size()) {
      piece& front = sending_->pieces[sending_->sent];
      if (n < front.bytes.size()) {
        front.bytes = front.bytes.subspan(n);
        return;
      }
      n -= front.bytes.size();
      front.owner = {};
      ++sending_->sent;
    }
    recycle(sending_);
  }

  static void recycle(free_list<batch>::item& used) noexcept {
    if (!used) return;
    used->pieces.clear();
    used->scratch.clear();
    used->used = 0;
    used->sent = 0;
    used.reset();
  }

  memory& memory_;
  free_list<batch>::item sending_;
  free_list<batch>::item filling_;
  std::size_t size_ = 0;
};

}  // namespace shoal::net
