#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds connections to a worker of nginx, each of which had one answer.

    idle_connections.py --port N --path P --key K --body TEXT --connections N --master PID

Prints "bytes N", the private memory that the worker took for each of them. Then, for a line
on standard input, asks again on each and prints "served N".
"""
import argparse
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "bench"))

from idle import WARM, ask, private_bytes, worker_of  # noqa: E402


def served(connection, request):
    """Whether it is answered 200 once more. The end of the first answer may come before."""
    try:
        connection.sendall(request)
        answer = b""
        while b"HTTP/1.1 " not in answer or b"\r\n\r\n" not in answer:
            more = connection.recv(65536)
            if not more:
                return False
            answer += more
    except OSError:
        return False
    return b"HTTP/1.1 200" in answer


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    for name in ("--path", "--key", "--body"):
        parser.add_argument(name, required=True)
    for name in ("--port", "--connections", "--master"):
        parser.add_argument(name, type=int, required=True)
    given = parser.parse_args()
    head = f"POST {given.path} HTTP/1.1\r\nHost: idle\r\nContent-Type: application/json\r\n"
    head += f"X-API-Key: {given.key}\r\nContent-Length: {len(given.body)}\r\n\r\n"

    worker = worker_of(given.master)
    warm = [ask(given) for _ in range(WARM)]
    time.sleep(0.1)
    before = private_bytes(worker)
    held = [ask(given) for _ in range(given.connections)]
    time.sleep(0.1)
    print("bytes", (private_bytes(worker) - before) // given.connections, flush=True)
    for _ in sys.stdin:
        request = (head + given.body).encode()
        print("served", sum(served(connection, request) for connection in held), flush=True)
    for connection in warm + held:
        connection.close()


if __name__ == "__main__":
    main()
