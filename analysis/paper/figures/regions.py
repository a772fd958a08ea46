"""Figs. 2 and 3 of arXiv:1901.04250: which oscillator steers which, over the cooperativities and over the angles.

Closed forms on whole grids, Eqs. (4) and (6)-(9). The axes of the maps of Fig. 2 follow from its text: the limits
that it gives for two-way steering are those on the edges of a map that ends at C₋ = C₊ = 100.
"""

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.optimize import brentq

from cascade_steering.analysis.criteria.steering import DIRECTIONS, STEERING_BOUND, Direction, key
from cascade_steering.sim.conventions import OSCILLATORS
from cascade_steering.sim.parameters import Bath, require_count
from cascade_steering.sim.rotating_wave.closed_forms import bare_variances, steering_parameters
from cascade_steering.sim.rotating_wave.equations import RotatingWave

__all__ = ["CASES", "C_MINUS", "RATIOS", "THETA_MINUS_PI", "angle_maps", "cooperativity_maps", "steering_windows"]

FloatArray = NDArray[np.float64]

# of both figures: θ₋/π, and C₋ of the cuts and of Fig. 3
THETA_MINUS_PI = 0.35
C_MINUS = 50.0
# the rows of Fig. 2: θ₊/π
CASES = {"f = 0": 0.35, "f > 0": 0.30, "f < 0": 0.40}
# the rows of Fig. 3
RATIOS = (1.0, 2.0)

_MOST_COOPERATIVE = 100.0
_MOST_RATIO = 5.0
_LEAST_ANGLE_PI, _STABLE_PI, _MOST_ANGLE_PI = 0.22, 0.25, 0.5
# range of C₊/C₋ in which the limits of steering are searched, and the number of steps
_WINDOW, _WINDOW_STEPS = (1e-3, 1e2), 2000

_E: dict[str, Any] = {
    "long_name": "unconditional steering parameter, Eqs. (6) and (7); steering where below 1/2; NaN: unstable",
    "units": "1",
}
_BARE: dict[str, Any] = {"long_name": "bare variance of X, Eq. (9); vacuum 1/2; NaN: unstable", "units": "1"}
_PI: dict[str, Any] = {"units": "pi rad"}


def cooperativity_maps(*, points: int = 201, bath: str = "hot") -> xr.Dataset:
    """Fig. 2: E over (C₋, C₊) at θ₋ = 0.35π and three θ₊, and the cut at C₋ = 50 with the bare variances.

    Parameters
    ----------
    points : along each axis of a map; four times as many, less three, along a cut
    bath : of both oscillators, ``hot`` (the paper's) or ``vacuum``

    Variables: ``E`` (direction, case, c_plus, c_minus); ``E_cut`` (direction, case, c_plus_over_c_minus);
    ``bare_variance`` (oscillator, case, c_plus_over_c_minus); ``window`` (direction, case, edge): the range of
    C₊/C₋ with steering on the cut. Raises ValueError for fewer than two points or an unknown bath.
    """
    require_count(points, "points", low=2)
    c = np.linspace(0.0, _MOST_COOPERATIVE, points)
    ratio = np.linspace(0.0, _MOST_RATIO, 4 * points - 3)
    theta = np.array(list(CASES.values()))[:, None]
    grid = _working_points(c, c[:, None], THETA_MINUS_PI, theta[..., None], bath)
    cut = _working_points(C_MINUS, C_MINUS * ratio, THETA_MINUS_PI, theta, bath)
    windows = [steering_windows(each, C_MINUS, bath) for each in CASES.values()]
    return xr.Dataset(
        {
            "E": (("direction", "case", "c_plus", "c_minus"), _steering(grid), _E),
            "E_cut": (("direction", "case", "c_plus_over_c_minus"), _steering(cut), _E),
            "bare_variance": (("oscillator", "case", "c_plus_over_c_minus"), _bare(cut), _BARE),
            "window": (
                ("direction", "case", "edge"),
                np.array([[window[direction] for window in windows] for direction in DIRECTIONS]),
                {"long_name": "C+/C- between which E < 1/2 on the cut; NaN: nowhere", "units": "1"},
            ),
        },
        coords={
            "direction": _directions(),
            "oscillator": list(OSCILLATORS),
            "case": list(CASES),
            "edge": ["low", "high"],
            "theta_plus_pi": ("case", list(CASES.values()), _PI),
            "c_minus": ("c_minus", c, {"long_name": "cooperativity of -", "units": "1"}),
            "c_plus": ("c_plus", c, {"long_name": "cooperativity of +", "units": "1"}),
            "c_plus_over_c_minus": ratio,
        },
        attrs=_attributes(2, bath),
    )


