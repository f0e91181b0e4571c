"""Pulls from a hub: a real HTTP server on this machine, asked through the real huggingface_hub.

Each pull runs in a process of its own, because huggingface_hub reads its address when it is imported.
"""

from __future__ import annotations

import http.server
import os
import re
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from zicoder.models.catalog import HubSource

pytest.importorskip("huggingface_hub")

DRIVER = Path(__file__).with_name("pull_driver.py")
SOURCE = HubSource(repo="zi/tiny", revision="a" * 40, file="tiny-q4.gguf")
URL = f"/zi/tiny/resolve/{'a' * 40}/tiny-q4.gguf"
MIB = 1 << 20


class Hub(http.server.ThreadingHTTPServer):
    """Serves one file, as badly as it is told to."""

    def __init__(self, data):
        super().__init__(("127.0.0.1", 0), Answer)
        self.data = data
        self.break_after = None
        self.ranges = True
        self.status = None
        self.requests = []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class Answer(http.server.BaseHTTPRequestHandler):
    server: Hub  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_GET(self):
        hub = self.server
        hub.requests.append((self.path, dict(self.headers)))
        if hub.status or self.path != URL:
            self.send_error(hub.status or 404)
            return
        wanted = re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(wanted[1]) if wanted and hub.ranges else 0
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(hub.data) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(hub.data) - 1}/{len(hub.data)}")
        self.end_headers()
        end = start + hub.break_after if hub.break_after else len(hub.data)
        self.wfile.write(hub.data[start:end])
        if end < len(hub.data):
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format, *args):  # noqa: A002 - the base class names it so
        pass


@pytest.fixture
def world(make_world):
    return make_world(sources=(SOURCE,))


@pytest.fixture
def hub(world):
    with Hub(world.data) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def pull(world, driver_arguments):
    def run(url, **variables):
        kept = {
            key: value for key, value in os.environ.items() if not key.startswith("HF_") and "proxy" not in key.lower()
        }
        done = subprocess.run(
            [sys.executable, str(DRIVER), *driver_arguments(world)],
            capture_output=True,
            text=True,
            env=kept | {"HF_ENDPOINT": url} | variables,
            timeout=90,
            check=False,
        )
        assert "Traceback" not in done.stderr
        return done.stdout.splitlines()[-1]

    return run


def test_a_model_comes_from_the_hub(world, hub, pull):
    assert pull(hub.url) == f"done|{world.store.blob(world.entry)}"
    assert world.store.blob(world.entry).read_bytes() == world.data


def test_the_hub_learns_nothing_about_the_user(hub, pull):
    pull(hub.url, HF_TOKEN="hf_secret")
    [(path, headers)] = hub.requests
    assert path == URL
    assert headers["user-agent"] == "zicoder"
    assert "authorization" not in {name.lower() for name in headers}


def test_a_broken_connection_is_taken_up_where_it_broke(world, hub, pull):
    hub.break_after = 4 * MIB
    assert pull(hub.url).startswith("done|")
    starts = [int(headers.get("range", "bytes=0-")[6:-1]) for _, headers in hub.requests]
    assert len(starts) == 3
    assert starts == sorted(starts)
    assert starts[1] > 3 * MIB
    assert world.store.verify(world.entry)


def test_a_hub_that_ignores_ranges_sends_it_all_again(world, hub, pull):
    hub.ranges = False
    world.partial.parent.mkdir(parents=True)
    world.partial.write_bytes(world.data[: 2 * MIB])
    assert pull(hub.url).startswith("done|")
    assert world.store.verify(world.entry)


def test_wrong_bytes_from_the_hub_are_refused(world, hub, pull):
    hub.data = hub.data[:-1] + bytes([hub.data[-1] ^ 1])
    last = pull(hub.url)
    assert last.startswith("DownloadFailed|")
    assert "From the hub (zi/tiny): the bytes are not the model's" in last
    assert world.store.state(world.entry) == "absent"


def test_more_bytes_than_the_model_has_are_not_written(world, hub, pull):
    hub.data += bytes(5 * MIB)
    assert "more than 9.4 MB arrived" in pull(hub.url)
    assert world.store.state(world.entry) == "absent"


def test_a_refusal_is_told(hub, pull):
    hub.status = 503
    assert "From the hub (zi/tiny): it answered 503" in pull(hub.url)


def test_offline_mode_is_honoured(hub, pull):
    assert "HF_HUB_OFFLINE is set" in pull(hub.url, HF_HUB_OFFLINE="1")
    assert hub.requests == []


def test_a_hub_that_cannot_be_reached_is_told(pull):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    assert "From the hub (zi/tiny): it cannot be reached" in pull(f"http://127.0.0.1:{port}")


def test_a_hub_that_never_answers_costs_seconds_not_minutes(pull):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        assert "it did not answer within 8 seconds" in pull(f"http://127.0.0.1:{silent.getsockname()[1]}")
    assert time.monotonic() - began < 60
