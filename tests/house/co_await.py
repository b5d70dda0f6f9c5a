#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Finds temporaries in co_await expressions, which g++ 12 destroys twice (docs/adr/0003).

usage: co_await.py ROOT BUILD_DIR          the units of BUILD_DIR/compile_commands.json that say co_await, and every header
       co_await.py --all ROOT BUILD_DIR         every unit that may await, so that templates are seen as they are used
       co_await.py --self-test ROOT BUILD_DIR   offenders.cpp: every line marked `// offender`, and no other

The matcher is co_await.query, for clang-query 19. It sees templates as they are written and, in the units that use them, as
they are instantiated, where a conversion makes a temporary that no one wrote. Prints each place once; exits 1 if
there is one, 77 when clang-query is not installed.
"""
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

TOOL = "clang-query-19"
HERE = pathlib.Path(__file__).resolve().parent


def flags_of(command):
    """The part of a g++ command line that decides what the code means."""
    flags = []
    words = iter(shlex.split(command))
    for word in words:
        if word in ("-I", "-isystem", "-D"):
            flags += [word, next(words)]
        elif word.startswith(("-I", "-D", "-std=")):
            flags.append(word)
    return flags + ["-DASIO_HAS_CO_AWAIT=1", "-w"]


def core_rooms(root):
    """The rooms that know no coroutines, by the table in docs/house.md."""
    return set(re.findall(r"^\| (\S+)/ \| core \|", (root / "docs/house.md").read_text(), re.M))


def with_its_own(source):
    """(text, names of what else it includes) of a file, and of the files beside it that it includes."""
    names = []
    text = source.read_text()
    for quote, name in re.findall(r'^\s*#\s*include\s*(["<])([^">]+)[">]', text, re.M):
        beside = source.parent / name
        if quote == '"' and beside.is_file():
            yield from with_its_own(beside)
        else:
            names.append(name)
    yield text, names


def may_await(source, core):
    """Whether a file can get to see a coroutine: it includes Asio, or a room that does."""
    for _, names in with_its_own(source):
        for name in names:
            parts = name.split("/")
            generated = len(parts) == 1 and name.endswith(".hpp")  # and has all of them in it
            if generated or parts[0] == "asio" or (parts[0] == "shoal" and len(parts) > 2 and parts[1] not in core):
                return True
    return False


def units(root, build):
    """(source, flags) of every unit that is ours and may await; one that CMake made of several files is one."""
    core = core_rooms(root)
    found = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        source = pathlib.Path(entry["file"])
        if source.is_relative_to(root) and may_await(source, core):
            found.setdefault(source, flags_of(entry["command"]))
    found.pop(root / "tests/link/second.cpp", None)  # the same headers as first.cpp
    return sorted(found.items())


def awaits(root, source):
    """Whether a unit says co_await, itself or beside it, or is the one that includes every header."""
    return source == root / "tests/link/first.cpp" or any("co_await" in text for text, _ in with_its_own(source))


def query(script, source, flags):
    done = subprocess.run([TOOL, "-f", script, str(source), "--", *flags], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True)
    errors = [line for line in (done.stdout + done.stderr).splitlines() if re.search(r": (fatal )?error: |^Error|^\d+:\d+: ", line)]
    places = re.findall(r'^(\S+?):(\d+):(\d+): note: "offender" binds here', done.stdout, re.M)
    # a place inside another's header is a default argument of it, which its caller's line stands for
    return source, {(path, int(line), int(column)) for path, line, column in places}, errors


def search(root, work, jobs):
    """All offenders of these (source, flags), and what clang could not read."""
    files = re.escape(str(root)) + "/(include|examples|tests|bench)/"
    script = pathlib.Path(work) / "query"
    script.write_text((HERE / "co_await.query").read_text().replace("@files@", files.replace("\\", "\\\\")))
    offenders, errors = set(), []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for source, places, failed in pool.map(lambda job: query(str(script), *job), jobs):
            offenders |= {place for place in places if place[0].startswith(str(root) + "/")}
            errors += [f"{source}: {line}" for line in failed]
    return offenders, errors


def self_test(root, build, work):
    source = HERE / "coawait/offenders.cpp"
    first = next(flags for path, flags in units(root, build) if path == root / "tests/link/first.cpp")
    offenders, errors = search(root, work, [(source, first)])
    found = {line for path, line, _ in offenders if path == str(source)}
    planted = {number for number, line in enumerate(source.read_text().splitlines(), 1) if "// offender" in line}
    for line in sorted(planted - found):
        print(f"{source}:{line}: planted, and not found")
    for line in sorted(found - planted):
        print(f"{source}:{line}: found, and no offender")
    print("\n".join(errors))
    print(f"{len(found & planted)} of {len(planted)} planted offenders found")
    return 1 if found != planted or errors or not planted else 0


def main():
    arguments = sys.argv[1:]
    mode = arguments.pop(0) if arguments[:1] in (["--self-test"], ["--all"]) else None
    if len(arguments) != 2:
        sys.exit(__doc__)
    if not shutil.which(TOOL):
        print(f"SKIP: {TOOL} is not installed (sh tests/setup.sh test)")
        return 77
    root, build = (pathlib.Path(argument).resolve() for argument in arguments)
    with tempfile.TemporaryDirectory() as work:
        if mode == "--self-test":
            return self_test(root, build, work)
        jobs = [job for job in units(root, build) if mode == "--all" or awaits(root, job[0])]
        offenders, errors = search(root, work, jobs)
    for path, line, column in sorted(offenders):
        text = pathlib.Path(path).read_text().splitlines()[line - 1].strip()
        print(f"{path}:{line}:{column}: a temporary in a co_await expression; give it a name first\n    {text}")
    for error in errors:
        print(error)
    print(f"{len(jobs)} units: {len(offenders)} temporaries in co_await expressions")
    return 1 if offenders or errors else 0


if __name__ == "__main__":
    sys.exit(main())
