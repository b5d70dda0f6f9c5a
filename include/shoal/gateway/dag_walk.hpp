// SPDX-License-Identifier: BSL-1.0
//
// dag_walk: which blocks answer a request for a CAR, depth first: those on the path, then those of the DAG at
// its end that are in scope (trustless gateway, "dag-scope", "entity-bytes", "order", "dups").
//
//     dag_walk walk{wanted};
//     while (const cid* id = walk.wanted()) {
//       const auto block = fetch(*id);
//       if (walk.supply(block)) write_section(*id, block);
//     }
//     if (walk.error()) cut_the_answer_off();
//
// Holds names of blocks, not blocks. CIDs that carry their block (is_inline) are never wanted and never sent.
// Does not verify.
#pragma once

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <unordered_map>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/content/dag_cbor.hpp>
#include <shoal/content/dag_pb.hpp>
#include <shoal/content/file_node.hpp>
#include <shoal/content/unixfs.hpp>
#include <shoal/content/unixfs_directory.hpp>
#include <shoal/gateway/dag_cbor_path.hpp>
#include <shoal/gateway/request.hpp>

namespace shoal::gateway {

/// One walk. After an error nothing more is wanted.
class dag_walk {
 public:
  /// Links that wait to be followed: some 24 MB of them.
  static constexpr std::size_t max_pending = 128u << 10;
  /// Blocks of one CAR without duplicates: 16 GiB of 64 KiB leaves, some 25 MB of names.
  static constexpr std::size_t max_remembered = 256u << 10;

  /// @param wanted  outlives the walk
  explicit dag_walk(const request& wanted) : request_(wanted), names_(wanted.path) {
    pending_.push_back({wanted.root, names_.empty() ? kind::end : kind::path, 0, 0});
    if (!names_.empty()) name_.emplace(names_.front());
  }
  dag_walk(const dag_walk&) = delete;
  dag_walk& operator=(const dag_walk&) = delete;

  /// The block to supply next; null when the walk has ended or failed. It stays the same until it is supplied.
  [[nodiscard]] const cid* wanted() {
    while (!asked_ && !error_ && !pending_.empty()) {
      current_ = pending_.back();
      pending_.pop_back();
      if (was_sent_with_all_below(current_.id)) continue;
      asked_ = !is_inline(current_.id);
      if (!asked_) enter(current_.id.hash().digest());
    }
    return asked_ ? &current_.id : nullptr;
  }

  /// Takes the wanted block. True when it belongs into the CAR next, false after an error and for one that is
  /// in it.
  /// @pre wanted() gave a CID, of which `block` is the verified block
  [[nodiscard]] bool supply(bytes_view block) {
    assert(asked_);
    asked_ = false;
    enter(block);
    return !error_ && (request_.duplicates || remember());
  }

  /// True until the end of the path has been supplied. Until then errors say that the request cannot be
  /// answered.
  [[nodiscard]] bool resolving() const noexcept { return !resolved_ && !error_; }

  /// None while all is well. errc::not_found: the path leads nowhere. errc::out_of_range: it ends at a file
  /// that has none of the bytes. errc::unsupported: links are in a format that cannot be read.
  /// errc::limit_exceeded past the limits above. errc::malformed and errc::truncated for broken blocks.
  [[nodiscard]] std::error_code error() const noexcept { return error_; }

 private:
  enum class kind : std::uint8_t {
    path,   // on the way to the end of the path
    end,    // of the path
    node,   // below it, when all is wanted
    part,   // of a file
    shard,  // of a directory
  };
  struct step {
    cid id;
    kind what = kind::end;
    std::uint64_t offset = 0;  // of a part, in the file
    std::uint64_t length = 0;
  };
  /// What tells one block from another.
  struct name {
    std::uint64_t codec = 0;
    std::uint64_t hash = 0;
    std::array<std::byte, 32> digest{};  // its last bytes
    friend bool operator==(const name&, const name&) = default;
  };
  struct hash_name {
    std::size_t operator()(const name& n) const noexcept {
      return static_cast<std::size_t>(load_le<std::uint64_t>(n.digest.data() + 24));
    }
  };

  static name name_of(const cid& id) noexcept {
    name out{static_cast<std::uint64_t>(id.codec()) << 1 | id.version(),
             static_cast<std::uint64_t>(id.hash().code()),
             {}};
    const bytes_view digest = id.hash().digest();
    const std::size_t size = std::min(digest.size(), out.digest.size());
    std::ranges::copy(digest.last(size), out.digest.end() - static_cast<std::ptrdiff_t>(size));
    return out;
  }

  bool was_sent_with_all_below(const cid& id) const noexcept {
    const auto found = sent_.find(name_of(id));
    return found != sent_.end() && found->second;
  }

  /// True for a block that has not been sent. Of those at the edge of a range not all below was, the next time
  /// they occur more of it may be needed.
  bool remember() {
    const bool whole = current_.what != kind::path && (current_.what != kind::part || lies_inside(current_));
    const auto [place, first] = sent_.try_emplace(name_of(current_.id), whole);
    place->second = place->second || whole;
    if (sent_.size() > max_remembered) error_ = make_error_code(errc::limit_exceeded);
    return first && !error_;
  }

