#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy that does what bad networks and bad middle boxes do, on command.

    tcp_proxy.py [--seed N] --control PATH HOST:PORT=HOST:PORT...    listen = connect

One line to the unix socket PATH, one line of JSON as the answer (tcp_proxy.py --tell PATH LINE):
    clear             pass all as it comes; ends every other fault
    delay MS [JITTER] each piece comes so much later, by up to JITTER more; order is kept
    slice BYTES       what was sent comes in pieces of 1 to BYTES, MS apart as delay says
    stall MS PERCENT  of the pieces so many stand still for MS, and all behind them: what loss
                      looks like above TCP
    throttle BYTES    at most so many bytes a second and direction; the sender's buffers fill
    blackhole         nothing more passes and nobody is told; connections are taken and say nothing
    refuse            connections are ended and new ones closed at once
    reset [PERCENT]   connections are reset now; with PERCENT also each later piece by this chance
    stats             no change
Each answers {"mode", "connections", "accepted", "bytes", "delayed", "sliced", "stalled",
"throttled", "held", "resets", "refused"}: open connections, then counts since the start.
Randomness is seeded. What it buffers of one direction is at most 64 KiB.
"""
import asyncio
import json
import random
import socket
import struct
import sys

PIECE = 65536
COUNTS = ("accepted", "bytes", "delayed", "sliced", "stalled", "throttled", "held", "resets",
          "refused")
ARGUMENTS = {"clear": (0, 0), "delay": (1, 2), "slice": (1, 1), "stall": (2, 2), "throttle": (1, 1),
             "blackhole": (0, 0), "refuse": (0, 0), "reset": (0, 1), "stats": (0, 0)}


class Link:
    """One connection and its way onwards."""

    def __init__(self, client, server):
        self.writers = [client, server]

    def reset(self):
        for writer in self.writers:
            sock = writer.get_extra_info("socket")
            if sock is not None and sock.fileno() >= 0:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

    def close(self):
        for writer in self.writers:
            writer.close()


class Proxy:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.counts = dict.fromkeys(COUNTS, 0)
        self.links = set()
        self.mode = {}
        self.changed = asyncio.Event()

    # ---- control -----------------------------------------------------------------------------

    def command(self, line):
        """The answer to a line; ValueError when it is none."""
        word, *arguments = line.split() or [""]
        if word not in ARGUMENTS:
            raise ValueError(f"'{word}' is no command")
        least, most = ARGUMENTS[word]
        if not least <= len(arguments) <= most:
            raise ValueError(f"{word} takes {least} to {most} numbers")
        numbers = [int(argument) for argument in arguments]
        if any(not 0 <= number <= 1 << 30 for number in numbers):
            raise ValueError(f"a number of {word} is out of range")
        if word in ("slice", "throttle") and numbers[0] < 1:
            raise ValueError(f"{word} takes at least 1")
        if word == "clear":
            self.mode = {}
        elif word != "stats":
            self.mode[word] = numbers
        self.changed.set()
        self.changed = asyncio.Event()
        if word in ("reset", "refuse"):
            self.end_all()
        return self.stats()

    def stats(self):
        return {"mode": self.mode, "connections": len(self.links), **self.counts}

    def end_all(self):
        for link in list(self.links):
            self.counts["resets"] += 1
            link.reset()

    async def control(self, reader, writer):
        try:
            while line := await reader.readline():
                try:
                    answer = self.command(line.decode("ascii"))
                except ValueError as error:
                    answer = {"error": str(error)}
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
        except (OSError, ValueError):
            pass
        finally:
            writer.close()

    # ---- connections -------------------------------------------------------------------------

    async def accept(self, client_reader, client, target):
        self.counts["accepted"] += 1
        if "refuse" in self.mode:
            self.counts["refused"] += 1
            client.transport.abort()
            return
        while "blackhole" in self.mode:
            await self.changed.wait()
        try:
            server_reader, server = await self.connect(target)
        except OSError:
            client.transport.abort()
            return
        link = Link(client, server)
        self.links.add(link)
        try:
            await asyncio.gather(self.pump(client_reader, server, link),
                                 self.pump(server_reader, client, link))
        except (OSError, asyncio.IncompleteReadError):
            link.reset()
        finally:
            self.links.discard(link)
            link.close()

    @staticmethod
    async def connect(target):
        """With a small buffer, that a sender who is throttled notices it soon."""
        sock = socket.socket(socket.AF_INET6 if ":" in target[0] else socket.AF_INET)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, PIECE)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await asyncio.get_running_loop().sock_connect(sock, target)
            return await asyncio.open_connection(sock=sock, limit=PIECE)
        except OSError:
            sock.close()
            raise

    async def pump(self, reader, writer, link):
        """One direction, piece by piece."""
        while piece := await reader.read(self.room()):
            while "blackhole" in self.mode:
                self.counts["held"] += 1
                await self.changed.wait()
            for part in self.parts(piece):
                await self.hold(len(part))
                if self.happens("reset", 0):
                    self.counts["resets"] += 1
                    link.reset()
                    return
                writer.write(part)
                await writer.drain()
                self.counts["bytes"] += len(part)
        if not writer.is_closing() and writer.can_write_eof():
            writer.write_eof()

    def room(self):
        return max(1, min(PIECE, self.mode["throttle"][0] // 10)) if "throttle" in self.mode else PIECE

    def parts(self, piece):
        if "slice" not in self.mode:
            yield piece
            return
        at = 0
        while at < len(piece):
            size = self.random.randint(1, self.mode["slice"][0]) if "slice" in self.mode else PIECE
            self.counts["sliced"] += 1
            yield piece[at:at + size]
            at += size

    async def hold(self, size):
        """As long as delay, stall and throttle keep a piece back."""
        wait = 0.0
        if "delay" in self.mode:
            self.counts["delayed"] += 1
            base, *jitter = self.mode["delay"]
            wait += (base + self.random.uniform(0, jitter[0] if jitter else 0)) / 1000
        if self.happens("stall", 1):
            self.counts["stalled"] += 1
            wait += self.mode["stall"][0] / 1000
        if "throttle" in self.mode:
            self.counts["throttled"] += 1
            wait += size / self.mode["throttle"][0]
        if wait:
            await asyncio.sleep(wait)

    def happens(self, word, index):
        numbers = self.mode.get(word, ())
        return len(numbers) > index and self.random.uniform(0, 100) < numbers[index]


def address(text):
    host, port = text.rsplit(":", 1)
    return host, int(port)


async def serve(seed, path, pairs):
    proxy = Proxy(seed)
    for listen, target in pairs:
        await asyncio.start_server(lambda r, w, t=target: proxy.accept(r, w, t), *listen, limit=PIECE)
    await asyncio.start_unix_server(proxy.control, path, limit=4096)
    await asyncio.Event().wait()


def tell(path, line):
    with socket.socket(socket.AF_UNIX) as control:
        control.settimeout(5)
        control.connect(path)
        control.sendall(line.encode() + b"\n")
        answer = control.makefile().readline()
    print(answer, end="")
    return 1 if "error" in json.loads(answer) else 0


def main(arguments):
    seed, path, pairs = 1, None, []
    if len(arguments) == 3 and arguments[0] == "--tell":
        return tell(arguments[1], arguments[2])
    words = iter(arguments)
    try:
        for word in words:
            if word == "--seed":
                seed = int(next(words))
            elif word == "--control":
                path = next(words)
            else:
                pairs.append(tuple(address(end) for end in word.split("=")))
        if path is None or not pairs or any(len(pair) != 2 for pair in pairs):
            raise ValueError("--control and HOST:PORT=HOST:PORT are needed")
    except (ValueError, StopIteration) as error:
        print(f"tcp_proxy: {error}\n\n{__doc__}", file=sys.stderr)
        return 2
    try:
        asyncio.run(serve(seed, path, pairs))
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
