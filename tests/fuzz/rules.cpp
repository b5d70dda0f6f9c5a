// SPDX-License-Identifier: BSL-1.0
//
// Rules from a file, saved training, and QEMU's trace, all of which come from elsewhere: what is read is
// written so that it is read again, and how the bytes were cut makes no difference.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <shoal/monitor/attach.hpp>
#include <shoal/monitor/ngram_model.hpp>
#include <shoal/monitor/rule_engine.hpp>
#include <shoal/monitor/rule_file.hpp>

namespace {

using namespace shoal::monitor;

void require(bool truth) {
  if (!truth) std::abort();
}

void read_rules(std::string_view text) {
  rules_text read = parse_rules(text);
  require(read.rules.size() <= max_rules && read.errors.size() <= max_rule_errors + 1);
  for (const rule_error& each : read.errors) {
    require(each.line > 0 && each.column > 0 && !each.what.empty() && !each.advice.empty());
  }
  // an engine with memory for 65536 times, a thousand times over, is a choice, and not this test's
  std::uint64_t remembered = 0;
  for (rule& each : read.rules) {
    each.after.clear();  // names another line
    const std::string line = to_text(each);
    const rules_text again = parse_rules(line);
    require(again.errors.empty() && again.rules.size() == 1);
    require(to_text(again.rules.front()) == line && again.rules.front().at == each.at);
    remembered += each.limit;
  }
  if (remembered > 1u << 16) return;
  std::erase_if(read.rules,
                [](const rule& each) { return each.kind == rule_kind::sequence || !each.file.empty(); });
  // each asks for the one before it, where it asks for anything
  for (std::size_t i = 1; i < read.rules.size(); ++i) {
    if (read.rules[i].within != 0) read.rules[i].after = read.rules[i - 1].name;
  }
  rule_engine engine{std::move(read.rules)};
  constexpr auto kinds = static_cast<std::uint64_t>(shoal::hal::last_access) + 1;
  for (std::uint64_t i = 0; i < 32; ++i) {
    const shoal::hal::access_record access{.address = i,
                                           .value = i * i,
                                           .repeats = static_cast<std::uint32_t>(i << 27),
                                           .what = static_cast<shoal::hal::access>(i % kinds),
                                           .width = static_cast<std::uint8_t>(i % 9)};
    (void)engine.check(i << (i * 2), access);
  }
}

void read_training(shoal::bytes_view bytes) {
  const auto model = ngram_model::decode(bytes);
  if (model) require(std::ranges::equal(model->encode(), bytes));
}

struct heard {
  std::vector<shoal::hal::access_record> accesses;
  std::uint64_t changes = 0;
  std::uint64_t malformed = 0;
  friend bool operator==(const heard&, const heard&) = default;
};

heard listen(std::string_view text, std::size_t stride) {
  heard out;
  attach monitor{{.bars = {{{3 << 3}, 0}}, .spans = {{0, 0xff, true}}}};
  while (!text.empty()) {
    monitor.receive(
        text.substr(0, stride), [&](const traced_access& each) { out.accesses.push_back(each.record); },
        [&](const bar_change&) { ++out.changes; });
    text.remove_prefix(std::min(stride, text.size()));
  }
  out.malformed = monitor.counted().malformed;
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const shoal::bytes_view input{reinterpret_cast<const std::byte*>(data) + 1, size - 1};
  switch (data[0] % 3) {
    case 0: read_rules(shoal::as_text(input)); break;
    case 1: read_training(input); break;
    default:
      require(listen(shoal::as_text(input), size) == listen(shoal::as_text(input), data[0] + std::size_t{1}));
  }
  return 0;
}
