// SPDX-License-Identifier: BSL-1.0
//
// shoal-vhost: gives a virtual machine a disk or GPIO lines, as a vhost-user device.
//
//     $ shoal-vhost --block image:bafybeih...?store=car:debian.car --overlay --socket /tmp/disk.sock
//     $ shoal-vhost --gpio 'sim:8?names=led,button&wires=0-1' --socket /tmp/gpio.sock
//     /tmp/gpio.sock
//     $ qemu-system-x86_64 -object memory-backend-memfd,id=ram,size=768M,share=on -machine
//     q35,memory-backend=ram
//           -chardev socket,id=c,path=/tmp/gpio.sock -device vhost-user-gpio-pci,chardev=c ...
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include <CLI/CLI.hpp>
#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>

#include <shoal/block/any_device.hpp>
#include <shoal/block/filter/cow.hpp>
#include <shoal/block/filter/readonly.hpp>
#include <shoal/net/listener.hpp>
#include <shoal/os/linux/vhost_user_server.hpp>
#include <shoal/task/io_pool.hpp>
#include <shoal/version.hpp>
#include <shoal/virtio/disk_device.hpp>
#include <shoal/virtio/gpio_device.hpp>

#include "../common/command_line.hpp"
#include "../common/devices.hpp"
#include "../common/gpio_chips.hpp"
#include "../common/message.hpp"

namespace {

using common::failure;
using shoal::linux_os::vhost_user_news;

struct options {
  std::string gpio;
  std::string block;
  std::string socket;
  std::string id = "shoal";
  std::uint16_t queues = 1;
  bool overlay = false;
  bool readonly = false;
};

void tell(vhost_user_news news) {
  switch (news) {
    case vhost_user_news::connected: std::fputs("a monitor has connected\n", stderr); return;
    case vhost_user_news::running: std::fputs("its guest uses the device\n", stderr); return;
    case vhost_user_news::queue_broken:
      std::fputs("the guest's driver has broken a queue; it is not served until the guest resets it\n", stderr);
      return;
    case vhost_user_news::refused:
      std::fputs("the monitor has asked for what cannot be done: is its memory shared (share=on)?\n", stderr);
      return;
    case vhost_user_news::left: std::fputs("the monitor has left\n", stderr); return;
  }
}

class program {
 public:
  explicit program(const options& given) : given_(given) {}

  int run() {
    if (given_.gpio.empty() == given_.block.empty()) {
      throw failure{given_.gpio.empty() ? "no device to serve" : "--gpio and --block exclude each other",
                    "give --gpio URI or --block URI; a process serves one device", common::exit_usage};
    }
    if (given_.socket.empty()) {
      throw failure{"no socket to serve it at", "give --socket PATH", common::exit_usage};
    }
    if (given_.block.empty()) {
      serve_gpio();
    } else {
      serve_block();
    }
    return 0;
  }

 private:
  void serve_gpio() {
    chip_.emplace(common::open_gpio_chip(given_.gpio, "shoal-vhost"));
    serve(std::make_shared<shoal::virtio::gpio_device<common::any_gpio_chip>>(*chip_));
  }

  void serve_block() {
    const common::device_opener opener{context_, pool_, given_.readonly || given_.overlay, std::nullopt};
    shoal::any_device device = opener.open(given_.block);
    if (given_.overlay) device = shoal::any_device{shoal::cow{device}};
    if (given_.readonly) device = shoal::any_device{shoal::readonly{std::move(device)}};
    serve(std::make_shared<shoal::virtio::disk_device<shoal::any_device>>(
        std::move(device), shoal::virtio::disk_options{.id = given_.id, .queues = given_.queues}));
  }

