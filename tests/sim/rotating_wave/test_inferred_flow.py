"""The flow in V₋, g and U, against the moment equations in 80 digits and against states given one after the other."""

import math
from typing import Any

import mpmath as mp
import numpy as np
import pytest

from cascade_steering.sim.parameters import Bath
from cascade_steering.sim.rotating_wave.equations import RotatingWave
from cascade_steering.sim.rotating_wave.inferred_flow import InferredPair, inferred_courses
from cascade_steering.sim.rotating_wave.pair_rates import PairSetting
from cascade_steering.sim.rotating_wave.squeezed_light import SqueezedSidebands
from tests.support.systems import HOT, VACUUM

UNIT = 1.0 / HOT.decoherence_rate
# rates of order 1, and none: γ± are then set by the angles alone
LIGHT = SqueezedSidebands(decibels=9.0, angle=2.0, lost=0.2)
NO_BATH, COLD = Bath(linewidth_hz=0.0, occupation=0.0), Bath(linewidth_hz=0.1, occupation=0.3)


def wave(
    minus: float,
    plus: float,
    theta_minus: float,
    theta_plus: float,
    bath: Bath = HOT,
    loss: float = 0.0,
    phi: float = 0.0,
    light: SqueezedSidebands | None = None,
) -> RotatingWave:
    """Strengths in units of γ̃₀ of the hot bath, angles and path phase in units of π."""
    return RotatingWave(
        strength_minus=np.asarray(minus / UNIT), angle_minus=np.asarray(math.pi * theta_minus), bath_minus=bath,
        strength_plus=np.asarray(plus / UNIT), angle_plus=np.asarray(math.pi * theta_plus), bath_plus=bath,
        loss=loss, path_phase=math.pi * phi, light=light,
    )  # fmt: skip


def after(
    point: RotatingWave,
    start: InferredPair,
    *times: Any,
    read: tuple[float, float, Any] | None = None,
) -> Any:
    """V₋, g, U at the end and the largest V₋ and V₊ of each segment, given (ϑ, η, scheme) or without a record.

    Each of ``times``, of one segment each, is in seconds and broadcasts with the working points.
    """
    lo_phase, efficiency, scheme = read or (0.0, 1.0, "homodyne")
    squeezed = point.light
    lost = (
        {} if squeezed is None else {"squeezing_db": float(squeezed.decibels), "squeezing_loss": float(squeezed.lost)}
    )
    setting = PairSetting.of(
        point.bath_minus, point.bath_plus, loss=float(point.loss), path_phase=float(point.path_phase),
        efficiency=efficiency, channels=2 if scheme == "heterodyne" else 1, **lost,
    )  # fmt: skip
    angle = 0.0 if squeezed is None else squeezed.angle
    rates = (point.strength_minus, point.angle_minus, point.strength_plus, point.angle_plus, angle, lo_phase)
    light = np.stack([np.stack(np.broadcast_arrays(*rates, time), axis=-1) for time in times], axis=-2)
    flat = light.reshape(-1, len(times), 7).astype(float)
    found = inferred_courses(flat, float(point.loss), setting, start, read is not None)
    minus, real, imaginary, rest, most_minus, most_plus = np.moveaxis(found.reshape(*light.shape[:-1], 6), -1, 0)
    return minus, real + 1j * imaginary, rest, most_minus, most_plus


