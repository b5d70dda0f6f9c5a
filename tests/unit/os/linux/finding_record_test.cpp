// SPDX-License-Identifier: BSL-1.0
#include <shoal/os/linux/finding_record.hpp>

#include <vector>

#include <doctest/doctest.h>

#include <shoal/monitor/event_text.hpp>
#include <shoal/monitor/rule_engine.hpp>
#include <shoal/monitor/rule_file.hpp>

namespace {

using shoal::linux_os::record_of;
using shoal::monitor::alert;
using shoal::vmi::finding;
using shoal::vmi::finding_kind;
using shoal::vmi::virtual_address;

struct notebook {
  std::vector<alert>* alerts;
  void operator()(const alert& what) const { alerts->push_back(what); }
};

}  // namespace

TEST_CASE("a finding is a record that reads as what was found where, and that rules know") {
  const finding found{finding_kind::code_changed, virtual_address{0xffff'ffff'8100'0000}, "page", "changed"};
  const shoal::hal::access_record record = record_of(found, 3);
  CHECK(record.source == 3);
  CHECK(shoal::monitor::to_text(record, "guest0") == "guest0 finding code-changed at 0xffffffff81000000");

  const auto rules = shoal::monitor::parse_rules(
      "forbid hidden found kernel:1\nforbid changed found kernel:4\nforbid disks write disk:*");
  REQUIRE(rules.errors.empty());
  std::vector<alert> alerts;
  shoal::monitor::rule_engine engine{rules.rules, notebook{&alerts}};
  (void)engine.check(1, record);
  REQUIRE(alerts.size() == 1);
  CHECK(alerts[0].access.address == 0xffff'ffff'8100'0000);
}
