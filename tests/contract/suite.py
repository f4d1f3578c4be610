# SPDX-License-Identifier: Apache-2.0
"""Rows of the contract suite: how they are declared, what they are given, how they check."""

import contextlib
import json
import re
import time
import uuid

from client import Connection, Events

ROWS = []
DECIDE = "/api/v1/routes/decide"
MESSAGES = "/api/v1/messages"


class Row:
    def __init__(self, name, check, needs):
        self.name = name
        self.check = check
        self.needs = needs


def row(name, needs=()):
    """Declares a row; `needs`: names of what the suite must have been given for it."""

    def declare(check):
        ROWS.append(Row(name, check, needs))
        return check

    return declare


def table(check, lines, needs=()):
    """A row for each line: its name, then the further arguments of `check`."""
    for name, *arguments in lines:
        ROWS.append(Row(name, lambda t, arguments=arguments: check(t, *arguments), needs))


def same(got, want, what):
    if got != want:
        raise AssertionError(f"{what}: expected {want!r}, got {got!r}")


def true(fact, what, got):
    if not fact:
        raise AssertionError(f"{what}: got {got!r}")


def matches(pattern, text, what):
    if not isinstance(text, str) or not re.fullmatch(pattern, text):
        raise AssertionError(f"{what}: expected {pattern}, got {text!r}")


def only(members, names, what):
    """All of `names` and nothing that the contract has no word for."""
    same(sorted(members), sorted(names), what)


UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[1-7][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
TRACEPARENT = "00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def error_body(response, status, code, intake=None):
    """The answer is that error, in the contract's whole form. Gives the body."""
    same(response.status, status, "status")
    body = response.json()
    same(body.get("ok"), False, "ok")
    only(body, ("ok", "error", "context"), "members of the body")
    error = body["error"]
    only(error, ("code", "message", "intake_error_code", "details"), "members of error")
    same(error["code"], code, "error.code")
    same(error["intake_error_code"], intake, "error.intake_error_code")
    true(isinstance(error["message"], str) and error["message"], "a message", error["message"])
    true(isinstance(error["details"], dict), "details are an object", error["details"])
    only(body["context"], ("request_id", "trace_id", "tenant_id"), "members of context")
    for name, value in body["context"].items():
        true(isinstance(value, str), f"context.{name} is a string", value)
    content_type = response.header("Content-Type") or ""
    true(content_type.split(";")[0] == "application/json", "an error is JSON", content_type)
    every_answer(response)
    return body


def decided(response):
    """The answer is a decision, in the contract's form. Gives the body."""
    same(response.status, 200, f"status ({response.body[:200]!r})")
    body = response.json()
    same(body.get("ok"), True, "ok")
    true(isinstance(body.get("context"), dict), "a context", body)
    true((body.get("decision") or {}).get("provider_id"), "a provider_id", body.get("decision"))
    every_answer(response)
    return body


def every_answer(response):
    """What each answer carries."""
    matches(TRACEPARENT, response.header("traceparent"), "traceparent of the answer")
    true(response.header("X-Request-ID"), "X-Request-ID of the answer", response.headers)


def unique():
    return str(uuid.uuid4())


class Tenant:
    def __init__(self, name, key):
        self.name = name
        self.key = key

    def headers(self):
        return [("X-Tenant-ID", self.name)] + ([("X-API-Key", self.key)] if self.key else [])


class Suite:
    """What a row is given: where the server is, who may ask, and the peers."""

    def __init__(self, target, options):
        self.target = target
        self.options = options
        self.main = Tenant(options.tenant, options.key)
        self.other = Tenant(options.other_tenant, options.other_key)
        self.limited = Tenant(options.limited_tenant, options.limited_key)
        self.admin_key = options.admin_key
        self.metrics = None
        self.peer = None
        self.router = None

    def has(self, need):
        return {
            "key": self.main.key,
            "other": self.other.name and self.other.key,
            "limited": self.limited.name and self.limited.key,
            "admin": self.admin_key,
            "metrics": self.metrics,
            "nats": self.peer,
            "peer": self.router,
            "real": self.peer and not self.router,
            "slow": self.options.client_timeout,
            "timeout": self.options.router_timeout,
        }[need]

    # ---- requests ------------------------------------------------------------------

    def connect(self, **how):
        return Connection(self.target, **how)

    def ask(self, method, path, headers=None, body=None, timeout=10.0, source=None):
        """One request on a connection of its own; a dict becomes JSON."""
        headers = self.main.headers() if headers is None else list(headers)
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
        if body is not None and not any(name.lower() == "content-type" for name, _ in headers):
            headers.append(("Content-Type", "application/json"))
        with self.connect(timeout=timeout, source=source) as connection:
            connection.request(method, path, headers, body)
            return connection.response(method)

    def decide_body(self, **change):
        """A complete request; change: name=value, name=None takes the field out."""
        body = {
            "version": "1",
            "tenant_id": self.main.name,
            "request_id": unique(),
            "task": {"type": "chat", "payload": {"text": "how warm is the sea today?"}},
        }
        body |= change
        return {name: value for name, value in body.items() if value is not None}

    def decide(self, headers=(), tenant=None, **change):
        tenant = tenant or self.main
        change.setdefault("tenant_id", tenant.name)
        return self.ask("POST", DECIDE, tenant.headers() + list(headers), self.decide_body(**change))

    def admin(self, method, path, body=None):
        return self.ask(method, path, [("X-API-Key", self.admin_key)], body)

    @contextlib.contextmanager
    def events(self, path, tenant=None, timeout=5.0):
        """An open event stream."""
        with self.connect(timeout=timeout) as connection:
            headers = [*(tenant or self.main).headers(), ("Accept", "text/event-stream")]
            connection.request("GET", path, headers)
            status, _, got = connection.head()
            same(status, 200, "status of the stream")
            got = dict(got)
            same(got.get("content-type", "").split(";")[0], "text/event-stream", "Content-Type")
            yield Events(connection, "chunked" in got.get("transfer-encoding", ""))

    def exhaust(self, tenant, path=DECIDE, most=2000):
        """Asks until the tenant is refused: (answers admitted, the refusal)."""
        admitted = []
        deadline = time.monotonic() + 10
        with self.connect() as connection:
            while len(admitted) < most and time.monotonic() < deadline:
                connection.request("GET", path + "/" + unique(), tenant.headers())
                response = connection.response()
                if response.status == 429:
                    return admitted, response
                admitted.append(response)
        raise AssertionError(f"expected 429 at last, got none in {len(admitted)} requests")
