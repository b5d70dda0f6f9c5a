// SPDX-License-Identifier: BSL-1.0
//
// vhost_user_session: the device's side of a vhost-user connection, without the connection: messages go in,
// replies and what is to be done come out.
//
//     vhost_user_session session{{.features = device.features(), .config = device.config(), .queues = 2}};
//     const vhost_user_event e = session.receive(header, payload, files);
//     if (e.what == vhost_user_event::kind::map_memory) session.complete(map(e.memory, files));
//     send(session.reply());
//
// For what moves the bytes and owns the descriptors (os/linux/vhost_user_connection.hpp), and for a fuzzer. It
// offers the protocol features MQ, REPLY_ACK and CONFIG, and the ring features of split_queue. Leaves out
// migration logs, in-flight descriptors, and memory that comes in slots.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/status.hpp>
#include <shoal/virtio/feature.hpp>
#include <shoal/virtio/split_queue.hpp>
#include <shoal/virtio/vhost_user_message.hpp>

namespace shoal::virtio {

/// What is to be done after a message. Descriptors that came with it and that the event does not speak of are
/// to be closed.
struct vhost_user_event {
  enum class kind : std::uint8_t {
    nothing,       ///< it is dealt with; there may be a reply
    map_memory,    ///< `memory`, a file for each region; then complete()
    ring_changed,  ///< `ring` may be able to run now, or no longer: look at ring_state
    ring_kick,     ///< `ring` has a new kick file, or none; then look at ring_state
    ring_call,     ///< `ring` has a new call file, or none
    ring_error,    ///< `ring` has a new error file, or none
    stop_ring,     ///< `ring`: let what is under way end, take nothing more; then stopped()
    reset,         ///< stop everything and forget the driver; then complete()
    violation,     ///< hang up
  };
  kind what = kind::nothing;
  std::uint8_t ring = 0;
  bool has_file = false;  ///< of ring_kick, ring_call, ring_error: the one file that came
  vhost_user_memory_table memory;
};

/// What the device's side says of itself.
struct vhost_user_identity {
  std::uint64_t features = 0;  ///< the device's own
  bytes_view config;           ///< lives as long as the session
  std::uint16_t queues = 1;    ///< at most 256
};

class vhost_user_session {
 public:
  struct ring_state {
    std::uint16_t size = 0;
    std::uint16_t base = 0;  ///< where it goes on
    vhost_user_ring_addresses addresses;
    bool has_addresses = false;
    bool is_started = false;  ///< since its kick file came, until its base was asked for
    bool is_enabled = false;
    /// Everything is known that it takes to serve it, and the monitor wants it.
    [[nodiscard]] bool can_run() const noexcept {
      return size != 0 && has_addresses && is_started && is_enabled;
    }
  };

  explicit vhost_user_session(const vhost_user_identity& identity)
      : identity_(identity), rings_(identity.queues < 256 ? identity.queues : 256) {}

  /// Takes a message in. After map_memory, reset and stop_ring nothing is received until complete() or
  /// stopped().
  /// @param files  descriptors that came with it
  [[nodiscard]] vhost_user_event receive(const vhost_user_header& header, bytes_view payload,
                                         std::size_t files) noexcept {
    reply_size_ = 0;
    asked_ = header;
    if (check(header) != status::ok || header.payload != payload.size()) return violation();
    const vhost_user_event e = dispatch(payload, files);
    if (e.what == kind::violation || e.what == kind::map_memory || e.what == kind::reset ||
        e.what == kind::stop_ring)
      return e;
    if (reply_size_ == 0) complete(!refused_);
    return e;
  }

  /// What receive() asked for is done, or could not be done.
  void complete(bool done) noexcept {
    if ((asked_.flags & vhost_user_flag::need_reply) == 0) return;
    if ((protocol_features_ & vhost_user_feature::reply_acknowledge) == 0) return;
    reply_number(done ? 0 : 1);
  }
  /// A ring that was disabled has stopped, and would go on at `base`.
  void set_base(std::uint8_t ring, std::uint16_t base) noexcept { rings_[ring].base = base; }
  /// The ring that receive() named has stopped, and would go on at `base`.
  void stopped(std::uint8_t ring, std::uint16_t base) noexcept {
    rings_[ring].base = base;
    std::array<std::byte, 8> state;
    detail::put_native(state.data(), std::uint32_t{ring});
    detail::put_native(state.data() + 4, std::uint32_t{base});
    reply(state);
  }
  /// What is to be sent now; empty for nothing. Until the next message.
  [[nodiscard]] bytes_view reply() const noexcept { return bytes_view{reply_}.first(reply_size_); }

