# SPDX-License-Identifier: Apache-2.0
"""What an accepted request leaves behind: assignment, ack, result, usage (contract 2.4 to 2.9)."""

import json
import time

from suite import UUID, is_number, matches, row, same, table, true, unique

ASSIGN, ACK = "caf.exec.assign.v1", "caf.exec.assign.v1.ack"
RESULT, USAGE = "caf.exec.result.v1", "beamline.usage.v1.metered"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
UUID4 = "0f8fad5b-d9cb-469f-a165-70867728950e"


def pushed(t, want, **change):
    """Posts a request that is assigned, and follows it: {subject: message} and the request."""
    change.setdefault("push_assignment", True)
    body = t.decide_body(**change)
    mine = body["request_id"].encode()
    found = {}
    subscriptions = {subject: t.peer.subscribe(subject) for subject in want}
    try:
        response = t.ask("POST", "/api/v1/routes/decide", [*t.main.headers(), ("traceparent", PARENT)], body)
        same(response.status, 200, f"status ({response.body[:200]!r})")
        found["decision"] = response.json()["decision"]
        name = None
        for subject in want:
            found[subject] = subscriptions[subject].until(
                lambda m, name=name: mine in m.data or bool(name and name.encode() in m.data), 8
            )
            name = name or found[subject].json().get("assignment_id")
    finally:
        for subscription in subscriptions.values():
            subscription.close()
    return body, found


def headed(t, message, prefix, name):
    """The headers of every message."""
    same(message.header("tenant_id"), t.main.name, "header tenant_id")
    same(message.header("version"), "1", "header version")
    same(message.header("trace_id"), TRACE, "header trace_id")
    same((message.header("traceparent") or "").split("-")[1:2], [TRACE], "trace of traceparent")
    if prefix:
        same(message.header("Nats-Msg-Id"), prefix + name, "header Nats-Msg-Id")


@row("assignment: every field", ["real"])
def _(t):
    task = {"type": "chat", "payload": {"text": "a copy of this"}, "payload_ref": "s3://bucket/k"}
    run = {"run_id": UUID4, "flow_id": UUID4, "step_id": UUID4}
    body, found = pushed(t, [ASSIGN], task=task, metadata={"from": "suite"}, **run)
    got = found[ASSIGN].json()
    same(got["version"], "1", "version")
    matches(UUID, got["assignment_id"], "assignment_id")
    same(got["request_id"], body["request_id"], "request_id")
    same(got["tenant_id"], t.main.name, "tenant_id")
    same(got["executor"]["provider_id"], found["decision"]["provider_id"], "executor.provider_id")
    true(got["executor"]["channel"] in ("nats", "grpc"), "executor.channel", got["executor"])
    same(got["job"], task, "job is a copy of task")
    same(got["correlation"]["trace_id"], TRACE, "correlation.trace_id")
    same(got["trace_id"], TRACE, "trace_id")
    same(got["decision"]["provider_id"], found["decision"]["provider_id"], "decision")
    same(got["metadata"].get("from"), "suite", "metadata")
    for name, value in run.items():
        same(got.get(name), value, name)


@row("assignment: options", ["real"])
def _(t):
    _, found = pushed(t, [ASSIGN])
    options, decision = found[ASSIGN].json()["options"], found["decision"]
    expected = min(60000, max(5000, 5 * decision["expected_latency_ms"]))
    same(options["deadline_ms"], expected, "deadline_ms")
    same(options["priority"], decision["priority"], "priority")
    same(options["retry"], {"max_attempts": 2, "backoff_ms": 200}, "retry")


@row("assignment: the request's options are merged", ["real"])
def _(t):
    options = {"priority": 77, "deadline_ms": 9000, "retry": {"max_attempts": 5}, "own": "kept"}
    _, found = pushed(t, [ASSIGN], options=options)
    got = found[ASSIGN].json()["options"]
    same(got["priority"], 77, "priority")
    same(got["deadline_ms"], 9000, "deadline_ms")
    same(got["retry"], {"max_attempts": 5, "backoff_ms": 200}, "retry")
    same(got.get("own"), "kept", "an option the router does not know")


