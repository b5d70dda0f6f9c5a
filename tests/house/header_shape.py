#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Checks the shape of the headers and that the version is the same wherever it is written.

usage: header_shape.py ROOT

A public header begins with the licence, an empty comment line and 3 to 10 lines that say what it is, then
`#pragma once`; it has at most 400 lines. Sources, scripts and examples begin with the licence. Prints what is not so
and exits 1.
"""
import json
import pathlib
import re
import sys

LICENCE = "SPDX-License-Identifier: BSL-1.0"
LONGEST_HEADER = 400
SOURCES = {".hpp", ".cpp", ".h", ".c", ".sh", ".py", ".cmake"}


def opening_comment(lines):
    """The lines of the comment that follows the licence, without the empty ones at its edges."""
    body = []
    for line in lines[1:]:
        if not line.startswith("//"):
            break
        body.append(line[2:].strip())
    while body and not body[-1]:
        body.pop()
    while body and not body[0]:
        body.pop(0)
    return body


def header_failures(path):
    lines = path.read_text().splitlines()
    if len(lines) > LONGEST_HEADER:
        yield f"{len(lines)} lines; {LONGEST_HEADER} is the limit, about 150 is usual: one header, one noun"
    if not lines or lines[0] != f"// {LICENCE}":
        yield f"line 1 is not '// {LICENCE}'"
        return
    comment = opening_comment(lines)
    # the lines of example code in it count as well, but do not push a good comment over the edge
    prose = [line for line in comment if line]
    if not 1 <= len(prose) <= 24:
        yield f"opens with {len(prose)} lines of comment: say what it is, for whom, how it is used, what it leaves out"
    if not any(line == "#pragma once" for line in lines):
        yield "no #pragma once"
    for number, line in enumerate(lines, 1):
        if re.search(r"\b(TODO|FIXME|XXX)\b", line):
            yield f"line {number}: {line.strip()}"


def version_failures(root):
    text = (root / "include/shoal/version.hpp").read_text()
    parts = [re.search(rf"#define SHOAL_VERSION_{part} (\d+)", text).group(1) for part in ("MAJOR", "MINOR", "PATCH")]
    version = ".".join(parts)
    if f'SHOAL_VERSION_STRING "{version}"' not in text:
        yield f"include/shoal/version.hpp: SHOAL_VERSION_STRING is not {version}"
    for manifest in sorted(root.rglob("vcpkg.json")):
        relative = manifest.relative_to(root)
        if relative.parts[0] == "build":
            continue
        said = json.loads(manifest.read_text()).get("version-semver")
        if said != version:
            yield f"{relative}: version-semver is {said}, include/shoal/version.hpp says {version}"
    if f"## {version}" not in (root / "CHANGELOG.md").read_text():
        yield f"CHANGELOG.md: no section '## {version}'"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    root = pathlib.Path(sys.argv[1])
    failures = []
    headers = sorted(path for path in (root / "include").rglob("*") if path.suffix in {".hpp", ".h"})
    for path in headers:
        failures += [f"{path.relative_to(root)}: {failure}" for failure in header_failures(path)]
    for folder in ("cmake", "tests", "examples", "bench", ".ci"):
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in SOURCES and path.is_file():
                with path.open(errors="replace") as file:
                    if not any(LICENCE in line for line in (file.readline(), file.readline())):
                        failures.append(f"{path.relative_to(root)}: no '{LICENCE}' in its first two lines")
    failures += version_failures(root)
    for failure in failures:
        print(failure)
    lengths = sorted(len(path.read_text().splitlines()) for path in headers)
    print(f"{len(headers)} headers, median {lengths[len(lengths) // 2]} lines, longest {lengths[-1]}: "
          f"{len(failures)} faults")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
