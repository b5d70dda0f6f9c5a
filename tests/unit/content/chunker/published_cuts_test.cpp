// SPDX-License-Identifier: BSL-1.0
#include <shoal/content/chunker/any_chunker.hpp>  // first: shows that the header stands alone

#include <array>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>
#include <openssl/evp.h>

#include <shoal/openssl/digester.hpp>

#include "checks.hpp"

namespace {

/// The value of a key in a line of JSON as the fixture has it: up to the next comma, brace or bracket.
std::string_view value_of(std::string_view line, std::string_view key) {
  const std::size_t found = line.find("\"" + std::string{key} + "\":");
  if (found == line.npos) return {};
  line.remove_prefix(found + key.size() + 3);
  const bool list = line.starts_with('[');
  line.remove_prefix(list || line.starts_with('"') ? 1 : 0);
  return line.substr(0, line.find_first_of(list ? "]" : ",\"}"));
}

/// AES-128-CTR of zeroes, key 16 times `seed`, counter from 0.
chunker_test::bytes keystream(unsigned char seed, std::size_t size) {
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> cipher{EVP_CIPHER_CTX_new(),
                                                                               EVP_CIPHER_CTX_free};
  std::array<unsigned char, 16> key;
  key.fill(seed);
  const std::array<unsigned char, 16> counter{};
  REQUIRE(EVP_EncryptInit_ex(cipher.get(), EVP_aes_128_ctr(), nullptr, key.data(), counter.data()) == 1);
  chunker_test::bytes bytes(size);
  auto* const data = reinterpret_cast<unsigned char*>(bytes.data());
  int written = 0;
  REQUIRE(EVP_EncryptUpdate(cipher.get(), data, &written, data, static_cast<int>(size)) == 1);
  return bytes;
}

std::string sha256_of(shoal::bytes_view bytes) {
  std::array<std::byte, 32> digest{};
  shoal::openssl::digester digester;
  REQUIRE(digester.digest(shoal::hash_code::sha2_256, bytes, digest) == shoal::status::ok);
  std::string hex;
  for (const std::byte b : digest) {
    hex += "0123456789abcdef"[std::to_integer<int>(b >> 4)];
    hex += "0123456789abcdef"[std::to_integer<int>(b & std::byte{15})];
  }
  return hex;
}

std::vector<std::size_t> numbers(std::string_view list) {
  std::vector<std::size_t> all;
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    all.push_back(std::stoul(std::string{list.substr(0, comma)}));
    list.remove_prefix(comma == list.npos ? list.size() : comma + 1);
  }
  return all;
}

TEST_CASE("published cuts: buzhash and rabin cut where boxo cuts") {
  std::ifstream file{SHOAL_FIXTURES "/boxo_chunker_vectors.jsonl"};
  if (!file) {
    MESSAGE("skipped: no fixture boxo_chunker_vectors.jsonl");
    return;
  }
  int vectors = 0;
  chunker_test::bytes data;
  for (std::string line; std::getline(file, line); ++vectors) {
    CAPTURE(line.substr(0, 120));
    // not every line names its key, but each has the hash of its bytes
    const std::string_view hash = value_of(line, "sha256");
    const std::size_t size = std::stoul(std::string{value_of(line, "size")});
    for (unsigned char seed = 1; sha256_of(data) != hash; ++seed) {
      REQUIRE(seed <= 8);
      data = keystream(seed, size);
    }
    const shoal::result<shoal::any_chunker> chunker = shoal::any_chunker::parse(value_of(line, "algo"));
    REQUIRE(chunker);
    CHECK(chunker_test::cut_all(*chunker, data) == numbers(value_of(line, "lengths")));
  }
  CHECK(vectors >= 6);
}

}  // namespace
