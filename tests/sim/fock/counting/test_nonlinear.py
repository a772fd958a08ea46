"""Oscillators that are not linear, in the engine whose frame follows each state, against QuTiP and closed forms."""

from dataclasses import replace

import numpy as np
import pytest
import qutip
from numpy.typing import NDArray

import cascade_steering as cs
from cascade_steering.sim.fock.master_equation.solve import evolve, steady_fock_state
from cascade_steering.sim.fock.qutip.operators import lindblad_operators
from cascade_steering.sim.noise import coarsen, generator, wiener_increments
from tests.sim.fock.counting.counted_reference import BOTH, Dense, cat, five

FloatArray = NDArray[np.float64]
TIGHT = {"atol": 1e-11, "rtol": 1e-9, "nsteps": 10**6}
ALPHA = 0.6 + 0.3j
POLYNOMIALS = {
    "duffing": cs.duffing("a", 0.06),
    "kerr": cs.kerr("a", 0.9),
    # no symmetry: P and mixed terms
    "mixed": cs.Polynomial(mode="a", terms={(4, 0): 0.05, (2, 2): 0.06, (0, 4): 0.03, (1, 2): 0.1, (3, 0): -0.08}),
}


def oscillator(polynomial: cs.Polynomial) -> cs.Component:
    """Ω = 2 rad/s, L = a towards the light, and a bath with 0.3 quanta."""
    turning = cs.Component(
        modes=("a",), couplings=np.zeros((0, 2)), hamiltonian=2.0 * np.eye(2), nonlinear=(polynomial,)
    )
    bath = cs.Bath(linewidth_hz=0.1 / np.pi, occupation=0.3)
    return cs.series(cs.cavity("a", {"field": 1.0}), cs.thermal_bath("a", bath), turning)


def grid(duration: float, steps: int) -> cs.TimeGrid:
    return cs.TimeGrid(step=duration / steps, steps_per_save=steps, saves=1)


def operator_of(polynomial: cs.Polynomial, levels: int) -> FloatArray:
    """The operator from products of truncated matrices that are large enough: (sX + tP)ⁿ holds all orders alike."""
    a = qutip.destroy(levels + 6).full()
    quadratures = ((a + a.conj().T) / np.sqrt(2), (a - a.conj().T) / (1j * np.sqrt(2)))
    total = np.zeros_like(a)
    for (i, j), value in polynomial.pairs:
        # the coefficient of s^i t^j in (sX + tP)^(i+j), by a discrete Fourier transform over s/t
        n = i + j
        phases = np.exp(2j * np.pi * np.arange(n + 1) / (n + 1))
        power = sum(
            np.linalg.matrix_power(quadratures[0] + phase * quadratures[1], n) * phase**-j for phase in phases
        ) / (n + 1)
        total = total + value * power / (1 if n == 0 else np.prod(range(n - j + 1, n + 1)) / np.prod(range(1, j + 1)))
    return np.asarray(total[:levels, :levels])


def by_mesolve(polynomial: cs.Polynomial, duration: float, levels: int = 26) -> FloatArray:
    """⟨X⟩, ⟨P⟩, V_XX, V_PP, V_XP of ``oscillator`` by QuTiP's own solver, from operators that are not ours."""
    a = qutip.destroy(levels)
    hamiltonian = qutip.Qobj(operator_of(polynomial, levels)) + 2.0 * a.dag() * a
    decays = [a, np.sqrt(0.26) * a, np.sqrt(0.06) * a.dag()]
    x, p = (a + a.dag()) / np.sqrt(2), (a - a.dag()) / (1j * np.sqrt(2))
    found = qutip.mesolve(
        hamiltonian, qutip.coherent(levels, ALPHA), [0.0, duration], decays,
        e_ops=[x, p, x * x, p * p, 0.5 * (x * p + p * x)], options=TIGHT,
    )  # fmt: skip
    mx, mp, xx, pp, xp = (float(np.real(each[-1])) for each in found.expect)
    return np.array([mx, mp, xx - mx**2, pp - mp**2, xp - mx * mp])


def moments(run: cs.FockCounting, model: cs.LinearModel, steps: int, path: FloatArray | None = None) -> FloatArray:
    engine = run.prepare(model, grid(0.5, steps), cs.coherent_state((ALPHA,)))
    found = engine.run(1, range(1)) if path is None else engine.run_path(path)
    return five(found.means[0, -1], found.covariances[0, -1])


