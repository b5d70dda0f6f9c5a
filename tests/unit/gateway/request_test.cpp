// SPDX-License-Identifier: BSL-1.0
#include <shoal/gateway/request.hpp>  // first: shows that the header stands alone

#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

namespace {

using shoal::gateway::byte_range;
using shoal::gateway::dag_scope;
using shoal::gateway::read_request;
using shoal::gateway::request;
using shoal::gateway::request_reading;
using shoal::gateway::response_format;

const std::string id = "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e";

request_reading read(const std::string& target, const std::string& fields = "",
                     const std::string& method = "GET") {
  const std::string text = method + " " + target + " HTTP/1.1\r\nHost: a\r\n" + fields;
  const auto head = shoal::http::request_head::parse({text.begin(), text.end()});
  REQUIRE(head.has_value());
  return read_request(*head);
}

request wanted(const std::string& target, const std::string& fields = "") {
  const request_reading r = read("/ipfs/" + id + target, fields);
  CAPTURE(r.refused.why);
  REQUIRE(r.wanted.has_value());
  return *r.wanted;
}

unsigned refused(const std::string& target, const std::string& fields = "", const std::string& method = "GET") {
  const request_reading r = read(target, fields, method);
  CHECK_FALSE(r.wanted.has_value());
  CHECK_FALSE(r.refused.why.empty());
  return r.refused.status;
}

TEST_CASE("a block is asked for by the query or by the Accept field") {
  for (const request& r : {wanted("?format=raw"), wanted("", "Accept: application/vnd.ipld.raw\r\n"),
                           wanted("?format=raw", "Accept: application/vnd.ipld.car\r\n"),
                           wanted("", "Accept: text/html, application/vnd.ipld.raw;q=0.1\r\n")}) {
    CHECK(r.format == response_format::raw);
    CHECK(r.root == *shoal::cid::parse(id));
    CHECK(r.path.empty());
  }
}

TEST_CASE("a CAR is asked for with a path, a scope and a range") {
  const request r = wanted("/a%20b//c/?format=car&dag-scope=entity&filename=x%2Fy&unknown=1");
  CHECK(r.format == response_format::car);
  CHECK(r.path == std::vector<std::string>{"a b", "c"});
  CHECK(r.scope == dag_scope::entity);
  CHECK(r.filename == "x/y");
  CHECK_FALSE(r.duplicates);
  CHECK(wanted("?format=car").scope == dag_scope::all);
  CHECK(wanted("?format=car&dag-scope=block").scope == dag_scope::block);
  const request range = wanted("?format=car&entity-bytes=-5%3A*");
  CHECK(range.scope == dag_scope::entity);
  CHECK(range.bytes == byte_range{-5, {}});
  CHECK(wanted("?format=raw", "Cache-Control: no-store, Only-If-Cached\r\n").only_if_cached);
}

TEST_CASE("the client chooses whether duplicates are sent, and the query has the last word") {
  const std::string accept = "Accept: application/vnd.ipld.car; version=1; order=dfs; dups=";
  CHECK(wanted("", accept + "y\r\n").duplicates);
  CHECK_FALSE(wanted("", accept + "n\r\n").duplicates);
  CHECK(wanted("?format=car", accept + "y\r\n").duplicates);
  CHECK_FALSE(wanted("?format=car&car-dups=n", accept + "y\r\n").duplicates);
  CHECK(wanted("?format=car&car-dups=y").duplicates);
  CHECK(wanted("?car-order=dfs", "Accept: application/vnd.ipld.car;order=unk\r\n").format ==
        response_format::car);
  // of several, the one that is wanted most and can be had
  CHECK(wanted("",
               "Accept: application/vnd.ipld.car;order=x, application/vnd.ipld.car;dups=y;q=0.5, "
               "application/vnd.ipld.car;dups=n;q=0.2\r\n")
            .duplicates);
}

TEST_CASE("who asks for nothing that can be verified is told so") {
  const std::string path = "/ipfs/" + id;
  CHECK(refused(path) == 400);
  CHECK(refused(path, "Accept: */*\r\n") == 400);
  CHECK(refused(path, "Accept: text/html,*/*;q=0.8\r\n") == 406);
  CHECK(refused(path + "?format=tar") == 406);
  CHECK(refused(path, "Accept: application/vnd.ipld.car;version=2\r\n") == 406);
  CHECK(refused(path + "?format=car", "Accept: application/vnd.ipld.car;order=rnd\r\n") == 406);
  CHECK(refused(path, "Accept: application/vnd.ipld.raw;q=0\r\n") == 406);
}

TEST_CASE("a request that makes no sense is refused") {
  CHECK(refused("/ipfs/" + id + "?format=raw", "", "POST") == 405);
  CHECK(refused("/ipns/" + id + "?format=raw") == 404);
  CHECK(refused("/ipfs/?format=raw") == 400);
  CHECK(refused("/ipfs/nonsense?format=raw") == 400);
  CHECK(refused("/ipfs//" + id + "?format=raw") == 400);
  CHECK(refused("/ipfs/" + id + "/%zz?format=car") == 400);
  CHECK(refused("/ipfs/" + id + "?format=%") == 400);
  CHECK(refused("/ipfs/" + id + "/a?format=raw") == 400);
  for (const std::string wrong :
       {"dag-scope=some", "entity-bytes=1", "car-dups=x", "car-version=2", "car-order=x"}) {
    CHECK(refused("/ipfs/" + id + "?format=car&" + wrong) == 400);
  }
  std::string deep;
  for (std::size_t i = 0; i < shoal::gateway::max_path_names; ++i) deep += "/a";
  CHECK(wanted(deep + "?format=car").path.size() == shoal::gateway::max_path_names);
  CHECK(refused("/ipfs/" + id + deep + "/a?format=car") == 400);
}

}  // namespace
