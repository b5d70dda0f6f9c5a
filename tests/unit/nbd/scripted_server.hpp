// SPDX-License-Identifier: BSL-1.0
//
// What an NBD server puts on the wire, well-formed or not, for tests of the client.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "client_bytes.hpp"

namespace server {

using client::be;
using client::bytes;
using client::join;
using client::text;
namespace nbd = shoal::nbd;

inline bytes greeting(std::uint16_t flags = 3) {
  return join({be(nbd::nbd_magic), be(nbd::option_magic), be(flags)});
}
inline bytes answer(nbd::option asked, nbd::option_reply kind, const bytes& data = {}) {
  return join({be(nbd::option_reply_magic), be(static_cast<std::uint32_t>(asked)),
               be(static_cast<std::uint32_t>(kind)), be(static_cast<std::uint32_t>(data.size())), data});
}
inline bytes structured() {
  return answer(nbd::option::structured_reply, nbd::option_reply::ack);
}
inline bytes context(std::uint32_t id = 1, std::string_view name = nbd::allocation_context) {
  return answer(nbd::option::set_meta_context, nbd::option_reply::meta_context, join({be(id), text(name)}));
}
inline bytes contexts_end() {
  return answer(nbd::option::set_meta_context, nbd::option_reply::ack);
}
inline bytes export_is(std::uint64_t size, std::uint16_t flags = 1) {
  return answer(nbd::option::go, nbd::option_reply::info,
                join({be(static_cast<std::uint16_t>(nbd::info::export_)), be(size), be(flags)}));
}
inline bytes blocks_are(std::uint32_t min, std::uint32_t preferred, std::uint32_t max) {
  return answer(nbd::option::go, nbd::option_reply::info,
                join({be(static_cast<std::uint16_t>(nbd::info::block_size)), be(min), be(preferred), be(max)}));
}
inline bytes gone() {
  return answer(nbd::option::go, nbd::option_reply::ack);
}
/// All of a negotiation, up to its end.
inline bytes everything(std::uint64_t size) {
  return join({greeting(), structured(), context(), contexts_end(), export_is(size), gone()});
}
inline bytes without_structure(std::uint64_t size) {
  return join({greeting(), answer(nbd::option::structured_reply, nbd::option_reply::err_unsup), export_is(size),
               gone()});
}

inline bytes simple(std::uint64_t cookie, nbd::error code = nbd::error::ok, const bytes& content = {}) {
  return join({be(nbd::simple_reply_magic), be(static_cast<std::uint32_t>(code)), be(cookie), content});
}
inline bytes chunk(std::uint64_t cookie, std::uint16_t type, bool last, const bytes& payload = {}) {
  return join({be(nbd::structured_reply_magic), be(static_cast<std::uint16_t>(last ? 1 : 0)), be(type),
               be(cookie), be(static_cast<std::uint32_t>(payload.size())), payload});
}
inline bytes chunk(std::uint64_t cookie, nbd::chunk type, bool last, const bytes& payload = {}) {
  return chunk(cookie, static_cast<std::uint16_t>(type), last, payload);
}
inline bytes data(std::uint64_t cookie, std::uint64_t offset, const bytes& content, bool last) {
  return chunk(cookie, nbd::chunk::offset_data, last, join({be(offset), content}));
}
inline bytes hole(std::uint64_t cookie, std::uint64_t offset, std::uint32_t length, bool last) {
  return chunk(cookie, nbd::chunk::offset_hole, last, join({be(offset), be(length)}));
}
inline bytes failed(std::uint64_t cookie, nbd::error code, std::string_view why, bool last) {
  return chunk(
      cookie, nbd::chunk::error, last,
      join({be(static_cast<std::uint32_t>(code)), be(static_cast<std::uint16_t>(why.size())), text(why)}));
}
inline bytes end(std::uint64_t cookie) {
  return chunk(cookie, nbd::chunk::none, true);
}
inline bytes status(std::uint64_t cookie, std::uint32_t id, const std::vector<std::uint32_t>& numbers,
                    bool last) {
  bytes payload = be(id);
  for (const std::uint32_t each : numbers) payload = join({payload, be(each)});
  return chunk(cookie, nbd::chunk::block_status, last, payload);
}

}  // namespace server
