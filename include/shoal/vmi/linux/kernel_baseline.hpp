// SPDX-License-Identifier: BSL-1.0
//
// kernel_baseline: how a kernel was when all was well: digests of its code and constants, its tables of system
// calls and of interrupts, and the rights of its processes. Kept in a file, and held against what is there
// later.
//
//     const std::vector<std::byte> file = take_baseline(*kernel, digester)->encode();   // vmi/linux/check.hpp
//     const result<kernel_baseline> before = kernel_baseline::decode(file);
//
// Of one boot of one machine: the next one has other addresses in its code.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/vmi/linux/code_pages.hpp>
#include <shoal/vmi/linux/credentials.hpp>
#include <shoal/vmi/linux/interrupt_table.hpp>
#include <shoal/vmi/linux/kernel_profile.hpp>
#include <shoal/vmi/linux/saved_form.hpp>
#include <shoal/vmi/linux/system_calls.hpp>
#include <shoal/vmi/linux/task_list.hpp>

namespace shoal::vmi {

inline constexpr std::size_t max_baseline_size = std::size_t{256} << 20;
inline constexpr std::size_t max_baseline_areas = 64;

struct kernel_baseline {
  /// A piece of the kernel that does not change.
  struct area {
    std::string name;       ///< "text", "constants", or a function's
    bool constant = false;  ///< no code
    page_digests digests;
  };

  std::string banner;
  virtual_address text{};
  std::vector<area> areas;
  std::vector<virtual_address> system_calls;
  std::vector<virtual_address> interrupts;  ///< none, or one for each vector
  std::vector<task_rights> rights;

  [[nodiscard]] std::vector<std::byte> encode() const {
    saved_output out;
    cbor::writer writer{out};
    const auto addresses = [&](const std::vector<virtual_address>& all) {
      writer.array(all.size());
      for (const virtual_address each : all) writer.unsigned_integer(value(each));
    };
    writer.array(7);
    writer.text(format);
    writer.bytes(as_bytes(banner));
    writer.unsigned_integer(value(text));
    writer.array(5 * areas.size());
    for (const area& each : areas) {
      writer.bytes(as_bytes(each.name));
      writer.unsigned_integer(each.constant ? 1 : 0);
      writer.unsigned_integer(value(each.digests.range.begin));
      writer.unsigned_integer(each.digests.range.size());
      writer.bytes(std::as_bytes(std::span{each.digests.pages}));
    }
    addresses(system_calls);
    addresses(interrupts);
    writer.array(rights_items * rights.size());
    for (const task_rights& each : rights) {
      for (const std::uint64_t number :
           {value(each.task), each.start_time, each.executions, value(each.cred.address), each.cred.permitted,
            each.cred.effective, std::uint64_t{each.cred.uid}, std::uint64_t{each.cred.gid},
            std::uint64_t{each.cred.euid}, std::uint64_t{each.cred.egid}, std::uint64_t{each.cred.suid},
            std::uint64_t{each.cred.fsuid}}) {
        writer.unsigned_integer(number);
      }
    }
    return std::move(out.bytes);
  }

  /// What encode() wrote. malformed, truncated, limit_exceeded; unsupported for another kind of file.
  [[nodiscard]] static result<kernel_baseline> decode(bytes_view bytes) {
    if (bytes.size() > max_baseline_size) return errc::limit_exceeded;
    kernel_baseline out;
    saved_input in{bytes};
    in.array(7);
    in.name(format);
    out.banner = as_text(in.bytes(max_banner));
    out.text = virtual_address{in.number()};
    const std::uint64_t areas = in.groups_up_to(max_baseline_areas, 5);
    for (std::uint64_t i = 0; i < areas && in.well(); ++i) out.areas.push_back(read_area(in));
    out.system_calls = read_addresses(in, max_system_calls);
    out.interrupts = read_addresses(in, interrupt_vectors);
    if (!out.interrupts.empty() && out.interrupts.size() != interrupt_vectors) in.fail(status::malformed);
    const std::uint64_t rights = in.groups_up_to(max_tasks, rights_items);
    for (std::uint64_t i = 0; i < rights && in.well(); ++i) out.rights.push_back(read_rights(in));
    return in.finished(std::move(out));
  }

 private:
  static constexpr std::string_view format = "shoal kernel baseline 1";
  static constexpr std::uint64_t rights_items = 12;

  static area read_area(saved_input& in) {
    area out;
    out.name = as_text(in.bytes(max_symbol_name));
    out.constant = in.number(1) != 0;
    out.digests.range.begin = virtual_address{in.number()};
    const std::uint64_t size = in.number(max_code_size);
    out.digests.range.end = out.digests.range.begin + size;
    const bytes_view digests = in.bytes(max_baseline_size);
    const std::uint64_t pages = (size + page_digests::page_size - 1) / page_digests::page_size;
    if (digests.size() != pages * sizeof(sha256_digest)) in.fail(status::malformed);
    for (std::size_t at = 0; at < digests.size() && in.well(); at += sizeof(sha256_digest)) {
      std::ranges::copy(digests.subspan(at, sizeof(sha256_digest)), out.digests.pages.emplace_back().begin());
    }
    return out;
  }

  static std::vector<virtual_address> read_addresses(saved_input& in, std::uint64_t most) {
    std::vector<virtual_address> out;
    const std::uint64_t count = in.array_up_to(most);
    for (std::uint64_t i = 0; i < count && in.well(); ++i) out.push_back(virtual_address{in.number()});
    return out;
  }

  static task_rights read_rights(saved_input& in) {
    const auto id = [&] { return static_cast<std::uint32_t>(in.number(~std::uint32_t{0})); };
    task_rights out;
    out.task = virtual_address{in.number()};
    out.start_time = in.number();
    out.executions = in.number();
    out.cred.address = virtual_address{in.number()};
    out.cred.permitted = in.number();
    out.cred.effective = in.number();
    out.cred.uid = id();
    out.cred.gid = id();
    out.cred.euid = id();
    out.cred.egid = id();
    out.cred.suid = id();
    out.cred.fsuid = id();
    return out;
  }
};

}  // namespace shoal::vmi
