"""The moments of an ensemble at one time from which steering is estimated: mean covariance and scatter of means."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.conventions import mode_names
from cascade_steering.sim.ensemble.block import scatter_error
from cascade_steering.sim.ensemble.discretisation import Checked
from cascade_steering.sim.parameters import require_count
from cascade_steering.sim.roots import root_of

if TYPE_CHECKING:
    import xarray as xr

    from cascade_steering.sim.ensemble.block import Block
    from cascade_steering.sim.ensemble.pooling import Moments

__all__ = ["Ensemble", "modes_of"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Ensemble:
    """The moments of an ensemble at one time, from which steering is estimated. Section 8 of sim/README.md.

    Parameters
    ----------
    conditional : mean conditional covariance, array of shape (d, d)
    conditional_error : covariance of the errors of its entries, array of shape (d, d, d, d); None where it is exact
    scatter : sample covariance of the conditional means (unbiased), array of shape (d, d)
    trajectories : M ≥ 2
    checked, change, scatter_change : for K trajectories whose errors of step and truncation were measured, the
        conditional covariance, and its change and that of the squared deviation of the mean by a finer calculation,
        arrays of shape (K, d, d), see ``sim.ensemble.discretisation``; K = 0 if left out
    roots : of ``conditional`` and ``scatter``, (d, d) each, see ``sim.roots``; left out, they are computed from these
    modes : names of the d/2 oscillators; left out, those of ``sim.conventions.mode_names``
    tallies : moments of an experiment on every trajectory, by name; none if left out
    scatter_error : covariance of the errors of the entries of ``scatter``, array of shape (d, d, d, d); None where the
        conditional means are Gaussian, so that it follows from ``scatter``
    """

    conditional: FloatArray
    conditional_error: FloatArray | None
    scatter: FloatArray
    trajectories: int
    checked: FloatArray = field(default_factory=lambda: np.zeros((0, 0, 0)))
    change: FloatArray = field(default_factory=lambda: np.zeros((0, 0, 0)))
    scatter_change: FloatArray = field(default_factory=lambda: np.zeros((0, 0, 0)))
    roots: tuple[FloatArray, FloatArray] | None = None
    modes: tuple[str, ...] = ()
    tallies: "Mapping[str, Moments]" = field(default_factory=dict)
    scatter_error: FloatArray | None = None

    def __post_init__(self) -> None:
        require_count(self.trajectories, "trajectories", low=2)
        d = self.conditional.shape[-1]
        object.__setattr__(self, "modes", tuple(self.modes) or mode_names(d // 2))
        if d != 2 * len(self.modes):
            raise ValueError(f"modes must name {d / 2:g} oscillators, got {', '.join(self.modes)}")
        sampled = ("checked", "change", "scatter_change")
        for name in sampled:
            if getattr(self, name).size == 0:
                object.__setattr__(self, name, np.zeros((0, d, d)))
        shapes: dict[str, tuple[int, ...]] = {"conditional": (d, d), "scatter": (d, d)}
        shapes |= {
            name: (d, d, d, d) for name in ("conditional_error", "scatter_error") if getattr(self, name) is not None
        }
        for name, shape in (shapes | dict.fromkeys(sampled, (len(self.checked), d, d))).items():
            array = getattr(self, name)
            if array.shape != shape:
                raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
            if not np.all(np.isfinite(array)):
                raise ValueError(f"{name} must be finite, got inf or NaN among its entries")

    @property
    def conditional_root(self) -> FloatArray:
        """R with RᵀR = ``conditional``; array of shape (d, d)."""
        return root_of(self.conditional) if self.roots is None else self.roots[0]

    @property
    def scatter_root(self) -> FloatArray:
        """R with RᵀR = ``scatter``; array of shape (d, d)."""
        return root_of(self.scatter) if self.roots is None else self.roots[1]

    @classmethod
    def of(cls, dataset: "xr.Dataset", time: int = -1) -> "Ensemble":
        """The ensemble of a dataset of ``sim.ensemble.simulate.simulate`` at save number ``time``."""
        at = dataset.isel(time=time)
        conditional = at["conditional_covariance"].to_numpy()
        errors = ("conditional_covariance_error", "scatter_error")
        error, of_scatter = (at[name].to_numpy() if name in at else None for name in errors)
        return cls(
            conditional=conditional,
            conditional_error=error,
            scatter_error=of_scatter,
            scatter=at["scatter"].to_numpy(),
            trajectories=int(dataset.attrs["trajectories"]),
            roots=_roots(
                conditional,
                at["conditional_root"].to_numpy() if "conditional_root" in at else None,
                at["scatter_root"].to_numpy(),
            ),
            modes=modes_of(dataset),
            **_errors(Checked.of(dataset), time),
        )

    @classmethod
    def of_block(cls, block: "Block", checked: Checked | None = None, modes: tuple[str, ...] = ()) -> "Ensemble":
        """The ensemble of all trajectories of ``block`` at its last save, with its errors of step and truncation."""
        error = None
        if block.covariance.root.shape[-2]:
            # a single trajectory has no spread that is known
            spread = block.covariance.root[-1]
            spread = block.covariance.covariance[-1] if np.any(spread) else spread
            error = spread / block.count
        d, of_scatter = block.mean.mean.shape[-1], scatter_error(block)
        conditional = block.covariance.mean[-1].reshape(d, d)
        return cls(
            conditional=conditional,
            conditional_error=None if error is None else error.reshape(d, d, d, d),
            scatter_error=None if of_scatter is None else of_scatter[-1],
            scatter=block.mean.covariance[-1],
            trajectories=block.count,
            roots=_roots(conditional, None if block.roots is None else block.roots[-1], block.mean.covariance_root[-1]),
            modes=modes,
            tallies=block.tallies,
            **_errors(checked, -1),
        )


def modes_of(dataset: "xr.Dataset") -> tuple[str, ...]:
    """The names of the oscillators of a dataset of ``sim.ensemble.simulate.simulate``."""
    return tuple(str(name).removeprefix("X_") for name in dataset["quadrature"].to_numpy()[::2])


def _errors(checked: Checked | None, time: int) -> dict[str, Any]:
    if checked is None:
        return {}
    named = {"checked": checked.covariance, "change": checked.change, "scatter_change": checked.scatter_change}
    return {name: values[:, time] for name, values in named.items()}


def _roots(
    conditional: FloatArray, conditional_root: FloatArray | None, scatter_root: FloatArray
) -> tuple[FloatArray, FloatArray] | None:
    if not np.all(np.isfinite(scatter_root)):
        return None
    return root_of(conditional) if conditional_root is None else conditional_root, scatter_root
