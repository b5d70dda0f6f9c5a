// SPDX-License-Identifier: BSL-1.0
//
// cow: a writable overlay on a device that must not change. What is written goes to a device of its own.
//
//     any_device golden{std::move(image)};                 // one, shared
//     cow scratch{golden};                                 // one for each client, on top in memory
//     cow large{golden, std::move(sparse_file)};           // or on a file
//
// For fleets that boot one image. The overlay lasts as long as the object: there is no format on disk and
// no way to commit it to the base.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <stdexcept>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/error.hpp>
#include <shoal/block/block_set.hpp>
#include <shoal/block/capability.hpp>
#include <shoal/block/concepts.hpp>
#include <shoal/block/extent_list.hpp>
#include <shoal/block/memory.hpp>
#include <shoal/task/lease.hpp>
#include <shoal/task/range_lock.hpp>
#include <shoal/task/task.hpp>

namespace shoal {

/// `Base` as it was, under what has been written since, which is in `Top`, block by block.
///
/// Adds write and flush. Passes cache of the base; trim, zero and try_write of the top; try_lend and try_read
/// of either, for the blocks that it holds. Adds extents, which are data where the holder cannot tell. Trim
/// forgets what was written but never uncovers the base.
template <block_source Base, block_device Top = memory_device>
class cow {
 public:
  /// Blocks are this large, or as large as the smallest unit of either device.
  static constexpr std::uint32_t min_block_size = 4096;

  /// On top is memory that is allocated as it is written.
  explicit cow(Base base)
    requires std::same_as<Top, memory_device>
      : cow(base.info().size, std::move(base)) {}

  /// @throws std::invalid_argument if `top` is smaller than `base`, or read-only
  cow(Base base, Top top)
      : base_(std::move(base)),
        top_(std::move(top)),
        info_(merge(base_.info(), top_.info())),
        block_shift_(static_cast<unsigned>(std::countr_zero(std::max(min_block_size, info_.min_io)))),
        written_((info_.size >> block_shift_) + 1) {}

  /// Writes, and has extents, always; the rest depends on what is below.
  [[nodiscard]] capability capabilities() const noexcept {
    const auto base = static_cast<std::uint32_t>(actual_capabilities(base_));
    const auto top = static_cast<std::uint32_t>(actual_capabilities(top_));
    using enum capability;
    const auto of_base = static_cast<std::uint32_t>(cache | lend | try_read);
    const auto of_top = static_cast<std::uint32_t>(trim | zero | lend | try_read | try_write);
    return static_cast<capability>((base & of_base) | (top & of_top)) | write | extents;
  }

  [[nodiscard]] device_info info() const noexcept { return info_; }

  task<> read(std::uint64_t offset, bytes_span out) {
    if (!contains(info_.size, offset, out.size())) return failed(errc::out_of_range);
    const run piece = run_at(offset, out.size());
    return piece.length == out.size() ? read_piece(piece, offset, out) : read_pieces(offset, out);
  }

  task<> write(std::uint64_t offset, bytes_view in, io_flags flags) {
    if (!contains(info_.size, offset, in.size())) return failed(errc::out_of_range);
    return change(offset, in.size(), flags, write_change{offset, in, flags});
  }

  task<> flush() { return top_.flush(); }

  task<> trim(std::uint64_t offset, std::uint64_t length, io_flags flags)
    requires can_trim<Top>
  {
    if (!contains(info_.size, offset, length)) return failed(errc::out_of_range);
    return trim_pieces(offset, length, flags);
  }

  task<> zero(std::uint64_t offset, std::uint64_t length, io_flags flags)
    requires can_zero<Top>
  {
    if (!contains(info_.size, offset, length)) return failed(errc::out_of_range);
    return change(offset, length, flags, zero_change{offset, length, flags});
  }

  task<std::vector<extent>> extents(std::uint64_t offset, std::uint64_t length) {
    if (!contains(info_.size, offset, length)) return failed<std::vector<extent>>(errc::out_of_range);
    return map_pieces(offset, length);
  }

  task<> cache(std::uint64_t offset, std::uint64_t length)
    requires can_cache<Base>
  {
    return base_.cache(offset, length);
  }

  [[nodiscard]] lease try_lend(std::uint64_t offset, std::size_t n) noexcept
    requires(can_lend<Base> || can_lend<Top>)
  {
    if (!contains(info_.size, offset, n)) return {};
    const run piece = run_at(offset, n);
    const auto length = static_cast<std::size_t>(piece.length);
    return piece.written ? lend_from(top_, offset, length) : lend_from(base_, offset, length);
  }

