#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The callers of scripts/demo_pipeline.sh, who listens to one trace, and the summary.

    demo_pipeline.py call --url URL --tenant T --key K --rate N --for SECONDS --out FILE
    demo_pipeline.py listen --nats HOST:PORT --trace ID --out FILE
    demo_pipeline.py report --nats HOST:PORT --ledger DB --hops FILE --out FILE CALLS...
"""

import argparse
import collections
import contextlib
import json
import pathlib
import queue
import sqlite3
import statistics
import sys
import threading
import time
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "contract"))

from client import Closed, Connection, Target  # noqa: E402  pylint: disable=wrong-import-position
from follow import facts, stream  # noqa: E402  pylint: disable=wrong-import-position
from nats_peer import Peer  # noqa: E402  pylint: disable=wrong-import-position

PATH = "/api/v1/routes/decide"
THREADS = 4
REQUESTS_OF_A_RUN = 5
HOPS = [
    ("decide", "beamline.router.v1.decide"),
    ("assignment", "caf.exec.assign.v1"),
    ("ack", "caf.exec.assign.v1.ack"),
    ("result", "caf.exec.result.v1"),
    ("usage", "beamline.usage.v1.metered"),
]


# ---- a tenant ------------------------------------------------------------------------


class Caller:
    """Calls at a steady rate; what was not accepted for a 503 or a lost connection is tried
    again with its idempotency key, a 429 is taken as it is."""

    def __init__(self, given):
        self.given = given
        self.answers = collections.Counter()
        self.accepted = []
        self.took_ms = []
        self.run_ids = [str(uuid.uuid4())]
        self.end = time.monotonic() + given.seconds

    def run(self):
        threads = [threading.Thread(target=self.client, args=(n,)) for n in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        out = {"name": self.given.name, "tenant": self.given.tenant, "answers": self.answers}
        out |= {"accepted": self.accepted, "took_ms": self.took_ms}
        pathlib.Path(self.given.out).write_text(json.dumps(out), encoding="utf-8")

    def client(self, number):
        pause = THREADS / self.given.rate
        at = time.monotonic() + pause * number / THREADS
        connection, count = None, 0
        run_id = str(uuid.uuid4())
        while at < self.end:
            time.sleep(max(0.0, at - time.monotonic()))
            if count % REQUESTS_OF_A_RUN == 0:
                run_id = str(uuid.uuid4())
            followed = self.given.trace if number == 0 and count == 2 else None
            connection = self.one(connection, run_id, followed)
            count += 1
            at += pause

    def one(self, connection, run_id, trace):
        trace = trace or uuid.uuid4().hex
        body = {
            "version": "1",
            "tenant_id": self.given.tenant,
            "request_id": str(uuid.uuid4()),
            "push_assignment": True,
            "idempotency_key": str(uuid.uuid4()),
            "run_id": run_id,
            "flow_id": run_id,
            "step_id": str(uuid.uuid4()),
            "task": {"type": "chat", "payload": {"text": "how warm is the sea today?"}},
        }
        headers = [
            ("X-API-Key", self.given.key),
            ("Content-Type", "application/json"),
            ("traceparent", f"00-{trace}-{uuid.uuid4().hex[:16]}-01"),
        ]
        begin = time.monotonic()
        while time.monotonic() < self.end + 10:
            try:
                connection = connection or Connection(Target(self.given.url), timeout=6)
                connection.request("POST", PATH, headers, json.dumps(body).encode())
                response = connection.response()
            except (Closed, OSError):
                connection = None
                self.answers["lost"] += 1
                time.sleep(0.1)
                continue
            self.answers[str(response.status)] += 1
            if response.status == 200:
                self.took_ms.append(1000 * (time.monotonic() - begin))
                line = {"request_id": body["request_id"], "trace": trace, "run_id": run_id}
                self.accepted.append(line)
            if response.status < 500:
                return connection
            time.sleep(0.1)
        return connection


# ---- one trace -------------------------------------------------------------------------


def listen(given):
    seen = []

    def heard(hop, message):
        if facts(message)[2] != [given.trace]:
            return
        body = message.json()
        words = ("provider_id", "status", "latency_ms", "cost", "assignment_id")
        seen.append({"hop": hop, "at": time.time()} | {k: body[k] for k in words if k in body})
        pathlib.Path(given.out).write_text(json.dumps(seen), encoding="utf-8")

    while True:
        with contextlib.suppress(OSError, ValueError, IndexError, queue.Empty):
            peer = Peer(given.nats, "demo")
            for hop, subject in HOPS:
                peer.subscribe(subject, callback=lambda m, hop=hop: heard(hop, m))
            peer.closed.wait()
        time.sleep(0.1)


# ---- the summary -----------------------------------------------------------------------


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
    that was killed had in hand is delivered again after 30 s."""
    end = time.monotonic() + seconds
    while wanted - ledger(path).keys() and time.monotonic() < end:
        time.sleep(0.2)
    return ledger(path)


