# SPDX-License-Identifier: Apache-2.0
"""sluice-worker with a real nats-server; the test plays the router."""

import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from pipeline import *  # noqa: E402, F403
from provider import Provider  # noqa: E402

RESULT, ACK = "caf.exec.result.v1", "caf.exec.assign.v1.ack"
SIMULATE = "handlers: [{name: echo, kind: echo, types: [echo]}, {name: sim, kind: simulate, latency: %s, cost: 0.5}]"


def about(assignment_id):
    return lambda message: assignment_id.encode() in message.data


def fresh(config, name="worker"):
    nats = Nats()
    return nats, Peer(nats.address), Daemon(name, "sluice-worker", nats, config)


def close(*all_of_them):
    for one in all_of_them:
        one.close() if isinstance(one, Peer) else one.kill()


def done_once():
    """a job is acked, done, reported with its cost and taken off the queue"""
    nats, peer, worker = fresh(SIMULATE % "20ms")
    with peer.subscribe(RESULT) as results, peer.subscribe(ACK) as acks:
        name = assign(peer, assignment(run_id="run-1"))
        ack = acks.until(about(name), 5).json()
        got = results.until(about(name), 5)
        same((ack["status"], ack["tenant_id"]), ("accepted", "acme"), "ack")
        result = got.json()
        same(result["status"], "success", "status")
        same(result["cost"], 0.5, "cost")
        same(result["run_id"], "run-1", "run_id")
        assert 20 <= result["latency_ms"] < 2000, result
        same(got.header("Nats-Msg-Id"), "result-" + name, "Nats-Msg-Id")
        time.sleep(0.3)
        same(state(peer, "SLUICE_ASSIGN")["messages"], 0, "left in the queue")
        same(peer.js("CONSUMER.INFO.SLUICE_ASSIGN.sluice-workers")["num_ack_pending"], 0, "not acked")
        # Again, although it is done: it is acked and does not run.
        peer.js_publish("caf.exec.assign.v1", assignment(assignment_id=name), "another-id")
        assert until(lambda: worker.metric("worker_assignments_duplicate_total") == 1), "no duplicate"
    same(len(messages(peer, "SLUICE_RESULTS")), 1, "results")
    same(worker.metric('worker_step_executions_total{handler="sim",status="success"}'), 1, "executions")
    same(worker.metric('worker_step_execution_duration_seconds_count{handler="sim"}'), 1, "durations")
    close(peer, worker, nats)


def killed():
    """a worker killed in the middle of a job: another does it, one result is counted"""
    config = "ack_wait: 1s\n" + SIMULATE % "1500ms"
    nats, peer, worker = fresh(config)
    with peer.subscribe(RESULT) as results:
        name = assign(peer, assignment())
        assert until(lambda: worker.metric("worker_active_tasks") == 1), "it does not run"
        worker.kill()
        other = Daemon("other", "sluice-worker", nats, config)
        same(results.until(about(name), 8).json()["status"], "success", "status")
    time.sleep(0.5)
    same(len(messages(peer, "SLUICE_RESULTS")), 1, "results")
    same(state(peer, "SLUICE_ASSIGN")["messages"], 0, "left in the queue")
    close(peer, other, nats)


def long_job():
    """a job longer than ack_wait is extended and delivered once"""
    nats, peer, worker = fresh("ack_wait: 1s\n" + SIMULATE % "3s")
    with peer.subscribe(RESULT) as results:
        name = assign(peer, assignment())
        result = results.until(about(name), 8).json()
    same(result["status"], "success", "status")
    same(result["result"]["metrics"]["deliveries"], 1, "deliveries")
    same(worker.metric("worker_assignments_received_total"), 1, "received")
    close(peer, worker, nats)


