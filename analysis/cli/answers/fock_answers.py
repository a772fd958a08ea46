"""What ``steering steady --fock`` adds to its answer: E of the truncated master equation, with its truncation error."""

from typing import TYPE_CHECKING

from rich.table import Table

from cascade_steering.analysis.cli.answers.reports import Report
from cascade_steering.analysis.cli.answers.table_layout import LABELS
from cascade_steering.analysis.criteria.steering import DIRECTIONS, key

if TYPE_CHECKING:
    from cascade_steering.analysis.working_points.fock_steady import FockSteady


def report(found: "FockSteady") -> Report:
    """E without the record with a bound on its truncation error, and E of the moment equations for comparison."""
    return {
        **{key(each): found.steering[each] for each in DIRECTIONS},
        "truncation_error": {key(each): found.truncation_error[each] for each in DIRECTIONS},
        "moments": {key(each): found.moments[each] for each in DIRECTIONS},
        "cutoffs": list(found.cutoffs),
        "top_population": found.top_population.tolist(),
        "residual": found.residual,
        "covariance": found.covariance.tolist(),
    }


def add_rows(table: Table, fock: Report) -> None:
    """Add E by the moment equations and by the master equation to the table of ``steady``, both without the record."""
    levels = " x ".join(map(str, fock["cutoffs"]))
    table.add_section()
    for direction in DIRECTIONS:
        name = key(direction)
        table.add_row(f"{LABELS[direction]}, moments", f"{fock['moments'][name]:.10f}", "", "")
        value = f"{fock[name]:.10f} +- {fock['truncation_error'][name]:.0e}"
        table.add_row(f"{LABELS[direction]}, master equation ({levels} levels)", value, "", "")
