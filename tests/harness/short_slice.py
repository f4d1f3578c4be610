#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""short_slice.py PID... or short_slice.py COMMAND [ARGUMENT...]: gives each of these, or
the command and its children, the shortest time slice (0.1 ms). They keep their nice.

Who has a short slice interrupts one with a longer one when it wakes; otherwise it waits
for the end of the other's, some 3 ms, whatever its nice value. So what is measured is
less disturbed by what else this machine does. Kernels before 6.12 ignore it.
"""
import ctypes
import os
import platform
import struct
import sys

LAYOUT = "=IIQiIQQQ"  # struct sched_attr: size policy flags nice priority runtime deadline period
SHORTEST_NS = 100_000
SCHED_SETATTR = {"x86_64": 314, "aarch64": 274}.get(platform.machine())


def shorten(pid):
    nice = os.getpriority(os.PRIO_PROCESS, pid)
    attr = struct.pack(LAYOUT, struct.calcsize(LAYOUT), 0, 0, nice, 0, SHORTEST_NS, 0, 0)
    libc = ctypes.CDLL(None, use_errno=True)
    if SCHED_SETATTR and libc.syscall(SCHED_SETATTR, pid, attr, 0) != 0:
        sys.exit(f"short_slice: {pid}: {os.strerror(ctypes.get_errno())}")


def main(words):
    if not words:
        sys.exit(__doc__)
    if words[0].isdigit():
        for word in words:
            shorten(int(word))
    else:
        shorten(0)
        os.execvp(words[0], words)


main(sys.argv[1:])
