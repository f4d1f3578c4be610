#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Black-box suite of the Beamline contract: one row for each rule.

    run.py --url http://HOST:PORT --nats HOST:PORT --tenant T --key K ...

--router peer: this suite answers as the router; no other router may listen.
--router real: a router, a worker and a usage ledger are running; the suite listens.
Rows for which something was not given (a second tenant, an admin key, ...) are left
out and counted. Prints "ok - name" or "not ok - name: expected ..., got ...".
"""

import argparse
import importlib
import sys
import time

from client import Closed, Target
from nats_peer import Peer, Router
from suite import ROWS, Suite

RULES = (
    "http", "routes", "auth", "fields", "forward", "router", "trace", "order", "idempotency",
    "messages", "registry", "streams", "metrics", "malformed", "decide", "jetstream", "worker",
    "pressure", "limits",
)  # limits last: they leave a tenant without budget


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--url", required=True, help="http://HOST:PORT of the gateway")
    parser.add_argument("--nats", help="HOST:PORT of the NATS server the gateway uses")
    parser.add_argument("--router", choices=("peer", "real"), default="peer")
    parser.add_argument("--tenant", default="acme", help="has room for some 1000 requests")
    parser.add_argument("--key", help="its API key")
    parser.add_argument("--other-tenant", help="another tenant")
    parser.add_argument("--other-key")
    parser.add_argument("--limited-tenant", help="refused after at most 2000 requests at once")
    parser.add_argument("--limited-key")
    parser.add_argument("--admin-key")
    parser.add_argument("--metrics-url", help="http://HOST:PORT of the listener for metrics")
    parser.add_argument("--router-timeout", type=float, help="seconds the gateway waits")
    parser.add_argument("--client-timeout", type=float, help="seconds a slow client may take")
    parser.add_argument("--only", default="", help="rows with this word in their name or file")
    parser.add_argument("--list", action="store_true", help="print the rows and leave")
    return parser.parse_args()


def load(word):
    """The rows of all rules, those with the word in their name or file."""
    chosen = []
    for name in RULES:
        begin = len(ROWS)
        importlib.import_module("rules_" + name)
        chosen += [r for r in ROWS[begin:] if word in name or word in r.name]
    return chosen


def run(suite, row):
    """None, or what was wrong."""
    try:
        row.check(suite)
        return None
    except AssertionError as error:
        return str(error)
    except (Closed, OSError, TimeoutError) as error:
        return f"expected an answer, got {type(error).__name__}: {error}"
    except Exception as error:  # pylint: disable=broad-exception-caught
        return f"expected no surprise, got {type(error).__name__}: {error}"


def main():
    given = options()
    rows = load(given.only)
    if given.list:
        print("\n".join(row.name for row in rows))
        return 0
    suite = Suite(Target(given.url), given)
    if given.metrics_url:
        suite.metrics = Target(given.metrics_url)
    if given.nats:
        suite.peer = Peer(given.nats)
        suite.router = Router(suite.peer) if given.router == "peer" else None
    failed = left_out = 0
    begin = time.monotonic()
    for row in rows:
        if not all(suite.has(need) for need in row.needs):
            left_out += 1
            continue
        wrong = run(suite, row)
        failed += wrong is not None
        line = f"not ok - {row.name}: {wrong}" if wrong else f"ok - {row.name}"
        print(line.replace("\n", " "), flush=True)
    seconds = time.monotonic() - begin
    ran = len(rows) - left_out
    print(f"# {ran} rows in {seconds:.1f} s, {failed} failed; {left_out} left out")
    return 1 if failed or not ran else 0


if __name__ == "__main__":
    sys.exit(main())
