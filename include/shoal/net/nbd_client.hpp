// SPDX-License-Identifier: BSL-1.0
//
// nbd_client: the export of an NBD server as a block device.
//
//     const net::nbd_route route = net::route_to(*nbd::uri::parse("nbd://localhost/disk"));
//     const nbd::export_wish wish{.name = "disk"};
//     result<net::nbd_client> disk = co_await net::nbd_client::open(route, wish, options);
//     result<> read = co_await disk->read(0, sector);
//
// Any server that speaks newstyle: what it cannot do, capabilities() leaves out. A connection that is lost is
// made anew while nothing that was written is at risk; docs/adr/0023 says why not otherwise. One strand: the
// one on which it was opened.
#pragma once

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/any_io_executor.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/block/capability.hpp>
#include <shoal/block/concepts.hpp>
#include <shoal/block/extent_list.hpp>
#include <shoal/detail/asio.hpp>
#include <shoal/nbd/client_session.hpp>
#include <shoal/nbd/errors.hpp>
#include <shoal/nbd/wire.hpp>
#include <shoal/net/nbd_link.hpp>
#include <shoal/net/nbd_redial.hpp>
#include <shoal/net/nbd_route.hpp>
#include <shoal/task/task.hpp>

namespace shoal::net {

/// A block_device with everything that the server has. Copies are one device.
class nbd_client {
 public:
  /// trim, zero and cache reach this far with one request, in bytes, and extents no farther: a server may do
  /// all of it before it answers anybody.
  static constexpr std::uint32_t max_reach = 1u << 30;

  /// Connects to the server and chooses the export.
  ///
  /// As client_handshake::failure() for an export that is not to be had, errc::timed_out, errc::failed when TLS
  /// is not agreed on, or the system's error when there is no server.
  /// @param detail  if given, becomes what the server said of a refusal; it outlives the task
  static task<nbd_client> open(nbd_route route, nbd::export_wish wish, nbd_client_options options,
                               std::string* detail = nullptr) {
    auto redial = std::make_shared<nbd_redial>(std::move(route), std::move(wish), std::move(options));
    std::string unheard;
    std::string& heard = detail != nullptr ? *detail : unheard;
    const result<> opened = co_await redial->open(heard);
    if (!opened) co_return opened.error();
    co_return nbd_client{std::move(redial)};
  }

  [[nodiscard]] device_info info() const noexcept {
    const nbd::export_info& told = export_of();
    return {.size = told.size,
            .min_io = told.min_block,
            .preferred_io = std::min(told.preferred_block, std::bit_floor(std::max(max_block(), 512u))),
            .max_io = std::max(max_block(), 512u),
            .read_only = told.has(nbd::transmission_flag::read_only),
            .rotational = told.has(nbd::transmission_flag::rotational),
            .fua = told.has(nbd::transmission_flag::send_fua),
            .multi_conn = told.has(nbd::transmission_flag::can_multi_conn)};
  }

  [[nodiscard]] capability capabilities() const noexcept {
    using namespace nbd::transmission_flag;
    const nbd::export_info& told = export_of();
    const auto if_it_has = [](bool offered, capability c) { return offered ? c : capability::none; };
    return capability::write | if_it_has(told.has(send_trim), capability::trim) |
           if_it_has(told.has(send_write_zeroes), capability::zero) |
           if_it_has(told.has(send_cache), capability::cache) | if_it_has(told.allocation, capability::extents);
  }

  task<> read(std::uint64_t offset, bytes_span out) {
    if (const std::error_code wrong = check(offset, out.size())) co_return wrong;
    while (!out.empty()) {
      const bytes_span piece = out.first(std::min<std::size_t>(out.size(), max_block()));
      const nbd::request r = request_for(nbd::command::read, offset, piece.size());
      const bytes_view nothing;
      const auto done = co_await redial_->ask(r, nothing, piece);
      if (!done) co_return done.error();
      offset += piece.size();
      out = out.subspan(piece.size());
    }
    co_return result<>{};
  }

  /// Writes, and flushes where a server cannot make a single write durable.
  task<> write(std::uint64_t offset, bytes_view in, io_flags flags) {
    if (const std::error_code wrong = check_change(offset, in.size())) co_return wrong;
    const bool flushes = has(flags, io_flags::fua) && !info().fua;
    while (!in.empty()) {
      const bytes_view piece = in.first(std::min<std::size_t>(in.size(), max_block()));
      nbd::request r = request_for(nbd::command::write, offset, piece.size());
      r.flags = command_flags(flags);
      const bytes_span nowhere;
      const auto done = co_await redial_->ask(r, piece, nowhere);
      if (!done) co_return done.error();
      offset += piece.size();
      in = in.subspan(piece.size());
    }
    if (flushes) co_return co_await flush();
    co_return result<>{};
  }

