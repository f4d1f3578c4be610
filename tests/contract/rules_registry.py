# SPDX-License-Identifier: Apache-2.0
"""The registry of blocks (contract 1.1, 1.3)."""

from suite import error_body, row, same, table, true, unique

BLOCKS = "/api/v1/registry/blocks"
SCHEMA = {
    "input": {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object"},
    "output": {"type": "object", "properties": {"text": {"type": "string"}}},
}


def block(kind, **change):
    made = {"type": kind, "version": "1.0.0", "schema": SCHEMA, "capabilities": ["stream"]}
    made |= {"metadata": {"owner": "suite"}} | change
    return {name: value for name, value in made.items() if value is not None}


def make(t, kind=None, method="POST", **change):
    kind = kind or "kind-" + unique()
    return kind, t.ask(method, f"{BLOCKS}/{kind}/1.0.0", body=block(kind, **change))


@row("registry: POST creates with 201")
def _(t):
    kind, response = make(t)
    same(response.status, 201, "status")
    body = response.json()
    same({k: body.get(k) for k in ("type", "version", "status")},
         {"type": kind, "version": "1.0.0", "status": "created"}, "body")
    true(body.get("ts"), "ts", body)


@row("registry: PUT of one that exists updates with 200")
def _(t):
    kind, _ = make(t)
    _, response = make(t, kind, "PUT", metadata={"owner": "another"})
    same(response.status, 200, "status")
    same(response.json().get("status"), "updated", "status in the body")


@row("registry: GET gives what was stored")
def _(t):
    kind, _ = make(t)
    response = t.ask("GET", f"{BLOCKS}/{kind}/1.0.0")
    same(response.status, 200, "status")
    got = response.json()
    for member, value in block(kind).items():
        same(got.get(member), value, member)


@row("registry: GET of all names it")
def _(t):
    kind, _ = make(t)
    response = t.ask("GET", BLOCKS)
    same(response.status, 200, "status")
    response.json()
    true(kind in response.body.decode(), f"expected {kind} in the list", response.body[:200])


@row("registry: GET of a type names its versions only")
def _(t):
    kind, _ = make(t)
    other, _ = make(t)
    response = t.ask("GET", f"{BLOCKS}/{kind}")
    same(response.status, 200, "status")
    text = response.body.decode()
    true(kind in text and other not in text, f"expected {kind} only", text[:200])


@row("registry: GET of one that does not exist is 404")
def _(t):
    error_body(t.ask("GET", f"{BLOCKS}/{unique()}/1"), 404, "not_found")


@row("registry: DELETE says unregistered, and again 404")
def _(t):
    kind, _ = make(t)
    response = t.ask("DELETE", f"{BLOCKS}/{kind}/1.0.0")
    same(response.status, 200, "status")
    same(response.json().get("status"), "unregistered", "status in the body")
    error_body(t.ask("DELETE", f"{BLOCKS}/{kind}/1.0.0"), 404, "not_found")


@row("registry: blocks belong to their tenant", ["other"])
def _(t):
    kind, _ = make(t)
    response = t.ask("GET", f"{BLOCKS}/{kind}/1.0.0", t.other.headers())
    error_body(response, 404, "not_found")


def refused(t, change, status, code):
    error_body(make(t, **change)[1], status, code)


table(
    refused,
    [
        ("registry: version that is not the path's: 409", {"version": "2.0.0"}, 409, "conflict"),
        ("registry: type that is not the path's: 409", {"type": "another"}, 409, "conflict"),
        ("registry: schema missing: 400", {"schema": None}, 400, "invalid_schema"),
        ("registry: schema is a string: 400", {"schema": "s"}, 400, "invalid_schema"),
        ("registry: schema without output: 400", {"schema": {"input": {}}}, 400, "invalid_schema"),
        ("registry: schema.input is an array: 400", {"schema": {"input": [], "output": {}}}, 400, "invalid_schema"),
        ("registry: schema.input.type is a number: 400", {"schema": {"input": {"type": 5}, "output": {}}}, 400, "invalid_schema"),
        ("registry: capabilities of numbers: 400", {"capabilities": [1]}, 400, "invalid_request"),
        ("registry: metadata is an array: 400", {"metadata": []}, 400, "invalid_request"),
    ],
)


@row("registry: a body that is no JSON is 400")
def _(t):
    error_body(t.ask("POST", f"{BLOCKS}/k/1", body=b"{"), 400, "invalid_request")


@row("registry: names over 128 characters are 400")
def _(t):
    error_body(t.ask("GET", f"{BLOCKS}/{'k' * 129}/1"), 400, "invalid_request")
