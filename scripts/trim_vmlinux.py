#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes vmlinux.h: the few kernel types the BPF programs use.

Input (standard input or a file): a full dump,
    bpftool btf dump file /sys/kernel/btf/vmlinux format c
Output (standard output): the types named below, what they contain by value,
a forward declaration for what they only point to.

    bpftool btf dump file /sys/kernel/btf/vmlinux format c | scripts/trim_vmlinux.py > vmlinux.h

Add a name below, run it, and `make check-bpf` proves that the result matches
the running kernel (tests/bpf/test_vmlinux.c).
"""

import argparse
import platform
import re
import sys

TYPEDEFS = """
__s8 __u8 __s16 __u16 __s32 __u32 __s64 __u64 __be16 __be32 __be64 __le16 __le32 __le64
__sum16 __wsum bool size_t
""".split()

STRUCTS = """
xdp_md __sk_buff bpf_sock_ops bpf_sock bpf_tcp_sock bpf_sock_tuple
ethhdr vlan_hdr iphdr ipv6hdr ipv6_opt_hdr frag_hdr in6_addr tcphdr udphdr icmphdr
""".split()

ENUMS = """
xdp_action bpf_map_type
""".split()

# Anonymous enums, each by one of its members.
ENUMS_WITH = """
false BPF_ANY BPF_F_NO_PREALLOC BPF_LOCAL_STORAGE_GET_F_CREATE BPF_RB_NO_WAKEUP BPF_RB_AVAIL_DATA
BPF_F_CURRENT_CPU BPF_F_INGRESS BPF_F_RECOMPUTE_CSUM BPF_F_CURRENT_NETNS
BPF_SOCK_OPS_VOID BPF_SOCK_OPS_STATE_CB_FLAG BPF_TCP_ESTABLISHED
""".split()

HEADER = """\
/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel types the BPF programs use, and no more. Made, not edited:
 *   bpftool btf dump file /sys/kernel/btf/vmlinux format c | scripts/trim_vmlinux.py
 * on Linux {release} ({machine}). tests/bpf/test_vmlinux.c compares each size, offset
 * and value with the running kernel. Only packet headers and UAPI contexts are
 * here, whose layout does not change, so there are no CO-RE relocations.
 */
#ifndef __VMLINUX_H__
#define __VMLINUX_H__

"""

WORD = re.compile(r"\b(struct|union|enum)\s+(\w+)")


def blocks(text):
    """The top-level declarations, in the order of the dump."""
    text = re.sub(r"^#.*$", "", text, flags=re.M)
    for found in re.finditer(r"^(?:typedef\b[^{};]*;|\w[^;{}]*\{.*?^\}[^;]*;|\w[^;{}]*;)", text,
                             flags=re.M | re.S):
        yield found.group(0)


def names(block):
    """(kind, name) a block defines; an anonymous enum defines its members."""
    found = re.match(r"(struct|union|enum)\s+(\w+)\s*\{", block)
    if found:
        return [found.groups()]
    if re.match(r"enum\s*\{", block):
        return [("member", m) for m in re.findall(r"^\s+(\w+)", block, flags=re.M)]
    found = re.match(r"typedef\b.*?\(?\*?(\w+)\)?(?:\[\w*\]|\(.*\))*;$", block, flags=re.S)
    return [("typedef", found.group(1))] if found else []


def needs(block, known):
    """What @block holds by value, and what it only points to."""
    held, pointed = set(), set()
    body = block[block.index("{"):] if "{" in block else block
    for kind, name, rest in re.findall(r"\b(struct|union|enum)\s+(\w+)\s*([^;{]*)", body):
        (pointed if rest.startswith("*") else held).add((kind, name))
    for word in re.findall(r"\b[A-Za-z_]\w*\b", body):
        if ("typedef", word) in known:
            held.add(("typedef", word))
    own = set(names(block))
    return held - own, pointed - own


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dump", nargs="?", default=sys.stdin, metavar="FILE",
                        type=argparse.FileType("r", encoding="utf-8"))
    order = list(blocks(parser.parse_args().dump.read()))
    known = {}
    for i, block in enumerate(order):
        for name in names(block):
            known.setdefault(name, i)

    wanted = ([("typedef", n) for n in TYPEDEFS] + [("struct", n) for n in STRUCTS] +
              [("enum", n) for n in ENUMS] + [("member", n) for n in ENUMS_WITH])
    missing = [name for _, name in wanted if (_, name) not in known]
    if missing:
        sys.exit("trim_vmlinux.py: not in this kernel's BTF: " + " ".join(missing))

    keep, pointed, todo = set(), set(), [known[w] for w in wanted]
    while todo:
        i = todo.pop()
        if i in keep:
            continue
        keep.add(i)
        held, seen = needs(order[i], known)
        pointed |= seen
        todo += [known[h] for h in held if h in known]

    defined = {n for i in keep for n in names(order[i])}
    sys.stdout.write(HEADER.format(release=re.match(r"[\d.]+", platform.release()).group(0).rstrip("."),
                                   machine=platform.machine()))
    for kind, name in sorted(pointed - defined):
        sys.stdout.write(f"{kind} {name};\n")
    for i in sorted(keep):
        sys.stdout.write(("\n" if "{" in order[i] else "") + order[i] + "\n")
    sys.stdout.write("\n#endif /* __VMLINUX_H__ */\n")


if __name__ == "__main__":
    main()
