// SPDX-License-Identifier: BSL-1.0
//
// kernel_socket: a socket that a process has open: its kind, its state, and both its ends, as `ss` inside would
// print them.
//
//     const auto layout = socket_layout::resolve(types);
//     for (const open_file& each : files.files) {
//       if (each.operations != socket_file_ops) continue;
//       if (const auto socket = read_socket(kernel, *layout, each)) print(family_name(socket->family), ...);
//     }
//
// Leaves out addresses of other families than IPv4, IPv6, Unix and netlink, and sockets of no process.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/base/status.hpp>
#include <shoal/vmi/address_space.hpp>
#include <shoal/vmi/linux/open_files.hpp>
#include <shoal/vmi/object.hpp>

namespace shoal::vmi {

/// Where the fields are that a socket's description needs. What a kernel was built without is not there.
struct socket_layout {
  record<"socket", "sk", "type"> socket;
  record<"socket_alloc", "socket", "vfs_inode.i_ino"> holder;
  record<"sock", "__sk_common.skc_family", "__sk_common.skc_state", "__sk_common.skc_num",
         "__sk_common.skc_dport", "__sk_common.skc_daddr", "__sk_common.skc_rcv_saddr", "sk_protocol",
         "sk_socket">
      sock;
  std::optional<record<"sock", "__sk_common.skc_v6_daddr", "__sk_common.skc_v6_rcv_saddr">> ipv6;
  std::optional<record<"unix_sock", "addr", "peer">> local;
  std::optional<record<"unix_address", "len", "name">> local_address;
  std::optional<record<"netlink_sock", "portid", "dst_portid">> netlink;

  /// not_found when the types lack a field that each socket has.
  template <type_source Types>
  [[nodiscard]] static result<socket_layout> resolve(const Types& types) {
    const auto socket = decltype(socket_layout::socket)::resolve(types);
    const auto holder = decltype(socket_layout::holder)::resolve(types);
    const auto sock = decltype(socket_layout::sock)::resolve(types);
    if (!socket || !holder || !sock) return errc::not_found;
    socket_layout out{*socket, *holder, *sock, {}, {}, {}, {}};
    resolve(types, out.ipv6);
    resolve(types, out.local);
    resolve(types, out.local_address);
    resolve(types, out.netlink);
    return out;
  }

 private:
  template <type_source Types, class Record>
  static void resolve(const Types& types, std::optional<Record>& out) {
    if (const result<Record> found = Record::resolve(types)) out = *found;
  }
};

/// Linux's numbers of families (AF_INET), of types (SOCK_STREAM) and of the states of TCP, which other sockets
/// use as well.
namespace socket_numbers {
inline constexpr std::uint16_t unix_family = 1;
inline constexpr std::uint16_t inet = 2;
inline constexpr std::uint16_t inet6 = 10;
inline constexpr std::uint16_t netlink = 16;
}  // namespace socket_numbers

/// One end of a socket.
struct socket_end {
  std::array<std::byte, 16> ip{};  ///< of inet6; of inet, the first four
  std::uint32_t port = 0;          ///< of inet and inet6; of netlink, who is at that end
  std::string path;                ///< of unix, the guest's; begins with a zero when it is no file's
  std::uint64_t inode = 0;         ///< of unix; 0 when nobody is there
};

struct kernel_socket {
  virtual_address address{};  ///< struct sock
  std::uint16_t family = 0;
  std::uint16_t type = 0;
  std::uint16_t protocol = 0;
  std::uint8_t state = 0;
  std::uint64_t inode = 0;
  socket_end local;
  socket_end remote;
};

/// "inet" and so on; empty for one that has no name here.
[[nodiscard]] constexpr std::string_view family_name(std::uint16_t family) noexcept {
  switch (family) {
    case socket_numbers::unix_family: return "unix";
    case socket_numbers::inet: return "inet";
    case socket_numbers::inet6: return "inet6";
    case socket_numbers::netlink: return "netlink";
    case 17: return "packet";
    case 31: return "bluetooth";
    case 38: return "alg";
    case 40: return "vsock";
    case 44: return "xdp";
    default: return {};
  }
}

/// "stream" and so on; empty for one that has no name here.
[[nodiscard]] constexpr std::string_view socket_type_name(std::uint16_t type) noexcept {
  constexpr std::array<std::string_view, 6> names{"", "stream", "datagram", "raw", "reliable", "sequence"};
  return type < names.size() ? names[type] : std::string_view{};
}

/// "listening" and so on; empty for one that has no name here.
[[nodiscard]] constexpr std::string_view socket_state_name(std::uint8_t state) noexcept {
  constexpr std::array<std::string_view, 13> names{
      "",           "established", "syn-sent",    "syn-received", "fin-wait-1",
      "fin-wait-2", "time-wait",   "unconnected", "close-wait",   "last-ack",
      "listening",  "closing",     "syn-received"};
  return state < names.size() ? names[state] : std::string_view{};
}

namespace detail {

template <virtual_memory Space>
class socket_reader {
 public:
  socket_reader(Space& space, const socket_layout& layout) noexcept : space_(space), layout_(layout) {}

