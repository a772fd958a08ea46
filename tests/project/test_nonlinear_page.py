"""The table and the numbers in the text of the page about nonlinear oscillators, computed again."""

import math
import re
from pathlib import Path
from typing import Any

import pytest

from cascade_steering.analysis.nonlinear.best_kerr import (
    best_given_record,
    best_without_record,
    steering_without_record,
)
from cascade_steering.analysis.nonlinear.finite_spin import best_spin_given_record, best_spin_without_record
from cascade_steering.analysis.nonlinear.kerr_pair import KerrPair
from cascade_steering.sim.rotating_wave.nonlinear.spin_steady import spin_first_order

PAGE = (Path(__file__).parents[2] / "analysis/nonlinear/NONLINEAR.md").read_text(encoding="utf-8")
FLAT = re.sub(r"\s+", " ", PAGE)
BEST = 0.285043


def edge(kerr: float) -> float:
    """E₊|₋ at the paper's point."""
    pair = KerrPair(damping=1 / (1e5 + 0.5), cooperativity=17.67, theta_plus_pi=0.4149, kerr_minus=kerr)
    return steering_without_record(pair)


def ends(*rows: tuple[str, float]) -> list[Any]:
    """Of a table whose rows are computed alike the first and the last; scripts/test-long checks those between."""
    return [rows[0], *(pytest.param(*each, marks=pytest.mark.long) for each in rows[1:-1]), rows[-1]]


@pytest.mark.slow
@pytest.mark.parametrize(("text", "kerr"), ends(("10⁻⁸", 1e-8), ("10⁻⁶", 1e-6), ("10⁻⁴", 1e-4), ("10⁻²", 1e-2)))
def test_the_table(text: str, kerr: float) -> None:
    (line,) = (each for each in PAGE.splitlines() if each.startswith(f"| {text} |"))
    cells = [cell.strip() for cell in line.strip("|").split("|")][1:]
    alone, given = best_without_record(kerr_minus=kerr), best_given_record(kerr_minus=kerr)
    back = best_without_record(kerr_minus=kerr, direction="minus_given_plus")
    opposed = best_without_record(kerr_minus=kerr, kerr_plus=-kerr / alone.pair.ratio**2)
    values = (
        alone.value, alone.pair.damping, back.value, back.pair.damping, best_without_record(kerr_plus=kerr).value,
        opposed.value, given.value, given.pair.damping,
    )  # fmt: skip
    for cell, value in zip(cells, values, strict=True):
        # half a unit of the last digit, and what the searches leave open of a flat minimum
        assert abs(float(cell) - value) <= 0.6e-5 + 1e-5 * value, (cell, value)


def test_the_numbers_of_the_answer() -> None:
    assert "χ = 7·10⁻¹⁰ γ̃₀ per quantum costs one percent of E₊|₋, and 6·10⁻⁹ γ̃₀ all steering" in FLAT
    assert abs(edge(7e-10) / BEST - 1.01) < 5e-4
    assert edge(5.5e-9) < 0.5 < edge(6.5e-9)
    assert "at the distance γ₋ = 5.4 √(χγ̃₀) from the edge, where V₋ = 1.1 √(γ̃₀/χ)" in FLAT
    found = best_without_record(kerr_minus=1e-6)
    assert f"{found.pair.damping / 1e-3:.1f}" == "5.4"
    assert f"{found.pair.variance * 1e-3:.1f}" == "1.1"
    assert f"{(found.value - BEST) / 1e-3:.2f}" == "0.14"
    assert "one percent at χ = 4.2·10⁻⁴ γ̃₀" in FLAT
    assert abs(best_without_record(kerr_minus=4.2e-4).value / BEST - 1.01) < 1e-4
    assert "even χ = γ̃₀ leaves E₊|₋ = 0.387, at γ₋ = 3.4 γ̃₀" in FLAT
    strong = best_without_record(kerr_minus=1.0)
    assert (f"{strong.value:.3f}", f"{strong.pair.damping:.1f}") == ("0.387", "3.4")
    assert "2.1 χ^⅔ γ̃₀^⅓ and the loss 0.06 (χ/γ̃₀)^⅔" in FLAT
    given = best_given_record(kerr_minus=1e-4)
    assert f"{given.pair.damping / 1e-4 ** (2 / 3):.1f}" == "2.1"
    assert f"{(given.value - 0.282024) / 1e-4 ** (2 / 3):.2f}" == "0.06"
    point = found.pair.point
    assert f"{found.pair.ratio:.2f}" == "-0.87"
    assert math.isclose(float(point.damping_plus) / found.pair.unit, 15.2, abs_tol=0.05)


@pytest.mark.slow
@pytest.mark.parametrize(("text", "length"), ends(("10", 10.0), ("10²", 1e2), ("10³", 1e3), ("10⁴", 1e4), ("10⁶", 1e6)))
def test_the_table_of_finite_spins(text: str, length: float) -> None:
    part = PAGE.split("## A finite spin")[1].split("## How")[0]
    (line,) = (each for each in part.splitlines() if each.startswith(f"| {text} |"))
    cells = [float(cell) for cell in line.strip("|").split("|")[1:]]
    back = best_spin_without_record(length, "minus_given_plus")
    found = (best_spin_without_record(length), back, best_spin_given_record(length))
    for energy, quanta, best in zip(cells[::2], cells[1::2], found, strict=True):
        assert abs(energy - best.value) < 0.6e-4
        # a flat minimum
        assert math.isclose(quanta, best.pair.variance, rel_tol=0.03)


def test_the_numbers_of_finite_spins() -> None:
    assert "J = 4100 is enough for one percent of E₊|₋" in FLAT
    assert abs(best_spin_without_record(4100.0).value / BEST - 1.01) < 1e-4
    assert "J = 3700 for one percent above 0.2820 given the record" in FLAT
    assert abs(best_spin_given_record(3700.0).value / 0.282024 - 1.01) < 1e-4
    assert "one percent is lost with 2J = 8.2·10³ spins, and with 7.5·10³ given the record" in FLAT
    assert "At the paper's own point, with 6·10⁵ quanta, one percent needs J = 1.4·10⁷" in FLAT
    paper = KerrPair(damping=1 / (1e5 + 0.5), cooperativity=17.67, theta_plus_pi=0.4149)
    assert abs(spin_first_order(paper.point, 1.4e7)[1] / (0.01 * BEST) - 1.0) < 0.02
    assert "ΔE₊|₋ = 0.066 V₋/J" in FLAT
    assert "The first effect alone would be 0.66 V₋/J" in FLAT
    near = KerrPair(damping=1e-3, cooperativity=17.67, theta_plus_pi=0.4149)
    assert f"{spin_first_order(near.point, 1e9)[1] * 1e9 / near.variance:.3f}" == "0.066"
    common, damping = (float(each.real) for each in (near.point.common_noise, near.point.damping_plus))
    assert math.isclose(-near.ratio * common / damping, 0.66, abs_tol=0.005)
