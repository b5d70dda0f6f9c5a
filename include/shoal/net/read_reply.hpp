// SPDX-License-Identifier: BSL-1.0
//
// read_reply: puts the content of an NBD read into an output queue: what is lent without a copy, zeroes as
// holes that are not sent.
//
//     read_reply reply{queue, session.replies(), request, request.offset};
//     if (!reply.add_resident(device, request.length)) return read_it_later(request);
//     reply.finish(true);
//
// For nbd_connection. One object for each piece of a read that is known at once; the pieces of one read come in
// order.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include <shoal/base/bytes.hpp>
#include <shoal/block/any_device.hpp>
#include <shoal/nbd/reply.hpp>
#include <shoal/nbd/wire.hpp>
#include <shoal/net/output_queue.hpp>
#include <shoal/task/lease.hpp>

namespace shoal::net {

class read_reply {
 public:
  /// @param at  offset in the export of what is added first
  read_reply(output_queue& out, nbd::reply_writer writer, const nbd::request& request,
             std::uint64_t at) noexcept
      : out_(out),
        writer_(writer),
        request_(request),
        whole_(!writer.structured() || (request.flags & nbd::command_flag::df) != 0),
        start_(at),
        at_(at) {}

  /// Adds the next `length` bytes if the device has them at hand. Otherwise adds nothing and returns false; the
  /// object has no further use then.
  bool add_resident(any_device& device, std::size_t length) {
    const output_queue::mark before = out_.end();
    while (length != 0) {
      std::size_t n = 0;
      if (lease lent = device.try_lend(at_, length)) {
        n = lent.size();
        add(std::move(lent));
      } else {
        n = std::min(length, max_copy);
        if (!add_copy(device, n)) {
          out_.roll_back(before);
          return false;
        }
      }
      length -= n;
    }
    return true;
  }

  /// Adds what is lent.
  void add(lease content) {
    const std::size_t n = content.size();
    const bool hole = !whole_ && content.is_zeroes();
    extend(hole, n);
    if (!hole) out_.body(std::move(content));
  }
  /// Adds what has been read into memory of its own; all zeroes become a hole.
  void add_read(lease content) {
    if (!whole_ && all_zero(content.bytes())) return extend(true, content.size());
    extend(false, content.size());
    out_.body(std::move(content));
  }

  /// Completes what was added.
  /// @param last  it is the end of the read
  void finish(bool last) {
    if (is_open_) {
      const auto length = static_cast<std::uint32_t>(at_ - start_);
      if (is_hole_) {
        writer_.hole(head_, request_, start_, length, last);
      } else if (head_ != nullptr) {
        writer_.data(head_, request_, start_, length, last);
      }
      is_open_ = false;
    } else if (request_.length == 0) {
      std::byte head[nbd::max_reply_head];
      const std::size_t n = writer_.data(head, request_, request_.offset, 0, last);
      std::memcpy(out_.header(n), head, n);
    }
  }

 private:
  static constexpr std::size_t max_copy = 256u << 10;
  // Looking for zeroes in less would cost more than it saves.
  static constexpr std::size_t min_hole = 4096;

  static bool all_zero(bytes_view bytes) noexcept {
    return bytes.size() >= min_hole && bytes.front() == std::byte{} &&
           std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
  }

  bool add_copy(any_device& device, std::size_t n) {
    const std::size_t head = (whole_ && is_open_) || is_bare(at_) ? 0 : writer_.data_head_size();
    const bytes_span room = out_.room(head + n);
    const bytes_span content = room.subspan(head);
    if (!device.try_read(at_, content)) return false;
    const bool hole = !whole_ && all_zero(content);
    if (!whole_) finish(false);
    extend(hole, n);  // puts the head where room() left space for it
    if (!hole) out_.keep(n);
    return true;
  }

  /// Makes the run of content `n` bytes longer, beginning a new one where holes and data meet.
  void extend(bool hole, std::size_t n) {
    if (is_open_ && hole != is_hole_) finish(false);
    if (!is_open_) {
      is_open_ = true;
      is_hole_ = hole;
      start_ = at_;
      head_ = hole ? out_.header(writer_.hole_head_size) : begin_data();
    }
    at_ += n;
  }
  std::byte* begin_data() { return is_bare(start_) ? nullptr : out_.header(writer_.data_head_size()); }
  // Without structured replies only the first piece of a read has a head.
  [[nodiscard]] bool is_bare(std::uint64_t at) const noexcept {
    return !writer_.structured() && at != request_.offset;
  }

  output_queue& out_;
  nbd::reply_writer writer_;
  nbd::request request_;
  bool whole_;  // one run of data, whatever is in it
  bool is_open_ = false;
  bool is_hole_ = false;
  std::byte* head_ = nullptr;  // of the open run, filled in when its length is known
  std::uint64_t start_;        // of the open run
  std::uint64_t at_;
};

}  // namespace shoal::net
