"""A setup from a file: what is read, what follows from it, and one line for each kind of bad input."""

import math
import re
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import constants

import cascade_steering as cs
from cascade_steering.analysis.laboratory.assumptions import failed_assumptions
from cascade_steering.analysis.laboratory.derived import derived_numbers
from cascade_steering.sim.laboratory.spins import Readout

SPINS = """
[minus]
kind = "spins"
larmor_hz = 1.37e6
readout_rate_hz = 5e3
theta_pi = 0.3
linewidth_hz = 30
occupation = 1
"""
MECHANICS = """
[plus]
kind = "mechanics"
frequency_hz = 1.37e6
quality = 1e9
temperature_k = 4.0
"""
CAVITY = """
[plus.cavity]
linewidth_hz = 1.5e6
outcoupling = 0.95
detuning_hz = -1.5e6
vacuum_coupling_hz = 100
power_w = 0.5e-6
wavelength_m = 850e-9
"""
REST = """
[link]
loss = 0.1
[detection]
efficiency = 0.8
"""
WHOLE = SPINS + MECHANICS + CAVITY + REST


def read(text: str, folder: Path) -> cs.LaboratorySetup:
    path = folder / "lab.toml"
    path.write_text(text, encoding="utf-8")
    return cs.read_setup(path)


def test_numbers_of_a_laboratory_become_those_of_the_paper(tmp_path: Path) -> None:
    setup = read(WHOLE, tmp_path)
    point = setup.point
    assert (point.theta_minus_pi, point.efficiency) == (0.3, 0.8)
    assert point.c_minus == pytest.approx(5e3 / (30 * 1.5), rel=1e-12)
    assert point.loss == pytest.approx(1 - 0.9 * 0.95, rel=1e-12)
    kappa, delta, omega = (2 * math.pi * each for each in (1.5e6, -1.5e6, 1.37e6))
    flux = 0.5e-6 * 850e-9 / (constants.h * constants.c)
    photons = 0.95 * kappa * flux / (kappa**2 / 4 + delta**2)
    square = (2 * math.pi * 100) ** 2 * photons
    rates = [kappa * square / (kappa**2 / 4 + (delta + sign * omega) ** 2) / (2 * math.pi) for sign in (1, -1)]
    occupation = 1 / math.expm1(constants.h * 1.37e6 / (constants.k * 4.0))
    found = {each.name: each for each in derived_numbers(setup)["plus"]}
    values = {name: each.value for name, each in found.items()}
    assert values["photons"] == pytest.approx(photons, rel=1e-12)
    assert [values[name] for name in ("beam_splitter_hz", "parametric_hz")] == pytest.approx(rates, rel=1e-12)
    assert values["occupation"] == pytest.approx(occupation, rel=1e-12)
    assert values["decoherence_hz"] == pytest.approx(1.37e-3 * (occupation + 0.5), rel=1e-12)
    assert point.c_plus == values["cooperativity"] == pytest.approx(sum(rates) / values["decoherence_hz"], rel=1e-12)
    assert math.tan(math.pi * point.theta_plus_pi) ** 2 == pytest.approx(rates[0] / rates[1], rel=1e-12)
    assert all(each.formula and (each.unit or each.value >= 0) for each in found.values())


def test_photons_and_power_are_two_words_for_one_thing(tmp_path: Path) -> None:
    by_power = read(WHOLE, tmp_path)
    photons = by_power.given["plus"].photons
    by_photons = read(WHOLE.replace("power_w = 0.5e-6", f"photons = {photons!r}"), tmp_path)
    assert by_photons.given["plus"].power_w == pytest.approx(0.5e-6, rel=1e-14)
    assert by_photons.pair == by_power.pair
    coupling = by_power.cavities["plus"].coupling_hz
    direct = CAVITY[: CAVITY.index("vacuum")] + f"coupling_hz = {coupling!r}\n"
    assert read(SPINS + MECHANICS + direct + REST, tmp_path).pair == by_power.pair


LIT = WHOLE.replace("loss = 0.1", "loss = 0.1\nsqueezing_db = 6\nsqueezing_angle_pi = 1\nsqueezing_loss = 0.2")


