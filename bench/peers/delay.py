# SPDX-License-Identifier: BSL-1.0
"""A TCP relay that makes its target look far away.

usage: delay.py HOST:PORT [--rtt 20]

Listens on a free port of loopback, prints it, and gives each connection one of its own to HOST:PORT. Bytes are
delivered half of --rtt milliseconds after they came, in both directions, at any rate: distance, not a narrow line.
Threads sleep to the microsecond, which asyncio's timers do not. `--cost` measures what the relay itself adds,
with an echo behind it: the median of 500 round trips beyond the delay, and the rate of 256 MiB.
"""
import argparse
import collections
import socket
import sys
import threading
import time

PIECE = 1 << 18


class Line:
    """One direction of a connection: read at once, written later."""

    def __init__(self, source, sink, delay):
        self.source, self.sink, self.delay = source, sink, delay
        self.pieces = collections.deque()
        self.more = threading.Semaphore(0)
        self.room = threading.Semaphore(1024)
        threading.Thread(target=self.take, daemon=True).start()
        threading.Thread(target=self.give, daemon=True).start()

    def take(self):
        piece = b"?"
        while piece:
            self.room.acquire()
            try:
                piece = self.source.recv(PIECE)
            except OSError:
                piece = b""
            self.pieces.append((time.perf_counter() + self.delay, piece))
            self.more.release()

    def give(self):
        while True:
            self.more.acquire()
            due, piece = self.pieces.popleft()
            left = due - time.perf_counter()
            if left > 0:
                time.sleep(left)
            try:
                if not piece:
                    self.sink.shutdown(socket.SHUT_WR)
                    return
                self.sink.sendall(piece)
            except OSError:
                self.source.close()
                return
            self.room.release()


def relay(target, delay):
    """Serves for ever, in threads; gives the port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            near, _ = listener.accept()
            far = socket.create_connection(target)
            for end in near, far:
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            Line(near, far, delay)
            Line(far, near, delay)

    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1]


def echo():
    listener = socket.create_server(("127.0.0.1", 0))

    def answer(connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while piece := connection.recv(PIECE):
            connection.sendall(piece)

    def serve():
        while True:
            threading.Thread(target=answer, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()


def round_trip(connection, count):
    """The median of so many, in milliseconds."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    times = []
    for _ in range(count):
        begin = time.perf_counter()
        connection.sendall(b"x")
        connection.recv(1)
        times.append(time.perf_counter() - begin)
    return sorted(times)[count // 2] * 1e3


def cost(rtt):
    target = echo()
    direct = round_trip(socket.create_connection(target), 500)
    for delay in 0, rtt:
        connection = socket.create_connection(("127.0.0.1", relay(target, delay / 2e3)))
        added = round_trip(connection, 100) - delay - direct
        print(f"relay with {delay:g} ms: a round trip takes {delay:g} ms and {added * 1e3:.0f} us of its own")
    total = 1 << 28
    connection = socket.create_connection(("127.0.0.1", relay(target, rtt / 2e3)))
    begin = time.perf_counter()
    threading.Thread(target=connection.sendall, args=(bytes(total),), daemon=True).start()
    left = total
    while left:
        left -= len(connection.recv(PIECE))
    print(f"relay with {rtt:g} ms: {total / 1e6 / (time.perf_counter() - begin):.0f} MB/s there and back at once")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", nargs="?", metavar="HOST:PORT")
    parser.add_argument("--rtt", type=float, default=20, help="milliseconds; default 20")
    parser.add_argument("--cost", action="store_true", help="measure the relay itself")
    options = parser.parse_args()
    if options.cost:
        return cost(options.rtt)
    if options.target is None:
        parser.error("HOST:PORT or --cost")
    host, port = options.target.rsplit(":", 1)
    print(f"port {relay((host, int(port)), options.rtt / 2e3)}", flush=True)
    threading.Event().wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
