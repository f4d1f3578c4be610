# SPDX-License-Identifier: Apache-2.0
"""Malformed HTTP: each row is something that an HTTP server in use let through."""

from client import Closed
from suite import DECIDE, decided, row, same, table, true

SMUGGLED = b"GET /health HTTP/1.1\r\nHost: g\r\n\r\n"


def head(t, *lines, host=b"Host: gateway\r\n", end=b"\r\n"):
    """POST decide with a credential and these raw lines."""
    text = b"POST " + DECIDE.encode() + b" HTTP/1.1" + end + host
    for name, value in [*t.main.headers(), ("Content-Type", "application/json")]:
        text += f"{name}: {value}".encode() + end
    return text + b"".join(line + end for line in lines) + end


def refused(t, data, statuses):
    """One refusal and then nothing: what follows on the connection is not read as a request."""
    with t.connect(timeout=3) as connection:
        try:
            connection.send(data)
            response = connection.response()
        except (Closed, OSError) as error:
            true(0 in statuses, f"expected one of {statuses}", f"closed ({error})")
            return
        true(response.status in statuses, f"expected one of {statuses}", response.status)
        true(connection.is_closed(), "closed after the refusal", "open")
        true(b"HTTP/1.1 200" not in connection.buffer, "no second answer", connection.buffer[:80])
    same(t.ask("GET", "/health", []).status, 200, "the next client is served")


def line_row(t, lines, statuses):
    body = b'{"a":1}'
    refused(t, head(t, *lines) + body + SMUGGLED, statuses)


def raw_row(t, build, statuses):
    refused(t, build(t), statuses)


BAD = (400,)
NOT_KNOWN = (400, 501)

table(
    line_row,
    [
        ("refused: Content-Length and chunked together", [b"Content-Length: 7", b"Transfer-Encoding: chunked"], BAD),
        ("refused: chunked and Content-Length together", [b"Transfer-Encoding: chunked", b"Content-Length: 7"], BAD),
        ("refused: two Content-Lengths that differ", [b"Content-Length: 7", b"Content-Length: 9"], BAD),
        ("refused: two Content-Lengths that agree", [b"Content-Length: 7", b"Content-Length: 7"], BAD),
        ("refused: Content-Length +1", [b"Content-Length: +7"], BAD),
        ("refused: Content-Length 7,7", [b"Content-Length: 7,7"], BAD),
        ("refused: Content-Length -1", [b"Content-Length: -1"], BAD),
        ("refused: Content-Length 0x7", [b"Content-Length: 0x7"], BAD),
        ("refused: Content-Length with a space inside", [b"Content-Length: 7 7"], BAD),
        ("refused: Content-Length empty", [b"Content-Length:"], BAD),
        ("refused: Content-Length over 64 bits", [b"Content-Length: 99999999999999999999"], (400, 413)),
        ("refused: Transfer-Encoding xchunked", [b"Transfer-Encoding: xchunked"], NOT_KNOWN),
        ("refused: Transfer-Encoding chunked, identity", [b"Transfer-Encoding: chunked, identity"], NOT_KNOWN),
        ("refused: Transfer-Encoding identity", [b"Transfer-Encoding: identity"], NOT_KNOWN),
        ("refused: Transfer-Encoding with a vertical tab", [b"Transfer-Encoding: \x0bchunked"], NOT_KNOWN),
        ("refused: two Transfer-Encodings", [b"Transfer-Encoding: chunked", b"Transfer-Encoding: x"], NOT_KNOWN),
        ("refused: a space before the colon", [b"Content-Length : 7"], BAD),
        ("refused: an empty header name", [b": value", b"Content-Length: 7"], BAD),
        ("refused: NUL in a header value", [b"X-A: a\0b", b"Content-Length: 7"], BAD),
        ("refused: NUL in a header name", [b"X\0A: ab", b"Content-Length: 7"], BAD),
        ("refused: a bare CR in a header value", [b"X-A: a\rb", b"Content-Length: 7"], BAD),
        ("refused: a folded header", [b"X-A: a", b" b", b"Content-Length: 7"], BAD),
        ("refused: two Hosts", [b"Host: other", b"Content-Length: 7"], BAD),
        ("refused: a header of 64 KiB", [b"X-A: " + b"a" * 65536, b"Content-Length: 7"], (400, 414, 431)),
        ("refused: a thousand headers of 100 bytes", [b"X-A: " + b"a" * 95] * 1000, (400, 431)),
    ],
)

