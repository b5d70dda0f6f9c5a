// SPDX-License-Identifier: BSL-1.0
//
// mdns_service: peers in one network find each other by multicast DNS (libp2p specs, discovery/mdns.md;
// RFC 6762). It asks who is there, tells others where we are, and remembers whom it heard of.
//
//     mdns_service service{self, random};
//     service.announce(addresses, now);
//     service.start(now);
//     reply(service.receive(datagram, source_port, now));                     // mostly nothing
//     while (auto message = service.next_output(now)) to_group(*message);     // and at next_deadline() again
//     while (auto found = service.next_found(now)) meet(*found);
//
// What it sends to the group must reach itself too: by answering its own question it introduces itself. Others'
// questions count as its own, so that a fleet does not ask in chorus. Leaves out goodbyes, questions about
// single peers and link-local IPv6, which means nothing without an interface.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/base/result.hpp>
#include <shoal/libp2p/dns_message.hpp>
#include <shoal/libp2p/dns_name.hpp>
#include <shoal/libp2p/mdns_cache.hpp>
#include <shoal/libp2p/multiaddr.hpp>
#include <shoal/libp2p/peer_id.hpp>

namespace shoal::libp2p {

inline constexpr std::uint16_t mdns_port = 5353;

struct mdns_options {
  /// Loopback addresses are told and believed: for peers on one machine.
  bool loopback = false;
  /// How long others may remember what we say.
  std::chrono::seconds ttl{120};
  /// Questions are a second apart at first, then twice as long each time, up to this and a quarter of it. Less
  /// than the ttl, so that nobody is forgotten in between.
  std::chrono::seconds max_interval{60};
  std::size_t max_peers = 1024;    ///< that are remembered
  std::size_t max_addresses = 16;  ///< of one peer
};

struct mdns_counters {
  std::uint64_t questions = 0;  ///< asked
  std::uint64_t answers = 0;    ///< to the group
  std::uint64_t replies = 0;    ///< to one asker alone
  std::uint64_t malformed = 0;  ///< datagrams
};

class mdns_service {
 public:
  using clock = mdns_cache::clock;

  /// Bytes that the name which we go by, and the pauses, are made from.
  static constexpr std::size_t random_size = 40;
  /// Longest answer, in bytes: what IPv6 carries everywhere in one piece.
  static constexpr std::size_t max_answer = 1232;
  /// Replies to one asker alone in a second; more are not given.
  static constexpr std::size_t max_replies = 20;
  /// Nobody is remembered for longer, whatever it says (RFC 6762, section 10).
  static constexpr std::chrono::seconds max_ttl{4500};

  mdns_service(const peer_id& self, std::span<const std::byte, random_size> random, mdns_options options = {})
      : self_(self), options_(options), cache_(options.max_peers, options.max_addresses) {
    constexpr std::string_view alphabet = "abcdefghijklmnopqrstuvwxyz234567";
    std::string name;
    for (const std::byte b : random.first<name_size>()) name += alphabet[std::to_integer<std::size_t>(b) % 32];
    instance_ = *dns_name::join(name, service_);
    host_ = *dns_name::join(name, *dns_name::parse("p2p.local"));
    pauses_ = load_be<std::uint64_t>(random.last<8>().data()) | 1;
  }

  /// Where we are. Addresses without a peer get ours. Those of others, behind relays, by name, link-local IPv6,
  /// wildcards and, unless the options say otherwise, loopback are left out, and so are those past what one
  /// message holds. The group is told when something has changed.
  void announce(const std::vector<multiaddr>& addresses, clock::time_point now) {
    std::vector<multiaddr> ours;
    for (multiaddr address : addresses) {
      if (!address.peer()) (void)address.append(multiaddr_code::p2p, self_.bytes());
      if (address.peer() == self_ && is_near(address)) ours.push_back(std::move(address));
    }
    if (ours == addresses_) return;
    addresses_ = std::move(ours);
    if (addresses_.empty()) answer_due_ = never;
    if (started()) plan_answer(now);
  }