def cancelled():
    """a cancellation ends a running and a waiting job, and one that is still to come"""
    nats, peer, worker = fresh("concurrency: 1\n" + SIMULATE % "15s")
    with peer.subscribe(RESULT) as results:
        running, waiting = assign(peer, assignment()), assign(peer, assignment())
        assert until(lambda: worker.metric("worker_queue_depth") == 1), "nothing waits"
        for name, reason, status, code in (
            (waiting, "user", "cancelled", "CANCELLED_BY_USER"),
            (running, "timeout", "timeout", "CANCELLED_BY_TIMEOUT"),
        ):
            peer.publish("caf.exec.cancel.v1", {"assignment_id": name, "reason": reason})
            result = results.until(about(name), 3).json()
            same((result["status"], result["error_code"]), (status, code), reason)
        early = assignment()
        peer.publish("caf.exec.cancel.v1", {"assignment_id": early["assignment_id"], "reason": "user"})
        peer.flush()
        assign(peer, early)
        same(results.until(about(early["assignment_id"]), 3).json()["status"], "cancelled", "early")
        peer.publish("caf.exec.cancel.v1", b"nonsense")
        assert until(lambda: worker.metric("worker_cancels_malformed_total") == 1), "not counted"
    same(state(peer, "SLUICE_ASSIGN")["messages"], 0, "left in the queue")
    close(peer, worker, nats)


def deadlines():
    """a deadline that passes in the queue or in the handler is a timeout"""
    nats, peer, worker = fresh("concurrency: 1\n" + SIMULATE % "10s")
    with peer.subscribe(RESULT) as results:
        running = assign(peer, assignment(), deadline_ms=900)
        waiting = assign(peer, assignment(), deadline_ms=300)
        for name, low, high in ((waiting, 0, 0), (running, 700, 1500)):
            result = results.until(about(name), 4).json()
            same((result["status"], result["error_code"]), ("timeout", "CANCELLED_BY_TIMEOUT"))
            assert low <= result["latency_ms"] <= high, result
        worker.signal(19)  # SIGSTOP: it lies in the stream until its time is over
        late = assign(peer, assignment(), deadline_ms=200)
        time.sleep(0.4)
        worker.signal(18)
        result = results.until(about(late), 4).json()
        same((result["status"], result["latency_ms"]), ("timeout", 0), "late")
    close(peer, worker, nats)


def full():
    """a job over the queue is rejected and taken by another worker"""
    config = "concurrency: 1\nqueue: 0\npull_ahead: 4\nreject_delay: 100ms\n" + SIMULATE % "3s"
    nats, peer, worker = fresh(config)
    with peer.subscribe(ACK) as acks:
        names = [assign(peer, assignment()) for _ in range(2)]
        rejected = acks.until(lambda message: b"rejected" in message.data, 5).json()
        same(rejected["reason"], "the queue is full", "reason")
        assert rejected["assignment_id"] in names, rejected
        other = Daemon("other", "sluice-worker", nats, "worker_id: other\n" + config)
        accepted = acks.until(lambda m: about(rejected["assignment_id"])(m) and b"accepted" in m.data, 5)
        same(accepted.json()["metadata"]["worker_id"], "other", "taken by")
    for result in results_of(peer, names).values():
        same(result["status"], "success", "status")
    close(peer, worker, other, nats)


def unknown():
    """a job that no handler is for is left to a worker that has one"""
    nats, peer, worker = fresh("reject_delay: 50ms\nhandlers: [{name: echo, kind: echo, types: [echo]}]")
    with peer.subscribe(RESULT) as results, peer.subscribe(ACK) as acks:
        name = assign(peer, assignment())
        same(acks.until(about(name), 5).json()["status"], "rejected", "status")
        other = Daemon("other", "sluice-worker", nats, SIMULATE % "1ms")
        same(results.until(about(name), 8).json()["status"], "success", "status")
    close(peer, worker, other, nats)


def backed_off():
    """a job that is rejected again and again waits as long as backoff says each time"""
    config = "backoff: 300ms,900ms\nhandlers: [{name: echo, kind: echo, types: [echo]}]"
    nats, peer, worker = fresh(config)
    with peer.subscribe(ACK) as acks:
        name = assign(peer, assignment())
        at = [acks.until(about(name), 8).at for _ in range(4)]
    waits = [later - earlier for earlier, later in zip(at, at[1:])]
    assert 0.25 <= waits[0] < waits[1] and min(waits[1:]) >= 0.85, waits
    close(peer, worker, nats)


