from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from cascade_steering.analysis.criteria.steering import Steered
from cascade_steering.analysis.results.printed import percent
from cascade_steering.analysis.results.simulated import Simulated, open_result
from cascade_steering.analysis.results.steady_result import steady
from cascade_steering.analysis.working_points.working_point import WorkingPoint
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.outputs.observables import quanta
from cascade_steering.sim.outputs.saving import Save
from cascade_steering.sim.parameters import Bath

POINT = WorkingPoint(loss=0.1, efficiency=0.9)


def with_a_spectator(model: LinearModel, occupation: float) -> LinearModel:
    """The same pair with a third oscillator between them in the order of modes, coupled to a thermal bath only."""
    places = [0, 1, 4, 5]
    monitored = np.zeros((len(model.monitored), 6), dtype=complex)
    monitored[:, places] = model.monitored
    lost = np.zeros((len(model.unmonitored) + 2, 6), dtype=complex)
    lost[:-2, places] = model.unmonitored
    lost[-2, 2:4] = np.sqrt(occupation + 1.0) * np.array([1.0, 1.0j]) / np.sqrt(2.0)
    lost[-1, 2:4] = np.sqrt(occupation) * np.array([1.0, -1.0j]) / np.sqrt(2.0)
    hamiltonian = np.zeros((6, 6))
    hamiltonian[np.ix_(places, places)] = model.hamiltonian
    return LinearModel(
        hamiltonian=hamiltonian, monitored=monitored, efficiency=model.efficiency, unmonitored=lost,
        record_names=model.record_names, modes=("a", "between", "b"),
    )  # fmt: skip


def test_a_spectator_changes_nothing_and_is_not_steered() -> None:
    pair, found = POINT.steady(), steady(with_a_spectator(POINT.model, 3.0))
    for scheme in ("unconditional", "conditional"):
        values = found.E[scheme]
        assert len(values) == 6
        # two solutions of equations whose entries differ in size by 1e5
        assert values["b_given_a"] == pytest.approx(pair.E[scheme]["plus_given_minus"], rel=1e-9)
        assert values["a_given_b"] == pytest.approx(pair.E[scheme]["minus_given_plus"], rel=1e-9)
        # n̄ + ½, and nothing is known of it
        assert [values["between_given_a"], values["between_given_b"]] == pytest.approx([3.5, 3.5], rel=1e-9)
    assert all(f"E {pair}" in str(found).splitlines()[0] for pair in ("b|a", "a|b", "between|a", "b|between"))


def test_results_print_what_they_say() -> None:
    lines = str(POINT.steady()).splitlines()
    assert lines[0].split() == ["steady", "state", "E+|-", "E-|+"]
    assert lines[1:3] == ["without the record  0.383161  0.381761", "given the record    0.373649  0.381735"]
    shown = str(POINT.transient(times_units=[0.0, 0.2, 5.0]))
    assert "at t = 5" in shown
    assert "E < 1/2 from t = (given the record)" in shown
    assert "never" in str(WorkingPoint(c_minus=1, c_plus=0.01).transient(times_units=[0.0, 1.0]))


@pytest.mark.slow
def test_results_draw_themselves(tmp_path: Path) -> None:
    sampled = POINT.simulate(duration_units=1, saves=3, trajectories=5)
    results = POINT.steady(), POINT.transient(times_units=np.linspace(0.0, 1.0, 5)), sampled
    # a line or a row of points for each scheme and direction (steady: both directions in one), and one at ½
    for result, curves in zip(results, (2, 4, 4), strict=True):
        path = tmp_path / f"{type(result).__name__}.png"
        assert len(result.plot(path).axes) == 1
        assert path.stat().st_size > 5000
        figure = Figure()
        above, below = figure.subplots(2)
        assert result.plot(below) is figure
        assert not above.lines
        drawn = below.lines if result is not sampled else below.containers
        assert len(drawn) == curves + (result is not sampled)
        np.testing.assert_allclose(below.lines[-1].get_ydata() if result is not sampled else 0.5, 0.5)
        with pytest.raises(ValueError, match=r"figure .*must end in one of"):
            result.plot(tmp_path / "figure.txt")


def test_covariances_of_an_ensemble_add_up() -> None:
    sampled = POINT.simulate(duration_units=1, saves=3, trajectories=5)
    added = sampled.covariance["conditional"] + sampled.dataset["scatter"].to_numpy()
    np.testing.assert_array_equal(sampled.covariance["unconditional"], added)
    assert [each.value for each in sampled.over_time.conditional["plus_given_minus"]][-1] == pytest.approx(
        sampled.conditional["plus_given_minus"].value, rel=1e-12
    )
    assert len(sampled.times) == 4


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        FileNotFoundError, match=r"^path must be a dataset or a finished run, got .*: there is no 'ensemble"
    ):
        open_result(tmp_path)
    xr.Dataset({"scatter": ((), 1.0)}).to_netcdf(tmp_path / "other.nc")
    with pytest.raises(
        ValueError, match=r"^dataset must be one of an ensemble, got one without the variable 'conditional_"
    ):
        open_result(tmp_path / "other.nc")
    with pytest.raises(ValueError, match="without the variable 'conditional_covariance'"):
        Simulated(xr.Dataset())


