// SPDX-License-Identifier: BSL-1.0
//
// shoal-tender: runs a unikernel for Solo5's hvt in KVM, with disks from anywhere, GPIO lines, and what it does
// with them recorded and held against rules.
//
//     $ shoal-tender --block:disk=file:disk.img --gpio:pins=sim:8 --record cbor:pins.rec blink
//     $ shoal-tender --block:disk='swarm:bafybei...?bootstrap=/ip4/192.0.2.1/tcp/4001' checksum
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <unistd.h>

#include <asio/io_context.hpp>

#include <shoal/base/bytes.hpp>
#include <shoal/block/any_device.hpp>
#include <shoal/block/filter/cow.hpp>
#include <shoal/hypercall/block_calls.hpp>
#include <shoal/hypercall/device_window.hpp>
#include <shoal/hypercall/gpio_calls.hpp>
#include <shoal/hypercall/i2c_calls.hpp>
#include <shoal/hypercall/io_rate.hpp>
#include <shoal/hypercall/net_calls.hpp>
#include <shoal/hypercall/program.hpp>
#include <shoal/hypercall/standard_calls.hpp>
#include <shoal/monitor/watched_disk.hpp>
#include <shoal/os/linux/device_poll.hpp>
#include <shoal/os/linux/guest_console.hpp>
#include <shoal/os/linux/hvt_machine.hpp>
#include <shoal/os/linux/stop_signals.hpp>
#include <shoal/os/linux/stop_timer.hpp>
#include <shoal/os/linux/tap.hpp>
#include <shoal/os/posix/blocking_disk.hpp>
#include <shoal/task/io_pool.hpp>

#include "../common/gpio_chips.hpp"
#include "../common/local_devices.hpp"
#include "../common/message.hpp"
#include "../common/read_file.hpp"
#include "../common/watched_chip.hpp"
#include "../common/watched_i2c.hpp"
#include "command.hpp"
#include "memory_watch.hpp"
#include "registers.hpp"
#include "remote.hpp"
#include "report.hpp"
#include "sandbox.hpp"
#include "watch.hpp"

namespace {

using common::failure;
using shoal::hypercall::device_type;
using shoal::hypercall::manifest;
using shoal::linux_os::kvm_host;
using shoal::operator""_KiB;
using shoal::operator""_MiB;

constexpr std::uint64_t largest_guest = 256_MiB;

/// What files and memory need, which this thread reads itself.
struct local_disks {
  asio::io_context context{1};
  shoal::io_pool pool;
};

class tender {
 public:
  explicit tender(tender_options& given) : given_(given) {}
  tender(const tender&) = delete;
  tender& operator=(const tender&) = delete;
  ~tender() {
    if (remote_) remote_->stop();  // before its disks go
  }

  int run() {
    load();
    if (given_.dry_run) return print_plan(given_, guest_.devices());
    refuse_gaps(given_, guest_.devices());
    shoal::result<kvm_host> kvm = kvm_host::open();
    if (!kvm) {
      throw failure{"cannot open /dev/kvm", kvm.error(), shoal::linux_os::next_step("/dev/kvm", kvm.error())};
    }
    watch_.emplace(given_, guest_.devices(), [this](std::string_view alert) {
      static_cast<void>(alerts_.write(shoal::as_bytes(alert)));
    });
    attach_devices();
    return serve(*kvm);
  }

 private:
  using timer = shoal::linux_os::stop_timer;
  using opened_disk = shoal::posix::blocking_disk<shoal::any_device>;
  using disk = shoal::monitor::watched_disk<shoal::hypercall::paced_disk<opened_disk, timer>,
                                            common::watch_post::judge_of_all>;
  using net = shoal::hypercall::paced_net<watched_tap, timer>;
  using chip = common::watched_chip;
  using bus = common::watched_i2c;

  void load() {
    const common::opened_file file{given_.guest, "guest", largest_guest, "give the path of a unikernel"};
    file.read_until(file_, 4_KiB);  // its headers
    const std::uint64_t needed = shoal::hypercall::program::bytes_needed(shoal::as_bytes(file_));
    file.read_until(file_, given_.watch == 0 ? needed : largest_guest + 1);  // who watches wants its symbols
    const shoal::status read =
        guest_.assign(shoal::as_bytes(file_), shoal::hypercall::architecture::x86_64, given_.memory_mib << 20);
    if (read != shoal::status::ok) throw not_loaded(given_, read);
    devices_ = guest_.devices();
    refuse_namesakes(devices_);
  }

