#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Backpressure and patterns of abuse at a running gateway; this script plays the router.

    backpressure.py keys FILE                      more keys, into a file of API keys
    backpressure.py URL METRICS-URL NATS FOLDER    the tests; FOLDER: of the stack
"""

import contextlib
import hashlib
import hmac
import json
import os
import re
import signal
import sys
import time
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "contract"))
from client import Connection, Target  # noqa: E402
from nats_peer import Peer, Router, answer_error, answer_ok  # noqa: E402
from suite import DECIDE, MESSAGES, decided, error_body, same, true  # noqa: E402

STATUS = "beamline.router.v2.status.backpressure"
KEYS_OF_ONE = 12
TENANTS = 25
REFUSAL = answer_error("service_overloaded", details={"retry_after_seconds": 10})
failed = []


# ---- callers -----------------------------------------------------------------------------


def key(tenant, number=0):
    return f"key-{number}-of-{tenant}"


def write_keys(path):
    """What the stack's file lacks: a tenant with many keys, and many tenants."""
    with open(path, encoding="utf-8") as file:
        salt = bytes.fromhex(re.search(r"^salt: (\S+)", file.read(), re.M)[1])
    callers = [("many-keys", number) for number in range(KEYS_OF_ONE)]
    callers += [(name, 0) for name in ("one", "three", "four", "five", "six", "seven")]
    callers += [(f"crowd-{number}", 0) for number in range(TENANTS)]
    with open(path, "a", encoding="utf-8") as file:
        for tenant, number in callers:
            digest = hmac.new(salt, key(tenant, number).encode(), hashlib.sha256).hexdigest()
            file.write(f"  - {{hmac: {digest}, tenant: {tenant}}}\n")
        for tenant in ("few", "small-plan", "low-plan"):
            digest = hmac.new(salt, key(tenant).encode(), hashlib.sha256).hexdigest()
            file.write(f"  - {{hmac: {digest}, tenant: {tenant}, plan: {tenant.split('-')[0]}}}\n")


class World:
    def __init__(self, url, metrics, nats, folder):
        self.target = Target(url)
        self.metrics = Target(metrics)
        self.peer = Peer(nats)
        self.router = Router(self.peer)
        self.folder = folder
        self.said = None
        self.polls = []
        self.listening = None

    def answer(self, message):
        self.polls.append(message)
        if self.said is not None:
            self.peer.publish(message.reply, self.said)

    def listen(self):
        self.listening = self.listening or self.peer.subscribe(STATUS, callback=self.answer)

    def leave(self):
        if self.listening:
            self.listening.close()
        self.listening = None

    def ask(self, method, path, tenant, body=None, number=0, source=None, secret=None):
        headers = [("X-API-Key", secret or key(tenant, number))]
        if body is not None:
            headers.append(("Content-Type", "application/json"))
        with Connection(self.target, source=source) as connection:
            connection.request(method, path, headers, body)
            return connection.response(method)

    def decide(self, tenant, path=DECIDE, payload=None, **how):
        body = {"version": "1", "tenant_id": tenant, "request_id": str(uuid.uuid4())}
        body["task"] = {"type": "chat", "payload": payload or {"text": "how warm is the sea?"}}
        return self.ask("POST", path, tenant, json.dumps(body).encode(), **how)

    def metric(self, name, label=""):
        with Connection(self.metrics) as connection:
            connection.request("GET", "/metrics")
            text = connection.response().body.decode()
        found = re.search(rf"^{name}{re.escape(label)} (\S+)$", text, re.M)
        true(found, f"a sample of {name}{label}", text[:200])
        return float(found[1])

    def events(self, pattern):
        return self.metric("gateway_abuse_events_total", f'{{event_type="abuse.{pattern}"}}')

    def log(self):
        with open(os.path.join(self.folder, "log", "gateway.log"), encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def configure(self, text):
        """Its own sections of gateway.yaml, and the workers that read them."""
        path = os.path.join(self.folder, "gateway.yaml")
        with open(path, encoding="utf-8") as file:
            kept = file.read().split("\n# of the test\n")[0]
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"{kept}\n# of the test\n{text}")
        with open(os.path.join(self.folder, "nginx.own"), encoding="utf-8") as file:
            master = int(file.read())
        before = workers(master)
        os.kill(master, signal.SIGHUP)
        until(lambda: not before & workers(master), "the old workers end", 15)
        until(lambda: self.metric("gateway_nats_connection_status") == 1, "NATS is connected")

    def is_level(self, level):
        return self.metric("gateway_backpressure_status") == level

    def says(self, status, level, **policy):
        """The router says so, and the gateway has heard it."""
        self.listen()
        self.said = status_map(status, **policy)
        until(lambda: self.is_level(level), f"the gateway hears {status}")


