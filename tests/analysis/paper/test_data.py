import math
from typing import Any

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray
from scipy.optimize import brentq

from cascade_steering.analysis.criteria.steering import DIRECTIONS, regime
from cascade_steering.analysis.paper.figures import detection as paper_detection
from cascade_steering.analysis.paper.figures import optima as paper_optima
from cascade_steering.analysis.paper.figures import regions as paper_regions
from cascade_steering.analysis.paper.figures import without_stability as paper_without_stability
from cascade_steering.analysis.paper.figures.data import DATA
from cascade_steering.analysis.working_points.optimum import Search, best_points
from tests.support import reference
from tests.support.chance import quadratic
from tests.support.systems import HOT, VACUUM, cascade

FloatArray = NDArray[np.float64]
PLUS, MINUS = (f"E_{direction}" for direction in DIRECTIONS)
BATHS = {"hot": (HOT, HOT), "vacuum": (VACUUM, VACUUM)}


@pytest.fixture(scope="module")
def fig2() -> xr.Dataset:
    return paper_regions.cooperativity_maps(points=21)


@pytest.fixture(scope="module")
def fig3() -> xr.Dataset:
    return paper_regions.angle_maps(points=26)


@pytest.fixture(scope="module")
def best() -> dict[int, xr.Dataset]:
    return {number: DATA[number](points=5) for number in (4, 6, 7)}


@pytest.fixture(scope="module")
def fig8() -> xr.Dataset:
    detections = ("phase pi/2", "phase 0")
    return paper_detection.improvements(points=3, simulated=1, trajectories=200, detections=detections)


def two_way(theta_plus_pi: float, c_minus: float) -> tuple[float, float]:
    windows = paper_regions.steering_windows(theta_plus_pi, c_minus).values()
    return max(low for low, _ in windows), min(high for _, high in windows)


@pytest.mark.parametrize("bath", BATHS)
@pytest.mark.parametrize("theta_plus_pi", [0.30, 0.35, 0.40])
def test_windows_end_where_e_is_one_half(bath: str, theta_plus_pi: float) -> None:
    for direction, edges in paper_regions.steering_windows(theta_plus_pi, 50.0, bath).items():
        for ratio in edges:
            exact = reference.paper_steady(cascade(50, 50 * ratio, 0.35, theta_plus_pi, BATHS[bath]))
            # brentq stops at 1e-13 of the ratio and dE/d(ratio) is of order one
            assert float(getattr(exact, f"e_{direction}")) == pytest.approx(0.5, abs=1e-11)


def test_two_way_windows_at_fifty() -> None:
    # exact, against the printed 0.40 to 1.7 and 0.45 to 3.2, which are not those at C₋ = 50: see below
    assert two_way(0.30, 50.0) == pytest.approx((0.573858, 1.588122), abs=1e-6)
    assert two_way(0.40, 50.0) == pytest.approx((0.492454, 3.653834), abs=1e-6)


@pytest.mark.parametrize(("theta_plus_pi", "low", "high"), [(0.30, 0.40, 1.7), (0.40, 0.45, 3.2)])
def test_printed_limits_are_those_on_the_edges_of_the_map(theta_plus_pi: float, low: float, high: float) -> None:
    # the boundaries leave a map of 100 by 100 through its right edge C₋ = 100 and its upper edge C₊ = 100
    assert two_way(theta_plus_pi, 100.0)[0] == pytest.approx(low, abs=0.01)
    c_minus = brentq(lambda c: c * two_way(theta_plus_pi, c)[1] - 100.0, 25.0 if low > 0.42 else 40.0, 99.0)
    assert 100.0 / c_minus == pytest.approx(high, rel=0.04)


def test_four_regions_along_the_cut_at_negative_f(fig2: xr.Dataset) -> None:
    cut = fig2["E_cut"].sel(case="f < 0")
    seen = [regime(*map(float, pair)) for pair in cut.transpose("c_plus_over_c_minus", "direction").to_numpy()]
    order = list(dict.fromkeys(seen))
    assert order == ["none", "one-way (+ steers -)", "two-way", "one-way (- steers +)"]


