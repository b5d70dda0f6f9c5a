// SPDX-License-Identifier: BSL-1.0
#include <shoal/vmi/linux/code_pages.hpp>

#include <array>
#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/crypto/sha256.hpp>
#include <shoal/vmi/linux/credentials.hpp>

#include "../synthetic.hpp"

using namespace shoal;
using namespace shoal::vmi;
using shoal::vmi::tests::synthetic_space;
using shoal::vmi::tests::synthetic_symbols;

namespace {

constexpr std::uint64_t text = 0xffff'ffff'8100'0000;
constexpr std::uint64_t table = 0xffff'ffff'8200'0000;
constexpr kernel_range code{virtual_address{text}, virtual_address{text + 0x2800}};

symbol_table symbols() {
  return synthetic_symbols({{table, "__start___jump_table"}, {table + 48, "__stop___jump_table"}});
}

/// Code of zeros with three branches: one of five bytes across two pages, one of two, one backwards.
synthetic_space kernel() {
  synthetic_space space;
  for (std::uint64_t at = 0; at < 0x2800; at += 8) space.bytes.put(text + at, std::uint64_t{0});
  const auto site = [&](std::uint64_t i, std::uint64_t at, std::uint64_t target) {
    space.bytes.put(table + 16 * i, static_cast<std::uint32_t>(at - (table + 16 * i)));
    space.bytes.put(table + 16 * i + 4, static_cast<std::uint32_t>(target - (table + 16 * i + 4)));
    space.bytes.put(table + 16 * i + 8, std::uint64_t{0});
  };
  site(0, text + 0x1ffe, text + 0x2100);
  site(1, text + 0x20, text + 0x40);
  site(2, text + 0x50, text + 0x10);
  return space;
}

page_digests digests(synthetic_space& space) {
  const auto made = digest_pages(space, code, read_jump_sites(space, symbols()), portable_digester{});
  REQUIRE(made);
  return *made;
}

std::vector<std::uint64_t> changes(synthetic_space& space, const page_digests& before) {
  std::vector<std::uint64_t> out;
  for (const virtual_address each : changed_pages(before, digests(space))) out.push_back(value(each) - text);
  return out;
}

void write(synthetic_space& space, std::uint64_t at, const std::vector<std::uint8_t>& bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) space.bytes.put(at + i, bytes[i]);
}

task_list processes(const kernel_cred& cred, std::uint64_t executions = 0) {
  task_list out;
  kernel_task init;
  init.address = virtual_address{0x1000};
  init.comm = "init";
  init.cred = kernel_cred{.address = virtual_address{0x100}};
  kernel_task shell;
  shell.address = virtual_address{0x2000};
  shell.pid = 7;
  shell.comm = "sh";
  shell.start_time = 5;
  shell.executions = executions;
  shell.cred = cred;
  out.tasks = {init, shell};
  return out;
}

constexpr kernel_cred user{.address = virtual_address{0x200},
                           .uid = 1000,
                           .gid = 1000,
                           .euid = 1000,
                           .egid = 1000,
                           .suid = 1000,
                           .fsuid = 1000};

}  // namespace

TEST_CASE("a changed byte is found in its page") {
  synthetic_space space = kernel();
  const page_digests before = digests(space);
  CHECK(before.pages.size() == 3);
  CHECK(changes(space, before).empty());
  write(space, text + 0x1234, {0xcc});
  CHECK(changes(space, before) == std::vector<std::uint64_t>{0x1000});
  write(space, text + 0x27ff, {0xcc});
  CHECK(changes(space, before) == std::vector<std::uint64_t>{0x1000, 0x2000});
}

TEST_CASE(
    "branches that the kernel turns on and off are no change, and nothing else in their place is allowed") {
  synthetic_space space = kernel();
  write(space, text + 0x1ffe, {0x0f, 0x1f, 0x44, 0, 0});
  write(space, text + 0x20, {0x66, 0x90});
  write(space, text + 0x50, {0xeb, 0xbe});
  const page_digests before = digests(space);
  write(space, text + 0x1ffe, {0xe9, 0xfd, 0, 0, 0});  // to 0x2100
  write(space, text + 0x20, {0xeb, 0x1e});
  write(space, text + 0x50, {0x66, 0x90});
  CHECK(changes(space, before).empty());
  write(space, text + 0x20, {0xeb, 0x1f});
  CHECK(changes(space, before) == std::vector<std::uint64_t>{0});
  write(space, text + 0x20, {0x66, 0x90});
  write(space, text + 0x1ffe, {0xe9, 0xfd, 0, 0, 1});
  CHECK(changes(space, before) == std::vector<std::uint64_t>{0x1000, 0x2000});
  // the same bytes where no branch is
  write(space, text + 0x1ffe, {0xe9, 0xfd, 0, 0, 0});
  write(space, text + 0x60, {0x66, 0x90});
  CHECK(changes(space, before) == std::vector<std::uint64_t>{0});
}

