// SPDX-License-Identifier: BSL-1.0
//
// handshake: the server's side of fixed newstyle negotiation, as a state machine: bytes in, bytes out.
//
//     nbd::handshake talk{exports};
//     send(talk.greeting());
//     while (talk.state() == nbd::handshake::phase::haggling) {
//       in = in.subspan(talk.receive(in, out));   // consumes whole messages only
//       send(out);  ...  read more into in
//     }
//     if (talk.state() == nbd::handshake::phase::transmission) serve(talk.chosen(), in);   // what is left of
//     `in`
//
// Speaks every option of the baseline except STARTTLS, which it refuses. Time is the driver's: it gives a
// handshake a deadline.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/nbd/export_info.hpp>
#include <shoal/nbd/option_reader.hpp>
#include <shoal/nbd/option_writer.hpp>
#include <shoal/nbd/wire.hpp>

namespace shoal::nbd {

/// What was agreed on.
struct agreement {
  std::size_t export_index = 0;             ///< into the exports that the handshake was made with
  bool structured = false;                  ///< structured replies
  std::optional<std::uint32_t> allocation;  ///< the id of base:allocation, if the client selected it
};

class handshake {
 public:
  enum class phase { haggling, transmission, closed };

  /// Longest data of an option, in bytes: a full list of metadata queries is far shorter.
  static constexpr std::size_t max_option_data = 64u << 10;
  /// A client that asks for more has no intention of ever choosing an export.
  static constexpr unsigned max_options = 10'000;
  /// receive() stops early once this many bytes wait to be sent: a short LIST can have a long answer.
  static constexpr std::size_t max_pending_output = 64u << 10;
  /// Input that receive() needs at most to make progress, in bytes.
  static constexpr std::size_t max_message = 16 + max_option_data;

  /// @param exports  what is on offer; outlives the handshake
  explicit handshake(std::span<const export_info> exports) noexcept : exports_(exports) {}

  /// The first bytes on the wire, from the server.
  [[nodiscard]] static std::array<std::byte, 18> greeting() noexcept {
    std::array<std::byte, 18> out;
    store_be(out.data(), nbd_magic);
    store_be(out.data() + 8, option_magic);
    const std::uint16_t flags = handshake_flag::fixed_newstyle | handshake_flag::no_zeroes;
    store_be(out.data() + 16, flags);
    return out;
  }

  [[nodiscard]] phase state() const noexcept { return phase_; }
  /// @pre state() == phase::transmission
  [[nodiscard]] const agreement& chosen() const noexcept { return agreed_; }

  /// Takes whole messages off the front of `in`, appends the replies to `out`, and returns how many bytes it
  /// took. It stops behind the message that ends the haggling: what follows is for the next protocol. Whatever
  /// is in `out` is to be sent even when the state is `closed`.
  std::size_t receive(bytes_view in, std::vector<std::byte>& out) {
    const std::size_t all = in.size();
    while (phase_ == phase::haggling && out.size() < max_pending_output) {
      const std::size_t took = have_flags_ ? take_option(in, out) : take_flags(in);
      if (took == 0) break;
      in = in.subspan(took);
    }
    return all - in.size();
  }

 private:
  static constexpr std::uint32_t allocation_id = 1;

  std::size_t take_flags(bytes_view in) noexcept {
    if (in.size() < 4) return 0;
    const auto flags = load_be<std::uint32_t>(in.data());
    if ((flags & ~std::uint32_t{handshake_flag::fixed_newstyle | handshake_flag::no_zeroes}) != 0) {
      phase_ = phase::closed;
    }
    no_zeroes_ = (flags & handshake_flag::no_zeroes) != 0;
    have_flags_ = true;
    return 4;
  }

  std::size_t take_option(bytes_view in, std::vector<std::byte>& out) {
    constexpr std::size_t header = 16;
    if (in.size() < header) return 0;
    if (load_be<std::uint64_t>(in.data()) != option_magic || ++options_ > max_options) {
      phase_ = phase::closed;
      return header;
    }
    const option asked{load_be<std::uint32_t>(in.data() + 8)};
    const std::size_t length = load_be<std::uint32_t>(in.data() + 12);
    if (length > max_option_data) {
      reply(out, asked, option_reply::err_too_big);
      phase_ = phase::closed;
      return header;
    }
    if (in.size() - header < length) {
      --options_;
      return 0;
    }
    answer(asked, in.subspan(header, length), out);
    return header + length;
  }

  void answer(option asked, bytes_view data, std::vector<std::byte>& out) {
    switch (asked) {
      case option::export_name: return choose_by_name(as_text(data), out);
      case option::abort:
        reply(out, asked, option_reply::ack);
        phase_ = phase::closed;
        return;
      case option::list: return list(data, out);
      case option::starttls:
        return reply(out, asked, data.empty() ? option_reply::err_policy : option_reply::err_invalid);
      case option::info:
      case option::go: return describe(asked, data, out);
      case option::structured_reply:
        if (!data.empty()) return reply(out, asked, option_reply::err_invalid);
        agreed_.structured = true;
        return reply(out, asked, option_reply::ack);
      case option::list_meta_context:
      case option::set_meta_context: return meta_context(asked, data, out);
      default: return reply(out, asked, option_reply::err_unsup);
    }
  }

  /// EXPORT_NAME has no way to report an error but to close.
  void choose_by_name(std::string_view name, std::vector<std::byte>& out) {
    const std::optional<std::size_t> found = find(name);
    if (!found) {
      phase_ = phase::closed;
      return;
    }
    const export_info& info = exports_[*found];
    append_be(out, info.size);
    append_be(out, flags_of(info));
    if (!no_zeroes_) out.resize(out.size() + 124);
    settle(*found);
  }

