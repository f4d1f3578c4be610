#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints the bytes of private memory that a worker of nginx took for each connection that had
one answer and stays. One request at a time, so that no memory is of requests in flight."""
import argparse
import glob
import socket
import time

WARM = 64


def worker_of(master):
    """The youngest: an older one is still leaving after a reload."""
    found = []
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(path, encoding="ascii", errors="replace") as file:
                pid, rest = file.read().split(" ", 1)
        except OSError:
            continue
        fields = rest.rsplit(") ", 1)[1].split()
        if int(fields[1]) == master:
            found.append((int(fields[19]), int(pid)))
    return max(found)[1]


def private_bytes(pid):
    total = 0
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        for line in file:
            if line.startswith("Private_"):
                total += int(line.split()[1]) * 1024
    return total


def ask(given):
    connection = socket.create_connection(("127.0.0.1", given.port), timeout=5)
    head = f"POST {given.path} HTTP/1.1\r\nHost: idle\r\nContent-Type: application/json\r\n"
    head += f"X-API-Key: {given.key}\r\nContent-Length: {len(given.body)}\r\n\r\n"
    connection.sendall((head + given.body).encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += connection.recv(65536)
    if not answer.startswith(b"HTTP/1.1 200"):
        raise SystemExit(f"idle.py: {answer[:80]}")
    return connection


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--path", "--key", "--body"):
        parser.add_argument(name, required=True)
    for name in ("--port", "--connections", "--master"):
        parser.add_argument(name, type=int, required=True)
    given = parser.parse_args()

    worker = worker_of(given.master)
    held = [ask(given) for _ in range(WARM)]
    time.sleep(0.1)
    before = private_bytes(worker)
    held += [ask(given) for _ in range(given.connections)]
    time.sleep(0.1)
    print((private_bytes(worker) - before) // given.connections)
    for connection in held:
        connection.close()


if __name__ == "__main__":
    main()
