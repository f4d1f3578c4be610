# SPDX-License-Identifier: Apache-2.0
"""An HTTP/1.1 client on a bare socket: it sends what it is told, also what no client may send."""

import json
import socket
import ssl
import time
from urllib.parse import urlsplit

HEAD_MAX = 1 << 18
BODY_MAX = 1 << 26


class Closed(Exception):
    """The server closed the connection before a whole answer was there."""


class Response:
    def __init__(self, status, version, headers, body):
        self.status = status
        self.version = version
        self.headers = headers  # [(name in lower case, value)]
        self.body = body

    def all(self, name):
        return [value for key, value in self.headers if key == name.lower()]

    def header(self, name):
        """The value of a header that may stand there once at most; None without it."""
        values = self.all(name)
        if len(values) > 1:
            raise AssertionError(f"header {name}: expected once, got {values}")
        return values[0] if values else None

    def json(self):
        """The body; a member that comes twice in an object is an error."""

        def members(pairs):
            if len({key for key, _ in pairs}) != len(pairs):
                raise AssertionError(f"expected each JSON member once, got {self.body[:300]!r}")
            return dict(pairs)

        try:
            return json.loads(self.body, object_pairs_hook=members)
        except ValueError as error:
            raise AssertionError(
                f"expected JSON, got {self.body[:200]!r} with status {self.status}"
            ) from error


class Target:
    """Where the server is: http://HOST:PORT or https://HOST:PORT (certificate not verified)."""

    def __init__(self, url):
        parts = urlsplit(url)
        self.tls = parts.scheme == "https"
        self.host = parts.hostname or "127.0.0.1"
        self.port = parts.port or (443 if self.tls else 80)


class Connection:
    def __init__(self, target, timeout=10.0, source=None):
        self.target = target
        self.timeout = timeout
        self.buffer = b""
        self.socket = socket.create_connection(
            (target.host, target.port), timeout, source_address=(source, 0) if source else None
        )
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if target.tls:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            self.socket = context.wrap_socket(self.socket, server_hostname=target.host)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def request(self, method, path, headers=(), body=None, host=True):
        """Sends a request of a well-behaved client; `headers` may repeat names."""
        lines = [f"{method} {path} HTTP/1.1"]
        if host:
            lines.append(f"Host: {self.target.host}:{self.target.port}")
        lines += [f"{name}: {value}" for name, value in headers]
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b""))

    def _more(self, deadline):
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("no whole answer in time")
        self.socket.settimeout(left)
        try:
            data = self.socket.recv(65536)
        except ConnectionError as error:
            raise Closed(str(error)) from error
        if not data:
            raise Closed(f"closed after {self.buffer[:100]!r}")
        self.buffer += data
        if len(self.buffer) > BODY_MAX:
            raise AssertionError("an answer without end")

    def _until(self, mark, deadline):
        while mark not in self.buffer:
            if len(self.buffer) > HEAD_MAX:
                raise AssertionError("a head without end")
            self._more(deadline)
        head, self.buffer = self.buffer.split(mark, 1)
        return head

    def _exactly(self, count, deadline):
        while len(self.buffer) < count:
            self._more(deadline)
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def _chunks(self, deadline):
        body = b""
        while True:
            size = int(self._until(b"\r\n", deadline).split(b";")[0], 16)
            if size == 0:
                while self._until(b"\r\n", deadline):
                    pass
                return body
            body += self._exactly(size, deadline)
            if self._exactly(2, deadline) != b"\r\n":
                raise AssertionError("a chunk does not end with CRLF")

    def head(self, timeout=None):
        """(status, version, headers) of the next answer; its body is left on the connection."""
        deadline = time.monotonic() + (timeout or self.timeout)
        lines = self._until(b"\r\n\r\n", deadline).split(b"\r\n")
        try:
            version, status = lines[0].split(b" ", 2)[:2]
            status = int(status)
            pairs = [line.split(b":", 1) for line in lines[1:]]
            headers = [(k.decode().lower(), v.strip().decode("latin-1")) for k, v in pairs]
        except ValueError as error:
            raise AssertionError(f"expected an HTTP answer, got {lines[0][:100]!r}") from error
        return status, version.decode(), headers

    def response(self, method="GET", timeout=None):
        deadline = time.monotonic() + (timeout or self.timeout)
        status, version, headers = self.head(timeout)
        while 100 <= status < 200:
            status, version, headers = self.head(timeout)
        names = dict(headers)
        body = b""
        if method == "HEAD" or status in (204, 304):
            pass
        elif "chunked" in names.get("transfer-encoding", ""):
            body = self._chunks(deadline)
        elif "content-length" in names:
            body = self._exactly(int(names["content-length"]), deadline)
        else:
            body = self.rest(deadline - time.monotonic())
        return Response(status, version, headers, body)

    def rest(self, timeout=None):
        """Everything up to the end of the connection."""
        deadline = time.monotonic() + (timeout or self.timeout)
        try:
            while True:
                self._more(deadline)
        except Closed:
            data, self.buffer = self.buffer, b""
            return data

    def is_closed(self, timeout=1.0):
        """The server closes within `timeout`; what it still sends stays in `buffer`."""
        try:
            self.buffer = self.rest(timeout)
            return True
        except TimeoutError:
            return False


class Events:
    """Server-sent events of a connection whose head is read: comments and (event, data)."""

    def __init__(self, connection, chunked):
        self.connection = connection
        self.chunked = chunked
        self.text = b""

    def _feed(self, deadline):
        connection = self.connection
        if not self.chunked:
            if not connection.buffer:
                connection._more(deadline)
            self.text += connection.buffer
            connection.buffer = b""
            return
        size = int(connection._until(b"\r\n", deadline), 16)
        if size == 0:
            raise Closed("the stream ended")
        self.text += connection._exactly(size + 2, deadline)[:-2]

    def first(self, count, timeout=3.0):
        """The first bytes of the stream."""
        deadline = time.monotonic() + timeout
        while len(self.text) < count:
            self._feed(deadline)
        return self.text[:count]

    def next(self, timeout=3.0):
        """The next block: ("", comment) or (event, data)."""
        deadline = time.monotonic() + timeout
        while b"\n\n" not in self.text:
            self._feed(deadline)
        block, self.text = self.text.split(b"\n\n", 1)
        event, data = "", []
        for line in block.decode().split("\n"):
            name, _, value = line.partition(":")
            value = value[1:] if value.startswith(" ") else value
            if name == "event":
                event = value
            elif name in ("data", ""):
                data.append(value)
        return event, "\n".join(data)

    def wait(self, event, timeout=3.0):
        """The data of the next event of that name."""
        deadline = time.monotonic() + timeout
        while True:
            name, data = self.next(max(0.01, deadline - time.monotonic()))
            if name == event:
                return json.loads(data)
