# SPDX-License-Identifier: Apache-2.0
"""sluice-router with a real nats-server; the test plays clients and workers."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from pipeline import *  # noqa: E402, F403

DECIDE, ASSIGN, RESULT = "beamline.router.v1.decide", "caf.exec.assign.v1", "caf.exec.result.v1"
USAGE, CANCEL = "beamline.usage.v1.metered", "caf.exec.cancel.v1"
ADMIN = "beamline.router.v1.admin."
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TWO = "providers: [{id: a, latency: 300ms, cost: 0.5}, {id: b, latency: 300ms}]\n"
HASTY = TWO + "assignments: {result_grace: 200ms}\n"


def fresh(config=TWO):
    nats = Nats()
    return nats, Peer(nats.address), Daemon("router", "sluice-router", nats, config)


def body(**change):
    made = {"version": "1", "tenant_id": "acme", "request_id": str(uuid.uuid4())}
    made["task"] = {"type": "chat", "payload": {"text": "long enough"}}
    return made | change


HEADERS = {"tenant_id": "acme", "version": "1", "trace_id": TRACE, "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}


def ask(peer, sent, subject=DECIDE, timeout=3.0):
    return peer.request(subject, json.dumps(sent).encode(), HEADERS, timeout).json()


def push(peer, **change):
    answer = ask(peer, body(push_assignment=True, **change))
    assert answer["ok"], answer
    return answer["decision"]["metadata"]["assignment_id"]


def result(assignment_id, **change):
    made = {"version": "1", "assignment_id": assignment_id, "request_id": "r", "status": "success"}
    made |= {"provider_id": "a", "job": {"type": "chat"}, "latency_ms": 5, "cost": 0.5}
    made |= {"timestamp": int(time.time() * 1000), "tenant_id": "acme", "trace_id": TRACE}
    return made | change


def report(peer, assignment_id, message_id=None, **change):
    message_id = message_id or "result-" + assignment_id
    return peer.js_publish(RESULT, result(assignment_id, **change), message_id, HEADERS)


def usage(peer):
    return [event["assignment_id"] for event in messages(peer, "SLUICE_USAGE")]


def shares_work():
    """two routers share the requests, and each is answered once"""
    nats, peer, router = fresh()
    other = Daemon("other", "sluice-router", nats, TWO)
    answers = [ask(peer, body()) for _ in range(200)]
    assert all(answer["ok"] for answer in answers), answers[0]
    sample = 'router_intake_messages_total{subject="decide",status="success"}'
    counts = [one.metric(sample) for one in (router, other)]
    same(sum(counts), 200, "answers")
    assert min(counts) > 20, counts
    chosen = {answer["decision"]["provider_id"] for answer in answers}
    same(chosen, {"a", "b"}, "providers")
    same((router.end(), other.end()), (0, 0), "exit codes")


def assigns_once():
    """an assignment has every field and is in the stream once, whoever asks again where"""
    nats, peer, router = fresh()
    other = Daemon("other", "sluice-router", nats, TWO)
    sent = body(push_assignment=True, idempotency_key="k 1", options={"priority": 9}, metadata={"m": 1})
    answers = [ask(peer, sent) for _ in range(20)]
    same({json.dumps(answer) for answer in answers}, {json.dumps(answers[0])}, "answers")
    found = messages(peer, "SLUICE_ASSIGN")
    same(len(found), 1, "assignments")
    got = found[0]
    same(got["assignment_id"], answers[0]["decision"]["metadata"]["assignment_id"], "assignment_id")
    same(got["job"], sent["task"], "job")
    same(got["metadata"], {"m": 1}, "metadata")
    same(got["executor"]["provider_id"], answers[0]["decision"]["provider_id"], "provider")
    same(got["options"], {"priority": 9, "deadline_ms": 5000, "retry": {"max_attempts": 2, "backoff_ms": 200}})
    violation = ask(peer, sent | {"metadata": {"m": 2}})
    same(violation["error"]["intake_error_code"], "IDEMPOTENCY_VIOLATION", "another request")
    duplicates = sum(one.metric("router_intake_idempotent_duplicate_total") for one in (router, other))
    same(duplicates, 19, "duplicates")
    same(len(messages(peer, "SLUICE_ASSIGN")), 1, "assignments at last")


def found_elsewhere():
    """a decision of one router is found by another, pushed or not; a lost one is not found"""
    nats, peer, router = fresh()
    plain, pushed = body(), body(push_assignment=True)
    made = [ask(peer, plain), ask(peer, pushed)]
    other = Daemon("other", "sluice-router", nats, TWO)
    for sent, answer in zip((plain, pushed), made, strict=True):
        for _ in range(8):  # to either
            got = ask(peer, {"message_id": sent["request_id"]}, "beamline.router.v1.get_decision")
            same(got["decision"], answer["decision"], "decision")
    router.kill()
    got = ask(peer, {"message_id": pushed["request_id"]}, "beamline.router.v1.get_decision")
    same(got["decision"], made[1]["decision"], "decision of the dead")
    got = ask(peer, {"message_id": "nobody's"}, "beamline.router.v1.get_decision")
    same(got["error"]["code"], "not_found", "code")
    same(other.end(), 0, "exit code")


def metered_once():
    """a result is metered once, though it comes again, though the router is killed meanwhile"""
    nats, peer, router = fresh(TWO + "breaker: {failures: 1000}\n")
    ids = [push(peer) for _ in range(30)]
    for each in ids[:10]:
        report(peer, each)
        report(peer, each, "again-" + each)
    assert until(lambda: len(usage(peer)) >= 10), usage(peer)
    router.kill()
    for each in ids[10:20]:
        report(peer, each)
        report(peer, each, "again-" + each)
    router = Daemon("second", "sluice-router", nats, TWO)
    threads = [threading.Thread(target=report, args=(peer, each)) for each in ids[20:]]
    for thread in threads:
        thread.start()
    time.sleep(0.01)
    router.kill()
    for thread in threads:
        thread.join()
    router = Daemon("third", "sluice-router", nats, TWO)
    assert until(lambda: len(usage(peer)) >= 30, 40), len(usage(peer))
    time.sleep(0.5)
    same(sorted(usage(peer)), sorted(ids), "usage events")
    event = messages(peer, "SLUICE_USAGE")[0]
    same((event["event_type"], event["cost"], event["status"]), ("chat", 0.5, "success"), "event")


def expires():
    """work without a result is cancelled and counted as a timeout, also by a later router"""
    nats, peer, router = fresh(HASTY)
    with peer.subscribe(CANCEL) as cancels:
        first = push(peer)
        begin = time.monotonic()
        got = cancels.until(lambda m: first.encode() in m.data, 8)
        took = time.monotonic() - begin
        assert 5 <= took < 6.5, took
        same(got.json()["reason"], "timeout", "reason")
        assert until(lambda: usage(peer) == [first]), usage(peer)
        report(peer, first)  # too late
        second = push(peer)
        router.kill()
        router = Daemon("second", "sluice-router", nats, HASTY)
        assert until(lambda: router.metric("router_assignment_adopted_total") == 1), "not adopted"
        cancels.until(lambda m: second.encode() in m.data, 9)
    assert until(lambda: set(usage(peer)) == {first, second}), usage(peer)
    time.sleep(0.5)
    events = messages(peer, "SLUICE_USAGE")
    same([event["status"] for event in events], ["timeout", "timeout"], "status")
    same(sorted(r["assignment_id"] for r in messages(peer, "SLUICE_RESULTS")), sorted([first, second]), "results")
    assert until(lambda: router.metric("router_assignments_open") == 0), "still open"


def breaks_circuits():
    """a provider that fails is left alone for that tenant, and others are told"""
    nats, peer, router = fresh(TWO + "breaker: {open_for: 1s}\n")
    with peer.subscribe("beamline.alert.v1.>") as alerts:
        for _ in range(5):
            report(peer, str(uuid.uuid4()), status="error", error_code="HTTP_ERROR")
        alert = alerts.next(5)
    same(alert.subject, "beamline.alert.v1.warning", "subject of the alert")
    same(alert.json()["metadata"], {"tenant_id": "acme", "provider_id": "a"}, "alert")
    same({ask(peer, body())["decision"]["provider_id"] for _ in range(20)}, {"b"}, "providers")
    states = ask(peer, {}, ADMIN + "get_circuit_breaker_states")["circuit_breakers"]
    same([(s["tenant_id"], s["provider_id"], s["state"]) for s in states], [("acme", "a", "open")])
    time.sleep(1)
    for _ in range(20):  # trials
        push(peer)
    for _ in range(2):
        report(peer, str(uuid.uuid4()))
    assert until(lambda: router.metric('router_circuit_breakers{state="closed"}') == 1), "not closed"


def hears_workers():
    """a provider whose workers fall silent is down; heartbeats of every form are heard"""
    nats, peer, router = fresh(TWO + "assignments: {heartbeat_ttl: 1s}\n")
    beat = {"version": "1", "worker_id": "w1", "timestamp": "2026-01-01T00:00:00Z", "status": "ready"}
    beat |= {"resources": {"jobs_in_flight": 3}, "metadata": {"provider_id": "a"}}
    peer.publish("caf.worker.heartbeat.v1", beat)
    wrapped = {"version": "v1", "kind": "heartbeat", "data": beat | {"worker_id": "w2"}}
    peer.publish("caf.status.heartbeat.v1", wrapped)
    peer.publish("caf.worker.heartbeat.v1", b"\x00nonsense")
    assert until(lambda: router.metric("router_heartbeats_total") == 2), "not heard"
    same(router.metric("router_heartbeats_invalid_total"), 1, "invalid")
    health = ask(peer, {}, ADMIN + "get_extension_health")
    same([(e["id"], e["status"]) for e in health["extensions"]], [("a", "healthy"), ("b", "unknown")])
    same(health["extensions"][0]["jobs_in_flight"], 6, "jobs_in_flight")
    time.sleep(2.2)
    same({ask(peer, body())["decision"]["provider_id"] for _ in range(20)}, {"b"}, "providers")


def reloads():
    """a changed file is taken, a bad one is refused and the last good one kept"""
    nats, peer, router = fresh()
    with open(path("router.yaml")) as file:
        config = file.read()
    for text, sample, signalled in (
        (config + "nonsense: 1\n", "sluice_config_reload_failures_total", True),
        (config.replace("id: a", "id: c"), "sluice_config_reloads_total", False),
    ):
        before = router.metric(sample)
        with open(path("router.yaml"), "w") as file:
            file.write(text)
        if signalled:
            router.signal(1)
        assert until(lambda s=sample, b=before: router.metric(s) > b), sample
        chosen = {ask(peer, body())["decision"]["provider_id"] for _ in range(30)}
        same(chosen, {"a", "b"} if signalled else {"c", "b"}, "providers")
    same(router.metric("sluice_config_last_reload_successful"), 1, "last reload")


def captured():
    """a stream that captures requests is refused loudly"""
    nats = Nats()
    peer = Peer(nats.address)
    created = peer.js("STREAM.CREATE.greedy", {"name": "greedy", "subjects": ["beamline.>"], "storage": "memory"})
    assert "error" not in created, created
    router = Daemon("router", "sluice-router", nats, TWO, wait=False)
    assert router.process.wait(10) != 0, "it runs"
    assert "greedy" in router.log() and "captures" in router.log(), router.log()


class Clients:
    """Threads that ask without pause; each request is remembered until it is answered."""

    def __init__(self, nats, count, **change):
        self.stop, self.answers, self.lost = False, [], []
        self.threads = [threading.Thread(target=self.run, args=(nats, change)) for _ in range(count)]
        for thread in self.threads:
            thread.start()

    def run(self, nats, change):
        peer = Peer(nats.address)
        while not self.stop:
            try:
                self.answers.append(ask(peer, body(**change), timeout=8))
            except Exception as error:  # noqa: BLE001: each is a request that was lost
                self.lost.append(repr(error))
        peer.close()

    def end(self):
        self.stop = True
        for thread in self.threads:
            thread.join()


def drains():
    """SIGTERM under load: the router ends with 0, and no request and no result is lost"""
    nats, peer, router = fresh()
    other = Daemon("other", "sluice-router", nats, TWO)
    clients = Clients(nats, 4, push_assignment=True)
    time.sleep(0.7)
    same(router.end(), 0, "exit code")
    router = Daemon("third", "sluice-router", nats, TWO)
    time.sleep(0.3)
    same(other.end(), 0, "exit code of the other")
    time.sleep(0.3)
    clients.end()
    same(clients.lost, [], "requests without an answer")
    assert len(clients.answers) > 200, len(clients.answers)
    assert all(answer["ok"] for answer in clients.answers), [a for a in clients.answers if not a["ok"]][0]
    ids = sorted(a["decision"]["metadata"]["assignment_id"] for a in clients.answers)
    same(sorted(a["assignment_id"] for a in messages(peer, "SLUICE_ASSIGN")), ids, "assignments")
    for each in ids[:100]:
        peer.publish(RESULT, result(each), HEADERS | {"Nats-Msg-Id": "result-" + each})
    same(router.end(), 0, "exit code of the third")
    router = Daemon("fourth", "sluice-router", nats, TWO)
    assert until(lambda: len(usage(peer)) >= 100, 40), len(usage(peer))
    same(sorted(usage(peer)), ids[:100], "usage events")


def outlives_nats():
    """nats-server killed and back: it answers again, and metering goes on"""
    nats, peer, router = fresh()
    first = push(peer)
    nats.kill()
    assert until(lambda: "503" in status(router)), "ready without NATS"
    nats = Nats(nats.port, nats.store)
    peer = Peer(nats.address)
    assert until(router.ready, 15), "not ready again"
    second = push(peer)
    report(peer, first)
    report(peer, second)
    assert until(lambda: sorted(usage(peer)) == sorted([first, second]), 20), usage(peer)


def rebuilds():
    """a nats-server that comes back empty: the streams are made again, and all goes on"""
    nats, peer, router = fresh()
    push(peer)
    nats.kill()
    nats = Nats(nats.port)
    shutil.rmtree(nats.store)
    nats.kill()
    nats = Nats(nats.port)
    peer = Peer(nats.address)
    assert until(lambda: "error" not in peer.js("CONSUMER.INFO.SLUICE_RESULTS.router-results"), 15), "no consumer"
    again = until(lambda: pushed_or_none(peer), 10)
    report(peer, again)
    assert until(lambda: usage(peer) == [again], 15), usage(peer)


def pushed_or_none(peer):
    answer = ask(peer, body(push_assignment=True), timeout=5)
    return answer["decision"]["metadata"]["assignment_id"] if answer["ok"] else None


def status(daemon):
    return subprocess.run(
        ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", f"http://127.0.0.1:{daemon.port}/readyz"],
        capture_output=True, text=True, check=False,
    ).stdout  # fmt: skip


def unpublished():
    """an assignment that no stream takes is buried and the client is told"""
    nats, peer, router = fresh(TWO + "assignments: {publish_timeout: 200ms, subjects: [caf.exec.assign.v1, my.own]}\n")
    with peer.subscribe("my.own.dlq") as letters:
        answer = ask(peer, body(push_assignment=True, assignment_subject="my.own"), timeout=6)
        letter = letters.next(5).json()
    same(answer["error"]["code"], "unavailable", "code")
    same(letter["original_subject"], "my.own", "original_subject")
    same(router.metric("router_assignment_retry_total"), 2, "retries")
    same(router.metric("router_retry_exhausted_total"), 1, "exhausted")
    same(router.metric("router_retry_budget_empty_total"), 0, "within the budget")
    # Ten retries are saved at first, and every ten assignments earn one.
    for _ in range(9):
        ask(peer, body(push_assignment=True, assignment_subject="my.own"), timeout=6)
    same(router.metric("router_assignment_retry_total"), 11, "retries of ten")
    same(router.metric("router_retry_exhausted_total"), 10, "all were given up")
    assert router.metric("router_retry_budget_empty_total") >= 4, "no budget"


def sluicectl(nats, *arguments):
    """Exit code and output of sluicectl with this server."""
    command = [os.path.join(BUILD, "bin", "sluicectl"), *arguments, "--nats", "nats://" + nats.address]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    return ran.returncode, ran.stdout + ran.stderr


def letters(nats, *arguments):
    code, output = sluicectl(nats, "dlq", "list", "--json", *arguments)
    same(code, 0, output)
    return json.loads(output)["letters"]


def replays():
    """dead letters are listed, shown and replayed; what was refused is counted once after it"""
    nats, peer, router = fresh(TWO + "tenants: [acme]\ndlq: {message: whole}\n")
    same(letters(nats), [], "letters")
    ask(peer, body(version="2"))
    foreign = str(uuid.uuid4())
    peer.js_publish(RESULT, result(foreign, tenant_id="later"), "result-" + foreign, {})
    assert until(lambda: len(letters(nats)) == 2), letters(nats)
    rejected = letters(nats, "--subject", RESULT)
    same([(one["error_code"], one["tenant_id"], one["replayable"]) for one in rejected], [("TENANT_FORBIDDEN", "", True)])
    code, output = sluicectl(nats, "dlq", "show", str(rejected[0]["sequence"]), "--json")
    same((code, json.loads(output)["message"]["assignment_id"]), (0, foreign), "show")
    # The tenant is taken in; replayed twice, it is metered once.
    with open(path("router.yaml")) as file:
        config = file.read()
    with open(path("router.yaml"), "w") as file:
        file.write(config.replace("[acme]", "[acme, later]"))
    assert until(lambda: router.metric("sluice_config_reloads_total") == 1), "no reload"
    for arguments in (("--keep", str(rejected[0]["sequence"])), ("--all", "--subject", RESULT)):
        code, output = sluicectl(nats, "dlq", "replay", *arguments)
        same(code, 0, output)
    assert until(lambda: usage(peer) == [foreign]), usage(peer)
    time.sleep(0.5)
    same(usage(peer), [foreign], "usage events")
    # A request that is still wrong is refused again, and stays.
    code, output = sluicectl(nats, "dlq", "replay", "--all")
    assert code == 1 and "VERSION_UNSUPPORTED" in output, output
    same({one["error_code"] for one in letters(nats)}, {"VERSION_UNSUPPORTED"}, "letters left")
    code, output = sluicectl(nats, "dlq", "show", "999")
    assert code == 1 and "there is none" in output, output
    nats.kill()
    code, output = sluicectl(nats, "dlq", "list")
    same(code, 3, output)


def without_message():
    """by default a dead letter has no message, and cannot be replayed"""
    nats, peer, router = fresh()
    ask(peer, body(task=None))
    assert until(lambda: len(letters(nats)) == 1), letters(nats)
    same(letters(nats)[0]["replayable"], False, "replayable")
    code, output = sluicectl(nats, "dlq", "replay", str(letters(nats)[0]["sequence"]))
    assert code == 1 and "was not kept" in output, output


run_all(
    [
        shares_work, assigns_once, found_elsewhere, metered_once, expires, breaks_circuits, hears_workers,
        reloads, captured, drains, outlives_nats, rebuilds, unpublished,
        replays, without_message,
    ]
)  # fmt: skip
