import functools
import json
import math
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import qutip
from numpy.typing import NDArray

from cascade_steering.sim.fock.basis.states import density_state
from cascade_steering.sim.fock.moving.engine import Fock
from cascade_steering.sim.fock.qutip.qutip_sme import QutipSME
from cascade_steering.sim.gaussian.covariance import stationary_state
from cascade_steering.sim.gaussian.trajectories import Gaussian
from cascade_steering.sim.identity import differences, numbers_of, plain
from cascade_steering.sim.initial_state import InitialState, thermal_state
from cascade_steering.sim.model.cascade import lab, rwa
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule, model_identity
from cascade_steering.sim.parameters import Bath, Cascade, Detection, Oscillator, UnstableError
from cascade_steering.sim.runs.manifest import Manifest

MODELS = 200
Setting = dict[str, float]
# of a working point, each to be changed by 1e-6 of itself
SETTINGS = (
    "c_minus", "c_plus", "theta_minus", "theta_plus", "linewidth_minus", "linewidth_plus", "occupation_minus",
    "occupation_plus", "loss", "path_phase", "lo_phase", "efficiency", "frequency",
)  # fmt: skip


def model(at: Setting) -> LinearModel:
    oscillators = {
        name: Oscillator.si(
            strength=at[f"c_{name}"],
            angle=at[f"theta_{name}"],
            bath=Bath.si(linewidth=at[f"linewidth_{name}"], occupation=at[f"occupation_{name}"]),
        )
        for name in ("minus", "plus")
    }
    cascade = Cascade(**oscillators, loss=at["loss"], path_phase_pi=at["path_phase"] / math.pi)
    cascade.require_stable()
    detection = Detection.si(lo_phase=at["lo_phase"], efficiency=at["efficiency"])
    return lab(cascade, detection, frequency_hz=at["frequency"]) if at["frequency"] else rwa(cascade, detection)


@functools.cache
def working_points(count: int) -> list[Setting]:
    """Stable ones, always the same first: rates over five decades, half of them in the lab frame."""
    rng, found = np.random.default_rng(0), list[Setting]()
    while len(found) < count:
        at = {
            "loss": rng.uniform(0.01, 0.9), "path_phase": rng.uniform(0.1, 6), "lo_phase": rng.uniform(0.1, 3),
            "efficiency": rng.uniform(0.05, 0.99), "frequency": 10 ** rng.uniform(4, 8) * rng.integers(2),
        }  # fmt: skip
        for name in ("minus", "plus"):
            at |= {
                f"c_{name}": 10 ** rng.uniform(2, 6), f"theta_{name}": rng.uniform(0.2, 1.5),
                f"linewidth_{name}": 10 ** rng.uniform(-1, 4), f"occupation_{name}": 10 ** rng.uniform(-1, 5),
            }  # fmt: skip
        try:
            model(at)
        except UnstableError:
            continue
        found.append({name: float(value) for name, value in at.items()})
    return found


