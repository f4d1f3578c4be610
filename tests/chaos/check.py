#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Judges the recorded history of a fault, afterwards and by the history alone.

    check.py FILE            prints one line of JSON; exit code 1 when a rule was broken
    check.py --steady FILE   exit code 0 when the last seconds look as if nothing had happened

What is asked of a history, and what its lines are: docs/chaos.md. A window is judged by what
surely happened inside it: it begins before the first reading of its first round and ends after
the last reading of its last round, so a slow reading never makes a node look over its limit.
"""
import bisect
import json
import sys

PHASES = ("inject", "injected", "heal", "healed")
WINDOW_S = 1.0  # shorter ones are mostly burst; for what is reported and for enforcement
STEADY_S = 2.0
STEADY_PART = 0.85  # of the limit, of a load that is always above it
CALM_S = 5.0  # before the fault
GAP_S = 2.0  # without samples nothing is known
FLOOD_PART = 1.2  # less than this over the limit is no flood
DRIFT = 0.0002
COLD_PART = 0.01  # of the limit, what nodes without a lease have together


class Broken(Exception):
    """The history cannot be judged at all."""


class Series:
    """One tenant's counters, one entry a round; of nodes[0..] together and of each."""

    def __init__(self, nodes):
        self.nodes = nodes
        self.begin, self.end = [], []
        self.offered, self.admitted, self.refused = [], [], []  # each a list by node
        self.modes = []

    def add(self, rows):
        self.begin.append(min(row["from"] for row in rows.values()))
        self.end.append(max(row["t"] for row in rows.values()))
        for name in ("offered", "admitted", "refused"):
            getattr(self, name).append([rows[node][name] for node in self.nodes])
        self.modes.append([rows[node]["mode"] for node in self.nodes])

    def total(self, name):
        return [sum(row) for row in getattr(self, name)]

    def of_node(self, name, node):
        return [row[node] for row in getattr(self, name)]


class History:
    def __init__(self, lines):
        self.plan, self.events, self.acks, self.seen, self.requests = None, {}, {}, {}, []
        rounds = {}
        for number, text in enumerate(lines, 1):
            try:
                line = json.loads(text)
                self.take(line, rounds)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise Broken(f"line {number} is not one of a history: {error!r}") from error
        if self.plan is None:
            raise Broken("no plan")
        self.series = {t: self.make_series(t, rounds) for t in self.plan["tenants"]}

    def take(self, line, rounds):
        event = line["event"]
        if event == "plan":
            self.plan = line
        elif event == "sample":
            rounds.setdefault(line["tenant"], {}).setdefault(line["round"], {})[line["node"]] = line
        elif event == "ack":
            self.acks.setdefault(line["id"], line["t"])
        elif event == "seen":
            self.seen[line["id"]] = self.seen.get(line["id"], 0) + line.get("count", 1)
        elif event == "request":
            self.requests.append(line)
        else:
            self.events.setdefault(event, line)

    def make_series(self, tenant, rounds):
        series = Series(self.plan["nodes"])
        of_tenant = rounds.get(tenant, {})
        for number in sorted(of_tenant):
            rows = of_tenant[number]
            if set(rows) != set(series.nodes):
                if number in (min(of_tenant), max(of_tenant)):
                    continue  # the recorder was ended in the middle of it, or this is a part
                raise Broken(f"round {number} of {tenant} lacks a node")
            series.add(rows)
        return series

    def at(self, event):
        return self.events[event]["t"] if event in self.events else None


# ---- the phases ------------------------------------------------------------------------------


def check_phases(history, errors):
    last = 0.0
    for phase in PHASES:
        at = history.at(phase)
        if at is None:
            errors.append(f"not shown: {phase}")
        elif at < last:
            errors.append(f"{phase} came too early")
        else:
            last = at
    for phase in ("injected", "healed"):
        if phase in history.events and not history.events[phase].get("text"):
            errors.append(f"{phase} without a proof")


# ---- samples ---------------------------------------------------------------------------------


