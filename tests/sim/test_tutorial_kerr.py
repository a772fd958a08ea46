"""QuTiP's tutorial on a Kerr oscillator under photon counting and homodyne detection, through the facade.

qutip-tutorials, v5, time-evolution: 018_measures-trajectories-cats-kerr. H = U a†²a² + G (a² + a†²), counted light
keeps cat states of definite parity, which each click turns over, and homodyne light leaves one of two coherent states.
Its two-photon loss √η a² is left out: a channel that is not linear in the quadratures is not in the model.
"""

import numpy as np
import qutip
import scipy.linalg as la

import cascade_steering as cs

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


def test_homodyne_light_leaves_one_of_two_coherent_states() -> None:
    # α² = −G/U, so that P of the two is ±2√2: read at ϑ = π/2
    model, start = cs.detect(kerr_resonator(), cs.homodyne(phase_pi=0.5)), cs.ground_state(1)
    grid = cs.TimeGrid(step=1 / 100, steps_per_save=100, saves=3)
    method = cs.FockCounting(frame="moving")
    data = cs.simulate(model, method, grid, start, trajectories=4, seed=2, keep=4, check=False,
                       save=cs.Save(purity=True, observables={"parity": PARITY}))  # fmt: skip
    last = data["trajectory_mean"].to_numpy()[:, -1]
    # a jump that is not complete would be near 0, the noise of P in a coherent state is ±0.7
    np.testing.assert_allclose(np.abs(last[:, 1]), 2.0 * np.sqrt(2.0), atol=0.9)
    assert set(np.sign(last[:, 1])) == {-1.0, 1.0}
    np.testing.assert_allclose(data["trajectory_purity"].to_numpy(), 1.0, atol=1e-6)
    # no parity, unlike the cats
    np.testing.assert_allclose(data["trajectory_expectation"].to_numpy()[:, -1], 0.0, atol=0.3)
