#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sends requests that are assigned to workers, then finds each one's trace at every hop.

    follow.py load --url URL --nats HOST:PORT --key K --requests N --out FILE [--listen]
    follow.py check FILE --nats HOST:PORT --ledger DB

load: N requests over C connections, each tried again, with its idempotency key, until it
is accepted. With --listen, what passes on decide, assignments and acks is written too.
check: of FILE, each accepted request must have one result, one usage event and one line
in the ledger, all of the trace its client knows; what else there is, is counted.
"""

import argparse
import collections
import contextlib
import json
import queue
import sqlite3
import sys
import threading
import time
import uuid

from client import Closed, Connection, Target
from nats_peer import Peer

PATH = "/api/v1/routes/decide"
HEARD = {"decide": "beamline.router.v1.decide", "assignment": "caf.exec.assign.v1", "ack": "caf.exec.assign.v1.ack"}
STREAMS = {"result": "SLUICE_RESULTS", "usage": "SLUICE_USAGE"}


# ---- load ------------------------------------------------------------------------------


def make(number, tenant):
    """(headers, body, trace) of a request; the trace is told in four ways by turns."""
    trace = uuid.uuid4().hex
    request_id = f"{number}-{trace}"
    body = {
        "version": "1",
        "tenant_id": tenant,
        "request_id": request_id,
        "push_assignment": True,
        "idempotency_key": "key-" + request_id,
        "task": {"type": "chat", "payload": {"text": "follow me", "number": number}},
    }
    headers = []
    if number % 4 == 0:
        headers.append(("traceparent", f"00-{trace}-{uuid.uuid4().hex[:16]}-01"))
    elif number % 4 == 1:
        headers.append(("X-Trace-ID", trace))
    elif number % 4 == 2:
        body["trace_id"] = trace
    else:
        trace = None  # the gateway makes one and says so in its answer
    return headers, body, trace


class Load:
    def __init__(self, given):
        self.given = given
        self.target = Target(given.url)
        self.numbers = queue.SimpleQueue()
        self.accepted = []
        self.refused = []
        self.answers = collections.Counter()
        self.deadline = time.monotonic() + given.deadline
        for number in range(given.requests):
            self.numbers.put(number)

    def run(self):
        threads = [threading.Thread(target=self.client) for _ in range(self.given.connections)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def client(self):
        connection = None
        while True:
            try:
                number = self.numbers.get_nowait()
            except queue.Empty:
                return
            connection = self.one(number, connection)

    def one(self, number, connection):
        """Asks until the request is accepted. Gives the connection for the next one."""
        more, body, trace = make(number, self.given.tenant)
        data = json.dumps(body).encode()
        headers = [("X-API-Key", self.given.key), ("Content-Type", "application/json"), *more]
        tries = 0
        while time.monotonic() < self.deadline:
            tries += 1
            try:
                connection = connection or Connection(self.target, timeout=8)
                connection.request("POST", PATH, headers, data)
                response = connection.response()
            except (Closed, OSError):
                if connection:
                    connection.close()
                connection = None
                self.answers["lost"] += 1
                time.sleep(0.05)
                continue
            self.answers[str(response.status)] += 1
            if response.status == 200:
                context = response.json()["context"]
                line = {"request_id": body["request_id"], "trace": trace or context["trace_id"]}
                line |= {"tries": tries, "told": context["trace_id"]}
                line["header"] = response.header("traceparent")
                self.accepted.append(line)
                return connection
            if response.status < 429:
                self.refused.append(response.body.decode("latin-1")[:300])
                return connection
            time.sleep(min(0.25, float(response.header("Retry-After") or 0.05)))
        self.refused.append("no answer in time")
        return connection


def load(given):
    heard = []
    peer = None
    if given.listen:
        peer = Peer(given.nats, "follow")
        for hop, subject in HEARD.items():
            peer.subscribe(subject, callback=lambda m, hop=hop: heard.append((hop, m)))
    begin = time.monotonic()
    work = Load(given)
    work.run()
    seconds = time.monotonic() - begin
    if peer:
        settle(lambda: len(heard), 3)
    with open(given.out, "w", encoding="utf-8") as out:
        for line in work.accepted:
            out.write(json.dumps({"accepted": line}) + "\n")
        for hop, message in heard:
            out.write(json.dumps({"heard": [hop, *facts(message)]}) + "\n")
    print(f"# {len(work.accepted)} accepted in {seconds:.1f} s, answers {dict(work.answers)}")
    for text in work.refused[:3]:
        print(f"# refused: {text}")
    return 0 if len(work.accepted) == given.requests else 1


def settle(count, seconds):
    """Waits until nothing has come for a second, for that long at most."""
    end, last = time.monotonic() + seconds, -1
    while time.monotonic() < end and count() != last:
        last = count()
        time.sleep(1)


# ---- check -----------------------------------------------------------------------------


def facts(message):
    """[request_id, assignment_id, traces]: each trace that a message names."""
    try:
        body = json.loads(message.data)
    except ValueError:
        body = {}
    traces = {message.header("trace_id"), body.get("trace_id") or (body.get("correlation") or {}).get("trace_id")}
    parent = message.header("traceparent")
    if parent:
        traces.add(parent.split("-")[1])
    return [body.get("request_id"), body.get("assignment_id"), sorted(str(t) for t in traces)]


def stream(peer, name):
    """facts() of all messages that a stream holds."""
    inbox = f"_INBOX.{uuid.uuid4().hex}"
    messages = []
    with peer.subscribe(inbox, callback=messages.append):
        config = {"deliver_subject": inbox, "deliver_policy": "all", "ack_policy": "none"}
        made = peer.js(f"CONSUMER.CREATE.{name}", {"stream_name": name, "config": config})
        if "error" in made:
            raise AssertionError(f"{name}: {made['error']}")
        total = peer.js(f"STREAM.INFO.{name}")["state"]["messages"]
        end = time.monotonic() + 30
        while len(messages) < total and time.monotonic() < end:
            time.sleep(0.05)
        peer.js(f"CONSUMER.DELETE.{name}.{made['name']}")
    return [facts(message) for message in messages]


def ledger(path):
    """request_id -> traces of the ledger's lines."""
    lines = collections.defaultdict(list)
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        for request_id, trace in database.execute("select request_id, trace_id from usage_events"):
            lines[request_id].append(trace)
    return lines