def test_squeezed_light_is_that_of_both_models_and_of_the_point(tmp_path: Path) -> None:
    setup, dark = read(LIT, tmp_path), read(WHOLE, tmp_path)
    assert setup.point == replace(dark.point, squeezing_db=6, squeezing_angle_pi=1, squeezing_loss=0.2)
    found, before = setup.elimination(), dark.elimination()
    for scheme in ("unconditional", "conditional"):
        for way in ("plus_given_minus", "minus_given_plus"):
            assert found.eliminated.E[scheme][way] < 0.9 * before.eliminated.E[scheme][way]
            # Γ/κ is 3e-3, and noise that elimination adds counts more beside less noise
            assert abs(found.difference[scheme][way]) < 0.03
    # − has no cavity, so that without the record the eliminated pair is the paper's
    paper = setup.point.steady().E["unconditional"]
    assert found.eliminated.E["unconditional"] == pytest.approx(paper, rel=1e-10)


def test_either_kind_may_have_a_cavity_or_none(tmp_path: Path) -> None:
    first = SPINS.replace("readout_rate_hz = 5e3\ntheta_pi = 0.3\n", "")
    cavity = CAVITY.replace("[plus.", "[minus.").replace("-1.5e6", "1.5e6")
    plain = MECHANICS + "readout_rate_hz = 100\ntheta_pi = 0.4\n"
    setup = read(first + cavity + plain, tmp_path)
    assert set(setup.cavities) == {"minus"}
    assert setup.pair.plus.light == Readout(rate_hz=100, theta_pi=0.4)
    # a negative mass is cooled at Δ > 0
    assert setup.point.theta_minus_pi > 0.4
    assert setup.pair.kept.modes == ("cavity_minus", "minus", "plus")


def test_what_elimination_costs_is_small_and_printed(tmp_path: Path) -> None:
    setup = read(WHOLE, tmp_path)
    found = setup.elimination()
    # Γ/κ is 3e-3
    assert all(abs(each or 1.0) < 0.01 for scheme in found.difference.values() for each in scheme.values())
    assert "without the record, cavity kept" in repr(found)
    assert failed_assumptions(setup) == ()


WARNED = [
    ("power_w = 0.5e-6", "power_w = 20e-6", "[plus.cavity] Gamma/2pi = 1.904e+05 Hz is more than 1 % of linewidth_hz"),
    ("readout_rate_hz = 5e3", "readout_rate_hz = 5e5", "[minus] Gamma/2pi = 5e+05 Hz is more than 1/3.5"),
    ("linewidth_hz = 1.5e6", "linewidth_hz = 6e6", "is more than 4 times the frequency"),
    ("vacuum_coupling_hz = 100\npower_w = 0.5e-6", "vacuum_coupling_hz = 2e5\nphotons = 0.01", "more than a tenth"),
    ("occupation = 1\n", "occupation = 1\nnumber = 90\n", "[minus] 1"),
]


@pytest.mark.parametrize(("what", "instead", "line"), WARNED, ids=[line for _, _, line in WARNED])
def test_an_assumption_that_fails_is_said(what: str, instead: str, line: str, tmp_path: Path) -> None:
    assert what in WHOLE
    found = failed_assumptions(read(WHOLE.replace(what, instead, 1), tmp_path))
    assert any(line in each for each in found), found


