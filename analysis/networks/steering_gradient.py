"""E of one node of a row given others, with its exact derivatives with respect to every angle and strength.

With P = W⁻¹ the information (``sim.network.information_row``), 1/E = c†Pc, where c is 1 at the steered node, 0 at those
that steer, and eliminates the others. P obeys a Riccati equation, so that its derivative obeys a Lyapunov equation, and
one solution Y of the adjoint equation gives all derivatives at once:

    P Â + Â†P + P D̂ P = F†F      Â = A − S F      D̂ = D − S S†      M = Â + D̂ P
    M Y + Y M† = c c†             dE = E² tr[ Y ( P dÂ + dÂ†P + P dD̂ P − d(F†F) ) ]

without the record with F = S = 0. M has eigenvalues with a positive real part only, whether the row is stable or not,
so that there is nothing singular at the edge of stability, on either side. Section 5 of sim/README.md.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_continuous_lyapunov

from cascade_steering.analysis.criteria.steering import Steered
from cascade_steering.analysis.networks.network import Network
from cascade_steering.sim.conventions import mode_index
from cascade_steering.sim.gaussian.moment_equations import MomentEquations, adjoint
from cascade_steering.sim.gaussian.riccati import NoSteadyStateError, solved_stack
from cascade_steering.sim.network.information_row import information_row
from cascade_steering.sim.network.row_steering import RowNumbers
from cascade_steering.sim.network.steady_row import conditional_row

__all__ = ["RowSlopes", "RowSteering"]

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]


@dataclass(frozen=True, kw_only=True, eq=False)
class RowSlopes:
    """E at a point and its derivatives: with respect to ln Γ and θ of each node, arrays (N,), and to ϑ."""

    value: float
    by_strength: FloatArray
    by_angle: FloatArray
    by_lo_phase: float


class RowSteering:
    """E of one node of a network given others, as a function of the strengths, the angles and the LO phase.

    Parameters
    ----------
    network : baths, masses, losses, phases and detection; its strengths and angles are replaced
    steered : the node, and those that steer it together
    conditional : given the record

    Raises ValueError for squeezed light, for taps given the record, for several steered nodes, for detectors with more
    than phase, efficiency and scheme, and for a node that the network does not have. Section 5 of sim/README.md.
    """

    def __init__(self, network: Network, steered: Steered, *, conditional: bool) -> None:
        if network.squeezing_db:
            raise ValueError(f"the best network is searched without squeezed light, got {network.squeezing_db:g} dB")
        network.detection.require_plain("the best network")
        tapped = [node.name for node in network.nodes if node.tap]
        if tapped and conditional:
            raise ValueError(f"the best network given the record is searched without taps, got one behind {tapped[0]}")
        nodes = network.amplitudes
        self.count = len(nodes)
        self.conditional = conditional
        self.signs = np.array([node.sign for node in nodes], dtype=float)
        self.linewidths = np.array([float(node.bath.linewidth) for node in nodes])
        self.decoherence = np.array([float(node.bath.decoherence_rate) for node in nodes])
        passed = np.array([complex(node.transmission * np.exp(1j * node.path_phase)) for node in nodes])
        kept = np.sqrt([1.0 - node.tap for node in network.nodes])
        # the light from node j on its way to k, and from j to the detector
        self.passed = np.zeros((self.count, self.count), dtype=complex)
        for k in range(self.count):
            for j in range(k):
                self.passed[k, j] = np.prod(passed[j + 1 : k + 1]) * np.prod(kept[j:k])
        self.to_detector = np.array([np.prod(passed[j + 1 :]) for j in range(self.count)])
        seen = network.detection
        self.offsets = np.array([0.0] if seen.scheme == "homodyne" else [0.0, np.pi / 2])
        self.efficiency = seen.efficiency / len(self.offsets)
        names = network.names
        if len(steered.steered) != 1:
            raise ValueError(
                f"the best network is that of one steered node, got {', '.join(map(str, steered.steered))}"
            )
        self.steered = mode_index(steered.steered[0], names)
        measured = [mode_index(each, names) for each in steered.by]
        self.unmeasured = [each for each in range(self.count) if each not in (self.steered, *measured)]

    @property
    def numbers(self) -> RowNumbers:
        """What ``row_steering`` takes, which is E without the record, compiled."""
        return RowNumbers(
            signs=self.signs,
            linewidths=self.linewidths,
            decoherence=self.decoherence,
            passed=self.passed,
            steered=self.steered,
            unmeasured=np.array(self.unmeasured, dtype=np.intp),
        )

    def value(self, strength: FloatArray, angle: FloatArray, lo_phase: float = 0.0) -> float:
        """E at Γ and θ, arrays of shape (N,), rad/s and radians; infinite or NaN where there is none."""
        return self._found(self._equations(strength, angle, lo_phase))[0]

    def values(self, strength: FloatArray, angle: FloatArray) -> FloatArray:
        """E without the record at many points, Γ and θ of shape (M, N); array (M,), infinite where there is none."""
        equations = self._equations(strength, angle, 0.0)
        known = information_row(equations)
        precision = known[..., self.steered, self.steered].real
        with np.errstate(all="ignore"):
            if self.unmeasured:
                rest = known[..., self.unmeasured, :][..., self.unmeasured]
                beside = known[..., self.unmeasured, self.steered][..., None]
                gone = (adjoint(beside) @ solved_stack(rest, beside))[..., 0, 0].real
                # a node of which nothing is known hides all that it is correlated with
                hidden = np.any(np.diagonal(rest, axis1=-2, axis2=-1).real <= 0.0, axis=-1)
                precision = np.where(hidden, 0.0, precision - gone)
            return np.where(precision > 0.0, 1.0 / precision, np.inf)

    def slopes(self, strength: FloatArray, angle: FloatArray, lo_phase: float = 0.0) -> RowSlopes:
        """E and its derivatives at one point, arguments as of ``value``. Section 5 of sim/README.md."""
        equations = self._equations(strength, angle, lo_phase)
        value, known, c = self._found(equations)
        nothing = np.zeros(self.count)
        if not np.isfinite(value):
            return RowSlopes(value=np.inf, by_strength=nothing, by_angle=nothing, by_lo_phase=0.0)
        free, noise = _without_record(equations)
        closed = free + noise @ known
        y = solve_continuous_lyapunov(closed, np.outer(c, c.conj()))
        drawn = y @ known
        # dE = Re Σ of the entries of each of these with the change of the matrix of the same name
        drift = 2 * value**2 * drawn.T
        diffusion = value**2 * (known @ drawn).T
        by_strength, by_angle = self._of_rates(strength, angle, equations, drift, diffusion)
        turned = 0.0
        if self.conditional:
            f, s = equations.readout, equations.cross
            cross = -2 * value**2 * (f @ drawn + adjoint(s) @ known @ drawn).T
            readout = -2 * value**2 * (drawn @ s + y @ adjoint(f)).T
            more, rotated, turned = self._of_record(strength, angle, lo_phase, readout, cross)
            by_strength, by_angle = by_strength + more, by_angle + rotated
        return RowSlopes(value=value, by_strength=by_strength, by_angle=by_angle, by_lo_phase=turned)

    def _found(self, equations: MomentEquations) -> tuple[float, ComplexArray, ComplexArray]:
        """E, P and c."""
        try:
            known = _information(equations) if self.conditional else information_row(equations)
        except (NoSteadyStateError, np.linalg.LinAlgError):
            return np.inf, np.zeros((self.count, self.count), dtype=complex), np.zeros(self.count, dtype=complex)
        c = np.zeros(self.count, dtype=complex)
        c[self.steered] = 1.0
        if self.unmeasured:
            rest = known[np.ix_(self.unmeasured, self.unmeasured)]
            # a node of which nothing is known hides all that it is correlated with
            if np.any(np.diagonal(rest).real <= 0.0):
                return np.inf, known, c
            c[self.unmeasured] = -np.linalg.solve(rest, known[self.unmeasured, self.steered])
        precision = float((c.conj() @ known @ c).real)
        return (1.0 / precision if precision > 0.0 else np.inf), known, c

    def _equations(self, strength: FloatArray, angle: FloatArray, lo_phase: float) -> MomentEquations:
        """A, D, F and S, as ``amplitude_equations`` has them, with α = θ or π/2 − θ: l = √Γ sin α, u = √Γ cos α."""
        alpha = self._alpha(angle)
        real, imaginary, total, difference = self._pairs(strength, alpha)
        drift = self.signs[:, None] * (real * np.cos(total) - imaginary * np.cos(difference))
        shared = np.outer(self.signs, self.signs) * (real * np.cos(difference) - imaginary * np.cos(total)) / 2
        damping = self.linewidths - strength * np.cos(2 * angle)
        readout, cross = self._record(strength, alpha, lo_phase)
        one = np.eye(self.count)
        return MomentEquations(
            drift=drift - (damping / 2)[..., None] * one,
            diffusion=shared + adjoint(shared) + (strength / 2 + self.decoherence)[..., None] * one,
            readout=readout,
            cross=cross,
        )

    def _alpha(self, angle: FloatArray) -> FloatArray:
        alpha: FloatArray = np.where(self.signs > 0.0, angle, np.pi / 2 - angle)
        return alpha

    def _pairs(
        self, strength: FloatArray, alpha: FloatArray
    ) -> tuple[FloatArray, ComplexArray, FloatArray, FloatArray]:
        """√(Γ_kΓ_j) s cos Φ and i √(Γ_kΓ_j) s sin Φ for j before k, and α_k ± α_j; arrays of shape (..., N, N)."""
        scale = np.sqrt(strength[..., :, None] * strength[..., None, :])
        total, difference = alpha[..., :, None] + alpha[..., None, :], alpha[..., :, None] - alpha[..., None, :]
        return self.passed.real * scale, 1j * self.passed.imag * scale, total, difference

    def _record(self, strength: FloatArray, alpha: FloatArray, lo_phase: float) -> tuple[ComplexArray, ComplexArray]:
        """F and S."""
        arriving = self.to_detector * np.exp(-1j * (lo_phase + self.offsets))[:, None]
        lower = arriving * (np.sqrt(strength) * np.sin(alpha))[..., None, :]
        upper = arriving.conj() * (np.sqrt(strength) * np.cos(alpha))[..., None, :]
        efficiency = np.sqrt(self.efficiency) if self.conditional else 0.0
        readout: ComplexArray = efficiency * (lower + upper)
        cross: ComplexArray = np.asarray(-0.5 * efficiency * adjoint(self.signs * (lower - upper)), dtype=complex)
        return readout, cross

    def _of_rates(
        self,
        strength: FloatArray,
        angle: FloatArray,
        equations: MomentEquations,
        drift: ComplexArray,
        diffusion: ComplexArray,
    ) -> tuple[FloatArray, FloatArray]:
        """dE/d ln Γ and dE/dθ by A and D."""
        real, imaginary, total, difference = self._pairs(strength, self._alpha(angle))
        signs = self.signs[:, None]
        # D_jk is the conjugate of D_kj: twice the real part of the lower entry
        both = signs * self.signs
        by_total = (drift * signs * -real * np.sin(total) + diffusion * both * imaginary * np.sin(total)).real
        by_difference = (
            drift * signs * imaginary * np.sin(difference) - diffusion * both * real * np.sin(difference)
        ).real
        by_alpha = by_total.sum(axis=0) + by_total.sum(axis=1) + by_difference.sum(axis=1) - by_difference.sum(axis=0)
        off = np.tril(equations.drift, -1), np.tril(equations.diffusion, -1)
        by_pair = (drift * off[0] + 2 * diffusion * off[1]).real / 2
        own_drift, own_diffusion = np.diagonal(drift).real, np.diagonal(diffusion).real
        by_strength = by_pair.sum(axis=0) + by_pair.sum(axis=1)
        by_strength = by_strength + strength / 2 * (own_drift * np.cos(2 * angle) + own_diffusion)
        return by_strength, self.signs * by_alpha - own_drift * strength * np.sin(2 * angle)

    def _of_record(
        self, strength: FloatArray, angle: FloatArray, lo_phase: float, readout: ComplexArray, cross: ComplexArray
    ) -> tuple[FloatArray, FloatArray, float]:
        """dE/d ln Γ, dE/dθ and dE/dϑ by F and S."""
        alpha = self._alpha(angle)

        def change(f: ComplexArray, s: ComplexArray) -> FloatArray:
            result: FloatArray = ((readout * f).sum(axis=0) + (cross * s).sum(axis=1)).real
            return result

        f, s = self._record(strength, alpha, lo_phase)
        by_strength = change(f, s) / 2
        # a quarter turn of α is its derivative, and a quarter turn of ϑ that by ϑ
        by_angle = self.signs * change(*self._record(strength, alpha + np.pi / 2, lo_phase))
        by_phase = float(change(*self._record(strength, alpha, lo_phase + np.pi / 2)).sum())
        return by_strength, by_angle, by_phase


def _without_record(equations: MomentEquations) -> tuple[ComplexArray, ComplexArray]:
    """Â and D̂."""
    s = equations.cross
    return equations.drift - s @ equations.readout, equations.diffusion - s @ adjoint(s)


def _information(equations: MomentEquations) -> ComplexArray:
    """P given the record."""
    inverse = np.linalg.inv(conditional_row(equations))
    known: ComplexArray = adjoint(inverse) @ inverse
    return known
