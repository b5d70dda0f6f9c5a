// SPDX-License-Identifier: BSL-1.0
//
// guest_watch: what a guest does with its devices, recorded and held against rules. Source N of rules and of
// recordings is the Nth device that the guest asks for, from 0.
//
//     guest_watch watch{given, guest.devices(), say};
//     disks.emplace_back(std::move(opened), watch.judge(), source);
//     watch.start(disks);                                             // all devices are open
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/range_set.hpp>
#include <shoal/base/status.hpp>
#include <shoal/hypercall/io_rate.hpp>
#include <shoal/hypercall/manifest.hpp>
#include <shoal/monitor/rule.hpp>
#include <shoal/monitor/watched_net.hpp>
#include <shoal/os/linux/tap.hpp>

#include "../common/disk_rules.hpp"
#include "../common/watch_post.hpp"
#include "command.hpp"
#include "report.hpp"

class guest_watch {
  using device_type = shoal::hypercall::device_type;
  using address_space = shoal::monitor::address_space;

 public:
  /// @param say  see common::watch_options. @throws common::failure
  guest_watch(const tender_options& given, const shoal::hypercall::manifest& wanted,
              std::function<void(std::string_view)> say)
      : post_({.rules = given.rules,
               .record = given.record,
               .name = "tender",
               .events = given.watch != 0 || asks_for(wanted, address_space::disk) ||
                         asks_for(wanted, address_space::ip) || asks_for(wanted, address_space::i2c),
               .say = std::move(say)},
              names_of(given, wanted)),
        memory_(static_cast<std::uint16_t>(wanted.devices().size())) {
    const bool looked_into = given.watch != 0;
    post_.expect(
        [&](address_space space) {
          return space == address_space::kernel ? looked_into : asks_for(wanted, space);
        },
        kinds_of(wanted) + (looked_into ? "; what --watch finds, as kernel:*" : ""));
  }

  [[nodiscard]] common::watch_post& post() noexcept { return post_; }
  /// The source of what --watch finds: behind all devices.
  [[nodiscard]] std::uint16_t memory() const noexcept { return memory_; }
  [[nodiscard]] common::watch_post::judge_of_all judge() noexcept { return {&post_}; }

  /// From now on rules are asked, and disks watched: their files are found first. @throws common::failure
  template <class Disks>
  void start(Disks& disks) {
    for (auto& disk : disks) {
      auto& device = disk.unwatched().unpaced();
      post_.add_disk(disk.source(),
                     common::whole_units({.size = device.capacity(), .min_io = device.block_size()},
                                         [&device](std::uint64_t offset, shoal::bytes_span out) {
                                           return device.read(offset, out) == shoal::status::ok;
                                         }));
    }
    post_.start();
    for (auto& disk : disks) {
      shoal::watched_ranges where = post_.ranges_of(disk.source());
      disk.watch(std::move(where.reads), std::move(where.writes));
    }
  }

 private:
  static std::vector<std::string> names_of(const tender_options& given,
                                           const shoal::hypercall::manifest& wanted) {
    std::vector<std::string> names;
    for (const auto& each : wanted.devices()) names.push_back(printable(each.name_text()));
    if (given.watch != 0) names.emplace_back("memory");
    return names;
  }

  /// Whether a guest has something that rules of this kind are about.
  static bool asks_for(const shoal::hypercall::manifest& wanted, address_space space) {
    return std::ranges::any_of(wanted.devices(), [space](const auto& each) {
      switch (each.kind()) {
        case device_type::block: return space == address_space::disk;
        case device_type::net: return space >= address_space::tcp && space <= address_space::frames;
        case device_type::gpio:
        case device_type::virtio_gpio: return space == address_space::any || space == address_space::line;
        case device_type::bcm2835_gpio:
        case device_type::pl061_gpio: return space == address_space::any || space == address_space::memory;
        case device_type::i2c: return space == address_space::any || space == address_space::i2c;
        default: return false;
      }
    });
  }
  static std::string kinds_of(const shoal::hypercall::manifest& wanted) {
    struct kind {
      address_space space;
      std::string_view text;
    };
    constexpr std::array kinds{kind{address_space::disk, "disks, as disk:0-511 or disk:/etc/shadow"},
                               kind{address_space::ip, "networks, as tcp:22, udp:53, ip:* or frames:*"},
                               kind{address_space::line, "lines, as line:17"},
                               kind{address_space::memory, "registers, as 0x1c"},
                               kind{address_space::i2c, "I2C buses, as i2c:0x50"}};
    std::string out;
    for (const kind& each : kinds) {
      if (asks_for(wanted, each.space)) out += (out.empty() ? "" : "; ") + std::string{each.text};
    }
    return out.empty() ? "nothing, of what this guest asks for" : out;
  }

  common::watch_post post_;
  std::uint16_t memory_;
};

/// A network that rules and recordings see, if they want to. A hypercall::net_backend.
class watched_tap {
  using tap = shoal::linux_os::tap;
  using watched = shoal::monitor::watched_net<tap, common::watch_post::judge_of_all, wall_clock>;

 public:
  /// @param post  outlives this
  watched_tap(tap network, common::watch_post& post, std::uint16_t source)
      : tap_(std::make_unique<tap>(std::move(network))) {
    const shoal::monitor::watched_net_options options = post.net_options(source);
    if (!options.open) watched_.emplace(*tap_, common::watch_post::judge_of_all{&post}, wall_clock{}, options);
  }

  [[nodiscard]] std::array<std::byte, 6> mac() const noexcept { return tap_->mac(); }
  [[nodiscard]] std::uint16_t mtu() const noexcept { return tap_->mtu(); }
  shoal::status_or<std::size_t> receive(shoal::bytes_span out) noexcept {
    return watched_ ? watched_->receive(out) : tap_->receive(out);
  }
  shoal::status send(shoal::bytes_view frame) noexcept {
    return watched_ ? watched_->send(frame) : tap_->send(frame);
  }

 private:
  std::unique_ptr<tap> tap_;  // stays where it is
  std::optional<watched> watched_;
};
