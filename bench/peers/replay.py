#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Boots that were recorded, replayed with their think time over NBD: plain NBD beside devices of a swarm.

usage: replay.py BIN TRACE [--runs 20] [--pace 1.0] [--rtt 20] [--only WAY,...] [--keep FILE]

TRACE is CSV, offset,length,time,op, as --trace of shoal-nbd and shoal-peer writes it. Its reads are made one after the
other; between them passes the time that passed between them when the trace was recorded, at most half a second
(--pace shortens it). The image is random where a MiB is touched, and else a hole; leaves of 64 KiB. The figure is
the sum of the read latencies of a replay; the rounds are interleaved, each with a new process, for where one is put
in memory and on processors makes a tenth of a difference. A device has nothing when it starts:

plain            shoal-nbd --image, with all that will be read in its cache
swarm            shoal-peer with the origin and a neighbour that has booted before
swarm+prefetch   and --prefetch TRACE
alone            shoal-peer with the origin alone
alone+prefetch
far-...          the same with the origin behind delay.py, --rtt milliseconds away; the neighbour is near
"""
import csv
import os
import pathlib
import subprocess
import sys
import time

from peers import MIB, Bench, Client, Program, median

NEAR = ["plain", "swarm", "swarm+prefetch", "alone", "alone+prefetch"]
WAYS = NEAR + ["far-" + way for way in NEAR]
LONGEST_THINK = 0.5
DELAY = pathlib.Path(__file__).with_name("delay.py")


def reads_of(path, pace):
    """(offset, length, seconds to wait before)"""
    with open(path, encoding="ascii") as file:
        rows = [row for row in csv.DictReader(file) if row["op"].lower() == "read"]
    times = [float(row["time"]) for row in rows]
    thinks = [0.0] + [min(max(b - a, 0.0), LONGEST_THINK) * pace for a, b in zip(times, times[1:])]
    return [(int(row["offset"]), int(row["length"]), think) for row, think in zip(rows, thinks)]


def replay(client, reads):
    """The latencies, in seconds."""
    latencies = []
    for offset, length, think in reads:
        if think > 0:
            time.sleep(think)
        latencies.append(client.read(length, offset))
    return latencies


class Field:
    """The servers that stay, and devices that come and go."""

    def __init__(self, bench):
        self.bench = bench
        self.trace = bench.options.trace
        self.reads = reads_of(self.trace, bench.options.pace)
        self.hasty = [(offset, length, 0) for offset, length, _ in self.reads]
        self.make_image()
        self.cid = bench.imported("image", 64 << 10)
        self.store = bench.store(f"image-{64 << 10}")
        self.origin = bench.peer("--provide", self.store)
        self.address = self.origin.address()
        self.neighbour = self.device(self.address)
        self.here = self.neighbour.address()
        self.warm(self.neighbour.uri())
        far_port = self.relay(self.address.split("/")[4])
        self.far_address = self.address.replace(f"/tcp/{self.address.split('/')[4]}/", f"/tcp/{far_port}/")

    def make_image(self):
        size = max(offset + length for offset, length, _ in self.reads)
        with open(self.bench.work / "image", "wb") as file:
            for piece in sorted({offset // MIB for offset, _, _ in self.reads}):
                file.seek(piece * MIB)
                file.write(os.urandom(2 * MIB))
            file.truncate(-(-size // MIB) * MIB)

    def relay(self, port):
        program = Program(self.bench, [sys.executable, DELAY, f"127.0.0.1:{port}", "--rtt", self.bench.options.rtt])
        return program.said("port").split()[1]

    def device(self, origin, *more):
        return self.bench.peer("--image", self.cid, "--bootstrap", origin, "--bind", "127.0.0.1", "--port", 0, *more)

    def warm(self, uri):
        client = Client(uri)
        replay(client, self.hasty)
        client.close()

    def run(self, way):
        far, plain = way.startswith("far-"), way.endswith("plain")
        begin = time.perf_counter()
        if plain:
            program = self.bench.start("shoal-nbd", "--image", self.cid, "--store", self.store, "--bind", "127.0.0.1",
                                       "--port", 0)
            uri = program.uri()
            self.warm(uri)
            if far:
                uri = f"nbd://127.0.0.1:{self.relay(uri.rstrip('/').rsplit(':', 1)[1])}/"
        else:
            more = ["--neighbour", self.here] if "swarm" in way else []
            more += ["--prefetch", self.trace] if "prefetch" in way else []
            program = self.device(self.far_address if far else self.address, *more)
            uri = program.uri()
        client = Client(uri)
        ready = 0 if plain else time.perf_counter() - begin
        latencies = replay(client, self.reads)
        client.close()
        said = program.stop()
        traffic = "" if plain else said
        self.bench.note(trace=pathlib.Path(self.trace).name, way=way, sum=sum(latencies) * 1e3, ready=ready * 1e3,
                        max=max(latencies) * 1e3, median=median(latencies) * 1e3, traffic=traffic)


def show(bench):
    for trace in sorted({f["trace"] for f in bench.figures}):
        print(f"{trace}: milliseconds")
        print(f"{'way':22}{'runs':>5}{'sum':>9}{'least':>9}{'most':>9}{'ratio':>7}{'median':>8}{'longest':>9}{'ready':>7}")
        for way in WAYS:
            sums, longest, middle, ready = (bench.of(key, trace=trace, way=way)
                                            for key in ("sum", "max", "median", "ready"))
            if not sums:
                continue
            base = bench.of("sum", trace=trace, way="far-plain" if way.startswith("far-") else "plain")
            ratio = median([a / b for a, b in zip(sums, base)])
            print(f"{way:22}{len(sums):5}{median(sums):9.1f}{min(sums):9.1f}{max(sums):9.1f}{ratio:7.2f}"
                  f"{median(middle):8.3f}{median(longest):9.2f}{median(ready):7.0f}"
                  f"  {bench.of('traffic', trace=trace, way=way)[-1]}")


def main():
    def options(parser):
        parser.add_argument("trace")
        parser.add_argument("--runs", type=int, default=20)
        parser.add_argument("--pace", type=float, default=1.0, help="of the think time; 0: none")
        parser.add_argument("--rtt", type=float, default=20, help="milliseconds to the origin; default 20")
        parser.add_argument("--only", default=",".join(WAYS))

    with Bench(__doc__, options) as bench:
        subprocess.run([sys.executable, DELAY, "--cost", "--rtt", str(bench.options.rtt)], check=True)
        field = Field(bench)
        ways = bench.options.only.split(",")
        for run in range(bench.options.runs):
            for way in ways if run % 2 == 0 else reversed(ways):
                field.run(way)
        show(bench)


if __name__ == "__main__":
    main()
