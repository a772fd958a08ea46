"""The exact flow of two amplitudes while the light is constant, in three quantities of which none is a difference.

Where V₋ is 1e10 and E is 0.1, entries of the covariance of (a₋, a₊†) hold no digit of E. The same state is

    V₋,   g = ⟨a₊†a₋†⟩/V₋,   U = V₊ − |g|²V₋

the variance of −, the gain with which + is inferred from it, and the variance of + that is then left. E is U for
− steering +, and 1/(1/V₋ + |g|²/U) for + steering −: sums of positive terms, as are the flows below. All of it works on
arrays of working points, states and durations, which broadcast. Section 5 of sim/README.md.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cascade_steering.sim.conventions import VACUUM_VARIANCE
from cascade_steering.sim.gaussian.moment_equations import MomentEquations, adjoint
from cascade_steering.sim.rotating_wave.equations import RotatingWave

__all__ = ["InferredPair", "conditional_flow", "unconditional_course", "unconditional_flow"]

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]
# below this the series of a divided difference converges in a dozen terms, above it the closed form keeps its digits
_SMALL = 1.0
_TERMS = 14
# δτ below which ln(1 + δτ)/δ is τ
_FLAT = 1e-12
# norm of a step whose exponential is a Taylor series, and the number of its terms: the rest is below 1e-17
_REACH = 0.5
_TAYLOR = 15


@dataclass(frozen=True, kw_only=True, eq=False)
class InferredPair:
    """A Gaussian state of the pair in the rotating wave; arrays that broadcast. Section 5 of sim/README.md.

    Parameters
    ----------
    minus : V₋
    gain : g = ⟨a₊†a₋†⟩/V₋, complex
    rest : U, the variance of + that is left when it is inferred from −; this is E₊|₋
    """

    minus: FloatArray
    gain: ComplexArray
    rest: FloatArray

    @classmethod
    def thermal(cls, occupations: tuple[float, float]) -> Self:
        """Two uncorrelated thermal states of the given occupations of − and +."""
        minus, plus = (np.asarray(each + VACUUM_VARIANCE) for each in occupations)
        return cls(minus=minus, gain=np.zeros((), dtype=complex), rest=plus)

    @property
    def plus(self) -> FloatArray:
        """V₊."""
        result: FloatArray = self.rest + np.abs(self.gain) ** 2 * self.minus
        return result

    @property
    def steering(self) -> tuple[FloatArray, FloatArray]:
        """(E₊|₋, E₋|₊)."""
        return self.rest, self.rest * self.minus / self.plus


def unconditional_flow(point: RotatingWave, state: InferredPair, duration: ArrayLike) -> InferredPair:
    """The state after ``duration`` (seconds ≥ 0) without the record, at any γ±, exact. Section 5 of sim/README.md.

    It stays finite as γ₋ → γ₊ and γ± → 0. Variances beyond 1e308 are infinite; E is not.
    """
    time = np.asarray(duration, dtype=np.float64)
    plus, minus = point.damping_plus * time, point.damping_minus * time
    mean, half = (plus + minus) / 2, (plus - minus) / 2
    offset, drive, alone = _reduced(point)
    started: ComplexArray
    # each factor is of order 1 beside its exponential, and exponents are added before they are taken
    with np.errstate(over="ignore", under="ignore"):
        damped, size, shape = np.maximum(minus, 0.0), np.abs(minus) / 2, _scaled_shc(minus / 2)
        # V₋ at the end comes from its start and from noise since then: e^{−damped} V₋ and ``added``, up to a factor
        added = point.noise_minus * time * _mean_decay(np.abs(minus))
        whole = np.exp(-damped) * state.minus + added
        reach, lag = _second_difference(half, mean)
        early, lead = _second_difference(minus, mean)
        width, spread = _squared_difference(mean / 2, half / 2)
        from_start: ComplexArray = np.exp(-plus / 2) * (state.gain - offset) + drive * time * lag / shape * np.exp(
            reach - size
        )
        started = np.exp(-half - damped) * (state.gain - offset)
        started = started + drive * time * _mean_decay(np.abs(half)) * np.exp(np.maximum(-half, 0.0) - damped)
        common = point.noise_minus * np.abs(drive) ** 2 * time**3 * np.exp(width - mean + minus / 2 - size)
        return InferredPair(
            minus=np.exp(-minus) * state.minus + point.noise_minus * time * _mean_decay(minus),
            gain=offset
            + state.minus / whole * started
            + added / whole * drive * time * lead / shape * np.exp(early + minus / 2 - size),
            rest=np.exp(-plus) * state.rest
            + alone * time * _mean_decay(plus)
            + common * spread / (4 * shape)
            + state.minus * added / whole * np.abs(from_start) ** 2,
        )


def unconditional_course(
    point: RotatingWave, state: InferredPair, duration: ArrayLike
) -> tuple[InferredPair, FloatArray]:
    """The state after ``duration`` (seconds ≥ 0) without the record, and the largest V₊ within that time.

    e^{γ₊t} V̇₊ is a parabola in (e^{δt} − 1)/δ with δ = (γ₊ − γ₋)/2, so that V₊ has two extrema at most. V₋ has none.
    Section 5 of sim/README.md.
    """
    time = np.asarray(duration, dtype=np.float64)
    s, r, half = point.transmission, point.directional_coupling, (point.damping_plus - point.damping_minus) / 2
    correlation = state.gain * state.minus
    driven = s * (np.conj(r) * state.minus - np.conj(point.common_noise) / 2)
    moved = driven - (point.damping_plus + point.damping_minus) / 2 * correlation
    roots = _roots(
        point.noise_plus - point.damping_plus * state.plus + 2 * s * np.real(r * correlation),
        2 * s * np.real(r * moved),
        np.abs(s * r) ** 2 * (point.noise_minus - point.damping_minus * state.minus),
    )
    with np.errstate(all="ignore"):
        places = [np.where(np.abs(half * root) > _FLAT, np.log1p(half * root) / half, root) for root in roots]
        inside = [np.where((at > 0.0) & (at < time), at, 0.0) for at in places]
        path = unconditional_flow(point, state, np.stack(np.broadcast_arrays(time, *inside)))
        end = InferredPair(minus=path.minus[0], gain=path.gain[0], rest=path.rest[0])
        largest: FloatArray = path.plus.max(axis=0)
    return end, np.maximum(largest, state.plus)


def _roots(constant: FloatArray, linear: FloatArray, square: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The zeros of a parabola; infinite or NaN where there are none."""
    with np.errstate(all="ignore"):
        sum_of_equal_signs = -(linear + np.copysign(np.sqrt(linear**2 - 4 * square * constant), linear)) / 2
        return sum_of_equal_signs / square, constant / sum_of_equal_signs


