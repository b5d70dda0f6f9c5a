// SPDX-License-Identifier: BSL-1.0
//
// What a client asks a trustless gateway for (specs.ipfs.tech/http-gateways/trustless-gateway), read from the
// head of its request, or why it is refused.
//
//     const request_reading read = read_request(head);
//     if (!read.wanted) answer(read.refused.status, read.refused.why);
//     else walk(*read.wanted);
//
// Leaves out IPNS and everything that a client could not verify: a file is given as the blocks it is made of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <shoal/base/percent_coding.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/gateway/byte_range.hpp>
#include <shoal/http/media_range.hpp>
#include <shoal/http/request_head.hpp>
#include <shoal/http/target.hpp>

namespace shoal::gateway {

inline constexpr std::string_view raw_type = "application/vnd.ipld.raw";
inline constexpr std::string_view car_type = "application/vnd.ipld.car";

/// Longest path, in names.
inline constexpr std::size_t max_path_names = 64;

enum class response_format : std::uint8_t {
  raw,  ///< one block
  car   ///< the blocks of a DAG, as a CAR of version 1
};

/// How much of the DAG below the end of the path.
enum class dag_scope : std::uint8_t { block, entity, all };

struct request {
  cid root;
  std::vector<std::string> path;  ///< names below the root, decoded; none of them empty
  response_format format = response_format::raw;
  dag_scope scope = dag_scope::all;
  std::optional<byte_range> bytes;  ///< of the entity
  bool duplicates = false;          ///< a block is sent as often as it occurs
  bool only_if_cached = false;      ///< the client would rather have nothing than wait
  std::string filename;             ///< what the client wants to save it as; may be empty
};

/// Why a request is not answered. `why` is a literal: a sentence for people.
struct refusal {
  unsigned status = 400;
  std::string_view why;
};

/// One of the two.
struct request_reading {
  std::optional<request> wanted;
  refusal refused;
};

namespace detail {

/// Parameters of the query that mean something here, decoded; the first of each name.
struct gateway_query {
  std::optional<std::string> format, scope, bytes, version, order, dups, filename;

  /// False when a value is not encoded as it should be.
  bool read(std::string_view query) {
    while (!query.empty()) {
      const http::query_parameter p = http::take_parameter(query);
      std::optional<std::string>* const place = find(p.name);
      if (place == nullptr || *place) continue;
      result<std::string> value = percent_decode(p.value);
      if (!value) return false;
      *place = std::move(*value);
    }
    return true;
  }