class Check:
    def __init__(self, path):
        self.accepted, self.heard, self.bad = {}, collections.defaultdict(list), 0
        with open(path, encoding="utf-8") as file:
            for line in map(json.loads, file):
                if "accepted" in line:
                    self.accepted[line["accepted"]["request_id"]] = line["accepted"]
                else:
                    self.heard[line["heard"][0]].append(line["heard"][1:])

    def say(self, name, wrong):
        self.bad += bool(wrong)
        print(f"not ok - {name}: {len(wrong)} wrong, {str(wrong[:2])[:400]}" if wrong else f"ok - {name}")

    def hop(self, name, found, once):
        """Each accepted request is there (once), and every message of it names its trace."""
        by_request = collections.defaultdict(list)
        for request_id, assignment_id, traces in found:
            by_request[request_id].append((assignment_id, traces))
        count, trace = [], []
        for request_id, line in self.accepted.items():
            got = by_request.get(request_id, [])
            if not got or (once and len(got) != 1):
                count.append((request_id, len(got)))
            if any(traces != [line["trace"]] for _, traces in got):
                trace.append((request_id, line["trace"], got))
        self.say(f"{len(self.accepted)} requests have {'one' if once else 'their'} {name}", count)
        self.say(f"every {name} names the trace its client knows", trace)
        others = len(by_request) - len(self.accepted.keys() & by_request.keys())
        print(f"# {name}: {len(found)} messages, {others} of other requests")
        return {request_id for request_id, _ in count + [(r, 0) for r, *_ in trace]}


def check(given):
    peer = Peer(given.nats, "follow")
    work = Check(given.file)
    wrong = set()
    lines = list(work.accepted.values())
    work.say("requests were accepted", [] if lines else ["none"])
    told = [x for x in lines if x["told"] != x["trace"]]
    work.say("the answer's body names the trace", told)
    wrong |= {x["request_id"] for x in told}
    head = [x for x in lines if x["tries"] == 1 and (x["header"] or "--").split("-")[1] != x["trace"]]
    work.say("the answer's header names the trace", head)
    wrong |= {x["request_id"] for x in head}

    end = time.monotonic() + given.wait
    while work.accepted.keys() - ledger(given.ledger).keys() and time.monotonic() < end:
        time.sleep(0.5)
    settle(lambda: sum(map(len, ledger(given.ledger).values())), 10)
    whose = {assignment_id: request_id for request_id, assignment_id, _ in work.heard["assignment"]}
    for line in work.heard["ack"]:  # an ack names its assignment alone
        line[0] = whose.get(line[1])
    for name in HEARD:
        if work.heard[name]:
            wrong |= work.hop(name, work.heard[name], name == "assignment")
    for name, stream_name in STREAMS.items():
        wrong |= work.hop(name, stream(peer, stream_name), True)
    book = [[r, None, [trace]] for r, traces in ledger(given.ledger).items() for trace in traces]
    wrong |= work.hop("line of the ledger", book, True)
    followed = 100 * (1 - len(wrong) / max(1, len(lines)))
    print(f"# followed {len(lines) - len(wrong)} of {len(lines)} requests: {followed:.4f} %")
    return 1 if work.bad else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parts = parser.add_subparsers(dest="part", required=True)
    one = parts.add_parser("load")
    one.add_argument("--url", required=True)
    one.add_argument("--nats", required=True)
    one.add_argument("--tenant", default="acme")
    one.add_argument("--key", required=True)
    one.add_argument("--requests", type=int, default=1000)
    one.add_argument("--connections", type=int, default=16)
    one.add_argument("--deadline", type=float, default=120)
    one.add_argument("--out", required=True)
    one.add_argument("--listen", action="store_true")
    two = parts.add_parser("check")
    two.add_argument("file")
    two.add_argument("--nats", required=True)
    two.add_argument("--ledger", required=True)
    two.add_argument("--wait", type=float, default=30)
    given = parser.parse_args()
    return load(given) if given.part == "load" else check(given)


if __name__ == "__main__":
    sys.exit(main())
