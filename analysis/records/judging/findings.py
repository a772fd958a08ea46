"""What a verdict says, in few sentences: statistics that fail of one cause are told once.

One cause makes many statistics fail. A statistic that a cause explains and that is not more improbable than what names
that cause is not told of its own; all of them are in ``Whiteness.failed``.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from scipy.special import chdtr, chdtrc, ndtr

from cascade_steering.analysis.records.judging.consequences import Response
from cascade_steering.analysis.records.judging.statistic import Statistic, Whiteness

__all__ = ["CAUSES", "Finding", "findings", "with_effects"]

# what a cause is called, and what else it makes fail
CAUSES: dict[str, tuple[str, tuple[str, ...]]] = {
    "impossible": (
        "what no noise gives",
        ("silence", "burst", "change", "lost", "ripple", "variance", "copy", "colour", "line", "mean"),
    ),
    "calibration": ("the calibration", ("variance", "burst", "silence", "ripple", "mean", "lost")),
    "mean": (
        "an offset",
        ("variance", "burst", "silence", "change", "colour", "ripple", "correlation", "coherence"),
    ),
    "line": (
        "a line",
        ("colour", "coherence", "correlation", "copy", "burst", "silence", "variance", "change", "ripple"),
    ),
    "ripple": ("a gain that varies", ("burst", "silence", "variance", "change")),
    "copy": ("a copy", ("colour", "coherence", "correlation", "variance", "burst", "silence", "change")),
    "lost": (
        "vacuum noise without the signal",
        ("change", "colour", "variance", "silence", "correlation", "coherence"),
    ),
    "change": ("noise that changes in time", ("ripple", "burst", "silence", "variance", "colour")),
    "silence": ("a stretch with too little noise", ("ripple", "burst", "variance", "change", "colour", "copy")),
    "burst": ("a spike or a burst", ("ripple", "silence", "variance", "change", "colour", "copy")),
    "colour": (
        "coloured noise",
        ("variance", "burst", "silence", "change", "copy", "line", "correlation", "coherence"),
    ),
    "correlation": ("channels that depend on each other", ("coherence", "variance")),
    "coherence": ("channels that depend on each other", ("correlation", "variance")),
    "variance": ("the variance", ("burst", "silence", "ripple", "colour", "copy", "change")),
}
# causes with one number, which name what several statistics see
_SIMPLE = ("impossible", "mean", "line", "silence", "lost", "ripple")
# so many periods in a record are a drift
_DRIFT = 3.5
# the variance on another scale is the same unless it is less probable
_SAME = 1e-6
# standard errors by which a variance is another
_SURE = 5.0


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One cause for which a record does not fit.

    Parameters
    ----------
    kind : of ``CAUSES``
    text : what was found, in words
    p_value : of the most improbable statistic of it
    explained : number of statistics that fail and that it explains, itself among them
    channel, frequency_hz : as ``Statistic`` has them
    amplitudes : of the sine at that frequency, or of the offset, in the innovations of each channel, in standard
        deviations; empty for what is no such disturbance
    effect : the error of the conditional means that it causes, in conditional standard deviations, of the quadrature
        where it is largest, at its peak; None if it was not asked for, or is no disturbance with a frequency
    factor : of a calibration, by which the record has to be multiplied
    start_s, end_s : which stretch; None for what happens all the time
    """

    kind: str
    text: str
    p_value: float
    explained: int = 1
    channel: str | None = None
    frequency_hz: float | None = None
    amplitudes: tuple[float, ...] = ()
    effect: float | None = None
    factor: float | None = None
    start_s: float | None = None
    end_s: float | None = None


def findings(verdict: Whiteness) -> tuple[Finding, ...]:
    """The causes for which a record does not fit, the most improbable first. Empty if it fits."""
    failed = list(verdict.failed)
    found = list(_calibration(verdict)) if failed else []
    if found:
        own = dict(zip(verdict.channels, verdict.variances, strict=True))
        failed = [
            each for each in failed if each.kind not in CAUSES["calibration"][1] and not _of_scale(each, own, verdict)
        ]
    while failed:
        worst = _named(failed)
        kind = worst.kind
        explained = [each for each in failed if each.kind in (kind, *CAUSES[kind][1])]
        failed = [each for each in failed if each not in explained]
        found.append(replace(_found(worst, verdict), explained=len(explained)))
    return tuple(found)


def _named(failed: list[Statistic]) -> Statistic:
    """The statistic that names the cause: the most improbable, or one of a simple cause that explains it and is at
    least the root of its probability.

    An offset makes the variance over long windows fail as well, and a line between two frequencies a block of four.
    """
    worst = failed[0]
    # of those that are as simple the most improbable names it; what no noise gives goes before all
    others = _SIMPLE[:1] if worst.kind in _SIMPLE[3:] else _SIMPLE
    for simple in others:
        first = next((each for each in failed if each.kind == simple), None)
        if first and worst.kind in CAUSES[simple][1] and first.p_value <= max(worst.p_value, 1e-300) ** 0.5:
            return first
    return worst


def with_effects(found: tuple[Finding, ...], response: Response) -> tuple[Finding, ...]:
    """The same with what they do to the conditional means."""

    def one(each: Finding) -> Finding:
        cause = "it"
        if each.kind in ("line", "mean"):
            shift = response.line(each.frequency_hz or 0.0)
            effect, cause = shift.means, f"as {shift.amplitude:.2g} in {shift.channel} of the record it"
        elif each.amplitudes:
            effect = response.noise(each.frequency_hz or 0.0, each.amplitudes)
        elif each.start_s is not None and each.end_s is not None:
            effect = response.without(each.start_s, each.end_s)
        else:
            return each
        text = f"{each.text}; {cause} shifts the conditional means by {effect:.2g} conditional standard deviations"
        return replace(each, effect=effect, text=text)

    return tuple(one(each) for each in found)


