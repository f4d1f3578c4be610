# SPDX-License-Identifier: Apache-2.0
"""A peer of the NATS protocol on a bare socket, and the parts it plays in the tests."""

import contextlib
import json
import queue
import socket
import threading
import time
import uuid


class NoResponders(Exception):
    """Nobody listens to the subject of a request."""


class Message:
    def __init__(self, subject, reply, headers, data):
        self.subject = subject
        self.reply = reply
        self.headers = headers  # [(name, value)]
        self.data = data
        self.at = time.monotonic()

    def header(self, name):
        """Header names of NATS are case-sensitive. None without it."""
        values = [value for key, value in self.headers if key == name]
        if len(values) > 1:
            raise AssertionError(f"header {name}: expected once, got {values}")
        return values[0] if values else None

    def json(self):
        try:
            return json.loads(self.data)
        except ValueError as error:
            raise AssertionError(f"expected JSON on {self.subject}, got {self.data[:200]!r}") from error


class Subscription:
    def __init__(self, peer, sid, callback):
        self.peer = peer
        self.sid = sid
        self.callback = callback
        self.messages = queue.Queue()

    def deliver(self, message):
        if self.callback:
            self.callback(message)
        else:
            self.messages.put(message)

    def next(self, timeout=3.0):
        try:
            return self.messages.get(timeout=timeout)
        except queue.Empty:
            raise TimeoutError("no message in time") from None

    def until(self, wanted, timeout=3.0):
        """The next message for which wanted(message) holds; others are dropped."""
        deadline = time.monotonic() + timeout
        while True:
            message = self.next(max(0.01, deadline - time.monotonic()))
            if wanted(message):
                return message

    def collect(self, seconds):
        """Everything that comes within that time."""
        got, deadline = [], time.monotonic() + seconds
        with contextlib.suppress(TimeoutError):
            while True:
                got.append(self.next(max(0.01, deadline - time.monotonic())))
        return got

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.peer.unsubscribe(self)


def read_headers(block):
    """("NATS/1.0 503", [(name, value)]) of a header block."""
    lines = block.decode("utf-8", "replace").split("\r\n")
    pairs = [line.partition(":") for line in lines[1:] if line]
    return lines[0], [(name, value.strip()) for name, _, value in pairs]


class Peer:
    def __init__(self, address, name="contract-suite"):
        host, _, port = address.rpartition(":")
        self.socket = socket.create_connection((host or "127.0.0.1", int(port)), 5)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")
        self.lock = threading.Lock()
        self.subscriptions = {}
        self.sids = 0
        self.pongs = queue.Queue()
        self.closed = threading.Event()
        self.info = json.loads(self._line().split(b" ", 1)[1])
        options = {"verbose": False, "pedantic": False, "headers": True, "no_responders": True}
        options |= {"name": name, "lang": "python", "version": "1", "protocol": 1}
        self._send(b"CONNECT " + json.dumps(options).encode() + b"\r\nPING\r\n")
        line = self._line()
        if line != b"PONG":
            raise ConnectionError(f"nats: {line!r}")
        self.socket.settimeout(None)
        threading.Thread(target=self._read, daemon=True).start()

    def _line(self):
        return self.file.readline(1 << 16).rstrip(b"\r\n")

    def _send(self, data):
        with self.lock:
            self.socket.sendall(data)

    def _read(self):
        with contextlib.suppress(OSError, ValueError):
            while self._step(self._line()):
                pass
        self.closed.set()

    def _step(self, line):
        words = line.split()
        if not words:
            return False
        if words[0] == b"PING":
            self._send(b"PONG\r\n")
        elif words[0] == b"PONG":
            self.pongs.put(True)
        elif words[0] in (b"MSG", b"HMSG"):
            self._message(words)
        return True

    def _message(self, words):
        headed = words[0] == b"HMSG"
        sizes = 2 if headed else 1
        subject, sid = words[1].decode(), int(words[2])
        reply = words[3].decode() if len(words) == 4 + sizes else None
        data = self.file.read(int(words[-1]) + 2)[:-2]
        headers = []
        if headed:
            head = int(words[-2])
            status, headers = read_headers(data[:head])
            headers += [("Status", status[9:])] if status[9:] else []
            data = data[head:]
        subscription = self.subscriptions.get(sid)
        if subscription:
            subscription.deliver(Message(subject, reply, headers, data))

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def flush(self, timeout=3.0):
        """The server has seen everything that was sent before."""
        self._send(b"PING\r\n")
        self.pongs.get(timeout=timeout)

    def publish(self, subject, data, headers=None, reply=None):
        if isinstance(data, dict):
            data = json.dumps(data).encode()
        target = f"{subject} {reply}" if reply else subject
        if headers is None:
            self._send(f"PUB {target} {len(data)}\r\n".encode() + data + b"\r\n")
            return
        pairs = headers.items() if isinstance(headers, dict) else headers
        head = "NATS/1.0\r\n" + "".join(f"{name}: {value}\r\n" for name, value in pairs) + "\r\n"
        head = head.encode()
        sizes = f"{len(head)} {len(head) + len(data)}"
        self._send(f"HPUB {target} {sizes}\r\n".encode() + head + data + b"\r\n")

    def subscribe(self, subject, group=None, callback=None):
        self.sids += 1
        subscription = Subscription(self, self.sids, callback)
        self.subscriptions[self.sids] = subscription
        self._send(f"SUB {subject} {group + ' ' if group else ''}{self.sids}\r\n".encode())
        self.flush()
        return subscription

    def unsubscribe(self, subscription):
        self._send(f"UNSUB {subscription.sid}\r\n".encode())
        self.subscriptions.pop(subscription.sid, None)
        self.flush()

    def request(self, subject, data, headers=None, timeout=3.0):
        inbox = f"_INBOX.{uuid.uuid4().hex}"
        with self.subscribe(inbox) as replies:
            self.publish(subject, data, headers, inbox)
            message = replies.next(timeout)
        if (message.header("Status") or "").startswith("503"):
            raise NoResponders(subject)
        return message

    def js(self, api, body=None, timeout=3.0):
        """A call of the JetStream API: the answer's JSON."""
        data = json.dumps(body).encode() if body is not None else b""
        return self.request(f"$JS.API.{api}", data, timeout=timeout).json()

    def js_publish(self, subject, data, message_id, headers=None, timeout=3.0):
        """Publishes into a stream: the PubAck."""
        headers = {**(headers or {}), "Nats-Msg-Id": message_id}
        return self.request(subject, data, headers, timeout).json()


