// SPDX-License-Identifier: BSL-1.0
//
// kernel_types: where fields are, from what was saved as far as it goes and else from the kernel's BTF, which
// is read when it is first needed; and it remembers what it was asked, to be saved in turn.
//
//     kernel_types types{std::move(profile.types), [&] { return read_btf(...); }};
//     const auto layout = task_layout::resolve(types);
//     save(types.known());
//
// Belongs to one thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <shoal/base/result.hpp>
#include <shoal/vmi/btf.hpp>
#include <shoal/vmi/field_layout.hpp>

namespace shoal::vmi {

class kernel_types {
 public:
  using btf_loader = std::function<result<btf>()>;

  /// @param load  is called once at most
  kernel_types(given_types known, btf_loader load, pointer_width width)
      : known_(std::move(known)), load_(std::move(load)), width_(width) {}

  [[nodiscard]] std::optional<field_layout> layout(std::string_view type, std::string_view path) const {
    if (const std::optional<field_layout> found = known_.layout(type, path)) return found;
    if (load_) {
      result<btf> loaded = load_();
      if (loaded) btf_ = std::move(*loaded);
      load_ = nullptr;
    }
    if (!btf_) return std::nullopt;
    const std::optional<field_layout> found = btf_types{*btf_, width_}.layout(type, path);
    if (found) known_.add(std::string{type}, std::string{path}, *found);
    return found;
  }

  /// All that was given, and asked and found.
  [[nodiscard]] const given_types& known() const noexcept { return known_; }

 private:
  mutable given_types known_;
  mutable btf_loader load_;
  mutable std::optional<btf> btf_;
  pointer_width width_;
};
static_assert(type_source<kernel_types>);

}  // namespace shoal::vmi
