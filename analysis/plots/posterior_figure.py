"""The corner figure of a posterior."""

from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from cascade_steering.analysis.plots.style import FIGURE_STYLE, drawable, save_figure

if TYPE_CHECKING:
    from cascade_steering.analysis.identification.posterior.sampling_posterior import Chain

__all__ = ["draw_corner", "require_corner"]

_SHARES = (0.025, 0.5, 0.975)


def require_corner() -> None:
    """Raise ValueError where corner is not installed."""
    try:
        import corner  # noqa: F401
    except ImportError as error:
        raise ValueError(f"a corner figure needs corner: pip install 'cascade-steering[posterior]' ({error})") from None


def draw_corner(chain: "Chain", path: Path) -> Figure:
    """All pairs of parameters and the distribution of each, with median and interval of 95 %, written to ``path``.

    Raises ValueError for a path to which no figure can be written, and where corner is not installed.
    """
    require_corner()
    import corner

    target = drawable(path)
    with mpl.rc_context(FIGURE_STYLE):
        figure = Figure(figsize=(2.2 * len(chain.names) + 1.0,) * 2)
        corner.corner(chain.flat, fig=figure, labels=list(chain.names), quantiles=_SHARES)
    count = len(chain.names)
    for number, (name, samples) in enumerate(zip(chain.names, chain.flat.T, strict=True)):
        low, median, high = np.quantile(samples, _SHARES)
        figure.axes[number * (count + 1)].set_title(f"{name}: {median:.4g}\n95 %: {low:.4g} to {high:.4g}", fontsize=9)
    save_figure(figure, target)
    return figure
