#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The TCP proxy of the faults: each command does to a connection what it says, and no more."""
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import time

PROXY = pathlib.Path(__file__).resolve().parent.parent / "harness" / "tcp_proxy.py"


def echo(listener):
    """A server that sends back what it got, to the end of each connection."""
    def serve(peer):
        with peer:
            try:
                while data := peer.recv(65536):
                    peer.sendall(data)
            except OSError:
                pass

    while True:
        try:
            peer, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=serve, args=(peer,), daemon=True).start()


class World:
    def __init__(self, folder):
        self.control = os.path.join(folder, "control")
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=echo, args=(self.listener,), daemon=True).start()
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        target = self.listener.getsockname()[1]
        self.process = subprocess.Popen(  # ended by end(). pylint: disable-next=consider-using-with
            [PROXY, "--seed", "7", "--control", self.control, f"127.0.0.1:{self.port}=127.0.0.1:{target}"])
        deadline = time.monotonic() + 20
        while not os.path.exists(self.control) and time.monotonic() < deadline:
            time.sleep(.02)

    def tell(self, line):
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(20)
            control.connect(self.control)
            control.sendall(line.encode() + b"\n")
            return json.loads(control.makefile().readline())

    def connect(self, timeout=10):
        return socket.create_connection(("127.0.0.1", self.port), timeout)

    def end(self):
        self.process.terminate()
        self.process.wait(10)
        self.listener.close()


def ask(connection, data, timeout=10):
    """What comes back, up to as many bytes; with what it took."""
    connection.settimeout(timeout)
    begin, got = time.monotonic(), b""
    connection.sendall(data)
    while len(got) < len(data):
        piece = connection.recv(65536)
        if not piece:
            break
        got += piece
    return got, time.monotonic() - begin


def fails(connection, data, timeout):
    """How it fails: "timeout", "reset", "end", or "" when it does not."""
    try:
        return "" if ask(connection, data, timeout)[0] == data else "end"
    except TimeoutError:
        return "timeout"
    except OSError:
        return "reset"


def test_all(world):
    data = bytes(range(256)) * 16
    with world.connect() as one:
        yield "nothing: all comes back", ask(one, data)[0] == data
        world.tell("delay 150 20")
        got, took = ask(one, b"late")
        yield "delay: it comes, after both ways' time", got == b"late" and took >= .3
        world.tell("clear")
        yield "clear: at once again", ask(one, b"soon")[0] == b"soon"
        world.tell("slice 7")
        yield "slice: all comes, in order", ask(one, data)[0] == data
        yield "slice: in many pieces", world.tell("clear")["sliced"] > 2 * len(data) / 7
        world.tell("stall 300 100")
        got, took = ask(one, b"slow")
        yield "stall: it stands still, then comes", got == b"slow" and took >= .6
        world.tell("clear")
        world.tell("throttle 2000")
        got, took = ask(one, b"x" * 1000)
        yield "throttle: so many bytes a second", len(got) == 1000 and took >= .4
        world.tell("clear")
        world.tell("blackhole")
        yield "blackhole: silence", fails(one, b"anybody?", .5) == "timeout"
        with world.connect() as two:
            yield "blackhole: on a new connection as well", fails(two, b"anybody?", .5) == "timeout"
        world.tell("clear")
        yield "blackhole: what was sent comes afterwards", ask(one, b"!" * 8)[0][:8] == b"anybody?"
    with world.connect() as one:
        ask(one, b"before")
        answer = world.tell("reset")
        yield "reset: connections end", answer["resets"] >= 1 and fails(one, b"after", 5) in ("reset", "end")
    with world.connect() as one:
        yield "reset: new ones are well", ask(one, b"new")[0] == b"new"
        world.tell("reset 100")
        yield "reset with a chance: at each piece", fails(one, b"piece", 5) in ("reset", "end")
    world.tell("clear")
    world.tell("refuse")
    with world.connect() as one:
        yield "refuse: new connections are closed", fails(one, b"hello", 5) in ("reset", "end")
    yield "clear: all is over", world.tell("clear")["mode"] == {}
    for line in ("", "fly", "delay", "delay x", "delay -1", "slice 0", "delay 1 2 3", "stall 1"):
        yield f"'{line}' is refused", "error" in world.tell(line)


def main():
    failed = 0
    with tempfile.TemporaryDirectory(prefix="sluice-proxy-") as folder:
        world = World(folder)
        try:
            for name, right in test_all(world):
                print(f"ok - {name}" if right else f"not ok - {name}")
                failed += not right
        finally:
            world.end()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