  /// Succeeds at once with a server that knows no flush: it has nothing to offer.
  task<> flush() {
    if (info().read_only) co_return errc::read_only;
    const bool offered = export_of().has(nbd::transmission_flag::send_flush);
    co_return co_await redial_->flush(offered);
  }

  task<> trim(std::uint64_t offset, std::uint64_t length, io_flags flags) {
    if (!has(capabilities(), capability::trim)) return failed(errc::unsupported);
    return change(nbd::command::trim, offset, length, command_flags(flags), flags);
  }
  task<> zero(std::uint64_t offset, std::uint64_t length, io_flags flags) {
    using namespace nbd::command_flag;
    if (!has(capabilities(), capability::zero)) return failed(errc::unsupported);
    const bool fast = has(flags, io_flags::fast_zero);
    if (fast && !export_of().has(nbd::transmission_flag::send_fast_zero)) return failed(errc::unsupported);
    std::uint16_t asked = command_flags(flags);
    if (!has(flags, io_flags::may_trim)) asked |= no_hole;
    if (fast) asked |= fast_zero;
    return change(nbd::command::write_zeroes, offset, length, asked, flags);
  }

  task<std::vector<extent>> extents(std::uint64_t offset, std::uint64_t length) {
    if (!has(capabilities(), capability::extents)) co_return errc::unsupported;
    if (const std::error_code wrong = check(offset, length)) co_return wrong;
    if (length == 0) co_return std::vector<extent>{};
    const nbd::request r =
        request_for(nbd::command::block_status, offset, std::min<std::uint64_t>(length, max_reach));
    const bytes_view nothing;
    const bytes_span nowhere;
    const auto told = co_await redial_->ask(r, nothing, nowhere);
    if (!told) co_return told.error();
    extent_list found;
    for (const nbd::allocation_run& run : *told) {
      found.add({.length = run.length,
                 .hole = (run.state & nbd::state_hole) != 0,
                 .zero = (run.state & nbd::state_zero) != 0});
    }
    co_return std::move(found).take();
  }

  task<> cache(std::uint64_t offset, std::uint64_t length) {
    if (!has(capabilities(), capability::cache)) co_return errc::unsupported;
    if (const std::error_code wrong = check(offset, length)) co_return wrong;
    co_return co_await reach(nbd::command::cache, offset, length, std::uint16_t{0});
  }

 private:
  explicit nbd_client(std::shared_ptr<nbd_redial> redial) : redial_(std::move(redial)) {}

  [[nodiscard]] const nbd::export_info& export_of() const noexcept { return redial_->agreed().info; }
  [[nodiscard]] std::uint32_t max_block() const noexcept { return redial_->agreed().max_block; }

  static nbd::request request_for(nbd::command type, std::uint64_t offset, std::uint64_t length) noexcept {
    return {.type = type, .offset = offset, .length = static_cast<std::uint32_t>(length)};
  }
  [[nodiscard]] std::uint16_t command_flags(io_flags flags) const noexcept {
    return has(flags, io_flags::fua) && info().fua ? nbd::command_flag::fua : std::uint16_t{0};
  }

  /// What a server would refuse, or hang up for.
  [[nodiscard]] std::error_code check(std::uint64_t offset, std::uint64_t length) const noexcept {
    const nbd::export_info& told = export_of();
    if (!contains(told.size, offset, length)) return errc::out_of_range;
    if (((offset | length) & (told.min_block - 1)) != 0) return errc::invalid_argument;
    return {};
  }
  [[nodiscard]] std::error_code check_change(std::uint64_t offset, std::uint64_t length) const noexcept {
    if (info().read_only) return errc::read_only;
    return check(offset, length);
  }

  task<> change(nbd::command type, std::uint64_t offset, std::uint64_t length, std::uint16_t asked,
                io_flags flags) {
    if (const std::error_code wrong = check_change(offset, length)) co_return wrong;
    const result<> done = co_await reach(type, offset, length, asked);
    if (done && has(flags, io_flags::fua) && !info().fua) co_return co_await flush();
    co_return done;
  }
  /// Requests without content, one after the other.
  task<> reach(nbd::command type, std::uint64_t offset, std::uint64_t length, std::uint16_t asked) {
    const bytes_view nothing;
    const bytes_span nowhere;
    while (length != 0) {
      const std::uint64_t n = std::min<std::uint64_t>(length, max_reach);
      nbd::request r = request_for(type, offset, n);
      r.flags = asked;
      const auto done = co_await redial_->ask(r, nothing, nowhere);
      if (!done) co_return done.error();
      offset += n;
      length -= n;
    }
    co_return result<>{};
  }

  std::shared_ptr<nbd_redial> redial_;
};

static_assert(block_device<nbd_client> && can_trim<nbd_client> && can_zero<nbd_client> &&
              can_extents<nbd_client> && can_cache<nbd_client>);

}  // namespace shoal::net
