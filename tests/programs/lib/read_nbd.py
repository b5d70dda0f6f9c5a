# SPDX-License-Identifier: BSL-1.0
"""read_nbd.py URI [PROCESS...]: reads a whole export, eight requests at a time; kills the processes when half of it is
there. Prints the SHA-256 of what came, the longest time that a request took and the time of all, in milliseconds.
"""
import hashlib
import os
import signal
import sys
import time

import nbd

piece, at_once = 64 << 10, 8


def main(uri, *processes):
    h = nbd.NBD()
    h.connect_uri(uri)
    size = h.get_size()
    hash = hashlib.sha256()
    longest, begun, next = 0.0, time.monotonic(), 0
    running = []
    victims = [int(process) for process in processes]
    for offset in range(0, size, piece):
        while next < size and len(running) < at_once:
            buffer = nbd.Buffer(min(piece, size - next))
            running.append((h.aio_pread(buffer, next), buffer, time.monotonic()))
            next += piece
        cookie, buffer, asked = running.pop(0)
        while not h.aio_command_completed(cookie):
            h.poll(-1)
        longest = max(longest, time.monotonic() - asked)
        hash.update(buffer.to_bytearray())
        if offset >= size // 2:
            for victim in victims:
                os.kill(victim, signal.SIGKILL)
            victims = []
    h.shutdown()
    print(hash.hexdigest(), round(longest * 1000), round((time.monotonic() - begun) * 1000))


main(*sys.argv[1:])
