// SPDX-License-Identifier: BSL-1.0
//
// client_handshake: the client's side of newstyle negotiation, as a state machine: bytes in, bytes out.
//
//     nbd::client_handshake talk{{.name = "disk"}};
//     while (talk.state() == nbd::client_handshake::phase::haggling) {
//       in = in.subspan(talk.receive(in, out));   // consumes whole messages only
//       send(out);  ...  read more into in
//     }
//     if (talk.state() == nbd::client_handshake::phase::transmission) use(talk.agreed(), in);
//
// Asks for structured replies and base:allocation, and does without where a server has none; chooses the export
// with GO, or with EXPORT_NAME where a server is too old for that. Leaves out oldstyle negotiation. Time is the
// driver's.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/base/error.hpp>
#include <shoal/nbd/export_info.hpp>
#include <shoal/nbd/option_reader.hpp>
#include <shoal/nbd/option_writer.hpp>
#include <shoal/nbd/wire.hpp>

namespace shoal::nbd {

/// What a client wants.
struct export_wish {
  std::string name;  ///< at most max_string bytes; empty is the default export
  bool tls = false;  ///< encrypt the stream before anything is said of the export
};

/// What client and server have agreed on.
struct client_agreement {
  export_info info;                       ///< of the export; its size is cut to whole smallest blocks
  std::uint32_t max_block = max_payload;  ///< bytes; no read or write is longer. A multiple of min_block
  bool structured = false;                ///< structured replies
  std::uint32_t allocation_id = 0;        ///< the id of base:allocation, if info.allocation
  friend bool operator==(const client_agreement&, const client_agreement&) = default;
};

class client_handshake {
 public:
  enum class phase {
    haggling,
    securing,  ///< the server is ready for TLS: the driver puts it under the stream and calls secured()
    transmission,
    failed  ///< see failure(); what is in the output is still to be sent
  };

  /// Longest data of a server's answer to an option, in bytes: what it says is read, and a description is
  /// shorter.
  static constexpr std::size_t max_answer = 64u << 10;
  /// Answers to one option.
  static constexpr unsigned max_answers = 1000;
  /// Input that receive() needs at most to make progress, in bytes.
  static constexpr std::size_t max_message = 20 + max_answer;
  /// Bytes that are kept of what a server says to people.
  static constexpr std::size_t max_server_text = 512;

  /// @pre wish.name.size() <= max_string
  explicit client_handshake(export_wish wish) : wish_(std::move(wish)) { agreed_.info.name = wish_.name; }

  [[nodiscard]] phase state() const noexcept { return phase_; }
  /// @pre state() == phase::transmission
  [[nodiscard]] const client_agreement& agreed() const noexcept { return agreed_; }

  /// Why there is no agreement:
  ///
  /// errc::malformed: not an NBD server, or one that breaks the protocol; errc::unsupported: one that speaks
  /// oldstyle; errc::not_found: no such export; std::errc::wrong_protocol_type: the server wants TLS and we do
  /// not, or the other way round; std::errc::permission_denied: its policy; errc::shutting_down; errc::failed:
  /// another reason, see server_text().
  [[nodiscard]] std::error_code failure() const noexcept { return failure_; }
  /// What the server said about that: printable ASCII, often nothing.
  [[nodiscard]] const std::string& server_text() const noexcept { return server_text_; }
  /// Why there will be no agreement when the server hangs up now. One that is asked with EXPORT_NAME has no
  /// other way to refuse: errc::not_found. Otherwise errc::closed.
  [[nodiscard]] std::error_code end_of_stream() const noexcept {
    return step_ == step::by_name ? errc::not_found : errc::closed;
  }

  /// Takes whole messages off the front of `in`, appends to `out` what is to be said, and returns how many
  /// bytes it took. It stops behind the message that ends the haggling.
  std::size_t receive(bytes_view in, std::vector<std::byte>& out) {
    const std::size_t all = in.size();
    while (phase_ == phase::haggling) {
      const std::size_t took = step_ == step::greeting  ? take_greeting(in, out)
                               : step_ == step::by_name ? take_export(in)
                                                        : take_answer(in, out);
      if (took == 0) break;
      in = in.subspan(took);
    }
    return all - in.size();
  }

