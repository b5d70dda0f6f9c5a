// SPDX-License-Identifier: BSL-1.0
#include <shoal/net/read_reply.hpp>  // first: shows that the header stands alone

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <shoal/base/endian.hpp>
#include <shoal/block/concepts.hpp>

namespace read_reply_test {

using shoal::any_device;
using shoal::bytes_span;
using shoal::bytes_view;
using shoal::lease;
using shoal::task;
using shoal::net::output_queue;
using shoal::net::read_reply;
namespace nbd = shoal::nbd;

constexpr std::size_t block = 4096;

/// A device of four kinds of blocks: 'l' lends, 'z' lends zeroes, 'c' copies, '0' copies zeroes, '?' makes
/// wait.
struct striped {
  std::string kinds;

  shoal::device_info info() const noexcept { return {.size = kinds.size() * block}; }
  task<> read(std::uint64_t, bytes_span) { return shoal::done(); }
  lease try_lend(std::uint64_t offset, std::size_t n) noexcept {
    static const std::vector<std::byte> data(block, std::byte{'l'});
    const std::size_t within = offset % block;
    n = std::min(n, block - within);
    const char kind = kinds[offset / block];
    if (kind == 'l') return {nullptr, bytes_view{data}.subspan(within, n)};
    return kind == 'z' ? lease::zeroes(n) : lease{};
  }
  bool try_read(std::uint64_t offset, bytes_span out) noexcept {
    for (std::byte& b : out) {
      const char kind = kinds[offset++ / block];
      if (kind == '?') return false;
      b = kind == '0' || kind == 'z' ? std::byte{} : static_cast<std::byte>(kind);
    }
    return true;
  }
};

/// What a client sees of a reply: "data@0+4096 hole@4096+8192." with a dot behind the last.
std::string seen(const std::string& kinds, std::uint32_t length, std::uint16_t flags = 0,
                 bool structured = true) {
  any_device device{striped{kinds}};
  output_queue::memory memory;
  output_queue out{memory};
  const nbd::request r{.flags = flags, .type = nbd::command::read, .cookie = 9, .offset = 0, .length = length};
  read_reply reply{out, nbd::reply_writer{structured}, r, 0};
  if (!reply.add_resident(device, length)) {
    CHECK(out.empty());
    return "wait";
  }
  reply.finish(true);
  std::vector<std::byte> wire(out.size());
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0);
  REQUIRE(out.flush(ends[0]) == output_queue::progress::done);
  REQUIRE(::recv(ends[1], wire.data(), wire.size(), MSG_WAITALL) == static_cast<ssize_t>(wire.size()));
  ::close(ends[0]);
  ::close(ends[1]);

  const auto content_is_right = [&](std::size_t at, std::size_t begin, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
      const char kind = kinds[(at + i) / block];
      const auto expected = kind == 'z' || kind == '0' ? std::byte{} : static_cast<std::byte>(kind);
      if (wire[begin + i] != expected) return false;
    }
    return true;
  };
  if (!structured) {
    CHECK(wire.size() == nbd::simple_reply_size + length);
    CHECK(content_is_right(0, nbd::simple_reply_size, length));
    return "simple";
  }
  std::string text;
  for (std::size_t at = 0; at < wire.size();) {
    const bool last = shoal::load_be<std::uint16_t>(&wire[at + 4]) == 1;
    const auto type = nbd::chunk{shoal::load_be<std::uint16_t>(&wire[at + 6])};
    const std::size_t n = shoal::load_be<std::uint32_t>(&wire[at + 16]);
    const std::size_t body = at + nbd::chunk_header_size;
    text += text.empty() ? "" : " ";
    if (type == nbd::chunk::none) {
      text += "nothing";
    } else {
      const auto offset = shoal::load_be<std::uint64_t>(&wire[body]);
      const bool hole = type == nbd::chunk::offset_hole;
      const std::size_t covered = hole ? shoal::load_be<std::uint32_t>(&wire[body + 8]) : n - 8;
      if (!hole) CHECK(content_is_right(offset, body + 8, covered));
      text += (hole ? "hole@" : "data@") + std::to_string(offset) + "+" + std::to_string(covered);
    }
    text += last ? "." : "";
    at = body + n;
  }
  return text;
}

TEST_CASE("what is lent becomes data, what is lent as zeroes a hole, and neighbours one chunk") {
  CHECK(seen("ll", 8192) == "data@0+8192.");
  CHECK(seen("zz", 8192) == "hole@0+8192.");
  CHECK(seen("lzzl", 16384) == "data@0+4096 hole@4096+8192 data@12288+4096.");
  CHECK(seen("zl", 4100) == "hole@0+4096 data@4096+4.");
}

TEST_CASE("what is copied is one chunk, and a hole if it is all zeroes") {
  CHECK(seen("cc", 8192) == "data@0+8192.");
  CHECK(seen("00", 8192) == "hole@0+8192.");
  CHECK(seen("0c", 8192) == "data@0+8192.");
  CHECK(seen("lc", 8192) == "data@0+4096 data@4096+4096.");
  CHECK(seen("l0", 8192) == "data@0+4096 hole@4096+4096.");
  CHECK(seen("z0", 8192) == "hole@0+4096 hole@4096+4096.");
}

TEST_CASE("a read that may not be cut is one chunk of data") {
  CHECK(seen("lzc0", 16384, nbd::command_flag::df) == "data@0+16384.");
  CHECK(seen("zz", 8192, nbd::command_flag::df) == "data@0+8192.");
}

TEST_CASE("without structured replies every byte is sent behind one head") {
  CHECK(seen("lzc0lc", 6 * 4096, 0, false) == "simple");
  CHECK(seen("cl", 8192, 0, false) == "simple");
  CHECK(seen("l", 0, 0, false) == "simple");
}

TEST_CASE("if a part would have to be waited for, nothing is added") {
  CHECK(seen("?", 4096) == "wait");
  CHECK(seen("lzc?", 16384) == "wait");
  CHECK(seen("ll?", 8192) == "data@0+8192.");
}

TEST_CASE("a read of nothing has a reply too") {
  CHECK(seen("l", 0) == "nothing.");
}

TEST_CASE("pieces of one read that come one after the other make one reply") {
  output_queue::memory memory;
  output_queue out{memory};
  const nbd::request r{.flags = 0, .type = nbd::command::read, .cookie = 9, .offset = 0, .length = 8192};
  for (std::uint64_t at = 0; at < 8192; at += 4096) {
    static const std::vector<std::byte> data(4096, std::byte{1});
    read_reply reply{out, nbd::reply_writer{false}, r, at};
    reply.add_read({nullptr, data});
    reply.finish(at == 4096);
  }
  CHECK(out.size() == nbd::simple_reply_size + 8192);
}

}  // namespace read_reply_test
