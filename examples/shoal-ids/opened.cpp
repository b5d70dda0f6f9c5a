// SPDX-License-Identifier: BSL-1.0
//
// files, sockets: what processes have open.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <shoal/libp2p/ip_text.hpp>
#include <shoal/vmi/linux/kernel_views.hpp>

#include "../common/message.hpp"
#include "commands.hpp"
#include "reading.hpp"

namespace {

using common::failure;
using namespace shoal::vmi;

kernel_task process(guest& guest, std::uint32_t pid) {
  shoal::result<kernel_task> found = find_task(guest.kernel(), pid);
  if (found) return std::move(*found);
  throw failure{"there is no process " + std::to_string(pid) + " in " + guest.name(),
                "shoal-ids plist " + guest.name() + " shows which there are"};
}

std::string octal(std::uint32_t number) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "0%o", number);
  return text.data();
}

int print_files(guest& guest, const output& out, std::uint32_t pid) {
  const kernel_task task = process(guest, pid);
  const open_file_list open =
      required(open_files_of(guest.kernel(), task), "files of " + task.subject(), guest);
  out.heading("   FD  MODE     FLAGS    POSITION  PATH");
  for (const open_file& each : open.files) {
    const std::string mode = std::string{each.readable ? "r" : "-"} + (each.writable ? "w" : "-");
    const bool whole = each.path.end == walk_end::complete;
    out.put(padded(std::to_string(each.number), 5) + "    " + mode + "  " + padded(octal(each.flags), 8) +
                "  " + padded(std::to_string(each.position), 10) + "  " + printable(each.path.printed()) +
                (whole ? "" : "  <- its path is " + std::string{name_of(each.path.end)}),
            {{"fd", std::uint64_t{each.number}},
             {"mode", mode},
             {"flags", std::uint64_t{each.flags}},
             {"position", each.position},
             {"inode", each.inode},
             {"path", each.path.text},
             {"deleted", each.path.deleted},
             {"whole", whole}});
  }
  require_complete(open.end, "the table of files of " + task.subject(), guest);
  return 0;
}

/// "tcp6", "unix-stream", "netlink-0"
std::string kind_of(const kernel_socket& socket) {
  const std::string family{family_name(socket.family)};
  if (family.starts_with("inet")) {
    const std::string six = socket.family == socket_numbers::inet6 ? "6" : "";
    switch (socket.protocol) {
      case 6: return "tcp" + six;
      case 17: return "udp" + six;
      case 1:
      case 58: return "icmp" + six;
      default: return "ip" + six + "-" + std::to_string(socket.protocol);
    }
  }
  const std::string name = family.empty() ? "family-" + std::to_string(socket.family) : family;
  if (socket.family == socket_numbers::unix_family)
    return name + "-" + std::string{socket_type_name(socket.type)};
  return name + "-" + std::to_string(socket.protocol);
}

std::string end_text(const kernel_socket& socket, const socket_end& end) {
  const std::span<const std::byte> ip{end.ip};
  const std::string port = end.port == 0 ? "*" : std::to_string(end.port);
  switch (socket.family) {
    case socket_numbers::inet: {
      std::string text;
      shoal::libp2p::append_ip4(text, ip.first<4>());
      return text + ":" + port;
    }
    case socket_numbers::inet6: {
      std::string text = "[";
      shoal::libp2p::append_ip6(text, ip.first<16>());
      return text + "]:" + port;
    }
    case socket_numbers::unix_family: {
      // As ss prints them: an abstract name begins with @ instead of its zero.
      if (end.path.starts_with('\0')) return "@" + end.path.substr(1);
      if (!end.path.empty()) return end.path;
      return end.inode == 0 ? "*" : "socket:[" + std::to_string(end.inode) + "]";
    }
    case socket_numbers::netlink: return end.port == 0 ? "kernel" : port;
    default: return "*";
  }
}

class socket_table {
 public:
  socket_table(guest& guest, const output& out) : guest_(guest), out_(out) {
    out_.heading("   PID    FD  KIND             STATE         LOCAL -> REMOTE  COMMAND");
  }

  void print(const kernel_task& task) {
    const socket_list open =
        required(sockets_of(guest_.kernel(), task), "sockets of " + task.subject(), guest_);
    for (const open_socket& each : open.sockets) print_one(task, each.number, each.socket);
    if (open.end != walk_end::complete)
      require_complete(open.end, "the table of files of " + task.subject(), guest_);
  }

 private:
  void print_one(const kernel_task& task, std::uint32_t number, const kernel_socket& socket) {
    const std::string kind = kind_of(socket);
    const std::string state{socket_state_name(socket.state)};
    const std::string local = end_text(socket, socket.local);
    const std::string remote = end_text(socket, socket.remote);
    out_.put(padded(std::to_string(task.pid), 6) + " " + padded(std::to_string(number), 5) + "  " +
                 filled(kind, 15) + "  " + filled(state.empty() ? "-" : state, 12) + "  " + printable(local) +
                 " -> " + printable(remote) + "  " + printable(task.comm),
             {{"pid", std::uint64_t{task.pid}},
              {"comm", task.comm},
              {"fd", std::uint64_t{number}},
              {"kind", kind},
              {"state", state},
              {"local", local},
              {"remote", remote},
              {"inode", socket.inode}});
  }

  static std::string filled(std::string text, std::size_t width) {
    if (text.size() < width) text.resize(width, ' ');
    return text;
  }

  guest& guest_;
  const output& out_;
};

int print_sockets(guest& guest, const output& out, const std::optional<std::uint32_t>& pid) {
  if (pid) {
    const kernel_task task = process(guest, *pid);
    socket_table{guest, out}.print(task);
    return 0;
  }
  const task_list tasks = required(tasks_of(guest.kernel()), "the list of tasks", guest);
  socket_table table{guest, out};
  for (const kernel_task& each : tasks.tasks) {
    if (!each.kernel_thread) table.print(each);
  }
  require_complete(tasks.end, "the list of tasks", guest);
  return 0;
}

}  // namespace

void add_files(CLI::App& app, action& chosen) {
  auto pid = std::make_shared<std::uint32_t>(0);
  CLI::App* const sub =
      add_command(app, chosen, "files", "what a process has open", "4321 1",
                  [pid](guest& guest, const output& out) { return print_files(guest, out, *pid); });
  sub->add_option("PID", *pid, "the number of a process in the guest; hidden ones have theirs, too")
      ->required();
}

void add_sockets(CLI::App& app, action& chosen) {
  auto pid = std::make_shared<std::optional<std::uint32_t>>();
  CLI::App* const sub =
      add_command(app, chosen, "sockets", "which sockets processes have open, and what is at their ends",
                  "qmp:guest.qmp --json",
                  [pid](guest& guest, const output& out) { return print_sockets(guest, out, *pid); });
  sub->add_option("PID", *pid, "the number of one process; default: all of the list of tasks");
}
