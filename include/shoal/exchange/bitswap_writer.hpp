// SPDX-License-Identifier: BSL-1.0
//
// bitswap_writer: makes one Bitswap message, the length before it included. Blocks stay where they are: the
// message is a list of pieces, and a block's piece is the block.
//
//     bitswap_writer out;
//     out.add_presence(id, presence::have);
//     out.add_block(other, bytes);
//     for (const shared_bytes& piece : out.finish()) stream.queue(piece);
//
// Leaves out the reading: bitswap_message.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/shared_bytes.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/content/protobuf.hpp>
#include <shoal/content/varint.hpp>
#include <shoal/exchange/bitswap_message.hpp>
#include <shoal/exchange/peer_handle.hpp>

namespace shoal::exchange {

/// A message that waits to be sent.
struct outgoing_message {
  peer_handle peer{};
  std::vector<shared_bytes> pieces;  ///< to be sent one behind the other
  std::size_t size = 0;              ///< of all pieces, in bytes
};

class bitswap_writer {
 public:
  /// Bytes that a want or a presence adds to a message at most.
  static constexpr std::size_t max_entry_size = cid::max_size + 32;
  /// Bytes that a block adds to a message at most, beside its own.
  static constexpr std::size_t max_block_overhead = 4 * max_varint_size + 16;

  /// The wantlist replaces the one that the peer knows.
  void set_full() noexcept { full_ = true; }

  void add_want(const want_entry& want) {
    scratch_.clear();
    append_cid(scratch_, want.id);
    if (!want.cancel) append_protobuf_number(scratch_, 2, sign_extended(want.priority));
    if (want.cancel) append_protobuf_number(scratch_, 3, 1);
    if (want.type != want_type::block) append_protobuf_number(scratch_, 4, 1);
    if (want.send_dont_have) append_protobuf_number(scratch_, 5, 1);
    append_protobuf_bytes(wants_, 1, scratch_);
  }

  void add_presence(const cid& id, presence what) {
    scratch_.clear();
    append_cid(scratch_, id);
    append_protobuf_number(scratch_, 2, static_cast<std::uint64_t>(what));
    append_protobuf_bytes(text_, 4, scratch_);
  }

  /// @pre data is at most max_block_size long
  void add_block(const cid& id, shared_bytes data) {
    scratch_.clear();
    append_prefix(scratch_, id);
    append_protobuf_length(scratch_, 2, data.bytes.size());
    append_protobuf_length(text_, 3, scratch_.size() + data.bytes.size());
    text_.insert(text_.end(), scratch_.begin(), scratch_.end());
    block_bytes_ += data.bytes.size();
    blocks_.push_back({text_.size(), std::move(data)});
  }

  /// Bytes of the message so far, within a few.
  [[nodiscard]] std::size_t size() const noexcept { return wants_.size() + text_.size() + block_bytes_; }
  [[nodiscard]] bool empty() const noexcept { return size() == 0 && !full_; }

  /// The whole message in pieces; the writer is as new.
  [[nodiscard]] std::vector<shared_bytes> finish() {
    if (full_) append_protobuf_number(wants_, 2, 1);
    scratch_.clear();
    if (!wants_.empty()) append_protobuf_bytes(scratch_, 1, wants_);
    const auto head = std::make_shared<std::vector<std::byte>>();
    append_varint(*head, scratch_.size() + text_.size() + block_bytes_);
    head->insert(head->end(), scratch_.begin(), scratch_.end());
    const std::size_t begun = head->size();
    head->insert(head->end(), text_.begin(), text_.end());
    std::vector<shared_bytes> pieces;
    pieces.reserve(2 * blocks_.size() + 1);
    const bytes_view small{*head};
    std::size_t from = 0;
    for (placed_block& block : blocks_) {
      const std::size_t to = begun + block.at;
      pieces.push_back({head, small.subspan(from, to - from)});
      if (!block.data.bytes.empty()) pieces.push_back(std::move(block.data));
      from = to;
    }
    if (from < small.size()) pieces.push_back({head, small.subspan(from)});
    *this = {};
    return pieces;
  }

 private:
  /// A block and where in text_ it belongs.
  struct placed_block {
    std::size_t at;
    shared_bytes data;
  };

  /// How protobuf writes a negative int32.
  static std::uint64_t sign_extended(std::int32_t value) noexcept {
    return static_cast<std::uint64_t>(std::int64_t{value});
  }
  static void append_cid(std::vector<std::byte>& out, const cid& id) {
    append_protobuf_length(out, 1, id.encoded_size());
    id.append_to(out);
  }
  static void append_prefix(std::vector<std::byte>& out, const cid& id) {
    const block_prefix prefix = block_prefix::of(id);
    append_protobuf_length(out, 1,
                           1 + varint_size(static_cast<std::uint64_t>(prefix.codec)) +
                               varint_size(static_cast<std::uint64_t>(prefix.hash)) +
                               varint_size(prefix.digest_size));
    prefix.append_to(out);
  }

  std::vector<std::byte> wants_;  // entries of the wantlist
  std::vector<std::byte> text_;   // all else but the blocks' own bytes
  std::vector<std::byte> scratch_;
  std::vector<placed_block> blocks_;
  std::size_t block_bytes_ = 0;
  bool full_ = false;
};

}  // namespace shoal::exchange
