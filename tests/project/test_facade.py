"""The facades: public names, how they are loaded, and how they work from a user's directory."""

import inspect
import pydoc
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

import cascade_steering as cs
from cascade_steering.sim.facade import attach, public_names
from tests.support.public_names import ROOT, declared, defined, modules

# a change of these is a change of what users rely on
SIM = [
    "Bath", "Cascade", "Cavity", "Component", "Controller", "DensityState", "Detection", "Detector", "Effect",
    "Filtered", "Fock", "Gaussian", "GaussianApproximation", "InitialState", "LaboratoryNode", "LaboratoryPair",
    "LinearModel",
    "NoSteadyStateError", "Node", "Oscillator", "Quadratic", "QutipSME", "Readout", "RecordFilter", "Save",
    "Schedule", "TimeGrid", "UnphysicalStateError", "UnstableError", "Verification", "WorkersLostError",
    "beam_splitter", "cavity", "chain", "coherent_drive", "coherent_state", "concatenate", "conditional_state",
    "controlled_moments", "controlled_steady_root", "demodulated", "density_state", "detect", "direct",
    "filter_record", "force", "grid_for", "ground_state", "heterodyne", "homodyne", "interaction", "lab", "label",
    "loss", "oscillator", "phase_shift", "quanta", "relaxation_time", "retrodict_record", "rwa", "sampled_direct",
    "sampled_feedback", "sampled_ideal", "sampled_lqg", "save", "series", "sideband_oscillator", "simulate",
    "smoothed_states", "squeezed_state", "squeezer", "state_of", "stationary_state", "steady_effect",
    "steady_state", "thermal_bath", "thermal_state", "transient", "true_states", "unlit", "weak_values",
    # engines of one's own, and runs on disk
    "RunDirectory", "Trajectories", "merge", "standard_normals",
    "Counter", "FockCounting", "Heralded", "StateInFrame", "herald", "Polynomial", "duffing", "kerr",
]  # fmt: skip
ANALYSIS = [
    "Elimination", "Ensemble", "Estimate", "Extreme", "Feedback", "FeedbackResult", "FilteredResult", "FitResult",
    "InformationResult", "Judge", "LaboratorySetup", "LogLikelihood", "Network", "NetworkSearch", "Optimum",
    "OptimumResult", "PastStates", "PlanResult", "Posterior", "PulseResult", "PulseSearch", "Record",
    "RecordsAlone", "SampledTransient", "ScanResult", "Search", "Simulated", "SteadyResult", "Steered", "Steering",
    "Transient", "TransientResult", "WorkingPoint", "best_network", "best_order", "best_points", "best_pulse",
    "best_pulses", "conditional_steering", "epr_variance", "extreme", "fastest_pulse", "fault_of", "feedback",
    "gaussian_steerability", "inferred_covariance", "key_rate", "logarithmic_negativity", "needed_pieces",
    "network_steering", "open_record", "open_result", "optimal_gains", "read_network", "read_setup", "regime",
    "relative_improvement", "sampled_transient", "save_record", "scan", "steady", "steering_parameter",
    "steering_transient", "treated", "unconditional_steering", "verify_by_records", "with_faults",
    # figures
    "RegimeMap", "Trajectory", "animate_trajectory", "draw_means", "draw_phase_space", "draw_record", "draw_steering",
    "draw_wigner", "regime_map", "save_figure",
    # beyond second moments
    "HomodyneSetting", "NonGaussianSteering", "OutcomeSteering", "expected_law", "local_outcomes",
    "non_gaussian_steering", "verify_non_gaussian",
    # from the numbers of a laboratory
    "error_budget", "preset_names", "preset_text", "prospects", "setup_of",
]  # fmt: skip
PACKAGES = {"sim": SIM, "analysis": ANALYSIS}


@pytest.mark.parametrize(("package", "names"), PACKAGES.items(), ids=list(PACKAGES))
def test_public_names_are_these(package: str, names: list[str]) -> None:
    module: ModuleType = getattr(cs, package)
    assert sorted(module.__all__) == sorted(names)
    assert set(names) <= set(dir(module))
    assert set(names) <= set(dir(cs))


def test_no_name_is_in_both_packages() -> None:
    assert set(SIM) & set(ANALYSIS) == set()
    assert sorted(cs.__all__) == sorted([*SIM, *ANALYSIS])