def check_samples(tenant, series, flood, errors):
    """Evidence without holes: no gap, no counter that goes back, nothing uncounted."""
    begin, end = flood
    if len(series.end) < 2 or series.begin[0] > begin + GAP_S or series.end[-1] < end - GAP_S:
        errors.append(f"{tenant}: no samples of the whole run")
        return
    for i in range(1, len(series.end)):
        if series.end[i] - series.begin[i - 1] > GAP_S + WINDOW_S:
            errors.append(f"{tenant}: no sample for {series.end[i] - series.begin[i - 1]:.1f} s")
        for name in ("offered", "admitted", "refused"):
            before, now = getattr(series, name)[i - 1], getattr(series, name)[i]
            if any(a > b for a, b in zip(before, now)):
                errors.append(f"{tenant}: {name} went back in round {i}")
    for i, offered in enumerate(series.offered):
        if any(o != a + r for o, a, r in zip(offered, series.admitted[i], series.refused[i])):
            errors.append(f"{tenant}: round {i}: offered is not admitted + refused")
            return


def spans(series, at, until, least):
    """Windows (i, j, seconds) between rounds of that time, of at least so many seconds."""
    first = bisect.bisect_left(series.begin, at)
    last = bisect.bisect_right(series.end, until) - 1
    for i in range(first, last):
        for j in range(i + 1, last + 1):
            seconds = series.end[j] - series.begin[i]
            if seconds >= least:
                yield i, j, seconds


def steps_of(term, inject):
    """"over" as a list of (from, until, part); it is a number, or [seconds after inject, part]s."""
    if not isinstance(term["over"], list):
        return [(float("-inf"), float("inf"), term["over"])]
    begins = [inject + at for at, _ in term["over"]]
    return list(zip(begins, begins[1:] + [float("inf")], [part for _, part in term["over"]]))


def allowed(term, nodes, inject, begin, end):
    """What may pass in a window: docs/quotas.md, and what this fault adds to rate and burst."""
    rate, steps = term["rate"], steps_of(term, inject)
    over_s = sum(part * max(0, min(end, until) - max(begin, at)) for at, until, part in steps)
    most = max([part for at, _, part in steps if at < end], default=0)
    return (rate * ((end - begin) * (1 + DRIFT + COLD_PART) + over_s + term["once_s"])
            + term["burst"] * (1 + most) + nodes)


def check_bound(tenant, series, term, flood, inject, errors):
    """The worst window, in percent over the limit beyond burst and one packet a node."""
    worst, over = 0.0, None
    admitted, nodes = series.total("admitted"), len(series.nodes)
    for i, j, seconds in spans(series, *flood, 0):
        passed = admitted[j] - admitted[i]
        if seconds >= WINDOW_S:
            rate = (passed - term["burst"] - nodes) / seconds
            worst = max(worst, 100 * (rate / term["rate"] - 1))
        most = allowed(term, nodes, inject, series.begin[i], series.end[j])
        if passed > most and (over is None or passed > over[0]):
            over = passed, seconds, series.begin[i] - inject, most
    if over:
        errors.append(f"{tenant}: over its bound: {over[0]} packets in {over[1]:.2f} s"
                      f" from {over[2]:.2f} s after inject, allowed {over[3]:.0f}")
    return worst


def check_enforced(tenant, series, term, flood, inject, errors):
    """While it is flooded, a tenant is limited in every window; and so is each node alone."""
    refused = series.total("refused")
    views = [("all nodes", series.total("offered"), refused)]
    views += [(name, series.of_node("offered", n), series.of_node("refused", n))
              for n, name in enumerate(series.nodes)]
    good = True
    j = 0
    for i in range(len(series.begin)):
        j = max(i, j)
        while j < len(series.end) and series.end[j] - series.begin[i] < WINDOW_S:
            j += 1
        if j >= len(series.end) or series.end[j] > flood[1]:
            break
        if series.begin[i] < flood[0]:
            continue
        most = allowed(term, len(series.nodes), inject, series.begin[i], series.end[j])
        for name, offers, refusals in views:
            if offers[j] - offers[i] > most and refusals[j] == refusals[i]:
                errors.append(f"{tenant}: nothing refused on {name} at {series.begin[i]:.2f}")
                good = False
        if any(mode in ("open", "unlimited") for mode in series.modes[j]):
            errors.append(f"{tenant}: without a limit at {series.begin[i]:.2f}")
            good = False
        if not good:
            return False
    return good