  [[nodiscard]] bool try_read(std::uint64_t offset, bytes_span out) noexcept
    requires(can_try_read<Base> || can_try_read<Top>)
  {
    if (!contains(info_.size, offset, out.size())) return false;
    do {
      const run piece = run_at(offset, out.size());
      const bytes_span part = out.first(static_cast<std::size_t>(piece.length));
      if (!(piece.written ? read_from(top_, offset, part) : read_from(base_, offset, part))) return false;
      offset += part.size();
      out = out.subspan(part.size());
    } while (!out.empty());
    return true;
  }

  [[nodiscard]] bool try_write(std::uint64_t offset, bytes_view in, io_flags flags) noexcept
    requires can_try_write<Top>
  try {
    if (!contains(info_.size, offset, in.size())) return false;
    const plan todo = plan_for(offset, in.size());
    if (todo.covered) return top_.try_write(offset, in, flags);
    if (!filling_->is_free(todo.first, todo.last)) return false;
    for (const edge& missing : todo.edges) {
      if (!copy_now(missing, flags)) return false;
    }
    if (!top_.try_write(offset, in, flags)) return false;
    written_.insert(todo.first, todo.last - todo.first + 1);
    return true;
  } catch (const std::bad_alloc&) {
    return false;  // write() will meet it again and tell
  }

 private:
  // Bytes of one kind: all in the top, or all in the base.
  struct run {
    std::uint64_t length;
    bool written;
  };
  // A part of a block that a change leaves alone and that the top does not have yet.
  struct edge {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
  };
  struct plan {
    bool covered;         // the top has all the blocks
    std::uint64_t first;  // blocks, when it does not
    std::uint64_t last;
    std::array<edge, 2> edges;
  };
  struct write_change {
    std::uint64_t offset;
    bytes_view in;
    io_flags flags;
    task<> operator()(Top& top) const { return top.write(offset, in, flags); }
  };
  struct zero_change {
    std::uint64_t offset;
    std::uint64_t length;
    io_flags flags;
    task<> operator()(Top& top) const { return top.zero(offset, length, flags); }
  };

  cow(std::uint64_t size, Base&& base) : cow(std::move(base), Top{size}) {}

  static device_info merge(const device_info& base, const device_info& top) {
    if (top.size < base.size) throw std::invalid_argument("cow: the top is smaller than the base");
    if (top.read_only) throw std::invalid_argument("cow: the top is read-only");
    return {.size = base.size,
            .min_io = std::max(base.min_io, top.min_io),
            .preferred_io = std::max({base.preferred_io, top.preferred_io, min_block_size}),
            .max_io = std::min(base.max_io, top.max_io),
            .rotational = base.rotational || top.rotational,
            .fua = top.fua,
            .multi_conn = top.multi_conn};
  }

  std::uint64_t block_of(std::uint64_t offset) const noexcept { return offset >> block_shift_; }

  run run_at(std::uint64_t offset, std::uint64_t length) const noexcept {
    const std::uint64_t first = block_of(offset);
    const bool written = written_.contains(first);
    const std::uint64_t last = block_of(offset + (length == 0 ? 0 : length - 1));
    if (first == last) return {length, written};
    const std::uint64_t end = (first + written_.run(first, last - first + 1)) << block_shift_;
    return {std::min(end - offset, length), written};
  }

  // What has to be done before [offset, offset + length) of the top may change.
  plan plan_for(std::uint64_t offset, std::uint64_t length) const noexcept {
    if (const run piece = run_at(offset, length); (piece.written && piece.length == length) || length == 0) {
      return {.covered = true, .first = 0, .last = 0, .edges = {}};
    }
    const std::uint64_t end = offset + length;
    plan todo{.covered = false, .first = block_of(offset), .last = block_of(end - 1), .edges = {}};
    const std::uint64_t start = todo.first << block_shift_;
    const std::uint64_t stop = std::min((todo.last + 1) << block_shift_, info_.size);
    if (!written_.contains(todo.first)) todo.edges[0] = {start, offset - start};
    if (!written_.contains(todo.last)) todo.edges[1] = {end, stop - end};
    return todo;
  }