def test_at_positive_f_only_the_second_steers_one_way_at_fifty(fig2: xr.Dataset) -> None:
    cut = fig2["E_cut"].sel(case="f > 0")
    assert not bool(((cut.sel(direction=PLUS) < 0.5) & (cut.sel(direction=MINUS) > 0.5)).any())
    assert bool((cut.sel(direction=PLUS) > cut.sel(direction=MINUS))[1:].all())


def test_windows_lie_on_the_cut(fig2: xr.Dataset) -> None:
    ratio = fig2["c_plus_over_c_minus"]
    inside = (ratio > fig2["window"].sel(edge="low")) & (ratio < fig2["window"].sel(edge="high"))
    xr.testing.assert_equal(inside.transpose(*fig2["E_cut"].dims), fig2["E_cut"] < 0.5)


def test_no_window_without_steering() -> None:
    assert np.isnan(list(paper_regions.steering_windows(0.30, 10.0).values())).all()


def test_map_and_cut_agree(fig2: xr.Dataset) -> None:
    for c_plus in (0.0, 25.0, 50.0, 75.0, 100.0):
        column = fig2["E"].sel(c_minus=50.0, c_plus=c_plus)
        np.testing.assert_allclose(column, fig2["E_cut"].sel(c_plus_over_c_minus=c_plus / 50.0), rtol=1e-12)


def test_ratio_of_the_steering_parameters_at_equal_angles(fig2: xr.Dataset) -> None:
    # Eq. (10) at f = 0, and both bare variances −1/(2 cos 2θ) at large C: (1 + 2/C)/(1 + ...) of it
    at = fig2.sel(case="f = 0")
    bare = at["bare_variance"]
    np.testing.assert_allclose(
        at["E_cut"].sel(direction=PLUS) / at["E_cut"].sel(direction=MINUS),
        bare.sel(oscillator="plus") / bare.sel(oscillator="minus"),
        rtol=1e-12,
    )
    limit = -1 / (2 * math.cos(2 * math.pi * 0.35))
    np.testing.assert_allclose(bare.sel(oscillator="minus"), limit * (1 + 2 / 50), rtol=1e-6)


EXTREMES = [(0.0, 0.0), (0.0, 100.0), (100.0, 0.0), (100.0, 100.0), (50.0, 5.0)]


@pytest.mark.parametrize("case", list(paper_regions.CASES))
def test_corners_of_fig2_in_sixty_digits(fig2: xr.Dataset, case: str) -> None:
    for c_minus, c_plus in EXTREMES:
        exact = reference.paper_steady(cascade(c_minus, c_plus, 0.35, paper_regions.CASES[case]))
        found = fig2["E"].sel(case=case, c_minus=c_minus, c_plus=c_plus).to_numpy()
        # γ = γ₀ − Γ cos 2θ is a sum of positive terms here: a few roundings
        np.testing.assert_allclose(
            found, [float(exact.e_plus_given_minus), float(exact.e_minus_given_plus)], rtol=1e-13
        )


@pytest.mark.parametrize("ratio", paper_regions.RATIOS)
def test_corners_of_fig3_in_sixty_digits(fig3: xr.Dataset, ratio: float) -> None:
    for minus in (0.25, 0.35, 0.5):
        for plus in (0.25, 0.26, 0.5):
            exact = reference.paper_steady(cascade(50, 50 * ratio, minus, plus))
            found = fig3["E"].sel(ratio=ratio, theta_minus_pi=minus, theta_plus_pi=plus, method="nearest").to_numpy()
            # γ₋ = γ₀ at π/4 against Γ cos 2θ of rounding only, 1e-16 Γ/γ₀ = 1e-9
            expected = [float(exact.e_plus_given_minus), float(exact.e_minus_given_plus)]
            np.testing.assert_allclose(found, expected, rtol=1e-8)


def test_only_stable_angles_have_a_value(fig3: xr.Dataset) -> None:
    stable = (fig3["theta_minus_pi"] >= 0.25) & (fig3["theta_plus_pi"] >= 0.25)
    assert bool((fig3["E"].notnull() == stable).all())
    assert not bool(stable.all())
    assert fig3["E_cut"].notnull().all()


