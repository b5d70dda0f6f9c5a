# SPDX-License-Identifier: BSL-1.0
"""What the measurements beside this file share: programs that run, images, NBD clients, figures.

Everything is started below one folder that goes when the script ends, on loopback, with a DHT that is off: who is
asked for blocks is who the command line names.
"""
import argparse
import json
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

try:
    import nbd
except ImportError:
    print(f"SKIP: {sys.executable} has no libnbd; Debian's python3-libnbd brings it")
    sys.exit(77)

MIB = 1 << 20
TICKS = os.sysconf("SC_CLK_TCK")


class Bench:
    """The folder, the programs, and what is still running."""

    def __init__(self, description, add_options):
        parser = argparse.ArgumentParser(description=description.splitlines()[0])
        parser.add_argument("bin", help="the folder of shoal-peer, shoal-nbd and shoal-image, built as Release")
        parser.add_argument("--keep", metavar="FILE", help="add the figures to FILE and sum up all that it has")
        add_options(parser)
        self.options = parser.parse_args()
        self.bin = pathlib.Path(self.options.bin).resolve()
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="shoal-bench."))
        self.running = []
        self.figures = []
        if self.options.keep and os.path.exists(self.options.keep):
            with open(self.options.keep, encoding="ascii") as file:
                self.figures = [json.loads(line) for line in file]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for program in self.running:
            program.stop()
        shutil.rmtree(self.work)

    def start(self, name, *arguments):
        """A program of ours that stays."""
        return Program(self, [self.bin / name, *arguments])

    def peer(self, *arguments):
        """A shoal-peer; its addresses are what it prints first."""
        return self.start("shoal-peer", "--listen", "/ip4/127.0.0.1/tcp/0", "--dht", "off", *arguments)

    def socket(self):
        return self.work / f"{len(self.running)}.sock"

    def note(self, **figure):
        self.figures.append(figure)
        if self.options.keep:
            with open(self.options.keep, "a", encoding="ascii") as file:
                print(json.dumps(figure), file=file)

    def of(self, key, **where):
        """The figures called so, of all notes that are of these."""
        return [f[key] for f in self.figures if key in f and all(f.get(k) == v for k, v in where.items())]

    def random_file(self, name, size):
        with open(self.work / name, "wb") as file:
            for _ in range(size // MIB):
                file.write(os.urandom(MIB))

    def imported(self, name, leaf):
        """The CID of a file whose blocks are then in the store NAME-LEAF."""
        command = [self.bin / "shoal-image", "import", self.work / name, "--quiet"]
        command += ["--store", self.store(f"{name}-{leaf}"), "--chunker", f"size-{leaf}"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def store(self, name):
        return f"car:{self.work / name}.car"


class Program:
    """A process: what it prints, what it costs."""

    def __init__(self, bench, command):
        self.command = [str(part) for part in command]
        self.log = bench.work / f"{len(bench.running)}.log"
        with open(self.log, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=log, text=True)
        bench.running.append(self)
        self.cpu_before = 0.0

    def said(self, prefix):
        """Waits for the line that begins so."""
        for line in self.process.stdout:
            if line.startswith(prefix):
                return line.strip()
        self.process.wait()
        raise SystemExit(f"{' '.join(self.command)} ended: {self.log.read_text()}")

    def address(self):
        return self.said("/ip4/")

    def uri(self):
        return self.said("nbd")

    def cpu(self):
        """CPU-seconds since the last time that this was asked."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        total = (int(fields[11]) + int(fields[12])) / TICKS
        spent, self.cpu_before = total - self.cpu_before, total
        return spent

    def peak_memory(self):
        """The most that was resident, MiB."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 1024

    def stop(self):
        """Gives what it said at its end, such as where a peer's blocks came from."""
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait()
        return self.log.read_text().strip()


class Client:
    """An NBD client that makes one request at a time."""

    def __init__(self, uri):
        self.handle = nbd.NBD()
        self.handle.connect_uri(uri)
        self.size = self.handle.get_size()

    def read(self, length, offset):
        """How long it took, in seconds."""
        begin = time.perf_counter()
        self.handle.pread(length, offset)
        return time.perf_counter() - begin

    def close(self):
        self.handle.shutdown()


def shuffled(size, step, seed):
    """All offsets below size that are multiples of step, in an order of its own."""
    offsets = list(range(0, size, step))
    random.Random(seed).shuffle(offsets)
    return offsets


def median(values):
    return statistics.median(values) if values else float("nan")


def percentile(values, percent):
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)]


def timed(command, says="stdout"):
    """Runs it to its end: (CPU-seconds, most memory in MiB, what it wrote to the stream `says`)."""
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, says: subprocess.PIPE}
    with subprocess.Popen([str(part) for part in command], text=True, **streams) as process:
        output = getattr(process, says).read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{command[0]} ended with {process.returncode}: {output}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output
