// SPDX-License-Identifier: BSL-1.0
//
// dns_reader and dns_writer: the messages of multicast DNS (RFC 1035, section 4; RFC 6762, section 18), as far
// as finding peers needs them.
//
//     result<dns_reader> in = dns_reader::open(datagram);
//     while (in) {
//       const result<std::optional<dns_record>> record = in->next_record();
//       if (!record || !*record) break;
//       if ((*record)->type == dns_type::txt) ...
//     }
//     dns_writer out{0, dns_flag::response | dns_flag::authoritative};
//     out.add_pointer(dns_section::answer, service, ttl, mine);
//
// Records of other types are given with their data as it stands. Leaves out EDNS and signatures.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/base/result.hpp>
#include <shoal/libp2p/dns_name.hpp>

namespace shoal::libp2p {

/// Longest message, in bytes (RFC 6762, section 17).
inline constexpr std::size_t max_dns_message = 9000;

enum class dns_type : std::uint16_t { a = 1, ptr = 12, txt = 16, aaaa = 28, srv = 33, any = 255 };

/// Where in a message a record stands.
enum class dns_section : std::uint8_t { answer, authority, additional };

/// Bits of a message's second word.
namespace dns_flag {
inline constexpr std::uint16_t response = 0x8000;
inline constexpr std::uint16_t operation = 0x7800;  ///< mask; 0 is a query
inline constexpr std::uint16_t authoritative = 0x0400;
inline constexpr std::uint16_t failure = 0x000f;  ///< mask
}  // namespace dns_flag

inline constexpr std::uint16_t dns_class_internet = 1;
inline constexpr std::uint16_t dns_class_any = 255;

struct dns_question {
  dns_name name;
  dns_type type{};
  std::uint16_t net = dns_class_internet;  ///< its class
  bool unicast = false;                    ///< the answer may come to the asker alone (RFC 6762, 5.4)
};

struct dns_record {
  dns_section section{};
  dns_name name;
  dns_type type{};
  std::uint16_t net = dns_class_internet;  ///< its class
  bool unique = false;                     ///< replaces what was known (RFC 6762, 10.2)
  std::uint32_t ttl = 0;                   ///< seconds
  dns_name target = {};                    ///< of a ptr record: what it points to
  bytes_view data = {};                    ///< of the message
};

class dns_reader {
 public:
  /// errc::truncated for less than a header, errc::limit_exceeded past max_dns_message.
  [[nodiscard]] static result<dns_reader> open(bytes_view message) noexcept {
    if (message.size() < header_size) return errc::truncated;
    if (message.size() > max_dns_message) return errc::limit_exceeded;
    return dns_reader{message};
  }

  [[nodiscard]] std::uint16_t id() const noexcept { return word(0); }
  /// See dns_flag.
  [[nodiscard]] std::uint16_t flags() const noexcept { return word(1); }

  /// The next question; nothing behind the last one. Errors as take_dns_name; the rest of the message cannot be
  /// read then.
  [[nodiscard]] result<std::optional<dns_question>> next_question() noexcept {
    if (asked_ == word(2)) return std::optional<dns_question>{};
    const result<dns_name> name = take_dns_name(message_, at_);
    if (!name) return name.error();
    if (message_.size() - at_ < 4) return errc::truncated;
    dns_question found{.name = *name};
    const std::byte* const fixed = message_.data() + at_;
    found.type = static_cast<dns_type>(load_be<std::uint16_t>(fixed));
    std::tie(found.net, found.unicast) = split_class(load_be<std::uint16_t>(fixed + 2));
    at_ += 4;
    ++asked_;
    return std::optional{found};
  }

  /// The next record of any section; nothing behind the last one. Skips what is left of the questions. Errors
  /// as next_question, and errc::malformed for a ptr record whose data is not one name.
  [[nodiscard]] result<std::optional<dns_record>> next_record() noexcept {
    while (asked_ != word(2)) {
      const result<std::optional<dns_question>> skipped = next_question();
      if (!skipped) return skipped.error();
    }
    while (told_ == word(3 + section_)) {
      if (section_ == 2) return std::optional<dns_record>{};
      ++section_;
      told_ = 0;
    }
    const result<dns_name> name = take_dns_name(message_, at_);
    if (!name) return name.error();
    constexpr std::size_t fixed_size = 10;
    if (message_.size() - at_ < fixed_size) return errc::truncated;
    const std::byte* const fixed = message_.data() + at_;
    dns_record found{.section = static_cast<dns_section>(section_), .name = *name};
    found.type = static_cast<dns_type>(load_be<std::uint16_t>(fixed));
    std::tie(found.net, found.unique) = split_class(load_be<std::uint16_t>(fixed + 2));
    found.ttl = load_be<std::uint32_t>(fixed + 4);
    const std::size_t size = load_be<std::uint16_t>(fixed + 8);
    if (size > message_.size() - at_ - fixed_size) return errc::truncated;
    const std::size_t begin = at_ + fixed_size;
    found.data = message_.subspan(begin, size);
    if (found.type == dns_type::ptr) {
      std::size_t end = begin;
      const result<dns_name> target = take_dns_name(message_.first(begin + size), end);
      if (!target) return target.error();
      if (end != begin + size) return errc::malformed;
      found.target = *target;
    }
    at_ = begin + size;
    ++told_;
    return std::optional{found};
  }

 private:
  static constexpr std::size_t header_size = 12;

  explicit dns_reader(bytes_view message) noexcept : message_(message) {}

