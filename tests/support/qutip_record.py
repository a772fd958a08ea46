"""The record in ``data/record-of-qutip.csv``: simulated by QuTiP from operators written out as in the paper.

None of this package is in it. Made by ``python -m tests.support.qutip_record``, a minute.
"""

import math
from pathlib import Path

import numpy as np
import qutip
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
PATH = Path(__file__).parents[1] / "data" / "record-of-qutip.csv"
# Γ = 1/µs, C = 1: warm enough for the record to hang on how much of it is seen, 0.3 quanta on average, of which eight
# levels leave out 2e-5
OCCUPATION, LOSS, PATH_PHASE, LO_PHASE, EFFICIENCY = 0.3, 0.1, 0.2, 0.25, 0.9
GAMMA0 = 1.0 / (OCCUPATION + 0.5)
ANGLES = (0.35, 0.40)
LEVELS, STEP, TOGETHER, INTERVALS = 8, 0.01, 4, 10000


def simulated(intervals: int) -> FloatArray:
    """dY of intervals of ``TOGETHER`` steps, √µs, from the ground state; array of shape (intervals, 2)."""
    a = qutip.tensor(qutip.destroy(LEVELS), qutip.qeye(LEVELS))
    b = qutip.tensor(qutip.qeye(LEVELS), qutip.destroy(LEVELS))
    (sin_a, cos_a), (sin_b, cos_b) = ((math.sin(angle * math.pi), math.cos(angle * math.pi)) for angle in ANGLES)
    sent = math.sqrt(1 - LOSS) * np.exp(1j * math.pi * PATH_PHASE)
    first, second = {"l": sin_a * a, "u": cos_a * a.dag()}, {"l": cos_b * b.dag(), "u": sin_b * b}
    out = {band: sent * first[band] + second[band] for band in "lu"}
    half = sum(second[band].dag() * sent * first[band] for band in "lu") / 2j
    phase = np.exp(-1j * math.pi * LO_PHASE)
    seen = [phase * (out["l"] + out["u"]) / math.sqrt(2), 1j * phase * (out["l"] - out["u"]) / math.sqrt(2)]
    heat, cool = math.sqrt(GAMMA0 * OCCUPATION), math.sqrt(GAMMA0 * (OCCUPATION + 1))
    unseen = [math.sqrt(1 - EFFICIENCY) * each for each in seen]
    unseen += [math.sqrt(LOSS) * each for each in first.values()]
    unseen += [cool * a, heat * a.dag(), cool * b, heat * b.dag()]
    ground = qutip.fock_dm(LEVELS, 0)
    found = qutip.smesolve(
        half + half.dag(),
        qutip.tensor(ground, ground),
        STEP * np.arange(intervals * TOGETHER + 1),
        c_ops=unseen,
        sc_ops=[math.sqrt(EFFICIENCY) * each for each in seen],
        ntraj=1,
        seeds=5,
        options={"method": "platen", "dt": STEP, "store_measurement": "start", "progress_bar": ""},
    )
    current = np.asarray(found.measurement[0]).real
    increments: FloatArray = STEP * current.T.reshape(intervals, TOGETHER, 2).sum(axis=1)
    return increments


def lines(record: FloatArray) -> list[str]:
    """The file, six digits to a number."""
    return [
        "# simulated by QuTiP; see tests/support/qutip_record.py",
        f"#: bath-minus = [{GAMMA0 * 1e6 / (2 * math.pi)!r}, {OCCUPATION}]",
        f"#: bath-plus = [{GAMMA0 * 1e6 / (2 * math.pi)!r}, {OCCUPATION}]",
        "#: c-minus = 1",
        "#: c-plus = 1",
        f"#: theta-minus = {ANGLES[0]}",
        f"#: theta-plus = {ANGLES[1]}",
        f"#: loss = {LOSS}",
        f"#: path-phase = {PATH_PHASE}",
        f"#: lo-phase = {LO_PHASE}",
        f"#: efficiency = {EFFICIENCY}",
        '#: initial = "ground"',
        "time [us],cosine [s^0.5],sine [s^0.5]",
        *(
            f"{STEP * TOGETHER * (number + 1):.2f},{cosine:.6g},{sine:.6g}"
            for number, (cosine, sine) in enumerate(1e-3 * record)
        ),
    ]


if __name__ == "__main__":
    PATH.parent.mkdir(exist_ok=True)
    PATH.write_text("\n".join([*lines(simulated(INTERVALS)), ""]), encoding="utf-8")
