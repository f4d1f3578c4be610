#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tenants that call a gateway at a steady rate, as the history of a run (docs/chaos.md).

    requests.py load URL TENANT=KEYFILE=RATE...      lines of JSON to standard output:
        {"event": "request", "from": S, "t": S, "tenant": T, "status": N}    0: no answer
        {"event": "ack", "t": S, "id": ID}           accepted: it has to have its end
    requests.py ledger DB                            what the ledger has, once at a time:
        {"event": "seen", "t": S, "id": ID, "count": N}

A line "WORD TEXT" of load's standard input becomes {"event": WORD, "t": S, "text": TEXT}; the
line "quiet" ends the calls, the line "." the program. Times are seconds of CLOCK_MONOTONIC.
"""
import contextlib
import json
import pathlib
import sqlite3
import sys
import threading
import time
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "contract"))

from client import Closed, Connection, Target  # noqa: E402  pylint: disable=wrong-import-position

DECIDE = "/api/v1/routes/decide"
THREADS = 24  # enough that those who wait for an answer do not hold up the rest
TEXT = "how warm is the sea today? " * 40
TIMEOUT_S = 8


class Load:
    def __init__(self, url):
        self.target = Target(url)
        self.lock = threading.Lock()
        self.quiet = threading.Event()

    def say(self, **line):
        with self.lock:
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()

    def caller(self, tenant, key, rate, number):
        """One of THREADS that share a tenant's rate."""
        connection, period = None, THREADS / rate
        due = time.monotonic() + period * number / THREADS
        while not self.quiet.wait(max(0, due - time.monotonic())):
            due = max(due + period, time.monotonic() - period)
            connection = self.call(tenant, key, connection)

    def call(self, tenant, key, connection):
        """One request; gives the connection for the next one."""
        name = uuid.uuid4().hex
        body = {"version": "1", "tenant_id": tenant, "request_id": name, "push_assignment": True,
                "task": {"type": "chat", "payload": {"text": TEXT}}}
        headers = [("X-API-Key", key), ("Content-Type", "application/json")]
        begin, status = time.monotonic(), 0
        try:
            connection = connection or Connection(self.target, timeout=TIMEOUT_S)
            connection.request("POST", DECIDE, headers, json.dumps(body).encode())
            status = connection.response().status
        except (Closed, OSError):
            if connection:
                connection.close()
            connection = None
        now = time.monotonic()
        self.say(**{"event": "request", "from": begin, "t": now, "tenant": tenant, "status": status})
        if status == 200:
            self.say(event="ack", t=now, id=name)
        return connection

    def events(self):
        for line in sys.stdin:
            word, _, text = line.strip().partition(" ")
            if word == ".":
                break
            if word == "quiet":
                self.quiet.set()
            elif word:
                self.say(event=word, t=time.monotonic(), text=text)
        self.quiet.set()


def load(url, tenants):
    made = Load(url)
    threads = []
    for tenant in tenants:
        name, key_file, rate = tenant.split("=")
        key = pathlib.Path(key_file).read_text(encoding="ascii").strip()
        for number in range(THREADS):
            threads.append(threading.Thread(target=made.caller, args=(name, key, float(rate), number)))
    for thread in threads:
        thread.start()
    made.events()
    for thread in threads:
        thread.join()


def ledger(path):
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as book:
        rows = book.execute("select request_id, count(*) from usage_events group by request_id")
        for name, count in rows.fetchall():
            print(json.dumps({"event": "seen", "t": time.monotonic(), "id": name, "count": count}))


def main(arguments):
    if len(arguments) >= 3 and arguments[0] == "load":
        load(arguments[1], arguments[2:])
    elif len(arguments) == 2 and arguments[0] == "ledger":
        ledger(arguments[1])
    else:
        print(__doc__, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
