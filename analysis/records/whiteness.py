"""Does a record fit a model? Its whitened innovations must be white noise of unit variance, and nothing else.

Every statistic has a distribution that is known for any number of samples, or a bound of it, if the innovations are
independent standard normal numbers; so short records are judged rightly. Sums over windows see every time scale
(``analysis.records.judging.window_sums``), spectra every frequency (``analysis.records.judging.spectrum``, where a gap
is closed, for white noise has no memory of it, and ``analysis.records.judging.real_time``, where it is not). If p
parameters have been fitted to the same record the p-values are too large, by little as long as p is far below the
number of samples.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.records.judging.impossible import Suspect, examined
from cascade_steering.analysis.records.judging.judge import Judge
from cascade_steering.analysis.records.judging.lost_signal import vacuum_evidence
from cascade_steering.analysis.records.judging.statistic import Statistic, Whiteness
from cascade_steering.sim.gaussian.measured import Measured

__all__ = ["impossible_statistics", "judged", "whiteness"]

FloatArray = NDArray[np.float64]


def whiteness(
    innovations: FloatArray,
    names: tuple[str, ...] | None = None,
    *,
    false_alarm: float = 1e-3,
    interval: float = 1.0,
    evidence: FloatArray | None = None,
) -> Whiteness:
    """Test whether whitened innovations are white noise of unit variance. Section 8 of sim/README.md.

    Parameters
    ----------
    innovations : as ``sim.gaussian.filtering.Filtered`` holds them, NaN in gaps, which all records share; array of
        shape (records, intervals, m)
    names : of the m channels
    false_alarm : probability that a right model is refused, by chance, in (0, 1)
    interval : length of one interval, seconds; 1 if left out, so that frequencies are per interval
    evidence : for a lost signal, as ``analysis.records.judging.lost_signal.vacuum_evidence`` returns it, array of shape
        (intervals,); it is not sought if left out

    Raises ValueError if the array has another shape, nothing was observed, a gap is not one of all channels and
    records, a number is infinite, or the names do not fit. A record that comes in pieces: ``Judge``.
    """
    channels = innovations.shape[-1]
    names = tuple(f"channel {number + 1}" for number in range(channels)) if names is None else names
    judge = Judge(names, interval=interval, false_alarm=false_alarm)
    judge.add(innovations, evidence)
    return judge.verdict()


def judged(
    measured: Measured, names: tuple[str, ...], innovations: FloatArray | None = None, *, plain: bool = True
) -> Whiteness:
    """The verdict on a record with all that is known of it: ``whiteness``, whether the signal was lost, and what no
    noise can have given. Section 8 of sim/README.md.

    Parameters
    ----------
    measured : the record, and what it is filtered by
    names : of its channels
    innovations : with what was subtracted accounted for; those of the filter if left out
    plain : whether nothing was subtracted and the calibration is not the record's own. Only then has vacuum noise a
        likelihood beside that of the model

    Raises ValueError as ``sim.gaussian.filtering.filter_record`` does.
    """
    # it is compiled code, which whoever judges other numbers need not load
    from cascade_steering.sim.gaussian.filtering import innovations_of

    interval, observed, evidence = measured.interval, measured.observed, None
    if plain:
        found = innovations_of(measured.model, measured.values, interval, measured.initial, observed)
        evidence = vacuum_evidence(found.whitened, measured.values, found.roots, interval)
    white = measured.exact.innovations if innovations is None else innovations
    verdict = whiteness(white, names, interval=interval, evidence=evidence)
    recorded = np.where(observed[None, :, None], measured.values, np.nan)
    impossible = impossible_statistics(examined(recorded, names), interval)
    return replace(verdict, statistics=(*verdict.statistics, *impossible))


def impossible_statistics(suspects: list[Suspect], interval: float) -> Iterator[Statistic]:
    """What no noise gives, with the bound of its probability; what is coarse alone is told elsewhere."""
    for each in suspects:
        if each.kind == "coarse":
            continue
        index = np.flatnonzero(each.marked)
        together = index.size > 0 and index[-1] - index[0] == index.size - 1
        yield Statistic(
            name=f"{each.channel}: {each.what}",
            value=float(index.size),
            expected=0.0,
            p_value=each.p_value,
            kind="impossible",
            start_s=float(index[0]) * interval if together else None,
            end_s=float(index[-1] + 1) * interval if together else None,
        )
