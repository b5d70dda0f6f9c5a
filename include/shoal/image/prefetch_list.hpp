// SPDX-License-Identifier: BSL-1.0
//
// prefetch_list: the blocks that a boot will read, in the order in which it will read them, from the trace of
// an earlier boot (block/trace_csv.hpp).
//
//     const result<std::vector<cid>> order = prefetch_list(text, index);
//     for (const cid& id : *order) fetch(id);
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <system_error>
#include <unordered_set>
#include <vector>

#include <shoal/base/error.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/image/index.hpp>

namespace shoal {

namespace detail {

/// A number at the front of a line, and the comma behind it.
inline bool take_csv_number(std::string_view& line, std::uint64_t& value) noexcept {
  const auto [end, wrong] = std::from_chars(line.data(), line.data() + line.size(), value);
  if (wrong != std::errc{}) return false;
  line.remove_prefix(static_cast<std::size_t>(end - line.data()));
  if (!line.starts_with(',')) return false;
  line.remove_prefix(1);
  return true;
}

}  // namespace detail

/// Each block once, holes left out. A first line of column names is skipped, requests that are no reads too,
/// and a last line without an end, which is still being written; a read past the end counts as far as the image
/// goes: it may have been another version's.
///
/// errc::malformed for a line that is not "offset,length,...".
[[nodiscard]] inline result<std::vector<cid>> prefetch_list(std::string_view trace, const image_index& index) {
  std::vector<cid> order;
  std::unordered_set<std::size_t> seen;
  for (bool first = true; !trace.empty(); first = false) {
    const std::size_t end = trace.find('\n');
    if (end == trace.npos) break;
    std::string_view line = trace.substr(0, end);
    trace.remove_prefix(end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || (first && line.starts_with("offset"))) continue;
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    if (!detail::take_csv_number(line, offset) || !detail::take_csv_number(line, length))
      return errc::malformed;
    const std::size_t comma = line.rfind(',');
    if (comma != line.npos && line.substr(comma + 1) != "Read") continue;
    if (offset >= index.size() || length == 0) continue;
    const std::uint64_t stop = offset + std::min(length, index.size() - offset);
    for (std::size_t leaf = index.leaf_at(offset); leaf < index.leaf_count() && index.begin(leaf) < stop;
         ++leaf) {
      if (seen.insert(leaf).second && !index.is_hole(leaf)) order.push_back(index.id(leaf));
    }
  }
  return order;
}

}  // namespace shoal
