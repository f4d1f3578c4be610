#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A server that keeps no rule: 200 and {} to everything. The suite must not like it.

    wrong_server.py PORT
"""

import socketserver
import sys

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class Wrong(socketserver.StreamRequestHandler):
    timeout = 3

    def handle(self):
        while self.rfile.readline(1 << 17):
            length = 0
            for line in iter(lambda: self.rfile.readline(1 << 17), b"\r\n"):
                if not line:
                    return
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            self.rfile.read(length)
            self.wfile.write(ANSWER)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


if __name__ == "__main__":
    with Server(("127.0.0.1", int(sys.argv[1])), Wrong) as server:
        server.serve_forever()
