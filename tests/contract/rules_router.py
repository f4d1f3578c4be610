# SPDX-License-Identifier: Apache-2.0
"""What the router answers, and what the client is told of it (contract 1.5, causes 6 to 8)."""

import json
import time

from nats_peer import answer_error, answer_late, answer_raw, silence
from suite import DECIDE, decided, error_body, row, same, table, true, unique

CODES = [
    ("invalid_request", 400),
    ("unauthorized", 401),
    ("denied", 403),
    ("validator_blocked", 403),
    ("policy_not_found", 404),
    ("extension_not_found", 404),
    ("extension_timeout", 504),
    ("extension_unavailable", 503),
    ("unavailable", 503),
    ("service_overloaded", 503),
    ("post_processor_failed", 500),
    ("extension_error", 500),
    ("decision_failed", 500),
    ("internal", 500),
]
INTAKE = [
    ("SCHEMA_VALIDATION_FAILED", "invalid_request", 400),
    ("VERSION_UNSUPPORTED", "invalid_request", 400),
    ("CORRELATION_FIELDS_INVALID", "invalid_request", 400),
    ("IDEMPOTENCY_VIOLATION", "invalid_request", 400),
    ("PAYLOAD_TOO_SMALL", "invalid_request", 400),
    ("TENANT_FORBIDDEN", "unauthorized", 401),
    ("INTERNAL_VALIDATION_ERROR", "internal", 500),
]


def maps(t, code, status, intake=None):
    body = t.decide_body()
    with t.router.plays(answer_error(code, intake, {"hint": [1, "two"]})):
        response = t.ask("POST", DECIDE, body=body)
    got = error_body(response, status, code, intake)
    same(got["error"]["message"], "the peer refuses", "the router's message")
    same(got["error"]["details"], {"hint": [1, "two"]}, "the router's details")
    same(got["context"]["request_id"], body["request_id"], "context.request_id")
    same(got["context"]["tenant_id"], t.main.name, "context.tenant_id")
    same(got["context"]["trace_id"], response.header("traceparent").split("-")[1], "context.trace_id")
    if status == 503:
        true(int(response.header("Retry-After") or 0) >= 1, "Retry-After on 503", response.headers)


table(maps, [(f"router says {code}: {status}", code, status) for code, status in CODES], ["peer"])
table(
    maps,
    [(f"router says {intake}: {status}", code, status, intake) for intake, code, status in INTAKE],
    ["peer"],
)


@row("router says a code that nobody knows: 502", ["peer"])
def _(t):
    for code in ("made_up", "INTERNAL", "", "ok", "invalid_request ", "x" * 500):
        with t.router.plays(answer_error(code)):
            response = t.decide()
        same(response.status, 502, f"status for {code[:20]!r}")
        same(response.json()["ok"], False, "ok")


@row("an error without a details member has empty details", ["peer"])
def _(t):
    with t.router.plays(answer_error("denied")):
        same(error_body(t.decide(), 403, "denied")["error"]["details"], {}, "details")


@row("a message that needs escaping stays JSON", ["peer"])
def _(t):
    text = 'quote " backslash \\ line\nbreak \u0001 é'
    with t.router.plays(answer_error("denied", message=text)):
        same(error_body(t.decide(), 403, "denied")["error"]["message"], text, "message")


def never_200(t, data):
    with t.router.plays(answer_raw(data)):
        response = t.decide()
    true(response.status in (500, 502), "expected 500 or 502", response.status)
    body = response.json()
    same(body["ok"], False, "ok")
    same(sorted(body["error"]), ["code", "details", "intake_error_code", "message"], "error")


table(
    never_200,
    [
        ("garbage from the router: nothing", b""),
        ("garbage from the router: no JSON", b"\x00\xff garbage"),
        ("garbage from the router: cut short", b'{"ok":true,"decision":{'),
        ("garbage from the router: an array", b"[]"),
        ("garbage from the router: no ok", b'{"decision":{}}'),
        ("garbage from the router: ok is a string", b'{"ok":"true","decision":{}}'),
        ("garbage from the router: ok twice", b'{"ok":false,"ok":true,"decision":{}}'),
        ("garbage from the router: ok without decision", b'{"ok":true}'),
        ("garbage from the router: not ok without error", b'{"ok":false}'),
        ("garbage from the router: error is a string", b'{"ok":false,"error":"denied"}'),
        ("garbage from the router: code is a number", b'{"ok":false,"error":{"code":5,"message":"m"}}'),
        ("garbage from the router: bytes that are no UTF-8", b'{"ok":true,"decision":{"a":"\xff"}}'),
        ("garbage from the router: nested without end", b'{"ok":true,"decision":' + b"[" * 100000),
    ],
    ["peer"],
)


