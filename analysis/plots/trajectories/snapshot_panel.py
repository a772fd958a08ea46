"""The Wigner function of a trajectory at one time, and in words when that is and how negative it is."""

from typing import TYPE_CHECKING

from matplotlib.axes import Axes

from cascade_steering.analysis.plots.states.wigner import draw_wigner
from cascade_steering.analysis.results.trajectories.snapshot import last_click
from cascade_steering.sim.conventions import Mode, mode_index

if TYPE_CHECKING:
    from cascade_steering.analysis.results.trajectories.trajectory import Trajectory

__all__ = ["draw_snapshot"]

# of a Fock state of one quantum, 2/√e − 1
_ONE_QUANTUM = 0.213
# a sum over a grid of what has decayed to rounding
_NONE = 1e-6
# less than this part of a run after a click cannot be seen in it
_AT_ONCE = 2e-3


def draw_snapshot(trajectory: "Trajectory", mode: Mode = 0, *, ax: Axes | None = None) -> Axes:
    """W of one oscillator at the time of the snapshot, as ``draw_wigner`` does, with the time and the negative volume.

    The axes are those of a new figure if ``ax`` is left out; they are returned. Raises ValueError for an oscillator
    that is not there, and for a trajectory without a snapshot.
    """
    found = trajectory.snapshot
    if found is None:
        raise ValueError("the trajectory has no snapshot: its states between Fock levels were not kept")
    place = mode_index(mode, trajectory.modes)
    axes = draw_wigner(found.state, place, ax=ax)
    negative = found.state.negative_volume(place)
    said = f"negative volume {negative:.2g}" if negative > _NONE else "nowhere negative"
    if negative > _NONE:
        said += f" (one quantum: {_ONE_QUANTUM})"
    axes.set_title(f"{_when(trajectory, found.time)}\n{said}", fontsize=8)
    return axes


def _when(trajectory: "Trajectory", time: float) -> str:
    """The time, and how long after a click it is."""
    unit = trajectory.time_unit
    at = f"$t$ = {time:.4g} s" if unit == 1.0 else rf"$t = {time / unit:.4g}/\tilde\gamma_0$"
    step = 1e-9 * trajectory.times[-1]
    clicks = {name: each[each <= time + step] for name, each in trajectory.clicks.items()}
    last = last_click(clicks)
    if last is None:
        return at if not trajectory.clicks else f"{at}, before any click"
    if time - last <= _AT_ONCE * trajectory.times[-1]:
        return f"{at}, right after a click"
    after = f"{time - last:.2g} s" if unit == 1.0 else rf"${(time - last) / unit:.2g}/\tilde\gamma_0$"
    return f"{at}, {after} after a click"
