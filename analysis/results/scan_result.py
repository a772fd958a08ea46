"""E and d over parameters of a working point: printed, drawn and saved."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import DIRECTIONS, Direction, Scheme
from cascade_steering.analysis.results.printed import GAIN, ROWS, symbol_text

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cascade_steering.analysis.working_points.scan import Extreme

__all__ = ["ScanResult"]

FloatArray = NDArray[np.float64]
_VARIABLES: dict[Scheme, str] = {"unconditional": "E_u", "conditional": "E_c"}


@dataclass(frozen=True, eq=False, repr=False)
class ScanResult:
    """E and d over the product grid of some parameters.

    Without the record E is the limit at long times where variances grow, see ``stable``. It is NaN where it grows
    without limit, and given the record where there is no steady state.

    Parameters
    ----------
    dataset : as ``scan`` returns it
    """

    dataset: "xr.Dataset"

    @property
    def axes(self) -> dict[str, FloatArray]:
        """The values of each parameter, in the order of the axes of all arrays."""
        return {str(name): self.dataset[name].to_numpy() for name in self.dataset["E_u"].dims[1:]}

    @property
    def E(self) -> dict[Scheme, dict[Direction, FloatArray]]:
        """E by scheme and direction, arrays over the axes."""
        return {
            scheme: {way: self._array(name, way).to_numpy() for way in DIRECTIONS}
            for scheme, name in _VARIABLES.items()
        }

    @property
    def unconditional(self) -> dict[Direction, FloatArray]:
        """E without the record by direction, arrays over the axes."""
        return self.E["unconditional"]

    @property
    def conditional(self) -> dict[Direction, FloatArray]:
        """E given the record by direction, arrays over the axes."""
        return self.E["conditional"]

    @property
    def stable(self) -> NDArray[np.bool_]:
        """Whether there is a steady state without the record, an array over the axes."""
        found: NDArray[np.bool_] = self.dataset["stable"].to_numpy().astype(bool)
        return found

    @property
    def d(self) -> dict[Direction, FloatArray]:
        """d = 1 − E_c/E_u by direction, arrays over the axes."""
        return {way: self._array("d", way).to_numpy() for way in DIRECTIONS}

    def smallest(self, direction: Direction, *, conditional: bool = True) -> "Extreme | None":
        """The smallest E and the parameters where it is; None where there is no steady state at all."""
        from cascade_steering.analysis.working_points.scan import extreme

        return extreme(self._array(_VARIABLES["conditional" if conditional else "unconditional"], direction))

    def largest_d(self, direction: Direction) -> "Extreme | None":
        """The largest d and the parameters where it is; None where there is no steady state at all."""
        from cascade_steering.analysis.working_points.scan import extreme

        return extreme(self._array("d", direction), largest=True)

    def plot(
        self,
        where: "str | Path | Axes | None" = None,
        *,
        logarithmic: Iterable[str] | None = None,
        direction: Direction = "plus_given_minus",
        scheme: Scheme = "conditional",
    ) -> "Figure":
        """Draw E and d over one axis or two into the file that is given, or a new figure; returns the figure.

        Into axes that are given: E alone, over one axis in all four ways, over two that of ``direction`` and
        ``scheme``. ``logarithmic`` names the axes on a logarithmic scale; left out, those in geometric progression.
        Raises ValueError for more than two axes, an axis of one value, and a path that cannot be a figure.
        """
        from cascade_steering.analysis.plots.result_figures import drawn_whole
        from cascade_steering.analysis.plots.scan_figure import draw_scan, scan_drawn

        named = [name for name, values in self.axes.items() if _geometric(values)]
        scales = named if logarithmic is None else list(logarithmic)
        return drawn_whole(
            where,
            lambda: scan_drawn(self.dataset, logarithmic=scales),
            lambda axes: draw_scan(axes, self.dataset, direction=direction, scheme=scheme, logarithmic=scales),
        )

    def save(self, path: str | Path) -> None:
        """Write the dataset as netCDF. Raises ValueError for a path it cannot be."""
        from cascade_steering.sim.ensemble.dataset import save

        save(self.dataset, Path(path))

    def __repr__(self) -> str:
        lines = [f"scan of {' x '.join(f'{len(values)} {name}' for name, values in self.axes.items())}"]
        for way in DIRECTIONS:
            rows = [
                *(
                    (
                        f"smallest {symbol_text(way)} {ROWS[scheme]}",
                        self.smallest(way, conditional=scheme == "conditional"),
                    )
                    for scheme in _VARIABLES
                ),
                (f"largest {GAIN} of {symbol_text(way)}", self.largest_d(way)),
            ]
            lines += [f"{name}: {_where(found)}" for name, found in rows]
        return "\n".join(lines)

    def _array(self, variable: str, direction: Direction) -> "xr.DataArray":
        if direction not in DIRECTIONS:
            raise ValueError(f"direction must be one of {', '.join(DIRECTIONS)}, got {direction!r}")
        return self.dataset[variable].sel(direction=f"E_{direction}")


def _where(found: "Extreme | None") -> str:
    if found is None:
        return "no steady state"
    return f"{found.value:.6f} at {', '.join(f'{name} = {value:.6g}' for name, value in found.at.items())}"


def _geometric(values: FloatArray) -> bool:
    """Whether three positive values or more are in geometric progression, and not in an arithmetic one."""
    if values.size < 3 or np.any(values <= 0.0):
        return False
    ratios = np.diff(np.log(values))
    return bool(np.allclose(ratios, ratios[0]) and not np.allclose(np.diff(values), values[1] - values[0]))
