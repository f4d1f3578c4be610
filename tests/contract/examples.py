#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the examples of a document: blocks that begin with ```sh STATUS.

    URL=... TENANT=... KEY=... ADMIN_KEY=... examples.py docs/api.md

Every curl of a block must answer with that status, and the block must end with 0.
"""

import re
import subprocess
import sys

# A curl that says the status on standard error, whatever the example does with the rest.
CURL = """
set -u
curl() { command curl -w '%{stderr}<%{http_code}>' "$@"; }
"""


def blocks(text):
    """(line, status, script) of each example."""
    for found in re.finditer(r"^```sh (\d{3})\n(.*?)^```$", text, re.M | re.S):
        yield text.count("\n", 0, found.start()) + 1, found[1], found[2]


def run(script, status):
    """None, or what was wrong."""
    try:
        done = subprocess.run(
            ["bash", "-c", CURL + script], capture_output=True, text=True, timeout=20, check=False
        )
    except subprocess.TimeoutExpired:
        return "expected an end within 20 s, got none"
    got = re.findall(r"<(\d{3})>", done.stderr)
    if not got or any(code != status for code in got):
        return f"expected {status}, got {got} {done.stdout[:200]} {done.stderr[:200]}"
    return None if done.returncode == 0 else f"expected exit code 0, got {done.returncode}"


def main():
    failed = count = 0
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        for line, status, script in blocks(text):
            wrong = run(script, status)
            count += 1
            failed += wrong is not None
            name = f"{path}:{line}: the example answers {status}"
            print((f"not ok - {name}: {wrong}" if wrong else f"ok - {name}").replace("\n", " "))
    return 1 if failed or not count else 0


if __name__ == "__main__":
    sys.exit(main())
