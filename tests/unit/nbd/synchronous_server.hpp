// SPDX-License-Identifier: BSL-1.0
//
// synchronous_server: an NBD server of a session and an array, without a socket or a clock: what the tests and
// the fuzzer hold the session to. Checks its own output against the protocol.
#pragma once

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include <shoal/nbd/server_session.hpp>

#include "client_bytes.hpp"

class synchronous_server {
 public:
  static constexpr std::uint64_t size = 256u << 10;

  static std::vector<shoal::nbd::export_info> exports() {
    using namespace shoal::nbd::transmission_flag;
    return {{.name = "",
             .description = "scratch",
             .size = size,
             .flags = has_flags | send_flush | send_fua | send_trim | send_write_zeroes | send_cache |
                      send_fast_zero,
             .allocation = true},
            {.name = "ro", .description = "", .size = size, .flags = has_flags | read_only, .min_block = 512}};
  }

  /// Takes bytes as they come in.
  void hear(shoal::bytes_view more) {
    if (ended_) return;
    in_.insert(in_.end(), more.begin(), more.end());
    shoal::bytes_view rest = in_;
    while (!ended_) {
      const shoal::nbd::server_event e = session_.next(rest);
      const client::bytes said = session_.take_output();
      expect(said.size() <= shoal::nbd::server_session::max_pending_output + 16'384, "too much output at once");
      out_.insert(out_.end(), said.begin(), said.end());
      haggled_ = session_.settled() ? haggled_ : out_.size();
      if (e.what == kind::settled) haggled_ = out_.size();
      expect(e.consumed <= rest.size(), "consumed more than there is");
      handle(e);
      rest = rest.subspan(e.consumed);
      if (e.what == kind::starved && e.consumed == 0) break;
    }
    expect(ended_ || rest.size() < shoal::nbd::server_session::max_input,
           "input is left that is enough to go on");
    in_ = client::bytes{rest.begin(), rest.end()};
  }

  [[nodiscard]] const client::bytes& output() const { return out_; }
  [[nodiscard]] bool ended() const { return ended_; }

  /// Throws when the output is not what a client of this conversation can read.
  void check_output() const {
    client::server_bytes all{out_};
    all.take(18);
    // EXPORT_NAME's answer has no header: it is told by what settled() had to say
    client::server_bytes rest{shoal::bytes_view{out_}.subspan(haggled_)};
    if (!by_name_) {
      client::server_bytes haggling{shoal::bytes_view{out_}.first(haggled_).subspan(18)};
      while (!haggling.empty()) haggling.answer();
    }
    std::size_t next = 0;
    while (!rest.empty()) check_reply(rest, next);
    expect(next == plain_.size(), "a request without a reply");
  }

 private:
  using kind = shoal::nbd::server_event::kind;
  using command = shoal::nbd::command;

  static void expect(bool truth, const char* what) {
    if (!truth) throw std::logic_error(what);
  }

  void handle(const shoal::nbd::server_event& e) {
    const shoal::nbd::request& r = e.request;
    switch (e.what) {
      case kind::starved:
      case kind::haggled: return;
      case kind::settled: by_name_ = !ends_with_ack(); return;
      case kind::left:
      case kind::violation: ended_ = true; return;
      case kind::refused:
        expect(e.code != shoal::nbd::error::ok, "refused for no reason");
        return fail(r, e.code);
      case kind::payload:
        expect(shoal::contains(size, e.offset, e.bytes.size()), "a write outside the export");
        expect(e.offset >= r.offset && e.last == (e.offset + e.bytes.size() == r.offset + r.length),
               "the last piece is not the last");
        std::ranges::copy(e.bytes, disk_.begin() + static_cast<std::ptrdiff_t>(e.offset));
        if (e.last) done(r);
        return;
      case kind::request: break;
    }
    expect(r.type == command::flush || shoal::contains(size, r.offset, r.length),
           "a request outside the export");
    const shoal::nbd::reply_writer reply = session_.replies();
    std::byte head[shoal::nbd::max_reply_head];
    if (r.type == command::read) {
      append(head, reply.data(head, r, r.offset, r.length, true));
      append(disk_.data() + r.offset, r.length);
    } else if (r.type == command::block_status) {
      append(head, reply.status(head, r, *session_.chosen().allocation, 1));
      shoal::nbd::reply_writer::put_descriptor(head, r.length, false, false);
      append(head, shoal::nbd::reply_writer::descriptor_size);
    } else {
      if (r.type == command::write_zeroes)
        std::fill_n(disk_.begin() + static_cast<std::ptrdiff_t>(r.offset), r.length, std::byte{});
      done(r);
    }
    if (r.type == command::read && !reply.structured()) plain_.push_back({r.cookie, r.length});
  }

  void append(const std::byte* from, std::size_t n) { out_.insert(out_.end(), from, from + n); }
  void done(const shoal::nbd::request& r) {
    std::byte head[shoal::nbd::max_reply_head];
    append(head, session_.replies().done(head, r));
    plain_.push_back({r.cookie, 0});
  }
  void fail(const shoal::nbd::request& r, shoal::nbd::error code) {
    std::byte head[shoal::nbd::max_reply_head];
    append(head, session_.replies().failed(head, r, code));
    const bool is_chunk =
        session_.chosen().structured && (r.type == command::read || r.type == command::block_status);
    if (!is_chunk) plain_.push_back({r.cookie, 0});
  }
  [[nodiscard]] bool ends_with_ack() const {
    constexpr std::size_t length = 20;
    return haggled_ >= 18 + length &&
           shoal::load_be<std::uint64_t>(out_.data() + haggled_ - length) == shoal::nbd::option_reply_magic;
  }

  /// One simple reply with its content, or one chunk.
  /// @param next  simple replies seen so far
  void check_reply(client::server_bytes& from, std::size_t& next) const {
    const auto magic = from.integer<std::uint32_t>();
    if (magic == shoal::nbd::structured_reply_magic) {
      expect(session_.chosen().structured, "a structured reply that nobody asked for");
      from.integer<std::uint16_t>();
      const auto type = from.integer<std::uint16_t>();
      from.integer<std::uint64_t>();
      const auto length = from.integer<std::uint32_t>();
      expect(type != 0 || length == 0, "a chunk of nothing has content");
      expect(type != 0x8001 || length == 6, "an error chunk of another size");
      from.take(length);
      return;
    }
    expect(magic == shoal::nbd::simple_reply_magic, "no reply");
    const auto code = from.integer<std::uint32_t>();
    const auto cookie = from.integer<std::uint64_t>();
    expect(next < plain_.size() && plain_[next].cookie == cookie, "a reply to nothing");
    from.take(code == 0 ? plain_[next].content : 0);
    ++next;
  }

  struct plain_reply {
    std::uint64_t cookie;
    std::uint32_t content;
  };

  const std::vector<shoal::nbd::export_info> exports_ = exports();
  shoal::nbd::server_session session_{exports_};
  client::bytes in_;
  client::bytes out_;
  client::bytes disk_ = client::bytes(size);
  std::size_t haggled_ = 0;  // bytes of out_ that are negotiation
  bool by_name_ = false;     // the export was chosen by EXPORT_NAME
  bool ended_ = false;
  std::vector<plain_reply> plain_;  // simple replies, in order
};
