"""Components against operators written by hand in QuTiP, textbook master equations and an independent noise model."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import qutip
import scipy.linalg as la
from numpy.typing import NDArray

from cascade_steering.sim.conventions import symplectic_form
from cascade_steering.sim.fock.qutip.operators import lindblad_operators
from cascade_steering.sim.gaussian.covariance import steady_state
from cascade_steering.sim.gaussian.moment_equations import moment_equations
from cascade_steering.sim.model.cascade import chain, nodes_of, rwa
from cascade_steering.sim.model.components import Component, concatenate, series
from cascade_steering.sim.model.detectors import Detector, demodulated, detect, heterodyne, homodyne
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.pieces import (
    SIDEBANDS,
    beam_splitter,
    cavity,
    coherent_drive,
    force,
    interaction,
    loss,
    oscillator,
    phase_shift,
    squeezer,
    thermal_bath,
)
from cascade_steering.sim.parameters import Bath, Detection
from tests.support.systems import POINTS, cascade, hertz

FloatArray = NDArray[np.float64]
EPS = float(np.finfo(float).eps)
POINT = POINTS["path_phase"].cascade
DETECTION = Detection.si(lo_phase=0.4, efficiency=0.7)


def parts(component: Component) -> tuple[NDArray[Any], ...]:
    return (
        component.couplings,
        component.hamiltonian,
        component.force,
        component.amplitudes,
        component.passive,
        component.active,
    )


def squeezed(strength: float, angle: float, *ports: str) -> Component:
    """A squeezer of strength r at ψ in radians."""
    return squeezer(*ports, decibels=20 * math.log10(math.e) * strength, angle_pi=angle / math.pi)


def pieces() -> list[Component]:
    return [
        squeezed(0.5, 0.7),
        coherent_drive(amplitude=0.3 - 0.2j),
        cavity("c", {"field": 1.2}, detuning=0.3, lost=0.1),
        loss(power=0.2),
        phase_shift(phase_pi=0.2),
        oscillator("b", POINT.minus, mass="negative", frequency_hz=hertz(2.0)),
        squeezed(-0.2, 0.1),
        force("b", x=0.4, p=-0.7),
        # the light returns to the cavity
        cavity("c", {"field": 0.5}),
    ]


def test_series_is_associative() -> None:
    every = pieces()
    whole = series(*every)
    assert whole.modes == ("c", "b")
    assert whole.ports == ("field",)
    for cut in range(1, len(every)):
        for found, expected in zip(
            parts(series(series(*every[:cut]), series(*every[cut:]))), parts(whole), strict=True
        ):
            np.testing.assert_allclose(found, expected, atol=50 * EPS * np.abs(whole.couplings).max())


def test_the_order_of_a_series_turns_the_sign_of_the_coupling() -> None:
    a, b = cavity("a", {"field": 1.0}), cavity("b", {"field": 2.0})
    # H = (1/2i) √2 (b†a − a†b) = √2/2 (X_b P_a − P_b X_a), and the reverse
    forwards, backwards = series(a, b).hamiltonian, series(b, a).hamiltonian
    expected = math.sqrt(0.5) * np.array([[0, 0, 0, -1], [0, 0, 1, 0], [0, 1, 0, 0], [-1, 0, 0, 0]])
    np.testing.assert_allclose(forwards, expected, atol=4 * EPS)
    order = [2, 3, 0, 1]
    np.testing.assert_allclose(backwards[np.ix_(order, order)], -forwards, atol=4 * EPS)


def test_what_is_side_by_side_does_not_meet() -> None:
    both = concatenate(cavity("a", {"left": 1.0}), cavity("b", {"right": 2.0}))
    assert np.all(both.hamiltonian == 0.0)
    assert both.ports == ("left", "right")
    with pytest.raises(ValueError, match="different ports, but field is repeated"):
        concatenate(cavity("a", {"field": 1.0}), cavity("b", {"field": 2.0}))


def test_squeezing_undone_is_no_squeezing() -> None:
    there_and_back = series(squeezed(0.8, 0.3, *SIDEBANDS), squeezed(-0.8, 0.3, *SIDEBANDS), chain(nodes_of(POINT)))
    found = detect(there_and_back, demodulated(DETECTION))
    plain = rwa(POINT, DETECTION)
    for conditional in (False, True):
        # e^{2r} = 5 times the rounding of the plain model
        np.testing.assert_allclose(
            steady_state(found, conditional=conditional), steady_state(plain, conditional=conditional), rtol=1e-10
        )


# 6 dB of two-mode squeezing before the first node, from quadratures of the inputs and correlated noises, to 9 digits
SQUEEZED = {
    (1.0, False): (0.194867637, 0.206061363),
    (1.0, True): (0.183391130, 0.198820186),
    (0.5, False): (0.264209255, 0.272329561),
    (0.5, True): (0.237880235, 0.253407175),
}


@pytest.mark.parametrize(("angle_pi", "conditional"), SQUEEZED)
def test_steering_with_squeezed_light(angle_pi: float, conditional: bool) -> None:
    hot = cascade(50, 50, 0.35, 0.40, loss=0.1)
    light = squeezer(*SIDEBANDS, decibels=6.0, angle_pi=angle_pi)
    model = detect(series(light, chain(nodes_of(hot))), demodulated(Detection(efficiency=0.9)))
    covariance = steady_state(model, conditional=conditional)
    minus, plus, between = covariance[:2, :2], covariance[2:, 2:], covariance[:2, 2:]
    found = [
        math.sqrt(np.linalg.det(plus - between.T @ np.linalg.solve(minus, between))),
        math.sqrt(np.linalg.det(minus - between @ np.linalg.solve(plus, between.T))),
    ]
    assert found == pytest.approx(SQUEEZED[angle_pi, conditional], abs=6e-10)


def test_squeezing_of_one_broadband_port_is_squeezing_of_its_sidebands() -> None:
    light, settings = Detection(efficiency=0.8), {"decibels": 4.0, "angle_pi": 0.6}
    rotating = detect(series(squeezer(*SIDEBANDS, **settings), chain(nodes_of(POINT))), demodulated(light))
    exact = steady_state(rotating, conditional=False)
    errors = []
    for ratio in (100.0, 200.0):
        fixed = series(
            squeezer(**settings), chain(nodes_of(POINT), frequencies_hz=[hertz(ratio * POINT.plus.strength)] * 2)
        )
        found = steady_state(detect(fixed, homodyne(efficiency=0.8)), conditional=False)
        errors.append(abs(np.linalg.det(found) / np.linalg.det(exact) - 1.0))
    # with a path phase the laboratory frame differs by the first order of Γ/Ω
    assert errors[0] < 0.02
    assert errors[0] / errors[1] == pytest.approx(2.0, abs=0.1)


def correlated(component: Component, rows: NDArray[Any], efficiency: float) -> tuple[FloatArray, FloatArray]:
    """Conditional and unconditional steady covariance from correlated noises, with no vacuum inputs split off.

    dx = Ax dt + B dξ and dy = Cx dt + E dξ + vacuum, where ξ holds the quadratures (Re, Im) of f = S b: as in textbooks
    on the Kalman filter, by scipy's solvers.
    """
    d = 2 * len(component.modes)
    sigma = symplectic_form(d // 2)
    # f†[x, L] + [L†, x] f with [x, c·x] = iΣc
    drive_of = sigma @ component.couplings.T
    inputs = np.hstack([2 * (1j * drive_of).real, 2 * (1j * drive_of).imag])
    drift = sigma @ (component.hamiltonian + np.imag(component.couplings.conj().T @ component.couplings))
    plus, less = component.passive + component.active, component.passive - component.active
    scatter = np.block([[plus.real, -less.imag], [plus.imag, less.real]])
    noise = scatter @ scatter.T / 4
    read = 2 * math.sqrt(efficiency) * np.hstack([rows.real, -rows.imag])
    signal = 2 * math.sqrt(efficiency) * np.real(rows @ component.couplings)
    n = len(rows)
    seen = read @ noise @ read.T + (1 - efficiency) * np.eye(n)
    unconditional = la.solve_continuous_lyapunov(drift, -inputs @ noise @ inputs.T)
    conditional = la.solve_continuous_are(drift.T, signal.T, inputs @ noise @ inputs.T, seen, s=inputs @ noise @ read.T)
    return conditional, unconditional


@pytest.mark.parametrize("efficiency", [1.0, 0.6])
@pytest.mark.parametrize("ports", [("signal",), ("idler",), ("signal", "idler")])
def test_squeezed_light_against_correlated_noises(ports: tuple[str, ...], efficiency: float) -> None:
    component = series(
        squeezed(0.6, 0.4, "signal", "idler"),
        loss("signal", power=0.1),
        cavity("a", {"signal": 1.0, "idler": 0.2}, detuning=0.4, lost=0.1),
        thermal_bath("b", Bath.si(linewidth=0.3, occupation=0.5)),
        phase_shift("signal", phase_pi=0.3),
        squeezed(0.3, 1.0, "idler"),
        cavity("b", {"signal": 0.7}, detuning=-0.2),
        beam_splitter("signal", "idler", transmission=0.7),
        interaction(("a", "b"), 0.2 * np.eye(4)),
    )
    phases = {"signal": 0.3, "idler": 1.1}
    model = detect(
        component, *(homodyne(port, phase_pi=phases[port], efficiency=efficiency, name=port) for port in ports)
    )
    assert model.record_names == ports
    rows = np.zeros((len(ports), len(component.couplings)), dtype=complex)
    for row, port in zip(rows, ports, strict=True):
        row[component.ports.index(port)] = np.exp(-1j * math.pi * phases[port])
    conditional, unconditional = correlated(component, rows, efficiency)
    np.testing.assert_allclose(steady_state(model, conditional=True), conditional, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(steady_state(model, conditional=False), unconditional, rtol=1e-9, atol=1e-9)
    # the record tells something
    assert np.abs(conditional - unconditional).max() > 1e-2


def test_a_heterodyne_detector_is_two_homodynes_behind_a_beam_splitter() -> None:
    lit = series(squeezed(0.5, 0.2), cavity("a", {"field": 1.0}, detuning=0.4))
    at_once = detect(lit, heterodyne(phase_pi=0.1, efficiency=0.8))
    # the second output sees √½ b + √½ v, the first √½ b − √½ v
    split = series(lit, beam_splitter("field", "other", transmission=0.5))
    apart = detect(
        split,
        homodyne(phase_pi=0.1, efficiency=0.8, name="first"),
        homodyne("other", phase_pi=0.6, efficiency=0.8, name="second"),
    )
    for conditional in (True, False):
        first, second = (steady_state(model, conditional=conditional) for model in (at_once, apart))
        np.testing.assert_allclose(first, second, rtol=1e-11, atol=1e-11)


def test_light_that_is_not_squeezed_keeps_its_channels_beside_squeezed_light() -> None:
    lit = concatenate(series(squeezed(0.5, 0.2, "one"), cavity("a", {"one": 1.0})), cavity("b", {"two": 1.0}))
    model = detect(lit, homodyne("two", efficiency=0.7))
    plain = detect(cavity("b", {"two": 1.0}), homodyne("two", efficiency=0.7))
    np.testing.assert_array_equal(model.monitored[:, 2:], plain.monitored)
    np.testing.assert_array_equal(model.efficiency, [0.7])


def close(found: qutip.Qobj, expected: qutip.Qobj) -> bool:
    """Two Liouvillians act alike where the levels kept do not end, on states with at most one quantum of each mode."""
    levels = found.dims[0][0]
    low = [level for level in np.ndindex(*levels) if max(level) <= 1]
    for ket in low:
        for bra in low:
            operator = qutip.basis(levels, list(ket)) @ qutip.basis(levels, list(bra)).dag()
            change = qutip.vector_to_operator((found - expected) @ qutip.operator_to_vector(operator))
            if np.abs(change.full()).max() > 1e-12:
                return False
    return True


def liouvillian(model: LinearModel, cutoffs: tuple[int, ...]) -> qutip.Qobj:
    return lindblad_operators(model, cutoffs).liouvillian()


def test_two_cavities_in_cascade_against_the_textbook_master_equation() -> None:
    a, b = (qutip.tensor(*each) for each in ((qutip.destroy(4), qutip.qeye(4)), (qutip.qeye(4), qutip.destroy(4))))
    model = detect(
        series(
            cavity("a", {"field": 1.0}, detuning=0.3, lost=0.2), phase_shift(phase_pi=0.2), cavity("b", {"field": 2.0})
        ),
        heterodyne(),
    )
    # Carmichael, PRL 70, 2273 (1993); Gardiner, PRL 70, 2269 (1993)
    sent = np.exp(0.2j * math.pi) * a
    jump = sent + math.sqrt(2.0) * b
    exchange = math.sqrt(2.0) * b.dag() * sent / 2j
    hamiltonian = -0.3 * a.dag() * a + exchange + exchange.dag()
    expected = qutip.liouvillian(hamiltonian, [jump, math.sqrt(0.2) * a])
    assert close(liouvillian(model, (4, 4)), expected)


def test_a_cavity_in_squeezed_light_against_the_textbook_master_equation() -> None:
    r, psi, kappa = 0.4, 0.9, 1.3
    model = detect(series(squeezed(r, psi), cavity("a", {"field": kappa}, detuning=0.2)), homodyne())
    a = qutip.destroy(6)
    # Gardiner and Zoller, Quantum Noise, Sec. 10.2: ⟨b†b⟩ = N, ⟨bb⟩ = M
    number, pairs = math.sinh(r) ** 2, np.exp(1j * psi) * math.sinh(r) * math.cosh(r)

    def sandwich(left: qutip.Qobj, right: qutip.Qobj) -> qutip.Qobj:
        """2 l ρ r − r l ρ − ρ r l, over 2."""
        return qutip.sprepost(left, right) - 0.5 * (qutip.spre(right @ left) + qutip.spost(right @ left))

    expected = qutip.liouvillian(-0.2 * a.dag() * a, [])
    expected += kappa * ((number + 1) * sandwich(a, a.dag()) + number * sandwich(a.dag(), a))
    expected -= kappa * (pairs * sandwich(a.dag(), a.dag()) + np.conj(pairs) * sandwich(a, a))
    assert close(liouvillian(model, (6,)), expected)


def displaced(model: LinearModel) -> FloatArray:
    """The mean after infinite time, 0 = Ax + Σh."""
    equations = moment_equations(model)
    sigma = symplectic_form(model.dimension // 2)
    return np.asarray(np.linalg.solve(equations.drift, -sigma @ model.force))


def test_coherent_light_displaces_as_a_force_does() -> None:
    amplitude, kappa, detuning = 0.3 - 0.2j, 1.3, 0.7
    model = detect(
        series(coherent_drive(amplitude=amplitude), cavity("a", {"field": kappa}, detuning=detuning)), homodyne()
    )
    # ȧ = (iΔ − κ/2) a − √κ α
    mean = math.sqrt(kappa) * amplitude / (1j * detuning - kappa / 2)
    assert displaced(model) == pytest.approx(math.sqrt(2) * np.array([mean.real, mean.imag]), abs=20 * EPS)
    # H = −i√κ(α a† − h.c.)
    pushed = series(
        cavity("a", {"field": kappa}, detuning=detuning),
        force("a", x=math.sqrt(2 * kappa) * amplitude.imag, p=-math.sqrt(2 * kappa) * amplitude.real),
    )
    np.testing.assert_allclose(detect(pushed, homodyne()).force, model.force, atol=8 * EPS)


def test_squeezed_coherent_light_keeps_its_amplitude() -> None:
    # squeezing before and after the drive: cosh r α + e^{iψ} sinh r α* arrives
    r, psi, alpha = 0.5, 0.4, 0.3 + 0.1j
    arrives = math.cosh(r) * alpha + np.exp(1j * psi) * math.sinh(r) * np.conj(alpha)
    cell = cavity("a", {"field": 1.0}, detuning=0.3)
    before = detect(series(coherent_drive(amplitude=alpha), squeezed(r, psi), cell), homodyne())
    after = detect(series(squeezed(r, psi), coherent_drive(amplitude=arrives), cell), homodyne())
    np.testing.assert_allclose(before.force, after.force, atol=8 * EPS)
    np.testing.assert_allclose(before.channels, after.channels, atol=8 * EPS)


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "loss": (lambda: loss(power=1.2), "loss must be at least 0 and at most 1, got 1.2"),
    "transmission": (lambda: beam_splitter("a", "b", transmission=-0.1), "transmission must be at least 0"),
    "phase": (lambda: phase_shift(phase_pi=math.nan), "phase_pi must be"),
    "squeezer": (lambda: squeezed(0.1, 0.0, "a", "b", "c"), "one port or on two"),
    "rate": (lambda: cavity("c", {"in": -1.0}), "rate of in must be at least 0"),
    "mass": (lambda: oscillator("b", POINT.plus, mass="none", frequency_hz=1.0), "mass must be one of"),  # type: ignore[arg-type]
    "force": (lambda: force("b", x=math.inf), "force on x of b must be"),
    "series": (series, "at least one component"),
    "port twice": (lambda: phase_shift("a", "a", phase_pi=0.1), "ports must be named once each"),
    "unknown port": (lambda: detect(cavity("c", {"in": 1.0}), homodyne("out")), "must be among in, got 'out'"),
    "read twice": (
        lambda: detect(cavity("c", {"in": 1.0}), homodyne("in"), homodyne("in", name="more")),
        "each port may be used by one detector only, but in is repeated",
    ),
    "name twice": (
        lambda: detect(cavity("c", {"in": 1.0, "out": 1.0}), homodyne("in"), homodyne("out")),
        "each record name may be used by one detector only, but homodyne is repeated",
    ),
    "divided": (
        lambda: Detector(ports=("a",), rows=np.array([[0.5]]), names=("one",)),
        "divide the light of each port completely",
    ),
    "commutator": (
        lambda: replace(loss(power=0.1), passive=2.0 * np.eye(2)),
        "must keep the commutators of the field, which are off by 3",
    ),
    "shape": (lambda: Component(modes=("a",), couplings=np.ones((1, 4))), r"couplings must have shape \(1, 2\)"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_settings_are_refused(name: str) -> None:
    make, message = REFUSED[name]
    with pytest.raises(ValueError, match=message):
        make()
