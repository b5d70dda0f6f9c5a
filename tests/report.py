#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Passes on what ctest prints, line by line, and puts the reasons for skipped tests before its closing lines.

usage: ctest ... | report.py LAST_TEST_LOG
"""
import pathlib
import re
import sys


def reasons(log):
    """The test's name and its reason, for each line "SKIP: ..." that a test printed."""
    name = ""
    for line in log:
        if found := re.match(r"\d+/\d+ Test: (.*)", line):
            name = found[1]
        elif line.startswith("SKIP: "):
            yield f"  {name}: {line[len('SKIP: '):]}"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    closing = []  # ctest's last lines, without its own list of what was skipped: that has no reasons
    in_list_of_skipped = False
    for line in sys.stdin:
        if re.search(r"\d+% tests passed, \d+ tests? failed out of \d+", line) or closing:
            in_list_of_skipped = line.startswith("The following tests did not run:") or (
                in_list_of_skipped and not line.startswith("The following tests FAILED:"))
            if not in_list_of_skipped:
                closing.append(line)
        else:
            print(line, end="", flush=True)
    log = pathlib.Path(sys.argv[1])  # not there when ctest did not get as far as a test
    skipped = list(reasons(log.read_text(errors="replace").splitlines())) if log.exists() else []
    if skipped:
        print("\nSkipped, and why:", *skipped, sep="\n")
    print("\n" + "".join(closing).rstrip("\n"), flush=True)


if __name__ == "__main__":
    main()
