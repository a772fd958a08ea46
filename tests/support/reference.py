"""Slow, plain references, written from the paper and from the commutators [X, P] = i; nothing here calls an engine.

The steady states are solved in 60 digits by the matrix sign function (Roberts, Int. J. Control 32, 677 (1980)), a
method that shares nothing with doubling or Newton's. Rates come from the same floating-point inputs as the code's.
"""

from dataclasses import dataclass

import mpmath as mp
import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from cascade_steering.sim.parameters import Cascade, Detection, Oscillator

FloatArray = NDArray[np.float64]
DIGITS = 60
# [x_j, x_k] = i FORM[j][k]
FORM = ((0, 1, 0, 0), (-1, 0, 0, 0), (0, 0, 0, 1), (0, 0, -1, 0))


@dataclass(frozen=True, kw_only=True)
class Linear:
    """dx = A x dt + ..., dY = F x dt + dW, in 60 digits: A (d, d), D (d, d), F (m, d), S (d, m)."""

    drift: mp.matrix
    diffusion: mp.matrix
    readout: mp.matrix
    cross: mp.matrix

    def floats(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """A, D, F, S as arrays."""
        return array(self.drift), array(self.diffusion), array(self.readout), array(self.cross)


def array(matrix: mp.matrix) -> FloatArray:
    """A matrix of 60 digits as an array of floats."""
    rows = [[float(mp.re(matrix[i, j])) for j in range(matrix.cols)] for i in range(matrix.rows)]
    return np.array(rows).reshape(matrix.rows, matrix.cols)


def rates(oscillator: Oscillator) -> tuple[mp.mpf, mp.mpf, mp.mpf, mp.mpf]:
    """Γ_B, Γ_P, γ, γ̃₀ as Sec. II of the paper defines them."""
    strength, angle = mp.mpf(oscillator.strength), mp.mpf(oscillator.angle)
    linewidth, occupation = mp.mpf(oscillator.bath.linewidth), mp.mpf(oscillator.bath.occupation)
    beam_splitter, parametric = strength * mp.sin(angle) ** 2, strength * mp.cos(angle) ** 2
    return beam_splitter, parametric, linewidth + beam_splitter - parametric, linewidth * (occupation + mp.mpf(1) / 2)


@dataclass(frozen=True, kw_only=True)
class PaperSteady:
    """Eqs. (4) and (6)-(9), term by term as printed (φ = 0)."""

    minus: mp.mpf
    plus: mp.mpf
    cross: mp.mpf
    bare_plus: mp.mpf
    e_plus_given_minus: mp.mpf
    e_minus_given_plus: mp.mpf
    e8_plus_given_minus: mp.mpf
    e8_minus_given_plus: mp.mpf

    @property
    def covariance(self) -> FloatArray:
        """Order X₋ P₋ X₊ P₊."""
        v, w, c = float(self.minus), float(self.plus), float(self.cross)
        return np.array([[v, 0, c, 0], [0, v, 0, -c], [c, 0, w, 0], [0, -c, 0, w]])


def paper_steady(cascade: Cascade) -> PaperSteady:
    """The steady state as the paper prints it, in 60 digits."""
    with mp.workdps(DIGITS):
        half, loss = mp.mpf(1) / 2, mp.mpf(cascade.loss)
        strength_m, strength_p = mp.mpf(cascade.minus.strength), mp.mpf(cascade.plus.strength)
        b_m, p_m, gamma_m, thermal_m = rates(cascade.minus)
        b_p, p_p, gamma_p, thermal_p = rates(cascade.plus)
        sine = mp.sin(mp.mpf(cascade.plus.angle) + mp.mpf(cascade.minus.angle))
        r = mp.sqrt(b_m * p_p) - mp.sqrt(b_p * p_m)
        s = mp.sqrt(1 - loss)
        x_m = (strength_m * half + thermal_m) / gamma_m
        c = -s * (mp.sqrt(strength_p * strength_m) * sine - 2 * r * x_m) / (gamma_p + gamma_m)
        x_p = (strength_p * half + thermal_p + 2 * s * r * c) / gamma_p
        f, bare = 2 * r / gamma_p, (strength_p * half + thermal_p) / gamma_p
        return PaperSteady(
            minus=x_m,
            plus=x_p,
            cross=c,
            bare_plus=bare,
            e_plus_given_minus=x_p - c**2 / x_m,
            e_minus_given_plus=x_m - c**2 / x_p,
            e8_plus_given_minus=bare - c**2 * (1 / x_m - (s * f / c if c else 0)),
            e8_minus_given_plus=x_m - c**2 / (bare + s * f * c),
        )


def linear(cascade: Cascade, detection: Detection, *, reverse: bool = False) -> Linear:
    """The moment equations of the rotating-wave cascade from commutators, operator by operator.

    ``reverse`` lets the field meet + first.
    """
    with mp.workdps(DIGITS):
        a = {"minus": _lowering(0), "plus": _lowering(2)}
        loss, s = mp.mpf(cascade.loss), mp.sqrt(1 - mp.mpf(cascade.loss))
        b_m, p_m, _, _ = rates(cascade.minus)
        b_p, p_p, _, _ = rates(cascade.plus)
        # sidebands l and u
        parts = {
            "minus": (mp.sqrt(b_m) * a["minus"], mp.sqrt(p_m) * _dagger(a["minus"])),
            "plus": (mp.sqrt(p_p) * _dagger(a["plus"]), mp.sqrt(b_p) * a["plus"]),
        }
        first, second = ("plus", "minus") if reverse else ("minus", "plus")
        path = mp.expj(mp.mpf(cascade.path_phase))
        sent = [s * path * part for part in parts[first]]
        lost = [mp.sqrt(loss) * part for part in parts[first]]
        lower, upper = (x + y for x, y in zip(sent, parts[second], strict=True))
        monitored = []
        for phase in detection.lo_phases:
            turn = mp.expj(-mp.mpf(phase)) / mp.sqrt(2 * len(detection.lo_phases))
            monitored += [turn * (lower + upper), 1j * turn * (lower - upper)]
        for name, oscillator in (("minus", cascade.minus), ("plus", cascade.plus)):
            width, n = mp.mpf(oscillator.bath.linewidth), mp.mpf(oscillator.bath.occupation)
            lost += [mp.sqrt(width * (n + 1)) * a[name], mp.sqrt(width * n) * _dagger(a[name])]
        return from_operators(list(zip(sent, parts[second], strict=True)), monitored, lost, detection.efficiency)


def from_operators(
    pairs: list[tuple[mp.matrix, mp.matrix]], monitored: list[mp.matrix], lost: list[mp.matrix], efficiency: float
) -> Linear:
    """A, D, F, S of H = Σ (L₂†L₁ − h.c.)/2i over ``pairs`` (L₁, L₂) and channels, all rows of coefficients on x.

    d⟨x_j⟩ = ⟨i[H, x_j] + ½ Σ (L†[x_j, L] + [L†, x_j] L)⟩ dt + √η Σ ⟨(x_j − ⟨x_j⟩) L + h.c.⟩ dW, and the noise of
    x_j and x_k is correlated as Re [x_j, L]* [x_k, L].
    """
    d, half = monitored[0].cols, mp.mpf(1) / 2
    drift, diffusion = mp.matrix(d, d), mp.matrix(d, d)
    for j in range(d):
        row = mp.matrix(1, d)
        for one, two in pairs:
            row += half * (_dagger(two) * _commutator(one, j) + _commutator(_dagger(two), j) * one)
            row -= half * (_dagger(one) * _commutator(two, j) + _commutator(_dagger(one), j) * two)
        for channel in monitored + lost:
            row += half * (-_dagger(channel) * _commutator(channel, j) + _commutator(_dagger(channel), j) * channel)
            for k in range(d):
                diffusion[j, k] += mp.re(mp.conj(_commutator(channel, j)) * _commutator(channel, k))
        for k in range(d):
            drift[j, k] = mp.re(row[k])
    root = mp.sqrt(mp.mpf(efficiency))
    readout = mp.matrix([[2 * root * mp.re(c[k]) for k in range(d)] for c in monitored])
    # ½⟨[x_j, L] + [L†, x_j]⟩ is what a homodyne outcome tells beyond the correlations
    cross = mp.matrix([[-root * mp.re(_commutator(c, j)) for c in monitored] for j in range(d)])
    return Linear(drift=drift, diffusion=diffusion, readout=readout, cross=cross)


def steady(system: Linear, *, conditional: bool) -> FloatArray:
    """The steady-state covariance from the sign of the Hamiltonian matrix, in 60 digits."""
    with mp.workdps(DIGITS):
        return array(_steady(system, conditional=conditional))


def _steady(system: Linear, *, conditional: bool) -> mp.matrix:
    a, d = system.drift, system.drift.rows
    q, f = system.diffusion, mp.matrix(d, d)
    if conditional:
        a = a - system.cross * system.readout
        q, f = q - system.cross * system.cross.T, system.readout.T * system.readout
    m = mp.matrix(2 * d, 2 * d)
    for i in range(d):
        for j in range(d):
            m[i, j], m[i, d + j], m[d + i, j], m[d + i, d + j] = -a[j, i], f[i, j], q[i, j], a[i, j]
    growing = _sign(m) + mp.eye(2 * d)
    # any d combinations of columns span the growing subspace
    span = growing * mp.matrix([[mp.mpf(1) / (1 + i + 2 * j) for j in range(d)] for i in range(2 * d)])
    return span[d:, :] * span[:d, :] ** -1


def closed_form(system: Linear, initial: FloatArray, times: FloatArray, *, conditional: bool) -> list[mp.matrix]:
    """V(t) around the steady state V∞, in 60 digits: with B = A − K∞ F, W the solution of Bᵀ W + W B + FᵀF = 0,
    Δ = V(0) − V∞ and G(t) = W − e^{Bᵀt} W e^{Bt},  V(t) = V∞ + e^{Bt} Δ (I + G Δ)⁻¹ e^{Bᵀt}.
    """
    with mp.workdps(DIGITS):
        limit = _steady(system, conditional=conditional)
        f, s = (part * int(conditional) for part in (system.readout, system.cross))
        closed = system.drift - (limit * f.T + s) * f
        told = _lyapunov(closed.T, f.T * f)
        delta = mp.matrix(initial.tolist()) - limit
        found = []
        for time in times:
            left = mp.expm(closed * mp.mpf(float(time)))
            known = told - left.T * told * left
            found.append(limit + left * delta * (mp.eye(limit.rows) + known * delta) ** -1 * left.T)
        return found


def unseen(system: Linear, initial: FloatArray, time: float, *, digits: int) -> mp.matrix:
    """V(``time``) without the record in the given number of ``digits``, growing or not: e^{At} V(0) e^{Aᵀt} and the
    integral over the noise, both out of one exponential (Van Loan, IEEE Trans. Autom. Control 23, 395 (1978)).
    """
    with mp.workdps(digits):
        a, d = system.drift, system.drift.rows
        block = mp.matrix(2 * d, 2 * d)
        for i in range(d):
            for j in range(d):
                block[i, j], block[i, d + j], block[d + i, d + j] = -a[i, j], system.diffusion[i, j], a[j, i]
        whole = mp.expm(block * mp.mpf(float(time)))
        moved = whole[d:, d:].T
        return moved * mp.matrix(initial.tolist()) * moved.T + moved * whole[:d, d:]


def taylor(system: Linear, initial: FloatArray, time: float, *, conditional: bool, order: int = 24) -> mp.matrix:
    """V(``time``) by Taylor series of V̇ = AV + VAᵀ + D [− K Kᵀ], K = V Fᵀ + S, in 60 digits and steps as long as the
    last terms allow: off by some 1e-20 a step. Slow, and shares nothing with matrix exponentials or steady states.
    """
    with mp.workdps(DIGITS):
        f, s = (part * int(conditional) for part in (system.readout, system.cross))
        value, now, end = mp.matrix(initial.tolist()), mp.mpf(0), mp.mpf(float(time))
        while now < end:
            terms, gains = [value], [value * f.T + s]
            for n in range(order):
                slope = system.drift * terms[n] + terms[n] * system.drift.T
                slope += system.diffusion if n == 0 else 0 * system.diffusion
                for k in range(n + 1):
                    slope -= gains[k] * gains[n - k].T
                terms.append(slope / (n + 1))
                gains.append(terms[-1] * f.T)
            allowed = mp.mpf("1e-20") * mp.mnorm(value, 1) / mp.mnorm(terms[-1], 1)
            step = min(allowed ** (mp.mpf(1) / order), end - now)
            value = sum((terms[n] * step**n for n in range(order, 0, -1)), mp.zeros(value.rows)) + value
            now += step
        return value


def steering(covariance: mp.matrix, direction: str, digits: int = DIGITS) -> mp.mpf:
    """E = √det(V₊ − Cᵀ V₋⁻¹ C), or with the roles swapped, in 60 digits or in as many as are given."""
    with mp.workdps(digits):
        inferred, measured = (2, 0) if direction == "plus_given_minus" else (0, 2)
        own = covariance[inferred : inferred + 2, inferred : inferred + 2]
        other = covariance[measured : measured + 2, measured : measured + 2]
        shared = covariance[measured : measured + 2, inferred : inferred + 2]
        return mp.sqrt(mp.det(own - shared.T * other**-1 * shared))


def _lyapunov(drift: mp.matrix, diffusion: mp.matrix) -> mp.matrix:
    """X with A X + X Aᵀ + D = 0, as one linear system."""
    d = drift.rows
    operator, right = mp.matrix(d * d, d * d), mp.matrix(d * d, 1)
    for i in range(d):
        for j in range(d):
            right[i * d + j] = -diffusion[i, j]
            for k in range(d):
                operator[i * d + j, k * d + j] += drift[i, k]
                operator[i * d + j, i * d + k] += drift[j, k]
    flat = mp.lu_solve(operator, right)
    return mp.matrix([[flat[i * d + j] for j in range(d)] for i in range(d)])


def _sign(matrix: mp.matrix) -> mp.matrix:
    """The matrix sign function by Newton's iteration with determinant scaling."""
    n = matrix.rows
    for _ in range(200):
        inverse = matrix**-1
        scale = abs(mp.det(matrix)) ** (-mp.mpf(1) / n)
        new = (scale * matrix + inverse / scale) / 2
        change = mp.mnorm(new - matrix, 1) / mp.mnorm(new, 1)
        matrix = new
        if change < mp.mpf(10) ** (8 - DIGITS // 2):
            return matrix
    raise AssertionError("the sign iteration did not converge")


def transient(system: Linear, initial: FloatArray, times: FloatArray, *, conditional: bool) -> FloatArray:
    """V(t) of V̇ = AV + VAᵀ + D [− K Kᵀ], K = V Fᵀ + S, by an adaptive integrator; array of shape (n, d, d)."""
    a, q, f, s = system.floats()

    def slope(_: float, flat: FloatArray) -> FloatArray:
        v = flat.reshape(initial.shape)
        k = v @ f.T + s if conditional else np.zeros_like(s)
        return np.asarray(a @ v + v @ a.T + q - k @ k.T).ravel()

    span = (0.0, float(times[-1]))
    found = solve_ivp(slope, span, initial.ravel(), t_eval=times, method="DOP853", rtol=1e-12, atol=1e-13)
    return found.y.T.reshape(-1, *initial.shape)


def euler_filter(system: Linear, initial: FloatArray, record: FloatArray, step: float) -> tuple[FloatArray, FloatArray]:
    """Conditional means and covariance after records dY (n, steps, m), by dx̂ = A x̂ dt + K (dY − F x̂ dt)."""
    a, q, f, s = system.floats()
    x, v = np.zeros((len(record), len(a))), initial
    for dy in record.swapaxes(0, 1):
        k = v @ f.T + s
        x = x + x @ a.T * step + (dy - x @ f.T * step) @ k.T
        v = v + (a @ v + v @ a.T + q - k @ k.T) * step
    return x, v


def _lowering(first: int) -> mp.matrix:
    row = mp.matrix(1, 4)
    row[first], row[first + 1] = 1 / mp.sqrt(2), 1j / mp.sqrt(2)
    return row


def _dagger(row: mp.matrix) -> mp.matrix:
    return row.apply(mp.conj)


def _commutator(row: mp.matrix, j: int) -> mp.mpc:
    """[L, x_j] = i Σ_k c_k FORM[k][j] of L = c·x."""
    return sum((1j * row[k] * FORM[k][j] for k in range(row.cols)), mp.mpc(0))
