"""Slow, plain reference for linear models: moments, Riccati and filter, straight from their equations."""

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from cascade_steering.sim.conventions import symplectic_form
from cascade_steering.sim.model.linear_model import LinearModel

FloatArray = NDArray[np.float64]


def drift(model: LinearModel) -> FloatArray:
    """A = Σ(G + Im C†C), rows c_k in C."""
    c = model.channels
    return symplectic_form(model.dimension // 2) @ (model.hamiltonian + np.imag(c.conj().T @ c))


def diffusion(model: LinearModel) -> FloatArray:
    """D = Σ Re(C†C) Σᵀ."""
    form, c = symplectic_form(model.dimension // 2), model.channels
    return form @ np.real(c.conj().T @ c) @ form.T


def gains(model: LinearModel, covariance: FloatArray) -> FloatArray:
    """√η_k K_k with K_k = 2V Re c_k − Σ Im c_k; array of shape (d, m)."""
    form, c = symplectic_form(model.dimension // 2), model.monitored.T
    return np.sqrt(model.efficiency) * (2 * covariance @ c.real - form @ c.imag)


def covariances(model: LinearModel, initial: FloatArray, times: FloatArray, conditional: bool) -> FloatArray:
    """V(t) of dV/dt = AV + VAᵀ + D [− Σ η_k K_k K_kᵀ]; array of shape (n, d, d)."""
    a, d, shape = drift(model), diffusion(model), initial.shape

    def slope(_: float, flat: FloatArray) -> FloatArray:
        v = flat.reshape(shape)
        k = gains(model, v) if conditional else np.zeros((shape[0], 1))
        return np.asarray(a @ v + v @ a.T + d - k @ k.T).ravel()

    solution = solve_ivp(slope, (times[0], times[-1]), initial.ravel(), t_eval=times, rtol=1e-10, atol=1e-12)
    return solution.y.T.reshape(-1, *shape)


def filter_means(model: LinearModel, path: FloatArray, record: FloatArray, step: float) -> FloatArray:
    """x̂ given dY (steps, m): dx̂ = A x̂ dt + Σ √η_k K_k (dY_k − 2√η_k Re c_k·x̂ dt), in Itô–Euler steps.

    ``path`` is V at the start of every step; returns an array of shape (steps + 1, d). Noise is additive, so
    the error is of order ``step``.
    """
    a, expected = drift(model), 2 * np.sqrt(model.efficiency)[:, None] * model.monitored.real
    means = [np.zeros(model.dimension)]
    for v, dy in zip(path, record, strict=False):
        x = means[-1]
        means.append(x + a @ x * step + gains(model, v) @ (dy - expected @ x * step))
    return np.array(means)


def driven_means(model: LinearModel, path: FloatArray, noise: FloatArray, step: float) -> FloatArray:
    """x̂ given dW (steps, m): dx̂ = A x̂ dt + Σ √η_k K_k dW_k; array of shape (steps + 1, d)."""
    a = drift(model)
    means = [np.zeros(model.dimension)]
    for v, dw in zip(path, noise, strict=False):
        means.append(means[-1] + a @ means[-1] * step + gains(model, v) @ dw)
    return np.array(means)
