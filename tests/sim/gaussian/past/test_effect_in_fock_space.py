"""The effect between Fock levels, on the same record: a map for the sum of dY that owes nothing to Gaussian states.

The sum y of dY over an interval h has the characteristic function Tr e^{h𝓛_k}ρ of the tilted generator

    𝓛_kρ = 𝓛ρ + ik√η (Lρ + ρL†) − ½k²ρ

(full counting statistics of the current), so that ρ ↦ (1/2π)∫dk e^{−iky} e^{h𝓛_k}ρ is the exact map of a state given
that sum, and its adjoint moves the effect back.
"""

import math
from dataclasses import dataclass

import numpy as np
import pytest
import qutip
from numpy.typing import NDArray
from scipy.sparse.linalg import expm_multiply

from cascade_steering.analysis.past_states.outcomes import outcome_variances
from cascade_steering.sim.fock.qutip.operators import lindblad_operators
from cascade_steering.sim.gaussian.filtering import filter_record
from cascade_steering.sim.gaussian.past.effect import retrodict_record
from cascade_steering.sim.gaussian.past.smoothing import weak_values
from cascade_steering.sim.initial_state import coherent_state
from cascade_steering.sim.model.cascade import lab
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.parameters import Detection
from tests.support.systems import COLD, MONITORED, cascade

ComplexArray = NDArray[np.complex128]


@dataclass(frozen=True)
class Levels:
    """Maps of density matrices and effects between Fock levels, for sums over ``interval``."""

    model: LinearModel
    cutoffs: tuple[int, ...]
    interval: float

    def moved(self, matrix: ComplexArray, total: float, *, back: bool) -> ComplexArray:
        """The state after an interval with the sum ``total``, or the effect before it; up to a factor."""
        found = lindblad_operators(self.model, self.cutoffs)
        current = sum(qutip.spre(each) + qutip.spost(each.dag()) for each in found.monitored)
        generator, shown = found.liouvillian().data_as("csr_matrix"), current.to("CSR").data_as("csr_matrix")
        start = matrix.reshape(-1, order="F")
        # e^{−k²h/2} is the weight of Gauss and Hermite, the rest is entire; −k gives the adjoint of what k gives
        nodes, weights = np.polynomial.hermite.hermgauss(18)
        whole = np.zeros(start.shape, dtype=complex)
        for node, weight in zip(nodes[9:], weights[9:], strict=True):
            k = node * math.sqrt(2.0 / self.interval)
            tilted = self.interval * (generator + 1j * k * shown)
            phase = np.exp(-1j * k * total)
            if back:
                tilted, phase = tilted.conj().T.tocsr(), np.conj(phase)
            whole += weight * phase * expm_multiply(tilted, start)
        half = whole.reshape(matrix.shape, order="F")
        return half + half.conj().T

    def coherent(self, amplitudes: tuple[complex, ...]) -> ComplexArray:
        kets = [qutip.coherent(n, a, method="analytic") for n, a in zip(self.cutoffs, amplitudes, strict=True)]
        return np.asarray(qutip.tensor(*kets).proj().full())

    def quadratures(self) -> list[ComplexArray]:
        found = []
        for mode, levels in enumerate(self.cutoffs):
            lowering = qutip.tensor(
                *[qutip.destroy(n) if i == mode else qutip.qeye(n) for i, n in enumerate(self.cutoffs)]
            )
            assert levels == self.cutoffs[mode]
            found += [
                (lowering + lowering.dag()).full() / math.sqrt(2),
                (lowering - lowering.dag()).full() / (1j * math.sqrt(2)),
            ]
        return [np.asarray(each) for each in found]


