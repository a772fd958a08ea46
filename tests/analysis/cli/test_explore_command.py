"""steering explore as a process: where it listens, who may speak to it, and how it ends."""

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from cascade_steering.analysis.cli.commands.exploring import explore_command
from tests.analysis.cli.command import ENVIRONMENT, Run


def test_without_the_extra_it_says_what_to_install(steering: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explore_command, "find_spec", lambda name: None)
    answer = steering("explore", "--no-browser")
    needed = "steering explore needs the package bokeh: pip install 'cascade-steering[explore]'"
    assert (answer.code, answer.out, answer.err) == (2, "", f"steering: error: {needed}\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("?loss=2",), "loss must be at least 0 and at most 1, got 2.0"),
        (("http://127.0.0.1:5006/?angle=2",), "a link has no 'angle'"),
        (("--preset", "none"), "unknown preset 'none'"),
        (("?loss=0.1", "--preset", "karg-2020"), "give LINK, --setup FILE.toml or --preset NAME, one of them"),
        (("--port", "70000"), "70000 is not in the range 0<=x<=65535"),
    ],
)
def test_what_is_wrong_is_said_before_there_is_a_page(steering: Run, arguments: tuple[str, ...], message: str) -> None:
    pytest.importorskip("bokeh", reason="the extra explore is not installed")
    answer = steering("explore", "--no-browser", *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert message in answer.err
    assert answer.err.count("\n") == 1


@contextmanager
def exploring(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process of a page and its address."""
    command = [sys.executable, "-m", "cascade_steering.analysis.cli", "explore", "--no-browser", "--json", *arguments]
    process = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        line = process.stdout.readline()
        assert line, process.stderr.read()
        yield process, json.loads(line)["address"]
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


def opened_from(origin: str, address: str) -> int:
    """The status with which the websocket of a page answers a page of ``origin``."""
    key = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
           "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Origin": origin}  # fmt: skip
    server = HTTPConnection(str(urlsplit(address).netloc), timeout=60)
    try:
        server.request("GET", "/ws", headers=key)
        return server.getresponse().status
    finally:
        server.close()


@pytest.mark.slow
def test_a_page_for_this_machine_alone_until_ctrl_c() -> None:
    pytest.importorskip("bokeh", reason="the extra explore is not installed")
    with exploring("?loss=0.1") as (process, link), exploring() as (other, address):
        # two at once, each on a port of its own
        assert urlsplit(link).netloc != urlsplit(address).netloc
        assert urlsplit(link).query == "loss=0.1"
        assert urlsplit(address).hostname == "127.0.0.1"
        with urllib.request.urlopen(link, timeout=60) as page:
            text = page.read().decode()
        assert page.status == 200
        assert "Steering of two cascaded oscillators" in text
        # everything is on this server
        assert "https://" not in text.replace("https://docs.bokeh.org", "")
        assert opened_from("http://example.org", address) == 403
        port = urlsplit(address).port
        refused = subprocess.run(
            [sys.executable, "-m", "cascade_steering.analysis.cli", "explore", "--no-browser", "--port", str(port)],
            env=ENVIRONMENT, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert (refused.returncode, refused.stdout) == (2, "")
        assert refused.stderr.startswith("steering: error: ")
        assert refused.stderr.count("\n") == 1
        for each, number in ((process, signal.SIGINT), (other, signal.SIGTERM)):
            each.send_signal(number)
            assert each.wait(30) == 0
        # of the other the server has written which websocket it refused
        assert process.stderr is not None
        assert process.stderr.read() == ""
        # nothing listens any more
        with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", int(port or 0))):
            pass
