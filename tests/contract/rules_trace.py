# SPDX-License-Identifier: Apache-2.0
"""Where a request belongs: W3C Trace Context level 1 and 2, X-Trace-ID, trace_id (contract 1.2, 1.4, 2.1)."""

from suite import TRACEPARENT, decided, matches, row, same, table, true

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
OTHER = "0af7651916cd43dd8448eb211c80319c"
SPAN = "00f067aa0ba902b7"
UUID4 = "0f8fad5b-d9cb-469f-a165-70867728950e"
PARENT = f"00-{TRACE}-{SPAN}-01"
NEW = None  # a trace of the gateway's own


def traced(t, headers, body_trace, want):
    response = t.decide(headers, trace_id=body_trace)
    same(response.status, 200, f"status ({response.body[:200]!r})")
    parent = response.header("traceparent")
    matches(TRACEPARENT, parent, "traceparent of the answer")
    trace = parent.split("-")[1]
    if want is NEW:
        true(trace not in (TRACE, OTHER, TRACE.replace("4", "0")), "a new trace", trace)
    else:
        same(trace, want, "trace of the answer")
    true(parent.split("-")[2] != SPAN, "a span of the gateway's own", parent)


table(
    traced,
    [
        ("trace: traceparent is continued", [("traceparent", PARENT)], NEW, TRACE),
        ("trace: X-Trace-ID of 32 hex", [("X-Trace-ID", TRACE)], NEW, TRACE),
        ("trace: X-Trace-ID in upper case", [("X-Trace-ID", TRACE.upper())], NEW, TRACE),
        ("trace: X-Trace-ID as UUIDv4", [("X-Trace-ID", UUID4)], NEW, UUID4.replace("-", "")),
        ("trace: trace_id of the body", [], TRACE, TRACE),
        ("trace: trace_id of the body as UUIDv4", [], UUID4, UUID4.replace("-", "")),
        ("trace: X-Trace-ID wins over the body", [("X-Trace-ID", TRACE)], OTHER, TRACE),
        ("trace: traceparent wins over X-Trace-ID", [("traceparent", PARENT), ("X-Trace-ID", OTHER)], NEW, TRACE),
        ("trace: traceparent wins over the body", [("traceparent", PARENT)], OTHER, TRACE),
        ("trace: none begins one", [], NEW, NEW),
        ("trace: a later version is read by its first fields", [("traceparent", f"cc-{TRACE}-{SPAN}-01-what.comes")], NEW, TRACE),
        ("trace: spaces around traceparent", [("traceparent", f"  {PARENT}\t")], NEW, TRACE),
        ("trace ignored: version ff", [("traceparent", f"ff-{TRACE}-{SPAN}-01")], NEW, NEW),
        ("trace ignored: version 00 with more behind", [("traceparent", f"{PARENT}-more")], NEW, NEW),
        ("trace ignored: a later version without a dash", [("traceparent", f"cc-{TRACE}-{SPAN}-01more")], NEW, NEW),
        ("trace ignored: a trace of zeros", [("traceparent", f"00-{'0' * 32}-{SPAN}-01")], NEW, NEW),
        ("trace ignored: a span of zeros", [("traceparent", f"00-{TRACE}-{'0' * 16}-01")], NEW, NEW),
        ("trace ignored: upper case", [("traceparent", PARENT.upper())], NEW, NEW),
        ("trace ignored: too short", [("traceparent", PARENT[:-1])], NEW, NEW),
        ("trace ignored: a letter that is no hex", [("traceparent", PARENT.replace("4bf9", "4bg9"))], NEW, NEW),
        ("trace ignored: underscores", [("traceparent", PARENT.replace("-", "_"))], NEW, NEW),
        ("trace ignored: empty", [("traceparent", "")], NEW, NEW),
        ("trace ignored: traceparent twice", [("traceparent", PARENT), ("traceparent", PARENT)], NEW, NEW),
        ("trace ignored: an invalid traceparent leaves X-Trace-ID", [("traceparent", "00-x"), ("X-Trace-ID", TRACE)], NEW, TRACE),
        ("trace ignored: X-Trace-ID of zeros", [("X-Trace-ID", "0" * 32)], NEW, NEW),
        ("trace ignored: X-Trace-ID of another form", [("X-Trace-ID", "trace-1")], NEW, NEW),
    ],
)


