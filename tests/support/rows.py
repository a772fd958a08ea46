"""A row of nodes in 50 digits, from the couplings l and u of every node to the two sidebands.

z = a for a negative mass and a† for a positive one, [z, z†] = σ, L_l = Σ l z and L_u = Σ u z†. From Ẋ = f†[X, L] +
[L†, X] f with f of the sidebands at each node, ż_k = σ_k (u_k f_u† − l_k f_l), which has half of the own L.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import mpmath as mp
import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_continuous_lyapunov

from cascade_steering.analysis.networks.network import Network

DIGITS = 50
Matrix = NDArray[Any]


@dataclass(frozen=True, eq=False)
class ExactRow:
    """The moment equations of a network in the vacuum, and its steady states; arrays of numbers of mpmath."""

    network: Network

    @cached_property
    def _equations(self) -> tuple[Matrix, Matrix, Matrix, Matrix]:
        """A, D, F and S of the complex amplitudes, with the complex record (Y_c − iY_s)/√2 of each detector."""
        nodes, seen, half = self.network.nodes, self.network.detection, mp.mpf(1) / 2
        n, i = len(nodes), mp.mpc(0, 1)
        drift, diffusion = (np.full((n, n), mp.mpc(0), dtype=object) for _ in range(2))
        lower: list[Any] = [mp.mpc(0)] * n
        upper: list[Any] = [mp.mpc(0)] * n
        rows, noise = [], []
        for k, node in enumerate(nodes):
            sign = 1 if node.mass == "negative" else -1
            strength, theta = mp.mpf(node.oscillator.strength), mp.mpf(node.oscillator.angle)
            exchange, pairs = mp.sqrt(strength) * mp.sin(theta), mp.sqrt(strength) * mp.cos(theta)
            own_l, own_u = (exchange, pairs) if sign > 0 else (pairs, exchange)
            through = mp.sqrt(1 - mp.mpf(node.loss_before)) * mp.expjpi(mp.mpf(node.path_phase_pi))
            lower, upper = [through * each for each in lower], [mp.conj(through) * each for each in upper]
            bath = node.oscillator.bath
            linewidth = mp.mpf(bath.linewidth)
            for j in range(k):
                other = 1 if nodes[j].mass == "negative" else -1
                drift[k, j] = sign * (own_u * upper[j] - own_l * lower[j])
                diffusion[k, j] = half * sign * other * (own_u * upper[j] + own_l * lower[j])
                diffusion[j, k] = mp.conj(diffusion[k, j])
            drift[k, k] = half * (sign * (own_u**2 - own_l**2) - linewidth)
            diffusion[k, k] = half * (own_u**2 + own_l**2) + linewidth * (mp.mpf(bath.occupation) + half)
            lower[k], upper[k] = mp.mpc(own_l), mp.mpc(own_u)
            tap = mp.mpf(node.tap)
            if tap:
                rows.append([mp.sqrt(tap) * each for each in (*lower, *upper)])
            lower, upper = ([mp.sqrt(1 - tap) * each for each in part] for part in (lower, upper))
        rows.insert(0, [*lower, *upper])
        signs = [1 if node.mass == "negative" else -1 for node in nodes]
        share = mp.sqrt(mp.mpf(seen.efficiency) / len(seen.lo_phases))
        readout = []
        for row in rows:
            for phase in seen.lo_phases:
                turn = mp.exp(-i * mp.mpf(phase))
                readout.append([share * (turn * row[k] + mp.conj(turn) * row[n + k]) for k in range(n)])
                noise.append(
                    [-half * share * signs[k] * mp.conj(turn * row[k] - mp.conj(turn) * row[n + k]) for k in range(n)]
                )
        return drift, diffusion, np.array(readout, dtype=object), np.array(noise, dtype=object).T

    def steady(self, *, conditional: bool) -> Matrix:
        """W in more than 35 digits: corrections by the residual of the Riccati equation, which has all digits."""
        with mp.workdps(DIGITS):
            drift, diffusion, readout, cross = self._equations
            if not conditional:
                readout, cross = 0 * readout, 0 * cross
            start = self.network.root(conditional=conditional)
            covariance = _amplitudes(start, self.network) + mp.mpc(0)
            # rounding has left it Hermitian to 16 digits only
            covariance = (covariance + _adjoint(covariance)) / 2
            for _ in range(20):
                gain = covariance @ _adjoint(readout) + cross
                moved = drift @ covariance
                residual = moved + _adjoint(moved) + diffusion - gain @ _adjoint(gain)
                closed = (drift - gain @ readout).astype(complex)
                size = float(max(abs(each) for each in residual.flat)) or 1.0
                change = solve_continuous_lyapunov(closed, -(residual / size).astype(complex))
                covariance = covariance + change * mp.mpf(size)
                if size * np.max(np.abs(change)) < 1e-38 * np.max(np.abs(covariance.astype(complex))):
                    assert np.max(np.linalg.eigvals(closed).real) < 0.0
                    return covariance
            raise AssertionError("the corrections do not converge")

    def steering(self, steered: str, by: tuple[str, ...], *, conditional: bool) -> float:
        """E of one node given others."""
        with mp.workdps(DIGITS):
            names = self.network.names
            covariance = self.steady(conditional=conditional)
            known, wanted = [names.index(each) for each in by], names.index(steered)
            measured = mp.matrix(covariance[np.ix_(known, known)].tolist())
            correlation = mp.matrix(covariance[known, wanted].tolist())
            gains = mp.lu_solve(measured, correlation)
            shared = mp.fsum(mp.conj(correlation[k]) * gains[k] for k in range(len(known)))
            return float(mp.re(covariance[wanted, wanted] - shared))


def _adjoint(matrix: Matrix) -> Matrix:
    return np.array([[mp.conj(each) for each in row] for row in matrix.T], dtype=object).reshape(matrix.T.shape)


def _amplitudes(root: NDArray[np.float64], network: Network) -> Matrix:
    """W from a root of the covariance of the quadratures, exact to rounding."""
    signs = np.array([1.0 if node.mass == "negative" else -1.0 for node in network.nodes])
    columns = (root[:, 0::2] + 1j * signs * root[:, 1::2]) / np.sqrt(2.0)
    return np.asarray(columns.T @ columns.conj() / 1.0, dtype=object)