# name: (working point, occupations, duration in units of 1/γ̃₀)
CASES: dict[str, tuple[RotatingWave, tuple[float, float], float]] = {
    "growth to 1e10": (wave(10, 17.4, 0.0, 0.5), (1e5, 1e5), 1.1),
    "growth to 1e40": (wave(10, 17.4, 0.0, 0.5, loss=0.1), (0.0, 0.0), 9.0),
    "stable, hot": (wave(10, 17, 0.3, 0.4), (1e5, 10.0), 2.0),
    "stable, long": (wave(10, 30, 0.45, 0.3, loss=0.2, phi=0.3), (1.0, 1e5), 40.0),
    "stable, not as long": (wave(10, 30, 0.45, 0.3, loss=0.2, phi=0.3), (1.0, 1e5), 2.0),
    "minus damped, plus not": (wave(10, 0.1, 0.499, 0.2582, phi=0.1), (0.0, 0.0), 10.0),
    "both grow": (wave(8, 5, 0.1, 0.15, COLD, phi=0.2), (0.3, 2.0), 0.7),
    "equal rates": (wave(8, 8, 0.3, 0.3, phi=0.2), (0.3, 2.0), 0.7),
    "nearly equal rates": (wave(8, 8, 0.3, 0.3 + 1e-9, phi=0.2), (0.3, 2.0), 5.0),
    "no damping": (wave(8, 3, 0.25, 0.25, NO_BATH, phi=0.2, loss=0.2), (0.3, 2.0), 0.7),
    "pure": (wave(8, 12, 0.0, 0.5, NO_BATH), (0.0, 0.0), 0.4),
    "short": (wave(10, 17.4, 0.1, 0.4), (1e5, 3.0), 1e-7),
    "squeezed": (wave(10, 17, 0.3, 0.4, loss=0.1, phi=0.1, light=LIGHT), (0.3, 10.0), 0.3),
    "squeezed, growing": (wave(10, 17, 0.1, 0.45, loss=0.1, light=LIGHT), (1e5, 1e5), 1.0),
    "only baths": (wave(0, 0, 0.1, 0.4), (1e3, 3.0), 0.1),
}  # fmt: skip


# exponents of several hundred, for which 80 digits of the flow of [X; Y] are too few
UNREACHED = {"growth to 1e40", "stable, long"}


def matrix(values: Any) -> Any:
    return mp.matrix([[mp.mpmathify(complex(each)) for each in row] for row in np.asarray(values)])


def exact(equations: Any, occupations: tuple[float, float], time: float) -> tuple[float, complex, float]:
    """V₋, g and U from d[X; Y]/dt of section 4, in 80 digits."""
    with mp.workdps(80):
        a, d, f, s = (
            matrix(each) for each in (equations.drift, equations.diffusion, equations.readout, equations.cross)
        )
        closed, left = a - s * f, d - s * s.H
        generator = mp.zeros(4)
        generator[:2, :2], generator[:2, 2:], generator[2:, :2], generator[2:, 2:] = -closed.H, f.H * f, left, closed
        flow = mp.expm(generator * mp.mpf(time), method="taylor")
        start = mp.diag([mp.mpf(each) + mp.mpf(1) / 2 for each in occupations])
        w = (flow[2:, :2] + flow[2:, 2:] * start) * mp.inverse(flow[:2, :2] + flow[:2, 2:] * start)
        minus, gain = mp.re(w[0, 0]), w[1, 0] / w[0, 0]
        return float(minus), complex(gain), float(mp.re(w[1, 1]) - abs(w[1, 0]) ** 2 / minus)


def agrees(found: Any, wanted: tuple[float, complex, float], rel: float) -> None:
    minus, gain, rest = wanted
    assert float(found[0][0]) == pytest.approx(minus, rel=rel)
    # an error of the gain counts by what it adds to V₊
    assert abs(complex(found[1][0]) - gain) <= rel * (abs(gain) + math.sqrt(rest / minus))
    assert float(found[2][0]) == pytest.approx(rest, rel=rel)


@pytest.mark.parametrize("name", CASES)
def test_without_the_record(name: str) -> None:
    point, occupations, units = CASES[name]
    time = units * UNIT
    found = after(point, InferredPair.thermal(occupations), time)
    # exponents of up to 200 have the rounding of a rate times a time, 200 times 2e-16
    agrees(found, exact(point.equations().unmonitored, occupations, time), 1e-12)


