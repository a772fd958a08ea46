"""A row of oscillators on the light, in the units of a laboratory: many clients, and a server for all of them."""

import math
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cascade_steering.sim.gaussian.covariance import steady_root
from cascade_steering.sim.gaussian.growth import grown_root, require_conditional_steady_state
from cascade_steering.sim.gaussian.moment_equations import MomentEquations
from cascade_steering.sim.gaussian.riccati import NoSteadyStateError
from cascade_steering.sim.model.cascade import Node, chain, squeezed_input
from cascade_steering.sim.model.detectors import demodulated, detect
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.network.steady_row import conditional_row, quadrature_root, unconditional_row
from cascade_steering.sim.parameters import Detection, UnstableError, in_python, require_squeezing
from cascade_steering.sim.roots import product
from cascade_steering.sim.rotating_wave.amplitudes import AmplitudeNode, amplitude_equations
from cascade_steering.sim.rotating_wave.squeezed_light import SqueezedSidebands

if TYPE_CHECKING:
    from cascade_steering.analysis.criteria.steering import Scheme
    from cascade_steering.analysis.results.feedback_result import FeedbackResult
    from cascade_steering.analysis.results.simulated import Simulated
    from cascade_steering.analysis.results.steady_result import SteadyResult
    from cascade_steering.analysis.results.transient_result import TransientResult
    from cascade_steering.sim.ensemble.contract import Method
    from cascade_steering.sim.initial_state import InitialState

