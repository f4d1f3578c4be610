# SPDX-License-Identifier: Apache-2.0
"""For tests of the pipeline's programs: a nats-server of the test's own, programs that
are ended whatever happens, and lines "ok - name"."""

import atexit
import base64
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.request
import uuid

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "contract"))
from nats_peer import Peer  # noqa: E402

BUILD = os.path.join(ROOT, os.environ.get("SL_BUILD", "build"))
FOLDER = tempfile.mkdtemp(prefix="sluice-pipeline-")
programs = []
failed = []


def at_end():
    for program in programs:
        program.kill()
    shutil.rmtree(FOLDER, ignore_errors=True)


atexit.register(at_end)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def path(name):
    return os.path.join(FOLDER, name)


class Program:
    def __init__(self, name, arguments, env=None):
        self.name = name
        self.output = open(path(f"{name}-{uuid.uuid4().hex}.log"), "w+")
        self.process = subprocess.Popen(
            arguments, stdout=self.output, stderr=subprocess.STDOUT, env=os.environ | (env or {})
        )
        programs.append(self)

    def log(self):
        with contextlib.suppress(ValueError, OSError):
            with open(self.output.name) as file:
                return file.read()
        return ""

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        with contextlib.suppress(OSError):
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        self.process.wait(5)

    def end(self, seconds=15):
        """Its exit code after SIGTERM."""
        self.process.terminate()
        return self.process.wait(seconds)


def until(condition, seconds=10.0, every=0.02):
    """The first true value of @condition, or its last value."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value
        time.sleep(every)


class Nats(Program):
    def __init__(self, port=None, store=None):
        self.port = port or free_port()
        self.store = store or path(f"jetstream-{self.port}")
        self.address = f"127.0.0.1:{self.port}"
        command = ["nats-server", "-a", "127.0.0.1", "-p", str(self.port), "-js", "-sd", self.store]
        super().__init__("nats", command)
        assert until(self.answers), "nats-server does not answer"

    def answers(self):
        with contextlib.suppress(OSError):
            with socket.create_connection(("127.0.0.1", self.port), 1) as probe:
                return probe.recv(4) == b"INFO"
        return False


class Daemon(Program):
    """A program of ours with a configuration, on a metrics port of its own."""

    def __init__(self, name, program, nats, config, wait=True):
        self.port = free_port()
        with open(path(name + ".yaml"), "w") as file:
            file.write(f"version: 1\nnats: {{servers: 'nats://{nats.address}', reconnect_wait: 50ms}}\n")
            file.write(f"metrics: {{address: 127.0.0.1, port: {self.port}}}\n{config}\n")
        binary = os.path.join(BUILD, "bin", program)
        super().__init__(name, [binary, "--config", path(name + ".yaml"), "--log-level", "debug"])
        if wait:
            assert until(self.ready, 30), f"{name} is not ready"

    def page(self, name):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{name}", timeout=3) as answer:
            return answer.read().decode()

    def ready(self):
        with contextlib.suppress(OSError):
            return self.page("readyz") == "ok\n"
        return False

    def metric(self, sample):
        """The value of a sample like `name{label="x"}`, 0 when it is not there."""
        for line in self.page("metrics").splitlines():
            if line.startswith(sample + " "):
                return float(line.rsplit(" ", 1)[1])
        return 0.0


def assignment(**change):
    made = {
        "version": "1",
        "assignment_id": str(uuid.uuid4()),
        "request_id": str(uuid.uuid4()),
        "tenant_id": "acme",
        "executor": {"provider_id": "p-1", "channel": "nats"},
        "job": {"type": "chat", "payload": {"text": "for the worker"}},
        "options": {"priority": 50, "deadline_ms": 20000, "retry": {"max_attempts": 2, "backoff_ms": 50}},
    }
    return made | change


def assign(peer, sent, **options):
    if options:
        sent["options"] = sent["options"] | options
    answer = peer.js_publish("caf.exec.assign.v1", sent, "assign-" + sent["assignment_id"])
    assert "seq" in answer, answer
    return sent["assignment_id"]


def messages(peer, stream):
    """Everything in a stream, as JSON."""
    state = peer.js(f"STREAM.INFO.{stream}")["state"]
    found = []
    for number in range(max(1, state["first_seq"]), state["last_seq"] + 1):
        got = peer.js(f"STREAM.MSG.GET.{stream}", {"seq": number})
        if "message" in got:
            found.append(json.loads(base64.b64decode(got["message"]["data"])))
    return found


def results_of(peer, names, seconds=10.0):
    """{assignment_id: result} of all of @names, which have one each."""

    def look():
        found = [one for one in messages(peer, "SLUICE_RESULTS") if one["assignment_id"] in names]
        return found if len(found) >= len(names) else None

    found = until(look, seconds, 0.1) or messages(peer, "SLUICE_RESULTS")
    same(sorted(one["assignment_id"] for one in found), sorted(names), "results of")
    return {one["assignment_id"]: one for one in found}


def state(peer, stream):
    return peer.js(f"STREAM.INFO.{stream}")["state"]


def same(got, wanted, what="value"):
    assert got == wanted, f"{what}: {got!r}, wanted {wanted!r}"


def check_documents(binary, name):
    """The page of operations ends with what the program says of its keys."""
    said = subprocess.run([binary, "--config-help"], capture_output=True, text=True, check=True).stdout
    with open(os.path.join(ROOT, "docs", "ops", name + ".md")) as file:
        assert file.read().endswith("#" + said), f"make docs/ops/{name}.md anew from --config-help"
    example = os.path.join(ROOT, "docs", "examples", name + ".yaml")
    checked = subprocess.run([binary, "--check", "--config", example], capture_output=True, text=True)
    same((checked.returncode, "is good" in checked.stdout), (0, True), checked.stderr)


def tell_logs():
    for program in programs:
        if not isinstance(program, Nats):
            for line in program.log().splitlines()[-6:]:
                print(f"# {program.name}: {line[:300]}", flush=True)


def run_all(checks, *arguments):
    for function in checks:
        name = function.__doc__.strip()
        try:
            function(*arguments)
            print(f"ok - {name}", flush=True)
        except Exception as error:  # noqa: BLE001: whatever it is, the check failed
            failed.append(name)
            print(f"not ok - {name}", flush=True)
            print(f"# {type(error).__name__}: {error}", flush=True)
            for line in traceback.format_exc().splitlines()[-5:]:
                print(f"# {line}", flush=True)
            tell_logs()
        for program in programs:
            program.kill()
        programs.clear()
    sys.exit(1 if failed else 0)


__all__ = [name for name in dir() if not name.startswith("_")]
