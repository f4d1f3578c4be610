#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The callers of scripts/demo_pipeline.sh, and who listens to one trace.

    demo_pipeline.py call --url URL --tenant T --key K --rate N --for SECONDS --out FILE
    demo_pipeline.py listen --nats HOST:PORT --trace ID --out FILE

call: until its time is over, or SIGTERM. FILE has one line of JSON for each answer, written
when it came, so that it is true also of a caller that is killed.
"""

import argparse
import contextlib
import json
import pathlib
import queue
import signal
import sys
import threading
import time
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "contract"))

from client import Closed, Connection, Target  # noqa: E402  pylint: disable=wrong-import-position
from follow import facts  # noqa: E402  pylint: disable=wrong-import-position
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
        self.end = time.monotonic() + given.seconds
        self.lock = threading.Lock()
        # Line by line. pylint: disable-next=consider-using-with
        self.out = open(given.out, "a", buffering=1, encoding="utf-8")

    def stop(self, *_):
        self.end = time.monotonic()

    def run(self):
        signal.signal(signal.SIGTERM, self.stop)
        threads = [threading.Thread(target=self.client, args=(n,)) for n in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def tell(self, answer, **more):
        with self.lock:
            self.out.write(json.dumps({"answer": answer, "at": time.time()} | more) + "\n")

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
        request = {"request_id": body["request_id"], "trace": trace, "run_id": run_id}
        begin = time.monotonic()
        while time.monotonic() < self.end + 10:
            try:
                connection = connection or Connection(Target(self.given.url), timeout=6)
                connection.request("POST", PATH, headers, json.dumps(body).encode())
                response = connection.response()
            except (Closed, OSError):
                connection = None
                self.tell("lost")
                time.sleep(0.1)
                continue
            took_ms = 1000 * (time.monotonic() - begin)
            self.tell(str(response.status), took_ms=took_ms, **request)
            if response.status < 500:
                return connection
            time.sleep(0.1)
        return connection


# ---- one trace -------------------------------------------------------------------------


def listen(given):
    seen, out = [], pathlib.Path(given.out)

    def heard(hop, message):
        if facts(message)[2] != [given.trace]:
            return
        body = message.json()
        words = ("provider_id", "status", "latency_ms", "cost", "assignment_id")
        seen.append({"hop": hop, "at": time.time()} | {k: body[k] for k in words if k in body})
        out.write_text(json.dumps(seen), encoding="utf-8")

    while True:
        with contextlib.suppress(OSError, ValueError, IndexError, queue.Empty):
            peer = Peer(given.nats, "demo")
            for hop, subject in HOPS:
                peer.subscribe(subject, callback=lambda m, hop=hop: heard(hop, m))
            if not out.exists():
                out.write_text("[]", encoding="utf-8")  # who waits for it may begin
            peer.closed.wait()
        time.sleep(0.1)


# ---- the command ------------------------------------------------------------------------


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parts = parser.add_subparsers(dest="part", required=True)
    one = parts.add_parser("call")
    for name in ("url", "tenant", "key", "out"):
        one.add_argument("--" + name, required=True)
    one.add_argument("--rate", type=float, required=True)
    one.add_argument("--for", dest="seconds", type=float, required=True)
    one.add_argument("--trace")
    two = parts.add_parser("listen")
    for name in ("nats", "trace", "out"):
        two.add_argument("--" + name, required=True)
    given = parser.parse_args()
    return Caller(given).run() if given.part == "call" else listen(given)


if __name__ == "__main__":
    sys.exit(main())