  void attach_devices() {
    std::uint64_t handle = 0;
    for (const auto& wanted : guest_.devices().devices()) {
      ++handle;
      const std::string name{wanted.name_text()};
      const std::string& uri = *given_.find(wanted.kind(), name);
      shoal::status done = shoal::status::unsupported;
      if (wanted.kind() == device_type::block)
        done = disks_.attach(devices_, name, open_disk(disk_uri(uri), name));
      if (wanted.kind() == device_type::net) done = nets_.attach(devices_, name, open_net(uri, name, handle));
      if (wanted.kind() == device_type::gpio) done = pins_.attach(devices_, name, open_chip(uri, handle));
      if (has_registers(wanted.kind())) {
        done =
            registers_.windows().attach(devices_, name, wanted.kind(), open_window(wanted.kind(), uri, handle));
      }
      if (wanted.kind() == device_type::i2c) done = buses_.attach(devices_, name, open_bus(uri, handle));
      if (done != shoal::status::ok) {
        throw failure{"cannot give the guest '" + printable(name) + "'", make_error_code(done),
                      "it is of a size that no guest can have, or there are too many of its kind"};
      }
    }
    if (remote_) remote_->start();
    watch_->start(opened_disks_);
  }

  /// Which device it is for rules and recordings.
  static std::uint16_t source_of(std::uint64_t handle) { return static_cast<std::uint16_t>(handle - 1); }

  disk& open_disk(const std::string& uri, const std::string& name) {
    const bool read_only = given_.readonly || given_.overlay;
    if (common::is_local_device(uri)) {
      if (!local_) local_.emplace();
      return keep_disk(common::open_local_device(uri, read_only, local_->pool),
                       shoal::blocking_caller::here(local_->context), name);
    }
    if (!remote_) remote_ = make_remote_disks([this] { return stop_.waiting(); });
    remote_disk opened = remote_->open(uri, read_only);
    return keep_disk(std::move(opened.device), std::move(opened.caller), name);
  }

  disk& keep_disk(shoal::any_device device, shoal::blocking_caller caller, const std::string& name) {
    const std::uint32_t sector = given_.sector_size(name);
    if (device.info().size % sector != 0) {
      throw failure{"the disk '" + printable(name) + "' has " + std::to_string(device.info().size) +
                        " bytes, which are not whole sectors of " + std::to_string(sector),
                    "truncate -s %" + std::to_string(sector) + " FILE makes a file longer by what is missing"};
    }
    if (given_.overlay) device = shoal::any_device{shoal::cow{std::move(device)}};
    return opened_disks_.emplace_back(
        shoal::hypercall::paced_disk{opened_disk{std::move(device), std::move(caller), sector}, rate_},
        watch_->judge(), source_of(devices_.find(name, device_type::block)));
  }

  net& open_net(const std::string& interface, const std::string& name, std::uint64_t handle) {
    using shoal::linux_os::tap;
    const shoal::linux_os::mac_address mac = mac_of(given_.find("net-mac", name));
    const bool by_number = interface.starts_with('@');
    shoal::result<tap> opened = by_number ? tap::adopt(interface.substr(1), mac) : tap::open(interface, mac);
    if (!opened) {
      throw failure{"cannot use the interface " + interface, opened.error(),
                    by_number ? "@FD is the number of a descriptor that was open when this program was started"
                              : "ip tuntap add " + interface +
                                    " mode tap user $USER makes one; /dev/net/tun has to be there"};
    }
    waiter_.add(handle, opened->fd());
    return opened_nets_.emplace_back(watched_tap{std::move(*opened), watch_->post(), source_of(handle)}, rate_);
  }

  chip::type& open_chip(const std::string& uri, std::uint64_t handle) {
    chip& opened = opened_chips_.emplace_back(common::open_gpio_chip(uri, "shoal-tender"), watch_->post(),
                                              source_of(handle));
    // a chip without a descriptor, and one that has an event already, have to be asked
    waiter_.add_asked(handle, [&opened] { return opened.chip().has_event(); }, opened.native_handle());
    return opened.chip();
  }

  bus::type& open_bus(const std::string& uri, std::uint64_t handle) {
    return opened_buses_.emplace_back(uri, watch_->post(), source_of(handle)).bus();
  }

