// SPDX-License-Identifier: BSL-1.0
#include <shoal/vmi/linux/open_files.hpp>

#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/vmi/linux/sockets.hpp>

#include "../synthetic.hpp"

using namespace shoal;
using namespace shoal::vmi;
using shoal::vmi::tests::synthetic_space;

namespace {

given_types layouts() {
  given_types types;
  const auto add = [&](std::string_view type, std::string_view path, std::uint32_t offset, std::uint32_t size) {
    types.add(std::string{type}, std::string{path}, {offset, size, 0, 0});
  };
  add("task_struct", "files", 8, 8);
  add("files_struct", "fdt", 0x10, 8);
  add("fdtable", "max_fds", 0, 4);
  add("fdtable", "fd", 8, 8);
  add("fdtable", "close_on_exec", 16, 8);
  add("fdtable", "open_fds", 24, 8);
  add("file", "f_path.mnt", 0, 8);
  add("file", "f_path.dentry", 8, 8);
  add("file", "f_inode", 16, 8);
  add("file", "f_op", 24, 8);
  add("file", "f_flags", 32, 4);
  add("file", "f_mode", 36, 4);
  add("file", "f_pos", 40, 8);
  add("file", "private_data", 48, 8);
  add("dentry", "d_parent", 0, 8);
  add("dentry", "d_name.len", 12, 4);
  add("dentry", "d_name.name", 16, 8);
  add("dentry", "d_hash.pprev", 24, 8);
  add("dentry", "d_inode", 32, 8);
  add("dentry", "d_sb", 40, 8);
  add("mount", "mnt_parent", 8, 8);
  add("mount", "mnt_mountpoint", 16, 8);
  add("mount", "mnt", 32, 32);
  add("mount", "mnt.mnt_root", 40, 8);
  add("inode", "i_ino", 8, 8);
  add("super_block", "s_type", 8, 8);
  add("file_system_type", "name", 8, 8);
  add("socket", "sk", 8, 8);
  add("socket", "type", 16, 2);
  add("socket_alloc", "socket", 0, 32);
  add("socket_alloc", "vfs_inode.i_ino", 40, 8);
  add("sock", "__sk_common.skc_family", 0, 2);
  add("sock", "__sk_common.skc_state", 2, 1);
  add("sock", "__sk_common.skc_dport", 4, 2);
  add("sock", "__sk_common.skc_num", 6, 2);
  add("sock", "__sk_common.skc_daddr", 8, 4);
  add("sock", "__sk_common.skc_rcv_saddr", 12, 4);
  add("sock", "__sk_common.skc_v6_daddr", 16, 16);
  add("sock", "__sk_common.skc_v6_rcv_saddr", 32, 16);
  add("sock", "sk_protocol", 48, 2);
  add("sock", "sk_socket", 56, 8);
  add("unix_sock", "addr", 64, 8);
  add("unix_sock", "peer", 72, 8);
  add("unix_address", "len", 4, 4);
  add("unix_address", "name", 8, 0);
  add("netlink_sock", "portid", 64, 4);
  add("netlink_sock", "dst_portid", 68, 4);
  return types;
}

/// A process with files: two mounts, / and /mnt, and what the tests open.
class process {
 public:
  synthetic_space space;

  static constexpr std::uint64_t base = 0xffff'8880'0000'0000;
  static constexpr std::uint64_t task = base;
  static constexpr std::uint64_t files = base + 0x100;
  static constexpr std::uint64_t table = base + 0x200;
  static constexpr std::uint64_t open_bits = base + 0x300;
  static constexpr std::uint64_t exec_bits = base + 0x400;
  static constexpr std::uint64_t slots = base + 0x1000;
  static constexpr std::uint64_t root_mount = base + 0x2000;
  static constexpr std::uint64_t mnt_mount = base + 0x2100;
  static constexpr std::uint64_t pipe_mount = base + 0x2200;
  static constexpr std::uint64_t rename_lock = base + 0x2300;
  static constexpr std::uint64_t root = base + 0x3000;
  static constexpr std::uint64_t mnt_root = base + 0x3100;
  static constexpr std::uint64_t tmp = base + 0x3200;

