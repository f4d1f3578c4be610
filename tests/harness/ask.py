#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Asks the agent: ask.py SOCKET REQUEST..., one answer a line.

--follow SECONDS after the socket: prints what comes after the answers as well.
"""
import array
import json
import mmap
import os
import socket
import sys
import time


def may_write(fd):
    """Whether the map lets the holder of this descriptor map it for writing."""
    try:
        mmap.mmap(fd, mmap.PAGESIZE, mmap.MAP_SHARED, mmap.PROT_WRITE).close()
    except PermissionError:
        return False
    except OSError:
        pass  # a map that cannot be mapped at all
    return True


def describe(line, writable):
    """What came along with @line, for a test to compare."""
    names = json.loads(line).get("maps", [])
    locked = [name for name, free in zip(names, writable) if not free]
    text = f"{len(writable)} descriptors"
    return text + (", read-only: " + " ".join(locked) if locked else "")


def receive_line(client, rest):
    """One line, what came after it, and whether each descriptor with it may be written."""
    descriptors = []
    while b"\n" not in rest:
        data, ancillary, _, _ = client.recvmsg(65536, socket.CMSG_SPACE(16 * 4))
        for level, kind, payload in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                fds = array.array("i")
                fds.frombytes(payload[: len(payload) // fds.itemsize * fds.itemsize])
                for fd in fds:
                    descriptors.append(may_write(fd))
                    os.close(fd)
        if not data:
            return None, rest, descriptors
        rest += data
    line, rest = rest.split(b"\n", 1)
    return line.decode(), rest, descriptors


def main():
    arguments = sys.argv[1:]
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(15)
    client.connect(arguments.pop(0))
    follow = 0.0
    if arguments and arguments[0] == "--follow":
        follow = float(arguments[1])
        arguments = arguments[2:]
    rest = b""
    for request in arguments:
        try:
            client.sendall(request.encode() + b"\n")
        except BrokenPipeError:
            pass  # turned away: the answer is there already
        line, rest, descriptors = receive_line(client, rest)
        if line is None:
            return 1
        print(line + (f" # {describe(line, descriptors)}" if descriptors else ""), flush=True)
    until = time.monotonic() + follow
    while (left := until - time.monotonic()) > 0:
        client.settimeout(left)
        try:
            line, rest, _ = receive_line(client, rest)
        except TimeoutError:
            break
        if line is None:
            return 1
        print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