  /// The stream is encrypted: the negotiation goes on. @pre state() == phase::securing
  void secured(std::vector<std::byte>& out) {
    phase_ = phase::haggling;
    ask_for_structure(out);
  }

 private:
  enum class step { greeting, starttls, structured, context, go, by_name };
  static constexpr std::uint32_t error_bit = 0x80000000;
  static constexpr std::uint64_t oldstyle_magic = 0x00420281861253;

  std::size_t take_greeting(bytes_view in, std::vector<std::byte>& out) {
    // what is not NBD need not be long enough to be told from it
    if (in.size() >= 8 && load_be<std::uint64_t>(in.data()) != nbd_magic) return fail(errc::malformed);
    if (in.size() >= 16) {
      const auto style = load_be<std::uint64_t>(in.data() + 8);
      if (style == oldstyle_magic) return fail(errc::unsupported);
      if (style != option_magic) return fail(errc::malformed);
    }
    if (in.size() < 18) return 0;
    const auto offered = load_be<std::uint16_t>(in.data() + 16);
    const bool fixed = (offered & handshake_flag::fixed_newstyle) != 0;
    zeroes_ = (offered & handshake_flag::no_zeroes) == 0;
    const auto known = handshake_flag::fixed_newstyle | handshake_flag::no_zeroes;
    append_be(out, static_cast<std::uint32_t>(offered & known));
    if (!fixed && wish_.tls) return fail(std::make_error_code(std::errc::wrong_protocol_type));
    if (!fixed) {
      ask_by_name(out);  // the only option that a server has to know
    } else if (wish_.tls) {
      ask(step::starttls, option::starttls, {}, out);
    } else {
      ask_for_structure(out);
    }
    return 18;
  }

  // --- what is asked, one after the other

  void ask(step next, option number, bytes_view data, std::vector<std::byte>& out) {
    step_ = next;
    asked_ = number;
    answers_ = 0;
    append_option(out, number, data);
  }
  void ask_for_structure(std::vector<std::byte>& out) {
    ask(step::structured, option::structured_reply, {}, out);
  }
  void ask_for_context(std::vector<std::byte>& out) {
    std::vector<std::byte> data;
    append_string(data, wish_.name);
    append_be(data, std::uint32_t{1});
    append_string(data, allocation_context);
    ask(step::context, option::set_meta_context, data, out);
  }
  void ask_to_go(std::vector<std::byte>& out) {
    std::vector<std::byte> data;
    append_string(data, wish_.name);
    append_be(data, std::uint16_t{1});
    append_be(data, static_cast<std::uint16_t>(info::block_size));
    ask(step::go, option::go, data, out);
  }
  void ask_by_name(std::vector<std::byte>& out) {
    ask(step::by_name, option::export_name, as_bytes(wish_.name), out);
  }

  // --- what is answered

  std::size_t take_answer(bytes_view in, std::vector<std::byte>& out) {
    constexpr std::size_t header = 20;
    if (in.size() < header) return 0;
    const std::size_t length = load_be<std::uint32_t>(in.data() + 16);
    if (load_be<std::uint64_t>(in.data()) != option_reply_magic ||
        load_be<std::uint32_t>(in.data() + 8) != static_cast<std::uint32_t>(asked_) || length > max_answer) {
      return fail(errc::malformed);
    }
    if (in.size() - header < length) return 0;
    if (++answers_ > max_answers) return fail(errc::malformed);
    const option_reply kind{load_be<std::uint32_t>(in.data() + 12)};
    const bytes_view data = in.subspan(header, length);
    if ((static_cast<std::uint32_t>(kind) & error_bit) != 0) {
      refused(kind, data, out);
    } else if (!(step_ == step::go ? take_info(kind, data) : take_other(kind, data, out))) {
      fail(errc::malformed);
    }
    return header + length;
  }

