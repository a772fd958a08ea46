"""steering network: its JSON, its tables, and bad files in one line."""

from pathlib import Path

import pytest

import cascade_steering as cs
from tests.analysis.cli.command import Run
from tests.analysis.cli.test_setup_command import SCHEMES

CLIENT = """
[[node]]
name = "client_{number}"
mass = "negative"
cooperativity = 10
theta_pi = 0.3
bath = "hot"
"""
SERVER = """
[[node]]
name = "server"
mass = "positive"
cooperativity = 30
theta_pi = 0.37
bath = {{ linewidth_hz = 0.1, occupation = 1e5 }}
loss_before = {loss}
"""
REST = """
[light]
squeezing_db = 3
squeezing_angle_pi = 1
[detection]
efficiency = 0.9
"""
WHOLE = CLIENT.format(number=1) + CLIENT.format(number=2) + SERVER.format(loss=0.1) + REST


def write(text: str) -> str:
    Path("network.toml").write_text(text, encoding="utf-8")
    return "network.toml"


def test_the_report_has_e_of_those_asked_for_and_of_all_pairs(steering: Run) -> None:
    report = steering("network", write(WHOLE), "--json").report
    network = cs.read_network("network.toml")
    assert [each.name for each in network.nodes] == report["nodes"] == ["client_1", "client_2", "server"]
    assert (network.nodes[2].loss_before, network.squeezing_db, network.detection.efficiency) == (0.1, 3, 0.9)
    assert network.nodes[2].oscillator == network.nodes[2].from_cooperativity(
        30, name="x", mass="positive", theta_pi=0.37, bath="hot"
    ).oscillator  # fmt: skip
    exact, way = network.steady(), cs.Steered(mode="server", by=("client_1", "client_2"))
    assert (report["steered"], report["by"]) == (["server"], ["client_1", "client_2"])
    for scheme in SCHEMES:
        assert report[scheme]["E"] == exact.E[scheme][way]
        assert report[scheme]["collective"]
    assert len(report["pairs"]) == 6
    for pair in report["pairs"]:
        name = f"{pair['steered']}_given_{pair['by']}"
        assert (pair["E"], pair["E_conditional"]) == (exact.unconditional[name], exact.conditional[name])
    several = steering("network", "network.toml", "--json", "--steer", "client_1,server", "--by", "client_2").report
    asked = cs.Steered(mode=("client_1", "server"), by=("client_2",))
    assert several["conditional"]["E"] == exact.conditional[asked]
    assert several["bipartitions"] == report["bipartitions"]
    assert report["bipartitions"]["unconditional"]["smallest"]["E"] <= report["unconditional"]["E"]


def test_the_tables_show_each_alone_and_pairs(steering: Run) -> None:
    answer = steering("network", write(WHOLE))
    for text in ("given client_1 and client_2", "given client_2 alone", "client_1 given server", "collective"):
        assert text in answer.out
    assert answer.err == ""


def test_a_node_that_is_not_damped_is_named_with_what_would_help(steering: Run) -> None:
    grown = WHOLE.replace("theta_pi = 0.3\n", "theta_pi = 0.2\n", 1)
    answer = steering("network", write(grown), "--json")
    report = answer.report
    assert report["unconditional"]["stable"] is False
    assert 0 < report["conditional"]["E"] < report["unconditional"]["E"] < 0.5
    assert any(each["E"] is None for each in report["pairs"])
    assert answer.err.startswith("steering: warning: network.toml: node client_1 is not damped, gamma = -1.94")
    assert "it is damped at theta_pi > 0.25 or cooperativity < 3.2" in answer.err
    assert answer.err.count("\n") == 1
    assert "grows" in steering("network", "network.toml").out
    # what it says is so
    edge = float(answer.err.split("cooperativity < ")[1])
    damped = grown.replace("cooperativity = 10\n", f"cooperativity = {edge * 0.999}\n", 1)
    assert steering("network", write(damped), "--json").report["unconditional"]["stable"] is True


BAD = {
    "network.toml: table [[node]] is missing": "",
    "network.toml: [node client_1] name must differ from those of other nodes, got 'client_1' again": WHOLE.replace(
        "client_2", "client_1"
    ),
    "network.toml: [node server] loss_before must be at least 0 and at most 1, got 1.5": WHOLE.replace(
        "loss_before = 0.1", "loss_before = 1.5"
    ),
    "network.toml: [node 1] unknown key 'teta_pi'; known are name, mass": WHOLE.replace("theta_pi", "teta_pi"),
    "network.toml: [node client_1] mass must be one of negative, positive, got 'neutral'": WHOLE.replace(
        '"negative"', '"neutral"'
    ),
    "network.toml: [node client_1] bath must be one of hot, vacuum, or { linewidth_hz": WHOLE.replace("hot", "cold"),
    "network.toml: [node server.bath] occupation must be at least 0": WHOLE.replace("1e5", "-1"),
    "network.toml: [node client_1] theta_pi is missing": WHOLE.replace("theta_pi = 0.3\n", ""),
    "network.toml: [node 1] name is missing": WHOLE.replace('name = "client_1"\n', ""),
    "network.toml: [node 1] name must have no commas and spaces, got 'a, b'": WHOLE.replace("client_1", "a, b"),
    "network.toml: [light] squeezing_db must be at least 0": WHOLE.replace("squeezing_db = 3", "squeezing_db = -3"),
    "network.toml: [detection] efficiency must be at least 0 and at most 1, got 2": WHOLE.replace("0.9", "2"),
    "network.toml: node must be tables, each under [[node]]": "[node]\nname = 'a'\n",
    "network.toml: Expected": "[[node",
    "no steady state given the record: the motion of oscillator client_1 is not damped": WHOLE.replace(
        "theta_pi = 0.3\n", "theta_pi = 0.2\n", 1
    ).replace("efficiency = 0.9", "efficiency = 0.0"),
}  # fmt: skip


@pytest.mark.parametrize("line", BAD)
def test_a_bad_file_is_one_line(steering: Run, line: str) -> None:
    answer = steering("network", write(BAD[line]), "--json")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(f"steering: error: {line}")
    assert answer.err.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (("--steer", "drum"), "there is no node 'drum' in the network: its nodes are client_1, client_2, server"),
        (("--steer", "server", "--by", "server"), "the steered and the steering oscillators must differ"),
        (("--by", "client_1,,server"), "--by must be names with commas between them, got 'client_1,,server'"),
    ],
)
def test_a_name_that_cannot_be_is_one_line(steering: Run, options: tuple[str, ...], line: str) -> None:
    answer = steering("network", write(WHOLE), *options)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(f"steering: error: {line}")
    assert answer.err.count("\n") == 1