def conditional_flow(equations: MomentEquations, state: InferredPair, duration: ArrayLike) -> InferredPair:
    """The state after ``duration`` (seconds ≥ 0) given the record; ``equations`` are ``RotatingWave.equations``.

    The map of a short time is a series, and is doubled as ``sim.gaussian.riccati.RiccatiMap`` is, each system of a
    stack in steps of its own. Its offset is itself an ``InferredPair``. Section 5 of sim/README.md.
    """
    a, f, s = equations.drift, equations.readout, equations.cross
    closed = a - s @ f
    upper = np.concatenate([-adjoint(closed), adjoint(f) @ f], axis=-1)
    generator = np.concatenate(
        [upper, np.concatenate([equations.diffusion - s @ adjoint(s), closed], axis=-1)], axis=-2
    )
    time = np.asarray(duration, dtype=np.float64)
    generator, time = np.broadcast_arrays(generator, time[..., None, None])
    reach = np.max(np.abs(generator).sum(axis=-1), axis=-1) * time[..., 0, 0]
    doublings = np.maximum(0, np.ceil(np.log2(np.maximum(reach, 1e-300) / _REACH))).astype(int)
    flow = _short_map(generator * (time / 2.0 ** doublings[..., None, None]))
    for done in range(int(doublings.max(initial=0))):
        flow = flow.doubled(where=done < doublings)
    return flow.applied(state)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Map:
    """V ↦ 𝖧 + ΦV(1 + 𝖪V)⁻¹Φ† for two amplitudes, with 𝖧 an ``InferredPair``; arrays of shape (..., 2, 2)."""

    phi: ComplexArray
    gamma: ComplexArray
    offset: InferredPair

    def applied(self, state: InferredPair) -> InferredPair:
        """The state after the map."""
        return _moved(self.phi, _informed(state, self.gamma), self.offset)

    def doubled(self, where: NDArray[np.bool_]) -> "_Map":
        """The map applied twice, where asked."""
        rows = _inverse(np.eye(2) + self.gamma @ _matrix(self.offset))
        backward = adjoint(self.phi)
        phi = adjoint(backward @ rows @ backward)
        gamma = self.gamma + backward @ rows @ self.gamma @ self.phi
        offset = self.applied(self.offset)
        at = where[..., None, None]
        return _Map(
            phi=np.where(at, phi, self.phi),
            gamma=np.where(at, (gamma + adjoint(gamma)) / 2, self.gamma),
            offset=InferredPair(
                minus=np.where(where, offset.minus, self.offset.minus),
                gain=np.where(where, offset.gain, self.offset.gain),
                rest=np.where(where, offset.rest, self.offset.rest),
            ),
        )


