#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An HTTP client that keeps its connections: one command a line, one line of answer.

open NAME ADDRESS PORT [PROXY]   "open LOCAL-PORT"; PROXY: says it comes from that address
ask NAME KEY TENANT [SECONDS]    the status of a POST to routes/decide, "late" or "closed"
hammer NAME KEY TENANT SECONDS   asks again and again until one is late: "STATUS=N ... late=N"
blast NAME KEY TENANT SECONDS    sends requests and does not wait for answers
storm NAME ADDRESS PORT N KEY TENANT SECONDS   N connections that ask again at once; one that
    is not answered within 20 ms is reset and made anew: "answers=N attempts=N"
wait NAME SECONDS                the status of the answer that was late
many NAME ADDRESS PORT N KEY TENANT   N connections, a request on each: how many were 200
close NAME                       and all of `many` of that name
"""
import json
import select
import socket
import struct
import sys
import time

connections = {}


def request(key, tenant):
    body = {"version": "1", "tenant_id": tenant, "request_id": "r1"}
    body["task"] = {"type": "chat", "payload": {"text": "long enough"}}
    text = json.dumps(body)
    return (
        f"POST /api/v1/routes/decide HTTP/1.1\r\nHost: node\r\nX-API-Key: {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n{text}"
    ).encode()


class Connection:
    def __init__(self, address, port, proxy=None):
        self.socket = socket.create_connection((address, int(port)), 5)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rest = b""
        if proxy:
            self.socket.sendall(f"PROXY TCP4 {proxy} 192.0.2.1 1000 80\r\n".encode())

    def send(self, key, tenant):
        self.socket.sendall(request(key, tenant))

    def answer(self, seconds):
        """The status, "late", or "closed"; what came of a late answer is kept."""
        until = time.monotonic() + seconds
        while True:
            head, end, body = self.rest.partition(b"\r\n\r\n")
            fields = head.lower().split(b"\r\n")
            length = sum(int(f.split(b":")[1]) for f in fields if f.startswith(b"content-length:"))
            if end and len(body) >= length:
                self.rest = body[length:]
                return head.split()[1].decode()
            left = until - time.monotonic()
            if left <= 0:
                return "late"
            self.socket.settimeout(left)
            try:
                data = self.socket.recv(65536)
            except TimeoutError:
                return "late"
            except ConnectionError:
                return "closed"
            if not data:
                return "closed"
            self.rest += data

    def ask(self, key, tenant, seconds=5.0):
        try:
            self.send(key, tenant)
        except OSError:
            return "closed"
        return self.answer(seconds)


def hammer(connection, key, tenant, seconds):
    seen, until = {}, time.monotonic() + float(seconds)
    while time.monotonic() < until:
        status = connection.ask(key, tenant, 0.5)
        seen[status] = seen.get(status, 0) + 1
        if status in ("late", "closed"):
            break
    return " ".join(f"{status}={count}" for status, count in sorted(seen.items()))


def blast(connection, key, tenant, seconds):
    until, sent = time.monotonic() + float(seconds), 0
    connection.socket.settimeout(0.05)
    while time.monotonic() < until:
        try:
            connection.send(key, tenant)
            sent += 1
        except TimeoutError:
            pass  # a part of it went: what the other end sees then is not HTTP any more
    return str(sent)


class Storm:
    """Impatient connections: what keeps hammering whatever becomes of it."""

    def __init__(self, address, port, text):
        self.target, self.text = (address, int(port)), text
        self.poll = select.epoll()
        self.live, self.answers, self.attempts = {}, 0, 0

    def begin(self):
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.connect_ex(self.target)
        self.poll.register(made, select.EPOLLOUT)
        self.live[made.fileno()] = [made, time.monotonic()]
        self.attempts += 1

    def drop(self, fd):
        self.live.pop(fd)[0].close()

    def ready(self, fd, events):
        made = self.live[fd][0]
        try:
            if events & select.EPOLLIN:
                if not made.recv(65536):
                    raise ConnectionError
                self.answers += 1
                self.attempts += 1
            self.live[fd][1] = time.monotonic()
            made.send(self.text)
            self.poll.modify(fd, select.EPOLLIN)
        except OSError:
            self.drop(fd)

    def run(self, count, seconds):
        until = time.monotonic() + seconds
        while (now := time.monotonic()) < until:
            for fd, events in self.poll.poll(0.005):
                self.ready(fd, events)
            for fd in [fd for fd, (_, since) in self.live.items() if now - since > 0.02]:
                self.drop(fd)
            while len(self.live) < count:
                self.begin()
        for fd in list(self.live):
            self.drop(fd)
        return f"answers={self.answers} attempts={self.attempts}"


def many(name, address, port, count, key, tenant):
    made = [Connection(address, port) for _ in range(int(count))]
    connections[name] = made
    for connection in made:
        connection.send(key, tenant)
    return str(sum(connection.answer(10) == "200" for connection in made))


def close(name):
    found = connections.pop(name)
    for connection in found if isinstance(found, list) else [found]:
        connection.socket.close()
    return "ok"


def run(command, name, *rest):
    if command == "open":
        connections[name] = Connection(*rest)
        return f"open {connections[name].socket.getsockname()[1]}"
    if command == "ask":
        return connections[name].ask(rest[0], rest[1], float(rest[2]) if len(rest) > 2 else 5.0)
    if command == "hammer":
        return hammer(connections[name], *rest)
    if command == "blast":
        return blast(connections[name], *rest)
    if command == "storm":
        address, port, count, key, tenant, seconds = rest
        return Storm(address, port, request(key, tenant)).run(int(count), float(seconds))
    if command == "wait":
        return connections[name].answer(float(rest[0]))
    if command == "many":
        return many(name, *rest)
    if command == "close":
        return close(name)
    return "unknown"


def main():
    for line in sys.stdin:
        try:
            answer = run(*line.split())
        except (OSError, KeyError, TypeError, ValueError) as error:
            answer = f"error {error!r}"
        print(answer, flush=True)


if __name__ == "__main__":
    main()
