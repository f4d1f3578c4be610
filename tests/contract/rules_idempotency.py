# SPDX-License-Identifier: Apache-2.0
"""A duplicate always gets an answer (contract 1.7)."""

import json
import threading

from nats_peer import answer_ok
from suite import DECIDE, MESSAGES, error_body, row, same, true, unique


def twice(t, first, second):
    """The two answers, and how often the router was asked."""
    with t.router.plays(answer_ok) as seen:
        answers = [t.ask("POST", *first), t.ask("POST", *second)]
        return *answers, len(seen)


@row("idempotency: the same key and body gets the stored answer, byte for byte", ["peer"])
def _(t):
    body = t.decide_body(idempotency_key=unique())
    first, second, asked = twice(t, (DECIDE, None, body), (DECIDE, None, body))
    same((first.status, second.status), (200, 200), "statuses")
    same(second.body, first.body, "second body")
    same(asked, 1, "messages to the router")


@row("idempotency: the header means the same as the field", ["peer"])
def _(t):
    key, request_id = unique(), unique()
    with_field = t.decide_body(idempotency_key=key, request_id=request_id)
    with_header = t.decide_body(request_id=request_id)
    headers = [*t.main.headers(), ("Idempotency-Key", key)]
    first, second, asked = twice(t, (DECIDE, headers, with_header), (DECIDE, headers, with_header))
    same(second.body, first.body, "second body")
    same(asked, 1, "messages to the router")
    same(t.ask("POST", DECIDE, None, with_field).status in (200, 409), True, "field against header")


@row("idempotency: the same key with another body is 409 conflict", ["peer"])
def _(t):
    key = unique()
    body = t.decide_body(idempotency_key=key)
    changed = body | {"metadata": {"changed": True}}
    first, second, asked = twice(t, (DECIDE, None, body), (DECIDE, None, changed))
    same(first.status, 200, "status of the first")
    error_body(second, 409, "conflict")
    same(asked, 1, "messages to the router")


@row("idempotency: after a conflict the stored answer is still there", ["peer"])
def _(t):
    body = t.decide_body(idempotency_key=unique())
    first, second, _ = twice(t, (DECIDE, None, body), (DECIDE, None, body | {"context": {"x": 1}}))
    same(second.status, 409, "status of the conflict")
    same(t.ask("POST", DECIDE, None, body).body, first.body, "body")


@row("idempotency: a duplicate may bring another trace", ["peer"])
def _(t):
    body = t.decide_body(idempotency_key=unique())
    trace = ("X-Trace-ID", "4bf92f3577b34da6a3ce929d0e0e4736")
    headers = [*t.main.headers(), trace]
    first, second, asked = twice(t, (DECIDE, None, body), (DECIDE, headers, body))
    same(second.body, first.body, "second body")
    same(asked, 1, "messages to the router")
    same(second.header("traceparent").split("-")[1], trace[1], "trace of the duplicate's answer")


@row("idempotency: another tenant's same key is another key", ["peer", "other"])
def _(t):
    key = unique()
    mine = t.decide_body(idempotency_key=key)
    others = t.decide_body(idempotency_key=key, tenant_id=t.other.name)
    first, second, asked = twice(t, (DECIDE, None, mine), (DECIDE, t.other.headers(), others))
    same((first.status, second.status), (200, 200), "statuses")
    same(asked, 2, "messages to the router")


@row("idempotency: without a key each request is asked", ["peer"])
def _(t):
    body = t.decide_body()
    _, _, asked = twice(t, (DECIDE, None, body), (DECIDE, None, body))
    same(asked, 2, "messages to the router")


@row("idempotency: what was refused is not stored", ["peer"])
def _(t):
    key = unique()
    error_body(
        t.decide(idempotency_key=key, version="2"), 400, "invalid_request", "VERSION_UNSUPPORTED"
    )
    same(t.decide(idempotency_key=key).status, 200, "status of the correct one")


@row("idempotency: duplicates that come while the first waits are all answered alike", ["peer"])
def _(t):
    body = t.decide_body(idempotency_key=unique())
    made = json.dumps({"ok": True, "decision": {"reason": unique()}, "context": {}}).encode()
    answers = []

    def ask():
        answers.append(t.ask("POST", DECIDE, None, body))

    with t.router.plays(lambda _: [(0.3, made)]):
        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    same(len(answers), 8, "answers")
    same({(a.status, a.body) for a in answers}, {(200, made)}, "answers")


@row("idempotency: messages takes keys as decide does", ["peer"])
def _(t):
    body = t.decide_body(idempotency_key=unique())
    first, second, asked = twice(t, (MESSAGES, None, body), (MESSAGES, None, body))
    same(second.body, first.body, "second body")
    same(asked, 1, "messages to the router")


@row("idempotency: end to end, a duplicate gets the first answer", ["real"])
def _(t):
    body = t.decide_body(idempotency_key=unique())
    first = t.ask("POST", DECIDE, None, body)
    second = t.ask("POST", DECIDE, None, body)
    same((first.status, second.status), (200, 200), "statuses")
    same(second.body, first.body, "second body")
    true(first.json()["decision"]["provider_id"], "a provider", first.body)
