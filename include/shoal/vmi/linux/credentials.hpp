// SPDX-License-Identifier: BSL-1.0
//
// Whether processes have the rights that Linux gave them. It never changes a set of credentials that is in use,
// and no two processes use one set: it makes a new one at every fork, and at every change.
//
//     for (const finding& each : find_shared_credentials(now)) alert(each);          // one look is enough
//     for (const finding& each : find_changed_credentials(before, now)) alert(each); // two are needed
//
// Leaves out capabilities, which every process has in a user namespace of its own, and what security modules
// keep.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <shoal/vmi/address.hpp>
#include <shoal/vmi/finding.hpp>
#include <shoal/vmi/linux/task_list.hpp>

namespace shoal::vmi {

/// What is remembered of a process and its rights.
struct task_rights {
  virtual_address task{};
  std::uint64_t start_time = 0;  ///< with the address: which process, whatever became of its number
  std::uint64_t executions = 0;
  kernel_cred cred;
  friend bool operator==(const task_rights&, const task_rights&) = default;
};

[[nodiscard]] constexpr bool is_root(const kernel_cred& cred) noexcept {
  return cred.uid == 0 || cred.euid == 0 || cred.suid == 0 || cred.fsuid == 0;
}

/// Whether Linux lets it become root without executing a program.
[[nodiscard]] constexpr bool may_become_root(const kernel_cred& cred) noexcept {
  constexpr std::uint64_t set_uid = std::uint64_t{1} << 7;  // CAP_SETUID
  return is_root(cred) || (cred.permitted & set_uid) != 0;
}

[[nodiscard]] inline std::vector<task_rights> rights_of(const task_list& tasks) {
  std::vector<task_rights> out;
  for (const kernel_task& each : tasks.tasks) {
    if (each.cred) out.push_back({each.address, each.start_time, each.executions, *each.cred});
  }
  return out;
}

/// Processes whose credentials are those of another one: somebody took a pointer from one task to another.
[[nodiscard]] inline std::vector<finding> find_shared_credentials(const task_list& tasks) {
  std::vector<finding> out;
  std::map<virtual_address, const kernel_task*> owners;
  for (const kernel_task& each : tasks.tasks) {
    if (!each.cred) continue;
    const auto [owner, first] = owners.try_emplace(each.cred->address, &each);
    if (first || out.size() >= max_findings) continue;
    out.push_back({finding_kind::credentials_shared, each.address, each.subject(),
                   "uses the credentials of " + owner->second->subject()});
  }
  return out;
}

/// Processes that became root between two looks, and neither had the right to nor executed a program since.
[[nodiscard]] inline std::vector<finding> find_changed_credentials(const std::vector<task_rights>& before,
                                                                   const task_list& now) {
  std::map<std::pair<virtual_address, std::uint64_t>, const task_rights*> known;
  for (const task_rights& each : before) known.emplace(std::pair{each.task, each.start_time}, &each);
  std::vector<finding> out;
  for (const kernel_task& each : now.tasks) {
    const auto was = known.find({each.address, each.start_time});
    if (!each.cred || was == known.end()) continue;
    const kernel_cred& old = was->second->cred;
    const kernel_cred& cred = *each.cred;
    const std::string uids = "uid " + std::to_string(old.uid) + ", effective " + std::to_string(old.euid) +
                             ", is now " + std::to_string(cred.uid) + ", effective " +
                             std::to_string(cred.euid);
    const bool executed = each.executions != was->second->executions;
    if (executed || may_become_root(old) || !is_root(cred) || out.size() >= max_findings) continue;
    const bool same = old.address == cred.address;
    out.push_back({same ? finding_kind::credentials_overwritten : finding_kind::credentials_gained,
                   each.address, each.subject(), uids});
  }
  return out;
}

}  // namespace shoal::vmi
