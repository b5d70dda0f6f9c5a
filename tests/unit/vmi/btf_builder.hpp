// SPDX-License-Identifier: BSL-1.0
//
// btf_builder: writes BTF for tests, good and bad.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <shoal/base/endian.hpp>
#include <shoal/vmi/btf.hpp>

namespace shoal::vmi::tests {

class btf_builder {
 public:
  struct member {
    std::string_view name;
    std::uint32_t type;
    std::uint32_t bit_offset;
    std::uint32_t bits = 0;
  };

  std::uint32_t add(btf_kind kind, std::string_view name, std::uint32_t size_or_type, std::uint32_t count = 0,
                    bool flag = false, const std::vector<std::uint32_t>& rest = {}) {
    types_.push_back(text(name));
    types_.push_back(static_cast<std::uint32_t>(kind) << 24 | count | (flag ? 1u << 31 : 0));
    types_.push_back(size_or_type);
    types_.insert(types_.end(), rest.begin(), rest.end());
    return ++last_;
  }
  std::uint32_t integer(std::string_view name, std::uint32_t size, std::uint32_t bits = 0) {
    return add(btf_kind::integer, name, size, 0, false, {bits == 0 ? size * 8 : bits});
  }
  std::uint32_t pointer(std::uint32_t to) { return add(btf_kind::pointer, "", to); }
  std::uint32_t array(std::uint32_t of, std::uint32_t count) {
    return add(btf_kind::array, "", 0, 0, false, {of, 1, count});
  }
  std::uint32_t structure(std::string_view name, std::uint32_t size, const std::vector<member>& members,
                          bool bitfields = false, btf_kind kind = btf_kind::structure) {
    std::vector<std::uint32_t> rest;
    for (const member& each : members) {
      rest.push_back(text(each.name));
      rest.push_back(each.type);
      rest.push_back(bitfields ? each.bits << 24 | each.bit_offset : each.bit_offset);
    }
    return add(kind, name, size, static_cast<std::uint32_t>(members.size()), bitfields, rest);
  }

  [[nodiscard]] std::vector<std::byte> bytes() const {
    const std::size_t types = 4 * types_.size();
    std::vector<std::byte> out(24 + types + text_.size());
    const auto put = [&](std::size_t at, std::size_t n) {
      store_le(out.data() + at, static_cast<std::uint32_t>(n));
    };
    put(0, 0x0001'eb9f);
    put(4, 24);
    put(12, types);
    put(16, types);
    put(20, text_.size());
    for (std::size_t i = 0; i < types_.size(); ++i) put(24 + 4 * i, types_[i]);
    for (std::size_t i = 0; i < text_.size(); ++i) out[24 + types + i] = static_cast<std::byte>(text_[i]);
    return out;
  }

 private:
  std::uint32_t text(std::string_view name) {
    if (name.empty()) return 0;
    const auto at = static_cast<std::uint32_t>(text_.size());
    text_ += name;
    text_ += '\0';
    return at;
  }

  std::vector<std::uint32_t> types_;
  std::string text_ = std::string(1, '\0');
  std::uint32_t last_ = 0;
};

}  // namespace shoal::vmi::tests
