// SPDX-License-Identifier: BSL-1.0
//
// ngram_model: which short sequences of accesses a device's driver makes, learnt from recordings of clean
// traffic; ngram_trainer learns. For rules of the kind `sequence`.
//
//     ngram_trainer trainer{3};
//     for (const hal::access_record& each : recording) trainer.note(each);
//     const result<ngram_model> model = trainer.finish();
//
// Exact: every sequence is kept, none is hashed. What is looked at is device, kind and address; values and
// times are left out.
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/cbor/reader.hpp>
#include <shoal/cbor/writer.hpp>
#include <shoal/hal/access_record.hpp>

namespace shoal::monitor {

/// What makes two accesses the same in a sequence.
struct access_symbol {
  std::uint64_t address = 0;
  std::uint16_t source = 0;
  hal::access what = hal::access::load;
  friend constexpr auto operator<=>(const access_symbol&, const access_symbol&) noexcept = default;

  [[nodiscard]] static constexpr access_symbol of(const hal::access_record& access) noexcept {
    return {access.address, access.source, access.what};
  }
};

/// The last few symbols of a stream, in one number: 16 bits each, the newest lowest, 0 for none.
class ngram_window {
 public:
  /// @pre 1 <= length <= 4
  explicit constexpr ngram_window(std::size_t length) noexcept : length_(length) {}

  constexpr void push(std::uint16_t symbol) noexcept {
    gram_ = gram_ << 16 | symbol;
    if (length_ < 4) gram_ &= (std::uint64_t{1} << (16 * length_)) - 1;
  }
  constexpr void clear() noexcept { gram_ = 0; }
  /// As many as its length are there.
  [[nodiscard]] constexpr bool full() const noexcept { return gram_ >> (16 * (length_ - 1)) != 0; }
  [[nodiscard]] constexpr std::uint64_t gram() const noexcept { return gram_; }

 private:
  std::size_t length_;
  std::uint64_t gram_ = 0;
};

class ngram_model {
 public:
  static constexpr std::size_t max_length = 4;
  static constexpr std::size_t max_symbols = 65535;
  static constexpr std::size_t max_grams = 1u << 20;
  /// No encoding is longer.
  static constexpr std::size_t max_encoded = 16u << 20;

  [[nodiscard]] std::size_t length() const noexcept { return length_; }
  [[nodiscard]] std::size_t symbol_count() const noexcept { return symbols_.size(); }
  [[nodiscard]] std::size_t gram_count() const noexcept { return grams_.size(); }

  /// The number of an access, from 1; 0: training has not seen it.
  [[nodiscard]] std::uint16_t symbol(const access_symbol& access) const noexcept {
    const auto at = std::ranges::lower_bound(symbols_, access);
    if (at == symbols_.end() || *at != access) return 0;
    return static_cast<std::uint16_t>(at - symbols_.begin() + 1);
  }
  /// Whether training has seen what a full ngram_window holds.
  [[nodiscard]] bool knows(std::uint64_t gram) const noexcept {
    return std::ranges::binary_search(grams_, gram);
  }

  /// As CBOR: {"n": length, "grams": [...], "shoal": "training 1", "symbols": [[address, source, what], ...]}.
  [[nodiscard]] std::vector<std::byte> encode() const {
    byte_output out;
    cbor::writer writer{out};
    writer.map(4);
    writer.text("n");
    writer.unsigned_integer(length_);
    writer.text("grams");
    writer.array(grams_.size());
    for (const std::uint64_t gram : grams_) writer.unsigned_integer(gram);
    writer.text("shoal");
    writer.text(format);
    writer.text("symbols");
    writer.array(symbols_.size());
    for (const access_symbol& each : symbols_) {
      writer.array(3);
      writer.unsigned_integer(each.address);
      writer.unsigned_integer(each.source);
      writer.unsigned_integer(static_cast<std::uint64_t>(each.what));
    }
    return std::move(out.bytes);
  }

  /// Reads what encode() wrote, and nothing else. malformed, truncated, limit_exceeded; unsupported for
  /// another version.
  [[nodiscard]] static result<ngram_model> decode(bytes_view bytes) {
    if (bytes.size() > max_encoded) return errc::limit_exceeded;
    ngram_model out;
    cbor::reader reader{bytes};
    const status read = out.read(reader);
    if (read != status::ok) return make_error_code(read);
    if (!reader.rest().empty()) return errc::malformed;
    return out;
  }

 private:
  friend class ngram_trainer;
  static constexpr std::string_view format = "training 1";

  struct byte_output {
    std::vector<std::byte> bytes;
    void append(bytes_view more) { bytes.insert(bytes.end(), more.begin(), more.end()); }
  };

  static status expect_text(cbor::reader& reader, std::string_view wanted) noexcept {
    const status_or<cbor::item> text = reader.expect(cbor::kind::text);
    if (!text) return text.code;
    return as_text(text->bytes) == wanted ? status::ok : status::malformed;
  }

  static status_or<std::uint64_t> number(cbor::reader& reader, cbor::kind kind, std::uint64_t most) noexcept {
    const status_or<cbor::item> item = reader.expect(kind);
    if (!item) return item.code;
    if (item->argument() > most) return status::limit_exceeded;
    return item->argument();
  }