TEST_CASE("branches of ARM are nops or lead to their targets, forwards and backwards") {
  const auto form = [](jump_code of, std::uint32_t instruction, std::uint64_t distance) {
    std::array<std::byte, 4> bytes{};
    store_le(bytes.data(), instruction);
    return jump_form(bytes, of, distance) == 4;
  };
  CHECK(form(jump_code::arm_64, 0xd503'201f, 0x100));
  CHECK(form(jump_code::arm_64, 0x1400'0040, 0x100));
  CHECK(form(jump_code::arm_64, 0x17ff'fff8, 0 - std::uint64_t{0x20}));
  CHECK_FALSE(form(jump_code::arm_64, 0x1400'0041, 0x100));
  CHECK_FALSE(form(jump_code::arm_64, 0x9400'0040, 0x100));  // a call
  CHECK_FALSE(form(jump_code::arm_64, 0xe320'f000, 0x100));
  CHECK(form(jump_code::arm_32, 0xe320'f000, 0x100));
  CHECK(form(jump_code::arm_32, 0xe1a0'0000, 0x100));
  CHECK(form(jump_code::arm_32, 0xea00'003e, 0x100));
  CHECK(form(jump_code::arm_32, 0xeaff'fff6, 0 - std::uint64_t{0x20}));
  CHECK_FALSE(form(jump_code::arm_32, 0xea00'0040, 0x100));
  CHECK_FALSE(form(jump_code::x86_64, 0xd503'201f, 0x100));
  CHECK(jump_form({}, jump_code::arm_64, 0) == 0);
}

TEST_CASE("the table of branches has addresses on 32-bit ARM, and distances elsewhere") {
  synthetic_space space{pointer_width::four};
  const std::vector<std::uint32_t> words{0xc010'0040, 0xc010'0100, 0xc0a0'0000,
                                         0xc010'0020, 0xc010'0000, 0xc0a0'0004};
  for (std::size_t i = 0; i < words.size(); ++i) space.bytes.put(0xc080'0000 + 4 * i, words[i]);
  const symbol_table names =
      synthetic_symbols({{0xc080'0000, "__start___jump_table"}, {0xc080'0018, "__stop___jump_table"}});
  const jump_sites sites = read_jump_sites(space, names, jump_code::arm_32);
  REQUIRE(sites.size() == 2);
  CHECK(sites[0].address == virtual_address{0xc010'0020});
  CHECK(sites[1].target == virtual_address{0xc010'0100});
  CHECK(sites[1].code == jump_code::arm_32);
}

TEST_CASE("pages that cannot be read are counted, and no range is too large to be refused") {
  synthetic_space space = kernel();
  const kernel_range more{code.begin, code.end + 0x1000};
  const auto made = digest_pages(space, more, {}, portable_digester{});
  REQUIRE(made);
  CHECK(made->pages.size() == 4);
  CHECK(made->unreadable == 1);
  const kernel_range all{virtual_address{0}, virtual_address{~std::uint64_t{0}}};
  CHECK(digest_pages(space, all, {}, portable_digester{}).error() == errc::limit_exceeded);
  symbol_table none;
  CHECK(read_jump_sites(space, none).empty());
}

TEST_CASE("two processes with one set of credentials are told") {
  CHECK(find_shared_credentials(processes(user)).empty());
  kernel_cred stolen;
  stolen.address = virtual_address{0x100};
  const auto found = find_shared_credentials(processes(stolen));
  REQUIRE(found.size() == 1);
  CHECK(found[0].subject == "pid 7 (sh)");
  CHECK(found[0].detail == "uses the credentials of pid 0 (init)");
}

TEST_CASE("who becomes root without a right to is told, who may or executed a program is not") {
  const std::vector<task_rights> before = rights_of(processes(user));
  CHECK(find_changed_credentials(before, processes(user)).empty());
  kernel_cred root = user;
  root.euid = 0;
  auto found = find_changed_credentials(before, processes(root));
  REQUIRE(found.size() == 1);
  CHECK(found[0].kind == finding_kind::credentials_overwritten);
  root.address = virtual_address{0x300};
  found = find_changed_credentials(before, processes(root));
  REQUIRE(found.size() == 1);
  CHECK(found[0].kind == finding_kind::credentials_gained);
  CHECK(found[0].detail == "uid 1000, effective 1000, is now 1000, effective 0");
  CHECK(find_changed_credentials(before, processes(root, 1)).empty());  // sudo
  kernel_cred may = user;
  may.suid = 0;
  CHECK(find_changed_credentials(rights_of(processes(may)), processes(root)).empty());
  may = user;
  may.permitted = 1 << 7;
  CHECK(find_changed_credentials(rights_of(processes(may)), processes(root)).empty());
  task_list other = processes(root);  // another process at the same place
  other.tasks[1].start_time = 6;
  CHECK(find_changed_credentials(before, other).empty());
}
