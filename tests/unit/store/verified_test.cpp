// SPDX-License-Identifier: BSL-1.0
#include <shoal/store/verified.hpp>  // first: shows that the header stands alone

#include <cstddef>
#include <memory>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/crypto/sha256.hpp>
#include <shoal/test/block_store_conformance.hpp>
#include <shoal/test/run.hpp>

namespace {

using shoal::block;
using shoal::cid;
using shoal::errc;
using shoal::io_pool;
using shoal::lease;
using shoal::result;
using shoal::test::run;

struct seen {
  std::vector<cid> corrupt;
  std::thread::id told_on;
  void operator()(const shoal::block_corrupt& event) {
    corrupt.push_back(event.id);
    told_on = std::this_thread::get_id();
  }
};

struct fixture {
  shoal::portable_digester digester;
  seen observer;
  block honest = shoal::test::make_block(digester, shoal::as_bytes("what the CID says"));
  block other = shoal::test::make_block(digester, shoal::as_bytes("what it does not"));

  result<block> read_as(const cid& id, result<lease> bytes, io_pool* pool) {
    const auto read = [&] { return bytes; };
    return run(shoal::read_verified(pool, digester, observer, id, read));
  }
};

TEST_CASE_FIXTURE(fixture, "what matches its CID becomes a block, on a pool's thread or on the caller's") {
  io_pool pool{1};
  for (io_pool* where : {static_cast<io_pool*>(nullptr), &pool}) {
    std::thread::id read_on;
    const auto read = [&]() -> result<lease> {
      read_on = std::this_thread::get_id();
      return honest.data;
    };
    const result<block> found = run(shoal::read_verified(where, digester, observer, honest.id, read));
    REQUIRE(found);
    CHECK(found->id == honest.id);
    CHECK(found->data.bytes().data() == honest.data.bytes().data());
    CHECK((read_on == std::this_thread::get_id()) == (where == nullptr));
  }
  CHECK(observer.corrupt.empty());
}

TEST_CASE_FIXTURE(fixture, "what does not match is an error, and its name is told on the caller's strand") {
  io_pool pool{1};
  CHECK(read_as(honest.id, other.data, &pool).error() == errc::block_mismatch);
  CHECK(observer.corrupt == std::vector<cid>{honest.id});
  CHECK(observer.told_on == std::this_thread::get_id());
  CHECK(read_as(honest.id, other.data, nullptr).error() == errc::block_mismatch);
  CHECK(observer.corrupt.size() == 2);
}

TEST_CASE_FIXTURE(fixture, "a mismatch that the reader itself found is told, too; other errors are not") {
  CHECK(read_as(honest.id, errc::block_mismatch, nullptr).error() == errc::block_mismatch);
  CHECK(observer.corrupt.size() == 1);
  CHECK(read_as(honest.id, errc::not_found, nullptr).error() == errc::not_found);
  CHECK(observer.corrupt.size() == 1);
}

TEST_CASE_FIXTURE(fixture, "a hash function that the digester lacks is no mismatch") {
  const auto hash = shoal::multihash::make(shoal::hash_code::blake3, std::vector<std::byte>(32));
  REQUIRE(hash);
  const cid id{shoal::multicodec::raw, *hash};
  CHECK(read_as(id, honest.data, nullptr).error() == errc::unsupported);
  CHECK(observer.corrupt.empty());
}

TEST_CASE("a CID that carries its block gives it back") {
  const auto hash = shoal::multihash::make(shoal::hash_code::identity, shoal::as_bytes("short"));
  REQUIRE(hash);
  const cid id{shoal::multicodec::raw, *hash};
  REQUIRE(shoal::is_inline(id));
  const block b = shoal::inline_block(id);
  CHECK(b.id == id);
  CHECK(shoal::as_text(b.data.bytes()) == "short");
}

}  // namespace