@pytest.mark.parametrize("name", [*SIM, *ANALYSIS])
def test_a_public_name_is_that_of_its_module_and_says_what_it_is(name: str) -> None:
    package = cs.sim if name in SIM else cs.analysis
    module = import_module(public_names(str(package.__file__))[name])
    found = getattr(cs, name)
    assert found is getattr(package, name) is getattr(module, name)
    assert found.__module__ == module.__name__
    assert inspect.getdoc(found)
    # what a dataclass without a docstring has
    assert not str(found.__doc__).startswith(f"{name}(")
    assert name in module.__all__


def test_all_of_a_module_is_what_it_defines() -> None:
    wrong = [path.relative_to(ROOT).as_posix() for path in modules() if declared(path) != defined(path)]
    assert wrong == [], "python -m tests.support.public_names puts it right"


def test_examples_of_the_help_name_what_is_there() -> None:
    pages = {name: str(inspect.getdoc(getattr(cs, name))) for name in cs.__all__}
    pages |= {f"WorkingPoint.{name}": str(inspect.getdoc(each)) for name, each in vars(cs.WorkingPoint).items()}
    used = {name: set(re.findall(r"\bcs\.(\w+)", page)) for name, page in pages.items()}
    assert {name for names in used.values() for name in names} <= set(cs.__all__)
    # what is used most has an example
    for name in ("WorkingPoint", "simulate", "Save", "series", "detect", "scan", "Steered", "steady", "open_record"):
        assert used[name], name


def test_other_names_are_refused() -> None:
    load, _, _ = attach("cascade_steering.sim", {"Bath": "cascade_steering.sim.parameters"})
    assert load("Bath") is cs.Bath
    with pytest.raises(AttributeError, match=r"^module 'cascade_steering\.sim' has no attribute 'numpy'$"):
        load("numpy")
    with pytest.raises(ImportError, match="cannot import name 'nothing'"):
        from cascade_steering import nothing  # noqa: F401


def test_help_is_of_this_package_and_not_of_numpy() -> None:
    for subject in (cs, cs.sim, cs.analysis, cs.WorkingPoint, import_module(cs.Simulated.__module__)):
        page = pydoc.render_doc(subject, renderer=pydoc.plaintext)
        assert str(inspect.getdoc(subject)).splitlines()[-1] in page
        assert "class ndarray" not in page
        assert "ufunc" not in page


def run(code: str, folder: Path) -> str:
    """The output of ``code`` in a folder that has files with the names of our folders."""
    for name in ("sim.py", "analysis.py"):
        (folder / name).write_text("raise ImportError('the user has a module of this name')\n", encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("package", ["cascade_steering", "cascade_steering.sim", "cascade_steering.analysis"])
def test_a_facade_loads_nothing_that_takes_time(package: str, tmp_path: Path) -> None:
    # these three take all of the time that anything here takes to import
    found = run(f"import sys, {package}; print({{'numpy', 'click', 'xarray'}} & set(sys.modules))", tmp_path)
    assert found == "set()\n"


def test_a_command_loads_what_it_needs(tmp_path: Path) -> None:
    # each takes a tenth of the time of ``steering steady``, which searches nothing and estimates nothing
    slow = "{'scipy', 'numba', 'xarray', 'matplotlib', 'qutip'}"
    found = run(f"import sys, cascade_steering.analysis.cli.run; print({slow} & set(sys.modules))", tmp_path)
    assert found == "set()\n"


@pytest.mark.few(2)
@pytest.mark.parametrize(
    ("code", "printed"),
    [
        ("from cascade_steering.sim import Bath; print(Bath(linewidth_hz=2, occupation=0).linewidth_hz)", "2\n"),
        ("from cascade_steering.analysis import regime; print(regime(0.4, 0.6))", "one-way (- steers +)\n"),
        ("import cascade_steering as cs; print(cs.sim.ground_state().name, cs.ground_state(3).covariance.shape)",
         "ground (6, 6)\n"),
        ("import cascade_steering as cs; print(round(cs.WorkingPoint().steady().d['plus_given_minus'], 6))",
         "0.048034\n"),
    ],
    ids=["sim", "analysis", "cs", "point"],
)  # fmt: skip
def test_one_line_does(code: str, printed: str, tmp_path: Path) -> None:
    assert run(code, tmp_path) == printed


def test_a_star_is_every_public_name() -> None:
    found: dict[str, object] = {}
    exec("from cascade_steering import *", found)
    assert found.keys() - {"__builtins__"} == set(cs.__all__)
    assert all(found[name] is getattr(cs, name) for name in cs.__all__)


def test_the_package_is_the_command(tmp_path: Path) -> None:
    line = [sys.executable, "-m", "cascade_steering", "--help"]
    assert "steady" in subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
