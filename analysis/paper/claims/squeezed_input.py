"""Beyond arXiv:1901.04250: what squeezed input light is worth beside what else may be improved.

Section 5 of sim/README.md.
"""

from collections.abc import Iterator

from cascade_steering.analysis.paper.claims.best_working_points import FORWARD, HOT
from cascade_steering.analysis.paper.claims.claim import Claim, verdict
from cascade_steering.analysis.squeezing.equivalent_squeezing import IMPROVEMENTS, equivalent_squeezing
from cascade_steering.analysis.working_points.optimum import Search
from cascade_steering.sim.parallel.linear_algebra import on_one_thread

__all__ = ["worth_of_squeezing"]

_C_MINUS = (2.0, 10.0, 50.0)
_LOSS = 0.1
# what is claimed, dB, and the most that is searched
_CLAIMED, _MOST = 3.0, 15.0
_LIGHT = (
    "the noise of the light that carries the signal is squeezed, of which a loss puts the part eps/2 back; the larger "
    "C-, the less is left of all other noise, and the more a loss costs"
)
_STRENGTH = (
    "E of stable pairs falls as 1/sqrt(C-) in the vacuum; at small C- thermal noise dominates, and there is little "
    "noise of the light to be squeezed"
)
_GROWTH = (
    "an unstable pair has 2/C-, which a stable one reaches with exp(2r) of about C-/4; but it grows, and a stable pair "
    "in squeezed light does not"
)
_INSTEAD = {
    "half the loss": ("half of the loss between the oscillators", _LIGHT),
    "twice C": ("twice the cooperativities", _STRENGTH),
    "no stability": ("to give up the demand gamma- > 0", _GROWTH),
}


def worth_of_squeezing() -> Iterator[Claim]:
    """From which squeezing on it beats half the loss, twice C₋, and leaving the stable region."""
    for name, (instead, why) in _INSTEAD.items():
        needed = [_needed(c, name) for c in _C_MINUS]
        yield Claim(
            where="beyond the paper; Sec. VI",
            statement=f"{_CLAIMED:g} dB of squeezed input light lower E+|- further than {instead}",
            found=", ".join("more" if each > _MOST else f"{each:.3g} dB" for each in needed)
            + f" are as good at C- = {', '.join(f'{c:g}' for c in _C_MINUS)} (hot, loss {_LOSS:g}, no record)",
            verdict=verdict(max(needed) < _CLAIMED, partly=min(needed) < _CLAIMED),
            why=f"each at its own best point, psi = pi; {why}",
        )


def _needed(c_minus: float, name: str) -> float:
    """The dB that are worth an improvement, infinite above the most that is searched."""
    search = Search(c_minus=c_minus, bath_minus=HOT, bath_plus=HOT, loss=_LOSS)
    # with several threads the linear algebra of small matrices takes several times as long
    with on_one_thread():
        _, decibels = equivalent_squeezing(search, IMPROVEMENTS[name](search), conditional=False)[FORWARD]
    return float("inf") if decibels is None else decibels
