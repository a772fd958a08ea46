"""Common to tests of the command line: how an answer is read, and options that are quick."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cascade_steering.analysis import cli

BOTH = ("E_plus_given_minus", "E_minus_given_plus")
# a point of small occupation, which a handful of Fock levels holds for a short while
COLD = (
    "--bath-minus", "1,0.1", "--bath-plus", "1,0.1", "--c-minus", "1", "--c-plus", "1.5", "--theta-minus", "0.4",
    "--theta-plus", "0.45", "--duration", "0.1", "--saves", "2",
)  # fmt: skip
QUICK_COMPARE = (
    "--bath-plus", "vacuum", "--bath-minus", "vacuum", "--c-minus", "3", "--lo-phase", "0.5", "--trajectories", "20",
    "--jobs", "1",
)  # fmt: skip

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(cli.__file__).parents[2])}


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str

    @property
    def report(self) -> dict[str, Any]:
        """The single JSON object on standard output, which must not contain NaN or infinity."""

        def refuse(constant: str) -> None:
            raise AssertionError(f"{constant} is no JSON")

        found: dict[str, Any] = json.loads(self.out, parse_constant=refuse)
        assert isinstance(found, dict)
        assert self.out.count("\n") == 1
        return found


Run = Callable[..., Answer]
