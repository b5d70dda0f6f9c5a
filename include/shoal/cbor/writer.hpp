// SPDX-License-Identifier: BSL-1.0
//
// cbor::writer: writes CBOR in the form that cbor::reader reads, piece by piece, to any output.
//
//     std::array<std::byte, 64> buffer;
//     cbor::span_output out{buffer};
//     cbor::writer writer{out};
//     writer.map(1);  writer.text("line");  writer.unsigned_integer(17);
//     send(out.written());                                   // empty if it did not fit
//
// Freestanding. It writes what it is told: counts and the order of map keys are the caller's.
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/cbor/head.hpp>

namespace shoal::cbor {

/// Where a writer's bytes go. Must not keep the view.
template <class Output>
concept output = requires(Output& out, bytes_view bytes) { out.append(bytes); };

/// An output of fixed size. Once something did not fit it takes nothing more.
class span_output {
 public:
  explicit constexpr span_output(bytes_span buffer) noexcept : buffer_(buffer) {}

  constexpr void append(bytes_view bytes) noexcept {
    full_ = full_ || bytes.size() > buffer_.size() - used_;
    for (std::size_t i = 0; !full_ && i < bytes.size(); ++i) buffer_[used_++] = bytes[i];
  }

  /// True when something did not fit.
  [[nodiscard]] constexpr bool full() const noexcept { return full_; }
  /// All that was written; nothing when full(): half an item is of no use.
  [[nodiscard]] constexpr bytes_view written() const noexcept { return buffer_.first(full_ ? 0 : used_); }

 private:
  bytes_span buffer_;
  std::size_t used_ = 0;
  bool full_ = false;
};
static_assert(output<span_output>);

template <output Output>
class writer {
 public:
  /// @param out  outlives the writer
  explicit constexpr writer(Output& out) noexcept : out_(out) {}

  constexpr void unsigned_integer(std::uint64_t value) { head(major::unsigned_integer, value); }
  constexpr void integer(std::int64_t value) {
    const auto bits = static_cast<std::uint64_t>(value);
    value < 0 ? head(major::negative_integer, ~bits) : head(major::unsigned_integer, bits);
  }
  constexpr void bytes(bytes_view value) {
    head(major::bytes, value.size());
    out_.append(value);
  }
  /// @pre `value` is UTF-8
  void text(std::string_view value) {
    head(major::text, value.size());
    out_.append(as_bytes(value));
  }
  /// `count` items follow.
  constexpr void array(std::uint64_t count) { head(major::array, count); }
  /// `count` pairs of key and value follow, keys ascending.
  constexpr void map(std::uint64_t count) { head(major::map, count); }
  /// The tagged item follows.
  constexpr void tag(std::uint64_t number) { head(major::tag, number); }
  constexpr void boolean(bool value) { head(major::simple, value ? 21 : 20); }
  constexpr void null() { head(major::simple, 22); }
  /// In eight bytes always, as DAG-CBOR wants it.
  constexpr void floating(double value) {
    std::array<std::byte, max_head_size> out{std::byte{0xfb}};
    store_be(out.data() + 1, std::bit_cast<std::uint64_t>(value));
    out_.append(out);
  }

  /// Any head, in its shortest form.
  constexpr void head(major type, std::uint64_t argument) {
    std::array<std::byte, max_head_size> out{};
    out_.append(bytes_view{out}.first(put_head(out.data(), type, argument)));
  }

 private:
  Output& out_;
};

}  // namespace shoal::cbor