def workers(master):
    with open(f"/proc/{master}/task/{master}/children", encoding="utf-8") as file:
        return set(file.read().split())


def status_map(status, **policy):
    limits = {"pending_messages": 1000, "latency_p95_ms": 5000, "inflight_messages": 500}
    said = {"ok": True, "subject": DECIDE, "status": status, "metrics": limits, "thresholds": limits}
    said["policy"] = {"max_retry_attempts": 3} | policy
    return json.dumps(said | {"timestamp": 1790000000000}).encode()


def until(fact, what, seconds=10):
    deadline = time.monotonic() + seconds
    while not fact():
        if time.monotonic() > deadline:
            raise AssertionError(f"in {seconds} s: {what}")
        time.sleep(0.02)


def overloaded(response, reason):
    details = error_body(response, 503, "service_overloaded")["error"]["details"]
    same(details["reason"], reason, "details.reason")
    retry = int(response.header("Retry-After"))
    same(details["retry_after_seconds"], retry, "Retry-After twice")
    return retry


def decided_header(response, name):
    decided(response)
    return response.header(name)


# ---- backpressure ----------------------------------------------------------------------------


def unknown_sheds_nothing(w):
    """nobody answers for the router's state: nothing is shed, and it is counted"""
    before = w.metric("gateway_backpressure_unknown_total")
    until(lambda: w.metric("gateway_backpressure_polls_lost_total") > 1, "polls are lost")
    decided(w.decide("one"))
    same(w.metric("gateway_backpressure_unknown_total") - before, 1.0, "unknown_total")
    same(w.metric("gateway_backpressure_status"), 0.0, "status")


def inactive_is_business_as_usual(w):
    """inactive: decisions pass, and one worker asks for both"""
    w.says("inactive", 1)
    decided(w.decide("one"))
    w.polls = []
    begin = time.monotonic()
    time.sleep(3)  # what is measured is a rate
    rate = len(w.polls) / (time.monotonic() - begin)
    true(2 <= rate <= 6.5, "about five polls a second (interval 200 ms, two workers)", rate)
    poll = w.polls[-1]
    same(poll.header("version"), "1", "version of a poll")
    true(poll.header("trace_id") and poll.header("traceparent"), "a trace", poll.headers)


def active_is_503(w):
    """active: decide and messages are answered 503 service_overloaded, the router is left alone"""
    w.says("active", 3)
    before = w.metric("gateway_backpressure_shed_total")
    with w.router.plays(answer_ok) as seen:
        waits = [overloaded(w.decide("one"), "backpressure") for _ in range(30)]
        waits += [overloaded(w.decide("one", MESSAGES), "backpressure") for _ in range(10)]
        same(seen, [], "messages to the router")
    true(all(15 <= wait <= 45 for wait in waits), "Retry-After around 30 s", waits)
    true(len(set(waits)) > 5, "Retry-After with jitter", waits)
    same(w.metric("gateway_backpressure_shed_total") - before, 40.0, "shed_total")


def the_rest_is_never_shed(w):
    """active: health, metrics, reads and GET of a decision are never shed"""
    w.says("active", 3)
    paths = ["/health", "/health/ready", DECIDE + "/some", MESSAGES, "/api/v1/registry/blocks"]
    for path in paths:
        same(w.ask("GET", path, "one").status, 200, f"status of {path}")
    w.metric("gateway_backpressure_status")


def nothing_is_charged(w):
    """active: what is shed is charged to nobody"""
    w.says("inactive", 1)
    first = w.decide("small-plan")
    same(first.header("X-RateLimit-Limit"), "20", "a plan of one request in 3 s")
    w.says("active", 3)
    for _ in range(19):
        overloaded(w.decide("small-plan"), "backpressure")
    w.says("inactive", 1)
    left = int(decided_header(w.decide("small-plan"), "X-RateLimit-Remaining"))
    true(left >= int(first.header("X-RateLimit-Remaining")) - 1, "nothing charged", left)


