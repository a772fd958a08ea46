"""Reports of the commands that take a measured record, as plain data ready for JSON."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.cli.answers.reports import Report
from cascade_steering.analysis.criteria.steering import Direction, key
from cascade_steering.analysis.identification.maximum import Fit
from cascade_steering.analysis.long_records.long_record import LongReading
from cascade_steering.analysis.records.filtered import Reading, deviation
from cascade_steering.analysis.records.judging.findings import Finding, findings
from cascade_steering.analysis.records.judging.statistic import Whiteness
from cascade_steering.analysis.records.record import Record
from cascade_steering.analysis.records.suspects import Told

FloatArray = NDArray[np.float64]


def reading(found: Reading, engine: str) -> Report:
    """The state at the end of a filtered record, and whether the record fits the model; ``engine`` is its name."""
    record = found.record
    report = {
        **_of_record(record, record.values.shape[1], record.gaps),
        "final": _final(found.means[:, -1], found.covariances[..., -1, :, :], found.final_steering),
        "innovations": _verdict(found.verdict, found.findings),
        "log_likelihood": found.exact.log_likelihood.tolist(),
        "engine": engine,
    }
    if not found.engine_is_exact:
        report["by_engine"] = float(np.mean(found.states.by_engine))
        if found.record.clicks is None:
            report["off_the_exact_filter"] = deviation(found)
    if found.record.clicks is not None:
        names, each = found.record.clicks.counters, found.record.clicks.each
        report["clicks"] = {
            name: [sum(counter == number for _, counter in own) for own in each] for number, name in enumerate(names)
        }
    return report


def long_reading(found: LongReading, engine: str) -> Report:
    """The same of a record that was filtered in pieces."""
    return {
        **_of_record(found.record, found.intervals, found.gaps),
        "final": _final(found.mean, found.covariance, found.final_steering),
        "innovations": _verdict(found.verdict, found.findings),
        "log_likelihood": found.log_likelihood.tolist(),
        "engine": engine,
    }


def _of_record(record: Record, intervals: int, gaps: Sequence[tuple[float, float]]) -> Report:
    return {
        "records": record.values.shape[0],
        "intervals": intervals,
        "interval_seconds": record.interval,
        "duration_seconds": float(intervals * record.interval),
        "origin": record.origin or None,
        "notes": list(record.notes),
        "gaps_seconds": [list(each) for each in gaps],
    }


def _final(mean: FloatArray, covariance: FloatArray, steering: Mapping[Direction, FloatArray | float]) -> Report:
    return {
        "mean": mean.tolist(),
        "covariance": covariance.tolist(),
        **{key(each): np.asarray(value).tolist() for each, value in steering.items()},
    }


def fit(found: Fit, verdict: Whiteness) -> Report:
    """Parameters with standard errors and 95 % intervals; null for what the record does not determine."""
    errors = found.standard_errors
    return {
        "estimates": {
            name: {
                "value": value,
                "standard_error": errors[name] if math.isfinite(errors[name]) else None,
                "ci": list(found.interval(name)) if math.isfinite(errors[name]) else None,
            }
            for name, value in found.estimates.items()
        },
        "correlations": [
            [each if math.isfinite(each) else None for each in row] for row in found.correlations.tolist()
        ],
        "undetermined": list(found.undetermined),
        "at_bound": list(found.at_bound),
        "converged": found.converged,
        "log_likelihood": found.log_likelihood,
        "evaluations": found.evaluations,
        "innovations": _verdict(verdict, findings(verdict)),
    }


def suspects(told: Sequence[Told]) -> list[Report]:
    """The values that no noise can have given."""
    return [asdict(each) for each in told]


def _verdict(found: Whiteness, causes: tuple[Finding, ...]) -> Report:
    return {
        "fits": found.fits,
        "false_alarm": found.false_alarm,
        "samples": found.samples,
        "findings": [asdict(each) for each in causes],
        "lines": [asdict(each) for each in found.lines],
        "failed": [asdict(each) for each in found.failed],
        "statistics": [asdict(each) for each in found.statistics],
    }