  /// One of the six words of the header.
  [[nodiscard]] std::uint16_t word(std::size_t i) const noexcept {
    return load_be<std::uint16_t>(message_.data() + 2 * i);
  }
  /// Multicast DNS has taken the highest bit for itself.
  [[nodiscard]] static std::pair<std::uint16_t, bool> split_class(std::uint16_t value) noexcept {
    return {static_cast<std::uint16_t>(value & 0x7fff), (value & 0x8000) != 0};
  }

  bytes_view message_;
  std::size_t at_ = header_size;
  std::uint16_t asked_ = 0;  // questions that are read
  std::size_t section_ = 0;  // of the next record
  std::uint16_t told_ = 0;   // records of that section that are read
};

/// The next of the strings in a txt record's data, which loses it. errc::truncated when there is none that is
/// whole.
[[nodiscard]] inline result<bytes_view> take_dns_text(bytes_view& data) noexcept {
  if (data.empty()) return errc::truncated;
  const auto size = std::to_integer<std::size_t>(data.front());
  if (size > data.size() - 1) return errc::truncated;
  const bytes_view text = data.subspan(1, size);
  data = data.subspan(1 + size);
  return text;
}

/// Builds one message: questions, then records section by section. What does not fit is not added, and the
/// message stays whole.
class dns_writer {
 public:
  /// @param limit  longest message, in bytes; at most max_dns_message
  explicit dns_writer(std::uint16_t id, std::uint16_t flags, std::size_t limit = max_dns_message)
      : limit_(limit), message_(12) {
    store_be(message_.data(), id);
    store_be(message_.data() + 2, flags);
  }

  /// False when it does not fit. @pre there are no records yet
  bool ask(const dns_question& question) {
    const mark before = here();
    put_name(question.name);
    put<std::uint16_t>(static_cast<std::uint16_t>(question.type));
    put<std::uint16_t>(join_class(question.net, question.unicast));
    return keep(before, 0);
  }

  /// Adds a ptr record. False when it does not fit. @pre no record of a later section is there
  bool add_pointer(dns_section section, const dns_name& name, std::uint32_t ttl, const dns_name& target) {
    const mark before = here();
    const std::size_t size_at = put_head({.name = name, .type = dns_type::ptr, .ttl = ttl});
    put_name(target);
    return finish_record(before, section, size_at);
  }

  /// Adds an srv record without preferences (RFC 2782). Otherwise as add_pointer.
  bool add_service(dns_section section, const dns_name& name, bool unique, std::uint32_t ttl,
                   std::uint16_t port, const dns_name& host) {
    const mark before = here();
    const std::size_t size_at = put_head({.name = name, .type = dns_type::srv, .unique = unique, .ttl = ttl});
    put<std::uint32_t>(0);
    put<std::uint16_t>(port);
    put_name(host);
    return finish_record(before, section, size_at);
  }

  /// Adds a record with its data as it stands. Otherwise as add_pointer.
  bool add(const dns_record& record) {
    const mark before = here();
    const std::size_t size_at = put_head(record);
    message_.insert(message_.end(), record.data.begin(), record.data.end());
    return finish_record(before, record.section, size_at);
  }

  /// Bytes that still fit.
  [[nodiscard]] std::size_t room() const noexcept { return limit_ - message_.size(); }

  /// The message; the writer is done with.
  [[nodiscard]] std::vector<std::byte> take() noexcept { return std::move(message_); }

 private:
  struct mark {
    std::size_t size;
    std::size_t names;
  };

  [[nodiscard]] mark here() const noexcept { return {message_.size(), names_.size()}; }

  [[nodiscard]] static std::uint16_t join_class(std::uint16_t net, bool bit) noexcept {
    return static_cast<std::uint16_t>(net | (bit ? 0x8000 : 0));
  }

  template <class T>
  void put(T value) {
    message_.resize(message_.size() + sizeof value);
    store_be(message_.data() + message_.size() - sizeof value, value);
  }

  /// Label by label, up to a name that stands in the message already.
  void put_name(dns_name name) {
    for (; !name.is_root(); name = name.parent()) {
      for (const auto& [known, where] : names_) {
        if (known == name) {
          put<std::uint16_t>(static_cast<std::uint16_t>(0xc000 | where));
          return;
        }
      }
      if (message_.size() < 0x4000) names_.emplace_back(name, static_cast<std::uint16_t>(message_.size()));
      const bytes_view label = name.bytes().first(1 + name.label().size());
      message_.insert(message_.end(), label.begin(), label.end());
    }
    put<std::uint8_t>(0);
  }

  /// Where the size of the data is to be written.
  std::size_t put_head(const dns_record& record) {
    put_name(record.name);
    put<std::uint16_t>(static_cast<std::uint16_t>(record.type));
    put<std::uint16_t>(join_class(record.net, record.unique));
    put<std::uint32_t>(record.ttl);
    put<std::uint16_t>(0);
    return message_.size() - 2;
  }

  bool finish_record(mark before, dns_section section, std::size_t size_at) {
    const std::size_t size = message_.size() - size_at - 2;
    store_be(message_.data() + size_at, static_cast<std::uint16_t>(size));
    return keep(before, 1 + static_cast<std::size_t>(section));
  }

  /// Counts what was written, or takes it back. The message never holds 65536 of anything.
  bool keep(mark before, std::size_t counter) {
    if (message_.size() > limit_) {
      message_.resize(before.size);
      names_.resize(before.names);
      return false;
    }
    std::byte* const count = message_.data() + 4 + 2 * counter;
    store_be(count, static_cast<std::uint16_t>(load_be<std::uint16_t>(count) + 1));
    return true;
  }

  std::size_t limit_;
  std::vector<std::byte> message_;
  std::vector<std::pair<dns_name, std::uint16_t>> names_;  // with their ends, and where they stand
};

}  // namespace shoal::libp2p
