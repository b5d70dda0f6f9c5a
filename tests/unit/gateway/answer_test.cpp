// SPDX-License-Identifier: BSL-1.0
#include <shoal/gateway/answer.hpp>  // first: shows that the header stands alone

#include <set>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

namespace {

using namespace shoal::gateway;

request plain(response_format format) {
  request r;
  r.root = *shoal::cid::parse("bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e");
  r.format = format;
  return r;
}

std::string fields_of(const request& r) {
  shoal::http::head_writer head = shoal::http::head_writer::response(200);
  append_fields(head, r);
  append_cache_fields(head, r);
  return std::move(head).finish();
}

TEST_CASE("a block's answer is an attachment that is cached for ever") {
  const std::string id = "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e";
  CHECK(fields_of(plain(response_format::raw)) ==
        "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.ipld.raw\r\nX-Ipfs-Path: /ipfs/" + id +
            "\r\nX-Ipfs-Roots: " + id + "\r\nContent-Disposition: attachment; filename=\"" + id +
            ".bin\"\r\nContent-Location: /ipfs/" + id +
            "?format=raw\r\nX-Content-Type-Options: nosniff\r\nAccept-Ranges: none\r\nEtag: \"" + id +
            "?format=raw\"\r\nCache-Control: public, max-age=29030400, immutable\r\nVary: Accept\r\n\r\n");
}

TEST_CASE("a CAR's answer says in which order and how often blocks come") {
  request r = plain(response_format::car);
  CHECK(fields_of(r).find("Content-Type: application/vnd.ipld.car; version=1; order=dfs; dups=n\r\n") !=
        std::string::npos);
  r.duplicates = true;
  CHECK(fields_of(r).find("dups=y\r\n") != std::string::npos);
}

TEST_CASE("a tag differs for all that makes an answer differ") {
  std::vector<request> all{plain(response_format::raw)};
  const request car = plain(response_format::car);
  all.push_back(car);
  all.push_back(car);
  all.back().duplicates = true;
  for (const dag_scope scope : {dag_scope::block, dag_scope::entity}) {
    all.push_back(car);
    all.back().scope = scope;
  }
  for (const byte_range bytes : {byte_range{0, {}}, byte_range{0, 1}, byte_range{-1, {}}}) {
    all.push_back(car);
    all.back().scope = dag_scope::entity;
    all.back().bytes = bytes;
  }
  for (const std::vector<std::string>& path :
       {std::vector<std::string>{"a"}, {"a", "b"}, {"a/b"}, {"a\"b"}, {"a,b"}}) {
    all.push_back(car);
    all.back().path = path;
  }
  std::set<std::string> tags;
  for (const request& r : all) {
    tags.insert(etag(r));
    CHECK(etag(r).find_first_of("\",", etag(r).find('"') + 1) == etag(r).size() - 1);
  }
  CHECK(tags.size() == all.size());
}

TEST_CASE("a file name cannot break out of its quotes") {
  request r = plain(response_format::car);
  r.filename = "a\"; x=\\\r\nb/\xc3\xa9.car";
  CHECK(fields_of(r).find(
            "filename=\"a_; x=___b___.car\"; filename*=UTF-8''a%22%3B%20x%3D%5C%0D%0Ab%2F%C3%A9.car\r\n") !=
        std::string::npos);
  r.filename.assign(300, 'a');
  CHECK(fields_of(r).find(".car\"\r\n") != std::string::npos);
}

}  // namespace
