#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What scripts/demo_nodes.sh has running beside the nodes: their clients, and who watches.

    demo_load.py call --node URL --node URL --tenant T --key K --source ADDRESS
                      --rate N --rate N --out FILE
    demo_load.py watch --ctl PROGRAM --node PIN_DIR:SOCKET --node ... --out FILE

call: so many requests a second to each node until SIGTERM, each on a connection of its own,
whatever became of those before; SIGUSR1 lets the two nodes change places. None is tried
again. FILE has a line of JSON for each answer, written when it came, so that it is true also
of a caller that is killed.
watch: what the kernel of each node has let pass and dropped of each tenant, ten times a
second; after SIGUSR1 for three seconds as often as can be. An agent need not be there.
"""

import argparse
import asyncio
import contextlib
import json
import signal
import subprocess
import sys
import threading
import time
import uuid
from urllib.parse import urlsplit

PATH = "/api/v1/routes/decide"
CONNECT_S, ANSWER_S = 1, 6
WATCH_S, CLOSELY_S, CLOSELY_FOR_S = 0.1, 0.02, 3


class Lines:
    """A file of lines of JSON."""

    def __init__(self, path):
        # Line by line. pylint: disable-next=consider-using-with
        self.out = open(path, "a", buffering=1, encoding="utf-8")
        self.lock = threading.Lock()

    def add(self, line):
        with self.lock:
            self.out.write(json.dumps(line) + "\n")


# ---- clients of one tenant ---------------------------------------------------------------


class Caller:
    def __init__(self, given):
        self.given = given
        self.nodes = [urlsplit(url) for url in given.node]
        self.rates = given.rate
        self.out = Lines(given.out)
        self.over = asyncio.Event()
        self.calls = set()
        self.run_id = str(uuid.uuid4())

    def swap(self):
        self.rates.reverse()

    async def run(self):
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.over.set)
        loop.add_signal_handler(signal.SIGUSR1, self.swap)
        await asyncio.gather(*(self.ask(number) for number in range(len(self.nodes))))
        if self.calls:
            await asyncio.wait(self.calls)

    async def ask(self, number):
        at = time.monotonic()
        while not self.over.is_set():
            call = asyncio.create_task(self.call(number))
            self.calls.add(call)
            call.add_done_callback(self.calls.discard)
            at = max(at + 1 / self.rates[number], time.monotonic() - 0.1)
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self.over.wait(), max(0.0, at - time.monotonic()))

    def request(self, node, ids):
        body = {
            "version": "1",
            "tenant_id": self.given.tenant,
            "request_id": ids["request_id"],
            "push_assignment": True,
            "idempotency_key": str(uuid.uuid4()),
            "run_id": self.run_id,
            "flow_id": self.run_id,
            "step_id": str(uuid.uuid4()),
            "task": {"type": "chat", "payload": {"text": "how warm is the sea today?"}},
        }
        data = json.dumps(body).encode()
        head = f"POST {PATH} HTTP/1.1\r\nHost: {node.netloc}\r\nConnection: close\r\n"
        head += f"X-API-Key: {self.given.key}\r\nContent-Type: application/json\r\n"
        head += f"Content-Length: {len(data)}\r\n"
        head += f"traceparent: 00-{ids['trace']}-{uuid.uuid4().hex[:16]}-01\r\n\r\n"
        return head.encode() + data

    async def call(self, number):
        node, begin = self.nodes[number], time.monotonic()
        ids = {"request_id": str(uuid.uuid4()), "trace": uuid.uuid4().hex}
        try:
            answer = await self.answer(node, ids)
        except (OSError, EOFError, ValueError, IndexError, asyncio.TimeoutError):
            answer = "lost"
        took_ms = 1000 * (time.monotonic() - begin)
        line = {"answer": answer, "at": time.time(), "node": number + 1, "took_ms": took_ms}
        self.out.add(line | ids)

    async def answer(self, node, ids):
        opened = asyncio.open_connection(node.hostname, node.port, local_addr=(self.given.source, 0))
        reader, writer = await asyncio.wait_for(opened, CONNECT_S)
        try:
            writer.write(self.request(node, ids))
            status = (await asyncio.wait_for(reader.readline(), ANSWER_S)).split()[1].decode()
            await asyncio.wait_for(reader.read(), ANSWER_S)
            return status
        finally:
            writer.close()


# ---- who watches ---------------------------------------------------------------------------


class Watcher:
    def __init__(self, given):
        self.given = given
        self.out = Lines(given.out)
        self.closely_until = 0.0
        self.is_over = False

    def ask(self, node, *words):
        """What sluicectl says; None when it cannot."""
        pins, socket = node.split(":")
        command = [self.given.ctl, "--pin-dir", pins, "--socket", socket, "--json", *words]
        done = subprocess.run(command, capture_output=True, check=False)
        with contextlib.suppress(ValueError):
            return json.loads(done.stdout)
        return None

    def look(self, number, node, with_leases):
        began = time.time()
        said = self.ask(node, "tenants", "list")
        took = time.time() - began
        line = {"node": number, "at": began + took / 2, "took": took, "tenants": {}}
        for one in (said or {}).get("tenants", []):
            line["tenants"][one["tenant"]] = [one["passed_packets"], one["dropped_packets"]]
        if with_leases:
            said = self.ask(node, "quota") or {}
            line["states"] = {one["tenant"]: one["state"] for one in said.get("leases", [])}
        if line["tenants"]:
            self.out.add(line)

    def watch(self, number, node):
        count = 0
        while not self.is_over:
            closely = time.monotonic() < self.closely_until
            count += 1
            self.look(number, node, not closely and count % 3 == 0)
            time.sleep(CLOSELY_S if closely else WATCH_S)

    def look_closely(self, *_):
        self.closely_until = time.monotonic() + CLOSELY_FOR_S

    def stop(self, *_):
        self.is_over = True

    def run(self):
        signal.signal(signal.SIGUSR1, self.look_closely)
        signal.signal(signal.SIGTERM, self.stop)
        threads = [
            threading.Thread(target=self.watch, args=(number, node), daemon=True)
            for number, node in enumerate(self.given.node, 1)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


# ---- the command -----------------------------------------------------------------------------


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parts = parser.add_subparsers(dest="part", required=True)
    one = parts.add_parser("call")
    for name in ("tenant", "key", "source"):
        one.add_argument("--" + name, required=True)
    one.add_argument("--rate", type=float, action="append", required=True)
    two = parts.add_parser("watch")
    two.add_argument("--ctl", required=True)
    for part in (one, two):
        part.add_argument("--node", action="append", required=True)
        part.add_argument("--out", required=True)
    given = parser.parse_args()
    if given.part == "watch":
        Watcher(given).run()
    else:
        asyncio.run(Caller(given).run())


if __name__ == "__main__":
    sys.exit(main())
