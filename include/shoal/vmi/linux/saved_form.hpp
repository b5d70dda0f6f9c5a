// SPDX-License-Identifier: BSL-1.0
//
// saved_output, saved_input: how what is known of a kernel is kept in files: one CBOR array, each kind of file
// with its own name as the first item.
//
//     saved_output out;                                   saved_input in{bytes};
//     cbor::writer writer{out};                           in.array(2);
//     writer.array(2);                                    in.name("shoal profile 1");
//     writer.text("shoal profile 1");                     const std::uint64_t n = in.number(most);
//     writer.unsigned_integer(n);                         return in.finished(n);
//
// Input ends its work at the first mistake and gives zeros from there on: a reader asks once, at the end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/base/status.hpp>
#include <shoal/cbor/reader.hpp>
#include <shoal/cbor/writer.hpp>

namespace shoal::vmi {

/// Where a cbor::writer writes to.
struct saved_output {
  std::vector<std::byte> bytes;
  void append(bytes_view more) { bytes.insert(bytes.end(), more.begin(), more.end()); }
};
static_assert(cbor::output<saved_output>);

class saved_input {
 public:
  static constexpr std::uint64_t any = std::numeric_limits<std::uint64_t>::max();

  /// @param bytes  outlive it
  explicit saved_input(bytes_view bytes) noexcept : reader_(bytes) {}

  /// Of so many items.
  void array(std::uint64_t items) noexcept {
    if (take(cbor::kind::array).argument() != items) fail(status::malformed);
  }
  /// Of at most so many items: how many it has, 0 from the first mistake on.
  std::uint64_t array_up_to(std::uint64_t most) noexcept { return limited(cbor::kind::array, most); }
  /// Of groups of so many items, at most so many groups: how many there are, 0 from the first mistake on.
  std::uint64_t groups_up_to(std::uint64_t most, std::uint64_t items) noexcept {
    const std::uint64_t found = array_up_to(items * most);
    if (found % items != 0) fail(status::malformed);
    return well() ? found / items : 0;
  }
  std::uint64_t number(std::uint64_t most = any) noexcept {
    return limited(cbor::kind::unsigned_integer, most);
  }
  /// A view into the input.
  bytes_view bytes(std::size_t most) noexcept {
    const bytes_view found = take(cbor::kind::bytes).bytes;
    if (found.size() > most) fail(status::limit_exceeded);
    return code_ == status::ok ? found : bytes_view{};
  }
  /// What kind of file it is: unsupported for another one.
  void name(std::string_view wanted) noexcept {
    if (as_text(take(cbor::kind::text).bytes) != wanted) fail(status::unsupported);
  }

  [[nodiscard]] bool well() const noexcept { return code_ == status::ok; }
  void fail(status why) noexcept {
    if (code_ == status::ok) code_ = why;
  }
  /// What was made of it, or the first mistake; malformed when something is left.
  template <class T>
  [[nodiscard]] result<T> finished(T made) {
    if (!reader_.done() || !reader_.rest().empty()) fail(status::malformed);
    if (code_ != status::ok) return make_error_code(code_);
    return made;
  }

 private:
  cbor::item take(cbor::kind wanted) noexcept {
    if (code_ != status::ok) return {};
    const status_or<cbor::item> item = reader_.expect(wanted);
    if (item) return *item;
    fail(item.code);
    return {};
  }
  std::uint64_t limited(cbor::kind wanted, std::uint64_t most) noexcept {
    const std::uint64_t number = take(wanted).argument();
    if (number > most) fail(status::limit_exceeded);
    return code_ == status::ok ? number : 0;
  }

  cbor::reader reader_;
  status code_ = status::ok;
};

}  // namespace shoal::vmi