def the_order_of_causes(w):
    """active: 401 comes before it; 429 and 400 come after it"""
    w.says("inactive", 1)
    until(lambda: w.decide("few").status == 429, "a tenant without budget")
    w.says("active", 3)
    error_body(w.decide("one", secret="wrong"), 401, "unauthorized")
    overloaded(w.decide("few"), "backpressure")
    overloaded(w.ask("POST", DECIDE, "one", b"{"), "backpressure")
    error_body(w.ask("POST", "/api/v1/nothing", "one", b"{}"), 404, "invalid_request")


def the_routers_policy(w):
    """active: the router's retry_after_seconds is the base"""
    w.says("inactive", 1)
    w.says("active", 3, retry_after_seconds=4)
    waits = [overloaded(w.decide("one"), "backpressure") for _ in range(20)]
    true(all(2 <= wait <= 6 for wait in waits), "Retry-After around 4 s", waits)


def warning_tightens(w):
    """warning: limits are halved where requests go to the router, never under the floor"""
    w.says("inactive", 1)
    same(w.decide("three").header("X-RateLimit-Limit"), "10000", "limit before")
    before = w.metric("gateway_rate_limit_backpressure_adjustment_total")
    w.says("warning", 2)
    same(w.decide("three").header("X-RateLimit-Limit"), "5000", "limit in warning")
    few = w.decide("few")
    same(few.header("X-RateLimit-Limit"), "4", "a limit under the floor")
    got = w.metric("gateway_rate_limit_backpressure_adjustment_total") - before
    same(got, 2.0, "adjustment_total")
    read = w.ask("GET", DECIDE + "/some", "three")
    same(read.header("X-RateLimit-Limit"), "10000", "limit of a read")
    w.says("inactive", 1)
    same(w.decide("three").header("X-RateLimit-Limit"), "10000", "limit after")


def garbage_is_counted(w):
    """an answer that cannot be read is counted, and changes nothing until the last one is stale"""
    w.says("active", 3)
    for said in (b"", b"{", b"active", status_map("Active"), b'{"ok":false}', b"x" * 20000):
        before = w.metric("gateway_backpressure_polls_invalid_total")
        w.said = said
        until(
            lambda before=before: w.metric("gateway_backpressure_polls_invalid_total") > before,
            f"{said[:20]!r} is counted",
        )
    until(lambda: w.is_level(0), "what was said becomes stale")
    decided(w.decide("one"))


def silence_becomes_unknown(w):
    """silence: the last word holds for ten intervals, then nothing is known"""
    w.says("active", 3)
    w.said = None
    lost = w.metric("gateway_backpressure_polls_lost_total")
    overloaded(w.decide("one"), "backpressure")
    until(lambda: w.is_level(0), "what was said becomes stale", 5)
    decided(w.decide("one"))
    true(w.metric("gateway_backpressure_polls_lost_total") > lost, "polls are lost", lost)
    changes = [line["context"] for line in w.log() if "backpressure" in line["message"]]
    true({"active", "unknown"} <= {line["status"] for line in changes}, "changes in the log", changes)


def polling_outlives_a_worker(w):
    """a worker that is killed leaves the asking to the others"""
    w.says("inactive", 1)
    with open(os.path.join(w.folder, "nginx.own"), encoding="utf-8") as file:
        master = int(file.read())
    for worker in sorted(workers(master)):
        os.kill(int(worker), signal.SIGKILL)
        w.polls = []
        until(lambda: len(w.polls) > 5, "polls go on", 5)
    until(lambda: len(workers(master)) == 2, "two workers again")


def throttles_forget(w):
    w.says("active", 3)
    w.says("inactive", 1)
    time.sleep(0.5)  # each worker looks at what was said once an interval