def drains():
    """SIGTERM: what runs is finished, what waits goes to another worker, none is lost"""
    nats, peer, worker = fresh("concurrency: 1\n" + SIMULATE % "800ms")
    names = [assign(peer, assignment()) for _ in range(3)]
    assert until(lambda: worker.metric("worker_queue_depth") == 2), "nothing waits"
    same(worker.end(), 0, "exit code")
    same([each["assignment_id"] for each in messages(peer, "SLUICE_RESULTS")], names[:1], "finished")
    begun = time.monotonic()
    other = Daemon("other", "sluice-worker", nats, SIMULATE % "1ms")
    for result in results_of(peer, names).values():
        same(result["status"], "success", "status")
    assert time.monotonic() - begun < 5, "they came only after ack_wait"
    close(peer, other, nats)


def drains_in_time():
    """SIGTERM: a job longer than the grace is stopped and given back"""
    nats, peer, worker = fresh("drain_grace: 300ms\n" + SIMULATE % "15s")
    assign(peer, assignment())
    assert until(lambda: worker.metric("worker_active_tasks") == 1), "it does not run"
    begun = time.monotonic()
    same(worker.end(), 0, "exit code")
    assert time.monotonic() - begun < 3, "it took too long"
    same(len(messages(peer, "SLUICE_RESULTS")), 0, "results")
    other = Daemon("other", "sluice-worker", nats, SIMULATE % "1ms")
    assert until(lambda: len(messages(peer, "SLUICE_RESULTS")) == 1, 5), "nobody did it"
    close(peer, other, nats)


def malformed():
    """what is no assignment becomes a dead letter, with an error result where it has a name"""
    nats, peer, worker = fresh("dead_letter_body: whole\n" + SIMULATE % "1ms")
    with peer.subscribe(RESULT) as results:
        named = assign(peer, assignment(job="chat"))
        result = results.until(about(named), 5).json()
        same((result["status"], result["error_code"]), ("error", "INVALID_FORMAT"), "result")
        peer.js_publish("caf.exec.assign.v1", b"{nonsense", "poison", {"trace_id": "f00"})
    assert until(lambda: state(peer, "SLUICE_DLQ")["messages"] == 2), "no dead letters"
    letter = messages(peer, "SLUICE_DLQ")[1]
    same(letter["reason"], "validation_failed", "reason")
    same(letter["original_subject"], "caf.exec.assign.v1", "original_subject")
    same((letter["msg_id"], letter["trace_id"]), ("poison", "f00"), "headers")
    same(letter["message"], "{nonsense", "message")
    assert until(lambda: state(peer, "SLUICE_ASSIGN")["messages"] == 0), "it is still in the queue"
    close(peer, worker, nats)


def gives_up():
    """an assignment that workers die of is given up: a dead letter, and one error result"""
    config = "ack_wait: 300ms\nmax_deliver: 2\n" + SIMULATE % "30s"
    nats, peer, worker = fresh(config)
    name = assign(peer, assignment(), deadline_ms=60000)
    # How fast workers die decides whether the second or a later delivery is the last.
    for _ in range(8):
        if state(peer, "SLUICE_RESULTS")["messages"]:
            break
        if until(lambda: worker.metric("worker_active_tasks") == 1, 2):
            worker.kill()
            worker = Daemon("another", "sluice-worker", nats, config)
    result = results_of(peer, [name])[name]
    same((result["status"], result["error_code"]), ("error", "EXECUTION_FAILED"), "result")
    assert until(lambda: state(peer, "SLUICE_DLQ")["messages"] == 1), "no dead letter"
    same(messages(peer, "SLUICE_DLQ")[0]["reason"], "maxdeliver_exhausted", "reason")
    assert until(lambda: state(peer, "SLUICE_ASSIGN")["messages"] == 0), "it is still in the queue"
    close(peer, worker, nats)


