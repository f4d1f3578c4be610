# SPDX-License-Identifier: Apache-2.0
"""demo_report.py DIR RESULTS: the summary of scripts/demo.sh from what its phases left
in DIR; writes RESULTS for the bench. Exit code 1 when a claim does not hold: steady lost
a request behind the shield, or counters that do not add up. A missed target is said."""
import argparse
import json
import pathlib
import statistics
import sys

PHASES = ("floor", "unshielded", "shielded")
TENANTS = ("steady", "noisy", "unknown")
FLOODS = ("noisy", "attack")
LINKS = ("steady", *FLOODS)
TARGETS = {
    "steady_p50_over_floor": 1.2,
    "steady_p90_over_floor": 1.2,
    "refuse_cpu_over_floor": 2.0,
}


class Phase:
    """One phase of one round."""

    def __init__(self, folder, name, number):
        def read(part):
            return json.loads((folder / f"{name}.{number}.{part}.json").read_text())

        self.steady = read("steady")
        self.before, self.after = read("before"), read("after")
        if name == "shielded":
            self.attached = read("attached")
            self.node = read("status")
            self.tenants = {tenant: read(f"tenant.{tenant}") for tenant in TENANTS}

    def grown(self, what, links=FLOODS, since=None):
        since = since or self.before
        return sum(self.after[link][what] - since[link][what] for link in links)

    def cpu_ns_per_packet(self):
        """What a packet of noisy and attacker cost the node, in NAPI threads and agent."""
        return self.grown("cpu_ns", (*FLOODS, "agent")) / max(self.grown("packets"), 1)

    def verdicts(self, tenant):
        return {
            row["reason"]: row["packets"]
            for row in self.tenants[tenant]["reasons"]
            if row["direction"] == "ingress"
        }

    def counted(self):
        """Packets that came, by the shield's counters: judged and waved through."""
        judged = sum(sum(self.verdicts(tenant).values()) for tenant in TENANTS)
        bypass = ("unprotected_packets", "not_ip_packets", "off_packets")
        row = next(row for row in self.node["traffic"] if row["direction"] == "ingress")
        return judged + sum(row[key] for key in bypass)

    def came(self):
        """The same by the interfaces' counters."""
        return self.grown("packets", LINKS, self.attached)


def median(phases, value):
    return statistics.median(value(phase) for phase in phases)


def latency(key):
    return lambda phase: phase.steady[key]


def total(phases, key):
    return sum(phase.steady[key] for phase in phases)


def print_latencies(rounds):
    print(f"\n{'steady':12} {'requests':>9} {'lost':>6}", end="")
    print(f"{'p50 ms':>10}{'p90 ms':>10}{'p99 ms':>10}   medians of the rounds")
    for name in PHASES:
        phases = rounds[name]
        print(f"{name:12} {total(phases, 'requests'):9,} {total(phases, 'lost'):6,}", end="")
        for key in ("p50_us", "p90_us", "p99_us"):
            print(f"{median(phases, latency(key)) / 1000:10.3f}", end="")
        print()


def print_verdicts(phases):
    print(f"\n{'shielded':12} {'offered':>11} {'passed':>9} {'dropped':>11}   by reason")
    for tenant in TENANTS:
        verdicts = {}
        for phase in phases:
            for reason, packets in phase.verdicts(tenant).items():
                verdicts[reason] = verdicts.get(reason, 0) + packets
        offered, passed = sum(verdicts.values()), verdicts.pop("pass", 0)
        reasons = ", ".join(f"{reason} {packets:,}" for reason, packets in sorted(verdicts.items()))
        print(f"{tenant:12} {offered:11,} {passed:9,} {offered - passed:11,}   {reasons or '-'}")


def print_cpu(rounds):
    print(f"\n{'node CPU':12} {'packets of the flood':>21} {'ns per packet':>14}")
    for name in PHASES:
        packets = sum(phase.grown("packets") for phase in rounds[name])
        print(f"{name:12} {packets:21,} {median(rounds[name], Phase.cpu_ns_per_packet):14.0f}")


RATIOS = dict(zip(TARGETS, (latency("p50_us"), latency("p90_us"), Phase.cpu_ns_per_packet)))


def over_own_floor(rounds, value):
    """A ratio for each round: shielded over the floor beside it."""
    return [value(own) / value(floor) for own, floor in zip(rounds["shielded"], rounds["floor"])]


def unshielded_over_floor(rounds, value):
    return median(rounds["unshielded"], value) / median(rounds["floor"], value)


def print_harm(rounds):
    bare = unshielded_over_floor(rounds, latency("p90_us"))
    lost, asked = total(rounds["unshielded"], "lost"), total(rounds["unshielded"], "requests")
    print(f"\nUnshielded, steady's p90 is {bare:.1f} times the floor's,", end=" ")
    print(f"and it loses {lost:,} of {asked:,} requests.")


def results_of(rounds):
    results = {}
    for name, value in RATIOS.items():
        ratios = over_own_floor(rounds, value)
        results[f"demo.{name}"] = {
            "value": round(statistics.median(ratios), 3),
            "unit": "ratio",
            "better": "lower",
            "target": TARGETS[name],
            "min": round(min(ratios), 3),
            "max": round(max(ratios), 3),
            "peers": {"unshielded": round(unshielded_over_floor(rounds, value), 3)},
        }
    return results


def print_results(results, count):
    missed = [name for name, result in results.items() if result["value"] > result["target"]]
    print(f"\nover the floor of the same round: median (least..most) of {count} rounds")
    for name, result in results.items():
        spread = f"({result['min']:.2f}..{result['max']:.2f})"
        verdict = "MISSED" if name in missed else "met"
        print(f"{name:28} {result['value']:7.2f} {spread:14}", end="")
        print(f"  target: at most {result['target']}, {verdict}")
    print(f"\n{'MISSED: ' + ', '.join(missed) if missed else 'All targets are met.'}")


def claims(rounds):
    """Each claim with what is wrong with it, or None."""
    lost = total(rounds["shielded"], "lost")
    shielded = rounds["shielded"]
    wrong = [
        f"{phase.counted():,} counted, {phase.came():,} came"
        for phase in shielded
        if phase.counted() != phase.came()
    ]
    harmed = sum(
        packets
        for phase in shielded
        for reason, packets in phase.verdicts("steady").items()
        if reason != "pass"
    )
    idle = [p for p in shielded if p.verdicts("noisy").get("rate_packets", 0) == 0]
    return {
        "steady loses no request behind the shield": f"{lost} lost" if lost else None,
        "no packet of steady is dropped": f"{harmed} dropped" if harmed else None,
        "passed and dropped are all packets that came": "; ".join(wrong) or None,
        "noisy is held to its limit": "it was not limited" if idle else None,
    }


def phases_of(folder, name):
    count = len(list(folder.glob(f"{name}.*.after.json")))
    return [Phase(folder, name, n) for n in range(1, count + 1)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path, metavar="DIR")
    parser.add_argument("results", type=pathlib.Path, metavar="RESULTS")
    args = parser.parse_args()
    rounds = {name: phases_of(args.folder, name) for name in PHASES}
    results = results_of(rounds)

    print_latencies(rounds)
    print_verdicts(rounds["shielded"])
    print_cpu(rounds)
    print_harm(rounds)
    print_results(results, len(rounds["shielded"]))
    args.results.write_text(json.dumps(results, indent=2) + "\n")
    print()

    broken = claims(rounds)
    for claim, wrong in broken.items():
        print(f"{'not ok' if wrong else 'ok'} - {claim}{': ' + wrong if wrong else ''}")
    return 1 if any(broken.values()) else 0


sys.exit(main())