def throttle(w):
    """a router that refuses is asked less and less, each request once at most, until it is well"""
    w.says("inactive", 1)
    with w.router.plays(REFUSAL) as seen:
        answers = [w.decide("four") for _ in range(400)]
        # Once at most: "overloaded" is not tried again by the gateway.
        throttled = [a for a in answers if a.json()["error"]["details"].get("reason")]
        same(len(seen), 400 - len(throttled), "messages to the router")
    for answer in answers:
        error_body(answer, 503, "service_overloaded")
        true(5 <= int(answer.header("Retry-After")) <= 45, "Retry-After", answer.headers)
    true(200 < len(throttled) < 380, "most are refused here, not all", len(throttled))
    true(w.metric("gateway_throttled_total") >= len(throttled), "throttled_total", len(throttled))
    throttles_forget(w)
    for _ in range(40):
        decided(w.decide("four"))


def throttle_by_class(w):
    """what is critical is not refused here for what was sheddable"""

    def critical_alone(message):
        return answer_ok(message) if message.header("x-criticality") == "critical" else REFUSAL(message)

    throttles_forget(w)
    with w.router.plays(critical_alone) as seen:
        for _ in range(100):
            answers = [w.decide(tenant).status for tenant in ("low-plan", "low-plan", "low-plan", "one")]
            same(answers, [503, 503, 503, 200], "status")
        low = [m for m in seen if m.header("x-criticality") == "sheddable"]
        same(len(seen) - len(low), 100, "critical requests that reached the router")
        true(30 < len(low) < 200, "most of the sheddable are refused here, not all", len(low))
    with w.router.plays(REFUSAL):
        answers = [w.decide("one").json()["error"]["details"] for _ in range(300)]
    true(any("reason" in details for details in answers), "then what is critical is, too", answers[-1])
    throttles_forget(w)


# ---- abuse ---------------------------------------------------------------------------------------

RULES = "abuse: {requests: 60, requests_critical: 120, %s}\n"


def told(w, pattern):
    lines = [line for line in w.log() if line["message"] == "a pattern of abuse"]
    return [line for line in lines if line["context"]["event_type"] == "abuse." + pattern]


def empty_payloads(w):
    """abuse.empty_payload: each one is an event, and a line in the log"""
    before = w.events("empty_payload")
    for _ in range(3):
        error_body(w.decide("one", payload={"a": 1}), 400, "invalid_request", "PAYLOAD_TOO_SMALL")
    same(w.events("empty_payload") - before, 3.0, "events")
    line = told(w, "empty_payload")[0]
    same((line["level"], line["component"], line["tenant_id"]), ("WARN", "gateway", "one"), "line")
    true(line["trace_id"] and line["request_id"], "a trace and a request", line)


def targeted_tenants(w):
    """abuse.targeted_tenant: over one threshold a warning, over the other critical"""
    before = w.events("targeted_tenant")
    answers = [w.decide("five").status for _ in range(130)]
    same(set(answers), {200}, "only logged: all pass")
    same(w.events("targeted_tenant") - before, 2.0, "events")
    mine = [line for line in told(w, "targeted_tenant") if line.get("tenant_id") == "five"]
    same([line["context"]["severity"] for line in mine], ["warning", "critical"], "severity")


def evasion(w):
    """abuse.rate_limit_evasion: the eleventh key, or address, of one tenant"""
    before = w.events("rate_limit_evasion")
    for number in range(10):
        decided(w.decide("many-keys", number=number))
    same(w.events("rate_limit_evasion") - before, 0.0, "events of ten keys")
    decided(w.decide("many-keys", number=10))
    same(w.events("rate_limit_evasion") - before, 1.0, "events of eleven")
    for number in range(12):
        decided(w.decide("six", source=f"127.0.1.{number + 1}"))
    same(w.events("rate_limit_evasion") - before, 2.0, "events of twelve addresses")


def heavy(w):
    """abuse.heavy_payload: over ten bodies, most of them over 512 KiB"""
    before = w.events("heavy_payload")
    for _ in range(12):
        decided(w.decide("seven", payload={"text": "x" * 600000}))
    same(w.events("heavy_payload") - before, 1.0, "events")


def crowd(w, source, each=11):
    return [
        w.decide(f"crowd-{number}", source=source).status
        for _ in range(each)
        for number in range(TENANTS)
    ]


def flood(w):
    """abuse.multi_tenant_flood: many tenants from one address"""
    before = w.events("multi_tenant_flood")
    same(set(crowd(w, "127.0.2.1")), {200}, "only logged: all pass")
    same(w.events("multi_tenant_flood") - before, 1.0, "events")


