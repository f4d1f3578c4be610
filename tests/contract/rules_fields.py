# SPDX-License-Identifier: Apache-2.0
"""The fields of a request (contract 1.2). The gateway and the router judge alike."""

import json

from suite import DECIDE, decided, error_body, table

UUID4 = "0f8fad5b-d9cb-469f-a165-70867728950e"
ULID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
CHAT = {"type": "chat", "payload": {"text": "how warm is the sea today?"}}
RUN = {"run_id": UUID4, "flow_id": UUID4, "step_id": UUID4}
ANY = object()  # whichever intake code


MISSING = object()  # None would have the suite put the tenant's own


def judge(t, change, status, intake):
    if change.get("tenant_id") is MISSING:
        body = t.decide_body()
        del body["tenant_id"]
        response = t.ask("POST", DECIDE, body=body)
    else:
        response = t.decide(**change)
    if status == 200:
        decided(response)
        return
    if intake is ANY:
        intake = response.json().get("error", {}).get("intake_error_code")
    error_body(response, status, "invalid_request", intake)


SCHEMA = "SCHEMA_VALIDATION_FAILED"
VERSION = "VERSION_UNSUPPORTED"
CORRELATION = "CORRELATION_FIELDS_INVALID"
SMALL = "PAYLOAD_TOO_SMALL"


def task(**change):
    made = CHAT | change
    return {"task": {name: value for name, value in made.items() if value is not None}}


ROWS = [
    ("field: version missing", {"version": None}, 400, ANY),
    ("field: version 2", {"version": "2"}, 400, VERSION),
    ("field: version 01", {"version": "01"}, 400, VERSION),
    ("field: version is a number", {"version": 1}, 400, ANY),
    ("field: version empty", {"version": ""}, 400, ANY),
    ("field: tenant_id missing", {"tenant_id": MISSING}, 400, ANY),
    ("field: tenant_id is a number", {"tenant_id": 7}, 400, ANY),
    ("field: request_id missing", {"request_id": None}, 400, ANY),
    ("field: request_id empty", {"request_id": ""}, 400, ANY),
    ("field: request_id of 1 character", {"request_id": "r"}, 200, None),
    ("field: request_id of 128 characters", {"request_id": "r" * 128}, 200, None),
    ("field: request_id of 129 characters", {"request_id": "r" * 129}, 400, ANY),
    ("field: request_id is a number", {"request_id": 7}, 400, ANY),
    ("field: request_id with a line break", {"request_id": "a\r\nb"}, 400, ANY),
    ("field: task missing", {"task": None}, 400, SCHEMA),
    ("field: task is a string", {"task": "chat"}, 400, SCHEMA),
    ("field: task is an array", {"task": []}, 400, SCHEMA),
    ("field: task.type missing", task(type=None), 400, SCHEMA),
    ("field: task.type empty", task(type=""), 400, SCHEMA),
    ("field: task.type is a number", task(type=1), 400, SCHEMA),
    ("field: task.type of 64 characters", task(type="t" * 64), 200, None),
    ("field: task.type of 65 characters", task(type="t" * 65), 400, SCHEMA),
    ("field: task.type completion", task(type="completion", payload={"prompt": "go on"}), 200, None),
    ("field: task.type embedding", task(type="embedding", payload={"input": ["a", "b"]}), 200, None),
    ("field: task.type text.generate", task(type="text.generate"), 200, None),
    ("field: task.type nobody knows", task(type="made.up-kind_1"), 200, None),
    ("field: task.payload and payload_ref missing", task(payload=None), 400, SCHEMA),
    ("field: task.payload is a string", task(payload="a string, long enough"), 400, SCHEMA),
    ("field: task.payload is an array", task(payload=["an array, long enough"]), 400, SCHEMA),
    ("field: task.payload of 9 bytes", task(payload={"a": "b"}), 400, SMALL),
    ("field: task.payload of 10 bytes", task(payload={"a": "bc"}), 200, None),
    ("field: task.payload empty", task(payload={}), 400, SMALL),
    ("field: payload_ref alone", task(payload=None, payload_ref="s3://bucket/key"), 200, None),
    ("field: payload_ref beside a small payload", task(payload={}, payload_ref="s3://b/k"), 200, None),
    ("field: payload_ref is a number", task(payload=None, payload_ref=5), 400, SCHEMA),
    ("field: trace_id of 32 hex", {"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"}, 200, None),
    ("field: trace_id is a UUIDv4", {"trace_id": UUID4}, 200, None),
    ("field: run, flow and step as UUIDv4", RUN, 200, None),
    ("field: run, flow and step as ULID", {name: ULID for name in RUN}, 200, None),
    ("field: run_id alone", {"run_id": UUID4}, 400, CORRELATION),
    ("field: flow_id alone", {"flow_id": UUID4}, 400, CORRELATION),
    ("field: step_id alone", {"step_id": UUID4}, 400, CORRELATION),
    ("field: run and flow without step", {"run_id": UUID4, "flow_id": UUID4}, 400, CORRELATION),
    ("field: run_id is no UUIDv4", RUN | {"run_id": "run-1"}, 400, CORRELATION),
    ("field: step_id is a UUIDv1", RUN | {"step_id": "0f8fad5b-d9cb-169f-a165-70867728950e"}, 400, CORRELATION),
    ("field: flow_id is a ULID with a U", RUN | {"flow_id": "U" + ULID[1:]}, 400, CORRELATION),
    ("field: run_id is a number", RUN | {"run_id": 5}, 400, ANY),
    ("field: idempotency_key of 257 characters", {"idempotency_key": "k" * 257}, 400, ANY),
    ("field: idempotency_key empty", {"idempotency_key": ""}, 400, ANY),
    ("field: idempotency_key is a number", {"idempotency_key": 5}, 400, ANY),
    ("field: policy_id is a number", {"policy_id": 5}, 400, SCHEMA),
    ("field: constraints is an array", {"constraints": []}, 400, SCHEMA),
    ("field: metadata is a string", {"metadata": "m"}, 400, SCHEMA),
    ("field: context is a number", {"context": 1}, 400, SCHEMA),
    ("field: options is an array", {"options": []}, 400, SCHEMA),
    ("field: objects may be empty", {"constraints": {}, "metadata": {}, "context": {}, "options": {}}, 200, None),
    ("field: push_assignment false", {"push_assignment": False}, 200, None),
    ("field: an unknown member is an addition", {"new_in_v1_1": {"a": [1]}}, 200, None),
]
table(judge, ROWS)


