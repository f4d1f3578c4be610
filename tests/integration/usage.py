# SPDX-License-Identifier: Apache-2.0
"""sluice-usage and `sluicectl usage report` with a real nats-server; the test plays the router."""

import csv
import io
import json
import os
import sqlite3
import subprocess
import sys
import time
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from pipeline import *  # noqa: E402, F403

SUBJECT = "beamline.usage.v1.metered"
NOON = 1795262400000  # 2026-11-21T12:00:00Z
DAY = 86400000


def event(**change):
    made = {
        "version": "1",
        "tenant_id": "acme",
        "provider_id": "openai",
        "event_type": "chat",
        "latency_ms": 10,
        "cost": 0.25,
        "status": "success",
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "timestamp": NOON,
        "assignment_id": str(uuid.uuid4()),
        "request_id": "r-1",
        "run_id": "run-1",
    }
    return made | change


def send(peer, made, message_id=None):
    answer = peer.js_publish(SUBJECT, made, message_id or "usage-" + made["assignment_id"])
    assert "seq" in answer, answer


def fresh(config=""):
    ledger = path(uuid.uuid4().hex + ".db")
    nats = Nats()
    peer = Peer(nats.address)
    text = f"ledger: {ledger}\nrun_quiet: 300ms\n{config}"
    usage = Daemon("usage", "sluice-usage", nats, text)
    return nats, peer, usage, ledger, text