  /// Begins to ask, or begins anew after a change of the network.
  void start(clock::time_point now) {
    interval_ = before_first;
    asked_.reset();
    next_question_ = now + pause(20, 120);
  }

  /// Takes a datagram that was sent to the group. Gives what its sender alone has to hear, mostly nothing.
  /// @param port  that it was sent from
  [[nodiscard]] std::vector<std::byte> receive(bytes_view datagram, std::uint16_t port, clock::time_point now) {
    result<dns_reader> in = dns_reader::open(datagram);
    if (!in) {
      ++counters_.malformed;
      return {};
    }
    if ((in->flags() & (dns_flag::operation | dns_flag::failure)) != 0) return {};
    if ((in->flags() & dns_flag::response) == 0) return hear(*in, port, now);
    if (port == mdns_port) learn(*in, now);
    return {};
  }

  /// What the group has to be told now.
  [[nodiscard]] std::optional<std::vector<std::byte>> next_output(clock::time_point now) {
    if (now >= next_question_) {
      count_question(now);
      ++counters_.questions;
      dns_writer out{0, 0};
      out.ask({.name = service_, .type = dns_type::ptr});
      return out.take();
    }
    if (now >= answer_due_) {
      answer_due_ = never;
      answered_ = now;
      ++counters_.answers;
      return answer(nullptr, 0);
    }
    return std::nullopt;
  }

  /// When next_output() has something to say, unless something is received first.
  [[nodiscard]] clock::time_point next_deadline() const noexcept {
    return std::min(next_question_, answer_due_);
  }

  /// A peer that is new, or has a new address, since it was given last.
  [[nodiscard]] std::optional<mdns_peer> next_found(clock::time_point now) { return cache_.next_found(now); }
  /// Everybody who was heard of and is not forgotten yet.
  [[nodiscard]] std::vector<mdns_peer> peers(clock::time_point now) const { return cache_.peers(now); }

  [[nodiscard]] const mdns_counters& counters() const noexcept { return counters_; }

 private:
  static constexpr std::size_t name_size = 32;
  static constexpr clock::time_point never = clock::time_point::max();
  static constexpr std::chrono::milliseconds before_first{500};  // doubled with each question
  static constexpr std::string_view text_key = "dnsaddr=";

  [[nodiscard]] bool started() const noexcept { return next_question_ != never; }

  /// Between `from` and `to` milliseconds (xorshift64).
  [[nodiscard]] clock::duration pause(std::uint64_t from, std::uint64_t to) noexcept {
    pauses_ ^= pauses_ << 13;
    pauses_ ^= pauses_ >> 7;
    pauses_ ^= pauses_ << 17;
    return std::chrono::milliseconds{from + pauses_ % (to - from + 1)};
  }

  /// Somebody has asked. The interval grows once for all who ask at about the same time.
  void count_question(clock::time_point now) noexcept {
    if (!asked_ || now - *asked_ >= interval_ / 2) {
      interval_ = std::min<std::chrono::milliseconds>(2 * interval_, options_.max_interval);
    }
    asked_ = now;
    next_question_ = now + interval_ + pause(0, static_cast<std::uint64_t>(interval_.count()) / 4);
  }

  /// Waits a little, so that not everybody answers at once, and for a second from the last answer.
  void plan_answer(clock::time_point now) noexcept {
    if (addresses_.empty() || answer_due_ != never) return;
    answer_due_ = now + pause(20, 120);
    if (answered_) answer_due_ = std::max<clock::time_point>(answer_due_, *answered_ + std::chrono::seconds{1});
  }

