// SPDX-License-Identifier: BSL-1.0
//
// What a kernel without symbols for its data may look like: banner, types, tables, lists and tasks are searched
// in an image that is anything, for 32 bits and 64. Each search ends, and what it finds is in the image. The
// first byte chooses the width, the rest is the image.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include <shoal/base/bytes.hpp>
#include <shoal/vmi/linux/missing_symbols.hpp>

namespace {

using namespace shoal;
using namespace shoal::vmi;

constexpr virtual_address base{0xc000'0000};

class memory {
 public:
  memory(bytes_view bytes, pointer_width width) noexcept : bytes_(bytes), width_(width) {}

  status read(virtual_address address, bytes_span out) noexcept {
    ++reads;
    const std::uint64_t at = value(address) - value(base);
    if (!contains(bytes_.size(), at, out.size())) return status::out_of_range;
    std::ranges::copy(bytes_.subspan(static_cast<std::size_t>(at), out.size()), out.begin());
    return status::ok;
  }
  [[nodiscard]] pointer_width width() const noexcept { return width_; }
  [[nodiscard]] bool holds(virtual_address at) const noexcept {
    return value(at) - value(base) < bytes_.size();
  }

  template <class F>
  void each_piece(std::size_t, F&& f) const {
    f(bytes_, base);
  }
  template <class F>
  void find(std::string_view text, F&& f) const {
    std::size_t places = 0;
    for (std::size_t at = 0; (at = as_text(bytes_).find(text, at)) != std::string_view::npos; ++at) {
      if (++places > max_image_places || !f(base + at)) return;
    }
  }

  std::size_t reads = 0;

 private:
  bytes_view bytes_;
  pointer_width width_;
};

/// Each field at the next eight bytes, in 64.
struct close_types {
  static std::optional<field_layout> layout(std::string_view type, std::string_view path) {
    const std::size_t place = (type.size() + 3 * path.size()) % 8;
    const bool text = path == "comm" || path == "name";
    const bool number = path == "pid" || path == "tgid" || path == "flags";
    return field_layout{static_cast<std::uint32_t>(8 * place), text ? 16u : number ? 4u : 8u, 0, 0};
  }
};

void check(bool well) {
  if (!well) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 64 || size > 1 << 14) return 0;
  const bool wide = data[0] % 2 != 0;
  memory image{{reinterpret_cast<const std::byte*>(data) + 1, size - 1},
               wide ? pointer_width::eight : pointer_width::four};
  symbol_table symbols;
  for (const std::string_view prefix : {"__arm64_sys_", "sys_"}) {
    std::uint64_t at = value(base);
    for (const std::string_view name : {"read", "write", "getpid"}) {
      check(symbols.add(virtual_address{at += 64}, 'T', std::string{prefix} += name) == status::ok);
    }
  }
  symbols.finish();

  if (const auto at = find_banner(image, image)) check(!read_banner(image, *at).empty());
  if (const auto types = find_btf(image, image)) check(image.holds(types->begin) && types->size() < size);
  if (const auto calls = find_system_calls(image, image, symbols)) check(image.holds(calls->end - 1));
  if (const auto modules = find_module_list(image, image, close_types{})) check(image.holds(*modules));
  const auto layout = task_layout::resolve(close_types{});
  check(layout.has_value());
  if (const auto task = find_init_task(image, image, *layout)) check(image.holds(*task));
  image.find("swapper", [&](virtual_address name) {
    if (const auto found = infer_tasks(image, name)) check(task_layout::resolve(found->types).has_value());
    return true;
  });
  check(image.reads < 40'000'000);
  return 0;
}
