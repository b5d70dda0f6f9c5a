// SPDX-License-Identifier: BSL-1.0
//
// What a trustless gateway says in front of an answer: the fields that make it cacheable for ever and keep
// browsers from showing it (trustless gateway, "Response Headers").
//
//     if (const auto tags = head.fields.find("If-None-Match"); tags && http::any_etag_matches(*tags,
//     etag(wanted))) ... http::head_writer answer = http::head_writer::response(200); append_fields(answer,
//     wanted);
//
// Lengths and codings are the server's affair.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <shoal/base/percent_coding.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/gateway/request.hpp>
#include <shoal/http/head_writer.hpp>
#include <shoal/http/target.hpp>

namespace shoal::gateway {

/// "/ipfs/CID/NAME...", encoded.
[[nodiscard]] inline std::string content_path(const request& wanted) {
  std::string path = "/ipfs/" + to_text(wanted.root);
  for (const std::string& name : wanted.path) {
    path += '/';
    append_percent_encoded(path, name);
  }
  return path;
}

/// The target with all that was negotiated in its query, so that caches keep formats apart.
[[nodiscard]] inline std::string content_location(const request& wanted) {
  if (wanted.format == response_format::raw) return content_path(wanted) + "?format=raw";
  std::string target = content_path(wanted) + "?format=car&car-dups=" + (wanted.duplicates ? "y" : "n");
  if (wanted.bytes) {
    target += "&entity-bytes=" + wanted.bytes->text();
  } else if (wanted.scope != dag_scope::all) {
    target += wanted.scope == dag_scope::block ? "&dag-scope=block" : "&dag-scope=entity";
  }
  return target;
}

/// Differs for whatever makes the answer differ. Weak for a CAR, which another version of this code may order
/// in another way.
[[nodiscard]] inline std::string etag(const request& wanted) {
  const std::string name = content_location(wanted).substr(std::string_view{"/ipfs/"}.size());
  return (wanted.format == response_format::raw ? "\"" : "W/\"") + name + "\"";
}

namespace detail {

/// For a field's quoted string: only printable ASCII, and nothing that ends the quotes.
[[nodiscard]] inline std::string plain_name(std::string_view name) {
  std::string out;
  for (const char c : name) out.push_back(c < ' ' || c > '~' || c == '"' || c == '\\' || c == '/' ? '_' : c);
  return out;
}

}  // namespace detail

/// The fields of a 200 that describe its content.
inline void append_fields(http::head_writer& head, const request& wanted) {
  constexpr std::size_t longest_filename = 255;
  const bool raw = wanted.format == response_format::raw;
  if (raw) {
    head.field("Content-Type", raw_type);
    head.field("X-Ipfs-Path", content_path(wanted));
    head.field("X-Ipfs-Roots", to_text(wanted.root));
  } else {
    head.field("Content-Type",
               std::string{car_type} + "; version=1; order=dfs; dups=" + (wanted.duplicates ? "y" : "n"));
  }
  const std::string name = wanted.filename.empty() || wanted.filename.size() > longest_filename
                               ? to_text(wanted.root) + (raw ? ".bin" : ".car")
                               : wanted.filename;
  std::string disposition = "attachment; filename=\"" + detail::plain_name(name) + "\"";
  if (detail::plain_name(name) != name) {
    disposition += "; filename*=UTF-8''";
    append_percent_encoded(disposition, name);
  }
  head.field("Content-Disposition", disposition);
  head.field("Content-Location", content_location(wanted));
  head.field("X-Content-Type-Options", "nosniff");
  head.field("Accept-Ranges", "none");
}

/// The fields that a 200 and a 304 have.
inline void append_cache_fields(http::head_writer& head, const request& wanted) {
  head.field("Etag", etag(wanted));
  head.field("Cache-Control", "public, max-age=29030400, immutable");
  head.field("Vary", "Accept");
}

}  // namespace shoal::gateway
