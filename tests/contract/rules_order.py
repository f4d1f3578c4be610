# SPDX-License-Identifier: Apache-2.0
"""One dominant cause, first match wins (contract 1.5): pairs of causes in one request."""

import json

from nats_peer import answer_error, silence
from suite import DECIDE, MESSAGES, error_body, row, same, table, unique

JSON = ("Content-Type", "application/json")
WRONG = ("X-API-Key", "wrong-key")


def pair(t, headers, body, status, code):
    given = [(k, v.format(key=t.main.key)) for k, v in headers]
    error_body(t.ask("POST", DECIDE, given, body), status, code)


table(
    pair,
    [
        ("order: 401 before a body that is no JSON", [WRONG, JSON], b"{", 401, "unauthorized"),
        ("order: 401 before 415", [WRONG, ("Content-Type", "text/plain")], b"{}", 401, "unauthorized"),
        ("order: 401 before a header that is too long", [WRONG, ("X-Request-ID", "r" * 200)], b"{}", 401, "unauthorized"),
        ("order: 403 by header before 415", [("X-API-Key", "{key}"), ("X-Tenant-ID", "nobody"), ("Content-Type", "text/plain")], b"{}", 403, "unauthorized"),
        ("order: 403 by header before a body that is no JSON", [("X-API-Key", "{key}"), ("X-Tenant-ID", "nobody"), JSON], b"{", 403, "unauthorized"),
        ("order: 401 before an empty body", [WRONG, JSON], b"", 401, "unauthorized"),
    ],
    ["key"],
)


@row("order: 401 before 413", ["key"])
def _(t):
    with t.connect() as connection:
        lines = [f"POST {DECIDE} HTTP/1.1", "Host: g", "X-API-Key: wrong-key"]
        lines += ["Content-Type: application/json", "Content-Length: 8388608"]
        connection.send("\r\n".join(lines).encode() + b"\r\n\r\n")
        error_body(connection.response(), 401, "unauthorized")


@row("order: 404 before 401")
def _(t):
    error_body(t.ask("GET", "/api/v1/nothing", [WRONG]), 404, "invalid_request")


@row("order: 401 before 403 of an admin route", ["key"])
def _(t):
    error_body(t.ask("GET", "/api/v1/extensions/health", [WRONG]), 401, "unauthorized")


@row("order: 400 of the gateway before the router is asked", ["peer"])
def _(t):
    with t.router.plays(answer_error("internal")):
        error_body(t.decide(version="2"), 400, "invalid_request", "VERSION_UNSUPPORTED")


@row("order: 415 before the fields are looked at")
def _(t):
    headers = [*t.main.headers(), ("Content-Type", "text/plain")]
    error_body(t.ask("POST", DECIDE, headers, b"{"), 415, "invalid_request")


def first_fault(t, change, intake):
    error_body(t.decide(**change), 400, "invalid_request", intake)


SMALL_TASK = {"type": "chat", "payload": {}}
table(
    first_fault,
    [
        ("order: version before run without flow", {"version": "2", "run_id": unique()}, "VERSION_UNSUPPORTED"),
        ("order: version before the payload's size", {"version": "2", "task": SMALL_TASK}, "VERSION_UNSUPPORTED"),
        ("order: run without flow before the task", {"run_id": unique(), "task": {}}, "CORRELATION_FIELDS_INVALID"),
        ("order: run without flow before the payload's size", {"run_id": unique(), "task": SMALL_TASK}, "CORRELATION_FIELDS_INVALID"),
        ("order: task.type before the payload's size", {"task": {"payload": {}}}, "SCHEMA_VALIDATION_FAILED"),
    ],
)


@row("order: 409 of the idempotency key before the router is asked", ["peer"])
def _(t):
    key = unique()
    same(t.decide(idempotency_key=key).status, 200, "status of the first")
    with t.router.plays(silence):
        error_body(t.decide(idempotency_key=key, metadata={"other": 1}), 409, "conflict")


@row("order: 429 of the tenant before a body that is no JSON", ["limited"])
def _(t):
    t.exhaust(t.limited)
    error_body(t.ask("POST", DECIDE, [*t.limited.headers(), JSON], b"{"), 429, "rate_limit_exceeded")


@row("order: 429 of the tenant before 415", ["limited"])
def _(t):
    t.exhaust(t.limited)
    headers = [*t.limited.headers(), ("Content-Type", "text/plain")]
    error_body(t.ask("POST", DECIDE, headers, b"{"), 429, "rate_limit_exceeded")


@row("order: 401 before 429 of the tenant that a header names", ["limited"])
def _(t):
    t.exhaust(t.limited)
    headers = [("X-Tenant-ID", t.limited.name), WRONG, JSON]
    error_body(t.ask("POST", DECIDE, headers, b"{}"), 401, "unauthorized")


@row("order: 403 by header before 429 of the tenant", ["limited"])
def _(t):
    t.exhaust(t.limited)
    headers = [("X-API-Key", t.limited.key), ("X-Tenant-ID", "nobody"), JSON]
    error_body(t.ask("POST", DECIDE, headers, b"{}"), 403, "unauthorized")


@row("order: 429 of the tenant before 413", ["limited"])
def _(t):
    t.exhaust(t.limited)
    with t.connect() as connection:
        pairs = [f"{name}: {value}" for name, value in t.limited.headers()]
        lines = [f"POST {DECIDE} HTTP/1.1", "Host: g", *pairs, "Content-Type: application/json"]
        connection.send("\r\n".join([*lines, "Content-Length: 8388608"]).encode() + b"\r\n\r\n")
        error_body(connection.response(), 429, "rate_limit_exceeded")


@row("order: 429 of the tenant before 409", ["limited"])
def _(t):
    key = unique()
    body = t.decide_body(tenant_id=t.limited.name, idempotency_key=key)
    with t.connect() as connection:
        for _ in range(2):
            t.exhaust(t.limited)
            data = json.dumps(body).encode()
            connection.request("POST", DECIDE, [*t.limited.headers(), JSON], data)
            error_body(connection.response(), 429, "rate_limit_exceeded")
            body["metadata"] = {"other": 1}


@row("order: an exhausted tenant's other class still judges bodies", ["limited"])
def _(t):
    t.exhaust(t.limited)
    error_body(t.ask("POST", MESSAGES, [*t.limited.headers(), JSON], b"{"), 400, "invalid_request",
               t.ask("POST", MESSAGES, [*t.limited.headers(), JSON], b"{").json()["error"]["intake_error_code"])