def angle_maps(*, points: int = 201, bath: str = "hot") -> xr.Dataset:
    """Fig. 3: E over (θ₋, θ₊) at C₋ = 50 and C₊ = C₋ or 2C₋, and the cut at θ₋ = 0.35π with the bare variances.

    Parameters
    ----------
    points : along the stable part, 0.25π to 0.5π, of each axis of a map; four times as many, less three, along a cut
    bath : of both oscillators, ``hot`` (the paper's) or ``vacuum``

    Variables: ``E`` (direction, ratio, theta_plus_pi, theta_minus_pi), ``E_cut`` (direction, ratio,
    cut_theta_plus_pi), ``bare_variance`` (oscillator, ratio, cut_theta_plus_pi); NaN unless γ₋ > 0 and γ₊ > 0.
    Raises ValueError for fewer than two points or an unknown bath.
    """
    require_count(points, "points", low=2)
    # π/4 itself is a point of the grid: the unstable cells end exactly there
    unstable = np.linspace(_LEAST_ANGLE_PI, _STABLE_PI, max(2, points // 8), endpoint=False)
    theta = np.concatenate([unstable, np.linspace(_STABLE_PI, _MOST_ANGLE_PI, points)])
    cut_theta = np.linspace(_STABLE_PI, _MOST_ANGLE_PI, 4 * points - 3)
    c_plus = C_MINUS * np.array(RATIOS)[:, None]
    grid = _working_points(C_MINUS, c_plus[..., None], theta, theta[:, None], bath)
    cut = _working_points(C_MINUS, c_plus, THETA_MINUS_PI, cut_theta, bath)
    return xr.Dataset(
        {
            "E": (("direction", "ratio", "theta_plus_pi", "theta_minus_pi"), _steering(grid), _E),
            "E_cut": (("direction", "ratio", "cut_theta_plus_pi"), _steering(cut), _E),
            "bare_variance": (("oscillator", "ratio", "cut_theta_plus_pi"), _bare(cut), _BARE),
        },
        coords={
            "direction": _directions(),
            "oscillator": list(OSCILLATORS),
            "ratio": ("ratio", list(RATIOS), {"long_name": "C+/C-", "units": "1"}),
            "theta_minus_pi": ("theta_minus_pi", theta, _PI),
            "theta_plus_pi": ("theta_plus_pi", theta, _PI),
            "cut_theta_plus_pi": ("cut_theta_plus_pi", cut_theta, _PI),
        },
        attrs=_attributes(3, bath),
    )


def steering_windows(theta_plus_pi: float, c_minus: float, bath: str = "hot") -> dict[Direction, tuple[float, float]]:
    """The range of C₊/C₋ in which each direction steers at θ₋ = 0.35π without loss; (NaN, NaN) if it never does.

    Its ends, E = ½, are exact to 1e-12. There is two-way steering where the ranges overlap.
    """
    ratios = np.geomspace(*_WINDOW, _WINDOW_STEPS)

    def excess(ratio: FloatArray | float) -> FloatArray:
        point = _working_points(c_minus, c_minus * np.asarray(ratio), THETA_MINUS_PI, theta_plus_pi, bath)
        return _steering(point) - STEERING_BOUND

    found = {}
    for row, direction in enumerate(DIRECTIONS):
        edges = np.flatnonzero(np.diff(excess(ratios)[row] < 0.0))
        roots = [brentq(lambda r, i=row: float(excess(r)[i]), *ratios[k : k + 2], xtol=1e-13) for k in edges]
        found[direction] = (roots[0], roots[-1]) if len(roots) > 1 else (np.nan, np.nan)
    return found


def _working_points(
    c_minus: FloatArray | float,
    c_plus: FloatArray | float,
    theta_minus_pi: FloatArray | float,
    theta_plus_pi: FloatArray | float,
    bath: str,
) -> RotatingWave:
    """Points without loss, both oscillators in the same bath; arguments broadcast."""
    angles = (np.pi * np.asarray(theta_minus_pi), np.pi * np.asarray(theta_plus_pi))
    return RotatingWave.in_bath(Bath.named(bath), cooperativities=(c_minus, c_plus), angles=angles)


def _steering(point: RotatingWave) -> FloatArray:
    """E of both directions, NaN where unstable; array of shape (2, ...)."""
    return np.stack(steering_parameters(point))


def _bare(point: RotatingWave) -> FloatArray:
    """Bare variances of − and +, NaN where one of them is unstable; array of shape (2, ...)."""
    return np.where(point.stable, np.stack(bare_variances(point)), np.nan)


def _directions() -> list[str]:
    return [key(direction) for direction in DIRECTIONS]


def _attributes(figure: int, bath: str) -> dict[str, Any]:
    return {
        "figure": figure,
        "source": "arXiv:1901.04250",
        "bath": f"of both oscillators: {bath}",
        "loss": 0.0,
        "theta_minus_pi_of_cut": THETA_MINUS_PI,
        "c_minus_of_cut": C_MINUS,
    }