@row("two requests without a trace get two")
def _(t):
    answers = [t.decide() for _ in range(5)]
    for response in answers:
        decided(response)
    traces = {response.header("traceparent").split("-")[1] for response in answers}
    same(len(traces), 5, "different traces")


def hop(t, headers):
    """(the answer, the message to the router) of a request with these headers."""
    with t.router.plays(t.router.script):
        response = t.decide(headers)
        return response, t.router.one()


@row("the router continues the client's trace, as a child of the gateway", ["peer"])
def _(t):
    response, message = hop(t, [("traceparent", PARENT)])
    version, trace, span, flags = message.header("traceparent").split("-")
    same((version, trace, flags), ("00", TRACE, "01"), "version, trace and flags")
    true(span != SPAN, "a span of the gateway's own", span)
    same(message.header("trace_id"), TRACE, "header trace_id")
    same(message.json().get("trace_id"), TRACE, "trace_id of the payload")
    same(response.json()["context"]["trace_id"], TRACE, "context.trace_id of the answer")


@row("a trace_id of the body gives way to traceparent in the payload as well", ["peer"])
def _(t):
    with t.router.plays(t.router.script):
        t.decide([("traceparent", PARENT)], trace_id=OTHER)
        same(t.router.one().json().get("trace_id"), TRACE, "trace_id of the payload")


def flags_kept(t, given, want):
    _, message = hop(t, [("traceparent", f"00-{TRACE}-{SPAN}-{given}")])
    same(message.header("traceparent").rsplit("-", maxsplit=1)[-1], want, "flags")


table(
    flags_kept,
    [
        ("trace flags: not sampled stays so", "00", "00"),
        ("trace flags: sampled stays so", "01", "01"),
        ("trace flags: random of level 2 stays", "03", "03"),
        ("trace flags: unknown ones do not go on", "ff", "03"),
    ],
    ["peer"],
)


def state(t, headers, want):
    _, message = hop(t, headers)
    got = message.header("tracestate")
    same(got.replace(" ", "") if got else got, want, "header tracestate")


table(
    state,
    [
        ("tracestate goes on", [("traceparent", PARENT), ("tracestate", "a=1,b=2")], "a=1,b=2"),
        ("tracestate in two headers goes on in order", [("traceparent", PARENT), ("tracestate", "a=1"), ("tracestate", "b=2")], "a=1,b=2"),
        ("tracestate without traceparent is dropped", [("tracestate", "a=1")], None),
        ("tracestate with an invalid traceparent is dropped", [("traceparent", "00-x"), ("tracestate", "a=1")], None),
        ("no tracestate stays none", [("traceparent", PARENT)], None),
    ],
    ["peer"],
)


@row("tracestate over 512 characters is cut at whole entries", ["peer"])
def _(t):
    entries = [f"k{n}={'v' * 40}" for n in range(20)]
    response, message = hop(t, [("traceparent", PARENT), ("tracestate", ",".join(entries))])
    decided(response)
    kept = (message.header("tracestate") or "").replace(" ", "").split(",")
    same(kept, entries[: len(kept)], "the entries that are kept")
    true(5 <= len(kept) <= 12, "as many entries as have room", len(kept))


@row("an error carries the client's trace")
def _(t):
    response = t.decide([("traceparent", PARENT)], version="2")
    same(response.status, 400, "status")
    same((response.header("traceparent") or "--").split("-")[1], TRACE, "trace of the answer")
    same(response.json()["context"]["trace_id"], TRACE, "context.trace_id")


@row("404 carries the client's trace")
def _(t):
    response = t.ask("GET", "/nothing", [("traceparent", PARENT)])
    same((response.header("traceparent") or "--").split("-")[1], TRACE, "trace of the answer")