CASES = {
    "one oscillator": (Levels(MONITORED["warm"].model, (22,), 0.12), (0.3 - 0.4j,), (0.5, -0.2, 0.1), 1e-6),
    "two oscillators": (
        Levels(
            lab(
                cascade(1.0, 1.5, 0.4, 0.45, (COLD, COLD), loss=0.2),
                Detection(lo_phase_pi=0.3, efficiency=0.7),
                frequency_hz=0.3,
            ),
            (8, 8),
            0.1,
        ),
        (0.2 + 0.1j, -0.1 + 0.3j),
        (0.4, -0.3),
        2e-6,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_the_effect_is_that_between_fock_levels(name: str) -> None:
    levels, start, later, error = CASES[name]
    earlier = 0.25
    record = np.array([earlier, *later])[None, :, None]
    initial = coherent_state(start)
    filtered = filter_record(levels.model, record, levels.interval, initial)
    effect = retrodict_record(levels.model, record, levels.interval)
    weak = weak_values(filtered.means, filtered.covariances, effect)
    state = levels.moved(levels.coherent(start), earlier, back=False)
    state /= np.trace(state)
    operator = np.eye(len(state), dtype=complex)
    for total in reversed(later):
        operator = levels.moved(operator, total, back=True)
    # the probability of the later record from a coherent state, over that from the vacuum
    root, vector = effect.roots[1], effect.vectors[0, 1]
    spread = np.eye(len(root)) + root @ root.T / 2

    def gaussian(amplitudes: tuple[complex, ...]) -> float:
        off = root @ coherent_state(amplitudes).center - vector
        return float(np.exp(-0.5 * off @ np.linalg.solve(spread, off)))

    def between_levels(amplitudes: tuple[complex, ...]) -> float:
        return float(np.trace(levels.coherent(amplitudes) @ operator).real)

    zero = (0j,) * len(start)
    for amplitude in (0.4, -0.3, 0.35j, 0.2 - 0.3j):
        for mode in range(len(start)):
            at = tuple(amplitude if each == mode else 0.1j for each in range(len(start)))
            exact = gaussian(at) / gaussian(zero)
            assert between_levels(at) / between_levels(zero) == pytest.approx(exact, rel=error)
    # the state before, weak values, and outcomes of X of the first oscillator
    quadratures = levels.quadratures()
    means = [np.trace(each @ state).real for each in quadratures]
    np.testing.assert_allclose(filtered.means[0, 1], means, atol=error)
    whole = np.trace(operator @ state)
    values = [(np.trace(operator @ each @ state) / whole).real for each in quadratures]
    np.testing.assert_allclose(weak.means[0, 1], values, atol=error)
    assert np.max(np.abs(weak.means[0, 1] - means)) > 100 * error
    # an outcome of limited resolution, between levels and by the Gaussian law, which tends to that of a projection
    resolution = 0.5
    exact = outcome_variance(filtered.covariances[1], root, resolution)
    assert between_levels_outcome(quadratures[0], state, operator, resolution) == pytest.approx(exact, rel=30 * error)
    limit = outcome_variance(filtered.covariances[1], root, 1e-7)
    assert outcome_variances(filtered.covariances, effect.roots)[1, 0] == pytest.approx(limit, rel=1e-5)


def between_levels_outcome(x: ComplexArray, state: ComplexArray, operator: ComplexArray, resolution: float) -> float:
    """The variance of q under Tr(K_q ρ K_q Ê), K_q = exp(−(x − q)²/4r), r the variance of the resolution."""
    values, vectors = np.linalg.eigh(x)
    before, after = (vectors.conj().T @ each @ vectors for each in (state, operator))
    places = np.linspace(-9.0, 9.0, 181)
    filters = np.exp(-((values - places[:, None]) ** 2) / (4 * resolution))
    density = np.einsum("qi,ij,qj,ji->q", filters, before, filters, after).real
    density /= density.sum()
    return float(density @ (places - density @ places) ** 2)


def outcome_variance(covariance: NDArray[np.float64], root: NDArray[np.float64], resolution: float) -> float:
    """The same of Gaussian states: q = x₁ + noise of variance r, p₁ is kicked by 1/4r, and then the future is known."""
    both = np.zeros((len(covariance) + 1,) * 2)
    both[1:, 1:], both[0, 1:], both[1:, 0], both[0, 0] = covariance, covariance[0], covariance[0], covariance[0, 0]
    both[0, 0] += resolution
    both[2, 2] += 0.25 / resolution
    shown = np.concatenate([np.zeros((len(root), 1)), root], axis=1)
    gain = np.linalg.solve(np.eye(len(root)) + shown @ both @ shown.T, shown @ both)
    return float((both - both @ shown.T @ gain)[0, 0])