__all__ = ["Network"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Network:
    """Nodes in the order in which the light meets them, in the rotating wave. Section 5 of sim/README.md.

        client = cs.Node.from_cooperativity(10, name="client", mass="negative", theta_pi=0.3, bath="hot")
        server = cs.Node.from_cooperativity(15, name="server", mass="positive", theta_pi=0.37, bath="hot")
        print(cs.Network(nodes=(client, server)).steady())

    Parameters
    ----------
    nodes : at least one, with different names
    detection : of the light that leaves the last node, and of that of every tap
    squeezing_db : squeezing of the light that arrives at the first node, 20 log₁₀ eʳ, from 0 to 30
    squeezing_angle_pi : its angle ψ, in units of π
    squeezing_loss : power loss λ between the source of squeezed light and the first path, 0 ≤ λ ≤ 1

    Raises
    ------
    ValueError
        without a node, for a repeated name, and for squeezing out of its range.
    """

    nodes: tuple[Node, ...]
    detection: Detection = field(default_factory=Detection)
    squeezing_db: float = 0.0
    squeezing_angle_pi: float = 0.0
    squeezing_loss: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "nodes", tuple(self.nodes))
        in_python(self, "squeezing_db", "squeezing_angle_pi", "squeezing_loss")
        if not self.nodes:
            raise ValueError("a network needs at least one node")
        twice = sorted({name for name in self.names if self.names.count(name) > 1})
        if twice:
            raise ValueError(f"nodes must have different names, but {', '.join(twice)} is repeated")
        require_squeezing(self.squeezing_db, self.squeezing_angle_pi, self.squeezing_loss)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the nodes, in the order of the light."""
        return tuple(node.name for node in self.nodes)

    @cached_property
    def model(self) -> LinearModel:
        """The linear model, for every engine. Sections 1 and 2 of sim/README.md."""
        lit = squeezed_input(
            chain(self.nodes),
            decibels=self.squeezing_db,
            angle_pi=self.squeezing_angle_pi,
            lost=self.squeezing_loss,
        )
        taps = (
            demodulated(self.detection, node.tap_ports(), name=f"tap_{node.name}") for node in self.nodes if node.tap
        )
        return detect(lit, demodulated(self.detection), *taps)

    @cached_property
    def amplitudes(self) -> tuple[AmplitudeNode, ...]:
        """The nodes with one complex amplitude each. Section 5 of sim/README.md."""
        return tuple(
            AmplitudeNode(
                mass=node.mass,
                strength=np.asarray(node.oscillator.strength),
                angle=np.asarray(node.oscillator.angle),
                bath=node.oscillator.bath,
                transmission=math.sqrt(1.0 - node.loss_before),
                path_phase=math.pi * node.path_phase_pi,
                tap=node.tap,
            )
            for node in self.nodes
        )

    @cached_property
    def equations(self) -> MomentEquations:
        """The moment equations in N complex amplitudes, with the currents of the detectors as the record.

        Section 5 of sim/README.md. Raises ValueError for two quadratures of different efficiency, whose record is not
        one of amplitudes.
        """
        efficiencies = self.detection.efficiencies
        if len(set(efficiencies)) > 1:
            raise ValueError(f"both quadratures must have the same efficiency in amplitudes, got {efficiencies}")
        return amplitude_equations(
            self.amplitudes, self.detection.lo_phase, efficiencies[0], self.detection.scheme, self._light
        )

    @cached_property
    def _without_record(self) -> MomentEquations:
        """The equations with detectors of no efficiency."""
        return amplitude_equations(self.amplitudes, efficiency=0.0, light=self._light)

    @property
    def _light(self) -> SqueezedSidebands | None:
        if not self.squeezing_db:
            return None
        return SqueezedSidebands(
            decibels=self.squeezing_db, angle=math.pi * self.squeezing_angle_pi, lost=self.squeezing_loss
        )

    def root(self, *, conditional: bool) -> FloatArray:
        """A root of ``covariance`` (see ``sim.roots``), from which E follows without cancellation; (r, 2N).

        Where variances grow without the record it has rows of 1e100, as ``sim.gaussian.growth.grown_root``, and E is
        its limit at long times. Raises NoSteadyStateError if there is no steady state given the record.
        """
        seen = self.detection
        if conditional and not self.stable:
            require_conditional_steady_state(self.model)
        if not conditional or not (seen.bandwidths_hz or len(set(seen.efficiencies)) > 1):
            # rates too far apart for the row are left to the functions for any model
            with suppress(np.linalg.LinAlgError, NoSteadyStateError):
                row = conditional_row(self.equations) if conditional else unconditional_row(self._without_record)
                return quadrature_root(row, np.array([node.sign for node in self.amplitudes], dtype=float))
        if not conditional and not self.stable:
            return grown_root(self.model)
        return steady_root(self.model, conditional=conditional)

    @property
    def stable(self) -> bool:
        """Whether all nodes are damped, γ > 0, so that no variance grows without the record."""
        return all(node.oscillator.damping_rate > 0.0 for node in self.nodes)

    def steady(self) -> "SteadyResult":
        """The steady state, exact: E of every node given every other one, and of any ``Steered`` that is asked for.

        Where nodes are not damped E without the record is its limit at long times. Raises NoSteadyStateError, which
        says which node, where the record does not show a motion that grows.
        """
        from cascade_steering.analysis.results.steady_result import of_roots

        roots: dict[Scheme, FloatArray] = {
            "unconditional": self.root(conditional=False),
            "conditional": self.root(conditional=True),
        }
        return of_roots(roots, self.names, stable=self.stable)

    @property
    def time_unit(self) -> float:
        """1/γ̃₀ of the first node, s, in which times are given as those of a ``WorkingPoint``."""
        return 1.0 / float(self.nodes[0].oscillator.bath.decoherence_rate)

    def initial_state(self, name: "InitialState | str") -> "InitialState":
        """The state of a name: ``stationary``, ``conditional``, ``ground`` or ``thermal``; a state as it is.

        Raises ValueError for another name, UnstableError for a stationary state of a row that is not stable, and
        NoSteadyStateError for a conditional one where the record does not show a motion that grows.
        """
        from cascade_steering.sim.gaussian.covariance import conditional_state, stationary_state
        from cascade_steering.sim.initial_state import thermal_state

        if not isinstance(name, str):
            return name
        if name == "stationary":
            if not self.stable:
                raise UnstableError(
                    "the row is not stable and has no stationary state: start from conditional, ground or thermal"
                )
            return stationary_state(self.model)
        if name == "conditional":
            return conditional_state(self.model)
        quanta = {
            "ground": tuple(0.0 for _ in self.nodes),
            "thermal": tuple(float(node.oscillator.bath.occupation) for node in self.nodes),
        }
        if name not in quanta:
            raise ValueError(
                f"initial must be an InitialState or one of stationary, conditional, ground, thermal, got {name!r}"
            )
        return thermal_state(quanta[name])

    def transient(self, *, times_units: ArrayLike, initial: "InitialState | str" = "thermal") -> "TransientResult":
        """E(t) and d(t) of every pair, exact, the light switched on at t = 0; times in units of ``time_unit``.

        Raises ValueError for times that decrease or are negative, and as ``initial_state`` does.
        """
        from cascade_steering.analysis.results.transient_result import TransientResult

        times = np.asarray(times_units, dtype=float) * self.time_unit
        return TransientResult.of(self.model, self.initial_state(initial), times, time_unit=self.time_unit)

    def simulate(
        self,
        *,
        duration_units: float,
        saves: int = 20,
        trajectories: int = 1000,
        engine: "Method | None" = None,
        initial: "InitialState | str" = "stationary",
        **more: Any,
    ) -> "Simulated":
        """An ensemble of trajectories: E and d with 95 % intervals, and the dataset. Times in units of ``time_unit``.

        Parameters
        ----------
        duration_units : how long
        saves : save intervals
        trajectories : how many, at least 2 for estimates
        engine : ``Gaussian()`` if left out
        initial : the state at t = 0, see ``initial_state``
        more : further arguments of ``cascade_steering.sim.simulate``: ``seed``, ``jobs``, ``keep``, ``save`` …

        Raises ValueError as ``initial_state`` and ``cascade_steering.sim.simulate`` do.
        """
        from cascade_steering.analysis.results.simulated import Simulated
        from cascade_steering.sim.ensemble.simulate import grid_for, simulate
        from cascade_steering.sim.gaussian.trajectories import Gaussian

        method, start = engine or Gaussian(), self.initial_state(initial)
        grid = grid_for(method, self.model, start, float(duration_units) * self.time_unit, saves=saves)
        return Simulated(simulate(self.model, method, grid, start, trajectories=trajectories, **more))

    def feedback(self, **given: Any) -> "FeedbackResult":
        """The stationary closed loop, with the arguments of ``cascade_steering.analysis.feedback`` but the model.

        Left out, ``time_unit`` is that of the network, and ``cost`` E of the last node given all others. Raises as that
        does.
        """
        from cascade_steering.analysis.criteria.steering import Steered
        from cascade_steering.analysis.results.feedback_result import feedback

        cost = Steered(mode=self.names[-1], by=self.names[:-1])
        return feedback(self.model, **{"time_unit": self.time_unit, "cost": cost, **given})

    def covariance(self, *, conditional: bool) -> FloatArray:
        """The steady covariance of (X, P) of each node, given the record or without it; (2N, 2N).

        It is NaN where it grows without the record. Raises NoSteadyStateError if there is no steady state given the
        record. Section 5 of sim/README.md.
        """
        if not conditional and not self.stable:
            return np.full((2 * len(self.nodes),) * 2, np.nan)
        return product(self.root(conditional=conditional))
