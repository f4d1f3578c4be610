#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The summary of scripts/demo_pipeline.sh: what each tenant was answered, what the kernel
took over, what the runs cost, one trace hop by hop, and whether the sums add up.

    demo_summary.py --nats HOST:PORT --ledger DB --trace ID --escalations N --out FILE DIR

DIR has calls.NAME.jsonl of each caller, kernel.NAME.json (sluicectl tenants get NAME --json)
and hops.json of the listener. Exit code 1 when a claim does not hold.
"""

import argparse
import collections
import contextlib
import json
import pathlib
import sqlite3
import statistics
import sys
import time

from demo_pipeline import HOPS, PATH  # puts tests/contract on the path
from follow import stream
from nats_peer import Peer

TENANTS = ("steady", "noisy", "third")
WAYS = {
    "request": ("POST " + PATH, "steady > gateway"),
    "decide": (dict(HOPS)["decide"], "gateway > router"),
    "assignment": (dict(HOPS)["assignment"], "router > worker"),
    "answer": ("200", "gateway > steady"),
    "ack": (dict(HOPS)["ack"], "worker > router"),
    "result": (dict(HOPS)["result"], "worker > router"),
    "usage": (dict(HOPS)["usage"], "router > ledger"),
}
FACTS = {"provider_id": "by", "status": "", "cost": "for"}


class Tenant:
    """What one tenant was answered; a caller that was killed may have left half a line."""

    def __init__(self, folder, name):
        self.name = name
        self.lines = []
        for text in (folder / f"calls.{name}.jsonl").read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(ValueError):
                self.lines.append(json.loads(text))
        self.answers = collections.Counter(line["answer"] for line in self.lines)
        self.accepted = [line for line in self.lines if line["answer"] == "200"]
        kernel = json.loads((folder / f"kernel.{name}.json").read_text(encoding="utf-8"))
        self.escalated = sum(r["packets"] for r in kernel["reasons"] if r["reason"] == "escalated")

    def costs(self, book):
        """run -> what the ledger says it cost"""
        runs = collections.Counter()
        for line in self.accepted:
            for _, run, cost in book.get(line["request_id"], []):
                runs[run] += cost
        return runs


# ---- the ledger -----------------------------------------------------------------------


def ledger(path):
    """request_id -> [(trace, run, cost)]"""
    lines = collections.defaultdict(list)
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        query = "select request_id, trace_id, run_id, cost from usage_events"
        for request_id, *rest in database.execute(query):
            lines[request_id].append(tuple(rest))
    return lines


def settled(path, wanted, seconds=45):
    """The ledger, when all that is wanted is in it, or no later than that: what a program
    that was killed had in hand is delivered again after its ack_wait (30 s). And a second
    more, for what should not be there."""
    end = time.monotonic() + seconds
    while wanted - ledger(path).keys() and time.monotonic() < end:
        time.sleep(0.2)
    time.sleep(1)
    return ledger(path)


# ---- what is printed ---------------------------------------------------------------------


def print_tenants(tenants, book):
    print(f"\n{'the API':8} {'calls':>6} {'accepted':>9} {'429':>6} {'503':>5} {'lost':>5}", end="")
    print(f" {'in kernel':>10} {'p50 ms':>8} {'cost':>7} {'runs':>5} {'a run':>7}")
    for one in tenants:
        costs = one.costs(book)
        cost = sum(costs.values())
        p50 = statistics.median(line["took_ms"] for line in one.accepted) if one.accepted else 0
        print(f"{one.name:8} {len(one.lines):6,} {len(one.accepted):9,}", end="")
        print(f" {one.answers['429']:6,} {one.answers['503']:5,} {one.answers['lost']:5,}", end="")
        print(f" {one.escalated:10,} {p50:8.2f}", end="")
        print(f" {cost:7.3f} {len(costs):5,} {cost / max(1, len(costs)):7.4f}")


def print_escalations(count, packets):
    print(f"\n{count} escalations since the gateway's start: a connection that keeps asking after 429 is")
    print(f"handed to the kernel until its Retry-After has passed. {packets:,} packets of noisy were dropped")
    print("there (in kernel, reason escalated), and the gateway had no work by them.")


def whole_trace(hops, tenants, trace):
    """The hops that were heard, and what the client saw, in order of time; but who listens
    may hear of a request after the client has its answer."""
    for line in (line for one in tenants for line in one.accepted if line["trace"] == trace):
        hops.append({"hop": "request", "at": line["at"] - line["took_ms"] / 1000})
        hops.append({"hop": "answer", "at": line["at"]})
    first = ("request", "decide", "answer")
    key = {name: number - len(first) for number, name in enumerate(first)}
    return sorted(hops, key=lambda hop: (key.get(hop["hop"], 0), hop["at"]))


def print_trace(hops, trace):
    if not hops:
        return
    print(f"\none request hop by hop, as heard on the bus; trace {trace}")
    for hop in hops:
        what, way = WAYS[hop["hop"]]
        more = [f"{word} {hop[name]}".strip() for name, word in FACTS.items() if name in hop]
        line = f"  {1000 * (hop['at'] - hops[0]['at']):7.2f} ms  {hop['hop']:11} {way:17}"
        print(f"{line} {what:28} {' '.join(more)}".rstrip())


# ---- whether it adds up --------------------------------------------------------------------


def wrong_in(lines, found):
    """Requests that do not have exactly one of these, or one of another trace."""
    by_request = collections.defaultdict(list)
    for request_id, trace in found:
        by_request[request_id].append(trace)
    return [line for line in lines if by_request[line["request_id"]] != [line["trace"]]]


def wrongs(given, lines, book):
    """What each accepted request must have one of -> how many have not"""
    peer = Peer(given.nats, "demo")
    found = {
        name: [(request, traces[0]) for request, _, traces in stream(peer, stream_name)]
        for name, stream_name in (("result", "SLUICE_RESULTS"), ("usage event", "SLUICE_USAGE"))
    }
    found["line of the ledger"] = [(key, row[0]) for key, rows in book.items() for row in rows]
    return {name: len(wrong_in(lines, had)) for name, had in found.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    for name in ("nats", "ledger", "trace", "out"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--escalations", type=int, required=True)
    parser.add_argument("folder", type=pathlib.Path)
    given = parser.parse_args()

    tenants = [Tenant(given.folder, name) for name in TENANTS]
    lines = [line for one in tenants for line in one.accepted]
    book = settled(given.ledger, {line["request_id"] for line in lines})
    hops = []
    with contextlib.suppress(FileNotFoundError):
        hops = json.loads((given.folder / "hops.json").read_text(encoding="utf-8"))
    hops = whole_trace(hops, tenants, given.trace)
    refused = {one.name: one.answers["429"] for one in tenants}
    dropped = {one.name: one.escalated for one in tenants}

    print_tenants(tenants, book)
    print_escalations(given.escalations, dropped["noisy"])
    print_trace(hops, given.trace)
    print()
    wrong = wrongs(given, lines, book)
    claims = {
        f"all {len(lines):,} accepted requests have one {name} of their trace": not bad and lines
        for name, bad in wrong.items()
    }
    claims["only the noisy tenant was refused (429)"] = 0 < refused["noisy"] == sum(refused.values())
    only_noisy = 0 < dropped["noisy"] == sum(dropped.values())
    claims["only the noisy tenant was escalated into the kernel"] = only_noisy
    claims["one request was followed through all of its hops"] = {h["hop"] for h in hops} == set(WAYS)
    for name, holds in claims.items():
        print(f"{'ok' if holds else 'not ok'} - {name}")
    out = {"accepted": len(lines), "refused_429": refused, "escalated_packets": dropped}
    out |= {"escalations": given.escalations, "wrong": wrong, "hops": hops}
    pathlib.Path(given.out).write_text(json.dumps(out, indent=2) + "\n", encoding="utf-8")
    return 0 if all(claims.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
