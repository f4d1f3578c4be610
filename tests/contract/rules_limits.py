# SPDX-License-Identifier: Apache-2.0
"""Rate limits as a client sees them (contract 1.4 out, 1.5 causes 1 and 4)."""

import re
import time

from suite import DECIDE, MESSAGES, error_body, every_answer, row, same, table, true, unique

BLOCKS = "/api/v1/registry/blocks"
HEADERS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")


def numbers(response):
    """(limit, remaining, reset) of the answer."""
    values = [response.header(name) for name in HEADERS]
    for name, value in zip(HEADERS, values, strict=True):
        true(value is not None and value.isdigit(), f"{name} is a number", value)
    return tuple(int(value) for value in values)


def told(t, method, path):
    response = t.ask(method, path, body=t.decide_body() if method == "POST" else None)
    limit, remaining, reset = numbers(response)
    true(limit >= 1 and remaining <= limit, "remaining <= limit", (limit, remaining))
    now = time.time()
    true(now - 1 <= reset <= now + 3700, "a reset that lies ahead", reset - now)
    policy, state = response.header("RateLimit-Policy"), response.header("RateLimit")
    true(policy and re.search(r";\s*q=\d+", policy), "RateLimit-Policy with q", policy)
    true(re.search(r";\s*w=\d+", policy), "RateLimit-Policy with w", policy)
    true(state and re.search(r";\s*r=\d+", state), "RateLimit with r", state)


table(
    told,
    [
        ("limit: told on decide", "POST", DECIDE),
        ("limit: told on GET of a decision", "GET", DECIDE + "/1"),
        ("limit: told on messages", "POST", MESSAGES),
        ("limit: told on GET messages", "GET", MESSAGES),
        ("limit: told on the registry", "GET", BLOCKS),
    ],
)


@row("limit: told with a refused body as well")
def _(t):
    numbers(t.decide(version="2"))


@row("limit: not told on health")
def _(t):
    numbers(t.decide())
    same(t.ask("GET", "/health", []).header("X-RateLimit-Limit"), None, "X-RateLimit-Limit")


@row("limit: remaining falls with each request", ["limited"])
def _(t):
    time.sleep(int(t.exhaust(t.limited)[1].header("Retry-After")))
    admitted, _ = t.exhaust(t.limited)
    remaining = [numbers(response)[1] for response in admitted]
    same(remaining, sorted(remaining, reverse=True), "remaining, in order")
    same(remaining[-1], 0, "remaining of the last one admitted")


@row("limit: 429 in the contract's form", ["limited"])
def _(t):
    _, refused = t.exhaust(t.limited)
    body = error_body(refused, 429, "rate_limit_exceeded")
    details = body["error"]["details"]
    same(sorted(details), ["endpoint", "limit", "retry_after_seconds"], "details")
    same(details["limit"], numbers(refused)[0], "details.limit is X-RateLimit-Limit")
    same(details["retry_after_seconds"], int(refused.header("Retry-After")), "Retry-After twice")
    true(int(refused.header("Retry-After")) >= 1, "Retry-After of a second or more", refused.headers)
    same(body["context"]["tenant_id"], t.limited.name, "context.tenant_id")
    every_answer(refused)


@row("limit: Retry-After is true: after it a request is admitted", ["limited"])
def _(t):
    _, refused = t.exhaust(t.limited)
    wait = int(refused.header("Retry-After"))
    true(wait <= 30, "a test needs a Retry-After of 30 s at most", wait)
    time.sleep(wait)
    response = t.ask("GET", f"{DECIDE}/{unique()}", t.limited.headers())
    true(response.status != 429, "admitted after Retry-After", response.status)


@row("limit: one tenant's limit is not another's", ["limited"])
def _(t):
    t.exhaust(t.limited)
    same(t.decide().status, 200, "status for the other tenant")


@row("limit: one class's limit is not another's", ["limited"])
def _(t):
    t.exhaust(t.limited)
    true(t.ask("GET", MESSAGES, t.limited.headers()).status != 429, "messages are admitted", 429)


@row("limit: POST and GET of decide share their class", ["limited"])
def _(t):
    t.exhaust(t.limited)
    body = t.decide_body(tenant_id=t.limited.name)
    error_body(t.ask("POST", DECIDE, t.limited.headers(), body), 429, "rate_limit_exceeded")


@row("limit: health is never limited", ["limited"])
def _(t):
    t.exhaust(t.limited)
    for _ in range(50):
        same(t.ask("GET", "/health", t.limited.headers()).status, 200, "status")


@row("limit: 429 keeps the connection", ["limited"])
def _(t):
    t.exhaust(t.limited)
    with t.connect() as connection:
        for _ in range(5):
            connection.request("GET", f"{DECIDE}/1", t.limited.headers())
            same(connection.response().status, 429, "status")


@row("limit: callers without a credential have one of their own", ["limited"])
def _(t):
    """From an address of its own, so that no other row is refused for it."""
    headers = [("X-Tenant-ID", t.main.name), ("X-API-Key", "wrong-key")]
    deadline = time.monotonic() + 10
    refused = None
    with t.connect(source="127.0.7.9") as connection:
        while refused is None and time.monotonic() < deadline:
            connection.request("GET", f"{DECIDE}/1", headers)
            response = connection.response()
            true(response.status in (401, 429), "expected 401 or 429", response.status)
            refused = response if response.status == 429 else None
    true(refused, "expected 429 at last", "401 for 10 s")
    error_body(refused, 429, "rate_limit_exceeded")
    same(t.decide().status, 200, "the tenant that was named is served")
    error_body(t.ask("GET", DECIDE + "/1", headers), 401, "unauthorized")


@row("limit: usage tells what was refused", ["limited", "admin"])
def _(t):
    t.exhaust(t.limited)
    path = f"/api/v1/admin/rate-limit/usage?tenant={t.limited.name}"
    response = t.admin("GET", path)
    same(response.status, 200, "status")
    true("routes_decide" in response.body.decode(), "routes_decide", response.body[:300])