DECIDE = "beamline.router.v1.decide"
GET_DECISION = "beamline.router.v1.get_decision"
ADMIN = "beamline.router.v1.admin.*"


class Router:
    """Plays the router: `script` answers a message with bytes, None (silence) or [(delay_s, bytes)]."""

    def __init__(self, peer):
        self.peer = peer
        self.seen = []
        self.script = answer_ok
        self.subscriptions = []
        self.listen()

    def listen(self):
        for subject in (DECIDE, GET_DECISION, ADMIN):
            self.subscriptions.append(self.peer.subscribe(subject, "router-decide-group", self._on))

    def leave(self):
        """No router is there any more."""
        for subscription in self.subscriptions:
            subscription.close()
        self.subscriptions = []

    def _on(self, message):
        self.seen.append(message)
        answers = self.script(message)
        if answers is None or message.reply is None:
            return
        if isinstance(answers, bytes):
            answers = [(0, answers)]
        for delay, data in answers:
            if delay == 0:
                self.peer.publish(message.reply, data)
            else:
                timer = threading.Timer(delay, self.peer.publish, (message.reply, data))
                timer.daemon = True
                timer.start()

    @contextlib.contextmanager
    def plays(self, script):
        """While the block runs, answers come from `script`; gives the messages of that time."""
        before, self.script, self.seen = self.script, script, []
        try:
            yield self.seen
        finally:
            self.script = before

    def one(self, timeout=2.0):
        """The one message seen since the last plays()."""
        deadline = time.monotonic() + timeout
        while not self.seen and time.monotonic() < deadline:
            time.sleep(0.01)
        if len(self.seen) != 1:
            raise AssertionError(f"expected one message to the router, got {len(self.seen)}")
        return self.seen[0]


def decision(message, **more):
    body = {}
    with contextlib.suppress(ValueError):
        body = json.loads(message.data)
    made = {
        "provider_id": "provider-of-the-peer",
        "priority": 50,
        "expected_latency_ms": 12,
        "expected_cost": 0.0125,
        "reason": "scripted",
        "metadata": {"answer": uuid.uuid4().hex},
    }
    context = {"request_id": body.get("request_id", ""), "trace_id": body.get("trace_id", "")}
    return {"ok": True, "decision": made | more, "context": context}


def answer_ok(message):
    return json.dumps(decision(message)).encode()


def answer_error(code, intake=None, details=None, message="the peer refuses"):
    error = {"code": code, "message": message}
    if intake:
        error["intake_error_code"] = intake
    if details is not None:
        error["details"] = details

    def script(seen):
        context = decision(seen)["context"]
        return json.dumps({"ok": False, "error": error, "context": context}).encode()

    return script


def answer_raw(data):
    return lambda _: data


def answer_late(seconds):
    return lambda message: [(seconds, answer_ok(message))]


def silence(_):
    return None
