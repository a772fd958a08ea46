"""Whether the parts that workers compile are all that a search compiles."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import sys
from numba.core import event

compiled = []


class Compiled(event.Listener):
    def on_start(self, found):
        compiled.append(found.data["dispatcher"].py_func.__qualname__)

    def on_end(self, found):
        pass


from cascade_steering.analysis.working_points.optimum import Search, best_points
from cascade_steering.analysis.working_points.searching.compiled_parts import compile_in_parallel
from cascade_steering.sim.parameters import Bath

search = Search(c_minus=5.0, bath_minus=Bath.named("hot"), bath_plus=Bath.named("vacuum"))
compile_in_parallel(search.region(conditional=True), 2)
event.register("numba:compile", Compiled())
for conditional in (False, True):
    best_points(search, conditional=conditional)
print(compiled)
"""


@pytest.mark.long
def test_a_search_compiles_nothing_after_its_parts(tmp_path: Path) -> None:
    cache = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    finished = subprocess.run([sys.executable, "-c", CODE], env=cache, capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == "[]"
