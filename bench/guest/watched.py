#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""What watching costs a guest that counts. watched.sh starts the guest.

usage: watched.py SHOAL_IDS COUNTS GUEST PIDFILE [--pairs 30] [--period 10] [--every 1s] [--watcher-cpu N] [--realtime]

COUNTS is a file that grows by lines "PIECES NANOSECONDS", by the guest's clock. A pair is a period in which the watcher looks and one
in which it is stopped, with the one first and then the other, so that what drifts is the same for both; its figure is the rate
while watched over the rate while not. Printed are the mean of all pairs with its 95 % interval by Student's t, and their median with
one that supposes nothing of how they are spread: other load of the machine makes a few of them bad. The same by
processor time that QEMU had, which other load of the machine changes less. With --realtime guest and watcher go before all else.
"""
import argparse
import math
import os
import pathlib
import signal
import statistics
import subprocess
import time

# two-sided, 95 %, by degrees of freedom
STUDENT = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 9: 2.262, 14: 2.145, 19: 2.093, 29: 2.045, 39: 2.023, 59: 2.001}


def student(freedom):
    """Of the next smaller number that is in the table: wider, if anything."""
    return STUDENT[max(known for known in STUDENT if known <= freedom)]


class Guest:
    """How far it is."""

    def __init__(self, counts, pid):
        self.counts = open(counts, encoding="ascii", errors="replace")
        self.rest = ""
        self.tasks = pathlib.Path(f"/proc/{pid}/task")

    def new_lines(self):
        lines = (self.rest + self.counts.read()).split("\n")
        self.rest = lines.pop()
        return [tuple(map(int, line.split())) for line in lines if line.split()]

    def now(self):
        """Pieces, nanoseconds of the guest's, nanoseconds of processors."""
        self.new_lines()
        while not (lines := self.new_lines()):
            time.sleep(0.001)
        return *lines[-1], sum(int((task / "schedstat").read_text().split()[0]) for task in self.tasks.iterdir())

    def rates(self, seconds):
        """Pieces a nanosecond, by both clocks, for so long from now on."""
        pieces, clock, spent = self.now()
        time.sleep(seconds)
        pieces2, clock2, spent2 = self.now()
        return (pieces2 - pieces) / (clock2 - clock), (pieces2 - pieces) / (spent2 - spent)


def go_before_all_else(pid, realtime=True):
    """QEMU: its timers and devices before the thread that is the guest's processor, which never waits. And the watcher, born of this.
    Or back again, so that others can end QEMU."""
    policy, first, second = (os.SCHED_FIFO, 6, 5) if realtime else (os.SCHED_OTHER, 0, 0)
    threads = {int(task.name): int((task / "schedstat").read_text().split()[0]) for task in pathlib.Path(f"/proc/{pid}/task").iterdir()}
    busiest = max(threads, key=threads.get)
    for thread in threads:
        os.sched_setscheduler(thread, policy, os.sched_param(second if thread == busiest else first))
    os.sched_setscheduler(0, policy, os.sched_param(first))


class Watcher:
    """shoal-ids watch, which can be stopped."""

    def __init__(self, program, guest, every, processor):
        self.process = subprocess.Popen(["taskset", "-c", str(processor), program, "watch", guest, "--every", every])

    def set(self, looks):
        os.kill(self.process.pid, signal.SIGCONT if looks else signal.SIGSTOP)

    def processor_time(self):
        """In seconds."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self):
        self.set(True)
        self.process.kill()
        self.process.wait()


def measure(guest, watcher, pairs, period):
    """For each pair the rates while watched over those while not, by both clocks."""
    out = []
    for pair in range(pairs):
        rates = {}
        for watched in ((True, False), (False, True))[pair % 2]:
            watcher.set(watched)
            rates[watched] = guest.rates(period)
            if watcher.process.poll() is not None:
                raise SystemExit("the watcher ended: is the guest not as it should be?")
        out.append([watched / alone for watched, alone in zip(rates[True], rates[False])])
    return out


def told(what, ratios):
    mean = statistics.mean(ratios)
    half = student(len(ratios) - 1) * statistics.stdev(ratios) / math.sqrt(len(ratios))
    slower = sorted(100 * (1 - ratio) for ratio in ratios)
    left_out = max(int(len(slower) / 2 - 0.98 * math.sqrt(len(slower))), 0)  # at each end, by the binomial distribution
    print(f"slower while watched, {what}: mean {100 * (1 - mean):+.2f} % (95 %: {100 * (1 - mean - half):+.2f} to "
          f"{100 * (1 - mean + half):+.2f} %), median {statistics.median(slower):+.2f} % (95 %: {slower[left_out]:+.2f} to "
          f"{slower[-1 - left_out]:+.2f} %)")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("counts", type=pathlib.Path)
    parser.add_argument("guest")
    parser.add_argument("pidfile", type=pathlib.Path)
    parser.add_argument("--pairs", type=int, default=30)
    parser.add_argument("--period", type=float, default=10, help="seconds")
    parser.add_argument("--every", default="1s", help="between two looks; default: 1s")
    parser.add_argument("--realtime", action="store_true", help="on a machine that is busy; needs root")
    parser.add_argument("--watcher-cpu", type=int, help="default: another one than the guest's")
    options = parser.parse_args()
    if options.pairs < 2:
        parser.error("--pairs: two at least")
    processors = sorted(os.sched_getaffinity(0))
    while not options.counts.read_text(errors="replace").count("\n"):
        time.sleep(0.1)
    pid = options.pidfile.read_text().strip()
    subprocess.run(["taskset", "-a", "-p", "-c", str(processors[0]), pid], check=True, stdout=subprocess.DEVNULL)
    if options.realtime:
        go_before_all_else(pid)
    time.sleep(5)  # what the guest does at its start
    where = options.watcher_cpu if options.watcher_cpu is not None else processors[-1]
    watcher = Watcher(options.program, options.guest, options.every, where)
    time.sleep(3)
    try:
        begin, before = time.monotonic(), watcher.processor_time()
        ratios = measure(Guest(options.counts, pid), watcher, options.pairs, options.period)
        took, spent = time.monotonic() - begin, watcher.processor_time() - before
    finally:
        watcher.end()
        go_before_all_else(pid, False)
    print(f"{options.pairs} pairs of two periods of {options.period:g} s in {took:.0f} s, guest on processor {processors[0]}, "
          f"watcher on {where}, of which it took {100 * spent / (options.pairs * options.period):.1f} %")
    told("by the clock", [each[0] for each in ratios])
    told("by processor time", [each[1] for each in ratios])


if __name__ == "__main__":
    main()