def _short_map(exponent: ComplexArray) -> _Map:
    """The map of exp(``exponent``), the flow of [X; Y] with V = YX⁻¹ over a short time; (..., 4, 4)."""
    total = np.eye(4) + 0.0 * exponent
    for order in range(_TAYLOR, 0, -1):
        total = np.eye(4) + exponent @ total / order
    backward = _inverse(total[..., :2, :2])
    gamma, offset = backward @ total[..., :2, 2:], total[..., 2:, :2] @ backward
    minus = np.array(offset[..., 0, 0].real)
    gain = np.where(minus > 0.0, offset[..., 1, 0] / np.where(minus > 0.0, minus, 1.0), 0.0)
    rest = np.maximum(offset[..., 1, 1].real - np.abs(gain) ** 2 * minus, 0.0)
    return _Map(
        phi=adjoint(backward),
        gamma=(gamma + adjoint(gamma)) / 2,
        offset=InferredPair(minus=minus, gain=gain, rest=rest),
    )


def _inverse(matrix: ComplexArray) -> ComplexArray:
    """The inverses of 2×2 matrices."""
    (a, b), (c, d) = ((matrix[..., row, 0], matrix[..., row, 1]) for row in (0, 1))
    adjugate = np.stack([np.stack([d, -b], axis=-1), np.stack([-c, a], axis=-1)], axis=-2)
    result: ComplexArray = adjugate / (a * d - b * c)[..., None, None]
    return result


def _matrix(state: InferredPair) -> ComplexArray:
    """The covariance of (a₋, a₊†), (..., 2, 2)."""
    correlation = state.gain * state.minus
    rows = ([state.minus + 0j, np.conj(correlation)], [correlation, state.plus + 0j])
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def _informed(state: InferredPair, gamma: ComplexArray) -> InferredPair:
    """The state of covariance (V⁻¹ + 𝖪)⁻¹: what is known of V when a measurement adds the information 𝖪."""
    k_minus, k_plus, k_both = gamma[..., 0, 0].real, gamma[..., 1, 1].real, gamma[..., 0, 1]
    determinant = np.maximum(k_minus * k_plus - np.abs(k_both) ** 2, 0.0)
    along = np.maximum(k_minus + 2 * np.real(k_both * state.gain) + np.abs(state.gain) ** 2 * k_plus, 0.0)
    across = np.conj(k_both + np.conj(state.gain) * k_plus)
    told = 1 + state.rest * k_plus
    return InferredPair(
        minus=state.minus * told / (told + state.minus * (along + state.rest * determinant)),
        gain=state.gain - across * state.rest / told,
        rest=state.rest / told,
    )


def _moved(phi: ComplexArray, state: InferredPair, noise: InferredPair) -> InferredPair:
    """The state of covariance ΦVΦ† + 𝖧. By Lagrange's identity the rest is a sum of squares of determinants."""
    first, second = (phi[..., row, 0] + state.gain * phi[..., row, 1] for row in (0, 1))
    apart, beside = phi[..., 0, 1], phi[..., 1, 1]
    minus = np.abs(first) ** 2 * state.minus + np.abs(apart) ** 2 * state.rest + noise.minus
    gain = second * np.conj(first) * state.minus + beside * np.conj(apart) * state.rest + noise.gain * noise.minus
    squares = (
        np.abs(first * beside - second * apart) ** 2 * state.minus * state.rest
        + np.abs(first * noise.gain - second) ** 2 * state.minus * noise.minus
        + np.abs(apart * noise.gain - beside) ** 2 * state.rest * noise.minus
    )
    return InferredPair(minus=minus, gain=gain / minus, rest=noise.rest + squares / minus)