  std::optional<kernel_socket> read(const open_file& file) {
    const object socket{space_, layout_.socket, file.content};
    const status_or<virtual_address> at = socket.template pointer<"sk">();
    const status_or<std::uint64_t> type = socket.template number<"type">();
    if (!at || !type) return std::nullopt;
    const sock_object sock{space_, layout_.sock, *at};
    const status_or<std::uint64_t> family = sock.template number<"__sk_common.skc_family">();
    const status_or<std::uint64_t> state = sock.template number<"__sk_common.skc_state">();
    const status_or<std::uint64_t> protocol = sock.template number<"sk_protocol">();
    const status_or<virtual_address> back = sock.template pointer<"sk_socket">();
    if (!family || !state || !protocol || !back || *back != file.content) return std::nullopt;
    kernel_socket out;
    out.address = *at;
    out.family = static_cast<std::uint16_t>(*family);
    out.type = static_cast<std::uint16_t>(*type);
    out.protocol = static_cast<std::uint16_t>(*protocol);
    out.state = static_cast<std::uint8_t>(*state);
    out.inode = file.inode;
    if (!read_ends(sock, out)) return std::nullopt;
    return out;
  }

 private:
  using sock_object = object<Space, decltype(socket_layout::sock)>;

  bool read_ends(const sock_object& sock, kernel_socket& out) {
    switch (out.family) {
      case socket_numbers::inet: return read_ports(sock, out) && read_ipv4(sock, out);
      case socket_numbers::inet6: return read_ports(sock, out) && read_ipv6(sock, out);
      case socket_numbers::unix_family: return read_unix(out);
      case socket_numbers::netlink: return read_netlink(out);
      default: return true;
    }
  }

  bool read_ports(const sock_object& sock, kernel_socket& out) {
    const status_or<std::uint64_t> local = sock.template number<"__sk_common.skc_num">();
    const status_or<std::uint64_t> remote = sock.template number<"__sk_common.skc_dport">();
    if (!local || !remote) return false;
    out.local.port = static_cast<std::uint16_t>(*local);
    out.remote.port = static_cast<std::uint16_t>((*remote & 0xff) << 8 | *remote >> 8);  // as on the wire
    return true;
  }

  bool read_ipv4(const sock_object& sock, kernel_socket& out) {
    return read_ip(sock.template address_of<"__sk_common.skc_rcv_saddr">(), 4, out.local) &&
           read_ip(sock.template address_of<"__sk_common.skc_daddr">(), 4, out.remote);
  }

  bool read_ipv6(const sock_object& sock, kernel_socket& out) {
    if (!layout_.ipv6) return false;
    const object more{space_, *layout_.ipv6, sock.address()};
    return read_ip(more.template address_of<"__sk_common.skc_v6_rcv_saddr">(), 16, out.local) &&
           read_ip(more.template address_of<"__sk_common.skc_v6_daddr">(), 16, out.remote);
  }

  bool read_ip(virtual_address at, std::size_t size, socket_end& out) {
    return space_.read(at, bytes_span{out.ip}.first(size)) == status::ok;
  }

  bool read_netlink(kernel_socket& out) {
    if (!layout_.netlink) return false;
    const object sock{space_, *layout_.netlink, out.address};
    const status_or<std::uint64_t> local = sock.template number<"portid">();
    const status_or<std::uint64_t> remote = sock.template number<"dst_portid">();
    if (!local || !remote) return false;
    out.local.port = static_cast<std::uint32_t>(*local);
    out.remote.port = static_cast<std::uint32_t>(*remote);
    return true;
  }

  bool read_unix(kernel_socket& out) {
    if (!layout_.local || !layout_.local_address) return false;
    const object sock{space_, *layout_.local, out.address};
    const status_or<virtual_address> peer = sock.template pointer<"peer">();
    if (!peer) return false;
    out.local.inode = out.inode;
    if (!read_unix_path(out.address, out.local.path)) return false;
    if (value(*peer) == 0) return true;
    const sock_object other{space_, layout_.sock, *peer};
    const status_or<virtual_address> socket = other.template pointer<"sk_socket">();
    if (!socket || !read_unix_path(*peer, out.remote.path)) return false;
    if (value(*socket) == 0) return true;  // closed at that end
    const object holder{space_, layout_.holder, layout_.holder.template owner<"socket">(*socket)};
    const status_or<std::uint64_t> inode = holder.template number<"vfs_inode.i_ino">();
    out.remote.inode = inode.value;
    return inode.code == status::ok;
  }

  /// struct sockaddr_un behind its family: a path up to its zero, or a zero and bytes of any kind.
  bool read_unix_path(virtual_address at, std::string& path) {
    constexpr std::uint64_t family_size = 2;
    constexpr std::uint64_t most = 108 + family_size;
    const object sock{space_, *layout_.local, at};
    const status_or<virtual_address> address = sock.template pointer<"addr">();
    if (!address) return false;
    if (value(*address) == 0) return true;  // it has no name
    const object name{space_, *layout_.local_address, *address};
    const status_or<std::uint64_t> size = name.template number<"len">();
    if (!size || *size < family_size || *size > most + 1) return false;
    path.resize(static_cast<std::size_t>(*size - family_size));
    if (space_.read(name.template address_of<"name">() + family_size,
                    std::as_writable_bytes(std::span{path})) != status::ok)
      return false;
    if (!path.starts_with('\0')) path.resize(std::min(path.size(), path.find('\0')));
    return true;
  }

  Space& space_;
  const socket_layout& layout_;
};

}  // namespace detail

/// The socket that a file is. Nothing when it cannot be read.
///
/// @pre file.operations is where the symbol socket_file_ops is
template <virtual_memory Space>
[[nodiscard]] std::optional<kernel_socket> read_socket(Space& space, const socket_layout& layout,
                                                       const open_file& file) {
  return detail::socket_reader<Space>{space, layout}.read(file);
}

}  // namespace shoal::vmi