def outlives_nats():
    """nats-server dies with a job running: the result comes when it is back"""
    nats, peer, worker = fresh(SIMULATE % "1s")
    name = assign(peer, assignment())
    assert until(lambda: worker.metric("worker_active_tasks") == 1), "it does not run"
    nats.kill()
    peer.close()
    time.sleep(1.5)
    nats = Nats(nats.port, nats.store)
    peer = Peer(nats.address)
    assert until(lambda: len(messages(peer, "SLUICE_RESULTS")) == 1, 15), "no result"
    same(messages(peer, "SLUICE_RESULTS")[0]["assignment_id"], name, "assignment_id")
    assert until(worker.ready), "not ready again"
    close(peer, worker, nats)


HTTP = """handlers:
  - {name: once, kind: http, providers: [once], url: "%(url)s/once", cost: 0.25}
  - {name: slow, kind: http, providers: [slow], url: "%(url)s/slow", timeout: 300ms}
  - {name: slow2, kind: http, providers: [deadline], url: "%(url)s/slow/2"}
  - {name: broken, kind: http, providers: [broken], url: "%(url)s/broken"}
  - {name: again, kind: http, providers: [again], url: "%(url)s/broken/2", idempotent: true}
  - {name: huge, kind: http, providers: [huge], url: "%(url)s/huge"}
  - {name: reset, kind: http, providers: [reset], url: "%(url)s/reset"}
  - {name: forbidden, kind: http, providers: [forbidden], url: "%(url)s/forbidden"}
  - {name: text, kind: http, providers: [text], url: "%(url)s/text"}
  - {name: nobody, kind: http, providers: [nobody], url: "http://127.0.0.1:1/"}
  - {name: ok, kind: http, url: "%(url)s/ok", cost: 0.125, authorization_file: %(secret)s}
"""


def posts():
    """http: posts to the provider and tells each trouble by its code"""
    provider = Provider()
    with open(path("secret"), "w") as file:
        file.write("Bearer s3cret\n")
    nats, peer, worker = fresh(HTTP % {"url": provider.url, "secret": path("secret")})
    wanted = {
        "once": ("success", None),
        "slow": ("error", "CONNECTION_TIMEOUT"),
        "deadline": ("timeout", "CANCELLED_BY_TIMEOUT"),
        "broken": ("error", "HTTP_ERROR"),
        "again": ("error", "HTTP_ERROR"),
        "huge": ("error", "HTTP_ERROR"),
        "reset": ("error", "NETWORK_ERROR"),
        "forbidden": ("error", "PERMISSION_DENIED"),
        "text": ("success", None),
        "nobody": ("error", "NETWORK_ERROR"),
        "ok": ("success", None),
    }
    names = {}
    for name in wanted:
        sent = assignment(executor={"provider_id": name, "channel": "nats"})
        names[name] = assign(peer, sent, deadline_ms=700 if name == "deadline" else 10000)
    results = results_of(peer, list(names.values()))
    got = {name: results[about_it] for name, about_it in names.items()}
    for name, outcome in wanted.items():
        same((got[name]["status"], got[name].get("error_code")), outcome, name)
    same(got["ok"]["result"]["payload"], {"got": {"text": "for the worker"}}, "payload")
    same((got["ok"]["cost"], got["once"]["cost"], got["broken"]["cost"]), (0.125, 0.25, 0), "costs")
    same(got["text"]["result"]["payload"], 'plain "text"', "text")
    assert "more than 262144 bytes" in got["huge"]["error_message"], got["huge"]
    # Repeated only where nothing was done, or the provider says that it may be.
    times = {name: provider.times(name) for name in ("/once", "/slow", "/broken", "/broken/2", "/reset")}
    same(times, {"/once": 2, "/slow": 1, "/broken": 1, "/broken/2": 2, "/reset": 1}, "tries")
    headers = next(seen for where, seen, _ in provider.requests if where == "/ok")
    headers = {name.lower(): value for name, value in headers.items()}
    same(headers["authorization"], "Bearer s3cret", "authorization")
    same(headers["idempotency-key"], got["ok"]["assignment_id"], "idempotency-key")
    same(headers["traceparent"].split("-")[1], got["ok"]["trace_id"], "trace")
    assert "s3cret" not in worker.log(), "the secret is in the log"
    # Together no more than ten repetitions, and one for each ten jobs, of one provider.
    before = provider.times("/broken/2")
    names = [assign(peer, assignment(executor={"provider_id": "again", "channel": "nats"})) for _ in range(20)]
    results_of(peer, names)
    same(provider.times("/broken/2") - before, 20 + 9 + 2, "posts of 20 jobs that fail")
    close(peer, worker, nats)


