"""QuTiP's tutorial on a Kerr oscillator under photon counting and homodyne detection, through the facade.

qutip-tutorials, v5, time-evolution: 018_measures-trajectories-cats-kerr. H = U a†²a² + G (a² + a†²), counted light
keeps cat states of definite parity, which each click turns over, and homodyne light leaves one of two coherent states.
Its two-photon loss √η a² is left out: a channel that is not linear in the quadratures is not in the model.
"""

from dataclasses import replace

import numpy as np
import pytest
import qutip
import scipy.linalg as la
from numpy.typing import NDArray

import cascade_steering as cs
from cascade_steering.sim.ensemble.contract import Method
from cascade_steering.sim.noise import coarsen, generator, wiener_increments

FloatArray = NDArray[np.float64]

U, G, LEVELS = 1.0, 4.0, 24
CLICKS = [(0.25, 0), (0.65, 0)]
A = qutip.destroy(LEVELS)
HAMILTONIAN = U * A.dag() ** 2 * A**2 + G * (A**2 + A.dag() ** 2)
PARITY = (1j * np.pi * qutip.num(LEVELS)).expm()


def kerr_resonator() -> cs.Component:
    driven = cs.Component(
        modes=("a",),
        couplings=np.zeros((0, 2)),
        hamiltonian=2.0 * G * np.diag([1.0, -1.0]),
        nonlinear=(cs.kerr("a", 2.0 * U),),
    )
    return cs.series(cs.cavity("a", {"field": 1.0}), driven)


def test_counted_light_leaves_cats_whose_parity_each_click_turns_over() -> None:
    model = cs.detect(kerr_resonator(), cs.Counter(ports=("field",)))
    effective = (-1j * (HAMILTONIAN - 0.5j * A.dag() * A)).full()
    wanted, times = [], [0.2, 0.4, 0.6, 0.8, 1.0]
    for time in times:
        # the state of mcsolve, given the times of its jumps
        ket, now = qutip.basis(LEVELS, 0).full(), 0.0
        for click, _ in (each for each in CLICKS if each[0] < time - 1e-9):
            ket, now = A.full() @ la.expm(effective * (click - now)) @ ket, click
        state = qutip.Qobj(la.expm(effective * (time - now)) @ ket).unit()
        wanted.append([qutip.expect(A.dag() * A, state), qutip.expect(PARITY, state)])
    save, errors = cs.Save(purity=True, observables={"parity": PARITY}), []
    for steps in (80, 160):
        grid = cs.TimeGrid(step=1.0 / steps, steps_per_save=steps // 5, saves=5)
        engine = cs.FockCounting(cutoffs=(26,)).prepare(model, grid, cs.ground_state(1)).observing(save, 0)
        run = engine.run_path(np.zeros((steps, 0)), CLICKS)
        assert run.expectations is not None
        np.testing.assert_allclose(run.purity, 1.0, atol=1e-9)
        np.testing.assert_allclose(run.means, 0.0, atol=1e-9)
        found = 0.5 * (np.trace(run.covariances[0, 1:], axis1=1, axis2=2) - 1.0)
        np.testing.assert_allclose(run.expectations[0, 1:, 0], np.array(wanted)[:, 1], atol=1e-3)
        errors.append(np.max(np.abs(found - np.array(wanted)[:, 0])))
    assert np.array(wanted)[:, 1].round().tolist() == [1.0, -1.0, -1.0, 1.0, 1.0]
    # of second order in the step
    assert errors[1] < 0.03
    assert 3.0 < errors[0] / errors[1] < 5.5, errors


@pytest.mark.slow
def test_homodyne_light_leaves_one_of_two_coherent_states() -> None:
    """On the Wiener paths of QuTiP's own solver; on the opposite path it is the other one of the two."""
    # α² = −G/U, so that P of the two is ±2√2: read at ϑ = π/2
    model, start, steps = cs.detect(kerr_resonator(), cs.homodyne(phase_pi=0.5)), cs.ground_state(1), 4096

    def along(method: Method, path: FloatArray, factor: int, of: cs.LinearModel = model) -> FloatArray:
        grid = cs.TimeGrid(step=0.6 / steps * factor, steps_per_save=steps // factor // 2, saves=2)
        run = method.prepare(of, grid, start).run_path(coarsen(path, factor))
        return np.concatenate([run.means[0, 1:].ravel(), run.covariances[0, 1:][:, *np.triu_indices(2)].ravel()])

    fine = cs.TimeGrid(step=0.6 / steps, steps_per_save=steps, saves=1)
    paths = [wiener_increments(generator(7, index), fine, 1) for index in (1, 2)]
    # two coherent states apart: a frame that is squeezed into their covariance would take more levels
    ours, theirs = cs.FockCounting(frame="moving"), cs.QutipSME(cutoffs=(40,))
    coarse, found = (np.array([along(ours, path, factor) for path in paths]) for factor in (8, 4))
    coarser, wanted = (np.array([along(theirs, path, factor) for path in paths]) for factor in (2, 1))
    # of first order on a path: the last change is about the error that is left
    allowed = rms(coarse - found) + rms(coarser - wanted)
    assert rms(found - wanted) < allowed < 0.02
    # power: a nonlinearity that is off by a fiftieth
    other = replace(model, nonlinear=(cs.kerr("a", 2.04 * U),))
    assert rms(np.array([along(ours, path, 4, other) for path in paths]) - wanted) > 5.0 * allowed
    # X and P to −X and −P: the Hamiltonian stays, and the record changes its sign
    opposite = along(ours, -paths[0], 8)
    np.testing.assert_allclose(opposite[:4], -coarse[0, :4], atol=1e-9)
    np.testing.assert_allclose(opposite[4:], coarse[0, 4:], atol=1e-9)


def rms(values: FloatArray) -> float:
    return float(np.sqrt(np.mean(values**2)))
