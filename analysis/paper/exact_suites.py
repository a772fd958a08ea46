"""The suites of the validation report without trajectories."""

from collections.abc import Iterator

import numpy as np

from cascade_steering.analysis.criteria.steering import DIRECTIONS, steering_parameter
from cascade_steering.analysis.paper.known_result import KnownResult, cascade_of
from cascade_steering.analysis.working_points.rotating_wave_validity import (
    FREQUENCY_RATIOS,
    best_point,
    generic_point,
    holds_above,
    power,
    relative_errors,
)
from cascade_steering.sim.fock.master_equation.solve import steady_fock_state as fock_steady_state
from cascade_steering.sim.gaussian.covariance import steady_state
from cascade_steering.sim.gaussian.moment_equations import moment_equations
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.parameters import Bath, Cascade, Detection, Oscillator
from cascade_steering.sim.rotating_wave import closed_forms as analytic
from cascade_steering.sim.rotating_wave.equations import RotatingWave

__all__ = ["closed_forms", "fock_steady", "fock_steady_large", "riccati", "rotating_wave"]


def closed_forms() -> Iterator[KnownResult]:
    """The numbers of the paper and the closed forms compared with the moment equations."""
    point = cascade_of((50, 50), (0.35, 0.4), Bath.named("hot"))
    model = rwa(point, Detection())
    expected = (0.3543176, 0.3425146)
    for direction, closed, known in zip(
        DIRECTIONS, analytic.steering_parameters(RotatingWave.of(point)), expected, strict=True
    ):
        yield KnownResult(
            name=f"E_{direction}, closed form",
            value=float(closed),
            expected=known,
            tolerance=5e-8,
            why="Eqs. (4)-(7) at C- = C+ = 50, theta = 0.35 pi, 0.4 pi, hot baths, to the digits quoted",
        )
        engine = float(steering_parameter(steady_state(model, conditional=False), direction))
        yield KnownResult(
            name=f"E_{direction}, moments engine",
            value=engine,
            expected=float(closed),
            tolerance=1e-12,
            why="closed form; variances of order 1, double precision",
        )


def riccati() -> Iterator[KnownResult]:
    """The residual of the Riccati equation at working points where it is hardest to solve."""
    for phase in (0.0, 0.2, 0.5):
        model = rwa(cascade_of((10, 20), (0.25, 0.4), Bath.named("hot")), Detection(lo_phase_pi=phase))
        equations = moment_equations(model)
        covariance = steady_state(model, conditional=True)
        gain = equations.gain(covariance)
        residual = equations.drift @ covariance + covariance @ equations.drift.T + equations.diffusion - gain @ gain.T
        scale = np.linalg.norm(equations.drift) * np.linalg.norm(covariance)
        yield KnownResult(
            name=f"Riccati residual, theta- = pi/4, occupation 1e5, LO phase {phase} pi",
            value=float(np.linalg.norm(residual) / scale),
            expected=0.0,
            tolerance=1e-14,
            why="zero to some tens of units of rounding of A V",
        )


def fock_steady() -> Iterator[KnownResult]:
    """The steady state of the truncated master equation compared with Eq. (4)."""
    bath = Bath.si(linewidth=1.0, occupation=0.1)
    for loss in (0.0, 0.3):
        point = cascade_of((1.0, 1.5), (0.4, 0.45), bath, loss)
        covariance = fock_steady_state(rwa(point, Detection()), (14, 14)).covariance
        closed = analytic.closed_form_covariance(RotatingWave.of(point))
        yield KnownResult(
            name=f"master equation at 14 x 14 levels against Eq. (4), loss {loss}",
            value=float(np.max(np.abs(covariance - closed))),
            expected=0.0,
            tolerance=1e-6,
            why="truncation; the tail of the state falls by a factor 3 or more a level",
        )


def fock_steady_large() -> Iterator[KnownResult]:
    """The master equation in its symmetry sector, with the levels that two quanta in each oscillator need."""
    minus = Oscillator.si(strength=1.0, angle=0.4 * np.pi, bath=Bath.si(linewidth=0.4, occupation=5.8))
    plus = Oscillator.si(strength=0.8, angle=0.44 * np.pi, bath=Bath.si(linewidth=0.5, occupation=4.7))
    point = Cascade(minus=minus, plus=plus, loss=0.1)
    covariance = fock_steady_state(rwa(point, Detection()), (50, 50)).covariance
    closed = analytic.closed_form_covariance(RotatingWave.of(point))
    yield KnownResult(
        name="master equation at 50 x 50 levels against Eq. (4), 2 quanta in each oscillator",
        value=float(np.max(np.abs(covariance - closed))),
        expected=0.0,
        tolerance=1e-6,
        why="truncation; the tail of the state falls by n/(n + 1) = 2/3 a level",
    )


def rotating_wave() -> Iterator[KnownResult]:
    """The rotating-wave model compared with the lab frame: the order of its error, and where that is below 1 %."""
    ratios = np.geomspace(30.0, 1e4, 8)
    for lo_phase_pi, expected in ((0.5, 2.0), (0.2, 1.0)):
        for (scheme, direction), point in generic_point(50.0, lo_phase_pi).items():
            if scheme == "conditional" and direction == "plus_given_minus":
                yield KnownResult(
                    name=f"order of the error of {scheme} E_{direction} in Gamma/Omega, LO phase {lo_phase_pi:g} pi",
                    value=power(ratios, relative_errors(point, ratios)),
                    expected=expected,
                    tolerance=0.05,
                    why="even in Omega at LO phase 0 and 0.5 pi, by conjugation; fitted over 2.5 decades",
                )
    errors = [relative_errors(point, FREQUENCY_RATIOS) for c in (1.0, 10.0, 100.0) for point in best_point(c).values()]
    yield KnownResult(
        name="rotating-wave E good to 1 % above this Omega/Gamma, at the best points for C- of 1 to 100",
        value=holds_above(FREQUENCY_RATIOS, np.array(errors), 0.01),
        expected=3.5,
        tolerance=0.5,
        why="measured over C- of 1 to 300; the error is 0.1 (Gamma/Omega)^2",
    )
