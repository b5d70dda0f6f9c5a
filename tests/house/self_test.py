#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Shows that the house checks find what they look for: plants faults in a copy of the tree.

usage: self_test.py ROOT
"""
import pathlib
import shutil
import subprocess
import sys
import tempfile

HEADER = "// SPDX-License-Identifier: BSL-1.0\n//\n// planted: a header with a fault.{comment}\n#pragma once\n\n{body}\n"

# (check, path of the planted header, its comment, its body, what the check must print)
FAULTS = [
    ("include_graph", "content/planted.hpp", "", "#include <asio/buffer.hpp>", "the standard library alone"),
    ("include_graph", "content/planted.hpp", "", "#include <shoal/task/task.hpp>", "content/ may include"),
    ("include_graph", "nbd/planted.hpp", "", "#include <shoal/content/cid.hpp>", "nbd/ may include"),
    ("include_graph", "block/planted.hpp", "", "#include <shoal/openssl/digester.hpp>", "block/ may include"),
    ("include_graph", "base/planted.hpp", "", "#include <unistd.h>", "no headers of an operating system"),
    ("include_graph", "base/planted.hpp", "", '#include "bytes.hpp"', "included as <shoal/...>"),
    ("include_graph", "base/planted.hpp", "", "#include <shoal/base/nowhere.hpp>", "no such header"),
    ("include_graph", "base/planted.hpp", " Freestanding.", "#include <shoal/base/result.hpp>", "includes one that is not"),
    ("include_graph", "attic/planted.hpp", "", "", "is no room"),
    ("include_graph", "planted.hpp", "", "#include <shoal/base/bytes.hpp>", "includes none of them"),
    ("header_shape", "base/planted.hpp", "", "\n" * 400, "400 is the limit"),
    ("header_shape", "base/planted.hpp", "", "// TODO: all of it", "TODO"),
]


def run(check, tree):
    script = tree / f"tests/house/{check}.py"
    return subprocess.run([sys.executable, "-B", str(script), str(tree)], capture_output=True, text=True)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    root = pathlib.Path(sys.argv[1])
    failures = 0
    with tempfile.TemporaryDirectory() as work:
        tree = pathlib.Path(work)
        for folder in ("include", "tests/house", "docs"):
            shutil.copytree(root / folder, tree / folder)
        shutil.copy(root / "CHANGELOG.md", tree)
        for check, path, comment, body, message in FAULTS:
            planted = tree / "include/shoal" / path
            planted.parent.mkdir(exist_ok=True)
            planted.write_text(HEADER.format(comment=comment, body=body))
            done = run(check, tree)
            if done.returncode != 1 or not any("planted.hpp" in line and message in line for line in done.stdout.splitlines()):
                print(f"{check} does not find: {path}: {body.strip()[:60] or 'its folder'} ({message})")
                failures += 1
            planted.unlink()
        shutil.copytree(root / "examples", tree / "examples")
        (tree / "README.md").write_text((root / "README.md").read_text().replace("sector_numbers", "numbers", 1))
        done = run("readme_code", tree)
        if done.returncode != 1 or "no file of examples/ ends with this code" not in done.stdout:
            print("readme_code does not find code that no example has")
            failures += 1
        planted = tree / "include/shoal/base/planted.hpp"
        planted.write_text("#pragma once\n")
        done = run("header_shape", tree)
        if done.returncode != 1 or "planted.hpp: line 1" not in done.stdout:
            print("header_shape does not find a header without licence and comment")
            failures += 1
    print(f"{len(FAULTS) + 2 - failures} of {len(FAULTS) + 2} planted faults found")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
