// SPDX-License-Identifier: BSL-1.0
//
// flatfs_layout: which file of a Kubo `blocks/` folder holds which block (github.com/ipfs/go-ds-flatfs).
//
//     result<flatfs_layout> layout = flatfs_layout::parse("/repo/flatfs/shard/v1/next-to-last/2\n");
//     layout->file_of(id.hash());      // "FW/CIQ...FWI.data"
//
// Names and text only; os/posix/flatfs_store.hpp touches files.
#pragma once

#include <charconv>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/content/multibase.hpp>
#include <shoal/content/multihash.hpp>

namespace shoal::posix {

/// How keys are spread over subfolders.
struct flatfs_layout {
  /// The file that names the layout.
  static constexpr std::string_view file_name = "SHARDING";
  /// More characters than this make no sense in a folder's name.
  static constexpr std::size_t max_length = 64;

  enum class function { prefix, suffix, next_to_last };

  function shard = function::next_to_last;  ///< which characters of the key name the subfolder
  std::size_t length = 2;                   ///< how many

  /// Reads the content of file_name. errc::malformed, errc::unsupported for a function or version that is not
  /// known.
  [[nodiscard]] static result<flatfs_layout> parse(std::string_view text) noexcept {
    constexpr std::string_view head = "/repo/flatfs/shard/v1/";
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) {
      text.remove_suffix(1);
    }
    if (!text.starts_with("/repo/flatfs/shard/")) return errc::malformed;
    if (!text.starts_with(head)) return errc::unsupported;
    text.remove_prefix(head.size());
    const std::size_t slash = text.find('/');
    if (slash == text.npos) return errc::malformed;
    flatfs_layout layout;
    const std::string_view name = text.substr(0, slash);
    if (name == "prefix") {
      layout.shard = function::prefix;
    } else if (name == "suffix") {
      layout.shard = function::suffix;
    } else if (name != "next-to-last") {
      return errc::unsupported;
    }
    const std::string_view number = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), layout.length);
    if (error != std::errc{} || end != number.data() + number.size()) return errc::malformed;
    if (layout.length == 0 || layout.length > max_length) return errc::malformed;
    return layout;
  }

  /// The content of file_name.
  [[nodiscard]] std::string text() const {
    constexpr const char* names[] = {"prefix", "suffix", "next-to-last"};
    return std::string{"/repo/flatfs/shard/v1/"} + names[static_cast<std::size_t>(shard)] + '/' +
           std::to_string(length) + '\n';
  }

  /// Where Kubo since 0.12 keeps the block with this hash, relative to the folder.
  [[nodiscard]] std::filesystem::path file_of(const multihash& hash) const {
    std::vector<std::byte> bytes(hash.encoded_size());
    hash.encode(bytes.data());
    return file_of_key(bytes);
  }

  /// Where Kubo before 0.12 kept the block.
  [[nodiscard]] std::filesystem::path old_file_of(const cid& id) const {
    std::vector<std::byte> bytes;
    id.append_to(bytes);
    return file_of_key(bytes);
  }

 private:
  [[nodiscard]] std::filesystem::path file_of_key(bytes_view bytes) const {
    const std::string key = encode_multibase(multibase::base32upper, bytes).substr(1);
    return std::filesystem::path{folder_of(key)} / (key + ".data");
  }

  // Keys that are too short are filled up with underscores, as if they had more characters on the side that
  // counts.
  [[nodiscard]] std::string folder_of(const std::string& key) const {
    const std::string filling(length + 1, '_');
    switch (shard) {
      case function::prefix: return (key + filling).substr(0, length);
      case function::suffix: return (filling + key).substr(filling.size() + key.size() - length);
      case function::next_to_last: break;
    }
    const std::string filled = filling + key;
    return filled.substr(filled.size() - length - 1, length);
  }
};

}  // namespace shoal::posix
