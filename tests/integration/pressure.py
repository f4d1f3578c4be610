# SPDX-License-Identifier: Apache-2.0
"""Backpressure: a real nats-server, a router, two workers that become ten times slower and
well again, or stop. The test plays the clients, 200 requests a second."""

import json
import os
import signal
import sys
import threading
import time
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from pipeline import *  # noqa: E402, F403

DECIDE, SIGNALS = "beamline.router.v1.decide", "beamline.backpressure.v1."
STATUS = "beamline.router.v2.status.backpressure"
SUBJECT = SIGNALS + "interactive.default"
FAST, SLOW = "20ms", "200ms"  # 800 jobs a second by two workers of eight threads, or 80
PER_S = 200
ROUTER = "providers: [{id: sim, latency: 100ms}]\n"
WORKER = "concurrency: 8\nhandlers: [{name: sim, kind: simulate, latency: %s}]\n"


class Clients:
    """Asks at an even pace; keeps (when it was asked, class, answer's code or "ok")."""

    def __init__(self, address):
        self.peer = Peer(address)
        self.inbox = f"_INBOX.{uuid.uuid4().hex}"
        self.asked, self.answers, self.lock = {}, [], threading.Lock()
        self.over = threading.Event()
        self.peer.subscribe(self.inbox + ".*", callback=self.on_answer)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def on_answer(self, message):
        answer = message.json()
        with self.lock:
            at, name = self.asked.pop(message.subject)
            code = "ok" if answer["ok"] else answer["error"]["code"]
            details = {} if answer["ok"] else answer["error"]["details"]
            self.answers.append((at, name, code, details))

    def ask(self, number):
        name = "critical" if number % 20 == 0 else "sheddable"
        tenant = f"t{number % 7}" if name == "critical" else f"s{number % 61}"
        sent = {"version": "1", "tenant_id": tenant, "request_id": str(uuid.uuid4())}
        sent |= {"task": {"type": "chat", "payload": {"text": "long enough"}}, "push_assignment": True}
        reply = f"{self.inbox}.{number}"
        with self.lock:
            self.asked[reply] = (time.monotonic(), name)
        headers = {"tenant_id": tenant, "version": "1", "x-criticality": name}
        self.peer.publish(DECIDE, json.dumps(sent).encode(), headers, reply)

    def run(self):
        number, began = 0, time.monotonic()
        while not self.over.is_set():
            number += 1
            self.ask(number)
            time.sleep(max(0.0, began + number / PER_S - time.monotonic()))

    def since(self, at, name=None, until_at=float("inf")):
        with self.lock:
            found = list(self.answers)
        return [one for one in found if at <= one[0] < until_at and name in (None, one[1])]

    def close(self):
        self.over.set()
        self.thread.join(5)
        self.peer.close()


class Signals:
    """Keeps (when it came, role, state) of every signal."""

    def __init__(self, address):
        self.peer = Peer(address)
        self.seen = []
        self.peer.subscribe(SIGNALS + ">", callback=self.on_signal)

    def on_signal(self, message):
        said = message.json()
        same(message.subject, SUBJECT, "subject")
        self.seen.append((time.monotonic(), said["role"], said["state"], said))

    def first(self, role, states, after):
        return next((at for at, who, what, _ in self.seen if at >= after and who == role and what in states), None)

    def last(self, role):
        return next((said for _, who, _, said in reversed(self.seen) if who == role), None)


def set_latency(worker, latency):
    with open(path(worker.name + ".yaml")) as file:
        text = file.read()
    before = FAST if latency == SLOW else SLOW
    assert f"latency: {before}" in text
    with open(path(worker.name + ".yaml"), "w") as file:
        file.write(text.replace(f"latency: {before}", f"latency: {latency}"))
    worker.signal(signal.SIGHUP)


def fresh():
    nats = Nats()
    signals = Signals(nats.address)
    router = Daemon("router", "sluice-router", nats, ROUTER)
    workers = [Daemon(f"worker-{i}", "sluice-worker", nats, WORKER % FAST) for i in range(2)]
    assert until(lambda: (signals.last("router") or {}).get("limit") == 16), "the router does not know both workers"
    return nats, signals, router, workers


