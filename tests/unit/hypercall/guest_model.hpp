// SPDX-License-Identifier: BSL-1.0
//
// What the tests of hypercall/ share: a guest's memory, ELF files to order, and a processor that does as it is
// told.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/hypercall/handler.hpp>
#include <shoal/hypercall/manifest.hpp>
#include <shoal/hypercall/program.hpp>
#include <shoal/hypercall/transport.hpp>

namespace guest_model {

using namespace shoal;
using namespace shoal::hypercall;

/// 2 MiB from address 0 on, seen by the host: all of it.
struct ram {
  static constexpr std::uint64_t size = 2_MiB;
  std::vector<std::byte> bytes = std::vector<std::byte>(size);
  hal::guest_regions<1> host;
  guest_ram guest{bytes};

  ram() { static_cast<void>(host.add(hal::guest_address{0}, bytes)); }
  ram(const ram&) = delete;
  ram& operator=(const ram&) = delete;

  /// Puts something at an address, and gives the address.
  template <class T>
  std::uint64_t put(std::uint64_t at, const T& value) {
    std::memcpy(bytes.data() + at, &value, sizeof value);
    return at;
  }
  template <class T>
  T get(std::uint64_t at) const {
    T value;
    std::memcpy(&value, bytes.data() + at, sizeof value);
    return value;
  }
  void put_text(std::uint64_t at, std::string_view text) {
    std::memcpy(bytes.data() + at, text.data(), text.size());
  }
  std::string text(std::uint64_t at, std::size_t n) const {
    return {reinterpret_cast<const char*>(bytes.data()) + at, n};
  }
};

/// Where tests put arguments and data: in what a guest may write.
inline constexpr std::uint64_t argument_at = 0x180000;
inline constexpr std::uint64_t data_at = 0x181000;

/// Makes one call with an argument, and gives the argument back as the guest then finds it.
template <class Argument, class Handler>
Argument ask(Handler& handler, ram& memory, std::uint32_t number, const Argument& argument,
             outcome expected = outcome::resume) {
  memory.put(argument_at, argument);
  const outcome got = handler.handle({number, argument_at}, memory.guest);
  if (got != expected) return {};
  return memory.get<Argument>(argument_at);
}

/// A program header and its bytes.
struct piece {
  std::uint32_t type = 1;
  std::uint32_t flags = 4;
  std::uint64_t address = 0x100000;
  std::string bytes;
  std::uint64_t memory_bytes = 0;
  std::uint64_t alignment = 0x1000;
};

inline std::string number_text(std::uint64_t value, std::size_t size) {
  std::string text;
  for (std::size_t i = 0; i < size; ++i) text += static_cast<char>(value >> 8 * i & 0xff);
  return text;
}

inline piece note(std::uint32_t type, const std::string& content) {
  return {.type = 4,
          .address = 0,
          .bytes = number_text(6, 4) + number_text(content.size(), 4) + number_text(type, 4) +
                   std::string("Solo5\0\0\0", 8) + content};
}
inline piece abi_piece(std::uint32_t target = hvt_target, std::uint32_t version = hvt_version) {
  return note(abi_note_type, number_text(target, 4) + number_text(version, 4) + std::string(8, '\0'));
}
inline piece manifest_piece(const manifest& wanted) {
  return note(manifest_note_type, std::string(4, '\0') + std::string(as_text(wanted.bytes())));
}

/// An ELF file: headers, then the bytes of each piece.
inline std::vector<std::byte> elf(std::uint64_t entry, const std::vector<piece>& pieces,
                                  architecture machine = architecture::x86_64) {
  std::string file = std::string("\177ELF\2\1\1", 7) + std::string(9, '\0') + number_text(2, 2) +
                     number_text(static_cast<std::uint16_t>(machine), 2) + number_text(1, 4) +
                     number_text(entry, 8) + number_text(64, 8) + number_text(0, 8) + number_text(0, 4) +
                     number_text(64, 2) + number_text(56, 2) + number_text(pieces.size(), 2) +
                     std::string(6, '\0');
  std::string content;
  for (const piece& p : pieces) {
    file += number_text(p.type, 4) + number_text(p.flags, 4) +
            number_text(64 + 56 * pieces.size() + content.size(), 8) + number_text(p.address, 8) +
            number_text(p.address, 8) + number_text(p.bytes.size(), 8) +
            number_text(p.memory_bytes == 0 ? p.bytes.size() : p.memory_bytes, 8) + number_text(p.alignment, 8);
    content += p.bytes;
  }
  const std::string all = file + content;
  const bytes_view view = as_bytes(all);
  return {view.begin(), view.end()};
}

/// Text, data with zeroes behind it, both notes.
inline std::vector<piece> usual_pieces(const manifest& wanted = {}) {
  return {{.flags = 1, .address = 0x100000, .bytes = "text"},
          {.flags = 4, .address = 0x101000, .bytes = "constants"},
          {.flags = 6, .address = 0x102000, .bytes = "data", .memory_bytes = 0x1800},
          abi_piece(),
          manifest_piece(wanted)};
}

/// Does one access after the other; before each the guest does what the script says.
class scripted_vcpu {
 public:
  void access(const guest_access& next, std::function<void()> before = {}) {
    script_.push_back({next, before});
  }
  void call_port(std::uint32_t number, std::uint64_t argument, std::function<void()> before = {}) {
    access({.where = guest_access::space::port,
            .is_write = true,
            .width = 4,
            .address = port_base + number,
            .value = argument},
           before);
  }
  /// What happens when the script is at its end.
  status end = status::failed;

  status_or<guest_access> run() noexcept {
    if (next_ == script_.size()) return end;
    const step& s = script_[next_++];
    if (s.before) s.before();
    return s.access;
  }
  [[nodiscard]] std::size_t steps() const { return next_; }

 private:
  struct step {
    guest_access access;
    std::function<void()> before;
  };
  std::vector<step> script_;
  std::size_t next_ = 0;
};
static_assert(vcpu<scripted_vcpu>);

}  // namespace guest_model
