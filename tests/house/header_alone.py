#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Checks that each header compiles alone, with the warnings and definitions of the project.

usage: header_alone.py ROOT BUILD_DIR

Compiler and flags are those of tests/link/first.cpp in BUILD_DIR/compile_commands.json. Nothing is generated: a header that
lacks an include is found before that, in a third of the time. Prints what the compiler says of each that fails.
"""
import concurrent.futures
import json
import os
import pathlib
import shlex
import subprocess
import sys


def command_of(root, build):
    """The compiler with its flags, without input and output."""
    for entry in json.loads((build / "compile_commands.json").read_text()):
        if pathlib.Path(entry["file"]) == root / "tests/link/first.cpp":
            break
    else:
        sys.exit("header_alone.py: tests/link/first.cpp is not compiled in " + str(build))
    words = [word for word in shlex.split(entry["command"]) if pathlib.Path(word).name != "ccache"]
    kept = words[:1]
    rest = iter(words[1:])
    for word in rest:
        if word in ("-I", "-isystem", "-D"):
            kept += [word, next(rest)]
        elif word.startswith(("-I", "-D", "-std=", "-W", "-f")):
            kept.append(word)
    return kept


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    root, build = (pathlib.Path(argument).resolve() for argument in sys.argv[1:])
    command = command_of(root, build)
    headers = sorted((root / "include").rglob("*.hpp"))

    def compile_alone(header):
        text = f"#include <{header.relative_to(root / 'include')}>\n"
        return header, subprocess.run([*command, "-fsyntax-only", "-x", "c++", "-"], input=text, text=True,
                                      capture_output=True)

    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for header, done in pool.map(compile_alone, headers):
            if done.returncode == 0:
                continue
            failed += 1
            print(f"{header.relative_to(root)} does not compile alone:\n{done.stderr}")
    print(f"{len(headers)} headers: {failed} do not compile alone")
    return 1 if failed or not headers else 0


if __name__ == "__main__":
    sys.exit(main())