  void list(bytes_view data, std::vector<std::byte>& out) {
    if (!data.empty()) return reply(out, option::list, option_reply::err_invalid);
    for (const export_info& info : exports_) {
      const std::size_t at = begin(out, option::list, option_reply::server);
      append_be(out, static_cast<std::uint32_t>(info.name.size()));
      append_text(out, info.name);
      append_text(out, info.description);
      end(out, at);
    }
    reply(out, option::list, option_reply::ack);
  }

  void describe(option asked, bytes_view data, std::vector<std::byte>& out) {
    option_reader read{data};
    const std::string_view name = read.text();
    const auto count = read.integer<std::uint16_t>();
    bool wants_name = false;
    bool wants_description = false;
    bool wants_blocks = false;
    for (unsigned i = 0; i < count && !read.failed(); ++i) {
      const info wanted{read.integer<std::uint16_t>()};
      wants_name |= wanted == info::name;
      wants_description |= wanted == info::description;
      wants_blocks |= wanted == info::block_size;
    }
    if (!read.finished()) return reply(out, asked, option_reply::err_invalid);
    const std::optional<std::size_t> found = find(name);
    if (!found) return reply(out, asked, option_reply::err_unknown, "no export of that name");
    const export_info& told = exports_[*found];
    // first of all, so that a client that is refused for not asking need not ask
    std::size_t at = begin(out, asked, option_reply::info);
    append_be(out, static_cast<std::uint16_t>(info::block_size));
    append_be(out, told.min_block);
    append_be(out, told.preferred_block);
    append_be(out, max_payload);
    end(out, at);
    if (told.min_block > 1 && !wants_blocks) {
      return reply(out, asked, option_reply::err_block_size_reqd, "the export has a smallest block size");
    }
    at = begin(out, asked, option_reply::info);
    append_be(out, static_cast<std::uint16_t>(info::export_));
    append_be(out, told.size);
    append_be(out, flags_of(told));
    end(out, at);
    if (wants_name) append_info_text(out, asked, info::name, told.name);
    if (wants_description && !told.description.empty()) {
      append_info_text(out, asked, info::description, told.description);
    }
    reply(out, asked, option_reply::ack);
    if (asked == option::go) settle(*found);
  }

  void meta_context(option asked, bytes_view data, std::vector<std::byte>& out) {
    const bool select = asked == option::set_meta_context;
    // a new selection replaces the old one even when it fails
    if (select) selected_for_.reset();
    if (!agreed_.structured)
      return reply(out, asked, option_reply::err_invalid, "negotiate structured replies first");
    option_reader read{data};
    const std::string_view name = read.text();
    const auto count = read.integer<std::uint32_t>();
    bool matches = !select && count == 0;  // listing without a query asks for all
    for (std::uint32_t i = 0; i < count && !read.failed(); ++i) {
      const std::string_view query = read.text();
      matches |= query == allocation_context || (!select && query == "base:");
    }
    if (!read.finished()) return reply(out, asked, option_reply::err_invalid);
    const std::optional<std::size_t> found = find(name);
    if (!found) return reply(out, asked, option_reply::err_unknown, "no export of that name");
    if (matches && exports_[*found].allocation) {
      const std::size_t at = begin(out, asked, option_reply::meta_context);
      append_be(out, select ? allocation_id : 0u);
      append_text(out, allocation_context);
      end(out, at);
      if (select) selected_for_ = *found;
    }
    reply(out, asked, option_reply::ack);
  }

  void settle(std::size_t index) noexcept {
    agreed_.export_index = index;
    if (selected_for_ == index) agreed_.allocation = allocation_id;
    phase_ = phase::transmission;
  }

  [[nodiscard]] std::optional<std::size_t> find(std::string_view name) const noexcept {
    for (std::size_t i = 0; i < exports_.size(); ++i) {
      if (exports_[i].name == name) return i;
    }
    return std::nullopt;
  }

  [[nodiscard]] std::uint16_t flags_of(const export_info& info) const noexcept {
    return agreed_.structured ? info.flags | transmission_flag::send_df : info.flags;
  }

  static void append_info_text(std::vector<std::byte>& out, option asked, info kind, std::string_view text) {
    const std::size_t at = begin(out, asked, option_reply::info);
    append_be(out, static_cast<std::uint16_t>(kind));
    append_text(out, text);
    end(out, at);
  }

  /// Starts a reply whose length end() fills in.
  static std::size_t begin(std::vector<std::byte>& out, option asked, option_reply kind) {
    append_be(out, option_reply_magic);
    append_be(out, static_cast<std::uint32_t>(asked));
    append_be(out, static_cast<std::uint32_t>(kind));
    append_be(out, std::uint32_t{0});
    return out.size();
  }
  static void end(std::vector<std::byte>& out, std::size_t begun) noexcept {
    store_be(out.data() + begun - 4, static_cast<std::uint32_t>(out.size() - begun));
  }
  static void reply(std::vector<std::byte>& out, option asked, option_reply kind, std::string_view why = {}) {
    const std::size_t at = begin(out, asked, kind);
    append_text(out, why);
    end(out, at);
  }

  std::span<const export_info> exports_;
  phase phase_ = phase::haggling;
  bool have_flags_ = false;
  bool no_zeroes_ = false;
  unsigned options_ = 0;
  agreement agreed_;
  std::optional<std::size_t> selected_for_;  // the export that base:allocation was selected for
};

}  // namespace shoal::nbd