def print_tenants(calls, book):
    print(f"\n{'the API':10} {'calls':>6} {'accepted':>9} {'429':>6} {'503':>5} {'lost':>5}", end="")
    print(f" {'p50 ms':>8} {'cost':>8} {'runs':>5} {'a run':>7}")
    for one in calls:
        answers = collections.Counter(one["answers"])
        runs = collections.Counter()
        for line in one["accepted"]:
            for _, run, cost in book.get(line["request_id"], []):
                runs[run] += cost
        cost = sum(runs.values())
        p50 = statistics.median(one["took_ms"]) if one["took_ms"] else 0
        print(f"{one['name']:10} {sum(answers.values()):6,} {len(one['accepted']):9,}", end="")
        print(f" {answers['429']:6,} {answers['503']:5,} {answers['lost']:5,} {p50:8.2f}", end="")
        print(f" {cost:8.3f} {len(runs):5,} {cost / max(1, len(runs)):7.4f}")


def print_trace(hops):
    if not hops:
        return
    print("\none request's trace, hop by hop")
    for hop in hops:
        more = [f"{name} {hop[name]}" for name in ("provider_id", "status", "cost") if name in hop]
        print(f"  {1000 * (hop['at'] - hops[0]['at']):8.2f} ms  {hop['hop']:11} {', '.join(more)}")


def wrong_in(lines, found):
    """Requests that do not have exactly one of these, or one of another trace."""
    by_request = collections.defaultdict(list)
    for request_id, trace in found:
        by_request[request_id].append(trace)
    return [line for line in lines if by_request[line["request_id"]] != [line["trace"]]]


def report(given):
    calls = [json.loads(pathlib.Path(path).read_text(encoding="utf-8")) for path in given.calls]
    lines = [line for one in calls for line in one["accepted"]]
    book = settled(given.ledger, {line["request_id"] for line in lines})
    hops = []
    with contextlib.suppress(FileNotFoundError):
        hops = json.loads(pathlib.Path(given.hops).read_text(encoding="utf-8"))
    print_tenants(calls, book)
    print_trace(hops)

    peer = Peer(given.nats, "demo")
    results = [(request, trace[0]) for request, _, trace in stream(peer, "SLUICE_RESULTS")]
    usage = [(request, trace[0]) for request, _, trace in stream(peer, "SLUICE_USAGE")]
    booked = [(request, row[0]) for request, rows in book.items() for row in rows]
    wrong = {name: len(wrong_in(lines, found)) for name, found in
             (("result", results), ("usage event", usage), ("line of the ledger", booked))}
    asked = {one["name"]: collections.Counter(one["answers"]) for one in calls}
    refused = sum(answers["429"] for answers in asked.values())
    names = {hop["hop"] for hop in hops}
    print()
    claims = {
        f"all {len(lines):,} accepted requests have one {name} of their trace": not bad and lines
        for name, bad in wrong.items()
    }
    claims["only the noisy tenant was refused (429)"] = refused and refused == asked["noisy"]["429"]
    claims["one request was followed through all of its hops"] = names == {hop for hop, _ in HOPS}
    for name, holds in claims.items():
        print(f"{'ok' if holds else 'not ok'} - {name}")
    out = {"accepted": len(lines), "refused_429": refused, "wrong": wrong, "hops": hops}
    pathlib.Path(given.out).write_text(json.dumps(out, indent=2) + "\n", encoding="utf-8")
    return 0 if all(claims.values()) else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parts = parser.add_subparsers(dest="part", required=True)
    one = parts.add_parser("call")
    for name in ("url", "tenant", "key", "out", "name"):
        one.add_argument("--" + name, required=True)
    one.add_argument("--rate", type=float, required=True)
    one.add_argument("--for", dest="seconds", type=float, required=True)
    one.add_argument("--trace")
    two = parts.add_parser("listen")
    for name in ("nats", "trace", "out"):
        two.add_argument("--" + name, required=True)
    three = parts.add_parser("report")
    for name in ("nats", "ledger", "hops", "out"):
        three.add_argument("--" + name, required=True)
    three.add_argument("calls", nargs="+")
    given = parser.parse_args()
    if given.part == "call":
        return Caller(given).run()
    return listen(given) if given.part == "listen" else report(given)


if __name__ == "__main__":
    sys.exit(main())
