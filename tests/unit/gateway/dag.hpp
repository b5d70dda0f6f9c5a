// SPDX-License-Identifier: BSL-1.0
//
// Small DAGs for tests: blocks made on the spot, or read from the CARs of the gateway conformance suite.
#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/content/car/archive.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/content/dag_cbor.hpp>
#include <shoal/content/dag_pb.hpp>
#include <shoal/content/unixfs.hpp>
#include <shoal/content/unixfs_file.hpp>
#include <shoal/crypto/sha256.hpp>

namespace test_dag {

using shoal::bytes_view;
using shoal::cid;
using shoal::file_child;

struct dag {
  std::map<cid, std::vector<std::byte>> blocks;

  cid add(shoal::multicodec codec, bytes_view content) {
    const cid id{codec, *shoal::detail::sha2_256_of(shoal::portable_digester{}, content)};
    blocks[id] = {content.begin(), content.end()};
    return id;
  }

  file_child add_leaf(std::string_view text) {
    return {add(shoal::multicodec::raw, shoal::as_bytes(text)), text.size(), text.size()};
  }

  file_child add_file(const std::vector<file_child>& children) {
    std::vector<std::byte> block;
    const file_child made =
        *shoal::make_file_node(shoal::unixfs_v1_2025, shoal::portable_digester{}, children, block);
    blocks[made.id] = block;
    return made;
  }

  cid add_directory(std::initializer_list<std::pair<std::string_view, cid>> entries) {
    shoal::pb_node node;
    for (const auto& [name, id] : entries) node.links.push_back({id, name, 0});
    shoal::unixfs_data data;
    data.type = shoal::unixfs_type::directory;
    std::vector<std::byte> message;
    append_unixfs(message, data);
    node.data = message;
    std::vector<std::byte> block;
    append_dag_pb(block, node);
    return add(shoal::multicodec::dag_pb, block);
  }

  /// A list of links, and behind it a map {"end": 7}.
  cid add_cbor(const std::vector<cid>& links) {
    std::vector<std::byte> block;
    shoal::vector_output out{block};
    shoal::cbor::writer writer{out};
    writer.array(links.size() + 1);
    for (const cid& id : links) write_dag_cbor_link(writer, id);
    writer.map(1);
    writer.text("end");
    writer.unsigned_integer(7);
    return add(shoal::multicodec::dag_cbor, block);
  }

  /// Reads a CAR of the conformance suite and gives its root; false when it is not there.
  bool load(const std::string& name, cid& root) {
    std::ifstream file{std::filesystem::path{SHOAL_FIXTURES} / "gateway-conformance" / name, std::ios::binary};
    if (!file) return false;
    const std::string bytes{std::istreambuf_iterator<char>{file}, {}};
    const auto car = shoal::car_archive::parse(shoal::as_bytes(bytes));
    if (!car || car->roots().empty()) return false;
    root = car->roots().front();
    for (std::uint64_t at = car->first_section(); at < car->payload().size();) {
      const auto section = shoal::car_section_at(car->payload(), at);
      if (!section) return false;
      blocks[section->id] = {section->block.begin(), section->block.end()};
      at += section->size;
    }
    return true;
  }
};

}  // namespace test_dag
