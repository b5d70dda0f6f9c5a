#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Draws a session at a terminal. usage: terminal.py TITLE < SESSION > PICTURE.svg

A line of SESSION that begins with "$ " was typed, one that begins with "# " is a remark, all others were printed. Long lines
go on in the next one, as they do at a terminal of 100 columns.
"""
import html
import re
import sys

COLUMNS, WIDTH, HEIGHT, MARGIN = 100, 7.83, 17, 16
KINDS = [(r"\$ ", "typed"), ("# ", "remark"), ("ALERT ", "alert"), ("all is ", "well")]


def main():
    lines = []
    for line in sys.stdin.read().rstrip("\n").split("\n"):
        kind = next((name for pattern, name in KINDS if re.match(pattern, line)), "")
        lines += [(kind, line[i:i + COLUMNS]) for i in range(0, max(len(line), 1), COLUMNS)]
    width, height = round(COLUMNS * WIDTH + 2 * MARGIN), len(lines) * HEIGHT + 2 * MARGIN
    print(f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"
  font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="13">
  <title>{html.escape(sys.argv[1])}</title>
  <style>
    rect {{ fill: #10161d }}
    text {{ fill: #d5dde5; white-space: pre }}
    .typed {{ fill: #8fd0ff; font-weight: bold }}
    .remark {{ fill: #98a4b0; font-style: italic }}
    .alert {{ fill: #ff9a8a; font-weight: bold }}
    .well {{ fill: #9adf9a }}
  </style>
  <rect width="{width}" height="{height}" rx="8"/>""")
    for number, (kind, line) in enumerate(lines):
        if line:
            chosen = f' class="{kind}"' if kind else ""
            print(f'  <text x="{MARGIN}" y="{MARGIN + 13 + number * HEIGHT}"{chosen} xml:space="preserve">'
                  f"{html.escape(line, quote=False)}</text>")
    print("</svg>")


if __name__ == "__main__":
    main()
