# SPDX-License-Identifier: Apache-2.0
"""An overloaded router as a client sees it (contract 1.5 cause 3, section 3)."""

import contextlib
import json
import time

from nats_peer import answer_ok
from suite import DECIDE, MESSAGES, decided, error_body, every_answer, row, same, table, true

STATUS = "beamline.router.v2.status.backpressure"
SOON = 10.0  # seconds in which a gateway has heard it


def status_map(status):
    """As the contract's router answers it."""
    limits = {"pending_messages": 1000, "latency_p95_ms": 5000, "inflight_messages": 500}
    policy = {"retry_after_seconds": 30, "max_retry_attempts": 3}
    said = {"subject": DECIDE, "status": status, "metrics": limits, "thresholds": limits}
    return json.dumps(said | {"policy": policy, "timestamp": int(time.time() * 1000)}).encode()


def until(t, wanted, what):
    deadline = time.monotonic() + SOON
    while True:
        response = t.decide()
        if wanted(response):
            return response
        true(time.monotonic() < deadline, f"{what} in {SOON} s", response.status)
        time.sleep(0.1)


@contextlib.contextmanager
def says(t, status, wanted):
    """While the block runs the router is that; afterwards it is well, and was heard to be."""
    said = [status_map(status)]
    with t.peer.subscribe(STATUS, callback=lambda m: t.peer.publish(m.reply, said[0])):
        try:
            yield until(t, wanted, status)
        finally:
            said[0] = status_map("inactive")
            limit = limit_of_a_read(t)
            until(t, lambda r: r.status == 200 and limit_of(r) == limit, "inactive")


def limit_of(response):
    return int(response.header("X-RateLimit-Limit") or 0)


def limit_of_a_read(t):
    return limit_of(t.ask("GET", DECIDE + "/1"))


def is_shed(response):
    return response.status == 503


def shed(t, path):
    with says(t, "active", is_shed), t.router.plays(answer_ok) as seen:
        waits = []
        for _ in range(10):
            response = t.ask("POST", path, body=t.decide_body())
            error_body(response, 503, "service_overloaded")
            waits.append(int(response.header("Retry-After")))
        same(seen, [], "messages to the router")
    true(all(1 <= wait <= 60 for wait in waits), "Retry-After around 30 s", waits)
    true(len(set(waits)) > 1, "Retry-After with jitter", waits)


table(
    shed,
    [
        ("pressure: active sheds decide with 503 and a jittered Retry-After", DECIDE),
        ("pressure: active sheds messages with 503 and a jittered Retry-After", MESSAGES),
    ],
    ["peer"],
)


def not_shed(t, path, statuses):
    with says(t, "active", is_shed):
        response = t.ask("GET", path)
        true(response.status in statuses, f"status of {path} while the router is active", response.status)
        every_answer(response)


table(
    not_shed,
    [
        ("pressure: active never sheds health", "/health", (200,)),
        ("pressure: active never sheds GET of a decision", DECIDE + "/1", (200,)),
        ("pressure: active never sheds GET of messages", MESSAGES, (200,)),
        ("pressure: active never sheds the registry", "/api/v1/registry/blocks", (200,)),
    ],
    ["peer"],
)


@row("pressure: 401 comes before 503 of an active router", ["peer", "key"])
def _(t):
    with says(t, "active", is_shed):
        headers = [("X-API-Key", "wrong-key"), ("Content-Type", "application/json")]
        error_body(t.ask("POST", DECIDE, headers, b"{}"), 401, "unauthorized")


@row("pressure: 503 of an active router comes before 400 and 415", ["peer"])
def _(t):
    with says(t, "active", is_shed):
        error_body(t.ask("POST", DECIDE, body=b"{"), 503, "service_overloaded")
        headers = [*t.main.headers(), ("Content-Type", "text/plain")]
        error_body(t.ask("POST", DECIDE, headers, b"{}"), 503, "service_overloaded")


@row("pressure: 503 of an active router comes before 429 of the tenant, and charges nothing", ["peer", "limited"])
def _(t):
    t.exhaust(t.limited)
    with says(t, "active", is_shed):
        error_body(t.decide(tenant=t.limited), 503, "service_overloaded")
        before = t.ask("GET", MESSAGES, t.limited.headers()).header("X-RateLimit-Remaining")
        for _ in range(5):
            body = t.decide_body(tenant_id=t.limited.name)
            error_body(t.ask("POST", MESSAGES, t.limited.headers(), body), 503, "service_overloaded")
        after = t.ask("GET", MESSAGES, t.limited.headers()).header("X-RateLimit-Remaining")
        true(int(after) >= int(before) - 1, "only the read is charged", (before, after))


@row("pressure: warning halves the limit and sheds nothing", ["peer"])
def _(t):
    limit = limit_of(t.decide())
    with says(t, "warning", lambda r: limit_of(r) < limit) as response:
        decided(response)
        same(limit_of(response), limit // 2, "X-RateLimit-Limit in warning")


@row("pressure: an answer that is no status map sheds nothing", ["peer"])
def _(t):
    with t.peer.subscribe(STATUS, callback=lambda m: t.peer.publish(m.reply, b'{"status":"ACTIVE"}')):
        deadline = time.monotonic() + 2.5
        while time.monotonic() < deadline:
            decided(t.decide())
            time.sleep(0.1)