@pytest.mark.slow
@pytest.mark.parametrize("name", POLYNOMIALS)
def test_without_a_record_it_is_mesolve_in_any_frame_and_of_second_order(name: str) -> None:
    model, wanted = cs.detect(oscillator(POLYNOMIALS[name])), by_mesolve(POLYNOMIALS[name], 0.5)
    errors = [np.linalg.norm(moments(cs.FockCounting(), model, steps) - wanted) for steps in (4, 8, 16)]
    slope = -np.polyfit([0, 1, 2], np.log2(errors), 1)[0]
    # the next order moves the slope by about the error itself; levels are chosen to some 1e-5
    assert abs(slope - cs.FockCounting.average_order) < 0.25, errors
    assert errors[-1] < 2e-3
    # without the polynomial the state is elsewhere
    assert np.linalg.norm(moments(cs.FockCounting(), model.linear_part, 16) - wanted) > 20 * errors[-1]
    squeezer = np.diag([1.3, 1 / 1.3])
    for frame in ("moving", squeezer):
        other = moments(cs.FockCounting(frame=frame, cutoffs=(26,)), model, 8)
        np.testing.assert_allclose(other, moments(cs.FockCounting(cutoffs=(26,)), model, 8), atol=2e-5)


# what a record adds to a step knows nothing of the polynomial: that without a symmetry stands for the other
@pytest.mark.slow
@pytest.mark.parametrize("name", ["duffing", pytest.param("kerr", marks=pytest.mark.long)])
def test_on_one_path_it_is_smesolve_and_of_first_order(name: str) -> None:
    model = cs.detect(oscillator(POLYNOMIALS[name]), cs.homodyne(efficiency=0.8))
    fine, start = grid(0.5, 256), cs.coherent_state((ALPHA,))
    paths = [wiener_increments(generator(7, index), fine, 1) for index in range(16)]
    method = cs.FockCounting(cutoffs=(16,))
    ends = {
        factor: np.array([moments(method, model, 256 // factor, coarsen(path, factor)) for path in paths])
        for factor in (32, 16, 8, 1)
    }
    errors = [float(np.sqrt(np.mean((ends[factor] - ends[1]) ** 2))) for factor in (32, 16, 8)]
    slope = np.polyfit([2, 1, 0], np.log2(errors), 1)[0]
    # 16 paths fix each error to a fifth, and the slope over two octaves to 0.2
    assert abs(slope - cs.FockCounting.strong_order) < 0.5, errors
    # QuTiP's own scheme on the finest path
    there = cs.QutipSME(cutoffs=(16,)).prepare(model, fine, start).run_path(paths[0])
    half = cs.QutipSME(cutoffs=(16,)).prepare(model, grid(0.5, 128), start).run_path(coarsen(paths[0], 2))
    wanted, coarser = (five(each.means[0, -1], each.covariances[0, -1]) for each in (there, half))
    allowed = 3 * np.max(np.abs(coarser - wanted)) + 3 * errors[2] / 8
    assert np.max(np.abs(ends[1][0] - wanted)) < allowed < 5e-3


def test_the_average_over_records_of_one_step_is_of_third_order() -> None:
    """E over dW by Gauss and Hermite: without the halves on both sides the error would be of second order in h."""
    model, errors = cs.detect(oscillator(POLYNOMIALS["mixed"]), cs.homodyne(efficiency=0.8)), []
    nodes, weights = np.polynomial.hermite_e.hermegauss(7)
    for step in (0.2, 0.1, 0.05):
        one = cs.TimeGrid(step=step, steps_per_save=1, saves=1)
        engine = cs.FockCounting(cutoffs=(22,)).prepare(model, one, cs.coherent_state((ALPHA,)))
        total = np.zeros(6)
        for node, weight in zip(nodes, weights / weights.sum(), strict=True):
            run = engine.run_path(np.full((1, 1), np.sqrt(step) * node))
            mean, covariance = run.means[0, -1], run.covariances[0, -1]
            second = covariance + np.outer(mean, mean)
            total += weight * np.array([*mean, *second[np.triu_indices(2)], run.record[0, 0, 0]])
        mx, mp, xx, pp, xp = by_mesolve(POLYNOMIALS["mixed"], step)
        errors.append(np.linalg.norm(total[:5] - [mx, mp, xx + mx**2, xp + mx * mp, pp + mp**2]))
    slope = -np.polyfit([0, 1, 2], np.log2(errors), 1)[0]
    assert slope > 2.6, errors


@pytest.mark.parametrize("frame", ["squeezed", "moving"])
def test_a_coherent_state_under_kerr_alone(frame: str) -> None:
    """⟨a⟩ = α exp(|α|²(e^{−iχt} − 1)), and the number of quanta stays."""
    chi, alpha = 1.0, 1.2 - 0.5j
    model = cs.detect(cs.Component(modes=("a",), couplings=np.zeros((0, 2)), nonlinear=(cs.kerr("a", chi),)))
    errors = []
    for steps in (8, 16):
        engine = cs.FockCounting(frame=frame, cutoffs=(30,)).prepare(
            model, grid(0.8, steps), cs.coherent_state((alpha,))
        )
        run = engine.run(1, range(1))
        mean = run.means[0, -1]
        wanted = alpha * np.exp(abs(alpha) ** 2 * (np.exp(-0.8j * chi) - 1.0))
        errors.append(abs((mean[0] + 1j * mean[1]) / np.sqrt(2) - wanted))
        quanta = 0.5 * (np.trace(run.covariances[0, -1]) + mean @ mean - 1.0)
        np.testing.assert_allclose(quanta, abs(alpha) ** 2, atol=20 * errors[-1] + 1e-6)
    assert errors[0] < 2e-2
    assert 3.0 < errors[0] / errors[1] < 5.0, errors


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_state_stays_positive_at_a_step_far_too_long(sign: float) -> None:
    model = cs.detect(
        cs.series(cs.cavity("a", {"field": 1.0}), replace(oscillator(cs.kerr("a", sign)), ports=())),
        cs.homodyne(efficiency=0.5),
        cs.Counter(ports=("field",), share=0.3),
    )
    long = cs.TimeGrid(step=3.0, steps_per_save=1, saves=4)
    run = cs.FockCounting(cutoffs=(12,)).prepare(model, long, cs.ground_state(1)).run(3, range(4))
    assert np.all(run.diagnostics["min_eigenvalue"] > -1e-12)
    assert np.all(np.isfinite(run.means))


@pytest.mark.slow
def test_given_clicks_and_record_it_is_the_equation_on_operators() -> None:
    kerr, clicks = cs.kerr("mode_1", 0.4), [(0.2, 0), (0.4, 1)]
    model, fine = replace(BOTH, nonlinear=(kerr,)), cs.TimeGrid(step=1 / 1280, steps_per_save=768, saves=1)
    dense = Dense(BOTH, 30)
    dense.hamiltonian = dense.hamiltonian + operator_of(kerr, 30)
    path = wiener_increments(generator(5, 0), fine, 1)
    wanted, coarser = (
        dense.along(dense.start(cat()), coarsen(path, factor), factor * fine.step, clicks, 0.6) for factor in (1, 2)
    )
    run = cs.FockCounting(cutoffs=(24,)).prepare(model, cs.TimeGrid.over(0.6, saves=1, step=2 * fine.step), cat())
    end = run.run_path(coarsen(path, 2), clicks)
    found = five(end.means[0, -1], end.covariances[0, -1])
    # the reference is of first order: its error is about its change with twice the step
    assert np.max(np.abs(found - wanted)) < 2 * np.max(np.abs(coarser - wanted)) + 1e-3
    linear = cs.FockCounting(cutoffs=(24,)).prepare(BOTH, cs.TimeGrid.over(0.6, saves=1, step=2 * fine.step), cat())
    plain = linear.run_path(coarsen(path, 2), clicks)
    assert np.max(np.abs(five(plain.means[0, -1], plain.covariances[0, -1]) - wanted)) > 0.05


def cascade(*polynomials: cs.Polynomial) -> cs.LinearModel:
    bath = cs.Bath(linewidth_hz=0.5 / np.pi, occupation=0.2)
    minus, plus = (cs.Oscillator.from_cooperativity(1.0, angle_pi=angle, bath=bath) for angle in (0.3, 0.35))
    parts = (cs.Component(modes=(each.mode,), couplings=np.zeros((0, 2)), nonlinear=(each,)) for each in polynomials)
    chain = cs.chain(
        [
            cs.Node(name="minus", oscillator=minus, mass="negative"),
            cs.Node(name="plus", oscillator=plus, mass="positive", loss_before=0.1),
        ]
    )
    return cs.detect(cs.series(chain, *parts), cs.demodulated(cs.Detection(efficiency=0.8)))


def test_the_sector_of_a_kerr_cascade_is_the_steady_state_of_qutip() -> None:
    model = cascade(cs.kerr("minus", 1.5), cs.kerr("plus", -0.7))
    operators = lindblad_operators(model, (7, 6))
    with pytest.warns(UserWarning, match="levels"):
        found = steady_fock_state(model, (7, 6))
    wanted = qutip.steadystate(operators.liouvillian(), method="direct")
    np.testing.assert_allclose(found.state.full(), wanted.full(), atol=1e-12)
    kerr = qutip.tensor(qutip.qeye(7), qutip.num(6) * (qutip.num(6) - 1))
    ours = lindblad_operators(model.linear_part, (7, 6)).hamiltonian
    first = qutip.tensor(qutip.num(7) * (qutip.num(7) - 1), qutip.qeye(6))
    assert (operators.hamiltonian - ours - 0.75 * first + 0.35 * kerr).norm() < 1e-10


@pytest.mark.long
def test_the_average_of_trajectories_is_the_master_equation() -> None:
    duffing = cs.detect(
        oscillator(POLYNOMIALS["duffing"]), cs.homodyne(efficiency=0.8), cs.Counter(ports=("field",), share=0.5)
    )
    start, times = cs.coherent_state((1.0 + 0.5j,)), np.array([1.0])
    run = cs.FockCounting().prepare(duffing, grid(1.0, 16), start).run(11, range(200))
    means = run.means[:, -1]
    seconds = run.covariances[:, -1] + means[:, :, None] * means[:, None, :]
    values = np.concatenate([means, seconds[:, *np.triu_indices(2)]], axis=1)
    error = np.std(values, axis=0, ddof=1) / np.sqrt(200)

    def off(model: cs.LinearModel) -> FloatArray:
        found = evolve(model, (24,), start, times)
        mean, covariance = found.means[0], found.covariances[0]
        wanted = np.array([*mean, *(covariance + np.outer(mean, mean))[np.triu_indices(2)]])
        return np.asarray((np.mean(values, axis=0) - wanted) / error)

    # five numbers: a false alarm of 1e-6 is at 5.1 standard errors
    assert np.max(np.abs(off(duffing))) < 5.1
    # power: a Duffing term that is a tenth too strong is seen, and none of course
    assert np.max(np.abs(off(duffing.linear_part))) > 15.0
    assert np.max(np.abs(off(replace(duffing, nonlinear=(cs.duffing("a", 0.075),))))) > 5.1


def test_a_state_that_no_levels_hold_stops_with_its_seed() -> None:
    runaway = cs.Component(modes=("a",), couplings=np.zeros((0, 2)), nonlinear=(cs.duffing("a", 0.5),))
    engine = cs.FockCounting(frame="moving").prepare(
        cs.detect(cs.series(cs.cavity("a", {"field": 1.0}), runaway)), grid(2.0, 20), cs.coherent_state((1.5,))
    )
    with pytest.raises(cs.UnphysicalStateError, match=r"needs more than 80 levels .* trajectory 0 of entropy 1"):
        engine.run(1, range(1))


def test_a_polynomial_stops_parametric_gain_and_no_negative_damping() -> None:
    """Above the threshold of a parametric drive the linear part grows; two lobes of a Kerr oscillator do not."""
    # da/dt = −a/2 − iG a†, with G above 1/2
    pumped = cs.Component(
        modes=("a",), couplings=np.zeros((0, 2)), hamiltonian=2.0 * np.diag([1.0, -1.0]), nonlinear=(cs.kerr("a", 4.0),)
    )
    model = cs.detect(cs.series(cs.cavity("a", {"field": 1.0}), pumped))
    found = steady_fock_state(model, (20,))
    a = qutip.destroy(20)
    wanted = qutip.steadystate(2.0 * a.dag() ** 2 * a**2 + a**2 + a.dag() ** 2, [a])
    np.testing.assert_allclose(found.state.full(), wanted.full(), atol=1e-9)
    with pytest.raises(
        cs.UnstableError, match=r"the moments of the model must all decay, but one changes at 1\.5 rad/s"
    ):
        steady_fock_state(model.linear_part, (20,))
    gain = cs.Component(
        modes=("a",), couplings=1.5 * np.array([[1.0, -1.0j]]) / np.sqrt(2), nonlinear=(cs.kerr("a", 4.0),)
    )
    with pytest.raises(cs.UnstableError, match=r"the phase space of a must shrink, which no polynomial changes"):
        steady_fock_state(cs.detect(cs.series(cs.cavity("a", {"field": 1.0}), gain)), (20,))
    # the second of two oscillators grows, and the first alone is not linear
    pair = cascade(cs.kerr("minus", 1.5))
    hot = replace(pair, unmonitored=np.concatenate([pair.unmonitored, [[0.0, 0.0, 3.0, -3.0j]]]))
    with pytest.raises(cs.UnstableError, match="the moments of the model must all decay"):
        steady_fock_state(hot, (5, 5))