  /// Takes a message without the response bit.
  [[nodiscard]] std::vector<std::byte> hear(dns_reader& in, std::uint16_t port, clock::time_point now) {
    std::optional<dns_question> asked;
    while (true) {
      const result<std::optional<dns_question>> next = in.next_question();
      if (!next) return refuse();
      if (!*next) break;
      const dns_question& q = **next;
      const bool ours = q.name == service_ && (q.type == dns_type::ptr || q.type == dns_type::any) &&
                        (q.net == dns_class_internet || q.net == dns_class_any);
      if (ours && (!asked || asked->unicast)) asked = q;
    }
    if (!asked) return {};
    bool knows_some = false;
    bool knows_us = false;
    while (true) {
      const result<std::optional<dns_record>> next = in.next_record();
      if (!next) return refuse();
      if (!*next) break;
      const dns_record& known = **next;
      if (known.section != dns_section::answer || known.type != dns_type::ptr) continue;
      knows_some = true;
      knows_us = knows_us || (known.name == service_ && known.target == instance_ && known.ttl >= ttl() / 2);
    }
    if (port != mdns_port) return reply(&*asked, in.id(), now);
    if (asked_ && !asked->unicast && !knows_some) count_question(now);
    if (knows_us) return {};
    // whoever has just been told by us in the group need not be told there again
    if (asked->unicast && answered_ && now - *answered_ < options_.ttl / 4) return reply(nullptr, 0, now);
    plan_answer(now);
    return {};
  }

  /// Takes a response: the texts of peers of our service, wherever in it they stand.
  void learn(dns_reader& in, clock::time_point now) {
    while (true) {
      const result<std::optional<dns_record>> next = in.next_record();
      if (!next) {
        ++counters_.malformed;
        return;
      }
      if (!*next) return;
      const dns_record& record = **next;
      if (record.type != dns_type::txt || record.net != dns_class_internet) continue;
      if (record.name == instance_ || record.name.parent() != service_) continue;
      learn_text(record, now);
    }
  }

  void learn_text(const dns_record& record, clock::time_point now) {
    const clock::duration ttl = std::min<std::chrono::seconds>(std::chrono::seconds{record.ttl}, max_ttl);
    std::optional<peer_id> whose;  // one name is one peer
    for (bytes_view data = record.data; !data.empty();) {
      const result<bytes_view> text = take_dns_text(data);
      if (!text) {
        ++counters_.malformed;
        return;
      }
      if (!as_text(*text).starts_with(text_key)) continue;
      const result<multiaddr> address = multiaddr::parse(as_text(*text).substr(text_key.size()));
      if (!address || !is_near(*address)) continue;
      const std::optional<peer_id> peer = address->peer();
      if (!peer || *peer == self_ || (whose && *whose != *peer)) continue;
      whose = peer;
      cache_.note(*peer, *address, ttl, now);
    }
  }

  std::vector<std::byte> refuse() noexcept {
    ++counters_.malformed;
    return {};
  }

  /// To one asker, unless too many have asked.
  [[nodiscard]] std::vector<std::byte> reply(const dns_question* question, std::uint16_t id,
                                             clock::time_point now) {
    if (addresses_.empty()) return {};
    if (now - replies_since_ >= std::chrono::seconds{1}) {
      replies_since_ = now;
      replies_ = 0;
    }
    if (replies_ == max_replies) return {};
    ++replies_;
    ++counters_.replies;
    return answer(question, id);
  }

  /// Who and where we are. Somebody who does not speak multicast DNS hears its question again and is told to
  /// forget soon (RFC 6762, section 6.7). The service and address records are for those who believe in no peer
  /// without them, as Go's do.
  /// @pre there is an address
  [[nodiscard]] std::vector<std::byte> answer(const dns_question* question, std::uint16_t id) const {
    constexpr std::uint32_t legacy_ttl = 10;
    const std::uint32_t seconds = question != nullptr ? std::min(ttl(), legacy_ttl) : ttl();
    const bool unique = question == nullptr;
    dns_writer out{id, dns_flag::response | dns_flag::authoritative, max_answer};
    if (question != nullptr) out.ask({.name = question->name, .type = question->type});
    out.add_pointer(dns_section::answer, service_, seconds, instance_);
    out.add_service(dns_section::additional, instance_, unique, seconds, port_of(addresses_.front()), host_);
    dns_record more{.section = dns_section::additional, .name = instance_, .unique = unique, .ttl = seconds};
    more.type = dns_type::txt;
    const std::vector<std::byte> text = text_of_addresses(out.room());
    more.data = text;
    out.add(more);
    more.name = host_;
    std::vector<bytes_view> told;
    for (const multiaddr& address : addresses_) {
      const multiaddr_component ip = *address.begin();
      more.type = ip.code() == multiaddr_code::ip4 ? dns_type::a : dns_type::aaaa;
      more.data = ip.value;
      const auto same = [&](bytes_view other) { return std::ranges::equal(other, ip.value); };
      if (std::ranges::none_of(told, same) && out.add(more)) told.push_back(ip.value);
    }
    return out.take();
  }

