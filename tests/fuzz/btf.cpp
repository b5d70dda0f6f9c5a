// SPDX-License-Identifier: BSL-1.0
//
// Types out of any bytes: every question about every type has an answer, and fields lie where layouts say.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <shoal/base/bytes.hpp>
#include <shoal/vmi/btf.hpp>
#include <shoal/vmi/field_layout.hpp>

namespace {

using namespace shoal::vmi;

void require(bool truth) {
  if (!truth) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const shoal::bytes_view input{reinterpret_cast<const std::byte*>(data), size};
  const auto types = btf::parse(input);
  if (!types) return 0;
  require(btf::size_of(input) <= size);
  const btf_types layouts{*types, pointer_width::eight};
  for (std::uint32_t type = 0; type <= types->last_type() && type < 64; ++type) {
    const std::string_view name = types->name(type);
    require(name.size() <= max_btf_name);
    const std::uint32_t real = types->resolve(type);
    require(real <= types->last_type() && types->resolve(real) == real);
    require(types->size(type, 8) == types->size(real, 8));
    static_cast<void>(types->kind(types->target(type)));
    if (!name.empty()) require(types->find(types->kind(type), name).value_or(type + 1) <= type);
    for (const std::string_view path : {"pid", "a.b", "se.pid"}) {
      const auto field = types->field(type, path);
      const auto layout = layouts.layout(name, path);
      if (layout && field && types->kind(type) == btf_kind::structure &&
          types->find(btf_kind::structure, name) == type) {
        require(std::uint64_t{layout->offset} * 8 + layout->shift == field->bit_offset);
      }
    }
  }
  return 0;
}
