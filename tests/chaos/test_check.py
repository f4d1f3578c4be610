#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The checker on made-up histories: a right one passes, each planted violation is named."""
import copy
import json
import random
import sys

import check

RATE, BURST, NODES = 900, 90, ("node1", "node2", "node3")
PLAN = {"event": "plan", "fault": "made-up", "nodes": list(NODES), "recovery_s": 30,
        "tenants": {"blend": {"rate": RATE, "burst": BURST, "over": 0, "once_s": 0}}}
PHASES = {"flood": 2, "inject": 6, "injected": 6.5, "heal": 16, "healed": 17, "end": 30}


def make(admit=None, offer=None, mode=None, plan=PLAN, phases=None, skip=None):
    """A history of 32 s; admit(t, node) and offer(t, node) are rates of a node."""
    lines, counts = [plan], {node: [0, 0] for node in NODES}
    for name, t in (PHASES if phases is None else phases).items():
        lines.append({"t": float(t), "event": name, "text": "shown"})
    for number in range(320):
        t = number / 10
        if skip and skip(t):
            continue
        for node in NODES:
            count = counts[node]
            count[0] += round((offer(t, node) if offer else 720) / 10)
            count[1] += min(count[0], round((admit(t, node) if admit else RATE / 3) / 10))
            lines.append({"t": t + .003, "from": t + .001, "event": "sample", "round": number,
                          "node": node, "tenant": "blend", "offered": count[0],
                          "admitted": count[1], "refused": count[0] - count[1],
                          "mode": mode(t, node) if mode else "held"})
    return lines


def over(bound):
    """A plan whose fault allows so much beyond the limit."""
    return {**PLAN, "tenants": {"blend": {**PLAN["tenants"]["blend"], "over": bound}}}


def with_messages(lines, acks, seen):
    lines[0] = {**lines[0], "messages": 3}
    lines += [{"event": "ack", "id": i, "t": 9.0} for i in acks]
    lines += [{"event": "seen", "id": i, "t": 20.0} for i in seen]
    return lines


def requests(status, every=.05, took=.01):
    """A history without samples: requests of a tenant that may have 4 a second."""
    plan = {**PLAN, "tenants": {}, "requests": {"small": {
        "rate": 4, "burst": 8, "over": 0, "refusal_gap_s": 2}}}
    lines = [plan] + [{"t": float(t), "event": n, "text": "shown"} for n, t in PHASES.items()]
    for number in range(int(28 / every)):
        t = 2 + number * every
        if status(t, number) is None:
            continue
        lines.append({"event": "request", "tenant": "small", "from": t, "t": t + took,
                      "status": status(t, number)})
    return lines


def every_fifth(t, number):
    return 200 if number % 5 == 0 else 429


def fault(t, value, other=RATE / 3, begin=7, end=9):
    return value if begin <= t < end else other


def edit(change):
    lines = copy.deepcopy(make())
    change(lines)
    return lines


def samples(lines):
    return [line for line in lines if line["event"] == "sample"]