def _reduced(point: RotatingWave) -> tuple[ComplexArray, ComplexArray, FloatArray]:
    """ρ = −sQ*/(2N₋), r = sR* − ρδ and N₊ − |ρ|²N₋, the noise of + that − does not share, without cancellation."""
    s, minus = point.transmission, point.noise_minus
    offset: ComplexArray
    alone: FloatArray
    with np.errstate(invalid="ignore", divide="ignore"):
        offset = np.where(minus > 0.0, -s * np.conj(point.common_noise) / (2 * minus), 0.0)
        shared = point.strength_minus * point.strength_plus / (4 * minus)
        total, difference = point.angle_plus + point.angle_minus, point.angle_minus - point.angle_plus
        unlike = (np.cos(point.path_phase) * np.cos(total)) ** 2 + (np.sin(point.path_phase) * np.cos(difference)) ** 2
        thermal = point.bath_minus.decoherence_rate * point.strength_plus / (2 * minus)
        if point.light is None:
            apart = point.loss + s**2 * unlike
        else:
            # What the squeezed inputs of both add to the determinant of D is that of their couplings times ν² − |μ|².
            thermal = thermal * (1.0 + s**2 * (point.back_action_plus - 1.0))
            apart = point.loss * point.back_action_minus + s**2 * unlike * point.light.uncertainty
        alone = point.bath_plus.decoherence_rate + thermal + shared * apart
        alone = np.where(minus > 0.0, alone, point.noise_plus)
    drive: ComplexArray = (
        s * np.conj(point.directional_coupling) - offset * (point.damping_plus - point.damping_minus) / 2
    )
    return offset, drive, alone


def _mean_decay(exponent: FloatArray) -> FloatArray:
    """(1 − e^{−x})/x: the mean of e^{−xt} over 0 < t < 1."""
    small = exponent == 0.0
    result: FloatArray = np.where(small, 1.0, -np.expm1(-exponent) / np.where(small, 1.0, exponent))
    return result


def _scaled_shc(x: FloatArray) -> FloatArray:
    """e^{−|x|} sinh(x)/x."""
    return _mean_decay(2 * np.abs(x))


def _second_difference(first: FloatArray, second: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The divided difference of exp at 0, −x and −y as (m, f) of e^m f: ∫∫ e^{−xu−(y−x)v} over 0 < v < u < 1."""
    nodes = np.sort(np.stack(np.broadcast_arrays(0.0 * first, -first, -second)), axis=0)
    reach = nodes[2]
    low, mid, high = nodes - reach
    gap = high - low
    wide = np.where(gap > _SMALL, gap, 1.0)
    far = (_mean_decay(high - mid) - np.exp(mid) * _mean_decay(mid - low)) / wide
    # around the mean of the nodes: complete symmetric polynomials h_n, divided by (n + 2)!
    centre = (low + mid + high) / 3
    near, factor = np.zeros_like(gap), 0.5
    one, two, three = np.ones_like(gap), np.ones_like(gap), np.ones_like(gap)
    shifts = [np.where(gap > _SMALL, 0.0, each - centre) for each in (low, mid, high)]
    for order in range(_TERMS):
        if order:
            one = shifts[0] * one
            two = one + shifts[1] * two
            three = two + shifts[2] * three
            factor /= order + 2
        near = near + factor * three
    return reach, np.where(gap > _SMALL, far, np.exp(centre) * near)


def _squared_difference(first: FloatArray, second: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(shc²x − shc²y)/(x² − y²) with shc x = sinh(x)/x, as (m, f) of e^m f."""
    large = np.maximum(np.abs(first), np.abs(second))
    small = np.minimum(np.abs(first), np.abs(second))
    below = np.exp(small - large)
    shc_large, shc_small = _scaled_shc(large), _scaled_shc(small) * below
    apart = large - small > _SMALL / 2
    bounded = np.where(large > _SMALL, large, 1.0 + small)
    direct = (shc_large - shc_small) / np.where(apart, bounded**2 - small**2, 1.0)
    middle, offset = (large + small) / 2, (large - small) / 2
    cosh_middle, cosh_offset = (1 + np.exp(-2 * middle)) / 2, (1 + np.exp(-2 * offset)) / 2
    beside = cosh_middle * _scaled_shc(offset) - cosh_offset * _scaled_shc(middle)
    beside = beside / (2 * np.where(large > _SMALL, large * small + (apart | (small == 0.0)), 1.0))
    near, term, power, factor = np.zeros_like(large), np.ones_like(large), np.ones_like(large), 1.0
    x, y = (np.where(large > _SMALL, 0.0, each**2) for each in (large, small))
    for order in range(_TERMS):
        if order:
            power = power * y
            term = x * term + power
        factor /= (2 * order + 2) * (2 * order + 3)
        near = near + factor * term
    difference = np.where(large > _SMALL, np.where(apart, direct, beside), near * np.exp(-large))
    return 2 * large, difference * (shc_large + shc_small)