  /// The data of a txt record: all addresses that fit, with room left for what goes around them.
  [[nodiscard]] std::vector<std::byte> text_of_addresses(std::size_t room) const {
    constexpr std::size_t overhead = 64;  // its own head, and one record of each kind of IP address
    constexpr std::size_t longest = 255;
    std::vector<std::byte> data;
    for (const multiaddr& address : addresses_) {
      const std::string text = std::string{text_key} + to_text(address);
      if (text.size() > longest || text.size() + 1 > room - overhead - data.size()) continue;
      data.push_back(static_cast<std::byte>(text.size()));
      data.insert(data.end(), as_bytes(text).begin(), as_bytes(text).end());
    }
    return data;
  }

  [[nodiscard]] std::uint32_t ttl() const noexcept { return static_cast<std::uint32_t>(options_.ttl.count()); }

  /// @pre is_near(address)
  [[nodiscard]] static std::uint16_t port_of(const multiaddr& address) noexcept {
    return load_be<std::uint16_t>((*++address.begin()).value.data());
  }

  /// True for an IP address and a port that can be reached from a neighbour, or from this machine if that is
  /// wanted, and that ends with a peer.
  [[nodiscard]] bool is_near(const multiaddr& address) const noexcept {
    auto at = address.begin();
    if (at == address.end()) return false;
    const multiaddr_component ip = *at;
    if (++at == address.end()) return false;
    const multiaddr_code transport = (*at).code();
    if (transport != multiaddr_code::tcp && transport != multiaddr_code::udp) return false;
    multiaddr_code last = transport;
    for (; at != address.end(); ++at) {
      last = (*at).code();
      if (last == multiaddr_code::p2p_circuit) return false;
    }
    if (last != multiaddr_code::p2p) return false;
    if (ip.code() == multiaddr_code::ip4) return is_near_ip4(ip.value);
    return ip.code() == multiaddr_code::ip6 && is_near_ip6(ip.value);
  }
  [[nodiscard]] bool is_near_ip4(bytes_view ip) const noexcept {
    const auto first = std::to_integer<unsigned>(ip[0]);
    return first != 0 && first < 224 && (first != 127 || options_.loopback);
  }
  [[nodiscard]] bool is_near_ip6(bytes_view ip) const noexcept {
    const auto first = load_be<std::uint16_t>(ip.data());
    constexpr std::uint16_t multicast = 0xff00;
    constexpr std::uint16_t link_local = 0xfe80;
    if ((first & 0xff00) == multicast || (first & 0xffc0) == link_local) return false;
    const auto zero = [](std::byte b) { return b == std::byte{0}; };
    if (!std::ranges::all_of(ip.first(15), zero)) return true;
    return ip[15] != std::byte{0} && (ip[15] != std::byte{1} || options_.loopback);
  }

  peer_id self_;
  mdns_options options_;
  dns_name service_ = *dns_name::parse("_p2p._udp.local");
  dns_name instance_;  // who we are
  dns_name host_;
  std::uint64_t pauses_;
  std::vector<multiaddr> addresses_;
  clock::time_point next_question_ = never;
  std::chrono::milliseconds interval_ = before_first;
  std::optional<clock::time_point> asked_;  // by anybody, since we began to
  clock::time_point answer_due_ = never;
  std::optional<clock::time_point> answered_;
  clock::time_point replies_since_{};
  std::size_t replies_ = 0;  // since then
  mdns_cache cache_;
  mdns_counters counters_;
};

}  // namespace shoal::libp2p
