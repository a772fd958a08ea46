"""E of one pair in the rotating wave from its rates, compiled: without the record, and given it.

With z = (a₋, a₊†), g the gain of a₊† on a₋ and y = (a₋, a₊† − g a₋) the covariance of y is diagonal, (V₋, U), and U is
E₊|₋. The Riccati equation is doubled first, which finds the stabilising solution whether or not the oscillators are
damped; Newton's method in y then restores the digits that a difference of variances has lost. It is what
``sim.gaussian.riccati`` does for any system, where a call of a library takes longer than all of this. Section 5 of
sim/README.md.

Doubling: Chu, Fan and Lin, Linear Algebra Appl. 396, 55 (2005).
"""

from typing import NamedTuple, TypeAlias

import numpy as np

from cascade_steering.sim.compiled import compiled, compiled_within
from cascade_steering.sim.rotating_wave.pair_rates import PairRates

__all__ = ["ConditionalPair", "conditional_pair", "corrected_pair", "inferred_steering", "pair_limits"]

# a matrix by its rows
_Entries: TypeAlias = tuple[complex, complex, complex, complex]
# doublings, of which a motion of 1e-9 of the fastest rate needs 36, Newton steps, and times that both are tried
_MOST_DOUBLINGS, _MOST_CORRECTIONS, _MOST_ATTEMPTS = 60, 60, 4
# relative change of the variances below which a doubling is the last, and of V₋, g and U below which a Newton step is
# the last but one
_DOUBLED, _CORRECTED = 1e-9, 1e-6


class ConditionalPair(NamedTuple):
    """V₋, g and U = E₊|₋ given the record, and whether they have been found: NaN and False where there are none."""

    minus: float
    gain: complex
    rest: float
    found: bool


@compiled
def pair_limits(rates: PairRates) -> tuple[float, float]:
    """E₊|₋ and E₋|₊ without the record, for γ₋ ≤ 0 or γ₊ ≤ 0 their limits at long times.

    As ``sim.rotating_wave.closed_forms.steering_limits``, NaN where that is infinite. Section 5 of sim/README.md.
    """
    minus, plus, n_minus, n_plus, driven, common, _, _ = rates
    if not plus > 0.0:
        return np.nan, (n_minus / minus if minus > 0.0 else np.nan)
    if minus > 0.0:
        kappa = 2.0 * (np.conj(driven) * n_minus + np.conj(common) * minus) / (plus + minus)
        bracket = 2.0 * (driven / plus - common / n_minus)
        forward = n_plus / plus + (kappa * bracket).real / (plus + minus)
        return forward, forward * n_minus * plus / (minus * n_plus + 2.0 * (driven * kappa).real)
    k = 2.0 * driven / (plus - minus)
    squared = k.real**2 + k.imag**2
    forward = (n_plus - 2.0 * (k * np.conj(common)).real + squared * n_minus) / plus
    return forward, (forward / squared if squared > 0.0 else np.nan)


@compiled
def inferred_steering(pair: ConditionalPair) -> tuple[float, float]:
    """E₊|₋ and E₋|₊: the inverse variances 1/V₋ and |g|²/U add, so that nothing cancels. Section 5 of sim/README.md."""
    squared = pair.gain.real**2 + pair.gain.imag**2
    return pair.rest, 1.0 / (1.0 / pair.minus + squared / pair.rest)


@compiled
def conditional_pair(rates: PairRates) -> ConditionalPair:
    """The steady state given the record. Section 5 of sim/README.md."""
    start = ConditionalPair(np.nan, 0.0j, np.nan, False)
    for _ in range(_MOST_ATTEMPTS):
        doubled = _doubled(_inferred_rates(rates, start.gain))
        start = ConditionalPair(doubled.minus, start.gain + doubled.gain, doubled.rest, doubled.found)
        found = corrected_pair(rates, start) if start.found else start
        # next to the edge of stability a gain may be needed to 1e-12: a solution in y has these digits
        if found.found or not start.found:
            break
    return found


