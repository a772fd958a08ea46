"""From components to E in ten lines, through the facade: a chain of three oscillators, and one oscillator alone."""

import numpy as np
import pytest

import cascade_steering as cs
from tests.support.chains import CLIENTS, clients_and_server
from tests.support.systems import COLD

ENGINES = {"gaussian": cs.Gaussian(), "fock": cs.Fock()}
TOGETHER = cs.Steered(mode="server", by=("client_1", "client_2"))


@pytest.mark.few(1)
@pytest.mark.parametrize("engine", ENGINES)
def test_three_oscillators(engine: str) -> None:
    bath, method, start = COLD, ENGINES[engine], cs.ground_state(3)
    client = cs.Oscillator.from_cooperativity(0.5, angle_pi=0.25, bath=bath)
    server = cs.Oscillator.from_cooperativity(1.5, angle_pi=0.40, bath=bath)
    nodes = [cs.Node(name=name, mass="negative", oscillator=client, loss_before=0.05) for name in CLIENTS]
    nodes += [cs.Node(name="server", mass="positive", oscillator=server, loss_before=0.05)]
    model = cs.detect(cs.chain(nodes), cs.demodulated(cs.Detection(efficiency=0.8)))
    grid = cs.grid_for(method, model, start, 0.25 / bath.linewidth, saves=2)
    trajectories = 40 if method.exact else 2
    result = cs.Simulated(cs.simulate(model, method, grid, start, trajectories=trajectories, seed=1, check=False))
    exact = cs.TransientResult.of(model, start, grid.times)

    assert result.dataset["quadrature"].to_numpy().tolist()[::2] == ["X_client_1", "X_client_2", "X_server"]
    for way in (TOGETHER, "server_given_client_1"):
        # the cutoffs chosen hold these states to 1e-5
        wanted = exact.conditional[way][-1]
        assert result.conditional[way].value == pytest.approx(wanted, rel=1e-12 if method.exact else 1e-4)
        estimate, wanted = result.unconditional[way], exact.unconditional[way][-1]
        # seven standard errors of 40 trajectories: false once in 1e7
        assert abs(estimate.value - wanted) < 3.5 * (estimate.high - estimate.low) / 2 or not method.exact
        assert result.d[way].value == 1.0 - result.conditional[way].value / result.unconditional[way].value
    # two that steer know more than one, and the model is that of a chain put together by hand
    by_hand = clients_and_server(0.5, 1.5, 0.25, 0.40, COLD, loss=0.05, efficiency=0.8)
    wanted = cs.steady(by_hand).conditional
    found = cs.steady(model).conditional
    assert found[TOGETHER] == pytest.approx(wanted[TOGETHER], rel=1e-10)
    assert found[TOGETHER] < min(found["server_given_client_1"], found["server_given_client_2"])


@pytest.mark.parametrize("engine", ENGINES)
def test_one_oscillator(engine: str) -> None:
    bath, method, start = cs.Bath.si(linewidth=1.0, occupation=0.5), ENGINES[engine], cs.ground_state(1)
    drum = cs.series(cs.cavity("drum", {"field": 2.0}), cs.thermal_bath("drum", bath), cs.force("drum", p=0.3))
    model = cs.detect(drum, cs.homodyne(efficiency=0.7))
    grid = cs.grid_for(method, model, start, 1.0, saves=2)
    result = cs.Simulated(cs.simulate(model, method, grid, start, trajectories=30, seed=2, keep=1, check=False))
    exact = cs.TransientResult.of(model, start, grid.times)

    np.testing.assert_allclose(result.covariance["conditional"], exact.covariance["conditional"], rtol=1e-3, atol=1e-3)
    # ẋ = −(κ + γ₀)x/2 + F with κ + γ₀ = 3
    np.testing.assert_allclose(exact.mean[:, 0], 0.2 * (1.0 - np.exp(-1.5 * grid.times)), rtol=1e-9)
    # of X, which the record tells of: eight standard errors of 30 are once in 1e8
    error = np.sqrt(result.dataset["scatter"].to_numpy()[-1, 0, 0] / 30)
    assert abs(result.mean[-1, 0] - exact.mean[-1, 0]) < 8.0 * error
    # −A⁻¹Σh
    np.testing.assert_allclose(cs.steady(model).mean, [0.2, 0.0], atol=1e-12)
    assert dict(result.dataset.sizes)["trajectory"] == 1
    # there is nothing to steer, and that is said
    assert exact.conditional == result.conditional == cs.steady(model).d == {}
    for each in (result, exact, cs.steady(model)):
        assert str(each).splitlines()[0].split()[-2:] == ["X", "P"]
        assert [line.split("  ")[0] for line in str(each).splitlines()[1:]] == [
            "mean", "variance without the record", "variance given the record",
        ]  # fmt: skip
        with pytest.raises(ValueError, match=r"^E is of two oscillators or more, and there is drum alone"):
            each.plot()
