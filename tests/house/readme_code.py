#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Checks that the C++ which the README shows is code that the tests compile and run: each block stands, as it is, at the
end of a file of examples/.

usage: readme_code.py ROOT
"""
import pathlib
import re
import sys


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    root = pathlib.Path(sys.argv[1])
    shown = re.findall(r"^```cpp\n(.*?)^```$", (root / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    examples = [path.read_text() for path in (root / "examples").rglob("*.cpp")]
    strangers = [block for block in shown if not any(text.endswith("\n" + block) for text in examples)]
    for block in strangers:
        print(f"README.md: no file of examples/ ends with this code:\n{block}")
    if not shown:
        print("README.md: shows no C++")
    sys.exit(1 if strangers or not shown else 0)


if __name__ == "__main__":
    main()
