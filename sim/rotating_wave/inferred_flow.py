"""The exact flow of two amplitudes while the light is constant, in three quantities of which none is a difference.

Where V₋ is 1e10 and E is 0.1, entries of the covariance of (a₋, a₊†) hold no digit of E. The same state is

    V₋,   g = ⟨a₊†a₋†⟩/V₋,   U = V₊ − |g|²V₋

the variance of −, the gain with which + is inferred from it, and the variance of + that is then left. E is U for
− steering +, and 1/(1/V₋ + |g|²/U) for + steering −: sums of positive terms, as are the flows below. They are compiled
and take one state after another, because a search for a pulse asks for a few of them at a time, thousands of times.
Section 5 of sim/README.md.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.compiled import compiled, compiled_within
from cascade_steering.sim.conventions import VACUUM_VARIANCE
from cascade_steering.sim.rotating_wave.pair_rates import PairRates, PairSetting, pair_rates, unshared_noise

__all__ = ["InferredPair", "inferred_courses"]

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


class InferredPair(NamedTuple):
    """A Gaussian state of the pair in the rotating wave. Section 5 of sim/README.md.

    Parameters
    ----------
    minus : V₋
    gain : g = ⟨a₊†a₋†⟩/V₋, complex
    rest : U, the variance of + that is left when it is inferred from −; this is E₊|₋
    """

    minus: float
    gain: complex
    rest: float

    @classmethod
    def thermal(cls, occupations: tuple[float, float]) -> "InferredPair":
        """Two uncorrelated thermal states of the given occupations of − and +."""
        return cls(float(occupations[0] + VACUUM_VARIANCE), 0.0j, float(occupations[1] + VACUUM_VARIANCE))

    @property
    def plus(self) -> float:
        """V₊."""
        return self.rest + abs(self.gain) ** 2 * self.minus

    @property
    def steering(self) -> tuple[float, float]:
        """(E₊|₋, E₋|₊)."""
        return self.rest, self.rest * self.minus / self.plus


@compiled
def inferred_courses(
    light: FloatArray, loss: float, setting: PairSetting, start: InferredPair, conditional: bool
) -> FloatArray:
    """The states after each segment of light that is constant, at any γ±, exact; array of shape (m, segments, 6).

    Section 5 of sim/README.md. It stays finite as γ₋ → γ₊ and γ± → 0. Variances beyond 1e308 are infinite; U is not.

    Parameters
    ----------
    light : Γ₋, θ₋, Γ₊, θ₊, ψ, ϑ (rad/s and radians) and the duration (seconds ≥ 0) of each segment, (m, segments, 7)
    loss : ε
    setting : what all segments have in common
    start : the state before them
    conditional : given the record, or without it

    The six numbers are V₋, Re g, Im g and U at the end of a segment, and the largest V₋ and V₊ within it, these always
    without the record.
    """
    found = np.empty((light.shape[0], light.shape[1], 6))
    for number in range(light.shape[0]):
        ensemble, known = start, start
        for segment in range(light.shape[1]):
            at, row = light[number, segment], found[number, segment]
            rates = pair_rates(at[0], at[1], at[2], at[3], at[4], at[5], setting)
            alone = unshared_noise(at[0], at[1], at[2], at[3], at[4], loss, setting)
            time = at[6]
            largest = _largest_plus(rates, alone, ensemble, time)
            before = ensemble.minus
            ensemble = _unobserved(rates, alone, ensemble, time)
            known = _observed(rates, known, time) if conditional else ensemble
            row[0], row[1], row[2], row[3] = known.minus, known.gain.real, known.gain.imag, known.rest
            # V₋ relaxes towards one value, so that its largest value is at an end
            row[4], row[5] = _larger(before, ensemble.minus), _larger(largest, _plus(ensemble))
    return found


@compiled_within
def _unobserved(rates: PairRates, alone: float, state: InferredPair, time: float) -> InferredPair:
    """The state after a time without the record; ``alone`` is ``unshared_noise``."""
    plus, minus = rates.damping_plus * time, rates.damping_minus * time
    mean, half = (plus + minus) / 2, (plus - minus) / 2
    offset = rates.common / rates.noise_minus if rates.noise_minus > 0.0 else 0.0j
    drive = rates.driven - offset * (rates.damping_plus - rates.damping_minus) / 2
    # each factor is of order 1 beside its exponential, and exponents are added before they are taken
    damped, size, shape = max(minus, 0.0), abs(minus) / 2, _mean_decay(abs(minus))
    # V₋ at the end comes from its start and from noise since then: e^{−damped} V₋ and ``added``, up to a factor
    added = rates.noise_minus * time * shape
    whole = np.exp(-damped) * state.minus + added
    reach, lag = _second_difference(half, mean)
    early, lead = _second_difference(minus, mean)
    width, spread = _squared_difference(mean / 2, half / 2)
    pushed = drive * time
    from_start = np.exp(-plus / 2) * (state.gain - offset) + pushed * (lag / shape * np.exp(reach - size))
    started = np.exp(-half - damped) * (state.gain - offset)
    started += pushed * (_mean_decay(abs(half)) * np.exp(max(-half, 0.0) - damped))
    common = rates.noise_minus * _squared(drive) * time**3 * np.exp(width - mean + minus / 2 - size)
    return InferredPair(
        np.exp(-minus) * state.minus + rates.noise_minus * time * _mean_decay(minus),
        offset
        + state.minus / whole * started
        + added / whole * pushed * (lead / shape * np.exp(early + minus / 2 - size)),
        np.exp(-plus) * state.rest
        + alone * time * _mean_decay(plus)
        + common * spread / (4 * shape)
        + state.minus * added / whole * _squared(from_start),
    )


@compiled_within
def _largest_plus(rates: PairRates, alone: float, state: InferredPair, time: float) -> float:
    """The largest V₊ before the end, without the record.

    e^{γ₊t} V̇₊ is a parabola in (e^{δt} − 1)/δ with δ = (γ₊ − γ₋)/2, so that V₊ has two extrema at most. Section 5 of
    sim/README.md.
    """
    half = (rates.damping_plus - rates.damping_minus) / 2
    largest, correlation = _plus(state), state.gain * state.minus
    driven = rates.driven * state.minus + rates.common
    moved = driven - (rates.damping_plus + rates.damping_minus) / 2 * correlation
    constant = rates.noise_plus - rates.damping_plus * largest + 2 * (np.conj(rates.driven) * correlation).real
    linear = 2 * (np.conj(rates.driven) * moved).real
    square = _squared(rates.driven) * (rates.noise_minus - rates.damping_minus * state.minus)
    # infinite or NaN where the parabola has no zeros
    of_equal_signs = -(linear + np.copysign(np.sqrt(linear**2 - 4 * square * constant), linear)) / 2
    for root in (of_equal_signs / square, constant / of_equal_signs):
        place = np.log1p(half * root) / half if abs(half * root) > _FLAT else root
        if 0.0 < place < time:
            largest = _larger(largest, _plus(_unobserved(rates, alone, state, place)))
    return largest


@compiled_within
def _observed(rates: PairRates, state: InferredPair, time: float) -> InferredPair:
    """The state after a time given the record.

    The map of a short time is a series, and is doubled as ``sim.gaussian.riccati.RiccatiMap`` is: V ↦ 𝖧 +
    ΦV(1 + 𝖪V)⁻¹Φ† for two amplitudes, with 𝖧 an ``InferredPair``. Section 5 of sim/README.md.
    """
    generator = _generator(rates)
    reach = 0.0
    for i in range(4):
        total = 0.0
        for k in range(4):
            total += abs(generator[i, k])
        reach = max(reach, total * time)
    doublings = max(0, int(np.ceil(np.log2(max(reach, 1e-300) / _REACH))))
    phi, gamma, offset = _short_map(generator, time / 2.0**doublings)
    for _ in range(doublings):
        middle = _product(gamma, _matrix(offset))
        middle[0, 0], middle[1, 1] = middle[0, 0] + 1.0, middle[1, 1] + 1.0
        backward, rows = _adjoint(phi), _inverse(middle)
        there = _product(backward, rows)
        further = _moved(phi, _informed(offset, gamma), offset)
        told = _product(there, _product(gamma, phi))
        for i in range(2):
            for k in range(2):
                told[i, k] += gamma[i, k]
        phi, gamma, offset = _adjoint(_product(there, backward)), _hermitian(told), further
    return _moved(phi, _informed(state, gamma), offset)


@compiled_within
def _generator(rates: PairRates) -> ComplexArray:
    """M with d/dt [X; Y] = M [X; Y] and V = YX⁻¹; array of shape (4, 4)."""
    found = np.zeros((4, 4), dtype=np.complex128)
    closed, told, noise = found[2:, 2:], found[:2, 2:], found[2:, :2]
    closed[0, 0], closed[1, 0], closed[1, 1] = -rates.damping_minus / 2, rates.driven, -rates.damping_plus / 2
    noise[0, 0], noise[1, 0], noise[1, 1] = rates.noise_minus, rates.common, rates.noise_plus
    noise[0, 1] = np.conj(rates.common)
    for f1, f2, s1, s2 in (rates.first, rates.second):
        for i, (f, s) in enumerate(((f1, s1), (f2, s2))):
            for k, (other, shared) in enumerate(((f1, s1), (f2, s2))):
                closed[i, k] -= s * other
                told[i, k] += np.conj(f) * other
                noise[i, k] -= s * np.conj(shared)
    back = _adjoint(closed)
    for i in range(2):
        for k in range(2):
            found[i, k] = -back[i, k]
    return found


@compiled_within
def _short_map(generator: ComplexArray, time: float) -> tuple[ComplexArray, ComplexArray, InferredPair]:
    """Φ, 𝖪 and 𝖧 of exp(``generator`` ``time``) over a short time."""
    total = np.zeros((4, 4), dtype=np.complex128)
    for k in range(4):
        total[k, k] = 1.0
    for order in range(_TAYLOR, 0, -1):
        total = _product(generator, total)
        for i in range(4):
            for k in range(4):
                total[i, k] = total[i, k] * (time / order) + (1.0 if i == k else 0.0)
    backward = _inverse(total[:2, :2])
    gamma, offset = _product(backward, total[:2, 2:]), _product(total[2:, :2], backward)
    minus = offset[0, 0].real
    gain = offset[1, 0] / minus if minus > 0.0 else 0.0j
    rest = max(offset[1, 1].real - _squared(gain) * minus, 0.0)
    return _adjoint(backward), _hermitian(gamma), InferredPair(minus, gain, rest)


@compiled_within
def _informed(state: InferredPair, gamma: ComplexArray) -> InferredPair:
    """The state of covariance (V⁻¹ + 𝖪)⁻¹: what is known of V when a measurement adds the information 𝖪."""
    k_minus, k_plus, k_both = gamma[0, 0].real, gamma[1, 1].real, gamma[0, 1]
    determinant = max(k_minus * k_plus - _squared(k_both), 0.0)
    along = max(k_minus + 2 * (k_both * state.gain).real + _squared(state.gain) * k_plus, 0.0)
    across = np.conj(k_both + np.conj(state.gain) * k_plus)
    told = 1 + state.rest * k_plus
    return InferredPair(
        state.minus * told / (told + state.minus * (along + state.rest * determinant)),
        state.gain - across * (state.rest / told),
        state.rest / told,
    )


@compiled_within
def _moved(phi: ComplexArray, state: InferredPair, noise: InferredPair) -> InferredPair:
    """The state of covariance ΦVΦ† + 𝖧. By Lagrange's identity the rest is a sum of squares of determinants."""
    first, second = phi[0, 0] + state.gain * phi[0, 1], phi[1, 0] + state.gain * phi[1, 1]
    apart, beside = phi[0, 1], phi[1, 1]
    minus = _squared(first) * state.minus + _squared(apart) * state.rest + noise.minus
    gain = second * np.conj(first) * state.minus + beside * np.conj(apart) * state.rest + noise.gain * noise.minus
    squares = (
        _squared(first * beside - second * apart) * state.minus * state.rest
        + _squared(first * noise.gain - second) * state.minus * noise.minus
        + _squared(apart * noise.gain - beside) * state.rest * noise.minus
    )
    return InferredPair(minus, gain / minus, noise.rest + squares / minus)