  template <class Device>
  void serve(const std::shared_ptr<Device>& device) {
    shoal::result<shoal::net::listening_socket> door =
        shoal::net::listen_unix(context_.get_executor(), given_.socket);
    if (!door) {
      const bool taken = door.error() == std::errc::address_in_use;
      throw failure{"cannot listen at " + given_.socket, door.error(),
                    taken ? "somebody serves there, or the file is no socket; choose another path"
                          : "give a path in a folder that you may write to"};
    }
    asio::steady_timer timer{context_};
    std::function<void()> look;  // for what the device's lines do by themselves, while somebody wants to know
    const auto observe = [&](vhost_user_news news) {
      tell(news);
      if (news == vhost_user_news::running) look();
      if (news == vhost_user_news::left) timer.cancel();
    };
    shoal::linux_os::vhost_user_server<Device> server{context_.get_executor(), device, observe};
    look = [&] {
      if (!sends_events(*device)) return;
      timer.expires_after(std::chrono::milliseconds{2});
      timer.async_wait([&](std::error_code stopped) {
        if (stopped) return;
        server.poll();
        look();
      });
    };
    server.serve(std::move(*door));
    std::printf("%s\n", given_.socket.c_str());
    std::fflush(stdout);

    asio::signal_set signals{context_, SIGINT, SIGTERM, SIGHUP};
    signals.async_wait([&](std::error_code, int) {
      server.stop();
      signals.clear();  // who asks twice does not want to wait
    });
    context_.restart();
    context_.run();
  }

  static bool sends_events(const shoal::virtio::gpio_device<common::any_gpio_chip>& device) noexcept {
    return device.sends_events();
  }
  static bool sends_events(const shoal::virtio::disk_device<shoal::any_device>&) noexcept { return false; }

  const options& given_;
  std::optional<common::any_gpio_chip> chip_;  // outlives what the context may still hold
  asio::io_context context_{1};
  shoal::io_pool pool_;
};

int run_program(int argc, char** argv) {
  options given;
  CLI::App app{"Gives a virtual machine a disk or GPIO lines, as a vhost-user device.", "shoal-vhost"};
  app.set_version_flag("--version", SHOAL_VERSION_STRING);
  app.add_option("--gpio", given.gpio, "serve a GPIO chip: cdev:PATH, or sim:LINES[?names=A,B][&wires=0-1,2-3]")
      ->type_name("URI");
  app.add_option("--block", given.block,
                 "serve a disk: file:PATH, memory:SIZE, image:CID?store=STORE,\n"
                 "nbd://HOST:PORT/EXPORT, nbd+unix:///EXPORT?socket=PATH")
      ->type_name("URI");
  app.add_option("--socket", given.socket, "the Unix socket that the monitor connects to")->type_name("PATH");
  app.add_option("--id", given.id, "the disk's serial number, at most 20 bytes; default: shoal")
      ->type_name("TEXT");
  app.add_option("--queues", given.queues,
                 "queues of the disk: one for each processor of the guest; default: 1")
      ->type_name("N")
      ->check(CLI::Range(1, 64));
  app.add_flag("--overlay", given.overlay,
               "the guest may write, on an overlay in memory that goes with the program");
  app.add_flag("--readonly", given.readonly, "the guest may not write");
  app.footer(
      "Prints the path when it is ready, then serves one monitor after the other until SIGTERM or Ctrl-C.\n"
      "The monitor has to share the guest's memory. With QEMU:\n"
      "  -object memory-backend-memfd,id=ram,size=1G,share=on -machine q35,memory-backend=ram\n"
      "  -chardev socket,id=c,path=PATH -device vhost-user-blk-pci,chardev=c     (or vhost-user-gpio-pci)\n\n"
      "Examples:\n"
      "  shoal-vhost --block file:disk.img --socket /tmp/disk.sock\n"
      "  shoal-vhost --block image:bafybei...?store=car:disk.car --overlay --socket /tmp/disk.sock\n"
      "  shoal-vhost --gpio cdev:/dev/gpiochip0 --socket /tmp/gpio.sock\n"
      "  shoal-vhost --gpio 'sim:8?names=led,button&wires=0-1' --socket /tmp/gpio.sock");
  if (const std::optional<int> done = common::parse_command_line(app, argc, argv)) return *done;
  return program{given}.run();
}

}  // namespace

int main(int argc, char** argv) {
  return common::guarded("shoal-vhost", [&] { return run_program(argc, argv); });
}