@compiled
def corrected_pair(rates: PairRates, start: ConditionalPair) -> ConditionalPair:
    """The steady state by Newton's method from one that is near. Section 5 of sim/README.md."""
    minus, gain, rest = start.minus, start.gain, start.rest
    last = False
    for _ in range(_MOST_CORRECTIONS):
        x11, x21, x22 = _newton_step(_inferred_rates(rates, gain), minus, rest)
        p, u = minus + x11, rest + x22
        if not (p > 0.0 and np.isfinite(u)):
            break
        more = x21 / p
        squared = more.real**2 + more.imag**2
        left = u - squared * p
        if not left > 0.0:
            break
        change = max(abs(x11) / p, abs(left - rest) / left, np.sqrt(squared * p / left))
        minus, gain, rest = p, gain + more, left
        if last:
            return ConditionalPair(minus, gain, rest, _stabilises(_inferred_rates(rates, gain), minus, rest))
        last = change < _CORRECTED
    return ConditionalPair(np.nan, 0.0j, np.nan, False)


@compiled_within
def _inferred_rates(rates: PairRates, gain: complex) -> PairRates:
    """The rates of y = (a₋, a₊† − g a₋)."""
    minus, plus, n_minus, n_plus, driven, common, first, second = rates
    return PairRates(
        minus,
        plus,
        n_minus,
        n_plus - 2.0 * (np.conj(gain) * common).real + _squared(gain) * n_minus,
        driven + (minus - plus) / 2 * gain,
        common - gain * n_minus,
        (first[0] + first[1] * gain, first[1], first[2], first[3] - gain * first[2]),
        (second[0] + second[1] * gain, second[1], second[2], second[3] - gain * second[2]),
    )


@compiled_within
def _closed_loop(rates: PairRates, minus: float, rest: float) -> _Entries:
    """A − KF at the covariance diag(V₋, U)."""
    c11, c12, c21, c22 = (
        complex(-rates.damping_minus / 2, 0.0),
        0.0j,
        rates.driven,
        complex(-rates.damping_plus / 2, 0.0),
    )
    for f1, f2, s1, s2 in (rates.first, rates.second):
        k1, k2 = minus * np.conj(f1) + s1, rest * np.conj(f2) + s2
        c11, c12, c21, c22 = c11 - k1 * f1, c12 - k1 * f2, c21 - k2 * f1, c22 - k2 * f2
    return c11, c12, c21, c22


@compiled_within
def _newton_step(rates: PairRates, minus: float, rest: float) -> tuple[float, complex, float]:
    """X₁₁, X₂₁ and X₂₂ of Newton's correction to diag(V₋, U). Kleinman, IEEE Trans. Autom. Control 13, 114 (1968)."""
    c11, c12, c21, c22 = _closed_loop(rates, minus, rest)
    r11, r22 = rates.noise_minus - rates.damping_minus * minus, rates.noise_plus - rates.damping_plus * rest
    r21 = rates.driven * minus + rates.common
    for f1, f2, s1, s2 in (rates.first, rates.second):
        k1, k2 = minus * np.conj(f1) + s1, rest * np.conj(f2) + s2
        r11, r21, r22 = r11 - _squared(k1), r21 - k2 * np.conj(k1), r22 - _squared(k2)
    # C X + X C† + R = 0: X₂₁ from the entry below the diagonal, then two real unknowns
    total = c22 + np.conj(c11)
    across, back = c12 / total, np.conj(c21) / total
    m11, m12 = c11.real - (across * c21).real, -(across * np.conj(c12)).real
    m21, m22 = -(back * c21).real, c22.real - (back * np.conj(c12)).real
    b1, b2 = -r11 / 2 + (across * r21).real, -r22 / 2 + (back * r21).real
    scale = m11 * m22 - m12 * m21
    x11, x22 = (b1 * m22 - m12 * b2) / scale, (m11 * b2 - m21 * b1) / scale
    return x11, -(c21 * x11 + np.conj(c12) * x22 + r21) / total, x22


@compiled_within
def _stabilises(rates: PairRates, minus: float, rest: float) -> bool:
    """Whether both rates of A − KF are negative."""
    c11, c12, c21, c22 = _closed_loop(rates, minus, rest)
    half = (c11 + c22) / 2
    root = np.sqrt(((c11 - c22) / 2) ** 2 + c12 * c21)
    fast = half + root if half.real * root.real + half.imag * root.imag > 0.0 else half - root
    # the slow one from the product of both
    slow = (c11 * c22 - c12 * c21) / fast
    stable: bool = max(fast.real, slow.real) < 0.0
    return stable