@row("assignment: headers", ["real"])
def _(t):
    _, found = pushed(t, [ASSIGN])
    headed(t, found[ASSIGN], "assign-", found[ASSIGN].json()["assignment_id"])


def spelled(t, value, wanted):
    body = t.decide_body(push_assignment=value)
    with t.peer.subscribe(ASSIGN) as assignments:
        same(t.ask("POST", "/api/v1/routes/decide", body=body).status, 200, "status")
        got = [m for m in assignments.collect(1) if body["request_id"].encode() in m.data]
    same(len(got), wanted, "assignments")


table(
    spelled,
    [
        ("push_assignment true assigns", True, 1),
        ('push_assignment "true" assigns', "true", 1),
        ("push_assignment 1 assigns", 1, 1),
        ("push_assignment false does not", False, 0),
        ("no push_assignment does not", None, 0),
    ],
    ["real"],
)


@row("ack: every field", ["real"])
def _(t):
    _, found = pushed(t, [ASSIGN, ACK])
    got, name = found[ACK].json(), found[ASSIGN].json()["assignment_id"]
    same(got["version"], "1", "version")
    same(got["assignment_id"], name, "assignment_id")
    same(got["status"], "accepted", "status")
    same(got["correlation"]["trace_id"], TRACE, "correlation.trace_id")
    same(got["tenant_id"], t.main.name, "tenant_id")
    headed(t, found[ACK], "ack-", name)


@row("result: every field", ["real"])
def _(t):
    body, found = pushed(t, [ASSIGN, RESULT], run_id=UUID4, flow_id=UUID4, step_id=UUID4)
    got, name = found[RESULT].json(), found[ASSIGN].json()["assignment_id"]
    same(got["version"], "1", "version")
    same(got["assignment_id"], name, "assignment_id")
    same(got["request_id"], body["request_id"], "request_id")
    same(got["status"], "success", "status")
    same(got["provider_id"], found["decision"]["provider_id"], "provider_id")
    same(got["job"]["type"], "chat", "job.type")
    for member in ("latency_ms", "cost", "timestamp"):
        true(is_number(got[member]), f"{member} is a number", got[member])
    true(abs(got["timestamp"] / 1000 - time.time()) < 60, "timestamp in ms", got["timestamp"])
    same(got["trace_id"], TRACE, "trace_id")
    same(got["tenant_id"], t.main.name, "tenant_id")
    same(got["run_id"], UUID4, "run_id")
    headed(t, found[RESULT], "result-", name)


@row("usage: every field", ["real"])
def _(t):
    run = {"run_id": UUID4, "flow_id": UUID4, "step_id": UUID4}
    body, found = pushed(t, [ASSIGN, RESULT, USAGE], **run)
    got, result = found[USAGE].json(), found[RESULT].json()
    same(got["version"], "1", "version")
    same(got["event_type"], "chat", "event_type")
    for member in ("tenant_id", "provider_id", "latency_ms", "cost", "status", "trace_id", "assignment_id"):
        same(got.get(member), result[member], f"{member} is the result's")
    same(got["request_id"], body["request_id"], "request_id")
    same(got["run_id"], UUID4, "run_id")
    true(is_number(got["timestamp"]), "timestamp", got)
    headed(t, found[USAGE], "usage-", got["assignment_id"])


def a_result(t, **change):
    made = {"version": "1", "assignment_id": unique(), "request_id": unique(), "status": "success"}
    made |= {"provider_id": "p-1", "job": {"type": "chat"}, "latency_ms": 12, "cost": 0.25}
    made |= {"timestamp": int(time.time() * 1000), "tenant_id": t.main.name, "trace_id": TRACE}
    made |= change
    return {name: value for name, value in made.items() if value is not None}


def given(t):
    return {"tenant_id": t.main.name, "version": "1", "trace_id": TRACE, "traceparent": PARENT}


