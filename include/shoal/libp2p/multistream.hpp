// SPDX-License-Identifier: BSL-1.0
//
// multistream_dialer and multistream_listener: how two peers agree on the protocol of a connection or a stream
// (github.com/multiformats/multistream-select, version 1.0). One proposes names, the other echoes one or says
// "na".
//
//     multistream_dialer dial{protocols};          // preferred first
//     send(dial.take_output());                    // the header and the first name, in one write
//     multistream_event e = dial.next(in);         // `in` shrinks; what follows the agreement stays in it
//     if (e == multistream_event::agreed) use(dial.protocol());
//
//     multistream_listener listen;
//     listen.next(in, [](std::string_view name) { return name == "/ipfs/ping/1.0.0"; });
//
// A dialer with one name may send its own data right behind take_output(): a listener leaves it in its input.
// Leaves out "ls", which is answered by "na", and time: the driver gives the negotiation a deadline.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/libp2p/delimited.hpp>

namespace shoal::libp2p {

/// What both sides say first.
inline constexpr std::string_view multistream_header = "/multistream/1.0.0";
/// What a listener says to a name that it does not know.
inline constexpr std::string_view multistream_refusal = "na";
/// Longest message, in bytes, with the line feed at its end and without its length.
inline constexpr std::size_t max_multistream_message = 1024;

/// How far a negotiation is after next().
enum class multistream_event : std::uint8_t {
  starved,   ///< all input was taken: send the output, and call again when there is more
  agreed,    ///< on protocol(); the rest of the input and of the stream belongs to it
  refused,   ///< the listener knows none of the names, or the dialer has proposed more than the listener hears
  violation  ///< the peer does not speak multistream
};

namespace detail {

inline void append_multistream(std::vector<std::byte>& out, std::string_view text) {
  append_varint(out, text.size() + 1);
  const bytes_view bytes = as_bytes(text);
  out.insert(out.end(), bytes.begin(), bytes.end());
  out.push_back(std::byte{'\n'});
}

/// Takes lines out of the stream, the first of which has to be the header.
class multistream_reader {
 public:
  /// The next line after the header without its line feed; nothing when the input is used up.
  [[nodiscard]] result<std::optional<std::string_view>> next(bytes_view& in) {
    while (true) {
      const result<std::optional<bytes_view>> message = reader_.next(in);
      if (!message) return message.error();
      if (!*message) return std::optional<std::string_view>{};
      std::string_view line = as_text(**message);
      if (!line.ends_with('\n')) return errc::malformed;
      line.remove_suffix(1);
      if (greeted_) return std::optional{line};
      if (line != multistream_header) return errc::malformed;
      greeted_ = true;
    }
  }

 private:
  delimited_reader reader_{max_multistream_message};
  bool greeted_ = false;
};

}  // namespace detail

/// The side that wants something.
class multistream_dialer {
 public:
  /// @param protocols  names in order of preference, at least one, each shorter than max_multistream_message;
  ///                   they outlive the dialer
  explicit multistream_dialer(std::span<const std::string_view> protocols) : protocols_(protocols) {
    detail::append_multistream(output_, multistream_header);
    detail::append_multistream(output_, protocols_.front());
  }

  /// Takes from the front of `in`. After anything but starved it takes no more and says the same.
  multistream_event next(bytes_view& in) {
    while (state_ == multistream_event::starved) {
      const result<std::optional<std::string_view>> line = reader_.next(in);
      if (!line) return state_ = multistream_event::violation;
      if (!*line) return state_;
      if (**line == protocol()) {
        state_ = multistream_event::agreed;
      } else if (**line != multistream_refusal) {
        state_ = multistream_event::violation;
      } else if (proposed_ + 1 == protocols_.size()) {
        state_ = multistream_event::refused;
      } else {
        detail::append_multistream(output_, protocols_[++proposed_]);
      }
    }
    return state_;
  }

  /// The name proposed last: once agreed, the one agreed on.
  [[nodiscard]] std::string_view protocol() const noexcept { return protocols_[proposed_]; }
  /// Its place in the list.
  [[nodiscard]] std::size_t index() const noexcept { return proposed_; }
  /// What has to be sent before anything else.
  [[nodiscard]] std::vector<std::byte> take_output() noexcept { return std::exchange(output_, {}); }

 private:
  std::span<const std::string_view> protocols_;
  std::size_t proposed_ = 0;
  detail::multistream_reader reader_;
  std::vector<std::byte> output_;
  multistream_event state_ = multistream_event::starved;
};

/// The side that offers something.
class multistream_listener {
 public:
  /// Names that a dialer may propose before it is cut off.
  static constexpr std::size_t max_proposals = 64;

  multistream_listener() { detail::append_multistream(output_, multistream_header); }

  /// Takes from the front of `in` and asks `accepts(name)` about each name that the dialer proposes. After
  /// anything but starved it takes no more and says the same.
  template <std::predicate<std::string_view> Accepts>
  multistream_event next(bytes_view& in, Accepts&& accepts) {
    while (state_ == multistream_event::starved) {
      const result<std::optional<std::string_view>> line = reader_.next(in);
      if (!line) return state_ = multistream_event::violation;
      if (!*line) return state_;
      if (accepts(**line)) {
        detail::append_multistream(output_, **line);
        protocol_ = **line;
        state_ = multistream_event::agreed;
      } else {
        detail::append_multistream(output_, multistream_refusal);
        if (++refused_ == max_proposals) state_ = multistream_event::refused;
      }
    }
    return state_;
  }

  /// The name agreed on; empty before.
  [[nodiscard]] const std::string& protocol() const noexcept { return protocol_; }
  /// How many names were refused.
  [[nodiscard]] std::size_t refusals() const noexcept { return refused_; }
  /// What has to be sent before anything else.
  [[nodiscard]] std::vector<std::byte> take_output() noexcept { return std::exchange(output_, {}); }

 private:
  detail::multistream_reader reader_;
  std::vector<std::byte> output_;
  std::size_t refused_ = 0;
  std::string protocol_;
  multistream_event state_ = multistream_event::starved;
};

}  // namespace shoal::libp2p