  any_registers& open_window(device_type kind, const std::string& uri, std::uint64_t handle) {
    if (kind == device_type::virtio_gpio) return registers_.add(open_chip(uri, handle));
    return registers_.add(kind, uri, {watch_->post(), source_of(handle)});
  }

  int serve(const kvm_host& kvm) {
    using namespace shoal::hypercall;
    auto machine = shoal::linux_os::hvt_machine::create(kvm, guest_, devices_, {.command_line = given_.words},
                                                        stop_.set(), guest_pages());
    if (!machine)
      throw failure{"cannot set up the guest", machine.error(), "is there enough memory for --mem?"};
    stop_.limit(std::chrono::microseconds{static_cast<std::int64_t>(std::ceil(given_.max_time * 1e6))});
    std::optional<memory_watch> memory;
    if (given_.watch != 0) {
      memory.emplace(given_, shoal::as_bytes(file_), machine->ram(), stop_, watch_->post(), watch_->memory());
    }
    if (given_.watch == 0) std::string{}.swap(file_);  // the guest has it
    if (!given_.no_sandbox) enter_sandbox(given_);

    const auto wall = []() noexcept { return wall_clock::now(); };
    walltime_calls time{wall};
    shoal::linux_os::guest_console console{STDOUT_FILENO, stop_, given_.output_limit()};
    console_calls print{console};
    poll_calls poll{waiter_};
    halt_calls halt;
    hypercall_table table{disks_, nets_, pins_, registers_.windows(), buses_, print, poll, time, halt};
    device_window cpu{machine->cpu(), registers_.windows().range(), registers_.windows()};
    registers_.use(&machine->memory());
    const ending end = shoal::hypercall::serve(cpu, table, machine->memory());
    const bool found = memory && memory->finish();
    stop_.limit({});
    watch_->post().stop();
    pins_.release_all();
    registers_.release_all();
    watch_->post().finish();
    if (remote_) remote_->stop();  // what was called off must not go to the guest's memory any more
    if (remote_) remote_->tell();
    if (end.why == ending_reason::halted) return found ? memory_watch::exit_found : halt.exit_status() & 0xff;
    if (end.why == ending_reason::stopped)
      return found ? memory_watch::exit_found : stopped_by(stop_.take(), given_);
    throw ended_badly(end, machine->cpu(), given_, console);
  }

  shoal::linux_os::guest_pages guest_pages() const {
    using shoal::linux_os::guest_pages;
    const auto size = static_cast<std::size_t>(guest_.memory_size());
    const std::string& file = given_.ram_file;
    shoal::result<guest_pages> made =
        file.empty() ? guest_pages::allocate(size) : guest_pages::in_file(file, size);
    if (made) return std::move(*made);
    if (file.empty())
      throw failure{"cannot set up the guest", made.error(), "is there enough memory for --mem?"};
    throw failure{"cannot make " + file, made.error(),
                  "--ram-file names one that is not there yet, in a folder that is"};
  }

  tender_options& given_;
  shoal::linux_os::stop_signals stop_;  // before any thread is made
  timer timer_{stop_};
  shoal::hypercall::io_rate<timer> rate_{timer_, given_.io_limit()};
  std::string file_;
  shoal::hypercall::program guest_;
  manifest devices_;

  // What is served outlives what serves it.
  std::optional<local_disks> local_;
  std::unique_ptr<remote_disks> remote_;
  shoal::linux_os::guest_console alerts_{STDERR_FILENO, stop_};
  std::optional<guest_watch> watch_;
  std::deque<disk> opened_disks_;
  std::deque<net> opened_nets_;
  std::deque<chip> opened_chips_;
  std::deque<bus> opened_buses_;
  guest_registers<chip::type> registers_;
  shoal::linux_os::device_poll waiter_{stop_};
  shoal::hypercall::block_calls<disk> disks_;
  shoal::hypercall::net_calls<net> nets_;
  shoal::hypercall::gpio_calls<chip::type, shoal::linux_os::device_poll> pins_{waiter_};
  shoal::hypercall::i2c_calls<bus::type> buses_;
};

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a recording is finished although nobody reads what the guest prints
  return common::guarded("shoal-tender", [&] {
    tender_options given;
    if (const std::optional<int> done = read_command_line(argc, argv, given)) return *done;
    close_what_is_not_given(given);
    go_on_where_all_is(given, argv);
    return tender{given}.run();
  });
}
