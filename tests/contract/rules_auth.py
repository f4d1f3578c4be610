# SPDX-License-Identifier: Apache-2.0
"""Who asks (contract 1.1 auth, 1.2 tenant_id, 1.4)."""

import base64
import json

from suite import DECIDE, MESSAGES, decided, error_body, row, same, table, unique

BLOCK = "/api/v1/registry/blocks/auth-type/v1"


def unauthorized(t, method, path):
    body = t.decide_body() if method in ("POST", "PUT") else None
    error_body(t.ask(method, path, [], body), 401, "unauthorized")


ROUTES = [
    ("POST", DECIDE),
    ("GET", DECIDE + "/1"),
    ("POST", MESSAGES),
    ("GET", MESSAGES),
    ("GET", MESSAGES + "/1"),
    ("PUT", MESSAGES + "/1"),
    ("DELETE", MESSAGES + "/1"),
    ("GET", MESSAGES + "/stream?tenant_id=acme"),
    ("GET", "/api/v1/results/stream?tenant_id=acme"),
    ("POST", BLOCK),
    ("PUT", BLOCK),
    ("DELETE", BLOCK),
    ("GET", BLOCK),
    ("GET", "/api/v1/registry/blocks"),
    ("GET", "/api/v1/registry/blocks/auth-type"),
]
ADMIN_ROUTES = [
    ("GET", "/api/v1/extensions/health"),
    ("GET", "/api/v1/extensions/circuit-breakers"),
    ("POST", "/api/v1/policies/dry-run"),
    ("GET", "/api/v1/policies/acme/default/complexity"),
    ("GET", "/api/v1/admin/rate-limit/usage?tenant=acme"),
    ("POST", "/api/v1/admin/rate-limit/overrides"),
]
table(
    unauthorized,
    [
        (f"401 without a credential: {method} {path.split('?', 1)[0]}", method, path)
        for method, path in ROUTES + ADMIN_ROUTES
    ],
    ["key"],
)


def forbidden(t, method, path):
    body = {} if method == "POST" else None
    error_body(t.ask(method, path, None, body), 403, "unauthorized")


table(
    forbidden,
    [
        (f"403 without the admin role: {method} {path.split('?', 1)[0]}", method, path)
        for method, path in ADMIN_ROUTES
    ],
    ["key"],
)


def token(*parts):
    """A JWT of these parts, without a signature."""
    texts = [base64.urlsafe_b64encode(json.dumps(part).encode()) for part in parts]
    return b".".join([text.rstrip(b"=") for text in texts] + [b""]).decode()


def credential(t, headers, status):
    given = [(name, value.format(key=t.main.key, name=t.main.name)) for name, value in headers]
    response = t.ask("POST", DECIDE, given, t.decide_body())
    if status == 200:
        decided(response)
    else:
        error_body(response, status, "unauthorized")


table(
    credential,
    [
        ("a key in X-API-Key", [("X-API-Key", "{key}")], 200),
        ("a key as bearer token", [("Authorization", "Bearer {key}")], 200),
        ("the scheme bearer is case-insensitive", [("Authorization", "bearer {key}")], 200),
        ("a key and its tenant", [("X-API-Key", "{key}"), ("X-Tenant-ID", "{name}")], 200),
        ("401 for a wrong key", [("X-API-Key", "wrong-key")], 401),
        ("401 for a key with one character more", [("X-API-Key", "{key}x")], 401),
        ("401 for an empty key", [("X-API-Key", "")], 401),
        ("401 for a tenant without a credential", [("X-Tenant-ID", "{name}")], 401),
        ("401 for another scheme", [("Authorization", "Basic {key}")], 401),
        ("401 for a wrong bearer token", [("Authorization", "Bearer nonsense")], 401),
        (
            "401 for a token that claims alg none",
            [("Authorization", "Bearer " + token({"alg": "none"}, {"tenant": "acme"}))],
            401,
        ),
        ("401 for two keys", [("X-API-Key", "wrong-key"), ("X-API-Key", "{key}")], 401),
        ("403 for a header that names another tenant", [("X-API-Key", "{key}"), ("X-Tenant-ID", "nobody")], 403),
    ],
    ["key"],
)


@row("403 for a body that names another tenant", ["key"])
def _(t):
    body = error_body(t.decide(tenant_id="somebody-else"), 403, "unauthorized")
    same(body["context"]["tenant_id"], t.main.name, "context.tenant_id")


@row("403 for a body whose tenant_id is empty", ["key"])
def _(t):
    error_body(t.decide(tenant_id=""), 403, "unauthorized")


@row("403 for a header that names an existing other tenant", ["key", "other"])
def _(t):
    headers = [("X-API-Key", t.main.key), ("X-Tenant-ID", t.other.name)]
    error_body(t.ask("POST", DECIDE, headers, t.decide_body()), 403, "unauthorized")


@row("two tenants on one connection are told apart", ["other"])
def _(t):
    with t.connect() as connection:
        for tenant in (t.main, t.other, t.main):
            body = json.dumps(t.decide_body(tenant_id=tenant.name)).encode()
            headers = [*tenant.headers(), ("Content-Type", "application/json")]
            connection.request("POST", DECIDE, headers, body)
            decided(connection.response())


def identifier(t, name, length, status):
    response = t.decide([(name, (unique() + "i" * 300)[:length])])
    if status == 200:
        decided(response)
    else:
        error_body(response, status, "invalid_request")


table(
    identifier,
    [
        ("X-Request-ID of 128 characters", "X-Request-ID", 128, 200),
        ("400 for X-Request-ID of 129 characters", "X-Request-ID", 129, 400),
        ("400 for X-Trace-ID of 129 characters", "X-Trace-ID", 129, 400),
        ("Idempotency-Key of 256 characters", "Idempotency-Key", 256, 200),
        ("400 for Idempotency-Key of 257 characters", "Idempotency-Key", 257, 400),
    ],
)


@row("an X-Request-ID comes back")
def _(t):
    response = t.decide([("X-Request-ID", "request-of-mine")], request_id="request-of-mine")
    same(response.header("X-Request-ID"), "request-of-mine", "X-Request-ID")


@row("an X-Request-ID comes back with an error too")
def _(t):
    response = t.ask("GET", "/nothing", [("X-Request-ID", "lost-one")])
    same(response.header("X-Request-ID"), "lost-one", "X-Request-ID")
    same(response.json()["context"]["request_id"], "lost-one", "context.request_id")