def test_who_steers_one_way_over_the_angles(fig3: xr.Dataset) -> None:
    def regions(ratio: float, theta_minus: float, theta_plus: float) -> str:
        at = fig3["E"].sel(ratio=ratio, theta_minus_pi=theta_minus, theta_plus_pi=theta_plus, method="nearest")
        return regime(*map(float, at))

    # Fig. 3(a): two-way, and one-way by + only; Fig. 3(c): by + at θ₊ < θ₋, by − at θ₊ > θ₋
    assert regions(1.0, 0.35, 0.35) == "two-way"
    assert regions(1.0, 0.40, 0.32) == "one-way (+ steers -)"
    both = fig3["E"].sel(ratio=1.0)
    assert not bool(((both.sel(direction=PLUS) < 0.5) & (both.sel(direction=MINUS) >= 0.5)).any())
    assert regions(2.0, 0.40, 0.32) == "one-way (+ steers -)"
    assert regions(2.0, 0.25, 0.32) == "one-way (- steers +)"
    assert regions(2.0, 0.45, 0.47) == "one-way (- steers +)"


def test_best_steering_is_ordered(best: dict[int, xr.Dataset]) -> None:
    e = best[4]["E"]
    # equal angles are a special case; more C₋ never hurts; loss never helps; to the search's 1e-6
    assert bool((e.sel(coupling="asymmetric") <= e.sel(coupling="symmetric") * (1 + 1e-6)).all())
    assert bool((e.diff("c_minus") <= 1e-6).all())
    assert bool((e.diff("loss") >= -1e-6).all())
    # Fig. 4: the client steers better
    free = e.sel(coupling="asymmetric")
    assert bool((free.sel(direction=PLUS) < free.sel(direction=MINUS)).all())


@pytest.mark.parametrize(("coupling", "factor"), [("asymmetric", 1.0), ("symmetric", 2.0)])
def test_best_steering_falls_as_one_over_root_c(best: dict[int, xr.Dataset], coupling: str, factor: float) -> None:
    # without loss E → 1/√C₋, or 2/√C₋ at equal angles; the next order is relative 1/√C₋
    scaled = best[4]["E"].sel(coupling=coupling, loss=0.0, c_minus=300.0) * math.sqrt(300.0)
    assert bool((np.abs(scaled / factor - 1.0) < 1 / math.sqrt(300.0)).all())


@pytest.mark.parametrize("loss", [0.1, 0.3])
def test_loss_sets_a_floor(loss: float) -> None:
    def values(symmetric: bool) -> list[float]:
        search = Search(c_minus=1e6, bath_minus=HOT, bath_plus=HOT, loss=loss, symmetric=symmetric)
        return [best.value for best in best_points(search, conditional=False).values()]

    # at C₋ → ∞: √ε/2 for the client, ½√(ε/(1 − ε)) for the server, √(ε(1 − ε)) at equal angles; then 1/C₋
    assert values(False) == pytest.approx([math.sqrt(loss) / 2, math.sqrt(loss / (1 - loss)) / 2], rel=1e-4)
    assert values(True) == pytest.approx([math.sqrt(loss * (1 - loss))] * 2, rel=1e-4)


def test_tolerated_loss() -> None:
    data = paper_optima.best_against_loss(points=6)
    # hot: E_{+|−} → ½ + (1 − (1 − ε)C₋)/C₊ at θ₊ → π/2, so that ε < 1 − 1/C₋: 0.5 at C₋ = 2, 0.9 at 10
    limit = 1 - 1 / data["c_minus"]
    clear = np.abs(data["loss"] - limit) > 1e-9
    hot = data["E"].sel(bath="hot")
    assert bool((((hot < 0.5) == (data["loss"] < limit)) | ~clear).all())
    # vacuum: any loss short of all
    cold = data["E"].sel(bath="vacuum")
    assert bool((cold.sel(loss=slice(None, 0.95)) < 0.5).all())
    np.testing.assert_allclose(cold.sel(loss=1.0), 0.5, rtol=1e-12)
    assert bool((data["E"].diff("loss") > -1e-7).all())


