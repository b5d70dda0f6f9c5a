#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""How long a reader waits for a block: cold from peers, and warm beside `shoal-nbd --file`.

usage: latency.py BIN [--runs 5] [--only block,swarm,warm] [--keep FILE]

block   256 KiB leaves, an origin and a device: 256 KiB blocks in random order, one at a time over NBD, none of which
        the device has. Each run has a new device; the origin of "file" is new as well and reads its CAR, that of
        "memory" has sent every block before.
swarm   64 KiB leaves, an origin, three neighbours with all, half and a quarter of the image, a device: cold reads of
        4 KiB in random order, each in a leaf that was not touched yet.
warm    the same content by `shoal-nbd --file` and by a device that has all of it, over TCP: nbdcopy with one connection
        eight times over, fio with random 4 KiB at depth 1 and 32. Needs nbdcopy and fio.
"""
import json
import subprocess
import time

from peers import MIB, Bench, Client, median, percentile, shuffled

SIZE = 256 * MIB
ROOM = ["--cache", "400M"]


def device(bench, cid, leaf, origin, *more):
    """A peer that exports the image, and a client of it."""
    program = bench.peer("--image", cid, "--bootstrap", origin, "--unix", bench.socket(), *ROOM, *more)
    program.here = program.address()
    program.client = Client(program.uri())
    assert program.client.size == SIZE and SIZE % leaf == 0
    return program


def leave(program):
    program.client.close()
    return program.stop()


def origin_of(bench, leaf):
    return bench.peer("--provide", bench.store(f"content-{leaf}"), *ROOM)


def note_times(bench, **figures):
    times = [t * 1e3 for t in figures.pop("times")]
    bench.note(**figures, median=median(times), p90=percentile(times, 90), max=max(times), reads=len(times))


def block(bench):
    leaf = 256 << 10
    cid = bench.imported("content", leaf)
    kept = origin_of(bench, leaf)
    kept_address = kept.address()
    filling = device(bench, cid, leaf, kept_address)
    for offset in range(0, SIZE, leaf):
        filling.client.read(leaf, offset)
    leave(filling)
    for run in range(bench.options.runs):
        fresh = origin_of(bench, leaf)
        for source, address in ("file", fresh.address()), ("memory", kept_address):
            reader = device(bench, cid, leaf, address)
            offsets = shuffled(SIZE, leaf, run)
            note_times(bench, test="block", of=source, times=[reader.client.read(leaf, at) for at in offsets])
            note_times(bench, test="block", of="warm", times=[reader.client.read(leaf, at) for at in offsets])
            leave(reader)
        fresh.stop()
    kept.stop()


def swarm(bench):
    leaf = 64 << 10
    cid = bench.imported("content", leaf)
    origin = origin_of(bench, leaf)
    address = origin.address()
    neighbours = []
    for part in 1, 2, 4:
        neighbour = device(bench, cid, leaf, address)
        for offset in shuffled(SIZE, leaf, part)[:SIZE // leaf // part]:
            neighbour.client.read(4096, offset)
        neighbours.append(neighbour)
    near = [word for each in neighbours for word in ("--neighbour", each.here)]
    for run in range(bench.options.runs):
        reader = device(bench, cid, leaf, address, *near)
        time.sleep(0.5)  # until it knows its neighbours
        offsets = [at + 4096 * (at // leaf % 16) for at in shuffled(SIZE, leaf, run + 10)[:2000]]
        note_times(bench, test="swarm", of="a swarm of four", times=[reader.client.read(4096, at) for at in offsets])
        print(leave(reader))
    for each in neighbours:
        leave(each)
    origin.stop()


def fio(uri, depth):
    command = ["fio", "--name=x", "--ioengine=nbd", f"--uri={uri}", "--rw=randread", "--bs=4k", f"--iodepth={depth}",
               "--time_based", "--runtime=1", "--output-format=json", "--randrepeat=0", "--norandommap"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return json.loads(output[output.index("{"):])["jobs"][0]["read"]["iops"]


def nbdcopy(uri):
    begin = time.perf_counter()
    for _ in range(8):
        subprocess.run(["nbdcopy", "--connections=1", uri, "null:"], check=True)
    return 8 * SIZE / MIB / (time.perf_counter() - begin)


def warm(bench):
    leaf = 64 << 10
    cid = bench.imported("content", leaf)
    origin = origin_of(bench, leaf)
    peer = bench.peer("--image", cid, "--bootstrap", origin.address(), "--bind", "127.0.0.1", "--port", 0, *ROOM)
    file = bench.start("shoal-nbd", "--file", bench.work / "content", "--bind", "127.0.0.1", "--port", 0)
    servers = [("shoal-nbd --file", file, file.uri()), ("shoal-peer", peer, peer.uri())]
    tests = {"seq": nbdcopy, "rr1": lambda uri: fio(uri, 1), "rr32": lambda uri: fio(uri, 32)}
    nbdcopy(servers[1][2])
    origin.stop()
    for run in range(bench.options.runs):
        for test, measure in tests.items():
            for name, program, uri in servers if run % 2 == 0 else reversed(servers):
                program.cpu()
                rate = measure(uri)
                spent = program.cpu() / (8 * SIZE if test == "seq" else rate * 4096) * (1 << 30)
                bench.note(test=test, of=name, rate=rate, cpu=spent)
    file.stop()
    peer.stop()


def show(bench):
    for test, of in ("block", "file"), ("block", "memory"), ("block", "warm"), ("swarm", "a swarm of four"):
        medians, p90, most, reads = (bench.of(key, test=test, of=of) for key in ("median", "p90", "max", "reads"))
        if medians:
            print(f"{test:6}{of:16}{len(medians):3} runs of {reads[0]}, ms: median {median(medians):.3f} "
                  f"({min(medians):.3f} to {max(medians):.3f}), p90 {median(p90):.3f}, max {median(most):.1f} "
                  f"(of all runs {max(most):.1f})")
    for test, unit in ("seq", "MiB/s"), ("rr1", "reads/s"), ("rr32", "reads/s"):
        file = bench.of("rate", test=test, of="shoal-nbd --file")
        for of in "shoal-nbd --file", "shoal-peer":
            rates = bench.of("rate", test=test, of=of)
            if rates:
                print(f"{test:6}{of:18}{len(rates):3} runs{median(rates):9.0f} {unit:8}"
                      f"ratio {median([a / b for a, b in zip(rates, file)]):5.2f}"
                      f"  CPU-s/GiB {median(bench.of('cpu', test=test, of=of)):.3f}")


def main():
    def options(parser):
        parser.add_argument("--runs", type=int, default=5)
        parser.add_argument("--only", default="block,swarm,warm")

    with Bench(__doc__, options) as bench:
        bench.random_file("content", SIZE)
        for name in bench.options.only.split(","):
            {"block": block, "swarm": swarm, "warm": warm}[name](bench)
        show(bench)


if __name__ == "__main__":
    main()