def burst(w, tenant, count):
    """So many reads on one connection: their statuses."""
    with Connection(w.target) as connection:
        answers = []
        for _ in range(count):
            connection.request("GET", MESSAGES + "/some", [("X-API-Key", key(tenant))])
            answers.append(connection.response().status)
        return answers


def a_block(w):
    """block: the tenant is answered 429 until it is over, others are not"""
    w.configure(BASE + RULES % "block: 3s, window: 1s, targeted_tenant: block, heavy_payload: cut")
    w.says("inactive", 1)
    until(lambda: 429 in burst(w, "five", 100), "a block")
    refused = w.decide("five")
    details = error_body(refused, 429, "rate_limit_exceeded")["error"]["details"]
    same(sorted(details), ["endpoint", "limit", "retry_after_seconds"], "details")
    true(1 <= int(refused.header("Retry-After")) <= 3, "Retry-After", refused.headers)
    same(w.metric("gateway_abuse_blocked_tenants"), 1.0, "blocked_tenants")
    decided(w.decide("one"))
    w.says("active", 3)
    overloaded(w.decide("five"), "backpressure")  # cause 3 before cause 4
    w.says("inactive", 1)
    until(lambda: w.decide("five").status == 200, "the end of the block")
    same(w.metric("gateway_abuse_blocked_tenants"), 0.0, "blocked_tenants")


def a_cut(w):
    """cut: the tenant's limits are halved"""
    same(w.decide("seven").header("X-RateLimit-Limit"), "10000", "limit before")
    with Connection(w.target) as connection:
        for _ in range(14):
            body = json.dumps({"version": "1", "text": "x" * 600000}).encode()
            headers = [("X-API-Key", key("seven")), ("Content-Type", "application/json")]
            connection.request("POST", DECIDE, headers, body)
            error_body(connection.response("POST"), 400, "invalid_request", "SCHEMA_VALIDATION_FAILED")
    same(w.decide("seven").header("X-RateLimit-Limit"), "5000", "limit while it is cut")
    until(lambda: w.decide("seven").header("X-RateLimit-Limit") == "10000", "the end of the cut")


def a_source_is_blocked(w):
    """block of a flood: the address is answered 429, whoever it says it is"""
    w.configure(BASE + RULES % "block: 3s, multi_tenant_flood: block")
    w.says("inactive", 1)
    until(lambda: 429 in crowd(w, "127.0.3.1", 3), "a block of the address", 20)
    error_body(w.decide("one", source="127.0.3.1"), 429, "rate_limit_exceeded")
    error_body(w.decide("one", source="127.0.3.1", secret="wrong"), 429, "rate_limit_exceeded")
    decided(w.decide("one", source="127.0.3.2"))
    until(lambda: w.decide("one", source="127.0.3.1").status == 200, "the end of the block")


BASE = "backpressure: {interval: 200ms, timeout: 200ms, stale_intervals: 10}\n"
TESTS = [
    unknown_sheds_nothing, inactive_is_business_as_usual, active_is_503, the_rest_is_never_shed,
    nothing_is_charged, the_order_of_causes, the_routers_policy, warning_tightens,
    garbage_is_counted, silence_becomes_unknown, polling_outlives_a_worker, throttle,
    throttle_by_class, empty_payloads, targeted_tenants, evasion, heavy, flood, a_block, a_cut,
    a_source_is_blocked,
]  # fmt: skip


def run(test, w):
    try:
        test(w)
        print(f"ok - {test.__doc__}", flush=True)
    except Exception as error:  # pylint: disable=broad-exception-caught
        failed.append(test)
        text = f"{type(error).__name__}: {error}".replace("\n", " ")
        print(f"not ok - {test.__doc__}: {text}", flush=True)


def main():
    if sys.argv[1] == "keys":
        write_keys(sys.argv[2])
        return 0
    w = World(*sys.argv[1:5])
    w.configure(BASE + RULES % "window: 60s")
    wanted = sys.argv[5] if len(sys.argv) > 5 else ""
    for test in TESTS:
        if wanted in test.__name__:
            run(test, w)
    with contextlib.suppress(OSError):
        w.leave()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