 private:
  std::optional<std::string>* find(std::string_view name) noexcept {
    if (name == "format") return &format;
    if (name == "dag-scope") return &scope;
    if (name == "entity-bytes") return &bytes;
    if (name == "car-version") return &version;
    if (name == "car-order") return &order;
    if (name == "car-dups") return &dups;
    if (name == "filename") return &filename;
    return nullptr;
  }
};

/// Settles on a format. Empty when it is one, or else why it is none.
inline refusal choose_format(const gateway_query& query, std::optional<std::string_view> accept, request& out) {
  const auto acceptable = [](std::string_view version, std::string_view order, std::string_view dups) {
    return (version.empty() || version == "1") && (order.empty() || order == "dfs" || order == "unk") &&
           (dups.empty() || dups == "y" || dups == "n");
  };
  if (query.format && *query.format != "raw" && *query.format != "car") {
    return {406, "this gateway gives blocks (format=raw) and CARs (format=car)"};
  }
  std::string_view dups = query.dups ? std::string_view{*query.dups} : std::string_view{};
  if (!acceptable(query.version.value_or(""), query.order.value_or(""), dups)) {
    return {400, "car-version is 1, car-order is dfs or unk, car-dups is y or n"};
  }
  unsigned best = 0;
  bool named = false;  // the client named a type rather than "anything"
  bool car_refused = false;
  for (std::string_view rest = accept.value_or(""); !rest.empty();) {
    const http::media_range range = http::take_media_range(rest);
    named = named || (!range.type.empty() && !range.type.ends_with('*'));
    const bool raw = range.is(raw_type);
    if (!raw && !range.is(car_type)) continue;
    if (query.format && (*query.format == "raw") != raw) continue;
    std::string_view range_dups;
    if (!raw) {
      // the query has the last word
      const auto settled = [&](const std::optional<std::string>& said, std::string_view name) {
        return said ? std::string_view{*said} : range.parameter(name).value_or("");
      };
      range_dups = settled(query.dups, "dups");
      if (!acceptable(settled(query.version, "version"), settled(query.order, "order"), range_dups)) {
        car_refused = true;
        continue;
      }
    }
    if (range.quality() <= best) continue;
    best = range.quality();
    out.format = raw ? response_format::raw : response_format::car;
    if (!raw) dups = range_dups;
  }
  if (best == 0 && query.format && !car_refused) {
    best = 1;
    out.format = *query.format == "raw" ? response_format::raw : response_format::car;
  }
  out.duplicates = dups == "y";
  if (best != 0) return {};
  if (car_refused) return {406, "a CAR has version=1, order=dfs and dups=y or dups=n here"};
  if (named) return {406, "this gateway gives application/vnd.ipld.raw and application/vnd.ipld.car"};
  return {400, "say what you want: ?format=raw, ?format=car, or an Accept field that names one of them"};
}

/// Empty when `path` is /ipfs/CID/NAME...
inline refusal read_path(std::string_view path, request& out) {
  constexpr std::string_view prefix = "/ipfs/";
  if (!path.starts_with(prefix)) return {404, "content is below /ipfs/"};
  path.remove_prefix(prefix.size());
  bool first = true;
  while (!path.empty()) {
    const std::string_view segment = path.substr(0, path.find('/'));
    path.remove_prefix(segment.size() < path.size() ? segment.size() + 1 : segment.size());
    if (segment.empty() && !first) continue;
    result<std::string> name = percent_decode(segment);
    if (!name) return {400, "the path is not encoded as it should be"};
    if (!std::exchange(first, false)) {
      if (out.path.size() == max_path_names) return {400, "the path has too many names"};
      out.path.push_back(std::move(*name));
      continue;
    }
    const result<cid> root = cid::parse(*name);
    if (!root) return {400, "what follows /ipfs/ is not a CID"};
    out.root = *root;
  }
  if (first) return {400, "a CID follows /ipfs/"};
  return {};
}

inline refusal read_scope(const gateway_query& query, request& out) {
  if (query.scope == "block") {
    out.scope = dag_scope::block;
  } else if (query.scope == "entity") {
    out.scope = dag_scope::entity;
  } else if (query.scope && query.scope != "all") {
    return {400, "dag-scope is block, entity or all"};
  }
  if (!query.bytes) return {};
  const result<byte_range> bytes = byte_range::parse(*query.bytes);
  if (!bytes) return {400, "entity-bytes is FROM:TO, two positions, the second may be *"};
  out.bytes = *bytes;
  out.scope = dag_scope::entity;
  return {};
}

}  // namespace detail

/// Reads a GET or HEAD request.
[[nodiscard]] inline request_reading read_request(const http::request_head& head) {
  request out;
  const auto refused = [](refusal why) { return request_reading{std::nullopt, why}; };
  if (head.method != "GET" && head.method != "HEAD") return refused({405, "only GET and HEAD"});
  const http::target_parts target = http::split_target(head.target);
  if (const refusal r = detail::read_path(target.path, out); !r.why.empty()) return refused(r);
  detail::gateway_query query;
  if (!query.read(target.query)) return refused({400, "the query is not encoded as it should be"});
  if (const refusal r = detail::choose_format(query, head.fields.find("Accept"), out); !r.why.empty()) {
    return refused(r);
  }
  if (out.format == response_format::car) {
    if (const refusal r = detail::read_scope(query, out); !r.why.empty()) return refused(r);
  } else if (!out.path.empty()) {
    return refused({400, "a block is asked for by its CID alone; for a path, ask for a CAR"});
  }
  out.only_if_cached = head.fields.lists("Cache-Control", "only-if-cached");
  out.filename = query.filename.value_or("");
  return {std::move(out), {}};
}

}  // namespace shoal::gateway