  [[nodiscard]] std::size_t ring_count() const noexcept { return rings_.size(); }
  [[nodiscard]] const ring_state& ring(std::size_t index) const noexcept { return rings_[index]; }
  /// What the driver has accepted of the device's and the rings' features.
  [[nodiscard]] std::uint64_t accepted() const noexcept { return accepted_ & ~vhost_user_feature::protocol; }
  /// How rings are to be enabled; `next` is the ring's.
  [[nodiscard]] queue_options options_of(std::size_t index) const noexcept {
    return {.indirect = (accepted_ & feature::indirect_descriptors) != 0,
            .event_index = (accepted_ & feature::event_index) != 0,
            .next = rings_[index].base};
  }

 private:
  using kind = vhost_user_event::kind;
  static constexpr std::uint64_t our_protocol_features =
      vhost_user_feature::multi_queue | vhost_user_feature::reply_acknowledge | vhost_user_feature::config;

  [[nodiscard]] std::uint64_t offered() const noexcept {
    return identity_.features | feature::transport | vhost_user_feature::protocol;
  }

  vhost_user_event dispatch(bytes_view payload, std::size_t files) noexcept {
    refused_ = false;
    using enum vhost_user_request;
    switch (asked_.request) {
      case set_memory_table: return memory_table(payload, files);
      case set_ring_kick: return ring_file(kind::ring_kick, payload, files);
      case set_ring_call: return ring_file(kind::ring_call, payload, files);
      case set_ring_error: return ring_file(kind::ring_error, payload, files);
      default: break;
    }
    if (files != 0) return violation();
    switch (asked_.request) {
      case get_features: return ask(payload, offered());
      case get_protocol_features: return ask(payload, our_protocol_features);
      case get_queue_count: return ask(payload, rings_.size());
      case set_features: return set_features_to(payload);
      case set_protocol_features: return set_protocol_features_to(payload);
      case set_owner: return payload.empty() ? vhost_user_event{} : violation();
      case reset_owner: return reset_all(payload);
      case get_config: return read_config(payload);
      case set_config: return refuse();  // drivers have nothing to say there
      case set_ring_size:
      case set_ring_base:
      case set_ring_enable:
      case get_ring_base: return ring_number(payload);
      case set_ring_addresses: return ring_addresses(payload);
      default: return refuse_unknown();
    }
  }

  static vhost_user_event event(kind what, std::uint8_t ring = 0, bool has_file = false) noexcept {
    vhost_user_event e;
    e.what = what;
    e.ring = ring;
    e.has_file = has_file;
    return e;
  }
  static vhost_user_event violation() noexcept { return event(kind::violation); }
  vhost_user_event refuse() noexcept {
    refused_ = true;
    return {};
  }
  /// Who needs an answer can be told; who does not would wait for ever, or go on as if it had been done.
  vhost_user_event refuse_unknown() noexcept {
    const bool told = (asked_.flags & vhost_user_flag::need_reply) != 0 &&
                      (protocol_features_ & vhost_user_feature::reply_acknowledge) != 0;
    return told ? refuse() : violation();
  }

  vhost_user_event ask(bytes_view payload, std::uint64_t answer) noexcept {
    if (!payload.empty()) return violation();
    reply_number(answer);
    return {};
  }
  vhost_user_event set_features_to(bytes_view payload) noexcept {
    const status_or<std::uint64_t> wanted = parse_vhost_user_number(payload);
    if (!wanted || (*wanted & ~offered()) != 0) return violation();
    accepted_ = *wanted;
    if ((accepted_ & vhost_user_feature::protocol) == 0) {
      // without protocol features there is nobody to enable rings
      for (ring_state& r : rings_) r.is_enabled = true;
    }
    return {};
  }
  vhost_user_event set_protocol_features_to(bytes_view payload) noexcept {
    const status_or<std::uint64_t> wanted = parse_vhost_user_number(payload);
    if (!wanted || (*wanted & ~our_protocol_features) != 0) return violation();
    protocol_features_ = *wanted;
    return {};
  }
  vhost_user_event reset_all(bytes_view payload) noexcept {
    if (!payload.empty()) return violation();
    for (ring_state& r : rings_) r = {};
    accepted_ = 0;
    return event(kind::reset);
  }