  bool take_other(option_reply kind, bytes_view data, std::vector<std::byte>& out) {
    if (step_ == step::context && kind == option_reply::meta_context) {
      option_reader read{data};
      const auto id = read.integer<std::uint32_t>();
      // contexts that were not asked for are none of ours
      if (!read.failed() && as_text(data.subspan(4)) == allocation_context) {
        agreed_.info.allocation = true;
        agreed_.allocation_id = id;
      }
      return !read.failed();
    }
    if (kind != option_reply::ack) return false;
    if (step_ == step::starttls) {
      phase_ = phase::securing;
    } else if (step_ == step::structured) {
      agreed_.structured = true;
      ask_for_context(out);
    } else {
      ask_to_go(out);
    }
    return true;
  }

  void refused(option_reply kind, bytes_view data, std::vector<std::byte>& out) {
    const bool can_do_without = kind != option_reply::err_tls_reqd && kind != option_reply::err_shutdown;
    if (step_ == step::structured && can_do_without) return ask_to_go(out);
    if (step_ == step::context && can_do_without) {
      agreed_.info.allocation = false;
      return ask_to_go(out);
    }
    if (step_ == step::go && kind == option_reply::err_unsup) return ask_by_name(out);
    for (const std::byte each : data.first(std::min(data.size(), max_server_text))) {
      const char c = static_cast<char>(each);
      server_text_ += c >= ' ' && c <= '~' ? c : '?';
    }
    append_option(out, option::abort);
    fail(reason(kind));
  }
  [[nodiscard]] std::error_code reason(option_reply kind) const noexcept {
    if (kind == option_reply::err_shutdown) return errc::shutting_down;
    if (kind == option_reply::err_tls_reqd || step_ == step::starttls) {
      return std::make_error_code(std::errc::wrong_protocol_type);
    }
    if (kind == option_reply::err_unknown) return errc::not_found;
    if (kind == option_reply::err_policy) return std::make_error_code(std::errc::permission_denied);
    return errc::failed;
  }

  bool take_info(option_reply kind, bytes_view data) {
    if (kind == option_reply::ack) return have_export_ && settle();
    if (kind != option_reply::info) return false;
    option_reader read{data};
    const info what{read.integer<std::uint16_t>()};
    if (what == info::export_) {
      agreed_.info.size = read.integer<std::uint64_t>();
      agreed_.info.flags = read.integer<std::uint16_t>();
      have_export_ = true;
      return read.finished();
    }
    if (what == info::block_size) {
      agreed_.info.min_block = read.integer<std::uint32_t>();
      agreed_.info.preferred_block = read.integer<std::uint32_t>();
      agreed_.max_block = read.integer<std::uint32_t>();
      return read.finished();
    }
    return !read.failed();
  }

  /// The answer to EXPORT_NAME has no header.
  std::size_t take_export(bytes_view in) {
    const std::size_t length = zeroes_ ? 134 : 10;
    if (in.size() < length) return 0;
    agreed_.info.size = load_be<std::uint64_t>(in.data());
    agreed_.info.flags = load_be<std::uint16_t>(in.data() + 8);
    // a server that knows no GO may have set a context all the same, for this name
    if (!settle()) return fail(errc::malformed);
    return length;
  }

  /// False when what the server told cannot be ("Block size constraints").
  bool settle() noexcept {
    constexpr std::uint32_t largest_min = 64u << 10;
    const export_info& told = agreed_.info;
    const std::uint32_t min = told.min_block;
    if (told.size > INT64_MAX || !std::has_single_bit(min) || min > largest_min ||
        !std::has_single_bit(told.preferred_block) || told.preferred_block < std::max(min, 512u) ||
        agreed_.max_block < min) {
      return false;
    }
    agreed_.info.size = told.size / min * min;  // the rest cannot be asked for
    agreed_.max_block = std::min(agreed_.max_block, max_payload) / min * min;
    phase_ = phase::transmission;
    return true;
  }

  /// Returns 0, for who counts what was taken.
  std::size_t fail(std::error_code why) noexcept {
    failure_ = why;
    phase_ = phase::failed;
    return 0;
  }

  export_wish wish_;
  phase phase_ = phase::haggling;
  step step_ = step::greeting;
  option asked_ = option::abort;  // last
  unsigned answers_ = 0;          // to it
  bool zeroes_ = true;            // 124 of them follow the answer to EXPORT_NAME
  bool have_export_ = false;
  client_agreement agreed_;
  std::error_code failure_;
  std::string server_text_;
};

}  // namespace shoal::nbd