@compiled_within
def _doubled(rates: PairRates) -> ConditionalPair:
    """The stabilising solution by doubling, with the digits that entries of very different size leave."""
    a11, a21, a22 = complex(-rates.damping_minus / 2, 0.0), rates.driven, complex(-rates.damping_plus / 2, 0.0)
    a12 = 0.0j
    q11, q21, q22 = rates.noise_minus, rates.common, rates.noise_plus
    g11, g21, g22 = 0.0, 0.0j, 0.0
    for f1, f2, s1, s2 in (rates.first, rates.second):
        a11, a12, a21, a22 = a11 - s1 * f1, a12 - s1 * f2, a21 - s2 * f1, a22 - s2 * f2
        q11, q21, q22 = q11 - _squared(s1), q21 - s2 * np.conj(s1), q22 - _squared(s2)
        g11, g21, g22 = g11 + _squared(f1), g21 + np.conj(f2) * f1, g22 + _squared(f2)
    # Φ, 𝖪 and 𝖧 of a short time by Cayley's transform, in units of the fastest rate
    size = abs(a11) + abs(a12) + abs(a21) + abs(a22) + np.sqrt((q11 + q22) * (g11 + g22))
    one = (1.0 + 0.0j, 0.0j, 0.0j, 1.0 + 0.0j)
    closed = (a11 / size - 1.0, a12 / size, a21 / size, a22 / size - 1.0)
    shown = (complex(g11 / size, 0.0), np.conj(g21) / size, g21 / size, complex(g22 / size, 0.0))
    noise = (complex(q11 / size, 0.0), np.conj(q21) / size, q21 / size, complex(q22 / size, 0.0))
    back = _inverse(_adjoint(closed))
    seen = _times(back, shown)
    inner = _inverse(_plus(closed, _times(noise, seen)))
    phi = _plus(one, _twice(inner))
    kept = _twice(_times(seen, inner))
    offset = _twice(_times(inner, _times(noise, back)))
    for _ in range(_MOST_DOUBLINGS):
        # V ↦ 𝖧 + Φ V (1 + 𝖪V)⁻¹ Φ† of twice the time
        middle = _inverse(_plus(one, _times(kept, offset)))
        there = _times(middle, _adjoint(phi))
        further = _times(_times(phi, offset), there)
        kept = _plus(kept, _times(_times(_adjoint(phi), middle), _times(kept, phi)))
        phi = _adjoint(_times(_adjoint(phi), there))
        minus, plus = offset[0].real, offset[3].real
        offset = _plus(offset, further)
        if not np.isfinite(offset[0].real + offset[3].real):
            break
        if further[0].real <= _DOUBLED * minus and further[3].real <= _DOUBLED * plus:
            gain = offset[2] / offset[0].real
            rest = offset[3].real - _squared(gain) * offset[0].real
            # where rounding leaves no positive inferred variance half of the vacuum variance is near enough
            return ConditionalPair(offset[0].real, gain, rest if rest > 0.0 else 0.25, True)
    return ConditionalPair(np.nan, 0.0j, np.nan, False)


@compiled_within
def _squared(number: complex) -> float:
    return number.real**2 + number.imag**2


@compiled_within
def _times(left: _Entries, right: _Entries) -> _Entries:
    a, b, c, d = left
    e, f, g, h = right
    return a * e + b * g, a * f + b * h, c * e + d * g, c * f + d * h


@compiled_within
def _plus(left: _Entries, right: _Entries) -> _Entries:
    return left[0] + right[0], left[1] + right[1], left[2] + right[2], left[3] + right[3]


@compiled_within
def _twice(matrix: _Entries) -> _Entries:
    return 2.0 * matrix[0], 2.0 * matrix[1], 2.0 * matrix[2], 2.0 * matrix[3]


@compiled_within
def _adjoint(matrix: _Entries) -> _Entries:
    a, b, c, d = matrix
    return np.conj(a), np.conj(c), np.conj(b), np.conj(d)


@compiled_within
def _inverse(matrix: _Entries) -> _Entries:
    a, b, c, d = matrix
    over = 1.0 / (a * d - b * c)
    return d * over, -b * over, -c * over, a * over
