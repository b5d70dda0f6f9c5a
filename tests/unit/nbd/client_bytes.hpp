// SPDX-License-Identifier: BSL-1.0
//
// What an NBD client puts on the wire, well-formed or not, and what a server answers, taken apart.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/nbd/wire.hpp>

namespace client {

using bytes = std::vector<std::byte>;
namespace nbd = shoal::nbd;

template <class T>
bytes be(T value) {
  bytes out(sizeof value);
  shoal::store_be(out.data(), value);
  return out;
}
inline bytes text(std::string_view value) {
  const shoal::bytes_view view = shoal::as_bytes(value);
  return {view.begin(), view.end()};
}
inline bytes join(std::initializer_list<bytes> parts) {
  bytes out;
  for (const bytes& part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}

inline bytes flags(std::uint32_t value = 3) {
  return be(value);
}
/// An option whose header may lie about the length of its data.
inline bytes raw_option(std::uint32_t number, std::uint32_t length, const bytes& data) {
  return join({be(nbd::option_magic), be(number), be(length), data});
}
inline bytes option(nbd::option number, const bytes& data = {}) {
  return raw_option(static_cast<std::uint32_t>(number), static_cast<std::uint32_t>(data.size()), data);
}
inline bytes name(std::string_view value) {
  return join({be(static_cast<std::uint32_t>(value.size())), text(value)});
}
inline bytes about(nbd::option number, std::string_view export_name,
                   const std::vector<nbd::info>& wanted = {}) {
  bytes data = join({name(export_name), be(static_cast<std::uint16_t>(wanted.size()))});
  for (const nbd::info each : wanted) data = join({data, be(static_cast<std::uint16_t>(each))});
  return option(number, data);
}
inline bytes go(std::string_view export_name = "") {
  return about(nbd::option::go, export_name);
}
inline bytes contexts(nbd::option number, std::string_view export_name,
                      const std::vector<std::string>& queries = {"base:allocation"}) {
  bytes data = join({name(export_name), be(static_cast<std::uint32_t>(queries.size()))});
  for (const std::string& each : queries) data = join({data, name(each)});
  return option(number, data);
}
inline bytes structured() {
  return option(nbd::option::structured_reply);
}

inline bytes ask(nbd::command type, std::uint64_t offset, std::uint32_t length, std::uint16_t command_flags = 0,
                 std::uint64_t cookie = 7) {
  return join({be(nbd::request_magic), be(command_flags), be(static_cast<std::uint16_t>(type)), be(cookie),
               be(offset), be(length)});
}

/// One answer to an option.
struct option_answer {
  std::uint32_t asked;
  nbd::option_reply kind;
  bytes data;
  friend bool operator==(const option_answer&, const option_answer&) = default;
};

/// Takes what a server sent apart, and throws when it is not what the protocol allows.
class server_bytes {
 public:
  explicit server_bytes(shoal::bytes_view all) : rest_(all) {}

  template <class T>
  T integer() {
    return shoal::load_be<T>(take(sizeof(T)).data());
  }
  shoal::bytes_view take(std::size_t n) {
    if (n > rest_.size()) throw std::runtime_error("the server's answer ends early");
    const shoal::bytes_view taken = rest_.first(n);
    rest_ = rest_.subspan(n);
    return taken;
  }
  void expect(bool truth, const char* what) {
    if (!truth) throw std::runtime_error(what);
  }
  option_answer answer() {
    expect(integer<std::uint64_t>() == nbd::option_reply_magic, "no option reply");
    option_answer out{};
    out.asked = integer<std::uint32_t>();
    out.kind = nbd::option_reply{integer<std::uint32_t>()};
    const shoal::bytes_view data = take(integer<std::uint32_t>());
    out.data.assign(data.begin(), data.end());
    return out;
  }
  [[nodiscard]] bool empty() const { return rest_.empty(); }
  [[nodiscard]] std::size_t size() const { return rest_.size(); }

 private:
  shoal::bytes_view rest_;
};

}  // namespace client
