"""One trajectory: what was recorded, and what is known of the oscillators given that. Section 4 of sim/README.md."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import Scheme, Steered, pairwise_directions, steering_parameter
from cascade_steering.analysis.results.by_direction import ByDirection
from cascade_steering.analysis.results.trajectories.snapshot import Snapshot

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Trajectory", "kept_trajectory"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Trajectory:
    """One run, simulated or measured, and the conditional state of the oscillators in time.

    Parameters
    ----------
    times : of the states, seconds; array of shape (n + 1,)
    means, covariances : given the record up to each time, arrays of shape (n + 1, d) and (n + 1, d, d)
    record : dY summed over each interval between two times, array of shape (n, m), √s; NaN in a gap
    channels, modes : names of the channels of the record and of the oscillators
    time_unit : 1/γ̃₀ in seconds, for figures; 1 for seconds
    clicks : times of the clicks of each photon counter, seconds, by its name
    unconditional_times, unconditional : E without the record by direction, arrays of shape (k,), at these times; none
        if not known
    limits : E at long times by scheme and direction; none if not known, or if there is none
    snapshot : the state at one time, between Fock levels, whose Wigner function is drawn; None if it was not kept
    """

    times: FloatArray
    means: FloatArray
    covariances: FloatArray
    record: FloatArray
    channels: tuple[str, ...]
    modes: tuple[str, ...]
    time_unit: float = 1.0
    clicks: Mapping[str, FloatArray] = field(default_factory=dict)
    unconditional_times: FloatArray = field(default_factory=lambda: np.zeros(0))
    unconditional: Mapping[str, FloatArray] = field(default_factory=dict)
    limits: Mapping[Scheme, Mapping[str, float]] = field(default_factory=dict)
    snapshot: Snapshot | None = None

    @property
    def E(self) -> ByDirection[FloatArray]:
        """E given the record, by direction, arrays of shape (n + 1,). Any ``Steered`` may be asked for."""

        def steering(way: "Steered | str") -> FloatArray:
            return steering_parameter(self.covariances, way, self.modes)  # type: ignore[arg-type]

        return ByDirection({str(way): steering(way) for way in pairwise_directions(self.modes)}, steering)

    def plot(self, where: "str | Path | Axes | None" = None, *, means: bool = False) -> "Figure":
        """Draw phase space, record and E(t) into the file that is given, or a new figure; returns the figure.

        With a ``snapshot`` the Wigner functions of the oscillators at its time, and with ``means`` the quadratures in
        time as well. Into axes that are given: E(t) alone; for the rest ``cs.draw_phase_space``, ``cs.draw_record`` and
        ``cs.draw_means``. Raises ValueError for a path to which no figure can be written.
        """
        from cascade_steering.analysis.plots.result_figures import drawn_whole
        from cascade_steering.analysis.plots.trajectories.over_time import draw_steering
        from cascade_steering.analysis.plots.trajectories.trajectory_figure import trajectory_figure

        def draw(axes: "Axes") -> None:
            draw_steering(self, ax=axes)

        return drawn_whole(where, lambda: trajectory_figure(self, means=means), draw)

    def animate(self, path: str | Path, *, frames: int = 60) -> None:
        """Write the figure as an animation in which time passes, a ``.gif`` file.

        Raises ValueError for another ending, a path that cannot be written, and fewer than two frames.
        """
        from cascade_steering.analysis.plots.trajectories.animation import animate_trajectory

        animate_trajectory(self, path, frames=frames)

    def __repr__(self) -> str:
        clicks = "".join(f", {len(each)} clicks of {name}" for name, each in self.clicks.items())
        end = self.times[-1] / self.time_unit
        return f"trajectory of {', '.join(self.modes)} to t = {end:g} in {len(self.record)} intervals{clicks}"


def kept_trajectory(dataset: "xr.Dataset", number: int, modes: tuple[str, ...], time_unit: float) -> Trajectory:
    """A trajectory that ``simulate`` has kept, see ``analysis.results.simulated.Simulated.trajectory``."""
    count = dataset.sizes["trajectory"]
    if not 0 <= number < count:
        kept = f"{count} were kept, from 0" if count else "none was kept: ask simulate for keep=1 or more"
        raise ValueError(f"trajectory must be one that was kept, got {number}: {kept}")
    seen = dataset["conditional_covariance"].to_numpy()
    # NaN of a single trajectory, which has no scatter
    whole = seen + dataset["scatter"].to_numpy()
    known = bool(np.all(np.isfinite(whole))) and len(modes) > 1
    ways = pairwise_directions(modes) if known else ()
    own = dataset["trajectory_covariance"].to_numpy()[number] if "trajectory_covariance" in dataset else seen
    clicks = _clicks(dataset, number)
    return Trajectory(
        times=dataset["time"].to_numpy(),
        means=dataset["trajectory_mean"].to_numpy()[number],
        covariances=own,
        record=dataset["record"].to_numpy()[number],
        channels=tuple(map(str, dataset["channel"].to_numpy())),
        modes=modes,
        time_unit=time_unit,
        clicks=clicks,
        snapshot=Snapshot.kept_in(dataset, number, clicks),
        unconditional_times=dataset["time"].to_numpy() if known else np.zeros(0),
        unconditional={str(way): steering_parameter(whole, way, modes) for way in ways},
    )


def _clicks(dataset: "xr.Dataset", number: int) -> dict[str, FloatArray]:
    """The times of the clicks of one trajectory, by counter."""
    if "click_time" not in dataset:
        return {}
    times, counters, owners = (dataset[f"click_{name}"].to_numpy() for name in ("time", "counter", "trajectory"))
    return {
        str(name): np.sort(times[(owners == number) & (counters == place)])
        for place, name in enumerate(dataset["counter"].to_numpy())
    }