def test_best_angles(best: dict[int, xr.Dataset]) -> None:
    data = best[6]
    free = data.sel(coupling="asymmetric")
    steers = free["E"] < 0.5
    assert bool(steers.any())
    # Appendix A: θ₋ = π/4 wherever there is steering, and π/4 < θ₊ ≤ π/2: f < 0
    assert float(np.abs(free["theta_minus_pi"] - 0.25).where(steers).max()) < 1e-5
    assert bool((free["theta_plus_pi"] > 0.25).where(steers, True).all())
    # and the other branch at small C₋
    small = free.sel(bath="vacuum", loss=0.0, c_minus=1.0, direction=MINUS)
    assert float(small["theta_minus_pi"]) == pytest.approx(0.5, abs=1e-3)
    assert float(small["theta_plus_pi"]) == pytest.approx(0.25, abs=1e-3)
    same = data.sel(coupling="symmetric")
    np.testing.assert_allclose(same["theta_minus_pi"], same["theta_plus_pi"], rtol=1e-15)


def test_best_ratios(best: dict[int, xr.Dataset]) -> None:
    ratio, angle = best[7]["c_plus_over_c_minus"], best[6]["theta_plus_pi"]
    same = ratio.sel(coupling="symmetric")
    assert bool((same.isnull() == (angle.sel(coupling="symmetric") > 0.4999)).all())
    assert bool(same.isnull().any())
    assert ratio.attrs["units"] == "1"
    free = ratio.sel(coupling="asymmetric", c_minus=300.0)
    # C₊/C₋ → 1 without loss; with loss only for the server
    np.testing.assert_allclose(free.sel(loss=0.0), 1.0, atol=0.03)
    np.testing.assert_allclose(free.sel(loss=0.2, direction=MINUS), 1.0, atol=0.03)
    assert bool((free.sel(loss=0.2, direction=PLUS) > 1.2).all())
    # Appendix A: below one for the client at equal angles with + in vacuum
    assert bool((same.sel(bath="vacuum", loss=0.0, direction=PLUS).dropna("c_minus") < 1).all())


@pytest.mark.parametrize("c_minus", [1.0, 300.0])
@pytest.mark.parametrize("loss", [0.0, 0.2])
@pytest.mark.parametrize("coupling", paper_optima.COUPLINGS)
@pytest.mark.parametrize("bath", [HOT, VACUUM])
def test_best_points_in_sixty_digits(c_minus: float, loss: float, coupling: str, bath: Any) -> None:
    search = Search(
        c_minus=c_minus,
        bath_minus=HOT,
        bath_plus=bath,
        loss=loss,
        largest_ratio=paper_optima.LARGEST_RATIO,
        symmetric=coupling == "symmetric",
    )
    for direction, optimum in best_points(search, conditional=False).items():
        exact = float(getattr(reference.paper_steady(optimum.cascade), f"e_{direction}"))
        # the point is handed over in angles: γ₋ keeps 1e-16 Γ/γ₋ = 3e-8 of itself
        assert optimum.value == pytest.approx(exact, rel=1e-7)


@pytest.mark.slow
def test_improvements(fig8: xr.Dataset) -> None:
    d = fig8["d"]
    assert d.dims == ("bath", "detection", "c_minus", "direction")
    assert fig8.attrs["simulated_detection"] == "phase pi/2"
    # the record never hurts
    assert float(d.min()) > -1e-6
    # read at phase 0 it is worth nothing to the client with hot baths
    client = d.sel(bath="hot", direction=PLUS)
    assert float(client.sel(detection="phase 0").max()) < paper_detection.RESOLUTION
    assert bool((client.sel(detection="phase pi/2") > 3e-4).all())
    np.testing.assert_allclose(d, 1 - fig8["E_c"] / fig8["E_u"], atol=1e-15)


@pytest.mark.slow
def test_simulated_improvements_hold_the_exact_ones(fig8: xr.Dataset) -> None:
    exact = fig8["d"].sel(detection="phase pi/2", c_minus=fig8["simulated_c_minus"].to_numpy())
    exact = exact.rename(c_minus="simulated_c_minus").transpose(*fig8["d_simulated"].dims)
    half = (fig8["d_high"] - fig8["d_low"]) / 2
    # four intervals of 1.96 standard errors, from 200 means
    assert bool((np.abs(fig8["d_simulated"] - exact) < quadratic(4, 200) / 1.96 * half).all())
    assert bool((half > 0).all())


