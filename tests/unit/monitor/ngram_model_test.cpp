// SPDX-License-Identifier: BSL-1.0
#include <shoal/monitor/ngram_model.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace {

using namespace shoal::monitor;
using shoal::bytes_view;
using shoal::errc;
using shoal::hal::access_record;

access_record at(std::uint64_t address) {
  return {.address = address, .what = shoal::hal::access::load, .width = 4};
}

ngram_model learn(std::size_t length, std::initializer_list<std::uint64_t> addresses) {
  ngram_trainer trainer{length};
  for (const std::uint64_t each : addresses) trainer.note(at(each));
  const auto model = trainer.finish();
  REQUIRE(model);
  return *model;
}

bool knows(const ngram_model& model, std::initializer_list<std::uint64_t> addresses) {
  ngram_window window{model.length()};
  for (const std::uint64_t each : addresses) window.push(model.symbol(access_symbol::of(at(each))));
  return window.full() && model.knows(window.gram());
}

}  // namespace

TEST_CASE("a model knows what it was shown, and nothing else") {
  const ngram_model model = learn(3, {30, 10, 20, 30, 10});
  CHECK(model.symbol_count() == 3);
  CHECK(model.gram_count() == 3);
  CHECK(knows(model, {30, 10, 20}));
  CHECK(knows(model, {10, 20, 30}));
  CHECK(knows(model, {20, 30, 10}));
  CHECK_FALSE(knows(model, {30, 20, 10}));
  CHECK_FALSE(knows(model, {30, 30, 30}));
  CHECK(model.symbol(access_symbol::of(at(40))) == 0);
  access_record write = at(10);
  write.what = shoal::hal::access::store;
  CHECK_MESSAGE(model.symbol(access_symbol::of(write)) == 0, "direction counts");
  access_record other = at(10);
  other.source = 1;
  CHECK_MESSAGE(model.symbol(access_symbol::of(other)) == 0, "the device counts");
}

TEST_CASE("repeats are sequences too, and a loss ends one") {
  ngram_trainer trainer{2};
  access_record polled = at(1);
  polled.repeats = 4'000'000'000;
  trainer.note(polled);
  trainer.note({.what = shoal::hal::access::lost});
  trainer.note(at(2));
  const auto model = trainer.finish();
  REQUIRE(model);
  CHECK(knows(*model, {1, 1}));
  CHECK_FALSE(knows(*model, {1, 2}));
}

TEST_CASE("models of every length survive being saved") {
  for (std::size_t length = 1; length <= 4; ++length) {
    const ngram_model model = learn(length, {1, ~std::uint64_t{0}, 0, 0, 1, 7, 300, 0x3f200000});
    const std::vector<std::byte> saved = model.encode();
    const auto again = ngram_model::decode(saved);
    REQUIRE(again);
    CHECK(again->length() == length);
    CHECK(again->encode() == saved);
    for (std::size_t cut = 0; cut < saved.size(); ++cut) {
      CHECK_FALSE(ngram_model::decode(bytes_view{saved}.first(cut)));
    }
    std::vector<std::byte> longer = saved;
    longer.push_back(std::byte{0});
    CHECK(ngram_model::decode(longer).error() == errc::malformed);
  }
  const ngram_model nothing = learn(3, {});
  CHECK(ngram_model::decode(nothing.encode()));
}

TEST_CASE("accesses of every kind are learnt, saved and known again") {
  ngram_trainer trainer{1};
  for (unsigned what = 0; what <= static_cast<unsigned>(shoal::hal::last_access); ++what) {
    trainer.note({.address = 4, .what = static_cast<shoal::hal::access>(what)});
  }
  const auto model = ngram_model::decode(trainer.finish()->encode());
  REQUIRE(model);
  CHECK(model->symbol({.address = 4, .what = shoal::hal::access::line_event}) != 0);
  CHECK(model->symbol({.address = 4, .what = shoal::hal::access::i2c_read}) != 0);
}

TEST_CASE("no byte that is changed makes a model that is written otherwise than it was read") {
  const std::vector<std::byte> saved = learn(2, {1, 2, 3, 1, 2}).encode();
  for (std::size_t i = 0; i < saved.size(); ++i) {
    for (unsigned value = 0; value < 256; ++value) {
      std::vector<std::byte> damaged = saved;
      damaged[i] = static_cast<std::byte>(value);
      const auto read = ngram_model::decode(damaged);
      CHECK((!read || read->encode() == damaged));
    }
  }
}

TEST_CASE("a saved model is held to its limits") {
  // {"n": 2, "grams": 2^32 of them
  const std::array<unsigned char, 17> many{0xa4, 0x61, 'n', 2, 0x65, 'g', 'r', 'a', 'm',
                                           's',  0x9b, 0,   0, 0,    1,   0,   0};
  CHECK_FALSE(ngram_model::decode(std::as_bytes(std::span{many})));
  const std::array<unsigned char, 12> long_ones{0xa4, 0x61, 'n', 5};
  CHECK(ngram_model::decode(std::as_bytes(std::span{long_ones})).error() == errc::limit_exceeded);
  std::vector<std::byte> version = learn(1, {1}).encode();
  for (std::size_t i = 0; i + 1 < version.size(); ++i) {
    if (version[i] == std::byte{' '} && version[i + 1] == std::byte{'1'}) version[i + 1] = std::byte{'2'};
  }
  CHECK(ngram_model::decode(version).error() == errc::unsupported);
}

TEST_CASE("traffic of more addresses than a model holds is told, not cut") {
  ngram_trainer trainer{1};
  for (std::uint64_t i = 0; i < ngram_model::max_symbols; ++i) trainer.note(at(i));
  CHECK(trainer.finish());
  trainer.note(at(ngram_model::max_symbols));
  CHECK(trainer.finish().error() == errc::limit_exceeded);
}
