// SPDX-License-Identifier: BSL-1.0
//
// net_calls: sending and receiving Ethernet frames, over any net back end. Freestanding.
//
//     net_calls<my_tap> networks;
//     if (const status s = networks.attach(devices, "service", tap); s != status::ok) return s;
//     hypercall_table table{..., networks};
//
// Neither waits: a guest polls. Leaves out Solo5's ring.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <shoal/base/bytes.hpp>
#include <shoal/base/status.hpp>
#include <shoal/hal/guest_memory.hpp>
#include <shoal/hypercall/abi.hpp>
#include <shoal/hypercall/guest_ram.hpp>
#include <shoal/hypercall/handler.hpp>
#include <shoal/hypercall/manifest.hpp>

namespace shoal::hypercall {

/// `receive(out)`: the next frame, cut to `out`, and its size; busy when there is none. `send(frame)`: all of
/// it; busy when there is no room for it now. The guest may change a frame while it is looked at. `mtu()`
/// counts what an Ethernet frame carries, without its header of 14 bytes.
template <class N>
concept net_backend = requires(N& net, const N& constant, bytes_span out, bytes_view frame) {
  { constant.mac() } noexcept -> std::same_as<std::array<std::byte, 6>>;
  { constant.mtu() } noexcept -> std::same_as<std::uint16_t>;
  { net.receive(out) } noexcept -> std::same_as<status_or<std::size_t>>;
  { net.send(frame) } noexcept -> std::same_as<status>;
};

template <net_backend N>
class net_calls {
 public:
  static constexpr std::array numbers{number::net_write, number::net_read};
  static constexpr std::array devices{device_type::net};
  static constexpr std::size_t header_size = 18;  ///< of a frame, with a VLAN tag

  /// Gives a network to the name that a unikernel asks for. It outlives this.
  /// Errors: out_of_range (it does not ask for it), busy (it has one).
  [[nodiscard]] status attach(manifest& wanted, std::string_view name, N& net) noexcept {
    const std::uint64_t handle = wanted.find(name, device_type::net);
    if (handle == 0) return status::out_of_range;
    N*& place = nets_[static_cast<std::size_t>(handle)];
    if (place != nullptr) return status::busy;
    place = &net;
    const std::array<std::byte, 6> mac = net.mac();
    wanted[handle].attach_net(mac, net.mtu());
    return status::ok;
  }

  /// A frame that is empty or longer than header and MTU is invalid to send, as is to receive into no room.
  template <hal::guest_memory M>
  outcome handle(call what, M& memory) noexcept {
    if (what.number != number::net_read && what.number != number::net_write) return outcome::not_mine;
    argument<net_call> asked{memory, what};
    if (!asked) return outcome::fault;
    const std::uint64_t handle = asked->handle;
    N* const net = handle < nets_.size() ? nets_[static_cast<std::size_t>(handle)] : nullptr;
    const std::uint64_t length = asked->length;
    if (net == nullptr || length == 0) return asked.answer(result_code::invalid);
    if (what.number == number::net_write) {
      const status_or<bytes_view> frame = readable(memory, asked->data, length);
      if (!frame || length > header_size + net->mtu()) return asked.answer(result_code::invalid);
      return asked.answer(result_of(net->send(*frame)));
    }
    const status_or<bytes_span> room = writable(memory, asked->data, length);
    if (!room) return asked.answer(result_code::invalid);
    const status_or<std::size_t> received = net->receive(*room);
    if (!received) return asked.answer(result_of(received.code));
    asked->length = *received;
    return asked.answer_all(result_code::ok);
  }

 private:
  std::array<N*, manifest::max_entries> nets_{};
};

}  // namespace shoal::hypercall
