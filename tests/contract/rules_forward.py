# SPDX-License-Identifier: Apache-2.0
"""What arrives at the router (contract 1.2, 2.1 headers, 2.2): everything, and who sent it."""

import json

from suite import DECIDE, MESSAGES, matches, row, same, table, true, unique

UUID4 = "0f8fad5b-d9cb-469f-a165-70867728950e"


def full(t):
    """A request with every field of the contract."""
    return t.decide_body(
        task={
            "type": "completion",
            "payload": {"prompt": "say something", "max_tokens": 64, "temperature": 0.7},
            "payload_ref": "s3://bucket/key",
            "more": [1, 2.5, None, True],
        },
        trace_id="4bf92f3577b34da6a3ce929d0e0e4736",
        run_id=UUID4,
        flow_id="01ARZ3NDEKTSV4RRFFQ69G5FAV",
        step_id=unique(),
        idempotency_key=unique(),
        policy_id="default",
        constraints={"max_cost": 0.5, "capabilities": ["vision"]},
        metadata={"source": "suite", "nested": {"deep": {"er": []}}},
        context={"session": "s-1", "locale": "de"},
        options={"priority": 70, "timeout_ms": 900, "retry": {"max_attempts": 1}},
        push_assignment=False,
        assignment_subject="caf.exec.assign.v1",
        message={"message_id": "m-1", "message_type": "t", "payload": {"p": 1}, "metadata": {}},
    )


def arrives(t, path, name):
    body = full(t)
    with t.router.plays(t.router.script):
        same(t.ask("POST", path, body=body).status, 200, "status")
        got = t.router.one().json()
    same(got.get(name), body[name], f"{name} at the router")


FIELDS = (
    "version tenant_id request_id task trace_id run_id flow_id step_id idempotency_key policy_id "
    "constraints metadata context options push_assignment assignment_subject message"
).split()
table(
    arrives,
    [(f"arrives from decide: {name}", DECIDE, name) for name in FIELDS]
    + [(f"arrives from messages: {name}", MESSAGES, name) for name in FIELDS],
    ["peer"],
)


@row("arrives: a member that the contract does not know", ["peer"])
def _(t):
    with t.router.plays(t.router.script):
        t.decide(added_in_v1_1={"kept": ["as", "it", "came"]})
        same(t.router.one().json().get("added_in_v1_1"), {"kept": ["as", "it", "came"]}, "member")


@row("arrives: push_assignment as it was spelled", ["peer"])
def _(t):
    for spelled in (True, "true", 1):
        with t.router.plays(t.router.script):
            t.decide(push_assignment=spelled)
            same(t.router.one().json().get("push_assignment"), spelled, "push_assignment")


def verbatim(t, value):
    """The text of a value arrives byte for byte: nothing is rebuilt."""
    body = json.dumps(t.decide_body()).encode()[:-1] + b',"metadata":{"x":' + value + b"}}"
    with t.router.plays(t.router.script):
        same(t.ask("POST", DECIDE, body=body).status, 200, "status")
        data = t.router.one().data
    true(b'{"x":' + value + b"}" in data, f"expected {value!r} in the message", data)


table(
    verbatim,
    [
        ("verbatim: an integer beyond 64 bits", b"123456789012345678901234567890"),
        ("verbatim: a fraction with zeros", b"0.1000000000000000055511151231257827"),
        ("verbatim: an exponent", b"1.5E+300"),
        ("verbatim: minus zero", b"-0.0"),
        ("verbatim: escapes", b'"\\u00e9\\/\\t\\ud83d\\ude00"'),
        ("verbatim: UTF-8", '"é世界🌊"'.encode()),
        ("verbatim: spaces", b"[ 1 ,\t2 ]"),
        ("verbatim: an empty member name", b'{"":[]}'),
    ],
    ["peer"],
)


@row("arrives: a body of 512 KiB", ["peer"])
def _(t):
    text = "x" * (512 << 10)
    with t.router.plays(t.router.script):
        same(t.decide(metadata={"text": text}).status, 200, "status")
        same(len(t.router.one().json()["metadata"]["text"]), len(text), "length of the text")


@row("the message names the tenant, the version and the trace in its headers", ["peer"])
def _(t):
    with t.router.plays(t.router.script):
        response = t.decide()
        message = t.router.one()
    same(message.header("tenant_id"), t.main.name, "header tenant_id")
    same(message.header("version"), "1", "header version")
    matches("[0-9a-f]{32}", message.header("trace_id"), "header trace_id")
    parent = message.header("traceparent")
    matches("00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", parent, "header traceparent")
    same(parent.split("-")[1], message.header("trace_id"), "trace of traceparent")
    same(message.json().get("trace_id"), message.header("trace_id"), "trace_id of the payload")
    same(response.header("traceparent").split("-")[1], message.header("trace_id"), "answer's trace")


@row("the message says how important it is, whatever the client says", ["peer"])
def _(t):
    seen = []
    for own in ([], [("x-criticality", "critical_plus")], [("X-Criticality", "sheddable")]):
        with t.router.plays(t.router.script):
            same(t.decide(own).status, 200, "status")
            seen.append(t.router.one().header("x-criticality"))
    true(seen[0] in ("sheddable", "sheddable_plus", "critical", "critical_plus"), "x-criticality", seen[0])
    same(seen, seen[:1] * 3, "x-criticality")


@row("the message to get_decision has the headers too", ["peer"])
def _(t):
    with t.router.plays(t.router.script):
        t.ask("GET", f"{DECIDE}/{unique()}")
        message = t.router.one()
    same(message.header("tenant_id"), t.main.name, "header tenant_id")
    same(message.header("version"), "1", "header version")
    matches("[0-9a-f]{32}", message.header("trace_id"), "header trace_id")


@row("a key alone names the tenant in the message", ["peer", "key"])
def _(t):
    with t.router.plays(t.router.script):
        t.ask("POST", DECIDE, [("X-API-Key", t.main.key)], t.decide_body())
        same(t.router.one().header("tenant_id"), t.main.name, "header tenant_id")


@row("the credential does not travel to the router", ["peer", "key"])
def _(t):
    with t.router.plays(t.router.script):
        t.decide()
        message = t.router.one()
    text = message.data.decode() + repr(message.headers)
    true(t.main.key not in text, "no key in the message", "the key")


@row("a header Idempotency-Key arrives as the field", ["peer"])
def _(t):
    key = unique()
    with t.router.plays(t.router.script):
        t.decide([("Idempotency-Key", key)])
        same(t.router.one().json().get("idempotency_key"), key, "idempotency_key")


@row("the router's answer comes back byte for byte", ["peer"])
def _(t):
    made = b'{ "ok":true,"decision":{"provider_id":"p","expected_cost":1.50,"x":"\\u00e9"},"context":{} }'
    with t.router.plays(lambda _: made):
        response = t.decide()
    same(response.status, 200, "status")
    same(response.body, made, "body")


@row("an answer of 256 KiB comes back whole", ["peer"])
def _(t):
    made = json.dumps({"ok": True, "decision": {"reason": "r" * (256 << 10)}, "context": {}}).encode()
    with t.router.plays(lambda _: made):
        same(t.decide().body, made, "body")


@row("what was refused did not reach the router", ["peer"])
def _(t):
    with t.router.plays(t.router.script) as seen:
        same(t.decide(version="2").status, 400, "status")
        same(t.decide(tenant_id="somebody-else").status, 403, "status")
        same(t.ask("POST", DECIDE, body=b"{").status, 400, "status")
        same(len(seen), 0, "messages to the router")