def check_flooded(tenant, series, term, phases, errors):
    """Each phase had more than the limit offered, else the history proves nothing."""
    offered = series.total("offered")
    for name, begin, end in phases:
        i = bisect.bisect_left(series.begin, begin)
        j = bisect.bisect_right(series.end, end) - 1
        if j <= i:
            errors.append(f"{tenant}: no samples {name}")
        elif offered[j] - offered[i] < FLOOD_PART * term["rate"] * (series.end[j] - series.begin[i]):
            errors.append(f"{tenant}: not flooded {name}")


def steady_windows(series, term, since, until):
    """(begin, whether it has nearly all of the limit) of each window of STEADY_S."""
    admitted = series.total("admitted")
    for i in range(bisect.bisect_left(series.begin, since), len(series.begin)):
        j = bisect.bisect_left(series.end, series.begin[i] + STEADY_S)
        if j >= len(series.end) or series.end[j] > until:
            break
        least = STEADY_PART * term["rate"] * (series.end[j] - series.begin[i])
        yield series.begin[i], admitted[j] - admitted[i] >= least


def steady_from(series, term, since, until):
    """The first time from which every window is steady; None."""
    found = None
    for begin, steady in steady_windows(series, term, since, until):
        if not steady:
            found = None
        elif found is None:
            found = begin
    return found


def check_recovery(tenant, series, term, plan, times, errors):
    inject, heal, end = times
    if not any(steady for _, steady in steady_windows(series, term, inject - CALM_S, inject)):
        errors.append(f"{tenant}: was not steady before the fault")
    found = steady_from(series, term, heal, end)
    last = bisect.bisect_right(series.end, end) - 1
    if found is None or any(mode != "held" for mode in series.modes[last]):
        errors.append(f"{tenant}: did not recover")
        return None
    recovery = found - heal
    if recovery > plan["recovery_s"]:
        errors.append(f"{tenant}: recovered after {recovery:.1f} s")
    return recovery


# ---- requests and messages -------------------------------------------------------------------


def check_requests(history, errors):
    """A tenant's requests through a gateway: bound, refusals, and the first good time after."""
    plan, worst, recovery, enforced = history.plan, 0.0, 0.0, True
    heal = history.at("heal")
    for tenant, term in plan.get("requests", {}).items():
        rows = sorted((r for r in history.requests if r["tenant"] == tenant),
                      key=lambda r: r["from"])
        if len(rows) < 20:
            errors.append(f"{tenant}: only {len(rows)} requests")
            continue
        worst = max(worst, check_request_bound(tenant, rows, term, errors))
        # By the limit or, before it was asked, for want of a router.
        refused = sorted(r["t"] for r in rows if r["status"] != 200)
        edges = [rows[0]["from"]] + refused + [rows[-1]["t"]]
        gap = max(b - a for a, b in zip(edges, edges[1:]))
        if gap > term["refusal_gap_s"]:
            errors.append(f"{tenant}: no request refused for {gap:.1f} s")
            enforced = False
        bad = [r["t"] for r in rows if r["from"] >= heal and r["status"] not in (200, 429)]
        good = [r["t"] for r in rows if r["status"] == 200 and r["t"] > max(bad + [heal])]
        if len(good) < 5:
            errors.append(f"{tenant}: did not recover")
            continue
        recovery = max(recovery, good[0] - heal)
        if good[0] - heal > plan["recovery_s"]:
            errors.append(f"{tenant}: recovered after {good[0] - heal:.1f} s")
    return worst, enforced, recovery


