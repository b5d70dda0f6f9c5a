#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Checks that each header compiles alone, with the warnings and definitions of the project.

usage: header_alone.py ROOT BUILD_DIR

Compiler and flags are those of tests/link/first.cpp in BUILD_DIR/compile_commands.json. Nothing is generated: a header that
lacks an include is found before that, in a third of the time. A header that a unit of BUILD_DIR includes first, as its test
does, is compiled alone there. Prints what the compiler says of each that fails.
"""
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys


def command_of(root, entries):
    """The compiler with its flags, without input and output, and without sanitizers, which check what is generated."""
    for entry in entries:
        if pathlib.Path(entry["file"]) == root / "tests/link/first.cpp":
            break
    else:
        sys.exit("header_alone.py: the build does not compile tests/link/first.cpp")
    words = [word for word in shlex.split(entry["command"]) if pathlib.Path(word).name != "ccache"]
    kept = words[:1]
    rest = iter(words[1:])
    for word in rest:
        if word in ("-I", "-isystem", "-D"):
            kept += [word, next(rest)]
        elif word.startswith(("-I", "-D", "-std=", "-W", "-f")) and not word.startswith("-fsanitize="):
            kept.append(word)
    return kept


def first_includes(root, entries):
    """The headers that a unit includes before all others."""
    found = set()
    for entry in entries:
        include = re.search(r"^\s*#\s*include\s*(\S+)", pathlib.Path(entry["file"]).read_text(), re.M)
        if include and include[1].startswith("<shoal/"):
            found.add(root / "include" / include[1].strip("<>"))
    return found


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    root, build = (pathlib.Path(argument).resolve() for argument in sys.argv[1:])
    entries = json.loads((build / "compile_commands.json").read_text())
    command = command_of(root, entries)
    shown = first_includes(root, entries)
    headers = {path for path in (root / "include").rglob("*") if path.suffix in {".hpp", ".h"}}

    def compile_alone(header):
        text = f"#include <{header.relative_to(root / 'include')}>\n"
        return header, subprocess.run([*command, "-fsyntax-only", "-x", "c++", "-"], input=text, text=True,
                                      capture_output=True)

    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for header, done in pool.map(compile_alone, sorted(headers - shown)):
            if done.returncode == 0:
                continue
            failed += 1
            print(f"{header.relative_to(root)} does not compile alone:\n{done.stderr}")
    print(f"{len(headers)} headers, {len(headers & shown)} of them first in a unit: {failed} do not compile alone")
    return 1 if failed or not headers else 0


if __name__ == "__main__":
    sys.exit(main())
