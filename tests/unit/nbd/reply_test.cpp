// SPDX-License-Identifier: BSL-1.0
#include <shoal/nbd/reply.hpp>  // first: shows that the header stands alone

#include <cstdint>

#include <doctest/doctest.h>

#include "client_bytes.hpp"

namespace {

using namespace shoal::nbd;
using client::be;
using client::bytes;
using client::join;

constexpr request read_request{.flags = 0, .type = command::read, .cookie = 5, .offset = 4096, .length = 1024};

template <class Put>
bytes written(Put put) {
  bytes out(max_reply_head);
  out.resize(put(out.data()));
  return out;
}
bytes chunk_of(std::uint16_t flags, std::uint16_t type, const bytes& payload_head, std::uint32_t length) {
  return join(
      {be(structured_reply_magic), be(flags), be(type), be(std::uint64_t{5}), be(length), payload_head});
}

TEST_CASE("without structured replies a read has one head, in front of its first piece") {
  const reply_writer plain{false};
  CHECK(written([&](std::byte* out) { return plain.data(out, read_request, 4096, 512, false); }) ==
        join({be(simple_reply_magic), be(0u), be(std::uint64_t{5})}));
  CHECK(written([&](std::byte* out) { return plain.data(out, read_request, 4608, 512, true); }).empty());
  CHECK(plain.data_head_size() == simple_reply_size);
}

TEST_CASE("each structured piece says where it belongs, and the last that it is the last") {
  const reply_writer rich{true};
  CHECK(written([&](std::byte* out) { return rich.data(out, read_request, 4096, 512, false); }) ==
        chunk_of(0, 1, be(std::uint64_t{4096}), 520));
  CHECK(written([&](std::byte* out) { return rich.hole(out, read_request, 4608, 512, true); }) ==
        chunk_of(1, 2, join({be(std::uint64_t{4608}), be(512u)}), 12));
  CHECK(written([&](std::byte* out) { return rich.data(out, read_request, 4096, 0, true); }) ==
        chunk_of(1, 0, {}, 0));
}

TEST_CASE("a failed read has an error chunk once structured replies are on, a failed write a simple reply") {
  request r = read_request;
  CHECK(written([&](std::byte* out) { return reply_writer{true}.failed(out, r, error::io); }) ==
        chunk_of(1, 0x8001, join({be(5u), be(std::uint16_t{0})}), 6));
  CHECK(written([&](std::byte* out) { return reply_writer{false}.failed(out, r, error::io); }) ==
        join({be(simple_reply_magic), be(5u), be(std::uint64_t{5})}));
  r.type = command::write;
  CHECK(written([&](std::byte* out) { return reply_writer{true}.failed(out, r, error::nospc); }) ==
        join({be(simple_reply_magic), be(28u), be(std::uint64_t{5})}));
}

TEST_CASE("only a fast zero is not supported; anything else that is not is invalid") {
  const auto told = [](request r) {
    const bytes out = written([&](std::byte* to) { return reply_writer{true}.failed(to, r, error::notsup); });
    return error{shoal::load_be<std::uint32_t>(out.data() + 4)};
  };
  request r{.flags = command_flag::fast_zero, .type = command::write_zeroes};
  CHECK(told(r) == error::notsup);
  r.flags = 0;
  CHECK(told(r) == error::inval);
  r.type = command::trim;
  CHECK(told(r) == error::inval);
}

TEST_CASE("a block status counts its descriptors") {
  const request r{.flags = 0, .type = command::block_status, .cookie = 5, .offset = 0, .length = 4096};
  CHECK(written([&](std::byte* out) { return reply_writer{true}.status(out, r, 1, 3); }) ==
        chunk_of(1, 5, be(1u), 4 + 3 * 8));
  bytes descriptor(reply_writer::descriptor_size);
  reply_writer::put_descriptor(descriptor.data(), 4096, true, true);
  CHECK(descriptor == join({be(4096u), be(3u)}));
}

}  // namespace