def finish(*all_of_them):
    for one in all_of_them:
        one.kill()


def asked():
    sent = {"version": "1", "tenant_id": "acme", "request_id": str(uuid.uuid4()), "push_assignment": True}
    sent["task"] = {"type": "chat", "payload": {"text": "long enough"}}
    return json.dumps(sent).encode()


def push(peer):
    return peer.request(DECIDE, asked(), {"tenant_id": "acme", "version": "1"}).json()


def share(answers, code):
    return sum(1 for one in answers if one[2] == code) / max(1, len(answers))


def slow_and_well_again():
    """ten times slower: told at once, the low class refused, the critical served; well again soon after"""
    nats, signals, router, workers = fresh()
    clients = Clients(nats.address)

    def well():
        """The last 2.5 s: the first jobs find cold programs, and a busy machine makes slow workers by itself."""
        answers = clients.since(time.monotonic() - 3, until_at=time.monotonic() - 0.5)
        return len(answers) > 200 and share(answers, "ok") > 0.97 and signals.last("router")["state"] == "ok"

    assert until(well, 60, 0.25), f"not well: {signals.last('router')}"

    slow_at = time.monotonic()
    for worker in workers:
        set_latency(worker, SLOW)
    told = until(lambda: signals.first("router", ("warn", "shed"), slow_at), 5)
    assert told, "no state change was told"
    shed = until(lambda: signals.first("router", ("shed",), slow_at), 5)
    assert shed, signals.last("router")
    print(f"# told after {(told - slow_at) * 1e3:.0f} ms, sheds after {(shed - slow_at) * 1e3:.0f} ms")
    assert told - slow_at < 1.5, f"told after {told - slow_at:.3f} s"
    time.sleep(8)
    busy_at = slow_at + 2
    answers = clients.since(busy_at, until_at=time.monotonic() - 0.5)
    low = [one for one in answers if one[1] == "sheddable"]
    refused = [one for one in low if one[2] == "service_overloaded"]
    assert len(refused) > len(low) * 0.45, f"{len(refused)} of {len(low)} refused"
    assert all(1 <= one[3]["retry_after_seconds"] <= 23 for one in refused), refused[0]
    assert len({one[3]["retry_after_seconds"] for one in refused}) > 1, "no jitter"
    critical = clients.since(slow_at, "critical", time.monotonic() - 0.5)
    same(share(critical, "ok"), 1, f"share of {len(critical)} critical requests")
    done = (signals.last("router") or {})["done_per_s"]
    assert done > 80 * 0.8, f"workers do {done} of 80 a second"
    status = clients.peer.request(STATUS, b"{}").json()
    same(status["status"], "warning", "status")  # "active" would have gateways refuse all
    assert router.metric('router_bp_state{pool="default",class="interactive"}') == 2
    assert router.metric('router_bp_shed_total{pool="default",class="interactive"}') > 0

    well_at = time.monotonic()
    for worker in workers:
        set_latency(worker, FAST)
    # 10 s are the target, which tests/bench/pressure.sh measures; here others may be busy too.
    assert until(lambda: time.monotonic() - well_at > 5 and well(), 60, 0.25), signals.last("router")
    lost = [one[0] for one in clients.since(well_at, until_at=time.monotonic() - 0.5) if one[2] != "ok"]
    print(f"# all is back after {max(lost or [well_at]) - well_at:.1f} s")
    clients.close()
    finish(router, *workers, nats)


