"""Photon counters: what is counted of the light of ports, and the counted channels of a ``LinearModel``.

Section 7 of sim/README.md.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.conventions import frozen
from cascade_steering.sim.parameters import in_python, require

__all__ = ["CountedChannel", "Counter"]

ComplexArray = NDArray[np.complex128]


@dataclass(frozen=True, kw_only=True, eq=False)
class CountedChannel:
    """Channels L_j = c_j·x + λ_j whose quanta one counter counts, without telling the channels apart.

    Parameters
    ----------
    name : name of the counter
    rows : c_j, complex array of shape (r, d), √(rad/s)
    efficiency : the fraction η of quanta that make a click, in [0, 1]
    dark_rate : the rate of clicks without light, 1/s, at least 0
    amplitudes : λ_j, the coherent light on each channel, complex array of shape (r,), 1/√s; zeros if left out. It is
        seen by the counter alone: what it does to the oscillators on its way is in the force of the model

    The rate of clicks is η Σ_j ⟨L_j†L_j⟩ + dark rate. Section 7 of sim/README.md.

    Raises ValueError for rows or amplitudes that are not finite or do not fit together, and for a number outside its
    range.
    """

    name: str
    rows: ComplexArray
    efficiency: float = 1.0
    dark_rate: float = 0.0
    amplitudes: ComplexArray = field(default_factory=lambda: np.zeros(0, dtype=complex))

    def __post_init__(self) -> None:
        in_python(self, "efficiency", "dark_rate")
        object.__setattr__(self, "rows", frozen(np.asarray(self.rows, dtype=complex)))
        if self.rows.ndim != 2 or not np.all(np.isfinite(self.rows)):
            raise ValueError(f"rows of counter {self.name} must be a finite matrix, got {self.rows}")
        amplitudes = np.asarray(self.amplitudes, dtype=complex)
        object.__setattr__(
            self, "amplitudes", frozen(amplitudes if amplitudes.size else np.zeros(len(self.rows), complex))
        )
        if self.amplitudes.shape != (len(self.rows),) or not np.all(np.isfinite(self.amplitudes)):
            raise ValueError(
                f"amplitudes of counter {self.name} must be {len(self.rows)} finite numbers, one for each of its rows, "
                f"got {self.amplitudes.tolist()}"
            )
        _require_counter(self.name, self.efficiency, self.dark_rate)


@dataclass(frozen=True, kw_only=True)
class Counter:
    """A counter that takes a share of the light of some ports; homodyne detectors may take the rest of it.

        model = cs.detect(component, cs.homodyne(), cs.Counter(ports=("field",), share=0.1))

    A beam splitter in front of all other detectors sends the fraction ``share`` of the power of each port to the
    counter. Of several ports, such as two sidebands, the clicks do not tell from which the quantum came: use one
    counter for each if filters separate them. Section 7 of sim/README.md.

    Parameters
    ----------
    ports : the ports whose light is counted
    share : the fraction of the power of these ports that goes to the counter, in [0, 1]
    efficiency : the fraction of the quanta that arrive at the counter and make a click, in [0, 1]
    dark_rate : the rate of clicks without light, 1/s, at least 0
    amplitude : λ of coherent light that a local oscillator adds to the share of each port, at the frequency of the
        port: one complex number or one for each port, 1/√s. Alone it makes |λ|² quanta per second
    name : name of the counter

    Raises ValueError without a port, for a repeated one, and for a number outside its range.
    """

    ports: tuple[str, ...]
    share: float = 1.0
    efficiency: float = 1.0
    dark_rate: float = 0.0
    amplitude: complex | tuple[complex, ...] = 0.0
    name: str = "counter"

    def __post_init__(self) -> None:
        in_python(self, "share", "efficiency", "dark_rate")
        if not self.ports or len(set(self.ports)) != len(self.ports):
            raise ValueError(f"counter {self.name} needs at least one port, and each once, got {self.ports}")
        require(self.share, f"share of counter {self.name}", low=0.0, high=1.0)
        _require_counter(self.name, self.efficiency, self.dark_rate)
        if len(self.amplitudes) != len(self.ports) or not np.all(np.isfinite(self.amplitudes)):
            raise ValueError(
                f"amplitude of counter {self.name} must be finite, one number or {len(self.ports)}, one for each port, "
                f"got {self.amplitude!r}"
            )

    @property
    def amplitudes(self) -> ComplexArray:
        """λ of each port, array of shape (ports,), 1/√s."""
        each = self.amplitude if isinstance(self.amplitude, tuple) else (self.amplitude,) * len(self.ports)
        return np.array(each, dtype=complex)


def _require_counter(name: str, efficiency: float, dark_rate: float) -> None:
    require(efficiency, f"efficiency of counter {name}", low=0.0, high=1.0)
    require(dark_rate, f"dark_rate of counter {name}", low=0.0)