CHUNKED = b"Transfer-Encoding: chunked"

table(
    raw_row,
    [
        ("refused: no Host in HTTP/1.1", lambda t: head(t, b"Content-Length: 7", host=b"") + b'{"a":1}', BAD),
        ("refused: an empty Host", lambda t: head(t, b"Content-Length: 7", host=b"Host: \r\n") + b'{"a":1}', BAD),
        ("refused: a Host with a slash", lambda t: head(t, b"Content-Length: 2", host=b"Host: a/b\r\n") + b"{}", BAD),
        ("refused: a chunk size with 0x", lambda t: head(t, CHUNKED) + b"0x7\r\n{}     \r\n0\r\n\r\n", BAD),
        ("refused: a chunk size that is negative", lambda t: head(t, CHUNKED) + b"-7\r\n{}     \r\n0\r\n\r\n", BAD),
        ("refused: a chunk without size", lambda t: head(t, CHUNKED) + b"\r\n{}\r\n0\r\n\r\n", BAD),
        ("refused: a chunk that does not end with CRLF", lambda t: head(t, CHUNKED) + b"2\r\n{}XX0\r\n\r\n", BAD),
        ("refused: a chunk size over 64 bits", lambda t: head(t, CHUNKED) + b"fffffffffffffffff\r\n{}\r\n", (400, 413)),
        ("refused: a method in lower case", lambda _: b"get /health HTTP/1.1\r\nHost: g\r\n\r\n", (400, 405)),
        ("refused: HTTP/1.9 in words", lambda _: b"GET /health HTTP/x.y\r\nHost: g\r\n\r\n", (400, 505)),
        ("refused: HTTP/3.0", lambda _: b"GET /health HTTP/3.0\r\nHost: g\r\n\r\n", (400, 505)),
        ("refused: no version", lambda _: b"GET /health x\r\nHost: g\r\n\r\n", BAD),
        ("refused: a path that does not begin with a slash", lambda _: b"GET health HTTP/1.1\r\nHost: g\r\n\r\n", BAD),
        ("refused: a path above the root", lambda _: b"GET /../../etc/passwd HTTP/1.1\r\nHost: g\r\n\r\n", BAD),
        ("refused: NUL in the path", lambda _: b"GET /health%00 HTTP/1.1\r\nHost: g\r\n\r\n", (400, 404)),
        ("refused: a raw NUL in the path", lambda _: b"GET /hea\0lth HTTP/1.1\r\nHost: g\r\n\r\n", BAD),
        ("refused: a path of 64 KiB", lambda _: b"GET /" + b"a" * 65536 + b" HTTP/1.1\r\nHost: g\r\n\r\n", (400, 414)),
        ("refused: CONNECT", lambda _: b"CONNECT a:1 HTTP/1.1\r\nHost: g\r\n\r\n", (400, 404, 405)),
        ("refused: TRACE", lambda _: b"TRACE /health HTTP/1.1\r\nHost: g\r\n\r\n", (400, 404, 405)),
        ("refused: a TLS hello to a plain port", lambda _: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 64, (0, 400)),
        ("refused: bytes that are no HTTP", lambda _: bytes(range(256)) * 8, (0, 400)),
    ],
)


@row("a refusal of malformed HTTP has the contract's error body")
def _(t):
    with t.connect(timeout=3) as connection:
        connection.send(head(t, b"Content-Length: +7"))
        response = connection.response()
    same(response.status, 400, "status")
    body = response.json()
    same(body.get("ok"), False, "ok")
    same(body["error"]["code"], "invalid_request", "error.code")


@row("the server is alive after all that was malformed")
def _(t):
    decided(t.decide())