@pytest.mark.parametrize("scheme", ["homodyne", "heterodyne"])
@pytest.mark.parametrize("name", [name for name in CASES if name not in UNREACHED])
def test_given_the_record(name: str, scheme: Any) -> None:
    point, occupations, units = CASES[name]
    time, equations = units * UNIT, point.equations(0.4, 0.7, scheme)
    found = after(point, InferredPair.thermal(occupations), time, read=(0.4, 0.7, scheme))
    # of the map of steps, doubled up to 12 times
    agrees(found, exact(equations, occupations, time), 1e-11)


def test_numbers_to_hold() -> None:
    point = wave(10, 17.4, 0.0, 0.5)
    times = np.array([0.1, 0.2, 0.3, 0.5]) * UNIT
    minus, _, rest, _, _ = after(point, InferredPair.thermal((0.0, 0.0)), times)
    assert rest[:, 0] == pytest.approx([0.261311, 0.170641, 0.151629, 0.147281], abs=5e-7)
    assert minus[:, 0] == pytest.approx([2.4, 7.5, 21.5, 163.0], rel=0.01)
    hot, _, left, _, _ = after(point, InferredPair.thermal((1e5, 1e5)), UNIT)
    assert float(left[0]) == pytest.approx(0.149996, abs=5e-7)
    assert float(hot[0]) == pytest.approx(2.2e9, rel=0.01)


@pytest.mark.parametrize("read", [None, (0.4, 0.7, "homodyne")], ids=["alone", "record"])
def test_two_flows_in_a_row_are_one(read: Any) -> None:
    """In a stack, each system with its own duration, as from a state with correlations."""
    rng = np.random.default_rng(3)
    minus, plus = 10 ** rng.uniform(-1, 2, (2, 40)) / UNIT
    angles = np.pi / 2 * np.clip(rng.uniform(-0.3, 1.3, (2, 40)), 0, 1)
    point = RotatingWave(
        strength_minus=minus, angle_minus=angles[0], bath_minus=HOT, strength_plus=plus, angle_plus=angles[1],
        bath_plus=VACUUM, loss=0.1, path_phase=0.3,
    )  # fmt: skip
    first, second = rng.uniform(0, 5, (2, 40)) / np.maximum(minus, plus)
    start = InferredPair.thermal((3.0, 1e3))
    once, twice = after(point, start, first + second, read=read), after(point, start, first, second, read=read)
    for one, two in zip(once[:3], twice[:3], strict=True):
        assert two[:, 1] == pytest.approx(one[:, 0], rel=1e-11)


def test_the_largest_variance_of_plus_is_not_missed() -> None:
    rng = np.random.default_rng(5)
    inner = 0
    for number in range(60):
        # in every second case both are damped, and the heat of - passes through +
        angles = rng.uniform(0, 0.5, 2) if number % 2 else (rng.uniform(0.4, 0.5), rng.uniform(0.26, 0.35))
        quanta = 10 ** rng.uniform(-1, 4) if number % 2 else 1e6
        point = wave(*10 ** rng.uniform(-1, 2, 2), *angles, loss=0.1, phi=0.3)
        start = InferredPair.thermal((quanta, 10 ** rng.uniform(-1, 2)))
        minus, gain, rest, _, _ = after(wave(5, 9, 0.4, 0.2), start, rng.uniform(0, 0.01) * UNIT)
        before = InferredPair(float(minus[0]), complex(gain[0]), float(rest[0]))
        time = rng.uniform(0, 1) * UNIT
        minus, gain, rest, most_minus, most_plus = after(point, before, np.linspace(0, time, 4001))
        path = (rest + abs(gain) ** 2 * minus)[:, 0]
        # the top of a parabola lies above the nearest of 4001 points by less than 1e-3 of it
        largest = float(most_plus[-1, 0])
        assert path.max() * (1 - 1e-12) <= largest <= path.max() * 1.001
        assert float(most_minus[-1, 0]) == pytest.approx(minus.max(), rel=1e-12)
        inner += largest > max(path[0], path[-1]) * 1.01
    assert inner > 5