def plugin():
    """a handler of another author, from a shared object"""
    source = os.path.join(ROOT, "docs", "examples", "reverse_handler.c")
    include = os.path.join(ROOT, "include")
    warnings = ["-Wall", "-Wextra", "-Werror"]
    subprocess.run(
        ["cc", "-shared", "-fPIC", *warnings, "-I", include, "-o", path("reverse.so"), source], check=True
    )
    handler = "handlers: [{name: reverse, kind: plugin, path: %s, settings: '%s'}]"
    nats, peer, worker = fresh(handler % (path("reverse.so"), 5))
    with peer.subscribe(RESULT) as results:
        name = assign(peer, assignment(job={"type": "x", "payload": [1, 2, 3]}))
        result = results.until(about(name), 5).json()
    same((result["status"], result["result"]["payload"]), ("success", "]3 ,2 ,1["), "result")
    same(result["cost"], 0.009, "cost")
    bad = Daemon("bad", "sluice-worker", nats, handler % (path("reverse.so"), "x"), wait=False)
    same(bad.process.wait(5), 2, "exit code of bad settings")
    assert "a pause of at most" in bad.log(), bad.log()
    none = Daemon("none", "sluice-worker", nats, handler % ("/nowhere.so", "x"), wait=False)
    assert none.process.wait(5) != 0 and "/nowhere.so" in none.log(), none.log()
    # SIGHUP takes other handlers; a file that is refused changes nothing.
    with open(path("worker.yaml")) as file:
        config = file.read()
    for text, counted in (("nonsense", "reload_failures"), (config.replace("'5'", "'1'"), "reloads")):
        with open(path("worker.yaml"), "w") as file:
            file.write(text)
        worker.signal(1)
        sample = f"worker_config_{counted}_total"
        assert until(lambda sample=sample: worker.metric(sample) >= 1), sample
    with peer.subscribe(RESULT) as results:
        name = assign(peer, assignment())
        same(results.until(about(name), 5).json()["status"], "success", "after the reload")
    same(worker.end(), 0, "exit code")
    close(peer, nats)


def many():
    """500 jobs over two workers: each has one result"""
    nats, peer, worker = fresh("concurrency: 8\n" + SIMULATE % "5ms")
    other = Daemon("other", "sluice-worker", nats, "concurrency: 8\n" + SIMULATE % "5ms")
    names = {assign(peer, assignment()) for _ in range(500)}
    assert until(lambda: state(peer, "SLUICE_RESULTS")["messages"] >= 500, 30), "not all came"
    time.sleep(0.2)
    got = [result["assignment_id"] for result in messages(peer, "SLUICE_RESULTS")]
    same(len(got), 500, "results")
    same(set(got), names, "names")
    shares = [each.metric('worker_step_executions_total{handler="sim",status="success"}') for each in (worker, other)]
    same(sum(shares), 500, "executions")
    assert min(shares) > 0, shares
    close(peer, worker, other, nats)


def documented():
    """docs/ops/worker.md has the keys that --config-help prints, the example is good"""
    binary = os.path.join(BUILD, "bin", "sluice-worker")
    check_documents(binary, "worker")


only = sys.argv[1:]
checks = [
    done_once, killed, long_job, cancelled, deadlines, full, unknown, backed_off, drains, drains_in_time,
    malformed, gives_up, outlives_nats, posts, plugin, many, documented,
]  # fmt: skip
run_all([check for check in checks if not only or check.__name__ in only])
