"""Results as text: lines under a title, a column for each direction."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import Scheme

if TYPE_CHECKING:
    from cascade_steering.analysis.estimation.estimators import Estimate

__all__ = [
    "GAIN",
    "ROWS",
    "aligned",
    "estimate_text",
    "percent",
    "quadratures_table",
    "require_several",
    "symbol_text",
    "text_table",
    "time_text",
]

FloatArray = NDArray[np.float64]
ROWS: dict[Scheme, str] = {"unconditional": "without the record", "conditional": "given the record"}
GAIN = "d = 1 - E_c/E_u"


def symbol_text(direction: str) -> str:
    """E+|- of ``plus_given_minus``, and E b|a of ``b_given_a``."""
    steered, by = direction.split("_given_", 1)
    signs = {"minus": "-", "plus": "+"}
    return f"E{signs.get(steered, f' {steered}')}|{signs.get(by, by)}"


def require_several(modes: Sequence[str]) -> None:
    """Raise ValueError for a single oscillator, of which there is no E."""
    if len(modes) == 1:
        raise ValueError(f"E is of two oscillators or more, and there is {modes[0]} alone: see mean and covariance")


def quadratures_table(title: str, mean: FloatArray, covariance: Mapping[Scheme, FloatArray]) -> str:
    """Mean (2,) and variances of a single oscillator, (2, 2) by scheme, as lines of text."""
    variances = {f"variance {ROWS[scheme]}": np.diagonal(found) for scheme, found in covariance.items()}
    rows = {"mean": mean, **variances}
    return aligned([(title, "X", "P"), *((name, *map(_number_text, row)) for name, row in rows.items())])


def _number_text(value: float) -> str:
    """A number as text; a mean or a variance without a steady state is NaN."""
    return f"{value:.6f}" if np.isfinite(value) else "grows"


def text_table(title: str, directions: Iterable[str], rows: Mapping[str, Iterable[str]]) -> str:
    """Lines of text under a title, a column for each direction."""
    return aligned([(title, *map(symbol_text, directions)), *((name, *cells) for name, cells in rows.items())])


def aligned(lines: list[tuple[str, ...]]) -> str:
    """Lines of text of as many columns, the first one to the left and the others to the right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    # the names to the left, the numbers to the right
    aligned = [[name.ljust(widths[0]), *map(str.rjust, cells, widths[1:])] for name, *cells in lines]
    return "\n".join("  ".join(line) for line in aligned)


def percent(value: float) -> str:
    """A share as text; one that rounds to zero has no sign, which would turn on the last bits of the sums behind it."""
    return f"{100 * value:z.3f} %"


def estimate_text(found: "Estimate", scale: float = 1.0, unit: str = "") -> str:
    """An estimate with its interval as text."""
    return f"{scale * found.value:.4f}{unit} [{scale * found.low:.4f}, {scale * found.high:.4f}]"


def time_text(seconds: float | None, unit: float) -> str:
    """A time in units of ``unit`` seconds as text; never, if it is None."""
    return "never" if seconds is None else f"{seconds / unit:.4g}"
