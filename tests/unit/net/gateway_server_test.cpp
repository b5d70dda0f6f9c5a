// SPDX-License-Identifier: BSL-1.0
#include <shoal/net/gateway_server.hpp>  // first: shows that the header stands alone

#include <cstddef>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/content/car/archive.hpp>
#include <shoal/store/memory_cache.hpp>

#include "../gateway/dag.hpp"
#include "http_client.hpp"

namespace gateway_server_test {

using shoal::as_text;
using shoal::block;
using shoal::cid;
using shoal::lease;
using shoal::to_text;

using cids = std::vector<cid>;

/// A directory with a file of two leaves of 100,000 bytes.
struct served : served_http {
  served() {
    const std::string first(100'000, 'a');
    const std::string second(100'000, 'b');
    leaves = {d.add_leaf(first).id, d.add_leaf(second).id};
    file = d.add_file({{leaves[0], first.size(), 0}, {leaves[1], second.size(), 0}}).id;
    directory = d.add_directory({{"a file", file}});
    for (const auto& [id, bytes] : d.blocks) keep(id);
    gateway.serve_on(server);
    start();
  }
  void keep(const cid& id) {
    const auto copy = std::make_shared<const std::vector<std::byte>>(d.blocks.at(id));
    store.insert({id, lease{copy, *copy}});
  }
  [[nodiscard]] std::string text_of(const cid& id) const { return std::string{as_text(d.blocks.at(id))}; }

  test_dag::dag d;
  cids leaves;
  cid file;
  cid directory;
  shoal::memory_cache store{1u << 20};
  shoal::net::gateway_server<shoal::memory_cache> gateway{store};
};

/// The CIDs of a CAR whose blocks are those of the DAG.
cids read_car(const served& s, const std::string& body) {
  const auto car = shoal::car_archive::parse(shoal::as_bytes(body));
  REQUIRE(car.has_value());
  cids out;
  for (std::uint64_t at = car->first_section(); at < car->payload().size();) {
    const auto section = shoal::car_section_at(car->payload(), at);
    REQUIRE(section.has_value());
    CHECK(as_text(section->block) == s.text_of(section->id));
    out.push_back(section->id);
    at += section->size;
  }
  return out;
}

TEST_CASE("a block is given with its length, its type and a tag") {
  served s;
  http_client client{s.port()};
  const std::string path = "/ipfs/" + to_text(s.file);
  const http_reply reply = client.get(path, "Accept: application/vnd.ipld.raw\r\n");
  CHECK(reply.status == 200);
  CHECK(reply.body == s.text_of(s.file));
  CHECK(reply.has("Content-Type: application/vnd.ipld.raw"));
  CHECK(reply.has("Content-Location: " + path + "?format=raw"));
  CHECK(reply.has("Cache-Control: public, max-age=29030400, immutable"));
  const std::string tag = "\"" + to_text(s.file) + "?format=raw\"";
  CHECK(reply.has("Etag: " + tag));
  const http_reply head = client.get(path + "?format=raw", {}, "HEAD");
  CHECK(head.status == 200);
  CHECK(head.has("Content-Length: " + std::to_string(reply.body.size())));
  const http_reply same = client.get(path + "?format=raw", "If-None-Match: \"x\", " + tag + "\r\n");
  CHECK(same.status == 304);
  CHECK(same.has("Etag: " + tag));
  CHECK(same.body.empty());
  CHECK(client.get(path + "?format=raw", "If-None-Match: \"x\"\r\n").status == 200);
}

TEST_CASE("a CAR holds the blocks on the path and those in scope") {
  served s;
  http_client client{s.port()};
  const std::string path = "/ipfs/" + to_text(s.directory) + "/a%20file?format=car";
  const http_reply all = client.get(path);
  CHECK(all.status == 200);
  CHECK(all.whole);
  CHECK(all.has("Content-Type: application/vnd.ipld.car; version=1; order=dfs; dups=n"));
  CHECK(read_car(s, all.body) == cids{s.directory, s.file, s.leaves[0], s.leaves[1]});
  const http_reply range = client.get(path + "&entity-bytes=-1:*");
  CHECK(read_car(s, range.body) == cids{s.directory, s.file, s.leaves[1]});
  const http_reply block = client.get(path + "&dag-scope=block");
  CHECK(read_car(s, block.body) == cids{s.directory, s.file});
  const http_reply head = client.get(path, {}, "HEAD");
  CHECK(head.status == 200);
  CHECK(head.body.empty());
  CHECK(s.on_strand([&] { return s.gateway.counters().cars; }) == 3);
}

TEST_CASE("what is not there is not found before anything is sent") {
  served s;
  http_client client{s.port()};
  const std::string unknown = "/ipfs/bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e";
  for (const std::string format : {"raw", "car"}) {
    CHECK(client.get(unknown + "?format=" + format).status == 404);
    CHECK(client.get(unknown + "?format=" + format, {}, "HEAD").status == 404);
  }
  CHECK(client.get("/ipfs/" + to_text(s.directory) + "/other?format=car").status == 404);
  CHECK(client.get(unknown + "?format=raw", "Cache-Control: only-if-cached\r\n").status == 412);
  CHECK(client.get("/ipfs/" + to_text(s.file) + "?format=raw", "Cache-Control: only-if-cached\r\n").status ==
        200);
  CHECK(client.get("/ipfs/" + to_text(s.file) + "?format=car&entity-bytes=200000:*").status == 400);
  CHECK(client.get("/ipfs/" + to_text(s.file)).status == 400);
  CHECK(client.get("/ipfs/x?format=raw").status == 400);
  CHECK(client.get("/ipfs/" + to_text(s.file), "Accept: text/html\r\n").status == 406);
}

TEST_CASE("a block that is missing in the middle cuts the CAR off") {
  served s;
  const cid lost = s.d.add_leaf("nobody has it").id;
  const cid holed = s.d.add_directory({{"a", s.leaves[0]}, {"b", lost}, {"c", s.leaves[1]}});
  s.on_strand([&] { s.keep(holed); });
  http_client client{s.port()};
  const http_reply reply = client.get("/ipfs/" + to_text(holed) + "?format=car");
  CHECK_FALSE(reply.whole);
  CHECK(s.on_strand([&] { return s.gateway.counters().cut_off; }) == 1);
  CHECK(http_client{s.port()}.get("/ipfs/" + to_text(holed) + "?format=car&dag-scope=entity").whole);
}

TEST_CASE("a probe is answered without a store") {
  served s;
  http_client client{s.port()};
  const http_reply raw = client.get("/ipfs/bafkqaaa?format=raw");
  CHECK(raw.status == 200);
  CHECK(raw.body.empty());
  const http_reply car = client.get("/ipfs/bafkqaaa?format=car");
  CHECK(car.status == 200);
  const auto archive = shoal::car_archive::parse(shoal::as_bytes(car.body));
  REQUIRE(archive.has_value());
  CHECK(archive->roots() == cids{*cid::parse("bafkqaaa")});
  CHECK(read_car(s, car.body).empty());
  CHECK(client.get("/ipfs/bafkqaaa?format=raw", {}, "HEAD").status == 200);
}

}  // namespace gateway_server_test