def moved(values: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    """Every number that is not zero by one unit in the last place, up or down."""
    if np.iscomplexobj(values):
        return moved(values.real, rng) + 1j * moved(values.imag, rng)
    return np.where(values == 0, values, np.nextafter(values, values + rng.choice([-1.0, 1.0], size=values.shape)))


def jittered(found: LinearModel, rng: np.random.Generator) -> LinearModel:
    upper = np.triu(moved(found.hamiltonian, rng))
    return replace(
        found,
        hamiltonian=upper + np.triu(upper, 1).T,
        monitored=moved(found.monitored, rng),
        unmonitored=moved(found.unmonitored, rng),
        efficiency=moved(found.efficiency, rng),
    )


def manifest(found: LinearModel, initial: InitialState | None = None, **more: Any) -> Manifest:
    identity = {"model": numbers_of(found), "initial": numbers_of(initial) if initial else None, **more}
    return Manifest(identity=json.loads(json.dumps(plain(identity))), trajectories=1)


@functools.cache
def known_points(count: int) -> list[tuple[Setting, Manifest]]:
    return [(at, manifest(model(at))) for at in working_points(count)]


@pytest.mark.slow
def test_one_unit_in_the_last_place_of_every_number_is_no_other_run() -> None:
    """Of some the state as well, whose solver makes more of it."""
    rng, changed = np.random.default_rng(1), 0
    for place, at in enumerate(working_points(MODELS)):
        found = model(at)
        other = jittered(found, rng)
        states = [None if place % 8 else stationary_state(each) for each in (found, other)]
        manifest(found, states[0]).require_same(manifest(other, states[1]).identity, "now", "refused")
        changed += any(
            not np.array_equal(getattr(found, name), getattr(other, name)) for name in ("monitored", "hamiltonian")
        )
    # nothing would be shown by models that are the same
    assert changed == MODELS


@pytest.mark.few(3)
@pytest.mark.parametrize("name", SETTINGS)
def test_a_millionth_of_a_setting_is_another_run_and_named(name: str) -> None:
    for at, known in known_points(30):
        if not at[name]:
            continue
        other = {**at, name: at[name] * (1 + 1e-6)}
        with pytest.raises(ValueError, match=r"another configuration: model\.\w+\[.*\] is \S+ there and \S+ now"):
            known.require_same(manifest(model(other)).identity, "now", "refused")


@pytest.mark.parametrize("name", ["covariance", "scatter", "mean"])
def test_a_millionth_of_a_state_is_another_run(name: str) -> None:
    found = model(working_points(1)[0])
    state = replace(thermal_state((1e5, 0.3)), scatter=np.diag([1e6, 2.0, 3.0, 4.0]), mean=np.array([1e3, 2, 3, 4]))
    known = manifest(found, state)
    for place in range(4):
        entry = (place, place) if name != "mean" else (place,)
        other = getattr(state, name).copy()
        other[entry] *= 1 + 1e-6
        # of the smallest a millionth is below what the largest says of rounding: 1e-9 of 1e6
        if getattr(state, name)[entry] * 1e-6 > 2e-9 * np.max(getattr(state, name)):
            with pytest.raises(ValueError, match=rf"initial\.{name}\[{re.escape(']['.join(map(str, entry)))}\] is"):
                known.require_same(manifest(found, replace(state, **{name: other})).identity, "now", "refused")


@pytest.mark.parametrize(
    ("there", "here"),
    [
        ("0.3", "0.30000000000000004"),
        ("1.0,0.3", "1.0,0.30000000000000004"),
        ("20.1us", "20.099999999999998us"),
        ("squeezed:0.3,0.1", "squeezed:0.30000000000000004,0.1"),
        (0.3, 0.30000000000000004),
        (1.0, 1),
        (None, None),
        ([1.0, [2.0, 3.0]], [1.0, [2.0, 3.0 + 1e-15]]),
        ({"a": [0.3, "x"]}, {"a": [0.1 + 0.2, "x"]}),
    ],
    ids=repr,
)
def test_numbers_that_differ_in_their_last_bits_are_one(there: Any, here: Any) -> None:
    assert list(differences({"it": there}, {"it": here})) == []


@pytest.mark.parametrize(
    ("there", "here", "name"),
    [
        ("0.3", "0.3000003", "it"),
        ("0.3us", "0.3ms", "it"),
        ("1.0,0.3", "1.0", "it"),
        ("hot", "vacuum", "it"),
        ("-0.3", "0.3", "it"),
        (0.0, 1e-300, "it"),
        (1, True, "it"),
        (2**70, 2**70 + 1, "it"),
        (12345678901, 12345678902, "it"),
        ([12345678901], [12345678902], "it[0]"),
        (None, 0.0, "it"),
        ([1.0, 2.0], [1.0], "it[1]"),
        (["a", 1.0], ["a"], "it[1]"),
        ([[1.0, 2.0], [3.0, 4.0]], [[1.0, 2.0], [3.0, 4.1]], "it[1][1]"),
        ({"a": 1}, {"b": 1}, "it.a"),
        ({"a": 1}, 1, "it.a"),
    ],
    ids=repr,
)
def test_what_differs_is_named(there: Any, here: Any, name: str) -> None:
    (found, *_) = differences({"it": there}, {"it": here})
    assert found[0] == name
    assert list(differences({"it": here}, {"it": there}))


def test_engines_are_known_by_their_settings() -> None:
    def same(one: Any, other: Any) -> bool:
        return not any(differences(plain(one.identity), plain(other.identity)))

    frame = np.diag([2.0, 0.5, 1.0, 1.0])
    other, nearby = frame.copy(), frame.copy()
    other[0, 0] += 2e-9 * 2
    nearby[0, 0] = np.nextafter(2.0, 3.0)
    # numpy shows eight digits of an array: what they print is one text
    assert repr(Fock(frame=frame)) == repr(Fock(frame=other))
    assert not same(Fock(frame=frame), Fock(frame=other))
    assert same(Fock(frame=frame), Fock(frame=nearby))
    engines = [
        Gaussian(), Fock(), Fock(frame="rest"), Fock(cutoffs=(4, 5)), Fock(frame=frame), QutipSME(cutoffs=(4, 5)),
        QutipSME(cutoffs=(5, 5)), QutipSME(cutoffs=(4, 5), method="euler"),
    ]  # fmt: skip
    for place, one in enumerate(engines):
        assert [same(one, each) for each in engines] == [each is engines[place] for each in engines]
        assert json.loads(json.dumps(plain(one.identity))) == plain(one.identity)


def test_a_large_state_is_held_by_a_few_sums_that_a_millionth_changes() -> None:
    levels = 80
    ket = qutip.coherent(levels, 3.0)
    state = density_state(ket)
    assert state.density.size > 4096
    known = plain(numbers_of(state))
    assert len(json.dumps(known)) < 5000
    rng = np.random.default_rng(2)
    assert not any(differences(known, plain(numbers_of(replace(state, density=moved(state.density, rng))))))
    for row, column in ((0, 0), (9, 9), (79, 3)):
        other = state.density.copy()
        other[row, column] += 1e-6
        assert any(differences(known, plain(numbers_of(replace(state, density=other)))))


def test_what_json_does_not_hold_is_refused() -> None:
    with pytest.raises(TypeError, match=r"^only numbers and text can be written, .*, got <object"):
        plain({"engine": object()})
    assert plain({"a": (np.int64(3), np.float64(0.5), np.array([1j]))}) == {"a": [3, 0.5, [[0.0, 1.0]]]}
    assert math.isnan(plain(np.nan))


def test_a_schedule_is_known_by_its_models_and_by_when_they_take_over() -> None:
    at = working_points(1)[0]
    lit, other = model(at), model({**at, "efficiency": 0.5 * at["efficiency"]})
    known = model_identity(Schedule.pulse(lit, other, 1e-3))
    assert json.loads(json.dumps(known)) == known
    # a model alone is what it was before there were schedules, electronics, counters and polynomials
    later = ("electronics", "counted", "nonlinear")
    alone = {name: value for name, value in numbers_of(lit).items() if name not in later}
    assert model_identity(lit) == model_identity(Schedule.of(lit)) == alone
    changed = {
        "switches": Schedule.pulse(lit, other, 1.001e-3),
        "later_models[0].efficiency": Schedule.pulse(lit, lit, 1e-3),
        "efficiency": Schedule.pulse(other, other, 1e-3),
    }
    for name, schedule in changed.items():
        found = [where for where, _, _ in differences(known, model_identity(schedule))]
        assert found
        assert all(where.startswith(name) for where in found)
