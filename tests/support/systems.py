"""Working points, and models whose solution is known in closed form. Adding one adds its tests."""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.working_points.working_point import WorkingPoint
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.parameters import Bath, Cascade, Detection, Oscillator

FloatArray = NDArray[np.float64]

HOT, VACUUM = Bath.named("hot"), Bath.named("vacuum")
NO_BATH = Bath.si(linewidth=0.0, occupation=0.0)
WARM = Bath.si(linewidth=0.3, occupation=2.0)
COLD = Bath.si(linewidth=1.0, occupation=0.0)


def hertz(rate: float) -> float:
    """A frequency from rad/s."""
    return rate / (2 * math.pi)


def oscillator(cooperativity: float, angle_pi: float, bath: Bath) -> Oscillator:
    """Γ = C γ̃₀ at θ = ``angle_pi`` π."""
    return Oscillator.from_cooperativity(cooperativity, angle_pi=angle_pi, bath=bath)


def cascade(
    c_minus: float,
    c_plus: float,
    theta_minus_pi: float,
    theta_plus_pi: float,
    baths: tuple[Bath, Bath] = (HOT, HOT),
    *,
    loss: float = 0.0,
    path_phase: float = 0.0,
) -> Cascade:
    """Angles in units of π."""
    minus, plus = oscillator(c_minus, theta_minus_pi, baths[0]), oscillator(c_plus, theta_plus_pi, baths[1])
    return Cascade(minus=minus, plus=plus, loss=loss, path_phase_pi=path_phase / math.pi)


@dataclass(frozen=True, kw_only=True)
class Point:
    """A stable working point and its detection."""

    cascade: Cascade
    detection: Detection = field(default_factory=Detection)


POINTS = {
    # R < 0, both baths hot, the point of Figs. 2(e) and 3
    "hot": Point(cascade=cascade(50, 50, 0.35, 0.40)),
    # R > 0, Fig. 2(c)
    "hot_positive_r": Point(cascade=cascade(50, 50, 0.35, 0.30), detection=Detection.si(lo_phase=0.4)),
    # the client's best interaction: γ₋ = γ₀, V₋ = 1.6e6
    "hot_qnd": Point(cascade=cascade(30, 60, 0.25, 0.45), detection=Detection.si(lo_phase=0.3, efficiency=0.8)),
    "vacuum": Point(cascade=cascade(2, 3, 0.30, 0.40, (VACUUM, VACUUM)), detection=Detection.si(lo_phase=0.2)),
    "mixed_loss": Point(
        cascade=cascade(10, 20, 0.28, 0.42, (HOT, VACUUM), loss=0.2), detection=Detection(efficiency=0.6)
    ),
    "path_phase": Point(
        cascade=cascade(2, 4, 0.30, 0.35, (WARM, COLD), loss=0.1, path_phase=0.7),
        detection=Detection.si(lo_phase=1.0, efficiency=0.9),
    ),
    "heterodyne": Point(
        cascade=cascade(3, 5, 0.33, 0.29, (WARM, WARM), loss=0.3),
        detection=Detection.si(lo_phase=0.5, efficiency=0.7, scheme="heterodyne"),
    ),
    "unlit_minus": Point(cascade=cascade(0, 4, 0.30, 0.40, (WARM, COLD))),
    "unlit_plus": Point(cascade=cascade(4, 0, 0.30, 0.40, (WARM, COLD))),
    "all_lost": Point(cascade=cascade(4, 4, 0.30, 0.40, (WARM, COLD), loss=1.0)),
    # rates of order 1: a general integrator reaches 12 digits
    "mild": Point(
        cascade=cascade(3, 4, 0.27, 0.40, (WARM, COLD), loss=0.15), detection=Detection.si(lo_phase=0.3, efficiency=0.6)
    ),
}
# those an integrator or a time-stepper of plain quadratures resolves quickly
SLOW = ("path_phase", "heterodyne", "unlit_minus", "unlit_plus", "all_lost", "mild")


@dataclass(frozen=True, kw_only=True)
class MonitoredOscillator:
    """One oscillator, L = √κ a read at ϑ = 0 with efficiency η, in a bath (γ, n̄).

    Only X is measured, so X and P separate. With Γ = κ + γ and N = κ/2 + γ(n̄ + ½)

        V̇_X = −Γ V_X + N − (√(2ηκ) V_X − √(ηκ/2))²,   V̇_P = −Γ V_P + N,

    and the Riccati equation for X, V̇ = −a (V − r₊)(V − r₋) with a = 2ηκ, moves (V − r₊)/(V − r₋) as e^{−a(r₊−r₋)t}.
    """

    kappa: float
    gamma: float
    occupation: float
    efficiency: float

    @property
    def model(self) -> LinearModel:
        """Its model, written from the formulae of the class docstring."""
        a = np.array([1.0, 1.0j]) / math.sqrt(2)
        emission, absorption = self.gamma * (self.occupation + 1), self.gamma * self.occupation
        return LinearModel(
            hamiltonian=np.zeros((2, 2)),
            monitored=np.array([math.sqrt(self.kappa) * a]),
            efficiency=np.array([self.efficiency]),
            unmonitored=np.array([math.sqrt(emission) * a, math.sqrt(absorption) * a.conj()]),
            record_names=("X",),
        )

    @property
    def _rates(self) -> tuple[float, float]:
        return self.kappa + self.gamma, self.kappa / 2 + self.gamma * (self.occupation + 0.5)

    @property
    def _roots(self) -> tuple[float, float, float]:
        """a, r₊, r₋ of a V² + (Γ − a) V − (N − ηκ/2) = 0."""
        total, noise = self._rates
        a = 2 * self.efficiency * self.kappa
        linear, constant = total - a, noise - a / 4
        spread = math.sqrt(linear**2 + 4 * a * constant)
        return a, (-linear + spread) / (2 * a), (-linear - spread) / (2 * a)

    def steady(self) -> FloatArray:
        """Conditional steady state, array of shape (2, 2)."""
        total, noise = self._rates
        return np.diag([self._roots[1], noise / total])

    def transient(self, initial: float, time: float) -> FloatArray:
        """Conditional covariance at ``time`` from ``initial`` times the identity."""
        total, noise = self._rates
        a, up, down = self._roots
        ratio = (initial - up) / (initial - down) * math.exp(-a * (up - down) * time)
        p = noise / total + (initial - noise / total) * math.exp(-total * time)
        return np.diag([(up - ratio * down) / (1 - ratio), p])


MONITORED = {
    "warm": MonitoredOscillator(kappa=1.3, gamma=0.2, occupation=3.0, efficiency=0.7),
    "perfect": MonitoredOscillator(kappa=2.0, gamma=0.05, occupation=1.0, efficiency=1.0),
    "hot": MonitoredOscillator(kappa=100.0, gamma=1e-3, occupation=1e5, efficiency=0.5),
}


def working_point(point: Point) -> WorkingPoint:
    """The same numbers as a working point of ``analysis`` in the rotating frame."""
    return WorkingPoint.of(point.cascade, point.detection)
