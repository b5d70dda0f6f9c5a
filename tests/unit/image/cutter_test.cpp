// SPDX-License-Identifier: BSL-1.0
#include <shoal/image/cutter.hpp>  // first: shows that the header stands alone

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include <doctest/doctest.h>

namespace {

using shoal::bytes_view;
using shoal::data_range;

/// Cuts behind every byte that is divisible by 64, after 100 bytes at the least and 5000 at the most; so zeroes
/// are cut into pieces of 100.
struct toy_chunker {
  [[nodiscard]] static constexpr std::size_t max_size() noexcept { return 5000; }
  [[nodiscard]] std::size_t next_cut(bytes_view window, bool at_end) const noexcept {
    if (!at_end && window.size() < max_size()) return 0;
    const std::size_t end = std::min(window.size(), max_size());
    for (std::size_t i = 99; i < end; ++i) {
      if (std::to_integer<unsigned>(window[i]) % 64 == 0) return i + 1;
    }
    return end;
  }
};
static_assert(shoal::chunker<toy_chunker>);

/// A source that says where its holes are, or keeps it to itself.
struct sparse_source {
  std::vector<std::byte> bytes;
  std::vector<data_range> data;
  bool tells = true;

  [[nodiscard]] std::uint64_t size() const noexcept { return bytes.size(); }
  [[nodiscard]] shoal::result<> read(std::uint64_t offset, shoal::bytes_span out) const {
    return shoal::memory_source{bytes}.read(offset, out);
  }
  [[nodiscard]] shoal::result<data_range> data_after(std::uint64_t offset) const {
    if (!tells) return data_range{offset, size()};
    for (const data_range& range : data) {
      if (offset < range.end) return data_range{std::max(range.begin, offset), range.end};
    }
    return data_range{size(), size()};
  }
};

sparse_source make_sparse(std::uint64_t size, std::vector<data_range> data) {
  sparse_source source{std::vector<std::byte>(size), std::move(data)};
  std::mt19937 random{7};
  for (const data_range& range : source.data) {
    for (std::uint64_t i = range.begin; i < range.end; ++i) source.bytes[i] = static_cast<std::byte>(random());
  }
  return source;
}

struct cut_result {
  std::vector<std::uint64_t> offsets;
  std::uint64_t hole_bytes = 0;
};

cut_result cut_all(const sparse_source& source) {
  shoal::cutter cuts{source, toy_chunker{}};
  shoal::image_batch batch;
  cut_result all;
  while (!cuts.at_end()) {
    REQUIRE(cuts.next(batch));
    REQUIRE_FALSE(batch.pieces.empty());
    for (const shoal::image_piece& piece : batch.pieces) {
      CHECK(
          std::ranges::equal(piece.bytes, bytes_view{source.bytes}.subspan(piece.offset, piece.bytes.size())));
      if (piece.hole) all.hole_bytes += piece.bytes.size();
      all.offsets.push_back(piece.offset);
    }
  }
  return all;
}

TEST_CASE("the pieces follow one another to the end of the source") {
  const sparse_source source = make_sparse(3'000'000, {{0, 3'000'000}});
  const cut_result cut = cut_all(source);
  CHECK(cut.offsets.front() == 0);
  CHECK(std::ranges::is_sorted(cut.offsets));
  CHECK(cut.hole_bytes == 0);
}

TEST_CASE("where holes are told, the cuts are the same as where they are not") {
  sparse_source source = make_sparse(
      9'000'000,
      {{0, 10}, {20'000, 1'200'003}, {1'203'000, 1'203'001}, {4'000'000, 4'000'001}, {8'000'000, 8'999'000}});
  const cut_result told = cut_all(source);
  source.tells = false;
  const cut_result untold = cut_all(source);
  CHECK(told.offsets == untold.offsets);
  CHECK(told.hole_bytes > 6'000'000);
  CHECK(untold.hole_bytes == 0);
}

TEST_CASE("a source that is one hole is cut without reading it") {
  const cut_result cut = cut_all(make_sparse(1'000'001, {}));
  CHECK(cut.offsets.size() == 10'001);
  CHECK(cut.hole_bytes == 1'000'001);
}

TEST_CASE("an empty source has no pieces") {
  const sparse_source source = make_sparse(0, {});
  CHECK(shoal::cutter{source, toy_chunker{}}.at_end());
}

TEST_CASE("a source that has become shorter ends the cutting with its error") {
  struct shrunk {
    [[nodiscard]] std::uint64_t size() const noexcept { return 100; }
    [[nodiscard]] shoal::result<> read(std::uint64_t, shoal::bytes_span) const {
      return shoal::errc::source_changed;
    }
    [[nodiscard]] shoal::result<data_range> data_after(std::uint64_t offset) const {
      return data_range{offset, 100};
    }
  };
  const shrunk source;
  shoal::cutter cuts{source, toy_chunker{}};
  shoal::image_batch batch;
  CHECK(cuts.next(batch).error() == shoal::errc::source_changed);
}

}  // namespace
