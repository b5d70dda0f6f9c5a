// SPDX-License-Identifier: BSL-1.0
//
// find_x86_linux: of the Linux kernels on x86-64 in the memory of a machine the one that runs, and its symbols.
//
//     std::vector<kernel_profile> builds;                  // or with one that was saved
//     result<found_x86_linux> found = find_x86_linux(memory, builds);
//     if (found) use(found->place, builds[found->build].symbols);
//
// A machine that boots again keeps its memory: kernels that ran before are in it, whole for a while, and pieces
// of them for ever. Each kernel's symbols are looked for in its own image, and have to say that it is there.
// Kernels of one build differ by where they were moved to: the second costs no search.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <shoal/base/result.hpp>
#include <shoal/vmi/address.hpp>
#include <shoal/vmi/address_space.hpp>
#include <shoal/vmi/field_layout.hpp>
#include <shoal/vmi/find_kallsyms.hpp>
#include <shoal/vmi/find_root.hpp>
#include <shoal/vmi/linux/kernel_clock.hpp>
#include <shoal/vmi/linux/kernel_image.hpp>
#include <shoal/vmi/linux/kernel_profile.hpp>
#include <shoal/vmi/linux/kernel_types.hpp>
#include <shoal/vmi/linux/missing_symbols.hpp>
#include <shoal/vmi/symbol_table.hpp>

namespace shoal::vmi {

struct found_x86_linux {
  kernel_place place;
  std::size_t build = 0;  ///< in the list of builds; its symbols were moved to this place
};

/// The symbols of the kernel on x86-64 that is at a place: those in its image that say that it is there. Errors
/// as of find_kallsyms.
template <physical_memory M>
[[nodiscard]] result<symbol_table> find_x86_symbols(const M& memory, const kernel_place& place) {
  const address_space space{memory, place.format, place.root};
  const auto are_of_it = [&](const found_kallsyms& found) {
    const std::uint64_t into = value(found.tokens) - value(place.text_at);
    const translation tokens = space.translate(place.text + into);
    return first_moved(found.tables.symbols) == place.text && tokens.code == status::ok &&
           tokens.address == found.tokens;
  };
  const physical_range image{place.text_at, kernel_image{space, place}.size()};
  result<found_kallsyms> found = find_kallsyms(memory, pointer_width::eight, image, are_of_it);
  if (!found) return found.error();
  return std::move(found->tables.symbols);
}

namespace detail {

template <physical_memory M>
class x86_linux_search {
 public:
  x86_linux_search(const M& memory, std::vector<kernel_profile>& builds) : memory_(memory), builds_(builds) {}

  result<found_x86_linux> run() {
    std::error_code why = errc::not_found;
    for (const kernel_place& place : find_x86_kernels(memory_)) {
      std::optional<std::size_t> build = known_build(place);
      if (!build) {
        result<symbol_table> symbols = find_x86_symbols(memory_, place);
        if (!symbols) {
          if (why == errc::not_found) why = symbols.error();
          continue;
        }
        build = builds_.size();
        address_space space{memory_, place.format, place.root};
        const std::optional<symbol> banner = symbols->find("linux_banner");
        builds_.push_back({banner ? read_banner(space, banner->address) : std::string{},
                           place.text,
                           std::move(*symbols),
                           {}});
      }
      whole_.push_back({place, *build, {}, false});
    }
    if (whole_.empty()) return why;
    const candidate& best = whole_.size() == 1 ? whole_.front() : running();
    move_build(best.build, best.place);
    return found_x86_linux{best.place, best.build};
  }

 private:
  struct candidate {
    kernel_place place;
    std::size_t build = 0;
    kernel_clock clock;
    bool moves = false;
  };

  /// The build whose banner is where it has to be at this place.
  [[nodiscard]] std::optional<std::size_t> known_build(const kernel_place& place) {
    address_space space{memory_, place.format, place.root};
    for (std::size_t i = 0; i < builds_.size(); ++i) {
      const kernel_profile& build = builds_[i];
      const std::optional<symbol> banner = build.symbols.find("linux_banner");
      if (!banner || build.banner.empty()) continue;
      const std::uint64_t distance = value(place.text) - value(build.text);
      if (read_banner(space, banner->address + distance) == build.banner) return i;
    }
    return std::nullopt;
  }

  void move_build(std::size_t i, const kernel_place& place) {
    constexpr virtual_address kernel_half{0xffff'ffff'8000'0000};  // below it: what is each processor's own
    kernel_profile& build = builds_[i];
    build.symbols.move(kernel_half, value(place.text) - value(build.text));
    build.text = place.text;
  }

  [[nodiscard]] kernel_clock clock_of(const candidate& each) {
    address_space space{memory_, each.place.format, each.place.root};
    move_build(each.build, each.place);
    const kernel_profile& build = builds_[each.build];
    given_types& known = known_types_[each.build];
    if (known.fields().empty()) known = build.types;
    const kernel_types types{std::move(known), btf_loader(space, build.symbols), space.width()};
    const std::optional<kernel_clock> clock = read_clock(space, build.symbols, types);
    known = types.known();
    return clock.value_or(kernel_clock{});
  }

  /// @pre there is one
  [[nodiscard]] const candidate& running() {
    // each time is read before the types of its build, which takes longer than a tick
    for (candidate& each : whole_) each.clock = clock_of(each);
    for (candidate& each : whole_) {
      constexpr std::uint64_t second = 1000;  // at most; what is added to in another way is no clock
      const std::uint64_t passed = clock_of(each).ticks - each.clock.ticks;
      each.moves = each.clock.ticks != 0 && passed != 0 && passed <= second;
    }
    const auto before = [](const candidate& a, const candidate& b) {
      return a.moves != b.moves ? b.moves : a.clock.seconds < b.clock.seconds;
    };
    return *std::ranges::max_element(whole_, before);
  }

  const M& memory_;
  std::vector<kernel_profile>& builds_;
  std::vector<candidate> whole_;
  std::map<std::size_t, given_types> known_types_;  // by build, as long as the search lasts
};

}  // namespace detail

/// Which of the kernels on x86-64 in a memory runs, and which of the builds that are known it is: those that
/// are met are added. Of several that are whole one whose clock was seen to move comes before others, then the
/// one with the latest time, then the likeliest. not_found, or the error of the likeliest.
///
/// @param builds  where each was before does not matter
template <physical_memory M>
[[nodiscard]] result<found_x86_linux> find_x86_linux(const M& memory, std::vector<kernel_profile>& builds) {
  return detail::x86_linux_search<M>{memory, builds}.run();
}

}  // namespace shoal::vmi