def _calibration(verdict: Whiteness) -> Iterator[Finding]:
    """That the variance is off, and by the same factor on every scale."""
    own = dict(zip(verdict.channels, verdict.variances, strict=True))
    scales = [each for each in verdict.statistics if each.kind == "variance" and each.channel in own]
    wrong = [each for each in verdict.failed if each.kind == "variance" and (each.freedom or 0) >= verdict.samples]
    # what explains more than a factor is no calibration
    if (
        not wrong
        or wrong[0].p_value > max(verdict.failed[0].p_value, 1e-300) ** 0.5
        or not all(value > 0.0 for value in own.values())
    ):
        return
    for each in scales:
        freedom, value = float(each.freedom or 1), each.value / own[str(each.channel)]
        if 2.0 * min(chdtr(freedom, freedom * value), chdtrc(freedom, freedom * value)) < _SAME:
            return
    # the variance of n numbers is known to √(2/n) of itself, and a ratio of two to √(4/n)
    known = _SURE * math.sqrt(2.0 / verdict.samples)
    logs = {name: math.log(value) for name, value in own.items()}
    shared = max(logs.values()) - min(logs.values()) < math.sqrt(2.0) * known
    if shared:
        mean = sum(own.values()) / len(own)
        text = f"the variance is {mean:.3g} on every scale: the calibration is off by a factor {_factor(mean**-0.5)}"
    else:
        text = "; ".join(
            f"the variance of {name} is {own[name]:.3g} on every scale: its calibration is off by a factor "
            f"{_factor(own[name] ** -0.5)}"
            for name in [name for name, log in logs.items() if abs(log) > known] or own
        )
    yield Finding(
        kind="calibration", text=text, p_value=wrong[0].p_value, explained=len(wrong),
        factor=(sum(own.values()) / len(own)) ** -0.5 if shared else None,
    )  # fmt: skip


def _of_scale(each: Statistic, own: dict[str, float], verdict: Whiteness) -> bool:
    """Whether an alternating offset fails only because its channel has not the variance of noise that is calibrated."""
    if not each.name.startswith("alternating") or each.channel not in own:
        return False
    size = abs(each.value) * math.sqrt(verdict.samples / own[each.channel])
    return 2.0 * float(ndtr(-size)) > verdict.false_alarm / len(verdict.statistics)


def _factor(value: float) -> str:
    return f"{value:.4f}" if 0.1 < value < 10.0 else f"{value:.3g}"


def _found(worst: Statistic, verdict: Whiteness) -> Finding:
    name, about = CAUSES[worst.kind][0], f"{worst.name} is {worst.value:.4g}, expected {worst.expected:.4g}"
    if worst.kind == "variance" and worst.amplitude is not None:
        name = "coloured noise or a drift"
    amplitudes = _amplitudes([worst], verdict.channels)
    found = Finding(
        kind=worst.kind, text=f"{name}: {about} (p = {worst.p_value:.1g})",
        p_value=worst.p_value, channel=worst.channel, frequency_hz=worst.frequency_hz,
        amplitudes=amplitudes, start_s=worst.start_s, end_s=worst.end_s,
    )  # fmt: skip
    if worst.kind == "impossible":
        return replace(found, text=f"{worst.name}, which no noise does")
    if worst.kind == "mean":
        means = [each for each in verdict.statistics if each.kind == "mean"]
        return replace(found, amplitudes=_amplitudes(means, verdict.channels))
    if worst.kind == "line" and (groups := list(_groups(worst, verdict))):
        frequency = groups[0][0].frequency_hz or 0.0
        name = "a drift" if frequency * verdict.duration_s < _DRIFT else "a line"
        name = name if len(groups) == 1 else f"{len(groups)} lines"
        told = ", and at ".join(
            f"{group[0].frequency_hz:.6g} Hz, "
            + " and ".join(f"{each.amplitude:.2g} in {each.channel}" for each in group)
            for group in groups
        )
        return replace(
            found, text=f"{name} at {told}, of the noise of an interval (p = {worst.p_value:.1g})",
            frequency_hz=frequency, channel=groups[0][0].channel, amplitudes=_amplitudes(groups[0], verdict.channels),
        )  # fmt: skip
    if worst.frequency_hz is not None:
        return replace(found, text=f"{name}: {about}, near {worst.frequency_hz:.6g} Hz (p = {worst.p_value:.1g})")
    if worst.start_s is not None:
        until = "" if worst.end_s is None else f" to {worst.end_s:.6g} s"
        return replace(found, text=f"{name}: {about}, from {worst.start_s:.6g}{until} (p = {worst.p_value:.1g})")
    return found


def _amplitudes(found: list[Statistic], channels: tuple[str, ...]) -> tuple[float, ...]:
    """Of each channel; what was seen in all of them together counts for each."""
    if all(each.amplitude is None for each in found):
        return ()
    return tuple(
        max((each.amplitude or 0.0 for each in found if each.channel in (None, name)), default=0.0) for name in channels
    )


def _groups(worst: Statistic, verdict: Whiteness) -> Iterator[list[Statistic]]:
    """The lines by their frequency, strongest first; what alternates is one by itself."""
    left = [worst] if worst.name.startswith("alternating") else list(verdict.lines)
    while left:
        near = 1.5 / verdict.duration_s
        group = [each for each in left if abs((each.frequency_hz or 0.0) - (left[0].frequency_hz or 0.0)) < near]
        left = [each for each in left if each not in group]
        yield group
