"""What ``steering scan`` answers: the arrays, and where E is smallest and d largest."""

from typing import TYPE_CHECKING, Any

from rich.table import Table

from cascade_steering.analysis.cli.answers.reports import Report
from cascade_steering.analysis.cli.answers.table_layout import LABELS, table_of
from cascade_steering.analysis.criteria.steering import DIRECTIONS, key

if TYPE_CHECKING:
    import xarray as xr

    from cascade_steering.analysis.working_points.scan import Extreme

# the name of each variable of a scan in reports
_KEYS = {"E_u": "unconditional", "E_c": "conditional", "d": "d"}
_ROWS = {
    "unconditional": "smallest without the record",
    "conditional": "smallest given the record",
    "d": "largest d of",
}


def report(scan: "xr.Dataset") -> Report:
    """The axes and the arrays, with indices in the order of the axes; null where there is no value."""
    from cascade_steering.analysis.working_points.scan import extreme

    found: Report = {"axes": {str(name): scan[name].to_numpy().tolist() for name in scan["E_u"].dims[1:]}}
    at: dict[str, Report] = {}
    for variable, name in _KEYS.items():
        values = {key(each): scan[variable].sel(direction=key(each)) for each in DIRECTIONS}
        found[name] = {direction: _nested(array) for direction, array in values.items()}
        at[name] = {direction: _point(extreme(array, largest=variable == "d")) for direction, array in values.items()}
    found["stable"] = scan["stable"].to_numpy().astype(bool).tolist()
    return {**found, "smallest": {name: at[name] for name in ("unconditional", "conditional")}, "largest_d": at["d"]}


def table(report: Report) -> Table:
    """Where E is smallest and d largest, in both directions."""
    axes = report["axes"]
    shape = " x ".join(str(len(values)) for values in axes.values())
    table = table_of(f"Scan of {shape} points (steering where E < 1/2)", "", "value", *axes)
    for name, row in _ROWS.items():
        points = report["largest_d"] if name == "d" else report["smallest"][name]
        for direction in DIRECTIONS:
            point = points[key(direction)]
            label = f"{row} {LABELS[direction]}" if name == "d" else f"{LABELS[direction]} {row}"
            cells = ["no steady state", *("" for _ in axes)] if point is None else _cells(point, axes, name)
            table.add_row(label, *cells)
    return table


def _cells(point: Report, axes: Report, name: str) -> list[str]:
    value = f"{point['value']:.3%}" if name == "d" else f"{point['value']:.7f}"
    return [value, *(f"{point[axis]:.6g}" for axis in axes)]


def _nested(array: "xr.DataArray") -> list[Any]:
    values = array.to_numpy().astype(object)
    values[array.isnull().to_numpy()] = None
    nested: list[Any] = values.tolist()
    return nested


def _point(found: "Extreme | None") -> Report | None:
    return None if found is None else {"value": found.value, **found.at}
