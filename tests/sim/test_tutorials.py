"""QuTiP's own tutorials on oscillators under homodyne and heterodyne detection, through the facade, against mesolve.

qutip-tutorials, v5, time-evolution: 015_smesolve-heterodyne and 022_v5_paper-smesolve. Both start from a coherent
state, which detection leaves coherent, so every trajectory has the means and the photon number of the master equation.
"""

import math
from typing import Any

import numpy as np
import pytest
import qutip
import xarray as xr

from cascade_steering import sim

TIGHT = {"atol": 1e-10, "rtol": 1e-8, "nsteps": 10**5}
ENGINES = {"gaussian": sim.Gaussian(), "fock": sim.Fock(cutoffs=(6,))}


def moments(result: xr.Dataset) -> np.ndarray[Any, Any]:
    """⟨a†a⟩, ⟨a + a†⟩ and ⟨−i(a − a†)⟩ of every trajectory, array of shape (3, trajectories, times)."""
    mean = result["trajectory_mean"].to_numpy()
    variances = np.trace(result["conditional_covariance"].to_numpy(), axis1=-2, axis2=-1)
    numbers = (variances + np.sum(mean**2, axis=-1) - 1.0) / 2.0
    return np.stack([numbers, math.sqrt(2.0) * mean[..., 0], math.sqrt(2.0) * mean[..., 1]])


@pytest.mark.parametrize("engine", ENGINES)
def test_heterodyne_detection_of_a_driven_mode(engine: str) -> None:
    # 015: H = ω₀a†a + A(a + a†), L = √γ a, from √5 coherent; two of the ten turns
    w0, drive, gamma, alpha = 2 * math.pi, 0.2 * math.pi, 0.25, math.sqrt(5.0)
    mode = sim.series(sim.cavity("a", {"field": gamma}, detuning=-w0), sim.force("a", x=math.sqrt(2.0) * drive))
    model, start = sim.detect(mode, sim.heterodyne()), sim.coherent_state((alpha,))
    grid = sim.grid_for(ENGINES[engine], model, start, 2.0, saves=20)
    result = sim.simulate(model, ENGINES[engine], grid, start, trajectories=2, seed=1, keep=2, check=False)

    # 15 levels in the tutorial, which leave out 1e-4 of the state; here as many as the tolerance asks for
    a = qutip.destroy(40)
    found = qutip.mesolve(
        w0 * a.dag() * a + drive * (a + a.dag()),
        qutip.coherent(40, alpha),
        grid.times,
        c_ops=[math.sqrt(gamma) * a],
        e_ops=[a.dag() * a, a + a.dag(), -1j * (a - a.dag())],
        options=TIGHT,
    )
    for trajectory in range(2):
        np.testing.assert_allclose(moments(result)[:, trajectory], np.array(found.expect), atol=1e-5)
    assert result.channel.to_numpy().tolist() == ["homodyne", "homodyne_orthogonal"]


@pytest.mark.parametrize("engine", ENGINES)
def test_homodyne_detection_of_a_cavity(engine: str) -> None:
    # 022: H = Δ a†a with Δ = 10π, L = a, from 2 coherent
    delta, kappa, alpha = 10 * math.pi, 1.0, 2.0
    model = sim.detect(sim.cavity("a", {"field": kappa}, detuning=-delta), sim.homodyne())
    start = sim.coherent_state((alpha,))
    grid = sim.grid_for(ENGINES[engine], model, start, 1.0, saves=20)
    result = sim.simulate(model, ENGINES[engine], grid, start, trajectories=2, seed=1, keep=2, check=False)

    a = qutip.destroy(30)
    found = qutip.mesolve(
        delta * a.dag() * a,
        qutip.coherent(30, alpha),
        grid.times,
        c_ops=[math.sqrt(kappa) * a],
        e_ops=[a.dag() * a, a + a.dag(), -1j * (a - a.dag())],
        options=TIGHT,
    )
    for trajectory in range(2):
        np.testing.assert_allclose(moments(result)[:, trajectory], np.array(found.expect), atol=1e-5)
