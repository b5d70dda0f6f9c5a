// SPDX-License-Identifier: BSL-1.0
//
// Has one of each kind of file and socket open, says so, and waits: what a detector outside should see.
//
//     opened FOLDER                       prints "opened PID"
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

int well(int result) {
  if (result >= 0) return result;
  std::perror("opened");
  std::exit(1);
}

void listen_at(const std::string& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, path.data(), path.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  const int server = well(socket(AF_UNIX, SOCK_STREAM, 0));
  well(bind(server, reinterpret_cast<const sockaddr*>(&name), size));
  well(listen(server, 1));
  well(connect(well(socket(AF_UNIX, SOCK_STREAM, 0)), reinterpret_cast<const sockaddr*>(&name), size));
  well(accept(server, nullptr, nullptr));
}

template <class Address>
void serve(Address name, int family) {
  const auto* const at = reinterpret_cast<const sockaddr*>(&name);
  const int server = well(socket(family, SOCK_STREAM, 0));
  well(bind(server, at, sizeof name));
  well(listen(server, 1));
  well(connect(well(socket(family, SOCK_STREAM, 0)), at, sizeof name));
  well(accept(server, nullptr, nullptr));
  const int datagrams = well(socket(family, SOCK_DGRAM, 0));
  well(bind(datagrams, at, sizeof name));
  well(connect(well(socket(family, SOCK_DGRAM, 0)), at, sizeof name));
}

}  // namespace

int main(int, char** argv) {
  const std::string folder = argv[1];
  const int file = well(open((folder + "/a file").c_str(), O_CREAT | O_RDWR | O_APPEND | O_CLOEXEC, 0600));
  well(static_cast<int>(write(file, "12345", 5)));
  const std::string gone = folder + "/gone";
  well(open(gone.c_str(), O_CREAT | O_WRONLY, 0600));
  well(unlink(gone.c_str()));
  well(open(folder.c_str(), O_PATH));
  well(dup2(file, 100));
  int ends[2];
  well(pipe2(ends, O_NONBLOCK));
  well(epoll_create1(0));
  well(eventfd(0, 0));
  well(memfd_create("name", 0));
  well(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends));
  listen_at(folder + "/socket");
  listen_at(std::string{"\0abstract", 9});
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(1234);
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  serve(name, AF_INET);
  sockaddr_in6 name6{};
  name6.sin6_family = AF_INET6;
  name6.sin6_port = htons(4321);
  name6.sin6_addr = in6addr_loopback;
  serve(name6, AF_INET6);
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  well(bind(well(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)), reinterpret_cast<const sockaddr*>(&kernel),
            sizeof kernel));
  std::printf("opened %d\n", getpid());
  std::fflush(stdout);
  pause();
}