  process() {
    for (std::uint64_t at = 0; at < 0x8'0000; at += 4096) put(base + at, 0);
    put(task + 8, files);
    put(files + 0x10, table);
    put(table, 128);
    put(table + 8, slots);
    put(table + 16, exec_bits);
    put(table + 24, open_bits);
    mount(root_mount, root_mount, 0, root);
    mount(pipe_mount, pipe_mount, 0, base + 0x3f00);
    entry(root, root, "/");
    entry(tmp, root, "tmp");
    entry(base + 0x3300, tmp, "mnt");
    mount(mnt_mount, root_mount, base + 0x3300, mnt_root);
    entry(mnt_root, mnt_root, "/");
  }

  void put(std::uint64_t where, std::uint64_t number) { space.bytes.put(where, number); }

  /// A new address, with 256 bytes behind it.
  std::uint64_t fresh() { return next_ += 0x100; }

  void entry(std::uint64_t at, std::uint64_t parent, std::string_view name, std::string_view type = {}) {
    put(at, parent);
    space.bytes.put(at + 12, static_cast<std::uint32_t>(name.size()));
    put(at + 16, at + 0x60);
    space.bytes.text(at + 0x60, name);
    put(at + 24, 0x1234);  // hashed
    put(at + 32, at + 0x30);
    put(at + 0x38, 4711);
    const std::uint64_t block = fresh();
    put(at + 40, block);
    put(block + 8, block + 0x20);
    put(block + 0x28, block + 0x40);
    space.bytes.text(block + 0x40, std::string{type} + '\0');
  }
  std::uint64_t entry(std::uint64_t parent, std::string_view name) {
    const std::uint64_t at = fresh();
    entry(at, parent, name);
    return at;
  }
  /// In no directory.
  std::uint64_t lone(std::string_view name, std::string_view type) {
    const std::uint64_t at = fresh();
    entry(at, at, name, type);
    return at;
  }

  std::uint64_t open(std::uint32_t number, std::uint64_t mount, std::uint64_t dentry, std::uint32_t flags = 0) {
    const std::uint64_t file = fresh();
    put(file, mount + 32);
    put(file + 8, dentry);
    put(file + 16, dentry + 0x30);
    put(file + 24, 0xffff'ffff'8200'0000);
    space.bytes.put(file + 32, flags);
    space.bytes.put(file + 36, std::uint32_t{(flags & 1) != 0 ? 2u : 1u});
    put(file + 40, 1000 + number);
    put(slots + 8 * number, file);
    const std::uint64_t word = open_bits + number / 64 * 8;
    put(word, load(word) | std::uint64_t{1} << number % 64);
    return file;
  }
  std::uint64_t load(std::uint64_t where) {
    return read_number<std::uint64_t>(space, virtual_address{where}).value;
  }

  open_file_list read(std::size_t limit = max_steps_of_all_paths) {
    const auto layout = open_file_layout::resolve(layouts());
    REQUIRE(layout);
    return read_open_files(space, *layout, {virtual_address{rename_lock}, {}}, virtual_address{task}, limit);
  }

  /// struct sock of a socket that is open as 3.
  std::uint64_t open_socket(std::uint16_t family, std::uint16_t type, std::uint16_t protocol,
                            std::uint8_t state) {
    const std::uint64_t file = open(3, pipe_mount, lone("", "sockfs"));
    const std::uint64_t socket = fresh();
    put(file + 48, socket);
    return add_sock(socket, 4711, family, type, protocol, state);
  }
  std::uint64_t add_sock(std::uint64_t socket, std::uint64_t inode, std::uint16_t family, std::uint16_t type,
                         std::uint16_t protocol, std::uint8_t state) {
    const std::uint64_t sock = fresh();
    put(socket + 8, sock);
    space.bytes.put(socket + 16, type);
    put(socket + 40, inode);
    space.bytes.put(sock, family);
    space.bytes.put(sock + 2, state);
    space.bytes.put(sock + 48, protocol);
    put(sock + 56, socket);
    return sock;
  }
  std::optional<kernel_socket> read_the_socket(const given_types& types = layouts()) {
    const open_file_list all = read();
    REQUIRE(all.files.size() == 1);
    CHECK(all.files[0].path.text == "socket:[4711]");
    const auto layout = socket_layout::resolve(types);
    REQUIRE(layout);
    return read_socket(space, *layout, all.files[0]);
  }

 private:
  void mount(std::uint64_t at, std::uint64_t parent, std::uint64_t on, std::uint64_t top) {
    put(at + 8, parent);
    put(at + 16, on);
    put(at + 40, top);
  }

  std::uint64_t next_ = base + 0x1'0000;
};

}  // namespace

TEST_CASE("files are listed by number, with paths through mounts, flags and positions") {
  process shell;
  shell.open(0, process::root_mount, shell.entry(process::tmp, "a b"), 0100001);
  const std::uint64_t folder = shell.entry(process::mnt_root, "folder");
  shell.open(65, process::mnt_mount, shell.entry(folder, "file"));
  shell.open(3, process::mnt_mount, process::mnt_root);
  shell.open(4, process::root_mount, process::root);
  shell.put(process::exec_bits, 1 << 3);
  const open_file_list all = shell.read();
  CHECK(all.end == walk_end::complete);
  REQUIRE(all.files.size() == 4);
  CHECK(all.files[0].number == 0);
  CHECK(all.files[0].path.text == "/tmp/a b");
  CHECK(all.files[0].flags == 0100001);
  CHECK(all.files[0].writable);
  CHECK_FALSE(all.files[0].readable);
  CHECK(all.files[0].position == 1000);
  CHECK(all.files[0].inode == 4711);
  CHECK(all.files[1].number == 3);
  CHECK(all.files[1].path.text == "/tmp/mnt");
  CHECK(all.files[1].flags == 02'000'000);
  CHECK_FALSE(all.files[1].path.deleted);
  CHECK(all.files[2].path.text == "/");
  CHECK(all.files[3].number == 65);
  CHECK(all.files[3].path.printed() == "/tmp/mnt/folder/file");
  CHECK(all.files[3].path.end == walk_end::complete);
}

TEST_CASE("files without a directory are called as the kernel calls them") {
  process shell;
  const std::uint64_t gone = shell.entry(process::tmp, "gone");
  shell.put(gone + 24, 0);
  shell.open(0, process::root_mount, gone);
  shell.open(1, process::pipe_mount, shell.lone("", "pipefs"));
  shell.open(2, process::pipe_mount, shell.lone("UNIX", "sockfs"));
  shell.open(3, process::pipe_mount, shell.lone("[eventpoll]", "anon_inodefs"));
  shell.open(4, process::pipe_mount, shell.lone("memfd:x", "tmpfs"));
  const open_file_list all = shell.read();
  REQUIRE(all.files.size() == 5);
  CHECK(all.files[0].path.printed() == "/tmp/gone (deleted)");
  CHECK(all.files[1].path.printed() == "pipe:[4711]");
  CHECK(all.files[2].path.printed() == "socket:[4711]");
  CHECK(all.files[3].path.printed() == "anon_inode:[eventpoll]");
  CHECK(all.files[4].path.printed() == "/memfd:x (deleted)");
}

TEST_CASE("a process that ends has no files, and a number that was just taken has none yet") {
  process shell;
  shell.put(process::open_bits, 1);
  CHECK(shell.read().end == walk_end::complete);
  CHECK(shell.read().files.empty());
  shell.put(process::task + 8, 0);
  CHECK(shell.read().end == walk_end::complete);
}

TEST_CASE("tables and files that lie are told, after bounded work") {
  process shell;
  shell.open(0, process::root_mount, shell.entry(process::tmp, "a"));
  shell.open(1, process::root_mount, shell.entry(process::tmp, "b"));
  shell.put(process::slots, 0x10);  // no file
  open_file_list all = shell.read();
  CHECK(all.end == walk_end::unreadable);
  REQUIRE(all.files.size() == 1);
  CHECK(all.files[0].path.text == "/tmp/b");
  shell.space.bytes.put(process::table, ~std::uint32_t{0});
  shell.space.reads = 0;
  CHECK(shell.read().end == walk_end::unreadable);
  CHECK(shell.space.reads < 30'000);
  for (const std::uint64_t place : {process::task + 8, process::files + 0x10, process::table + 8,
                                    process::table + 16, process::table + 24}) {
    process other;
    other.open(0, process::root_mount, process::tmp);
    other.put(place, std::uint64_t{1} << 63);
    CHECK(other.read().end == walk_end::unreadable);
  }
}

TEST_CASE("paths that lead in circles, nowhere or have names without end are told") {
  process shell;
  const std::uint64_t one = shell.entry(process::tmp, "one");
  const std::uint64_t two = shell.entry(one, "two");
  shell.open(0, process::root_mount, two);
  const auto ends = [&](std::size_t limit = max_steps_of_all_paths) {
    const open_file_list all = shell.read(limit);
    CHECK(all.end == walk_end::complete);
    REQUIRE(all.files.size() == 1);
    return all.files[0].path.end;
  };
  CHECK(ends() == walk_end::complete);
  CHECK(ends(3) == walk_end::too_long);
  shell.put(one, two);
  shell.space.reads = 0;
  CHECK(ends() == walk_end::too_long);
  CHECK(shell.space.reads < 10 * max_path_steps);
  shell.put(one, one);
  CHECK(ends() == walk_end::torn);
  shell.put(one, 0x10);
  CHECK(ends() == walk_end::unreadable);
  shell.put(one, process::tmp);
  shell.space.bytes.put(one + 12, std::uint32_t{256});
  CHECK(ends() == walk_end::torn);
  shell.space.bytes.put(one + 12, std::uint32_t{3});
  shell.put(process::root_mount + 8, process::mnt_mount);  // each mounted on the other
  shell.put(process::root_mount + 16, process::mnt_root);
  shell.put(process::mnt_mount + 16, process::root);
  CHECK(ends() == walk_end::too_long);
}

TEST_CASE("a path that is read while somebody renames is not believed") {
  process shell;
  shell.open(0, process::root_mount, process::tmp);
  shell.space.bytes.put(process::rename_lock, std::uint32_t{8});
  CHECK(shell.read().files.at(0).path.end == walk_end::complete);
  shell.space.bytes.put(process::rename_lock, std::uint32_t{9});
  CHECK(shell.read().files.at(0).path.end == walk_end::torn);
}

TEST_CASE("sockets of IPv4 and IPv6 have ports and addresses at both ends") {
  process server;
  std::uint64_t sock = server.open_socket(socket_numbers::inet, 1, 6, 1);
  server.space.bytes.put(sock + 6, std::uint16_t{80});
  server.space.bytes.put(sock + 4, std::uint16_t{0x3412});
  server.space.bytes.put(sock + 12, std::uint32_t{0x0100007f});
  server.space.bytes.put(sock + 8, std::uint32_t{0x0200000a});
  auto read = server.read_the_socket();
  REQUIRE(read);
  CHECK(family_name(read->family) == "inet");
  CHECK(socket_type_name(read->type) == "stream");
  CHECK(socket_state_name(read->state) == "established");
  CHECK(read->protocol == 6);
  CHECK(read->inode == 4711);
  CHECK(read->local.port == 80);
  CHECK(read->remote.port == 0x1234);
  CHECK(read->local.ip[0] == std::byte{127});
  CHECK(read->remote.ip[3] == std::byte{2});

  process other;
  sock = other.open_socket(socket_numbers::inet6, 2, 17, 7);
  other.space.bytes.put(sock + 32 + 15, std::uint8_t{1});
  read = other.read_the_socket();
  REQUIRE(read);
  CHECK(socket_state_name(read->state) == "unconnected");
  CHECK(read->local.ip[15] == std::byte{1});
  CHECK(read->remote.ip[15] == std::byte{0});
}

TEST_CASE("Unix and netlink sockets have paths, inodes and numbers at their ends") {
  process server;
  std::uint64_t sock = server.open_socket(socket_numbers::unix_family, 1, 0, 1);
  auto read = server.read_the_socket();
  REQUIRE(read);
  CHECK(read->local.path.empty());
  CHECK(read->local.inode == 4711);
  CHECK(read->remote.inode == 0);

  const std::uint64_t address = server.fresh();
  server.space.bytes.put(address + 4, std::uint32_t{2 + 9});
  server.space.bytes.text(address + 10, std::string_view{"/run/a\0zz", 9});
  server.put(sock + 64, address);
  const std::uint64_t peer = server.add_sock(server.fresh(), 815, 1, 1, 0, 1);
  server.put(sock + 72, peer);
  const std::uint64_t abstract = server.fresh();
  server.space.bytes.put(abstract + 4, std::uint32_t{2 + 4});
  server.space.bytes.text(abstract + 10, std::string_view{"\0a\0b", 4});
  server.put(peer + 64, abstract);
  read = server.read_the_socket();
  REQUIRE(read);
  CHECK(read->local.path == "/run/a");
  CHECK(read->remote.path == std::string_view{"\0a\0b", 4});
  CHECK(read->remote.inode == 815);

  server.space.bytes.put(address + 4, ~std::uint32_t{0});
  CHECK_FALSE(server.read_the_socket());
  server.put(sock + 64, 0);
  server.put(sock + 72, 0x10);
  CHECK_FALSE(server.read_the_socket());

  process udev;
  sock = udev.open_socket(socket_numbers::netlink, 3, 15, 7);
  udev.space.bytes.put(sock + 64, std::uint32_t{0xdead'beef});
  read = udev.read_the_socket();
  REQUIRE(read);
  CHECK(family_name(read->family) == "netlink");
  CHECK(read->local.port == 0xdead'beef);
}

TEST_CASE("sockets of other families are told by their numbers, and those that are no sockets are not") {
  process shell;
  const std::uint64_t sock = shell.open_socket(200, 99, 3, 77);
  auto read = shell.read_the_socket();
  REQUIRE(read);
  CHECK(read->family == 200);
  CHECK(family_name(read->family).empty());
  CHECK(socket_type_name(read->type).empty());
  CHECK(socket_state_name(read->state).empty());
  given_types few;
  const given_types all = layouts();
  for (const given_types::field& each : all.fields()) {
    if (each.type != "unix_sock") few.add(each.type, each.path, each.layout);
  }
  shell.space.bytes.put(sock, socket_numbers::unix_family);
  CHECK_FALSE(shell.read_the_socket(few));
  CHECK(shell.read_the_socket());
  shell.put(sock + 56, sock);  // another one's
  CHECK_FALSE(shell.read_the_socket());
  CHECK_FALSE(socket_layout::resolve(given_types{}));
  CHECK_FALSE(open_file_layout::resolve(given_types{}));
}
