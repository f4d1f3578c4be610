# SPDX-License-Identifier: Apache-2.0
"""A real worker, given assignments by a router that the suite plays (contract 2.4 to 2.6, 2.8)."""

import json
import time

from suite import is_number, matches, row, same, table, true, unique

ASSIGN, ACK, RESULT = "caf.exec.assign.v1", "caf.exec.assign.v1.ack", "caf.exec.result.v1"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CODES = """
INVALID_INPUT MISSING_REQUIRED_FIELD INVALID_FORMAT EXECUTION_FAILED RESOURCE_UNAVAILABLE
PERMISSION_DENIED QUOTA_EXCEEDED NETWORK_ERROR CONNECTION_TIMEOUT HTTP_ERROR INTERNAL_ERROR
SYSTEM_OVERLOAD CANCELLED_BY_USER CANCELLED_BY_TIMEOUT
""".split()


def assignment(t, **change):
    made = {
        "version": "1",
        "assignment_id": unique(),
        "request_id": unique(),
        "tenant_id": t.main.name,
        "executor": {"provider_id": "p-1", "channel": "nats"},
        "job": {"type": "chat", "payload": {"text": "for the worker"}},
        "options": {"priority": 50, "deadline_ms": 5000, "retry": {"max_attempts": 2, "backoff_ms": 200}},
        "correlation": {"trace_id": TRACE},
        "trace_id": TRACE,
        "decision": {"provider_id": "p-1", "expected_cost": 0.01, "expected_latency_ms": 10},
        "metadata": {},
    }
    return made | change


def work(t, sent, subject=RESULT, times=1, seconds=6):
    """The worker's message about that assignment."""
    name = sent["assignment_id"]
    headers = {"tenant_id": t.main.name, "version": "1", "trace_id": TRACE}
    headers["traceparent"] = f"00-{TRACE}-00f067aa0ba902b7-01"
    with t.peer.subscribe(subject) as answers:
        for number in range(times):
            data = json.dumps(sent).encode()
            t.peer.js_publish(ASSIGN, data, f"assign-{name}-{number}", headers)
        return answers.until(lambda m: name.encode() in m.data, seconds)


@row("worker: does what an assignment says", ["real"])
def _(t):
    sent = assignment(t)
    got = work(t, sent).json()
    same(got["status"], "success", "status")
    same(got["assignment_id"], sent["assignment_id"], "assignment_id")
    same(got["request_id"], sent["request_id"], "request_id")
    same(got["provider_id"], "p-1", "provider_id")


@row("worker: acknowledges before it reports", ["real"])
def _(t):
    got = work(t, assignment(t), ACK).json()
    same(got["status"], "accepted", "status")


@row("worker: a run_id goes on to the result", ["real"])
def _(t):
    run = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
    same(work(t, assignment(t, run_id=run, flow_id=run, step_id=run)).json()["run_id"], run, "run_id")


@row("worker: unknown members are additions", ["real"])
def _(t):
    same(work(t, assignment(t, new_member={"a": 1})).json()["status"], "success", "status")


@row("worker: results of one assignment have one Nats-Msg-Id", ["real"])
def _(t):
    sent = assignment(t)
    same(work(t, sent).header("Nats-Msg-Id"), "result-" + sent["assignment_id"], "Nats-Msg-Id")


@row("worker: the RESULTS stream counts an assignment that came twice once", ["real"])
def _(t):
    sent = assignment(t)
    before = t.peer.js("STREAM.INFO.SLUICE_RESULTS")["state"]["last_seq"]
    work(t, sent, times=2)
    time.sleep(1.5)
    after = t.peer.js("STREAM.INFO.SLUICE_RESULTS")["state"]["last_seq"]
    same(after - before, 1, "results in the stream")


def faulty(t, change):
    got = work(t, assignment(t, **change)).json()
    same(got["status"], "error", "status")
    true(got.get("error_code") in CODES, "an error_code of the contract", got.get("error_code"))
    true(got.get("error_message"), "an error_message", got)


table(
    faulty,
    [
        ("worker: an assignment without job is an error result", {"job": None}),
        ("worker: an assignment with a job that is no object", {"job": "chat"}),
        ("worker: an assignment with a job without type", {"job": {"payload": {"a": 1}}}),
    ],
    ["real"],
)


@row("worker: heartbeat every 5 s, with every field", ["real"])
def _(t):
    with t.peer.subscribe("caf.worker.heartbeat.v1") as beats:
        got = beats.next(7).json()
    same(got["version"], "1", "version")
    true(got["worker_id"], "worker_id", got)
    matches(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", got["timestamp"], "timestamp")
    true(got["status"] in ("ready", "busy", "degraded"), "status", got)
    for name in ("cpu", "gpu", "mem_bytes", "jobs_in_flight"):
        true(is_number(got["resources"].get(name)), f"resources.{name} is a number", got["resources"])
    for name in ("tenant_id", "metadata"):
        true(name in got, f"a member {name}", got)
