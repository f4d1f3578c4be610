# SPDX-License-Identifier: Apache-2.0
"""Metrics (contract 1.1, 1.3, 6): a listener of their own, Prometheus, OpenMetrics, JSON."""

import re

from client import Connection
from suite import is_number, row, same, table, true

GATEWAY = """
gateway_http_requests_total gateway_http_request_duration_seconds_bucket
gateway_rate_limit_hits_total gateway_rate_limit_exceeded_total gateway_rate_limit_allowed_total
gateway_idempotency_hits_total gateway_idempotency_misses_total
gateway_nats_messages_sent_total gateway_nats_messages_received_total
gateway_nats_publish_failures_total gateway_nats_connection_status
gateway_json_parse_failure_total gateway_rate_limit_backpressure_adjustment_total
gateway_abuse_events_total gateway_abuse_blocked_tenants
""".split()


def scrape(t, path, headers=()):
    with Connection(t.metrics) as connection:
        connection.request("GET", path, headers)
        return connection.response()


def has(t, name):
    """A sample of that name."""
    t.decide()
    text = scrape(t, "/metrics").body.decode()
    true(re.search(rf"^{name}[ {{]", text, re.M), f"expected a sample of {name}", text[:120])


table(has, [(f"metrics: {name}", name) for name in GATEWAY], ["metrics"])


@row("metrics: Prometheus text 0.0.4", ["metrics"])
def _(t):
    response = scrape(t, "/metrics")
    same(response.status, 200, "status")
    true("version=0.0.4" in (response.header("Content-Type") or ""), "Content-Type", response.headers)
    sample = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*(\{[^{}]*\})? (NaN|[+-]Inf|[0-9.eE+-]+)( \d+)?")
    for line in response.body.decode().splitlines():
        true(not line or line[0] == "#" or sample.fullmatch(line), "a line of the format", line)


@row("metrics: OpenMetrics when asked for, with its end", ["metrics"])
def _(t):
    response = scrape(t, "/metrics", [("Accept", "application/openmetrics-text; version=1.0.0")])
    true("openmetrics-text" in (response.header("Content-Type") or ""), "Content-Type", response.headers)
    true(response.body.endswith(b"# EOF\n"), "expected # EOF at the end", response.body[-40:])


@row("metrics: counters of requests by method, path and status", ["metrics"])
def _(t):
    def count():
        text = scrape(t, "/metrics").body.decode()
        lines = [x for x in text.splitlines() if x.startswith("gateway_http_requests_total{")]
        mine = [x for x in lines if 'status="400"' in x and 'path="/api/v1/routes/decide"' in x]
        return sum(float(x.rsplit(" ", 1)[1]) for x in mine if 'method="POST"' in x)

    before = count()
    t.decide(version="2")
    t.decide(version="3")
    same(count() - before, 2.0, "refusals counted")


@row("metrics: a path that nobody knows makes no label of its own", ["metrics"])
def _(t):
    t.ask("GET", "/made-up-path-1234")
    text = scrape(t, "/metrics").body.decode()
    true("gateway_http_requests_total{" in text, "requests are counted", text[:100])
    true("made-up-path" not in text, "no such label", "made-up-path")


@row("metrics in JSON have the contract's members", ["metrics"])
def _(t):
    response = scrape(t, "/_metrics")
    same(response.status, 200, "status")
    body = response.json()
    for name in ("rps", "error_rate"):
        true(is_number(body.get(name)), f"{name} is a number", body.get(name))
    for name in ("p50", "p95"):
        true(is_number(body["latency"].get(name)), f"latency.{name} is a number", body["latency"])
    for name in ("total_hits", "total_exceeded"):
        true(is_number(body["rate_limit"].get(name)), f"rate_limit.{name}", body["rate_limit"])
    true(isinstance(body["rate_limit"].get("exceeded_by_endpoint"), dict), "by endpoint", body)
    same(body.get("nats"), "connected", "nats")
    true(body.get("ts"), "ts", body)
