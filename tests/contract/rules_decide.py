# SPDX-License-Identifier: Apache-2.0
"""A real router, asked by NATS (contract 2.1 to 2.3, 3)."""

import json

from nats_peer import NoResponders
from suite import is_number, only, row, same, table, true, unique

DECIDE = "beamline.router.v1.decide"
ADMIN = "beamline.router.v1.admin."
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def headers(t, **change):
    made = {
        "trace_id": TRACE,
        "tenant_id": t.main.name,
        "version": "1",
        "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01",
    } | change
    return {name: value for name, value in made.items() if value is not None}


def ask(t, body, given=None):
    data = json.dumps(body).encode() if isinstance(body, dict) else body
    return t.peer.request(DECIDE, data, given or headers(t)).json()


@row("router: a decision has the contract's members", ["real"])
def _(t):
    body = t.decide_body(trace_id=TRACE)
    answer = ask(t, body)
    same(answer["ok"], True, "ok")
    decision = answer["decision"]
    for name in ("priority", "expected_latency_ms", "expected_cost"):
        true(is_number(decision.get(name)), f"decision.{name} is a number", decision)
    for name in ("provider_id", "reason"):
        true(decision.get(name), f"decision.{name}", decision)
    same(answer["context"]["request_id"], body["request_id"], "context.request_id")
    same(answer["context"]["trace_id"], TRACE, "context.trace_id")


def refused(t, change, code, intake):
    body = t.decide_body(**change)
    with t.peer.subscribe(DECIDE + ".dlq") as letters:
        answer = ask(t, body, headers(t, version=None))  # else the header's version wins
        letter = letters.next()
    same(answer["ok"], False, "ok")
    same(answer["error"]["code"], code, "error.code")
    same(answer["error"].get("intake_error_code"), intake, "error.intake_error_code")
    dead = letter.json()
    same(dead["original_subject"], DECIDE, "original_subject of the dead letter")
    same(dead["reason"], "validation_failed", "reason of the dead letter")
    same(dead["error_code"], intake, "error_code of the dead letter")
    true(dead.get("timestamp"), "timestamp of the dead letter", dead)
    same(letter.header("x-dlq-reason"), "validation_failed", "header x-dlq-reason")
    same(letter.header("tenant_id"), t.main.name, "header tenant_id")
    true("payload" not in json.dumps(dead.get("message", "")), "no message by default", dead)


SCHEMA, SMALL = "SCHEMA_VALIDATION_FAILED", "PAYLOAD_TOO_SMALL"
CORRELATION = "CORRELATION_FIELDS_INVALID"
CHAT = {"type": "chat", "payload": {"text": "long enough"}}
INVALID = "invalid_request"
table(
    refused,
    [
        ("router refuses and buries: version 2 in the payload", {"version": "2"}, INVALID, "VERSION_UNSUPPORTED"),
        ("router refuses and buries: run_id alone", {"run_id": unique()}, INVALID, CORRELATION),
        ("router refuses and buries: no task", {"task": None}, INVALID, SCHEMA),
        ("router refuses and buries: no task.type", {"task": {"payload": {"text": "long enough"}}}, INVALID, SCHEMA),
        ("router refuses and buries: no payload", {"task": {"type": "chat"}}, INVALID, SCHEMA),
        ("router refuses and buries: a small payload", {"task": {"type": "chat", "payload": {}}}, INVALID, SMALL),
        ("router order: version before run_id alone", {"version": "2", "run_id": unique()}, INVALID, "VERSION_UNSUPPORTED"),
        ("router order: run_id alone before the payload", {"run_id": unique(), "task": {"type": "chat"}}, INVALID, CORRELATION),
    ],
    ["real"],
)


def no_json(t, data):
    answer = ask(t, data)
    same(answer["ok"], False, "ok")
    same(answer["error"]["code"], INVALID, "error.code")
    same(answer["error"].get("intake_error_code"), SCHEMA, "error.intake_error_code")


table(
    no_json,
    [
        ("router refuses: nothing", b""),
        ("router refuses: no JSON", b"\x00\xff"),
        ("router refuses: an array", b"[1]"),
        ("router refuses: cut short", b'{"version":"1"'),
        ("router refuses: nested without end", b'{"a":' * 100000),
    ],
    ["real"],
)


@row("router: the version of the header wins", ["real"])
def _(t):
    answer = ask(t, t.decide_body(), headers(t, version="2"))
    same(answer["error"].get("intake_error_code"), "VERSION_UNSUPPORTED", "intake_error_code")


@row("router: the tenant of the header wins", ["real"])
def _(t):
    body = t.decide_body(tenant_id="named-in-the-payload", push_assignment=True)
    with t.peer.subscribe("caf.exec.assign.v1") as assignments:
        same(ask(t, body)["ok"], True, "ok")
        found = assignments.until(lambda m: m.json()["request_id"] == body["request_id"])
    same(found.json()["tenant_id"], t.main.name, "tenant_id of the assignment")


@row("router: the trace of the header wins", ["real"])
def _(t):
    answer = ask(t, t.decide_body(trace_id="0af7651916cd43dd8448eb211c80319c"))
    same(answer["context"]["trace_id"], TRACE, "context.trace_id")


