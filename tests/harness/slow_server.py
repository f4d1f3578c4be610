# SPDX-License-Identifier: Apache-2.0
"""slow_server.py ADDRESS PORT FILE SECONDS: an HTTP/1.1 server that answers every GET
with the same file, each after a pause. One thread for each connection."""
import http.server
import pathlib
import socket
import sys
import time

address, port, body, pause_s = sys.argv[1], int(sys.argv[2]), pathlib.Path(sys.argv[3]), float(sys.argv[4])


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self):
        time.sleep(pause_s)
        content = body.read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
    daemon_threads = True
    request_queue_size = 1024


Server((address, port), Handler).serve_forever()