@pytest.mark.long
@pytest.mark.slow
def test_searches_do_not_depend_on_the_workers() -> None:
    one, two = (paper_optima.best_against_loss(points=2, jobs=jobs) for jobs in (1, 2))
    xr.testing.assert_identical(one, two)


@pytest.mark.long
@pytest.mark.slow
def test_simulations_do_not_depend_on_the_workers() -> None:
    seen: list[tuple[int, int]] = []
    toy: dict[str, Any] = {"points": 3, "simulated": 1, "trajectories": 20, "detections": ("phase 0",)}
    one = paper_detection.improvements(**toy, progress=lambda done, total: seen.append((done, total)))
    xr.testing.assert_identical(one, paper_detection.improvements(**toy, jobs=2))
    # six searches and four simulations are one count
    assert seen == [(k, 10) for k in range(1, 11)]


def test_figures_of_the_same_searches_share_them(best: dict[int, xr.Dataset]) -> None:
    seen: list[tuple[int, int]] = []
    again = DATA[4](points=5, progress=lambda done, total: seen.append((done, total)))
    xr.testing.assert_identical(again, best[4])
    assert not seen


@pytest.mark.parametrize("number", [2, 5])
def test_progress_ends_at_the_total(number: int) -> None:
    seen: list[tuple[int, int]] = []
    DATA[number](points=2, progress=lambda done, total: seen.append((done, total)))
    assert [done for done, _ in seen] == list(range(1, seen[-1][1] + 1))


@pytest.mark.parametrize("number", DATA)
def test_bad_counts_are_refused(number: int) -> None:
    with pytest.raises(ValueError, match=r"^points must be a whole number of at least 2, got 1$"):
        DATA[number](points=1)
    with pytest.raises(ValueError, match=r"^jobs must be at least 1, or -1 for one per core, got 0$"):
        DATA[number](points=8, jobs=0)


def test_bad_choices_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^bath must be one of hot, vacuum, got 'warm'$"):
        paper_regions.cooperativity_maps(points=2, bath="warm")
    with pytest.raises(ValueError, match=r"^detections must be of best phase, .*, got \('phase 1',\)$"):
        paper_detection.improvements(detections=("phase 1",))
    with pytest.raises(ValueError, match=r"^simulated must be at most points - 2 \(3\), got 4$"):
        paper_detection.improvements(points=5, simulated=4)


@pytest.mark.long
@pytest.mark.slow
def test_the_demand_for_stability_costs_e_and_makes_the_record_worth_more() -> None:
    data = paper_without_stability.without_stability(points=2, pulses=2, losses=(0.0,), lo_phase_pi=0.5)
    assert data.attrs["figure"] == 9
    strong = data.sel(c_minus=300.0, loss=0.0)
    e = strong["E"].sel(scheme="unconditional")
    # 1/√C and 2/C, up to relative corrections of 1/√C and of 6/C
    np.testing.assert_allclose(e.sel(region="stable") * math.sqrt(300), 1.0, atol=1 / math.sqrt(300))
    np.testing.assert_allclose(e.sel(region="any") * 300 / 2, 1.0, atol=6 / 300)
    assert bool((data["E"].sel(region="any") <= data["E"].sel(region="stable")).all())
    assert bool((strong["d"].sel(region="any") < 0.01 * strong["d"].sel(region="stable")).all())
    # few quanta are enough for a part of what there is to gain, and then the record helps
    pulse = data.sel(pulse_c_minus=300.0, loss=0.0)
    assert bool((pulse["pulse_quanta"] < paper_without_stability.MOST_PULSE_QUANTA * (1 + 1e-9)).all())
    assert bool((pulse["pulse_duration"] < paper_without_stability.LONGEST_PULSE).all())
    reached = pulse["E_pulse"].sel(scheme="unconditional")
    assert bool((reached < 0.25 * e.sel(region="stable")).all())
    assert bool((reached > e.sel(region="any")).all())
    assert bool((pulse["E_pulse"].sel(scheme="conditional") < 0.95 * reached).all())


def test_there_are_no_more_pulses_than_points() -> None:
    with pytest.raises(ValueError, match=r"^pulses must be at most points \(2\), got 3$"):
        paper_without_stability.without_stability(points=2, pulses=3)
