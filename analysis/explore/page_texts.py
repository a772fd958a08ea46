"""What the page says in words and tables, as HTML."""

import math
from collections.abc import Mapping, Sequence
from html import escape

from cascade_steering.analysis.criteria.steering import DIRECTIONS, SCHEMES, STEERING_BOUND, Scheme
from cascade_steering.analysis.explore.page_figures import ARROWS
from cascade_steering.analysis.laboratory.elimination import Elimination
from cascade_steering.analysis.laboratory.error_budget import Lever
from cascade_steering.analysis.working_points.pair_at_rest import PairAtRest

__all__ = ["alert_html", "budget_html", "code_html", "numbers_html"]

_RECORD: dict[Scheme, str] = {"unconditional": "without the record", "conditional": "given the record"}
_TABLE = "border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums"
_CELL = "padding:3px 6px 3px 0;text-align:{};border-top:1px solid #e6eaef"
_MOST_ROWS = 14
# of an oscillator in a hot bath: what is behind the point says nothing
_LARGE = 1e3


def alert_html(messages: Sequence[str]) -> str:
    """Messages about what could not be done, one below the other; nothing for none."""
    style = "margin:8px 20px;padding:8px 12px;background:#fdecea;border-left:4px solid #b3261e;border-radius:4px"
    return "".join(f'<div role="alert" style="{style}">{escape(each)}</div>' for each in messages)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of cells that are HTML already; all columns but the first are flush right."""

    def line(cells: Sequence[str], kind: str) -> str:
        sides = ("left", *["right"] * (len(cells) - 1))
        return "".join(
            f'<{kind} style="{_CELL.format(side)}">{cell}</{kind}>' for side, cell in zip(sides, cells, strict=True)
        )

    body = "".join(f"<tr>{line(row, 'td')}</tr>" for row in rows)
    return (
        f'<div style="overflow-x:auto"><table style="{_TABLE}"><thead><tr>{line(head, "th")}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _value(number: float) -> str:
    if not math.isfinite(number):
        return "grows"
    if number >= _LARGE:
        return f"{number:.1f}"
    return f"<b>{number:.6f}</b>" if number < STEERING_BOUND else f"{number:.6f}"


def numbers_html(found: PairAtRest, regimes: Mapping[Scheme, str], elimination: Elimination | None) -> str:
    """E in both directions, without and with the record, d, and which oscillator steers which."""
    exact = found.exact
    rows = [
        [
            ARROWS[way],
            *(_value(exact.E[scheme][way]) for scheme in SCHEMES),
            f"{round(100 * exact.d[way], 3) + 0.0:.3f}&nbsp;%" if math.isfinite(exact.E["unconditional"][way]) else "",
        ]
        for way in DIRECTIONS
    ]
    if elimination is not None:
        rows += [
            [f"{ARROWS[way]}, cavity kept", *(_value(elimination.explicit.E[scheme][way]) for scheme in SCHEMES), ""]
            for way in DIRECTIONS
        ]
    rows.append(["steering", *(regimes[scheme].replace("(-", "(−").replace("-)", "−)") for scheme in SCHEMES), ""])
    said = (
        ""
        if exact.stable
        else "<p>A damping rate γ is not positive: E without the record is its limit at long times.</p>"
    )
    return _table(["steady state", *(_RECORD[scheme] for scheme in SCHEMES), "d"], rows) + said


def budget_html(levers: Sequence[Lever] | None, shown: Scheme, warnings: Sequence[str] = ()) -> str:
    """What each number of a laboratory is worth, for E₊|₋ and E₋|₊ in the scheme that is shown."""
    if levers is None:
        return "<p>For laboratory numbers: choose them on the left, with “Laboratory”.</p>"
    head = [
        "",
        "value",
        *(f"{ARROWS[way]}: ∂ln E/∂ln x" for way in DIRECTIONS),
        *(f"{ARROWS[way]}: x 10&nbsp;% better" for way in DIRECTIONS),
    ]
    rows = [
        [
            escape(each.name.replace("1 - ", "1 − ")).replace(".", ".<wbr>").replace("_", "_<wbr>"),
            f"{each.value:.4g}",
            *(_short(each.derivative[shown][way], "+.3f") for way in DIRECTIONS),
            *(_short(-100 * each.gain[shown][way], "+.2f", "&nbsp;%") for way in DIRECTIONS),
        ]
        for each in levers[:_MOST_ROWS]
    ]
    notes = "".join(f"<p>Take care: {escape(each)}.</p>" for each in warnings)
    said = f"<p>By elimination, {_RECORD[shown]}; the last columns are changes of E.</p>"
    return f'<div style="font-size:12px">{said}{_table(head, rows)}{notes}</div>'


def _short(number: float, layout: str, unit: str = "") -> str:
    # what rounds to nothing has no sign
    return f"{number + 0.0:{layout}}{unit}".replace("-", "−") if math.isfinite(number) else ""


def code_html(title: str, text: str, name: str) -> str:
    """Lines to be copied, under a title; ``name`` is the id of the element that holds them."""
    style = "margin:2px 0 10px;padding:8px 10px;background:#f4f6f9;border-radius:4px;white-space:pre-wrap"
    style += ";overflow-wrap:anywhere;font:13px/1.4 ui-monospace,'DejaVu Sans Mono',monospace"
    return f'<div>{escape(title)}</div><pre id="{name}" style="{style}">{escape(text)}</pre>'
