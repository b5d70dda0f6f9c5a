// SPDX-License-Identifier: BSL-1.0
#include <shoal/gateway/dag_walk.hpp>  // first: shows that the header stands alone

#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/content/unixfs_directory.hpp>

#include "dag.hpp"

namespace {

using shoal::as_bytes;
using shoal::bytes_view;
using shoal::cid;
using shoal::errc;
using shoal::file_child;
using shoal::gateway::byte_range;
using shoal::gateway::dag_scope;
using shoal::gateway::dag_walk;
using shoal::gateway::request;
using test_dag::dag;

using cids = std::vector<cid>;

struct outcome {
  cids sent;
  std::vector<cid> asked;
  std::error_code error;
  bool resolved = false;
};

outcome walk(const dag& from, const request& wanted) {
  dag_walk walk{wanted};
  outcome out;
  while (const cid* id = walk.wanted()) {
    CHECK(walk.wanted() == id);
    CHECK_FALSE(is_inline(*id));
    const cid here = *id;
    out.asked.push_back(here);
    const auto found = from.blocks.find(here);
    if (found == from.blocks.end()) {
      out.error = make_error_code(errc::not_found);
      return out;
    }
    if (walk.supply(found->second)) out.sent.push_back(here);
  }
  out.error = walk.error();
  out.resolved = !walk.resolving() && !walk.error();
  return out;
}

request ask(const cid& root, std::vector<std::string> path = {}, dag_scope scope = dag_scope::all) {
  request r;
  r.root = root;
  r.path = std::move(path);
  r.format = shoal::gateway::response_format::car;
  r.scope = scope;
  return r;
}

request ask_bytes(const cid& root, std::string_view range) {
  request r = ask(root, {}, dag_scope::entity);
  r.bytes = *byte_range::parse(range);
  return r;
}

/// A tree of three levels: "0123456789abcdefghij" in leaves of two bytes, three to a node.
struct tree : dag {
  std::vector<file_child> leaves;
  std::vector<file_child> nodes;
  file_child root;
  tree() {
    for (const std::string_view text : {"01", "23", "45", "67", "89", "ab", "cd", "ef", "gh"})
      leaves.push_back(add_leaf(text));
    for (std::size_t i = 0; i < 9; i += 3) nodes.push_back(add_file({leaves[i], leaves[i + 1], leaves[i + 2]}));
    root = add_file(nodes);
  }
};

TEST_CASE("a whole DAG is walked depth first") {
  tree t;
  const outcome out = walk(t, ask(t.root.id));
  const auto& n = t.nodes;
  const auto& l = t.leaves;
  CHECK(out.sent == cids{t.root.id, n[0].id, l[0].id, l[1].id, l[2].id, n[1].id, l[3].id, l[4].id, l[5].id,
                         n[2].id, l[6].id, l[7].id, l[8].id});
  CHECK(out.resolved);
  CHECK(walk(t, ask(t.root.id, {}, dag_scope::entity)).sent == out.sent);
  CHECK(walk(t, ask(t.root.id, {}, dag_scope::block)).sent == cids{t.root.id});
}

TEST_CASE("a range takes the blocks that it needs, and asks for no others") {
  tree t;
  const auto expect = [&t](std::string_view range, const cids& below) {
    CAPTURE(range);
    cids all{t.root.id};
    all.insert(all.end(), below.begin(), below.end());
    const outcome out = walk(t, ask_bytes(t.root.id, range));
    CHECK_FALSE(out.error);
    CHECK(out.sent == all);
    CHECK(out.asked == all);
  };
  const auto& n = t.nodes;
  const auto& l = t.leaves;
  expect("0:0", {n[0].id, l[0].id});
  expect("1:2", {n[0].id, l[0].id, l[1].id});
  expect("5:6", {n[0].id, l[2].id, n[1].id, l[3].id});
  expect("-1:*", {n[2].id, l[8].id});
  expect("16:5000", {n[2].id, l[8].id});
  expect("-5000:-17", {n[0].id, l[0].id});
  // no bytes: the root tells why
  expect("3:2", {});
  expect("2:1", {});
  expect("0:-19", {});
}

TEST_CASE("a range behind the end of the file is an error that is known at once") {
  tree t;
  const outcome out = walk(t, ask_bytes(t.root.id, "18:*"));
  CHECK(out.error == errc::out_of_range);
  CHECK(out.sent.empty());
  const cid leaf = t.leaves[0].id;
  CHECK(walk(t, ask_bytes(leaf, "2:*")).error == errc::out_of_range);
  CHECK(walk(t, ask_bytes(leaf, "1:*")).sent == cids{leaf});
}

TEST_CASE("a path is resolved through directories, and its blocks are sent first") {
  tree t;
  const cid inner = t.add_directory({{"file", t.root.id}, {"other", t.leaves[0].id}});
  const cid outer = t.add_directory({{"a b", inner}});
  CHECK(walk(t, ask(outer, {"a b", "file"}, dag_scope::block)).sent == cids{outer, inner, t.root.id});
  CHECK(walk(t, ask(outer, {"a b", "file"})).sent.size() == 15);
  CHECK(walk(t, ask(outer, {"a b"}, dag_scope::entity)).sent == cids{outer, inner});
  CHECK(walk(t, ask(outer)).sent.size() == 15);  // the second occurrence of a leaf is left out
  for (const std::vector<std::string>& wrong :
       {std::vector<std::string>{"a"}, {"a b", "x"}, {"a b", "file", "x"}, {"a b", "other", "x"}, {".."}}) {
    CHECK(walk(t, ask(outer, wrong)).error == errc::not_found);
  }
  // what is not a file has no bytes: the range is ignored
  CHECK(walk(t, ask_bytes(inner, "5000:*")).sent == cids{inner});
}

TEST_CASE("a path is resolved through DAG-CBOR, by key and by position") {
  tree t;
  const cid list = t.add_cbor({t.leaves[0].id, t.root.id});
  const cid outer = t.add_cbor({list});
  CHECK(walk(t, ask(outer, {"0", "0"})).sent == cids{outer, list, t.leaves[0].id});
  CHECK(walk(t, ask(outer, {"0", "2", "end"})).sent == cids{outer, list});  // ends inside a block
  CHECK(walk(t, ask(outer, {"0", "2", "end"})).resolved);
  CHECK(walk(t, ask(outer, {"0", "9"})).error == errc::not_found);
  CHECK(walk(t, ask(list, {}, dag_scope::entity)).sent == cids{list});
  CHECK(walk(t, ask(list)).sent.size() == 14);
}

TEST_CASE("duplicates are sent as often as they occur, or once") {
  dag d;
  const file_child leaf = d.add_leaf("twin");
  const file_child node = d.add_file({leaf, leaf});
  const file_child root = d.add_file({node, leaf, node});
  request r = ask(root.id);
  CHECK(walk(d, r).sent == cids{root.id, node.id, leaf.id});
  r.duplicates = true;
  CHECK(walk(d, r).sent == cids{root.id, node.id, leaf.id, leaf.id, leaf.id, node.id, leaf.id, leaf.id});
}

TEST_CASE("a node at the edge of a range is walked again when more of it is needed") {
  dag d;
  const file_child a = d.add_leaf("aa");
  const file_child b = d.add_leaf("bb");
  const file_child node = d.add_file({a, b});
  const file_child root = d.add_file({node, node});
  // the last two bytes of the first occurrence, the first two of the second
  CHECK(walk(d, ask_bytes(root.id, "2:5")).sent == cids{root.id, node.id, b.id, a.id});
}

TEST_CASE("a tower of twins is walked once, not once for each way through it") {
  dag d;
  file_child top = d.add_leaf("x");
  for (int i = 0; i < 40; ++i) top = d.add_file({top, top});
  CHECK(walk(d, ask(top.id)).sent.size() == 41);
  CHECK(walk(d, ask(top.id, {}, dag_scope::entity)).sent.size() == 41);
  const outcome edge = walk(d, ask_bytes(top.id, "1:-2"));
  CHECK(edge.sent.size() == 41);
  CHECK(edge.asked.size() < 200);
}

TEST_CASE("a CID that carries its block is neither asked for nor sent, but its links are followed") {
  dag d;
  const cid leaf = d.add_leaf("content").id;
  const cid small_leaf{shoal::multicodec::raw,
                       *shoal::multihash::make(shoal::hash_code::identity, as_bytes("tiny"))};
  std::vector<std::byte> node;
  shoal::append_dag_pb(node, shoal::pb_node{{{leaf, "l", 0}}, {}});
  REQUIRE(node.size() <= shoal::multihash::max_digest_size);
  const cid carrier{shoal::multicodec::dag_pb, *shoal::multihash::make(shoal::hash_code::identity, node)};
  const cid root = d.add_directory({{"a", small_leaf}, {"b", carrier}});
  request r = ask(root);
  r.duplicates = true;
  CHECK(walk(d, r).sent == cids{root, leaf});
  CHECK(walk(d, ask(small_leaf)).sent.empty());
  CHECK(walk(d, ask(small_leaf)).resolved);
  CHECK(walk(d, ask(*cid::parse("bafkqaaa"))).resolved);
}

TEST_CASE("what cannot be read ends the walk with its error") {
  dag d;
  const cid broken = d.add(shoal::multicodec::dag_pb, as_bytes("\xff\xff"));
  const cid json = d.add(shoal::multicodec::dag_json, as_bytes("{}"));
  CHECK(walk(d, ask(broken)).error);
  CHECK(walk(d, ask(broken, {"a"})).error);
  CHECK(walk(d, ask(broken, {}, dag_scope::block)).sent == cids{broken});
  CHECK(walk(d, ask(json)).error == errc::unsupported);
  CHECK(walk(d, ask(json, {"a"})).error == errc::unsupported);
  CHECK(walk(d, ask(json, {}, dag_scope::entity)).sent == cids{json});
  const cid directory = d.add_directory({{"a", d.add_leaf("a").id}, {"b", broken}});
  const outcome out = walk(d, ask(directory));
  CHECK(out.sent.size() == 2);
  CHECK(out.error);
}

TEST_CASE("more links than can be kept end the walk") {
  dag d;
  shoal::pb_node node;
  const cid nothing = *cid::parse("bafkqaaa");
  node.links.assign(shoal::max_dag_pb_links - 1, {nothing, std::nullopt, std::nullopt});
  for (int level = 0; level < 3; ++level) {
    std::vector<std::byte> block;
    shoal::append_dag_pb(block, node);
    node.links.front().hash = d.add(shoal::multicodec::dag_pb, block);
  }
  CHECK(walk(d, ask(node.links.front().hash)).error == errc::limit_exceeded);
}

// --- the conformance suite's own DAGs

cid child(const dag& d, const cid& directory, const std::string& name) {
  shoal::name_path path{name};
  for (cid at = directory;;) {
    const auto node = shoal::read_directory_node(at, d.blocks.at(at));
    REQUIRE(node.has_value());
    const auto step = find_entry(*node, path);
    REQUIRE(step.has_value());
    if (step->found) return step->id;
    at = step->id;
  }
}

cids parse_all(std::initializer_list<std::string_view> texts) {
  cids out;
  for (const std::string_view text : texts) out.push_back(*cid::parse(text));
  return out;
}

TEST_CASE("ranges of the conformance suite's file take the blocks that it lists") {
  dag d;
  cid root;
  if (!d.load("trustless_gateway_car/subdir-with-mixed-block-files.car", root)) {
    MESSAGE("skipped: no fixtures");
    return;
  }
  const cid file = child(d, child(d, root, "subdir"), "multiblock.txt");
  const cids all = parse_all({"bafkreie5noke3mb7hqxukzcy73nl23k6lxszxi5w3dtmuwz62wnvkpsscm",
                              "bafkreih4ephajybraj6wnxsbwjwa77fukurtpl7oj7t7pfq545duhot7cq",
                              "bafkreigu7buvm3cfunb35766dn7tmqyh2um62zcio63en2btvxuybgcpue",
                              "bafkreicll3huefkc3qnrzeony7zcfo7cr3nbx64hnxrqzsixpceg332fhe",
                              "bafkreifst3pqztuvj57lycamoi7z34b4emf7gawxs74nwrc2c7jncmpaqm"});
  const auto expect = [&](std::string_view range, std::size_t first, std::size_t last) {
    CAPTURE(range);
    cids blocks{file};
    for (std::size_t i = first; i < last; ++i) blocks.push_back(all[i]);
    CHECK(walk(d, ask_bytes(file, range)).sent == blocks);
  };
  expect("0:*", 0, 5);
  expect("512:*", 2, 5);
  expect("512:1023", 2, 4);
  expect("512:-256", 2, 4);
  expect("-5:*", 3, 5);
  expect("-9999:*", 0, 5);
  expect("-9999:-3", 0, 4);
  expect("0:0", 0, 1);
  CHECK(walk(d, ask(root, {"subdir", "multiblock.txt"})).sent.size() == 8);
}

TEST_CASE("a block that is missing outside of the range is not missed") {
  dag d;
  cid root;
  if (!d.load("trustless_gateway_car/file-3k-and-3-blocks-missing-block.car", root)) {
    MESSAGE("skipped: no fixtures");
    return;
  }
  CHECK(walk(d, ask_bytes(root, "0:1000")).sent ==
        cids{root, *cid::parse("QmPKt7ptM2ZYSGPUc8PmPT2VBkLDK3iqpG9TBJY7PCE9rF")});
  CHECK(walk(d, ask_bytes(root, "2200:*")).sent ==
        cids{root, *cid::parse("QmWXY482zQdwecnfBsj78poUUuPXvyw2JAFAEMw4tzTavV")});
  CHECK(walk(d, ask(root)).error == errc::not_found);
}

TEST_CASE("a name in a sharded directory takes the shards on its way, a listing takes all of them") {
  dag d;
  cid root;
  if (!d.load("trustless_gateway_car/single-layer-hamt-with-multi-block-files.car", root)) {
    MESSAGE("skipped: no fixtures");
    return;
  }
  const cid file = child(d, root, "685.txt");
  const outcome one = walk(d, ask(root, {"685.txt"}, dag_scope::block));
  CHECK_FALSE(one.error);
  CHECK(one.sent.front() == root);
  CHECK(one.sent.back() == file);
  const auto top = shoal::read_directory_node(root, d.blocks.at(root));
  REQUIRE(top.has_value());
  const outcome listing = walk(d, ask(root, {}, dag_scope::entity));
  CHECK_FALSE(listing.error);
  CHECK(listing.sent.size() >= 1 + top->shards.size());
  CHECK(walk(d, ask_bytes(root, "0:*")).sent == listing.sent);
  CHECK(walk(d, ask(root, {"no such name"})).error == errc::not_found);
  CHECK(walk(d, ask(root)).sent.size() == d.blocks.size());
}

TEST_CASE("the conformance suite's twin files come twice or once") {
  dag d;
  cid root;
  if (!d.load("trustless_gateway_car/dir-with-duplicate-files.car", root)) {
    MESSAGE("skipped: no fixtures");
    return;
  }
  request r = ask(root);
  const cids once = walk(d, r).sent;
  r.duplicates = true;
  const cids all = walk(d, r).sent;
  CHECK(all.size() == once.size() + 1);
  CHECK(all[1] == all[2]);  // ascii-copy.txt and ascii.txt
}

TEST_CASE("a path leads through the conformance suite's DAG-CBOR to a file") {
  dag d;
  cid root;
  if (!d.load("trustless_gateway_car/dir-with-dag-cbor-with-links.car", root)) {
    MESSAGE("skipped: no fixtures");
    return;
  }
  const cid document = child(d, root, "document");
  const outcome single = walk(d, ask(document, {"files", "single"}));
  CHECK_FALSE(single.error);
  CHECK(single.sent.size() == 2);
  CHECK(walk(d, ask(root, {"document"}, dag_scope::entity)).sent == cids{root, document});
}

}  // namespace
