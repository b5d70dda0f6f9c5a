// SPDX-License-Identifier: BSL-1.0
//
// What strangers say to a collector, and collectors to a sender: what is kept is a recording that can be read,
// and how the bytes were cut makes no difference.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include <shoal/monitor/collect_protocol.hpp>
#include <shoal/monitor/recording_reader.hpp>

namespace {

using namespace shoal::monitor;
using shoal::bytes_view;
using shoal::result;

void require(bool truth) {
  if (!truth) std::abort();
}

struct shelf {
  std::vector<std::byte> bytes;
  std::uint64_t records = 0;

  result<std::uint64_t> open(const collect_hello& hello) {
    require(collect_hello::is_name(hello.name));
    return std::uint64_t{0};
  }
  result<> append(bytes_view more, std::uint64_t count) {
    bytes.insert(bytes.end(), more.begin(), more.end());
    records += count;
    return {};
  }
  friend bool operator==(const shelf&, const shelf&) = default;
};

shelf listen(bytes_view input, std::size_t stride) {
  shelf kept;
  collect_receiver receiver;
  while (!input.empty()) {
    const bytes_view part = input.first(std::min(stride, input.size()));
    input = input.subspan(part.size());
    if (!receiver.receive(part, kept)) break;
  }
  require(receiver.kept() == kept.records);
  recording_reader reader;
  std::uint64_t records = 0;
  for (bytes_view rest{kept.bytes}; !rest.empty();) {
    const auto item = reader.next(rest);
    require(static_cast<bool>(item));
    if (item->kind == recording_kind::access) ++records;
  }
  require(records == kept.records);
  return kept;
}

void send(bytes_view answers) {
  collect_sender sender{{1, "a"}, {"chip"}};
  std::array<shoal::hal::access_record, 5> batch{};
  std::uint64_t most = 0;
  for (int connection = 0; connection < 3; ++connection) {
    require(!sender.connect().empty());
    if (sender.is_empty()) {
      sender.hold(batch);
      most += batch.size();
    }
    const bytes_view part = answers.first(answers.size() / (connection == 2 ? 1 : 2));
    answers = answers.subspan(part.size());
    if (!sender.receive(part)) continue;
    if (sender.is_welcome()) require(static_cast<bool>(sender.encode({1, 1})));
    require(sender.held() <= batch.size() + 1 && sender.kept() <= most + 3);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const bytes_view input{reinterpret_cast<const std::byte*>(data) + 1, size - 1};
  if (data[0] % 2 == 1) {
    send(input);
  } else {
    require(listen(input, size) == listen(input, data[0] / 2 + std::size_t{1}));
  }
  return 0;
}
