"""The unconditional optimum compared with a dense scan of the open stable region, refined in 40-digit arithmetic.

The reference types in Eqs. (4), (6) and (7) and searches γ₋ and γ₊ on a logarithmic scale down to 1e-12 γ̃₀, where the
search of the package stops at 1e-7 (Γ + γ̃₀): what it loses by that must stay under 1e-6 of E.
"""

from collections.abc import Sequence
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import minimum_filter
from scipy.optimize import OptimizeResult, minimize

from cascade_steering.analysis.criteria.steering import DIRECTIONS
from cascade_steering.analysis.working_points.optimum import Optimum, Search, best_points
from cascade_steering.sim.parameters import Bath

BATHS = {"hot": Bath.named("hot"), "vacuum": Bath.named("vacuum")}
LEAST, MOST_RATIO, LEAST_RATIO = 1e-12, 100.0, 0.01
# C-, bath of +, loss: the edge of steering with loss, and the strongest coupling; the others are between them
POINTS = [
    (2.0, "hot", 0.5),
    (300.0, "hot", 0.0),
    *(
        pytest.param(*each, marks=pytest.mark.long)
        for each in ((1.0, "vacuum", 0.0), (7.0, "vacuum", 0.9), (30.0, "hot", 0.2))
    ),
]


def steering(c_minus: float, baths: tuple[Bath, Bath], loss: float, u: Sequence[Any], lib: Any) -> tuple[Any, Any]:
    """(E+|-, E-|+) at a point of the unit cube; ``lib`` is numpy, or mpmath for 40 digits.

    u holds log γ₋, log γ₊ and log C₊/C₋, each over its range. Written in γ, so that no digit is lost in
    γ₀ − Γ cos 2θ: Γ_B = (Γ + γ − γ₀)/2.
    """
    log, exp = lib.log, lib.exp
    positive = np.maximum if lib is np else max
    scale, own = units(baths, lib)
    ratio = exp(log(LEAST_RATIO) + u[2] * log(MOST_RATIO / LEAST_RATIO))
    strength = [c_minus + 0 * ratio, c_minus * ratio * scale[1]]
    rate = []
    for g, y0, at in zip(strength, own, u, strict=False):
        lowest, highest = log(positive(LEAST, y0 - g)), log(y0 + g)
        rate.append(exp(lowest + at * (highest - lowest)))
    cool = [positive((g + y - y0) / 2, 0) for g, y, y0 in zip(strength, rate, own, strict=True)]
    heat = [positive((g - y + y0) / 2, 0) for g, y, y0 in zip(strength, rate, own, strict=True)]
    return of_rates(cool, heat, rate, scale, loss, lib)


def units(baths: tuple[Bath, Bath], lib: Any) -> tuple[list[Any], list[Any]]:
    """γ̃₀ and γ₀ of both oscillators in units of γ̃₀ of the first."""
    unit = [lib.mpf(bath.decoherence_rate) if lib is mp else bath.decoherence_rate for bath in baths]
    return [1, unit[1] / unit[0]], [bath.linewidth / unit[0] for bath in baths]


def of_rates(cool: list[Any], heat: list[Any], rate: list[Any], scale: list[Any], loss: float, lib: Any) -> Any:
    """Eqs. (4), (6) and (7) written out, from Γ_B, Γ_P, γ and γ̃₀ of both oscillators."""
    sqrt = lib.sqrt
    r = sqrt(cool[0] * heat[1]) - sqrt(cool[1] * heat[0])
    q = sqrt(cool[0] * heat[1]) + sqrt(cool[1] * heat[0])
    noise = [(b + p) / 2 + s for b, p, s in zip(cool, heat, scale, strict=True)]
    sent = sqrt(1 - lib.mpf(loss)) if lib is mp else sqrt(1 - loss)
    v_minus = noise[0] / rate[0]
    cross = -sent * (q - 2 * r * v_minus) / (rate[0] + rate[1])
    v_plus = (noise[1] + 2 * sent * r * cross) / rate[1]
    return v_plus - cross**2 / v_minus, v_minus - cross**2 / v_plus


def at_angles(optimum: Optimum, loss: float, direction: int) -> float:
    """E at the working point the package returned, in 40 digits."""
    pair = (optimum.cascade.minus, optimum.cascade.plus)
    with mp.workdps(40):
        scale, own = units((pair[0].bath, pair[1].bath), mp)
        unit = mp.mpf(pair[0].bath.decoherence_rate)
        cool = [mp.mpf(each.strength) / unit * mp.sin(mp.mpf(each.angle)) ** 2 for each in pair]
        heat = [mp.mpf(each.strength) / unit * mp.cos(mp.mpf(each.angle)) ** 2 for each in pair]
        rate = [y0 + b - p for y0, b, p in zip(own, cool, heat, strict=True)]
        return float(of_rates(cool, heat, rate, scale, loss, mp)[direction])


def reference(c_minus: float, baths: tuple[Bath, Bath], loss: float, direction: int) -> float:
    """The infimum of E, by scan and Nelder-Mead on 40-digit values."""
    # everything happens in the last percents of the logarithmic ranges: crowd there
    axis = np.unique(np.concatenate([np.linspace(0, 1, 16), [1.0], 1 - np.geomspace(1e-6, 0.2, 28)]))
    cube = np.stack(np.meshgrid(axis, axis, np.linspace(0, 1, 41), indexing="ij"), axis=-1)
    with np.errstate(all="ignore"):
        # a scan in double precision suffers as γ₋ → 0: it chooses starts and nothing else
        rough = steering(c_minus, baths, loss, np.moveaxis(cube, -1, 0), np)[direction]
    rough = np.where(np.isfinite(rough) & (rough > 1e-3), rough, np.inf)
    local = rough <= minimum_filter(rough, size=3, mode="nearest")
    starts = cube[local][np.argsort(rough[local])[:4]]

    def precise(at: NDArray[np.float64]) -> float:
        with mp.workdps(40):
            return float(steering(c_minus, baths, loss, [mp.mpf(float(x)) for x in np.clip(at, 0, 1)], mp)[direction])

    def polish(start: NDArray[np.float64], size: float) -> OptimizeResult:
        inward = np.where(start > 0.5, -size, size)
        simplex = np.stack([start, *(start + np.diag(inward))])
        options = {"initial_simplex": simplex, "xatol": 1e-12, "fatol": 1e-14, "maxfev": 800}
        return minimize(precise, start, method="Nelder-Mead", bounds=[(0, 1)] * 3, options=options)

    best = min((polish(start, 1e-3) for start in starts), key=lambda found: found.fun)
    for size in (1e-2, 1e-4, 1e-6):
        best = min(best, polish(best.x, size), key=lambda found: found.fun)
    return float(best.fun)


@pytest.mark.slow
@pytest.mark.parametrize(("c_minus", "bath", "loss"), POINTS)
def test_optimum_is_the_infimum_to_a_millionth(c_minus: float, bath: str, loss: float) -> None:
    baths = (BATHS["hot"], BATHS[bath])
    best = best_points(Search(c_minus=c_minus, bath_minus=baths[0], bath_plus=baths[1], loss=loss), conditional=False)
    for row, direction in enumerate(DIRECTIONS):
        value = best[direction].value
        assert value / reference(c_minus, baths, loss, row) - 1 < 1e-6, direction
        # the reference may have missed what the package found, but no loss of digits may have made E too good:
        # γ₋ = 1e-7 (Γ + γ̃₀) carries the rounding of Γ cos 2θ, 1e-16/1e-7, and E a 1e-6 of that
        assert abs(value / at_angles(best[direction], loss, row) - 1) < 1e-12, direction