TWICE = "[plus.cavity] give one of photons and power_w, got photons and power_w"
BAD = [
    ("loss = 0.1", "lost = 0.1", "[link] unknown key 'lost'; known are loss, path_phase_pi, retune"),
    ("larmor_hz", "larmor", "[minus] larmor has no unit: write larmor_hz"),
    ("detuning_hz = -1.5e6", "detuning = -1.5e6", "[plus.cavity] detuning has no unit: write detuning_hz"),
    ("outcoupling = 0.95", "outcoupling = 1.1", "[plus.cavity] outcoupling must be more than 0 and at most 1, got 1.1"),
    ("power_w", "photons = 1e6\npower_w", TWICE),
    ("quality = 1e9", "quality = 1e9\nlinewidth_hz = 1", "[plus] give one of linewidth_hz and quality, got linewidth"),
    ("temperature_k = 4.0", "", "[plus] give one of occupation and temperature_k, got neither"),
    ("power_w = 0.5e-6", "power_w = 5e-3", "[plus.cavity] coupling_hz = g_0 sqrt(n_c)/2pi must be below"),
    ("theta_pi = 0.3", "theta_pi = 0.6", "[minus] theta_pi must be at least 0 and at most 0.5, got 0.6"),
    ("theta_pi = 0.3", "", "[minus] theta_pi is missing"),
    ("linewidth_hz = 30", 'linewidth_hz = "30 Hz"', "[minus] linewidth_hz must be a number, got '30 Hz'"),
    ("linewidth_hz = 30", "linewidth_hz = 0", "[minus] linewidth_hz must be at least 1e-15"),
    ("loss = 0.1", "loss = 1.5", "[link] loss must be at least 0 and at most 1, got 1.5"),
    ("loss = 0.1", "loss = 0.1\nsqueezing_db = -3", "[link] squeezing_db must be at least 0 and at most 30, got -3"),
    ("loss = 0.1", "loss = 0.1\nsqueezing_loss = 2", "[link] squeezing_loss must be at least 0 and at most 1, got 2"),
    ("loss = 0.1", "loss = 0.1\nsqueezing = 3", "[link] squeezing has no unit: write squeezing_db"),
    ("loss = 0.1", "loss = 0.1\nretune = 1", "[link] retune must be true or false, got 1"),
    ("efficiency = 0.8", 'scheme = "both"', "[detection] scheme must be one of homodyne, heterodyne, got 'both'"),
    ('kind = "spins"', 'kind = "atoms"', "[minus] kind must be one of spins, mechanics, got 'atoms'"),
    ("larmor_hz", "frequency_hz", "[minus] larmor_hz is missing"),
    ("quality = 1e9", "quality = 1e9\ntheta_pi = 0.3", "[plus] theta_pi has no meaning beside cavity, frequency_hz"),
    ("quality = 1e9", "quality = 1e9\nnumber = 10", "[plus] number has no meaning beside"),
    ("quality = 1e9", "quality = 0", "[plus] quality must be more than 0"),
    ("quality = 1e9", "quality = nan", "[plus] quality must be more than 0"),
    ("wavelength_m = 850e-9", "", "[plus.cavity] wavelength_m is missing"),
    ("[link]", "[line]", "unknown key 'line'; known are minus, plus, link, detection"),
    (MECHANICS + CAVITY, "", "table [plus] is missing"),
    ("loss = 0.1", "loss = 0.1\nloss = 0.2", ": "),
    ("loss = 0.1", "loss = ", ": "),
]


@pytest.mark.parametrize(("what", "instead", "line"), BAD, ids=[f"{line} {more}" for _, more, line in BAD])
def test_bad_input_is_one_line_with_file_table_and_key(what: str, instead: str, line: str, tmp_path: Path) -> None:
    assert what in WHOLE
    with pytest.raises(ValueError, match=re.escape(line)) as found:
        read(WHOLE.replace(what, instead, 1), tmp_path)
    text = str(found.value)
    assert text.startswith(f"{tmp_path / 'lab.toml'}: ")
    assert "\n" not in text


EDGES = [0.0, 1.0, -1.0, 1e15, 1e-15, 5e-324, 1e300, math.inf, math.nan, 10**30]
KEYS = re.findall(r"^(\w+) = [-\d]", WHOLE, flags=re.MULTILINE)


def answer(text: str) -> cs.Elimination | str:
    """The answer, or the message of a refusal."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            return read(text, Path(folder)).elimination()
        except ValueError as error:
            return str(error)


@pytest.mark.slow
@settings(max_examples=150, derandomize=True, deadline=None, database=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(KEYS), st.sampled_from(EDGES) | st.floats(-8, 8).map(lambda power: 10.0**power)),
        min_size=1,
        max_size=3,
    )
)
def test_whatever_the_numbers_are_they_are_answered_or_refused_in_one_line(changes: list[tuple[str, float]]) -> None:
    text = WHOLE
    for key, value in changes:
        text = re.sub(rf"^{key} = .*$", f"{key} = {value}", text, count=1, flags=re.MULTILINE)
    found = answer(text)
    if isinstance(found, str):
        assert "\n" not in found
        return
    for scheme in ("unconditional", "conditional"):
        for model in (found.eliminated, found.explicit):
            assert all(value > 0.0 for value in model.E[scheme].values())