  status read(cbor::reader& reader) {
    const auto map = number(reader, cbor::kind::map, 4);
    if (!map || *map != 4) return map ? status::malformed : map.code;
    if (const status key = expect_text(reader, "n"); key != status::ok) return key;
    const auto n = number(reader, cbor::kind::unsigned_integer, max_length);
    if (!n || *n == 0) return n ? status::malformed : n.code;
    length_ = static_cast<std::size_t>(*n);
    if (const status key = expect_text(reader, "grams"); key != status::ok) return key;
    const auto grams = number(reader, cbor::kind::array, max_grams);
    if (!grams) return grams.code;
    for (std::uint64_t i = 0; i < *grams; ++i) {
      const auto gram = number(reader, cbor::kind::unsigned_integer, ~std::uint64_t{0});
      if (!gram) return gram.code;
      if (!grams_.empty() && *gram <= grams_.back()) return status::malformed;
      grams_.push_back(*gram);
    }
    if (const status key = expect_text(reader, "shoal"); key != status::ok) return key;
    if (const status version = expect_text(reader, format); version != status::ok) {
      return version == status::malformed ? status::unsupported : version;
    }
    if (const status key = expect_text(reader, "symbols"); key != status::ok) return key;
    const auto symbols = number(reader, cbor::kind::array, max_symbols);
    if (!symbols) return symbols.code;
    for (std::uint64_t i = 0; i < *symbols; ++i) {
      const auto fields = number(reader, cbor::kind::array, 3);
      if (!fields || *fields != 3) return fields ? status::malformed : fields.code;
      const auto address = number(reader, cbor::kind::unsigned_integer, ~std::uint64_t{0});
      if (!address) return address.code;
      const auto source = number(reader, cbor::kind::unsigned_integer, 0xffff);
      if (!source) return source.code;
      const auto what =
          number(reader, cbor::kind::unsigned_integer, static_cast<std::uint64_t>(hal::last_access));
      if (!what) return what.code;
      const access_symbol symbol{*address, static_cast<std::uint16_t>(*source),
                                 static_cast<hal::access>(*what)};
      if (!symbols_.empty() && symbol <= symbols_.back()) return status::malformed;
      symbols_.push_back(symbol);
    }
    return std::ranges::all_of(grams_, [this](std::uint64_t gram) { return is_possible(gram); })
               ? status::ok
               : status::malformed;
  }

  /// As many symbols as the length, each of them one that exists.
  [[nodiscard]] bool is_possible(std::uint64_t gram) const noexcept {
    for (std::size_t i = 0; i < max_length; ++i) {
      const std::uint64_t symbol = gram >> (16 * i) & 0xffff;
      if (i < length_ ? symbol == 0 || symbol > symbols_.size() : symbol != 0) return false;
    }
    return true;
  }

  std::size_t length_ = 1;
  std::vector<access_symbol> symbols_;  // ascending
  std::vector<std::uint64_t> grams_;    // ascending
};

class ngram_trainer {
 public:
  /// @param length  of a sequence, 1 to ngram_model::max_length; others are cut to these. 3 tells drivers apart
  explicit ngram_trainer(std::size_t length = 3)
      : length_(std::clamp<std::size_t>(length, 1, ngram_model::max_length)), window_(length_) {}

  /// The next access of clean traffic. A loss starts the sequence anew.
  void note(const hal::access_record& access) {
    if (access.what == hal::access::lost) return window_.clear();
    const auto [at, fresh] =
        numbers_.try_emplace(access_symbol::of(access), static_cast<std::uint16_t>(numbers_.size() + 1));
    if (numbers_.size() > ngram_model::max_symbols) {
      too_much_ = true;
      numbers_.erase(at);
      return;
    }
    // more repeats than a window holds are nothing new
    const std::size_t times = 1 + std::min<std::size_t>(access.repeats, length_);
    for (std::size_t i = 0; i < times; ++i) {
      window_.push(at->second);
      if (window_.full() && grams_.size() <= ngram_model::max_grams) grams_.insert(window_.gram());
    }
  }

  /// Another recording follows, which is no continuation of this one.
  void restart() noexcept { window_.clear(); }

  /// What was learnt. limit_exceeded for traffic that uses more addresses or sequences than a model holds.
  [[nodiscard]] result<ngram_model> finish() const {
    if (too_much_ || grams_.size() > ngram_model::max_grams) return errc::limit_exceeded;
    ngram_model out;
    out.length_ = length_;
    std::vector<std::uint64_t> renumbered(numbers_.size() + 1);
    for (const auto& [symbol, number] : numbers_) {
      out.symbols_.push_back(symbol);
      renumbered[number] = out.symbols_.size();
    }
    for (const std::uint64_t gram : grams_) {
      std::uint64_t same = 0;
      for (std::size_t i = length_; i-- > 0;) same = same << 16 | renumbered[gram >> (16 * i) & 0xffff];
      out.grams_.push_back(same);
    }
    std::ranges::sort(out.grams_);
    return out;
  }

 private:
  std::size_t length_;
  ngram_window window_;
  std::map<access_symbol, std::uint16_t> numbers_;  // from 1, as they came
  std::set<std::uint64_t> grams_;
  bool too_much_ = false;
};

}  // namespace shoal::monitor