def check_request_bound(tenant, rows, term, errors):
    """Of requests that began and were answered 200 inside a window: at most the limit's."""
    worst, step, said = 0.0, None, False
    for row in rows:
        if step is not None and row["from"] < step + 0.2:
            continue
        step = row["from"]
        answered = sorted(r["t"] for r in rows if r["from"] >= step and r["status"] == 200)
        for count, t in enumerate(answered, 1):
            seconds = t - step
            most = term["rate"] * seconds * (1 + DRIFT + term["over"]) + term["burst"] + 1
            if seconds >= 4 * WINDOW_S:
                rate = (count - term["burst"] - 1) / seconds
                worst = max(worst, 100 * (rate / term["rate"] - 1))
            if count > most and not said:
                errors.append(f"{tenant}: over its bound: {count} requests in {seconds:.2f} s")
                said = True
    return worst


def check_messages(history, errors):
    """What was acknowledged has its end, once."""
    if not history.plan.get("messages"):
        return 0
    lost = [i for i in history.acks if i not in history.seen]
    twice = [i for i, count in history.seen.items() if count > 1]
    if len(history.acks) < history.plan["messages"]:
        errors.append(f"only {len(history.acks)} messages were acknowledged")
    if lost:
        errors.append(f"{len(lost)} acknowledged messages lost, {lost[0]} among them")
    if twice:
        errors.append(f"{len(twice)} messages done twice, {twice[0]} among them")
    return len(lost)


# ---- all of it -------------------------------------------------------------------------------


def judge(history):
    errors, plan = [], history.plan
    check_phases(history, errors)
    inject, heal = history.at("inject"), history.at("heal")
    result = {"fault": plan["fault"], "worst_percent": 0.0, "enforced": True, "lost": 0,
              "acked": len(history.acks), "recovery_s": None, "errors": errors}
    if inject is None or heal is None or history.at("flood") is None or history.at("end") is None:
        errors.append("flood, inject, heal and end are needed")
        return result
    flood = history.at("flood"), history.at("end")
    recoveries = []
    for tenant, term in plan["tenants"].items():
        series = history.series[tenant]
        check_samples(tenant, series, flood, errors)
        if len(series.end) < 2:
            continue
        worst = check_bound(tenant, series, term, flood, inject, errors)
        result["worst_percent"] = max(result["worst_percent"], worst)
        result["enforced"] &= check_enforced(tenant, series, term, flood, inject, errors)
        check_flooded(tenant, series, term, [("before", flood[0], inject),
                      ("during the fault", inject, heal), ("after", heal, flood[1])], errors)
        recoveries.append(check_recovery(tenant, series, term, plan, (inject, heal, flood[1]), errors))
    if plan.get("requests"):
        worst, enforced, recovery = check_requests(history, errors)
        result["worst_percent"] = max(result["worst_percent"], worst)
        result["enforced"] &= enforced
        recoveries.append(recovery)
    result["lost"] = check_messages(history, errors)
    if recoveries and None not in recoveries:
        result["recovery_s"] = max(recoveries)
    return result


def steady_now(history):
    """Each tenant had nearly all of its limit over the last seconds, with a lease everywhere."""
    for tenant, term in history.plan["tenants"].items():
        series = history.series[tenant]
        if not series.end:
            return False
        since = series.end[-1] - STEADY_S - WINDOW_S
        found = steady_from(series, term, since, series.end[-1])
        if found is None or found > since + 0.5 or any(m != "held" for m in series.modes[-1]):
            return False
    recent = history.requests[-1]["t"] - 3 if history.requests else 0
    for tenant in history.plan.get("requests", {}):
        answers = [r["status"] for r in history.requests if r["t"] > recent]
        own = [r["status"] for r in history.requests if r["t"] > recent and r["tenant"] == tenant]
        if set(answers) - {200, 429} or own.count(200) < 5 or 429 not in own:
            return False
    return True


def main(arguments):
    steady = arguments[:1] == ["--steady"]
    if len(arguments) != 1 + steady:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        with open(arguments[-1], encoding="utf-8") as file:
            lines = file.readlines()
        if steady:  # its last line may be half written
            return 0 if steady_now(History(lines[:1] + lines[1:][-2000:-1])) else 1
        result = judge(History(lines))
    except (Broken, OSError) as error:
        result = {"fault": None, "errors": [str(error)]}
    result["ok"] = not result["errors"]
    print(json.dumps(result))
    return 0 if result["ok"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
