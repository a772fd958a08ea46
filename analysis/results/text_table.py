"""Results as text: lines under a title, a column for each direction."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from cascade_steering.analysis.criteria.steering import Scheme

if TYPE_CHECKING:
    from cascade_steering.analysis.estimation.estimators import Estimate

__all__ = ["GAIN", "ROWS", "estimate_text", "percent", "text_table", "time_text"]

ROWS: dict[Scheme, str] = {"unconditional": "without the record", "conditional": "given the record"}
GAIN = "d = 1 - E_c/E_u"


def _symbol(direction: str) -> str:
    steered, by = direction.split("_given_", 1)
    signs = {"minus": "-", "plus": "+"}
    return f"E{signs.get(steered, f' {steered}')}|{signs.get(by, by)}"


def text_table(title: str, directions: Iterable[str], rows: Mapping[str, Iterable[str]]) -> str:
    """Lines of text under a title, a column for each direction."""
    lines = [(title, *map(_symbol, directions)), *((name, *cells) for name, cells in rows.items())]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    # the names to the left, the numbers to the right
    aligned = [[name.ljust(widths[0]), *map(str.rjust, cells, widths[1:])] for name, *cells in lines]
    return "\n".join("  ".join(line) for line in aligned)


def percent(value: float) -> str:
    """A share as text."""
    return f"{100 * value:.3f} %"


def estimate_text(found: "Estimate", scale: float = 1.0, unit: str = "") -> str:
    """An estimate with its interval as text."""
    return f"{scale * found.value:.4f}{unit} [{scale * found.low:.4f}, {scale * found.high:.4f}]"


def time_text(seconds: float | None, unit: float) -> str:
    """A time in units of ``unit`` seconds as text; never, if it is None."""
    return "never" if seconds is None else f"{seconds / unit:.4g}"
