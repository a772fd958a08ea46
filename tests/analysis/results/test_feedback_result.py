import numpy as np
import pytest

import cascade_steering as cs

UNSTABLE = cs.WorkingPoint(c_minus=10, c_plus=17.4, theta_minus_pi=0.0, theta_plus_pi=0.5)
WAYS = ("plus_given_minus", "minus_given_plus")


def test_direct_feedback_gives_without_the_record_what_the_record_gives() -> None:
    found = UNSTABLE.feedback()
    # the conditional column of the table of sim/README.md, section 5, in 40 digits
    assert found.conditional["plus_given_minus"] == pytest.approx(0.14702136, abs=5e-9)
    for way in WAYS:
        assert found.controlled[way] == pytest.approx(found.conditional[way], rel=1e-12)
    assert found.controlled[cs.Steered(mode="plus", by=("minus",))] == found.controlled["plus_given_minus"]
    assert found.power is None
    closed = cs.steady(cs.direct(UNSTABLE.model, found.loop.gain))
    assert closed.unconditional["plus_given_minus"] == pytest.approx(found.controlled["plus_given_minus"], rel=1e-9)
    assert repr(found).splitlines() == [
        "direct on both          E+|-      E-|+",
        "given the record    0.147021  0.156999",
        "in the closed loop  0.147021  0.156999",
        "E above E_c          0.000 %   0.000 %",
    ]


def test_units_are_those_of_the_first_bath() -> None:
    # the same rates relative to γ̃₀, ten times as fast
    bath = cs.Bath(linewidth_hz=1.0, occupation=1e5)
    fast = cs.WorkingPoint(
        c_minus=10, c_plus=17.4, theta_minus_pi=0.0, theta_plus_pi=0.5, bath_minus=bath, bath_plus=bath
    )
    for law in ("lqg", "direct"):
        one, other = (
            point.feedback(law=law, actuators_on="mode", actuator_noise=0.3, delay_units=0.1 * (law == "lqg"))
            for point in (UNSTABLE, fast)
        )
        assert other.controlled["plus_given_minus"] == pytest.approx(one.controlled["plus_given_minus"], rel=1e-7)
        assert other.slowest_rate == pytest.approx(one.slowest_rate, rel=1e-5)
        np.testing.assert_allclose(np.abs(other.gain), np.abs(one.gain), rtol=1e-5, atol=1e-3)
        for name in ("power", "spectral_density"):
            first, second = getattr(one, name), getattr(other, name)
            assert (first is None) == (second is None) == ((name == "power") != (law == "lqg"))
            if first is not None:
                np.testing.assert_allclose(second, first, rtol=1e-5, atol=1e-3)


def test_free_control_of_minus_has_a_limit_and_no_state(tmp_path_factory: pytest.TempPathFactory) -> None:
    found = UNSTABLE.feedback(law="ideal", actuators_on="minus")
    assert found.covariance["controlled"] is None
    assert found.controlled["plus_given_minus"] == pytest.approx(5.52657, abs=1e-5)
    where = tmp_path_factory.mktemp("figure") / "loop.png"
    found.plot(where)
    assert where.read_bytes().startswith(b"\x89PNG")


def test_a_stable_pair_gains_what_the_record_is_worth() -> None:
    point = cs.WorkingPoint(c_minus=50, c_plus=50, loss=0.1, efficiency=0.9)
    open_loop, closed = point.steady(), point.feedback(law="lqg")
    for way in WAYS:
        assert closed.conditional[way] == pytest.approx(open_loop.conditional[way], rel=1e-12)
    way = "plus_given_minus"
    assert open_loop.conditional[way] < closed.controlled[way] < open_loop.unconditional[way]
    # a dearer force does less
    dear = point.feedback(law="lqg", price=1e3)
    assert closed.controlled[way] < dear.controlled[way] <= open_loop.unconditional[way] * (1 + 1e-9)
    assert dear.power is not None
    assert closed.power is not None
    assert dear.power < closed.power
