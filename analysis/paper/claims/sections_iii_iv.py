"""Secs. III and IV of arXiv:1901.04250: the equations, and where there is steering."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import STEERING_BOUND
from cascade_steering.analysis.paper.claims.claim import Claim, verdict
from cascade_steering.sim.parameters import Bath
from cascade_steering.sim.rotating_wave import closed_forms
from cascade_steering.sim.rotating_wave.equations import RotatingWave

__all__ = ["equations", "figure_3", "negative_f", "positive_f", "symmetric_regions", "vacuum_regions", "windows"]

FloatArray = NDArray[np.float64]
_HOT, _VACUUM = Bath.named("hot"), Bath.named("vacuum")
_RATIO = np.geomspace(0.05, 20, 40001)


def _point(
    c_minus: FloatArray | float, c_plus: FloatArray | float, theta_minus: FloatArray | float,
    theta_plus: FloatArray | float, bath: Bath = _HOT, loss: float = 0.0,
) -> RotatingWave:  # fmt: skip
    """Working points from cooperativities and angles in units of π, both oscillators in the same bath."""
    angles = (np.pi * np.asarray(theta_minus), np.pi * np.asarray(theta_plus))
    return RotatingWave.in_bath(bath, cooperativities=(c_minus, c_plus), angles=angles, loss=loss)


def _two_way(
    ratio: FloatArray, theta_plus: float, c_minus: float | None = None, c_plus: float | None = None
) -> tuple[float, float]:
    """The smallest and largest C₊/C₋ with two-way steering at θ₋ = 0.35 π, hot baths, one cooperativity given."""
    first = c_plus / ratio if c_plus is not None else np.full(ratio.shape, c_minus)
    forward, backward = closed_forms.steering_parameters(_point(first, first * ratio, 0.35, theta_plus))
    inside = ratio[(forward < STEERING_BOUND) & (backward < STEERING_BOUND)]
    return float(inside.min()), float(inside.max())


def equations() -> Iterator[Claim]:
    """Eq. (8) compared with Eqs. (6) and (7), and limits of the bare variances."""
    point = _point(50.0, 70.0, 0.35, 0.4, loss=0.2)
    v = closed_forms.closed_form_covariance(point)
    bare_minus, bare_plus = closed_forms.bare_variances(point)
    c, sent = v[0, 2], np.sqrt(0.8)
    f = 2 * point.directional_coupling.real / point.damping_plus
    eq8 = (
        bare_plus - c**2 * (1 / bare_minus - sent * f / c),
        bare_minus - c**2 / (bare_plus + sent * f * c),
    )
    error = float(np.max(np.abs(np.array(eq8) - closed_forms.steering_parameters(point))))
    yield Claim(
        where="Eq. (8)",
        statement="E+|- and E-|+ in terms of bare variances and f",
        found=f"as printed, equal to Eqs. (6) and (7) to {error:.0e} at C = 50, 70, loss 0.2",
        verdict=verdict(error < 1e-12),
        why="identity",
    )
    theta = 0.35
    high = closed_forms.bare_variances(_point(1e9, 1e9, theta, theta))[0]
    limit = -0.5 / np.cos(2 * np.pi * theta)
    yield Claim(
        where="Sec. IV A, below Eq. (10)",
        statement="for f = 0 and large C both bare variances tend to -1/(2 cos 2 theta)",
        found=f"{float(high):.6f} against {limit:.6f} at theta = 0.35 pi",
        verdict=verdict(abs(float(high) - limit) < 1e-6),
        why="limit of N/gamma",
    )
    cooled = float(closed_forms.bare_variances(_point(1.0, 1e6, 0.35, 0.5))[1])
    yield Claim(
        where="Sec. IV A",
        statement="at theta+ = pi/2 and C+ >> 1 the bare variance of + reaches the ground state's 1/2",
        found=f"{cooled:.6f} at C+ = 1e6",
        verdict=verdict(abs(cooled - 0.5) < 1e-5),
        why="(Gamma/2 + gamma~_0)/(gamma_0 + Gamma) = 1/2 + 1/C",
    )


def symmetric_regions() -> Iterator[Claim]:
    """Fig. 2(a): the regions for f = 0."""
    c = np.linspace(1, 100, 397)
    forward, backward = closed_forms.steering_parameters(_point(c, c, 0.35, 0.35))
    onset = float(c[(forward < STEERING_BOUND) & (backward < STEERING_BOUND)].min())
    square = np.geomspace(1, 100, 300)
    forward, backward = closed_forms.steering_parameters(_point(square[:, None], square[None, :], 0.35, 0.35))
    one_way = float(np.mean((forward < STEERING_BOUND) != (backward < STEERING_BOUND)))
    yield Claim(
        where="Sec. IV A, Fig. 2(a)",
        statement="f = 0: two-way steering for C > 10, one-way steering negligible",
        found=f"two-way from C+ = C- = {onset:.3g}; one-way on {one_way:.1%} of the plane, 1 to 100 in log C",
        verdict=verdict(onset < 10.5 and one_way < 0.05, partly=one_way < 0.05),
        why="at theta = 0.35 pi, hot baths, loss 0; the text rounds the onset down",
    )


def windows() -> Iterator[Claim]:
    """Fig. 2(c), (e): where there is two-way steering."""
    for panel, theta_plus, window in (("2(c)", 0.30, (0.40, 1.7)), ("2(e)", 0.40, (0.45, 3.2))):
        cut = _two_way(_RATIO, theta_plus, c_minus=50.0)
        edge = (_two_way(_RATIO, theta_plus, c_minus=100.0)[0], _two_way(_RATIO, theta_plus, c_plus=100.0)[1])
        yield Claim(
            where=f"Sec. IV A, Fig. {panel}",
            statement=f"two-way steering between C+/C- = {window[0]} and {window[1]} (theta+ = {theta_plus} pi)",
            found=f"{edge[0]:.3f} to {edge[1]:.3f} where the region leaves the square C+, C- < 100; "
            f"{cut[0]:.3f} to {cut[1]:.3f} along the cut C- = 50",
            verdict=verdict(
                bool(np.allclose(cut, window, rtol=0.05)), partly=bool(np.allclose(edge, window, rtol=0.05))
            ),
            why="the window depends on C; the text's numbers are those at the edge of the plot (its > signs are "
            "reversed)",
        )


def positive_f() -> Iterator[Claim]:
    """Fig. 2(c), (d): who steers whom for f > 0."""
    forward, backward = closed_forms.steering_parameters(_point(50.0, 50.0 * _RATIO, 0.35, 0.30))
    steered = (forward < STEERING_BOUND) | (backward < STEERING_BOUND)
    only_backward = not np.any((forward < STEERING_BOUND) & ~(backward < STEERING_BOUND))
    ordered = bool(np.all(forward[steered] > backward[steered]))
    yield Claim(
        where="Sec. IV A, Fig. 2(d)",
        statement="f > 0, C- = 50: E+|- > E-|+, one-way steering only from + to -",
        found=f"E+|- > E-|+ at {np.mean(forward[steered] > backward[steered]):.0%} of the ratios with steering; "
        f"one-way from - to +: {'never' if only_backward else 'at some ratios'}",
        verdict=verdict(only_backward and ordered, partly=only_backward or ordered),
        why="C- = 50, ratios 0.05 to 20",
    )
    wide = np.linspace(1.0, 100.0, 500)
    forward, backward = closed_forms.steering_parameters(_point(wide[:, None], wide[None, :], 0.35, 0.30))
    wedge = (forward < STEERING_BOUND) & (backward >= STEERING_BOUND)
    yield Claim(
        where="Sec. IV A, Fig. 2(c), (d)",
        statement="f > 0 makes one-way steering possible only from + to -",
        found=f"from - to + on {np.mean(wedge):.1%} of the plane, at C- > {wide[wedge.any(axis=1)].min():.0f}",
        verdict=verdict(not wedge.any(), partly=bool(np.mean(wedge) < 0.05)),
        why="true along the cut C- = 50; at larger C- a thin wedge of small C+/C- is one-way the other way",
    )


def negative_f() -> Iterator[Claim]:
    """Fig. 2(f): who steers whom for f < 0."""
    forward, backward = closed_forms.steering_parameters(_point(50.0, 50.0 * _RATIO, 0.35, 0.40))
    code = 2 * (forward < STEERING_BOUND) + (backward < STEERING_BOUND)
    changes = np.flatnonzero(np.diff(code)) + 1
    names = {0: "none", 1: "+ steers -", 2: "- steers +", 3: "two-way"}
    order = [names[int(code[0])], *(f"{names[int(code[i])]} from {_RATIO[i]:.3g}" for i in changes)]
    sequence = [int(code[0]), *(int(code[i]) for i in changes)]
    yield Claim(
        where="Sec. IV A, Fig. 2(f)",
        statement="f < 0, rising C+/C-: none, one-way + to -, two-way, one-way - to +",
        found=", ".join(order),
        verdict=verdict(sequence[:4] == [0, 1, 3, 2]),
        why="C- = 50; the text names the first four, the last lies beyond the ratios of interest",
    )


def vacuum_regions() -> Iterator[Claim]:
    """Fig. 2: the regions with vacuum baths."""
    linear = np.linspace(0.5, 100, 400)
    agreement = _same_regions(linear[:, None], linear[None, :], ((0.35, 0.35), (0.35, 0.3), (0.35, 0.4)))
    yield Claim(
        where="Sec. IV A",
        statement="similar regions for vacuum baths of the same decoherence rate",
        found="same regime on "
        + ", ".join(f"{share:.1%}" for share in agreement)
        + " of the plane C < 100 for Figs. 2(a), (c), (e)",
        verdict=verdict(min(agreement) > 0.9, partly=min(agreement) > 0.5),
        why="gamma_0 = 2 gamma~_0 then damps too: two-way regions are larger, and for f > 0 one-way - to + appears",
    )


def _regime(point: RotatingWave) -> FloatArray:
    forward, backward = closed_forms.steering_parameters(point)
    result: FloatArray = np.where(point.stable, 2.0 * (forward < STEERING_BOUND) + (backward < STEERING_BOUND), -1.0)
    return result


def _same_regions(c_minus: FloatArray, c_plus: FloatArray, angles: tuple[tuple[float, float], ...]) -> list[float]:
    return [
        float(np.mean(_regime(_point(c_minus, c_plus, *pair)) == _regime(_point(c_minus, c_plus, *pair, _VACUUM))))
        for pair in angles
    ]


def figure_3() -> Iterator[Claim]:
    """Regions in (θ₋, θ₊) at C₋ = 50."""
    theta = np.linspace(0.2501, 0.4999, 500)
    minus, plus = theta[:, None], theta[None, :]
    equal, double = (_regime(_point(50.0, c_plus, minus, plus)) for c_plus in (50.0, 100.0))
    shares = {name: [float(np.mean(each == code)) for each in (equal, double)] for name, code in
              (("two-way", 3), ("- steers +", 2), ("+ steers -", 1))}  # fmt: skip
    described = [", ".join(f"{name} {values[i]:.1%}" for name, values in shares.items()) for i in (0, 1)]
    yield Claim(
        where="Sec. IV B, Fig. 3(a)",
        statement="C+ = C- = 50: two-way, and one-way + to -",
        found=f"of the plane: {described[0]}",
        verdict=verdict(
            shares["two-way"][0] > 0.01 and shares["+ steers -"][0] > 10 * shares["- steers +"][0],
            partly=shares["two-way"][0] > 0.01,
        ),
        why="pi/4 < theta < pi/2",
    )
    below, above = minus > plus, plus > minus
    tidy = bool(np.mean((double == 1)[np.broadcast_to(above, double.shape)]) < 0.02) and bool(
        np.mean((double == 2)[np.broadcast_to(below, double.shape)]) < 0.02
    )
    yield Claim(
        where="Sec. IV B, Fig. 3(c)",
        statement="C+ = 2 C- = 100: one-way + to - at theta+ < theta-, one-way - to + at theta+ > theta-",
        found=f"of the plane: {described[1]}; {'each on its side' if tidy else 'overlapping the diagonal'}",
        verdict=verdict(tidy and min(shares["- steers +"][1], shares["+ steers -"][1]) > 0.01, partly=True),
        why="pi/4 < theta < pi/2; the regions meet near theta+ = theta-",
    )
    cut = np.linspace(0.2501, 0.4999, 2000)
    best = []
    for c_plus in (50.0, 100.0):
        curves = closed_forms.steering_parameters(_point(50.0, c_plus, 0.35, cut))
        best.append([float(cut[curve.argmin()]) for curve in curves])
    yield Claim(
        where="Sec. IV B, Fig. 3(b), (d)",
        statement="optimal theta+ at theta- = 0.35 pi lie in the region f < 0",
        found="; ".join(
            f"C+ = {c:.0f}: {a:.3f} pi for E+|-, {b:.3f} pi for E-|+" for c, (a, b) in zip((50, 100), best, strict=True)
        ),
        verdict=verdict(min(min(pair) for pair in best) > 0.35),
        why="f < 0 where theta+ > theta-",
    )