@row("router: a policy that does not exist", ["real"])
def _(t):
    answer = ask(t, t.decide_body(policy_id="no-such-policy"))
    same(answer["ok"], False, "ok")
    same(answer["error"]["code"], "policy_not_found", "error.code")


@row("router: an assignment_subject that is not in the allow-list", ["real"])
def _(t):
    body = t.decide_body(push_assignment=True, assignment_subject="beamline.usage.v1.metered")
    with t.peer.subscribe("beamline.usage.v1.metered") as stolen:
        answer = ask(t, body)
        got = [m for m in stolen.collect(0.5) if body["request_id"].encode() in m.data]
    same(answer["ok"], False, "ok")
    same(len(got), 0, "messages on the subject")


@row("router: without a reply-to the answer goes to decide.reply", ["real"])
def _(t):
    body = t.decide_body()
    with t.peer.subscribe(DECIDE + ".reply") as replies:
        t.peer.publish(DECIDE, body, headers(t))
        found = replies.until(lambda m: body["request_id"].encode() in m.data)
    same(found.json()["ok"], True, "ok")


@row("router: a duplicate of an idempotency_key gets the first answer", ["real"])
def _(t):
    body = t.decide_body(idempotency_key=unique())
    first = t.peer.request(DECIDE, json.dumps(body).encode(), headers(t)).data
    second = t.peer.request(DECIDE, json.dumps(body).encode(), headers(t)).data
    same(second, first, "second answer")


@row("router: the same idempotency_key with another body is a violation", ["real"])
def _(t):
    body = t.decide_body(idempotency_key=unique())
    ask(t, body)
    answer = ask(t, body | {"metadata": {"changed": True}})
    same(answer["ok"], False, "ok")
    same(answer["error"].get("intake_error_code"), "IDEMPOTENCY_VIOLATION", "intake_error_code")


@row("router: a decision can be found again by its request_id", ["real"])
def _(t):
    body = t.decide_body(push_assignment=True)
    made = ask(t, body)
    data = json.dumps({"message_id": body["request_id"]}).encode()
    found = t.peer.request("beamline.router.v1.get_decision", data, headers(t)).json()
    same(found["decision"], made["decision"], "decision")


@row("router: a decision that was not made is not found", ["real"])
def _(t):
    data = json.dumps({"message_id": unique()}).encode()
    found = t.peer.request("beamline.router.v1.get_decision", data, headers(t)).json()
    same(found["ok"], False, "ok")
    same(found["error"]["code"], "not_found", "error.code")


@row("router: another tenant's decision is not found", ["real", "other"])
def _(t):
    body = t.decide_body(push_assignment=True)
    ask(t, body)
    data = json.dumps({"message_id": body["request_id"]}).encode()
    given = headers(t, tenant_id=t.other.name)
    found = t.peer.request("beamline.router.v1.get_decision", data, given).json()
    same(found["ok"], False, "ok")


@row("router: decide is captured by no stream", ["real"])
def _(t):
    for subject in (DECIDE, "beamline.router.v1.get_decision", ADMIN + "dry_run_pipeline"):
        names = t.peer.js("STREAM.NAMES", {"subject": subject}).get("streams")
        same(names or [], [], f"streams on {subject}")


def admin(t, subject, body, members):
    answer = t.peer.request(ADMIN + subject, json.dumps(body).encode(), headers(t)).json()
    same(answer.get("ok", True), True, f"ok ({str(answer)[:200]})")
    text = json.dumps(answer)
    for member in members:
        true(f'"{member}"' in text, f"expected a member {member}", text[:300])


table(
    admin,
    [
        ("router admin: extension health", "get_extension_health", {}, ("status",)),
        ("router admin: breaker states", "get_circuit_breaker_states", {}, ()),
        (
            "router admin: dry run",
            "dry_run_pipeline",
            {"version": "1", "tenant_id": "acme", "request_id": "dry-1", "task": CHAT},
            ("provider_id",),
        ),
    ],
    ["real"],
)


@row("router admin: a dry run assigns nothing", ["real"])
def _(t):
    body = t.decide_body(push_assignment=True)
    with t.peer.subscribe("caf.exec.assign.v1") as assignments:
        t.peer.request(ADMIN + "dry_run_pipeline", json.dumps(body).encode(), headers(t))
        got = [m for m in assignments.collect(0.5) if body["request_id"].encode() in m.data]
    same(len(got), 0, "assignments")


@row("router: the status of backpressure has the contract's members", ["real"])
def _(t):
    subject = "beamline.router.v2.status.backpressure"
    try:
        answer = t.peer.request(subject, b"{}", headers(t)).json()
    except NoResponders:
        raise AssertionError(f"expected an answer on {subject}, nobody listens") from None
    only(answer, ("subject", "status", "metrics", "thresholds", "policy", "timestamp"), "members")
    true(answer["status"] in ("active", "warning", "inactive", "unknown"), "status", answer)
    only(answer["metrics"], ("pending_messages", "latency_p95_ms", "inflight_messages"), "metrics")
    only(answer["policy"], ("retry_after_seconds", "max_retry_attempts"), "policy")