  // Runs `apply` on the top, after filling in the blocks that it changes only in part. The blocks count as
  // written when all of that has ended; until then others see the base, and a second change of them waits.
  template <class Change>
  task<> change(std::uint64_t offset, std::uint64_t length, io_flags flags, Change apply) {
    if (plan_for(offset, length).covered) return apply(top_);
    return change_uncovered(offset, length, flags, apply);
  }
  template <class Change>
  task<> change_uncovered(std::uint64_t offset, std::uint64_t length, io_flags flags, Change apply) {
    const std::uint64_t first = block_of(offset);
    const std::uint64_t last = block_of(offset + length - 1);
    if (!filling_->is_free(first, last)) co_await filling_->wait_free(first, last);
    const range_lock::hold held{*filling_, first, last};
    const plan todo = plan_for(offset, length);  // anew: others may have covered some while this one waited
    std::vector<std::byte> content;
    for (const edge& missing : todo.edges) {
      if (missing.length == 0) continue;
      content.resize(static_cast<std::size_t>(missing.length));
      const bytes_span all{content};
      const result<> read = co_await base_.read(missing.offset, all);
      if (!read) co_return read.error();
      const result<> kept = co_await top_.write(missing.offset, all, flags);
      if (!kept) co_return kept.error();
    }
    const result<> changed = co_await apply(top_);
    if (!changed) co_return changed.error();
    written_.insert(first, last - first + 1);
    co_return result<>{};
  }

  // The same for an edge if neither device has to wait.
  bool copy_now(edge missing, io_flags flags) noexcept {
    std::array<std::byte, min_block_size> content;
    while (missing.length != 0) {
      const bytes_span part{content.data(),
                            static_cast<std::size_t>(std::min<std::uint64_t>(missing.length, content.size()))};
      if (!read_from(base_, missing.offset, part) || !top_.try_write(missing.offset, part, flags)) return false;
      missing.offset += part.size();
      missing.length -= part.size();
    }
    return true;
  }

  task<> read_piece(run piece, std::uint64_t offset, bytes_span out) {
    return piece.written ? top_.read(offset, out) : base_.read(offset, out);
  }
  task<> read_pieces(std::uint64_t offset, bytes_span out) {
    while (!out.empty()) {
      const run piece = run_at(offset, out.size());
      const bytes_span part = out.first(static_cast<std::size_t>(piece.length));
      const result<> read = co_await read_piece(piece, offset, part);
      if (!read) co_return read.error();
      offset += part.size();
      out = out.subspan(part.size());
    }
    co_return result<>{};
  }

  task<> trim_pieces(std::uint64_t offset, std::uint64_t length, io_flags flags) {
    while (length != 0) {
      const run piece = run_at(offset, length);
      if (piece.written) {
        const result<> trimmed = co_await top_.trim(offset, piece.length, flags);
        if (!trimmed) co_return trimmed.error();
      }
      offset += piece.length;
      length -= piece.length;
    }
    co_return result<>{};
  }

  task<std::vector<extent>> map_pieces(std::uint64_t offset, std::uint64_t length) {
    extent_list found;
    // The number of questions is bounded like that of answers: many may join into one.
    for (std::size_t asked = 0; length != 0 && !found.full() && asked < extent_list::max_extents; ++asked) {
      const run piece = run_at(offset, length);
      const result<std::vector<extent>> below = co_await map_piece(piece, offset);
      if (!below) co_return below.error();
      for (const extent& next : *below) {
        found.add(next);
        offset += next.length;
        length -= next.length;
      }
    }
    co_return std::move(found).take();
  }

  task<std::vector<extent>> map_piece(run piece, std::uint64_t offset) {
    return piece.written ? map_from(top_, offset, piece.length) : map_from(base_, offset, piece.length);
  }
  template <class Device>
  static task<std::vector<extent>> map_from(Device& device, std::uint64_t offset, std::uint64_t length) {
    if constexpr (can_extents<Device>) {
      if (has(actual_capabilities(device), capability::extents)) return device.extents(offset, length);
    }
    return done(std::vector<extent>{{.length = length}});
  }
  template <class Device>
  static lease lend_from(Device& device, std::uint64_t offset, std::size_t n) noexcept {
    if constexpr (can_lend<Device>) return device.try_lend(offset, n);
    return {};
  }
  // Without waiting, one way or the other.
  template <class Device>
  static bool read_from(Device& device, std::uint64_t offset, bytes_span out) noexcept {
    if constexpr (can_try_read<Device>) {
      if (device.try_read(offset, out)) return true;
    }
    while (!out.empty()) {
      const lease lent = lend_from(device, offset, out.size());
      if (!lent) return false;
      std::memcpy(out.data(), lent.bytes().data(), lent.size());
      offset += lent.size();
      out = out.subspan(lent.size());
    }
    return true;
  }

  Base base_;
  Top top_;
  device_info info_;
  unsigned block_shift_;
  block_set written_;
  // Blocks that some task is filling in. Apart, so that an overlay can be moved before it is used.
  std::unique_ptr<range_lock> filling_ = std::make_unique<range_lock>();
};

template <block_source Base>
cow(Base) -> cow<Base, memory_device>;

}  // namespace shoal
