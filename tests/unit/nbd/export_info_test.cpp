// SPDX-License-Identifier: BSL-1.0
#include <shoal/nbd/export_info.hpp>  // first: shows that the header stands alone

#include <cstdint>

#include <doctest/doctest.h>

namespace {

using namespace shoal::nbd;
namespace offered = shoal::nbd::transmission_flag;

constexpr std::uint64_t size = 1u << 20;

export_info everything() {
  return {.name = {},
          .description = {},
          .size = size,
          .flags = offered::has_flags | offered::send_flush | offered::send_fua | offered::send_trim |
                   offered::send_write_zeroes | offered::send_cache | offered::send_fast_zero,
          .allocation = true};
}
export_info nothing() {
  return {.name = {}, .description = {}, .size = size, .flags = offered::has_flags | offered::read_only};
}

error verdict(const export_info& on, command type, std::uint64_t offset, std::uint32_t length,
              std::uint16_t flags = 0, bool structured = true) {
  const request r{.flags = flags, .type = type, .cookie = 0, .offset = offset, .length = length};
  return check(on, r, structured, structured && on.allocation);
}

TEST_CASE("past the end a write has no space and anything else is invalid") {
  for (const std::uint64_t offset : {size - 1, size, size + 1, UINT64_MAX - 1, UINT64_MAX}) {
    CAPTURE(offset);
    CHECK(verdict(everything(), command::write, offset, 2) == error::nospc);
    CHECK(verdict(everything(), command::write_zeroes, offset, 2) == error::nospc);
    for (const command type : {command::read, command::trim, command::cache, command::block_status}) {
      CHECK(verdict(everything(), type, offset, 2) == error::inval);
    }
  }
  CHECK(verdict(everything(), command::read, size, 0) == error::ok);
  CHECK(verdict(everything(), command::write, size - 2, 2) == error::ok);
}

TEST_CASE("a change to a read-only export is not permitted") {
  for (const command type : {command::write, command::write_zeroes, command::trim}) {
    CHECK(verdict(nothing(), type, 0, 512) == error::perm);
  }
}

TEST_CASE("what was not offered is invalid") {
  for (const command type :
       {command::flush, command::cache, command::block_status, command{8}, command{0xffff}}) {
    CHECK(verdict(nothing(), type, 0, 512) == error::inval);
  }
  export_info plain = everything();
  plain.flags = offered::has_flags;
  CHECK(verdict(plain, command::trim, 0, 512) == error::inval);
  CHECK(verdict(plain, command::write_zeroes, 0, 512) == error::inval);
  CHECK(verdict(plain, command::write, 0, 512, command_flag::fua) == error::inval);
  CHECK(verdict(everything(), command::read, 0, 512, command_flag::df, false) == error::inval);
  plain.flags = offered::has_flags | offered::send_write_zeroes;
  CHECK(verdict(plain, command::write_zeroes, 0, 512, command_flag::fast_zero) == error::inval);
}

TEST_CASE("every flag is known to the commands that have it, and to no other") {
  constexpr command all[] = {command::read,  command::write,        command::flush,       command::trim,
                             command::cache, command::write_zeroes, command::block_status};
  const auto takes = [](command type, std::uint16_t flag) {
    switch (flag) {
      case command_flag::fua: return true;  // harmless everywhere once it is offered
      case command_flag::no_hole:
      case command_flag::fast_zero: return type == command::write_zeroes;
      case command_flag::df: return type == command::read;
      case command_flag::req_one: return type == command::block_status;
      default: return false;
    }
  };
  for (const command type : all) {
    for (unsigned bit = 0; bit < 16; ++bit) {
      const auto flag = static_cast<std::uint16_t>(1u << bit);
      CAPTURE(static_cast<int>(type));
      CAPTURE(flag);
      CHECK((verdict(everything(), type, 0, 512, flag) == error::ok) == takes(type, flag));
    }
  }
}

TEST_CASE("payload is limited, what has none is not") {
  export_info large = everything();
  large.size = std::uint64_t{1} << 40;
  for (const command type : {command::read, command::write}) {
    CHECK(verdict(large, type, 0, max_payload) == error::ok);
    CHECK(verdict(large, type, 0, max_payload + 1) == error::inval);
  }
  for (const command type : {command::trim, command::write_zeroes, command::cache, command::block_status}) {
    CHECK(verdict(large, type, 0, UINT32_MAX) == error::ok);
  }
}

TEST_CASE("offset and length are multiples of the smallest block") {
  export_info coarse = everything();
  coarse.min_block = 4096;
  CHECK(verdict(coarse, command::read, 4096, 8192) == error::ok);
  CHECK(verdict(coarse, command::read, 512, 4096) == error::inval);
  CHECK(verdict(coarse, command::write, 4096, 512) == error::inval);
  CHECK(verdict(coarse, command::flush, 0, 0) == error::ok);
}

}  // namespace
