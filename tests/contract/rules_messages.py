# SPDX-License-Identifier: Apache-2.0
"""Messages: the same as decide, and the gateway's store of recent ones (contract 1.1, 1.3)."""

import time

from suite import MESSAGES, decided, error_body, row, same, true, unique


def post(t, tenant=None, **change):
    tenant = tenant or t.main
    body = t.decide_body(tenant_id=tenant.name, **change)
    return t.ask("POST", MESSAGES, tenant.headers(), body), body


@row("POST messages answers the decide reply")
def _(t):
    response, body = post(t)
    same(decided(response)["context"]["request_id"], body["request_id"], "context.request_id")


@row("POST messages goes to beamline.router.v1.decide", ["peer"])
def _(t):
    with t.router.plays(t.router.script):
        post(t)
        same(t.router.one().subject, "beamline.router.v1.decide", "subject")


@row("POST messages judges fields as decide does")
def _(t):
    error_body(post(t, version="2")[0], 400, "invalid_request", "VERSION_UNSUPPORTED")


def posted(t, tenant=None):
    """The id of a message that was posted and is to be seen; that may take a moment."""
    name = unique()
    response, _ = post(t, tenant, message={"message_id": name, "message_type": "t"})
    decided(response)
    end = time.monotonic() + 2
    headers = (tenant or t.main).headers()
    while t.ask("GET", f"{MESSAGES}/{name}", headers).status == 404 and time.monotonic() < end:
        time.sleep(0.02)
    return name


@row("GET messages lists what was posted")
def _(t):
    name = posted(t)
    response = t.ask("GET", MESSAGES)
    same(response.status, 200, "status")
    response.json()
    true(name in response.body.decode(), f"expected {name} in the list", response.body[:300])


@row("GET messages/{id} gives one that was posted")
def _(t):
    name = posted(t)
    response = t.ask("GET", f"{MESSAGES}/{name}")
    same(response.status, 200, "status")
    same(response.json().get("message_id"), name, "message_id")


@row("GET messages/{id} of one that was not posted is 404")
def _(t):
    error_body(t.ask("GET", f"{MESSAGES}/{unique()}"), 404, "not_found")


@row("GET messages/{id} of another tenant is 404", ["other"])
def _(t):
    name = posted(t, t.other)
    error_body(t.ask("GET", f"{MESSAGES}/{name}"), 404, "not_found")
    true(name not in t.ask("GET", MESSAGES).body.decode(), "not in the list either", name)


@row("PUT messages/{id} echoes")
def _(t):
    name = unique()
    body = {"message_id": name, "payload": {"a": [1, 2.5, None]}}
    response = t.ask("PUT", f"{MESSAGES}/{name}", body=body)
    same(response.status, 200, "status")
    got = response.json()
    for member, value in body.items():
        same(got.get(member), value, member)


@row("PUT messages/{id} with another id in the body is 409")
def _(t):
    response = t.ask("PUT", f"{MESSAGES}/{unique()}", body={"message_id": unique()})
    error_body(response, 409, "conflict")


@row("PUT messages/{id} that is no object is 400")
def _(t):
    for body in (b"[]", b"1", b"{", b""):
        response = t.ask("PUT", f"{MESSAGES}/m", body=body)
        same(response.status, 400, f"status for {body!r}")
        same(response.json()["error"]["code"], "invalid_request", "error.code")


@row("DELETE messages/{id} says deleted")
def _(t):
    name = unique()
    response = t.ask("DELETE", f"{MESSAGES}/{name}")
    same(response.status, 200, "status")
    same(response.json(), {"status": "deleted", "message_id": name}, "body")


@row("a message that was deleted is gone")
def _(t):
    name = posted(t)
    t.ask("DELETE", f"{MESSAGES}/{name}")
    error_body(t.ask("GET", f"{MESSAGES}/{name}"), 404, "not_found")


@row("PUT and DELETE do not reach the router", ["peer"])
def _(t):
    with t.router.plays(t.router.script) as seen:
        response = t.ask("PUT", f"{MESSAGES}/m-1", body={"message_id": "m-1"})
        same(response.json().get("message_id"), "m-1", "echo")
        same(t.ask("DELETE", f"{MESSAGES}/m-1").json().get("status"), "deleted", "status")
        same(len(seen), 0, "messages to the router")
