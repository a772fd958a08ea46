"""The tables and the numbers in the text of the page about unstable pairs, computed again; its commands: test_pages."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from cascade_steering.analysis.paper.figures.without_stability import LONGEST_PULSE, MOST_PULSE_QUANTA
from cascade_steering.analysis.protocols.best_pulse import best_pulse
from cascade_steering.analysis.protocols.pulse_search import PulseSearch
from cascade_steering.analysis.working_points.optimum import Search, best_points
from cascade_steering.analysis.working_points.working_point import WorkingPoint
from tests.support.systems import HOT

PAGE = (Path(__file__).parents[2] / "analysis/paper/BEYOND_STABILITY.md").read_text(encoding="utf-8")
CORNER = WorkingPoint(c_minus=10, c_plus=17.4, theta_minus_pi=0.0, theta_plus_pi=0.5)
FORWARD, BACKWARD = "plus_given_minus", "minus_given_plus"


def table(first: str) -> list[list[str]]:
    """The rows of cells below a heading that begins with ``first``, or beside it in the same row."""
    start = PAGE.index(f"| {first} |")
    rows = [line.replace("\\|", "") for line in PAGE[start:].split("\n\n")[0].splitlines()]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows if "---" not in row]


def printed(text: str) -> float:
    """A number, to be compared with ``unit``."""
    return float(text.strip(" %"))


def unit(text: str) -> float:
    """Half of the last digit of a number that is printed, and a little for rounding."""
    return 0.5001 * 10.0 ** -len(text.strip(" %").partition(".")[2])


def holds(text: str, value: float) -> bool:
    return abs(printed(text) - value) <= unit(text)


@pytest.mark.slow
def test_what_stability_costs() -> None:
    _, *rows = table("C₋")
    assert [printed(row[0]) for row in rows] == [1, 2, 5, 10, 30, 100]
    for c, stable, unstable, c_plus, given_record, cost in rows:
        search = Search(c_minus=float(c), bath_minus=HOT, bath_plus=HOT)
        demanded = best_points(search, conditional=False)[FORWARD]
        free = best_points(replace(search, unstable=True), conditional=False)[FORWARD]
        plus = free.cascade.plus
        # the point is known to 1e-5, E is flat there
        best_c_plus = plus.strength / plus.bath.decoherence_rate
        corner = replace(CORNER, c_minus=float(c), c_plus=best_c_plus)
        assert holds(stable, demanded.value)
        assert holds(unstable, free.value)
        assert holds(c_plus, best_c_plus)
        assert holds(given_record, corner.steady().conditional[FORWARD])
        assert holds(cost, 100 * (1 - free.value / demanded.value))


def test_over_the_edge() -> None:
    angles, forward, backward = table("θ₋/π")
    point = WorkingPoint(c_minus=10, c_plus=17.667, theta_plus_pi=0.414927)
    for angle, first, second in list(zip(angles, forward, backward, strict=True))[1:]:
        found = replace(point, theta_minus_pi=float(angle)).steady()
        assert found.stable == (float(angle) >= 0.25)
        assert holds(first, found.unconditional[FORWARD])
        assert holds(second, found.unconditional[BACKWARD])
    # the slope of E₋|₊ jumps at the edge
    below, at, above = (printed(backward[angles.index(angle)]) for angle in ("0.245", "0.25", "0.255"))
    assert at - below > 5 * (above - at) > 0


def test_numbers_in_the_text() -> None:
    at_edge = WorkingPoint(c_minus=10, c_plus=17.667, theta_minus_pi=0.25, theta_plus_pi=0.414927).steady()
    said = re.search(r"E₊\|₋ = (\S+), and (\S+) at the same point given the record", PAGE)
    assert said is not None
    assert holds(said[1], at_edge.unconditional[FORWARD])
    assert holds(said[2], at_edge.conditional[FORWARD])
    warm = CORNER.transient(times_units=[1.0], initial="thermal").milestones
    times = re.search(r"after (\S+)/γ̃₀ given the record and after (\S+)/γ̃₀ without it", PAGE)
    assert times is not None
    for text, scheme in ((times[1], "conditional"), (times[2], "unconditional")):
        first = warm.windows[scheme][FORWARD][0].start / CORNER.time_unit  # type: ignore[index]
        assert holds(text, first)
    minus = CORNER.cascade.minus
    assert "ten times Γ₋" in PAGE
    assert 2e6 * 3.1416 / minus.strength == pytest.approx(10, rel=0.01)
    rotating, full = (each.steady() for each in (CORNER, replace(CORNER, frequency_hz=1e6)))
    for scheme in ("unconditional", "conditional"):
        assert full.E[scheme][FORWARD] == pytest.approx(rotating.E[scheme][FORWARD], rel=1e-5)
    energy, alone = re.search(r"it is (\S+)\. At small C₋ a little remains: (\S+) at", PAGE).groups()  # type: ignore[union-attr]
    assert holds(energy, CORNER.feedback(law="ideal", actuators_on="minus", cost="energy").controlled[FORWARD])
    small = replace(CORNER, c_minus=2, c_plus=10.4)
    assert holds(alone, small.feedback(law="ideal", actuators_on="minus").controlled[FORWARD])


@pytest.mark.slow
def test_pulses_of_few_quanta() -> None:
    search = PulseSearch(
        c_minus=100.0, bath_minus=HOT, bath_plus=HOT, longest_units=LONGEST_PULSE, most_quanta=MOST_PULSE_QUANTA,
        lo_phase_pi=0.5,
    )  # fmt: skip
    without, known = (best_pulse(replace(search, conditional=given))[FORWARD].value for given in (False, True))
    said = re.search(r"they reach E₊\|₋ = (\S+), where", PAGE)
    gain = re.search(r"helps a little more, by (\d+) %", PAGE)
    assert said is not None
    assert gain is not None
    assert holds(said[1], without)
    assert holds(gain[1], 100 * (1 - known / without))
