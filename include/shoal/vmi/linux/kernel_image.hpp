// SPDX-License-Identifier: BSL-1.0
//
// kernel_image: a kernel's code and data, which lie in memory in one piece, to be searched for what no symbol
// tells.
//
//     const kernel_image image{space, place};
//     image.find("swapper/0", [&](virtual_address at) { return !is_it(at); });          // until it is
//
// Searched is what the kernel's tables map where the image is, up to 128 MiB from the beginning of its code: a
// kernel of 32-bit ARM maps all of its memory there.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/status.hpp>
#include <shoal/vmi/address.hpp>
#include <shoal/vmi/find_root.hpp>
#include <shoal/vmi/physical_memory.hpp>

namespace shoal::vmi {

/// Of one text no more places are told: of what is looked for a kernel has a dozen.
inline constexpr std::size_t max_image_places = 256;

/// @tparam Space  an address_space
template <class Space>
class kernel_image {
 public:
  /// @param space  outlives it
  kernel_image(const Space& space, const kernel_place& place) : space_(&space), place_(place) {
    for (std::uint64_t at = 0; at < detail::largest_image;) {
      const translation page = space.translate(place.text + at);
      // up to the end of this page, or of this hole
      const std::uint64_t size = std::uint64_t{1} << std::max<std::uint8_t>(page.shift, 12);
      const std::uint64_t next = at + size - (value(place.text + at) & (size - 1));
      if (page.code == status::ok && page.address == place.text_at + at) add(at, next);
      at = next;
    }
  }

  /// From the beginning of the code to the end of the last piece that is mapped; 0 when none is.
  [[nodiscard]] std::uint64_t size() const noexcept { return pieces_.empty() ? 0 : pieces_.back().end; }

  /// Calls f(bytes, address) with pieces, ascending, until it returns false. Neighbours share `overlap` bytes.
  /// The guest may be writing them.
  template <class F>
  void each_piece(std::size_t overlap, F&& f) const {
    constexpr std::uint64_t step = std::uint64_t{1} << 20;
    std::vector<std::byte> copied;
    for (const piece& each : pieces_) {
      for (std::uint64_t at = each.begin; at < each.end; at += step) {
        const auto n = static_cast<std::size_t>(std::min(each.end - at, step + overlap));
        const bytes_view bytes = look(place_.text_at + at, n, copied);
        if (!bytes.empty() && !f(bytes, place_.text + at)) return;
      }
    }
  }

  /// Calls f(address) for each place of a text, until it returns false.
  /// @pre the text is not empty
  template <class F>
  void find(std::string_view text, F&& f) const {
    std::size_t places = 0;
    each_piece(text.size() - 1, [&](bytes_view bytes, virtual_address begin) {
      const std::string_view all = as_text(bytes);
      for (std::size_t at = 0; (at = all.find(text, at)) != std::string_view::npos; ++at) {
        if (++places > max_image_places || !f(begin + at)) return false;
      }
      return true;
    });
  }

 private:
  /// From and to how far behind the beginning of the code.
  struct piece {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
  };

  void add(std::uint64_t begin, std::uint64_t end) {
    end = std::min(end, detail::largest_image);
    if (!pieces_.empty() && pieces_.back().end == begin) {
      pieces_.back().end = end;
    } else {
      pieces_.push_back({begin, end});
    }
  }

  /// Without a copy where it can be had. Empty where the memory cannot be read.
  [[nodiscard]] bytes_view look(physical_address at, std::size_t n, std::vector<std::byte>& copied) const {
    const auto& memory = space_->memory();
    if constexpr (requires { memory.window(at, n); }) {
      const bytes_view bytes = memory.window(at, n);
      if (!bytes.empty()) return bytes;
    }
    copied.resize(n);
    return memory.read_physical(at, copied) == status::ok ? bytes_view{copied} : bytes_view{};
  }

  const Space* space_;
  kernel_place place_;
  std::vector<piece> pieces_;
};

}  // namespace shoal::vmi