@row("a silent router: 503 unavailable at the timeout", ["peer", "timeout"])
def _(t):
    begin = time.monotonic()
    with t.router.plays(silence):
        response = t.decide()
    took = time.monotonic() - begin
    error_body(response, 503, "unavailable")
    true(int(response.header("Retry-After") or 0) >= 1, "Retry-After on 503", response.headers)
    limit = t.options.router_timeout
    true(limit * 0.8 <= took <= limit * 1.5 + 0.5, f"expected {limit} s", took)


@row("a late reply is dropped and given to nobody", ["peer", "timeout"])
def _(t):
    limit = t.options.router_timeout
    late = unique()

    def script(message):
        is_late = message.json()["request_id"] == late
        made = {"ok": True, "decision": {"reason": "late" if is_late else "in time"}, "context": {}}
        return [(limit + 0.4 if is_late else 0, json.dumps(made).encode())]

    with t.router.plays(script):
        error_body(t.decide(request_id=late), 503, "unavailable")
        end = time.monotonic() + 1
        while time.monotonic() < end:
            same(t.decide().json()["decision"]["reason"], "in time", "reason")


@row("a reply in time, however slow, is given", ["peer", "timeout"])
def _(t):
    with t.router.plays(answer_late(t.options.router_timeout * 0.6)):
        decided(t.decide())


@row("a second reply to a request is dropped", ["peer"])
def _(t):
    first = b'{"ok":true,"decision":{"reason":"first"},"context":{}}'
    second = b'{"ok":true,"decision":{"reason":"second"},"context":{}}'
    with t.router.plays(lambda _: [(0, first), (0, second)]), t.connect() as connection:
        for _ in range(5):
            body = json.dumps(t.decide_body()).encode()
            headers = [*t.main.headers(), ("Content-Type", "application/json")]
            connection.request("POST", DECIDE, headers, body)
            same(connection.response().body, first, "body")


@row("answers find their requests when they come in another order", ["peer"])
def _(t):
    bodies = [t.decide_body() for _ in range(20)]
    order = {body["request_id"]: place for place, body in enumerate(bodies)}

    def script(message):
        name = message.json()["request_id"]
        made = {"ok": True, "decision": {"reason": name}, "context": {}}
        return [(0.3 - 0.01 * order[name], json.dumps(made).encode())]

    with t.router.plays(script):
        connections = [t.connect() for _ in bodies]
        for connection, body in zip(connections, bodies, strict=True):
            headers = [*t.main.headers(), ("Content-Type", "application/json")]
            connection.request("POST", DECIDE, headers, json.dumps(body).encode())
        for connection, body in zip(connections, bodies, strict=True):
            same(connection.response().json()["decision"]["reason"], body["request_id"], "reason")
            connection.close()


@row("no router at all: 503 unavailable at once", ["peer"])
def _(t):
    t.router.leave()
    try:
        begin = time.monotonic()
        response = t.decide()
        took = time.monotonic() - begin
    finally:
        t.router.listen()
    error_body(response, 503, "unavailable")
    true(int(response.header("Retry-After") or 0) >= 1, "Retry-After on 503", response.headers)
    true(took < 1, "expected an answer at once (no responders)", took)


@row("GET of a decision maps errors alike", ["peer"])
def _(t):
    with t.router.plays(answer_error("decision_failed")):
        error_body(t.ask("GET", f"{DECIDE}/{unique()}"), 500, "decision_failed")


@row("an admin route maps errors alike", ["peer", "admin"])
def _(t):
    with t.router.plays(answer_error("extension_not_found")):
        error_body(t.admin("GET", "/api/v1/extensions/health"), 404, "extension_not_found")