def metered(t, sent, name, times=1):
    """The usage events that a result published `times` times brings."""
    with t.peer.subscribe(USAGE) as events:
        for number in range(times):
            data = json.dumps(sent).encode()
            t.peer.js_publish(RESULT, data, f"suite-{name}-{number}", given(t))
        return [m.json() for m in events.collect(2) if name.encode() in m.data]


def foreign(t, change, status):
    """A result of somebody else's worker."""
    sent = a_result(t, **change)
    name = sent.get("assignment_id") or sent["request_id"]
    got = metered(t, sent, name)
    same([event["status"] for event in got], [status], "status of the usage events")


table(
    foreign,
    [
        ("result of another worker: success is metered", {}, "success"),
        ("result of another worker: error is metered", {"status": "error", "error_code": "HTTP_ERROR"}, "error"),
        ("result of another worker: timeout is metered", {"status": "timeout"}, "timeout"),
        ("result of another worker: cancelled is metered", {"status": "cancelled"}, "cancelled"),
        ("result of another worker: canceled is accepted", {"status": "canceled"}, "cancelled"),
        ("result of another worker: request_id alone", {"assignment_id": None}, "success"),
        ("result of another worker: assignment_id alone", {"request_id": None}, "success"),
        ("result of another worker: unknown members are additions", {"new_member": [1]}, "success"),
    ],
    ["real"],
)


@row("result in the wrapped form is metered", ["real"])
def _(t):
    flat = a_result(t)
    flat["job_type"] = flat.pop("job")["type"]
    got = metered(t, {"version": "v1", "kind": "exec_result", "data": flat}, flat["assignment_id"])
    same(len(got), 1, "usage events")
    same(got[0]["event_type"], "chat", "event_type")


@row("a result that comes three times is metered once", ["real"])
def _(t):
    sent = a_result(t)
    same(len(metered(t, sent, sent["assignment_id"], 3)), 1, "usage events")


def poison(t, data):
    """Buried, not metered, and the next result is served."""
    name = "poison-" + unique()
    with t.peer.subscribe(RESULT + ".dlq") as letters:
        t.peer.js_publish(RESULT, data, name, given(t))
        dead = letters.next(8).json()
    same(dead["original_subject"], RESULT, "original_subject")
    true(dead["reason"] in ("validation_failed", "processing_error"), "reason", dead)
    sent = a_result(t)
    same(len(metered(t, sent, sent["assignment_id"])), 1, "usage events of the next result")


table(
    poison,
    [
        ("a poisonous result is buried: no JSON", b"\x00 poison"),
        ("a poisonous result is buried: an array", b"[]"),
        ("a poisonous result is buried: no ids", b'{"version":"1","status":"success"}'),
        ("a poisonous result is buried: a status that nobody knows", json.dumps({"version": "1", "assignment_id": UUID4, "status": "fine"}).encode()),
    ],
    ["real"],
)


def consumer(t, stream, durable, ack_wait_s, deliveries):
    got = t.peer.js(f"CONSUMER.INFO.{stream}.{durable}")
    true("config" in got, f"expected the consumer {durable}", got.get("error"))
    config = got["config"]
    same(config["ack_policy"], "explicit", "ack_policy")
    same(config["ack_wait"], ack_wait_s * 10**9, "ack_wait")
    if deliveries:
        same(config.get("max_deliver"), deliveries, "max_deliver")


table(
    consumer,
    [
        ("JetStream: durable router-results", "SLUICE_RESULTS", "router-results", 30, 10),
        ("JetStream: durable router-acks", "SLUICE_ACKS", "router-acks", 30, 3),
        ("JetStream: durable of the workers", "SLUICE_ASSIGN", "sluice-workers", 30, None),
    ],
    ["real"],
)


@row("JetStream: usage is deduplicated for 3600 s", ["real"])
def _(t):
    config = t.peer.js("STREAM.INFO.SLUICE_USAGE")["config"]
    same(config["duplicate_window"], 3600 * 10**9, "duplicate_window")
