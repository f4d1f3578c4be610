#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""report.py MEASURED DEMO_RESULTS OUT: results.json and a table from what was measured.

MEASURED has lines "measured NAME PEER MEDIAN MIN MAX" and "sample NAME PEER VALUE", PEER "-"
for our own. DEMO_RESULTS is the demo's JSON: of its keys those beginning with "demo." are
taken, each a number or an object with "value". The exit code is 1 when something of the table
below was not measured; a missed target is a result, not an error.
"""
import json
import math
import os
import statistics
import sys
import typing

LOWER, HIGHER = "lower", "higher"


class Times(typing.NamedTuple):
    """A target that follows from what a peer did in the same run."""

    peer: str
    factor: float


# name: (unit, better, target or None)
TABLE = {
    "verdict.service.pass.over_floor_ns": ("ns", LOWER, 45),
    "verdict.service.drop.over_floor_ns": ("ns", LOWER, 45),
    "verdict.service.drop.cpu2_over_cpu1": ("ratio", LOWER, 1.10),
    "verdict.flow64k.pass.over_floor_ns": ("ns", LOWER, 450),
    "verdict.flow1m.pass.over_floor_ns": ("ns", LOWER, None),
    "verdict.lpm1k.pass.over_floor_ns": ("ns", LOWER, 110),
    "accuracy.min_percent": ("%", HIGHER, 99.5),
    "accuracy.max_percent": ("%", LOWER, 100.1),
    "veth.drop.over_xdp_drop": ("ratio", LOWER, 1.4),
    "reload.tenants10k_ms": ("ms", LOWER, 100),
    "demo.steady_p50_over_floor": ("ratio", LOWER, 1.2),
    "demo.steady_p90_over_floor": ("ratio", LOWER, 1.2),
    "demo.refuse_cpu_over_floor": ("ratio", LOWER, 2),
    "message.read_ns": ("ns", LOWER, 2500),
    "gateway.full_path.cpu_over_nginx200": ("ratio", LOWER, 2.5),
    "gateway.full_path.p50_over_nats": ("ratio", LOWER, 1.3),
    "gateway.full_path.req_per_s": ("1/s", HIGHER, Times("connection_a_request", 50)),
    "gateway.r429.cpu_over_limit_req": ("ratio", LOWER, 1.0),
    "gateway.escalated.cpu_over_429": ("ratio", LOWER, 0.05),
    "gateway.idle_connection_bytes": ("bytes", LOWER, 1024),
    "router.decisions_per_s_core": ("1/s", HIGHER, 50000),
    "trace.followed_percent": ("%", HIGHER, 100),
    "redis.cpu_us_per_renewal": ("us", LOWER, 20),
    "pressure.slow_to_shed_ms": ("ms", LOWER, 500),
    "pressure.recovery_s": ("s", LOWER, 10),
    "quota.three_nodes_error_percent": ("%", LOWER, 1),
    "sim.use_percent": ("%", HIGHER, 98),
    "sim.over_percent": ("%", LOWER, 0),
    "sim.shift_s": ("s", LOWER, 2.0),
    "sim.crash_s": ("s", LOWER, 2.2),
    "sim.outage_use_percent": ("%", HIGHER, 65),
    "sim.jain_tenants": ("ratio", HIGHER, 0.999),
    "sim.large_renewals_per_s": ("1/s", LOWER, 60000),
    # beside what was asked for
    "verdict.unknown.drop.over_floor_ns": ("ns", LOWER, None),
    "verdict.service_ktime.pass.over_floor_ns": ("ns", LOWER, None),
    "verdict.service.pass.cpu2_over_cpu1": ("ratio", LOWER, None),
    "verdict.flow64k_tenants1k.pass.over_floor_ns": ("ns", LOWER, None),
    "reload.tenants10k_parse_to_live_ms": ("ms", LOWER, None),
    "gateway.full_path.cpu_us": ("us", LOWER, None),
    "gateway.full_path.p50_us": ("us", LOWER, None),
    "gateway.full_path.p50_over_bus": ("ratio", LOWER, None),
    "gateway.full_path.p50_over_nginx200_and_bus": ("ratio", LOWER, None),
    "gateway.r429.cpu_us": ("us", LOWER, None),
    "gateway.r429.cpu_over_same_answer": ("ratio", LOWER, None),
    "gateway.idle_connection_total_bytes": ("bytes", LOWER, None),
    "router.function_cpu_us": ("us", LOWER, None),
    "router.decision_cpu_us": ("us", LOWER, None),
    "router.decisions_per_s": ("1/s", HIGHER, None),
    "bus.request_cpu_us": ("us", LOWER, None),
    "bus.request_without_headers_cpu_us": ("us", LOWER, None),
    "bus.requests_per_s": ("1/s", HIGHER, None),
    "bus.publish_cpu_us": ("us", LOWER, None),
    "bus.publishes_per_s": ("1/s", HIGHER, None),
    "memory.tenant_bytes": ("bytes", LOWER, None),
    "memory.tenant_bytes_per_cpu": ("bytes", LOWER, None),
    "memory.flow_bytes": ("bytes", LOWER, None),
    "memory.service_bytes": ("bytes", LOWER, None),
    "memory.cell_bytes": ("bytes", LOWER, None),
    "memory.largest_mib": ("MiB", LOWER, None),
    "memory.largest_mib_per_cpu": ("MiB", LOWER, None),
}


def fail(text):
    sys.exit(f"bench: {text}")


def number(text, where):
    value = float(text)
    if not math.isfinite(value):
        fail(f"{where}: {text} is no measurement")
    return value


def read_measured(path):
    """{(name, peer): (median, least, most)}"""
    found, samples = {}, {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            word = line.split()
            if not word or word[0] not in ("measured", "sample"):
                continue
            key = (word[1], word[2])
            if word[1] not in TABLE:
                fail(f"{path}: {word[1]} is not in the table")
            values = [number(w, line.strip()) for w in word[3:]]
            if word[0] == "measured" and len(values) == 3:
                found[key] = tuple(values)
            elif word[0] == "sample" and len(values) == 1:
                samples.setdefault(key, []).append(values[0])
            else:
                fail(f"{path}: not understood: {line.strip()}")
    for key, values in samples.items():
        found[key] = (statistics.median(values), min(values), max(values))
    return found


def read_demo(path):
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as file:
        demo = json.load(file)
    found = {}
    for name, value in demo.items():
        if not name.startswith("demo.") or name not in TABLE:
            continue
        if not isinstance(value, dict):
            value = {"value": value}
        values = [value.get(key, value.get("value")) for key in ("value", "min", "max")]
        if all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values):
            found[(name, "-")] = tuple(number(str(v), name) for v in values)
    return found


def met(value, better, target):
    if target is None:
        return "-"
    return "yes" if (value <= target if better == LOWER else value >= target) else "NO"


def goal_of(target, peers):
    """The target as a number: a peer that was not measured sets none."""
    if isinstance(target, Times):
        return peers[target.peer][0] * target.factor if target.peer in peers else None
    return target


def main(measured_path, demo_path, out_path):
    found = read_measured(measured_path) | read_demo(demo_path)
    results, rows, missing = {}, [], []
    for name, (unit, better, target) in TABLE.items():
        peers = {p: v for (n, p), v in found.items() if n == name and p != "-"}
        if (name, "-") not in found:
            missing.append(name)
            continue
        median, least, most = found[(name, "-")]
        target = goal_of(target, peers)
        results[name] = {
            "value": median,
            "unit": unit,
            "better": better,
            "target": target,
            "peers": {peer: value[0] for peer, value in sorted(peers.items())},
            "min": least,
            "max": most,
        }
        spread = f"{least:.2f}..{most:.2f}" if least != most else ""
        goal = "" if target is None else f"{'<=' if better == LOWER else '>='} {target:g}"
        rows.append((name, f"{median:.2f}", unit, spread, goal, met(median, better, target)))
        for peer, value in sorted(peers.items(), key=lambda item: item[1][0]):
            rows.append((f"    {peer}", f"{value[0]:.2f}", unit, f"{value[1]:.2f}..{value[2]:.2f}", "", ""))

    with open(out_path + ".new", "w", encoding="utf-8") as file:
        json.dump(results, file, indent=2)
        file.write("\n")
    os.replace(out_path + ".new", out_path)

    print(f"\n{'name':46} {'median':>9} {'unit':6} {'min..max':>20} {'target':>9}  met")
    for name, value, unit, spread, goal, is_met in rows:
        print(f"{name:46} {value:>9} {unit:6} {spread:>20} {goal:>9}  {is_met}")
    print(f"\n{out_path}")
    if missing:
        fail("not measured: " + ", ".join(missing))


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
