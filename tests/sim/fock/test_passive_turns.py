"""Passive unitaries of two modes sector by sector, against exponentials of their generators."""

import numpy as np
import pytest
import scipy.linalg as la
from scipy.stats import unitary_group

from cascade_steering.sim.fock.basis.passive_turns import in_sectors, turned_states

SWAP = np.array([[0.0, 1.0], [1.0j, 0.0]])
CASES = {
    "any": unitary_group.rvs(2, random_state=np.random.default_rng(1)),
    "mostly exchanged": unitary_group.rvs(2, random_state=np.random.default_rng(4)) @ SWAP,
    "none": np.eye(2, dtype=complex),
    "phases": np.diag(np.exp(1j * np.array([0.3, -2.0]))),
    "exchanged": SWAP,
    "hardly turned": la.expm(1e-17j * np.array([[0.0, 1.0], [1.0, 0.0]])) @ np.diag([1.0j, -1.0]),
}


@pytest.mark.parametrize("case", CASES)
def test_a_turn_is_the_exponential_of_its_generator(case: str) -> None:
    passive, total, cutoffs = CASES[case], 5, (4, 6)
    stream = np.random.default_rng(2)
    states = stream.normal(size=(24, 6)).view(complex)
    quanta = np.add.outer(np.arange(4), np.arange(6)).ravel()
    # U = exp(i a†Ha) with E = e^{iH}; sectors of five quanta and less are whole between six levels of each mode
    generator = -1j * la.logm(passive)
    lower = np.diag(np.sqrt(np.arange(1.0, 6)), 1)
    ladders = [np.kron(lower, np.eye(6)), np.kron(np.eye(6), lower)]
    summed = sum(generator[i, j] * ladders[i].T @ ladders[j] for i in range(2) for j in range(2))
    kept = np.where(quanta[:, None] <= total, states, 0.0).reshape(4, 6, -1)
    expected = la.expm(1j * summed) @ np.pad(kept, ((0, 2), (0, 0), (0, 0))).reshape(36, -1)
    sectors = turned_states(in_sectors(states, cutoffs, total), passive)
    for k, l in np.ndindex(6, 6):
        if k + l <= total:
            # some hundred products of numbers of order 1 on each side
            assert np.allclose(sectors[k + l, k], expected.reshape(6, 6, -1)[k, l], rtol=0.0, atol=1e-12)
    # nothing is in the places of no state
    assert not np.any(np.triu(np.abs(sectors).sum(axis=2), 1))
