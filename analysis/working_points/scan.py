"""E over any parameters of the working point, on the product grid of their values.

Without the record by the closed forms, given it by one Riccati equation in two amplitudes for each point, all points at
once (sections 5 and 8 of sim/README.md): 10⁴ points take some milliseconds and a third of a second.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from cascade_steering.analysis.criteria.steering import DIRECTIONS, SCHEMES, Scheme, key
from cascade_steering.analysis.working_points.pair_at_rest import steering_in_laboratory
from cascade_steering.analysis.working_points.steering_given_record import steering_given_record
from cascade_steering.analysis.working_points.working_point import WorkingPoint
from cascade_steering.sim.gaussian.moment_equations import MomentEquations
from cascade_steering.sim.identity import plain
from cascade_steering.sim.parameters import MOST, MOST_SQUEEZING_DB, Bath, DetectionScheme
from cascade_steering.sim.rotating_wave import closed_forms
from cascade_steering.sim.rotating_wave.baths import Baths, require_all
from cascade_steering.sim.rotating_wave.equations import RotatingWave
from cascade_steering.sim.rotating_wave.squeezed_light import SqueezedSidebands

__all__ = ["SCANNED", "Extreme", "ScanParameter", "extreme", "scan", "steering_over", "working_points"]

FloatArray = NDArray[np.float64]
# number of Riccati equations that are solved together: more of them need memory and save no time
_TOGETHER = 10_000
# relative difference below which two values are equal, because rounding would decide which is smaller
_TIE = 1e-9


@dataclass(frozen=True, kw_only=True)
class ScanParameter:
    """What an axis of a scan may be: its meaning, its unit and the range of its values."""

    meaning: str
    units: str = "1"
    low: float = 0.0
    high: float = MOST
    low_open: bool = False


def _of_both(name: str, meaning: str, **rest: Any) -> dict[str, ScanParameter]:
    """One parameter of each oscillator."""
    signs = {"minus": "-", "plus": "+"}
    return {name.format(each): ScanParameter(meaning=f"{meaning} {sign}", **rest) for each, sign in signs.items()}


# by the name of the field of ``WorkingPoint``, where it has such a field
SCANNED: dict[str, ScanParameter] = {
    **_of_both("c_{}", "cooperativity of"),
    **_of_both("theta_{}_pi", "interaction angle of", units="pi rad", high=0.5),
    "loss": ScanParameter(meaning="power loss between - and +", high=1.0),
    "path_phase_pi": ScanParameter(meaning="phase of the path between - and +", units="pi rad", low=-MOST),
    "squeezing_db": ScanParameter(meaning="squeezing of the input light", units="dB", high=MOST_SQUEEZING_DB),
    "squeezing_angle_pi": ScanParameter(meaning="angle of the squeezed input light", units="pi rad", low=-MOST),
    "squeezing_loss": ScanParameter(meaning="power loss between the squeezed source and -", high=1.0),
    "lo_phase_pi": ScanParameter(meaning="local-oscillator phase", units="pi rad", low=-MOST),
    "efficiency": ScanParameter(meaning="efficiency of the detection", high=1.0),
    "efficiency_orthogonal": ScanParameter(meaning="efficiency of the second heterodyne detector", high=1.0),
    "bandwidth_hz": ScanParameter(meaning="bandwidth of a filter behind the detectors", units="Hz", low_open=True),
    "dark_noise": ScanParameter(meaning="power of dark noise over that of shot noise"),
    "frequency_hz": ScanParameter(meaning="frequency of both oscillators", units="Hz", low_open=True),
    **_of_both("linewidth_{}_hz", "linewidth gamma_0/2pi of", units="Hz", low_open=True),
    **_of_both("occupation_{}", "thermal occupation of the bath of"),
}
_VARIABLES: dict[str, dict[str, str]] = {
    "E_u": {
        "long_name": "steering parameter without the record",
        "comment": "where stable is 0 variances grow, and it is the limit at long times",
        "missing": "NaN: it grows without limit",
    },
    "E_c": {"long_name": "steering parameter given the record", "missing": "NaN: no steady state given the record"},
    "d": {"long_name": "relative improvement 1 - E_c/E_u", "missing": "NaN: E_c or E_u is missing"},
}


def scan(point: WorkingPoint, axes: Mapping[str, ArrayLike], *, schemes: Iterable[Scheme] = SCHEMES) -> xr.Dataset:
    """E in both directions over the product grid of ``axes``, all other parameters being those of ``point``.

        dataset = cs.scan(cs.WorkingPoint(), {"c_plus": np.geomspace(1, 100, 50), "loss": [0.0, 0.1]})

    Parameters
    ----------
    point : the parameters that are not scanned; it need not be stable itself. With a frequency, here or as an axis, all
        is in the laboratory frame, where a point takes some 10 ms
    axes : values of each parameter, arrays of one dimension, by the names in ``SCANNED``. Where a linewidth or an
        occupation is scanned, cooperativities stay and interaction strengths Γ = C γ̃₀ go with the bath.
    schemes : ``unconditional``, ``conditional`` or both

    Returns a dataset of E_u, E_c and d = 1 − E_c/E_u over the direction and then the axes in the order given, with
    their values as coordinates, and of ``stable`` over the axes: whether both damping rates are positive. Where one is
    not, variances grow without the record; E_u is then its limit at long times, and NaN where E_u grows too. E_c is NaN
    where the record tells too little about the motion that grows.

    Raises ValueError for no axes, an unknown name, a value out of its range, and for more than 20 000 points in the
    laboratory frame.
    """
    grid = {name: _checked(name, values) for name, values in axes.items()}
    if not grid:
        raise ValueError(f"axes must name at least one of {', '.join(SCANNED)}, got none")
    if "efficiency_orthogonal" in grid and point.scheme != "heterodyne":
        raise ValueError(f"efficiency_orthogonal is that of the second heterodyne detector, got a {point.scheme} one")
    along = _along(grid)
    points = working_points(point, along)
    if point.frequency_hz is not None or "frequency_hz" in grid:
        found = steering_in_laboratory(point, grid, schemes)
    else:
        found = steering_over(points, **_detectors(point, along), schemes=schemes)
    stable = _spread(np.stack([points.stable] * len(DIRECTIONS)).astype(np.float64), grid)[0] == 1.0
    return _dataset(point, grid, {scheme: _spread(values, grid) for scheme, values in found.items()}, stable)


def working_points(point: WorkingPoint, given: Mapping[str, ArrayLike]) -> RotatingWave:
    """Working points in the rotating wave, each parameter an array out of ``given`` or that of ``point``."""
    rates: dict[str, Any] = {}
    for which, oscillator in (("minus", point.cascade.minus), ("plus", point.cascade.plus)):
        bath = _bath(oscillator.bath, given, which)
        angle = given.get(f"theta_{which}_pi", getattr(point, f"theta_{which}_pi"))
        cooperativity = given.get(f"c_{which}", getattr(point, f"c_{which}"))
        rates[f"bath_{which}"] = bath
        rates[f"strength_{which}"] = np.asarray(cooperativity) * bath.decoherence_rate
        rates[f"angle_{which}"] = math.pi * np.asarray(angle)
    path_phase = math.pi * np.asarray(given.get("path_phase_pi", point.path_phase_pi))
    loss = np.asarray(given.get("loss", point.loss), dtype=np.float64)
    return RotatingWave(**rates, loss=loss, path_phase=path_phase, light=_light(point, given))


def _light(point: WorkingPoint, given: Mapping[str, ArrayLike]) -> SqueezedSidebands | None:
    """The input light, None for the vacuum."""
    decibels, angle, lost = (
        np.asarray(given.get(name, getattr(point, name)), dtype=np.float64)
        for name in ("squeezing_db", "squeezing_angle_pi", "squeezing_loss")
    )
    if not np.any(decibels):
        return None
    return SqueezedSidebands(decibels=decibels, angle=math.pi * angle, lost=lost)


def _detectors(point: WorkingPoint, given: Mapping[str, ArrayLike]) -> dict[str, Any]:
    """How the light is measured, as ``steering_over`` takes it."""
    names = ("lo_phase_pi", "efficiency", "efficiency_orthogonal", "dark_noise")
    found = {name: given.get(name, getattr(point, name)) for name in names}
    widths = (given["bandwidth_hz"],) if "bandwidth_hz" in given else point.detection.bandwidths_hz
    lo_phase = math.pi * np.asarray(found.pop("lo_phase_pi"))
    return {"lo_phase": lo_phase, **found, "bandwidths_hz": widths, "detector": point.scheme}


def steering_over(
    points: RotatingWave,
    *,
    lo_phase: ArrayLike = math.pi / 2,
    efficiency: ArrayLike = 1.0,
    efficiency_orthogonal: ArrayLike | None = None,
    bandwidths_hz: Sequence[ArrayLike] = (),
    dark_noise: ArrayLike = 0.0,
    detector: DetectionScheme = "homodyne",
    schemes: Iterable[Scheme] = SCHEMES,
) -> dict[Scheme, FloatArray]:
    """Steady-state (E₊|₋, E₋|₊) in the rotating wave by scheme: arrays of shape (2, ...), NaN without a steady state.

    Without the record they are the limits at long times, NaN where E grows without limit.

    ``lo_phase`` (radians) and all that is of the detectors broadcast with the working points; without the record E has
    the shape of these alone. Raises ValueError for an efficiency outside [0, 1] or a phase that is not finite.
    """
    require_all(efficiency, "efficiency", low=0.0, high=1.0)
    require_all(lo_phase, "lo_phase", low=-math.inf)
    noise = np.asarray(dark_noise, dtype=np.float64)
    # without filters dark noise is a lower efficiency
    share = 1.0 if bandwidths_hz else 1.0 / (1.0 + noise)
    first, second = (
        None if each is None else share * np.asarray(each, dtype=np.float64)
        for each in (efficiency, efficiency_orthogonal)
    )
    found: dict[Scheme, FloatArray] = {}
    for scheme in schemes:
        if scheme == "unconditional":
            limits = np.stack(closed_forms.steering_limits(points))
            found[scheme] = np.where(np.isfinite(limits), limits, np.nan)
        else:
            # a growing motion without any detection has no steady state; Newton's method would search long
            blind = (np.asarray(first) == 0.0) & (True if second is None else second == 0.0)
            without_steady_state = ~points.stable & blind
            seen: dict[str, Any] = {"efficiency": first, "scheme": detector, "efficiency_orthogonal": second}
            plain = noise == 0.0 if bandwidths_hz else np.ones((), dtype=bool)
            if np.any(plain):
                # filters alone cost nothing
                found[scheme] = _conditional(points.equations(lo_phase, **seen), without_steady_state)
            if not np.all(plain):
                filtered: dict[str, Any] = {"bandwidths_hz": bandwidths_hz, "dark_noise": np.where(plain, 1.0, noise)}
                behind = _conditional(points.equations(lo_phase, **seen, **filtered), without_steady_state)
                found[scheme] = np.where(plain, found.get(scheme, behind), behind)
    return found


def _conditional(equations: MomentEquations, without_steady_state: NDArray[np.bool_]) -> FloatArray:
    """``steering_given_record`` in parts of limited size, NaN ``without_steady_state``; array of shape (2, ...)."""
    shape = equations.drift.shape[:-2]
    found = np.full((len(DIRECTIONS), math.prod(shape)), np.nan)
    tried = np.flatnonzero(~np.broadcast_to(without_steady_state, shape))
    for first in range(0, tried.size, _TOGETHER):
        part = tried[first : first + _TOGETHER]
        found[:, part] = steering_given_record(equations.at(np.unravel_index(part, shape)))
    return found.reshape(len(DIRECTIONS), *shape)


def _checked(name: str, values: ArrayLike) -> FloatArray:
    """The values of an axis, an array of shape (n,), n ≥ 1."""
    if name not in SCANNED:
        raise ValueError(f"axes must be of {', '.join(SCANNED)}, got {name!r}")
    rule = SCANNED[name]
    array = require_all(values, name, low=rule.low, high=rule.high, low_open=rule.low_open)
    if array.ndim != 1 or not array.size:
        raise ValueError(f"{name} must be an array of one dimension, with a value or more, got shape {array.shape}")
    return array


def _along(grid: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """The values of each axis as an array that varies along its own dimension of the grid."""
    places = range(len(grid))
    return {
        name: values.reshape([-1 if place == own else 1 for place in places])
        for own, (name, values) in enumerate(grid.items())
    }


def _spread(values: FloatArray, grid: Mapping[str, FloatArray]) -> FloatArray:
    """E broadcast over the whole grid, an array of shape (2, ...), from values that vary along some of its axes."""
    shape = (len(DIRECTIONS), *(each.size for each in grid.values()))
    # an array of shape (2,) varies along none of the axes
    return np.broadcast_to(values.reshape([*shape[:1], *[1] * (len(shape) - values.ndim), *values.shape[1:]]), shape)


def _bath(bath: Bath, given: Mapping[str, ArrayLike], which: str) -> Bath | Baths:
    """The bath of one oscillator, or the array of baths that ``given`` makes of it."""
    names = {"linewidth": f"linewidth_{which}_hz", "occupation": f"occupation_{which}"}
    if not given.keys() & set(names.values()):
        return bath
    in_hertz = given.get(names["linewidth"], bath.linewidth / (2 * math.pi))
    occupation = given.get(names["occupation"], bath.occupation)
    baths = Baths(linewidth=2 * math.pi * np.asarray(in_hertz), occupation=np.asarray(occupation, dtype=np.float64))
    require_all(baths.decoherence_rate, f"decoherence rate of the bath of {which}, rad/s,", low=1 / MOST)
    return baths


def _dataset(
    point: WorkingPoint, grid: Mapping[str, FloatArray], found: Mapping[Scheme, FloatArray], stable: NDArray[np.bool_]
) -> xr.Dataset:
    """The labelled result."""
    dimensions = ("direction", *grid)
    by_name: tuple[tuple[str, Scheme], ...] = (("E_u", "unconditional"), ("E_c", "conditional"))
    values = {name: found[scheme] for name, scheme in by_name if scheme in found}
    if len(values) == len(SCHEMES):
        values["d"] = 1.0 - values["E_c"] / values["E_u"]
    coordinates = {
        name: (name, values, {"long_name": SCANNED[name].meaning, "units": SCANNED[name].units})
        for name, values in grid.items()
    }
    variables = {name: (dimensions, array, {**_VARIABLES[name], "units": "1"}) for name, array in values.items()}
    # netCDF has no truth values
    meaning = {"long_name": "whether both damping rates are positive", "units": "1"}
    return xr.Dataset(
        {**variables, "stable": (tuple(grid), stable.astype(np.int8), meaning)},
        coords={"direction": [key(direction) for direction in DIRECTIONS], **coordinates},
        attrs={"Conventions": "CF-1.11", "working_point": json.dumps(plain(asdict(point)))},
    )


@dataclass(frozen=True, kw_only=True)
class Extreme:
    """The smallest or largest value of a variable in a scan, and the coordinates of the point where it is."""

    value: float
    at: dict[str, float]


def extreme(values: xr.DataArray, *, largest: bool = False) -> Extreme | None:
    """Where E is smallest, or d largest, of one direction of a scan; None where it is NaN everywhere.

    Of points that are equal to nine digits, the first in the order of the axes.
    """
    array = -values.to_numpy() if largest else values.to_numpy()
    if np.all(np.isnan(array)):
        return None
    least = np.nanmin(array)
    # comparisons with NaN are false
    place = np.unravel_index(int(np.argmax(array <= least + _TIE * abs(least))), array.shape)
    at = {str(name): float(values[name][index]) for name, index in zip(values.dims, place, strict=True)}
    return Extreme(value=float(values.to_numpy()[place]), at=at)
