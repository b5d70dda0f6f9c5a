#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""A whole file from peer to peer: ours to ours beside Helia to Helia. bulk.sh runs it.

Both origins stay; each round fetches with a new process of ours and of Helia's, the other one first in every
second round. MB/s is what the client says: ours from its start, with the connection to make; Helia's from when it is
connected. CPU-seconds are those of both processes, of Helia's client with the start of Node.js.
"""
import re

from peers import MIB, Bench, Program, median, timed


class Ours:
    name = "shoal"

    def __init__(self, bench, leaf):
        self.bench = bench
        self.cid = bench.imported("content", leaf)
        self.origin = bench.peer("--provide", bench.store(f"content-{leaf}"))
        self.address = self.origin.address()

    def fetch(self, cache="256M"):
        command = [self.bench.bin / "shoal-peer", "get", self.cid, "--bootstrap", self.address]
        cpu, memory, said = timed(command + ["--dht", "off", "--cache", cache], "stderr")
        return float(re.search(r"([\d.]+) MB/s", said)[1]), cpu, memory


class Helia:
    name = "Helia"

    def __init__(self, bench, leaf):
        given = bench.options
        self.program = [given.node, f"{given.helia}/fetch.mjs"]
        serve = [given.node, f"{given.helia}/serve.mjs", "--file", bench.work / "content", "--leaf", leaf]
        self.origin = Program(bench, serve)
        self.address = self.origin.said("MULTIADDR").split()[1]
        self.cid = self.origin.said("CID").split()[1]
        self.origin.said("READY")

    def fetch(self):
        cpu, memory, said = timed([*self.program, self.address, self.cid])
        return float(re.search(r"MBPS ([\d.]+)", said)[1]), cpu, memory


def measure(bench, peers, leaf, runs):
    gib = bench.options.size / 1024
    for run in range(runs):
        for peer in peers if run % 2 == 0 else reversed(peers):
            peer.origin.cpu()
            rate, cpu, memory = peer.fetch()
            bench.note(who=peer.name, leaf=leaf, rate=rate, client=cpu / gib, origin=peer.origin.cpu() / gib,
                       client_memory=memory, origin_memory=peer.origin.peak_memory())
    rate, _, memory = peers[0].fetch("64M")
    bench.note(who="shoal --cache 64M", leaf=leaf, small_rate=rate, small_memory=memory)


def show(bench):
    print(f"{'leaf':>8} {'who':8}{'runs':>5}{'MB/s':>7}{'best':>7}{'worst':>7}  CPU-s/GiB client  origin   MiB client  origin")
    for leaf in sorted({f["leaf"] for f in bench.figures}):
        for who in "shoal", "Helia":
            rates, *others = (bench.of(key, who=who, leaf=leaf)
                              for key in ("rate", "client", "origin", "client_memory", "origin_memory"))
            client, origin, client_memory, origin_memory = others
            print(f"{leaf:8} {who:8}{len(rates):5}{median(rates):7.0f}{max(rates):7.0f}{min(rates):7.0f}"
                  f"{median(client):18.2f}{median(origin):8.2f}{max(client_memory):13.0f}{max(origin_memory):8.0f}")
        ours, helia = (bench.of("rate", who=who, leaf=leaf) for who in ("shoal", "Helia"))
        small = bench.of("small_memory", leaf=leaf)
        print(f"{leaf:8} ours to Helia's: median of the rounds {median([a / b for a, b in zip(ours, helia)]):.1f}, "
              f"our median to its best {median(ours) / max(helia):.1f}; with --cache 64M at most {max(small):.0f} MiB, "
              f"{median(bench.of('small_rate', leaf=leaf)):.0f} MB/s")


def main():
    def options(parser):
        parser.add_argument("--runs", type=int, default=5)
        parser.add_argument("--size", type=int, default=256, help="MiB")
        parser.add_argument("--leaf", default="262144,1048576", help="bytes, several with commas")
        parser.add_argument("--node", required=True, help="the program node, 22 or later")
        parser.add_argument("--helia", required=True, help="where Helia and its programs are")

    with Bench(__doc__, options) as bench:
        bench.random_file("content", bench.options.size * MIB)
        for leaf in map(int, bench.options.leaf.split(",")):
            peers = [Ours(bench, leaf), Helia(bench, leaf)]
            measure(bench, peers, leaf, bench.options.runs)
            for peer in peers:
                peer.origin.stop()
        show(bench)


if __name__ == "__main__":
    main()
