# SPDX-License-Identifier: Apache-2.0
"""Routes and methods (contract 1.1), health (1.3)."""

from suite import DECIDE, MESSAGES, decided, error_body, every_answer, row, same, table, true, unique

STATES = ("healthy", "degraded", "unhealthy")


def not_found(t, method, path):
    body = {} if method in ("POST", "PUT") else None
    answer = error_body(t.ask(method, path, body=body), 404, "invalid_request")
    same(answer["error"]["message"], "route not found", "error.message")


table(
    not_found,
    [
        ("404: the root", "GET", "/"),
        ("404: a route that does not exist", "GET", "/api/v1/nothing"),
        ("404: another version of the API", "POST", "/api/v2/routes/decide"),
        ("404: decide with a slash at its end", "POST", DECIDE + "/"),
        ("404: decide with more behind it", "POST", DECIDE + "x"),
        ("404: a path in another case", "POST", DECIDE.upper()),
        ("404: GET on decide", "GET", DECIDE),
        ("404: PUT on decide", "PUT", DECIDE),
        ("404: DELETE on decide", "DELETE", DECIDE),
        ("404: POST on one decision", "POST", DECIDE + "/1"),
        ("404: PUT on all messages", "PUT", MESSAGES),
        ("404: POST on one message", "POST", MESSAGES + "/1"),
        ("404: a message's part", "GET", MESSAGES + "/1/2"),
        ("404: POST on a stream", "POST", MESSAGES + "/stream"),
        ("404: POST on health", "POST", "/health"),
        ("404: DELETE on extensions/health", "DELETE", "/api/v1/extensions/health"),
        ("404: GET on dry-run", "GET", "/api/v1/policies/dry-run"),
        ("404: registry block with three names", "GET", "/api/v1/registry/blocks/a/b/c"),
        ("404: PATCH on a message", "PATCH", MESSAGES + "/1"),
        ("404: metrics are not on the public listener", "GET", "/metrics"),
        ("404: metrics in JSON are not on the public listener", "GET", "/_metrics"),
    ],
)


def health(t, path):
    healthy(t.ask("GET", path, []))


def healthy(response):
    same(response.status, 200, "status")
    every_answer(response)
    body = response.json()
    true(body.get("status") in STATES, f"expected a status of {STATES}", body)
    true(body.get("timestamp"), "a timestamp", body)
    for name, check in body["checks"].items():
        true(check["status"] in STATES, f"checks.{name}.status is one of {STATES}", check)
        true(isinstance(check.get("message"), str), f"checks.{name}.message is a string", check)


table(
    health,
    [
        ("GET /health without a credential", "/health"),
        ("GET /_health without a credential", "/_health"),
        ("GET /health/live without a credential", "/health/live"),
        ("GET /health/ready without a credential", "/health/ready"),
    ],
)


@row("health looks at NATS")
def _(t):
    checks = t.ask("GET", "/health", []).json().get("checks", {})
    true("nats" in checks, "a check named nats", sorted(checks))


@row("health ignores a wrong credential")
def _(t):
    healthy(t.ask("GET", "/health", [("X-API-Key", "wrong")]))


@row("HEAD on health has no body and keeps the connection")
def _(t):
    with t.connect() as connection:
        connection.request("HEAD", "/health")
        same(connection.response("HEAD").status, 200, "status")
        connection.request("GET", "/health")
        healthy(connection.response())


@row("a query string on decide is no other route")
def _(t):
    decided(t.ask("POST", DECIDE + "?a=1", body=t.decide_body()))


@row("GET of a decision asks get_decision with message_id", ["peer"])
def _(t):
    name = unique()
    with t.router.plays(t.router.script):
        response = t.ask("GET", f"{DECIDE}/{name}")
        message = t.router.one()
    same(response.status, 200, "status")
    same(message.subject, "beamline.router.v1.get_decision", "subject")
    same(message.json().get("message_id"), name, "message_id")


@row("a message_id in the path is decoded", ["peer"])
def _(t):
    with t.router.plays(t.router.script):
        t.ask("GET", f"{DECIDE}/a%3Ab%2Dc")
        same(t.router.one().json().get("message_id"), "a:b-c", "message_id")


@row("a message_id of 129 characters is refused with 400")
def _(t):
    error_body(t.ask("GET", DECIDE + "/" + "m" * 129), 400, "invalid_request")


def admin_route(t, method, path, subject, body, want):
    with t.router.plays(t.router.script):
        response = t.admin(method, path, body)
        same(response.status, 200, "status")
        message = t.router.one()
    same(message.subject, "beamline.router.v1.admin." + subject, "subject")
    for name, value in want.items():
        same(message.json().get(name), value, f"{name} in the message")


DRY_RUN = {"tenant_id": "acme", "policy_id": "default", "task": {"type": "chat"}}
table(
    admin_route,
    [
        ("GET extensions/health", "GET", "/api/v1/extensions/health", "get_extension_health", None, {}),
        (
            "GET extensions/circuit-breakers",
            "GET",
            "/api/v1/extensions/circuit-breakers",
            "get_circuit_breaker_states",
            None,
            {},
        ),
        (
            "POST policies/dry-run",
            "POST",
            "/api/v1/policies/dry-run",
            "dry_run_pipeline",
            DRY_RUN,
            DRY_RUN,
        ),
        (
            "GET complexity names tenant and policy",
            "GET",
            "/api/v1/policies/acme/default/complexity",
            "get_pipeline_complexity",
            None,
            {"tenant_id": "acme", "policy_id": "default"},
        ),
    ],
    ["peer", "admin"],
)


@row("GET admin/rate-limit/usage tells a tenant's counters", ["admin"])
def _(t):
    t.decide()
    response = t.admin("GET", f"/api/v1/admin/rate-limit/usage?tenant={t.main.name}")
    same(response.status, 200, "status")
    true("routes_decide" in response.body.decode(), "routes_decide in the answer", response.body[:200])


@row("GET admin/rate-limit/usage without a tenant is 400", ["admin"])
def _(t):
    error_body(t.admin("GET", "/api/v1/admin/rate-limit/usage"), 400, "invalid_request")


@row("POST admin/rate-limit/overrides that says nothing is 400", ["admin"])
def _(t):
    response = t.admin("POST", "/api/v1/admin/rate-limit/overrides", {})
    error_body(response, 400, "invalid_request")
