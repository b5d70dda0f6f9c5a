// SPDX-License-Identifier: BSL-1.0
//
// cbor::reader: reads a CBOR item piece by piece, strictly (RFC 8949, section 4.2): shortest heads, definite
// lengths, sorted map keys, and so none twice, and texts in UTF-8.
//
//     cbor::reader reader{bytes};
//     while (!reader.done()) {
//       const status_or<cbor::item> item = reader.next();
//       if (!item) return item.code;
//       if (item->type == cbor::kind::text) use(item->bytes);
//     }
//
// Freestanding: no allocation, views into the input, a nesting of max_depth at most. Leaves out maps in another
// order, maps with keys that are floats, tagged, or containers, and indefinite lengths.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <shoal/base/bytes.hpp>
#include <shoal/base/status.hpp>
#include <shoal/cbor/head.hpp>
#include <shoal/cbor/utf8.hpp>

namespace shoal::cbor {

/// Deepest nesting of arrays and maps that is read. What people write stays below ten.
inline constexpr std::size_t max_depth = 64;

enum class kind : std::uint8_t {
  unsigned_integer,  ///< argument
  negative_integer,  ///< -1 - argument
  bytes,
  text,
  array,  ///< argument items follow
  map,    ///< argument pairs of key and value follow
  tag,    ///< argument is the tag's number, the tagged item follows
  boolean,
  null,
  undefined,
  simple,
  floating,  ///< float_value(head)
};

/// A scalar, or the start of an array, a map or a tagged item.
struct item {
  kind type = kind::null;
  cbor::head head;
  bytes_view bytes;  ///< of bytes and text; points into the input

  [[nodiscard]] constexpr std::uint64_t argument() const noexcept { return head.argument; }
  /// @pre type == kind::boolean
  [[nodiscard]] constexpr bool truth() const noexcept { return head.argument == 21; }
};

/// The order of keys in a map, by their encoded bytes.
enum class key_order : std::uint8_t {
  bytewise,      ///< lexicographic: the core deterministic encoding (section 4.2.1)
  length_first,  ///< shorter first, then lexicographic: older CBOR (section 4.2.3) and DAG-CBOR
};

class reader {
 public:
  /// Reads the one item at the front of `input`, which outlives the reader.
  explicit constexpr reader(bytes_view input, key_order order = key_order::bytewise) noexcept
      : rest_(input), order_(order) {}

  /// True when the item is complete. What stands behind it is rest().
  [[nodiscard]] constexpr bool done() const noexcept { return started_ && depth_ == 0 && !tagged_; }

  /// What has not been read yet.
  [[nodiscard]] constexpr bytes_view rest() const noexcept { return rest_; }

  /// How many arrays and maps are open.
  [[nodiscard]] constexpr std::size_t depth() const noexcept { return depth_; }

  /// True when next() gives the key of a map's pair.
  [[nodiscard]] constexpr bool at_key() const noexcept {
    return depth_ != 0 && !tagged_ && levels_[depth_ - 1].is_map && levels_[depth_ - 1].left % 2 == 0;
  }

  /// The next piece, in the order of the encoding.
  ///
  /// truncated when the input ends before the item does, also when it is too short for the number of items
  /// announced; malformed for keys out of order or twice and for text that is not UTF-8; limit_exceeded past
  /// max_depth; unsupported for what is left out; invalid_argument when done(); otherwise as take_head. After
  /// an error the reader stays where it was.
  [[nodiscard]] constexpr status_or<item> next() noexcept {
    if (done()) return status::invalid_argument;
    bytes_view rest = rest_;
    const status_or<head> h = take_head(rest);
    if (!h) return h.code;
    item out{kind_of(*h), *h, {}};
    if (out.type == kind::bytes || out.type == kind::text) {
      if (h->argument > rest.size()) return status::truncated;
      out.bytes = rest.first(static_cast<std::size_t>(h->argument));
      rest = rest.subspan(out.bytes.size());
      if (out.type == kind::text && !is_utf8(out.bytes)) return status::malformed;
    }
    const bool opens = out.type == kind::array || out.type == kind::map;
    if (opens) {
      // An item takes a byte at least: a count that the input cannot hold is not even begun.
      if (h->argument > rest.size() / (out.type == kind::map ? 2 : 1)) return status::truncated;
      if (h->argument != 0 && depth_ == max_depth) return status::limit_exceeded;
    }
    if (at_key()) {
      if (opens || out.type == kind::tag || out.type == kind::floating) return status::unsupported;
      level& map = levels_[depth_ - 1];
      const bytes_view key = rest_.first(rest_.size() - rest.size());
      if (map.last_key.data() != nullptr && !precedes(map.last_key, key)) return status::malformed;
      map.last_key = key;
    }

    rest_ = rest;
    if (depth_ != 0 && !tagged_) --levels_[depth_ - 1].left;
    started_ = true;
    tagged_ = out.type == kind::tag;
    if (opens && h->argument != 0) {
      const bool is_map = out.type == kind::map;
      levels_[depth_++] = {h->argument * (is_map ? 2 : 1), {}, is_map};
    }
    while (!tagged_ && depth_ != 0 && levels_[depth_ - 1].left == 0) --depth_;
    return out;
  }

  /// Reads the next piece and wants it to be of this kind: malformed if it is not. Otherwise as next.
  [[nodiscard]] constexpr status_or<item> expect(kind wanted) noexcept {
    const status_or<item> found = next();
    if (found && found->type != wanted) return status::malformed;
    return found;
  }

  /// Reads over the next item with all that it contains. Errors as next.
  [[nodiscard]] constexpr status skip() noexcept {
    // The item is over when as many levels are open as before it, or fewer: it may have been its parents' last.
    const std::size_t before = depth_;
    for (;;) {
      const status_or<item> piece = next();
      if (!piece) return piece.code;
      if (!tagged_ && depth_ <= before) return status::ok;
    }
  }

 private:
  struct level {
    std::uint64_t left = 0;  // items still to come; a pair of a map counts as two
    bytes_view last_key;
    bool is_map = false;
  };

  static constexpr kind kind_of(const head& h) noexcept {
    if (h.type != major::simple) return static_cast<kind>(h.type);
    if (h.width > 1) return kind::floating;
    switch (h.argument) {
      case 20:
      case 21: return kind::boolean;
      case 22: return kind::null;
      case 23: return kind::undefined;
      default: return kind::simple;
    }
  }

  constexpr bool precedes(bytes_view a, bytes_view b) const noexcept {
    if (order_ == key_order::length_first && a.size() != b.size()) return a.size() < b.size();
    for (std::size_t i = 0; i < a.size() && i < b.size(); ++i) {
      if (a[i] != b[i]) return a[i] < b[i];
    }
    return a.size() < b.size();
  }

  bytes_view rest_;
  key_order order_;
  bool started_ = false;
  bool tagged_ = false;  // a tag was read and its item was not
  std::size_t depth_ = 0;
  std::array<level, max_depth> levels_{};
};

}  // namespace shoal::cbor
