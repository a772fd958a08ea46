"""The Wigner function of a state after a click, as it is drawn."""

import numpy as np
import pytest
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

import cascade_steering as cs
from cascade_steering.analysis.plots.states.wigner import fill_wigner


@pytest.fixture(scope="module")
def clicked() -> cs.StateInFrame:
    """Both oscillators near their ground states, displaced and squeezed, after a click of an ideal counter."""
    point = cs.WorkingPoint(c_minus=10, c_plus=10)
    model = point.counted(cs.Counter(ports=("lower",), share=0.05, efficiency=1.0, dark_rate=0.0))
    start = cs.InitialState(covariance=0.52 * np.eye(4), scatter=np.zeros((4, 4)), name="cold")
    after = cs.herald(cs.StateInFrame.of(start), model.counted[0]).state
    # W of a squeezed state is another function of X than of P
    squeezed = np.diag([1.5, 1 / 1.5, 1.3, 1 / 1.3])
    return cs.StateInFrame(
        density=after.density,
        levels=after.levels,
        symplectic=squeezed @ after.symplectic,
        origin=np.array([300.0, 0.0, -7.0, 2.0]),
    )


def test_it_is_drawn_around_the_mean_in_the_frame_that_moves(clicked: cs.StateInFrame) -> None:
    figure = Figure()
    axes = figure.subplots(1, 2)[0]
    assert cs.draw_wigner(clicked, "plus", points=41, ax=axes) is axes
    image = next(each for each in axes.collections if isinstance(each, QuadMesh))
    values = np.asarray(image.get_array()).reshape(41, 41)
    # the middle of the axes is the mean, which is far from 0, and W there is that of the state
    assert values[20, 20] == pytest.approx(float(clicked.wigner_of(1, clicked.mean[None, 2:])[0]), abs=1e-12)
    assert values[20, 20] < -0.1
    assert np.all(np.abs(values) <= 1.0 / np.pi)
    assert image.get_clim() == (-np.abs(values).max(), np.abs(values).max())
    # first index P, second X
    reach = 3.0 * np.sqrt(np.linalg.eigvalsh(clicked.covariance[2:, 2:])[-1])
    assert axes.get_xlim() == pytest.approx((-reach, reach), rel=0.1)
    place = clicked.mean[None, 2:] + [[reach / 2, 0.0]]
    assert values[20, 30] == pytest.approx(float(clicked.wigner_of(1, place)[0]), abs=1e-12)
    assert (axes.get_xlabel(), axes.get_ylabel()) == (
        r"$X_{+} - \langle X_{+}\rangle$", r"$P_{+} - \langle P_{+}\rangle$",
    )  # fmt: skip
    with pytest.raises(ValueError, match="widths must be"):
        cs.draw_wigner(clicked, widths=0.0)


def test_a_line_is_where_the_sign_changes_and_not_where_all_has_decayed() -> None:
    along = np.linspace(-6.0, 6.0, 41)
    squares = along**2 + along[:, None] ** 2
    # one quantum: W = (2 x² + 2 p² − 1) exp(−x² − p²)/π changes its sign at a radius of 1/√2
    one, none = (factor * np.exp(-squares) / np.pi for factor in (2.0 * squares - 1.0, 1.0))
    drawn = []
    for values in (one, none - 1e-18):
        axes = Figure().subplots()
        fill_wigner(axes, along, along, values)
        drawn.append([each for each in axes.collections if not isinstance(each, QuadMesh)])
    lines = np.concatenate([path.vertices for path in drawn[0][0].get_paths()])
    # the grid is 0.3 wide, the contour straight within a cell
    np.testing.assert_allclose(np.hypot(*lines.T), np.sqrt(0.5), atol=0.06)
    assert not drawn[1]
