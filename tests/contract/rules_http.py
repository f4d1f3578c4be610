# SPDX-License-Identifier: Apache-2.0
"""HTTP itself: connections, bodies, types (contract 1.4; slow clients 1.5, cause 5)."""

import json
import time

from client import Closed
from suite import DECIDE, decided, error_body, row, same, true


def post(t, body=None):
    """The bytes of a whole request to decide."""
    data = json.dumps(body or t.decide_body()).encode()
    return head(t, f"Content-Length: {len(data)}") + data


def head(t, *lines):
    pairs = [f"{name}: {value}" for name, value in t.main.headers()]
    text = [f"POST {DECIDE} HTTP/1.1", "Host: gateway", "Content-Type: application/json"]
    return "\r\n".join([*text, *pairs, *lines]).encode() + b"\r\n\r\n"


@row("a connection is kept alive for the next request")
def _(t):
    with t.connect() as connection:
        for _ in range(3):
            connection.request("GET", "/health")
            same(connection.response().status, 200, "status")


@row("Connection: close is honoured")
def _(t):
    with t.connect() as connection:
        connection.request("GET", "/health", [("Connection", "close")])
        same(connection.response().status, 200, "status")
        true(connection.is_closed(), "closed after the answer", "open")


@row("HTTP/1.0 is answered, and closed")
def _(t):
    with t.connect() as connection:
        connection.send(b"GET /health HTTP/1.0\r\n\r\n")
        same(connection.response().status, 200, "status")
        true(connection.is_closed(), "closed after the answer", "open")


@row("five pipelined requests get five answers in their order")
def _(t):
    bodies = [t.decide_body() for _ in range(5)]
    with t.connect() as connection:
        connection.send(b"".join(post(t, body) for body in bodies))
        for body in bodies:
            got = decided(connection.response())
            same(got["context"]["request_id"], body["request_id"], "request_id")


@row("a chunked body is read")
def _(t):
    data = json.dumps(t.decide_body()).encode()
    parts = [data[:5], data[5:90], data[90:]]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
    with t.connect() as connection:
        connection.send(head(t, "Transfer-Encoding: chunked") + chunks + b"0\r\n\r\n")
        decided(connection.response())


@row("a body that comes in pieces is read")
def _(t):
    data = post(t)
    with t.connect() as connection:
        for start in range(0, len(data), 150):
            connection.send(data[start : start + 150])
            time.sleep(0.02)
        decided(connection.response())


@row("Expect: 100-continue is answered before the body is sent")
def _(t):
    data = json.dumps(t.decide_body()).encode()
    with t.connect() as connection:
        connection.send(head(t, f"Content-Length: {len(data)}", "Expect: 100-continue"))
        same(connection.head(3)[0], 100, "status before the body")
        connection.send(data)
        decided(connection.response())


@row("header names are case-insensitive")
def _(t):
    headers = [(name.lower(), value) for name, value in t.main.headers()]
    decided(t.ask("POST", DECIDE, headers, t.decide_body()))
    headers = [(name.upper(), value) for name, value in t.main.headers()]
    decided(t.ask("POST", DECIDE, headers, t.decide_body()))


@row("another Content-Type is refused with 415")
def _(t):
    headers = [*t.main.headers(), ("Content-Type", "text/plain")]
    error_body(t.ask("POST", DECIDE, headers, t.decide_body()), 415, "invalid_request")


@row("application/json with a charset is fine")
def _(t):
    headers = [*t.main.headers(), ("Content-Type", "application/json; charset=utf-8")]
    decided(t.ask("POST", DECIDE, headers, t.decide_body()))


@row("an answer is JSON and carries traceparent and X-Request-ID")
def _(t):
    response = t.decide()
    decided(response)
    same((response.header("Content-Type") or "").split(";")[0], "application/json", "Content-Type")


@row("a body announced over the bound is refused with 413 before it is sent")
def _(t):
    with t.connect() as connection:
        connection.send(head(t, "Content-Length: 8388608"))
        error_body(connection.response(), 413, "invalid_request")


@row("a chunked body over the bound is refused with 413")
def _(t):
    with t.connect() as connection:
        connection.send(head(t, "Transfer-Encoding: chunked"))
        chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        try:
            for _ in range(64):
                connection.send(chunk)
        except OSError:
            pass  # refused while sending: the answer is there already
        try:
            response = connection.response()
        except Closed:
            return  # what was still on its way made the answer a reset: refused all the same
        error_body(response, 413, "invalid_request")


@row("a request that is not all there when the client leaves harms nobody")
def _(t):
    for _ in range(20):
        with t.connect() as connection:
            connection.send(post(t)[:-10])
    decided(t.decide())


@row("a client that leaves while the router is asked harms nobody", ["peer"])
def _(t):
    with t.router.plays(lambda _: None):
        for _ in range(20):
            with t.connect() as connection:
                connection.send(post(t))
                time.sleep(0.01)
    decided(t.decide())


def cut(t, connection, data, pause):
    """Sends a byte at a time: seconds until the server had enough."""
    begin = time.monotonic()
    limit = t.options.client_timeout * 2 + 3
    try:
        for byte in data:
            connection.send(bytes([byte]))
            connection.socket.settimeout(pause)
            try:
                piece = connection.socket.recv(65536)
                connection.buffer += piece
                return time.monotonic() - begin
            except TimeoutError:
                pass
            if time.monotonic() - begin > limit:
                break
    except OSError:
        return time.monotonic() - begin
    raise AssertionError(f"expected an end after {t.options.client_timeout} s, got none")


@row("headers that drip are cut at the timeout", ["slow"])
def _(t):
    with t.connect() as connection:
        took = cut(t, connection, post(t)[:60] + b"a" * 200, 0.1)
        true(took >= t.options.client_timeout * 0.7, "not cut early", took)


@row("a body that drips is cut at the timeout with 408", ["slow"])
def _(t):
    data = post(t, t.decide_body(metadata={"pad": "p" * 400}))
    with t.connect() as connection:
        connection.send(data[:-400])
        took = cut(t, connection, data[-400:], 0.1)
        true(took >= t.options.client_timeout * 0.7, "not cut early", took)
        error_body(connection.response(), 408, "invalid_request")


@row("a body that stops is cut at the timeout with 408", ["slow"])
def _(t):
    with t.connect() as connection:
        connection.send(post(t)[:-1])
        response = connection.response(timeout=t.options.client_timeout * 2 + 3)
        error_body(response, 408, "invalid_request")
