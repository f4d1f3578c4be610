# SPDX-License-Identifier: Apache-2.0
"""Server-sent events (contract 1.6)."""

import json
import time

from suite import MESSAGES, error_body, row, same, table, true, unique

RESULTS = "/api/v1/results/stream"
RESULT = "caf.exec.result.v1"


def stream(t, path=MESSAGES + "/stream", tenant=None, more=""):
    return t.events(f"{path}?tenant_id={(tenant or t.main).name}{more}", tenant)


def first_bytes(t, path):
    with stream(t, path) as events:
        same(events.first(11), b": connected", "first bytes")


def missing(t, path):
    error_body(t.ask("GET", path), 400, "invalid_request")


def another(t, path):
    error_body(t.ask("GET", f"{path}?tenant_id=somebody-else"), 403, "unauthorized")


PATHS = [("messages", MESSAGES + "/stream"), ("results", RESULTS)]
table(first_bytes, [(f"SSE {name}: first bytes are ': connected'", path) for name, path in PATHS])
table(missing, [("SSE messages: 400 without tenant_id", MESSAGES + "/stream")])
table(missing, [("SSE messages: 400 for an empty tenant_id", MESSAGES + "/stream?tenant_id=")])
table(another, [(f"SSE {name}: 403 for another tenant", path) for name, path in PATHS], ["key"])


@row("SSE: an answer is not to be kept by caches")
def _(t):
    with t.connect() as connection:
        path = f"{MESSAGES}/stream?tenant_id={t.main.name}"
        connection.request("GET", path, t.main.headers())
        _, _, headers = connection.head()
        true("no-" in dict(headers).get("cache-control", ""), "Cache-Control", headers)


@row("SSE messages: message_created after POST")
def _(t):
    name = unique()
    with stream(t) as events:
        events.first(11)
        body = t.decide_body(message={"message_id": name, "message_type": "t"})
        same(t.ask("POST", MESSAGES, body=body).status, 200, "status of POST")
        data = events.wait("message_created")
    true(name in json.dumps(data), f"expected {name}", data)


@row("SSE messages: message_updated after PUT")
def _(t):
    name = unique()
    with stream(t) as events:
        events.first(11)
        t.ask("PUT", f"{MESSAGES}/{name}", body={"message_id": name, "payload": {"a": 1}})
        same(events.wait("message_updated").get("message_id"), name, "message_id")


@row("SSE messages: message_deleted after DELETE")
def _(t):
    name = unique()
    with stream(t) as events:
        events.first(11)
        t.ask("DELETE", f"{MESSAGES}/{name}")
        same(events.wait("message_deleted").get("message_id"), name, "message_id")


@row("SSE messages: two listeners get the same event")
def _(t):
    name = unique()
    with stream(t) as one, stream(t) as two:
        one.first(11)
        two.first(11)
        t.ask("DELETE", f"{MESSAGES}/{name}")
        for events in (one, two):
            same(events.wait("message_deleted").get("message_id"), name, "message_id")


@row("SSE messages: no event of another tenant", ["other"])
def _(t):
    mine, others = unique(), unique()
    with stream(t) as events:
        events.first(11)
        t.ask("DELETE", f"{MESSAGES}/{others}", t.other.headers())
        t.ask("DELETE", f"{MESSAGES}/{mine}")
        same(events.wait("message_deleted").get("message_id"), mine, "the first event's message_id")


@row("SSE messages: a text with line breaks is one event")
def _(t):
    name, text = unique(), "two\nlines\r\nand a\u2028third\n\nevent: forged\ndata: {}"
    with stream(t) as events:
        events.first(11)
        t.ask("PUT", f"{MESSAGES}/{name}", body={"message_id": name, "payload": {"text": text}})
        data = events.wait("message_updated")
        same(data.get("message_id"), name, "message_id")


@row("SSE results: heartbeats as often as asked for")
def _(t):
    with stream(t, RESULTS, more="&heartbeat_ms=250") as events:
        events.first(11)
        begin = time.monotonic()
        for _ in range(3):
            events.next(2)
        took = time.monotonic() - begin
        true(took < 3, "three blocks within 3 s", took)


def result(t, tenant=None, **change):
    made = {
        "version": "1",
        "assignment_id": unique(),
        "request_id": unique(),
        "status": "success",
        "provider_id": "p-1",
        "job": {"type": "chat"},
        "latency_ms": 12,
        "cost": 0.25,
        "timestamp": int(time.time() * 1000),
        "tenant_id": (tenant or t.main).name,
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    }
    made |= change
    headers = {"tenant_id": made["tenant_id"], "version": "1", "trace_id": made["trace_id"]}
    t.peer.publish(RESULT, made, {**headers, "Nats-Msg-Id": "result-" + made["assignment_id"]})
    return made


@row("SSE results: a result has the fields of ExecResult", ["nats"])
def _(t):
    with stream(t, RESULTS) as events:
        events.first(11)
        sent = result(t)
        got = events.wait("result")
    for name in ("assignment_id", "request_id", "status", "provider_id", "latency_ms", "cost"):
        same(got.get(name), sent[name], name)


def filtered(t, name):
    mine, other = unique(), unique()
    with stream(t, RESULTS, more=f"&{name}={mine}") as events:
        events.first(11)
        result(t, **{name: other})
        result(t, **{name: mine})
        same(events.wait("result").get(name), mine, f"{name} of the first event")


table(
    filtered,
    [
        ("SSE results: only of the assignment asked for", "assignment_id"),
        ("SSE results: only of the provider asked for", "provider_id"),
    ],
    ["nats"],
)


@row("SSE results: no result of another tenant", ["nats", "other"])
def _(t):
    with stream(t, RESULTS) as events:
        events.first(11)
        result(t, t.other)
        mine = result(t)
        same(events.wait("result").get("assignment_id"), mine["assignment_id"], "first event")


@row("SSE: listeners that leave make room for others")
def _(t):
    for _ in range(300):
        with stream(t) as events:
            events.first(11)
    with stream(t) as events:
        same(events.first(11), b": connected", "first bytes")
