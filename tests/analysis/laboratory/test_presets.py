"""Presets: every number has a source, and what follows from them is what the experiments themselves say."""

import math
import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from scipy import constants

import cascade_steering as cs
from cascade_steering.analysis.laboratory.elimination import steady_of_fast
from cascade_steering.analysis.laboratory.presets import number_sources, preset_names, preset_text, preset_title
from cascade_steering.analysis.laboratory.setup_file import setup_of
from cascade_steering.sim.gaussian.moment_equations import moment_equations


def tables(name: str) -> dict[str, Any]:
    return tomllib.loads(preset_text(name))


def setup(name: str) -> cs.LaboratorySetup:
    return setup_of(tables(name), name)


def alone(name: str, **detection: float) -> cs.LaboratorySetup:
    """The oscillator + of a preset without the light of −."""
    content = tables(name)
    content["minus"]["readout_rate_hz"] = 0.0
    content["detection"] |= detection
    return setup_of(content, name)


@pytest.mark.parametrize("name", preset_names())
def test_every_number_has_a_source(name: str) -> None:
    text = preset_text(name)
    numbers = {
        ".".join(path): value
        for table, content in tomllib.loads(text).items()
        for key, value in content.items()
        for path, value in (
            [((table, key, each), inner) for each, inner in value.items()]
            if isinstance(value, dict)
            else [((table, key), value)]
        )
        if not isinstance(value, str)
    }
    sources = number_sources(text)
    assert {each.name: float(each.value) for each in sources} == numbers
    assert all(len(each.note) > 3 for each in sources)
    assert re.search(r"arXiv:\d{4}\.\d{5}", preset_title(text))
    assert setup(name).elimination().eliminated.E["conditional"]["plus_given_minus"] > 0.0


def test_an_unknown_preset_is_one_line() -> None:
    with pytest.raises(
        ValueError, match=r"^unknown preset 'karg'; known are delic-2020, karg-2020, khademi-2025, outlook"
    ):
        preset_text("karg")


def test_the_membrane_and_the_spins_in_a_loop() -> None:
    point = setup("karg-2020").pair
    rate = math.sqrt(point.minus.oscillator.strength_hz * point.plus.oscillator.strength_hz)
    # "2g = 2π × 6.1 kHz", "exceeds the average linewidth (γ_s + γ_m)/2 = 2π × 2 kHz", each with its digits
    assert 2 * rate == pytest.approx(6.1e3, abs=50)
    average = (point.minus.bath.linewidth_hz + point.plus.bath.linewidth_hz) / 2
    assert average == pytest.approx(2e3, abs=500)
    # H = 2g X_s X_m, so that Ṗ_m = −2g X_s: what light that turns by π/2 on the way does between the two
    turned = replace(point, loss=0.0, path_phase_pi=0.5)
    modes = turned.kept.modes
    drift = moment_equations(turned.kept).drift
    push = drift[2 * modes.index("plus") + 1, 2 * modes.index("minus")]
    assert abs(push) / (2 * math.pi) == pytest.approx(6.1e3, abs=50)
    # 216 mK are 2.3e3 quanta
    quanta = constants.k * 0.216 / (constants.h * point.plus.frequency_hz)
    assert quanta == pytest.approx(2.3e3, abs=50)


def test_the_levitated_sphere_has_its_cooperativity_and_its_occupation() -> None:
    pair = setup("delic-2020").pair
    cavity = setup("delic-2020").cavities["plus"]
    heating = pair.plus.bath.decoherence_rate / (2 * math.pi)
    assert heating == pytest.approx(21e3, abs=3e3)
    assert 4 * cavity.coupling_hz**2 / (cavity.linewidth_hz * heating) == pytest.approx(5.0, abs=0.5)
    # coherence time 7.6 µs; 15 oscillations, each of a radian
    assert 1 / (2 * math.pi * heating) == pytest.approx(7.6e-6, abs=0.05e-6)
    assert pair.plus.frequency_hz / heating == pytest.approx(15, abs=1)
    # 0.43 ± 0.03 quanta, of which a heating rate of 21 ± 3 kHz leaves a seventh open; elimination gives half of it
    found = {}
    for name in ("kept", "eliminated"):
        model = getattr(alone("delic-2020").pair, name)
        place = 2 * model.modes.index("plus")
        variances = steady_of_fast(model).covariance["unconditional"].diagonal()[place : place + 2]
        found[name] = (variances.sum() - 1.0) / 2
    assert found["kept"] == pytest.approx(0.43, abs=0.03 + 0.43 * 3 / 21)
    assert found["eliminated"] < 0.25


def test_the_membrane_far_from_its_sidebands_is_known_as_well_as_published() -> None:
    given = setup("khademi-2025")
    plus = given.pair.plus
    # γ_opt = 4g²/κ on each sideband, C = γ_opt/γ₀ = 3.16e4, and 2.79 kHz of thermal decoherence, 1 % less than γ₀ n̄
    optical = plus.oscillator.strength_hz / 2
    assert optical == pytest.approx(363, abs=0.6)
    assert optical / plus.bath.linewidth_hz == pytest.approx(3.16e4, rel=2e-3)
    assert plus.bath.decoherence_rate / (2 * math.pi) == pytest.approx(2.79e3, rel=0.011)
    # (√(1 + 16 η C n) − 1)/(4 η C) with n = n̄ + ½ + C, and 4.7 in the paper: that has two digits, η too, n̄ 1 %
    found = steady_of_fast(alone("khademi-2025").pair.eliminated)
    place = 2 * found.modes.index("plus")
    variance = 2 * found.covariance["conditional"][place, place]
    cooperativity, efficiency = optical / plus.bath.linewidth_hz, given.pair.detection.efficiency
    quanta = plus.bath.occupation + 0.5 + cooperativity
    measured = efficiency * cooperativity
    assert variance == pytest.approx((math.sqrt(1 + 16 * measured * quanta) - 1) / (4 * measured), rel=1e-9)
    assert variance == pytest.approx(4.7, rel=0.05 / 4.7 + (0.005 / 0.38 + 0.01) / 2)


def test_presets_are_installed_with_the_package() -> None:
    root = Path(__file__).parents[3]
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    listed = {
        path.stem
        for pattern in settings["package-data"]["cascade_steering.analysis"]
        for path in (root / "analysis").glob(pattern)
        if path.suffix == ".toml"
    }
    assert listed == set(preset_names())
