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
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from cascade_steering.analysis.cli.commands.exploring import explore_command
from cascade_steering.analysis.cli.commands.exploring.page_configuration import configured_state
from cascade_steering.analysis.working_points.working_point import WorkingPoint
from cascade_steering.sim.parameters import Bath
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
        (
            ("?loss=0.1", "--preset", "karg-2020"),
            "give LINK, --setup FILE.toml, --preset NAME or --config FILE.toml, one of them",
        ),
        (("--port", "70000"), "70000 is not in the range 0<=x<=65535"),
    ],
)
def test_what_is_wrong_is_said_before_there_is_a_page(steering: Run, arguments: tuple[str, ...], message: str) -> None:
    pytest.importorskip("bokeh", reason="the extra explore is not installed")
    answer = steering("explore", "--no-browser", *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert message in answer.err
    assert answer.err.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("c-minos = 3", "given.toml: unknown option 'c-minos', which no command has; on the page are c-minus, c-plus"),
        ("loss = 2", "given.toml: loss must be at least 0 and at most 1, got 2.0"),
        ("loss = 0.1\nLOSS = 1", "given.toml: unknown option 'LOSS'"),
        ("c-plus = 3\nc_plus = 4", "given.toml: option 'c_plus' is given twice"),
        ("[minus]\nkind = 'spins'", "given.toml: it holds the numbers of a laboratory: give it as --setup"),
        ("loss", "given.toml: "),
    ],
)
def test_what_is_wrong_in_a_file_is_said(steering: Run, content: str, message: str) -> None:
    pytest.importorskip("bokeh", reason="the extra explore is not installed")
    Path("given.toml").write_text(content, encoding="utf-8")
    answer = steering("explore", "--no-browser", "--config", "given.toml")
    assert (answer.code, answer.out) == (2, "")
    assert message in answer.err
    assert answer.err.count("\n") == 1


def test_a_file_of_options_is_where_the_page_begins_and_what_it_leaves_out_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("given.toml").write_text(
        'c_plus = 60\ntheta-plus = 0.41\nbath-minus = [3, 4.5]\nscheme = "heterodyne"\ninitial = "thermal"\n'
        'duration = "10us"\nseed = 4\nfrequency = 1e6\njobs = 2\n',
        encoding="utf-8",
    )
    state, left_out = configured_state(Path("given.toml"))
    assert left_out == ["frequency", "jobs"]
    point = WorkingPoint(c_plus=60, theta_plus_pi=0.41, bath_minus=Bath.of_text("3,4.5"), scheme="heterodyne")
    assert (state.point, state.initial, state.seed) == (point, "thermal", 4)
    assert state.duration_units * point.time_unit == pytest.approx(10e-6, rel=1e-12)
    # a start that the page has not
    Path("given.toml").write_text("initial = [1, 2]\nloss = 0.1", encoding="utf-8")
    state, left_out = configured_state(Path("given.toml"))
    assert (state.initial, state.point.loss, left_out) == ("ground", 0.1, ["initial"])


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
        assert refused.stderr.startswith(f"steering: error: port {port} on 127.0.0.1 cannot be used (")
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