def test_any_direction_is_answered_and_others_are_refused() -> None:
    pair, found = POINT.steady(), steady(with_a_spectator(POINT.model, 3.0))
    both = Steered(mode="b", by=("a", "between"))
    for scheme in ("unconditional", "conditional"):
        # what knows nothing of the others adds nothing
        wanted = pair.E[scheme]["plus_given_minus"]
        assert found.E[scheme][both] == pytest.approx(wanted, rel=1e-6)  # type: ignore[index]
    assert found.d[both] == pytest.approx(pair.d["plus_given_minus"], rel=1e-5)
    assert POINT.steady().regime == {"unconditional": "two-way", "conditional": "two-way"}
    late = POINT.transient(times_units=[0.0, 100.0])
    for result in (pair, late, POINT.simulate(duration_units=1, saves=1, trajectories=3)):
        for values in (result.conditional, result.d):
            asked, known = values[Steered(mode=1, by=(0,))], values["plus_given_minus"]
            np.testing.assert_allclose(*(getattr(each, "value", each) for each in (asked, known)), rtol=1e-6)
        with pytest.raises(ValueError, match=r"^direction must be one of plus_given_minus, .* got 'plus'"):
            _ = result.conditional["plus"]
        with pytest.raises(ValueError, match=r"^an oscillator must be one of minus, plus"):
            _ = result.unconditional[Steered(mode="drum", by=("plus",))]
    assert late.covariance["conditional"].shape == (2, 4, 4)
    np.testing.assert_allclose(late.covariance["conditional"][1], pair.covariance["conditional"], rtol=1e-6, atol=1e-9)


@pytest.mark.slow
def test_a_transient_of_a_pulse_ends_in_the_bath() -> None:
    pulsed = POINT.transient(times_units=[0.0, 1.0, 4.0], pulse_units=1.0)
    lit = POINT.transient(times_units=[0.0, 1.0])
    np.testing.assert_allclose(pulsed.conditional["plus_given_minus"][1], lit.conditional["plus_given_minus"][1])
    # γ̃₀ heats at one quantum a unit of time, each quadrature of the two
    gained = np.diagonal(pulsed.covariance["unconditional"][2] - pulsed.covariance["unconditional"][1])
    # but for damping, 1e-5 of it over three units
    np.testing.assert_allclose(gained, 3.0, rtol=1e-3)


def test_what_save_asks_for_is_at_hand() -> None:
    save = Save(purity=True, observables={"n": quanta(0), "m": quanta(1)}, states="end")
    cold = WorkingPoint(bath_minus=Bath(linewidth_hz=0.1, occupation=0.0), bath_plus=Bath(linewidth_hz=1, occupation=0))
    result = cold.simulate(duration_units=1, saves=2, trajectories=4, keep=2, save=save, initial="ground")
    assert result.purity[0] == pytest.approx(1.0, rel=1e-9)
    np.testing.assert_array_equal(result.purity, result.dataset["purity"].to_numpy())
    assert set(result.expectation) == {"n", "m"}
    assert result.expectation["n"][0] == pytest.approx(0.0, abs=1e-12)
    assert result.expectation["n"][-1] > 0.0
    assert result.state(1, levels=(40, 40)).tr() == pytest.approx(1.0, abs=1e-3)
    bare = cold.simulate(duration_units=1, saves=2, trajectories=1)
    for ask, message in (
        (lambda: bare.purity, r"^purity was not saved: ask simulate for save=Save\(purity=True\)$"),
        (lambda: bare.expectation, "^expectation was not saved: ask simulate for save"),
        (lambda: bare.state(), "holds no states: ask simulate for save"),
        (lambda: bare.record, "^no trajectory was kept, and so no record: ask simulate for keep=1 or more$"),
        (lambda: bare.d, "^E is estimated from two trajectories or more, got 1"),
    ):
        with pytest.raises(ValueError, match=message):
            ask()
    assert str(bare) == "1 trajectory, at t = 1: E is estimated from two or more"


def test_a_share_that_rounds_to_zero_has_no_sign() -> None:
    # a difference of equal numbers, whose last bits are those of the kernel of linear algebra
    assert [percent(each) for each in (-1e-13, 0.0, 1e-13, -1.2e-5, 0.25)] == [
        "0.000 %", "0.000 %", "0.000 %", "-0.001 %", "25.000 %",
    ]  # fmt: skip