@compiled_within
def _matrix(state: InferredPair) -> ComplexArray:
    """The covariance of (a₋, a₊†), (2, 2)."""
    found = np.empty((2, 2), dtype=np.complex128)
    found[0, 0], found[1, 1], found[1, 0] = state.minus, _plus(state), state.gain * state.minus
    found[0, 1] = np.conj(found[1, 0])
    return found


@compiled_within
def _plus(state: InferredPair) -> float:
    """V₊."""
    return state.rest + _squared(state.gain) * state.minus


@compiled_within
def _larger(first: float, second: float) -> float:
    """The larger one; NaN if one is."""
    return first if first > second or np.isnan(first) else second


@compiled_within
def _squared(number: complex) -> float:
    return number.real**2 + number.imag**2


@compiled_within
def _product(left: ComplexArray, right: ComplexArray) -> ComplexArray:
    n = len(left)
    found = np.zeros((n, n), dtype=np.complex128)
    for i in range(n):
        for m in range(n):
            for k in range(n):
                found[i, k] += left[i, m] * right[m, k]
    return found


@compiled_within
def _adjoint(matrix: ComplexArray) -> ComplexArray:
    """The Hermitian conjugate of a 2×2 matrix."""
    found = np.empty((2, 2), dtype=np.complex128)
    for i in range(2):
        for k in range(2):
            found[i, k] = np.conj(matrix[k, i])
    return found


