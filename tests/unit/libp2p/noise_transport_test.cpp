// SPDX-License-Identifier: BSL-1.0
#include <shoal/libp2p/noise_transport.hpp>  // first: shows that the header stands alone

#include <algorithm>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/openssl/chacha20_poly1305.hpp>

namespace {

using namespace shoal::libp2p;
using shoal::bytes_span;
using shoal::bytes_view;
using shoal::errc;
using sealer = noise_sealer<shoal::openssl::chacha20_poly1305>;
using opener = noise_opener<shoal::openssl::chacha20_poly1305>;

const shoal::secret<32> key{std::vector<std::byte>(32, std::byte{9})};

std::vector<std::byte> sealed(sealer& seal, bytes_view text) {
  std::vector<std::byte> frame(noise_overhead + text.size());
  std::ranges::copy(text, frame.begin() + noise_header_size);
  REQUIRE(seal(frame));
  return frame;
}

TEST_CASE("frames of every size come through, in any cuts of the stream") {
  sealer seal{key};
  opener open{key};
  std::vector<std::byte> stream;
  std::vector<std::byte> said;
  for (const std::size_t size : {0u, 1u, 100u, 0u, 4096u, 65518u, 65519u, 3u}) {
    std::vector<std::byte> text(size);
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<std::byte>(i * 13 + size);
    said.insert(said.end(), text.begin(), text.end());
    const auto frame = sealed(seal, text);
    stream.insert(stream.end(), frame.begin(), frame.end());
  }
  std::vector<std::byte> heard;
  std::size_t begin = 0;
  for (std::size_t end = 0; end < stream.size();) {
    end = std::min(stream.size(), end + 777);
    while (true) {
      const auto frame = open.next(bytes_span{stream}.subspan(begin, end - begin));
      REQUIRE(frame);
      if (frame->consumed == 0) break;
      heard.insert(heard.end(), frame->text.begin(), frame->text.end());
      begin += frame->consumed;
    }
  }
  CHECK(begin == stream.size());
  CHECK(heard == said);
}

TEST_CASE("the text of a frame points into the input, behind the length") {
  sealer seal{key};
  opener open{key};
  auto frame = sealed(seal, shoal::as_bytes("hello"));
  frame.resize(frame.size() + 4, std::byte{0xee});
  const auto opened = open.next(frame);
  REQUIRE(opened);
  CHECK(opened->consumed == frame.size() - 4);
  CHECK(opened->text.data() == frame.data() + noise_header_size);
  CHECK(shoal::as_text(opened->text) == "hello");
  CHECK(std::ranges::count(frame, std::byte{0xee}) >= 4);
}

TEST_CASE("the largest frame holds as much as a length of 16 bits allows") {
  static_assert(max_noise_text == 65519);
  sealer seal{key};
  std::vector<std::byte> frame(max_noise_frame + 1);
  CHECK(seal(frame).error() == errc::invalid_argument);
  CHECK(seal(bytes_span{frame}.first(max_noise_frame)));
  CHECK(frame[0] == std::byte{0xff});
  CHECK(frame[1] == std::byte{0xff});
  CHECK(seal(bytes_span{frame}.first(noise_overhead - 1)).error() == errc::invalid_argument);
}

TEST_CASE("a frame that was changed, repeated or left out breaks the channel for good") {
  sealer seal{key};
  auto first = sealed(seal, shoal::as_bytes("first"));
  const auto second = sealed(seal, shoal::as_bytes("second"));
  SUBCASE("changed") {
    opener open{key};
    auto changed = first;
    changed[5] ^= std::byte{1};
    CHECK(open.next(changed).error() == noise_errc::forged);
    CHECK(open.next(first).error() == noise_errc::forged);
  }
  SUBCASE("repeated") {
    opener open{key};
    auto copy = first;
    CHECK(open.next(first));
    CHECK(open.next(copy).error() == noise_errc::forged);
  }
  SUBCASE("left out") {
    opener open{key};
    auto copy = second;
    CHECK(open.next(copy).error() == noise_errc::forged);
  }
}

TEST_CASE("a frame without room for a tag is malformed, however little of it is there") {
  std::vector<std::byte> frame(20);
  frame[1] = std::byte{15};
  opener open{key};
  CHECK(open.next(bytes_span{frame}.first(1))->consumed == 0);
  CHECK(open.next(bytes_span{frame}.first(2)).error() == errc::malformed);
  CHECK(open.next(frame).error() == errc::malformed);
}

TEST_CASE("a key ends before its nonces come again") {
  constexpr std::uint64_t last = std::numeric_limits<std::uint64_t>::max() - 1;
  sealer seal{key, last};
  opener open{key, last};
  auto frame = sealed(seal, shoal::as_bytes("the last"));
  std::vector<std::byte> more(noise_overhead);
  CHECK(seal(more).error() == noise_errc::exhausted);
  CHECK(seal(more).error() == noise_errc::exhausted);
  CHECK(open.next(frame));
  CHECK(open.next(frame).error() == noise_errc::exhausted);
}

TEST_CASE("every noise error says what it is") {
  for (int i = 1; i <= 5; ++i) {
    const std::error_code code = noise_errc{i};
    CHECK(code == noise_errc{i});
    CHECK(code.message().find("unknown") == std::string::npos);
  }
  CHECK(std::error_code{noise_errc{99}}.message() == "unknown noise error 99");
}

}  // namespace
