// SPDX-License-Identifier: BSL-1.0
//
// An NBD server of any kind: the client survives it, writes to nothing but the content of its requests, ends
// each of them at most once, and comes to the same however the bytes were cut. The first byte chooses the cuts
// and what is asked; the rest is what the server says.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/nbd/client_session.hpp>

namespace {

namespace nbd = shoal::nbd;
using kind = nbd::client_event::kind;

void expect(bool truth) {
  if (!truth) std::abort();
}

/// Asks for a few things as soon as it can, and keeps account of what it is told.
class client {
 public:
  explicit client(unsigned choice) : session_({.name = "disk", .tls = choice % 8 == 7}), choice_(choice) {}

  void hear(shoal::bytes_view more) {
    in_.insert(in_.end(), more.begin(), more.end());
    shoal::bytes_view rest = in_;
    while (!broken_) {
      const shoal::bytes_span room = session_.room();
      if (!room.empty() && !rest.empty() && choice_ % 2 == 0) {
        const std::size_t n = std::min(room.size(), rest.size());
        std::copy_n(rest.begin(), n, room.begin());
        session_.filled(n);
        rest = rest.subspan(n);
      }
      nbd::client_event e = session_.next(rest);
      expect(e.consumed <= rest.size());
      rest = rest.subspan(e.consumed);
      const auto output = session_.take_output();
      said_.insert(said_.end(), output.begin(), output.end());
      expect(said_.size() < 20'000);
      if (e.what == kind::starved) break;
      if (e.what == kind::securing) session_.secured();
      if (e.what == kind::settled) ask();
      if (e.what == kind::finished) finish(e);
      broken_ = e.what == kind::broken;
    }
    expect(broken_ || rest.size() < nbd::client_session::max_input);
    if (broken_) expect(static_cast<bool>(session_.failure()) && session_.next(rest).what == kind::broken);
    in_ = std::vector<std::byte>{rest.begin(), rest.end()};
    // what is beside the content
    expect(std::count(memory_.begin(), memory_.begin() + guard, std::byte{0x5a}) == guard);
    expect(std::count(memory_.end() - guard, memory_.end(), std::byte{0x5a}) == guard);
  }

  friend bool operator==(const client& a, const client& b) {
    return a.broken_ == b.broken_ && a.memory_ == b.memory_ && a.said_ == b.said_ && a.told_ == b.told_ &&
           a.session_.failure() == b.session_.failure() && a.session_.detail() == b.session_.detail();
  }

 private:
  static constexpr std::ptrdiff_t guard = 64;
  static constexpr std::uint32_t length = 1024;

  void ask() {
    const nbd::export_info& info = session_.agreed().info;
    expect(info.size <= INT64_MAX && info.size % info.min_block == 0);
    expect(session_.agreed().max_block >= info.min_block && session_.agreed().max_block <= nbd::max_payload);
    std::byte* at = memory_.data() + guard;
    begin(nbd::command::read, 0, {at, length});
    begin(nbd::command::read, 4096, {at + length, length});
    begin(nbd::command::write, 0, {});
    begin(nbd::command::block_status, 0, {});
    if (choice_ % 4 == 3) session_.forget(1);
  }
  void begin(nbd::command type, std::uint64_t offset, shoal::bytes_span content) {
    std::array<std::byte, nbd::request_size> head;
    const std::uint64_t cookie =
        session_.begin({.type = type, .offset = offset, .length = length}, content, head.data());
    expect(nbd::parse_request(head)->cookie == cookie);
    waiting_.insert(cookie);
  }
  void finish(const nbd::client_event& e) {
    expect(waiting_.erase(e.cookie) == 1 && session_.outstanding() == waiting_.size());
    std::uint32_t described = 0;
    for (const nbd::allocation_run& each : e.runs) {
      expect(each.length != 0 && each.length <= length - described);
      described += each.length;
    }
    told_.emplace_back(e.cookie, e.code);
  }

  nbd::client_session session_;
  unsigned choice_;
  std::vector<std::byte> in_;
  std::vector<std::byte> said_;
  std::vector<std::byte> memory_ = std::vector<std::byte>(2 * length + 2 * guard, std::byte{0x5a});
  std::set<std::uint64_t> waiting_;
  std::vector<std::pair<std::uint64_t, nbd::error>> told_;
  bool broken_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t stride = data[0] + std::size_t{1};
  shoal::bytes_view rest{reinterpret_cast<const std::byte*>(data) + 1, size - 1};

  client whole{data[0]};
  whole.hear(rest);

  client cut{data[0]};
  for (std::size_t n = 1; !rest.empty(); n = (n * 7 + stride) % (stride * 2) + 1) {
    const shoal::bytes_view part = rest.first(std::min(n, rest.size()));
    cut.hear(part);
    rest = rest.subspan(part.size());
  }
  expect(cut == whole || data[0] % 8 == 7);  // with TLS it matters what lies behind the promise of it
  return 0;
}