  bool lies_inside(const step& part) const noexcept {
    return part.offset >= window_.first && part.length <= window_.last - part.offset;
  }

  void enter(bytes_view block) {
    const auto before = static_cast<std::ptrdiff_t>(pending_.size());
    result<> outcome;
    switch (current_.what) {
      case kind::path: outcome = follow_path(block); break;
      case kind::end:
        resolved_ = true;
        outcome = enter_end(block);
        break;
      case kind::node: outcome = push_links(block); break;
      case kind::part: outcome = push_parts(read_file_node({current_.id, 0, current_.length, 0}, block)); break;
      case kind::shard: outcome = push_shards(block); break;
    }
    // links are pushed in their order and followed from the last: turn them round
    std::reverse(pending_.begin() + before, pending_.end());
    if (!outcome) error_ = outcome.error();
  }

  result<> push(const cid& id, kind what, std::uint64_t offset = 0, std::uint64_t length = 0) {
    if (pending_.size() == max_pending) return errc::limit_exceeded;
    pending_.push_back({id, what, offset, length});
    return {};
  }

  // --- the path

  result<> follow_path(bytes_view block) {
    if (current_.id.codec() == multicodec::dag_cbor) {
      const result<dag_cbor_place> place = find_in_dag_cbor(block, names_);
      if (!place) return place.error();
      names_ = names_.subspan(place->used);
      if (place->link) return go_on(*place->link);
      resolved_ = true;  // inside this block: there is no more to it
      return {};
    }
    if (current_.id.codec() == multicodec::raw) return errc::not_found;
    if (current_.id.codec() != multicodec::dag_pb) return errc::unsupported;
    const result<directory_node> node = read_directory_node(current_.id, block);
    if (node.error() == errc::unsupported) return errc::not_found;  // nothing is below a file
    if (!node) return node.error();
    const result<directory_step> found = find_entry(*node, *name_);
    if (!found) return found.error();
    if (!found->found) return push(found->id, kind::path);
    names_ = names_.subspan(1);
    return go_on(found->id);
  }

  result<> go_on(const cid& id) {
    if (names_.empty()) return push(id, kind::end);
    name_.emplace(names_.front());
    return push(id, kind::path);
  }

  // --- what is at its end

  result<> enter_end(bytes_view block) {
    if (request_.scope == dag_scope::block) return {};
    if (request_.scope == dag_scope::all) return push_links(block);
    if (current_.id.codec() == multicodec::raw) return enter_file(block);
    if (current_.id.codec() != multicodec::dag_pb) return {};
    const result<pb_node> node = decode_dag_pb(block);
    if (!node) return node.error();
    const result<unixfs_data> meaning = decode_unixfs(node->data.value_or(bytes_view{}));
    if (!meaning) return {};  // not UnixFS: an entity of one block
    if (meaning->type == unixfs_type::hamt_shard) return push_shards(block);
    if (meaning->type == unixfs_type::file || meaning->type == unixfs_type::raw) return enter_file(block);
    return {};
  }

  result<> enter_file(bytes_view block) {
    const result<file_node> node = read_file_node(current_.id, block);
    if (!node) return node.error();
    window_ = {0, node->file_size};
    if (request_.bytes) {
      if (request_.bytes->is_beyond(node->file_size)) return errc::out_of_range;
      window_ = request_.bytes->within(node->file_size);
    }
    return push_parts(node);
  }

  result<> push_parts(const result<file_node>& node) {
    if (!node) return node.error();
    for (const file_part& part : node->parts) {
      const std::uint64_t at = current_.offset + part.offset;
      if (at >= window_.last || at + part.length <= window_.first || window_.first == window_.last) continue;
      if (const result<> r = push(part.id, kind::part, at, part.length); !r) return r;
    }
    return {};
  }

  result<> push_shards(bytes_view block) {
    const result<directory_node> node = read_directory_node(current_.id, block);
    if (!node) return node.error();
    for (const directory_shard& shard : node->shards) {
      if (const result<> r = push(shard.id, kind::shard); !r) return r;
    }
    return {};
  }

  result<> push_links(bytes_view block) {
    switch (current_.id.codec()) {
      case multicodec::raw: return {};
      case multicodec::dag_pb: {
        const result<pb_node> node = decode_dag_pb(block);
        if (!node) return node.error();
        for (const pb_link& link : node->links) {
          if (const result<> r = push(link.hash, kind::node); !r) return r;
        }
        return {};
      }
      case multicodec::dag_cbor: {
        result<> pushed;
        const result<> read = for_each_dag_cbor_link(block, [&](const cid& id) {
          if (pushed) pushed = push(id, kind::node);
        });
        return read ? pushed : read;
      }
      default: return errc::unsupported;
    }
  }

  const request& request_;
  std::span<const std::string> names_;  // of the path, still to be looked up
  std::optional<name_path> name_;       // the first of them
  byte_window window_;                  // of the file that is walked
  std::vector<step> pending_;           // the next one last
  step current_;
  bool asked_ = false;  // the current step waits for its block
  bool resolved_ = false;
  std::unordered_map<name, bool, hash_name> sent_;  // without duplicates: was all below it sent as well?
  std::error_code error_;
};

}  // namespace shoal::gateway
