"""steering setup with presets and --budget: JSON, tables, files to be edited, and bad input in one line."""

from pathlib import Path

import pytest

from cascade_steering.analysis.cli.answers.laboratory import budget_answers
from cascade_steering.analysis.laboratory.presets import ORIGINS, preset_names, preset_text
from tests.analysis.cli.command import BOTH, Run
from tests.analysis.laboratory.test_setup_file import WHOLE

SCHEMES = ("unconditional", "conditional")


def test_the_presets_are_listed(steering: Run) -> None:
    assert list(steering("setup", "--list-presets", "--json").report["presets"]) == list(preset_names())
    assert all(name in steering("setup", "--list-presets").out for name in preset_names())


def test_a_preset_says_where_its_numbers_come_from(steering: Run) -> None:
    report = steering("setup", "--preset", "karg-2020", "--json").report
    assert report["preset"] == "karg-2020"
    assert "arXiv:2004.14424" in report["title"]
    assert {each["origin"] for each in report["sources"].values()} == set(ORIGINS)
    assert report["sources"]["plus.linewidth_hz"]["value"] == "0.3e3"
    answer = steering("setup", "--preset", "karg-2020")
    assert answer.code == 0
    assert "assumed" in answer.out
    assert "cavity kept" in answer.out


def test_a_preset_that_is_written_can_be_edited(steering: Run) -> None:
    assert steering("setup", "--preset", "khademi-2025", "--write", "mine.toml", "--json").report == {
        "preset": "khademi-2025",
        "file": "mine.toml",
    }
    path = Path("mine.toml")
    assert path.read_text(encoding="utf-8") == preset_text("khademi-2025")
    preset, file = (steering("setup", *each, "--json").report for each in (("--preset", "khademi-2025"), (str(path),)))
    assert {name: preset[name] for name in file} == file
    path.write_text(path.read_text(encoding="utf-8").replace("loss = 0.2", "loss = 0.3"), encoding="utf-8")
    assert steering("setup", str(path), "--json").report["loss"] == 0.3


LINES = [
    (("--preset", "karg"), "unknown preset 'karg'; known are delic-2020, karg-2020, khademi-2025, outlook-2019"),
    ((), "give FILE.toml or --preset NAME, one of them"),
    (("lab.toml", "--preset", "karg-2020"), "give FILE.toml or --preset NAME, one of them"),
    (("lab.toml", "--write", "mine.toml"), "--write needs --preset NAME"),
    (("--preset", "karg-2020", "--write", "nowhere/mine.toml"), "nowhere"),
    (("--preset", "karg", "--write", "mine.toml"), "unknown preset 'karg'"),
    (("bad.toml", "--budget"), "bad.toml: table [minus] is missing"),
]


@pytest.mark.parametrize(("arguments", "line"), LINES, ids=[" ".join(each) or "none" for each, _ in LINES])
def test_bad_input_is_one_line(steering: Run, arguments: tuple[str, ...], line: str) -> None:
    Path("lab.toml").write_text(WHOLE, encoding="utf-8")
    Path("bad.toml").write_text("", encoding="utf-8")
    answer = steering("setup", *arguments, "--json")
    assert (answer.code, answer.out) == (2, "")
    assert line in answer.err
    assert answer.err.count("\n") == 1
    assert not Path("mine.toml").exists()


@pytest.mark.slow
def test_the_budget_says_what_each_number_is_worth(steering: Run) -> None:
    report = steering("setup", "--preset", "outlook-2019", "--budget", "--json").report
    found = report["prospects"]
    for scheme in SCHEMES:
        for way in BOTH:
            assert 0.0 < found["first_steering_s"][scheme][way] < 1e-3
            stable, anywhere = (found[name][scheme][way] for name in ("best", "best_unstable"))
            assert stable["stable"]
            assert anywhere["value"] < stable["value"] < report["eliminated"][scheme][way]
            assert anywhere["theta_plus_pi"] <= found["largest_theta_plus_pi"] < 0.5
    names = [each["name"] for each in report["budget"]]
    assert {"minus.theta_pi", "plus.cavity.linewidth_hz", "1 - plus.cavity.outcoupling", "link.loss"} <= set(names)
    first = [each["unconditional"][BOTH[0]]["gain"] for each in report["budget"]]
    assert first == sorted(first, reverse=True)
    loss = report["budget"][names.index("link.loss")]
    # nothing is read without the record, and given it a loss costs more
    assert 0.0 < loss["unconditional"][BOTH[0]]["limit_gain"] < loss["conditional"][BOTH[0]]["limit_gain"]
    assert loss["unconditional"][BOTH[0]]["limit"] == 0.0
    efficiency = report["budget"][names.index("1 - detection.efficiency")]
    assert abs(efficiency["unconditional"][BOTH[0]]["derivative"]) < 1e-9 < efficiency["conditional"][BOTH[0]]["gain"]
    tables = budget_answers.budget_tables(report)
    assert [table.row_count for table in tables] == [9, *[len(names)] * 4, 4 * len(report["phases"])]
    assert str(tables[1].title).startswith("What each number is worth for E+|- without the record")