  vhost_user_event memory_table(bytes_view payload, std::size_t files) noexcept {
    const status_or<vhost_user_memory_table> table = parse_vhost_user_memory_table(payload);
    if (!table || table->count != files) return violation();
    vhost_user_event e = event(kind::map_memory);
    e.memory = *table;
    return e;
  }
  vhost_user_event read_config(bytes_view payload) noexcept {
    const status_or<vhost_user_config_area> area = parse_vhost_user_config(payload);
    if (!area) return violation();
    std::array<std::byte, max_vhost_user_payload> answer{};
    detail::put_native(answer.data(), area->offset);
    detail::put_native(answer.data() + 4, area->size);
    // behind the end there are zeroes: the monitor may know a longer configuration than the device
    if (area->offset < identity_.config.size()) {
      const bytes_view from = identity_.config.subspan(area->offset);
      std::memcpy(answer.data() + 12, from.data(), from.size() < area->size ? from.size() : area->size);
    }
    reply(bytes_view{answer}.first(12 + std::size_t{area->size}));
    return {};
  }

  vhost_user_event ring_number(bytes_view payload) noexcept {
    const status_or<vhost_user_ring_number> told = parse_vhost_user_ring_number(payload);
    if (!told || told->index >= rings_.size()) return violation();
    ring_state& r = rings_[told->index];
    const auto index = static_cast<std::uint8_t>(told->index);
    using enum vhost_user_request;
    switch (asked_.request) {
      case set_ring_size:
        if (r.is_started || told->number == 0 || told->number > max_queue_size) return violation();
        r.size = static_cast<std::uint16_t>(told->number);
        return {};
      case set_ring_base:
        if (r.is_started || told->number > 0xffff) return violation();
        r.base = static_cast<std::uint16_t>(told->number);
        return {};
      case set_ring_enable:
        if (told->number > 1) return violation();
        r.is_enabled = told->number == 1;
        return event(kind::ring_changed, index);
      default: r.is_started = false; return event(kind::stop_ring, index);
    }
  }
  vhost_user_event ring_addresses(bytes_view payload) noexcept {
    const status_or<vhost_user_ring_addresses> told = parse_vhost_user_ring_addresses(payload);
    if (!told || told->index >= rings_.size()) return violation();
    ring_state& r = rings_[told->index];
    if (r.is_started) return violation();
    r.addresses = *told;
    r.has_addresses = true;
    return {};
  }
  vhost_user_event ring_file(kind what, bytes_view payload, std::size_t files) noexcept {
    const status_or<vhost_user_ring_file> told = parse_vhost_user_ring_file(payload);
    if (!told || told->index >= rings_.size() || files != (told->has_file ? 1u : 0u)) return violation();
    if (what == kind::ring_kick) rings_[told->index].is_started = true;
    return event(what, told->index, told->has_file);
  }

  void reply_number(std::uint64_t number) noexcept {
    std::array<std::byte, 8> bytes;
    detail::put_native(bytes.data(), number);
    reply(bytes);
  }
  void reply(bytes_view payload) noexcept {
    const auto head = to_bytes(vhost_user_header{.request = asked_.request,
                                                 .flags = vhost_user_flag::version | vhost_user_flag::reply,
                                                 .payload = static_cast<std::uint32_t>(payload.size())});
    std::memcpy(reply_.data(), head.data(), head.size());
    std::memcpy(reply_.data() + head.size(), payload.data(), payload.size());
    reply_size_ = head.size() + payload.size();
  }

  vhost_user_identity identity_;
  std::vector<ring_state> rings_;
  std::uint64_t accepted_ = 0;
  std::uint64_t protocol_features_ = 0;
  vhost_user_header asked_;
  bool refused_ = false;
  std::array<std::byte, vhost_user_header::size + max_vhost_user_payload> reply_{};
  std::size_t reply_size_ = 0;
};

}  // namespace shoal::virtio