def frozen():
    """workers that are frozen are stale: nothing new is sent to them, and it goes on when they do"""
    nats, signals, router, workers = fresh()
    peer = Peer(nats.address)
    for worker in workers:
        worker.signal(signal.SIGSTOP)
    frozen_at = time.monotonic()
    assert until(lambda: signals.first("router", ("stale",), frozen_at), 6), "not stale"
    assert until(lambda: signals.last("router")["limit"] == 0, 3), "workers are still counted"
    same(push(peer)["error"]["code"], "service_overloaded", "code while frozen")
    same(peer.request(STATUS, b"{}").json()["status"], "unknown", "status while frozen")
    for worker in workers:
        worker.signal(signal.SIGCONT)
    assert until(lambda: push(peer)["ok"], 5, 0.2), "nothing passes after they go on"
    peer.close()
    finish(router, *workers, nats)


def leaves():
    """the last worker that ends says so, and the router stops at once; one that began later knows of none"""
    nats, signals, router, workers = fresh()
    peer = Peer(nats.address)
    for worker in workers:
        same(worker.end(), 0, "exit code")
    gone_at = time.monotonic()
    assert until(lambda: signals.last("router")["state"] == "stop", 2), signals.last("router")
    assert time.monotonic() - gone_at < 1, "not at once"
    same(push(peer)["error"]["code"], "service_overloaded", "code without a worker")
    farewell, stopped = signals.last("worker"), signals.last("router")
    same(farewell["leaving"], 1, "the last word")
    same(router.end(), 0, "exit code")
    router = Daemon("late-router", "sluice-router", nats, ROUTER)
    peer.publish(SUBJECT, json.dumps(farewell).encode(), {"tenant_id": "system", "version": "1"})
    assert until(lambda: signals.last("router")["source"] != stopped["source"], 3), "the router did not hear it"
    same(signals.last("router")["state"], "ok", "state of a pool of which no worker was heard")
    same(push(peer)["ok"], True, "a request of a router that heard no worker")
    peer.close()
    finish(router, nats)


def stalled():
    """a store that leaves assignments unanswered is pressure, though the workers are idle"""
    nats, signals, router, workers = fresh()
    peer = Peer(nats.address)
    stream = next(one for one in peer.js("STREAM.LIST")["streams"] if "caf.exec.assign.v1" in one["config"]["subjects"])
    same(push(peer)["ok"], True, "before")
    silent = peer.js("STREAM.UPDATE." + stream["config"]["name"], stream["config"] | {"no_ack": True})
    same(silent["config"]["no_ack"], True, "the stream's acks are off")
    stalled_at = time.monotonic()
    peer.publish(DECIDE, asked(), {"tenant_id": "acme", "version": "1"})
    assert until(lambda: signals.first("router", ("shed",), stalled_at), 15), signals.last("router")
    assert router.metric("router_publish_stalls_total") >= 1
    peer.close()
    finish(router, *workers, nats)


def late():
    """a sheddable job that waited too long is rejected; a critical one waits to its deadline"""
    nats = Nats()
    peer = Peer(nats.address)
    config = "concurrency: 1\nhandlers: [{name: sim, kind: simulate, latency: 600ms}]\n"
    worker = Daemon("worker", "sluice-worker", nats, config)
    acks, results = peer.subscribe("caf.exec.assign.v1.ack"), peer.subscribe("caf.exec.result.v1")

    def give(criticality):
        sent = assignment()
        headers = {"tenant_id": "acme", "version": "1", "x-criticality": criticality}
        peer.js_publish("caf.exec.assign.v1", sent, sent["assignment_id"], headers)
        return sent["assignment_id"]

    give("critical")
    assert until(lambda: worker.metric("worker_active_tasks") == 1), "it does not run"
    low, high = give("sheddable"), give("critical")
    rejected = acks.until(lambda m: low in m.data.decode() and m.json()["status"] == "rejected", 5).json()
    same(rejected["reason"], "it waited too long in the queue", "reason")
    same(results.until(lambda m: high in m.data.decode(), 5).json()["status"], "success", "the critical one")
    same(worker.metric('worker_assignments_rejected_total{reason="late"}'), 1, "rejected late")
    same(results.until(lambda m: low in m.data.decode(), 8).json()["status"], "success", "offered again")
    peer.close()
    finish(worker, nats)


run_all([slow_and_well_again, frozen, leaves, stalled, late])
