// SPDX-License-Identifier: BSL-1.0
//
// Uses the freestanding headers as a guest without a standard library would; exits 0 when they do what they
// say.
#include <cstddef>
#include <cstdint>

#include <everything.hpp>

bool registers_and_lines_work() noexcept;  // hal.cpp

namespace {

bool integers_have_the_stated_byte_order() noexcept {
  std::byte bytes[8];
  shoal::store_be<std::uint64_t>(bytes, 0x0102030405060708u);
  return bytes[0] == std::byte{1} && shoal::load_le<std::uint32_t>(bytes + 4) == 0x08070605u;
}

bool a_status_carries_a_value_or_a_reason() noexcept {
  const shoal::status_or<int> value{7};
  const shoal::status_or<int> reason{shoal::status::truncated};
  return value && *value == 7 && !reason && reason.code == shoal::status::truncated;
}

bool cbor_reads_what_it_writes() noexcept {
  std::byte buffer[16];
  shoal::cbor::span_output out{buffer};
  shoal::cbor::writer writer{out};
  writer.array(2);
  writer.text("line");
  writer.unsigned_integer(1000);
  shoal::cbor::reader reader{out.written()};
  const auto array = reader.next();
  const auto text = reader.next();
  const auto number = reader.next();
  return array && text && text->bytes.size() == 4 && number && number->argument() == 1000 && reader.done();
}

bool cbor_refuses_what_is_cut_short() noexcept {
  const std::byte cut[] = {std::byte{0x65}, std::byte{'a'}};  // a text of five bytes
  return shoal::cbor::reader{cut}.next().code == shoal::status::truncated;
}

bool sha256_knows_abc() noexcept {
  const std::byte abc[] = {std::byte{'a'}, std::byte{'b'}, std::byte{'c'}};
  std::byte digest[shoal::sha256::digest_size];
  shoal::sha256 hash;
  hash.update(abc);
  hash.finish(digest);
  return shoal::load_be<std::uint32_t>(digest) == 0xba7816bfu;  // FIPS 180-4
}

}  // namespace

int freestanding_main() noexcept {
  if (!integers_have_the_stated_byte_order()) return 1;
  if (!a_status_carries_a_value_or_a_reason()) return 2;
  if (!cbor_reads_what_it_writes()) return 3;
  if (!cbor_refuses_what_is_cut_short()) return 4;
  if (!sha256_knows_abc()) return 5;
  if (!registers_and_lines_work()) return 6;
  return 0;
}
