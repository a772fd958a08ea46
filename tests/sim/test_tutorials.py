"""QuTiP's own tutorials on oscillators under homodyne and heterodyne detection, through the facade, against mesolve.

qutip-tutorials, v5, time-evolution: 015_smesolve-heterodyne and 022_v5_paper-smesolve. Both start from a coherent
state, which detection leaves coherent, so every trajectory has the means and the photon number of the master equation.
"""

import math
from typing import Any

import numpy as np
import pytest
import qutip

import cascade_steering as cs

TIGHT = {"atol": 1e-10, "rtol": 1e-8, "nsteps": 10**5}
ENGINES = {"gaussian": cs.Gaussian(), "fock": cs.Fock(cutoffs=(6,))}
# a = (X + iP)/√2: a + a† = √2 X and −i(a − a†) = √2 P
WANTED = {
    "photons": cs.quanta(0, 1),
    "x": cs.Quadratic(quadratic=np.zeros((2, 2)), linear=math.sqrt(2.0) * np.array([1.0, 0.0])),
    "p": cs.Quadratic(quadratic=np.zeros((2, 2)), linear=math.sqrt(2.0) * np.array([0.0, 1.0])),
}


def by_mesolve(
    levels: int, hamiltonian: qutip.Qobj, rate: float, alpha: float, times: np.ndarray
) -> np.ndarray[Any, Any]:
    """The three, of a mode of so many levels that decays at ``rate`` from the coherent state ``alpha``; (3, times)."""
    a = qutip.destroy(levels)
    wanted = [a.dag() * a, a + a.dag(), -1j * (a - a.dag())]
    start, decay = qutip.coherent(levels, alpha), [math.sqrt(rate) * a]
    found = qutip.mesolve(hamiltonian, start, times, c_ops=decay, e_ops=wanted, options=TIGHT)
    return np.array(found.expect)


@pytest.mark.few(1)
@pytest.mark.parametrize("engine", ENGINES)
def test_heterodyne_detection_of_a_driven_mode(engine: str) -> None:
    # 015: H = ω₀a†a + A(a + a†), L = √γ a, from √5 coherent, ten turns
    w0, drive, gamma, alpha = 2 * math.pi, 0.2 * math.pi, 0.25, math.sqrt(5.0)
    mode = cs.series(cs.cavity("a", {"field": gamma}, detuning=-w0), cs.force("a", x=math.sqrt(2.0) * drive))
    model, start, method = cs.detect(mode, cs.heterodyne()), cs.coherent_state((alpha,)), ENGINES[engine]
    grid = cs.grid_for(method, model, start, 10.0, saves=40)
    save = cs.Save(observables=WANTED)
    data = cs.simulate(model, method, grid, start, trajectories=2, seed=1, keep=2, save=save, check=False)

    a = qutip.destroy(40)
    # 15 levels in the tutorial, which leave out 1e-4 of the state; here as many as the tolerance asks for
    exact = by_mesolve(40, w0 * a.dag() * a + drive * (a + a.dag()), gamma, alpha, grid.times)
    for each in data["trajectory_expectation"].to_numpy():
        np.testing.assert_allclose(each.T, exact, atol=1e-5)
    assert data.channel.to_numpy().tolist() == ["homodyne", "homodyne_orthogonal"]


@pytest.mark.parametrize("engine", ENGINES)
def test_homodyne_detection_of_a_cavity(engine: str) -> None:
    # 022: H = Δ a†a with Δ = 10π, L = a, from 2 coherent
    delta, kappa, alpha = 10 * math.pi, 1.0, 2.0
    model = cs.detect(cs.cavity("a", {"field": kappa}, detuning=-delta), cs.homodyne())
    start, method = cs.coherent_state((alpha,)), ENGINES[engine]
    grid = cs.grid_for(method, model, start, 1.0, saves=20)
    save = cs.Save(observables=WANTED)
    data = cs.simulate(model, method, grid, start, trajectories=2, seed=1, keep=2, save=save, check=False)

    a = qutip.destroy(30)
    exact = by_mesolve(30, delta * a.dag() * a, kappa, alpha, grid.times)
    for each in data["trajectory_expectation"].to_numpy():
        np.testing.assert_allclose(each.T, exact, atol=1e-5)
