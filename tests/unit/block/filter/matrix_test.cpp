// SPDX-License-Identifier: BSL-1.0
//
// Every filter against every capability, as one table that is checked while compiling. A filter that forgets to
// hide what it should hide, or to pass what it should pass, does not compile here.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include <doctest/doctest.h>

#include <shoal/block/any_device.hpp>
#include <shoal/block/capability.hpp>
#include <shoal/block/filter/cow.hpp>
#include <shoal/block/filter/logged.hpp>
#include <shoal/block/filter/offset.hpp>
#include <shoal/block/filter/readonly.hpp>
#include <shoal/test/archetypes.hpp>

namespace {

using shoal::capability;
using shoal::has;
namespace archetype = shoal::test::archetype;

enum class effect {
  passes,      // there when the device has it, with the same arguments
  transforms,  // there when the device has it, but not as it was asked
  hides,       // never there
  adds,        // always there
};
using enum effect;

constexpr std::array columns{capability::write, capability::trim, capability::zero,     capability::extents,
                             capability::cache, capability::lend, capability::try_read, capability::try_write};
using row = std::array<effect, columns.size()>;

struct observer {
  void operator()(const shoal::io_event&) const {}
};

// The filters, as types over a device of the given capabilities.
template <capability C>
using window = shoal::offset<archetype::device<C>>;
template <capability C>
using read_only_view = shoal::readonly<archetype::device<C>>;
template <capability C>
using unobserved = shoal::logged<archetype::device<C>>;
template <capability C>
using observed = shoal::logged<archetype::device<C>, observer>;
// An overlay stands on two devices. Each line of the table looks at one, over another that can do nothing.
template <capability C>
using overlay_on_base = shoal::cow<archetype::device<C>, archetype::block_device>;
template <capability C>
using overlay_with_top = shoal::cow<archetype::block_source, archetype::device<C | capability::write>>;
template <capability C>
using erased_twice = shoal::any_device;

//                                       write       trim        zero        extents     cache       lend
//                                       try_read    try_write
// clang-format off
constexpr row offset_row              = {transforms, transforms, transforms, transforms, transforms, transforms, transforms, transforms};
constexpr row readonly_row            = {hides,      hides,      hides,      passes,     passes,     passes,     passes,     hides};
constexpr row logged_unobserved_row   = {passes,     passes,     passes,     passes,     passes,     passes,     passes,     passes};
constexpr row logged_observed_row     = {passes,     passes,     passes,     passes,     passes,     hides,      passes,     passes};
constexpr row cow_base_row            = {adds,       hides,      hides,      adds,       passes,     transforms, transforms, hides};
constexpr row cow_top_row             = {adds,       transforms, transforms, adds,       hides,      transforms, transforms, transforms};
constexpr row any_device_row          = {adds,       adds,       adds,       adds,       adds,       adds,       adds,       adds};
// clang-format on

// A device with all capabilities, with all but one, and with that one alone tell whether the filter's own
// depends on the device's.
template <template <capability> class Filter, capability One>
constexpr bool obeys(effect expected) {
  constexpr bool with_all = has(shoal::capabilities_of<Filter<shoal::all_capabilities>>, One);
  constexpr bool with_others = has(shoal::capabilities_of<Filter<without(shoal::all_capabilities, One)>>, One);
  constexpr bool with_one = has(shoal::capabilities_of<Filter<One>>, One);
  constexpr bool with_none = has(shoal::capabilities_of<Filter<capability::none>>, One);
  switch (expected) {
    case passes:
    case transforms: return with_all && with_one && !with_others && !with_none;
    case hides: return !with_all && !with_one && !with_others && !with_none;
    case adds: return with_all && with_one && with_others && with_none;
  }
  return false;
}

template <template <capability> class Filter, row Expected>
constexpr bool holds() {
  return []<std::size_t... I>(std::index_sequence<I...>) {
    return (obeys<Filter, columns[I]>(Expected[I]) && ...);
  }(std::make_index_sequence<columns.size()>{});
}

static_assert(holds<window, offset_row>());
static_assert(holds<read_only_view, readonly_row>());
static_assert(holds<unobserved, logged_unobserved_row>());
static_assert(holds<observed, logged_observed_row>());
static_assert(holds<overlay_on_base, cow_base_row>());
static_assert(holds<overlay_with_top, cow_top_row>());
static_assert(holds<erased_twice, any_device_row>());

// The table itself has teeth: what is wrong in one place is wrong.
static_assert(!holds<read_only_view, logged_unobserved_row>());
static_assert(!holds<unobserved, readonly_row>());

// What a filter says at run time is what its type says, for every set of capabilities.
template <template <capability> class Filter, class Make>
void tells_the_truth(Make make) {
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    const auto check = [&]<capability C>(std::integral_constant<capability, C>) {
      const Filter<C> filter = make(archetype::device<C>{});
      CHECK(filter.capabilities() == shoal::capabilities_of<Filter<C>>);
    };
    (check(std::integral_constant<capability, columns[I]>{}), ...);
    (check(std::integral_constant<capability, without(shoal::all_capabilities, columns[I])>{}), ...);
  }(std::make_index_sequence<columns.size()>{});
}

TEST_CASE("a filter tells at run time what its type has") {
  tells_the_truth<window>([](auto device) { return shoal::offset{device, 0, 4096}; });
  tells_the_truth<read_only_view>([](auto device) { return shoal::readonly{device}; });
  tells_the_truth<unobserved>([](auto device) { return shoal::logged{device}; });
  tells_the_truth<observed>([](auto device) { return shoal::logged{device, observer{}}; });
  tells_the_truth<overlay_on_base>([](auto device) { return shoal::cow{device, archetype::block_device{}}; });
}

TEST_CASE("a filter over an erased device tells what the erased device has") {
  const shoal::any_device plain{archetype::block_source{}};
  const shoal::any_device lender{archetype::device<capability::lend>{}};
  const shoal::any_device full{archetype::device<shoal::all_capabilities>{}};
  CHECK(shoal::offset{plain, 0, 4096}.capabilities() == capability::none);
  CHECK(shoal::readonly{full}.capabilities() ==
        (capability::extents | capability::cache | capability::lend | capability::try_read));
  CHECK(shoal::logged{full, observer{}}.capabilities() == without(shoal::all_capabilities, capability::lend));
  CHECK(shoal::cow{lender, shoal::any_device{archetype::block_device{}}}.capabilities() ==
        (capability::write | capability::extents | capability::lend));
}

}  // namespace