@compiled_within
def _hermitian(matrix: ComplexArray) -> ComplexArray:
    """A 2×2 matrix without the part that rounding has left."""
    found = _adjoint(matrix)
    for i in range(2):
        for k in range(2):
            found[i, k] = (found[i, k] + matrix[i, k]) / 2
    return found


@compiled_within
def _inverse(matrix: ComplexArray) -> ComplexArray:
    """The inverse of a 2×2 matrix."""
    found = np.empty((2, 2), dtype=np.complex128)
    over = 1.0 / (matrix[0, 0] * matrix[1, 1] - matrix[0, 1] * matrix[1, 0])
    found[0, 0], found[1, 1] = matrix[1, 1] * over, matrix[0, 0] * over
    found[0, 1], found[1, 0] = -matrix[0, 1] * over, -matrix[1, 0] * over
    return found


@compiled_within
def _mean_decay(exponent: float) -> float:
    """(1 − e^{−x})/x: the mean of e^{−xt} over 0 < t < 1."""
    result: float = -np.expm1(-exponent) / exponent if exponent != 0.0 else 1.0
    return result


@compiled_within
def _second_difference(first: float, second: float) -> tuple[float, float]:
    """The divided difference of exp at 0, −x and −y as (m, f) of e^m f: ∫∫ e^{−xu−(y−x)v} over 0 < v < u < 1."""
    reach = max(0.0, -first, -second)
    low = min(0.0, -first, -second) - reach
    mid = max(min(-first, -second), min(max(-first, -second), 0.0)) - reach
    # of the three nodes, less the largest, the last one is 0
    gap = -low
    if gap > _SMALL:
        return reach, (_mean_decay(-mid) - np.exp(mid) * _mean_decay(mid - low)) / gap
    # around the mean of the nodes: complete symmetric polynomials h_n, divided by (n + 2)!
    centre = (low + mid) / 3
    near, factor, one, two, three = 0.0, 0.5, 1.0, 1.0, 1.0
    for order in range(_TERMS):
        if order:
            one = (low - centre) * one
            two = one + (mid - centre) * two
            three = two - centre * three
            factor /= order + 2
        near += factor * three
    return reach, np.exp(centre) * near


@compiled_within
def _squared_difference(first: float, second: float) -> tuple[float, float]:
    """(shc²x − shc²y)/(x² − y²) with shc x = sinh(x)/x, as (m, f) of e^m f."""
    large, small = max(abs(first), abs(second)), min(abs(first), abs(second))
    shc_large, shc_small = _mean_decay(2 * large), _mean_decay(2 * small) * np.exp(small - large)
    if large <= _SMALL:
        x, y = large**2, small**2
        near, term, power, factor = 0.0, 1.0, 1.0, 1.0
        for order in range(_TERMS):
            if order:
                power *= y
                term = x * term + power
            factor /= (2 * order + 2) * (2 * order + 3)
            near += factor * term
        difference = near * np.exp(-large)
    elif large - small > _SMALL / 2:
        difference = (shc_large - shc_small) / (large**2 - small**2)
    else:
        middle, offset = (large + small) / 2, (large - small) / 2
        beside = (1 + np.exp(-2 * middle)) / 2 * _mean_decay(2 * offset)
        beside -= (1 + np.exp(-2 * offset)) / 2 * _mean_decay(2 * middle)
        difference = beside / (2 * large * small)
    return 2 * large, difference * (shc_large + shc_small)
