// SPDX-License-Identifier: BSL-1.0
//
// cutter: reads an image from front to back and cuts it into pieces, a batch at a time. The serial first stage
// of an import; hashing the batches is the parallel second one.
//
//     cutter cuts{source, chunker};
//     while (!cuts.at_end()) if (result<> r = cuts.next(batch); !r) return r;
//
// A hole is not read: as a chunker starts afresh at every piece, what it does to zeroes is asked once.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/chunker/concepts.hpp>
#include <shoal/image/byte_source.hpp>

namespace shoal {

/// A leaf's place in the image.
struct image_piece {
  std::uint64_t offset = 0;
  bytes_view bytes;   ///< in the batch's buffer, or a run of zeroes that outlives the cutter's batches
  bool hole = false;  ///< the source has no data there
};

/// Pieces that follow each other. Reused from batch to batch, so that nothing is allocated on the way.
struct image_batch {
  std::vector<image_piece> pieces;
  std::vector<std::byte> buffer;
};

template <byte_source Source, chunker Chunker>
class cutter {
 public:
  /// Most pieces in a batch of holes, which take no room in its buffer.
  static constexpr std::size_t max_hole_pieces = 1024;

  cutter(const Source& source, Chunker chunker)
      : source_(source), chunker_(std::move(chunker)), zeroes_(chunker_.max_size()) {}

  /// The source is cut into at least so many.
  [[nodiscard]] std::uint64_t fewest_pieces() const noexcept { return source_.size() / chunker_.max_size(); }

  /// Bytes of buffer that a batch needs: enough for several pieces, so that little is read twice.
  [[nodiscard]] std::size_t batch_size() const noexcept {
    return std::max<std::size_t>(1_MiB, 4 * chunker_.max_size());
  }

  [[nodiscard]] bool at_end() const noexcept { return position_ == source_.size(); }
  [[nodiscard]] std::uint64_t position() const noexcept { return position_; }

  /// Fills `batch` with the next pieces, at least one. The pieces are valid until the batch is filled again.
  /// @pre !at_end()
  result<> next(image_batch& batch) {
    batch.pieces.clear();
    if (position_ >= data_.end && position_ < source_.size()) {
      const result<data_range> data = source_.data_after(position_);
      if (!data) return data.error();
      data_ = *data;
    }
    return hole_ahead() ? cut_hole(batch) : cut_data(batch);
  }

 private:
  /// How far the chunker may look from here.
  [[nodiscard]] std::size_t window_size() const noexcept {
    return static_cast<std::size_t>(std::min<std::uint64_t>(chunker_.max_size(), source_.size() - position_));
  }

  /// True when all the chunker would see is a hole.
  [[nodiscard]] bool hole_ahead() const noexcept {
    return data_.begin > position_ && data_.begin - position_ >= window_size();
  }

  result<> cut_hole(image_batch& batch) {
    while (!at_end() && hole_ahead() && batch.pieces.size() < max_hole_pieces) {
      const std::size_t window = window_size();
      if (window != zero_window_) {
        zero_window_ = window;
        zero_cut_ = chunker_.next_cut(bytes_view{zeroes_}.first(window), window == source_.size() - position_);
      }
      batch.pieces.push_back({position_, bytes_view{zeroes_}.first(zero_cut_), true});
      position_ += zero_cut_;
    }
    return {};
  }

  result<> cut_data(image_batch& batch) {
    batch.buffer.resize(batch_size());
    const std::uint64_t left = source_.size() - position_;
    // no further than the data goes, but never less than one window: a piece may reach into a hole
    const std::uint64_t wanted = std::max<std::uint64_t>(data_.end - position_, chunker_.max_size());
    const auto size = static_cast<std::size_t>(std::min({left, wanted, std::uint64_t{batch.buffer.size()}}));
    const bytes_span buffer = bytes_span{batch.buffer}.first(size);
    if (const result<> read = source_.read(position_, buffer); !read) return read;

    const bool to_the_end = size == left;
    bytes_view rest = buffer;
    while (!rest.empty() && (to_the_end || rest.size() >= chunker_.max_size())) {
      const std::size_t cut = chunker_.next_cut(rest, to_the_end);
      batch.pieces.push_back({position_, rest.first(cut), false});
      rest = rest.subspan(cut);
      position_ += cut;
    }
    return {};
  }

  const Source& source_;
  Chunker chunker_;
  std::vector<std::byte> zeroes_;
  std::uint64_t position_ = 0;
  data_range data_{};
  std::size_t zero_window_ = 0;  // the window for which zero_cut_ was asked
  std::size_t zero_cut_ = 0;
};

}  // namespace shoal