# name, history, what the checker must say (None: nothing)
CASES = [
    ("a right history", make(), None),
    ("nothing passes during the fault", make(lambda t, n: fault(t, 0, begin=6, end=18)), None),
    ("10 % over in a window of 2 s", make(lambda t, n: fault(t, 1.25 * RATE / 3)), "over its bound"),
    ("one node alone passes twice its part",
     make(lambda t, n: fault(t, 2 * RATE / 3 if n == "node2" else RATE / 3)), "over its bound"),
    ("a short spike beyond the burst",
     make(lambda t, n: fault(t, 720, end=7.4)), "over its bound"),
    ("what the bound of the fault allows",
     make(lambda t, n: fault(t, 1.25 * RATE / 3),
          plan=over(.33)), None),
    ("what it allows from a moment on",
     make(lambda t, n: fault(t, 1.25 * RATE / 3, begin=8.1, end=10), plan=over([[2, .33]])), None),
    ("the same before that moment",
     make(lambda t, n: fault(t, 1.25 * RATE / 3), plan=over([[2, .33]])), "over its bound"),
    ("more from a later moment on",
     make(lambda t, n: fault(t, 1.8 * RATE / 3, begin=10.1, end=12), plan=over([[2, .33], [4, 1]])), None),
    ("as much before it",
     make(lambda t, n: fault(t, 1.8 * RATE / 3, begin=8.1, end=10), plan=over([[2, .33], [4, 1]])),
     "over its bound"),
    ("its part of the burst as well",
     make(lambda t, n: fault(t, 780, begin=9, end=9.1), lambda t, n: 800, plan=over([[2, .33]])), None),
    ("as large a burst before it",
     make(lambda t, n: fault(t, 780, begin=7, end=7.1), lambda t, n: 800, plan=over([[2, .33]])),
     "over its bound"),
    ("what may pass once",
     make(lambda t, n: fault(t, 1.25 * RATE / 3),
          plan={**PLAN, "tenants": {"blend": {**PLAN["tenants"]["blend"], "once_s": 1}}}), None),
    ("not limited for a second", make(lambda t, n: fault(t, 720, end=8.2)), "nothing refused"),
    ("one node does not limit at all, just over the limit",
     make(lambda t, n: (fault(t, 1000) if n == "node1" else 0) if 7 <= t < 9 else RATE / 3,
          lambda t, n: fault(t, 1200, 720) if n == "node1" else 720), "over its bound"),
    ("the kernel's word that there is no limit",
     make(mode=lambda t, n: "unlimited" if n == "node3" and 8 < t < 9 else "held"),
     "without a limit"),
    ("open after the lease", make(mode=lambda t, n: "open" if 8 < t < 9 else "held"),
     "without a limit"),
    ("no recovery", make(lambda t, n: RATE / 3 if t < 6 else 100), "did not recover"),
    ("a recovery that does not last", make(lambda t, n: 0 if 6 < t < 18 or t > 26 else RATE / 3),
     "did not recover"),
    ("a lease missing at the end", make(mode=lambda t, n: "blend" if t > 20 else "held"),
     "did not recover"),
    ("a late recovery",
     make(lambda t, n: 0 if 6 < t < 22 else RATE / 3, plan={**PLAN, "recovery_s": 5}),
     "recovered after"),
    ("not steady before", make(lambda t, n: 0 if t < 5.5 else RATE / 3), "was not steady"),
    ("no flood during the fault", make(offer=lambda t, n: 300 if 6 < t < 16 else 720,
                                       admit=lambda t, n: 290), "not flooded"),
    ("not shown to be injected", make(phases={k: v for k, v in PHASES.items() if k != "injected"}),
     "not shown: injected"),
    ("not shown to be healed", make(phases={k: v for k, v in PHASES.items() if k != "healed"}),
     "not shown: healed"),
    ("healed before it was healed", make(phases={**PHASES, "healed": 10}), "too early"),
    ("a hole in the samples", make(skip=lambda t: 8 < t < 13), "no sample for"),
    ("samples that end early", make(skip=lambda t: t > 25), "no samples of the whole"),
    ("a counter that goes back",
     edit(lambda lines: samples(lines)[400].update(offered=9, admitted=3, refused=6)), "went back"),
    ("a packet that is neither admitted nor refused",
     edit(lambda lines: samples(lines)[400].update(refused=0)), "is not admitted + refused"),
    ("a node that is missing",
     edit(lambda lines: lines.remove(samples(lines)[400])), "lacks a node"),
    ("a line that is not JSON", ["{"], "is not one of a history"),
    ("no plan", make()[1:], "no plan"),
    ("messages that all came", with_messages(make(), "abc", "abc"), None),
    ("a lost message", with_messages(make(), "abcd", "abd"), "1 acknowledged messages lost"),
    ("one done twice", with_messages(make(), "abc", "abcb"), "done twice"),
    ("one that nobody was told of", with_messages(make(), "abc", "abcd"), None),
    ("too few to say anything", with_messages(make(), "ab", "ab"), "only 2 messages"),
    ("requests within their limit", requests(every_fifth), None),
    ("requests that fail during the fault",
     requests(lambda t, n: 503 if 8 < t < 12 and n % 5 == 0 else every_fifth(t, n)), None),
    ("requests over the limit", requests(lambda t, n: 200 if n % 3 == 0 else 429), "over its bound"),
    ("no request refused for 3 s",
     requests(lambda t, n: every_fifth(t, n) if not 8 < t < 11 or n % 5 == 0 else None),
     "no request refused"),
    ("all requests refused, for want of a router",
     requests(lambda t, n: 503 if 8 < t < 14 else every_fifth(t, n)), None),
    ("requests that fail to the end",
     requests(lambda t, n: 503 if t > 8 and n % 5 == 0 else every_fifth(t, n)), "did not recover"),
]


def verdict(lines):
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    try:
        return check.judge(check.History(texts))["errors"]
    except check.Broken as error:
        return [str(error)]


def test_cases():
    for name, lines, want in CASES:
        errors = verdict(lines)
        right = not errors if want is None else any(want in error for error in errors)
        yield name, right, f"the checker says {errors}, not {want}"


def test_slow_readings():
    """A recorder that is held up between nodes must not find what was not there."""
    lines, chance = make(), random.Random(1)
    for line in samples(lines):
        line["t"] += chance.random() * .3
    errors = verdict(lines)
    yield "slow readings are no violation", not errors, f"{errors}"


def test_figures():
    texts = [json.dumps(line) for line in make(lambda t, n: 0 if 6 < t < 20 else RATE / 3)]
    result = check.judge(check.History(texts))
    yield "recovery is counted from the end of the fault", 3 < result["recovery_s"] < 5, str(result)
    plan = over(1)
    texts = [json.dumps(line) for line in make(lambda t, n: fault(t, 450, end=13), plan=plan)]
    result = check.judge(check.History(texts))
    yield "the worst window is named in percent", 45 < result["worst_percent"] < 50, str(result)


def test_steady():
    for name, lines, want in (("steady", make(), True),
                              ("not steady", make(lambda t, n: 0 if t > 30 else RATE / 3), False),
                              ("no lease", make(mode=lambda t, n: "fixed"), False)):
        texts = [json.dumps(line) for line in lines]
        yield f"{name}: seen from the last seconds", check.steady_now(check.History(texts)) == want, ""


def main():
    failed = 0
    for test in (test_cases, test_slow_readings, test_figures, test_steady):
        for name, right, detail in test():
            print(f"ok - {name}" if right else f"not ok - {name}: {detail}")
            failed += not right
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