def report(ledger, *options):
    command = [os.path.join(BUILD, "bin", "sluicectl"), "usage", "report", "--ledger", ledger, *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows(ledger, *options):
    return json.loads(report(ledger, "--json", *options))["usage"]


def total(ledger):
    found = rows(ledger)
    return sum(row["events"] for row in found), sum(row["cost"] for row in found)


def wait_acked(peer):
    def is_done():
        info = peer.js("CONSUMER.INFO.SLUICE_USAGE.sluice-usage")
        return info["num_pending"] == 0 and info["num_ack_pending"] == 0

    assert until(is_done, 20, 0.1), peer.js("CONSUMER.INFO.SLUICE_USAGE.sluice-usage")


def counted_once():
    """an event counts once, however often and under whatever name it comes"""
    nats, peer, usage, ledger, _ = fresh()
    for made in (event(assignment_id="a"), event(assignment_id="b", cost=1, status="error")):
        for number in range(3):  # the stream takes them for different messages
            send(peer, made, f"{made['assignment_id']}-{number}")
    lone = event()
    del lone["assignment_id"]
    send(peer, lone, "lone")
    wait_acked(peer)
    same(total(ledger), (3, 1.5), "total")
    same(usage.metric("usage_events_total"), 3, "usage_events_total")
    same(usage.metric("usage_events_duplicate_total"), 4, "usage_events_duplicate_total")
    same(usage.metric('usage_results_total{provider_id="openai",status="error"}'), 1, "errors")
    assert abs(usage.metric('usage_success_ratio{provider_id="openai"}') - 2 / 3) < 0.01, "ratio"
    sample = 'usage_cost_per_run_sum{job_type="chat"}'
    assert until(lambda: usage.metric(sample) == 1.5, 5), usage.page("metrics")
    same(usage.metric('usage_cost_per_run_count{job_type="chat"}'), 1, "runs")
    same(usage.end(), 0, "exit code")
    peer.close()


def killed():
    """killed again and again in the middle of writing: the totals are exact"""
    nats, peer, usage, ledger, config = fresh("ack_wait: 1s\nbatch: 20\nbatch_wait: 1ms")
    sent = 0
    for round_ in range(6):
        for _ in range(200):
            inbox = "_INBOX.none"
            headers = {"Nats-Msg-Id": f"usage-{sent}"}
            peer.publish(SUBJECT, event(assignment_id=str(sent), cost=0.5), headers, inbox)
            sent += 1
        peer.flush()
        time.sleep(0.01 * round_)
        usage.kill()
        usage = Daemon("usage", "sluice-usage", nats, config)
    wait_acked(peer)
    same(total(ledger), (sent, sent * 0.5), "total")
    same(usage.end(), 0, "exit code")
    peer.close()


def reports():
    """every form of the report, while the ledger is written"""
    nats, peer, usage, ledger, _ = fresh()
    send(peer, event(run_id="run-1", cost=0.5))
    send(peer, event(run_id="run-1", cost=0.25, provider_id="local", status="timeout"))
    send(peer, event(run_id="run-2", cost=4, tenant_id="beta", timestamp=NOON + DAY))
    wait_acked(peer)
    by_run = [(row["run"], row["tenant"], row["events"], row["cost"]) for row in rows(ledger, "--by", "run")]
    same(by_run, [("run-2", "beta", 1, 4), ("run-1", "acme", 2, 0.75)], "runs")
    by_provider = [(row["provider"], row["success_rate"], row["timeouts"]) for row in rows(ledger, "--by", "provider")]
    same(by_provider, [("local", 0, 1), ("openai", 1, 0)], "providers")
    by_day = [(row["day"], row["tenant"], row["cost"]) for row in rows(ledger, "--by", "day")]
    same(by_day, [("2026-11-21", "acme", 0.75), ("2026-11-22", "beta", 4)], "days")
    same(rows(ledger, "--tenant", "beta", "--until", "2026-11-22"), [], "nothing before")
    same(len(rows(ledger, "--since", "2026-11-22T00:00:00Z")), 1, "since")
    table = list(csv.DictReader(io.StringIO(report(ledger, "--csv", "--by", "tenant"))))
    same([(row["tenant"], row["events"]) for row in table], [("acme", "2"), ("beta", "1")], "CSV")
    assert "TENANT" in report(ledger) and "0.75" in report(ledger), report(ledger)
    same(usage.end(), 0, "exit code")
    same(len(rows(ledger)), 2, "after the end")
    peer.close()


def malformed():
    """what is no usage event becomes a dead letter and holds nothing up"""
    nats, peer, usage, ledger, _ = fresh()
    send(peer, b"{nonsense", "poison")
    bad = event()
    bad["cost"] = -1
    send(peer, bad)
    send(peer, event())
    wait_acked(peer)
    same(total(ledger), (1, 0.25), "total")
    assert until(lambda: state(peer, "SLUICE_DLQ")["messages"] == 2), "no dead letters"
    same(messages(peer, "SLUICE_DLQ")[0]["original_subject"], SUBJECT, "original_subject")
    assert "message" not in messages(peer, "SLUICE_DLQ")[0], "the message is in it"
    same(usage.metric("usage_events_malformed_total"), 2, "malformed")
    peer.close()


def locked():
    """a ledger that cannot be written holds events back unacked, and loses none"""
    nats, peer, usage, ledger, _ = fresh("ack_wait: 1s")
    holder = sqlite3.connect(ledger, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    for _ in range(5):
        send(peer, event())
    assert until(lambda: "takes no events" in usage.log(), 15), "no complaint"
    same(usage.metric("usage_events_total"), 0, "events")
    holder.execute("ROLLBACK")
    wait_acked(peer)
    same(total(ledger)[0], 5, "total")
    assert until(usage.ready), "not ready again"
    peer.close()


def labels():
    """names from outside make no more than 64 series"""
    nats, peer, usage, ledger, _ = fresh()
    for number in range(100):
        send(peer, event(provider_id=f"p-{number}"))
    wait_acked(peer)
    series = [line for line in usage.page("metrics").splitlines() if line.startswith("usage_cost_total{")]
    same(len(series), 64, "series")
    same(usage.metric('usage_results_total{provider_id="other",status="success"}'), 37, "other")
    same(len(rows(ledger, "--by", "provider")), 100, "the ledger knows them all")
    peer.close()


def retention():
    """events are forgotten when their retention is over"""
    nats, peer, usage, ledger, config = fresh()
    send(peer, event(timestamp=int(time.time() * 1000) - 3 * DAY))
    send(peer, event(timestamp=int(time.time() * 1000)))
    wait_acked(peer)
    same(usage.end(), 0, "exit code")
    usage = Daemon("usage", "sluice-usage", nats, config + "\nretention: 2d")
    assert until(lambda: total(ledger)[0] == 1, 5), "it is still there"
    same(usage.metric("usage_events_forgotten_total"), 1, "forgotten")
    peer.close()


def documented():
    """docs/ops/usage.md has the keys that --config-help prints, the example is good"""
    check_documents(os.path.join(BUILD, "bin", "sluice-usage"), "usage")


run_all([counted_once, killed, reports, malformed, locked, labels, retention, documented])
