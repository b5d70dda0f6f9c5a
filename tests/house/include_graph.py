#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Checks that the headers include what docs/house.md allows and nothing else.

usage: include_graph.py ROOT

Reads the table of rooms, then every #include of ROOT/include/shoal. Prints each include that breaks a rule, with the
rule, and exits 1 if there is one.
"""
import pathlib
import re
import sys

# What `OS` in the table stands for: POSIX, the C library's own, and what Linux puts under sys/ and net/.
OS_HEADER = re.compile(r"(sys|net|netinet|arpa|netpacket)/\w+\.h|"
                       r"(unistd|fcntl|poll|signal|pthread|sched|dirent|termios|spawn|dlfcn|endian|elf|"
                       r"grp|pwd|netdb|syslog|ucontext|ifaddrs|getopt)\.h")
STANDARD_HEADER = re.compile(r"[a-z0-9_]+|std(def|int)\.h")  # the latter in headers for C


class Room:
    def __init__(self, name, target, rooms, others):
        self.name = name
        self.target = target
        self.rooms = rooms      # named in the table; may_include() closes the set
        self.others = others    # prefixes, or "OS"


def read_table(path):
    rooms = {}
    for line in path.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) != 5 or not re.fullmatch(r"[a-z0-9_/]+/", cells[0]):
            continue
        name = cells[0].rstrip("/")
        below = [] if cells[3] == "–" else [room.strip() for room in cells[3].split(",")]
        rooms[name] = Room(name, cells[1], below, re.findall(r"`([^`]+)`", cells[4]))
    for room in rooms.values():
        for below in room.rooms:
            if below not in rooms:
                sys.exit(f"{path}: room {room.name} may include {below}, which is not in the table")
    return rooms


def may_include(rooms, name):
    """The room itself and all below it. A cycle in the table is an error."""
    seen = {}

    def visit(room, path):
        if room in path:
            sys.exit("docs/house.md: rooms in a circle: " + " -> ".join(path + [room]))
        if room not in seen:
            seen[room] = True
            for below in rooms[room].rooms:
                visit(below, path + [room])

    visit(name, [])
    return set(seen)


def room_of(rooms, header):
    """The room of include/shoal/HEADER: the longest folder that the table names. None for shoal/*.hpp."""
    parts = header.split("/")[:-1]
    while parts:
        if "/".join(parts) in rooms:
            return "/".join(parts)
        parts.pop()
    return None


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    root = pathlib.Path(sys.argv[1])
    rooms = read_table(root / "docs/house.md")
    if len(rooms) < 10:
        sys.exit("docs/house.md: the table of rooms was not found")
    allowed = {name: may_include(rooms, name) for name in rooms}
    # a header's target may use its own and those it links: more than a room's floor, this keeps OpenSSL out of shoal
    targets = {"core": {"core"}, "shoal": {"core", "shoal"}, "openssl": {"core", "openssl"},
               "linux": {"core", "shoal", "linux"}}
    failures = []
    count = 0
    headers = root / "include/shoal"
    freestanding = {}
    paths = sorted(path for path in headers.rglob("*") if path.suffix in {".hpp", ".h"})
    for path in paths:
        opening = re.match(r"(//.*\n)+", path.read_text())
        text = opening.group(0) if opening else ""
        freestanding[path.relative_to(headers).as_posix()] = bool(re.search(r"^// (.*\. )?Freestanding[.:, ]", text, re.M))

    for path in paths:
        header = path.relative_to(headers).as_posix()
        room = room_of(rooms, header)
        if room is None and "/" in header:
            failures.append(f"{path}: its folder is no room of docs/house.md")
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = re.match(r"\s*#\s*include\s*([<\"])([^>\"]+)[>\"]", line)
            if not match:
                continue
            count += 1
            included = match.group(2)

            def fail(why):
                failures.append(f"{path}:{number}: {included}: {why}")

            if match.group(1) == '"':
                fail("headers are included as <shoal/...>")
            elif included.startswith("shoal/"):
                inner = included[len("shoal/"):]
                if inner not in freestanding:
                    fail("there is no such header")
                    continue
                other = room_of(rooms, inner)
                if other is None:
                    continue
                if room is None:
                    fail("a header outside the rooms includes none of them")
                elif other not in allowed[room]:
                    fail(f"{room}/ may include {', '.join(sorted(allowed[room]))} (docs/house.md)")
                elif rooms[other].target not in targets[rooms[room].target]:
                    fail(f"shoal::{rooms[room].target} does not link shoal::{rooms[other].target}")
                if freestanding[header] and not freestanding[inner]:
                    fail("a freestanding header includes one that is not")
            elif STANDARD_HEADER.fullmatch(included):
                pass
            elif room is None:
                fail("a header outside the rooms includes only the standard library")
            elif OS_HEADER.fullmatch(included):
                if "OS" not in rooms[room].others:
                    fail(f"{room}/ uses no headers of an operating system (docs/house.md)")
            elif not any(included.startswith(prefix) for prefix in rooms[room].others):
                fail(f"{room}/ may use {', '.join(rooms[room].others) or 'the standard library alone'} (docs/house.md)")
    for failure in failures:
        print(failure)
    print(f"{count} includes of {len(freestanding)} headers in {len(rooms)} rooms: {len(failures)} not allowed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
