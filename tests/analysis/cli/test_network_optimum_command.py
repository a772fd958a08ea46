"""steering network --optimum and --figure: JSON, table, and options that do not fit."""

from pathlib import Path

import pytest
from matplotlib.image import imread

from tests.analysis.cli.command import Run
from tests.analysis.cli.test_network_command import CLIENT, SERVER, WHOLE

PAIR = CLIENT.format(number=1) + SERVER.format(loss=0.0)


def write(text: str) -> str:
    Path("network.toml").write_text(text, encoding="utf-8")
    return "network.toml"


def test_the_best_pair_in_json(steering: Run) -> None:
    report = steering("network", write(PAIR), "--optimum", "--json").report
    assert report["E"] == pytest.approx(0.28504, abs=1e-5)
    assert report["stable"] is True
    assert report["unused"] == []
    assert [each["name"] for each in report["nodes"]] == ["client_1", "server"]
    assert report["nodes"][0]["theta_pi"] == pytest.approx(0.25, abs=1e-5)


@pytest.mark.slow
def test_the_best_pair_may_grow_or_keep_a_node(steering: Run) -> None:
    grown = steering("network", write(PAIR), "--optimum", "--unstable")
    assert "best E of server given client_1: 0.147220" in grown.out
    assert "not stable" in grown.out
    held = steering("network", "network.toml", "--optimum", "--fixed", "client_1", "--json").report
    assert held["nodes"][0]["theta_pi"] == 0.3


def test_a_network_is_drawn(steering: Run) -> None:
    answer = steering("network", write(WHOLE), "--figure", "network.png", "--json")
    assert answer.report["figure"] == "network.png"
    pixels = imread("network.png")[..., :3]
    assert pixels.shape[1] > 800
    # arrows, names and nodes, and white between them
    assert 0.005 < (pixels.min(axis=-1) < 0.9).mean() < 0.3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--unstable",), "--unstable has no meaning without --optimum"),
        (("--least-damping", "0.1"), "--least-damping has no meaning without --optimum"),
        (("--optimum",), "the best network is searched without squeezed light, got 3 dB"),
        (("--optimum", "--fixed", "eve"), "eve"),
        (("--optimum", "--least-damping", "3"), "least_damping must be at least 1e-07 and at most 0.5, got 3"),
        (("--figure", "network.txt"), "must end in one of"),
    ],
)
def test_what_does_not_fit_is_said_in_one_line(steering: Run, arguments: tuple[str, ...], said: str) -> None:
    answer = steering("network", write(WHOLE), *arguments)
    assert answer.code == 2
    assert said in answer.err
    assert answer.err.count("\n") == 1
