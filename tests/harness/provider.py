# SPDX-License-Identifier: Apache-2.0
"""A provider behind HTTP, as bad as a test wants it: the path says how it answers."""

import http.server
import socket
import struct
import threading
import time


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body, **headers):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        provider = self.server.provider
        with provider.lock:
            provider.requests.append((self.path, dict(self.headers), body))
            times = sum(path == self.path for path, _, _ in provider.requests)
        getattr(self, "path_" + self.path.strip("/").split("/")[0])(body, times)

    def path_ok(self, body, _):
        self.answer(200, b'{"got":' + body + b"}")

    def path_text(self, _, __):
        self.answer(200, b'plain "text"')

    def path_slow(self, _, __):
        time.sleep(3)
        self.answer(200, b"{}")

    def path_broken(self, _, __):
        self.answer(500, b"{}")

    def path_once(self, _, times):
        """Full at first, then fine."""
        self.answer(503 if times == 1 else 200, b"{}")

    def path_forbidden(self, _, __):
        self.answer(403, b"{}")

    def path_huge(self, _, __):
        self.answer(200, b'"' + b"x" * (1 << 20) + b'"')

    def path_reset(self, _, __):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True


class Provider:
    def __init__(self):
        self.lock = threading.Lock()
        self.requests = []
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.provider = self
        self.server.handle_error = lambda *_: None
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def times(self, path):
        return sum(seen == path for seen, _, _ in self.requests)
