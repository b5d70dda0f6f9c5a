// SPDX-License-Identifier: BSL-1.0
//
// A request of any kind, and a DAG whose blocks are whatever the store gives: the walk asks for nothing that it
// has in the CID, sends nothing twice that it should send once, and says the same the next time. The input is
// the request's head up to an empty line, then blocks, each with its length in one byte; a CID's digest chooses
// among them.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/gateway/answer.hpp>
#include <shoal/gateway/dag_walk.hpp>
#include <shoal/gateway/request.hpp>
#include <shoal/http/head_reader.hpp>

namespace {

using shoal::bytes_view;
using shoal::cid;
using namespace shoal::gateway;

void require(bool truth) {
  if (!truth) std::abort();
}

struct outcome {
  std::vector<cid> sent;
  std::error_code error;
  friend bool operator==(const outcome&, const outcome&) = default;
};

outcome walk(const request& wanted, const std::vector<bytes_view>& blocks) {
  constexpr int longest = 200;  // without hashes a DAG may be a circle
  dag_walk walk{wanted};
  outcome out;
  for (int i = 0; i < longest; ++i) {
    const cid* const id = walk.wanted();
    if (id == nullptr) break;
    require(!is_inline(*id) && walk.wanted() == id);
    const bytes_view digest = id->hash().digest();
    const std::size_t choice = digest.empty() ? 0 : std::to_integer<std::size_t>(digest.back());
    const cid here = *id;
    if (walk.supply(blocks[choice % blocks.size()])) out.sent.push_back(here);
  }
  out.error = walk.error();
  require(!out.error || (walk.wanted() == nullptr && !walk.resolving()));
  return out;
}

void check_answer(const request& wanted) {
  const std::string tag = etag(wanted);
  require(tag.find('"') < 3 && tag.find_first_of("\",\r\n ", tag.find('"') + 1) == tag.size() - 1);
  shoal::http::head_writer head = shoal::http::head_writer::response(200);
  append_fields(head, wanted);
  append_cache_fields(head, wanted);
  const std::string text = std::move(head).finish();
  // what this answer says of itself asks for the same
  const std::string again = "GET " + content_location(wanted) + " HTTP/1.1\r\nHost: a\r\n";
  const auto parsed = shoal::http::request_head::parse({again.begin(), again.end()});
  require(parsed.has_value());
  const request_reading reading = read_request(*parsed);
  require(reading.wanted.has_value());
  require(etag(*reading.wanted) == tag);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  bytes_view in{reinterpret_cast<const std::byte*>(data), size};
  shoal::http::head_reader reader;
  const auto whole = reader.next(in);
  if (!whole || !*whole) return 0;
  const auto head = shoal::http::request_head::parse(reader.take());
  if (!head) return 0;
  const request_reading reading = read_request(*head);
  if (!reading.wanted) {
    require(reading.refused.status >= 400 && !reading.refused.why.empty());
    return 0;
  }
  check_answer(*reading.wanted);
  std::vector<bytes_view> blocks;
  while (!in.empty()) {
    const std::size_t length = std::min<std::size_t>(std::to_integer<std::size_t>(in.front()), in.size() - 1);
    blocks.push_back(in.subspan(1, length));
    in = in.subspan(1 + length);
  }
  if (blocks.empty()) return 0;
  const outcome once = walk(*reading.wanted, blocks);
  require(walk(*reading.wanted, blocks) == once);
  const std::set<cid> different{once.sent.begin(), once.sent.end()};
  require(reading.wanted->duplicates || different.size() == once.sent.size());
  return 0;
}