def document(t, build, status):
    data = build(json.dumps(t.decide_body()).encode())
    response = t.ask("POST", DECIDE, body=data)
    if status == 200:
        decided(response)
    else:
        got = response.json().get("error", {}).get("intake_error_code")
        error_body(response, status, "invalid_request", got)


def insert(text):
    """The document with one member more at its front."""
    return lambda data: b"{" + text + b"," + data[1:]


table(
    document,
    [
        ("JSON: an empty body", lambda _: b"", 400),
        ("JSON: only spaces", lambda _: b"    ", 400),
        ("JSON: an array", lambda data: b"[" + data + b"]", 400),
        ("JSON: a string", lambda _: b'"decide"', 400),
        ("JSON: null", lambda _: b"null", 400),
        ("JSON: cut short", lambda data: data[:-1], 400),
        ("JSON: something behind it", lambda data: data + b" x", 400),
        ("JSON: two documents", lambda data: data + data, 400),
        ("JSON: spaces around it", lambda data: b" \r\n\t" + data + b"\n", 200),
        ("JSON: a byte order mark", lambda data: b"\xef\xbb\xbf" + data, 400),
        ("JSON: a member twice", insert(b'"tenant_id":"acme"'), 400),
        ("JSON: a member twice, spelled with an escape", insert(b'"tenant\\u005fid":"acme"'), 400),
        ("JSON: bytes that are no UTF-8", insert(b'"x":"\xff\xfe"'), 400),
        ("JSON: an overlong UTF-8 form", insert(b'"x":"\xc0\xaf"'), 400),
        ("JSON: a surrogate in UTF-8", insert(b'"x":"\xed\xa0\x80"'), 400),
        ("JSON: half a surrogate pair escaped", insert(b'"x":"\\ud800"'), 400),
        ("JSON: a whole surrogate pair escaped", insert(b'"x":"\\ud83d\\ude00"'), 200),
        ("JSON: a control character in a string", insert(b'"x":"a\nb"'), 400),
        ("JSON: a raw NUL", insert(b'"x":"a\0b"'), 400),
        ("JSON: a bad escape", insert(b'"x":"\\q"'), 400),
        ("JSON: a number with a leading zero", insert(b'"x":01'), 400),
        ("JSON: a number with a plus", insert(b'"x":+1'), 400),
        ("JSON: NaN", insert(b'"x":NaN'), 400),
        ("JSON: a number without digits after the point", insert(b'"x":1.'), 400),
        ("JSON: single quotes", insert(b"'x':1"), 400),
        ("JSON: a comma too many", lambda data: data[:-1] + b",}", 400),
        ("JSON: a comment", insert(b'/* x */"x":1'), 400),
        ("JSON: a member without value", insert(b'"x":'), 400),
        ("JSON: True", insert(b'"x":True'), 400),
        ("JSON: 20 levels deep", insert(b'"x":' + b"[" * 20 + b"]" * 20), 200),
        ("JSON: 100,000 levels deep", insert(b'"x":' + b"[" * 100000 + b"]" * 100000), 400),
        ("JSON: UTF-8 beyond ASCII", insert('"x":"Grüße, 世界, 🌊"'.encode()), 200),
    ],
)
