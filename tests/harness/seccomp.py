#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""seccomp.py COMMAND [ARGUMENT...]: runs it with a seccomp filter that answers EPERM to what
no program of a pipeline has a use for, as the default filters of container runtimes do.

bpf stays: a gateway reads the agent's maps by descriptors that the kernel keeps read-only.
"""
import ctypes
import os
import platform
import struct
import sys

# arch (linux/audit.h), then the numbers of arch/*/entry/syscalls and asm-generic/unistd.h
X86_64 = (0xC000003E, {
    "ptrace": 101, "syslog": 103, "personality": 135, "pivot_root": 155, "adjtimex": 159, "chroot": 161,
    "acct": 163, "settimeofday": 164, "mount": 165, "umount2": 166, "swapon": 167, "swapoff": 168,
    "reboot": 169, "sethostname": 170, "setdomainname": 171, "iopl": 172, "ioperm": 173, "init_module": 175,
    "delete_module": 176, "quotactl": 179, "clock_settime": 227, "kexec_load": 246, "add_key": 248,
    "request_key": 249, "keyctl": 250, "unshare": 272, "perf_event_open": 298, "open_by_handle_at": 304,
    "setns": 308, "process_vm_readv": 310, "process_vm_writev": 311, "finit_module": 313,
    "userfaultfd": 323, "io_uring_setup": 425, "open_tree": 428, "move_mount": 429, "fsopen": 430,
    "fsmount": 432, "mount_setattr": 442,
})
AARCH64 = (0xC00000B7, {
    "umount2": 39, "mount": 40, "pivot_root": 41, "chroot": 51, "quotactl": 60, "acct": 89,
    "personality": 92, "unshare": 97, "kexec_load": 104, "init_module": 105, "delete_module": 106,
    "clock_settime": 112, "syslog": 116, "ptrace": 117, "reboot": 142, "sethostname": 161,
    "setdomainname": 162, "settimeofday": 170, "adjtimex": 171, "add_key": 217, "request_key": 218,
    "keyctl": 219, "swapon": 224, "swapoff": 225, "perf_event_open": 241, "open_by_handle_at": 265,
    "setns": 268, "process_vm_readv": 270, "process_vm_writev": 271, "finit_module": 273,
    "userfaultfd": 282, "io_uring_setup": 425, "open_tree": 428, "move_mount": 429, "fsopen": 430,
    "fsmount": 432, "mount_setattr": 442,
})
MACHINES = {"x86_64": X86_64, "aarch64": AARCH64}

EPERM = 1
LOAD, EQUAL, AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06  # BPF_LD|W|ABS, JMP|JEQ|K, JMP|JGE|K, RET|K
ALLOW, ERRNO, KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000
X32 = 0x40000000
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
NUMBER_AT, ARCH_AT = 0, 4  # of struct seccomp_data


class Program(ctypes.Structure):
    """struct sock_fprog"""

    _fields_ = [("count", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def instructions(arch, numbers):
    """(code, jump when true, jump when false, k) of each"""
    made = [(LOAD, 0, 0, ARCH_AT), (EQUAL, 1, 0, arch), (RETURN, 0, 0, KILL_PROCESS)]
    made += [(LOAD, 0, 0, NUMBER_AT), (AT_LEAST, 0, 1, X32), (RETURN, 0, 0, ERRNO | EPERM)]
    for left, number in zip(range(len(numbers), 0, -1), numbers):
        made.append((EQUAL, left, 0, number))  # to the last one
    return made + [(RETURN, 0, 0, ALLOW), (RETURN, 0, 0, ERRNO | EPERM)]


def main(words):
    if not words:
        sys.exit(__doc__)
    if platform.machine() not in MACHINES:
        sys.exit(f"seccomp: no numbers of system calls for {platform.machine()}")
    arch, numbers = MACHINES[platform.machine()]
    made = instructions(arch, sorted(numbers.values()))
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *one) for one in made))
    program = Program(len(made), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) != 0:
        sys.exit(f"seccomp: {os.strerror(ctypes.get_errno())}")
    os.execvp(words[0], words)


if __name__ == "__main__":
    main(sys.argv[1:])
